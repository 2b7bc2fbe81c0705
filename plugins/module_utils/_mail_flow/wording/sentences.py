# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes a difference in one sentence: which mail it is, what happens to it now, and which rule is the cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..._exchange.text import listed, quoted
from ..._resources.rules.unmatchable_values import never_matching
from ..analyses.aspects import GAINS, Aspect, DifferenceKind
from ..analyses.changed_conditions import BY_SPLITS
from ..analyses.finding import (
    FROM_INSIDE,
    TO_OUTSIDE,
    Cause,
    ChangedMail,
    Exempting,
    SideEffect,
    SideEffectsChanged,
    Stages,
)
from ..analyses.rule_changes import NOTHING, DateChange, Edit, Separation
from ..conditions.predicate import Atom, Predicate
from ..conditions.predicates import BY_OPTION
from ..model import questions
from ..model.addresses import is_below
from ..model.outcomes import TEMPLATE, Fate, ProtectionKind
from ..rules.flow_rule import FlowRule
from ..simulator.copy_result import CopyResult
from .instants import instant_words

#: No conditions that rules change.
NONE_CHANGED: Mapping[Atom, tuple[str, ...]] = MappingProxyType({})

#: How mail arrives protected.
_ARRIVES = {
    "own": "that arrives protected by the organization's own keys",
    "other": "that arrives protected by another organization's keys",
    "smime": "that arrives encrypted with S/MIME",
    "smime_signed": "that arrives with an S/MIME signature",
}


@dataclass(frozen=True)
class Clause:
    """What conditions with the same options say of mail.

    :param about: the value that is not a list; empty if there is none.
    :param lists: lists of values. One value of each list is true.
    :param address: the address that it looks at, as a key of :data:`_ADDRESS`; empty for the usual one.
    :param changed_by: the names of the earlier rules that change what it looks at, or :data:`BY_SPLITS`.
    """

    predicate: Predicate
    about: str
    lists: tuple[tuple[Any, ...], ...]
    address: str
    changed_by: tuple[str, ...] = ()

    @classmethod
    def of_atoms(cls, atoms: Sequence[Atom], changed_by: tuple[str, ...] = ()) -> Clause:
        """The clause of conditions with the same options."""
        first, predicate = atoms[0], atoms[0].predicate
        lists = _merged_lists(predicate, [predicate.shown(atom.values)[1] for atom in atoms])
        address = first.settings.location if predicate.of_sender and first.settings.location in _ADDRESS else ""
        return cls(
            predicate=predicate,
            about=predicate.shown(first.values)[0],
            lists=tuple(map(tuple, lists)),
            address="written" if first.looks_at_written else address,
            changed_by=changed_by,
        )

    @property
    def preposition(self) -> str:
        """The word with which the clause begins."""
        return self.predicate.phrase.preposition(self.about)

    @property
    def is_scope(self) -> bool:
        """Whether the clause says that people are inside, or outside."""
        return self.predicate.sort == "scope" and self.about in self.predicate.phrase.forms and not self.address

    def words(self, before: Clause | None = None) -> str:
        """The clause in words.

        :param before: the clause before it.
        """
        same = before is not None and before.preposition == self.preposition
        instead = self._after_scope() if same and before and before.is_scope else ""
        text = self.predicate.phrase.with_values(self.about, self.lists, instead) + _ADDRESS[self.address]
        if self.changed_by == BY_SPLITS:
            text += " (still in the same copy)"
        elif self.changed_by:
            leave = "leaves" if len(self.changed_by) == 1 else "leave"
            text += f" (as {listed(list(map(repr, self.changed_by)), joint='and')} {leave} it)"
        return f"and {text}" if same and self.preposition == "with" else text

    def _after_scope(self) -> str:
        """The words with which the clause begins after the scope of the same people: ``from inside sent by``; empty for its own
        preposition.
        """
        if self.predicate.sort == "below":
            return "at"
        if self.preposition != "from":
            return ""
        return "sent from" if self.predicate.sort in _OF_ADDRESSES else "sent by"


#: The sorts of conditions about addresses of senders, not about people.
_OF_ADDRESSES = frozenset({"word", "pattern", "range"})

#: The address that a condition looks at to its words.
_ADDRESS = {
    "": "",
    "written": " (as written)",
    "Envelope": " (in the envelope)",
    "HeaderOrEnvelope": " (in the header or the envelope)",
}


def _merged_lists(predicate: Predicate, lists: list[list[Any]]) -> list[list[Any]]:
    """Lists of values of which one of each is true, without what other lists say already."""
    if predicate.is_sole:
        both = [value for value in lists[0] if all(value in values for values in lists)]
        return [both] if both else lists
    if predicate.sort == "below":
        whole = lists[0]
        for values in lists[1:]:
            deeper = [
                one if is_below(one, other) else other
                for one in whole
                for other in values
                if is_below(one, other) or is_below(other, one)
            ]
            whole = list(dict.fromkeys(deeper))
        return [whole] if whole else lists
    narrowest: list[list[Any]] = []
    for values in sorted(lists, key=len):
        if not any(set(known) <= set(values) for known in narrowest):
            narrowest.append(values)
    return narrowest


#: The maximum number of exceptions that a sentence names.
_MOST_EXCEPTIONS = 4


@dataclass(frozen=True)
class NamedMail:
    """The mail that a sentence is about. Equal ones are the same mail.

    :param parts: the clauses that are true of it, in the order of the words.
    :param met: clauses of which one is true of it, unless one of :param:`unmet` is not.
    :param every: whether it is all such mail.
    :param arrives: its protection on arrival, as a key of the model's arrivals; empty if that does not matter.
    :param exempt: clauses none of which is true of it.
    :param more: what else is true of it, in words.
    :param partly: whether it is only some such mail, and the sentence does not say which.
    """

    parts: tuple[Clause, ...]
    met: tuple[Clause, ...]
    unmet: tuple[Clause, ...]
    every: bool
    arrives: str
    exempt: tuple[Clause, ...] = ()
    more: tuple[str, ...] = ()
    partly: bool = False

    def words(self, *, first: bool = True, ends: str = ",") -> str:
        """The mail in words.

        :param first: whether it begins a sentence.
        :param ends: what ends an insertion.
        """
        arrives = [_ARRIVES[self.arrives]] if self.arrives else []
        begins = "some mail" if self.partly else "mail"
        begins = "all mail" if self.every else begins
        begins = begins.capitalize() if first else begins
        mail = " ".join([begins, *words_of(self.parts), *arrives, *self.more])
        exempt = [clause.words() for clause in self.exempt]
        if self.met:
            reasons = [*(clause.words() for clause in self.met), *(f"not {clause.words()}" for clause in self.unmet)]
            besides = f", except {_mail_with(exempt)}" if exempt else ""
            return f"{mail}{besides}, either {', '.join(reasons[:-1])} or {reasons[-1]}{ends}"
        exempt = [*([" ".join(words_of(self.unmet))] if self.unmet else []), *exempt]
        return f"{mail}, except {_mail_with(exempt)}{ends}" if exempt else mail

    def __str__(self) -> str:
        return self.words()

    def with_clause(self, clause: Clause) -> NamedMail:
        """The part of the mail of which another clause is true, too."""
        return replace(self, parts=in_order((*self.parts, clause)))


def _mail_with(phrases: Sequence[str]) -> str:
    """Mail of which one of some phrases is true. Three or more have a noun each, as there are commas within phrases, too."""
    if len(phrases) > 2:
        return listed([f"mail {phrase}" for phrase in phrases], most=_MOST_EXCEPTIONS)
    return f"mail {listed(phrases)}"


def mail_of(
    rules: Sequence[FlowRule],
    why: Separation = NOTHING,
    *,
    every: bool,
    arrives: str = "",
    changed: Mapping[Atom, tuple[str, ...]] = NONE_CHANGED,
    exceptions: Iterable[Atom] = (),
) -> NamedMail:
    """The mail that meets the conditions of all these rules, with each condition once.

    :param why: the reasons of which one is true of it, too.
    :param arrives: its protection on arrival, as a key of the model's arrivals; empty if that does not matter.
    :param changed: further conditions, which earlier rules change, each with the names of these rules.
    :param exceptions: conditions none of which is true of it.
    """
    met, unmet = (tuple(Clause.of_atoms([atom]) for atom in atoms) for atoms in (why.met, why.unmet))
    parts = that_match(parts_of([*(atom for rule in rules for atom in rule.criteria.conditions), *changed], changed))
    exempt = that_match(dict.fromkeys(Clause.of_atoms([atom]) for atom in exceptions), exempt=True)
    parts = _without_exempt_values(parts, [*exempt, *(unmet if len(unmet) == 1 and not met else ())])
    return NamedMail(parts, met, unmet if met else parts_of(why.unmet), every, arrives, exempt)


def parts_of(atoms: Iterable[Atom], changed: Mapping[Atom, tuple[str, ...]] = NONE_CHANGED) -> tuple[Clause, ...]:
    """The clauses of conditions, from the sender to the message.

    :param changed: the conditions that earlier rules change, each with the names of these rules.
    """
    groups: dict[tuple[Any, ...], list[Atom]] = {}
    for atom in atoms:
        part = Clause.of_atoms([atom])
        about = part.about.lower() if part.predicate.phrase.depends else ""
        key = (part.predicate.options, about, part.address, changed.get(atom, ()))
        groups.setdefault(key, []).append(atom)
    clauses = [Clause.of_atoms(alike, key[-1]) for key, alike in groups.items()]
    return in_order(clauses)


def that_match(parts: Iterable[Clause], *, exempt: bool = False) -> tuple[Clause, ...]:
    """Clauses without the values that match no mail, such as ``@fabrikam.com`` as a domain: what is said of mail is not said of
    these. One of which no value matches any stays as it is.

    :param exempt: whether they are about exempt mail: then there is none of such a clause, which is left out.
    """
    matching = [(part, tuple(_values_that_match(values, part) for values in part.lists)) for part in parts]
    return tuple(
        replace(part, lists=lists) if all(lists) else part
        for part, lists in matching
        if not exempt or all(lists) or not all(part.lists)
    )


def _values_that_match(values: tuple[Any, ...], part: Clause) -> tuple[Any, ...]:
    """The values of a clause that may match mail."""
    never = {value for option in part.predicate.options for _option, value, _meant in never_matching({option: values})}
    return tuple(value for value in values if str(value) not in never)


def in_order(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Clauses in the order from the sender to the message."""
    return tuple(sorted(clauses, key=lambda part: part.predicate.phrase.place))


def _without_exempt_values(parts: Iterable[Clause], exempt: Sequence[Clause]) -> tuple[Clause, ...]:
    """Clauses without the values that none of the mail has.

    :param exempt: the clauses that are not true of the mail.
    """
    return tuple(
        replace(part, lists=tuple(_values_not_exempt(values, part, exempt) for values in part.lists)) for part in parts
    )


def _values_not_exempt(values: tuple[Any, ...], part: Clause, exempt: Sequence[Clause]) -> tuple[Any, ...]:
    """The values of a clause that no exempt clause has; all if none remain."""
    exempt_values = {
        str(value).casefold()
        for clause in exempt
        if replace(clause, lists=()) == replace(part, lists=()) and len(clause.lists) == 1
        for value in clause.lists[0]
    }
    return tuple(value for value in values if str(value).casefold() not in exempt_values) or values


def mail_of_rule(
    rule: FlowRule,
    changed: Mapping[Atom, tuple[str, ...]] = NONE_CHANGED,
    *,
    every: bool,
    arrives: str = "",
    more: tuple[str, ...] = (),
) -> NamedMail:
    """The mail that meets the conditions of a rule, and none of its exceptions, when it reaches the rule.

    :param changed: the conditions and exceptions that earlier rules change, each with the names of these rules.
    :param more: what else is true of it, in words.
    """
    exempt = that_match(
        (Clause.of_atoms([atom], changed.get(atom, ())) for atom in rule.criteria.exceptions), exempt=True
    )
    parts = _without_exempt_values(that_match(parts_of(rule.criteria.conditions, changed)), exempt)
    return NamedMail(parts, (), (), every, arrives, exempt, more)


def words_of(parts: Sequence[Clause]) -> list[str]:
    """Clauses in words."""
    return [part.words(before) for before, part in zip((None, *parts), parts, strict=False)]


#: Kind of difference to what mail or a copy is after it.
_IS = {
    DifferenceKind.PROTECTION_LOST: "no longer encrypted",
    DifferenceKind.DELIVERY_LOST: "no longer delivered",
    DifferenceKind.TRANSIT_LOST: "less protected on its way",
    DifferenceKind.PROTECTION_GAINED: "now encrypted",
    DifferenceKind.DELIVERY_GAINED: "now delivered",
    DifferenceKind.TRANSIT_GAINED: "better protected on its way",
    DifferenceKind.PROTECTION_CHANGED: "now protected differently",
    DifferenceKind.FATE_CHANGED: "now handled differently",
}
#: Kind of difference to what happens to the mail, and to what happens to several copies.
BECOMES, BECOME = (
    {
        **{kind: f"{verb} {words}" for kind, words in _IS.items()},
        DifferenceKind.BRANDING_CHANGED: f"now {shows} a different branding or none",
        DifferenceKind.SIDE_EFFECT_CHANGED: f"now {has} other side effects",
        DifferenceKind.UNKNOWN: "may be treated differently",
    }
    for verb, shows, has in (("is", "shows", "has"), ("are", "show", "have"))
)

#: Kind of difference to what would happen to the mail, or to copies.
WOULD_BECOME: Mapping[DifferenceKind, str] = {
    DifferenceKind.PROTECTION_LOST: "no longer be encrypted",
    DifferenceKind.DELIVERY_LOST: "no longer be delivered",
    DifferenceKind.TRANSIT_LOST: "be less protected on its way",
    DifferenceKind.PROTECTION_GAINED: "now be encrypted",
    DifferenceKind.DELIVERY_GAINED: "now be delivered",
    DifferenceKind.TRANSIT_GAINED: "be better protected on its way",
    DifferenceKind.PROTECTION_CHANGED: "be protected differently",
    DifferenceKind.FATE_CHANGED: "be handled differently",
    DifferenceKind.BRANDING_CHANGED: "show a different branding or none",
    DifferenceKind.SIDE_EFFECT_CHANGED: "have other side effects",
    DifferenceKind.UNKNOWN: "be treated differently",
}

#: The protection of a copy to the name that Exchange has for it.
PROTECTION_OPTIONS: Mapping[str, str] = {
    ProtectionKind.ENCRYPT: "Encrypt",
    ProtectionKind.DO_NOT_FORWARD: "Do Not Forward",
    ProtectionKind.SMIME: "S/MIME",
}

#: Fate to the words for it if it is new, and if it was so before.
FATES = {
    Fate.REJECTED: ("is now rejected", "was rejected"),
    Fate.DELETED: ("is now deleted", "was deleted"),
    Fate.QUARANTINED: ("now goes into quarantine", "went into quarantine"),
    Fate.REDIRECTED: ("is now redirected", "was redirected"),
    Fate.MODERATED: ("now waits for approval", "waited for approval"),
}

_REACHES = {DifferenceKind.DELIVERY_LOST: "no longer reaches", DifferenceKind.DELIVERY_GAINED: "now reaches"}


@dataclass(frozen=True)
class EffectPhrase:
    """What happens to mail, in words.

    :param begins: the words before a name; all words if there is none.
    :param name: a name, address or number, in words; empty if there is none.
    :param ends: the words after the name.
    """

    begins: str
    name: str = ""
    ends: str = ""

    def __str__(self) -> str:
        return f"{self.begins}{self.name}{self.ends}"


def one_of(phrases: Iterable[EffectPhrase]) -> str:
    """Phrases as alternatives; a single phrase with all names, if they differ in these alone."""
    distinct = list(dict.fromkeys(phrases))
    frames = {(phrase.begins, phrase.ends) for phrase in distinct}
    if len(frames) == 1:
        ((begins, ends),) = frames
        return f"{begins}{listed([phrase.name for phrase in distinct], most=len(distinct))}{ends}"
    return listed(list(map(str, distinct)), most=len(distinct))


def becomes(
    kind: DifferenceKind,
    sides: Stages = (None, None),
    person: str = "",
    *,
    approved: bool = False,
    only: str = "",
    branding: str = "",
    unbranded: bool = True,
) -> str:
    """What happens to mail now.

    :param sides: the results before and now, if they are the same for all of the mail.
    :param person: the person whose copy it is, if rules add them.
    :param approved: whether it happens after an approval for which the mail waits anyway.
    :param only: the words for the condition on which it happens.
    :param branding: a branding that some of the mail newly shows, if not all of it shows the same; empty if none is known.
    :param unbranded: whether some of it may then show none any more.
    """
    once = " once it is approved" if approved else ""
    if branding and sides == (None, None):
        whose = f" for {person}" if person else ""
        return (
            f"now shows a different branding, such as {branding!r}{', or none' if unbranded else ''}{whose}{once}{only}"
        )
    if person:
        return f"{_REACHES.get(kind) or f'{_becomes(kind, once, *sides)} for'} {person}{only}"
    if only and kind is DifferenceKind.DELIVERY_LOST:
        return f"{BECOMES[kind]}{once}{only}"  # It was delivered before, not rejected.
    return str(_becomes(kind, f"{once}{only}", *sides))


def becomes_one_of(kind: DifferenceKind, every: Iterable[Stages]) -> str:
    """What happens now to several classes of mail with a kind of difference; only the kind if that says it of all.

    :param every: the results before and now, of each class.
    """
    phrases = list(dict.fromkeys(_becomes(kind, "", *stages) for stages in every))
    plain = EffectPhrase(BECOMES[kind])
    if len(phrases) > 1 and (plain in phrases or kind is DifferenceKind.DELIVERY_GAINED):
        return str(plain)
    return one_of(phrases)


def _becomes(kind: DifferenceKind, when: str, before: CopyResult | None, after: CopyResult | None) -> EffectPhrase:
    """What happens to mail now.

    :param when: the words for when it happens.
    """
    plain = f"{BECOMES[kind]}{when}"
    if before is None or after is None:
        return EffectPhrase(plain)
    if kind in (DifferenceKind.DELIVERY_LOST, DifferenceKind.FATE_CHANGED) and after.fate in FATES:
        again = " again" if when and after.fate is Fate.MODERATED else ""
        return EffectPhrase(f"{FATES[after.fate][0]}{again}{when}")
    if kind is DifferenceKind.DELIVERY_GAINED and before.fate in FATES:
        # The protection may differ between messages: mail that arrives protected stays protected.
        return EffectPhrase(f"{plain} (before, it {FATES[before.fate][1]})")
    if kind is DifferenceKind.PROTECTION_CHANGED:
        return EffectPhrase(
            f"is now protected with {template_name(after.protection)} instead of {template_name(before.protection)}"
        )
    if kind is DifferenceKind.BRANDING_CHANGED:
        return _branding(before.branding, after.branding)
    return EffectPhrase(plain)


def _branding(before: str, after: str) -> EffectPhrase:
    """Which branding mail shows now, and which it showed before; each empty for none."""
    if not after:
        return EffectPhrase("no longer shows a branding")
    if before:
        return EffectPhrase(f"now shows the branding {after!r} instead of ", repr(before))
    return EffectPhrase("now shows the branding ", repr(after))


def template_name(protection: str) -> str:
    """A protection, as Exchange calls it."""
    return PROTECTION_OPTIONS.get(protection, protection.removeprefix(TEMPLATE))


#: The clause that mail is from inside, and the clause that it is for people outside.
_FROM_INSIDE, _TO_OUTSIDE = (Clause(BY_OPTION[option], value, (), "") for option, value in (FROM_INSIDE, TO_OUTSIDE))

#: How rules keep mail from an effect to what they make of it.
_WHAT_RULES_MAKE_OF_IT: Mapping[str, str] = {
    "rejects": "rejected",
    "deletes": "deleted",
    "quarantines": "quarantined",
    "redirects": "redirected",
    "encrypts": "encrypted",
    "decrypts": "decrypted",
    "routes": "routed",
    "brings": "sent there",
    "holds": "held for approval",
    "takes": "taken",
}

#: How rules keep mail from an effect in other ways to what they do: the verb of several rules, its past, and what follows it.
_WHAT_RULES_DO: Mapping[str, tuple[str, str, str]] = {
    "stops": ("stop", "stopped", "processing first"),
    "may_stop": ("stop", "stopped", "processing first even in a test mode"),
    "asks": ("ask", "asked", "for another template"),
    "brands": ("choose", "chose", "another branding"),
    "repeats": ("ask", "asked", "for that, too"),
}

#: How DLP rules keep mail from an effect to what DLP does, with placeholders for the mail and the names of the rules.
_WHAT_DLP_DOES: Mapping[str, str] = {
    "dlp_blocks": "DLP blocks {it} with {rules}",
    "dlp_redirects": "DLP redirects {it} with {rules}",
    "dlp_quarantines": "DLP quarantines {it} with {rules}",
    "dlp_decrypts": "DLP decrypts {it} with {rules}",
    "dlp_asks": "DLP asks for another template with {rules}",
    "dlp_stops": "DLP stops at {rules}",
    "dlp_acts": "DLP may enforce {rules} instead",
}

#: How a rule may keep mail from an effect to the open question on which that depends. The words for it name the question.
ASKED_BY: Mapping[str, str] = {
    "may_stop": questions.AUDIT_STOPS,
    "dlp_acts": questions.SEVERAL_DLP_RULES,
    "takes": questions.WHICH_CONNECTOR,
}

#: The maximum number of other rules that a sentence names.
MOST_NAMED = 3

#: Fate to how rules that bring it about keep mail from other effects.
_ENDING_WAYS = {Fate.REJECTED: "rejects", Fate.DELETED: "deletes", Fate.QUARANTINED: "quarantines"}

#: How rules end mail, whatever other rules are for.
ENDING_MAIL = frozenset(("rejects", "deletes", "quarantines"))


def named_of(exempting: Sequence[Exempting], often: Collection[Exempting] = ()) -> list[Exempting]:
    """The rules that a sentence names: at most three, and the last one of a kind, which is not worth counting.

    :param often: the rules that are only counted.
    """
    first = [exemption for exemption in exempting if exemption not in often][:MOST_NAMED]
    counted = Counter((exemption.how, exemption.before) for exemption in exempting if exemption not in first)
    return [exemption for exemption in exempting if exemption in first or counted[exemption.how, exemption.before] == 1]


def _by(way: tuple[str, bool], rules: str, it: str, *, several: bool, continues: bool, already: bool) -> str:
    """How rules keep mail from an effect, in words, with the open question on which that depends.

    :param way: how they do, and whether only before an edit.
    :param rules: the rules in words.
    :param it: the mail in words.
    :param several: whether the rules take the verb of several: ``2 other rules ask for another template``.
    :param continues: whether the words before these say what other rules make of the mail.
    :param already: whether the rules do to the mail what it is about anyway.
    """
    how, before = way
    question = f" ({ASKED_BY[how]})" if how in ASKED_BY else ""
    if how in _WHAT_RULES_MAKE_OF_IT:
        begins = "" if continues else f"{it} {'was' if before else 'is'} {'already ' if already else ''}"
        return f"{begins}{_WHAT_RULES_MAKE_OF_IT[how]} by {rules}{' before' if before else ''}{question}"
    if how in _WHAT_DLP_DOES:
        return f"{_WHAT_DLP_DOES[how].format(it=it, rules=rules)}{question}"
    verb, past, what = _WHAT_RULES_DO[how]
    now = verb if several else f"{verb}s"
    return f"{rules} {past if before else now} {what}{question}"


def unless_words(
    exempting: Sequence[Exempting],
    reasons: Sequence[str] = (),
    often: Collection[Exempting] = (),
    other_ways: Sequence[str] = (),
    what: Sequence[str] = ("it", "it"),
    effect: str = "",
) -> str:
    """What keeps mail from an effect, as the end of a sentence. Rules that are not named are counted.

    :param reasons: the words for other reasons.
    :param often: the rules that are only counted.
    :param other_ways: how yet other rules do.
    :param what: the words for the mail, where it is first named and later.
    :param effect: how rules that have the effect themselves keep mail from it; empty if none do.
    """
    named = named_of(exempting, often)
    ordered = sorted(exempting, key=lambda exemption: exemption not in named)
    texts = list(reasons)
    is_named = False
    last: tuple[str, bool] | None = None
    ways = dict.fromkeys((*((each.how, each.before) for each in ordered), *((how, False) for how in other_ways)))
    for way in sorted(ways, key=lambda way: (way[0] not in _WHAT_RULES_MAKE_OF_IT, way[1])):
        how, before = way
        names = [quoted(each.rule) for each in named if (each.how, each.before) == way]
        unnamed = sum((each.how, each.before) == way for each in exempting) - len(names)
        noun = "connector" if how == "takes" else "rule"
        in_other_ways = how in other_ways and not before
        others = []
        if in_other_ways:
            others = [f"another {noun}"]
        elif unnamed:
            others = [f"{unnamed} other {noun}s" if names else f"one of {unnamed} {noun}s"]
        rules = listed([*names, *others], most=len(names) + 1)
        several = bool(names) and unnamed > 0 and not in_other_ways
        continues = last is not None and last[0] in _WHAT_RULES_MAKE_OF_IT and last[1] == before
        texts.append(
            _by(
                way,
                rules,
                what[1] if is_named else what[0],
                several=several,
                continues=continues,
                already=how == effect,
            )
        )
        last = way
        is_named = is_named or how in _WHAT_RULES_MAKE_OF_IT or "{it}" in _WHAT_DLP_DOES.get(how, "")
    return f", unless {', or '.join(texts)}" if texts else ""


def sentence(finding: ChangedMail) -> str:
    """The sentence about a class of mail."""
    return f"{effect_words(finding)}: {because(finding.cause)}."


def effect_words(finding: ChangedMail) -> str:
    """What becomes of a class of mail, as a sentence without its cause and period."""
    return " ".join(effect_parts(finding))


def mail_of_change(finding: ChangedMail) -> NamedMail:
    """The class of mail that a finding is about."""
    mail = mail_of(
        finding.about,
        finding.why,
        every=finding.whole_but_exceptions,
        arrives=finding.arrives,
        changed=dict(finding.changed),
        exceptions=finding.exceptions,
    )
    if finding.limit == "outside":
        mail = mail.with_clause(_FROM_INSIDE)
    if finding.limit == "partly_protected":
        mail = replace(mail, more=(*mail.more, "that arrives unprotected"))
    if finding.applying:
        names = listed(list(map(quoted, finding.applying)))
        applied = "applied" if finding.cause.acted == (False, True) else "applies"
        mail = replace(mail, more=(f"to which {names} {applied}",))
    if finding.limit == "team":
        mail = replace(mail, more=(*mail.more, f"whose sender reports to {finding.person}"))
    return replace(mail, partly=True) if finding.limit == "some" else mail


#: What is true of mail that is exempt from a difference, by the limit of the finding.
_EXEMPT_MAIL = {
    "smime": "it arrives encrypted with S/MIME",
    "protected": "it arrives protected",
    "unmanaged": "its sender has no manager",
}


def effect_parts(finding: ChangedMail) -> tuple[str, str]:
    """A class of mail, in words that begin a sentence, and what becomes of it."""
    reasons = [_EXEMPT_MAIL[finding.limit]] if finding.limit in _EXEMPT_MAIL else []
    reaches = finding.person and finding.kind.aspect is Aspect.DELIVERY
    did = "did" if reaches or finding.kind.aspect is Aspect.BRANDING else "was"
    only = ""
    if finding.has_it_anyway or (finding.kind in GAINS and finding.limit == "already"):
        reasons.append(f"it already {did}")
    elif finding.limit == "already":
        only = f", if it {did} before"
    now = becomes(
        finding.kind,
        finding.stages,
        finding.person,
        approved=finding.approved,
        only=only,
        branding=_new_branding(finding),
        unbranded=finding.loses_branding,
    )
    now += _example(finding)
    now += " (some that arrives protected, too)" if finding.limit == "partly_protected" else ""
    # What other rules do is known about the recipient's copy.
    what = ("the recipient's copy", "that copy") if finding.person else ("it", "it")
    unless = unless_words(
        finding.keeping, reasons, other_ways=finding.other_ways_that_keep, what=what, effect=_ending(finding)
    )
    return str(mail_of_change(finding)), f"{now}{unless}"


def _ending(finding: ChangedMail) -> str:
    """How the rules end the mail that newly do, as a key of :data:`_WHAT_RULES_MAKE_OF_IT`; empty if none does, or not all of it."""
    after = finding.stages[1]
    return _ENDING_WAYS.get(after.fate, "") if after and finding.kind is not DifferenceKind.DELIVERY_GAINED else ""


def _example(finding: ChangedMail) -> str:
    """What becomes of one such message, or copy, where all of them are only said to be handled differently; empty if that says no
    more.
    """
    sides = [finding.sides.get(side) for side in ("before", "after")]
    was, now = (side.fate if side else None for side in sides)
    if finding.kind is not DifferenceKind.FATE_CHANGED or any(finding.stages) or was is now or now not in FATES:
        return ""
    before = f", and {FATES[was][1]} before" if was in FATES else ""
    return f" (one such {'copy' if finding.person else 'message'} {FATES[now][0]}{before})"


def _new_branding(finding: ChangedMail) -> str:
    """The branding that the witness of a finding newly shows; empty if the finding is about none, or the witness shows none."""
    after = finding.sides.get("after")
    if finding.kind is not DifferenceKind.BRANDING_CHANGED or after is None:
        return ""
    before = finding.sides.get("before")
    return "" if before and before.branding == after.branding else after.branding


def because(cause: Cause) -> str:
    """The cause of a difference, as a clause."""
    if cause.edit is not None:
        return _because_of_edit(cause, cause.edit)
    then = _then_applies(cause)
    if cause.settings:
        settings = " and ".join(f"{name} is now {_setting(value)}" for name, value in cause.settings.items())
        return f"{settings}{then}"
    looks = "looks" if len(cause.watching) == 1 else "look"
    watching = f", and {listed(list(map(quoted, cause.watching)), joint='and')} {looks} at all who share a copy"
    return f"an edited rule splits the message differently{watching if cause.watching else ''}{then}"


def _because_of_edit(cause: Cause, edit: Edit) -> str:
    """An edit as the cause of a difference, as a clause."""
    named = f"the {edit.how} rule {quoted(edit.rule.name)}"
    then = _then_applies(cause)
    was, now = cause.acted
    later_rule = cause.later
    if cause.passed:
        passed = listed(list(map(quoted, cause.passed)), joint="and")
        return f"{named} now comes {'before' if now else 'after'} {passed}"
    # If the later rule may be any, it may also be one that stopped more mail before.
    stops_more = later_rule and later_rule.stays and not later_rule.acts and (later_rule.name or not was)
    if now and edit.rule.actions.is_final and later_rule and stops_more:
        stopped = quoted(later_rule.name) if later_rule.name else "other rules"
        return f"{named} stops before {stopped}"
    if edit.how == "removed":
        may_have = "may have " if cause.perhaps and not later_rule else ""
        return f"{named} {may_have}applied to it{then}"
    if was and now:
        return f"{named} {_differently(edit)}{then}"
    how = "now" if now else "no longer"
    if later_rule:
        return f"{named} {how} applies to it{then}"
    return f"{named} may {how} apply to it" if cause.perhaps else f"{named} {how} applies to it"


def _then_applies(cause: Cause) -> str:
    """What follows for the later rule, after a semicolon; empty if there is none with a name."""
    if not cause.later or not cause.later.name:
        return ""
    now = "now" if cause.later.acts else "no longer"
    mail = "it" if cause.later.of_all else "some of it"
    applies = f"may {now} apply to {mail}" if cause.perhaps else f"{now} applies to {mail}"
    return f"; {quoted(cause.later.name)} {applies}"


def _setting(value: Any) -> str:
    """The value of a setting in words."""
    if value is None:
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _differently(edit: Edit) -> str:
    """What is different about a rule that acts on the same mail."""
    if edit.before is None or edit.after is None or edit.how == "moved":
        return f"is now at priority {edit.rule.place}"
    if edit.before.actions.enforced is not edit.after.actions.enforced:
        return (
            "is now enforced"
            if edit.after.actions.enforced
            else f"is now only in a test mode ({edit.after.actions.mode})"
        )
    was, now = (list(rule.actions.templates) for rule in (edit.before, edit.after))
    if was and now and was != now:
        named = [listed(list(map(repr, values)), joint="and") for values in (now, was)]
        return f"now asks for {named[0]} instead of {named[1]}"
    actions = _changed_actions(edit.before.actions.declared, edit.after.actions.declared)
    if actions:
        return actions
    if edit.before.unread != edit.after.unread:
        return "now has other actions"
    if edit.in_place:
        return "now has other conditions or exceptions"
    return f"is now at priority {edit.rule.place}, with other conditions or exceptions"


def _changed_actions(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """How actions differ: ``now has quarantine instead of delete_message``; empty if they do not."""
    was, now = ({option: value for option, value in side.items() if _is_done(value)} for side in (before, after))
    gone, new = ([option for option in one if option not in other] for one, other in ((was, now), (now, was)))
    other = [option for option in now if option in was and was[option] != now[option]]
    shown = [listed(options, joint="and", most=len(options)) for options in (gone, new, other)]
    texts = [f"now has {shown[1]}{f' instead of {shown[0]}' if gone else ''}"] if new else []
    texts += [f"no longer has {shown[0]}"] if gone and not new else []
    texts += [f"now has another {shown[2]}"] if other else []
    return " and ".join(texts)


def _is_done(value: Any) -> bool:
    """Whether a rule with this value of an action does something."""
    return value is not False and value not in (None, "", [], ())


#: The effect of a date, to the words before it.
_DATED = {
    "new": "",
    "gone": "no longer ",
    "other": "is no longer the same when it ",
    "meets": "meets changed rules or settings when it ",
}


def dated(dates: Sequence[DateChange]) -> str:
    """What dates of a rule change, as the end of a sentence."""
    texts: list[str] = []
    for place, date in enumerate(dates):
        again = place and date.how in ("other", "meets") and dates[place - 1].how == date.how
        texts.append(f"{'' if again else _DATED[date.how]}{date.verb} on {instant_words(date.date)}")
    return " and ".join(texts)


#: Sort of text for people to the words for another one.
_OTHER_TEXTS = {
    "rejection_text": "is now rejected with another text",
    "notification_text": "now brings another notification",
    "disclaimer_text": "now gets another disclaimer",
    "disclaimer_fallback": "is now handled differently if its disclaimer does not fit",
}

#: Sort of side effect to the words for a new one, and for one that no longer happens.
_SIDE_EFFECTS = {
    "report": ("is now reported to {}", "is no longer reported to {}"),
    "original": ("is now reported to {} with the original mail", "is no longer reported to {} with the original mail"),
    "notification": ("now brings its recipients a notification", "no longer brings its recipients a notification"),
    "approval": ("is now shown to {} for approval", "is no longer shown to {} for approval"),
    "attachments": ("now has its protected attachments decrypted", "no longer has its protected attachments decrypted"),
    "connector": ("now leaves through the connector {}", "no longer leaves through the connector {}"),
    "tls": ("now leaves by TLS only", "no longer has to leave by TLS"),
    "spam": ("may now be treated as spam (SCL {})", "may no longer be treated as spam (SCL {})"),
    "no_spam": ("is now marked as no spam (SCL {})", "is no longer marked as no spam (SCL {})"),
    **{sort: (words, "") for sort, words in _OTHER_TEXTS.items()},
}


#: Sort of side effect to the words for one that may be new, and for one that may no longer happen.
_POSSIBLE_SIDE_EFFECTS = {
    "report": ("may now be reported to {}", "may no longer be reported to {}"),
    "original": (
        "may now be reported to {} with the original mail",
        "may no longer be reported to {} with the original mail",
    ),
    "notification": (
        "may now bring its recipients a notification",
        "may no longer bring its recipients a notification",
    ),
    "approval": ("may now be shown to {} for approval", "may no longer be shown to {} for approval"),
    "attachments": (
        "may now have its protected attachments decrypted",
        "may no longer have its protected attachments decrypted",
    ),
    "connector": ("may now leave through the connector {}", "may no longer leave through the connector {}"),
    "tls": ("may now leave by TLS only", "may no longer have to leave by TLS"),
    "spam": ("may now be treated as spam (SCL {})", "may no longer be treated as spam (SCL {})"),
    "no_spam": ("may now be marked as no spam (SCL {})", "may no longer be marked as no spam (SCL {})"),
    "rejection_text": ("may now be rejected with another text", ""),
    "notification_text": ("may now bring another notification", ""),
    "disclaimer_text": ("may now get another disclaimer", ""),
    "disclaimer_fallback": ("may now be handled differently if its disclaimer does not fit", ""),
}


def side_effect_words(effects: Sequence[SideEffect], *, now: bool, perhaps: bool = False) -> str:
    """The side effects that mail newly has, or no longer has.

    :param perhaps: whether that is open.
    """
    return " and ".join(str(side_effect_phrase(effect, now=now, perhaps=perhaps)) for effect in effects)


def side_effect_phrase(effect: SideEffect, *, now: bool, perhaps: bool = False) -> EffectPhrase:
    """A side effect that mail newly has, or no longer has.

    :param perhaps: whether that is open.
    """
    form = (_POSSIBLE_SIDE_EFFECTS if perhaps else _SIDE_EFFECTS)[effect.sort][not now]
    begins, place, ends = form.partition("{}")
    if not place:
        return EffectPhrase(form)
    return EffectPhrase(begins, f"'{effect.name}'" if effect.sort == "connector" else effect.name, ends)


def side_effect_parts(finding: SideEffectsChanged) -> tuple[str, str]:
    """Mail with other side effects, in words that begin a sentence, and what changes."""
    keeping = [exempting for exempting in finding.by if not (finding.now and exempting.how == "repeats")]
    other_ways = [how for how in finding.other_ways if not (finding.now and how == "repeats")]
    had_it = len(keeping) + len(other_ways) < len(finding.by) + len(finding.other_ways)
    now = side_effect_words(finding.effects, now=finding.now)
    was = "was" if now.startswith(("is ", "may ")) else "did"
    reasons = [f"it already {was}"] if had_it else []
    reasons += [_EXEMPT_MAIL[finding.limit]] if finding.limit in _EXEMPT_MAIL else []
    unless = unless_words(keeping, reasons, other_ways=other_ways)
    return str(mail_with_side_effects(finding)), f"{now}{unless}"


def mail_with_side_effects(finding: SideEffectsChanged) -> NamedMail:
    """The mail whose side effects change."""
    mail = mail_of(
        finding.about, finding.why, every=False, changed=dict(finding.changed), exceptions=finding.exceptions
    )
    if finding.limit == "inside":
        mail = mail.with_clause(_TO_OUTSIDE)
    return replace(mail, partly=finding.limit == "some")


def filled(form: str, name: str) -> str:
    """A form with a name in its place. The name may have braces."""
    before, mark, after = form.partition("{}")
    return f"{before}{name if mark else ''}{after}"


#: Kind of difference to the words for one that is possible.
_MAY_BECOME = {
    kind: f"may {WOULD_BECOME[kind]}"
    for kind in (
        DifferenceKind.PROTECTION_LOST,
        DifferenceKind.DELIVERY_LOST,
        DifferenceKind.TRANSIT_LOST,
        DifferenceKind.PROTECTION_GAINED,
        DifferenceKind.DELIVERY_GAINED,
        DifferenceKind.TRANSIT_GAINED,
    )
}


def may_become(kinds: Sequence[DifferenceKind], person: str = "") -> str:
    """What may happen to mail.

    :param kinds: the possible kinds of difference, the most important first; empty for any.
    :param person: the person whose copy it is, if rules add them.
    """
    if not person and len(kinds) == 2 and kinds[0] in _MAY_BECOME and kinds[1] is DifferenceKind.FATE_CHANGED:
        return f"{_MAY_BECOME[kinds[0]]}, or handled differently"
    kind = kinds[0] if len(kinds) == 1 else DifferenceKind.UNKNOWN
    plain = _MAY_BECOME.get(kind, BECOMES[DifferenceKind.UNKNOWN])
    if not person:
        return plain
    reaches = {
        DifferenceKind.DELIVERY_LOST: "may no longer reach",
        DifferenceKind.DELIVERY_GAINED: "may now reach",
    }.get(kind)
    return f"{reaches or f'{plain} for'} {person}"
