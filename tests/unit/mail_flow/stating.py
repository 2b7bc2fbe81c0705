# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes statements about an organization's rules back to their mail: what they say has to be true of messages, and
provable of all mail.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    MISFITS,
    Statement,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    on_arrival,
)

from tests.unit.mail_flow.answers import difference, prove

Values = dict[str, Any]

_MANY_BYTES = 17 << 20
_FATES = ("rejected", "deleted", "quarantined", "redirected")


class Mail:
    """Messages through an organization's rules, and what becomes of their copies: of the simulator, unless results are
    given.
    """

    def __init__(
        self,
        rules: Sequence[Values],
        facts: Values,
        messages: Sequence[Message],
        results: Sequence[Mapping[str, Values]] | None = None,
    ) -> None:
        self.rules, self.facts = RuleSet(rules), facts_of(facts)
        simulator = Simulator(self.rules, self.facts)
        found = results or [simulator.run(message)["recipients"] for message in messages]
        self._results = list(zip(messages, found, strict=True))

    def false(self, said: Statement) -> Iterator[str]:
        """The messages and recipients of which a statement is not true."""
        for message, results in self._results:
            for label, result in results.items():
                address = label.lower()
                if not self._is_named(said, message, address, result) or said.unknown:
                    continue
                if any(_acted(result, each.rule) is not False for each in said.exempting):
                    continue
                if said.senders and not (message.authenticated and self._is_inside(message)):
                    continue
                if not _happens(said, results, result):
                    yield f"{said.rule.name}: {said.effect} of {message} to {label}: {result}"

    def _is_inside(self, message: Message) -> bool:
        domains = [each.name for each in self.facts.accepted_domains or ()]
        return message.sender.partition("@")[2].lower() in domains

    def _is_named(self, said: Statement, message: Message, address: str, result: Mapping[str, Any]) -> bool:
        """Whether a recipient's copy is surely mail of a statement."""
        written = [person.lower() for person in (*message.to, *message.cc, *message.bcc)]
        people = {person.address: person for person in self.facts.recipients(message)}
        if address not in people or _is_unusual(said, message) or said.effect.kind == "in_transit":
            return False
        if said.managed or said.effect == MISFITS or said.effect.kind in ("branded", "clear_transit"):
            return False
        if _gets_it_anyway(said, self.facts, [*written, *people]):
            return False
        acted = _acted(result, said.rule.name)
        if acted is not False:
            return acted is True
        if said.changed:
            return False
        met = on_arrival(self.rules, said.rule, message, self.facts, address)
        conditions = all(met[atom] is True for atom in said.rule.conditions)
        return conditions and all(met[atom] is False for atom in said.rule.exceptions)


def _gets_it_anyway(said: Statement, facts: Facts, people: Sequence[str]) -> bool:
    """Whether somebody gets the message to whom the rule itself brings it."""
    options = ("add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to")
    brought = [
        person.address
        for option in options
        for name in said.rule.actions.get(option) or ()
        for person in facts.brought(str(name))
    ]
    return bool(set(brought) & set(people))


def _is_unusual(said: Statement, message: Message) -> bool:
    sorts = {atom.predicate.sort for atom in said.rule.conditions}
    protected = message.protection is not None and message.protection.kind != "none"
    if protected != bool(said.arrives) or (protected and message.protection and message.protection.owner != "own"):
        return True
    pdf = any(each.name.lower().endswith(".pdf") for each in message.attachments or ())
    return bool(
        (message.types and "type" not in sorts)
        or (message.size is None or (message.size >= _MANY_BYTES and "size" not in sorts))
        or (pdf and said.effect.kind == "encrypted")
    )


def _acted(result: Mapping[str, Any], name: str) -> bool | None:
    """Whether a rule acted on a copy, before or after approvals; ``None`` if that is open."""
    for each in result["rules"]:
        if each["name"] == name:
            return True if each["matched"] is True else None
    later = result.get("after_approval") or result.get("after_release")
    return _acted(later, name) if later else False


def _last(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What becomes of a copy once it is approved."""
    return _last(result["after_approval"]) if result.get("after_approval") else result


def _happens(said: Statement, results: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether what a statement says happened to a copy."""
    kind, names = said.effect.kind, said.effect.names
    if kind in _FATES:
        return bool((_last(result) if said.approved else result)["fate"] == kind)
    if kind == "moderated":
        return bool(result["fate"] == "moderated")
    if kind == "encrypted":
        end = _last(result)
        return bool(end["fate"] == "delivered" and end["protection"] not in ("none", "unknown"))
    if kind == "decrypted":
        end = _last(result)
        return bool(end["fate"] == "delivered" and end["protection"] == "none")
    if kind.startswith("copied"):
        copies = [each for label, each in results.items() if label.lower() == names[0]]
        return any((_last(copy) if said.approved else copy)["fate"] == "delivered" for copy in copies)
    return _acted(result, said.rule.name) is not False


def witnesses(rules: Sequence[Values], facts: Values, now: datetime.datetime) -> Iterator[tuple[Message, Values]]:
    """Messages that show what rules do, each with the facts that it needs beside."""
    for row in difference([], rules, facts, now, shown=1_000).rows:
        if "witness" in row:
            written = {key: value for key, value in row["witness"]["message"].items() if key != "name"}
            message = {"size": 1000, **written, "date": now}
            yield message_of(message, "", "witness"), {**facts, **row["witness"].get("facts", {})}


def verdict_without(
    said: Statement, rules: Sequence[Values], facts: Values, now: datetime.datetime, kept: Sequence[str] = ()
) -> str:
    """The verdict on the mail of an encrypting rule, with those of the rules that exempt some of it that are kept. An
    approval only delays it, and a guarantee is about those who get reports, too.
    """
    exempting = {each.rule for each in said.exempting} - set(kept)
    others = ("moderate_message_by_user", "moderate_message_by_manager", "generate_incident_report")
    beside = {each["name"] for each in rules if any(option in each["actions"] for option in others)}
    off = {*exempting, *beside} - {*kept, said.rule.name}
    left = [{**each, "enabled": False} if each["name"] in off else each for each in rules]
    (rule,) = [each for each in rules if each["name"] == said.rule.name]
    guarantee = {"name": "G", "when": rule["conditions"], "unless": rule["exceptions"], "then": "encrypted"}
    (found,) = prove(left, facts, [{**guarantee, "copies": "recipients_only"}], now)
    return str(found["verdict"])
