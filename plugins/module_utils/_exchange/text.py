# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes values into text, and untrusted text safe to show in a terminal or page and to paste into a PowerShell
console."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

#: Invisible characters that change what is displayed (terminal, direction and width controls), and characters that XML
#: 1.0 cannot represent.
_INVISIBLE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    r"\U000e0000-\U000e007f"
)
_FOR_PEOPLE = re.compile(f"[{_INVISIBLE}]")
#: In a console, a tab completes and a line feed submits, so they are written as numbers, too.
_FOR_CONSOLES = re.compile(f"([\t\n{_INVISIBLE}])")
#: PowerShell accepts each of these to open or close a single-quoted string.
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")

#: The most columns of a line on a terminal.
MOST_COLUMNS = 160

#: What the second line of a folded one begins with, behind the first one's own indentation.
FOLD_INDENT = "  "

#: The number of values that a sentence lists.
_LISTED = 3


def visible(text: str) -> str:
    """The text with each character that could control a terminal or mislead a reader replaced, such as by ``[U+202E]``.
    Tabs and line feeds stay.
    """
    return _FOR_PEOPLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """A visible text on one line: tabs and line feeds are replaced, too."""
    return visible(text).replace("\t", "[U+0009]").replace("\n", "[U+000A]")


def folded(lines: Iterable[str], columns: int = MOST_COLUMNS) -> Iterator[str]:
    """Lines as a terminal shows them: long ones in several. A word longer than a line, such as a path, stays whole.

    :param columns: the width of the terminal.
    """
    for line in (part for text in lines for part in text.split("\n")):
        if len(line) <= columns:
            yield line
            continue
        indentation = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(
            line,
            columns,
            subsequent_indent=f"{indentation}{FOLD_INDENT}",
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        )


def value_text(value: Any, others: Callable[[Any], str] = repr) -> str:
    """A setting's value in a sentence: booleans as in a playbook, ``None`` as ``not set``.

    :param others: makes the text of all other values.
    """
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else others(value)


def listed(values: Sequence[Any], mark: str = "", joint: str = "or", most: int = _LISTED) -> str:
    """Values in a row: ``a, b or c``; of many the first ``most`` ones, with how many others there are. A single other one is
    named, too.

    :param mark: the quotation mark around each value.
    """
    most = len(values) if len(values) == most + 1 else most
    shown, more = [f"{mark}{value}{mark}" for value in values[:most]], len(values) - most
    if more > 0:
        shown.append(f"{more} others")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def quoted(text: str) -> str:
    """A text in quotation marks, as it is: ``'Tom'``, ``"Tom's"``."""
    mark = '"' if "'" in text and '"' not in text else "'"
    return f"{mark}{text}{mark}"


#: The number of characters of a text that are shown.
LONGEST_SHOWN = 120


def short(text: str) -> str:
    """A text as one line, without its end if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}..."


def powershell_string(text: str) -> str:
    """A one-line PowerShell expression for exactly this text, safe to paste into a console.

    Everything that PowerShell treats as a quote is doubled, and control characters are written as numbers.
    """
    first, *others = _FOR_CONSOLES.split(text)
    if not others:
        return _quoted(first)
    pieces = [
        _quoted(first),
        *(
            _character(piece) if index % 2 == 0 else _quoted(piece)
            for index, piece in enumerate(others)
            if index % 2 == 0 or piece
        ),
    ]
    return f"({' + '.join(pieces)})"


def _quoted(text: str) -> str:
    return "'" + _QUOTES.sub(lambda quote: quote[0] * 2, text) + "'"


def _character(character: str) -> str:
    code = ord(character)
    return f"[char]0x{code:02X}" if code < 0x10000 else f"[char]::ConvertFromUtf32(0x{code:X})"
