# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of a difference: mail that is, or may be, treated differently.

Findings are data. ``wording.difference`` turns them into the rows and sentences of results.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, TypeAlias

from ..._exchange.names import name_key
from ..conditions.predicate import Atom
from ..model.kleene import Reason
from ..rules.flow_rule import FlowRule
from ..simulator.copy_result import CopyResult
from .aspects import GAINS, DifferenceKind
from .rule_changes import NOTHING, DateChange, Edit, Separation

#: The condition that mail from inside meets: its option and value.
FROM_INSIDE = ("from_scope", "InOrganization")

#: The condition that mail is for people outside.
TO_OUTSIDE = ("sent_to_scope", "NotInOrganization")


def section_of(atoms: Iterable[Atom]) -> dict[str, Any]:
    """Conditions in the form of a rule's section. Of several with the same option, it has the values of the first."""
    section: dict[str, Any] = {}
    for atom in atoms:
        options = atom.predicate.options
        values = atom.values
        for option, value in zip(options, values if len(options) > 1 else (values,), strict=True):
            section.setdefault(option, list(value) if isinstance(value, tuple) else value)
    return section


def says_all(atoms: Sequence[Atom]) -> bool:
    """Whether :func:`section_of` says all that these conditions say."""
    options_and_values = {(option, atom.values) for atom in atoms for option in atom.predicate.options}
    return all(map(_of_from_field, atoms)) and len(options_and_values) == len(
        {option for option, _values in options_and_values}
    )


def in_section(rule: FlowRule) -> FlowRule:
    """A rule without the conditions that its section does not say exactly: those about aliases, or about other addresses of the
    sender than the one in the From field.
    """
    return rule.with_criteria(
        atom for atom in rule.criteria.conditions if not atom.watches_aliases and _of_from_field(atom)
    )


def _of_from_field(atom: Atom) -> bool:
    """Whether a condition looks at no other address of the sender than the one in the From field."""
    return atom.settings.location == "Header" or not atom.predicate.of_sender


#: Kind of difference to the keys of a result that tell how a copy was treated, and how it is treated now; empty for none.
STAGE_KEYS: Mapping[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.DELIVERY_LOST: ("fate", "fate"),
    DifferenceKind.DELIVERY_GAINED: ("fate", "fate"),
    DifferenceKind.FATE_CHANGED: ("", "fate"),
    DifferenceKind.PROTECTION_CHANGED: ("protection", "protection"),
    DifferenceKind.BRANDING_CHANGED: ("branding", "branding"),
}


#: A copy's results before and now; ``None`` for a copy that does not exist, and for what is not told.
Stages: TypeAlias = "tuple[CopyResult | None, CopyResult | None]"


@dataclass(frozen=True)
class LaterRule:
    """A later rule that acts in only one rule set, because mail reaches it differently.

    :param name: its name; empty if it may be any.
    :param acts: whether it newly acts; otherwise it no longer does.
    :param stays: whether it is in the second rule set.
    :param of_all: whether it does so with all mail that a sentence names: an earlier rule may treat some of it the same way.
    """

    name: str
    acts: bool
    stays: bool
    of_all: bool = True


@dataclass(frozen=True)
class Cause:
    """The edit that causes a difference.

    :param edit: ``None`` if no edited rule acts differently.
    :param acted: whether its rule acted before, and whether it acts now.
    :param later: the later rule that no longer acts, or newly acts.
    :param settings: the changed settings with their values.
    :param perhaps: whether it is open that these rules act.
    :param watching: the names of the rules that look at all who share a copy, if no edited rule acts differently.
    :param passed: the names of the rules past which an edited one moved and of which one keeps each such message from it, where
        it comes behind them.
    """

    edit: Edit | None
    acted: tuple[bool, bool]
    later: LaterRule | None = None
    settings: Mapping[str, Any] | None = None
    perhaps: bool = False
    watching: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exempting:
    """Another rule that keeps some mail of a rule from its effect, or makes an edit no difference to it.

    :param how: ``rejects``, ``deletes``, ``quarantines``, ``redirects``, ``stops``, ``may_stop`` (a rule in a test mode, U08),
        ``encrypts``, ``decrypts``, ``asks`` (for another template), ``brands`` (otherwise), ``brands_alike``, ``routes``, ``brings`` (it to
        the same person), ``repeats`` (a side effect), or ``holds`` (for an approval); for a connector ``takes`` (mail itself); for
        a DLP rule ``dlp_blocks``, ``dlp_redirects``, ``dlp_quarantines``, ``dlp_decrypts`` or ``dlp_asks`` (for another template).
    :param before: whether it did so only before an edit.
    """

    rule: str
    how: str
    before: bool = False


@dataclass(frozen=True)
class KeepingUnusual:
    """Another rule that keeps only such mail from an effect which is not usual.

    :param mail: its conditions that look for unusual mail; empty if none does.
    """

    rule: str
    mail: tuple[Atom, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MailFinding:
    """Mail that is, or may be, treated differently.

    :param kind: how it is treated differently.
    :param about: rules whose conditions the mail meets; empty for all mail.
    :param why: what distinguishes the versions of the edited rule, which is also true of the mail.
    :param rules: the names of the edited rules that are the cause.
    :param person: whose copies it is about, if rules add them; empty for the recipient whom the sender names.
    :param witness: a message that shows it: ``message``, ``recipient`` and ``facts``; ``None`` if none is shown.
    """

    kind: DifferenceKind
    about: tuple[FlowRule, ...] = ()
    why: Separation = NOTHING
    rules: tuple[str, ...] = ()
    person: str = ""
    witness: Mapping[str, Any] | None = None

    @property
    def when(self) -> dict[str, Any]:
        """The mail in the form of a rule's conditions, as far as these can say it."""
        return section_of(self.about[0].criteria.conditions) if len(self.about) == 1 else {}

    @property
    def unless(self) -> dict[str, Any]:
        """The conditions that the mail does not meet, in the same form."""
        return {} if self.why.is_several else section_of(self.why.unmet)


def _unmet(why: Separation, exceptions: Sequence[Atom]) -> dict[str, Any]:
    """The conditions none of which mail meets."""
    return {} if why.is_several else section_of((*why.unmet, *exceptions))


#: How a rule exempts mail by giving it anyway what it newly gets.
_ANYWAY = ("encrypts", "routes", "brings")


def looked_for(atom: Atom) -> Hashable:
    """What a condition looks for, in whichever rule set it is."""
    return atom.predicate.options, atom.values, atom.settings


@dataclass(frozen=True, kw_only=True)
class ChangedMail(MailFinding):
    """A class of mail that is certainly treated differently. All of it meets the conditions of each of the rules that
    it is about.

    :param arrives: how all of its mail arrives protected, as the model has it; empty if it need not.
    :param limit: what exempts named mail from that treatment: ``""`` (nothing), ``exception``, ``another`` (rule),
        ``outside``, ``smime`` (it arrives encrypted so), ``protected`` (it arrives so), ``partly_protected`` (some that arrives
        so does not), ``team`` (the person is not its sender's manager), ``already`` (it was treated so before), or ``some`` (it is
        open which mail is).
    :param changed: the conditions that earlier rules change, each with the names of these rules.
    :param stages: the results before and after, at the stage at which they differ, if they are the same for all of its
        mail; otherwise ``None``.
    :param approved: whether the mail is treated so after an approval for which all of it waits anyway.
    :param loses_branding: whether some of its mail may show no branding any more.
    :param sides: the witness's results ``before`` and ``after``; none for a copy that does not exist.
    :param by: the other rules that exempt some of it; :param:`other_ways`: how yet others do, if there are many.
    :param exceptions: the exceptions of the rules in :param:`about` that some mail meets which would be named without them.
    :param keep_unusual: the other rules that exempt some of it that is not usual, and no other.
    """

    cause: Cause
    arrives: str
    limit: str
    stages: Stages
    approved: bool
    sides: Mapping[str, CopyResult]
    by: tuple[Exempting, ...] = ()
    other_ways: tuple[str, ...] = ()
    changed: tuple[tuple[Atom, tuple[str, ...]], ...] = ()
    exceptions: tuple[Atom, ...] = ()
    loses_branding: bool = True
    keep_unusual: tuple[KeepingUnusual, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all mail that is named is treated so."""
        # A copy that is made from another recipient's may reach the person nevertheless.
        edit = self.cause.edit if self.person else None
        return not (self.limit or self.keep_unusual or (edit and edit.splits))

    @property
    def whole_but_exceptions(self) -> bool:
        """Whether all mail that is named is treated so, but for the exceptions of the rules that it is about."""
        return self.whole or (self.limit == "exception" and replace(self, limit="").whole)

    @property
    def applying(self) -> tuple[str, ...]:
        """Rules of which one applies to each such message beside those in :attr:`about`: those that the edited rule passed, if they
        are several.
        """
        return self.cause.passed if len(self.cause.passed) > 1 else ()

    @property
    def was_and_becomes(self) -> dict[str, str]:
        """What all of its mail ``was``, and ``becomes``."""
        keyed_stages = zip(("was", "becomes"), self.stages, STAGE_KEYS.get(self.kind, ("", "")), strict=True)
        return {key: str(getattr(stage, what)) for key, stage, what in keyed_stages if stage and what}

    @property
    def keeping(self) -> tuple[Exempting, ...]:
        """The other rules that keep some of it from that treatment: none that gives mail anyway what it newly gets."""
        return tuple(exempting for exempting in self.by if not self._gives_anyway(exempting.how))

    @property
    def other_ways_that_keep(self) -> tuple[str, ...]:
        """How yet other rules keep some of it from that treatment."""
        return tuple(how for how in self.other_ways if not self._gives_anyway(how))

    @property
    def has_it_anyway(self) -> bool:
        """Whether another rule gives some of it anyway what it newly gets."""
        return any(map(self._gives_anyway, (*(exempting.how for exempting in self.by), *self.other_ways)))

    def _gives_anyway(self, how: str) -> bool:
        """Whether a rule that exempts mail like this gives it anyway what it newly gets."""
        return how == "brands_alike" or (self.kind in GAINS and how in _ANYWAY)

    @property
    def what_is_told(self) -> Hashable:
        """A key of all that a result says of the finding but for the rules that keep some of its mail from it: equal for findings that are
        true of the same mail.
        """
        return (
            self.kind,
            self.person,
            self.rules,
            self.arrives,
            self.limit,
            self.approved,
            self.loses_branding,
            self.has_it_anyway,
            self.cause.acted,
            self.cause.later,
            self.cause.passed,
            *(tuple(map(looked_for, atoms)) for atoms in (self.why.met, self.why.unmet, self.exceptions)),
            *((rule.name, tuple(map(looked_for, rule.criteria.conditions))) for rule in self.about),
            tuple((looked_for(atom), names) for atom, names in self.changed),
            tuple(self.was_and_becomes.items()),
        )

    @property
    def when(self) -> dict[str, Any]:
        return section_of(chain.from_iterable(in_section(rule).criteria.conditions for rule in self.about))

    @property
    def unless(self) -> dict[str, Any]:
        return _unmet(self.why, self.exceptions)

    @property
    def every(self) -> bool:
        """Whether all mail that :attr:`when` and :attr:`unless` describe is treated so."""
        if not self.whole_but_exceptions or self.arrives or self.changed or self.why.is_several or self.applying:
            return False
        if not says_all((*self.why.unmet, *self.exceptions)):
            return False
        return all(in_section(rule) == rule for rule in self.about) and says_all(
            [atom for rule in self.about for atom in rule.criteria.conditions]
        )


#: The sorts of side effects that are texts for people. They say that mail brings another text than before: that it brings one
#: at all is another side effect.
STATED_TEXTS = frozenset(("rejection_text", "notification_text", "disclaimer_text", "disclaimer_fallback"))


@dataclass(frozen=True, order=True)
class SideEffect:
    """A side effect of a rule.

    :param sort: ``report``, ``original`` (a report with the original mail), ``notification``, ``approval``,
        ``attachments`` (which are decrypted), ``connector``, ``tls``, ``spam`` or ``no_spam``, or what people are told:
        one of :data:`STATED_TEXTS`.
    :param name: who is told or asked, the connector, the spam confidence level, or the text, as the rule has it; empty
        for the recipients themselves.
    :param key: equal for names that mean the same.
    """

    sort: str
    name: str = field(default="", compare=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.name if self.sort in STATED_TEXTS else name_key(self.name))


#: The sorts of side effects that a copy has only if it is neither rejected nor deleted.
OF_COPIES = frozenset(("attachments", "connector", "tls", "spam", "no_spam"))


@dataclass(frozen=True, kw_only=True)
class SideEffectsChanged(MailFinding):
    """Mail on which a rule newly has side effects, or no longer has them.

    :param now: whether they are new.
    :param later: the rule, if it is not an edited one.
    :param cause: ``None`` if several edits may be the cause.
    :param changed: the conditions that earlier rules change, each with the names of these rules.
    :param limit: what exempts named mail beside rules: ``""`` (nothing), ``smime`` (it arrives encrypted so), ``inside`` (its
        recipients are), ``unmanaged`` (its sender has no manager), or ``some`` (it is open which mail is).
    :param by: the rules that exempt some of it; :param:`other_ways`: how yet others do, if there are many.
    :param exceptions: the exceptions of the rules in :param:`about` that some mail meets which would be named without them.
    :param keep_unusual: the other rules that exempt some of it that is not usual, and no other.
    """

    kind: DifferenceKind = DifferenceKind.SIDE_EFFECT_CHANGED
    effects: tuple[SideEffect, ...]
    now: bool
    later: LaterRule | None
    cause: Cause | None
    changed: tuple[tuple[Atom, tuple[str, ...]], ...] = ()
    limit: str = ""
    by: tuple[Exempting, ...] = ()
    other_ways: tuple[str, ...] = ()
    exceptions: tuple[Atom, ...] = ()
    keep_unusual: tuple[KeepingUnusual, ...] = ()

    @property
    def when(self) -> dict[str, Any]:
        return section_of(chain.from_iterable(in_section(rule).criteria.conditions for rule in self.about))

    @property
    def unless(self) -> dict[str, Any]:
        return _unmet(self.why, self.exceptions)


@dataclass(frozen=True, kw_only=True)
class MayChange(MailFinding):
    """Mail that may be treated differently: all that meets the conditions of one of the rules in :param:`about`.

    :param unknown: the open questions.
    """

    kind: DifferenceKind = DifferenceKind.UNKNOWN
    unknown: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class MayHaveSideEffects(SideEffectsChanged, MayChange):
    """Mail on which a rule may newly have a side effect, or may no longer have it."""

    kind: DifferenceKind = DifferenceKind.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class MayBecome(MayChange):
    """Mail that an edit may change.

    :param becomes: the possible kinds of difference, the most important first; empty if no edited rule acts differently.
    """

    becomes: tuple[DifferenceKind, ...]
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class MayReach(MayChange):
    """Mail that an edited rule may send to people who cannot be followed: it adds them, or redirects mail to them.

    :param versions: whether the rule did so before, and whether it does now.
    """

    people: tuple[str, ...]
    versions: tuple[bool, bool]
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class MayDifferForPeople(MayChange):
    """Mail that an edit may change for people to whom a rule sends it, and who cannot be followed: it adds them, or redirects mail
    to them, as it did.
    """

    people: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class MayFail(MayChange):
    """Mail of a rule whose ``rule_error_action`` changed. All other findings assume that no rule fails.

    :param defers: whether mail now waits if Exchange fails on the rule.
    """

    defers: bool


@dataclass(frozen=True, kw_only=True)
class MayChangeLater(MayChange):
    """Mail of a rule whose dates change what it does later.

    :param dates: the new effects of the dates.
    """

    dates: tuple[DateChange, ...]


@dataclass(frozen=True, kw_only=True)
class MayChangeUnusual(MayChange):
    """Unusual mail whose outcome is unknown, and which rules distinguish from usual mail."""


@dataclass(frozen=True, kw_only=True)
class MayWait(MayChange):
    """Mail that waits for more approvals than the model counts."""


@dataclass(frozen=True, kw_only=True)
class CutShort(MayChange):
    """The search used up its budget."""
