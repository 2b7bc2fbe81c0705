# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail flow rules as the mail flow applies them: which act, and for whom of a copy's recipients they match."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..schema import rule_sections
from ..values import parse_instant
from .directory import Directory
from .mail import Copy, Mail, Recipient
from .people import nameless
from .predicates import PREDICATES, Kind
from .view import Settings, View
from .worlds import Maybe, Question, Truth, World, both, doubt

_EXCEPT = "ExceptIf"
#: Parts of data loss prevention, documented as functional on premises only. Whether the cloud evaluates a rule that has
#: one, and no policy, is said nowhere.
_LOSS_PREVENTION = (
    "MessageContainsDataClassifications",
    "ExceptIfMessageContainsDataClassifications",
    "HasSenderOverride",
    "ExceptIfHasSenderOverride",
    "NotifySender",
)
#: Actions on the content. A disclaimer is none: it says itself what to do where it can't be inserted.
CONTENT_ACTIONS = frozenset(
    ["ApplyRightsProtectionTemplate", "ApplyOME", "RemoveOME", "RemoveOMEv2", "RemoveRMSAttachmentEncryption"]
)
_DAY = datetime.timedelta(days=1)
_READINGS = ("each recipient for itself", "any of them for all", "all of them for all")


@dataclass(frozen=True)
class Predicate:
    """One condition or exception: the property, what it compares with, and its kind."""

    name: str
    value: Any
    kind: Kind

    @property
    def splits(self) -> bool:
        """Whether recipients of one copy can differ in it."""
        return self.kind.about in ("recipient", "relation")


_BLOCKS = frozenset({"DeleteMessage", "RejectMessageReasonText", "RejectMessageEnhancedStatusCode"})


@dataclass(frozen=True)
class Rule:
    """An enabled rule. ``actions`` are the properties of actions that are set."""

    name: str
    mode: str
    settings: Settings
    conditions: tuple[Predicate, ...]
    exceptions: tuple[Predicate, ...]
    actions: Mapping[str, Any]
    supported: bool = True
    begins: str | None = None
    expires: str | None = None

    @property
    def enforced(self) -> bool:
        return self.mode == "Enforce"

    @property
    def looks_at_content(self) -> bool:
        return any(predicate.kind.content for predicate in (*self.conditions, *self.exceptions))

    @property
    def works_on_content(self) -> bool:
        return bool(CONTENT_ACTIONS & set(self.actions))

    @property
    def blocks(self) -> bool:
        """Whether it blocks a message."""
        return self.enforced and "ModerateMessageByUser" not in self.actions and bool(_BLOCKS & set(self.actions))

    @property
    def looks_at_recipients(self) -> bool:
        return any(predicate.kind.about == "all" for predicate in (*self.conditions, *self.exceptions))

    def acts_on(self, date: datetime.datetime) -> Truth:
        """Whether the rule is in its time and one that the service evaluates."""
        found: list[Truth] = [
            self.supported or doubt("U13", f"the service calls {self.name} unsupported", "unsupported", self.name)
        ]
        for text, begins in ((self.begins, True), (self.expires, False)):
            if text is None:
                continue
            border = parse_instant(text)
            if date == border:
                found.append(doubt("U14", f"whether {self.name} begins or ends just then", "just then", text, begins))
            elif _no_offset(text) and abs(date - border) < _DAY:
                found.append(doubt("U14", f"whether {text} is over", "over", text, wanted=(begins,)))
            else:
                found.append((date > border) == begins)
        return both(found)


def _no_offset(text: str) -> bool:
    time = text.strip().partition("T")[2] or text.strip().partition(" ")[2]
    return not time.upper().endswith("Z") and "+" not in time and "-" not in time


def rules(stored: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The rules that can act, in their order, from what an organization stores of them."""
    found = []
    for row in sorted(stored, key=lambda row: row["Priority"]):
        if row.get("State", "Enabled") != "Enabled" or row.get("DlpPolicy") or row.get("RuleSubType", "None") == "Dlp":
            continue
        found.append(_rule(row))
    return found


def _rule(row: Mapping[str, Any]) -> Rule:
    sections: dict[str, tuple[Predicate, ...]] = {}
    for prefix in ("", _EXCEPT):
        found = [predicate(name, row, prefix) for name in PREDICATES if row.get(prefix + name) is not None]
        sections[prefix] = tuple(one for one in found if one is not None)
    return Rule(
        name=row["Name"],
        mode=row.get("Mode", "Enforce"),
        settings=Settings(
            row.get("SenderAddressLocation", "Header"),
            row.get("RecipientAddressType") == "Original",
            bool(row.get("UseLegacyRegex")),
        ),
        conditions=sections[""],
        exceptions=sections[_EXCEPT],
        actions={
            name: value
            for name, value in row.items()
            if rule_sections().get(name) == "actions" and value is not None and value is not False
        },
        supported=row.get("IsRuleConfigurationSupported", True) and not any(map(row.get, _LOSS_PREVENTION)),
        begins=row.get("ActivationDate"),
        expires=row.get("ExpiryDate"),
    )


def predicate(name: str, row: Mapping[str, Any], prefix: str = "") -> Predicate | None:
    """The predicate of that name, as far as a rule has it. A switch that is off is none, but for HasNoClassification,
    whose off says something.
    """
    kind = PREDICATES[name]
    values = [row.get(prefix + one) for one in (name, *kind.partners)]
    if name == "ADComparisonAttribute" and values[0] is not None:
        values[1] = values[1] or "Equal"
    if any(value is None or value == [] or (value is False and name != "HasNoClassification") for value in values):
        return None
    if name == "ManagerAddresses" and values[1] == "Sender":
        kind = replace(kind, about="message")
    return Predicate(name, values[0] if len(values) == 1 else tuple(values), kind)


class Matching:
    """For whom of one copy's recipients a rule's predicates hold, in one world."""

    def __init__(self, world: World, message: Mail, directory: Directory, rule: Rule, copy: Copy) -> None:
        self._world = world
        self._rule = rule
        self._copy = copy
        self._view = View(message, directory, copy, rule.settings)
        self._memory: dict[tuple[int, str], dict[int, Truth]] = {}

    def recipients(self) -> list[Recipient]:
        """Those for whom all conditions and no exception hold."""
        wanted = [(one, True) for one in self._rule.conditions] + [(one, False) for one in self._rule.exceptions]
        undecided = list(self._copy.recipients)
        # First what is certain, so that nothing is asked that does not matter.
        open_: list[tuple[int, Predicate, bool]] = []
        for place, (one, holds) in sorted(enumerate(wanted), key=lambda row: row[1][0].splits):
            if not undecided:
                break
            values = self._values(place, one)
            undecided = [recipient for recipient in undecided if values[id(recipient)] is not (not holds)]
            if any(not isinstance(value, bool) for value in values.values()):
                open_.append((place, one, holds))
        for place, one, holds in open_:
            if undecided:
                values = self._values(place, one)
                undecided = [
                    recipient
                    for recipient in undecided
                    if self._settle(place, one, values[id(recipient)], recipient) is holds
                ]
        met = {id(recipient) for recipient in undecided}
        named = any(not recipient.added for recipient in undecided)
        return [
            recipient
            for recipient in self._copy.recipients
            if (self._reaches(recipient, id(recipient) in met, named) if recipient.added else id(recipient) in met)
        ]

    def _reaches(self, recipient: Recipient, met: bool, named: bool) -> bool:
        """Whether a rule acts for one whom an earlier rule brought. One that tells recipients apart, or blocks, may not look
        at them: then it may act for them or not, as it acts for others of the copy. Copying and blocking are documented as
        two rules, so a block takes nobody along.

        :param met: whether all its predicates hold for them; ``named``: whether they do for somebody whom the sender named.
        """
        rule = self._rule
        splits = any(one.splits for one in (*rule.conditions, *rule.exceptions))
        if not splits and not rule.blocks:
            return met
        along = named and splits and not rule.blocks
        if not (met or along):
            return False
        who = recipient.address
        looks = Question("U09", f"whether rules look at {who}, whom a rule brought", ("added", who))
        if self._world.ask(looks, rule.name, who):
            return met
        takes = Question(
            "U09", f"whether {rule.name} acts for {who}, too, whom a rule brought", ("along", rule.name, who)
        )
        return along and bool(self._world.ask(takes, rule.name, who))

    def _values(self, place: int, one: Predicate) -> dict[int, Truth]:
        """Each recipient's value, by the recipient's ``id``."""
        memory = self._memory.setdefault((place, one.name), {})
        if not memory:
            recipients = self._copy.recipients
            if not one.splits:
                value = one.kind.test(self._view, one.value)
                memory |= {id(recipient): value for recipient in recipients}
            else:
                for recipient in recipients:
                    memory[id(recipient)] = nameless(recipient, one.name, str(one.value)) or one.kind.test(
                        replace(self._view, recipient=recipient), one.value
                    )
                if one.kind.about == "relation":
                    memory |= self._related(place, one, [memory[id(recipient)] for recipient in recipients])
        return memory

    def _related(self, place: int, one: Predicate, values: list[Truth]) -> dict[int, Truth]:
        """A relation that holds for some of the recipients only: for them, for all, or for none."""
        recipients = self._copy.recipients
        settled = [
            self._settle(place, one, value, recipient) for value, recipient in zip(values, recipients, strict=True)
        ]
        if len(set(settled)) > 1:
            people = tuple(recipient.address for recipient in recipients)
            question = Question(
                "U05", f"{one.name} holds for some recipients only", (one.name, str(one.value), people), _READINGS
            )
            wanted = {True: (_READINGS[0], _READINGS[1]), False: (_READINGS[1],)}
            return {
                id(recipient): Maybe(question, wanted[value])
                for value, recipient in zip(settled, recipients, strict=True)
            }
        return {id(recipient): value for value, recipient in zip(settled, recipients, strict=True)}

    def _settle(self, place: int, one: Predicate, value: Truth, recipient: Recipient) -> bool:
        whose = recipient.address if one.splits else ""
        return self._world.settle(value, self._rule.name, place, whose)
