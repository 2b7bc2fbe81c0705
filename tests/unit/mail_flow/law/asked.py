# SPDX-License-Identifier: GPL-3.0-or-later
"""A world that is asked: what several verbs need of it, each computed once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    Organization,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import (
    Difference,
    difference,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import Judgment
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    MailPolicy,
    policy,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    claims_of,
    prove,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    is_about,
)

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.small_worlds import NOW as DATE
from tests.unit.mail_flow.tracing import without_hop
from tests.unit.mail_flow.translation import stored
from tests.unit.mail_flow.unusual import unusual_in

from .worlds import World

Values = dict[str, Any]

#: Rules before the edit, and after it.
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Letter:
    """A message of the world, or one that a verb shows.

    :param options: as the option ``messages`` has it.
    :param more: the facts that it needs beside those of the world.
    """

    key: str
    options: Values
    more: Values
    message: Message
    facts: Facts
    whole: bool

    def person(self, label: str) -> str:
        """The address of somebody whom a result names."""
        return self.facts.people.primary(label.lower())


@dataclass
class Asked:
    """A world and what was found out about it."""

    world: World
    letters: dict[str, Letter] = field(default_factory=dict)
    _results: dict[tuple[str, str], dict[str, Values]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = facts_of(self.world.tenant)
        self.rules = {
            side: RuleSet([{**each, "guid": _guid(each["name"])} for each in rules], self.facts.dialect)
            for side, rules in ((BEFORE, self.world.before), (AFTER, self.world.rules))
        }
        for each in self.world.mail:
            self.letter(each, whole=True)

    def letter(
        self, options: Mapping[str, Any], more: Mapping[str, Any] | None = None, *, whole: bool = False
    ) -> Letter:
        """A message; those that verbs show are kept, so that all others are asked about them, too."""
        said = {"date": DATE, **{key: value for key, value in options.items() if key not in ("name", "expect")}}
        key = json.dumps([said, more or {}], sort_keys=True, default=str)
        if key not in self.letters:
            facts = facts_of({**self.world.tenant, **more}) if more else self.facts
            self.letters[key] = Letter(key, said, dict(more or {}), message_of(said, "", "message"), facts, whole)
        return self.letters[key]

    @property
    def whole(self) -> list[Letter]:
        """The messages of the world, of which everything is known."""
        return [each for each in self.letters.values() if each.whole]

    @property
    def ordinary(self) -> list[Letter]:
        """Those that are usual, and arrive in clear: a row of a message trace can be theirs. What a mailbox sends has no last
        hop there.
        """
        return [
            each
            for each in self.whole
            if not each.options["type"]
            and each.options["protection"]["kind"] == "none"
            and (each.message.sender_ip is None or without_hop(each.message, self.facts) == each.message)
        ]

    def results(self, side: str, letter: Letter) -> dict[str, Values]:
        """Person to the simulator's result."""
        if side not in self.rules:
            raise KeyError(side)
        key = (side, letter.key)
        if key not in self._results:
            found = Simulator(self.rules[side], letter.facts).run(letter.message)["recipients"]
            self._results[key] = {letter.person(label): each for label, each in found.items()}
        return self._results[key]

    def named(self, letter: Letter) -> list[str]:
        """Those whom a message is for."""
        return [each.address for each in recipients_of(letter.facts, letter.message)]

    def people(self, letter: Letter) -> list[str]:
        """Those, and those to whom rules send it."""
        every = (*self.named(letter), *self.results(BEFORE, letter), *self.results(AFTER, letter))
        return list(dict.fromkeys(every))

    def is_usual(self, letter: Letter, person: str) -> bool:
        """Whether nothing of a message is otherwise than proofs may assume."""
        return letter.whole and not any(unusual_in(letter.options, self.world.tenant, person).values())

    def about(self, letter: Letter, when: Mapping[str, Any], unless: Mapping[str, Any], person: str) -> Any:
        """Whether a message is for somebody and meets conditions as it arrives; open where that is not known."""
        claims = claims_of([{"name": "about", "conditions": when, "exceptions": unless}])
        return is_about(claims, claims.rules[0], letter.message, letter.facts, person)

    @cached_property
    def judged(self) -> list[Judgment]:
        """The verdicts on the guarantees; one that no mail can meet is missing."""
        found: list[Judgment] = []
        for each in guarantees_of(self.world.guarantees):
            try:
                found += prove(self.rules[AFTER], self.world.tenant, [each], NOW)
            except OptionError:
                continue
        return found

    @cached_property
    def difference(self) -> Difference:
        """What the edit does to mail."""
        return difference(self.rules[BEFORE], self.rules[AFTER], self.world.tenant, NOW)

    @cached_property
    def policy(self) -> MailPolicy:
        """What the rules do to mail."""
        return policy(self.rules[AFTER], self.world.tenant, NOW)

    def organization(self, side: str) -> Organization:
        """The rules as an organization has them."""
        rules = self.world.before if side == BEFORE else self.world.rules
        shown = [{**stored(each), "Guid": _guid(each["name"]), "Identity": each["name"]} for each in rules]
        brands = [{"Identity": name, "Name": name} for name in ("Branding1", "Branding2", "none")]
        return known_organization(transport_rules=shown, rms_templates=[], ome_configurations=brands)


def _guid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def known_organization(**objects: Sequence[Values]) -> Organization:
    """An organization of which this was read."""
    return Organization(
        {name: SUBSETS[name] for name in objects}, {name: Result(list(found)) for name, found in objects.items()}
    )


def described(rules: Sequence[Values]) -> Iterator[Values]:
    """Rules as a playbook declares them."""
    for each in rules:
        options = {key: value for key, value in each.items() if key not in ("priority", "state")}
        yield {**options, "state": "present", "enabled": each["state"] == "Enabled"}
