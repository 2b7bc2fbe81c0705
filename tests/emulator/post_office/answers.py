# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization answers to the open questions about Exchange: the switches by which an experiment is shown to
tell one answer from the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from ..mail_flow.worlds import FACTS, Question, World

#: The first and the last of what a question offers, in the order of the rules.
FIRST, LAST = "first", "last"
_AS_ASKED = ("as asked", "in clear", "refused")
_YES_NO = (True, False)

#: The answers that an organization can give, by the question's number; the first one is given where nothing else is
#: said. The README has what each means.
ANSWERS: dict[str, tuple[Any, ...]] = {
    "U01": (FIRST, LAST),
    "U02": ("encrypts", "decrypts", "keeps"),
    "U03": ("afterwards", "at once"),
    "U04": _YES_NO,
    "U05": ("each recipient for itself", "any of them for all", "all of them for all"),
    "U06": (False, True),
    "U07": _YES_NO,
    "U08": (False, True),
    "U09": _YES_NO,
    "U10": (False, True),
    "U11": (False, True),
    "U12": (False, True),
    "U13": (False, True),
    "U14": _YES_NO,
    "U15": _YES_NO,
    "U16": _YES_NO,
    "U17": _YES_NO,
    "U18": _YES_NO,
    "U19": _YES_NO,
    "U20": ("outside", "inside", "both"),
    "U22": _YES_NO,
    "U23": _YES_NO,
    "U24": (False, True),
    "U25": _AS_ASKED,
    "U26": (False, True),
    "U27": _AS_ASKED[:2],
    "U28": _AS_ASKED[::-1],
    "U29": _AS_ASKED[:2],
    "U30": (False, True),
    "U31": _AS_ASKED[::-1],
    "U32": (FIRST, LAST),
    "U33": _YES_NO,
    "U35": _AS_ASKED,
    "U36": (FIRST, LAST),
}
#: What a rule that encrypts and one that decrypts come to, on mail that arrived in clear and on mail that did not.
_BOTH_KINDS = {
    "encrypts": ("encrypted", "replaced"),
    "decrypts": ("clear", "removed"),
    "keeps": ("encrypted", "kept"),
}


def checked(answers: Mapping[str, Any]) -> None:
    """:raises ValueError: a number or an answer that is none."""
    for number, answer in answers.items():
        if number not in ANSWERS:
            raise ValueError(f"unknown question {number}; there are {', '.join(ANSWERS)}")
        if not any(answer is known or (isinstance(answer, str) and answer == known) for known in ANSWERS[number]):
            raise ValueError(f"{number} has no answer {answer!r}; there are {ANSWERS[number]}")


class Decided(World):
    """The one world in which an organization is: each open question has its answer.

    :param answers: by number; what is left out has the first one of :data:`ANSWERS`.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__()
        self._given = answers

    def ask(self, question: Question, *place: Hashable) -> Any:
        """The organization's answer. Of a message about which it knows less than it asks, nothing is true."""
        options = question.options
        if question.unknown == FACTS:
            return False if False in options else options[0]
        answer = self._given.get(question.unknown, ANSWERS.get(question.unknown, (FIRST,))[0])
        if question.unknown == "U03":
            seen_at_once = answer == "at once"
            return seen_at_once == (question.about[0] == "after encryption")
        if question.unknown == "U11":
            return bool(answer) and _reaches(question)
        if question.unknown == "U02":
            return next(each for each in _BOTH_KINDS[answer] if each in options)
        if answer == LAST:
            return options[-1]
        return next(
            (each for each in options if each is answer or (isinstance(each, str) and each == answer)), options[0]
        )


def _reaches(question: Question) -> bool:
    """Whether the spam level that a rule set last reaches the level that a later rule asks for."""
    _name, level, edits = question.about
    return bool(edits) and int(str(edits[-1]).split()[-1]) >= int(str(level))  # type: ignore[index]
