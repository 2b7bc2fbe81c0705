# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private parts of pypsrp that the collection touches. A failure here says that pypsrp has changed: see ``_pypsrp.py``."""

from __future__ import annotations

import inspect

from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp as _pypsrp
from pypsrp.messages import Destination, Message, MessageType, PipelineOutput
from pypsrp.powershell import RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan


def test_the_parts_are_where_they_were() -> None:
    wsman = WSMan("localhost", auth="basic", username="u", password="p")
    pool = RunspacePool(wsman)
    assert isinstance(pool._serializer, Serializer)
    assert pool._fragmenter.serializer is pool._serializer
    assert list(inspect.signature(RunspacePool._receive).parameters) == ["self", "id", "timeout"]
    assert list(inspect.signature(Serializer.deserialize).parameters) == ["self", "element", "metadata", "clear"]
    assert list(inspect.signature(wsman.transport.send).parameters) == ["message", "retries_on_read_timeout", "timeout"]
    assert {"encryption", "wrap_required", "connection_timeout", "read_timeout"} <= set(vars(wsman.transport))


def test_output_objects_reach_our_decoder() -> None:
    """pypsrp gives an output object to ``deserialize`` as text, with nothing beside it."""
    packed = Message(Destination.CLIENT, None, None, PipelineOutput(), Serializer())
    packed.message_type = MessageType.PIPELINE_OUTPUT
    head = b"\x01\0\0\0" + MessageType.PIPELINE_OUTPUT.to_bytes(4, "little") + b"\0" * 32
    data = head + b'<Obj RefId="0"><MS><BA N="Image"/><Obj N="List" RefId="1"><TN RefId="0"><T>MultiValuedProperty`1</T></TN><LST/></Obj></MS></Obj>'
    assert Message.unpack(data, _pypsrp._Serializer()).data.data == {"Image": "", "List": []}


def test_an_output_object_that_cannot_be_read_is_a_reason_and_no_exception() -> None:
    head = b"\x01\0\0\0" + MessageType.PIPELINE_OUTPUT.to_bytes(4, "little") + b"\0" * 32
    assert isinstance(Message.unpack(head + b"<Obj RefId", _pypsrp._Serializer()).data.data, str)
