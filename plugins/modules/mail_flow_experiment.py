#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_experiment
short_description: Send few marked test messages, and see whether Exchange does what was computed
version_added: 1.0.0
description:
  - Sends few test messages between mailboxes that you name, waits, and puts what Exchange shows of each copy beside
    what was computed, by fate, rules and protection. It writes nothing but mail, unless O(temporary_rules) allows it
    rules of its own for the time of the experiment.
  - The messages are the ones in O(messages), and the fewest that show what O(guarantees) and O(rules) are about. In
    check mode, it shows the messages and sends none.
  - A message is only sent from one of O(senders) to O(recipients). Rules, journals and DLP policies may give others a
    copy. Who that may be is computed (of DLP policies as far as they can be read), and an experiment is refused that
    may reach somebody outside who is not in O(may_reach). A mail contact or mail user among the recipients stands for
    its external address. What a mailbox itself does, such as forwarding its mail, is not computed. Let the recipients
    be mailboxes that forward nothing; a copy for anybody else that the trace shows is a contradiction.
  - Each message is marked in its subject and by the header C(X-Message-Encryption-Experiment), asks nobody for an
    answer (C(Auto-Submitted), C(X-Auto-Response-Suppress)), is small, and says in its text what it is. What is
    computed is about the marked message. One is sent each second, and each at most once. After one that was refused,
    no other is sent.
  - A message whose answer was lost is perhaps sent, and never sent again. O(record) says what was sent, also after a
    run that was killed. Read it with O(read_only=true).
  - It reads C(Get-MessageTraceV2), C(Get-MessageTraceDetailV2) and, with O(read_only=true),
    C(Get-MailDetailTransportRuleReport). How a trace shows protection is not documented, so protection is seen in a
    delivered copy alone (O(read_copies)).
  - Moderators, journals, incident reports and DLP policies get real mail. After a change of rules, Exchange needs
    minutes to hours until it acts on mail.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
  - m365.message_encryption.mail_flow.compliance
  - m365.message_encryption.mail_flow.guarantees
attributes:
  check_mode:
    description: Shows the messages, and sends none.
    support: full
  idempotent:
    description: Each run sends messages of its own. With O(read_only=true), it sends none.
    support: none
  platform:
    platforms: Exchange Online
options:
  messages:
    description: Messages to send. What cannot be sent is named in RV(not_sent).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the message in the result. Names must be unique.
        type: str
        required: true
      eml_path:
        description:
          - A message as a file (C(.eml)). Its parts are sent as they are, and of its headers only those that describe
            them and your own. A subject that is given replaces its own. One with a calendar item or TNEF is not sent,
            because mailboxes may answer it to somebody whom it names.
          - A relative path is searched for as M(ansible.builtin.copy) does.
        type: path
      from:
        description: The sender, one of O(senders).
        type: str
      to:
        description: The recipients in the To field, of O(recipients).
        type: list
        elements: str
      cc:
        description: The recipients in the Cc field, of O(recipients).
        type: list
        elements: str
      subject:
        description: The subject, to which the mark is added.
        type: str
      body:
        description: The text, to which a line is added that says what the message is.
        type: str
      headers:
        description: Headers of your own, whose names begin with C(X-). Names with a text or a list of texts.
        type: dict
      attachments:
        description: Files of plain text. For all others, use O(messages[].eml_path).
        type: list
        elements: dict
        suboptions:
          name:
            description: The file's name. It ends in C(.txt), C(.csv) or C(.log).
            type: str
            required: true
          text:
            description: The text in it. By default, its name.
            type: str
      importance:
        description: The importance. The default is V(Normal).
        type: str
        choices: [Low, Normal, High]
      expect:
        description: The expected results, as in M(m365.message_encryption.mail_flow_test).
        type: dict
  messages_path:
    description:
      - A file with messages, as in M(m365.message_encryption.mail_flow_test), so that one file tests the computation
        and the
        organization. A message that only describes something that cannot be sent is named in RV(not_sent).
      - A relative path is searched for as M(ansible.builtin.copy) does.
    type: path
  guarantees:
    description: Guarantees as in M(m365.message_encryption.mail_flow_test). For each, the plainest message that it
      covers, one for
      each rule that protects such mail, and one for each exception that a message can meet.
  rules:
    description: Names of rules. For each, a message that it acts on, and one that it just does not act on.
    type: list
    elements: str
  questions:
    description:
      - The numbers of open questions about Exchange, such as V(U08), that the organization shall answer; V(all) for each
        of them. RV(not_sent) names those that no message tells, with what tells them.
      - V(relied_on) asks those on which a verdict about the organization rests, because it is unknown or assumes something
        without their answers. The verdicts are those on O(guarantees), or, without any, those on mail from inside to people
        outside that RV(m365.message_encryption.mail_flow_test#module:overview) has. The questions that decide the most verdicts with the
        fewest messages come first. RV(relied_on) says what each decides. What O(observations) has answered already is not asked
        again.
      - Most need O(temporary_rules). Check mode shows the messages and the rules.
      - A question is only asked if no rule of the organization can act on its messages. Otherwise RV(not_sent) names
        the rules.
    type: list
    elements: str
  temporary_rules:
    description:
      - Whether O(questions) may make mail flow rules for the time of the experiment. Only for a test organization.
      - They stand behind all other rules, act only on messages of this run from the first of O(senders), and are removed
        at the end, whatever happens. They also have an expiry date. O(record) has them, and the rules that there were
        before, before the first one is made.
      - A run that was killed leaves them. They are removed by the next run with a O(record) in the same folder, by
        O(read_only=true) with the record, by any run once they have expired, and by a rollback of the role to a snapshot.
        What cannot be removed is in RV(rules_left), and the task fails.
    type: bool
    default: false
  effective_within:
    description:
      - For how many minutes at most to wait until temporary rules act, 0 to 240. Up to six of O(max_messages) find that
        out.
      - Exchange needs minutes to hours until it acts on a new rule.
    type: int
    default: 60
  senders:
    description: The addresses from which messages may be sent, in ASCII. Required unless O(read_only=true).
    type: list
    elements: str
  recipients:
    description: The addresses to which messages may be sent, in ASCII (a domain as C(xn--)). Required unless
      O(read_only=true).
    type: list
    elements: str
  may_reach:
    description:
      - Further addresses that may get a copy by rules, such as a moderator or an archive outside.
      - V(unknown) accepts copies for people whom nobody can compute.
    type: list
    elements: str
    default: []
  max_messages:
    description: The most messages to send, 1 to 100. What does not fit is named in RV(not_sent).
    type: int
    default: 20
  wait:
    description: The minutes to wait until every copy has an end that Exchange shows, 0 to 240.
    type: int
    default: 15
  send_with:
    description:
      - How to send.
      - V(graph) sends from mailboxes of the organization with Microsoft Graph (C(sendMail)). It needs the connection
        V(rest) or
        V(powershell) with a certificate, a client secret or a federated token, and the permission C(Mail.Send) for
        O(senders).
      - V(smtp) sends from a server of yours, for mail from outside.
    type: str
    choices: [graph, smtp]
    default: graph
  smtp_host:
    description: The server for O(send_with=smtp), which is required then.
    type: str
  smtp_port:
    description: Its port. By default 587, or 465 with O(smtp_security=tls).
    type: int
  smtp_security:
    description: How TLS begins, with the first byte (V(tls)) or by C(STARTTLS). The certificate is always verified,
      and nothing is sent without TLS.
    type: str
    choices: [starttls, tls]
    default: starttls
  smtp_username:
    description: The user to log in as.
    type: str
  smtp_password:
    description: The password of O(smtp_username).
    type: str
  read_copies:
    description: Whether to look at delivered copies, and at non-delivery reports for the senders, in mailboxes for
      which the application has the permission C(Mail.Read). Only in a copy, protection is seen.
    type: bool
    default: false
  record:
    description:
      - The file that says what was sent, with addresses. It is made before the first message, with mode 0600, and
        must not exist.
      - Required unless in check mode. With O(read_only=true), it is read.
    type: path
  read_only:
    description: Whether to send nothing, and to read what became of the messages in O(record).
    type: bool
    default: false
  facts:
    description: Facts that the organization cannot show, as in M(m365.message_encryption.mail_flow_test).
    type: dict
  dialect:
    description: How Exchange reads the patterns of rules, as in M(m365.message_encryption.mail_flow_test). The
      default is V(agreed).
    type: str
    choices: [agreed, dotnet]
  observations:
    description:
      - The file to which open questions are added that the copies answer, with mode 0600, except in check mode. It is
        an input of M(m365.message_encryption.mail_flow_test), M(m365.message_encryption.mail_flow_replay) and
        M(m365.message_encryption.mail_flow_evidence). Use a file of its own for each organization.
      - A copy that contradicts what was computed is kept there, too, without addresses. It ends proofs until the same
        copy agrees.
    type: path
  fail_on_error:
    description: Whether to fail where a message is refused or not as expected, what is computed refutes a guarantee, or
      Exchange contradicts what was computed.
    type: bool
    default: true
seealso:
  - module: m365.message_encryption.mail_flow_test
  - module: m365.message_encryption.mail_flow_evidence
"""

EXAMPLES = r"""
- name: Which messages would show that the guarantee is kept?
  m365.message_encryption.mail_flow_experiment:
    guarantees:
      - name: Mail to the partner is encrypted
        when: {recipient_domain_is: [fabrikam.com]}
        then: encrypted
    senders: [AlexW@contoso.onmicrosoft.com]
    recipients: [tests@fabrikam.com]
  check_mode: true

- name: Send them, and see
  m365.message_encryption.mail_flow_experiment:
    guarantees:
      - name: Mail to the partner is encrypted
        when: {recipient_domain_is: [fabrikam.com]}
        then: encrypted
    senders: [AlexW@contoso.onmicrosoft.com]
    recipients: [tests@fabrikam.com]
    record: message_encryption/experiment.json
  register: experiment

- name: Which messages and rules would answer all open questions that can be answered so?
  m365.message_encryption.mail_flow_experiment:
    questions: [all]
    temporary_rules: true
    max_messages: 60
    senders: [AlexW@contoso.onmicrosoft.com]
    recipients: [MeganB@contoso.onmicrosoft.com, JoanneL@contoso.onmicrosoft.com]
  check_mode: true

- name: Read the reports, which come hours later
  m365.message_encryption.mail_flow_experiment:
    record: message_encryption/experiment.json
    read_only: true
"""

RETURN = r"""
msg:
  description: What was seen, or in check mode what would be sent, without addresses and subjects.
  returned: always
  type: str
  sample: "2 of 2 messages sent. Of 2 copies, 2 agree with what was computed, 0 contradict it, 0 cannot be compared."
experiments:
  description: The messages.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The message's name.
      type: str
      returned: always
    message:
      description: The message, as O(messages) takes it, without its mark.
      type: dict
      returned: in check mode
    message_id:
      description: The ID that it is sent with. Exchange may give it another one.
      type: str
      returned: always
    state:
      description: >-
        V(sent) (accepted), V(perhaps_sent) (the answer was lost; it is never sent again), V(refused), or V(planned)
        (not
        sent, because an earlier one was refused).
      type: str
      returned: outside of check mode
    sent_at:
      description: When it was sent, as an ISO 8601 time.
      type: str
      returned: if that was tried
    reason:
      description: Why it was refused or is perhaps sent.
      type: str
      returned: if it is so
    recipients:
      description: The copies by address in lower case, those for people whom rules add and that the trace shows
        beyond these included. Of a message that was not sent, there are none.
      type: dict
      returned: always
      contains:
        predicted:
          description: What was computed, with the keys of a recipient's result in
            M(m365.message_encryption.mail_flow_test). Empty for somebody for whom no copy was computed.
          type: dict
          returned: always
        observed:
          description: >-
            What was seen. Its C(fate) is V(delivered), V(rejected) (by a rule), V(failed), V(quarantined),
            V(filtered) (as spam), V(expanded) (a
            group), V(not_delivered), V(pending), V(recalled) or V(not_seen). C(rules) names those that the details
            name, if there are details. C(protection) is
            V(protected), V(clear) or V(not_seen). C(evidence) is where that was seen, of V(trace), V(detail),
            V(report), V(copy) and V(bounce). C(remarks)
            are V(missing) (the trace has no row), V(late) (a row without an end), V(duplicated), V(partial) (no
            details) and V(contradicting) (what Exchange
            shows contradicts itself). C(internal) is whether Exchange takes the sender for one inside, as the copy
            says. C(tls) and C(connector) are as Exchange wrote them. C(bounce) is what a non-delivery report in the
            sender's mailbox says (O(read_copies)), as C(status) (the enhanced status code) and C(text). A report is
            known by the ID of the message that it names, never by its subject.
          type: dict
          returned: outside of check mode
        agrees:
          description: >-
            V(true), V(false), or V(not_comparable). It is about what was seen: with C(protection) V(not_seen), it says
            nothing of protection. It is V(true) only if the fate agrees, and the rules or the
            protection do, too. A rule that
            is not named in the details is missed only if its C(set_audit_severity) is set and not V(DoNotAudit),
            since Exchange need not log it otherwise. For the same reason, where no rule acts as computed, the rules
            only agree if each that can act has it; the protection still can (O(read_copies)).
          type: raw
          returned: outside of check mode
        contradictions:
          description: >-
            By C(part), V(fate), V(rules), V(protection) or V(copy) (a copy for somebody for whom none was computed),
            what was C(predicted) and C(observed).
          type: list
          elements: dict
          returned: if RV(experiments[].recipients.agrees) is V(false)
    shows:
      description: What it shows of O(guarantees) and O(rules).
      type: list
      elements: str
      returned: if it was chosen for them
    may_get:
      description: Others who may get a copy by rules or journals, or because somebody's mail is sent on.
      type: list
      elements: str
      returned: in check mode, if there are any
    forwards:
      description: >-
        What may send the message on after the rules, by C(mailbox), C(to) and C(by): V(recipient) (a contact or mail user stands for an address),
        V(mailbox) (the mailbox forwards) or V(inbox_rule), with the name of the C(rule).
      type: list
      elements: dict
      returned: in check mode, if there is anything
    refutes:
      description: The names of O(guarantees) that cover it and are not kept, as computed.
      type: list
      elements: str
      returned: if there are any
    unexpected:
      description: What of O(messages[].expect) is not computed, as C(recipient), C(key), C(expected) and C(predicted).
      type: list
      elements: dict
      returned: if there is something
not_shown:
  description: >-
    What messages are sent for and no copy shows: that a rule acts, or protects what a guarantee covers. A copy shows it if it agrees, and was seen with
    the rule or the protection that was computed. C(goal) says what it is, and C(sent) whether a message was sent for it.
  returned: outside of check mode
  type: list
  elements: dict
not_sent:
  description: Messages that are not sent, and what no message shows, each with C(name), C(reason) and that as a word
    (C(why)).
  returned: success
  type: list
  elements: dict
settled:
  description: >-
    Open questions about Exchange that a copy answers, by C(id) (the number of the question). The C(answer) is true or false, and C(text) says what it means;
    C(seen) is the date, and C(experiment) the message. A question is settled if each way in which the copy can have passed the rules as it was seen
    gives it this answer.
  returned: outside of check mode
  type: list
  elements: dict
questions:
  description: >-
    What each of O(questions) that was asked told, by C(id). C(is_told) says whether it has an C(answer) (true or false), and
    C(text) what that means, or why nothing was told; C(why) has that as a word. An answer that is an observation is in RV(settled), too.
  returned: outside of check mode, if questions were asked
  type: list
  elements: dict
relied_on:
  description: >-
    The verdicts that rest on open questions, a row for each question and verdict, with C(id) (the number of the question), C(guarantee) or
    C(kind_of_mail) and C(destination), and the C(verdict) without an answer. C(if_true) and C(if_false) are the verdicts if the answer
    is true or false; they are there if a verdict takes the answer. C(after) is the verdict with the answers that this run was told, outside of check mode.
    Verdicts are those of RV(m365.message_encryption.mail_flow_test#module:guarantees) and RV(m365.message_encryption.mail_flow_test#module:overview).
  returned: if O(questions) has V(relied_on)
  type: list
  elements: dict
temporary_rules:
  description: The rules that would be made, in the form of M(m365.message_encryption.ome_transport_rule).
  returned: in check mode, if there are any
  type: list
  elements: dict
rules_left:
  description: The temporary rules that may still be there, each with C(name), C(reason), and the C(command) that removes it.
  returned: if there are any
  type: list
  elements: dict
sent:
  description: How many of the messages that were asked for were sent, perhaps sent ones included.
  returned: success
  type: int
probes:
  description: How many more messages were sent to see when the temporary rules act, perhaps sent ones included.
  returned: where such messages were sent
  type: int
not_read:
  description: >-
    Why DLP policies and labels that count are not known, as sentences. What they do to mail is not computed, and an audit asks for
    them.
  returned: if they were neither told nor read, and unless O(read_only=true)
  type: list
  elements: str
  sample: ["DLP policies and sensitivity labels were not asked for: compliance is false."]
unavailable:
  description: Facts, details, reports and copies that could not be read, each with the reason.
  returned: success
  type: dict
"""

import datetime
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.spelling import remedy
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import listed, quoted
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    RULE_REPORT,
    ReportReader,
    RuleReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.comparing import is_silent
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.experiment_context import (
    ExperimentContext,
    SmtpPost,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import (
    Sending,
    is_sendable_address,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.observing import Observer
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.onward import (
    OnwardAddresses,
    absent_of,
    read_onward_addresses,
    with_onward_addresses,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.posting import (
    GraphPost,
    LetterSender,
    Post,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_plan import (
    QuestionPlan,
    QuestionRequest,
    may_be_nobody,
    messages_of,
    numbers_of,
    question_plan_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_run import (
    QuestionRun,
    remove_left_behind,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.reach import ANYBODY
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.record import (
    REFUSED,
    ExperimentRecord,
    RecordedMail,
    record_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.relied_on import (
    RELIED_ON,
    Dependence,
    VerdictsRelying,
    numbers_by_use,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.remembering import (
    remembered,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.sampling import (
    ExperimentRequest,
    PlannedMail,
    SendingPlan,
    readable_recipients,
    sending_plan_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.telling import (
    QuestionAnswer,
    question_answers,
    without_judgment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.temporary_rules import (
    LeftoverRule,
    TemporaryRules,
    is_over,
    temporary_rules_of,
    token_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.watching import (
    CopyTracker,
    ObservedMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    GUARANTEES_ARGUMENT_SPEC,
    Guarantee,
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.message_options import (
    MESSAGE_ARGUMENT_SPEC,
    MESSAGES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    Observation,
    Observed,
    digest_of_rules,
    observations_document,
    observations_of,
    observed_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    COMPLIANCE_ARGUMENT_SPEC,
    DIALECT_ARGUMENT_SPEC,
    organization_rules,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import (
    UNAUTHENTICATED_INSIDE,
    numbers_told,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import check_ranges
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.experiment import (
    expected_lines,
    not_shown_lines,
    not_shown_rows,
    planned_row,
    refused_text,
    seen_lines,
    seen_row,
    sending_plan_lines,
    settled_lines,
    settled_row,
    shown_of,
    unavailable_lines,
    unsent_lines,
    unsent_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.questions import (
    answer_lines,
    answer_row,
    decided_lines,
    dependence_lines,
    dependence_row,
    leftover_lines,
    leftover_row,
    removed_lines,
    temporary_rule_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import WordedResult
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.unseen import not_read_row
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe

#: Rules are reported of copies within this time after the first message.
REPORTED_WITHIN = datetime.timedelta(hours=6)

#: The keys of a message that can be sent.
_SENT = ("name", "eml_path", "from", "to", "cc", "subject", "body", "headers", "importance", "expect")

_MESSAGES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        **{key: MESSAGE_ARGUMENT_SPEC[key] for key in _SENT},
        "attachments": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "text": {"type": "str"}},
        },
    },
}

SPEC: dict[str, Any] = {
    "argument_spec": {
        "messages": _MESSAGES,
        "messages_path": {"type": "path"},
        "guarantees": GUARANTEES_ARGUMENT_SPEC,
        "rules": {"type": "list", "elements": "str"},
        "questions": {"type": "list", "elements": "str"},
        "temporary_rules": {"type": "bool", "default": False},
        "effective_within": {"type": "int", "default": 60},
        "senders": {"type": "list", "elements": "str"},
        "recipients": {"type": "list", "elements": "str"},
        "may_reach": {"type": "list", "elements": "str", "default": []},
        "max_messages": {"type": "int", "default": 20},
        "wait": {"type": "int", "default": 15},
        "send_with": {"type": "str", "choices": ["graph", "smtp"], "default": "graph"},
        "smtp_host": {"type": "str"},
        "smtp_port": {"type": "int"},
        "smtp_security": {"type": "str", "choices": ["starttls", "tls"], "default": "starttls"},
        "smtp_username": {"type": "str"},
        "smtp_password": {"type": "str", "no_log": True},
        "read_copies": {"type": "bool", "default": False},
        "record": {"type": "path"},
        "read_only": {"type": "bool", "default": False},
        "facts": {"type": "dict"},
        "dialect": DIALECT_ARGUMENT_SPEC,
        **COMPLIANCE_ARGUMENT_SPEC,
        "observations": {"type": "path"},
        "fail_on_error": {"type": "bool", "default": True},
    },
    "mutually_exclusive": [["messages", "messages_path"]],
    "required_if": [
        ["read_only", True, ["record"]],
        ["read_only", False, ["senders", "recipients"]],
        ["send_with", "smtp", ["smtp_host"]],
    ],
    "required_together": [["smtp_username", "smtp_password"]],
}

#: How long temporary rules last at least.
AT_LEAST = datetime.timedelta(hours=2)

#: The digest of what observations rest on that rest on no rule of the organization.
NO_RULES = digest_of_rules(RuleSet(()), ())

#: What marks messages that are only shown.
_NO_TOKEN = "x" * 8


def run(task: ExperimentContext) -> dict[str, Any]:
    """Sends the messages, or shows them in check mode, and says what became of them."""
    return worded_result(task).as_row()


def worded_result(task: ExperimentContext) -> WordedResult:
    """The result of :func:`run`, with the lines of its ``msg``."""
    params = task.params
    check_ranges(params, {"max_messages": (1, 100), "wait": (0, 240), "effective_within": (0, 240)})
    numbers = numbers_of(params["questions"] or [])
    if params["read_only"]:
        return _read(task)
    if not task.check_mode and not params["record"]:
        raise OptionError(
            "record is required to send messages.",
            remedy="Name a file for what was sent, so that it can be read later.",
        )
    guarantees = declared_guarantees(params["guarantees"] or [])
    sending = _sending(params, _NO_TOKEN if task.check_mode else secrets.token_hex(4))
    organization, rules, facts, unavailable = organization_rules(
        task, guarantees, sending.recipients, compliance=params["compliance"]
    )
    known = facts_of(facts)
    rules = RuleSet.read(rules, known.dialect)
    relying = _Relying.of_task(task, rules, facts, guarantees)
    numbers = list(dict.fromkeys([*numbers, *numbers_by_use(relying.dependences, messages_of)]))
    plan, asking = _plans(task, sending, rules, known, guarantees, numbers)
    onward = read_onward_addresses(task.session, [*plan.messages, *asking.probes], known)
    unavailable = {**unavailable, **onward.unread}
    plan = replace(plan, messages=with_onward_addresses(plan.messages, onward, known))
    asking = replace(asking, probes=with_onward_addresses(asking.probes, onward, known))
    _check_reach(replace(plan, messages=[*plan.messages, *asking.probes]), params["may_reach"], onward)
    # What verdicts rest on is told before anything is sent, also where no message tells more.
    if not plan.messages and not (task.check_mode and relying.dependences):
        raise _nothing_to_send(task, plan, relying)
    unread = _unread_encrypters(known)
    not_read = not_read_row(known.encrypters.unseen, unavailable, asked=params["compliance"])
    if task.check_mode:
        over = [rule.name for rule in temporary_rules_of(organization) if is_over(rule, sending.now)]
        shown = _shown(task, plan, asking, over if params["temporary_rules"] else [], relying, unavailable, unread)
        return replace(shown, row={**shown.row, **not_read})
    if asking.rules:
        _check_record(task, organization)
        removed, leftover = remove_left_behind(task, organization, params["record"])
        task.warnings += [*removed_lines(removed), *leftover_lines(leftover)]
    record = _new_record(task, plan, rules, sending.token, unread)
    if asking.rules:
        record.temporary = asking.rules
        record.before = describe(organization, ["transport_rules"])
    record.people = asking.people
    sent = relying.with_decisions(_sent(task, plan, asking, record, unavailable))
    return replace(sent, row={**sent.row, **not_read})


def _plans(
    task: ExperimentContext,
    sending: Sending,
    rules: RuleSet,
    known: Facts,
    guarantees: Sequence[Guarantee],
    numbers: Sequence[str],
) -> tuple[SendingPlan, QuestionPlan]:
    """The messages to send, with those that ask the questions of some numbers; and what else these ask with."""
    params = task.params
    plan = sending_plan_of(
        ExperimentRequest(
            sending=sending,
            rule_set=rules,
            facts=known,
            given=_messages_given(task),
            guarantees=guarantees,
            rules=_named(params["rules"] or [], rules),
            most=params["max_messages"],
            readable=readable_recipients(sending, known) if params["read_copies"] else frozenset(),
        )
    )
    asking = question_plan_of(
        QuestionRequest(
            numbers=numbers,
            sending=sending,
            rule_set=rules,
            facts=known,
            first=len(plan.messages) + 1,
            most=params["max_messages"] - len(plan.messages),
            may_make_rules=params["temporary_rules"],
            reads_copies=params["read_copies"],
            until=sending.now + _lasting(params),
            absent=_absent(task, numbers, sending, known),
        )
    )
    messages = [*plan.messages, *asking.messages]
    return replace(plan, messages=messages, unsent=[*plan.unsent, *asking.unsent]), asking


def _unread_encrypters(known: Facts) -> list[str]:
    """What encrypts or decrypts beside rules and was not read."""
    read = {"DLP policies": known.encrypters.dlp_policies, "labels": known.encrypters.labels}
    return [name for name, encrypters in read.items() if encrypters is None]


def _nothing_to_send(task: ExperimentContext, plan: SendingPlan, relying: _Relying) -> OptionError:
    """The error if there is no message to send, with the reason. Several reasons are shown as lines, and are in the result."""
    reasons = unsent_lines(plan)
    if len(reasons) > 1:
        for line in reasons:
            task.say(line)
        reasons = [f"not_sent of the result has the {len(reasons)} reasons."]
    error = OptionError(
        " ".join(["There is no message to send.", *relying.none_lines, *reasons]),
        remedy="Give messages, guarantees, rules or questions, with senders and recipients that they are about.",
    )
    error.progress = {"not_sent": [unsent_row(each) for each in plan.unsent]}
    return error


@dataclass(frozen=True)
class _Relying:
    """The verdicts that rest on open questions, if the task asks for these.

    :param verdicts: ``None`` if it does not.
    """

    verdicts: VerdictsRelying | None = None
    dependences: Sequence[Dependence] = ()

    @classmethod
    def of_task(
        cls, task: ExperimentContext, rules: RuleSet, facts: Mapping[str, Any], guarantees: Sequence[Guarantee]
    ) -> _Relying:
        """What the verdicts of a task rest on, with what was observed already."""
        if RELIED_ON not in (task.params["questions"] or []):
            return cls()
        today = _now()
        known = _known_observations(task, _organization_name(task)) if task.params["observations"] else []
        answers = observed_of(known, rules, today.date()).answers
        observed = {**(facts.get("observed") or {}), **answers}
        verdicts = VerdictsRelying(rules, {**facts, "observed": observed}, guarantees, today)
        return cls(verdicts, verdicts.dependences())

    @property
    def none_lines(self) -> list[str]:
        """The line that no verdict rests on a question, if that was asked."""
        return ["No verdict rests on an open question."] if self.verdicts and not self.dependences else []

    @property
    def rows(self) -> dict[str, Any]:
        """What the questions would decide, as a result has it."""
        return {"relied_on": [dependence_row(each, {}) for each in self.dependences]} if self.verdicts else {}

    @property
    def lines(self) -> list[str]:
        """The same in lines, with what is asked."""
        lines = dependence_lines(self.dependences)
        return [*self.none_lines, *lines, *numbers_told(lines)]

    def with_decisions(self, result: WordedResult) -> WordedResult:
        """A result with what the answers have decided."""
        if self.verdicts is None:
            return result
        answers: dict[str, set[bool]] = {}
        for row in result.row["settled"]:
            answers.setdefault(row["id"], set()).add(row["answer"])
        after = self.verdicts.under({number: values.pop() for number, values in answers.items() if len(values) == 1})
        lines = decided_lines(self.dependences, after) or self.none_lines
        relied_on = [dependence_row(each, after) for each in self.dependences]
        return WordedResult({**result.row, "relied_on": relied_on}, (*result.parts, lines))


def _shown(
    task: ExperimentContext,
    plan: SendingPlan,
    asking: QuestionPlan,
    over: Sequence[str],
    relying: _Relying,
    unavailable: Mapping[str, str],
    unread: Sequence[str],
) -> WordedResult:
    """The messages that would be sent, and the temporary rules that would be made.

    :param over: the names of temporary rules that earlier runs left.
    :param relying: the verdicts that rest on the questions that are asked.
    """
    rows = [planned_row(each) for each in [*plan.messages, *asking.probes[:1]]]
    failed = any("unexpected" in row or "refutes" in row for row in rows)
    lines = [
        *temporary_rule_lines(asking.rules, over),
        *relying.lines,
        *sending_plan_lines(plan),
        *unavailable_lines(unavailable, unread),
    ]
    row = {
        "changed": bool(plan.messages),
        "experiments": rows,
        "not_sent": [unsent_row(each) for each in plan.unsent],
        "sent": 0,
        "unavailable": dict(unavailable),
        **relying.rows,
        **({"temporary_rules": list(asking.rules)} if asking.rules else {}),
        **({"failed": task.params["fail_on_error"]} if failed else {}),
    }
    return WordedResult(row, (lines,))


def _sent(
    task: ExperimentContext,
    plan: SendingPlan,
    asking: QuestionPlan,
    record: ExperimentRecord,
    unavailable: Mapping[str, str],
) -> WordedResult:
    """Sends the messages, and waits for what becomes of them.

    :raises OptionError: the record exists, or the way of sending cannot be used. Nothing was sent.
    """
    by = task.params["send_with"]
    post: Post = GraphPost(task.mailboxes()) if by == "graph" else SmtpPost(task.mail_server(task.params))
    _known_observations(task, _organization_name(task))
    file = task.record_file(task.params["record"])
    file.create(record.document())
    sender = LetterSender(post, file, task.say, task.sleep, _now)
    run_of_questions = QuestionRun(
        task, record, file, sender, lambda part: _tracker(task, part)[0].wait(task.params["wait"]), _record_of_message
    )
    own = len(plan.messages) - len(asking.messages)
    sender.send_all([each.letter for each in plan.messages[:own]], record)
    try:
        with task.hold(task.params["record"]) if asking.rules else nullcontext():
            watched = run_of_questions.ask(asking, own, lambda: _watched(task, record, None, plan, unavailable))
    except BaseException as error:
        lines = leftover_lines(run_of_questions.left)
        for line in lines:
            task.say(line)
        if lines and isinstance(error, Exception):
            raise ExchangeError(" ".join([str(error), *lines])) from error
        raise
    wishes = ("unexpected", "refutes")
    planned = {each.letter.name: planned_row(each) for each in plan.messages}
    for row in watched.row["experiments"]:
        row |= {key: planned[row["name"]][key] for key in wishes if key in planned.get(row["name"], {})}
    is_unmet = any(key in row for row in planned.values() for key in wishes)
    failed = watched.row.get("failed") or (is_unmet and task.params["fail_on_error"])
    row = {
        **watched.row,
        "not_sent": [*(unsent_row(each) for each in plan.unsent), *watched.row["not_sent"]],
        **({"failed": True} if failed else {}),
    }
    return _with_leftovers(replace(watched, row=row), run_of_questions.left)


def _with_leftovers(result: WordedResult, rules: Sequence[LeftoverRule]) -> WordedResult:
    """A result with the temporary rules that may still be there. Whoever made them has to know it, so it always fails."""
    if not rules:
        return result
    row = {**result.row, "failed": True, "rules_left": [leftover_row(each) for each in rules]}
    return WordedResult(row, (leftover_lines(rules), *result.parts))


def _new_record(
    task: ExperimentContext, plan: SendingPlan, rules: RuleSet, token: str, unread: Sequence[str]
) -> ExperimentRecord:
    return ExperimentRecord(
        organization=_organization_name(task),
        token=token,
        by=task.params["send_with"],
        began=_now(),
        messages=[_record_of_message(each) for each in plan.messages],
        rules={rule.name: rule.guid for rule in rules.rules},
        digests={rule.name: digest_of_rules(rules, [rule.name]) for rule in rules.rules},
        silent=[rule.name for rule in rules.rules if is_silent(rule.actions.declared) or not rule.actions.enforced],
        unlogged=[rule.name for rule in rules.rules if is_silent(rule.actions.declared) and rule.is_on_and_enforced],
        unread=unread,
    )


def _record_of_message(planned: PlannedMail) -> RecordedMail:
    """A planned message as a record has it."""
    return RecordedMail(
        name=planned.letter.name,
        mark=planned.letter.mark,
        message_id=planned.letter.message_id,
        sender=planned.letter.sender,
        recipients=planned.letter.recipients,
        predicted=worded(planned.predicted),
        shows=tuple(shown_of(planned)),
        goals=tuple(map(asdict, planned.goals)),
        open={address: copy.document() for address, copy in planned.open.items()},
        question=planned.question,
        message=planned.message,
        sent_on=tuple(dict.fromkeys(forward.to for forward in planned.reach.forwards)),
    )


def _read(task: ExperimentContext) -> WordedResult:
    """What became of the messages of an earlier run. Nothing is sent, and temporary rules that it left are removed."""
    path = task.params["record"]
    record = record_of(task.record_file(path).read(), f"record: {path}")
    here = _organization_name(task)
    if here and record.organization.casefold() != here.casefold():
        raise OptionError(
            f"record: {path} is of {f'the organization {record.organization}' if record.organization else 'no organization'}, "
            f"and this is {here}.",
            remedy="Name a record of this organization.",
        )
    _known_observations(task, record.organization)
    reader = ReportReader(task.session, task.say)
    unavailable: dict[str, str] = {}
    report = None
    try:
        rule_report = reader.rule_report(record.began, min(_now(), record.began + REPORTED_WITHIN), _now())
        report = rule_report if not rule_report.refused else None
        unavailable |= {RULE_REPORT: rule_report.refused} if rule_report.refused else {}
    except ExchangeError as error:
        unavailable[RULE_REPORT] = str(error)
    leftover = [] if task.check_mode or not record.temporary else _removed(task, record)
    return _with_leftovers(_watched(task, record, report, SendingPlan((), ()), unavailable), leftover)


def _removed(task: ExperimentContext, record: ExperimentRecord) -> Sequence[LeftoverRule]:
    """Removes the temporary rules that the run of a record left. A run that still goes on keeps them.

    :returns: those that may still be there.
    """
    path = task.params["record"]
    with task.hold(path) as is_over_:
        if not is_over_:
            return []
        rules = TemporaryRules(task, task.sleep)
        leftover = rules.remove(lambda rule: token_of(rule) == record.token)
        if not leftover:
            record.temporary = ()
            task.record_file(path).write(record.document())
        return leftover


def _watched(
    task: ExperimentContext,
    record: ExperimentRecord,
    report: RuleReport | None,
    plan: SendingPlan,
    unavailable: Mapping[str, str],
) -> WordedResult:
    """What was seen of the messages of a record.

    :param plan: what is known of these and others beside the record, if they were sent by this run.
    :param unavailable: what else could not be read, with the reason.
    """
    tracker, observer = _tracker(task, record, report)
    messages = [
        without_judgment(each) if each.recorded.question else each for each in tracker.wait(task.params["wait"])
    ]
    answers = question_answers(record, messages)
    settled = _settled(messages, answers)
    _keep(task, record, messages, settled)
    contradicts = any(copy.agreement.agrees is False for message in messages for copy in message.copies)
    refused = any(each.state == REFUSED and not each.bounced for each in record.messages)
    not_shown = not_shown_rows(messages, plan.missing)
    unavailable = {**unavailable, **observer.unavailable}
    lines = [
        *seen_lines(messages, record, is_kept=bool(task.params["observations"]) and not task.check_mode),
        *expected_lines(plan),
        *not_shown_lines(not_shown),
        *unavailable_lines(unavailable, record.unread),
        *settled_lines(settled),
        *answer_lines(answers),
    ]
    row = {
        "changed": bool(record.out) and not task.params["read_only"],
        "experiments": [seen_row(each) for each in messages],
        "not_sent": [
            {"name": each.name, "why": each.state, "reason": each.reason or "an earlier message was refused."}
            for each in record.messages
            if each not in record.out
        ],
        "sent": len(record.asked_for_out),
        **({"probes": len(record.probes_out)} if record.probes_out else {}),
        "settled": [settled_row(each) for each in settled],
        **({"questions": [answer_row(each) for each in answers]} if answers else {}),
        "not_shown": not_shown,
        "unavailable": unavailable,
        **({"failed": True} if (contradicts or refused) and task.params["fail_on_error"] else {}),
    }
    return WordedResult(row, (lines,))


def _settled(messages: Sequence[ObservedMail], answers: Iterable[QuestionAnswer]) -> list[Observation]:
    """The observations of copies, and of the answers to questions."""
    of_copies = dict.fromkeys(each for message in messages for copy in message.copies for each in copy.settled)
    of_questions = (each.observation(NO_RULES) for each in answers)
    return [*of_copies, *(observation for observation in of_questions if observation is not None)]


def _tracker(
    task: ExperimentContext, record: ExperimentRecord, report: RuleReport | None = None
) -> tuple[CopyTracker, Observer]:
    """What looks for the copies of the messages of a record, and what it looks with."""
    observer = Observer(
        task.session,
        task.mailboxes if task.params["read_copies"] else None,
        task.say,
        sorted({each.sender for each in record.messages}),
    )
    return CopyTracker(observer, record, task.say, task.sleep, _now, report), observer


def _lasting(params: Mapping[str, Any]) -> datetime.timedelta:
    """After how long temporary rules end by themselves: longer than a run takes."""
    return datetime.timedelta(minutes=params["effective_within"] + 2 * params["wait"]) + AT_LEAST


def _keep(
    task: ExperimentContext,
    record: ExperimentRecord,
    messages: Sequence[ObservedMail],
    settled: Sequence[Observation],
) -> None:
    """Adds what was settled, and what contradicts, to the file of observations, except in check mode.

    :raises OptionError: it cannot be written, or is of another organization.
    """
    path = task.params["observations"]
    if not path or task.check_mode:
        return
    known = _known_observations(task, record.organization)
    observed = remembered(known, messages, settled, record)
    if observed != known:
        task.record_file(path).write(observations_document(record.organization, observed))


def _known_observations(task: ExperimentContext, organization: str) -> list[Observed]:
    """What the file of observations has already.

    :raises OptionError: it cannot be read, or is of another organization, or nobody knows whose it would be.
    """
    path = task.params["observations"]
    if not path:
        return []
    if not organization:
        raise OptionError(
            "observations cannot be kept: the name of the organization is not known.",
            remedy="Leave observations out.",
        )
    file = task.record_file(path)
    return observations_of(file.read(), f"observations: {path}", organization) if file.exists() else []


def _organization_name(task: ExperimentContext) -> str:
    organization = task.describe().get("organization") or {}
    return str(organization.get("name") or "")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _sending(params: Mapping[str, Any], token: str) -> Sending:
    """How messages are sent, and between whom.

    :raises OptionError: an address is none.
    """
    people = {option: [_address(each, option) for each in params[option]] for option in ("senders", "recipients")}
    for option, each in people.items():
        if not each:
            raise OptionError(f"{option} is empty.", remedy="Name at least one address.")
    return Sending(
        by=params["send_with"],
        senders=people["senders"],
        recipients=people["recipients"],
        token=token,
        now=_now().replace(microsecond=0),
    )


def _address(text: str, option: str) -> str:
    if not is_sendable_address(text):
        raise OptionError(
            f"{option}: {text!r} is not a plain address in ASCII.",
            remedy="Give addresses such as ann@contoso.com, with an internationalized domain as xn--.",
        )
    return text.lower()


def _messages_given(task: ExperimentContext) -> list[tuple[Mapping[str, Any], bytes | None]]:
    """The user's messages, each with the content of its file.

    :raises OptionError: two have one name, or a file cannot be read.
    """
    messages: Sequence[Mapping[str, Any]] = task.params["messages"] or []
    if task.params["messages_path"]:
        content = task.load(task.params["messages_path"])
        validation, errors = validate({"messages_path": content}, {"messages_path": MESSAGES_ARGUMENT_SPEC})
        if errors:
            raise OptionError("; ".join(errors))
        messages = validation.validated_parameters["messages_path"]
    names = [str(each["name"]) for each in messages]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"Two messages have the name {twice!r}.", remedy="Give each message a unique name.")
    return [(each, task.find_file(each["eml_path"]) if each.get("eml_path") else None) for each in messages]


def _named(names: Sequence[str], rules: RuleSet) -> list[str]:
    """The names of rules, as the organization has them.

    :raises OptionError: a name is none of a rule.
    """
    known = {rule.name.casefold(): rule.name for rule in rules.rules}
    for name in names:
        if name.casefold() not in known:
            raise OptionError(
                f"rules: the organization has no rule {name!r}.", remedy=remedy(name, list(known.values()))
            )
    return [known[name.casefold()] for name in names]


def _absent(task: ExperimentContext, numbers: Sequence[str], sending: Sending, facts: Facts) -> list[str]:
    """The recipients in relayed domains whom the directory does not have, if a question is about such people."""
    if UNAUTHENTICATED_INSIDE not in numbers:
        return []
    return absent_of(task.session, [address for address in sending.recipients if may_be_nobody(address, facts)])


def _check_record(task: ExperimentContext, organization: Organization) -> None:
    """Refuses a file that has the record of an earlier run whose temporary rules still stand, and says how to remove them. Any other
    file that exists is refused when it would be made.

    :raises OptionError: it is such a record.
    """
    path = task.params["record"]
    file = task.record_file(path)
    if not file.exists():
        return
    try:
        token = record_of(file.read(), "record").token
    except OptionError:
        return
    names = [rule.name for rule in temporary_rules_of(organization) if token_of(rule) == token]
    if names:
        raise OptionError(
            f"record: {path} exists, and is the record of an earlier experiment, of which {len(names)} temporary "
            f"rule{' still stands' if len(names) == 1 else 's still stand'}: {listed(list(map(quoted, names)), most=len(names))}. Nothing was sent.",
            remedy="Run the task with read_only: true and this record, which removes them. Then name another file.",
        )


def _check_reach(plan: SendingPlan, may_reach: Sequence[str], onward: OnwardAddresses) -> None:
    """Refuses what may reach somebody outside whom nobody allowed.

    :param onward: what was read of mail that goes on.

    :raises OptionError: it may.
    """
    allowed = [each if each == ANYBODY else _address(each, "may_reach") for each in may_reach]
    text = refused_text(plan.messages, allowed, onward.unread)
    if text:
        raise OptionError(
            f"{text[0].upper()}{text[1:].rstrip('.')}. Nothing was sent.",
            remedy=f"If that is intended, list them in may_reach; {ANYBODY} there is for those whom nobody can compute.",
        )


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
