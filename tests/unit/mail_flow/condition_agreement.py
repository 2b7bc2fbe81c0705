# SPDX-License-Identifier: GPL-3.0-or-later
"""Where formula, evaluation and trace disagree about a condition: on mail as it arrives, and after a rule that acts on all
mail. What is true, false or open for one of them is so for the others. A formula may leave open what a message shows
only where :data:`OPEN` says why, and a trace where a row does not say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import actions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import claims_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.keys import Key, is_open
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import (
    Atom,
    Predicate,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.seen_message import (
    SeenMessage,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import Literal, high, low
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.header_edits import SPAM_LEVEL
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message, Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rule_view import first_content
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import World
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import microseconds_of

from tests.unit.mail_flow import generators
from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW
from tests.unit.mail_flow.condition_samples import ACTIONS, FACTS, SENDERS, TENANT, Values, drawn, mail
from tests.unit.mail_flow.message_literals import literals
from tests.unit.mail_flow.tracing import traced, without_hop

#: An answer: true, false, or open.
Answer = bool | None
#: A message, and the recipient of the copy.
Copy = tuple[Message, Recipient]

#: Why formulas leave open what a message shows: by what a condition looks at and the sort of its values, and the action
#: of the rule before; empty for any.
OPEN: dict[tuple[str, str, str], str] = {
    ("relation", "relation", ""): "what people are to each other is no atom of a message",
    ("fields", "member", ""): "which members a field names is no atom of a message",
    **{
        (looks_at, sort, "add_manager_as_recipient_type"): "all senders have one formula, and each another manager"
        for looks_at, sort in (
            *(("recipients", sort) for sort in ("word", "pattern")),
            ("fields", "address"),
        )
    },
    **{
        (looks_at, sort, action): "atoms do not tell what a known text and the sender's together have"
        for sort in ("word", "pattern")
        for looks_at, action in (
            ("subject", "prepend_subject"),
            ("body", "prepend_subject"),
            ("body", "apply_html_disclaimer_text"),
        )
    },
}

#: Headers that hold names beside addresses, of which formulas know nothing.
_WITH_NAMES = ("to", "cc")

#: How many values of a condition are tried.
_TRIED = 2

#: Settings of rules that change what a condition looks at, by whether they do.
_SETTINGS: tuple[tuple[Values, Any], ...] = (
    ({"sender_address_location": "Envelope"}, lambda row: row.of_sender),
    ({"sender_address_location": "HeaderOrEnvelope"}, lambda row: row.of_sender),
    ({"recipient_address_type": "Original"}, lambda row: row.of_recipient),
    ({"use_legacy_regex": True}, lambda row: row.sort == "pattern"),
)


def _rule(name: str, conditions: Values, exceptions: Values, does: Values, settings: Values) -> Values:
    return {"name": name, "conditions": conditions, "exceptions": exceptions, "actions": does, **settings}


@dataclass
class Pair:
    """Rules that look for one condition, once as a condition and once as an exception, after one that acts on all mail.

    :param before: what that one does; nothing if there is none.
    """

    section: Values
    action: str = ""
    before: Values = field(default_factory=dict)
    settings: Values = field(default_factory=dict)

    @cached_property
    def _first(self) -> list[Values]:
        return [_rule("before", {}, {}, self.before, {})] if self.before else []

    def rules(self, **parts: Values) -> RuleSet:
        """The rules, with these at the end: part to what it does."""
        own = (
            _rule(
                part,
                self.section if part == "conditions" else {},
                self.section if part == "exceptions" else {},
                does,
                self.settings,
            )
            for part, does in parts.items()
        )
        return RuleSet([*self._first, *own])

    @cached_property
    def asking(self) -> RuleSet:
        """The rules, of which the last two only report."""
        return self.rules(conditions={"set_audit_severity": "Low"}, exceptions={"set_audit_severity": "Low"})

    @cached_property
    def atom(self) -> Atom:
        return self.asking.rules[-1].criteria.exceptions[0]

    @property
    def row(self) -> Predicate:
        return self.atom.predicate

    @property
    def is_open(self) -> bool:
        """Whether formulas may leave open what a message shows."""
        if any((self.row.looks_at, self.row.sort, action) in OPEN for action in ("", self.action)):
            return True
        if self.row.looks_at == "header" and self.atom.values[0].lower() in _WITH_NAMES:
            return True
        return bool(self.settings.get("use_legacy_regex")) and any(map(is_open, self.atom.keys))

    @property
    def is_changed(self) -> bool:
        """Whether the rule before changes what the condition looks at, as the table of actions says."""
        seen = {actions.BY_OPTION[option].seen for option in self.before}
        headers = {str(self.before.get(option, "")).lower() for option in ("set_header_name", "remove_header")} - {""}
        named = {slot.lower() for slot in self.atom.values[:1]} if self.row.looks_at == "header" else set[str]()
        looks_at = {self.row.looks_at}
        if "subject" in self.row.slots:
            looks_at.add("subject")
        if self.row.looks_at in ("recipient", "recipients", "fields", "relation"):
            looks_at.add("recipients")
        if self.row.may_differ_in_wrapper or self.row.looks_at in ("subject", "attachments"):
            looks_at.add("body")  # A disclaimer may wrap the message.
        return bool(headers & {*self.atom.headers, *named}) or bool((seen - {"header"}) & looks_at)

    def said(self, message: Message, person: Recipient) -> dict[str, Answer]:
        """What the simulator says: part to whether its rule acts; nothing about somebody who gets two copies."""
        course = Passage(self.asking, message, FACTS).course(person.address)
        if course is None or course.twice:
            return {}
        return {rule.name: _acts(course.worlds, rule.place) for rule in self.asking.rules[-2:]}

    def false_formulas(self, copies: Sequence[Copy]) -> Iterator[str]:
        """Where a formula is not what the simulator says."""
        models: dict[tuple[Key, ...], Model] = {}
        for message, person in copies:
            beside: tuple[Key, ...] = tuple(
                ("address", each.address) for each in recipients_of(FACTS, message) if each.address != person.address
            )
            model = models.get(beside)
            if model is None:
                model = models[beside] = Model([self.asking], everybody(), TENANT, NOW, exact=beside)
            known, said = literals(model, message, person), self.said(message, person)
            for rule in self.asking.rules[-2:] if said else ():
                formula = under(model, known, model.open.chains[0].acts(rule))
                if said[rule.name] is not formula and not (formula is None and self.is_open):
                    yield (
                        f"{self._about(rule.name, message)}: "
                        f"the formula is {formula}, the simulator says {said[rule.name]}"
                    )

    def false_rows(self, copies: Sequence[Copy]) -> Iterator[str]:
        """Where a replay of a trace decides what the simulator says is otherwise."""
        ordinary = [without_hop(message, FACTS) for message, _person in copies if is_ordinary(message)]
        for part in ("conditions", "exceptions") if ordinary else ():
            rules = self.rules(**{part: ENCRYPT})
            certain = {
                (-example.age, example.recipient): outcome
                for outcome, tally in Replay(rules, FACTS, examples=20).run(traced(ordinary, FACTS)).outcomes.items()
                for example in tally.examples
            }
            for message in ordinary:
                results: Mapping[str, Any] = Simulator(rules, FACTS).run(message)["recipients"]
                for label, result in results.items():
                    found = certain.get((microseconds_of(message.date), FACTS.people.primary(label.lower())))
                    if found and result["fate"] == "delivered" and not _agree(found, result):
                        yield f"{self._about(part, message)}: a row says {found}, the simulator says {result}"

    def false_proofs(self, copies: Sequence[Copy]) -> Iterator[str]:
        """Where all mail from inside that meets the condition is said to be encrypted, and some is not."""
        rules = self.rules(conditions=ENCRYPT)
        clear = [
            message
            for message, person in copies
            if is_ordinary(message)
            and message.sender in generators.PEOPLE
            and person.address != generators.GUEST
            and Pair(self.section).said(message, person).get("conditions")
            and _is_clear(rules, message, person)
        ]
        if not clear:
            return
        try:
            guarantee = {"name": "G", "when": {**IN, **self.section}, "then": "not_in_clear"}
            # Whether guests are inside is open.
            (found,) = prove(rules.descriptions, {**TENANT, "mail_users": []}, [guarantee], NOW)
        except OptionError as error:
            yield f"{self._about('conditions', clear[0])}: {error}"
            return
        if found["verdict"] == "proved":
            yield f"{self._about('conditions', clear[0])}: proved never to be in clear, the simulator says in clear"

    def _about(self, part: str, message: Message) -> str:
        after = f" after {self.before}" if self.before else ""
        return f"{part} {self.section}{after} {self.settings or ''}of {message}"


def everybody() -> RuleSet:
    """A claim that gives all people of samples a variable."""
    people = [*SENDERS, *TENANT["proxy_addresses"].values()]
    return claims_of([{"name": "Everybody", "conditions": {"from": people, "sent_to": people}}])


def _acts(worlds: Sequence[World], place: int) -> Answer:
    """Whether a rule acts in the simulator. What rests on a guess is open."""
    if any(world.rests_on for world in worlds):
        return None
    acts = [any(each == place for _held, each in world.matched) for world in worlds]
    may = [any(each == place for _held, each in (*world.matched, *world.perhaps)) for world in worlds]
    return True if all(acts) else None if any(may) else False


def under(model: Model, known: Sequence[Literal], value: Any) -> Answer:
    """What a formula is under what is known of a message."""
    assert model.solve(known), "no message of the prover's is like this"
    if not model.solve([*known, ~low(value)]):
        return True
    return None if model.solve([*known, high(value)]) else False


def is_ordinary(message: Message) -> bool:
    """Whether a message arrives as mail does of which a trace says nothing else."""
    return not message.types and message.protection is not None and message.protection.kind == "none"


def _agree(found: tuple[str, str, tuple[str, ...], tuple[str, ...]], result: Mapping[str, Any]) -> bool:
    """Whether what is certain of a row is the simulator's result, as far as the row knows which rules protect."""
    fate, protection, by, _by_dlp = found
    if (fate, protection) != (result["fate"], result.get("protection", "")):
        return False
    return not by or list(by) == result.get("protected_by")


def _is_clear(rules: RuleSet, message: Message, person: Recipient) -> bool:
    """Whether a copy is certainly delivered in clear."""
    course = Passage(rules, message, FACTS).course(person.address)
    return course is not None and all(world.fate == "delivered" and not world.asked for world in course.worlds)


# Rows


def wrong_about(row: Predicate) -> list[str]:
    """Where formula, evaluation and trace disagree about a condition."""
    samples = sorted(map(Sample, drawn().get(row.options[0], [])), key=lambda sample: -len(sample.copies))
    if not samples:
        return [f"{row.options[0]} has no samples: see condition_samples.py and generators.py"]
    # A header that only rules set, and one that says what other conditions look at, are followed in different ways.
    tried = [next(alike) for _headers, alike in groupby(sorted(samples, key=_reads_headers), key=_reads_headers)]
    tried = [*tried, *(each for each in samples if each not in tried)][:_TRIED]
    return [wrong for sample in tried for wrong in sample.wrong(is_first=sample is tried[0])]


def _reads_headers(sample: Sample) -> bool:
    return bool(sample.plain.atom.headers)


class Sample:
    """Values of a condition, with copies of mail that meets it, that does not, and of which that is open.

    :param copies: of each kind a few; one kind of mail has a disclaimer wrapped around it.
    """

    def __init__(self, section: Values) -> None:
        self.plain = Pair(section)
        found: dict[tuple[str, bool], list[Copy]] = {}
        for message, person in mail():
            said = self.plain.said(message, person)
            if said:
                kind = (str(said["conditions"]), "Signed" in (message.types or ()))
                found.setdefault(kind, []).append((message, person))
        self.copies = [each for _kind, copies in sorted(found.items()) for each in copies[:1]]
        self._more = [each for _kind, copies in sorted(found.items()) for each in copies[1:3]]

    def wrong(self, *, is_first: bool) -> Iterator[str]:
        """Where there are several answers. What changes nothing that the condition looks at is tried for one value alone."""
        copies, row = [*self.copies, *self._more], self.plain.row
        for settings in ({}, *(settings for settings, counts in _SETTINGS if counts(row))):
            pair = Pair(self.plain.section, settings=settings)
            yield from pair.false_formulas(copies)
            yield from pair.false_rows(copies)
        for action, samples in ACTIONS.items():
            for before in samples:
                pair = Pair(self.plain.section, action, before)
                if pair.is_changed:
                    yield from pair.false_formulas(self.copies)
                    yield from pair.false_rows(self.copies)
                    yield from pair.false_proofs(copies)
                elif is_first and before is samples[0]:
                    yield from pair.false_formulas(self.copies[:1])


# Actions

#: A rule that reads whatever a rule may change.
_READER = _rule(
    "reader",
    {
        "header_contains_message_header": "X-Class",
        "header_contains_words": ["none of these"],
        "subject_or_body_contains_words": ["none of these", "top secret", "secure"],
        "has_classification": "Internal",
        "scl_over": 9,
        "message_type_matches": "PermissionControlled",
        "any_of_to_cc_header": ["new@fabrikam.com", "adele@contoso.com"],
    },
    {},
    {"set_audit_severity": "Low"},
    {},
)


def wrong_about_action(option: str) -> list[str]:
    """Where the row of an action does not say what the action changes for later rules."""
    samples = [sample for each in ACTIONS.values() for sample in each if option in sample]
    if not samples:
        return [f"{option} has no samples: see condition_samples.py"]
    found: list[str] = []
    for partners in {tuple(sample) for sample in samples}:
        said = {actions.BY_OPTION[each].seen for each in partners} - {""}
        of_simulator, of_formula = set[str](), set[str]()
        for does in (sample for sample in samples if tuple(sample) == partners and _is_own_header(sample)):
            rules = RuleSet([_rule("before", {}, {}, does, {}), _READER])
            for message in (message for message, _person in mail() if is_ordinary(message)):
                for course in Passage(rules, message, FACTS).courses():
                    of_simulator = of_simulator.union(*(_changed(world, message) for world in course.worlds))
            step = Model([rules], everybody(), TENANT, NOW).open.chains[0].step(rules.rules[1])
            of_formula |= _seen(step.seen) if step else set()
        told = [("the simulator", of_simulator)]
        if not any(actions.BY_OPTION[each].ends for each in partners):  # No later rule sees a copy that is gone.
            told.append(("the formula", of_formula))
        found += [
            f"{', '.join(partners)}: the rows say {sorted(said)}, {who} changes {sorted(changed)}"
            for who, changed in told
            if changed != said
        ]
    return found


def _is_own_header(does: Values) -> bool:
    """Whether no header that a rule sets or removes says what other conditions look at."""
    return not {does.get("set_header_name"), does.get("remove_header")} & {*generators.SAYING}


def _changed(world: World, message: Message) -> set[str]:
    """What later rules see otherwise in a world."""
    now, first = world.content, first_content(message)
    return {
        name
        for name, is_so in (
            ("subject", now.subject != first.subject),
            ("body", now.body != first.body or now.wrapped),
            ("classification", now.classifications != first.classifications),
            ("protection", now.asked or now.removed),
            ("scl", bool(now.edits_of((SPAM_LEVEL,)))),
            ("header", now.headers != first.headers),
            ("recipients", bool(world.added)),
        )
        if is_so
    }


def _seen(seen: SeenMessage) -> set[str]:
    """The same of a formula."""
    fields = {edit.field for edit, _acts in seen.edits}
    return {
        name
        for name, is_so in (
            ("subject", "subject" in seen.texts),
            ("body", "body" in seen.texts),
            ("classification", bool(seen.classes)),
            ("protection", (seen.asked, seen.removed) != (SeenMessage().asked, SeenMessage().removed)),
            ("scl", SPAM_LEVEL in fields),
            ("header", any(slot.startswith("header ") for slot in seen.texts)),
            ("recipients", bool(seen.added)),
        )
        if is_so
    }
