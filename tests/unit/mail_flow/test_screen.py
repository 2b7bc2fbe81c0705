# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says fits a terminal, and its last lines stand whatever comes before."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import MOST_COLUMNS, folded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import (
    MOST_LINES,
    WordedResult,
    screen_of,
)


def test_short_lines_stay() -> None:
    assert screen_of(["One.", "  Two.", "Three.\n  Four."], ["Last."]) == "One.\n  Two.\nThree.\n  Four.\nLast."


def test_a_long_line_becomes_several_that_say_the_same() -> None:
    line = f"  {'word ' * 100}end."
    found = screen_of([line]).split("\n")
    assert len(found) > 1
    assert max(map(len, found)) <= MOST_COLUMNS
    assert " ".join(" ".join(found).split()) == " ".join(line.split())
    assert found[0].startswith("  word")
    assert all(each.startswith("    word") for each in found[1:])


@pytest.mark.parametrize(("count", "more"), [(MOST_LINES - 1, 0), (MOST_LINES, 2), (100, 62)])
def test_the_last_lines_stand_however_many_come_before(count: int, more: int) -> None:
    found = screen_of([f"{number}." for number in range(count)], ["Last."]).split("\n")
    assert len(found) == MOST_LINES
    assert found[-1] == "Last."
    assert (f"{more} more lines" in found[-2]) == bool(more)


def test_no_heading_is_the_last_before_what_is_left_out() -> None:
    lines = [*(f"{number}." for number in range(MOST_LINES - 2)), "What the rules do:", *["  More."] * 5]
    found = screen_of(lines).split("\n")
    assert found[-2:] == ["37.", "... and 6 more lines. The result has everything."]


def test_a_word_wider_than_a_terminal_stays_whole() -> None:
    path = f"/runs/{'a' * MOST_COLUMNS}/report.html"
    assert list(folded([f"1 organization: 1 changed. Report: {path}"])) == [
        "1 organization: 1 changed. Report:",
        f"  {path}",
    ]


def test_a_result_keeps_its_lines_whole_and_fits_each_part() -> None:
    long = f"{'word ' * 50}end."
    found = WordedResult({"sent": 1}, (["First."], [], [long, "  One.\n  Two.", *["More."] * MOST_LINES]))
    assert found.lines == ["First.", long, "  One.", "  Two.", *["More."] * MOST_LINES]
    row = found.as_row()
    assert row["sent"] == 1
    assert row["msg"].split("\n")[0] == "First."
    assert len(row["msg"].split("\n")) == 1 + MOST_LINES
