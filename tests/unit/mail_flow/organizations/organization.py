# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations as one finds them, and the mail of a week in each.

Mail is made as whole messages, and goes through the emulator's mail flow. The trace shows of it what a trace shows: what
was rejected or quarantined has another status, and subjects have what rules put before them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    microseconds_of,
)

from tests.emulator.mail_flow import MailFlow
from tests.unit.mail_flow import translation

Values = dict[str, Any]

INSIDE, OUTSIDE = "InOrganization", "NotInOrganization"
LEAVING: Values = {"from_scope": INSIDE, "sent_to_scope": OUTSIDE}
ENCRYPT: Values = {"apply_rights_protection_template": "Encrypt"}

#: The last server before Exchange, of mail from the Internet.
HOP = "93.184.216.34"
_MEGABYTE = 1 << 20

#: Facts that the emulator's mail flow has no use for.
_NO_MATTER = frozenset({"inbound_connectors", "journal_rules"})

_STATUS = {"delivered": "Delivered", "quarantined": "Quarantined", "redirected": "None"}


def rule(name: str, conditions: Values, actions: Values, exceptions: Values | None = None, **more: Any) -> Values:
    """A rule in the options of a rule set."""
    return {"name": name, "conditions": conditions, "exceptions": exceptions or {}, "actions": actions, **more}


@dataclass(frozen=True)
class Question:
    """What an auditor asks, and the answer from the documented semantics, found without running anything.

    :param guarantee: as the option ``guarantees`` has it.
    :param verdict: ``proved``, ``refuted`` or ``unknown``.
    :param because: the rules or connectors that decide it, or the numbers of what is unknown.
    """

    guarantee: Values
    verdict: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Correspondence:
    """Who writes what to whom.

    :param staff: senders inside, each as often as it is there.
    :param devices: senders inside that do not sign in, with their addresses in the network.
    :param claimed: names in From of mail from outside.
    """

    staff: Sequence[str]
    outsiders: Sequence[str]
    subjects: Sequence[str]
    bodies: Sequence[str]
    files: Sequence[str] = ("scan.pdf", "letter.docx", "list.xlsx", "tool.exe")
    claimed: Sequence[str] = ("Sales",)
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Organization:
    """An organization.

    :param own: its domain.
    :param facts: the option ``facts``, connectors included; :param:`rules` the option ``rules``, first to last.
    :param guarantees: what it wants to hold of its mail, as the option ``guarantees`` has it.
    """

    name: str
    own: str
    facts: Values
    rules: Sequence[Values]
    mail: Correspondence
    guarantees: Sequence[Values] = ()
    questions: Sequence[Question] = ()

    @cached_property
    def numbered_rules(self) -> list[Values]:
        """Its rules with their priorities."""
        return [{**each, "priority": place} for place, each in enumerate(self.rules)]

    def leaves(self, sender: str, recipient: str) -> bool:
        """Whether mail goes from it to somebody else."""
        return sender.endswith(f"@{self.own}") and not recipient.endswith(f"@{self.own}")

    def traffic(self, seed: int, count: int = 400) -> Traffic:
        """The mail of a week."""
        known = {key: value for key, value in self.facts.items() if key not in _NO_MATTER}
        flow = MailFlow(map(translation.stored, self.numbered_rules), translation.facts(known))
        messages: dict[str, Values] = {}
        results: dict[str, Mapping[str, Values]] = {}
        rows: list[Row] = []
        for number in range(count):
            made = _letter(random.Random(f"{seed} {number} {self.name}"), number, self.mail)
            name = f"m{number}"
            messages[name] = made
            results[name] = flow.deliver(made)["recipients"]
            rows += self._rows(name, made, results[name])
        return Traffic(RuleSet(self.numbered_rules), facts_of(self.facts), messages, results, tuple(rows))

    def _rows(self, name: str, made: Values, results: Mapping[str, Values]) -> Iterator[Row]:
        prefixes = {each["name"]: each["actions"].get("prepend_subject", "") for each in self.rules if _acts(each)}
        message = message_of(made, "", name)
        for recipient, result in results.items():
            acting = [each["name"] for each in result["rules"] if each["matched"] is True]
            yield Row(
                message=name,
                received=microseconds_of(message.date),
                sender=message.sender,
                recipient=recipient,
                status="Delivered" if result["fate"] == "unknown" else _STATUS.get(result["fate"], "Failed"),
                subject="".join(prefixes.get(each, "") for each in reversed(acting)) + message.subject,
                size=message.size,
                from_ip=made["sender_ip"],
            )


@dataclass(frozen=True)
class Traffic:
    """A week of mail.

    :param messages: options of messages by what the trace calls them; :param:`results` what the emulator makes of each,
        by recipient.
    """

    rules: RuleSet
    facts: Facts
    messages: Mapping[str, Values]
    results: Mapping[str, Mapping[str, Values]]
    rows: tuple[Row, ...]

    @property
    def trace(self) -> Trace:
        """Its rows."""
        trace = Trace()
        for row in self.rows:
            trace.add(row)
        return trace


def _acts(each: Values) -> bool:
    return each.get("enabled", True) and each.get("mode", "Enforce") == "Enforce"


def _letter(source: random.Random, number: int, mail: Correspondence) -> Values:
    """A message as an option."""
    leaving = source.random() < 0.7
    sender = source.choice(mail.staff) if leaving else source.choice(mail.outsiders)
    device = ""
    if leaving and mail.devices and source.random() < 0.03:
        sender, device = source.choice(sorted(mail.devices.items()))
    others = (*mail.outsiders, *source.sample(list(dict.fromkeys(mail.staff)), 2)) if leaving else mail.staff
    subject, kind = source.choice(mail.subjects), source.random()
    signed_in = leaving and not device
    made: Values = {
        "from": sender,
        "to": list(dict.fromkeys(source.sample(others, source.choice((1, 1, 1, 2, 3))))),
        "cc": [],
        "bcc": [],
        "authenticated": signed_in,
        "subject": subject,
        "body": source.choice(mail.bodies),
        "headers": {} if leaving else {"From": f"{source.choice(mail.claimed)} <{sender}>"},
        "attachments": [_attachment(source, mail) for _each in range(source.choice((0, 0, 1, 2)))],
        "importance": source.choice(("Normal", "Normal", "High")),
        "date": f"2026-11-{20 + number % 7}T{number % 24:02}:00:00Z",
        "protection": {"kind": "none"},
        "disclaimer_insertable": True,
        # What its row has: in place of a last hop where a mailbox sends it.
        "sender_ip": NO_HOP if signed_in else device or HOP,
    }
    if signed_in and kind < 0.03:
        made.update(type="AutoForward", subject=f"FW: {subject}")
    elif signed_in and kind < 0.06:
        made.update(type="OOF", subject=f"Automatic reply: {subject}", attachments=[])
    elif not leaving and kind < 0.05:  # A mailbox forwards it.
        made.update(type="AutoForward", to=[source.choice(mail.outsiders)])
    size = sum(each["size"] for each in made["attachments"])
    made["size"] = int(size * source.choice((1.0, 1.37))) + source.randrange(2_000, 90_000)
    return made


def _attachment(source: random.Random, mail: Correspondence) -> Values:
    large = source.random() < 0.02
    return {
        "name": source.choice(mail.files),
        "size": source.randrange(26, 40) * _MEGABYTE if large else source.randrange(10_000, 3 * _MEGABYTE),
        "text": source.choice(mail.bodies),
        "executable": False,
        "password_protected": False,
        "unsupported": False,
        "limit_exceeded": False,
        "properties": {},
    }
