# SPDX-License-Identifier: GPL-3.0-or-later
"""WS-Management envelopes: what a shell's client sends, and what a server answers."""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from xml.etree import ElementTree

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsman": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "wst": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "cfg": "http://schemas.microsoft.com/wbem/wsman/1/config",
    "fault": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "pwsh": "http://schemas.microsoft.com/powershell",
}
for _prefix, _namespace in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _namespace)

ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"

#: Codes that clients look at.
OPERATION_TIMEOUT = 2150858793
SHELL_NOT_FOUND = 2150858843
BAD_CONFIGURATION = 2150859181


@dataclass
class Fault(Exception):
    """A WSManFault: the answer instead of the one that was asked for."""

    code: int
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Envelope:
    """A request.

    :param timeout: seconds after which the server must answer, if only with a timeout.
    """

    action: str
    message_id: str
    resource_uri: str
    shell_id: str
    timeout: float
    body: ElementTree.Element

    @property
    def step(self) -> str:
        """The action's last word in lower case: create, command, send, receive, signal, delete, get, …"""
        return self.action.rpartition("/")[2].lower()

    def find(self, path: str) -> ElementTree.Element | None:
        return self.body.find(path, NAMESPACES)


def parse(data: bytes) -> Envelope:
    """The request in an HTTP body.

    :raises ValueError: it is none.
    """
    try:
        # Requests come from the tests on this machine.
        root = ElementTree.fromstring(data)  # noqa: S314
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    header, body = root.find("s:Header", NAMESPACES), root.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise ValueError("not a SOAP envelope")

    def text(path: str) -> str:
        element = header.find(path, NAMESPACES)
        return (element.text or "").strip() if element is not None else ""

    seconds = re.fullmatch(r"PT(\d+(?:\.\d+)?)S", text("wsman:OperationTimeout"))
    return Envelope(
        text("wsa:Action"),
        text("wsa:MessageID"),
        text("wsman:ResourceURI"),
        text("wsman:SelectorSet/wsman:Selector[@Name='ShellId']").upper(),
        float(seconds[1]) if seconds else 60.0,
        body,
    )


def element(tag: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    """An element by its prefixed name."""
    prefix, name = tag.split(":")
    made = ElementTree.Element(f"{{{NAMESPACES[prefix]}}}{name}", attributes)
    made.text = text
    return made


def _child(parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    made = element(tag, text, **attributes)
    parent.append(made)
    return made


def answer(request: Envelope | None, *contents: ElementTree.Element, action: str = "") -> bytes:
    """The envelope of an answer to ``request``."""
    root = element("s:Envelope")
    header = _child(root, "s:Header")
    _child(header, "wsa:Action", action or (f"{request.action}Response" if request else FAULT_ACTION))
    _child(header, "wsa:MessageID", f"uuid:{str(uuid.uuid4()).upper()}")
    _child(header, "wsa:To", ANONYMOUS)
    if request is not None:
        _child(header, "wsa:RelatesTo", request.message_id)
    _child(root, "s:Body").extend(contents)
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def fault(request: Envelope | None, problem: Fault) -> bytes:
    """The envelope of a fault; goes out with HTTP status 500."""
    made = element("s:Fault")
    code = _child(made, "s:Code")
    _child(code, "s:Value", "s:Receiver")
    _child(_child(code, "s:Subcode"), "s:Value", "w:InternalError")
    _child(_child(made, "s:Reason"), "s:Text", problem.reason)
    detail = _child(_child(made, "s:Detail"), "fault:WSManFault", None, Code=str(problem.code), Machine="localhost")
    _child(detail, "fault:Message", problem.reason)
    return answer(request, made, action=FAULT_ACTION)


def shell_created(shell_id: str, resource_uri: str) -> list[ElementTree.Element]:
    created = element("wst:ResourceCreated")
    _child(created, "wsa:Address", "http://localhost/wsman")
    parameters = _child(created, "wsa:ReferenceParameters")
    _child(parameters, "wsman:ResourceURI", resource_uri)
    _child(_child(parameters, "wsman:SelectorSet"), "wsman:Selector", shell_id, Name="ShellId")
    shell = element("rsp:Shell")
    for name, text in (
        ("ShellId", shell_id),
        ("ResourceUri", resource_uri),
        ("InputStreams", "stdin pr"),
        ("OutputStreams", "stdout"),
    ):
        _child(shell, f"rsp:{name}", text)
    return [created, shell]


def received(chunks: list[bytes], command_id: str | None, *, done: bool) -> ElementTree.Element:
    response = element("rsp:ReceiveResponse")
    target = {"CommandId": command_id} if command_id else {}
    for chunk in chunks:
        _child(response, "rsp:Stream", base64.b64encode(chunk).decode("ascii"), Name="stdout", **target)
    if command_id:
        state = "Done" if done else "Running"
        _child(
            response, "rsp:CommandState", None, CommandId=command_id, State=f"{NAMESPACES['rsp']}/CommandState/{state}"
        )
    return response


def configuration(maximum_kb: int) -> ElementTree.Element:
    """The server's settings; clients ask for the size that an envelope may have."""
    made = element("cfg:Config")
    _child(made, "cfg:MaxEnvelopeSizekb", str(maximum_kb))
    return made
