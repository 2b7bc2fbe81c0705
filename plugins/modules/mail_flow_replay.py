#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_replay
short_description: What mail flow rules would have done to real mail
version_added: 1.0.0
description:
  - >-
    Takes the message trace of the last days through mail flow rules, and counts how many copies they protect, and
    where. With O(compare_with) or O(add_rules), it counts what a change of the rules would have changed. It writes nothing and keeps
    nothing.
  - >-
    A trace shows sender, recipient, subject, size and time of each copy, and nothing else. What rules ask beyond that,
    such as the text or attachments, is counted as undecided, with the reason. A copy counts as certain only if
    M(m365.message_encryption.mail_flow_test) says the same of every message that fits its row.
  - >-
    No row says how a message arrives protected, or that it was forwarded by a rule of a mailbox, or is an automatic reply
    or a meeting item. Messages are taken as ordinary ones that arrive unencrypted and have fewer than 200 recipients,
    and attachments as no larger than their messages. The To and Cc fields of mail from inside name only its
    recipients. RV(assumes) says so. Where a row shows that a message may be another one, since it has no return path,
    its subject begins like that of an automatic reply, or it came from outside and leaves again, that is undecided.
  - >-
    A delivered copy was neither rejected nor deleted nor quarantined. So a rule that would have done that did not match it, also
    one about attachments or the text, and that is known of the copy under other rules, too. It takes the organization's own rules,
    read of it, and mail that came when such a rule and those before it were as they are now. RV(assumes) says so.
  - RV(difference) and RV(guarantees) are about all copies that a message makes, also those that rules make for others
    by copying, redirecting, or adding the sender's manager. Everything else is about the copies of the trace.
  - Reports, approvals, texts, spam levels and connectors that a change adds or takes away are counted as
    V(side_effect_changed). How mail leaves, such as over TLS, is not counted.
  - No address and no subject is in the result, unless O(examples) asks for them. Domains of recipients and names of
    rules are.
  - Reading the trace needs the role Message Tracking or View-Only Recipients, or a permission of Microsoft Graph
    (O(trace_source)). O(trace) needs none.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.transport_rule.proposed
  - m365.message_encryption.transport_rule.added
  - m365.message_encryption.mail_flow.trace
  - m365.message_encryption.mail_flow.source
  - m365.message_encryption.mail_flow.observations
options:
  days:
    description: The days of mail to read, 1 to 90. Exchange keeps 90 days. Not used with O(trace).
    type: int
    default: 7
  until:
    description:
      - The end of these days, as ISO 8601 text, in UTC unless it names a zone. The default is 4 hours ago, since
        younger rows still change.
      - To continue a reading that was cut, give the C(from) of the RV(window) that it returned.
    type: str
  guarantees:
    description: Guarantees as in M(m365.message_encryption.mail_flow_test). Copies that keep them, break them or are
      undecided are counted.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the guarantee in the result. Names must be unique.
        type: str
        required: true
      when:
        description: The mail that it covers, like the conditions of a rule in
          M(m365.message_encryption.ome_transport_rule). The default is all mail.
        type: dict
      unless:
        description: The mail that it does not cover, like the exceptions of a rule.
        type: dict
      then:
        description: What must be true of every copy. See M(m365.message_encryption.mail_flow_test).
        type: str
        required: true
        choices: [encrypted, not_in_clear, not_in_clear_if_delivered, portal, delivered, unencrypted]
      template:
        description: The one template that counts as protection. Only with V(encrypted), V(not_in_clear) and
          V(not_in_clear_if_delivered).
        type: str
      expires_within_days:
        description: After how many days mail has to expire in the portal at the latest. Only with V(portal).
        type: int
      copies:
        description: Which copies count that rules make of the mail for others. See
          M(m365.message_encryption.mail_flow_test).
        type: str
        choices: [all, outside, recipients_only]
  compare_with:
    description: The rules before the change, as a list like O(rules) or as a file like O(source). The result then has
      RV(difference).
    type: raw
  domains:
    description: How many of the recipients' domains RV(domains) and each row of RV(difference) name, 0 to 1000.
    type: int
    default: 10
seealso:
  - module: m365.message_encryption.mail_flow_test
  - ref: What a change would have done to last week's mail <ansible_collections.m365.message_encryption.docsite.guide_last_weeks_mail>
    description: A guide to this module.
"""

EXAMPLES = r"""
- name: What do today's rules do to the mail of a week?
  m365.message_encryption.mail_flow_replay:

- name: The same for a month, from Microsoft Graph
  m365.message_encryption.mail_flow_replay:
    days: 30
    trace_source: graph

- name: Who is concerned? The result is hidden, and only the variable has the examples
  m365.message_encryption.mail_flow_replay:
    compare_with: before.yml
    examples: 5
  register: week

- name: Keep the examples where only you can read them
  ansible.builtin.copy:
    content: "{{ week.difference | to_nice_json }}"
    dest: ~/examples.json
    mode: "0600"
  delegate_to: localhost
  no_log: true

- name: What would one more rule have changed?
  m365.message_encryption.mail_flow_replay:
    add_rules:
      - name: Encrypt mail to the partner
        enabled: true
        mode: Enforce
        place_before: Encrypt all outgoing mail
        conditions:
          from_scope: InOrganization
          recipient_domain_is: [fabrikam.com]
        exceptions: {}
        actions:
          apply_rights_protection_template: Encrypt
          stop_rule_processing: true

- name: What would a rule set have done to the mail in a file, without asking an organization?
  m365.message_encryption.mail_flow_replay:
    trace: [message_trace.csv]
    rules:
      - name: Encrypt mail to the partner
        enabled: true
        mode: Enforce
        conditions:
          from_scope: InOrganization
          recipient_domain_is: [fabrikam.com]
        exceptions: {}
        actions:
          apply_rights_protection_template: Encrypt
    compare_with: []
    facts:
      accepted_domains: [contoso.com]
      remote_domains: []
      inbound_connectors: []
      mail_users: []
"""

RETURN = r"""
msg:
  description: A summary in a few lines.
  returned: always
  type: str
  sample: "12,345 copies of 8,901 messages, 2026-11-18T14:00 to 2026-11-25T14:00 UTC."
window:
  description: >-
    The time of the mail, as C(from) and C(until), and whether it is C(complete). If it is not, C(reason) says why.
    Where Exchange or Microsoft Graph was asked, everything after C(from) was read. Files without rows have no time.
  returned: success
  type: dict
counts:
  description: >-
    How many C(copies), C(messages) and C(recipients) were read, and how many copies were C(left_out), by reason,
    V(expanded), V(failed), V(quarantined), V(none), V(recalled), V(system), V(unknown_status) or
    V(no_address). A quarantined copy that another row calls delivered was released, and is not left out; whether the
    others were released since, the trace does not say. C(perhaps_twice) is the most copies that may be counted twice,
    because files name messages differently and have no MessageId. With O(compare_with) or O(add_rules), also how many copies are
    C(changed), C(certain) and C(possible), each once, in however many ways, and how many of the possible ones if they are C(plain).
  returned: success
  type: dict
outcome:
  description: >-
    What certainly happens to copies, each row with C(fate), C(protection), C(protected_by) and C(protected_by_dlp) as in
    M(m365.message_encryption.mail_flow_test), C(copies), and, with O(examples), C(examples), each with C(from), C(to),
    C(subject) and C(received). With RV(undecided) and the copies left out, they are all that were read. C(contradicted) has sentences about
    test messages that contradicted what is computed of C(protected_by), or of any rule where no rule protects (O(observations)): the row is not
    certain then.
  returned: success
  type: list
  elements: dict
undecided:
  description: >-
    The other copies, each counted once in C(copies), by C(reason), V(body), V(attachment), V(header), V(to_or_cc),
    V(scl), V(type), V(classification), V(importance), V(label) (a sensitivity label, which may protect the copy),
    V(envelope), V(from_ip) (FromIP is missing or empty in their rows), V(membership), V(address), V(recipients) (rows of other
    recipients may be missing), V(size), V(subject_changed), V(subject_cut), V(kinds) (too many copies meet
    different rules to follow all of them), V(dlp) (DLP rules and labels may protect the copy, or keep it back) or
    V(semantics). C(id) is the
    number of the open question about Exchange, if there is one, C(rules) are those that may apply, and C(settled_by)
    says how to find out. With O(examples), C(examples) as in RV(outcome).
  returned: success
  type: list
  elements: dict
plain:
  description: >-
    What becomes of copies of RV(undecided) if they are plain, each row as in RV(outcome). A plain message has no text
    but its subject, no attachment, no header that senders or gateways add, no classification and no label, its
    importance is normal, its spam confidence level is 0, and DLP finds nothing in it. C(rules) are those that would
    have to find something in the message for it to be treated otherwise, and C(because) are the reasons, as in
    RV(undecided), that this settles. Where DLP rules or labels would have to find something, V(dlp) is among them.
  returned: success
  type: list
  elements: dict
days:
  description: For each C(date), how many copies are C(protected) by rules, C(not_by_rules) (those that DLP rules alone
    protect among them), C(undecided) and C(not_delivered).
  returned: success
  type: list
  elements: dict
domains:
  description: The same for the domains of recipients with the most copies, by C(name).
  returned: success
  type: list
  elements: dict
difference:
  description: >-
    What the change changes, most important first. Each row has C(kind) as in M(m365.message_encryption.mail_flow_test),
    how many copies are C(certain), and how many more are C(possible), those that rules make included, C(because) of
    what these are no more than possible (reasons as in RV(undecided)), C(plain) (how many of these are C(certain) if they are
    plain, as in RV(plain), and how many are C(possible) even so), how many C(senders) they have, C(domains)
    (C(name), C(certain), C(possible)), C(more_domains) (how many are not named), the C(rules) that make the difference,
    and, with O(examples), C(examples) as in RV(outcome). C(contradicted) is there if test messages contradicted what is computed of its
    C(rules).
  returned: with O(compare_with) or O(add_rules)
  type: list
  elements: dict
guarantees:
  description: How many copies keep (C(kept)) and break (C(broken)) each guarantee, those that rules make included,
    and of how many that is C(undecided), by C(name). With O(examples), C(examples), as in RV(outcome), of copies that
    break it. C(contradicted) is there if test messages contradicted what is computed.
  returned: with O(guarantees)
  type: list
  elements: dict
assumes:
  description: What the numbers take as given, each with C(id), and C(text) where it is no numbered assumption of
    M(m365.message_encryption.mail_flow_test). C(copies) says how many copies rest on it. It
    is not there for what all copies rest on, nor for a numbered assumption, which answers conditions of rules and not copies.
  returned: success
  type: list
  elements: dict
encrypted_otherwise:
  description: How much something besides the rules encrypts, as M(m365.message_encryption.mail_flow_evidence) returns it.
  returned: if the present rules of an organization are replayed, and its own trace
  type: dict
observed:
  description: >-
    What was observed in this organization, each with C(id) (the number of the question), C(answer), C(seen) (the date) and C(text). Where observations do
    not count, C(left_out) is V(old), V(changed) or V(contradictory) instead. A test message that contradicted what is computed has its parts in
    C(contradicted), the C(rules) that acted on it, C(seen), C(experiment) and C(text).
  returned: with O(observations)
  type: list
  elements: dict
proposed:
  description: Whether the rules are proposed ones, O(rules) or O(add_rules). The counts then say what they would do.
  returned: where they are
  type: bool
unseen:
  description: What may encrypt mail, or take its protection away, and was neither read nor told, V(dlp), V(labels) and
    V(encrypt_button). So the counts say what rules do, and nothing else.
  returned: success
  type: list
  elements: str
  sample: [dlp, labels, encrypt_button]
unavailable:
  description: Facts that could not be read, each with the reason.
  returned: success
  type: dict
"""

import datetime
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    changes_of,
    unchanged_since,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.encryption import (
    read_encryption,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.added_rules import (
    ADDED_RULES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    GUARANTEES_ARGUMENT_SPEC,
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    OBSERVATIONS_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    RULES_ARGUMENT_SPEC,
    MailFlowContext,
    TestedRules,
    compared_rules,
    given_facts,
    settings_before,
    tested_rules,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import numbers_told
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import (
    OLDEST,
    TRACE_ARGUMENT_SPEC,
    TRACE_EXCLUSIVE,
    TRACE_RANGES,
    check_ranges,
    read_trace,
    reader_of,
    until_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.contradicted import (
    certainty_of_counts,
    replay_with_contradicted,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.observed import (
    observed_lines,
    observed_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    COMPLETE,
    replay_lines,
    replay_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import screen_of

#: Guarantees about how mail arrives and leaves are of what a trace does not tell.
_GUARANTEE = {
    **{name: option for name, option in GUARANTEES_ARGUMENT_SPEC["options"].items() if name != "tls_validation"},
    "then": {
        **GUARANTEES_ARGUMENT_SPEC["options"]["then"],
        "choices": [then for then, wish in WISHES.items() if wish.traced],
    },
}

SPEC: dict[str, Any] = {
    "argument_spec": {
        **TRACE_ARGUMENT_SPEC,
        "guarantees": {**GUARANTEES_ARGUMENT_SPEC, "options": _GUARANTEE},
        "rules": RULES_ARGUMENT_SPEC,
        "add_rules": ADDED_RULES_ARGUMENT_SPEC,
        "source": {"type": "path"},
        "compare_with": {"type": "raw"},
        "domains": {"type": "int", "default": 10},
        **OBSERVATIONS_ARGUMENT_SPEC,
    },
    "mutually_exclusive": [["rules", "source"], TRACE_EXCLUSIVE],
}


def run(task: MailFlowContext) -> dict[str, Any]:
    """Replays the trace through the rules."""
    params, now = task.params, datetime.datetime.now(datetime.UTC)
    check_ranges(params, {**TRACE_RANGES, "domains": (0, 1000)})
    until = until_of(params["until"], now)
    guarantees = declared_guarantees(params["guarantees"] or [])
    reader = reader_of(task)
    facts_of(given_facts(params))
    others, other_facts = compared_rules(task)
    tested = tested_rules(task, (), others, guarantees, every_fact=True, compliance=True)
    rules, facts = tested.rules, tested.facts
    others = tested.without if others is None else others
    known = facts_of(facts)
    before = known.with_irm_configuration(settings_before(facts, params["facts"] or {}, other_facts))
    trace, window = read_trace(
        task, reader, max(until - datetime.timedelta(days=params["days"]), now - datetime.timedelta(days=OLDEST)), until
    )
    # A file may be of another time than the report, and proposed rules encrypted nothing.
    proposed = params["rules"] is not None or bool(params["add_rules"])
    is_present = not params["trace"] and not proposed and not params["source"]
    report = read_encryption(task.session, window.begin, window.until) if window and is_present else None
    adds, compares = tested.without is not None, params["compare_with"] is not None
    asked = Replay(
        rules,
        known,
        others,
        before,
        guarantees,
        params["examples"],
        present=-1 if adds and not compares else 0,
        # Neither rules with added ones nor those of a file are the present ones.
        since=[] if adds and compares else _since(tested),
    )
    replayed = asked.run(trace)
    names = [rule.name for rule in (*rules.rules, *(others.rules if others else ()))]
    replay = replay_row(
        replayed,
        window,
        compared=others is not None,
        guaranteed=bool(guarantees),
        domains=params["domains"],
        rules=names,
        report=report,
        proposed=proposed,
    )
    if params["trace_complete"]:
        replay = replace(replay, assumes=(*replay.assumes, COMPLETE))
    seen = observed_rows(tested.observed)
    replay = replay_with_contradicted(replay, seen)
    lines = replay_lines(replay)
    msg = screen_of(lines, [*numbers_told(lines), *observed_lines(seen), *certainty_of_counts(seen)])
    observed = {"observed": [row.as_row() for row in seen]} if params["observations"] else {}
    return {"changed": False, **replay.as_row(), **observed, "unavailable": tested.unavailable, "msg": msg}


def _since(tested: TestedRules) -> list[int | None]:
    """For each rule of the organization, without those that the task adds: since when mail meets it as it is now, in
    microseconds. Empty if the rules were not read of an organization.
    """
    if tested.organization is None:
        return []
    present = tested.rules if tested.without is None else tested.without
    return unchanged_since(present.rules, changes_of(tested.organization))


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
