# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds texts that have some words and patterns and lack others, or that there are none.

Words and patterns are automata; a text that has several and lacks others is accepted by their product. Its characters
fall into classes that none of the automata distinguishes, so one of each class is enough. A breadth-first search finds
the shortest text, or that there is none.

A pattern may begin at each character of a text, so an automaton that keeps all beginnings in mind has up to two to the
power of the pattern's length of states. Where a pattern is wanted, one beginning is enough, and is guessed. Where it is
unwanted, a text is left aside if a shorter one with the same guesses has no beginning that this one lacks: whatever
completes the shorter one into an unwanted match completes this one, too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from ..budget import remembered, spend
from ..conditions.keys import Key
from ..model.expressions import Alternation, Anchor, Chars, Dialect, Node, Repeat
from ..model.expressions import Sequence as Parts
from ..model.patterns import is_agreed, search_for
from ..model.words import HALF_ASCII, touches

#: The maximum number of states of a product to visit; beyond that, it is unknown whether there is a text.
MOST_STATES = 3_000

#: With how many of the shorter texts a text is compared.
_MOST_COMPARED = 32

#: The cost of an automaton per character.
_STEPS_EACH = 2

_ONE_BLANK = re.compile(r"\s+")

#: Readable characters of every sort that classes or word borders distinguish.
_SORTS = "qQ7 \n\t_.@-/!\u00e9\u00c9\u0660\u4e2d\u00a0\u2028"

#: A letter that is no other one in any case.
_OTHER_LETTER = "\u01c0"

#: All scripts with sorts of characters are below; later characters have no case and are not letters.
_LAST = 0x33000


def _surely(character: str) -> str:
    """A character as it certainly is to words: in lower case, and none of :data:`HALF_ASCII`."""
    return _OTHER_LETTER if character in HALF_ASCII else character.lower()


def _folded(character: str) -> str:
    """A character as some comparisons have it."""
    return HALF_ASCII.get(character) or character.casefold()


class WordMatcher:
    """Matches a text that contains the word untouched. A state: places of occurrences in the word, the previous
    character, and whether one is complete.

    :param read: how a character is read.
    :param loose: whether an open match counts.
    :param blanks: whether all white space counts as one blank.
    """

    def __init__(
        self, word: str, read: Callable[[str], str] = _surely, *, loose: bool = False, blanks: bool = False
    ) -> None:
        self.word = _ONE_BLANK.sub(" ", read(word)) if blanks else read(word)
        self._read = read
        self._blanks = blanks
        self._separators = (False, None) if loose else (False,)
        self.start: Any = (frozenset(), "", False)

    def step(self, state: Any, character: str) -> Any:
        """The state after a character."""
        for letter in self._read(character):
            state = self._after(state, letter)
        return state

    def covers(self, state: Any, other: Any) -> bool:
        """Whether whatever completes a match after the other state completes one after this state, too."""
        return bool(state[2] or (not other[2] and state[1] == other[1] and state[0] >= other[0]))

    def _after(self, state: Any, character: str) -> Any:
        places, before, reached = state
        blank = self._blanks and character.isspace()
        if reached or (blank and before == " "):
            return state
        if len(self.word) in places and touches(character, self.word[-1]) in self._separators:
            return (frozenset(), "", True)
        wanted = " " if blank else character
        starts = {0} if before != "letter" else set()
        moved = frozenset(
            place + 1 for place in {*places, *starts} if place < len(self.word) and self.word[place] == wanted
        )
        if touches(character, self.word[0]) not in self._separators:
            return (moved, "letter", False)
        return (moved, " " if blank else "", False)

    def accepts(self, state: Any) -> bool:
        """Whether the word is in the text that ends here."""
        return bool(state[2] or len(self.word) in state[0])

    @property
    def letters(self) -> str:
        """The characters that it distinguishes."""
        return self.word + self.word.upper()


class PerhapsWord:
    """Matches unless the word is certainly not in the text. A state: the states of all readings, and whether one is
    complete.
    """

    def __init__(self, word: str) -> None:
        self._readings = [WordMatcher(word, str.lower, loose=True), WordMatcher(word, _folded, loose=True)]
        if any(character.isspace() for character in word):
            self._readings.append(WordMatcher(word, str.lower, loose=True, blanks=True))
        self.word = word
        self.start: Any = (tuple(matcher.start for matcher in self._readings), None, False)

    def step(self, state: Any, character: str) -> Any:
        """The state after a character."""
        if state[2]:
            return state
        after = tuple(matcher.step(one, character) for matcher, one in zip(self._readings, state[0], strict=True))
        return ((), None, True) if any(one[2] for one in after) else (after, None, False)

    def covers(self, state: Any, other: Any) -> bool:
        """Whether whatever completes a match after the other state completes one after this state, too."""
        if state[2] or other[2]:
            return bool(state[2])
        pairs = zip(self._readings, state[0], other[0], strict=True)
        return all(matcher.covers(one, another) for matcher, one, another in pairs)

    def accepts(self, state: Any) -> bool:
        """Whether the word may be in the text that ends here."""
        return bool(
            state[2] or any(matcher.accepts(one) for matcher, one in zip(self._readings, state[0], strict=True))
        )

    @property
    def letters(self) -> str:
        """The characters that it distinguishes."""
        return "".join(matcher.letters for matcher in self._readings)


class Pattern:
    """Is found anywhere in a text. A state: the places of the search, the anchors that hold behind what was read, and
    whether it is found.

    :param perhaps: whether an open match counts.
    :param lines: whether ``^`` and ``$`` stand for the borders of lines where the pattern does not say it; ``None`` if an open match
        counts.
    """

    def __init__(self, pattern: str, dialect: Dialect, *, perhaps: bool = False, lines: bool | None = None) -> None:
        self._search = search_for(pattern, dialect)
        self.expression = self._search.expression
        self._perhaps = perhaps
        self._lines = self.expression.lines or (self.expression.anchored and (perhaps if lines is None else lines))
        self._after: dict[tuple[Any, str], Any] = {}
        self.start: Any = (frozenset(), self._anchors_at("", end=False), False)

    def after(self, prefix: str) -> Pattern:
        """The search in a text that begins with a prefix: its start is behind that. It changes in place, and is returned."""
        for character in prefix:
            self.start = self.step(self.start, character)
        return self

    def _anchors_at(self, character: str, *, end: bool) -> frozenset[Anchor]:
        return self._search.states.anchors_at(character, self._lines, end=end)

    def step(self, state: Any, character: str) -> Any:
        """The state after a character."""
        after = self._after.get((state, character))
        if after is None:
            after = self._after[state, character] = self._step(state, character)
        return after

    def _step(self, state: Any, character: str) -> Any:
        places, before, reached = state
        if reached:
            return state
        here = self._search.states.closure(places, before | self._anchors_at(character, end=True))
        if self._search.states.last in here:
            return _MATCHED
        return (self._read(here, character), self._anchors_at(character, end=False), False)

    def covers(self, state: Any, other: Any) -> bool:
        """Whether whatever completes a match after the other state completes one after this state, too."""
        return bool(state[2] or (not other[2] and state[1] >= other[1] and state[0] >= other[0]))

    def _read(self, here: frozenset[int], character: str) -> frozenset[int]:
        """The places after a character. A letter that only some comparisons take for another one is both."""
        after = self._search.states.move(here, character)
        if character not in HALF_ASCII:
            return after
        other_places = self._search.states.move(here, _OTHER_LETTER)
        return after | other_places if self._perhaps else after & other_places

    def accepts(self, state: Any) -> bool:
        """Whether the pattern is found in the text that ends here."""
        return bool(
            state[2]
            or self._search.states.last
            in self._search.states.closure(state[0], state[1] | self._anchors_at("", end=True))
        )

    @property
    def reads_lines(self) -> bool:
        """Whether it is open whether an anchor in it stands for the border of a line."""
        return self.expression.anchored and not self.expression.lines

    @property
    def letters(self) -> str:
        """The characters that it distinguishes."""
        letters: set[str] = set()
        _collect(self.expression.root, letters)
        return "".join(sorted(letters))


class Guess(Pattern):
    """Is found in a text, from a character on that is guessed. A state: the places of the match, ``None`` before it
    begins; the anchors that hold behind what was read; and whether it is complete.
    """

    def __init__(self, pattern: str, dialect: Dialect, *, perhaps: bool = False, lines: bool | None = None) -> None:
        super().__init__(pattern, dialect, perhaps=perhaps, lines=lines)
        self.start = (None, self.start[1], False)
        self.starts = [self.start]

    def after(self, prefix: str) -> Guess:
        """The search in a text that begins with a prefix: its start is behind that. It changes in place, and is returned."""
        for character in prefix:
            self.starts = list(
                dict.fromkeys(after for first_state in self.starts for after in self.steps(first_state, character))
            )
        return self

    def steps(self, state: Any, character: str) -> tuple[Any, ...]:
        """The states after a character, one for each guess."""
        after: tuple[Any, ...] = self.step(state, character)
        return after

    def _step(self, state: Any, character: str) -> Any:
        if state[2]:
            return (state,)
        here = self._here(state, self._anchors_at(character, end=True))
        if self._search.states.last in here:
            return (_MATCHED,)
        behind = self._anchors_at(character, end=False)
        places = self._read(here, character)
        waits = [(None, behind, False)] if state[0] is None else []
        return (*waits, (places, behind, False)) if places else tuple(waits)

    def accepts(self, state: Any) -> bool:
        """Whether the match is complete in the text that ends here."""
        return bool(state[2] or self._search.states.last in self._here(state, self._anchors_at("", end=True)))

    def _here(self, state: Any, ahead: frozenset[Anchor]) -> frozenset[int]:
        places, before, _found = state
        return self._search.states.closure(places or frozenset(), before | ahead, begins=places is None)


Machine: TypeAlias = "WordMatcher | PerhapsWord | Pattern"

#: The state of a pattern that is found.
_MATCHED: Any = (frozenset(), frozenset(), True)


def _collect(node: Node, characters: set[str]) -> None:
    match node:
        case Parts(parts) | Alternation(parts):
            for part in parts:
                _collect(part, characters)
        case Repeat(part, _least, _most):
            _collect(part, characters)
        case Anchor(_end, Chars() as neighbors):
            _collect(neighbors, characters)
        case Chars(ranges):
            for first, last in ranges:
                near = {max(ord(first) - 1, 1), ord(first), ord(last), ord(last) + 1}
                characters.update(
                    case
                    for code in near
                    if code < 0x10FFFF
                    for case in (chr(code), chr(code).lower(), chr(code).upper())
                    if len(case) == 1
                )


def find_text(wanted: Sequence[Key], unwanted: Sequence[Key] = (), among: str = "", *, lax: bool = False) -> str | None:
    """The shortest text that certainly has all of these words and patterns and certainly lacks the others; ``None`` if
    none was found.

    :param among: the characters to try first, most natural ones first. Rare ones are not tried.
    :param lax: whether possible matches are enough.
    :raises OverflowError: the product is too large to decide.
    """
    machines = [_guess(key, perhaps=lax) for key in wanted], [_machine(key, perhaps=not lax) for key in unwanted]
    letters = list(_letters(machines))
    return _shortest(*machines, [*among, *filter(str.isprintable, letters), *_SORTS, *letters])


def is_impossible(
    wanted: Sequence[Key], unwanted: Sequence[Key] = (), form: Sequence[Key] = (), *, plain: bool = False
) -> bool:
    """Whether no text at all can have these words and patterns and lack the others, however open questions are
    answered. Whether ``^`` and ``$`` stand for the borders of lines is one question for all patterns of a dialect.

    :param form: patterns that every text in question certainly has.
    :param plain: whether texts in question have no :data:`HALF_ASCII`.
    :raises OverflowError: the product is too large to decide.
    """
    if not all(value.isascii() for sort, value in (*wanted, *unwanted) if sort == "word"):
        return False  # The folding of their letters depends on adjacent letters.
    if any(sort == "pattern" and not HALF_ASCII.keys().isdisjoint(value[0]) for sort, value in (*wanted, *unwanted)):
        return False  # So may that of other letters in the text.
    dialects = {value[1] for sort, value in (*wanted, *unwanted) if sort == "pattern"}
    for lines in (False, True) if len(dialects) == 1 else (None,):
        machines = (
            [*(_machine(key) for key in form), *(_guess(key, perhaps=True, lines=lines) for key in wanted)],
            [_machine(key, lines=lines) for key in unwanted],
        )
        if _shortest(*machines, _every_character(machines, plain=plain)) is not None:
            return False
        if not any(machine.reads_lines for some in machines for machine in some if isinstance(machine, Pattern)):
            break
    return True


@dataclass(frozen=True, slots=True)
class BehindPrefix:
    """What a prefix may do to a pattern in the text behind it.

    :param gains: whether a text that lacks the pattern may have it once the prefix is before it.
    :param loses: whether a text that has it may lack it then.
    :param possible: whether any text may have it then.
    """

    gains: bool
    loses: bool
    possible: bool


#: What a prefix does where that cannot be decided.
_ANYTHING = BehindPrefix(gains=True, loses=True, possible=True)


@remembered(4096)
def behind(prefix: str, pattern: str, dialect: Dialect, *, one_line: bool = False) -> BehindPrefix:
    """What a prefix may do to a pattern: anything, where that cannot be decided or the pattern's meaning is open.

    :param one_line: whether the texts behind the prefix have no line break.
    """
    if not is_agreed(pattern, dialect):
        return _ANYTHING
    try:
        gains, loses, possible = (
            any(
                _some_text(wanted, unwanted, one_line=one_line)
                for wanted, unwanted in _prefixed(prefix, pattern, dialect, change)
            )
            for change in ("gains", "loses", "possible")
        )
    except OverflowError:
        return _ANYTHING
    return BehindPrefix(gains, loses, possible)


def _prefixed(prefix: str, pattern: str, dialect: Dialect, change: str) -> Iterator[tuple[Guess, list[Pattern]]]:
    """What a text has and lacks that changes in a way of :class:`BehindPrefix`, in each reading of lines."""
    for lines in (False, True):
        wanted = Guess(pattern, dialect, perhaps=lines)
        unwanted = Pattern(pattern, dialect, perhaps=lines)
        if change == "loses":
            yield wanted, [unwanted.after(prefix)]
        elif change == "gains":
            yield wanted.after(prefix), [unwanted]
        else:
            yield wanted.after(prefix), []


def _some_text(wanted: Guess, unwanted: list[Pattern], *, one_line: bool) -> bool:
    """Whether some text has a pattern and lacks others."""
    if any(pattern.start[2] for pattern in unwanted):
        return False  # All texts have it.
    machines: tuple[list[Machine], list[Machine]] = [wanted], [*unwanted]
    characters = _every_character(machines, plain=True)
    if one_line:
        characters = [character for character in characters if character != "\n"]
    return _shortest(*machines, characters) is not None


def _every_character(machines: tuple[Sequence[Machine], Sequence[Machine]], *, plain: bool) -> list[str]:
    """One character at least of each class that automata distinguish.

    :param plain: whether to leave out :data:`HALF_ASCII`.
    """
    ascii_only = all(chars.is_ascii for machine in itertools.chain(*machines) for chars in _sets_of(machine))
    characters = [*_letters(machines), *map(chr, range(128)), *(_sorts() if ascii_only else _characters())]
    return [character for character in characters if not plain or character not in HALF_ASCII]


def _shortest(wanted: Sequence[Machine], unwanted: Sequence[Machine], characters: Iterable[str]) -> str | None:
    """The shortest text that all wanted automata accept and no unwanted one; ``None`` if there is none.

    :param characters: those of which it may consist.
    :raises BudgetError: the steps are spent.
    :raises OverflowError: there are too many states.
    """
    machines = [*wanted, *unwanted]
    alphabet = _alphabet(machines, characters)
    lacking = tuple(machine.start for machine in unwanted)
    firsts = (machine.starts if isinstance(machine, Guess) else [machine.start] for machine in wanted)
    texts = _TextSearch(unwanted, [(having, lacking) for having in itertools.product(*firsts)])
    while texts.longest:
        for state in texts.take_longest():
            spend(_STEPS_EACH * len(machines) * len(alphabet))
            if all(map(_accepts, wanted, state[0])) and not any(map(_accepts, unwanted, state[1])):
                return texts.spelled(state)
            for character, after in _one_longer(wanted, unwanted, state, alphabet):
                texts.add(after, state, character)
    return None


def _one_longer(
    wanted: Sequence[Machine], unwanted: Sequence[Machine], state: Any, alphabet: Iterable[str]
) -> Iterator[tuple[str, Any]]:
    """The states of the texts that are one character longer, each with that character, without those in which an unwanted
    automaton has found what it looks for: what is in a text stays in it.
    """
    having, lacking = state
    for character in alphabet:
        places = zip(unwanted, lacking, strict=True)
        then_lacking = tuple(machine.step(place, character) for machine, place in places)
        if any(place[2] for place in then_lacking):
            continue
        for then_having in _guesses(wanted, having, character):
            yield character, (then_having, then_lacking)


class _TextSearch:
    """The texts that a search has found, each by the states of the automata after it. Texts after which they are in the
    same states are one.

    :param starts: the states of the empty text.
    :param longest: the texts that are as long as the longest one.
    """

    def __init__(self, unwanted: Sequence[Machine], starts: Iterable[Any]) -> None:
        self._unwanted = unwanted
        self._came_from: dict[Any, tuple[Any, str] | None] = dict.fromkeys(starts)
        self._lacking: dict[Any, list[Any]] = {}
        self.longest: dict[Any, None] = dict.fromkeys(self._came_from)

    def take_longest(self) -> list[Any]:
        """The texts that are as long as the longest one. What is added from here on is longer."""
        texts = list(self.longest)
        self.longest = {}
        return texts

    def add(self, state: Any, before: Any, character: str) -> None:
        """Adds a text, if it is needed beside those before it.

        :param before: the text without its last :param:`character`.
        :raises OverflowError: there are too many.
        """
        if state in self._came_from or not self._is_needed(state):
            return
        if len(self._came_from) >= MOST_STATES:
            raise OverflowError("The texts have too many states.")
        self._came_from[state] = (before, character)
        self.longest[state] = None

    def spelled(self, state: Any) -> str:
        """The characters of a text."""
        text: list[str] = []
        while (before := self._came_from[state]) is not None:
            state, character = before
            text.append(character)
        return "".join(reversed(text))

    def _is_needed(self, state: Any) -> bool:
        """Whether a text is needed beside those before it. If so, those as long as it that are not needed beside it go."""
        having, lacking = state
        kept_lacking = self._lacking.setdefault(having, [])
        spend(1 + len(kept_lacking))
        if any(self._lacks_more(other, lacking) for other in kept_lacking):
            return False
        as_long = [other for other in kept_lacking if (having, other) in self.longest]
        for other in [other for other in as_long if self._lacks_more(lacking, other)]:
            kept_lacking.remove(other)
            del self.longest[having, other]
        if len(kept_lacking) < _MOST_COMPARED:
            kept_lacking.append(lacking)
        return True

    def _lacks_more(self, one: Sequence[Any], other: Sequence[Any]) -> bool:
        """Whether one text lacks whatever another one lacks, however both are continued."""
        return all(
            machine.covers(of_other, of_one)
            for machine, of_other, of_one in zip(self._unwanted, other, one, strict=True)
        )


def _accepts(machine: Machine, state: Any) -> bool:
    return machine.accepts(state)


def _guesses(machines: Sequence[Machine], states: Sequence[Any], character: str) -> Iterable[tuple[Any, ...]]:
    """The states of all of these after a character, for each combination of guesses."""
    return itertools.product(
        *(
            machine.steps(machine_state, character)
            if isinstance(machine, Guess)
            else (machine.step(machine_state, character),)
            for machine, machine_state in zip(machines, states, strict=True)
        )
    )


def _guess(key: Key, *, perhaps: bool = False, lines: bool | None = None) -> Machine:
    """The automaton of what is wanted in a text."""
    sort, value = key
    return _machine(key, perhaps=perhaps) if sort == "word" else Guess(*value, perhaps=perhaps, lines=lines)


def _machine(key: Key, *, perhaps: bool = False, lines: bool | None = None) -> Machine:
    sort, value = key
    if sort != "word":
        return Pattern(*value, perhaps=perhaps, lines=lines)
    return PerhapsWord(value) if perhaps else WordMatcher(value)


def _letters(machines: Iterable[Sequence[Machine]]) -> Iterable[str]:
    return itertools.chain.from_iterable(sorted(machine.letters) for one in machines for machine in one)


def _alphabet(machines: Sequence[Machine], characters: Iterable[str]) -> list[str]:
    """One character of each class that the automata distinguish."""
    sets = list(dict.fromkeys(chars for machine in machines for chars in _sets_of(machine)))
    own = frozenset(
        character for machine in machines if not isinstance(machine, Pattern) for character in machine.letters
    )
    classes: dict[Any, str] = {}
    representatives = dict.fromkeys(characters)
    spend(len(representatives) * (1 + len(sets)))
    for character in representatives:
        key = (tuple(chars.has(character) for chars in sets), character == "\n", _look(character, own))
        classes.setdefault(key, character)
    return list(classes.values())


def _look(character: str, own: frozenset[str] = frozenset()) -> tuple[Any, ...]:
    """How words see a character; they distinguish their own letters."""
    readings = (character.lower(), _folded(character))
    return (
        character.isspace(),
        character in HALF_ASCII,
        *(tuple(letter if letter in own else letter.isalnum() for letter in reading) for reading in readings),
    )


def _sort(character: str) -> tuple[bool, ...]:
    return (character.isalnum(), character.isdecimal(), character.isspace())


@lru_cache(maxsize=1)
def _characters() -> tuple[str, ...]:
    """Characters beyond ASCII such that every class of those without case that are in a range has one, or its range
    begins with one; and all with case.
    """
    characters = []
    before: tuple[bool, ...] = ()
    for character in map(chr, range(128, _LAST)):
        sort = _sort(character)
        if (
            sort != before
            or character.lower() != character
            or character.upper() != character
            or character.casefold() != character
        ):
            characters.append(character)
        before = sort
    return tuple(characters)


@lru_cache(maxsize=1)
def _sorts() -> tuple[str, ...]:
    """Characters beyond ASCII, one of each kind that classes of ASCII characters, and words of them, distinguish."""
    representatives: dict[Any, str] = {}
    for character in _characters():
        near = {character.lower(), character.upper(), character.casefold(), character.upper().lower()}
        near_sorts = tuple(sorted(near_letters for near_letters in near if any(one.isascii() for one in near_letters)))
        representatives.setdefault((_sort(character), _look(character), near_sorts), character)
    return tuple(representatives.values())


def _sets_of(machine: Machine) -> list[Chars]:
    return _sets(machine.expression.root) if isinstance(machine, Pattern) else []


def _sets(node: Node) -> list[Chars]:
    match node:
        case Parts(parts) | Alternation(parts):
            return [chars for part in parts for chars in _sets(part)]
        case Repeat(part, _least, _most):
            return _sets(part)
        case Chars():
            return [node]
        case Anchor(_end, Chars() as neighbors):
            return [neighbors]
    return []
