# SPDX-License-Identifier: GPL-3.0-or-later
"""Anything at all, given to whatever reads what others wrote: decoders, the broker's socket, and the values of a
playbook over both wires.

The law: what is not understood is an error of the kind that its reader promises, and what is accepted goes there and
back unchanged.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from xml.etree import ElementTree

import yaml
from ansible.playbook.play_context import PlayContext
from ansible_collections.m365.message_encryption.plugins.connection import exchange as _exchange
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import image
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    InvalidValueError,
    OptionError,
    OutcomeUnknownError,
    ProtocolError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import timespan_days
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import (
    SECTIONS,
    SETTINGS_FIELDS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import server as _server
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.frames import receive
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import (
    authentication,
    decode,
    encode,
    records,
    rest_answers,
    service_errors,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml as _clixml
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Failure
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.unit.transports.wires import MODULE_BENEATH

from .world import World

FIELDS = [
    *(row for table in (IRM_CONFIGURATION, ACTIVESYNC_ORG_SETTINGS, OME_CONFIGURATION) for row in table.fields),
    *(row for fields in SECTIONS.values() for row in fields),
    *SETTINGS_FIELDS,
]

#: What texts are made to break: scripts, templates, markup, encodings, and the edges of what the wires carry.
HOSTILE = (
    *(
        'it\'s "quoted" \u2018typographic\u2019 \u201ctoo\u201d',
        "'; Remove-TransportRule x; '",
        "$(Remove-TransportRule *) ${env:PATH} `$x `n",
        "@(1) @{a=1} --% #",
    ),
    *(
        "{{ lookup('pipe', 'id') }}",
        "{% raw %} {# #}",
        "!unsafe x",
        "_x0041_ _x000D__x000A_ _X005F_ _x",
        "]]> <!-- --> &amp; &#0; <S N='V'>",
        "<!DOCTYPE x>",
    ),
    *(
        "a\0b",
        "\ud800",
        "\udc00\ud800",
        "\ufffe",
        "\uffff",
        "😀 \U0010ffff \ufffd \ufeff",
        "\r\n\t a\rb\x85\u2028\u202e",
        "\x01\x1f\x7f",
        "#Int32 @odata.type",
        "%s %n ../../x",
    ),
)
TEXTS = (
    st.text(st.characters(exclude_categories=()), max_size=60)
    | st.sampled_from(HOSTILE)
    | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join)
)
#: Texts that nearly are sizes, time spans, dates, colors, numbers, addresses or lists of arguments.
NEARLY = (
    st.text("0123456789.,:-+PTDHMSWYZ GMKB()bytes#abcdef", max_size=24)
    | st.from_regex(r"-?(\d{1,9}\.)?\d{1,3}:\d{1,3}:\d{1,3}(\.\d{0,9})?", fullmatch=True)
    | st.from_regex(r"-?P(\d{0,9}D)?(T\d{0,9}[HMS])?", fullmatch=True)
    | st.from_regex(r"\d{1,5}(\.\d{1,3})? ?(TB|GB|MB|KB|B|bytes)?( \([0-9,. ]{0,20} bytes\))?", fullmatch=True)
    | st.from_regex(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{0,9})?)?)?(Z|[+-]\d\d:\d\d)?", fullmatch=True)
    | st.from_regex(r"#?[0-9a-fA-F]{3,8}", fullmatch=True)
)
EDGES = st.sampled_from(
    [
        "9" * 400,
        "9" * 5000,
        "1" * 400 + "TB",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1e999",
        "NaN",
        "-0",
        "\u00b2",
        "\uff11\uff12",
    ]
)
ANY = TEXTS | NEARLY | EDGES
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(ANY | st.sampled_from(["Data", "Days", "@odata.type"]), inner, max_size=4)
    ),
    max_leaves=8,
)

_TAGS = (
    *(
        "Obj",
        "MS",
        "Props",
        "S",
        "I32",
        "I64",
        "U64",
        "By",
        "B",
        "Nil",
        "DT",
        "TS",
        "BA",
        "G",
        "C",
        "D",
        "Db",
        "Sg",
        "SS",
        "URI",
        "Version",
        "XD",
        "SBK",
    ),
    *("LST", "QUE", "STK", "IE", "DCT", "En", "TN", "TNRef", "T", "ToString", "Ref", "PR", "Unknown"),
)


@st.composite
def _elements(draw: st.DrawFn, depth: int = 0) -> ElementTree.Element:
    names = draw(
        st.dictionaries(st.sampled_from(["N", "RefId"]), st.sampled_from(["0", "1", "Key", "Value", "Name", "_x0041_"]))
    )
    element = ElementTree.Element(draw(st.sampled_from(_TAGS)), names)
    element.text = draw(st.none() | st.text("0aP-:T.=_xé", max_size=6) | NEARLY)
    if depth < 4:
        element.extend(draw(st.lists(_elements(depth + 1), max_size=3)))
    return element


@st.composite
def _damaged(draw: st.DrawFn, documents: st.SearchStrategy[str]) -> str:
    """A document out of which a part is cut, or into which something is put."""
    text = draw(documents)
    start = draw(st.integers(0, len(text)))
    return (
        text[:start]
        + draw(st.just("") | st.text(max_size=3) | st.sampled_from(HOSTILE))
        + text[start + draw(st.integers(0, 8)) :]
    )


_DOCUMENTS = _elements().map(lambda element: ElementTree.tostring(element, encoding="unicode"))


def clixml(text: str) -> None:
    try:
        found = _clixml.decode(text)
    except (ValueError, RecursionError):
        found = {}
    json.dumps(found)
    try:
        sent = records.readable(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return
    for kind in (records.warning, records.error):
        kind(sent)  # raises nothing


def encoded(value: Any) -> None:
    """Goes there and back."""
    try:
        element = _clixml.encode(value)
    except _clixml.ValueTooLargeError:
        return
    ElementTree.tostring(element)
    json.dumps(encode.json_parameter(value)).encode("ascii")


def json_objects(data: Mapping[str, Any]) -> None:
    json.dumps(decode.json_object(data))


def answers(given: tuple[int, Mapping[str, str], Any]) -> None:
    status, headers, body = given
    content = body if isinstance(body, bytes) else json.dumps(body).encode("ascii")
    found = rest_answers.outcome(Call("Get-IRMConfiguration"), status, headers, content)
    assert isinstance(found, (Result, Failure, rest_answers.Page))
    if not isinstance(found, rest_answers.Page):
        assert found.error is not None
        assert "\n" not in found.error.message or body != b""
    authentication.claims_of(headers.get("WWW-Authenticate", ""))


def time_spans(text: str) -> None:
    for function in (decode.timespan, decode.instant):
        once = function(text)
        assert function(once) == once, (function, text)
    try:
        timespan_days(text)
    except ValueError:
        return


def refusals(text: str) -> None:
    error_id, exception_type, message = service_errors.parts(text)
    error = service_errors.classify(message, exception_type=exception_type, error_id=error_id, cmdlet="Get-X")
    assert isinstance(ExchangeError.from_wire(json.loads(json.dumps(error.to_wire()))), type(error))


def pictures(content: bytes) -> None:
    width, height = image.dimensions(content)
    assert isinstance(width, int)
    assert isinstance(height, int)


def declared(given: tuple[Field, Any]) -> None:
    """A value of a playbook is refused by the option's name, or has one canonical form, which both wires carry."""
    row, value = given
    try:
        canonical, refusal = row.parse(value), None
    except OptionError as error:
        canonical, refusal = None, error
    if refusal:
        assert str(refusal).startswith(row.option)
        return
    assert row.parse(canonical) == canonical
    assert row.equal(canonical, canonical)
    row.show(canonical)
    encoded(row.send(canonical))


def stored(given: tuple[Field, Any]) -> None:
    """A value of an organization is understood, or refused by its property's name."""
    row, value = given
    try:
        found, refusal = row.read({row.output or row.parameter: value}), None
    except ProtocolError as error:
        found, refusal = None, error
    if refusal:
        assert (row.output or row.parameter) in str(refusal)
        return
    assert row.equal(found, found)
    json.dumps(row.show(found))


class _Nowhere:
    """A wire that brings nothing."""

    name, endpoint, user, is_closed = "rest", "nowhere", "", False
    secrets: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def turn(self, *_how: Any) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def attempt(self, calls: Any) -> list[Any]:
        return [Result(objects=[{"Name": "contoso.onmicrosoft.com"}]) for _call in calls]

    def close(self) -> None:
        pass


def broker(messages: list[bytes | Any]) -> None:
    """The broker answers each frame or hangs up; its thread raises nothing, and it serves the next one."""
    server = _server.Broker(lambda identity: _Nowhere())
    raised: list[BaseException] = []

    def serve(connection: socket.socket) -> None:
        try:
            server._worker(connection)
        except BaseException as error:
            raised.append(error)

    for parts in (messages, [{"operation": "close", "key": "x"}]):
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=serve, args=(theirs,))
        thread.start()
        with ours:
            ours.settimeout(10)
            try:
                for part in parts:
                    payload = part if isinstance(part, bytes) else json.dumps(part).encode()
                    ours.sendall(payload if isinstance(part, bytes) else struct.pack(">I", len(payload)) + payload)
                ours.shutdown(socket.SHUT_WR)
                answer: Any = {}
                while answer is not None:
                    previous, answer = answer, receive(ours)
            except (BrokenPipeError, ConnectionResetError):
                pass
        thread.join(10)
        assert not thread.is_alive()
    server.end()
    assert not raised, raised
    assert previous == {"log": []} or previous == {}, previous


_OPTIONS: Mapping[str, Any] = {
    name: row.get("default") for name, row in yaml.safe_load(_exchange.DOCUMENTATION)["options"].items()
}


def identities(items: list[dict[str, Any]]) -> None:
    """The items of a loop, for each of which core sets the options of one connection object anew: each has the identity
    of its own options, or none.
    """
    connection = _exchange.Connection.__new__(_exchange.Connection)
    connection._playbook, connection._client, connection._built_from, connection._defs = 0, None, None, dict(_OPTIONS)
    connection._play_context = PlayContext()
    connection._play_context.remote_addr = "tenant"
    for item in items:
        given = {**_OPTIONS, **item}
        extras = given.pop("_extras", {})
        connection._options = {**given, "_extras": extras}
        connection._origins = dict.fromkeys(_OPTIONS, "default") | dict.fromkeys(item, "var: x")
        # As if this item were the only one.
        options = {name: _identity.Option(given[name], connection._origins[name]) for name in _OPTIONS}
        wanted = _built(partial(_identity.build, options, extras))
        for _call in range(2):
            found = _built(lambda: connection._broker().identity)
            assert found == wanted, (found, wanted)


def _built(build: Callable[[], Any]) -> Any:
    try:
        return build()
    except OptionError as error:
        return str(error)


_FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "operation": st.sampled_from(["invoke", "describe", "close"]) | JSON,
        "key": st.sampled_from(["x", "y"]) | JSON,
        "calls": st.lists(st.fixed_dictionaries({"cmdlet": ANY | JSON, "parameters": JSON})) | JSON,
        "identity": JSON,
        "reuse": JSON,
        "fresh": JSON,
    },
)


_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "exchange_transport": st.sampled_from(["rest", "psrp"]),
        "exchange_organization": st.sampled_from(["", "a.onmicrosoft.com", "b.onmicrosoft.com"]),
        "exchange_client_id": st.sampled_from(["", "1", "2"]),
        "exchange_client_secret": st.sampled_from(["", "s", "t"]),
        "exchange_access_token": st.sampled_from(["", "u"]),
        "exchange_certificate_thumbprint": st.sampled_from(["", "v"]),
        "exchange_api_url": st.sampled_from(["", "https://127.0.0.1:1", "https://127.0.0.1:2", "http://example.com"]),
        "exchange_psrp_connect": st.sampled_from(["exchange_online", "none"]),
        "exchange_verify_organization": st.booleans(),
        "exchange_retries": st.integers(0, 2),
        "remote_addr": st.sampled_from(["one", "two"]),
        "remote_user": st.sampled_from([None, "x", "y"]),
        "remote_password": st.sampled_from([None, "p", "q"]),
        "port": st.sampled_from([None, 5985, 5986]),
        "auth": st.sampled_from(["negotiate", "basic"]),
        "_extras": st.dictionaries(st.sampled_from(["ansible_exchange_x", "ansible_exchange_y"]), st.just("")),
    },
)


def _given_to(row: Field) -> st.SearchStrategy[tuple[Field, Any]]:
    """A row with what Ansible's own validation lets through for it."""
    value: Any = {"bool": st.booleans(), "int": st.integers(), "list": st.lists(ANY, max_size=3)}.get(
        row.kind.spec["type"], ANY
    )
    if row.kind.spec.get("choices"):
        value = st.sampled_from(row.kind.spec["choices"])
        value = st.lists(value, max_size=3) if row.kind.spec["type"] == "list" else value
    return st.tuples(st.just(row), value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=8,
)
_HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "WWW-Authenticate", "x-ExceptionType", "Content-Type"]),
    ANY.map(lambda text: text.strip()),
)
_ERRORS = st.fixed_dictionaries(
    {"error": JSON | st.fixed_dictionaries({"details": JSON, "message": JSON, "innererror": JSON})}
)
_LISTS = st.fixed_dictionaries(
    {"value": JSON | st.lists(JSON)},
    optional={"@adminapi.errors": JSON, "@adminapi.warnings": JSON, "@odata.nextLink": JSON},
)

#: A name to what is drawn, and to what is done with it. What it raises, or does not hold, breaks the law.
TARGETS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "CLIXML": (_DOCUMENTS | _damaged(_DOCUMENTS) | ANY, clixml),
    "values into CLIXML and JSON": (VALUES, encoded),
    "JSON objects": (
        st.dictionaries(
            ANY | st.sampled_from(["A", "A@data.type", "A@odata.type"]),
            JSON | st.sampled_from(["System.Guid", "#Collection(Byte)", "Byte[]"]),
        ),
        json_objects,
    ),
    "HTTP answers": (st.tuples(st.integers(100, 599), _HEADERS, st.binary() | JSON | _ERRORS | _LISTS), answers),
    "time spans and dates": (ANY, time_spans),
    "error texts": (ANY | st.lists(ANY).map("|".join), refusals),
    "pictures": (
        st.tuples(
            st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"]),
            st.binary(max_size=200),
        ).map(b"".join),
        pictures,
    ),
    "declared values": (st.sampled_from(FIELDS).flatmap(_given_to), declared),
    "stored values": (st.tuples(st.sampled_from(FIELDS), JSON), stored),
    "identities of a loop's items": (st.lists(_ITEMS, max_size=6), identities),
    "frames of the broker": (st.lists(_FRAMES | st.binary(max_size=40), max_size=4), broker),
}


def texts_over(world: World, wire: str) -> Callable[[tuple[str, ...]], None]:
    """What gives texts to rules and brandings over a wire: each is refused by name and nothing is sent, or stored as it
    is, and found again. Where Microsoft's module is beneath, which repeats calls, a refusal is read back.
    """
    refusals = (OptionError, InvalidValueError, *([OutcomeUnknownError] if wire in MODULE_BENEATH else []))

    def check(texts: tuple[str, ...]) -> None:
        name, comment, word, pattern, portal = texts
        world.start({"advanced_message_encryption": True})
        rule = {
            "name": name,
            "comments": comment,
            "conditions": {"subject_contains_words": [word], "subject_matches_patterns": [pattern]},
        }
        for module, options, part, expected in (
            (
                "ome_transport_rule",
                {**rule, "actions": {"prepend_subject": portal}},
                "transport_rules",
                {"Comments": comment, "SubjectContainsWords": [word]},
            ),
            (
                "ome_configuration",
                {"portal_text": portal, "verify_timeout": 4},
                "ome_configurations",
                {"PortalText": portal},
            ),
        ):
            outcome = world.run(wire, module, options)
            if isinstance(outcome.error, refusals):
                assert not any(write.effective for write in outcome.writes), (texts, outcome)
                continue
            assert outcome.error is None, (texts, outcome.error)
            found = world.organization.state[part][0]
            assert {
                key: found.get(key) or ([] if isinstance(value, list) else "") for key, value in expected.items()
            } == expected, (texts, found)
            assert not world.run(wire, module, options).result["changed"], texts

    return check


WISHES = st.tuples(ANY, ANY, ANY, ANY, ANY)


def run(strategy: st.SearchStrategy[Any], check: Callable[[Any], None], *, number: int, executions: int) -> int:
    """Runs a target. Gives how many executions there were; an AssertionError or any other says what broke the law."""
    count = 0

    @seed(number)
    @settings(
        max_examples=executions,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def law(drawn: Any) -> None:
        nonlocal count
        count += 1
        check(drawn)

    law()
    return count
