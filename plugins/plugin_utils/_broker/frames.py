# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON frames on the broker's socket: four bytes of length, big-endian, then one JSON object in UTF-8."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
#: The maximum size in bytes. The largest message is a whole organization's rules, about 3 MB for 300 of them.
MAXIMUM = 64 * 1024 * 1024
_CHUNK = 1024 * 1024


class FrameError(Exception):
    """The received data is not a valid frame. The connection is no longer usable."""


class FrameTooLargeError(FrameError):
    """A message is larger than the maximum size of a frame. Nothing was sent; the connection is still usable."""


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Sends one frame.

    :raises FrameTooLargeError: nothing was sent.
    :raises OSError: the peer is gone.
    """
    payload = json.dumps(message, separators=(",", ":")).encode("utf-8")
    if len(payload) > MAXIMUM:
        raise FrameTooLargeError(f"a frame of {len(payload)} bytes is larger than {MAXIMUM} bytes")
    connection.sendall(_LENGTH.pack(len(payload)) + payload)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """The next frame; ``None`` if the peer closed the connection between two frames.

    :raises FrameError: invalid data, a length beyond :data:`MAXIMUM`, or an end inside a frame.
    :raises OSError: the peer is gone.
    """
    head = _exactly(connection, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAXIMUM:
        raise FrameError(f"the peer announced a frame of {length} bytes; the maximum is {MAXIMUM}")
    payload = _exactly(connection, length)
    if len(payload) != length:
        raise FrameError("the peer closed the connection inside a frame")
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        raise FrameError("a frame does not contain JSON") from None
    if not isinstance(message, dict):
        raise FrameError("a frame does not contain a JSON object")
    return message


def closed(connection: socket.socket) -> bool:
    """Whether the peer has closed the connection. Call this only while no data is expected."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _exactly(connection: socket.socket, length: int) -> bytes:
    """So many bytes, or none if the peer closed the connection before them. Raises FrameError if it closed after a part of
    them.
    """
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(_CHUNK, length - len(parts)))
        if not part:
            if parts:
                raise FrameError("the peer closed the connection inside a frame")
            break
        parts += part
    return bytes(parts)
