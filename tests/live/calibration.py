# SPDX-License-Identifier: GPL-3.0-or-later
"""What real mail told of the questions that only mail can tell: files with the ``calibration`` of
``mail_flow_evidence``, which has counts alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .unknowns import ONLY_MAIL_TELLS

#: The keys of a row: the question's number, the copies for and against, and whether an answer is taken for likely.
_KEYS = {"id", "for", "against", "likely"}


def calibration_lines(paths: Iterable[Path]) -> list[str]:
    """The lines of the report: for each question, the copies of all files.

    :raises ValueError: a file has another form, or more than counts in it.
    """
    found: dict[str, Counter[str]] = {}
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = content.get("calibration") if isinstance(content, dict) else None
        if not isinstance(rows, list):
            raise ValueError(f"{path} has no list calibration")
        for row in rows:
            number = row.get("id")
            if set(row) != _KEYS or number not in {each for each, _question, _experiment in ONLY_MAIL_TELLS}:
                raise ValueError(
                    f"{path} has a row that is no calibration: its keys are {', '.join(sorted(_KEYS))}, and its id is the number of a question"
                )
            counts = found.setdefault(number, Counter())
            counts.update({key: int(row[key]) for key in ("for", "against")})
            counts["likely"] |= bool(row["likely"])
    head = [
        "## What real mail told",
        "",
        "| number | not known | taken for likely | for | against |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {number} | {question} | {'yes' if found[number]['likely'] else 'no'} | {found[number]['for']:,} | {found[number]['against']:,} |"
        for number, question, _experiment in ONLY_MAIL_TELLS
        if number in found
    ]
    return [*head, *lines, ""]
