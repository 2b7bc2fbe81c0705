# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions look at of a message beside people and texts, as variables. Each condition makes its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..conditions.keys import Key
from ..conditions.predicate import Atom
from ..conditions.predicates import PREDICATES
from ..formula import Literal
from ..sat.circuit import Circuit
from ..simulator.protection import SURELY_PROTECTED


class MessageProperties(Mapping[Key, Literal]):
    """Property and value, such as a size, to its variable, with the relations between them.

    :param atoms: the conditions.
    :param literals: property and value to its variable.
    :param spelled: by what makes two names the same, how one is written.
    :param sizes: the sizes of messages, in bytes, that matter whatever conditions look for.
    """

    sizes = (SURELY_PROTECTED,)

    def __init__(self, circuit: Circuit, atoms: Sequence[Atom]) -> None:
        self.circuit = circuit
        self.literals: dict[Key, Literal] = {}
        self.spelled: dict[str, str] = {}
        for declare in dict.fromkeys(row.variables for row in PREDICATES):
            if declare is not None:
                declare(self, [atom for atom in atoms if atom.predicate.variables is declare])

    def __getitem__(self, key: Key) -> Literal:
        return self.literals[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.literals)

    def __len__(self) -> int:
        return len(self.literals)
