# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expectations that were not met, as text that people read. Private to the collection."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.expected import Broken

#: So many rules that protect mail and did not act are named.
_PASSED = 5


def lines(values: Mapping[str, Any]) -> list[str]:
    """Keys and values, one a line."""
    return [f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def sides(broken: Sequence[Broken]) -> tuple[list[str], list[str]]:
    """What was expected of a recipient and what came out, as lines."""
    wanted = {each.key or "recipient": each.wanted if each.key else "gets the message" for each in broken}
    found = {each.key or "recipient": "absent" if each.found is None and each.key else each.found if each.key else "gets nothing" for each in broken}
    return lines(wanted), lines(found)


def explained(name: str, broken: Sequence[Broken], result: Mapping[str, Any] | None, trace: Sequence[Mapping[str, Any]], protecting: Collection[str]) -> str:
    """One recipient's broken expectations, as a diff with the rules that decided.

    :param protecting: the names of the rules that protect mail.
    """
    wanted, found = sides(broken)
    head = f"{name}, to {broken[0].recipient}:"
    body = [line for line in difflib.unified_diff(wanted, found, "expected", "answer", lineterm="", n=0) if not line.startswith("@@")]
    return "\n".join([head, *(f"  {line}" for line in [*body, *decided(result, trace, protecting)])])


def decided(result: Mapping[str, Any] | None, trace: Sequence[Mapping[str, Any]], protecting: Collection[str]) -> list[str]:
    """Why the answer is what it is: the rules that matched, those that would have protected the message and did not, and what is open."""
    said: list[str] = []
    passed: list[str] = []
    for entry in trace:
        if entry["matched"] is not False:
            word = "matched" if entry["matched"] is True else "may have matched"
            said.append(f"rule {entry['rule']!r} {word}: {', '.join(entry.get('actions', [])) or 'nothing is done'}")
        elif entry["rule"] in protecting:
            passed.append(_passed(entry))
    said += [*passed[:_PASSED], *([_more(len(passed) - _PASSED)] if len(passed) > _PASSED else [])]
    said += [f"open, {each['id']}: {each['reason']}" for each in (result or {}).get("unknown", [])]
    said += [f"this assumes {number}" for number in (result or {}).get("assumes", [])]
    return said


def _more(number: int) -> str:
    return f"and {number} more rule{'s' if number > 1 else ''} that protect{'' if number > 1 else 's'} mail did not match"


def _passed(entry: Mapping[str, Any]) -> str:
    """Why a rule did not act."""
    if "reason" in entry:
        return f"rule {entry['rule']!r} did not act: {entry['reason']}"
    because = entry["because"][0]
    section = "condition" if because["section"] == "conditions" else "exception"
    return f"rule {entry['rule']!r} did not match: the {section} {because['option']} is {str(because['result']).lower()} of {because['saw']}"
