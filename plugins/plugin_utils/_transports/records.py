# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP's messages as a real engine sends them: fragments put together, and the records that are not output objects.

Pure. Sources: [MS-PSRP] 2.2 for the layout; docs/docsite/rst/fidelity.rst, "The wires", for
what leaves the engine: characters that XML forbids, and halves of surrogate pairs. PowerShell 7.6 also sends records
that contain themselves. A record that cannot be read costs itself and not the answer around it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from .clixml import unescape

_FRAGMENT = struct.Struct(">QQBI")
_MESSAGE = struct.Struct("<II16s16s")
_START, _END = 1, 2
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile("&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,10}));")
_STATE = re.compile(r'<I32[^>]*\bN="(?:PipelineState|RunspaceState)"[^>]*>\s*(\d+)\s*<')

UNREADABLE = "(unreadable)"


@dataclass(frozen=True)
class RemoteError:
    """An error record.

    :param message: its text.
    :param exception_type: the .NET type of its exception; empty where it is unknown.
    :param error_id: FullyQualifiedErrorId.
    :param activity: the cmdlet that reported it; empty where the engine itself did.
    :param target: what it is about.
    :param reason: the name of the exception that stands in its category; over Microsoft's module, the service's own.
    """

    message: str
    exception_type: str = ""
    error_id: str = ""
    activity: str = ""
    target: str = ""
    reason: str = ""


class Fragments:
    """Puts messages together out of their fragments."""

    def __init__(self) -> None:
        self._begun: dict[int, list[bytes]] = {}

    def messages(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The type and the content of each message that ``data`` completes.

        :raises ValueError: this is no fragment, or not the next one of its message.
        """
        view = memoryview(data)
        start = 0
        while start < len(view):
            if len(view) - start < _FRAGMENT.size:
                raise ValueError("half the head of a fragment")
            object_id, number, flags, length = _FRAGMENT.unpack_from(view, start)
            start += _FRAGMENT.size
            if len(view) - start < length:
                raise ValueError("half a fragment")
            parts = [] if flags & _START else self._begun.get(object_id)
            if parts is None or number != len(parts):
                raise ValueError("a fragment that is not the next one of its message")
            parts.append(bytes(view[start : start + length]))
            start += length
            if flags & _END:
                self._begun.pop(object_id, None)
                yield _message(b"".join(parts))
            else:
                self._begun[object_id] = parts


def _message(data: bytes) -> tuple[int, bytes]:
    if len(data) < _MESSAGE.size:
        raise ValueError("half the head of a message")
    return _MESSAGE.unpack_from(data)[1], data[_MESSAGE.size :].removeprefix(_BYTE_ORDER_MARK)


def readable(content: bytes) -> str:
    """The text of a message. What XML cannot hold is written as CLIXML writes it, so that it comes out of the decoder
    as it was.

    :raises ValueError: it has a document type, which CLIXML never has.
    """
    try:
        text = content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    if "<!" in text:
        raise ValueError("a document type or an entity, which CLIXML never has")
    return _NOT_XML.sub(
        lambda match: _escape(ord(match[0])), _REFERENCE.sub(_reference, text) if "&#" in text else text
    )


def _reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    if code > 0x10FFFF:
        return "\ufffd"
    return _escape(code) if _NOT_XML.match(chr(code)) else match[0]


def _escape(code: int) -> str:
    return f"_x{code:04X}_"


def warning(text: str) -> str:
    """The text of a warning record."""
    try:
        message = _member(ElementTree.fromstring(text), "InformationalRecord_Message")  # noqa: S314 (document types are refused above)
    except (ElementTree.ParseError, RecursionError):
        return UNREADABLE
    return UNREADABLE if message is None else unescape(message.text or "")


def error(text: str) -> RemoteError:
    """An error record."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (document types are refused above)
        return _error(root, root)
    except (ElementTree.ParseError, RecursionError):
        return RemoteError(UNREADABLE)


def state(text: str) -> tuple[int, RemoteError | None]:
    """The state that a pipeline or a pool has come to, and the error that brought it there.

    :raises ValueError: it names no state.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (document types are refused above)
    except (ElementTree.ParseError, RecursionError):
        match = _STATE.search(text)
        if match is None:
            raise ValueError("a state that cannot be read") from None
        return int(match[1]), RemoteError(UNREADABLE)
    numbers = [
        member.text or "" for name in ("PipelineState", "RunspaceState") if (member := _member(root, name)) is not None
    ]
    if not numbers or not numbers[0].strip().isdigit():
        raise ValueError("a state that cannot be read")
    reason = _member(root, "ExceptionAsErrorRecord")
    return int(numbers[0]), None if reason is None or reason.tag == "Nil" else _error(root, reason)


def _error(root: ElementTree.Element, record: ElementTree.Element) -> RemoteError:
    def text(name: str) -> str:
        member = _member(record, name)
        return "" if member is None else unescape(member.text or "")

    exception = _resolved(root, _member(record, "Exception"))
    shown = record.find("ToString")
    message = unescape(shown.text or "") if shown is not None else ""
    if not message and exception is not None:
        member = _member(exception, "Message")
        message = "" if member is None else unescape(member.text or "")
    return RemoteError(
        message=message or text("ErrorDetails_Message") or UNREADABLE,
        exception_type=_type(root, exception).removeprefix("Deserialized."),
        error_id=text("FullyQualifiedErrorId"),
        activity=text("ErrorCategory_Activity") or text("CommandInfo_Name"),
        target=text("ErrorCategory_TargetName"),
        reason=text("ErrorCategory_Reason"),
    )


def _member(element: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next(
        (
            child
            for part in ("MS", "Props")
            for child in element.iterfind(f"{part}/*")
            if unescape(child.get("N", "")) == name
        ),
        None,
    )


def _resolved(root: ElementTree.Element, element: ElementTree.Element | None) -> ElementTree.Element | None:
    """The object itself, if a record only refers to it."""
    if element is None or element.tag != "Ref":
        return element
    return next((candidate for candidate in root.iter("Obj") if candidate.get("RefId") == element.get("RefId")), None)


def _type(root: ElementTree.Element, element: ElementTree.Element | None) -> str:
    if element is None:
        return ""
    names = element.find("TN")
    reference = element.find("TNRef")
    if names is None and reference is not None:
        names = next(
            (candidate for candidate in root.iter("TN") if candidate.get("RefId") == reference.get("RefId")), None
        )
    first = None if names is None else names.find("T")
    return "" if first is None else first.text or ""
