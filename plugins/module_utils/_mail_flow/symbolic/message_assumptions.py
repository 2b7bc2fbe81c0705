# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proof assumes about mail and the organization, each with the variable that enables it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..conditions.keys import ATTACHED_NAME, ATTACHMENT, holds
from ..conditions.predicate import Atom
from ..formula import Literal
from ..model import questions
from ..model.sizes import bytes_of
from ..sat.circuit import Circuit
from ..simulator.assumptions import USUAL


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that a proof may assume, and must then name.

    :param kind: what it is, in a word; ``wording.guarantees`` has its sentence.
    :param literal: the variable that enables it.
    :param seen: whether a rule could treat mail differently if the assumption is false. If none can, mail that does not meet the assumption only
        has more unknowns than the same mail that does: what is certain for one is certain for the other.
    :param of_mail: whether it is about mail, and not about unknown facts of the organization.
    """

    id: str
    kind: str
    literal: Literal
    seen: bool = True
    of_mail: bool = True


class Assumptions:
    """The assumptions about one message, in the order in which they are made.

    :param plain_letters: the condition of relations between words and patterns that hold for most texts only. It is
        not among the others: only a claim assumes it.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._made: list[Assumption] = []
        self._of_claims: list[Assumption] = []
        self.plain_letters = Assumption(
            questions.WORD_BORDERS, "plain_letters", circuit.variable("plain letters"), seen=False, of_mail=False
        )

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self._made)

    def assume(self, number: str, kind: str, wanted: bool, *, seen: bool = True, of_mail: bool = True) -> Literal:
        """The variable of an assumption, which is made only where it is wanted."""
        literal = self._circuit.variable(("assumption", number, kind))
        if wanted:
            self._made.append(Assumption(number, kind, literal, seen, of_mail))
        return literal

    def assume_for_claims(self, number: str, kind: str) -> Literal:
        """The variable of an assumption that only claims make: what comparisons say of mail is said of the mail that it
        leaves out, too.
        """
        literal = self._circuit.variable(("assumption", number, kind))
        self._of_claims.append(Assumption(number, kind, literal))
        return literal

    @property
    def for_claims(self) -> list[Assumption]:
        """The assumptions of claims. Matches in an alias have their own formulas, so mail to an alias is like other
        mail.
        """
        made = (assumption for assumption in self._made if assumption.id != questions.ALIASES)
        return [*made, *self._of_claims, self.plain_letters]


def contradicted_assumptions(atoms: Iterable[Atom]) -> set[str]:
    """The questions of the assumptions about usual mail that conditions contradict by looking for other mail."""
    ids: set[str] = set()
    for atom in atoms:
        sort = atom.predicate.sort
        if atom.watches_aliases:
            ids.add(questions.ALIASES)
        ids |= {usual.id for usual in USUAL if sort == "type" and atom.values in usual.types}
        ids |= {
            usual.id
            for usual in USUAL
            if sort == "size" and usual.most is not None and (bytes_of(atom.values) or 0) >= usual.most
        }
        if may_mean_pdf(atom):
            ids.add(questions.PDF)
    return ids


def may_mean_pdf(atom: Atom) -> bool:
    """Whether a condition on extensions or names of attachments may be true of a PDF document with an arbitrary name."""
    if atom.predicate.slots not in ((ATTACHMENT,), (ATTACHED_NAME,)):
        return False
    return any(
        key == ("extension", "pdf") or (key[0] == "pattern" and holds("document.pdf", key) is not False)
        for key in atom.keys
    )
