# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture: an organization's answers to reads in a file, so that they can be read again.

A capture contains only the calls and results of a session, and no credential. Anything else is unknown, and a session
over the capture reports it as unknown instead of absent.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .cmdlet import Call, Result
from .document import exact_digest
from .errors import ExchangeError, NotCapturedError, OptionError
from .tenant import ORGANIZATION_CONFIG, identity_of

FORMAT = 1

#: The parts of a capture with their types.
_PARTS: Mapping[str, type] = {
    "format": int,
    "organization": str,
    "tenant_id": str,
    "captured_at": str,
    "collection_version": str,
    "transport": str,
    "reads": list,
    "digest": str,
}
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Capture:
    """A captured organization.

    :param organization: its initial domain; empty if unknown.
    :param tenant_id: empty if unknown.
    :param captured_at: when it was read; with a time zone.
    :param collection_version: the version of the collection that read it.
    :param transport: the transport that read it.
    :param reads: the calls and their results.
    """

    organization: str
    tenant_id: str
    captured_at: datetime.datetime
    collection_version: str
    transport: str
    reads: tuple[tuple[Call, Result], ...]

    def document(self) -> dict[str, Any]:
        """The content of the file, with its digest."""
        said = {
            "format": FORMAT,
            "organization": self.organization,
            "tenant_id": self.tenant_id,
            "captured_at": self.captured_at.astimezone(datetime.UTC).strftime(_TIME),
            "collection_version": self.collection_version,
            "transport": self.transport,
            "reads": [_read_document(call, result) for call, result in self.reads],
        }
        return {**said, "digest": exact_digest(said)}

    def answers(self) -> Mapping[str, Result]:
        """The result of each call, by :func:`name_of_call`."""
        return {name_of_call(call): result for call, result in self.reads}

    def age(self, now: datetime.datetime) -> datetime.timedelta:
        """The time since it was read."""
        return now - self.captured_at


def name_of_call(call: Call) -> str:
    """A call as a key. Exchange ignores the case of cmdlets and parameters."""
    wire = call.to_wire()
    parameters = {name.lower(): value for name, value in wire["parameters"].items()}
    return json.dumps([wire["cmdlet"].lower(), parameters], sort_keys=True)


def capture_of(document: Any, where: str) -> Capture:
    """The capture in a document.

    :param where: the option and the file, for errors.
    :raises OptionError: it is not a capture, has another format, was changed after it was written, or contradicts
        itself.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("reads"), list):
        raise OptionError(f"{where} is not a capture of an organization.", remedy=_REMEDY)
    if document.get("format") != FORMAT or isinstance(document["format"], bool):
        raise OptionError(
            f"{where} has format {document.get('format')!r}, but this version of the collection reads format {FORMAT}.",
            remedy="Use the version of the collection that wrote it, or take a new one.",
        )
    wrong = [name for name, kind in _PARTS.items() if not isinstance(document.get(name), kind)]
    if wrong or set(document) != set(_PARTS):
        odd = [*wrong, *sorted(set(document) - set(_PARTS))]
        raise OptionError(
            f"{where} is not a capture of an organization: missing, unknown, or of the wrong type: {', '.join(map(repr, odd))}.",
            remedy=_REMEDY,
        )
    if exact_digest({name: value for name, value in document.items() if name != "digest"}) != document["digest"]:
        raise OptionError(
            f"{where} does not match its own digest: it was changed after it was written, or is incomplete.",
            remedy="Take a new one. The guide about plans without a tenant has a script that masks addresses and updates the digest.",
        )
    try:
        captured_at = datetime.datetime.strptime(document["captured_at"], _TIME).replace(tzinfo=datetime.UTC)
        reads = tuple(_read_of(read) for read in document["reads"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(
            f"{where} is not a capture of an organization: it has an invalid time or read.", remedy=_REMEDY
        ) from error
    capture = Capture(
        document["organization"],
        document["tenant_id"],
        captured_at,
        document["collection_version"],
        document["transport"],
        reads,
    )
    if why := _contradiction(capture):
        raise OptionError(f"{where} contradicts itself: {why}.", remedy="Take a new one.")
    return capture


def _contradiction(capture: Capture) -> str:
    """Why a reader could take a capture for something else than a session does; empty if none could."""
    seen: set[str] = set()
    for call, _result in capture.reads:
        name = name_of_call(call)
        if name in seen:
            return f"it has the same read of {call.cmdlet} twice"
        seen.add(name)
    config = next(
        (
            result
            for call, result in capture.reads
            if call.cmdlet.lower() == ORGANIZATION_CONFIG.cmdlet.lower() and len(result.objects) == 1
        ),
        None,
    )
    if config is None:
        return ""
    organization = identity_of(config.objects[0])
    differs = (capture.organization, capture.tenant_id) != (organization.name, organization.tenant_id)
    return (
        f"it says that it is of {capture.organization or 'an unnamed organization'}, but it was read from {organization.name}"
        if differs
        else ""
    )


_REMEDY = "The playbook m365.message_encryption.snapshot writes one with each snapshot."


def not_captured(call: Call, where: str) -> Result:
    """The result of a call that the capture does not contain."""
    return Result(
        error=NotCapturedError(
            f"the capture {where} does not contain this read, so its result is unknown.", cmdlet=call.cmdlet
        )
    )


def _read_document(call: Call, result: Result) -> dict[str, Any]:
    brought: dict[str, Any] = {"objects": result.objects} if result.error is None else {"error": result.error.to_wire()}
    return {**call.to_wire(), **brought}


def _read_of(read: Mapping[str, Any]) -> tuple[Call, Result]:
    """A read from a file. Raises ValueError, TypeError, KeyError or AttributeError if it is invalid."""
    call = Call.from_wire(read)
    if not call.is_read or ("objects" in read) == ("error" in read):
        raise ValueError(read["cmdlet"])
    if "error" in read:
        return call, Result(error=ExchangeError.from_wire({name: _text(text) for name, text in read["error"].items()}))
    return call, Result(objects=list(_objects(read["objects"])))


def _objects(objects: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise TypeError("objects")
    return objects


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("error")
    return value
