# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of a message, its subject where rules prefix it, disclaimers, PDF documents, and histories of changes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from ..actions.text_edits import Joins, TextEdit
from ..conditions.keys import ATTACHED, RECIPIENT, SENDER, SUBJECT, WRITTEN, Key, is_open
from ..formula import Literal
from ..model import questions
from ..model.patterns import begins_anywhere
from ..model.words import touches
from ..sat.circuit import Circuit
from .atoms import Vocabulary
from .message_assumptions import Assumptions
from .text_relations import relate_texts


def text_variables(circuit: Circuit, vocabulary: Vocabulary) -> dict[str, dict[Key, Literal]]:
    """Slot to the atoms of its text: subject, text, headers, and texts of attachments, with the relations between words
    and patterns. Those of the address at which the sender writes to the recipient are not related here.
    """
    texts: dict[str, dict[Key, Literal]] = {}
    for slot, keys in vocabulary.keys.items():
        if slot in (SENDER, RECIPIENT, "last hop"):
            continue
        texts[slot] = {key: circuit.variable((slot, *key)) for key in keys if not is_open(key)}
        if slot != WRITTEN:
            # Patterns see less of a long attachment than words do.
            relate_texts(circuit, texts[slot], alike=slot != ATTACHED)
    return texts


class PrefixedSubject:
    """The subject as it arrives, as far as a prefix of a rule may change what is found in it.

    :param hides: whether a rule may hide the word at the beginning of the subject by a prefix that touches it.
    :param one_line: the assumption that the subject has no line break.
    """

    def __init__(
        self, circuit: Circuit, assumptions: Assumptions, vocabulary: Vocabulary, edits: Iterable[TextEdit]
    ) -> None:
        self._circuit = circuit
        prefixes = [edit.given or "" for edit in edits if edit.joins is Joins.DIRECTLY_BEFORE]
        self.hides = any(touches(prefix[-1:], "q") is not False for prefix in prefixes)
        self.one_line = assumptions.assume(
            questions.PATTERN_SYNTAX,
            "one_line_subject",
            bool(prefixes) and _reads_line_beginnings(vocabulary),
            seen=False,
            of_mail=False,
        )

    def begins(self, key: Key) -> Literal:
        """Whether a word occurs only at the beginning of the subject."""
        return self._circuit.variable(("begins", key))


def _reads_line_beginnings(vocabulary: Vocabulary) -> bool:
    """Whether rules look for a pattern in the subject that a prefix may keep from matching at the beginning of a line."""
    return any(sort == "pattern" and not begins_anywhere(*value) for sort, value in vocabulary.keys.get(SUBJECT, ()))


class Disclaimers:
    """The disclaimers that rules put into a message.

    :param wrap: whether a rule has one, so that it may wrap the message.
    """

    def __init__(self, circuit: Circuit, edits: Iterable[TextEdit]) -> None:
        self._circuit = circuit
        self.wrap = any(edit.joins in (Joins.ON_LINES_BEFORE, Joins.ON_LINES_AFTER) for edit in edits)

    @property
    def insertable(self) -> Literal:
        """Whether one can be put into a message that its sender did not sign and no foreign key protects.

        Negated, so that it fits into what a model has unless it matters.
        """
        return ~self._circuit.variable("no disclaimer")


class PdfDocuments:
    """The PDF documents that are attached to a message.

    :param attached: whether there is one.
    :param stay_plain: whether one of the IRM configurations under which the message passes rules leaves them
        unencrypted.
    """

    def __init__(self, circuit: Circuit, settings: Sequence[Mapping[str, Any] | None]) -> None:
        self.attached = circuit.variable("pdf")
        self.stay_plain = any(
            (settings_of_set or {}).get("enable_pdf_encryption") is False for settings_of_set in settings
        )


class ChangeHistories:
    """Numbers for histories of changes."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Hashable, ...], int] = {(): 0}

    def number(self, history: tuple[Hashable, ...]) -> int:
        """The number of a history, the same wherever the history is the same; 0 for none."""
        return self._numbers.setdefault(history, len(self._numbers))
