# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture: what an organization answered to reads, as a file from which it can be read again. Private to the collection.

A capture holds what came through the seam and nothing else: no credential, and nothing that was not asked. So what it lacks is not known,
and a session over it says so instead of "not there".
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import exact_digest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, NotCapturedError, OptionError

FORMAT = 1

#: What a capture has, with the type of each part.
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
    """An organization as it was read.

    :param organization: its initial domain; empty where it was not known.
    :param tenant_id: empty where it was not known.
    :param captured_at: when it was read; with a time zone.
    :param collection_version: the version of the collection that read it.
    :param transport: over what it was read.
    :param reads: the calls and what each brought.
    """

    organization: str
    tenant_id: str
    captured_at: datetime.datetime
    collection_version: str
    transport: str
    reads: tuple[tuple[Call, Result], ...]

    def document(self) -> dict[str, Any]:
        """The capture as its file has it, with its digest."""
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
        """What each call brought, by :func:`name_of_call`."""
        return {name_of_call(call): result for call, result in self.reads}

    def age(self, now: datetime.datetime) -> datetime.timedelta:
        """How long ago it was read."""
        return now - self.captured_at


def name_of_call(call: Call) -> str:
    """A call as a key: Exchange does not tell apart the case of cmdlets and parameters."""
    wire = call.to_wire()
    parameters = {name.lower(): value for name, value in wire["parameters"].items()}
    return json.dumps([wire["cmdlet"].lower(), parameters], sort_keys=True)


def capture_of(document: Any, where: str) -> Capture:
    """The capture of a document.

    :param where: the option and the file, for an error.
    :raises OptionError: it is no capture, of another format, or was changed after it was written.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("reads"), list):
        raise OptionError(f"{where} is no capture of an organization.", remedy=_REMEDY)
    if document.get("format") != FORMAT or isinstance(document["format"], bool):
        raise OptionError(
            f"{where} has format {document.get('format')!r}, and this version of the collection reads format {FORMAT}.",
            remedy="Use the version of the collection that wrote it, or take a new one.",
        )
    wrong = [name for name, kind in _PARTS.items() if not isinstance(document.get(name), kind)]
    if wrong or set(document) != set(_PARTS):
        odd = [*wrong, *sorted(set(document) - set(_PARTS))]
        raise OptionError(f"{where} is no capture of an organization: {', '.join(map(repr, odd))} is missing, of the wrong type or unknown.", remedy=_REMEDY)
    if exact_digest({name: value for name, value in document.items() if name != "digest"}) != document["digest"]:
        raise OptionError(
            f"{where} does not match its own digest: it was changed after it was written, or is cut off.",
            remedy="Take a new one. The guide about plans without a tenant has a script that masks addresses and writes the digest anew.",
        )
    try:
        captured_at = datetime.datetime.strptime(document["captured_at"], _TIME).replace(tzinfo=datetime.UTC)
        reads = tuple(_read_of(read) for read in document["reads"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(f"{where} is no capture of an organization: it has a time or a read that none can be.", remedy=_REMEDY) from error
    return Capture(document["organization"], document["tenant_id"], captured_at, document["collection_version"], document["transport"], reads)


_REMEDY = "The playbook m365.message_encryption.snapshot writes one beside each snapshot."


def not_captured(call: Call, where: str) -> Result:
    """The result of a call that the capture does not hold."""
    return Result(error=NotCapturedError(f"the capture {where} does not hold what this read brought, so nothing is known of it.", cmdlet=call.cmdlet))


def _read_document(call: Call, result: Result) -> dict[str, Any]:
    brought: dict[str, Any] = {"objects": result.objects} if result.error is None else {"error": result.error.to_wire()}
    return {**call.to_wire(), **brought}


def _read_of(read: Mapping[str, Any]) -> tuple[Call, Result]:
    """A read as a file has it. Raises what is wrong with it as ValueError, TypeError, KeyError or AttributeError."""
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
