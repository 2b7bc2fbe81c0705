# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames: what is sent is received, and nothing else is."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import frames as _frames
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.json_values import JSON


def received(data: bytes) -> dict[str, Any] | None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        return _frames.receive(theirs)


@given(st.dictionaries(st.text(), JSON))
def test_what_is_sent_is_received(message: dict[str, Any]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        _frames.send(ours, message)
        assert _frames.receive(theirs) == message


def test_a_surrogate_survives() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        _frames.send(ours, {"text": "\ud800 \0"})
        assert _frames.receive(theirs) == {"text": "\ud800 \0"}


def test_an_end_between_frames_is_an_end() -> None:
    assert received(b"") is None


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", _frames.MAXIMUM + 1),
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 3) + b"\xff\xfe{",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(_frames.FrameError):
        received(data)


def test_deeply_nested_json_is_refused() -> None:
    text = b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    with pytest.raises(_frames.FrameError):
        received(struct.pack(">I", len(text)) + text)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_ends(data: bytes) -> None:
    try:
        message = received(data)
    except _frames.FrameError:
        return
    assert message is None or isinstance(message, dict)


def test_a_message_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_frames, "MAXIMUM", 100)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(_frames.FrameTooLargeError):
            _frames.send(ours, {"text": "x" * 100})
        _frames.send(ours, {"text": "x"})
        assert _frames.receive(theirs) == {"text": "x"}
