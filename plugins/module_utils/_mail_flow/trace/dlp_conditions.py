# SPDX-License-Identifier: GPL-3.0-or-later
"""What the copies of a block are known to be to the conditions of DLP rules.

The simulator says what follows from that, as for a message. A condition that makes no DLP rule certain is false of a copy,
or leaves the rule open whatever else is known: what a row does not show of it is no reason of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeAlias

from ..._resources.compliance.dlp_fields import CERTAIN
from ..conditions.predicate import Atom
from ..model import questions
from ..model.encrypters import LOOKS
from ..model.kleene import Open, Truth, opened
from ..rules.dlp_rules import DlpRules, changing_before_dlp
from .chain import Chain
from .columns import bits_of, is_in, signatures
from .rule_evaluator import RuleEvaluator
from .rule_identities import changing
from .traced_decider import SeenByDlp
from .truth_sets import Unknown

#: What is known of conditions, by their numbers.
_Truths: TypeAlias = tuple[tuple[int, Truth], ...]


def seen_alike(evaluator: RuleEvaluator, chain: Chain) -> Iterator[tuple[SeenByDlp, int]]:
    """What is known of the DLP rules behind a rule set, and the copies of which it is, as bits. Copies that meet the same
    DLP rules in the same way are together.
    """
    policies = chain.facts.encrypters.dlp_policies
    if not isinstance(policies, DlpRules) or not policies.rules:
        return
    conditions: dict[tuple[Truth, ...], _Truths] = {}
    places: dict[tuple[Truth, ...], list[int]] = {}
    for truths, here in _by_truths(evaluator, chain, policies):
        truth_of = _truth_of(dict(truths))
        matches = tuple(rule.matches(truth_of, _lacks_nothing) for rule in policies.rules)
        conditions.setdefault(matches, truths)
        places.setdefault(matches, []).extend(here)
    for matches, here in places.items():
        yield SeenByDlp(conditions[matches], matches), bits_of(here, len(evaluator.block))


def _by_truths(evaluator: RuleEvaluator, chain: Chain, policies: DlpRules) -> Iterator[tuple[_Truths, list[int]]]:
    """What is known of all conditions, and the places of the copies of which it is."""
    leaves = (leaf for rule in policies.rules for leaf in rule.looks_for.leaves)
    atoms = {leaf.atom.number: leaf.atom for leaf in leaves if leaf.atom}
    known = [(number, *decided) for number, atom in atoms.items() for decided in _decided(evaluator, chain, atom)]
    places: dict[tuple[int, ...], list[int]] = {}
    for place, signature in enumerate(signatures([copies for _number, _truth, copies in known], len(evaluator.block))):
        places.setdefault(signature, []).append(place)
    for signature, here in places.items():
        having = {number: truth for trait, (number, truth, _copies) in enumerate(known) if is_in(signature, trait)}
        yield tuple((number, having.get(number, False)) for number in atoms), here


def _decided(evaluator: RuleEvaluator, chain: Chain, atom: Atom) -> Iterator[tuple[Truth, int]]:
    """What a condition is, but false, and the copies of which it is that, as bits."""
    if changing_before_dlp(chain.rules)(atom):
        # With other rules before it, DLP sees something else.
        yield _open_to_dlp(atom, changing(chain.identities.changes_before_dlp, (atom,))), evaluator.block.every_copy
        return
    truth = evaluator.truth_of_copy(atom)
    yield True, truth.true
    yield from ((_not_shown(atom, why), copies) for why, copies in truth.open.items())


def _truth_of(known: Mapping[int, Truth]) -> Callable[[Atom], Truth]:
    return lambda atom: known[atom.number]


def _not_shown(atom: Atom, why: Unknown) -> Open:
    """A condition of which nothing shows whether it is true."""
    if atom.predicate.options[0] not in CERTAIN:
        return _open_to_dlp(atom)
    return Open(("dlp sees", atom.number), (why.reason,))


def _open_to_dlp(atom: Atom, changed: tuple[Hashable, ...] = ()) -> Open:
    """A condition of which it is open what DLP makes of what it looks at.

    :param changed: the rules that change that.
    """
    return opened(("dlp sees", atom.number, *changed), questions.DLP_RULES, LOOKS, atom.predicate.options[0])


def _lacks_nothing(_key: str) -> bool:
    """Whether a message surely has nothing of what DLP looks at: no row says that."""
    return False
