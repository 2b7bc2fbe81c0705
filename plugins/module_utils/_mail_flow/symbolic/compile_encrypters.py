# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules and labels do to any copy after the mail flow rules, as formulas. See the simulator's ``applied_encrypters``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property

from ..._resources.compliance.dlp_fields import ATTACHMENTS
from ..actions.act import FormulaAct
from ..actions.bring import make_copies
from ..actions.copy_state import CopiesByRule, held_again
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Value
from ..model import questions
from ..model.carried_labels import automatic, may_be_set
from ..model.encrypters import BLOCKED, FOLLOWED, DlpEncrypter, Encrypter
from ..model.outcomes import Fate
from ..rules.dlp_rules import LABEL, DlpRule, DlpRules, Node, SendingRule, changing_before_dlp
from .compile_rules import RuleChain

#: Whether something has an effect.
Has = Callable[[Encrypter], object]


class EncrypterFormulas:
    """What follows a chain of mail flow rules.

    :param chain: the chain.
    """

    def __init__(self, chain: RuleChain) -> None:
        self.chain = chain
        self.logic = chain.logic
        self.mail = chain.mail
        self.person = chain.person
        policies = chain.mail.facts.encrypters.dlp_policies
        self._policies = policies if isinstance(policies, DlpRules) else None
        self._changing = changing_before_dlp(chain.rules)

    def unknown(self, *what: Hashable) -> Value:
        """Something open of what follows: one answer for each person."""
        return self.logic.unknown("afterwards", *what, self.person.name)

    @cached_property
    def dlp(self) -> Sequence[tuple[Encrypter, Value]]:
        """The DLP rules that change mail, each with whether it applies to the copy."""
        return [*self.chain.state.after, *((does, when) for _rule, does, when in self._asked)]

    @cached_property
    def _maker(self) -> DlpRule | None:
        """The DLP rule that sends the copy; ``None`` if that is done by a mail flow rule, or by the sender."""
        place = self.chain.made_at - len(self.chain.rules.rules)
        return next((rule for rule in self._policies.sending if rule.place == place), None) if self._policies else None

    @cached_property
    def _met(self) -> Sequence[tuple[DlpRule, Value]]:
        """The DLP rules that Exchange asks about the copy, each with whether it matches it."""
        if self._policies is None:
            return ()
        maker = self._maker
        met: list[tuple[DlpRule, Value]] = []
        # Exchange does not ask DLP about mail in quarantine.
        reached: Value = ~self.chain.state.fates.get(Fate.QUARANTINED, FALSE)
        if maker is not None and maker.stops:
            reached &= ~self._stops(maker)
        for rule in self._policies.rules:
            if maker is not None and (rule is maker or not rule.may_come_after(maker)):
                continue
            matches = reached & self._matches(rule)
            met.append((rule, matches))
            if rule.stops:
                reached &= ~(matches & self._stops(rule))
        return met

    @cached_property
    def _asked(self) -> Sequence[tuple[DlpRule, DlpEncrypter, Value]]:
        """Those of them that change mail, each with what it does and whether it does that."""
        asked: list[tuple[DlpRule, DlpEncrypter, Value]] = []
        for rule, matches in self._met:
            if matches == FALSE or not rule.does.restricts:
                continue
            covers = self._covers(rule.does)
            does = self._does(rule)
            asked.append((rule, rule.does, matches & covers & does))
            if rule.inside is not None:
                asked.append((rule, rule.inside, matches & ~covers & does))
        return asked

    def _does(self, rule: DlpRule) -> Value:
        """Whether a rule does something to the mail that it matches. One that was not understood may do nothing to it, and
        stop others all the same.
        """
        return self.unknown("dlp does", rule.place) if rule.does.not_understood else TRUE

    def meets(self, rule: DlpRule) -> Value:
        """Whether the copy is mail that a rule is about, whether or not Exchange asks the rule."""
        return self._matches(rule) & self._covers(rule.does)

    def acts(self, rule: DlpRule) -> Value:
        """Whether a rule does something to the copy, or stops the later ones for it."""
        does_something = [when for does, when in self.dlp if any(does is part.does for part in rule.by_recipients)]
        stops = [matches for other, matches in self._met if other.place == rule.place and rule.stops]
        return self.logic.any_of([*does_something, *stops])

    def _stops(self, rule: DlpRule) -> Value:
        """Whether a rule that matches stops the later ones."""
        return self.unknown("dlp stops", rule.place) if rule.stops_perhaps else TRUE

    def sending(self, place: int) -> SendingRule:
        """The DLP rule that sends copies, by its place behind the mail flow rules."""
        rules = self.chain.rules
        every = self._policies.sending if self._policies else ()
        return next(rule.as_sending(rules) for rule in every if len(rules.rules) + rule.place == place)

    def applies(self, place: int) -> Value:
        """Whether a DLP rule that sends copies applies to the copy, by its place behind the mail flow rules."""
        first = len(self.chain.rules.rules)
        return self.logic.any_of([when for rule, _does, when in self._asked if first + rule.place == place])

    @cached_property
    def copies(self) -> Sequence[CopiesByRule]:
        """The copies that DLP rules send others of the copy."""
        if self._policies is None or not self._policies.sending:
            return ()
        first = len(self.chain.rules.rules)
        asked = {rule.place for rule, _does, _when in self._asked}
        return [
            self._sent(rule, self.applies(first + rule.place)) for rule in self._policies.sending if rule.place in asked
        ]

    def _sent(self, rule: DlpRule, applies: Value) -> CopiesByRule:
        """The copies that a rule sends: like the copy as the mail flow rules left it, with what the DLP rules up to this one do.
        See the simulator's :meth:`.AppliedEncrypters.brings`.
        """
        state = self.chain.state.apart()
        own = rule.does
        theirs = set(own.brings)
        others = [*state.after, *((does, when) for other, does, when in self._asked if other is not rule)]
        sends = applies & ~self.logic.any_of(state.fates.values())
        if own.ends != BLOCKED:
            sends &= ~self.logic.any_of([when for does, when in others if does.ends == BLOCKED])
        instead = self.logic.any_of(
            [
                when
                for does, when in others
                if does.restricts and (not theirs.issubset(does.brings) or does.not_understood)
            ]
        )
        open_ = self.unknown("dlp sends", rule.place)
        sends &= self.logic.choose(instead, open_, TRUE) if own.only_sends else open_
        before = [(does, when) for other, does, when in self._asked if other is not rule and rule.may_come_after(other)]
        alone = TRUE if own.only_sends else self.unknown("dlp does more", rule.place)
        state.after = (*state.after, *before, (own.for_others, alone))
        sending = rule.as_sending(self.chain.rules)
        act = FormulaAct(sending, self.chain.scene, (sending.name, sending.place), state.seen, beside=sends)
        return make_copies(state, act)

    def _covers(self, does: DlpEncrypter) -> Value:
        if not does.outside_only:
            return TRUE
        return self.chain.conditions.scopes.recipient("NotInOrganization", self.person)

    def _matches(self, rule: DlpRule) -> Value:
        value = self._value(rule.looks_for, (rule.place,))
        if self._maker is not None and rule.looks_at_recipients:
            value &= self.logic.unknown(questions.ADDED_RECIPIENTS, "added", self.person.name, "")
        return value if rule.is_certain or rule.looks_for.is_open else value & self.unknown("dlp", rule.place)

    def _value(self, node: Node, path: tuple[int, ...]) -> Value:
        if node.atom is not None:
            return self._truth(node.atom)
        if node.operator == "open":
            found = self.unknown("dlp condition", *path)
            return self.logic.any_of(list(map(self._has, node.needs))) & found if node.needs else found
        values = [self._value(part, (*path, place)) for place, part in enumerate(node.parts)]
        if node.operator == "and":
            return self.logic.all_of(values)
        value = self.logic.any_of(values)
        return value if node.operator == "or" else ~value

    def _has(self, key: str) -> Value:
        """Whether the message may have something of what DLP looks at: in its content, attached to it, or as its label. Labels
        that change no mail have no variable: they count as content.
        """
        if key == ATTACHMENTS:
            return self._has_attachment
        if key != LABEL:
            return self.mail.sensitivity.information
        return (
            TRUE
            if may_be_set(self.mail.facts)
            else self.mail.circuit.disjunction(self.mail.sensitivity.labels.values())
        )

    @property
    def _has_attachment(self) -> Value:
        """Whether the message may have an attachment: see :attr:`.Message.has_no_attachment`. A disclaimer that is put around it
        makes it one.
        """
        mail = self.mail
        as_it_arrives = [mail.sensitivity.attachment, *mail.arrival.values(), mail.kinds["Signed"]]
        return mail.circuit.disjunction(as_it_arrives) | self.chain.state.seen.wrapped

    def _truth(self, atom: Atom) -> Value:
        """Whether a condition is true of the copy as DLP sees it."""
        conditions = self.chain.conditions
        open_ = self._is_changed(atom)
        if open_ == TRUE:
            return self.unknown("dlp sees", atom.number)
        value = conditions.truth(atom, SeenMessage(), self.person)
        if atom.predicate.content:
            open_ |= conditions.hidden(self.chain.state.seen)
        if open_ == FALSE:
            return value
        return self.logic.choose(open_, self.unknown("dlp sees", atom.number), value)

    def _is_changed(self, atom: Atom) -> Value:
        """Whether a mail flow rule changes what a condition looks at. Of a copy that a rule makes, it may have done so before."""
        changing = self._changing(atom)
        if self.chain.made_at >= 0:
            return TRUE if changing else FALSE
        return self.logic.any_of([self.chain.acts(rule) for rule in changing])

    def any_dlp(self, has: Has) -> Value:
        """Whether a DLP rule with an effect applies."""
        return self.logic.any_of([when for does, when in self.dlp if has(does)])

    def _enforced(self, earlier: Iterable[Value], later: Value, *what: Hashable) -> Value:
        """Whether the copy gets an effect for which a DLP rule applies, beside another one that restricts the copy otherwise. That
        is open, but one of those that apply acts (U36): what is left to it happens if none of the earlier effects does.

        :param earlier: whether the copy gets each of the effects that are decided before this one.
        :param later: whether a rule applies for one that is decided after it.
        """
        return self.unknown(*what) | (self._one_shows & ~self.logic.any_of([*earlier, later]))

    @cached_property
    def _one_shows(self) -> Value:
        """Whether each DLP rule that applies does something that is decided here, if it acts. The one that sends the copy may have
        done it by then.
        """
        return FALSE if self._maker is not None else ~self.any_dlp(lambda does: not does.shows)

    @cached_property
    def encrypts(self) -> Value:
        """Whether DLP encrypts the copy, as far as it can be encrypted: certain where no rule applies that restricts it
        otherwise.
        """
        having = self.any_dlp(lambda does: does.options)
        if having == FALSE:
            return FALSE
        others = self.any_dlp(lambda does: does.may_restrict_otherwise("options"))
        if others == FALSE:
            return having
        later = self.any_dlp(lambda does: does.removes)
        enforced = self._enforced(self.ends.values(), later, "dlp several", "options")
        return having & self.logic.choose(others, enforced, TRUE)

    @cached_property
    def removes(self) -> Value:
        """Whether DLP takes the copy's protection away, as far as it can be. Of rules that encrypt and rules that take
        away, one kind has its way: a copy that DLP encrypts in clear, it does not leave unprotected where a mail flow
        rule had encrypted it.
        """
        having = self.any_dlp(lambda does: does.removes)
        if having == FALSE:
            return FALSE
        others = self.any_dlp(lambda does: does.may_restrict_otherwise("removes"))
        if others == FALSE:
            return having
        enforced = self._enforced([*self.ends.values(), self.encrypts], FALSE, "dlp several", "removes")
        return having & self.logic.choose(others, ~self.encrypts & enforced, TRUE)

    @cached_property
    def blocked(self) -> Value:
        """Whether DLP blocks the copy: nothing restricts more."""
        return self.any_dlp(lambda does: does.ends == BLOCKED)

    @cached_property
    def ends(self) -> Mapping[Fate, Value]:
        """The fates that DLP gives the copy if it does not block it, each with whether it does: certain where no rule
        applies that restricts it otherwise.
        """
        found: dict[Fate, Value] = {}
        for fate in FOLLOWED:
            found[fate] = self._ends_in(fate, found)
        return found

    def _ends_in(self, fate: Fate, earlier: Mapping[Fate, Value]) -> Value:
        having = self.any_dlp(lambda does: does.ends == fate)
        if having == FALSE:
            return FALSE
        having &= ~self.blocked
        others = self.any_dlp(
            lambda does: does.may_restrict_otherwise("ends") or (does.ends and does.ends not in (fate, BLOCKED))
        )
        if others == FALSE:
            return having
        left = [each for each in FOLLOWED if each != fate and each not in earlier]
        later = self.any_dlp(lambda does: does.options or does.removes or does.ends in left)
        enforced = self._enforced(earlier.values(), later, "dlp ends", fate)
        return having & self.logic.choose(others, enforced, TRUE)

    @cached_property
    def approvals(self) -> list[Value]:
        """Number of approvals, from 1, to whether the copy waits for at least that many: those of mail flow rules, and one of
        DLP for a copy that these let through.
        """
        held = self.ends[Fate.MODERATED]
        if held == FALSE:
            return self.chain.state.held
        return held_again(self.chain.state.held, held & ~self.logic.any_of(self.chain.state.fates.values()))

    @cached_property
    def withheld(self) -> Value:
        """Whether DLP keeps the copy from its recipient for good."""
        others = self.any_dlp(lambda does: does.ends and does.ends not in (*FOLLOWED, BLOCKED))
        kept = self.blocked | self.ends[Fate.REDIRECTED]
        return kept if others == FALSE else kept | (others & self.unknown("dlp ends"))

    @cached_property
    def labels(self) -> Sequence[tuple[Encrypter, Value]]:
        """The labels that change mail, each with whether it applies to the copy."""
        facts = self.mail.facts
        changing = [label for label in facts.encrypters.labels or () if label.changes_mail]
        set_ = {label.name for label in automatic(facts)}
        return [
            (
                label,
                (self.mail.sensitivity.labels[label.name] & self.unknown("label", label.name))
                | (self.unknown("label set", label.name) if label.name in set_ else FALSE),
            )
            for label in changing
        ]

    def any_label(self, has: Has) -> Value:
        """Whether a label with an effect applies."""
        return self.logic.any_of([when for does, when in self.labels if has(does)])

    @property
    def is_empty(self) -> bool:
        """Whether nothing follows."""
        return not (self.dlp or self.labels)
