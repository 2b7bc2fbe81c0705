# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for edits that meet a goal: one, or two where no single one does."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..analyses.judgment import Judgment
from ..analyses.verifier import DraftVerifier
from ..budget import BudgetError
from ..input.guarantee_options import Guarantee
from ..model.wishes import PORTAL, WISHES
from .aims import ADD, LAST_RESORT, MOVE, NEW_RULE, Aim, EditedRules, FailingCopy, rebuilds
from .candidate_edits import candidates
from .draft_proof import DraftProof, OpenError, edits_act
from .known_counterexamples import KnownCounterexamples
from .rules_at_copy import breaks_the_way, opposes
from .suggestion import SearchEffort
from .task import FailingGoal, RepairTask
from .unwanted_changes import are_disjoint

#: At most so many pairs of edits are tried for a goal, so many edits of which no proof says whether they do, and so many of
#: which only open questions keep it from that.
_PAIRS, _UNANSWERED, _LEFT_OPEN = 40, 3, 6


@dataclass(frozen=True)
class FirstStep:
    """An edit that puts the first copy right, and not all mail, or not surely.

    :param refuted: whether other mail breaks the guarantee then; of all others that is open.
    :param verifier: the guarantees under these rules, where some of them were judged.
    """

    draft: EditedRules
    refuted: bool
    verifier: DraftVerifier | None = None


@dataclass(frozen=True)
class FoundDraft:
    """A draft that meets the goal and keeps what held, and whose rules can act.

    :param left_open: the verdict on the guarantee, where open questions keep it from a proof; ``None`` if the goal is met for
        certain.
    """

    draft: EditedRules
    left_open: Judgment | None = None


@dataclass(frozen=True)
class _Checked:
    """What the simulator and the prover say of a draft.

    :param found: the draft, if nothing refutes it.
    :param wrong: a copy that does not come out right with it; ``None`` if none is known.
    :param is_open: whether the simulator alone says that open questions keep it from a proof, and it is not worth one then.
    """

    found: FoundDraft | None = None
    wrong: FailingCopy | None = None
    is_open: bool = False


class Worth(Protocol):
    """Whether a draft is worth a proof beside what was found."""

    def __call__(self, draft: EditedRules, *, is_open: bool) -> bool:
        """Answers it of a draft.

        :param is_open: whether open questions are known to keep it from a proof.
        """


def _always(draft: EditedRules, *, is_open: bool) -> bool:
    """Every draft is."""
    return True


class DraftSearch:
    """One search for the drafts that meet a goal: it gives them one by one, and beside them the first steps, the
    guarantees that forbid edits, and what was tried.
    """

    def __init__(self, task: RepairTask, goal: FailingGoal, known: KnownCounterexamples, proof: DraftProof) -> None:
        self._task = task
        self._goal = goal
        self._known = known
        self._proof = proof
        self._count = Counter[str]()
        self._is_complete = False
        #: Whether drafts were not worth a try beside what was found.
        self._is_enough = False
        #: Whether edits that are a last resort are tried, see :func:`rebuilds`: as long as nothing else helps.
        self._tries_last_resorts = True
        self.first_steps: list[FirstStep] = []
        #: The names of the rules that none of the mail of an aim meets, by the name of the aim.
        self._disjoint: dict[str, set[str]] = {}
        #: How many proofs gave no answer, and how many only open questions kept from one.
        self._unanswered = self._left_open = 0
        #: Guarantee that held to how many edits break it that put the first copy right.
        self._forbidding = Counter[str]()

    @property
    def effort(self) -> SearchEffort:
        """What was tried until now."""
        return SearchEffort(**self._count, complete=self._is_complete)

    @property
    def forbidding(self) -> tuple[str, ...]:
        """The guarantees that edits break which put the first copy right, those first that forbid most."""
        return tuple(name for name, _count in self._forbidding.most_common())

    def drafts(self, is_worth_a_proof: Worth = _always) -> Iterator[FoundDraft]:
        """The drafts that meet the goal, with one edit; with two where no single edit does. One that open questions keep from
        a proof is enough if it adds no rule.

        :param is_worth_a_proof: whether a draft is worth a proof beside what was found.
        :raises BudgetError: the steps are spent.
        """
        begun: list[tuple[EditedRules, FailingCopy]] = []
        meeting: list[EditedRules] = []
        is_enough = False
        disjoint = self._disjoint_from(self._goal.aim)
        for draft in candidates(self._task.present, self._task.present_rules, self._goal.wrong, disjoint):
            if _is_needless(draft, meeting):
                continue
            rebuilt = rebuilds(draft.edits, draft.rules, self._goal.aim)
            if rebuilt == LAST_RESORT and not self._tries_last_resorts:
                break  # And so do all after it.
            if not is_worth_a_proof(draft, is_open=False):
                self._is_enough = True
                continue
            self._count["edits"] += 1
            checked = self._checked(draft, is_worth_a_proof)
            if checked.wrong is not None:
                begun.append((draft, checked.wrong))
            if checked.found is None and not checked.is_open:
                continue
            if checked.found and checked.found.left_open is None:
                meeting.append(draft)
            is_enough |= not meeting and rebuilt < NEW_RULE
            self._tries_last_resorts &= not self._known.surely_helps(draft)
            if checked.found:
                yield checked.found
        if not (meeting or is_enough):
            yield from self._pairs(begun, is_worth_a_proof)
        self._is_complete = self._count["pairs"] < _PAIRS and not (self._is_at_an_end or self._is_enough)

    def _pairs(self, begun: Sequence[tuple[EditedRules, FailingCopy]], is_worth_a_proof: Worth) -> Iterator[FoundDraft]:
        """The drafts with two edits that meet the goal.

        :param begun: drafts that do not, each with a copy that does not come out right.
        """
        tried: set[frozenset[str]] = set()
        # What puts the first copy right is nearer.
        singles = [step for step in begun if len(step[0].edits) == 1]
        for draft, wrong in sorted(singles, key=lambda step: step[1] is self._goal.wrong):
            for pair in candidates(draft, self._task.rules_of(draft), wrong, self._disjoint_from(wrong.aim)):
                key = frozenset(map(repr, pair.edits))
                if key in tried or len(key) != 2 or _edits_twice(pair):
                    continue
                if self._count["pairs"] == _PAIRS:
                    return
                if rebuilds(pair.edits[-1:], pair.rules, wrong.aim) == LAST_RESORT:
                    break  # And so do all after it.
                tried.add(key)
                if not is_worth_a_proof(pair, is_open=False):
                    self._is_enough = True
                    continue
                self._count["pairs"] += 1
                found = self._checked(pair, is_worth_a_proof).found
                if found is not None:
                    yield found

    def _disjoint_from(self, aim: Aim) -> Collection[str]:
        """The names of the present rules that break the way of mail, or encrypt what is not to be encrypted, and none of the
        mail that an aim is about meets, without what arrives as the aim wants it.
        """
        if aim.name not in self._disjoint:
            guarantees = [judged.guarantee for judged in self._task.judged if judged.guarantee.name == aim.name]
            self._disjoint[aim.name] = self._disjoint_rules(guarantees[0], aim) if guarantees else set()
        return self._disjoint[aim.name]

    def _disjoint_rules(self, guarantee: Guarantee, aim: Aim) -> set[str]:
        """The names of the rules in the way of a guarantee's mail that are not in the way of any that may break it."""
        task = self._task
        rules = [rule for rule in task.rules.rules if breaks_the_way(rule) or opposes(rule, aim)]
        given = [task.present.rules[rule.place] for rule in rules]
        # What arrives protected stays so where no rule decrypts it, which does for all but a template or the portal.
        in_clear = WISHES[guarantee.then].wants_protection and guarantee.then != PORTAL and not guarantee.template
        disjoint = are_disjoint(guarantee.selection, given, task.facts, task.rules.dialect, task.now, in_clear=in_clear)
        return {rule.name for rule in itertools.compress(rules, disjoint)}

    def _checked(self, draft: EditedRules, is_worth_a_proof: Worth) -> _Checked:
        """What the simulator says of a draft, which costs little, and if it lets it pass, the prover."""
        rules = self._task.rules_of(draft)
        wrong = self._known.first_wrong(rules) or self._known.first_blurred(rules)
        if wrong is not None:
            self._note(draft, wrong)
            return _Checked(wrong=wrong)
        if self._is_at_an_end:
            return _Checked()  # What kept the others from a proof most likely keeps this one, too.
        if self._known.is_left_open(rules) and not is_worth_a_proof(draft, is_open=True):
            self._count["undecided"] += 1
            return _Checked(is_open=True)
        return self._proved(draft)

    @property
    def _is_at_an_end(self) -> bool:
        """Whether no more drafts are proved, as enough were not."""
        return self._unanswered == _UNANSWERED or self._left_open == _LEFT_OPEN

    def _proved(self, draft: EditedRules) -> _Checked:
        """What the prover says of a draft."""
        verifier = None
        kept_guarantees = self._task.to_keep(self._goal)
        try:
            verifier = self._proof.under(draft)
            left_open = self._proof.left_open(verifier)
            if left_open is not None:
                kept_guarantees = [other for other in kept_guarantees if other is not self._goal.guarantee]
            wrong = self._proof.refuting(verifier, kept_guarantees) or self._known.first_blurred(verifier.rules)
        except (OpenError, BudgetError):
            self._count["undecided"] += 1
            self._unanswered += 1
            self._note_first_step(FirstStep(draft, False, verifier))
            return _Checked()
        if wrong is not None:
            self._note(draft, wrong, verifier)
            return _Checked(wrong=wrong)
        if left_open is not None:
            self._count["undecided"] += 1
            self._left_open += 1
        return _Checked(FoundDraft(draft, left_open) if edits_act(draft, verifier) else None)

    def _note(self, draft: EditedRules, wrong: FailingCopy, verifier: DraftVerifier | None = None) -> None:
        """Notes what a draft does where it puts the first copy right: it is a first step, or another guarantee forbids
        it.

        :param wrong: the copy that does not come out right.
        """
        if wrong is self._goal.wrong:
            return
        if wrong.aim.name == self._goal.aim.name:
            self._note_first_step(FirstStep(draft, True, verifier))
        elif any(judgment.guarantee.name == wrong.aim.name for judgment in self._task.judged):
            self._forbidding[wrong.aim.name] += 1

    def _note_first_step(self, step: FirstStep) -> None:
        """Notes edits that one message led to as a first step. Pairs have two."""
        if not self._count["pairs"]:
            self.first_steps.append(step)
            self._tries_last_resorts &= not self._known.surely_helps(step.draft)


def _edits_twice(draft: EditedRules) -> bool:
    """Whether two edits place one rule, or the second one edits a rule that the first one adds: one does as well."""
    first, second = draft.edits
    return first.rule == second.rule and (first.kind == ADD or (second.kind == MOVE and first.option == "priority"))


def _is_needless(draft: EditedRules, meeting: Sequence[EditedRules]) -> bool:
    """Whether a draft is not worth a try, as one that meets the goal adds the same rule at another place, or one edit of a
    pair, or another one, does.

    :param meeting: the drafts that meet the goal.
    """
    is_added = any(other.edits[-1].kind == ADD for other in meeting)
    if is_added and draft.edits[-1].kind == ADD:
        return True
    if len(draft.edits) == 1:
        return False
    return any(len(other.edits) == 1 or other.edits[0] == draft.edits[0] for other in meeting)
