# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that have some words and patterns and lack others, or that there are none. Private to the collection.

Words and patterns are automata; what has several and lacks others is their product. The characters of a product fall into classes that none of its
automata tells apart, so one of each class is enough. A breadth-first search finds the shortest text, or that there is none.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.expressions import Chars, Choice, Node, Repeat, parse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.expressions import Sequence as Parts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.logic import Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.patterns import Search, has_pattern
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import LISTS, Key, keys_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import Atom
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.words import has_word

#: So many states of a product are looked at; beyond them it is not known whether there is a text.
MOST_STATES = 3_000

#: Characters of every sort that a class or a border of words can tell apart.
_SORTS = "qQ7 \n\t_.@-/!\u00e9\u00c9\u0660\u4e2d\u00a0\u2028"


class Word:
    """Is in a text where no letter or digit touches it. A state: places in the word where occurrences are, the character before, and whether one is done."""

    def __init__(self, word: str) -> None:
        self.word = word.lower()
        self.first: Any = (frozenset(), False, False)

    def step(self, state: Any, character: str) -> Any:
        """The state after a character."""
        places, touches, found = state
        if found:
            return state
        letter, small = character.isalnum(), character.lower()
        if len(self.word) in places and not letter:
            return (frozenset(), False, True)
        starts = {0} if not touches else set()
        moved = frozenset(place + 1 for place in {*places, *starts} if place < len(self.word) and self.word[place] == small)
        return (moved, letter, False)

    def accepts(self, state: Any) -> bool:
        """Whether the word is in the text that ends here."""
        return bool(state[2] or len(self.word) in state[0])

    @property
    def letters(self) -> str:
        """The characters that it tells apart."""
        return self.word + self.word.upper()


class Pattern:
    """Is found anywhere in a text. A state: the places of the search, whether a line begins, and whether it is found."""

    def __init__(self, pattern: str, legacy: bool) -> None:
        self.expression = parse(pattern, legacy)
        self._search = Search(self.expression)
        self.first: Any = (frozenset(), True, False)

    def step(self, state: Any, character: str) -> Any:
        """The state after a character."""
        places, begins, found = state
        if found:
            return state
        line = self.expression.lines and character == "\n"
        here = self._search.states.closure(places, begins, line)
        if self._search.states.last in here:
            return (frozenset(), False, True)
        return (self._search.states.move(here, character), line, False)

    def accepts(self, state: Any) -> bool:
        """Whether the pattern is found in the text that ends here."""
        return bool(state[2] or self._search.states.last in self._search.states.closure(state[0], state[1], True))

    @property
    def letters(self) -> str:
        """The characters that it tells apart."""
        found: set[str] = set()
        _collect(self.expression.root, found)
        return "".join(sorted(found))


def _collect(node: Node, found: set[str]) -> None:
    match node:
        case Parts(parts) | Choice(parts):
            for part in parts:
                _collect(part, found)
        case Repeat(part, _least, _most):
            _collect(part, found)
        case Chars(ranges):
            for first, last in ranges:
                near = {max(ord(first) - 1, 1), ord(first), ord(last), ord(last) + 1}
                found.update(case for code in near if code < 0x10FFFF for case in (chr(code), chr(code).lower(), chr(code).upper()) if len(case) == 1)


def holds(text: str, key: Key) -> Truth:
    """Whether a word or a pattern is in a text."""
    sort, value = key
    return has_word(text, value) if sort == "word" else has_pattern(text, *value)


def may_mean_pdf(atom: Atom) -> bool:
    """Whether a condition on extensions or names of attachments may be true of a PDF document that is called nothing in particular."""
    if LISTS.get(atom.predicate.options[0], ((), ""))[0] not in (("attachment",), ("attachment name",)):
        return False
    return any(key == ("extension", "pdf") or (key[0] == "pattern" and holds("document.pdf", key) is not False) for key in keys_of(atom))


def find_text(wanted: Sequence[Key], unwanted: Sequence[Key] = (), among: str = "") -> str | None:
    """The shortest text that has all of these words and patterns and lacks the others; ``None`` where there is none.

    :param among: the characters that are tried first, as a reader expects them.
    :raises OverflowError: the product is too large to tell.
    """
    machines: list[Word | Pattern] = [_machine(key) for key in (*wanted, *unwanted)]
    alphabet = _alphabet(machines, among)
    start = tuple(machine.first for machine in machines)
    found: dict[Any, tuple[Any, str] | None] = {start: None}
    todo = deque([start])
    while todo:
        state = todo.popleft()
        accepted = [machine.accepts(each) for machine, each in zip(machines, state, strict=True)]
        if all(accepted[: len(wanted)]) and not any(accepted[len(wanted) :]):
            return _spelled(found, state)
        if any(each[2] for each in state[len(wanted) :]):
            continue  # What is in a text stays in it.
        for character in alphabet:
            after = tuple(machine.step(each, character) for machine, each in zip(machines, state, strict=True))
            if after not in found:
                if len(found) >= MOST_STATES:
                    raise OverflowError("The texts have too many states.")
                found[after] = (state, character)
                todo.append(after)
    return None


def _machine(key: Key) -> Word | Pattern:
    sort, value = key
    return Word(value) if sort == "word" else Pattern(*value)


def _alphabet(machines: Sequence[Word | Pattern], among: str) -> list[str]:
    """One character of each class that the automata tell apart."""
    letters = dict.fromkeys((*among, *itertools.chain.from_iterable(sorted(machine.letters) for machine in machines), *_SORTS))
    sets = [chars for machine in machines if isinstance(machine, Pattern) for chars in _sets(machine.expression.root)]
    own = {character for machine in machines if isinstance(machine, Word) for character in machine.letters}
    classes: dict[Any, str] = {}
    for character in letters:
        key = (tuple(chars.has(character) for chars in sets), character.isalnum(), character == "\n", character.lower() if character in own else "")
        classes.setdefault(key, character)
    return list(classes.values())


def _sets(node: Node) -> list[Chars]:
    match node:
        case Parts(parts) | Choice(parts):
            return [chars for part in parts for chars in _sets(part)]
        case Repeat(part, _least, _most):
            return _sets(part)
        case Chars():
            return [node]
    return []


def _spelled(found: dict[Any, tuple[Any, str] | None], state: Any) -> str:
    text: list[str] = []
    while (before := found[state]) is not None:
        state, character = before
        text.append(character)
    return "".join(reversed(text))
