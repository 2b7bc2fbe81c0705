# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rules change texts that later rules see, as formulas. Private to the collection.

A prefix, a header's new value and a disclaimer are known texts, with known content. If a known text and the sender's
text could together form a word or match a pattern, it is open whether they do (U17, U18).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import (
    begins_anywhere,
    crosses_lines,
    has_pattern,
    in_prefix,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import (
    first_token,
    has_word,
    tokens,
    touches,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import (
    Logic,
    Value,
    negate,
)


@dataclass(frozen=True)
class EditedText:
    """The current text, as far as rules have changed it.

    :param values: atoms that a known text contributes to, each with the number of erasures before it.
    :param erasures: when it was erased: from then on, an atom is false unless a known text makes it true again.
    :param erased: whether it was ever erased.
    :param history: the known texts that may have changed it, each with its condition. Equal histories mean equal texts.
    :param settled: of a subject, patterns without an agreed meaning: the last value that mattered, and the number of changes before that. What each later
        change makes of one is as open as what all of them do.
    """

    values: Mapping[Key, tuple[Value, int]] = field(default_factory=dict)
    erasures: tuple[Value, ...] = ()
    erased: Value = FALSE
    history: tuple[tuple[Hashable, Value], ...] = ()
    settled: Mapping[Key, tuple[Value, int]] = field(default_factory=dict)

    def value(self, key: Key, first: Value, logic: Logic) -> Value:
        """The current value of an atom; ``first`` is its value on arrival."""
        value, since = self.values.get(key, (first, 0))
        if since == len(self.erasures):
            return value
        gone = self.erased if not since else logic.any_of(self.erasures[since:])
        return logic.all_of((value, negate(gone)))

    def of_unagreed(self, key: Key, first: Value, unknown: Value, logic: Logic) -> Value:
        """The current value of a pattern without an agreed meaning in a subject.

        :param unknown: its value if the text has changed since its value last mattered.
        """
        value, since = self.settled.get(key, (first, 0))
        return logic.choose(logic.any_of([acts for _known, acts in self.history[since:]]), unknown, value)

    def but(self, changed: Mapping[Key, Value], erased: Value, logic: Logic) -> EditedText:
        """The text after another change."""
        whole = self
        if erased != FALSE:
            whole = replace(self, erasures=(*self.erasures, erased), erased=logic.any_of((self.erased, erased)))
        return replace(
            whole, values={**whole.values, **{key: (value, len(whole.erasures)) for key, value in changed.items()}}
        )

    def after(self, known: Hashable, acts: Value) -> EditedText:
        """The same text after a possible change by a known text."""
        return replace(self, history=(*self.history, (known, acts)))


class Changer:
    """Known texts among the atoms that conditions look for in one slot. What no later rule looks for is not followed.

    :param looks: the atoms, each with the place of the last rule that looks for it.
    :param logic: the logic that expresses what is open.
    """

    def __init__(self, looks: Mapping[Key, int], logic: Logic, slot: str) -> None:
        self.logic, self.slot, self._looks = logic, slot, looks
        self._patterns: list[Key] = []
        self._words: dict[str, list[Key]] = {}
        self._odd: list[Key] = []
        self._phrases: list[Key] = []
        for key in looks:
            if key[0] == "pattern":
                self._patterns.append(key)
                continue
            if any(character.isspace() for character in key[1]):
                self._phrases.append(key)
            if key[1][:1].isalnum() and first_token(key[1]):
                self._words.setdefault(first_token(key[1]), []).append(key)
            else:
                self._odd.append(key)

    def near(self, text: str | None, place: int, *, every: bool = False, phrases: bool = False) -> list[Key]:
        """The words that a known text could affect, and the patterns, as far as a rule after a place looks for them.

        :param phrases: whether also all words with a space, which could cross a border.
        """
        named = self._words if every or text is None else sorted(tokens(text))
        words = (key for token in named for key in self._words.get(token, ()))
        every_key = (*words, *self._odd, *(self._phrases if phrases else ()), *self._patterns)
        return [key for key in every_key if self._looks[key] > place]

    def in_known(self, text: str | None, key: Key, *name: Hashable) -> Value:
        """Whether a text contains a word or a pattern, if it is known."""
        if text is None:
            return self.logic.unknown(questions.A_FACT, *name, self.slot, key)
        truth = has_word(text, key[1]) if key[0] == "word" else has_pattern(text, *key[1])
        return self.logic.known(truth, questions.WORD_BORDERS, text, key)

    def held(self, text: str | None, place: int, *name: Hashable) -> dict[Key, Value]:
        """The atoms that a known text has in place of the current one, as far as a rule after a place looks for them.
        It lacks all others.
        """
        found = {key: self.in_known(text, key, *name) for key in self.near(text, place)}
        return {key: each for key, each in found.items() if each != FALSE}

    def prefixed(
        self, prefix: str, before: Mapping[Key, Value], name: Hashable, begins: Callable[[Key], int] | None = None
    ) -> dict[Key, Value]:
        """The atoms of a subject that a prefix changes.

        :param begins: returns whether a word occurs only at the beginning of the original subject.
        """
        found: dict[Key, Value] = {}
        for key, old in before.items():
            found[key] = (
                self._word(prefix, key, old, name, begins)
                if key[0] == "word"
                else self._pattern(prefix, key, old, name)
            )
        return {key: value for key, value in found.items() if value != before[key]}

    def _open(self, name: Hashable, key: Key) -> Value:
        return self.logic.unknown(questions.WORD_BORDERS, name, self.slot, key)

    def _word(self, prefix: str, key: Key, before: Value, name: Hashable, begins: Callable[[Key], int] | None) -> Value:
        word: str = key[1]
        touched = touches(prefix[-1:], word[0])
        # The same whatever follows: a space, a letter, or punctuation.
        alone = {
            truth if isinstance(truth, bool) else None
            for truth in (has_word(prefix + after, word) for after in ("", " ", "q", ":"))
        }
        if alone == {True}:
            return TRUE
        blanks = _one_blank(prefix.lower()), _one_blank(word)
        joined = any(_at_border(blanks[0], blanks[1][:length]) for length in range(1, len(blanks[1])))
        if alone != {False} or joined:
            return self.logic.any_of((self._open(name, key), before)) if touched is False else self._open(name, key)
        if touched is False:
            return before
        # It may hide a word at the beginning of the subject.
        if begins is None:
            return self.logic.all_of((before, self._open(name, key)))
        return self.logic.all_of(
            (before, self.logic.choose(begins(key), FALSE if touched else self._open(name, key), TRUE))
        )

    def _pattern(self, prefix: str, key: Key, before: Value, name: Hashable) -> Value:
        pattern: tuple[str, Dialect] = key[1]
        inside = in_prefix(prefix, *pattern)
        if inside:
            return TRUE
        if begins_anywhere(*pattern):
            return before if inside is False else self.logic.any_of((before, self._open(name, key)))
        return self.logic.all_of((before, self._open(name, key))) if inside is False else self._open(name, key)

    def beside(
        self, plain: str | None, prepends: bool, before: Mapping[Key, Value], name: Hashable
    ) -> dict[Key, Value]:
        """The atoms of a text that change when a disclaimer is added on separate lines before or after it."""
        if plain is None:
            return {key: self.in_known(None, key, name) for key in before}
        found: dict[Key, Value] = {}
        for key, old in before.items():
            if key[0] == "pattern" and not begins_anywhere(*key[1], both=True):
                found[key] = self.logic.unknown(questions.PATTERN_SYNTAX, name, self.slot, key)
            elif key[0] == "pattern" and prepends:
                found[key] = self._pattern(f"{plain}\n", key, old, name)
            else:
                alone = self.in_known(plain if key[0] == "word" else f"\n{plain}", key, name)
                found[key] = self.logic.any_of(
                    (
                        alone,
                        old,
                        *(
                            [self.logic.unknown(questions.WORD_BORDERS, name, "joined", key)]
                            if _may_join(plain, prepends, key)
                            else []
                        ),
                    )
                )
        return {key: value for key, value in found.items() if value != before[key]}


def _at_border(prefix: str, start: str) -> bool:
    return prefix.endswith(start) and not (start[0].isalnum() and prefix[: -len(start)][-1:].isalnum())


def _may_join(plain: str, prepends: bool, key: Key) -> bool:
    """Whether a disclaimer and the text, on separate lines, could together form a phrase, or a pattern of which the
    text has the beginning.
    """
    sort, value = key
    if sort == "pattern":
        return crosses_lines(*value)
    text, word = _one_blank(plain.lower()).strip(), _one_blank(value)
    blanks = [place for place, character in enumerate(word) if character == " "]
    return any(text.endswith(word[:place]) if prepends else text.startswith(word[place + 1 :]) for place in blanks)


def _one_blank(text: str) -> str:
    return re.sub(r"\s+", " ", text)
