# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unmet expectations, as text for people. Private to the collection."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.expectations import (
    Failure,
    Tested,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.expected import Broken

#: The maximum number of protecting rules without effect to name.
_PASSED = 5


def lines(values: Mapping[str, Any]) -> list[str]:
    """Keys and values, one a line."""
    return [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
    ]


def sides(broken: Sequence[Broken]) -> tuple[list[str], list[str]]:
    """What was expected of a recipient and what came out, as lines."""
    wanted = {each.key or "recipient": each.wanted if each.key else "gets the message" for each in broken}
    found = {
        each.key or "recipient": "absent"
        if each.found is None and each.key
        else each.found
        if each.key
        else "gets nothing"
        for each in broken
    }
    return lines(wanted), lines(found)


def failure_text(failure: Failure) -> str:
    """One recipient's broken expectations, as a diff with the rules that decided."""
    wanted, found = sides(failure.broken)
    head = f"{failure.message}, to {failure.recipient}:"
    body = [
        line
        for line in difflib.unified_diff(wanted, found, "expected", "answer", lineterm="", n=0)
        if not line.startswith("@@")
    ]
    return "\n".join(
        [head, *(f"  {line}" for line in [*body, *decided(failure.result, failure.trace, failure.protecting)])]
    )


def failure_diff(failure: Failure) -> dict[str, str]:
    """The same as a diff of Ansible's."""
    before, after = ("\n".join(side) + "\n" for side in sides(failure.broken))
    of = f"{failure.message}, {failure.recipient}"
    return {"before_header": f"{of} (expected)", "after_header": f"{of} (answer)", "before": before, "after": after}


def tested_text(tested: Tested) -> str:
    """What became of messages in a sentence, and the text of each failure after it."""
    recipients = sum(len(message["recipients"]) for message in tested.messages)
    head = f"{_count(len(tested.messages), 'message')}, {_count(recipients, 'recipient')}"
    if not tested.failures:
        all_ = "the one expectation is" if tested.expectations == 1 else f"all {tested.expectations} expectations are"
        return f"{head}: {all_} met." if tested.expectations else f"{head}."
    some = (
        "the one expectation is"
        if tested.expectations == 1
        else f"{len(tested.failures)} of {tested.expectations} expectations are"
    )
    return "\n".join([f"{head}: {some} not met.", *map(failure_text, tested.failures)])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def decided(
    result: Mapping[str, Any] | None, trace: Sequence[Mapping[str, Any]], protecting: Collection[str]
) -> list[str]:
    """The reasons for the answer: the rules that matched, those that would have protected the message but did not, and
    what is open.
    """
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
    return (
        f"and {number} more rule{'s' if number > 1 else ''} that protect{'' if number > 1 else 's'} mail did not match"
    )


def _passed(entry: Mapping[str, Any]) -> str:
    """Why a rule did not act."""
    if "reason" in entry:
        return f"rule {entry['rule']!r} did not act: {entry['reason']}"
    because = entry["because"][0]
    section = "condition" if because["section"] == "conditions" else "exception"
    return f"rule {entry['rule']!r} did not match: the {section} {because['option']} is {str(because['result']).lower()} of {because['saw']}"
