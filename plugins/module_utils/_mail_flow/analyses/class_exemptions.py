# SPDX-License-Identifier: GPL-3.0-or-later
"""What exempts mail that a sentence names from what it says of a class: other rules, how mail arrives, and its senders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..._exchange.names import same_name
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import followed_managers
from ..actions.protect import option_name
from ..formula import FALSE, TRUE, Literal, high
from ..model.encrypters import ENDS_BY_DLP
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..sat.batch import KnownModels
from ..simulator.copy_result import CopyResult
from .aspects import Aspect, DifferenceKind
from .besides_dlp import certain_dlp_rules
from .difference_kinds import ClassWitness, MailClass, surely_acts, unusual
from .difference_queries import DifferenceSearch
from .exempting_rules import Exemptions, by_tense, exempting_readable, exempting_rules, keeping_unusual
from .finding import Exempting, Stages
from .rule_changes import Edit, Separation
from .rule_ends import ended_by, how_it_ends

#: What a rule does to how it exempts mail from a difference in an aspect of it. Another rule that encrypts changes no
#: branding that a rule chooses.
_DECIDING = {
    Aspect.PROTECTION: ((Does.ENCRYPT, "encrypts"), (Does.DECRYPT, "decrypts")),
    Aspect.BRANDING: ((Does.BRAND, "brands"), (Does.DECRYPT, "decrypts")),
    Aspect.TRANSIT: ((Does.ROUTE, "routes"),),
    Aspect.DELIVERY: ((Does.MODERATE, "holds"),),
}


@dataclass(frozen=True)
class ClassFacts:
    """What is known about a class without asking the solver.

    :param sides: the results before and after.
    :param stages: the results at the stage at which they differ; :param:`approvals`: the number of approvals before it.
    :param rules: the rules whose conditions its mail meets when it reaches them, each with its rule set.
    :param why: what may distinguish the versions of the edited rule.
    :param passed: the rules that the edited one passed, and of which one keeps each such message from it in the other rule set,
        each with the literal that is true if it acts there.
    """

    mail_class: MailClass
    shown: ClassWitness
    edit: Edit | None
    sides: Mapping[str, CopyResult | None]
    stages: Stages
    approvals: int
    rules: Sequence[tuple[int, FlowRule]]
    why: Separation
    passed: Mapping[str, Literal]


@dataclass(frozen=True)
class Extent:
    """The literals that determine how much mail a sentence is true of.

    :param named: that mail meets the conditions that the sentence names; :param:`named_or_exempt`: that it may also meet their
        exceptions. Both are empty if the mail never comes to one of the rules.
    :param of_class: that mail is of the class.
    :param differs: that mail is treated differently as the class says; :param:`like_witness`: that it is treated like the
        witness.
    """

    named: tuple[Literal, ...]
    named_or_exempt: tuple[Literal, ...]
    of_class: tuple[Literal, ...]
    differs: Literal
    like_witness: Literal


class ClassExemptions:
    """What exempts named mail from the sentences about classes: the rules that may do so, those that do, and what else does.

    :param known: asks questions about the model that share models.
    """

    def __init__(self, search: DifferenceSearch, known: KnownModels) -> None:
        self._search = search
        self._model = search.model
        self._known = known

    def of_class(self, draft: ClassFacts, extent: Extent, *, as_witness: bool) -> tuple[Exemptions, bool]:
        """What exempts named mail from a sentence, and whether the sentence may say that mail is treated like the witness.

        :param as_witness: whether mail of the class is. Named mail may be of other classes, too.
        """
        if not as_witness or extent.like_witness == TRUE:
            return self._exempted(draft, extent, extent.differs), as_witness
        alike = self._exempted(draft, extent, extent.differs & extent.like_witness)
        if alike.limit != "some":
            return alike, True
        plain = self._exempted(draft, extent, extent.differs)
        return (alike, True) if plain.limit == "some" else (plain, False)

    def with_unusual(self, draft: ClassFacts, extent: Extent, treated: Literal, usual: Exemptions) -> Exemptions:
        """What exempts named mail, with the rules that do so only where it is not usual.

        :param treated: that mail is treated as the sentence says.
        :param usual: what exempts usual mail.
        """
        mail = unusual(self._model, extent.named) if usual.limit != "some" and draft.shown.usual else []
        if not mail:
            return usual
        keeping = keeping_unusual(self._known, [*mail, ~treated], self._candidates(draft), usual, self._model.rule_sets)
        return replace(usual, keep_unusual=keeping)

    def _exempted(self, draft: ClassFacts, extent: Extent, treated: Literal) -> Exemptions:
        """What exempts named mail from a sentence, and the other rules that do so.

        :param treated: that mail is treated as the sentence says.
        """
        exempt = [*extent.named, ~treated]
        candidates = self._candidates(draft)
        rest = [*exempt, *(~acts for acts in candidates.values())]
        if not extent.named:
            return Exemptions("already" if self._exempt_mail_was_alike(draft, rest) else "some")
        if self._known.can(rest) is False:
            return self._exempted_by_rules(draft, exempt, candidates)
        limit, literals = self._limit(draft, [*extent.named, treated], rest)
        by_rules = exempting_rules(self._known, [*exempt, *literals], candidates)
        if limit == "protected":
            arrives = self._model.circuit.disjunction(self._model.mail.arrival.values())
            if self._known.can([*extent.named, treated, arrives]):
                limit = "partly_protected"
        return Exemptions(limit, *by_rules)

    def _exempted_by_rules(
        self, draft: ClassFacts, exempt: Sequence[Literal], candidates: Mapping[Exempting, Literal]
    ) -> Exemptions:
        """What exempts named mail from a sentence where it is always a rule."""
        if draft.mail_class.kind.aspect is Aspect.PROTECTION:
            return Exemptions("another", *exempting_rules(self._known, exempt, candidates))
        smime = self._model.mail.arrival["smime"]
        by_smime, by, other_ways = exempting_readable(self._known, exempt, candidates, smime)
        return Exemptions("smime" if by_smime else "another", by, other_ways)

    def _limit(
        self, draft: ClassFacts, treated: Sequence[Literal], rest: Sequence[Literal]
    ) -> tuple[str, list[Literal]]:
        """What exempts named mail beside other rules, and literals that are true together of mail that this does not exempt: some of
        it is treated as a sentence says.

        :param treated: literals that are true together of named mail that is treated so.
        :param rest: literals that are true together of named mail that is not, and that no rule exempts.
        """
        mail = self._model.mail
        inside = high(self._model.free.conditions.scopes.sender("InOrganization", mail.sender))
        limits = {
            "smime": [~mail.arrival["smime"]],
            "outside": [inside],
            "protected": [~literal for literal in mail.arrival.values()],
            **self._limit_of_team(draft.mail_class.person),
        }
        readable = [*treated, *limits["smime"]]
        shown = readable if self._known.can(readable) else treated
        for limit, literals in limits.items():
            if self._known.can([*rest, *literals]) is False and self._known.can([*shown, *literals]):
                return limit, literals
        if self._exempt_mail_was_alike(draft, rest):
            return "already", []
        return "some", limits["smime"] if self._known.can([*rest, *limits["smime"]]) else []

    def _limit_of_team(self, person: str) -> dict[str, list[Literal]]:
        """The limit of what is true only of mail of those whose manager a person is; none if that is nobody, or not followed."""
        followed = dict(followed_managers(self._model.mail, self._model.free.logic) or ())
        return {"team": [high(followed[person])]} if person in followed else {}

    def _exempt_mail_was_alike(self, draft: ClassFacts, exempt: Sequence[Literal]) -> bool:
        """Whether exempt mail is now what the mail of a class is, so that it was before."""
        copies = self._search.about_copies(draft.mail_class.person).copies[1]
        kind = draft.mail_class.kind
        visible = copies.delivered | copies.released
        delivered = copies.fate(Fate.DELIVERED, draft.approvals)
        now = {
            DifferenceKind.PROTECTION_GAINED: visible & copies.protected,
            DifferenceKind.PROTECTION_LOST: visible & ~copies.protected,
            DifferenceKind.DELIVERY_GAINED: delivered,
            DifferenceKind.DELIVERY_LOST: ~(copies.delivered | delivered),
        }
        return kind in now and self._known.can([*exempt, high(~now[kind])]) is False

    def _candidates(self, draft: ClassFacts) -> dict[Exempting, Literal]:
        """The rules that may exempt mail, each with the literal that is true if it acts, those first that do so now. One that acts on the
        witness does not exempt it.
        """
        edited = [draft.edit.before, draft.edit.after] if draft.edit else []
        own_names = {rule.name for rule in (*edited, *(rule for _side, rule in draft.rules)) if rule is not None}
        acts: tuple[dict[Exempting, Literal], ...] = ({}, {})
        rules_now = {rule.name: rule for rule in self._model.rule_sets[1].rules if not rule.idle}
        for which, rules in enumerate(self._model.rule_sets):
            for rule in rules.rules:
                if rule.idle or rule.name in own_names or surely_acts(rule, draft.shown.courses[which]):
                    continue
                earlier = any(side == which and rule.place < own.place for side, own in draft.rules)
                exempting = Exempting(rule.name, _how(rule, draft, earlier=earlier))
                if exempting.how:
                    ends = high(ended_by(rule, self._model.free.chains[which]))
                    acts[which][exempting] = acts[which].get(exempting, FALSE) | ends
                    twin = None if which else rules_now.get(rule.name)
                    # One that now acts on what is treated so only exempts what it acted on before.
                    if twin is not None and surely_acts(twin, draft.shown.courses[1]):
                        twin = None
                    if twin is not None and _how(twin, draft, earlier=earlier) == exempting.how:
                        still = ends & high(ended_by(twin, self._model.free.chains[1]))
                        acts[1][exempting] = acts[1].get(exempting, FALSE) | still
        before, now = acts
        for dlp_rule in certain_dlp_rules(self._model.facts):
            exempting = Exempting(dlp_rule.name, _how_by_dlp(dlp_rule, draft.mail_class))
            if exempting.how:
                applied = (high(outcome.after.dlp.changes(dlp_rule)) for outcome in self._model.free.outcomes)
                now[exempting] = self._model.circuit.disjunction((now.get(exempting, FALSE), *applied))
        return self._where_protected(draft.mail_class, by_tense(before, now))

    def _where_protected(
        self, mail_class: MailClass, candidates: Mapping[Exempting, Literal]
    ) -> dict[Exempting, Literal]:
        """What may exempt mail, where rules that encrypt exempt from gained protection only mail that was protected, and from lost
        protection only mail that still is: not mail that loses theirs, too.
        """
        is_gain = mail_class.kind is DifferenceKind.PROTECTION_GAINED
        if not is_gain and mail_class.kind is not DifferenceKind.PROTECTION_LOST:
            return dict(candidates)
        copies = self._search.about_copies(mail_class.person).copies[not is_gain]
        protected = high((copies.delivered | copies.released) & copies.protected)
        return {
            each: acts & protected if each.how == "encrypts" else acts
            for each, acts in candidates.items()
            if is_gain or each.how != "encrypts" or not each.before
        }


def _how(rule: FlowRule, draft: ClassFacts, *, earlier: bool) -> str:
    """How a rule may exempt mail from a class; empty if it cannot.

    :param earlier: whether it stands before a rule that the class is about.
    """
    mail_class = draft.mail_class
    if not rule.actions.enforced:
        return "may_stop" if earlier and rule.actions.does(Does.STOP) else ""
    ends = how_it_ends(rule)
    if ends:
        return ends
    for does, how in _DECIDING[mail_class.kind.aspect]:
        if rule.actions.does(does):
            if how == "brands" and _brands_alike(rule, draft.sides["after"]):
                return "brands_alike"
            changed = mail_class.kind is DifferenceKind.PROTECTION_CHANGED
            return "asks" if how == "encrypts" and changed and _asks_for_another(rule, draft.sides["after"]) else how
    if mail_class.person and (rule.actions.does(Does.ADD) or rule.actions.does(Does.REDIRECT)):
        return "brings"
    return "stops" if earlier and rule.actions.is_final else ""


def _brands_alike(rule: FlowRule, after: CopyResult | None) -> bool:
    """Whether a rule chooses the branding that the witness of a class has now."""
    brands = rule.actions.does(Does.BRAND).values()
    return after is not None and all(same_name(str(brand), after.branding) for brand in brands)


def _asks_for_another(rule: FlowRule, after: CopyResult | None) -> bool:
    """Whether a rule asks for another template than the one that the witness of a class has now."""
    now = after.protection if after is not None else ""
    return any(not same_name(option_name(template), now) for template in rule.actions.templates)


def _how_by_dlp(rule: DlpRule, mail_class: MailClass) -> str:
    """How a DLP rule that surely acts may exempt mail from a class; empty if it cannot. One that encrypts does so in both rule
    sets.
    """
    does = rule.does
    if does.ends in ENDS_BY_DLP and does.ends != Fate.MODERATED:
        return ENDS_BY_DLP[Fate(does.ends)]
    return "dlp_decrypts" if does.removes and mail_class.kind.aspect in (Aspect.PROTECTION, Aspect.BRANDING) else ""
