# SPDX-License-Identifier: GPL-3.0-or-later
"""The finding about a class of mail, and how much mail it is true of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..actions.brought_people import redirected_to
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, high
from ..model.message import Message
from ..model.outcomes import Fate, ProtectionKind
from ..rules.flow_rule import FlowRule
from ..sat.batch import Batch, KnownModels
from ..sat.circuit import Circuit
from ..simulator.copy_result import CopyResult
from ..simulator.results import result
from ..symbolic.compile_rules import RuleChain, RuleStep
from ..symbolic.witness_replay import as_it_arrives, course_of, on_arrival
from .aspects import Aspect, DifferenceKind
from .attribution import ANY, OWN
from .class_exemptions import ClassExemptions, ClassFacts, Extent
from .difference_kinds import ClassWitness, MailClass, assumed, unusual, witness_of
from .difference_queries import DifferenceSearch
from .edited_rules import changing_rules, edit_at, rules_of, telling_separation, watching_rules
from .exempting_rules import Exemptions, exempting_rules
from .finding import STAGE_KEYS, Cause, ChangedMail, Exempting, LaterRule, Stages
from .rule_changes import NOTHING, Edit, Separation, separation_of, without_values_of
from .rule_ends import ended_by, how_it_ends

#: A question about a class: its place, and the places of a rule and its condition, or the kind of question.
_Question = tuple[int, int, int]

#: Questions about a class in addition to its conditions: what distinguishes the versions of the edited rule, and how
#: its mail arrives.
_SEPARATED, _ARRIVES = -1, -2


class ClassFindings:
    """The findings about classes: what is true of all mail of a class, and of all mail that a sentence names."""

    def __init__(self, search: DifferenceSearch) -> None:
        self._search = search
        self.model = search.model
        self.sets = search.model.rule_sets
        self._known = KnownModels(search.model.circuit, search.solve)
        self._class_exemptions = ClassExemptions(search, self._known)

    def record(self, classes: Iterable[MailClass]) -> None:
        """Records the findings about classes with a message that shows them."""
        drafts = [self._draft(mail_class, mail_class.shown) for mail_class in classes if mail_class.shown is not None]
        questions = [question for place, draft in enumerate(drafts) for question in self._questions(place, draft)]
        possible = Batch(self.model.circuit, self._search.budget).possible(questions)
        sure = {key for key, _literals in questions if key not in possible}
        findings = [self._finding(place, draft, sure) for place, draft in enumerate(drafts)]
        for draft, finding in zip(drafts, findings, strict=True):
            draft.mail_class.finding = finding
        try:
            with bounded():  # What is left is for the other findings.
                self._add_reach(drafts, findings)
        except BudgetError:  # What is not known of a class is left open in its finding.
            return

    def _add_reach(self, drafts: Sequence[ClassFacts], findings: Sequence[ChangedMail]) -> None:
        """Records how much mail each finding is true of."""
        extents = [self._extent(draft, finding) for draft, finding in zip(drafts, findings, strict=True)]
        reached = reach(self.model.circuit, extents, self._search.budget)
        exceptions = self._exceptions(findings, extents)
        treated: list[Literal] = []
        for place, (draft, finding, extent, (limit, as_witness)) in enumerate(
            zip(drafts, findings, extents, reached, strict=True)
        ):
            exemptions = Exemptions(limit)
            if limit == "another":
                exemptions, as_witness = self._class_exemptions.of_class(draft, extent, as_witness=as_witness)
            treated.append(extent.differs & extent.like_witness if as_witness else extent.differs)
            exemptions = self._class_exemptions.with_unusual(draft, extent, treated[-1], exemptions)
            draft.mail_class.finding = replace(
                finding,
                limit=exemptions.limit,
                keep_unusual=exemptions.keep_unusual,
                by=exemptions.by,
                other_ways=exemptions.other_ways,
                exceptions=exceptions[place],
                stages=draft.stages if as_witness else (None, None),
                approved=draft.approvals > 0 and as_witness and self._surely_waits(draft, extent),
                loses_branding=not as_witness and self._may_lose_branding(draft, extent),
            )
        for place in self._with_later_rule_of_some(drafts, extents, treated):
            finding_so_far = drafts[place].mail_class.finding
            if finding_so_far is not None and finding_so_far.limit != "some":
                cause = _later_rule_of_some(finding_so_far.cause)
                drafts[place].mail_class.finding = replace(finding_so_far, cause=cause)

    def _surely_waits(self, draft: ClassFacts, extent: Extent) -> bool:
        """Whether all mail of a class that is treated differently waits for an approval, as its witness does."""
        copies = self._search.about_copies(draft.mail_class.person).copies[1]
        waits = high(copies.fate(Fate.MODERATED, 0))
        return not Batch(self.model.circuit, self._search.budget).can([*extent.of_class, extent.differs, ~waits])

    def _may_lose_branding(self, draft: ClassFacts, extent: Extent) -> bool:
        """Whether some mail of a class may show no branding any more."""
        if draft.mail_class.kind is not DifferenceKind.BRANDING_CHANGED:
            return False
        before, after = self._search.about_copies(draft.mail_class.person).copies
        lost = high(before.branded & ~after.branded)
        return Batch(self.model.circuit, self._search.budget).can([*extent.of_class, extent.differs, lost])

    def _draft(self, mail_class: MailClass, shown: ClassWitness) -> ClassFacts:
        """What is known about a class with a witness, before the solver is asked."""
        candidate = shown.candidate
        edit = edit_at(self._search.edits, mail_class.cause)
        part = mail_class.part
        both = zip(shown.courses, self.sets, candidate.facts, strict=True)
        before, after = (result(course, rules, candidate.message, facts) for course, rules, facts in both)
        rules = (
            [(int(part.now), rule)]
            if edit and part.now is not None and (rule := edit.after if part.now else edit.before)
            else []
        )
        later_rule = (
            self._search.turns[part.first_to_differ].version(now=part.acts)
            if part.first_to_differ not in (OWN, ANY)
            else None
        )
        rules += [(int(part.acts), later_rule)] if later_rule is not None else []
        passed = self._passed(mail_class, shown, edit)
        rules += [(int(not part.now), rule) for rule in passed] if len(passed) == 1 else []
        why = NOTHING
        if edit and edit.before and edit.after and part.now is not None and edit.does_the_same(mail_class.kind.aspect):
            why = separation_of(*((edit.after, edit.before) if part.now else (edit.before, edit.after)))
        approvals, stages = _stages(before, after)
        acts = {rule.name: high(ended_by(rule, self.model.free.chains[not part.now])) for rule in passed}
        return ClassFacts(
            mail_class, shown, edit, {"before": before, "after": after}, stages, approvals, rules, why, acts
        )

    def _passed(self, mail_class: MailClass, shown: ClassWitness, edit: Edit | None) -> list[FlowRule]:
        """The rules that an edited one passed by a move and of which one keeps each message of a class from it, in the rule set in
        which it comes behind them; none if it is not always one of them.
        """
        now = mail_class.part.now
        if edit is None or edit.before is None or edit.after is None or now is None:
            return []
        if mail_class.part.first_to_differ != OWN or not edit.has_the_same_effects(mail_class.kind.aspect):
            return []
        chain = self.model.free.chains[not now]
        candidates = {
            Exempting(rule.name, how_it_ends(rule) or "stops"): high(ended_by(rule, chain))
            for rule in self._search.passed_by(edit)[not now]
            if rule.actions.enforced and rule.actions.is_final
        }
        usual = assumed(self.model, self._search.about, usual=shown.usual)
        of_class = [*usual, *self._of_class(mail_class)]
        if not candidates or self._known.can([*of_class, *(~acts for acts in candidates.values())]) is not False:
            return []
        keeping, others = exempting_rules(self._known, of_class, candidates)
        names = {exempting.rule for exempting in keeping}
        return [] if others else [rule for rule in chain.rules.rules if rule.name in names]

    # What is true of all mail of a class

    def _of_class(self, mail_class: MailClass) -> list[Literal]:
        """Literals that are true together if a message is of a class, and not for its person anyway."""
        person = mail_class.person
        mail = self.model.mail
        nobody = [~mail.recipient["address", person]] if person else []
        return [
            *nobody,
            *self._search.about_copies(person).of_class(mail_class.kind, mail_class.cause, mail_class.part),
        ]

    def _questions(self, place: int, draft: ClassFacts) -> list[tuple[_Question, Sequence[Literal]]]:
        """What would contradict a statement about a class: if that is impossible, the statement is true of all of its
        mail.
        """
        of_class = self._of_class(draft.mail_class)
        conditions = self.model.free.conditions
        recipient = self.model.mail.recipient
        questions: list[tuple[_Question, Sequence[Literal]]] = []
        for index, (which, rule) in enumerate(draft.rules):
            chain = self.model.free.chains[which]
            for number, atom in enumerate(rule.criteria.conditions):
                if draft.mail_class.person or self._changes(chain, rule, atom):
                    questions.append(
                        (
                            (place, index, number),
                            (*of_class, ~high(chain.conditions.truth(atom, SeenMessage(), recipient))),
                        )
                    )
        if draft.why:
            questions.append(
                (
                    (place, _SEPARATED, 0),
                    (*of_class, ~conditions.may_meet_or_fail(draft.why.met, draft.why.unmet, recipient)),
                )
            )
        if arrival := self._arrival(draft):
            usual = assumed(self.model, self._search.about, usual=draft.shown.usual)
            questions.append(((place, _ARRIVES, 0), (*usual, *of_class, ~self.model.mail.arrival[arrival])))
        return questions

    def _changes(self, chain: RuleChain, rule: FlowRule, atom: Atom) -> bool:
        """Whether earlier rules can change the result of a condition."""
        step = chain.step(rule)
        if step is None:
            return True
        arrived = SeenMessage(splits=step.seen.splits, added=step.seen.added)
        one, other = (chain.conditions.truth(atom, seen, chain.person) for seen in (arrived, step.seen))
        return one != other

    def _arrival(self, draft: ClassFacts) -> str:
        """How the witness arrives protected, as a key of the model's arrivals; empty if it arrives in clear."""
        protection = draft.shown.candidate.message.protection
        if protection is None or protection.kind == ProtectionKind.NONE:
            return ""
        return protection.owner if protection.by_rights else protection.kind

    def _finding(self, place: int, draft: ClassFacts, sure: Collection[_Question]) -> ChangedMail:
        """The finding about a class.

        :param sure: the questions whose statements are true of all of its mail.
        """
        mail_class = draft.mail_class
        edit = draft.edit
        why = draft.why if (place, _SEPARATED, 0) in sure and not self._separates_all_mail(draft.why) else NOTHING
        about: list[FlowRule] = []
        changed: dict[Atom, tuple[str, ...]] = {}
        for index, (which, rule) in enumerate(draft.rules):
            chain = self.model.free.chains[which]
            numbered = enumerate(rule.criteria.conditions)
            certain_conditions = [
                atom
                for number, atom in numbered
                if (place, index, number) in sure or not (mail_class.person or self._changes(chain, rule, atom))
            ]
            step = chain.step(rule)
            if step is not None and not mail_class.person:
                others = (atom for atom in rule.criteria.conditions if atom not in certain_conditions)
                changed.update({atom: tuple(changing_rules(chain, atom, step)) for atom in others})
            about.append(rule.with_criteria(certain_conditions, self._unmet_exceptions(which, rule, draft.shown)))
        if why.is_one:
            about[0] = about[0].with_criteria((*about[0].criteria.conditions, *why.met))
            why = NOTHING
        if about:
            why = telling_separation(self.model, about, why, self._search.solve)
        if len(why.unmet) == 1 and not why.met:
            about[0], why = self._with_fewer_values(about[0], why)
        return ChangedMail(
            kind=mail_class.kind,
            about=tuple(about),
            why=why,
            rules=rules_of(self.model, self._search.edits, edit),
            person=mail_class.person,
            witness=self._witness(draft, about, why),
            cause=Cause(
                edit,
                self._acted(draft),
                self._later_rule(draft),
                self.model.settings_that_differ,
                watching=() if edit else watching_rules(self.model),
                passed=tuple(draft.passed),
            ),
            arrives=self._arrival(draft) if (place, _ARRIVES, 0) in sure else "",
            limit="some",
            changed=tuple(changed.items()),
            stages=(None, None),
            approved=False,
            exceptions=_exceptions_of(about),
            sides={side: outcome for side, outcome in draft.sides.items() if outcome},
        )

    def _separates_all_mail(self, why: Separation) -> bool:
        """Whether a separation is true of all mail, because none meets one of the conditions that it does not meet."""
        conditions, recipient = self.model.free.conditions, self.model.mail.recipient
        return any(high(conditions.truth(atom, SeenMessage(), recipient)) == FALSE for atom in why.unmet)

    def _with_fewer_values(self, rule: FlowRule, why: Separation) -> tuple[FlowRule, Separation]:
        """A rule and the condition that its mail does not meet; if some values of one of its own conditions say the same,
        the rule with these alone.
        """
        (unmet,) = why.unmet
        conditions, recipient = self.model.free.conditions, self.model.mail.recipient
        for atom in rule.criteria.conditions:
            fewer = without_values_of(atom, why.unmet)
            if fewer is None or fewer == atom:
                continue
            both = [high(conditions.truth(one, SeenMessage(), recipient)) for one in (fewer, unmet)]
            if self._search.solve(both) is False:
                kept = tuple(fewer if one is atom else one for one in rule.criteria.conditions)
                return rule.with_criteria(kept), NOTHING
        return rule, why

    def _witness(self, draft: ClassFacts, about: Sequence[FlowRule], why: Separation) -> dict[str, Any]:
        """The message of a class, without what changes neither result and is not said of it."""
        candidate = draft.shown.candidate
        person = draft.mail_class.person
        address = draft.shown.candidate.written.recipient
        rules = zip(draft.rules, about, strict=True)
        named_rules = [
            (which, rule.with_criteria((*rule.criteria.conditions, *why.met, *why.unmet)))
            for (which, _rule), rule in rules
        ]

        def met(message: Message) -> list[Any]:
            return [
                on_arrival(self.sets[which], rule, message, candidate.facts[which], address)
                for which, rule in named_rules
            ]

        sides = list(zip(self.sets, candidate.facts, strict=True))
        both = zip(draft.shown.courses, sides, strict=True)
        results = [result(course, rules, candidate.message, facts) for course, (rules, facts) in both]
        known = met(candidate.message)

        def shows(message: Message) -> bool:
            if message == candidate.message:
                return True
            for (rules, facts), known_result in zip(sides, results, strict=True):
                course = course_of(rules, message, facts, address, person)
                if course is None or result(course, rules, message, facts) != known_result:
                    return False
            return met(message) == known

        return witness_of(candidate, person, shows)

    def _unmet_exceptions(self, which: int, rule: FlowRule, shown: ClassWitness) -> tuple[Atom, ...]:
        """The exceptions that do not certainly match the message as it arrives; changes by earlier rules do not count."""
        candidate = shown.candidate
        return as_it_arrives(
            self.sets[which], rule, candidate.message, candidate.facts[which], candidate.written.recipient
        ).criteria.exceptions

    def _acted(self, draft: ClassFacts) -> tuple[bool, bool]:
        """Whether the edited rule acted before, and acts now, as far as that is true of all mail of the class."""
        edit = draft.edit
        now = draft.mail_class.part.now
        if edit is None or now is None:
            return False, False
        was, acts = edit.could_act
        if was is not acts:
            return was, acts
        if draft.passed:
            return not now, now
        if not edit.does_the_same(draft.mail_class.kind.aspect):
            return True, True
        return not now, now

    def _later_rule(self, draft: ClassFacts) -> LaterRule | None:
        """The later rule that no longer acts, or newly acts; ``None`` if the edited rule makes the difference itself."""
        part = draft.mail_class.part
        if part.first_to_differ == OWN:
            return None
        if part.first_to_differ == ANY:
            return LaterRule("", part.acts, stays=True)
        turn = self._search.turns[part.first_to_differ]
        rule = turn.after or turn.before
        return LaterRule(rule.name if rule else "", part.acts, stays=turn.after is not None and not turn.after.idle)

    # How much mail a finding is true of

    def _differs(self, mail_class: MailClass, approvals: int) -> Literal:
        """The literal that is true if a message is treated differently as its class says. Delivery counts at the
        witness's stage: another approval may remain.
        """
        queries = self._search.about_copies(mail_class.person)
        differs = queries.kinds[mail_class.kind]
        if mail_class.kind not in (DifferenceKind.DELIVERY_LOST, DifferenceKind.DELIVERY_GAINED):
            return differs
        copies = queries.copies[mail_class.kind is DifferenceKind.DELIVERY_GAINED]
        return differs & high(copies.fate(Fate.DELIVERED, approvals))

    def _like_witness(self, mail_class: MailClass, stages: Stages, approvals: int) -> Literal:
        """The literal that is true if a message is treated like the witness, as far as the sentence describes it."""
        values = []
        for copies, stage, wanted in zip(
            self._search.about_copies(mail_class.person).copies,
            stages,
            STAGE_KEYS.get(mail_class.kind, ("", "")),
            strict=True,
        ):
            if stage is None:
                continue
            if wanted == "fate":
                values.append(copies.fate(stage.fate, approvals))
            elif wanted == "protection" and stage.protection == ProtectionKind.SMIME:
                values.append(copies.smime)
            elif wanted == "protection":
                values.append(copies.option(stage.protection))
            elif wanted == "branding" and stage.branding:
                values.append(copies.brand(stage.branding))
            elif wanted == "branding":
                values.append(~copies.branded)
        return high(self.model.free.logic.all_of(values))

    def _extent(self, draft: ClassFacts, finding: ChangedMail) -> Extent:
        """The literals that determine how much mail a sentence is true of."""
        model = self.model
        recipient = self.model.mail.recipient
        mail_class = draft.mail_class
        why = finding.why
        differs = self._differs(mail_class, draft.approvals)
        like_witness = self._like_witness(mail_class, draft.stages, draft.approvals)
        wanted = assumed(model, self._search.about, usual=draft.shown.usual)
        # People whom a rule adds or redirects mail to get mail addressed to them anyway.
        anyway = (
            [mail_class.person]
            if mail_class.person
            else [person for rule in finding.about for person in redirected_to(rule, model.facts)]
        )
        wanted += [~recipient["address", person] for person in sorted(set(anyway))]
        wanted += [model.circuit.disjunction(draft.passed.values())] if finding.applying else []
        if finding.arrives:
            wanted.append(model.mail.arrival[finding.arrives])
        elif mail_class.kind.aspect is Aspect.PROTECTION:
            # Mail that arrives protected stays protected, and need not be mentioned.
            wanted += [~literal for literal in model.mail.arrival.values()]
        of_class = (
            *wanted,
            *self._search.about_copies(mail_class.person).of_class(mail_class.kind, mail_class.cause, mail_class.part),
            differs,
        )
        steps = [(model.free.chains[which], model.free.chains[which].step(rule)) for which, rule in draft.rules]
        named_steps: list[tuple[RuleChain, RuleStep, FlowRule]] = []
        for (chain, step), named_rule in zip(steps, finding.about, strict=True):
            if step is None:
                return Extent((), (), of_class, differs, like_witness)
            named_steps.append((chain, step, named_rule))
        for (chain, step, _named_rule), (_which, rule) in zip(named_steps, draft.rules, strict=True):
            atoms = [atom for atom, _names in finding.changed if atom in rule.criteria.conditions]
            wanted += [high(chain.conditions.truth(atom, step.seen, recipient)) for atom in atoms]
        wanted += [named_steps[0][0].conditions.may_meet_or_fail(why.met, why.unmet, recipient)] if why else []
        named = (
            high(chain.conditions.matches(named_rule, step.name, SeenMessage(), recipient))
            for chain, step, named_rule in named_steps
        )
        exempt = (
            high(chain.conditions.matches(named_rule.with_criteria(exceptions=()), step.name, SeenMessage(), recipient))
            for chain, step, named_rule in named_steps
        )
        return Extent((*wanted, *named), (*wanted, *exempt), of_class, differs, like_witness)

    def _exceptions(self, findings: Sequence[ChangedMail], extents: Sequence[Extent]) -> list[tuple[Atom, ...]]:
        """For each finding, the exceptions that some mail meets which the sentence would name if it had no exceptions: usual mail, or
        such that rules distinguish from it.
        """
        conditions, recipient = self.model.free.conditions, self.model.mail.recipient
        every = [_exceptions_of(finding.about) for finding in findings]
        mail = [(extent.named_or_exempt, unusual(self.model, extent.named_or_exempt)) for extent in extents]
        met = Batch(self.model.circuit, self._search.budget).possible(
            ((place, atom), (*literals, high(conditions.truth(atom, SeenMessage(), recipient))))
            for place, atoms in enumerate(every)
            for atom in atoms
            for literals in mail[place]
            if literals
        )
        return [tuple(atom for atom in atoms if (place, atom) in met) for place, atoms in enumerate(every)]

    def _with_later_rule_of_some(
        self, drafts: Sequence[ClassFacts], extents: Sequence[Extent], treated: Sequence[Literal]
    ) -> list[int]:
        """The places of the classes of which some named mail is treated as the sentence says although the later rule does not act on it.

        :param treated: for each class, that mail is treated as its sentence says.
        """
        questions: list[tuple[int, Sequence[Literal]]] = []
        for place, (draft, extent) in enumerate(zip(drafts, extents, strict=True)):
            if extent.named and not draft.mail_class.person and draft.mail_class.part.first_to_differ not in (OWN, ANY):
                which, rule = draft.rules[-1]
                acts = high(self.model.free.chains[which].acts(rule))
                questions.append((place, (*extent.named, treated[place], ~acts)))
        return sorted(Batch(self.model.circuit, self._search.budget).possible(questions))


def _later_rule_of_some(cause: Cause) -> Cause:
    """A cause whose later rule does not act on all of the mail."""
    return replace(cause, later=replace(cause.later, of_all=False)) if cause.later else cause


def _exceptions_of(rules: Iterable[FlowRule]) -> tuple[Atom, ...]:
    """The exceptions of rules, each once."""
    return tuple(dict.fromkeys(atom for rule in rules for atom in rule.criteria.exceptions))


def _stages(before: CopyResult | None, after: CopyResult | None, approvals: int = 0) -> tuple[int, Stages]:
    """The stage at which the difference shows, and the number of approvals before it: delivery, or delivery after an
    approval or a release.
    """
    if before is None or after is None or before.fate is not after.fate:
        return approvals, (before, after)
    if before.after_approval and after.after_approval:
        return _stages(before.after_approval, after.after_approval, approvals + 1)
    if before.after_release and after.after_release:
        return _stages(before.after_release, after.after_release, approvals)
    return approvals, (before, after)


def reach(circuit: Circuit, extents: Sequence[Extent], budget: int) -> list[tuple[str, bool]]:
    """For each extent, what exempts named mail (``another`` rule, an ``exception``, or nothing), and whether mail of
    the class is treated like the witness.

    :param budget: the maximum number of conflicts for all questions together, including earlier ones.
    """
    asked = Batch(circuit, budget)
    every = list(enumerate(extents))
    limited = asked.possible([(place, (*extent.named, ~extent.differs)) for place, extent in every if extent.named])
    limited |= {place for place, extent in every if not extent.named}
    unlike = asked.possible(
        [
            (place, (*extent.of_class, ~extent.like_witness))
            for place, extent in every
            if place in limited and extent.like_witness != TRUE
        ]
    )
    return [
        ("another", place not in unlike) if place in limited else _reach_without_other_rules(circuit, asked, extent)
        for place, extent in every
    ]


def _reach_without_other_rules(circuit: Circuit, asked: Batch, extent: Extent) -> tuple[str, bool]:
    """What exempts named mail, and whether named mail is treated like the witness, for an extent that no other rule limits."""
    as_witness = extent.differs & extent.like_witness
    sure = not asked.can((*extent.named, ~as_witness))
    treated = as_witness if sure else extent.differs
    limited = extent.named != extent.named_or_exempt and asked.can((*extent.named_or_exempt, ~treated))
    return "exception" if limited else "", sure
