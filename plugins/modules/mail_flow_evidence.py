#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_evidence
short_description: What Exchange reports of mail flow rules, beside what was computed
version_added: 1.0.0
description:
  - >-
    Reads the message trace of some days and what Exchange reports of the rules in the same days, and compares them copy
    by copy with what M(m365.message_encryption.mail_flow_replay) computes. It writes nothing and keeps nothing.
  - >-
    A copy on which a rule certainly acts and that is not reported, or that is reported and on which the rule cannot
    act, is a contradiction: a finding about this collection, a fact, or an answer about Exchange that it takes for
    likely. What cannot be computed of a copy contradicts nothing. The report settles it.
  - >-
    A rule is compared only if nothing that matters changed in these days or in the hour before: the rule itself, the
    rules before it, later rules of which nothing is reported and nothing need be, remote domains, and inbound
    connectors. A later rule that changed must be reported of a copy from before its change. Accepted domains have
    no date and are taken as unchanged (RV(assumes)). Copies of the hour after a rule began or ended by its dates are
    left out. The days must have ended 24 hours ago, because reports come hours
    late. Otherwise, the result says why it is not compared.
  - >-
    A delivered copy was neither rejected nor deleted by a rule, nor quarantined by one of which Exchange reports each copy, if it
    does not report this one. So a rule about attachments that rejects or quarantines leaves delivered copies certain. Give rules that
    quarantine a severity.
  - >-
    It does the same of the DLP rules that act on mail (RV(dlp)), if Purview's compliance endpoint shows them, and Exchange
    still has their report. Only a DLP rule that looks at sender, recipient and access scope alone is certain, and only on
    copies that no other DLP rule may match. A copy on which it is certain contradicts only if the report names another
    copy of its message, or another rule. A DLP rule is compared only if in these days, and in the hour before, no DLP
    policy or rule, no mail flow rule and no fact changed.
  - Exchange reports that a rule acted. How it reports encryption is not documented, so no result says that mail was
    encrypted.
  - No address and no subject is in the result, unless O(examples) asks for them.
  - >-
    It reads C(Get-MailDetailTransportRuleReport), C(Get-MailDetailDlpPolicyReport), C(Get-MailTrafficEncryptionReport)
    and C(Get-MessageTraceDetailV2) beside the message trace. Microsoft does not document the role for the reports. What
    is not granted, or retired, is in RV(unavailable).
  - >-
    DLP policies and labels are read from Purview's compliance endpoint where that is granted; see
    O(m365.message_encryption.exchange#connection:exchange_compliance). What is not read is in RV(unseen).
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
  - m365.message_encryption.mail_flow.trace
  - m365.message_encryption.mail_flow.observations
attributes:
  platform:
    platforms: Exchange Online
options:
  days:
    description: The days of mail to compare, 1 to 10. Exchange reports 10 days. Not used with O(trace).
    type: int
    default: 7
  until:
    description: The end of these days, as ISO 8601 text, in UTC unless it names a zone. The default is 24 hours ago,
      since reports come hours late.
    type: str
  rules:
    description: The names of the rules to compare. By default, all that protect and all that are in a test mode.
    type: list
    elements: str
  sample:
    description:
      - How many copies to look at in detail, 0 to 100. Those that contradict come first, then those that are reported.
      - Each takes a query, and Exchange allows 100 in 5 minutes.
    type: int
    default: 20
seealso:
  - module: m365.message_encryption.mail_flow_replay
  - module: m365.message_encryption.mail_flow_test
  - ref: What Exchange says that the rules did <ansible_collections.m365.message_encryption.docsite.guide_last_weeks_mail.evidence>
    description: A guide to this module.
"""

EXAMPLES = r"""
- name: Does Exchange report what was computed?
  m365.message_encryption.mail_flow_evidence:

- name: What would the rule in test mode have done in the last three days?
  m365.message_encryption.mail_flow_evidence:
    days: 3
    rules: [Encrypt mail to the partner]
  register: evidence

- name: Contradictions are findings
  ansible.builtin.assert:
    that: evidence.rules | map(attribute='contradictions') | flatten | length == 0
"""

RETURN = r"""
msg:
  description: A sentence for each rule.
  returned: always
  type: str
  sample: "Exchange reports that 'Encrypt mail to the partner' acted on 412 copies; 409 were certain, 31 uncertain, none
    contradicts."
window:
  description: >-
    The time of the mail, as C(from) and C(until), and whether its trace is C(complete). If not, C(reason) says why, and
    everything after C(from) was read.
  returned: success
  type: dict
copies:
  description: How many copies were computed. Rejected ones, ones for groups, and those of the service itself are not.
  returned: success
  type: int
rules:
  description: The rules that were looked at, first to last.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The rule's name.
      type: str
      returned: always
    guid:
      description: Its GUID.
      type: str
      returned: always
    mode:
      description: Its mode.
      type: str
      returned: always
    reported:
      description: The copies on which Exchange reports that it acted, or, in a test mode, would have acted.
      type: int
      returned: if the report could be read
    predicted:
      description: The copies on which it acts as computed, C(certain), and the further ones on which it may,
        C(possible).
      type: dict
      returned: always
    comparable:
      description: Whether it was compared.
      type: bool
      returned: always
    reason:
      description: Why it was not compared, as a sentence.
      type: str
      returned: if it was not compared
    why:
      description: >-
        The same as a word, V(refused) (the report could not be read), V(young) (the window ended less than 24 hours
        ago), V(changed) (something that matters changed in the window), V(late) (nothing is reported of mail as new as
        this), or V(silent) (nothing is reported of the rule, and its C(set_audit_severity) is V(DoNotAudit) or not set).
      type: str
      returned: if it was not compared
    compared:
      description: >-
        Copies that could contradict, as the rule certainly acts on them, or is reported. Without any, nothing agrees.
      type: int
      returned: if it was compared
    settled:
      description: Of the C(possible) copies, those on which it C(acted) and did not act (C(not_acted)) as reported.
      type: dict
      returned: if it was compared
    contradictions:
      description: >-
        By C(kind), V(not_reported) (certain, and not reported) or V(not_predicted) (reported, and computed as
        impossible), how many C(copies), on which open questions about Exchange that rests for some of them (C(ids)),
        and C(examples) if asked for.
      type: list
      elements: dict
      returned: always
    left_out:
      description: >-
        Reported copies that are not computed, such as rejected ones, and those on which one of RV(strangers) acted,
        too, or another rule that changed in the window, those of the hour after a rule began or ended by its dates,
        and those of messages of which a row of the report names no recipient.
      type: int
      returned: if there are any
    untraced:
      description: Reported copies that the trace does not have.
      type: int
      returned: if there are any
    late:
      description: Certain copies that are newer than all that is reported. They are not compared.
      type: int
      returned: if there are any
    text:
      description: The rule's sentence in RV(msg).
      type: str
      returned: always
strangers:
  description: Names of rules in the report that no present rule has. Copies on which one acted are not computed,
    because it may have kept them from others.
  returned: success
  type: list
  elements: str
dlp:
  description: >-
    What Exchange reports of DLP rules. C(window) has C(from) and C(until): their report has 7 days. C(strangers) has the names
    in it that no present DLP rule has.
  returned: if DLP policies were read or told, and one acts on mail
  type: dict
  contains:
    rules:
      description: >-
        The DLP rules that act on mail, first to last, with the keys of RV(rules) and C(policy), their policy's name. C(mode) is
        the policy's. C(late) has the certain copies of messages of which nothing is reported. A rule with no others is not
        compared, and C(why) is V(late): it is not documented whether the report has all DLP rules.
      type: list
      elements: dict
      returned: always
  sample:
    window: {from: "2026-11-20T12:00:00Z", until: "2026-11-26T12:00:00Z"}
    rules: []
    strangers: []
encryption:
  description: >-
    What Exchange counts as encrypted, whatever encrypted it, for each C(date). These are messages that a C(policy) and
    that people (C(manual)) encrypted, and the C(copies) of both. Whether rules, labels and data loss prevention all
    count as policy is not documented.
  returned: if the report could be read
  type: list
  elements: dict
encrypted_otherwise:
  description: >-
    How much something besides the rules encrypts, in messages. C(otherwise) of C(messages) in C(days) is C(policy), at
    least so many that Exchange counts as encrypted by a policy and no rule may have encrypted, and C(manual), those
    that people encrypted. C(reported) has Exchange's own counts of both, C(explained) the messages that rules
    C(certain)ly encrypt, and these with those that they may encrypt (C(possible)), and C(text) the sentence in RV(msg).
    If the report could not be read, there is only the C(text), which says why.
  returned: success
  type: dict
  sample:
    days: 7
    messages: 1000
    otherwise: 12
    policy: 10
    manual: 2
    reported: {policy: 413, manual: 2}
    explained: {certain: 403, possible: 403}
    text: >-
      Encrypted, but not by rules: 12 of 1,000 messages in 7 days (by policy 10, by people 2). Exchange counts 413 by
      policy; rules encrypt 403.
sample:
  description: >-
    The copies that were looked at in detail, equal ones together. C(rules) that acted, the version of C(tls), and the
    C(connector), as Exchange wrote them, and the number of C(copies).
  returned: success
  type: list
  elements: dict
assumes:
  description: What the comparison takes as given, each with C(id) and C(text).
  returned: success
  type: list
  elements: dict
raw:
  description: Columns of the reports that are not documented, each once, with C(report) and C(column), and, with
    O(examples), the first C(value).
  returned: if there are any
  type: list
  elements: dict
observed:
  description: >-
    What was observed in this organization, each with C(id) (the number of the question), C(answer), C(seen) (the date) and C(text). Where observations do
    not count, C(left_out) is V(old), V(changed) or V(contradictory) instead. A test message that contradicted what is computed has its parts in
    C(contradicted), the C(rules) that acted on it, C(seen), C(experiment) and C(text).
  returned: with O(observations)
  type: list
  elements: dict
unseen:
  description: What may encrypt mail, or take its protection away, and was neither read nor told, V(dlp), V(labels) and
    V(encrypt_button). What was computed is about rules alone.
  returned: success
  type: list
  elements: str
  sample: [dlp, labels, encrypt_button]
unavailable:
  description: Facts and reports that could not be read, each with the reason.
  returned: success
  type: dict
"""

import datetime
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    changes_of,
    dlp_changes_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Comparison,
    chosen,
    read_evidence,
    window_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import OLDEST
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.tally import REPORTED_AFTER
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    OBSERVATIONS_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
    given_facts,
    observed_for,
    organization_rules,
    with_observed,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import (
    QUERIES,
    TRACE_ARGUMENT_SPEC,
    TRACE_EXCLUSIVE,
    TRACE_RANGES,
    check_ranges,
    read_trace,
    reader_of,
    until_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    evidence_lines,
    evidence_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.observed import (
    observed_lines,
    observed_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    COMPLETE,
    twice_sentence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import screen_of

SPEC: dict[str, Any] = {
    "argument_spec": {
        **TRACE_ARGUMENT_SPEC,
        "rules": {"type": "list", "elements": "str"},
        "sample": {"type": "int", "default": 20},
        **OBSERVATIONS_ARGUMENT_SPEC,
    },
    "mutually_exclusive": [TRACE_EXCLUSIVE],
}


def run(task: MailFlowContext) -> dict[str, Any]:
    """Compares what Exchange reports of rules with what they do to the traced mail. The comparison is
    ``read_evidence``, which the role calls, too.
    """
    params, now = task.params, datetime.datetime.now(datetime.UTC)
    check_ranges(params, {**TRACE_RANGES, "days": (1, OLDEST), "sample": (0, QUERIES)})
    begin, until = window_of(params["days"], now, until_of(params["until"], now, REPORTED_AFTER))
    if begin >= until:
        raise OptionError(
            f"until is {params['until']!r}.",
            remedy=f"Use a time of the last {OLDEST} days: Exchange reports no older mail.",
        )
    reader = reader_of(task)
    facts_of(given_facts(params))
    organization, rules, facts, unavailable = organization_rules(task, compliance=True)
    _check_names(params["rules"], rules)
    trace, window = read_trace(task, reader, begin, until)
    if not window:
        raise OptionError("The trace files have no rows.", remedy="Export mail of the last days.")
    if trace.by_message_id:
        raise OptionError(
            "A trace file identifies messages by MessageId, but the report identifies them by MessageTraceId.",
            remedy="Export the column MessageTraceId, too.",
        )
    if trace.perhaps_twice:
        task.warnings.append(twice_sentence(trace.perhaps_twice))
    observed = observed_for(task, rules)
    seen = observed_rows(observed)
    known = facts_of(with_observed(facts, observed))
    asked = Comparison(
        trace=trace,
        window=window,
        rules=RuleSet.read(rules, known.dialect),
        facts=known,
        changes=changes_of(organization),
        dlp_changes=dlp_changes_of(organization),
        now=now,
        names=params["rules"],
        examples=params["examples"],
        sample=params["sample"],
    )
    evidence = read_evidence(task.session, asked, task.say)
    unavailable = {**unavailable, **evidence.unavailable}
    row = evidence_row(evidence, unseen=known.encrypters.unseen, examples=params["examples"], unavailable=unavailable)
    if params["trace_complete"]:
        row = replace(row, assumes=(*row.assumes, COMPLETE))
    return {
        "changed": False,
        **row.as_row(),
        **({"observed": [row.as_row() for row in seen]} if params["observations"] else {}),
        "msg": screen_of(evidence_lines(row), observed_lines(seen)),
    }


def _check_names(names: list[str] | None, rules: RuleSet) -> None:
    """Refuses names that no rule has.

    :raises OptionError: a name is none of a rule.
    """
    names_known = {rule.name.casefold() for rule in chosen(rules, names)}
    missing = [name for name in names or () if name.casefold() not in names_known]
    if missing:
        raise OptionError(
            f"The organization has no rule {', '.join(map(repr, missing))}.", remedy="Correct the option rules."
        )


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
