# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a trace page by page: whatever is missing is said."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import GRAPH_TRACE, Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    ProtocolError,
    ServiceError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace import reading
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import (
    GraphReader,
    TraceReader,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import left_out

from tests.unit.manifest import withheld

UNTIL = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
BEGIN = UNTIL - datetime.timedelta(days=25)


def row(number: int, minute: int, recipient: str = "") -> dict[str, Any]:
    received = (UNTIL - datetime.timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    recipient = recipient or f"p{number:04}@fabrikam.com"
    return {
        "MessageTraceId": f"m{number}",
        "Received": received,
        "SenderAddress": "megan@contoso.com",
        "RecipientAddress": recipient,
        "Status": "Delivered",
    }


class Exchange:
    """Answers as the cmdlet is documented to."""

    def __init__(self, rows: Sequence[dict[str, Any]], *, warns: bool = True) -> None:
        self.rows = sorted(rows, key=lambda each: each["RecipientAddress"])
        self.rows.sort(key=lambda each: each["Received"], reverse=True)
        self.warns = warns
        #: The recipients of a message that a query without its MessageTraceId shows; 0 for all.
        self.crowd = 0
        self.asked: list[dict[str, Any]] = []
        self.change: Callable[[int, Result], Result] = lambda number, result: result

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        (call,) = calls
        assert call.cmdlet == "Get-MessageTraceV2"
        assert withheld(call) == []
        asked: dict[str, Any] = dict(call.parameters)
        self.asked.append(asked)
        assert asked["EndDate"] - asked["StartDate"] <= datetime.timedelta(days=10)
        message = asked.get("MessageTraceId")
        rows = [each for each in self.rows if message in (None, each["MessageTraceId"])]
        if message is None and self.crowd:
            shown: Counter[str] = Counter()
            rows = [
                each
                for each in rows
                if shown.update([each["MessageTraceId"]]) or shown[each["MessageTraceId"]] <= self.crowd
            ]
        start, end = (asked[name].isoformat().replace("+00:00", "Z") for name in ("StartDate", "EndDate"))
        first = asked.get("StartingRecipientAddress", "")
        found = [
            each
            for each in rows
            if start <= each["Received"] < end or (each["Received"] == end and each["RecipientAddress"] >= first)
        ]
        page = found[: asked["ResultSize"]]
        warnings = []
        if len(found) > len(page) and self.warns:
            last = page[-1]
            command = f'Get-MessageTraceV2 -StartDate "{start}" -EndDate "{last["Received"]}" -StartingRecipientAddress "{last["RecipientAddress"]}"'
            warnings = [f"There are more results, use the following command to get more. {command}"]
        return [self.change(len(self.asked), Result(page, warnings))]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 10)


def read(exchange: Exchange, said: list[str] | None = None, **options: Any) -> tuple[int, reading.Window]:
    reader = TraceReader(exchange, (said if said is not None else []).append, sleep=lambda seconds: None, **options)
    trace, window = reader.read(BEGIN, UNTIL)
    return len(trace), window


ROWS = [row(number, minute=number * 60) for number in range(500)]
SAME = [row(number, minute=1000 + number // 7) for number in range(100)]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("warns", [True, False])
@pytest.mark.parametrize("rows", [ROWS, SAME, [], ROWS[:10], [*ROWS[:5], row(1, 60, "other@fabrikam.com")]])
def test_all_rows_are_read_once(rows: list[dict[str, Any]], warns: bool) -> None:
    exchange = Exchange(rows, warns=warns)
    count, window = read(exchange)
    assert (count, window) == (len(rows), reading.Window(BEGIN, UNTIL))


@pytest.mark.usefixtures("small_pages")
def test_more_recipients_of_one_instant_than_a_page_holds() -> None:
    assert read(Exchange([row(number, minute=60) for number in range(95)])) == (95, reading.Window(BEGIN, UNTIL))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("received", [lambda number: 60, lambda number: 60 + 7 * number])
def test_a_message_to_many_is_asked_for_by_its_id(
    monkeypatch: pytest.MonkeyPatch, received: Callable[[int], int]
) -> None:
    monkeypatch.setattr(reading, "CROWD", 25)
    crowd = [row(1000, minute=received(number), recipient=f"c{number:04}@fabrikam.com") for number in range(95)]
    exchange = Exchange([*ROWS, *crowd])
    exchange.crowd = 25
    assert read(exchange) == (len(ROWS) + 95, reading.Window(BEGIN, UNTIL))
    assert {each.get("MessageTraceId") for each in exchange.asked} == {None, "m1000"}


@pytest.mark.usefixtures("small_pages")
def test_a_limit_ends_with_a_whole_instant() -> None:
    count, window = read(Exchange(SAME), most=10)
    assert (count, window.reason) == (14, "limit")
    assert window.begin == UNTIL - datetime.timedelta(minutes=1001)


@pytest.mark.usefixtures("small_pages")
def test_a_cut_reading_is_not_complete_and_goes_on() -> None:
    exchange = Exchange(ROWS)
    exchange.change = lambda number, result: Result(error=ServiceError("it broke")) if number == 4 else result
    count, window = read(exchange)
    assert (window.reason, window.detail, 0 < count < 40) == ("cut", "it broke", True)
    trace, rest = TraceReader(Exchange(ROWS)).read(BEGIN, window.begin)
    assert len(trace) + count == len(ROWS) + 1  # The row at the border is in both.
    assert not rest.reason


def test_mail_to_what_is_no_address_does_not_end_the_reading() -> None:
    odd = [row(600, 90, "undisclosed recipients"), row(601, 91, "=HYPERLINK(x)@x.com")]
    odd.append({**row(602, 92), "RecipientAddress": ""})
    trace, window = TraceReader(Exchange([*ROWS[:3], *odd])).read(BEGIN, UNTIL)
    assert (len(trace), window.reason) == (6, "")
    reasons = [left_out(trace.row(place).status, trace.row(place).sender) for place in range(6)]
    assert sorted(reasons) == ["", "", "", "no_address", "no_address", "no_address"]


@pytest.mark.usefixtures("small_pages")
def test_a_page_may_end_with_a_row_without_a_recipient() -> None:
    rows = [{**each, "RecipientAddress": ""} if number == 9 else each for number, each in enumerate(ROWS[:25])]
    exchange = Exchange(rows)
    assert read(exchange)[0] == 25
    assert "StartingRecipientAddress" not in exchange.asked[1]


@pytest.mark.parametrize("error", [ServiceError("it broke"), CmdletNotAvailableError("not granted")])
def test_what_cannot_be_read_at_all_is_an_error(error: ExchangeError) -> None:
    exchange = Exchange(ROWS)
    exchange.change = lambda number, result: Result(error=error)
    with pytest.raises(type(error)):
        read(exchange)


def _repeated(first: Result) -> Callable[[int, Result], Result]:
    return lambda number, result: Result(first.objects, result.warnings)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda result: Result(result.objects[::-1], result.warnings), "not in the order of time"),
        (
            lambda result: Result([{**result.objects[0], "MessageTraceId": ""}, *result.objects[1:]], result.warnings),
            "without a MessageTraceId",
        ),
        (lambda result: Result([{"Received": "x"}]), "no column"),
        (
            lambda result: Result(result.objects, [each.replace("p0009", "p0008") for each in result.warnings]),
            "another recipient",
        ),
        (
            lambda result: Result(result.objects, [each.replace("T15:00", "T14:00") for each in result.warnings]),
            "another time",
        ),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(change: Callable[[Result], Result], why: str) -> None:
    exchange = Exchange(ROWS)
    exchange.change = lambda number, result: change(result)
    with pytest.raises(ProtocolError, match=why):
        for _rows in TraceReader(exchange)._pages(BEGIN, UNTIL):
            pass


@pytest.mark.usefixtures("small_pages")
def test_a_page_that_brings_nothing_new_ends_the_reading() -> None:
    exchange = Exchange(ROWS)
    pages: list[Result] = []

    def repeat(number: int, result: Result) -> Result:
        pages.append(result)
        return pages[min(len(pages), 2) - 1] if number < 3 else Result(pages[1].objects[-1:] * 10, pages[1].warnings)

    exchange.change = repeat
    count, window = read(exchange)
    assert (window.reason, "repeats rows" in window.detail, count) == ("cut", True, 19)


def test_progress_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PROGRESS_EVERY", 200)
    said: list[str] = []
    read(Exchange(ROWS), said)
    assert said == ["200 copies, back to 16 November 17:00", "400 copies, back to 8 November 09:00"]


@pytest.mark.usefixtures("small_pages")
def test_a_throttled_query_waits() -> None:
    exchange = Exchange(ROWS[:15])
    exchange.change = lambda number, result: Result(error=ThrottledError("slow down")) if number in (1, 3) else result
    said: list[str] = []
    assert read(exchange, said)[0] == 15
    assert said == ["Exchange throttles the message trace; the next try is in 60 seconds"] * 2


@pytest.mark.usefixtures("small_pages")
def test_no_more_than_a_hundred_queries_in_five_minutes() -> None:
    now, asked = [0.0], []
    exchange = Exchange([row(number, minute=number) for number in range(1500)])

    def wait(seconds: float) -> None:
        now[0] += seconds

    def change(number: int, result: Result) -> Result:
        now[0] += 0.5
        asked.append(now[0])
        return result

    exchange.change = change
    said: list[str] = []
    trace, _window = TraceReader(exchange, said.append, clock=lambda: now[0], sleep=wait).read(BEGIN, UNTIL)
    assert len(trace) == 1500
    assert len(asked) > 150
    assert all(later - earlier >= 300 - 0.6 for earlier, later in zip(asked, asked[100:], strict=False))
    assert said


class Graph:
    """Answers as Graph does; the order of rows is not documented."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows = list(rows)
        self.asked = 0
        self.found: list[dict[str, Any]] = []
        self.change: Callable[[int, dict[str, Any]], dict[str, Any] | ExchangeError] = lambda number, page: page

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        (call,) = calls
        assert call.cmdlet == GRAPH_TRACE
        asked: dict[str, Any] = dict(call.parameters)
        self.asked += 1
        if "Next" not in asked:
            start, end = (asked[name].isoformat().replace("+00:00", "Z") for name in ("StartDate", "EndDate"))
            self.found = [each for each in self.rows if start <= each["Received"] <= end]
        first = int(asked.get("Next", "0"))
        page = {"rows": self.found[first : first + 10], "next": str(first + 10) if first + 10 < len(self.found) else ""}
        changed = self.change(self.asked, page)
        return [Result(error=changed) if isinstance(changed, ExchangeError) else Result([changed])]


def read_graph(graph: Graph, **options: Any) -> tuple[int, reading.Window]:
    trace, window = GraphReader(graph, sleep=lambda seconds: None, **options).read(BEGIN, UNTIL)
    return len(trace), window


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1], ROWS[1::2] + ROWS[::2], SAME, []])
def test_graph_is_read_to_the_end_in_whatever_order_it_answers(rows: list[dict[str, Any]]) -> None:
    assert read_graph(Graph(rows)) == (len(rows), reading.Window(BEGIN, UNTIL))


def test_of_a_day_that_graph_breaks_off_no_row_counts() -> None:
    graph = Graph(ROWS[1::2] + ROWS[::2])
    graph.change = lambda number, page: ServiceError("it broke") if number == 5 else page
    count, window = read_graph(graph)
    assert (count, window.reason, window.detail) == (25, "cut", "it broke")
    assert window.begin == UNTIL - datetime.timedelta(days=1)
    rest, _window = GraphReader(Graph(ROWS)).read(BEGIN, window.begin)
    assert count + len(rest) == len(ROWS) + 1  # The row at the border is in both.


def test_a_query_that_graph_throttles_waits() -> None:
    graph = Graph(ROWS[:15])
    graph.change = lambda number, page: ThrottledError("slow down") if number in (1, 3) else page
    said: list[str] = []
    trace, window = GraphReader(graph, said.append, sleep=lambda seconds: None).read(BEGIN, UNTIL)
    assert (len(trace), window.reason) == (15, "")
    assert said == ["Microsoft Graph throttles the message trace; the next try is in 60 seconds"] * 2


def test_the_limit_holds_for_graph() -> None:
    count, window = read_graph(Graph(SAME[::-1]), most=10)
    assert (count, window.reason, window.begin) == (14, "limit", UNTIL - datetime.timedelta(minutes=1001))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda page: {**page, "next": "10"}, "names a page again"),
        (lambda page: {**page, "rows": ROWS[-1:]}, "rows of another time"),
        (lambda page: {**page, "rows": [{"Received": "x"}]}, "no column"),
    ],
)
def test_an_answer_of_graph_that_is_not_whole_is_an_error(
    change: Callable[[dict[str, Any]], dict[str, Any]], why: str
) -> None:
    graph = Graph(ROWS)
    graph.change = lambda number, page: change(page)
    with pytest.raises(ProtocolError, match=why):
        read_graph(graph)
