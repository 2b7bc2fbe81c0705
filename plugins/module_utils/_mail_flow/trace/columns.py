# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of a block, and the distinct values in their columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby, repeat
from typing import Any

from ..model.facts import Facts
from ..model.words import tokens
from ..simulator.candidates import address_keys
from .rows import ALL_TIME, Trace

#: The minimum number of copies in a block: its last message is complete.
BLOCK = 1 << 16

#: From so many characters on, a subject may go on: the trace has the first 256. Source: Microsoft's page of the message
#: trace in the new Exchange admin center.
CUT = 255

#: Characters that comparisons take for ASCII ones.
_STRANGE = frozenset("\u0130\u0131\u017f\u212a\u037e\u1fef")

#: The key of values that rules may confuse with others.
_ODD = ("odd", "")


def signatures(sets: Sequence[int], count: int) -> Iterable[tuple[int, ...]]:
    """The sets that contain each copy, eight sets per number.

    :param sets: as bits.
    :param count: the number of copies.
    """
    mask = int.from_bytes(b"\x01" * count, "big")
    columns = []
    for first in range(0, len(sets), 8):
        column = 0
        for shift, bits in enumerate(sets[first : first + 8]):
            # The digits 0 and 1 differ in their last bit.
            column |= (int.from_bytes(format(bits, f"0{count}b").encode(), "big") & mask) << shift
        columns.append(column.to_bytes(count, "big")[::-1])
    return zip(*columns, strict=True) if columns else repeat((), count)


def is_in(signature: Sequence[int], number: int) -> bool:
    """Whether a copy with a signature is in a set, by its number."""
    return bool(signature[number >> 3] >> (number & 7) & 1)


@dataclass(frozen=True)
class Block:
    """Some copies, with those of a message next to each other. Except for the size (in bytes) and the time, values are
    numbers of texts.

    :param texts: name of a column to the texts by their numbers.
    :param whole: see :class:`Trace`.
    :param made: the copies that no row has, because rules would make them, as bits.
    """

    message: Sequence[int]
    sender: Sequence[int]
    recipient: Sequence[int]
    subject: Sequence[int]
    status: Sequence[int]
    from_ip: Sequence[int]
    size: Sequence[int]
    received: Sequence[int]
    texts: Mapping[str, Sequence[str]]
    whole: range = ALL_TIME
    made: int = 0

    def __len__(self) -> int:
        return len(self.message)

    @property
    def every_copy(self) -> int:
        """Every copy, as bits."""
        return (1 << len(self)) - 1

    def text(self, name: str, place: int) -> str:
        """What a column of texts has for a copy; empty if it has nothing."""
        number = getattr(self, name)[place]
        return "" if number < 0 else self.texts[name][number]

    def value(self, name: str, place: int) -> str | int | None:
        """The value of a column for a copy, as a message has it."""
        if name != "size":
            return self.text(name, place)
        return None if self.size[place] < 0 else self.size[place]

    def with_made(self, people: Mapping[int, Iterable[str]]) -> Block:
        """The block with copies for others, each like the first one of its message.

        :param people: by the first place of a message: for whom, by address.
        """
        listed = list(self.texts["recipient"])
        numbers = {text: number for number, text in enumerate(listed)}
        order: list[int] = []
        recipients: list[int] = []
        made: list[int] = []
        for place, span in enumerate(self.spans):
            order.append(place)
            recipients.append(self.recipient[place])
            if self.made >> place & 1:
                made.append(len(order) - 1)
            for address in people.get(span.start, ()) if place + 1 == span.stop else ():
                if address not in numbers:
                    numbers[address] = len(listed)
                    listed.append(address)
                made.append(len(order))
                order.append(span.start)
                recipients.append(numbers[address])
        names = ("message", "sender", "subject", "status", "from_ip", "size", "received")
        columns: dict[str, Any] = {name: [getattr(self, name)[place] for place in order] for name in names}
        texts = {**self.texts, "recipient": listed}
        return replace(self, **columns, recipient=recipients, texts=texts, made=bits_of(made, len(order)))

    @cached_property
    def spans(self) -> list[range]:
        """The places of all copies of each copy's message."""
        spans: list[range] = []
        for _message, copies in groupby(self.message):
            count = sum(1 for _copy in copies)
            spans += [range(len(spans), len(spans) + count)] * count
        return spans

    @cached_property
    def partial(self) -> int:
        """The copies of messages that may have more copies, as bits."""
        return self.whole_messages(
            bits_of((place for place, time in enumerate(self.received) if time not in self.whole), len(self))
        )

    def whole_messages(self, bits: int) -> int:
        """All copies of the messages of some copies."""
        spans = {self.spans[place].start: self.spans[place] for place in places_of(bits)}
        return bits_of((place for span in spans.values() for place in span), len(self))


def blocks_of(trace: Trace, size: int = BLOCK) -> Iterator[Block]:
    """The rows of a trace, in blocks that split no message."""
    messages = trace.columns["message"]
    texts = {name: texts_of_column.listed for name, texts_of_column in trace.texts.items()}
    # Whatever the order of rows, a block has the same messages.
    ranks = {
        number: rank
        for rank, number in enumerate(sorted(range(len(texts["message"])), key=texts["message"].__getitem__))
    }
    order = sorted(range(len(trace)), key=lambda place: ranks[messages[place]])
    while order:
        end = min(size, len(order))
        while end < len(order) and messages[order[end]] == messages[order[end - 1]]:
            end += 1
        places = order[:end]
        order = order[end:]
        columns: dict[str, Any] = {name: [column[place] for place in places] for name, column in trace.columns.items()}
        yield Block(
            **columns,
            texts=texts,
            whole=trace.whole,
        )


def bits_of(places: Iterable[int], count: int) -> int:
    """A set of copies."""
    bits = bytearray((count >> 3) + 1)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def places_of(bits: int) -> Iterator[int]:
    """The copies of a set, first to last."""
    text = format(bits, "b")[::-1]
    place = text.find("1")
    while place >= 0:
        yield place
        place = text.find("1", place + 1)


class Column:
    """The distinct values that some conditions look at.

    :param places: the copies that have each value.
    :param texts: each value as text, where it can be searched; ``None`` if the trace does not say it.
    :param cut: the numbers of the subjects that may go on.
    :param kind: ``sender``, ``recipient`` or ``subject``, where its text can be searched; empty elsewhere.
    """

    def __init__(self, values: Iterable[Hashable], block: Block, kind: str) -> None:
        places: dict[Hashable, list[int]] = {}
        for place, value in enumerate(values):
            places.setdefault(value, []).append(place)
        self.places = list(places.values())
        self.kind = kind
        self.unsaid = places.get(-1, []) if kind == "subject" else []
        self.texts = [block.text(kind, here[0]) for here in self.places] if kind else []
        self.cut = [number for number, text in enumerate(self.texts) if kind == "subject" and len(text) >= CUT]
        self._keys: dict[Hashable, list[int]] = {}

    def with_key(self, keys: Iterable[tuple[str, str]], facts: Facts) -> set[int]:
        """The numbers of the values with one of the keys that predicates need, or that rules may confuse with one."""
        if not self._keys:
            for number, text in enumerate(self.texts):
                for key in self._keys_of(text, facts):
                    self._keys.setdefault(key, []).append(number)
        wanted = [key for _kind, key in keys] if self.kind == "subject" else (*keys, _ODD)
        return {number for key in wanted for number in self._keys.get(key, ())}

    def _keys_of(self, text: str, facts: Facts) -> Iterable[Hashable]:
        """What predicates can need of a text: of a subject, its words."""
        if self.kind == "subject":
            return tokens(text)
        odd = not text.isascii() or "+" in text or "xn--" in text
        return (*([_ODD] if odd else []), *address_keys(self.kind, facts.people.primary(text), text))

    def with_text(self, literal: str) -> set[int]:
        """The numbers of the values that have a literal in them, in whatever case, and of those with a letter that some
        comparisons take for another.
        """
        joined, starts, strange = self._lines
        numbers = set(strange)
        place = joined.find(literal)
        while place >= 0:
            number = bisect_right(starts, place) - 1
            numbers.add(number)
            place = joined.find(literal, starts[number + 1]) if number + 1 < len(starts) else -1
        return numbers

    @cached_property
    def _lines(self) -> tuple[str, list[int], list[int]]:
        lines = [text.lower() for text in self.texts]
        starts = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))
        return (
            "\n".join(lines),
            starts,
            [number for number, text in enumerate(self.texts) if not text.isascii() and _STRANGE & set(text)],
        )
