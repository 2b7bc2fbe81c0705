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

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.experiment_context import (
    ExperimentContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.sending_options import (
    SENDING_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    GUARANTEES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.message_options import (
    MESSAGE_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    COMPLIANCE_ARGUMENT_SPEC,
    DIALECT_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.tasks.experiment import run_experiment

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
        **SENDING_ARGUMENT_SPEC,
        "record": {"type": "path"},
        "read_only": {"type": "bool", "default": False},
        "facts": {"type": "dict"},
        "dialect": DIALECT_ARGUMENT_SPEC,
        **COMPLIANCE_ARGUMENT_SPEC,
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


def run(task: ExperimentContext) -> dict[str, Any]:
    """Sends the messages, or shows them in check mode, and says what became of them."""
    return run_experiment(task).as_row()


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
