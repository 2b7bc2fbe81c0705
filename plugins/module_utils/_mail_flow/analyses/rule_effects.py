# SPDX-License-Identifier: GPL-3.0-or-later
"""The effects of rules on mail, as a policy states them, and how other rules keep mail from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import THE_MANAGER
from ..actions.deliver import FATES
from ..actions.protect import option_name, template_name
from ..model.encrypters import BLOCKED, ENDS_BY_DLP, Encrypter
from ..model.outcomes import OPEN_PROTECTIONS, Fate, Tls
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..simulator.copy_result import CopyResult
from .finding import OF_COPIES, STATED_TEXTS
from .rule_ends import ends_all_its_mail, how_it_ends, rejects_misfits
from .rule_side_effects import TOLD_AFTER_REJECTION

#: The effects that somebody to whom a rule sends mail gets a copy: in addition to its recipients, or instead of them.
COPIED = ("copied", "copied_instead")


@dataclass(frozen=True)
class RuleEffect:
    """What a rule does to mail.

    :param kind: the fates ``rejected``, ``deleted``, ``quarantined`` and ``redirected``; ``encrypted``, ``decrypted``,
        ``moderated``, ``branded``, :data:`COPIED`; ``in_transit`` (mail leaves by forced TLS) and ``clear_transit``
        (it no longer does); or a sort of side effect (:class:`finding.SideEffect`).
    :param names: the templates, the branding, the connector, the spam confidence level, or people.
    """

    kind: str
    names: tuple[str, ...] = ()

    @property
    def brings_people(self) -> bool:
        """Whether somebody to whom a rule sends mail gets a copy."""
        return self.kind in COPIED


#: The effect that a rule rejects mail into which its disclaimer does not fit.
MISFITS = RuleEffect(Fate.REJECTED, ("disclaimer",))


def cases_of(rule: FlowRule) -> list[tuple[FlowRule, bool]]:
    """A rule as it acts, and whether its effects are about senders who have a manager only."""
    if rule.actions.by_manager and rule.actions.enforced:
        plain, of_managed = rule.where(managed=False), rule.where(managed=True)
        return [(of_managed, plain.actions.options != of_managed.actions.options)]
    return [(rule, False)]


def effects_on_copy(rule: FlowRule) -> Iterator[RuleEffect]:
    """The effects of a rule on the copy on which it acts."""
    if rule.actions.does(Does.ENCRYPT):
        yield RuleEffect("encrypted", tuple(rule.actions.templates))
    if rule.actions.does(Does.DECRYPT):
        yield RuleEffect("decrypted")
    for what, fate in FATES.items():
        if rule.actions.does(what):
            yield RuleEffect(fate)
    if rule.actions.redirects_to_manager and not rule.actions.does(Does.REDIRECT):
        yield RuleEffect(Fate.REDIRECTED)
    if (
        "apply_html_disclaimer_text" in rule.actions.options
        and rejects_misfits(rule)
        and not rule.actions.does(Does.REJECT)
    ):
        yield MISFITS
    asked = rule.actions.does(Does.MODERATE)
    if asked:
        people = [str(person) for person in asked.get("moderate_message_by_user") or ()]
        yield RuleEffect(Fate.MODERATED, tuple(people or [THE_MANAGER]))
    for brand in rule.actions.does(Does.BRAND).values():
        yield RuleEffect("branded", (str(brand),))


def effects_of_dlp_rule(rule: DlpRule) -> Iterator[RuleEffect]:
    """The effects of a DLP rule on the copy on which it acts."""
    does = rule.does
    if does.options:
        yield RuleEffect("encrypted", tuple(map(template_name, does.options)))
    if does.removes:
        yield RuleEffect("decrypted")
    if does.ends == Fate.MODERATED:
        yield RuleEffect(Fate.MODERATED, does.asks)
    elif does.ends in ENDS_BY_DLP:
        yield RuleEffect(Fate(does.ends))
    if does.branding:
        yield RuleEffect("branded", (does.branding,))


def is_by_manager(rule: FlowRule | DlpRule, effect: RuleEffect) -> bool:
    """Whether an effect is that a rule redirects mail to the sender's manager alone."""
    return isinstance(rule, FlowRule) and effect.kind == Fate.REDIRECTED and not rule.actions.does(Does.REDIRECT)


def shows_effect(rule: FlowRule | DlpRule, effect: RuleEffect, outcome: CopyResult, *, approved: bool) -> bool:
    """Whether a result of the simulator shows an effect for certain.

    :param outcome: the result of the recipient's copy, or of the copy of somebody who gets one by the effect.
    """
    ends = outcome
    while ends.after_approval and (approved or effect.kind in ("encrypted", "decrypted", "branded")):
        ends = ends.after_approval
    if effect.kind in FATES.values() or effect.kind == Fate.MODERATED:
        return ends.fate == effect.kind
    if effect.brings_people:
        return ends.is_delivered
    if effect.kind == "encrypted":
        named = effect.names if len(effect.names) == 1 else ()
        same = not named or same_name(ends.protection, option_name(named[0]))
        return ends.is_delivered and ends.protection not in OPEN_PROTECTIONS and same
    if effect.kind == "decrypted":
        return ends.is_in_clear
    if effect.kind == "branded":
        return ends.is_delivered and same_name(ends.branding, effect.names[0])
    if effect.kind in ("in_transit", "clear_transit"):
        return False
    if effect.kind == "connector":
        way = ends.transit
        known = way is not None and way.tls is not Tls.UNKNOWN and same_name(way.connector, effect.names[0])
        return known and rule.name in ends.surely_matching
    ended = effect.kind in OF_COPIES and ends.fate in (Fate.REJECTED, Fate.DELETED)
    return rule.name in ends.surely_matching and not ended


#: The effects that are only about mail that arrives in clear.
PROTECTING = ("encrypted",)

#: The sorts of side effects about which there are statements.
STATED_SIDE_EFFECTS = (
    *sorted(TOLD_AFTER_REJECTION - {"notification_text"}),
    "connector",
    "tls",
    "spam",
    "no_spam",
    "attachments",
)

#: The effects on mail on its way out.
LEAVING = ("connector", "tls", "in_transit", "clear_transit")

#: How mail flow rules end the way of mail.
ENDING = ("rejects", "deletes", "quarantines", "redirects")

#: How a rule keeps mail from an effect to its rank: the smaller, the more it explains.
RANK = {
    **dict.fromkeys((*ENDING, "stops"), 0),
    "may_stop": 1,
    "decrypts": 2,
    "asks": 3,
    "brands": 4,
    "holds": 5,
    "dlp_stops": 6,
    "dlp_blocks": 7,
    "dlp_redirects": 8,
    "dlp_quarantines": 9,
    "dlp_decrypts": 10,
    "dlp_asks": 11,
    "dlp_acts": 12,
}

#: The effects that DLP can undo.
BEFORE_DLP = ("encrypted", "branded")

#: The effects that are over once a rule has acted, whatever later rules do.
_AT_ONCE = frozenset((*FATES.values(), Fate.MODERATED, *STATED_SIDE_EFFECTS, "approval", *STATED_TEXTS)) - OF_COPIES


def how_encrypter_keeps(does: Encrypter, effect: RuleEffect) -> str:
    """How a DLP rule keeps mail from an effect; empty if it does not. An approval does not: it delivers the mail."""
    if does.ends in ENDS_BY_DLP and does.ends != Fate.MODERATED:
        return ENDS_BY_DLP[Fate(does.ends)]
    if does.removes:
        return "dlp_decrypts"
    names = {name_key(option_name(name)) for name in effect.names} if effect.kind == "encrypted" else set()
    return "dlp_asks" if names and any(name_key(option) not in names for option in does.options) else ""


#: The effects of mail flow rules that DLP rules may prevent.
_PREVENTABLE_BY_DLP = frozenset((*BEFORE_DLP, "decrypted", *COPIED, *LEAVING)) | OF_COPIES


def may_prevent(does: Encrypter, effect: RuleEffect) -> bool:
    """Whether a DLP rule may keep mail on which it acts from an effect. All counts that is not documented."""
    if effect.kind not in _PREVENTABLE_BY_DLP:
        return False
    if does.not_understood or does.ends:
        return True
    if effect.kind == "encrypted":
        return bool(how_encrypter_keeps(does, effect))
    if effect.kind == "decrypted":
        return bool(does.options)
    return effect.kind == "branded" and bool(does.brands or does.options or does.removes)


#: An effect of a DLP rule to the property of other DLP rules that counts where Exchange enforces the most restrictive rule.
_RESTRICTED_BY: Mapping[str, str] = {
    "encrypted": "options",
    "decrypted": "removes",
    "branded": "brands",
    **dict.fromkeys(COPIED, "brings"),
}


def how_dlp_rule_keeps(other: DlpRule, rule: DlpRule, effect: RuleEffect) -> str:
    """How another DLP rule may keep mail of a DLP rule from an effect; empty if it cannot. Nothing restricts more than a
    block. If another rule does something else, it is open which of the two acts (U36).
    """
    if other.stops and rule.may_come_after(other):
        return "dlp_stops"
    if effect.kind == BLOCKED:
        return ""
    if other.does.ends == BLOCKED:
        return "dlp_blocks"
    end = effect.kind if effect.kind in ENDS_BY_DLP else ""
    if other.does.not_understood or (other.does.restricts and other.does.ends != end):
        return "dlp_acts"
    if end:
        return ""
    counts = _RESTRICTED_BY[effect.kind]
    if other.does.may_restrict_otherwise(counts):
        return "dlp_acts"
    if counts == "brings":
        return "" if set(rule.does.brings).issubset(other.does.brings) else "dlp_acts"
    return how_encrypter_keeps(other.does, effect) if counts == "options" else ""


def ways_it_keeps(other: FlowRule, rule: FlowRule | DlpRule, effect: RuleEffect) -> Iterator[str]:
    """How another rule may keep mail of a rule from an effect: how it ends the way of mail, and how it keeps mail whose way it
    does not end. A mail flow rule that stops the rules does not keep mail from DLP rules, which come after all of them.
    """
    ends_before = isinstance(rule, FlowRule) and other.place < rule.place
    earlier = ends_before or isinstance(rule, DlpRule)
    if not other.actions.enforced:
        if ends_before and "stop_rule_processing" in other.actions.options:
            yield "may_stop"
        return
    if earlier or effect.kind not in _AT_ONCE:
        ends = how_it_ends(other)
        if ends:
            yield ends
        if ends_all_its_mail(other):
            return
    other_way = _how_it_keeps_without_ending(other, effect, ends_before=ends_before, earlier=earlier)
    if other_way:
        yield other_way


def _how_it_keeps_without_ending(other: FlowRule, effect: RuleEffect, *, ends_before: bool, earlier: bool) -> str:
    """How another rule may keep mail whose way it does not end from an effect; empty if it cannot.

    :param ends_before: whether it keeps mail from the rule of the effect if it stops the rules.
    :param earlier: whether it comes before that rule.
    """
    if effect.kind == "encrypted" and _asks_for_another(other, effect):
        return "asks"
    if ends_before and other.actions.is_final:
        return "stops"
    if effect.kind in ("encrypted", "branded") and other.actions.does(Does.DECRYPT):
        return "decrypts"
    if effect.kind == "branded" and other.actions.does(Does.BRAND):
        return "brands"
    if other.actions.does(Does.MODERATE) and _waits_for_approval(effect, earlier=earlier):
        return "holds"
    return ""


def _waits_for_approval(effect: RuleEffect, *, earlier: bool) -> bool:
    """Whether an effect on mail that another rule holds shows only after the approval.

    :param earlier: whether the other rule comes before the rule of the effect.
    """
    return effect.brings_people or (earlier and effect.kind in (*FATES.values(), *TOLD_AFTER_REJECTION))


def _asks_for_another(rule: FlowRule, effect: RuleEffect) -> bool:
    """Whether a rule asks for another template than that of an effect."""
    own = [option_name(name) for name in effect.names]
    return any(not any(same_name(option_name(template), name) for name in own) for template in rule.actions.templates)
