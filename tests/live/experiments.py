# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiments with mail (experiments.yml), what somebody saw of them, and what the simulation says to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import proposed_rules

_FATES = ("delivered", "rejected", "deleted", "quarantined", "redirected", "moderated")
_PROTECTIONS = ("none", "encrypt", "do_not_forward")
#: Addresses for who replays a record, which names roles alone.
_EXAMPLES = {
    "sender": "sender@contoso.com",
    "inside": "inside@contoso.com",
    "second_inside": "second@contoso.com",
    "forwarding": "forwarding@contoso.com",
    "outside": "outside@fabrikam.com",
    "guest": "guest@wingtiptoys.com",
}
_OWN = ("sender", "inside", "second_inside", "forwarding")


class Problem(Exception):
    """What somebody gave is wrong; the text says what to do."""


@dataclass(frozen=True)
class Experiment:
    """Rules, and messages for them, with roles such as ``{outside}`` for addresses.

    :param number: the unknown, as the simulation numbers it, or the test vector.
    """

    number: str
    question: str
    rules: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What a record calls it."""
        return f"{self.number} {self.messages[0]['name']}"

    @property
    def marks(self) -> list[str]:
        """The rules that mark the subject."""
        return [rule["name"] for rule in self.rules if "prepend_subject" in rule["actions"]]

    def placed_rules(self, addresses: Mapping[str, str], token: str) -> list[dict[str, Any]]:
        """The rules as ome_transport_rule takes them. They know their mail by its sender and by the token in its
        subject.
        """
        senders = sorted({_placed(message["from"], addresses) for message in self.messages})
        rules = []
        for rule in _placed(list(self.rules), addresses):
            actions = {
                **rule["actions"],
                **({"prepend_subject": _mark(rule["name"])} if "prepend_subject" in rule["actions"] else {}),
            }
            conditions = {"from": senders, "subject_contains_words": [token], **rule.get("conditions", {})}
            rules.append(
                {
                    "enabled": True,
                    "mode": "Enforce",
                    "exceptions": {},
                    **rule,
                    "conditions": conditions,
                    "actions": actions,
                }
            )
        return rules

    def to_send(self, addresses: Mapping[str, str], token: str) -> list[dict[str, Any]]:
        """The messages for who sends them, with room for what he sees."""
        return [
            {
                "name": message["name"],
                **({"prepare": _placed(message["prepare"], addresses)} if "prepare" in message else {}),
                "from": _placed(message["from"], addresses),
                "to": _placed(message["to"], addresses),
                "subject": _subject(message, token),
                "seen": {
                    address: {"fate": None, "protection": None, "marks": None}
                    for address in _placed(_looked_at(message), addresses)
                },
            }
            for message in self.messages
        ]

    def answers(
        self, sent: Sequence[Mapping[str, Any]], addresses: Mapping[str, str], *, where: str
    ) -> list[dict[str, Any]]:
        """What was seen, by role; of messages of which nothing was written down nothing.

        :raises Problem: what was written down is none of the words, or half.
        """
        by_name = {message["name"]: message for message in sent}
        found = []
        for message in self.messages:
            if message["name"] not in by_name:
                raise Problem(f"{where}: the message {message['name']!r} is missing.")
            seen = by_name[message["name"]].get("seen") or {}
            rows = {}
            for label in _looked_at(message):
                address = _placed(label, addresses)
                row = _seen(seen.get(address) or {}, self.marks, f"{where}, {message['name']!r}, seen, {address}")
                if row:
                    rows[label] = row
            if rows:
                found.append(
                    {"experiment": self.key, "question": self.question, "message": message["name"], "seen": rows}
                )
        return found

    def simulated(self, message: str) -> dict[str, Any]:
        """Role to the simulation's result."""
        addresses, token = _EXAMPLES, "live0x00"
        (case,) = (each for each in self.messages if each["name"] == message)
        validation, errors = validate(
            {"rules": self.placed_rules(addresses, token)},
            {"rules": {"type": "list", "elements": "dict", "options": rule_argument_spec()}},
        )
        if errors:
            raise Problem(f"{self.key}: {'; '.join(errors)}")
        inside = [addresses[role] for role in _OWN]
        facts = {
            "accepted_domains": ["contoso.com"],
            "remote_domains": [],
            "mailboxes": inside,
            **_placed(dict(self.facts), addresses),
        }
        options = {
            key: _placed(value, addresses) for key, value in case.items() if key in ("from", "to", "type", "size")
        }
        options |= {"subject": _subject(case, token), "authenticated": options["from"] in inside}
        rules = proposed_rules(validation.validated_parameters["rules"], "rules")
        results = Simulator(rules, facts_of(facts)).run(message_of(options, "", message))["recipients"]
        return {label: results.get(_placed(label, addresses)) for label in _looked_at(case)}


@cache
def experiments() -> tuple[Experiment, ...]:
    """All of them, in the order of the file."""
    return tuple(
        Experiment(**row) for row in yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    )


def roles_in(some: Iterable[Experiment]) -> set[str]:
    """The roles that experiments need an address for."""
    return {role for each in some for role in re.findall(r"\{([a-z_]+)\}", json.dumps([each.rules, each.messages]))}


def judge(experiment: Experiment, answer: Mapping[str, Any]) -> tuple[str, str]:
    """What an answer means for the simulation: ``agreed``, ``settled`` (it said unknown, or named the guess) or
    ``contradicted``, and why.
    """
    results = experiment.simulated(answer["message"])
    settled = []
    for label, seen in answer["seen"].items():
        if label not in results:
            raise Problem(f"{answer['experiment']}: {label} gets no copy in this experiment.")
        result = results[label] or {"fate": "unknown", "rules": []}
        pairs = [
            (name, result.get(name, "none" if name == "protection" else "unknown"), seen[name])
            for name in ("fate", "protection")
            if name in seen
        ]
        matched = {row["name"]: row["matched"] for row in result["rules"]}
        for rule in experiment.rules:
            if (
                rule["name"] in experiment.marks
                and rule.get("mode", "Enforce") == "Enforce"
                and result["fate"] != "unknown"
            ):
                pairs.append((f"mark {rule['name']}", matched.get(rule["name"], False), rule["name"] in seen["marks"]))
        for what, said, saw in pairs:
            if said in ("unknown", "protected_option_unknown"):
                settled.append(f"{label}: {what} is {saw}, the simulation does not know")
            elif said != saw and result.get("assumes"):
                settled.append(
                    f"{label}: {what} is {saw}, the simulation guesses {said} ({', '.join(result['assumes'])})"
                )
            elif said != saw:
                return "contradicted", f"{label}: {what} is {saw}, the simulation says {said}"
    return ("settled", "; ".join(settled)) if settled else ("agreed", "The simulation says the same.")


def _seen(row: Mapping[str, Any], known: Sequence[str], where: str) -> dict[str, Any]:
    if unknown := sorted(set(row) - {"fate", "protection", "marks"}):
        raise Problem(f"{where}: {unknown[0]} is none of fate, protection, marks.")
    given = {key: value for key, value in row.items() if value is not None}
    if not given:
        return {}
    if given.get("fate") not in _FATES:
        raise Problem(f"{where}: fate is {given.get('fate')!r}. Use one of {', '.join(_FATES)}.")
    if given["fate"] == "delivered":
        protection = str(given.get("protection"))
        if protection not in _PROTECTIONS and not protection.startswith("template:"):
            raise Problem(
                f"{where}: protection is {given.get('protection')!r}. Use one of {', '.join(_PROTECTIONS)}, template:NAME."
            )
        if not isinstance(given.get("marks"), list):
            raise Problem(
                f"{where}: marks is {given.get('marks')!r}. Use a list of the words in brackets, [] if there are none."
            )
    elif "protection" in given:
        raise Problem(f"{where}: protection is given of a message that was {given['fate']}. Leave it empty.")
    marks = [str(item).strip("[] ") for item in given.get("marks") or []]
    if wrong := [item for item in marks if item not in known]:
        raise Problem(f"{where}: no rule marks with {wrong[0]!r}. Use {', '.join(known) or '[]'}.")
    return {**given, "marks": sorted(marks)}


def _looked_at(message: Mapping[str, Any]) -> list[str]:
    return [*message["to"], *message.get("also_look_at", ())]


def _subject(message: Mapping[str, Any], token: str) -> str:
    return f"{token} {message.get('subject', message['name'])}"


def _mark(rule: str) -> str:
    return f"[{rule}] "


def _placed(value: Any, addresses: Mapping[str, str]) -> Any:
    """A value with addresses in place of roles."""
    if isinstance(value, str):
        return re.sub(r"\{([a-z_]+)\}", lambda found: addresses[found[1]], value)
    if isinstance(value, list):
        return [_placed(item, addresses) for item in value]
    if isinstance(value, dict):
        return {_placed(key, addresses): _placed(item, addresses) for key, item in value.items()}
    return value
