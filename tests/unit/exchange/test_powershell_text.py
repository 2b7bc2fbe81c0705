# SPDX-License-Identifier: GPL-3.0-or-later
"""Printed commands against an independent model of how PowerShell reads its strings: what is read back is what was
meant, and nothing runs.

The model's rules, of PowerShell's own tokenizer: five characters open and close a single-quoted string, whichever of
them opened it; two of them in a row inside it stand for the second; everything else inside it is itself.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.printed import check_call
from tests.rounds import rounds

#: The digest of FIPS 180-4's example.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
QUOTES = ["\N{APOSTROPHE}", *map(chr, range(0x2018, 0x201C))]


class NotPowerShell(Exception):
    """The text does not parse, or holds more than one command with literal arguments."""


class Reader:
    """Reads one command whose arguments are literals: what PowerShell would bind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def command(self) -> tuple[str, dict[str, Any]]:
        name = self._match(r"[A-Za-z]+-[A-Za-z0-9]+")
        parameters: dict[str, Any] = {}
        while self.at < len(self.text):
            parameter = self._match(r" -([A-Za-z][A-Za-z0-9]*)[: ]")[2:-1]
            parameters[parameter] = self.value()
        return name, parameters

    def value(self) -> Any:
        for word, meaning in (("$null", None), ("$true", True), ("$false", False)):
            if self._take(word):
                return meaning
        if self._take("@("):
            return self._items(")", ", ", self.value)
        if self._take("@{"):
            return dict(self._items("}", "; ", self._pair))
        if self._take("([System.IO.File]::ReadAllBytes("):
            size, digest = re.fullmatch(r"<(\d+) bytes, SHA-256 ([0-9a-f]{64})>", self.string()).groups()  # type: ignore[union-attr]
            self._need("))")
            return int(size), digest
        if self._take("([byte[]]@())"):
            return 0, hashlib.sha256().hexdigest()
        if self._take("("):
            return "".join(self._items(")", " + ", self._piece))
        if self.text[self.at : self.at + 1] in QUOTES:
            return self.string()
        return int(self._match(r"-?\d+"))

    def string(self) -> str:
        if self.text[self.at : self.at + 1] not in QUOTES:
            raise NotPowerShell(self.text[self.at :])
        read, at = "", self.at + 1
        while True:
            character = self.text[at : at + 1]
            if not character:
                raise NotPowerShell("no end of a string")
            if character in QUOTES:
                at += 1
                character = self.text[at : at + 1]
                if character not in QUOTES or not character:
                    self.at = at
                    return read
            read += character
            at += 1

    def _piece(self) -> str:
        if self._take("[char]0x"):
            return chr(int(self._match(r"[0-9A-F]{2,4}(?![0-9A-F])"), 16))
        if self._take("[char]::ConvertFromUtf32(0x"):
            character = chr(int(self._match("[0-9A-F]{5,6}"), 16))
            self._need(")")
            return character
        return self.string()

    def _pair(self) -> tuple[str, Any]:
        key = self.value()
        self._need(" = ")
        return key, self.value()

    def _items(self, end: str, between: str, one: Any) -> list[Any]:
        items: list[Any] = []
        while not self._take(end):
            if items:
                self._need(between)
            items.append(one())
        return items

    def _take(self, word: str) -> bool:
        found = self.text.startswith(word, self.at)
        self.at += len(word) * found
        return found

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise NotPowerShell(f"{word!r} expected at {self.text[self.at :]!r}")

    def _match(self, pattern: str) -> str:
        found = re.compile(pattern).match(self.text, self.at)
        if found is None:
            raise NotPowerShell(self.text[self.at :])
        self.at = found.end()
        return found[0]


def meant(value: Any) -> Any:
    """A value as the model reads it back."""
    if isinstance(value, bytes):
        return len(value), hashlib.sha256(value).hexdigest()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: meant(item) for key, item in value.items()}
    return [meant(item) for item in value] if isinstance(value, list) else value


def acts_on_a_console(text: str) -> bool:
    """Whether a console would act on it: controls, line ends, halves of characters, changes of direction."""
    directions = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in directions
        or character in "\u200e\u200f\u061c"
        for character in text
    )


TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from([*QUOTES, "\n", "\x03", "\u202e"]), max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXTS
    | st.binary(max_size=9)
    | st.datetimes(timezones=st.just(datetime.UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=rounds(500))
@example({"Comments": "\u2019; Remove-TransportRule * ; \u2019"})
@example({"Comments": "it\u2019s", "Name": "".join(QUOTES)})
@example({"Comments": "x\x03Remove-TransportRule y\r"})
@example({"Comments": "", "Words": [], "Identity": None, "Table": {"a\u2019b": "c"}})
@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z0-9]{0,8}", fullmatch=True), VALUES, max_size=4))
def test_a_command_says_what_is_meant_and_no_more(parameters: dict[str, Any]) -> None:
    text = str(Call("Set-TransportRule", parameters))
    assert Reader(text).command() == ("Set-TransportRule", meant(parameters))
    assert not acts_on_a_console(text)


UNICODE = range(sys.maxunicode + 1)


def _with_quotes(codes: range) -> Iterator[str]:
    """Characters by the thousands, alone and before quotes."""
    for start in range(0, len(codes), 0x1000):
        block = [chr(code) for code in codes[start : start + 0x1000]]
        yield "".join(block)
        yield "".join(character + quote for character, quote in zip(block, QUOTES * 0x1000, strict=False))


def test_every_character_of_unicode_is_only_a_character() -> None:
    for text in _with_quotes(UNICODE):
        assert Reader(str(Call("Set-TransportRule", {"Comments": text}))).command() == (
            "Set-TransportRule",
            {"Comments": text},
        )


@pytest.mark.engine
def test_powershell_itself_reads_every_character_as_itself() -> None:
    """The model's word is checked: PowerShell's own parser and binder. They read units of UTF-16, of which each is in
    the first plane, in the first row of pairs, or among every 64th character after that.
    """
    for text in itertools.chain(_with_quotes(UNICODE[:0x10400]), _with_quotes(UNICODE[0x10400::64])):
        parameters = {"Identity": "x", "Comments": text}
        check_call(str(Call("Set-TransportRule", parameters)), parameters)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("it\u2019s", "'it\u2019\u2019s'"),
        (None, "$null"),
        ([], "@()"),
        (["a", "b"], "@('a', 'b')"),
        (True, "$true"),
        (-3, "-3"),
        ("one\r\ntwo", "('one' + [char]0x0D + [char]0x0A + 'two')"),
        (b"abc", f"([System.IO.File]::ReadAllBytes('<3 bytes, SHA-256 {ABC}>'))"),
        (b"", "([byte[]]@())"),
        (datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC), "'2026-01-02T03:04:00+00:00'"),
        ({"a b": "c"}, "@{'a b' = 'c'}"),
    ],
)
def test_how_values_are_printed(value: Any, printed: str) -> None:
    assert str(Call("Set-X", {"Value": value})) == f"Set-X -Value {printed}"
