# SPDX-License-Identifier: GPL-3.0-or-later
"""What besides mail flow rules encrypts mail, or takes protection away: the rules of DLP policies, sensitivity labels, and
the Encrypt button that people press.

After the last mail flow rule, Exchange asks the DLP rules in their order; they see what the mail flow rules changed. Of
several that match, it enforces the most restrictive one, so one acts; which, and whether two that are not the same add up,
is not documented (U36). A label is set by people, or by a policy on the way (U34). Sources: Microsoft's pages of
New-DlpComplianceRule, New-Label, how DLP works between admin centers, and of how sensitivity labels encrypt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from ..._exchange.names import name_key, same_name
from ..._resources.compliance.sensitivity_labels import LabelPolicyFact
from . import questions
from .kleene import Reason, Truth
from .outcomes import Fate
from .reason_kinds import ReasonKind

#: What may protect mail, or take protection away, without being seen.
DLP, LABELS, ENCRYPT_BUTTON = ENCRYPTERS = ("dlp", "labels", "encrypt_button")

#: What facts can tell of, to the fact.
FACT = {DLP: "dlp_policies", LABELS: "labels"}

#: What becomes of a copy that a DLP rule blocks. Source: Microsoft's page of New-DlpComplianceRule, BlockAccess.
BLOCKED = Fate.REJECTED

#: The other ends that a DLP rule surely gives a copy that no other one may restrict otherwise.
FOLLOWED = (Fate.REDIRECTED, Fate.QUARANTINED, Fate.MODERATED)

#: The end that a DLP rule gives a copy to how findings call that.
ENDS_BY_DLP = {
    BLOCKED: "dlp_blocks",
    Fate.REDIRECTED: "dlp_redirects",
    Fate.QUARANTINED: "dlp_quarantines",
    Fate.MODERATED: "dlp_holds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encrypter:
    """What follows the mail flow rules, as far as it changes mail: a DLP rule, or a label, which does nothing of what only DLP
    rules do.

    :param options: what it protects a copy with, as results call it (``encrypt``).
    :param removes: whether it takes protection away.
    :param acts: whether it acts at all: one in a test mode does not.
    :param not_understood: what of it was not understood, so that it may do anything, or nothing; empty if all was.
    :param guid: its GUID, empty if it is not known.
    """

    kind: ClassVar[str]

    name: str
    options: tuple[str, ...] = ()
    removes: bool = False
    acts: bool = True
    guid: str = ""
    not_understood: str = ""

    # What only a DLP rule has

    @property
    def policy(self) -> str:
        """The policy of a rule."""
        return ""

    @property
    def branding(self) -> str:
        """The OME configuration that it chooses; empty if none."""
        return ""

    @property
    def ends(self) -> str:
        """What becomes of a copy instead of its delivery, as results call it; empty if it is delivered."""
        return ""

    @property
    def brings(self) -> tuple[tuple[str, str], ...]:
        """Whom it sends copies: the option of the action, and the person; of the sender's manager, how."""
        return ()

    @property
    def asks(self) -> tuple[str, ...]:
        """Whom it asks for an approval, with the message."""
        return ()

    @property
    def edits(self) -> bool:
        """Whether it changes headers, the subject or the text."""
        return False

    @property
    def for_others(self) -> Encrypter:
        """Its effects, as far as the copies get them that DLP rules send of those on which it acts."""
        return self

    @property
    def brands(self) -> bool:
        """Whether it chooses another branding."""
        return bool(self.branding)

    @property
    def restricts(self) -> bool:
        """Whether it counts where Exchange enforces the most restrictive rule. That a rule which only tells people does not,
        Microsoft's example shows; how other actions compare is not documented.
        """
        return self.would_change_mail or self.edits

    @property
    def surely_affects_mail(self) -> bool:
        """Whether it surely ends mail, encrypts it, or takes its protection away, if it acts."""
        return not self.not_understood and bool(self.options or self.removes or self.ends in (BLOCKED, *FOLLOWED))

    @property
    def only_sends(self) -> bool:
        """Whether it surely sends the copies that it brings people, if it acts alone. Whether one that blocks a message, puts it
        in quarantine, or asks for an approval also sends copies of it, is not documented.
        """
        return self.ends in ("", Fate.REDIRECTED) and not self.not_understood

    def may_restrict_otherwise(self, effect: str) -> bool:
        """Whether it counts there with something else than an effect: ``options``, ``removes`` or ``ends``. Whether
        Exchange does what else a rule is told, beside asking for an approval, is not documented.
        """
        if self.asks_beside(effect):
            return True
        return self.restricts and (bool(self.not_understood) or not getattr(self, effect))

    def asks_beside(self, effect: str) -> bool:
        """Whether it asks for an approval, beside an effect."""
        return effect != "ends" and self.ends == Fate.MODERATED

    @property
    def effects(self) -> tuple[object, ...]:
        """The sorts of what it does to mail."""
        return (bool(self.options), self.removes, self.brands, self.ends, bool(self.brings), self.edits)

    @property
    def would_change_mail(self) -> bool:
        """Whether it would change how a copy is protected or delivered, if it acts."""
        return bool(self.options or self.removes or self.brands or self.ends or self.brings)

    @property
    def changes_mail(self) -> bool:
        """Whether it may change how a copy is protected or delivered."""
        return self.acts and self.would_change_mail


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEncrypter(Encrypter):
    """A sensitivity label. A message names it by its GUID, or by its name."""

    kind: ClassVar[str] = LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class DlpEncrypter(Encrypter):
    """A rule of a DLP policy.

    :param mode: the mode of its policy.
    :param outside_only: whether it ends copies for people outside alone.
    :param asks: whom it asks for an approval, with the message.
    """

    kind: ClassVar[str] = DLP

    policy: str
    mode: str = ""
    branding: str = ""
    ends: str = ""
    outside_only: bool = False
    brings: tuple[tuple[str, str], ...] = ()
    asks: tuple[str, ...] = ()
    edits: bool = False

    @property
    def for_others(self) -> DlpEncrypter:
        """Its effects on the copies that it, or a later rule, sends. A redirection is done once these people get them."""
        return replace(self, ends="") if self.ends == Fate.REDIRECTED else self


class Policies(Protocol):
    """The rules of DLP policies, ready to be applied; see ``rules.dlp_rules``."""

    @property
    def encrypters(self) -> tuple[DlpEncrypter, ...]:
        """All rules of all policies, first to last, those that do not act included."""


@dataclass(frozen=True, slots=True)
class AutoLabel:
    """A policy that sets a label on the way.

    :param label: the label's name or GUID.
    :param acts: whether it acts on mail.
    """

    name: str
    label: str
    acts: bool = True


@dataclass(frozen=True)
class KnownEncrypters:
    """What is known of DLP policies, labels and the policies that set or publish labels.

    :param dlp_policies: the rules of DLP policies, ready to be applied, and :param:`labels` sensitivity labels.
    :param label_policies: the policies that publish labels, and :param:`auto_label_policies` those that set them on
        the way.
    """

    dlp_policies: Policies | None = None
    labels: tuple[LabelEncrypter, ...] | None = None
    label_policies: tuple[LabelPolicyFact, ...] | None = None
    auto_label_policies: tuple[AutoLabel, ...] | None = None

    @property
    def unseen(self) -> tuple[str, ...]:
        """What may encrypt mail, or take protection away, and was neither read nor told."""
        return unseen_of(vars(self))


@dataclass(frozen=True, slots=True)
class PossibleEncrypter:
    """A DLP rule or a label that applies to a copy, or may.

    :param why: why it is open whether it does; empty if it surely does.
    """

    what: Encrypter
    why: tuple[Reason, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether it surely applies."""
        return not self.why


#: The kind of a reason for what a DLP rule looks at and nothing decides; its values are the names of these conditions.
LOOKS: ReasonKind = "dlp_looks_at"

#: What such a reason has instead of a condition's name: nothing is known of the message, no condition of the rule is
#: known, or something of the rule or its policy was not understood.
ANY_CONDITION = "conditions"
NO_CONDITION = "no_condition"
UNREAD_CONDITIONS = "unread_conditions"
UNREAD_EXCEPTIONS = "unread_exceptions"
UNREAD_ACTIONS = "unread_actions"
UNREAD_SCOPE = "unread_scope"
UNREAD_PRIORITY = "unread_priority"

#: An effect of a DLP rule to the kind of a reason for that another one may act instead.
_SEVERAL: Mapping[str, ReasonKind] = {
    "options": "several_dlp_options",
    "removes": "several_dlp_removes",
    "brands": "several_dlp_brands",
    "ends": "several_dlp_withholds",
    "brings": "several_dlp_brings",
}

#: An effect to the kind of a reason for what is open of it, of DLP rules and of labels.
_OPEN: Mapping[tuple[str, str], ReasonKind] = {
    (DLP, "options"): "dlp_options",
    (DLP, "removes"): "dlp_removes",
    (DLP, "brands"): "dlp_brands",
    (DLP, "ends"): "dlp_withholds",
    (DLP, "brings"): "dlp_brings",
    (LABELS, "options"): "labels_options",
    (LABELS, "removes"): "labels_removes",
}


@dataclass(frozen=True, slots=True)
class AppliedEncrypters:
    """What DLP rules and labels do to a copy after the rules, or may do.

    :param every: what applies to the copy, or may.
    :param is_ended: whether what keeps the copy from its recipient is already done.
    :param met_by_others: of a copy that a DLP rule sends somebody: the places of later DLP rules, each with whether it matches
        the copy that this one was made of, as far as it may.
    """

    every: tuple[PossibleEncrypter, ...] = ()
    is_ended: bool = False
    met_by_others: tuple[tuple[int, Truth], ...] = ()

    def with_effect(self, effect: str) -> list[PossibleEncrypter]:
        """All with an effect that is not done yet: ``options``, ``removes``, ``brands`` or ``ends``."""
        if effect == "ends" and self.is_ended:
            return []
        return [each for each in self.every if getattr(each.what, effect)]

    def may(self, effect: str) -> bool:
        """Whether the copy may get this effect."""
        return bool(self.with_effect(effect))

    def surely(self, effect: str) -> bool:
        """Whether the copy surely gets this effect: a rule with it surely matches, and none may match that restricts the
        copy otherwise.
        """
        having = self.with_effect(effect)
        others = (each for each in self.every if each.what.may_restrict_otherwise(effect))
        return any(each.sure for each in having) and not any(others)

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the DLP rules that surely block the copy: nothing restricts more."""
        return tuple(each.what.name for each in self.with_effect("ends") if each.sure and each.what.ends == BLOCKED)

    def brings(self, each: PossibleEncrypter) -> bool | None:
        """Whether a DLP rule that applies to the copy, or may, sends others copies of it; ``None`` if that is open. Of a
        message that another one blocks, nobody gets a copy.
        """
        if not each.what.brings or (self.blocks and each.what.ends != BLOCKED):
            return False
        theirs = set(each.what.brings)
        others = (other.what for other in self.every if other is not each and other.what.restricts)
        is_alone = all(theirs.issubset(other.brings) and not other.not_understood for other in others)
        return True if each.sure and is_alone and each.what.only_sends else None

    @property
    def end(self) -> str:
        """What surely becomes of the copy instead of its delivery; empty if that is open, or it is delivered."""
        if self.blocks:
            return BLOCKED
        ends = {each.what.ends for each in self.with_effect("ends")}
        followed = next((end for end in FOLLOWED if ends == {end}), "")
        return followed if followed and self.surely("ends") else ""

    @property
    def ended_by(self) -> tuple[str, ...]:
        """The names of the DLP rules that surely give the copy its end."""
        end = self.end
        return (
            tuple(each.what.name for each in self.with_effect("ends") if each.sure and each.what.ends == end)
            if end
            else ()
        )

    @property
    def may_only_hold(self) -> bool:
        """Whether the copy may wait for an approval, and nothing else may keep it from its recipient."""
        return {each.what.ends for each in self.with_effect("ends")} == {Fate.MODERATED}

    def delivering(self) -> AppliedEncrypters:
        """What remains to be done once what keeps the copy from its recipient is."""
        return replace(self, is_ended=True)

    def joined(self, more: Sequence[PossibleEncrypter]) -> AppliedEncrypters:
        """These and what else applies to the copy, or may."""
        return replace(self, every=(*self.every, *more))

    @property
    def options(self) -> tuple[str, ...]:
        """What the copy may be protected with, each once."""
        found = {name_key(option): option for each in self.every for option in each.what.options}
        return tuple(found.values())

    def replaces(self, option: str) -> bool:
        """Whether a copy that is protected with an option may get another."""
        return any(not same_name(each, option) for each in self.options)

    def may_use(self, option: str) -> bool:
        """Whether the copy may become protected with an option."""
        return any(same_name(each, option) for each in self.options)

    def of_kind(self, kind: str) -> AppliedEncrypters:
        """What DLP rules do, or labels."""
        return replace(self, every=tuple(each for each in self.every if each.what.kind == kind))

    def names(self, effect: str) -> tuple[str, ...]:
        """The names of what has an effect."""
        return tuple(dict.fromkeys(each.what.name for each in self.with_effect(effect)))

    def reasons(self, *effects: str) -> list[Reason]:
        """What is open of some effects."""
        return [
            reason
            for effect in effects
            for each in self.with_effect(effect)
            for reason in self.reasons_of(each, effect)
        ]

    def reasons_of(self, each: PossibleEncrypter, effect: str) -> tuple[Reason, ...]:
        """Why it is open what one of several does; that others may restrict the copy otherwise, where it surely applies."""
        kind = _OPEN[each.what.kind, effect]
        if each.what.kind == LABELS:
            return each.why or (Reason(questions.LABEL_IN_TRANSPORT, kind, (each.what.name,)),)
        names = (each.what.name, each.what.policy)
        if each.sure:
            return (Reason(questions.SEVERAL_DLP_RULES, self._open_beside_others(each.what, effect), names),)
        looks = sorted({name for why in each.why if why.kind == LOOKS for name in why.values})
        others = tuple(why for why in each.why if why.kind != LOOKS)
        return (*others, Reason(questions.DLP_RULES, kind, (*names, tuple(looks)))) if looks or not others else others

    def _open_beside_others(self, encrypter: Encrypter, effect: str) -> ReasonKind:
        """What is open of an effect of a DLP rule that surely applies: what Exchange enforces of several."""
        if effect == "ends" and not any(other.what.may_restrict_otherwise(effect) for other in self.every):
            return "dlp_perhaps_withholds" if encrypter.ends == Fate.UNKNOWN else "dlp_withheld"
        if encrypter.asks_beside(effect):
            return "dlp_beside_approval"
        if effect == "brings" and encrypter.ends not in ("", Fate.REDIRECTED):
            return "dlp_beside_end"
        return _SEVERAL[effect]


#: What does nothing.
NOTHING = AppliedEncrypters()


def all_possible(encrypters: Iterable[Encrypter]) -> tuple[PossibleEncrypter, ...]:
    """What may be done to a copy of which nothing is known."""
    return tuple(
        PossibleEncrypter(encrypter, (_ANY,)) for encrypter in encrypters if encrypter.acts and encrypter.restricts
    )


_ANY = Reason(questions.DLP_RULES, LOOKS, (ANY_CONDITION,))


def unseen_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What was neither read nor told, of :data:`ENCRYPTERS`. Which mail people encrypted themselves, no fact says.

    :param facts: in the form of the option ``facts``, or the fields of these names.
    """
    return tuple(each for each in ENCRYPTERS if facts.get(FACT.get(each, "")) is None)
