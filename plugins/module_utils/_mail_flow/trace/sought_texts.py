# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions look for in subjects and addresses, and what rules put before subjects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from itertools import product

from ..conditions.predicate import Atom
from ..model.patterns import in_prefix, required
from ..model.words import any_word, tokens, touches

#: The maximum number of subject prefixes to distinguish, in all and on one subject; beyond that, the original subject
#: is unknown.
MOST_PREFIXES, MOST_CHANGES = 4, 2


class SubjectPrefixes:
    """What rules put before subjects, and which conditions that matters to.

    :param prefixes: the prefixes.
    """

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._prefixes = tuple(dict.fromkeys(prefixes))

    def originals(self, subject: str) -> tuple[str, ...]:
        """The subjects that a rule may have seen before earlier rules put prefixes ahead, the given one first."""
        variants = dict.fromkeys((subject,))
        for _time in range(MOST_CHANGES if subject.startswith(self._prefixes) else 0):
            variants.update(
                dict.fromkeys(
                    variant[len(prefix) :]
                    for variant in list(variants)
                    for prefix in self._prefixes
                    if variant.startswith(prefix)
                )
            )
        return tuple(variants)

    @cached_property
    def combinations(self) -> tuple[str, ...]:
        """What rules may have put before a subject that its row does not show."""
        return tuple(
            "".join(prefixes)
            for count in range(1, MOST_CHANGES + 1)
            for prefixes in product(self._prefixes, repeat=count)
        )

    def may_meet(self, part: Atom) -> bool:
        """Whether what is put before subjects may meet a condition, alone or with the beginning of a subject."""
        needs = part.predicate.needs(part.values)
        if needs is not None:
            wanted = {token for _kind, token in needs}
            return any(
                prefix[-1:].isalnum() or not prefix.isascii() or wanted & tokens(prefix) for prefix in self._prefixes
            )
        literal = required_text(part)
        return any(not literal or _straddles(prefix, literal) for prefix in self._prefixes)

    def may_change(self, part: Atom) -> bool:
        """Whether a prefix may change what a condition is that is not met in the prefix: not if all that it looks for is
        a word that begins with a letter or digit, behind prefixes that end with a border of words.
        """
        if not self._prefixes:
            return False
        if not looks_for_text(part) or part.predicate.sort != "word":
            return True
        (word,) = part.values
        begins = word.isascii() and word[:1].isalnum()
        return not begins or any(touches(prefix[-1:], word[0]) is not False for prefix in self._prefixes)


def looks_for_text(atom: Atom) -> bool:
    """Whether a condition looks for texts, one of which is enough, in a subject or an address."""
    return atom.predicate.sort in ("word", "pattern") and atom.predicate.looks_at != "header"


def by_value(atom: Atom) -> list[Atom]:
    """A condition that is true where one of its values is found, as one for each value: many conditions have the same."""
    return [replace(atom, values=(value,)) for value in atom.values] if looks_for_text(atom) else [atom]


def required_text(atom: Atom) -> str:
    """A text without which a pattern is not found; empty if there is none, or the condition is no pattern."""
    if not looks_for_text(atom) or atom.predicate.sort != "pattern":
        return ""
    return required(str(atom.values[0]), atom.settings.dialect)


def is_true_however_it_goes_on(atom: Atom, subject: str) -> bool:
    """Whether a condition is true of every subject that begins with this one."""
    wanted = atom.values[1] if atom.predicate.looks_at == "header" else atom.values
    if atom.predicate.sort == "pattern":
        return any(in_prefix(subject, wanted_text, atom.settings.dialect) for wanted_text in wanted)
    return any_word(f"{subject}x", wanted) is True  # A word at the end is now another.


def _straddles(prefix: str, literal: str) -> bool:
    """Whether a text that begins with a prefix may have a literal that is not all behind it."""
    small = prefix.lower()
    return literal in small or any(small.endswith(literal[:end]) for end in range(1, len(literal)))
