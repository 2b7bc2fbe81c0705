# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter values for the REST interface.

Sources of the forms: the service's metadata (tests/data/adminapi_metadata.xml), and what
CIPP and go-exoscc send.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._exchange.cmdlet import Value

_HASHTABLE = "#Exchange.GenericHashTable"


def json_parameter(value: Value) -> Any:
    """The JSON form of a whole parameter.

    An empty list does not clear a multi-valued property over this wire; an empty hashtable does.
    """
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and not value:
        return {"@odata.type": _HASHTABLE}
    return _json(value)


def _json(value: Value) -> Any:
    if isinstance(value, bytes):
        return {"@odata.type": "#Exchange.ByteArrayType", "Data": list(value)}  # Collection(Edm.Byte), so numbers
    if isinstance(value, datetime.datetime):
        return sortable(value)
    if isinstance(value, Mapping):
        return {"@odata.type": _HASHTABLE, **{str(key): _json(item) for key, item in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json(item) for item in value]
    return value


def sortable(value: datetime.datetime) -> str:
    """A date as text that sorts, in UTC: ``2026-01-31T12:00:00Z``."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
