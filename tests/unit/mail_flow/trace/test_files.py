# SPDX-License-Identifier: GPL-3.0-or-later
"""A message trace from files: every form in which one is saved, and everything that is none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import read_files
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    ALL_TIME,
    NO_SENDER,
    NO_TIME,
    SENT,
    Row,
    left_out,
    microseconds_of,
    rows_of_file,
)

NAMES = ("MessageTraceId", "Received", "SenderAddress", "RecipientAddress", "Subject", "Status", "Size", "FromIP")
CELLS = (
    "A1",
    "2026-11-18T14:03:04Z",
    "Megan@contoso.com",
    "Ann@Fabrikam.com",
    "Offer; and, more",
    "Delivered",
    "2048",
    "255.255.255.255",
)
WHEN = 1_795_010_584_000_000
ROW = Row("a1", WHEN, "megan@contoso.com", "ann@fabrikam.com", "Delivered", "Offer; and, more", 2048, "255.255.255.255")
GRAPH = ("id", "receivedDateTime", "senderAddress", "recipientAddress", "subject", "status", "size", "fromIP")


def csv_of(
    separator: str = ",", names: tuple[str, ...] = NAMES, cells: tuple[str, ...] = CELLS, quoted: bool = True
) -> str:
    mark = '"' if quoted else ""
    return "".join(f"{separator.join(f'{mark}{each}{mark}' for each in row)}\r\n" for row in (names, cells))


def with_cell(name: str, value: str) -> tuple[str, ...]:
    return tuple(value if each == name else cell for each, cell in zip(NAMES, CELLS, strict=True))


@pytest.mark.parametrize(
    "content",
    [
        csv_of().encode(),
        csv_of(";").encode("utf-8-sig"),
        csv_of("\t").encode("utf-16"),
        b"\xfe\xff" + csv_of().encode("utf-16-be"),
        csv_of().encode("utf-16-le"),
        f"#TYPE Deserialized\r\n{csv_of()}".encode(),
        f"sep=;\r\n{csv_of(';')}   \r\n".encode(),
        f'"sep=,"\r\n{csv_of()}{"," * 7}\r\n'.encode(),
        csv_of(cells=with_cell("RecipientAddress", "<Ann@Fabrikam.com>")).encode(),
        csv_of(cells=with_cell("MessageTraceId", "{A1}")).encode(),
        csv_of(names=tuple(name.replace("Address", "_address") for name in NAMES)).encode(),
        json.dumps([dict(zip(NAMES, CELLS, strict=True))]).encode(),
        json.dumps(dict(zip(NAMES, CELLS, strict=True))).encode("utf-8-sig"),
        json.dumps({"@odata.context": "x", "value": [dict(zip(GRAPH, CELLS, strict=True))]}).encode(),
        json.dumps([dict(zip(NAMES, with_cell("Received", "/Date(1795010584000)/"), strict=True))]).encode(),
        json.dumps(
            [
                {
                    **dict(zip(NAMES, CELLS, strict=True)),
                    "Received": {"value": "/Date(1795010584000)/", "DateTime": "x"},
                    "Size": 2048,
                }
            ]
        ).encode(),
    ],
)
def test_every_form_is_the_same_row(content: bytes) -> None:
    assert list(rows_of_file(content, "trace")) == [ROW]


def test_columns_that_are_not_there_are_unknown() -> None:
    names, cells = (tuple(each[place] for place in (0, 1, 2, 3, 5)) for each in (NAMES, CELLS))
    assert list(rows_of_file(csv_of(names=names, cells=cells).encode(), "trace")) == [
        Row("a1", WHEN, ROW.sender, ROW.recipient, "Delivered")
    ]


def test_american_dates_are_read_where_one_shows_that_they_are() -> None:
    first = csv_of(cells=with_cell("Received", "11/18/2026 2:03:04 PM"))
    assert list(rows_of_file(first.encode(), "trace")) == [ROW]


def test_an_enhanced_summary_report_has_the_copies_of_a_message_in_one_row() -> None:
    lines = [
        "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,network_message_id,original_client_ip,directionality",
        '2026-11-18T14:03:04Z,Megan@contoso.com,"Ann@Fabrikam.com##Receive, Deliver;joe@fabrikam.com##Receive, Send;'
        'sue@fabrikam.com##Receive, Fail;all@fabrikam.com##Receive, Other","Offer; and, more",2048,<x@y>,A1,203.0.113.25,1',
    ]
    rows = list(rows_of_file("\r\n".join(lines).encode("utf-16"), "trace"))
    # The client's address is not the last hop before the service.
    assert rows[0] == replace(ROW, from_ip="", message_id="x@y")
    assert [(row.recipient.partition("@")[0], row.status) for row in rows] == [
        ("ann", "Delivered"),
        ("joe", "Delivered"),
        ("sue", "Failed"),
        ("all", "Other"),
    ]
    assert {row.message for row in rows} == {"a1"}


@pytest.mark.parametrize(
    ("direction", "from_ip"),
    [("2", SENT), ("Outbound", SENT), ("Originating", SENT), ("1", ""), ("Incoming", ""), ("", ""), ("3", "")],
)
def test_an_enhanced_summary_report_tells_what_the_organization_sent(direction: str, from_ip: str) -> None:
    lines = [
        "origin_timestamp_utc,sender_address,recipient_status,message_id,original_client_ip,directionality",
        f'2026-11-18T14:03:04Z,megan@contoso.com,"ann@fabrikam.com##Receive, Send",<x@y>,203.0.113.25,{direction}',
    ]
    (row,) = rows_of_file("\r\n".join(lines).encode(), "trace")
    assert row.from_ip == from_ip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (
            b"date_time_utc,event_id,recipient_address,recipient_status,network_message_id\r\n",
            "it is an extended report, whose rows are events",
        ),
        (
            b"name,mail\r\nAnn,ann@fabrikam.com\r\n",
            "it has no columns MessageTraceId, Received, SenderAddress, RecipientAddress and Status",
        ),
        (b"\x00\x01\x02\x03", "NUL characters"),
        (csv_of().replace("Offer", "Off\x00er").encode(), "NUL characters"),
        (b"\xff\xfea", "it is not text in UTF-16-LE"),
        (b"PK\x03\x04\xff\xff", "it is a workbook of Excel or an archive"),
        (b"Ann\xff\xff", "it is not text in UTF-8"),
        (
            csv_of(cells=with_cell("Received", "18.11.2026 14:03:04")).encode(),
            "its dates are not in ISO 8601, but '99.99.9999 99:99:99' (9: a digit, a: a letter) (row 1)",
        ),
        (
            csv_of(cells=with_cell("Received", "11/12/2026 2:03:04 PM")).encode(),
            "may have the month or the day first",
        ),
        (csv_of(cells=with_cell("Received", "18/11/2026 2:03:04 PM")).encode(), "are not in ISO 8601"),
        (
            csv_of(cells=with_cell("RecipientAddress", "=HYPERLINK(x)@x.com")).encode(),
            "no row whose RecipientAddress is an address",
        ),
        (csv_of(cells=with_cell("RecipientAddress", "Ann")).encode(), "no row whose RecipientAddress is an address"),
        (
            csv_of(cells=with_cell("RecipientAddress", "ann@x.com\nAll is well.")).encode(),
            "no row whose RecipientAddress is an address",
        ),
        (
            b"["
            + json.dumps({**dict(zip(NAMES, CELLS, strict=True)), "RecipientAddress": "ann@\ud800.com"}).encode()
            + b"]",
            "no row whose RecipientAddress is an address",
        ),
        (csv_of(cells=with_cell("MessageTraceId", "")).encode(), "a row without a MessageTraceId"),
        (csv_of(cells=with_cell("Size", "2 KB")).encode(), "Size is not a number"),
        (csv_of(cells=with_cell("Size", "9" * 19)).encode(), "Size is not a number"),
        (csv_of(cells=with_cell("Size", "9" * 5_000)).encode(), "Size is not a number"),
        (f'[{{"Size": {"9" * 5_000}}}]'.encode(), "it has no column"),
        (csv_of(cells=with_cell("Received", "0001-01-01T00:00:00+14:00")).encode(), "are not in ISO 8601"),
        (
            csv_of(cells=with_cell("Received", "9999-12-31T23:59:59.9999999Z")).encode(),
            "are not in ISO 8601",
        ),
        (
            csv_of(cells=with_cell("Received", "/Date(99999999999999999999)/")).encode(),
            "are not in ISO 8601",
        ),
        (csv_of(cells=with_cell("Received", "1712011231200")).encode(), "are not in ISO 8601"),
        (csv_of(cells=with_cell("Subject", "x" * 20_000)).encode(), "field larger than field limit"),
        (csv_of(cells=CELLS[:-1]).encode(), "7 cells under 8 columns"),
        (b'[{"id": 1}', "it has no column"),
        (b"[1]", "not a list of rows"),
        (b"{", "neither CSV nor JSON"),
        (json.dumps({"value": [], "@odata.nextLink": "https://x"}).encode(), "first page of Microsoft Graph's answer"),
        (json.dumps([dict(zip(NAMES, CELLS, strict=True))])[:-1].encode(), "cut off in the middle"),
        (json.dumps([dict(zip(NAMES, CELLS, strict=True))]).encode() + b"x", "more text after its list"),
    ],
)
def test_everything_else_is_refused_by_name(content: bytes, why: str) -> None:
    with pytest.raises(OptionError, match=r"The file mail\.csv cannot be used as a message trace") as refused:
        list(rows_of_file(content, "mail.csv"))
    assert why in str(refused.value)


def test_a_status_may_have_blanks() -> None:
    content = csv_of(cells=with_cell("Status", "Filtered as spam")).encode()
    assert list(rows_of_file(content, "trace")) == [replace(ROW, status="FilteredAsSpam")]


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("<Megan@contoso.com>", "megan@contoso.com"),
        ("Megan Bowen <megan@contoso.com>", "megan@contoso.com"),
        *((text, NO_SENDER) for text in ("", "<>", "Megan Bowen", "a@contoso.com; b@contoso.com", "/o=First/cn=megan")),
    ],
)
def test_a_sender_that_is_no_address_has_none(sender: str, address: str) -> None:
    content = csv_of(cells=with_cell("SenderAddress", sender)).encode()
    assert list(rows_of_file(content, "trace")) == [replace(ROW, sender=address)]


@pytest.mark.parametrize("odd", ["", "/o=First/cn=ann", "x@fabrikam.com;b@contoso.com", "Ann"])
def test_a_recipient_without_an_address_is_left_out_and_the_other_rows_are_read(odd: str) -> None:
    content = csv_of() + csv_of(cells=with_cell("RecipientAddress", odd)).partition("\r\n")[2]
    first, second = rows_of_file(content.encode(), "trace")
    assert first == ROW
    assert (second.recipient, left_out(second.status, second.sender)) == (odd.lower(), "no_address")


def test_an_error_says_nothing_of_what_is_in_a_cell() -> None:
    content = csv_of(cells=with_cell("Received", "Affair of Ann, 2 Übergaben")).encode()
    with pytest.raises(OptionError) as refused:
        list(rows_of_file(content, "mail.csv"))
    assert "'aaaaaa aa aaa, 9 aaaaaaaaa'" in str(refused.value)
    assert "Ann," not in str(refused.value)


def test_a_file_in_ascii_may_have_a_mark_for_any_letter() -> None:
    lossy = csv_of(cells=with_cell("Subject", "?bergabe"))
    assert list(rows_of_file(lossy.encode(), "trace")) == [replace(ROW, subject=None)]
    for content in (lossy.encode("utf-8-sig"), lossy.encode("utf-16"), lossy.replace("A1", "Ä1").encode()):
        assert next(rows_of_file(content, "trace")).subject == "?bergabe"


@pytest.mark.parametrize(("name", "value"), [("Subject", "subject"), ("Size", "size"), ("FromIP", "from_ip")])
def test_what_one_of_two_files_says_is_said(name: str, value: str) -> None:
    place = NAMES.index(name)
    names, cells = (each[:place] + each[place + 1 :] for each in (NAMES, CELLS))
    files = [("a", csv_of().encode()), ("b", csv_of(names=names, cells=cells).encode())]
    for given in (files, files[::-1]):
        trace, _window = read_files(given, 100)
        assert trace.row(0) == ROW
    assert getattr(read_files(files[1:], 100)[0].row(0), value) in (None, "")


def test_an_address_may_begin_like_a_formula() -> None:
    for address in ("+49301234567@fax.contoso.com", "-ann@fabrikam.com", "=?x?=@fabrikam.com"):
        content = csv_of(cells=with_cell("RecipientAddress", address)).encode()
        assert list(rows_of_file(content, "trace")) == [replace(ROW, recipient=address)]


def test_an_enhanced_summary_report_has_a_message_to_many_in_one_cell() -> None:
    people = [f"somebody.{number}@a.department.of.fabrikam.com" for number in range(1_000)]
    lines = [
        "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,network_message_id",
        f"2026-11-18T14:03:04Z,megan@contoso.com,{';'.join(f'{each}##Receive' for each in people)},x,2048,A1",
    ]
    assert [row.recipient for row in rows_of_file("\n".join(lines).encode(), "trace")] == people


def rows(numbers: range) -> bytes:
    """A file with a message each minute."""
    objects: list[dict[str, Any]] = [
        {
            **dict(zip(NAMES, CELLS, strict=True)),
            "MessageTraceId": f"m{each}",
            "Received": f"2026-11-18T14:{each:02}:00Z",
        }
        for each in numbers
    ]
    return json.dumps(objects).encode()


def test_files_may_overlap_and_the_newest_rows_stay() -> None:
    trace, window = read_files([("a", rows(range(6))), ("b", rows(range(4, 10)))], 100)
    assert (len(trace), window.reason, window.begin.minute, window.until.minute) == (10, "files", 0, 9)
    trace, window = read_files([("b", rows(range(4, 10))), ("a", rows(range(6)))], 4)
    assert (len(trace), window.reason, window.begin.minute, window.until.minute) == (4, "limit", 6, 9)


def test_files_that_are_said_to_be_complete_have_all_copies_of_their_messages() -> None:
    files = [("a", rows(range(6)))]
    trace, window = read_files(files, 100, complete=True)
    assert window is not None
    assert (window.reason, trace.whole) == ("", ALL_TIME)
    assert read_files(files, 100)[0].whole == NO_TIME
    # What is older was not read: of the oldest message that was, a row may be missing.
    trace, window = read_files(files, 4, complete=True)
    assert window is not None
    assert (window.reason, microseconds_of(window.begin) in trace.whole) == ("limit", False)
