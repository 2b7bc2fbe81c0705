# SPDX-License-Identifier: GPL-3.0-or-later
"""Brackets of regular expressions: where one has no counterpart, no engine reads the expression, and Exchange refuses it
when the rule is saved.
"""

from __future__ import annotations

import re

#: What makes brackets mean something else: comments, and expressions with blanks and comments.
_COMMENTS = re.compile(r"\(\?#|\(\?[a-wyz-]*x")

#: One part of an expression: an escaped character, a bracket, or anything else.
_PART = re.compile(r"\\.|\\$|\[\^?\]?|[\s\S]", re.DOTALL)


def unbalanced(pattern: str, *, legacy: bool = False) -> str:
    """What is wrong with the brackets of a regular expression, in words; empty if nothing is, or that is not sure.

    :param legacy: whether it has the syntax of Exchange 2010, which has no classes.
    """
    if _COMMENTS.search(pattern) or (legacy and "[" in pattern):
        return ""
    groups, in_class = 0, False
    for part in _PART.findall(pattern):
        if part == "\\":
            return "a backslash at its end"
        if in_class:
            if part.startswith("["):
                return ""  # .NET reads a class within a class.
            in_class = part != "]"
        elif part.startswith("["):
            in_class = True
        elif part == "(":
            groups += 1
        elif part == ")" and not groups:
            return "a ) without its ("
        elif part == ")":
            groups -= 1
    if in_class:
        return "a [ without its ]"
    return "a ( without its )" if groups else ""
