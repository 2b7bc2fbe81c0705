# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts and differences as lines for people. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The maximum number of sentences about a difference in a message.
_SAID = 10


def verdict_lines(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each guarantee with its verdict, and for a refuted one the message that breaks it."""
    for each in verdicts:
        yield f"Guarantee {each['name']!r}: {each['verdict']}{_because(each)}."


def _because(verdict: Mapping[str, Any]) -> str:
    if verdict["verdict"] == "refuted":
        example = verdict["counterexample"]
        return f" by mail {card(example['message'], example['recipient'])}; {outcome(example['outcome'])}"
    if verdict["verdict"] == "unknown":
        return f" ({'; '.join(dict.fromkeys(each['id'] + ': ' + each['reason'] for each in verdict['unknown']))})"
    return ", under its assumptions"


def card(message: Mapping[str, Any], recipient: str) -> str:
    """A message in a few words."""
    subject = f" with the subject {message['subject']!r}" if message.get("subject") else ""
    return f"from {message['from']} to {recipient}{subject}"


def outcome(result: Mapping[str, Any]) -> str:
    """A recipient's result in a few words."""
    words = [str(result["fate"]), *([f"protection {result['protection']}"] if "protection" in result else [])]
    for later, when in (("after_approval", "after approval"), ("after_release", "after release")):
        if later in result:
            words.append(f"{when} {outcome(result[later])}")
    return ", ".join(words)


def difference_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The first sentences of a difference."""
    if "difference" not in result:
        return
    rows, more = result["difference"], result["difference_more"]
    if not rows:
        yield "No mail is treated differently."
    for row in rows[:_SAID]:
        yield str(row["text"])
    left = len(rows[_SAID:]) + more
    if left:
        yield f"{left} more {'is' if left == 1 else 'are'} not shown."
