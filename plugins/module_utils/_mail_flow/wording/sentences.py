# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes a difference in one sentence: which mail it is, what happens to it now, and which rule is the cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..._exchange.text import listed, quoted
from ..analyses.aspects import GAINS, Aspect, DifferenceKind
from ..analyses.finding import FROM_INSIDE, Cause, ChangedMail, Exempting, SideEffect, Stages
from ..analyses.rule_changes import NOTHING, DateChange, Edit, Separation
from ..conditions.predicate import Atom, Predicate
from ..conditions.predicates import BY_OPTION
from ..model import questions
from ..model.addresses import is_below
from ..model.outcomes import TEMPLATE, Fate, ProtectionKind
from ..rules.flow_rule import FlowRule
from ..simulator.copy_result import CopyResult

#: That no rule changes what conditions look at.
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

    :param about: what is not a list.
    :param lists: lists of values, one of each being true.
    :param address: the address that it looks at, as :data:`_ADDRESS` has it; empty for the usual one.
    :param changed_by: the names of the rules that change what it looks at before.
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
        lists = _met(predicate, [predicate.shown(atom.values)[1] for atom in atoms])
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
        """The word that it begins with."""
        return self.predicate.phrase.preposition(self.about)

    @property
    def is_scope(self) -> bool:
        """Whether it says that people are inside, or outside."""
        return self.predicate.sort == "scope" and self.about in self.predicate.phrase.forms and not self.address

    def words(self, before: Clause | None = None) -> str:
        """It in words.

        :param before: the part that is said before it.
        """
        same = before is not None and before.preposition == self.preposition
        instead = self._after_scope() if same and before and before.is_scope else ""
        text = self.predicate.phrase.with_values(self.about, self.lists, instead) + _ADDRESS[self.address]
        if self.changed_by:
            leave = "leaves" if len(self.changed_by) == 1 else "leave"
            text += f" (as {listed(list(map(repr, self.changed_by)), joint='and')} {leave} it)"
        return f"and {text}" if same and self.preposition == "with" else text

    def _after_scope(self) -> str:
        """What it begins with after the scope of the same people: ``from inside sent by``; empty for its own preposition."""
        if self.predicate.sort == "below":
            return "at"
        if self.preposition != "from":
            return ""
        return "sent from" if self.predicate.sort in _OF_ADDRESSES else "sent by"


#: The sorts of conditions about addresses of senders, which are no people.
_OF_ADDRESSES = frozenset({"word", "pattern", "range"})

#: The address that a condition looks at to its words.
_ADDRESS = {
    "": "",
    "written": " (as written)",
    "Envelope": " (in the envelope)",
    "HeaderOrEnvelope": " (in the header or the envelope)",
}


def _met(predicate: Predicate, lists: list[list[Any]]) -> list[list[Any]]:
    """Lists of values, one of each being true, without what the other lists already say."""
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
    lists_left: list[list[Any]] = []
    for values in sorted(lists, key=len):
        if not any(set(known) <= set(values) for known in lists_left):
            lists_left.append(values)
    return lists_left


#: The maximum number of exceptions that a sentence names.
_MOST_SPARED = 4


@dataclass(frozen=True)
class NamedMail:
    """The mail that a sentence is about: equal ones are the same mail.

    :param parts: what is true of it, in the order of the words.
    :param met: one of these is true of it, too, or one of :param:`unmet` is not.
    :param every: whether it is all such mail.
    :param arrives: its protection on arrival, as the model has it; empty if that does not matter.
    :param spared: none of these is true of it.
    :param more: what else is true of it, in words.
    :param partly: whether it is only some such mail, and which of it is not said.
    """

    parts: tuple[Clause, ...]
    met: tuple[Clause, ...]
    unmet: tuple[Clause, ...]
    every: bool
    arrives: str
    spared: tuple[Clause, ...] = ()
    more: tuple[str, ...] = ()
    partly: bool = False

    def words(self, *, first: bool = True, ends: str = ",") -> str:
        """It in words.

        :param first: whether it begins a sentence.
        :param ends: what ends an insertion.
        """
        arrives = [_ARRIVES[self.arrives]] if self.arrives else []
        begins = "some mail" if self.partly else "mail"
        begins = "all mail" if self.every else begins
        begins = begins.capitalize() if first else begins
        mail = " ".join([begins, *words_of(self.parts), *arrives, *self.more])
        exempt = [clause.words() for clause in self.spared]
        if self.met:
            reasons = [*(clause.words() for clause in self.met), *(f"not {clause.words()}" for clause in self.unmet)]
            besides = f", except {_mail_with(exempt)}" if exempt else ""
            return f"{mail}{besides}, either {', '.join(reasons[:-1])} or {reasons[-1]}{ends}"
        exempt = [*([" ".join(words_of(self.unmet))] if self.unmet else []), *exempt]
        return f"{mail}, except {_mail_with(exempt)}{ends}" if exempt else mail

    def __str__(self) -> str:
        return self.words()

    def with_clause(self, clause: Clause) -> NamedMail:
        """The part of it of which something else is true, too."""
        return replace(self, parts=in_order((*self.parts, clause)))


def _mail_with(phrases: Sequence[str]) -> str:
    """Mail of which one of some phrases is true. Of three on, each has its own noun: a comma would part one phrase as well."""
    if len(phrases) > 2:
        return listed([f"mail {phrase}" for phrase in phrases], most=_MOST_SPARED)
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

    :param why: one of these is true of it, too.
    :param arrives: its protection on arrival, as the model has it; empty if that does not matter.
    :param changed: further conditions, which rules change before, each with the names of these rules.
    :param exceptions: none of these is true of it.
    """
    met, unmet = (tuple(Clause.of_atoms([atom]) for atom in atoms) for atoms in (why.met, why.unmet))
    parts = parts_of([*(atom for rule in rules for atom in rule.criteria.conditions), *changed], changed)
    exempt = tuple(dict.fromkeys(Clause.of_atoms([atom]) for atom in exceptions))
    parts = _without_spared(parts, [*exempt, *(unmet if len(unmet) == 1 and not met else ())])
    return NamedMail(parts, met, unmet if met else parts_of(why.unmet), every, arrives, exempt)


def parts_of(atoms: Iterable[Atom], changed: Mapping[Atom, tuple[str, ...]] = NONE_CHANGED) -> tuple[Clause, ...]:
    """What conditions say of mail, from the sender to the message.

    :param changed: the conditions that rules change before, each with the names of these rules.
    """
    groups: dict[tuple[Any, ...], list[Atom]] = {}
    for atom in atoms:
        part = Clause.of_atoms([atom])
        about = part.about.lower() if part.predicate.phrase.depends else ""
        key = (part.predicate.options, about, part.address, changed.get(atom, ()))
        groups.setdefault(key, []).append(atom)
    clauses = [Clause.of_atoms(alike, key[-1]) for key, alike in groups.items()]
    return in_order(clauses)


def in_order(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Parts of a sentence from the sender to the message."""
    return tuple(sorted(clauses, key=lambda part: part.predicate.phrase.place))


def _without_spared(parts: Iterable[Clause], spared: Sequence[Clause]) -> tuple[Clause, ...]:
    """Parts of a sentence without the values that none of its mail has.

    :param spared: what is not true of the mail.
    """
    return tuple(
        replace(part, lists=tuple(_values_left(values, part, spared) for values in part.lists)) for part in parts
    )


def _values_left(values: tuple[Any, ...], part: Clause, spared: Sequence[Clause]) -> tuple[Any, ...]:
    """Those of the values of a part that no exception has, if there are any."""
    gone = {
        str(value).casefold()
        for clause in spared
        if replace(clause, lists=()) == replace(part, lists=()) and len(clause.lists) == 1
        for value in clause.lists[0]
    }
    return tuple(value for value in values if str(value).casefold() not in gone) or values


def mail_of_rule(
    rule: FlowRule,
    changed: Mapping[Atom, tuple[str, ...]] = NONE_CHANGED,
    *,
    every: bool,
    arrives: str = "",
    more: tuple[str, ...] = (),
) -> NamedMail:
    """The mail that meets the conditions of a rule, and none of its exceptions, when it reaches the rule.

    :param changed: the conditions and exceptions that rules change before, each with the names of these rules.
    :param more: what else is true of it, in words.
    """
    exempt = tuple(Clause.of_atoms([atom], changed.get(atom, ())) for atom in rule.criteria.exceptions)
    parts = _without_spared(parts_of(rule.criteria.conditions, changed), exempt)
    return NamedMail(parts, (), (), every, arrives, exempt, more)


def words_of(parts: Sequence[Clause]) -> list[str]:
    """Parts of a sentence in words."""
    return [part.words(before) for before, part in zip((None, *parts), parts, strict=False)]


#: Kind of difference to what mail or a copy is then.
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

#: What a copy is protected with to how Exchange calls it.
PROTECTION_OPTIONS: Mapping[str, str] = {
    ProtectionKind.ENCRYPT: "Encrypt",
    ProtectionKind.DO_NOT_FORWARD: "Do Not Forward",
    ProtectionKind.SMIME: "S/MIME",
}

#: Fate to what newly happens to mail, and what happened to it before.
FATES = {
    Fate.REJECTED: ("is now rejected", "was rejected"),
    Fate.DELETED: ("is now deleted", "was deleted"),
    Fate.QUARANTINED: ("now goes into quarantine", "went into quarantine"),
    Fate.REDIRECTED: ("is now redirected", "was redirected"),
    Fate.MODERATED: ("now waits for approval", "waited for approval"),
}

_REACHES = {DifferenceKind.DELIVERY_LOST: "no longer reaches", DifferenceKind.DELIVERY_GAINED: "now reaches"}


def becomes(
    kind: DifferenceKind,
    sides: Stages = (None, None),
    person: str = "",
    *,
    approved: bool = False,
    only: str = "",
    branding: str = "",
) -> str:
    """What happens to it now.

    :param sides: the results before and now, if they are the same for all the mail in question.
    :param person: whose copy it is, if rules add them.
    :param approved: whether it happens after an approval for which the mail waits anyway.
    :param only: the words for the condition on which it does.
    :param branding: one that some of the mail newly shows, where not all of it shows the same; empty if none is known.
    """
    once = " once it is approved" if approved else ""
    if branding and sides == (None, None):
        whose = f" for {person}" if person else ""
        return f"now shows a different branding, such as {branding!r}, or none{whose}{once}{only}"
    if person:
        return f"{_REACHES.get(kind) or f'{_becomes(kind, once, *sides)} for'} {person}{only}"
    if only and kind is DifferenceKind.DELIVERY_LOST:
        return f"{BECOMES[kind]}{once}{only}"  # It was delivered before, not rejected.
    return _becomes(kind, f"{once}{only}", *sides)


def _becomes(kind: DifferenceKind, ends: str, before: CopyResult | None, after: CopyResult | None) -> str:
    """What happens to it now.

    :param ends: when it does.
    """
    plain = f"{BECOMES[kind]}{ends}"
    if before is None or after is None:
        return plain
    if kind in (DifferenceKind.DELIVERY_LOST, DifferenceKind.FATE_CHANGED) and after.fate in FATES:
        again = " again" if ends and after.fate is Fate.MODERATED else ""
        return f"{FATES[after.fate][0]}{again}{ends}"
    if kind is DifferenceKind.DELIVERY_GAINED and before.fate in FATES:
        # The protection may differ between messages: mail that arrives protected stays protected.
        return f"{plain} (before, it {FATES[before.fate][1]})"
    if kind is DifferenceKind.PROTECTION_CHANGED:
        return f"is now protected with {_option(after)} instead of {_option(before)}"
    if kind is DifferenceKind.BRANDING_CHANGED:
        if not after.branding:
            return "no longer shows a branding"
        instead = f" instead of {before.branding!r}" if before.branding else ""
        return f"now shows the branding {after.branding!r}{instead}"
    return plain


def _option(side: CopyResult) -> str:
    return PROTECTION_OPTIONS.get(side.protection, side.protection.removeprefix(TEMPLATE))


#: That mail is from inside.
_FROM_INSIDE = Clause(BY_OPTION[FROM_INSIDE[0]], FROM_INSIDE[1], (), "")

#: How rules keep mail from an effect, to what it then is, by them.
_IS_KEPT: Mapping[str, str] = {
    "rejects": "rejected",
    "deletes": "deleted",
    "quarantines": "quarantined",
    "redirects": "redirected",
    "encrypts": "encrypted",
    "decrypts": "decrypted",
    "routes": "routed",
    "brings": "sent there",
    "holds": "held for approval",
}

#: The same to what they do otherwise: the verb of several, and what follows.
_KEEP: Mapping[str, tuple[str, str]] = {
    "stops": ("stop", "processing first"),
    "may_stop": ("stop", "processing first, though only tried (U08)"),
    "asks": ("ask", "for another template"),
    "brands": ("choose", "another branding"),
}

#: The same to what data loss prevention does, with placeholders for the mail and for their names.
_DLP_KEEPS: Mapping[str, str] = {
    "dlp_blocks": "DLP blocks {it} with {rules}",
    "dlp_redirects": "DLP redirects {it} with {rules}",
    "dlp_quarantines": "DLP quarantines {it} with {rules}",
    "dlp_decrypts": "DLP decrypts {it} with {rules}",
    "dlp_asks": "DLP asks for another template with {rules}",
    "dlp_stops": "DLP stops at {rules}",
    "dlp_acts": "DLP may enforce {rules} instead (U36)",
}

#: How a rule keeps mail from an effect to the question that the words for it name.
ASKED_BY: Mapping[str, str] = {"may_stop": questions.AUDIT_STOPS, "dlp_acts": questions.SEVERAL_DLP_RULES}

#: The maximum number of other rules that a sentence names.
MOST_NAMED = 3

#: How rules end mail, whatever other rules are for.
ENDING_MAIL = frozenset(("rejects", "deletes", "quarantines"))


def named_of(exempting: Sequence[Exempting], often: Collection[Exempting] = ()) -> list[Exempting]:
    """The rules that a sentence names: at most three, and the last one of a kind, which is not worth counting.

    :param often: those that are only counted.
    """
    first = [exemption for exemption in exempting if exemption not in often][:MOST_NAMED]
    often_named = Counter(exemption.how for exemption in exempting if exemption not in first)
    return [exemption for exemption in exempting if exemption in first or often_named[exemption.how] == 1]


def _by(how: str, rules: str, it: str, *, several: bool, goes_on: bool) -> str:
    """How rules keep mail from an effect, in words.

    :param it: what they keep from it.
    :param several: whether the sentence is about several of them at once: ``2 other rules ask for another template``.
    :param goes_on: whether the words before it are of what else it is then.
    """
    if how in _IS_KEPT:
        return f"{'' if goes_on else f'{it} is '}{_IS_KEPT[how]} by {rules}"
    if how in _DLP_KEEPS:
        return _DLP_KEEPS[how].format(it=it, rules=rules)
    verb, what = _KEEP[how]
    return f"{rules} {verb}{'' if several else 's'} {what}"


def unless_words(
    exempting: Sequence[Exempting],
    reasons: Sequence[str] = (),
    often: Collection[Exempting] = (),
    other_ways: Sequence[str] = (),
    what: Sequence[str] = ("it", "it"),
) -> str:
    """What keeps mail from an effect, by reason; other rules than those that are named are counted.

    :param reasons: the words for other reasons.
    :param often: those that are only counted.
    :param other_ways: how yet others do.
    :param what: what they keep from the effect, where it is first named and later.
    """
    named = named_of(exempting, often)
    ordered = sorted(exempting, key=lambda exemption: exemption not in named)
    texts = list(reasons)
    is_named = goes_on = False
    ways = dict.fromkeys((*(exemption.how for exemption in ordered), *other_ways))
    for how in sorted(ways, key=lambda how: how not in _IS_KEPT):
        names = [quoted(exemption.rule) for exemption in named if exemption.how == how]
        unnamed = sum(exemption.how == how for exemption in exempting) - len(names)
        others = []
        if how in other_ways:
            others = ["another rule"]
        elif unnamed:
            others = [f"{unnamed} other rules" if names else f"one of {unnamed} rules"]
        rules = listed([*names, *others], most=len(names) + 1)
        several = bool(names) and unnamed > 0 and how not in other_ways
        texts.append(_by(how, rules, what[1] if is_named else what[0], several=several, goes_on=goes_on))
        goes_on = how in _IS_KEPT
        is_named = is_named or goes_on or "{it}" in _DLP_KEEPS.get(how, "")
    return f", unless {', or '.join(texts)}" if texts else ""


def sentence(finding: ChangedMail) -> str:
    """The sentence about a class of mail."""
    return f"{effect_words(finding)}: {because(finding.cause)}."


def effect_words(finding: ChangedMail) -> str:
    """What becomes of a class of mail, as a sentence without its cause and period."""
    return " ".join(effect_parts(finding))


def effect_parts(finding: ChangedMail) -> tuple[str, str]:
    """A class of mail, in words that begin a sentence, and what becomes of it."""
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
    if finding.limit == "some":
        mail = replace(mail, partly=True)
    reasons = ["it arrives protected"] if finding.limit == "protected" else []
    did = "did" if finding.person and finding.kind.aspect is Aspect.DELIVERY else "was"
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
    )
    # Of two copies, what other rules do is known of the recipient's.
    what = ("the recipient's copy", "that copy") if finding.person else ("it", "it")
    unless = unless_words(finding.keeping, reasons, other_ways=finding.other_ways_that_keep, what=what)
    return str(mail), f"{now}{unless}"


def _new_branding(finding: ChangedMail) -> str:
    """The branding that the message which shows a finding newly shows; empty if it is about none, or that shows none."""
    after = finding.sides.get("after")
    if finding.kind is not DifferenceKind.BRANDING_CHANGED or after is None:
        return ""
    before = finding.sides.get("before")
    return "" if before and before.branding == after.branding else after.branding


def because(cause: Cause) -> str:
    """Which rule is the cause."""
    if cause.edit is not None:
        return _because_of_edit(cause, cause.edit)
    then = _then_applies(cause)
    if cause.settings:
        settings = " and ".join(f"{name} is now {_setting(value)}" for name, value in cause.settings.items())
        return f"{settings}{then}"
    return f"an edited rule splits the message differently{then}"


def _because_of_edit(cause: Cause, edit: Edit) -> str:
    named = f"the {edit.how} rule {quoted(edit.rule.name)}"
    then = _then_applies(cause)
    was, now = cause.acted
    later_rule = cause.later
    # Of any later rule it is not said which one acts: one that stopped before may stop fewer now.
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
    """What follows for a later rule; empty if there is none with a name."""
    if not cause.later or not cause.later.name:
        return ""
    now = "now" if cause.later.acts else "no longer"
    whom = "it" if cause.later.of_all else "some of it"
    applies = f"may {now} apply to {whom}" if cause.perhaps else f"{now} applies to {whom}"
    return f"; {quoted(cause.later.name)} {applies}"


def _setting(value: Any) -> str:
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
    before, after = edit.before.actions.options, edit.after.actions.options
    changed = [option for option in dict.fromkeys((*before, *after)) if before.get(option) != after.get(option)]
    if changed:
        return f"now has other actions ({listed(changed, joint='and')})"
    if edit.before.unread != edit.after.unread:
        return "now has other actions"
    if edit.in_place:
        return "now has other conditions or exceptions"
    return f"is now at priority {edit.rule.place}, with other conditions or exceptions"


#: The effect of a date, to the words before it.
_DATED = {
    "new": "",
    "gone": "no longer ",
    "other": "is no longer the same when it ",
    "meets": "meets other rules or settings when it ",
}


def dated(dates: Sequence[DateChange]) -> str:
    """What dates of a rule change."""
    texts: list[str] = []
    for place, date in enumerate(dates):
        again = place and date.how in ("other", "meets") and dates[place - 1].how == date.how
        texts.append(f"{'' if again else _DATED[date.how]}{date.verb} on {date.date}")
    return " and ".join(texts)


#: Sort of text for people to the words for another one.
_OTHER_TEXTS = {
    "rejection_text": "is now rejected with another text",
    "notification_text": "now brings another notification",
    "disclaimer_text": "now gets another disclaimer",
}

#: Sort of side effect to the words for a new one, and for one that is gone.
_SIDE_EFFECTS = {
    "report": ("is now reported to {}", "is no longer reported to {}"),
    "original": ("is now reported to {} with the original mail", "is no longer reported to {} with the original mail"),
    "notification": ("now brings its recipients a notification", "no longer brings its recipients a notification"),
    "approval": ("is now shown to {} for approval", "is no longer shown to {} for approval"),
    "attachments": ("now has its protected attachments decrypted", "no longer has its protected attachments decrypted"),
    "connector": ("now leaves through the connector '{}'", "no longer leaves through the connector '{}'"),
    "tls": ("now leaves by TLS only", "no longer has to leave by TLS"),
    "spam": ("may now be treated as spam (SCL {})", "may no longer be treated as spam (SCL {})"),
    "no_spam": ("is now marked as no spam (SCL {})", "is no longer marked as no spam (SCL {})"),
    **{sort: (words, "") for sort, words in _OTHER_TEXTS.items()},
}


#: The same for one that is open.
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
    "connector": ("may now leave through the connector '{}'", "may no longer leave through the connector '{}'"),
    "tls": ("may now leave by TLS only", "may no longer have to leave by TLS"),
    "spam": ("may now be treated as spam (SCL {})", "may no longer be treated as spam (SCL {})"),
    "no_spam": ("may now be marked as no spam (SCL {})", "may no longer be marked as no spam (SCL {})"),
    "rejection_text": ("may now be rejected with another text", ""),
    "notification_text": ("may now bring another notification", ""),
    "disclaimer_text": ("may now get another disclaimer", ""),
}


def side_effects_said(effects: Sequence[SideEffect], *, now: bool, perhaps: bool = False) -> str:
    """What rules newly do with mail beside protecting and delivering it, or no longer do.

    :param perhaps: whether that is open.
    """
    forms = _POSSIBLE_SIDE_EFFECTS if perhaps else _SIDE_EFFECTS
    return " and ".join(filled(forms[effect.sort][not now], effect.name) for effect in effects)


def filled(form: str, name: str) -> str:
    """A form with a name that may hold braces itself."""
    before, mark, after = form.partition("{}")
    return f"{before}{name if mark else ''}{after}"


#: Kind to the words for an open outcome.
_MAY_BECOME = {
    DifferenceKind.PROTECTION_LOST: "may no longer be encrypted",
    DifferenceKind.DELIVERY_LOST: "may no longer be delivered",
    DifferenceKind.TRANSIT_LOST: "may be less protected on its way",
    DifferenceKind.PROTECTION_GAINED: "may now be encrypted",
    DifferenceKind.DELIVERY_GAINED: "may now be delivered",
    DifferenceKind.TRANSIT_GAINED: "may be better protected on its way",
}


def may_become(kind: DifferenceKind, person: str = "") -> str:
    """The words for an open outcome.

    :param kind: the possible kind of difference; ``unknown`` if several are possible.
    :param person: whose copy it is, if rules add them.
    """
    plain = _MAY_BECOME.get(kind, BECOMES[DifferenceKind.UNKNOWN])
    if not person:
        return plain
    reaches = {
        DifferenceKind.DELIVERY_LOST: "may no longer reach",
        DifferenceKind.DELIVERY_GAINED: "may now reach",
    }.get(kind)
    return f"{reaches or f'{plain} for'} {person}"
