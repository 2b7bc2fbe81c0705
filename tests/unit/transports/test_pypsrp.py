# SPDX-License-Identifier: GPL-3.0-or-later
"""The private parts of pypsrp, requests and urllib3 that the collection touches. A failure here says that one of them
has changed: see ``pypsrp.py`` and ``limits.py`` among the transports.
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from typing import Any

import requests
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp as _pypsrp
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import Limits
from pypsrp.messages import Message, MessageType
from pypsrp.negotiate import HTTPNegotiateAuth
from pypsrp.powershell import RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan
from urllib3.connection import HTTPConnection, HTTPSConnection

from tests.unit.connections import Script


def test_the_parts_are_where_they_were() -> None:
    wsman = WSMan("localhost", auth="basic", username="u", password="p")
    pool = RunspacePool(wsman)
    assert isinstance(pool._serializer, Serializer)
    assert pool._fragmenter.serializer is pool._serializer
    assert list(inspect.signature(pool._fragmenter.defragment).parameters) == ["data"]
    assert list(inspect.signature(RunspacePool._receive).parameters) == ["self", "id", "timeout"]
    assert list(inspect.signature(Serializer.deserialize).parameters) == ["self", "element", "metadata", "clear"]
    assert list(inspect.signature(wsman.transport.send).parameters) == ["message", "retries_on_read_timeout", "timeout"]
    assert list(inspect.signature(wsman.transport._build_session).parameters) == []
    assert {"encryption", "wrap_required", "connection_timeout", "read_timeout"} <= set(vars(wsman.transport))


def test_connections_can_be_watched() -> None:
    session = requests.Session()
    adapter = session.get_adapter("https://localhost")
    assert set(adapter.poolmanager.pool_classes_by_scheme) == {"http", "https"}  # type: ignore[attr-defined]
    assert callable(adapter.proxy_manager_for)  # type: ignore[attr-defined]
    assert all(callable(kind._new_conn) for kind in (HTTPConnection, HTTPSConnection))
    assert callable(session.get_redirect_target)


def test_the_handshake_is_pypsrps_own() -> None:
    assert _pypsrp._HANDSHAKE == (MessageType.SESSION_CAPABILITY, MessageType.ENCRYPTED_SESSION_KEY)
    text = (
        '<Obj RefId="0"><MS><Version N="protocolversion">2.3</Version><Version N="PSVersion">2.0</Version>'
        '<Version N="SerializationVersion">1.1.0.1</Version><BA N="TimeZone"/></MS></Obj>'
    )
    message = Message.unpack(_pypsrp._head(MessageType.SESSION_CAPABILITY) + text.encode(), _pypsrp._Serializer())
    assert (message.message_type, message.data.protocol_version, message.data.time_zone) == (
        MessageType.SESSION_CAPABILITY,
        "2.3",
        b"",
    )


def test_authentication_sees_the_connection_of_an_answer(script: Callable[..., Script]) -> None:
    """pypsrp binds NTLM and Kerberos to the TLS channel with the certificate of an answer's connection, which is gone
    once the answer is read.
    """
    session = Limits().guard(requests.Session(), redirects=False)
    seen: list[Any] = []
    session.hooks["response"].append(lambda response, **_more: seen.append(response.raw._fp.fp.raw._sock))
    response = session.get(script((401, b"not yet")).url)
    assert isinstance(seen[0], socket.socket)
    assert response.content == b"not yet"
    assert callable(HTTPNegotiateAuth._get_cbt_data)
