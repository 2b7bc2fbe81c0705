# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts that may be read in HTML. Private to the collection.

Each step continues where the last one ended, so time is linear in the length of a text: crafted texts can keep the
standard library's parser busy for minutes.
"""

from __future__ import annotations

import html
import re

#: Elements that begin a new line of text.
_BLOCKS = frozenset(
    {
        "address",
        "blockquote",
        "br",
        "dd",
        "div",
        "dt",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    }
)

#: Elements with invisible content.
_SILENT = ("style", "script", "title")

_TAG = re.compile(r"<(!--|/?([a-zA-Z][a-zA-Z0-9]*)|[!?])")


def readings(source: str) -> tuple[str, str]:
    """The texts of HTML: one with the parts around an inline tag joined, one with them apart. Whether markup splits a
    word is not documented.
    """
    joined: list[str] = []
    apart: list[str] = []
    at = 0
    while (tag := _TAG.search(source, at)) is not None:
        text, name = html.unescape(source[at : tag.start()]), (tag[2] or "").lower()
        end = source.find("-->", tag.end()) if tag[1] == "!--" else source.find(">", tag.end())
        between = ("\n", "\n") if name in _BLOCKS else ("", " ")
        joined += (text, between[0])
        apart += (text, between[1])
        if end < 0:
            return "".join(joined), "".join(apart)
        at = end + (3 if tag[1] == "!--" else 1)
        if name in _SILENT and tag[1][0] != "/":
            closing = re.compile(f"</{name}", re.IGNORECASE).search(source, at)
            if closing is None:
                return "".join(joined), "".join(apart)
            at = closing.start()
    rest = html.unescape(source[at:])
    return "".join((*joined, rest)), "".join((*apart, rest))
