# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that an action shows reaches the main process, and nothing else leaves the worker."""

from __future__ import annotations

import fcntl
import functools
import os
import struct
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import base
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import (
    MOST_COLUMNS,
    columns_of,
    show,
    show_folded,
)


class Queue:
    """What core's worker has to the main process."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.to_stderr: list[bool] = []

    def send_display(self, *arguments: Any, **more: Any) -> None:
        self.sent.append(arguments)
        self.to_stderr.append(more["stderr"])


def test_a_wrapper_that_writes_to_the_workers_own_output_is_passed_by(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the one of ansible-runner 2.4.1 does: display_callback/callback/awx_display.py, display_with_context."""
    core = Display.display

    @functools.wraps(core)
    def wrapper(*arguments: Any, **more: Any) -> Any:
        sys.stdout.write("\x1b[K mark \x1b[K")
        return core(*arguments, **more)

    queue = Queue()
    monkeypatch.setattr(Display, "display", wrapper)
    monkeypatch.setattr(Display(), "_final_q", queue)
    show("a difference")
    assert queue.sent == [("display", "a difference")]
    assert capsys.readouterr().out == ""


def test_without_a_wrapper_it_is_cores_method(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(Display(), "_final_q", queue)
    show("a difference")
    assert queue.sent == [("display", "a difference")]


@pytest.mark.parametrize(
    ("callback", "to_stderr"),
    [("default", False), ("yaml", False), ("ansible.posix.json", True), ("ansible.posix.jsonl", True)],
)
def test_where_the_output_is_json_it_goes_beside_it(
    monkeypatch: pytest.MonkeyPatch, callback: str, to_stderr: bool
) -> None:
    queue = Queue()
    monkeypatch.setattr(Display(), "_final_q", queue)
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", callback)
    show("a difference")
    assert queue.to_stderr == [to_stderr]


@pytest.mark.parametrize(("width", "columns"), [(80, 80), (200, MOST_COLUMNS), (10, 40), (0, MOST_COLUMNS)])
def test_sentences_are_as_wide_as_the_terminal(width: int, columns: int) -> None:
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        assert columns_of(theirs) == columns
    finally:
        os.close(ours)
        os.close(theirs)


def test_without_a_terminal_sentences_are_as_wide_as_on_a_wide_one(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert columns_of(log.fileno()) == MOST_COLUMNS


def test_sentences_are_folded_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(base, "show", texts.append)
    monkeypatch.setattr(base, "COLUMNS", 40)
    show_folded(f"  {'rule ' * 20}")
    (text,) = texts
    assert max(map(len, text.split("\n"))) <= 40
    assert text.split() == ["rule"] * 20
