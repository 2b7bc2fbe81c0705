# SPDX-License-Identifier: GPL-3.0-or-later
"""What a condition writes into a message that has what a model of the variables says: the keys of the option
``messages``.

The prover has texts with some words and patterns and without others (``symbolic.string_constraints``). A condition
knows them by these protocols alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ..formula import Literal
from .formulas import MessageVariables
from .keys import Key


class NoMessageError(Exception):
    """No message matches the model, as far as is known.

    :param laws: clauses that hold for every message, but not for the model.
    :param limits: clauses that hold for every message that the writer can write, but not for the model.
    :param plain: the ones that hold for every message of plain letters.
    :param ascii_only: the ones that hold for every message in ASCII which the writer can write.
    """

    def __init__(
        self,
        laws: Iterable[tuple[Literal, ...]] = (),
        limits: Iterable[tuple[Literal, ...]] = (),
        plain: Iterable[tuple[Literal, ...]] = (),
        ascii_only: Iterable[tuple[Literal, ...]] = (),
    ) -> None:
        super().__init__("No message is like this.")
        self.laws, self.limits, self.plain = list(laws), list(limits), list(plain)
        self.ascii_only = list(ascii_only)


class WantedText(Protocol):
    """What a text must have and lack."""

    @property
    def wanted(self) -> list[Key]:
        """The atoms that it must have."""

    def wrong(self, text: str) -> list[Key]:
        """The atoms that a text gets wrong, or that must not be open."""

    def text(self, before: str = "") -> str:
        """A text that is right.

        :param before: a natural beginning.
        :raises NoMessageError: none was found.
        """

    def texts(self, before: str = "") -> Iterator[str]:
        """A text for each atom that it must have, without any that it must lack.

        :param before: a natural beginning.
        :raises NoMessageError: one of them was not found.
        """

    def text_of_form(self, having: list[Key], unwanted: list[Key]) -> str | None:
        """A text; ``None`` if none was found.

        :param having: atoms that it must have and that are known to need care; grows.
        :param unwanted: atoms known to need exclusion; grows.
        :raises NoMessageError: it cannot be decided.
        """

    def side_by_side(self, wanted: list[Key]) -> str:
        """Words and samples of patterns in a row, which need not be right."""


class Witness(Protocol):
    """A message in the making."""

    @property
    def mail(self) -> MessageVariables:
        """Its variables."""

    @property
    def lax(self) -> bool:
        """Whether the content of texts may be open."""

    def is_true(self, literal: Literal) -> bool:
        """Whether a literal is true in the model."""

    def constraint(self, atoms: Mapping[Key, Literal]) -> WantedText:
        """What a text with these atoms must have and lack."""
