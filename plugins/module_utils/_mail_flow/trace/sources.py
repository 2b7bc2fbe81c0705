# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that name the same messages differently.

It is not documented that the keys of the admin center, Get-MessageTraceV2 and Microsoft Graph are equal, and a file may have
the MessageId as its only key. Copies of two files with one MessageId, recipient and second are one. Where the files do
not tell, the copies stay, and are counted as ones that may be there twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from .rows import Row, Texts, Trace


class Sources:
    """The rows of several files, and which file has which."""

    def __init__(self) -> None:
        self.trace = Trace()
        #: For each copy, the files that have it, as bits.
        self._files: list[int] = []
        self._message_ids = array("l")
        self._texts = Texts()

    def add(self, row: Row, file: int) -> None:
        """Adds a row of a file."""
        place = self.trace.add(row)
        if place == len(self._files):
            self._files.append(0)
            self._message_ids.append(-1)
        self._files[place] |= 1 << file
        if row.message_id:
            self._message_ids[place] = self._texts.number(row.message_id)

    def merged(self) -> Trace:
        """The copies of all files, each once as far as the files tell."""
        same: list[list[int]] = []
        doubtful = 0
        for here in self._simultaneous():
            for places in _with_equal_keys(here, self._message_ids.__getitem__):
                if self._message_ids[places[0]] < 0:
                    continue
                if self._most_in_one_file(places) == 1:
                    same.append(places)
                else:
                    doubtful += self._surplus(places)
            for places in _with_equal_keys(here, self.trace.columns["sender"].__getitem__):
                unnamed = sum(self._message_ids[place] < 0 for place in places)
                doubtful += min(unnamed, self._surplus(places))
        merged, surplus = self._renamed([places for places in same if len(places) > 1])
        merged.perhaps_twice = doubtful + surplus
        return merged

    def _simultaneous(self) -> Iterator[list[int]]:
        """The copies that a recipient got within a second, where they are several."""
        columns = self.trace.columns
        keys = [
            recipient << 40 | received // 1_000_000
            for recipient, received in zip(columns["recipient"], columns["received"], strict=True)
        ]
        yield from (here for here in _with_equal_keys(range(len(keys)), keys.__getitem__) if len(here) > 1)

    def _most_in_one_file(self, places: Sequence[int]) -> int:
        files = [self._files[place] for place in places]
        return max(sum(here >> file & 1 for here in files) for file in range(max(files).bit_length()))

    def _surplus(self, places: Sequence[int]) -> int:
        """How many of some copies can be others of them: those of one file are different."""
        return len(places) - self._most_in_one_file(places)

    def _renamed(self, same: Sequence[Sequence[int]]) -> tuple[Trace, int]:
        """The copies, with one name for each message, and how many stay although they may be others.

        :param same: the copies that are one.
        """
        if not same:
            return self.trace, 0
        messages = self.trace.columns["message"]
        joined: dict[int, set[int]] = {}
        for places in same:
            joined_messages = set().union(*(joined.get(messages[place], {messages[place]}) for place in places))
            joined.update(dict.fromkeys(joined_messages, joined_messages))
        surplus: dict[int, int] = {}
        for places in same:
            first = min(joined[messages[places[0]]])
            surplus[first] = surplus.get(first, 0) + len(places) - 1
        copies: dict[int, list[int]] = {first: [] for first in surplus}
        for message, recipient in zip(messages, self.trace.columns["recipient"], strict=True):
            if message in joined:
                copies[min(joined[message])].append(recipient)
        # With one name, two copies for one recipient would be one.
        clear = {first for first, people in copies.items() if len(set(people)) == len(people) - surplus[first]}
        names = {number: self._name(numbers) for number, numbers in joined.items() if min(numbers) in clear}
        renamed = Trace()
        for place, message in enumerate(messages):
            row = self.trace.row(place)
            name = names.get(message, message)
            renamed.add(replace(row, message=self._keys[name], by_message_id=name in self.trace.by_message_id))
        return renamed, sum(count for first, count in surplus.items() if first not in clear)

    @property
    def _keys(self) -> Sequence[str]:
        return self.trace.texts["message"].listed

    def _name(self, messages: Iterable[int]) -> int:
        """One of the names of a message: if possible, not its MessageId, which reports have beside their key."""
        return min(messages, key=lambda number: (number in self.trace.by_message_id, self._keys[number]))


def _with_equal_keys(places: Iterable[int], key: Callable[[int], Hashable]) -> Iterator[list[int]]:
    """Places with equal keys."""
    yield from (list(here) for _key, here in groupby(sorted(places, key=key), key=key))  # type: ignore[arg-type]
