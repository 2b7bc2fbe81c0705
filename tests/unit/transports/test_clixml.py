# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIXML: what is encoded is decoded, what servers send ends in canonical form, and nothing hostile gets through."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml
from hypothesis import given
from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def one(inner: str) -> Any:
    return clixml.decode(f'<Obj RefId="0"><MS>{inner}</MS></Obj>')["X"]


def round_trip(value: Any) -> Any:
    element = clixml.encode(value)
    element.set("N", "X")
    return one(ElementTree.tostring(element, encoding="unicode"))


class Tagged(str):
    """As ansible-core's own strings: a subclass."""


@given(ANY_TEXT)
def test_any_text_comes_back(text: str) -> None:
    joined = (
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if _decodable(text) else text
    )
    assert round_trip(text) == joined


def _decodable(text: str) -> bool:
    try:
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        (2**31 - 1, "I32"),
        (2**31, "I64"),
        (-(2**31) - 1, "I64"),
        (True, "B"),
        (None, "Nil"),
        (b"", "BA"),
        (Tagged("x"), "S"),
        ((), "Obj"),
        ({}, "Obj"),
    ],
)
def test_values_are_typed(value: Any, tag: str) -> None:
    assert clixml.encode(value).tag == tag


def test_an_integer_that_no_type_holds_is_refused() -> None:
    with pytest.raises(clixml.ValueTooLargeError):
        clixml.encode(2**63)


def test_dates_keep_their_instant() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert round_trip(datetime.datetime(2026, 1, 1, 1, 0, tzinfo=zone)) == "2025-12-31T23:00:00Z"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.just("text"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab_x0"), inner, max_size=4),
        max_leaves=15,
    )
)
def test_structures_come_back(value: Any) -> None:
    assert round_trip(value) == value


NAMES = '<TN RefId="9"><T>{}</T></TN>'


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<BA N="X"/>', ""),
        ('<TS N="X">P7D</TS>', "7.00:00:00"),
        ('<DT N="X">2022-10-19T20:31:31-07:00</DT>', "2022-10-20T03:31:31Z"),
        ('<G N="X">AAAAAAAA-0000-0000-0000-00000000000A</G>', "aaaaaaaa-0000-0000-0000-00000000000a"),
        ('<URI N="X">https://x/_x0041_</URI>', "https://x/A"),
        ('<D N="X">3.0</D>', 3),
        ('<S N="X"></S>', ""),
        ('<Nil N="X"/>', None),
        (
            f'<Obj N="X" RefId="1">{NAMES.format("System.Enum")}<ToString>Optional</ToString><I32>1</I32></Obj>',
            "Optional",
        ),
        (
            f'<Obj N="X" RefId="1">{NAMES.format("Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String]]")}<LST><S>a</S></LST></Obj>',
            ["a"],
        ),
        (
            f'<Obj N="X" RefId="1">{NAMES.format("Exchange.ByteQuantifiedSize")}<ToString>10 MB</ToString><Props><I32 N="a">1</I32></Props></Obj>',
            "10 MB",
        ),
        (
            f'<Obj N="X" RefId="1">{NAMES.format("System.Management.Automation.PSCustomObject")}<ToString>@{{a=1}}</ToString><MS><I32 N="a">1</I32></MS></Obj>',
            {"a": 1},
        ),
        ('<Obj N="X" RefId="1"><S>text</S><MS><S N="PSComputerName">h</S></MS></Obj>', "text"),
        (
            '<Obj N="Y" RefId="1"><LST><S>a</S></LST><MS><Obj N="Owner" RefId="2"><S>b</S></Obj></MS></Obj><Ref N="X" RefId="2"/>',
            "b",
        ),
        ('<Ref N="X" RefId="0"/>', None),
    ],
)
def test_what_servers_send(inner: str, expected: Any) -> None:
    assert one(inner) == expected


def test_what_remoting_adds_goes() -> None:
    text = '<Obj RefId="0"><Props><S N="Name">n</S></Props><MS><S N="PSComputerName">h</S><G N="RunspaceId">x</G></MS></Obj>'
    assert clixml.decode(text) == {"Name": "n"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Obj",
        "text",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Obj RefId="0"><MS><S N="X">&e;</S></MS></Obj>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><S>&b;</S>',
        '<Obj RefId="0"><MS><I32 N="X">one</I32></MS></Obj>',
        '<Obj RefId="0"><MS><BA N="X">!</BA></MS></Obj>',
        '<Obj RefId="0"><MS><Odd N="X"/></MS></Obj>',
        '<Obj RefId="0"><DCT><En/></DCT></Obj>',
        '<Obj RefId="0"><MS><Ref N="X" RefId="7"/></MS></Obj>',  # whatever it is, it is not unset
        "<Obj><LST>" * 300 + "</LST></Obj>" * 300,
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        clixml.decode(text)
    assert "passwd" not in str(refusal.value)


LEAVES = ("S", "I32", "B", "BA", "DT", "TS", "G", "Nil", "ToString", "D", "C", "URI", "Db")
TAGS = st.sampled_from(("Obj", "TN", "T", "TNRef", "Ref", "LST", "DCT", "En", "MS", "Props", *LEAVES))


def _tree(tag: str, children: list[ElementTree.Element], text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, RefId="0", N="Key")
    element.text = text
    element.extend(children)
    return element


@given(
    st.recursive(
        TAGS.map(ElementTree.Element),
        lambda inner: st.builds(_tree, TAGS, st.lists(inner, max_size=4), st.text("01aP-:T.=", max_size=5)),
        max_leaves=20,
    )
)
def test_no_tree_breaks_the_decoder(tree: ElementTree.Element) -> None:
    try:
        json.dumps(clixml.decode(ElementTree.tostring(tree, encoding="unicode")))
    except ValueError:
        return


@given(st.binary(max_size=300))
def test_bytes_come_back_as_base64(data: bytes) -> None:
    assert round_trip(data) == base64.b64encode(data).decode()
