# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds problems in a rule set: rules that never act, exceptions without effect, and misused options.

``lint(rules, facts, now)`` is the entry point. Findings about several rules, or about all mail, are decided here; the
others by a table of checks.
"""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..actions.edit import text_edits
from ..actions.protect import option_name
from ..budget import BudgetError, bounded
from ..conditions.keys import BODY
from ..conditions.predicate import Atom
from ..formula import FALSE, TRUE, Literal, Value, high, negate
from ..input.parsing import facts_of
from ..model.addresses import domain
from ..model.connectors import EVERY_DOMAIN, Connector
from ..model.facts import Facts
from ..model.patterns import has_pattern
from ..model.words import has_word
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..sat.batch import Batch
from ..symbolic.address import AddressSlot
from ..symbolic.compile_added_copies import AddedCopies
from ..symbolic.compile_outcomes import taken_by
from ..symbolic.compile_rules import RuleChain, RuleStep
from ..symbolic.encoding import Model
from ..symbolic.message_search import CONFLICTS
from ..symbolic.side import Side
from .coverage import adds_up, covered
from .lint_encrypters import dlp_conflicts, encrypter_problems
from .lint_spelling import misspelled_names
from .rule_changes import content_of
from .rule_conflicts import ConflictSearch
from .sender_choices import met_by_sender, names_senders
from .single_rule_lint import CHECKS, OF_IDLE_RULES, CheckedRule, LintFinding, is_over, locking_brand, templates_of

#: What senders are not to keep from their mail.
_NOT_TO_BE_EVADED = (Does.ENCRYPT, Does.REJECT, Does.DELETE, Does.QUARANTINE, Does.MODERATE)

#: So many pairs of rules with different templates are looked at.
_MOST_PAIRS = 400


def lint(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
) -> list[LintFinding]:
    """The findings, in a fixed order.

    :param rules: as a rule set takes them.
    :param facts: in the form of the option ``facts``.
    :param now: the date for checks of dates; by default now.
    :param budget: the maximum number of conflicts for all questions together; findings that would need more are
        omitted.
    """
    known = facts_of(facts)
    rule_set = RuleSet.read(rules, known.dialect)
    date = now or datetime.datetime.now(datetime.UTC)
    domains = frozenset(
        domain(mailbox) for mailbox in (*(known.people.mailboxes or ()), *(known.people.mail_users or ()))
    )
    findings: list[LintFinding] = []
    for rule in rule_set.rules:
        findings += _problems_of(CheckedRule(rule, rule_set, known, domains, date))
    over = {rule.name for rule in rule_set.rules if is_over(rule, date)}  # That is said of them already.
    findings += misspelled_names(rule_set, known, domains)
    findings += _equal_rules(rule_set)
    findings += remarks(rule_set, known)
    findings += encrypter_problems(rule_set, known)
    try:
        with bounded():
            uses_smart_hosts = any(
                connector.enabled and connector.smart_hosts for connector in known.connectors.outbound or ()
            )
            model = Model([rule_set], RuleSet([]), known, date, transit=uses_smart_hosts)
            conflict_search = ConflictSearch(model, rule_set, budget)
            deciding = WholeMailLint(model, conflict_search.usual(model.free), budget, date)
            findings += (
                finding
                for finding in deciding.findings()
                if not (finding.kind == "never_acts" and finding.rules[0] in over)
            )
            findings += deciding.brandings()
            findings += deciding.disclaimers(conflict_search)
            findings += _covered_rules(deciding)
            findings += _RuleConflicts(conflict_search, deciding).findings()
            findings += deciding.gateways() if uses_smart_hosts else ()
            findings += deciding.dlp_conflicts() if known.encrypters.dlp_policies is not None else ()
    except BudgetError:
        findings.append(LintFinding("too_complex"))
    return findings


def _problems_of(checked: CheckedRule) -> Iterator[LintFinding]:
    """The findings of the checks of one rule."""
    rule = checked.rule
    acts_no_more = bool(rule.idle) or is_over(rule, checked.now)
    for kind, check in CHECKS.items():
        about = check(checked) if kind in OF_IDLE_RULES or not acts_no_more else None
        if about is not None:
            yield LintFinding(kind, (rule.name,), about)


def _equal_rules(rules: RuleSet) -> Iterator[LintFinding]:
    """Rules that look for the same and do the same as an earlier one."""
    first: dict[object, FlowRule] = {}
    for rule in rules.rules:
        known = first.setdefault((content_of(rule), rule.defers), rule)
        if known is not rule and not rule.idle:
            yield LintFinding("equal_rules", (known.name, rule.name))


def _covered_rules(deciding: WholeMailLint) -> Iterator[LintFinding]:
    """Redundant rules. None that ends the way of its mail: whether it is redundant depends on all rules between it and the
    others. None that parts copies either before a rule that looks at all recipients of one.
    """
    last_look = max((rule.place for rule in deciding.live if rule.criteria.look_at_copies), default=-1)
    for rule, others in deciding.covered():
        parts_copies = rule.criteria.splits and rule.place < last_look
        if not (
            parts_copies
            or rule.actions.is_final
            or adds_up(rule)
            or any(content_of(rule) == content_of(other) for other in others)
        ):
            yield LintFinding("covered_rule", (rule.name, *(other.name for other in others)))


class WholeMailLint:
    """Findings about all mail, whatever is unknown: there is none about a rule that may act.

    :param usual: literals that are true together of usual mail, which rules protect.
    :param now: the date with which the dates of rules are compared.
    """

    def __init__(self, model: Model, usual: Sequence[Literal], budget: int, now: datetime.datetime) -> None:
        self.model = model
        self._usual = usual
        self._one_line = model.mail.subject.one_line
        self._one_line_batch = Batch(model.circuit, budget, [self._one_line])
        #: For findings whose sentences do not mention lines: they hold for subjects of several lines, too.
        self._batch = Batch(model.circuit, budget)
        self._now = now
        self.chain: RuleChain = model.free.chains[0]
        #: The rules that may act on a recipient's copy, and those that may encrypt usual mail or end its way; set by
        #: :meth:`findings`, as are the next.
        self.live: list[FlowRule] = []
        self.live_in_clear: list[FlowRule] = []
        #: The places of the rules that certainly never act.
        self.dead: set[int] = set()
        self._copies: AddedCopies | None = None
        self._followed = len(self.chain.rules.rules)  # The place up to which all copies are followed.

    def findings(self) -> list[LintFinding]:
        """Rules that never act, and exceptions that never apply or that a sender chooses."""
        acting = self._acting()
        self._find_added_copies()
        followed = [step for step in self.chain.steps if step.rule.place <= self._followed]
        acting_on_added = self._acting_on_added_copies([step for step in followed if id(step) not in acting])
        inactive = [step for step in followed if id(step) not in acting and step.rule.place not in acting_on_added]
        self.dead = {step.rule.place for step in inactive}
        findings = [self._why_never_acts(step) for step in inactive]
        return [*findings, *self._exceptions([step for step in followed if step.rule.place not in self.dead])]

    def _acting(self) -> set[int]:
        """The ids of the steps that may act on a recipient's copy. Notes their rules, and which of those may encrypt
        usual mail or end its way.
        """
        last_first = self.chain.steps[::-1]
        decisive = [step for step in last_first if step.rule.enforces(Does.ENCRYPT) or step.rule.actions.is_final]
        in_clear = self._one_line_batch.possible([(id(step), [*_acting(step), *self._usual]) for step in decisive])
        refuted = {key for key, core in self._one_line_batch.cores.items() if core.isdisjoint(self._usual)}
        decided = in_clear | {id(step) for step in decisive if id(step) in refuted and step.reached == step.alive}
        undecided = [step for step in last_first if id(step) not in decided]
        acting = in_clear | self._one_line_batch.possible([(id(step), _reaching(step)) for step in undecided])
        self.live = [step.rule for step in self.chain.steps if id(step) in acting]
        self.live_in_clear = [step.rule for step in self.chain.steps if id(step) in in_clear]
        return acting

    def _acting_on_added_copies(self, steps: Sequence[RuleStep]) -> set[int]:
        """The places of the rules, among those of some steps, that may act on a copy of somebody whom rules add."""
        ways = [
            (step.rule.place, [high(when), *_reaching(added_step)])
            for step in steps
            for when, added_step, _person in self._added(step.rule)
        ]
        acting = self._one_line_batch.possible(
            [((place, number), literals) for number, (place, literals) in enumerate(ways)]
        )
        return {place for place, _number in acting}

    def brandings(self) -> Iterator[LintFinding]:
        """Rules that brand usual mail while nothing encrypts any mail that they brand: a branding is for mail that something else
        encrypts.
        """
        branding = [
            step
            for step in self.chain.steps
            if step.rule.actions.does(Does.BRAND) and not step.rule.actions.does(Does.ENCRYPT)
        ]
        acting = {id(step): [*_acting(step), *self._usual] for step in branding}
        encrypted = high(self.model.free.outcomes[0].protection.by_rights)
        branding_some = self._batch.possible((key, [*acts, encrypted]) for key, acts in acting.items())
        in_clear = self._batch.possible((key, acts) for key, acts in acting.items() if key not in branding_some)
        yield from (LintFinding("branding_alone", (step.rule.name,)) for step in branding if id(step) in in_clear)

    def disclaimers(self, conflict_search: ConflictSearch) -> Iterator[LintFinding]:
        """Disclaimers whose own text meets a condition or an exception of a later rule, once the findings are there."""
        enforced = [rule for rule in self.live if rule.actions.enforced]
        texts = [(rule, text) for rule in enforced if (text := _added_text(rule))]
        met = [
            (rule, other, atom)
            for other in enforced
            for atom in other.criteria.atoms
            for rule, text in texts
            if rule.place < other.place and _is_met_by(text, atom)
        ]
        questions = [
            (place, [*map(high, self._only_by_text(self.model.free, *meeting)), *self._usual])
            for place, meeting in enumerate(met)
        ]
        possible = self._one_line_batch.possible(questions)
        for rule, other, atom in (meeting for place, meeting in enumerate(met) if place in possible):
            exempts = atom in other.criteria.exceptions
            wanted = partial(self._only_by_text, rule=rule, other=other, atom=atom)
            about = {"option": atom.predicate.options[0], "case": "exception" if exempts else ""}
            if not conflict_search.steered_by_text(wanted, rule, other, exempts=exempts):
                about |= {"case": "exception, perhaps" if exempts else "perhaps"}
            yield LintFinding("disclaimer_meets_rule", (rule.name, other.name), about)

    def _only_by_text(self, side: Side, rule: FlowRule, other: FlowRule, atom: Atom) -> list[Value]:
        """Values that are true together if a rule acts on mail that meets a later one but for one condition or exception, which it
        does not meet as it arrives, and may meet as earlier rules leave it.
        """
        chain, conditions, person = side.chains[0], side.conditions, self.model.mail.recipient
        step = chain.step(other)
        if step is None:
            return [FALSE]
        criteria = other.criteria
        others = [
            conditions.truth(another, step.seen, person) for another in criteria.conditions if another is not atom
        ]
        others += [
            ~conditions.truth(another, step.seen, person) for another in criteria.exceptions if another is not atom
        ]
        arrives = conditions.truth(atom, chain.steps[0].seen, person)
        meets = conditions.truth(atom, step.seen, person)
        return [chain.acts(rule), step.alive, *others, ~arrives, meets]

    def may_match(self, rules: Iterable[FlowRule], rule: FlowRule) -> bool:
        """Whether one of some rules may match usual mail on which a rule acts, and that would then reach it."""
        acts = high(self.chain.acts(rule))
        steps = [step for other in rules if (step := self.chain.step(other)) is not None]
        questions = [(step.rule.place, [acts, high(step.matches), *self._usual]) for step in steps]
        return bool(self._batch.possible(questions))

    def gateways(self) -> Iterator[LintFinding]:
        """Rules whose encrypted mail a connector hands to a smart host."""
        return gateways(self.live_in_clear, self.model.free, self._usual, self._one_line_batch)

    def dlp_conflicts(self) -> Iterator[LintFinding]:
        """Rules whose mail DLP rules treat differently."""
        return dlp_conflicts(self.live_in_clear, self.model.free, self._usual, self._one_line_batch)

    def covered(self) -> list[tuple[FlowRule, tuple[FlowRule, ...]]]:
        """The redundant rules, each with the others that treat all of its mail alike. To be called after :meth:`findings`."""
        chains = [
            (TRUE, self.chain),
            *((copy.when, copy.outcome.chain) for copy in (self._copies.copies if self._copies else ())),
        ]
        return covered([rule for rule in self.live if rule.place <= self._followed], chains, self._batch)

    def _find_added_copies(self) -> None:
        """Finds the copies of people whom rules add. If there are too many, nothing is known about rules behind the first that adds
        one.
        """
        live = {rule.place for rule in self.live}
        if not any(branch.place in live for branch in self.chain.copies.every):
            return
        self._copies = self.model.added(self.model.free)
        if self._copies.cut:
            self._followed = min(branch.place for branch in self.chain.copies.every)

    def _added(self, rule: FlowRule) -> Iterator[tuple[Value, RuleStep, AddressSlot]]:
        """The steps of a rule in the copies of people whom rules add, each with whether the copy exists, and its recipient."""
        for copy in self._copies.copies if self._copies else ():
            step = copy.outcome.chain.step(rule)
            if step is not None:
                yield copy.when, step, copy.person

    def _why_never_acts(self, step: RuleStep) -> LintFinding:
        """Why a rule never acts: no mail meets its conditions, or earlier rules stop all mail that does."""
        name = step.rule.name
        if high(step.reached) not in self._one_line_batch.cores.get(id(step), ()) or not self._one_line_batch.can(
            [high(step.matches)]
        ):
            return LintFinding("never_acts", (name,), self._contradiction(step))
        before = [
            earlier
            for earlier in self.chain.steps
            if earlier.rule.place < step.rule.place and earlier.rule.actions.is_final
        ]
        if step.reached != step.alive:
            before = [
                earlier
                for earlier in before
                if earlier.rule.actions.does(Does.STOP) or not earlier.rule.actions.does(Does.REJECT)
            ]
        not_ended: dict[Literal, str] = {}
        for earlier in before:
            not_ended.setdefault(high(~earlier.matches), earlier.rule.name)
        core_of_earlier = self._contradicting(not_ended, [high(step.matches)])
        names = (
            name,
            *(earlier for literal, earlier in not_ended.items() if not core_of_earlier or literal in core_of_earlier),
        )
        used = self._one_line_batch.cores[id(step)] | core_of_earlier
        return LintFinding("never_acts", names, {"case": "stopped, one line" if self._one_line in used else "stopped"})

    def _contradicting(self, literals: Collection[Literal], fixed: Sequence[Literal] = ()) -> set[Literal]:
        """Some literals that cannot be true together with fixed ones, and those of the latter that they contradict: one literal
        that cannot be true alone, or several of which none can be left out. Empty if all can be true together.
        """
        possible = self._one_line_batch.possible([(literal, [*fixed, literal]) for literal in literals])
        alone = [literal for literal in literals if literal not in possible][:1]
        candidates = alone or list(literals)
        if self._one_line_batch.can([*fixed, *candidates]):
            return set()
        core = set(self._one_line_batch.core)
        for literal in candidates:
            others = [other for other in candidates if other in core and other is not literal]
            if literal in core and others and not self._one_line_batch.can([*fixed, *others]):
                core = set(self._one_line_batch.core)
        return core

    def _contradiction(self, step: RuleStep) -> dict[str, Any]:
        """What keeps all mail from meeting a rule, the first of these that suffices: its dates, an empty group, its conditions,
        what earlier rules change, or its exceptions.
        """
        rule = step.rule
        if False in rule.dates.borders(self._now):
            return {"case": "dates", "date": rule.dates.begins}
        for atom in rule.criteria.conditions:
            if atom.predicate.sort == "member" and not any(
                value not in (self.model.facts.groups.members or {}) or self.model.facts.groups.members_of(value)
                for value in atom.values
            ):
                return {"case": "nobody", "groups": atom.values}
        conditions, person = self.model.free.conditions, self.model.mail.recipient
        arriving = self.chain.steps[0].seen
        bare = rule.with_criteria(exceptions=())
        if not self._one_line_batch.can([high(conditions.matches(bare, step.name, arriving, person))]):
            met = [high(conditions.truth(atom, arriving, person)) for atom in rule.criteria.conditions]
            return self._unmet(rule.criteria.conditions, met)
        if not self._one_line_batch.can([high(conditions.matches(bare, step.name, step.seen, person))]):
            return {"case": "one line" if self._one_line in self._one_line_batch.core else "changed"}
        is_of_one_line = self._one_line in self._one_line_batch.cores.get(id(step), ())
        case = "exceptions, one line" if is_of_one_line else "exceptions"
        return {"case": case, "options": _options(rule.criteria.exceptions)}

    def _unmet(self, atoms: Sequence[Atom], met: Sequence[Literal]) -> dict[str, Any]:
        """A condition that no mail meets, or several that exclude each other; all if none do."""
        by_literal: dict[Literal, Atom] = {}
        for atom, literal in zip(atoms, met, strict=True):
            by_literal.setdefault(literal, atom)
        core = self._contradicting(by_literal)
        excluding = [atom for literal, atom in by_literal.items() if literal in core]
        return {"case": "unmet" if len(excluding) == 1 else "contradiction", "options": _options(excluding or atoms)}

    def _exceptions(self, live: Sequence[RuleStep]) -> Iterator[LintFinding]:
        """Exceptions that never apply, because no mail that reaches the rule and meets its conditions matches them; and exceptions
        by which senders choose that their mail is not encrypted.
        """
        questions: list[tuple[tuple[int, int, int], list[Literal]]] = []
        for step in live:
            for place in range(len(step.rule.criteria.exceptions)):
                ways = [self._meets_one_exception(step, place, self.model.mail.recipient)]
                ways += [
                    [high(when), *self._meets_one_exception(added_step, place, person)]
                    for when, added_step, person in self._added(step.rule)
                ]
                questions += [((step.rule.place, place, number), literals) for number, literals in enumerate(ways)]
        met = {key[:2] for key in self._batch.possible(questions)}
        for step in live:
            applying = [
                atom for place, atom in enumerate(step.rule.criteria.exceptions) if (step.rule.place, place) in met
            ]
            chosen = met_by_sender(applying) if step.rule.enforces(*_NOT_TO_BE_EVADED) else None
            if chosen is not None:
                yield LintFinding("typed_exception", (step.rule.name,), chosen)
            for place, atom in enumerate(step.rule.criteria.exceptions):
                if (step.rule.place, place) not in met:
                    case = "one of several" if len(step.rule.criteria.exceptions) > 1 else ""
                    yield LintFinding(
                        "idle_exception", (step.rule.name,), {"option": atom.predicate.options[0], "case": case}
                    )

    def _meets_one_exception(self, step: RuleStep, place: int, person: AddressSlot) -> list[Literal]:
        """Literals that are true together if somebody's copy reaches a rule and meets its conditions and the exception
        at a place, but no other exception. Conditions about all who share the copy of somebody whom a rule adds are left
        open.
        """
        added = person is not self.model.mail.recipient

        def known(atoms: Iterable[Atom]) -> list[Value]:
            decidable = (atom for atom in atoms if not (added and atom.looks_around))
            return [self.model.free.conditions.truth(atom, step.seen, person) for atom in decidable]

        exceptions = step.rule.criteria.exceptions
        met = known((*step.rule.criteria.conditions, exceptions[place]))
        unmet = known((*exceptions[:place], *exceptions[place + 1 :]))
        return [high(value) for value in (step.reached, *met, *map(negate, unmet))]


class _RuleConflicts:
    """Findings about rules that get in each other's way. A message shows each of them."""

    def __init__(self, conflict_search: ConflictSearch, deciding: WholeMailLint) -> None:
        self._conflict_search = conflict_search
        self._deciding = deciding
        self._live = deciding.live
        self._live_in_clear = deciding.live_in_clear
        self._not_dead = [step.rule for step in deciding.chain.steps if step.rule.place not in deciding.dead]

    def findings(self) -> Iterator[LintFinding]:
        """The findings, in a fixed order."""
        yield from self._contradicting_requests()
        yield from self._ending_before_encryption()
        yield from self._stopping_after_encryption()
        yield from self._templates_for_outside()
        yield from self._locking_out_outsiders()

    def _contradicting_requests(self) -> Iterator[LintFinding]:
        """Two rules of which one encrypts and one decrypts the same message, or that apply different templates to it."""
        enforced = [rule for rule in self._live if rule.actions.enforced]
        for rule in (rule for rule in enforced if rule.actions.does(Does.DECRYPT)):
            others = [other for other in enforced if other.actions.does(Does.ENCRYPT) and other is not rule]
            other = self._conflict_search.decrypted(rule, others)
            if other is not None:
                yield LintFinding("encrypt_meets_decrypt", (other.name, rule.name))
        yield from self._different_templates()

    def _different_templates(self) -> Iterator[LintFinding]:
        """Rules that apply different templates to the same message, that with the rarer one last."""
        encrypting = [rule for rule in self._live_in_clear if rule.actions.does(Does.ENCRYPT)]
        templates = {rule.place: frozenset(templates_of(rule)) for rule in encrypting}
        often = Counter(templates.values())
        differing = [
            (rule, other)
            for rule, other in itertools.combinations(encrypting, 2)
            if templates[rule.place] != templates[other.place]
        ]
        for rule, other in differing[:_MOST_PAIRS]:
            if self._conflict_search.differing(rule, [other]):
                is_rarer = often[templates[rule.place]] < often[templates[other.place]]
                first, last = (other, rule) if is_rarer else (rule, other)
                yield LintFinding("templates_meet", (first.name, last.name))

    def _ending_before_encryption(self) -> Iterator[LintFinding]:
        """Rules that end the processing of mail that is delivered, before a later rule would encrypt it."""
        not_clear = (rule for rule in self._not_dead if all(rule is not clear for clear in self._live_in_clear))
        encrypting = [rule for rule in (*self._live_in_clear, *not_clear) if rule.enforces(Does.ENCRYPT)]
        for rule in filter(_delivers_and_ends, self._live_in_clear):
            other = self._conflict_search.kept_from(rule, [later for later in encrypting if later.place > rule.place])
            if other is None:
                continue
            about = {"case": "quarantine" if rule.actions.does(Does.QUARANTINE) else ""}
            yield LintFinding("ends_before_encryption", (rule.name, other.name), about)
            chosen = None if names_senders(rule) else met_by_sender(rule.criteria.conditions)
            if chosen is not None:
                yield LintFinding("typed_stop", (rule.name, other.name), chosen)

    def _stopping_after_encryption(self) -> Iterator[LintFinding]:
        """Rules that do nothing but stop, behind one that encrypts some of their mail, and before none that would."""
        encrypting = [rule for rule in self._live_in_clear if rule.enforces(Does.ENCRYPT)]
        for rule in (rule for rule in self._live if rule.is_on_and_enforced and rule.actions.sorts == {Does.STOP}):
            later = [other for other in self._not_dead if other.enforces(Does.ENCRYPT) and other.place > rule.place]
            earlier = [other for other in encrypting if other.place < rule.place]
            if not earlier or self._deciding.may_match(later, rule):
                continue
            other = self._conflict_search.encrypted_before(rule, earlier)
            if other is not None:
                yield LintFinding("stops_after_encryption", (rule.name, other.name))

    def _templates_for_outside(self) -> Iterator[LintFinding]:
        """Rules that apply a custom template to mail for people outside, who have only the rights that it grants them."""
        for rule in self._live_in_clear:
            own = [template for template in rule.actions.templates if option_name(template).startswith("template:")]
            if own and self._conflict_search.for_outside(rule, own[0]):
                yield LintFinding("template_outside", (rule.name,), {"template": own[0]})

    def _locking_out_outsiders(self) -> Iterator[LintFinding]:
        """Rules that encrypt mail for people outside, who get in by neither passcode nor social ID."""
        for rule in (rule for rule in self._live_in_clear if rule.enforces(Does.ENCRYPT)):
            brand = locking_brand(rule, self._conflict_search.model.facts)
            if brand and self._conflict_search.for_outside(rule):
                yield LintFinding("outsiders_locked_out", (rule.name,), {"branding": brand})


def _delivers_and_ends(rule: FlowRule) -> bool:
    """Whether mail on which a rule acts meets no later rule, and is delivered unprotected."""
    ends_otherwise = (Does.DELETE, Does.REJECT, Does.REDIRECT, Does.ENCRYPT)
    return bool(rule.actions.is_final) and not any(map(rule.actions.does, ends_otherwise))


def _added_text(rule: FlowRule) -> str:
    """The text that a rule adds to the body of messages; empty if there is none, or it depends on the sender."""
    added = (edit.visible for edit in text_edits(rule.actions.options) if edit.slot == BODY)
    return next((text for text in added if text), "")


def _is_met_by(text: str, atom: Atom) -> bool:
    """Whether a text meets a condition about the body by itself."""
    if BODY not in atom.predicate.slots:
        return False
    return any(
        (has_word(text, key[1]) if key[0] == "word" else has_pattern(text, *key[1])) is True
        for key in atom.keys
        if key[0] in ("word", "pattern")
    )


def _options(atoms: Iterable[Atom]) -> list[str]:
    """The options of conditions, each once."""
    return list(dict.fromkeys(atom.predicate.options[0] for atom in atoms))


def _acting(step: RuleStep) -> list[Literal]:
    """Literals that are true together if a copy reaches a rule, and the rule matches."""
    return [high(step.alive), high(step.matches)]


def _reaching(step: RuleStep) -> list[Literal]:
    """Literals that are true together if a copy reaches a rule, and the rule matches; or if the rule may match after a rejection
    and show in what rules report (U10).
    """
    return [high(step.reached), high(step.matches)]


def remarks(rules: RuleSet, facts: Facts) -> Iterator[LintFinding]:
    """The findings about connectors and journal rules, as far as these are known. They need no look at mail."""
    acting = [rule for rule in rules.rules if rule.is_on_and_enforced]
    if facts.connectors.outbound is not None:
        yield from _connectors_of_no_rule(acting, facts.connectors.outbound)
        yield from _routed_to_disabled(acting, facts.connectors.outbound)
        yield from _stops_for_disabled(acting, facts.connectors.outbound)
    yield from _journals_with_ciphertext(acting, facts)


def _routed_to(rule: FlowRule) -> str:
    """The name of the connector to which a rule routes mail; empty if there is none."""
    return str(rule.actions.options.get("route_message_outbound_connector") or "")


def _routed_to_disabled(acting: Iterable[FlowRule], connectors: Iterable[Connector]) -> Iterator[LintFinding]:
    """Rules that route mail to a connector that does not exist, or takes no mail."""
    by_name = {name_key(connector.name): connector for connector in connectors}
    for rule in acting:
        wanted = _routed_to(rule)
        connector = by_name.get(name_key(wanted))
        if wanted and (connector is None or connector.idle):
            why = "" if connector is None else connector.idle
            stops_unencrypted = rule.actions.does(Does.STOP) and not rule.actions.does(Does.ENCRYPT)
            about = {"connector": wanted, "why": why, "case": "stops" if stops_unencrypted else ""}
            yield LintFinding("routed_to_disabled_connector", (rule.name,), about)


def _stops_for_disabled(acting: Iterable[FlowRule], connectors: Sequence[Connector]) -> Iterator[LintFinding]:
    """The rules that let mail go to a domain to which only connectors that are disabled would force TLS."""
    forcing = [connector for connector in connectors if connector.validation and not connector.of_rules]
    for rule in acting:
        if not (_delivers_and_ends(rule) and rule.actions.does(Does.STOP)) or rule.actions.does(Does.ROUTE):
            continue
        named = [
            name.lower()
            for atom in rule.criteria.conditions
            if atom.predicate.options == ("recipient_domain_is",)
            for name in atom.values
        ]
        for name in named:
            covering = [connector for connector in forcing if connector.covers(name)]
            if covering and not any(connector.enabled for connector in covering):
                about = {"domain": name, "connector": covering[0].name}
                yield LintFinding("stops_for_disabled_connector", (rule.name,), about)


def _journals_with_ciphertext(acting: Iterable[FlowRule], facts: Facts) -> Iterator[LintFinding]:
    """Journal rules whose reports keep mail encrypted, while rules encrypt some."""
    encrypting = tuple(dict.fromkeys(rule.name for rule in acting if rule.actions.does(Does.ENCRYPT)))
    decrypts = (facts.encryption.irm_configuration or {}).get("journal_report_decryption_enabled")
    if not encrypting or decrypts is not False:
        return
    for journal_rule in facts.journal_rules or ():
        if journal_rule.get("enabled"):
            yield LintFinding("journal_keeps_ciphertext", encrypting, {"journal": str(journal_rule.get("name"))})


def _connectors_of_no_rule(acting: Sequence[FlowRule], connectors: Sequence[Connector]) -> Iterator[LintFinding]:
    """Connectors for rules to which no rule routes mail, and domains of other connectors without their subdomains."""
    routed = {name_key(_routed_to(rule)) for rule in acting}
    wide = {
        pattern
        for connector in connectors
        if _forces_tls(connector)
        for pattern in connector.domains
        if _is_wide(pattern)
    }
    for connector in connectors:
        if connector.enabled and connector.of_rules and name_key(connector.name) not in routed:
            yield LintFinding("connector_of_no_rule", (), {"connector": connector.name})
        for name in _without_subdomains(connector, wide):
            yield LintFinding("connector_misses_subdomains", (), {"connector": connector.name, "domain": name})


def _forces_tls(connector: Connector) -> bool:
    """Whether a connector that mail takes by its domain forces TLS."""
    return bool(connector.enabled and not connector.of_rules and connector.validation)


def _without_subdomains(connector: Connector, wide: Collection[str]) -> list[str]:
    """The domains to which a connector forces TLS while no connector does so for their subdomains.

    :param wide: the patterns for several domains to which connectors force TLS.
    """
    if not _forces_tls(connector):
        return []
    return [
        name for name in connector.domains if name not in wide and not any(_is_below(name, pattern) for pattern in wide)
    ]


def _is_wide(pattern: str) -> bool:
    """Whether the domain of a connector is a pattern for several domains."""
    return pattern == EVERY_DOMAIN or pattern.startswith("*.")


def _is_below(name: str, pattern: str) -> bool:
    """Whether a pattern for several domains covers the subdomains of a domain."""
    return pattern == EVERY_DOMAIN or f".{name}".endswith(pattern[1:])


def gateways(rules: Iterable[FlowRule], side: Side, usual: Sequence[Literal], asked: Batch) -> Iterator[LintFinding]:
    """The rules that encrypt mail which leaves through a connector to a smart host: the host gets ciphertext.

    :param rules: the rules that may encrypt usual mail.
    :param usual: literals that are true together of usual mail.
    """
    chain = side.chains[0]
    encrypting = [rule for rule in rules if rule.enforces(Does.ENCRYPT)]
    by_smart_host = (
        {
            taking.connector: high(taking.when)
            for taking in taken_by(chain)
            if taking.known and taking.connector.smart_hosts
        }
        if encrypting
        else {}
    )
    seen = [*usual, high(side.outcomes[0].fate.delivered), high(side.conditions.scopes.leaves(chain.person))]
    questions = [
        ((rule.place, connector), [high(chain.acts(rule)), when, *seen])
        for connector, when in by_smart_host.items()
        for rule in encrypting
    ]
    possible = asked.possible(questions)
    for connector in by_smart_host:
        names = tuple(dict.fromkeys(rule.name for rule in encrypting if (rule.place, connector) in possible))
        if names:
            yield LintFinding(
                "gateway_gets_ciphertext",
                names,
                {"connector": connector.name, "hosts": " or ".join(connector.smart_hosts)},
            )
