#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_experiment
short_description: Sample the test messages that show what rules do to mail
version_added: 1.0.0
description:
  - Chooses few test messages between mailboxes that you name, and computes what becomes of each. They are the ones in
    O(messages), and those that show what O(guarantees) and O(rules) are about.
  - In check mode, it shows the messages and sends none. It does not send them outside of check mode yet, and refuses that.
  - A message is only sent from one of O(senders) to O(recipients). Rules may give others a copy. Who that may be is
    computed, and an experiment is refused that may reach somebody outside who is not in O(may_reach).
  - Each message is marked in its subject and by the header C(X-Message-Encryption-Experiment), asks nobody for an answer
    (C(Auto-Submitted), C(X-Auto-Response-Suppress)), is small, and says in its text what it is. What is computed is about
    the marked message.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
attributes:
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
            them and your own. A subject that is given replaces its own.
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
      - A file with messages, as in M(m365.message_encryption.mail_flow_test), so that one file tests the computation and the
        organization. A message that only describes something that cannot be sent is named in RV(not_sent).
      - A relative path is searched for as M(ansible.builtin.copy) does.
    type: path
  guarantees:
    description: Guarantees as in M(m365.message_encryption.mail_flow_test). For each, the plainest message that it covers, one for
      each rule that protects such mail, and one for each exception that a message can meet.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the guarantee. Names must be unique.
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
        choices:
          - encrypted
          - not_in_clear
          - not_in_clear_if_delivered
          - portal
          - delivered
          - unencrypted
          - decrypted_on_arrival
          - protected_in_transit
      template:
        description: The one template that counts as protection. See M(m365.message_encryption.mail_flow_test).
        type: str
      tls_validation:
        description: What forced TLS must check. See M(m365.message_encryption.mail_flow_test).
        type: str
        choices: [encryption_only, certificate, domain]
      expires_within_days:
        description: After how many days mail has to expire in the portal at the latest. Only with V(portal).
        type: int
      copies:
        description: Which copies count that rules make of the mail for others. See
          M(m365.message_encryption.mail_flow_test).
        type: str
        choices: [all, outside, recipients_only]
  rules:
    description: Names of rules. For each, a message that it acts on, and one that it just does not act on.
    type: list
    elements: str
  questions:
    description:
      - The numbers of open questions about Exchange, such as V(U08), that the organization shall answer.
      - This needs temporary rules, which this version does not make, so it is refused.
    type: list
    elements: str
  temporary_rules:
    description: Whether O(questions) may make rules for the time of the experiment. Only for a test organization.
    type: bool
    default: false
  senders:
    description: The addresses from which messages may be sent. Required unless O(read_only=true).
    type: list
    elements: str
  recipients:
    description: The addresses to which messages may be sent. Required unless O(read_only=true).
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
      - V(graph) sends from mailboxes of the organization with Microsoft Graph (C(sendMail)). It needs the connection V(rest) or
        V(powershell) with a certificate, a client secret or a federated token, and the permission C(Mail.Send) for O(senders).
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
    description: How TLS begins, with the first byte (V(tls)) or by C(STARTTLS). The certificate is always verified, and nothing is sent without TLS.
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
    description: Whether to look at delivered copies in mailboxes for which the application has the permission C(Mail.Read). Only there, protection is seen.
    type: bool
    default: false
  record:
    description:
      - The file that says what was sent, with addresses. It is made before the first message, with mode 0600, and must not exist.
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
    description: How Exchange reads the patterns of rules, as in M(m365.message_encryption.mail_flow_test). The default is V(agreed).
    type: str
    choices: [agreed, dotnet]
  fail_on_error:
    description: Whether to fail where a message is not as expected, or Exchange contradicts what was computed.
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
    senders: [tests@contoso.com]
    recipients: [tests@fabrikam.com]
  check_mode: true
"""

RETURN = r"""
msg:
  description: What would be sent, without addresses and subjects.
  returned: always
  type: str
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
    recipients:
      description: Address to what was C(predicted), with the keys of a recipient's result in
        M(m365.message_encryption.mail_flow_test).
      type: dict
      returned: always
    shows:
      description: What it shows of O(guarantees) and O(rules).
      type: list
      elements: str
      returned: if it was chosen for them
    may_get:
      description: Others who may get a copy by rules or journals.
      type: list
      elements: str
      returned: if there are any
    unexpected:
      description: What of O(messages[].expect) is not computed, as C(recipient), C(key), C(expected) and C(predicted).
      type: list
      elements: dict
      returned: if there is something
not_sent:
  description: Messages that are not sent, and what no message shows, each with C(name), C(reason) and that as a word (C(why)).
  returned: success
  type: list
  elements: dict
sent:
  description: How many messages were sent.
  returned: success
  type: int
unavailable:
  description: Facts that could not be read, each with the reason.
  returned: success
  type: dict
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.spelling import remedy
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import Sending
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.reach import ANYBODY
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.sampling import (
    Inquiry,
    Sample,
    sample_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    GUARANTEES_ARGUMENT_SPEC,
    declared_guarantees,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.messages import (
    MESSAGE_ARGUMENT_SPEC,
    MESSAGES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    DIALECT_ARGUMENT_SPEC,
    MailFlowContext,
    organization_rules,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import (
    is_plain_address,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import check_ranges
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.experiment import (
    plan_lines,
    planned_row,
    refused_text,
    unsent_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import screen_of

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

#: What marks messages that are only shown.
_NO_TOKEN = "x" * 8


def run(task: MailFlowContext) -> dict[str, Any]:
    """Plans the messages, and shows them."""
    params = task.params
    check_ranges(params, {"max_messages": (1, 100), "wait": (0, 240)})
    if params["questions"]:
        raise OptionError(
            "questions needs temporary rules, which this version does not make.",
            remedy="Make the rules that settled_by of mail_flow_test names in a test organization, and give a message that "
            "shows their effect in messages.",
        )
    if params["read_only"] or not task.check_mode:
        raise OptionError("This version sends no messages.", remedy="Run the task in check mode, which shows them.")
    _organization, rules, facts, unavailable = organization_rules(task)
    known = facts_of(facts)
    plan = sample_of(
        Inquiry(
            sending=_sending(params, _NO_TOKEN),
            rule_set=RuleSet.read(rules, known.dialect),
            facts=known,
            given=_given(task),
            guarantees=declared_guarantees(params["guarantees"] or []),
            rules=_named(params["rules"] or [], rules),
            most=params["max_messages"],
        )
    )
    _check_reach(plan, params["may_reach"])
    rows = [planned_row(each) for each in plan.messages]
    failed = any("unexpected" in row for row in rows)
    return {
        "changed": False,
        "experiments": rows,
        "not_sent": [unsent_row(each) for each in plan.unsent],
        "sent": 0,
        "unavailable": unavailable,
        "msg": screen_of(plan_lines(plan)),
        **({"failed": params["fail_on_error"]} if failed else {}),
    }


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
        now=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
    )


def _address(text: str, option: str) -> str:
    if not is_plain_address(text):
        raise OptionError(
            f"{option}: {text!r} is not a plain address.", remedy="Give addresses such as ann@contoso.com."
        )
    return text.lower()


def _given(task: MailFlowContext) -> list[tuple[Mapping[str, Any], bytes | None]]:
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
        raise OptionError(f"Two messages have the name {twice!r}.", remedy="Give each message a name of its own.")
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


def _check_reach(plan: Sample, may_reach: Sequence[str]) -> None:
    """Refuses what may reach somebody outside whom nobody allowed.

    :raises OptionError: it may.
    """
    allowed = [each if each == ANYBODY else _address(each, "may_reach") for each in may_reach]
    text = refused_text(plan.messages, allowed)
    if text:
        raise OptionError(
            f"{text[0].upper()}{text[1:]}. Nothing was sent.",
            remedy=f"If that is meant, name them in may_reach; {ANYBODY} there is for those whom nobody can compute.",
        )


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
