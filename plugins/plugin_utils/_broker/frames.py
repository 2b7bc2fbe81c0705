# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON frames on the broker's socket: four bytes of length, big-endian, then one JSON object in UTF-8.

Private to the collection.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
#: Bytes. The largest thing that travels is a whole organization's rules, about 3 MB for 300 of them.
MAXIMUM = 64 * 1024 * 1024
_CHUNK = 1024 * 1024


class FrameError(Exception):
    """What arrived is not a frame of ours. The connection is of no further use."""


class FrameTooLargeError(FrameError):
    """A message of ours is larger than a frame may be. Nothing was sent; the connection is still good."""


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
    """The next frame; None where the peer has closed the connection between two frames.

    :raises FrameError: garbage, a length beyond :data:`MAXIMUM`, or an end inside a frame.
    :raises OSError: the peer is gone.
    """
    head = _exactly(connection, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAXIMUM:
        raise FrameError(f"a frame of {length} bytes is announced, {MAXIMUM} are allowed")
    payload = _exactly(connection, length)
    if len(payload) != length:
        raise FrameError("the peer closed the connection inside a frame")
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        raise FrameError("a frame does not hold JSON") from None
    if not isinstance(message, dict):
        raise FrameError("a frame does not hold a JSON object")
    return message


def closed(connection: socket.socket) -> bool:
    """Whether the peer, from whom nothing is due now, has closed the connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _exactly(connection: socket.socket, length: int) -> bytes:
    """Length bytes; fewer only where the peer closed, and then either none or FrameError for a part of a head."""
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(_CHUNK, length - len(parts)))
        if not part:
            if parts:
                raise FrameError("the peer closed the connection inside a frame")
            break
        parts += part
    return bytes(parts)
