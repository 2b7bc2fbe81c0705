# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the message trace of an organization: options, windows, pages, and what is missing.

Source: Microsoft's Get-MessageTraceV2 page. Exchange answers with the newest rows first, at most 5,000 of them, over at
most 10 days, and warns where there are more. The next page is asked for from the last row; the command in the warning
is compared with that, and never run.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic, sleep
from typing import Any, ClassVar, TypeAlias

from ..._exchange.cmdlet import GRAPH_TRACE, Call, Result, Session
from ..._exchange.errors import ExchangeError, OptionError, ProtocolError, ThrottledError
from ..input.rule_sources import DIALECT_ARGUMENT_SPEC, MailFlowContext
from .rows import (
    ALL_TIME,
    NO_TIME,
    Row,
    RowError,
    Trace,
    date_of,
    instant_of,
    microseconds_of,
    places_of,
    row_of,
    rows_of_file,
)
from .sources import Sources

CMDLET = "Get-MessageTraceV2"

#: Rows per page, days per query, and the maximum age of traced mail in days.
PAGE, MOST_DAYS, OLDEST = 5000, 10, 90

#: Rows of the last hours are still incomplete and may change.
SETTLES = datetime.timedelta(hours=4)

#: The rows of a message are of about the same time; how far apart they may be is not documented.
APART = datetime.timedelta(minutes=10)

#: From this number of recipients on, Exchange shows all of a message only where its MessageTraceId is asked for.
CROWD = 1000

#: The number of queries allowed in a number of seconds.
QUERIES, _QUOTA_SECONDS = 100, 300

#: The number of retries of a throttled query, and the seconds between them.
_RETRIES, _RETRY_SECONDS = 5, 60

#: Rows between two lines of progress.
_PROGRESS_EVERY = 25_000

_MORE = "There are more results"
_SAID_END = re.compile(r'-EndDate\s+"([^"]+)"')
_SAID_RECIPIENT = re.compile(r'-StartingRecipientAddress\s+"([^"]+)"')


@dataclass(frozen=True)
class Window:
    """The time span of the rows.

    :param reason: why it is not complete: ``limit`` (there are more rows than may be read), ``cut`` (reading failed on the way; :param:`detail` says why),
        or ``files`` (a file does not say what it lacks); empty if it is complete.
    """

    begin: datetime.datetime
    until: datetime.datetime
    reason: str = ""
    detail: str = ""


#: Rows, and the time span that they are of; files without rows have none.
WindowedTrace: TypeAlias = tuple[Trace, Window | None]


@dataclass(frozen=True)
class TracedMail:
    """Mail of which it is counted what a change of rules would have changed.

    :param since: for each of the present rules, since when it and all rules before it are as they are now, in microseconds;
        ``None`` where that is not known. Empty if they are not the organization's own.
    """

    trace: Trace
    window: Window | None
    since: Sequence[int | None] = ()


def read_files(files: Iterable[tuple[str, bytes]], most: int, *, complete: bool = False) -> WindowedTrace:
    """The rows of files, by path and content; at most this many, the newest ones.

    :param complete: whether the files are said to have the rows of all recipients of each message.
    :raises OptionError: a file is no message trace.
    """
    sources = Sources()
    for number, (path, content) in enumerate(files):
        for row in rows_of_file(content, path):
            sources.add(row, number)
    trace = sources.merged()
    times = trace.columns["received"]
    window = Window(instant_of(min(times)), instant_of(max(times)), "" if complete else "files") if times else None
    trace.whole = ALL_TIME if complete else NO_TIME
    if len(trace) > most:
        trace, window = newest_of(trace, most)
        trace.whole = range(microseconds_of(window.begin + APART), ALL_TIME.stop) if complete else NO_TIME
    return trace, window


def newest_of(trace: Trace, most: int) -> tuple[Trace, Window]:
    """The newest rows; rows of one instant stay together."""
    times = sorted(trace.columns["received"], reverse=True)
    oldest = (
        times[most - 1]
        if times[most - 1] != times[most]
        else next((time for time in reversed(times[:most]) if time != times[most]), times[0])
    )
    newest = Trace()
    newest.perhaps_twice = trace.perhaps_twice
    for place, time in enumerate(trace.columns["received"]):
        if time >= oldest:
            newest.add(trace.row(place))
    return newest, Window(instant_of(oldest), instant_of(times[0]), "limit")


@dataclass
class Queries:
    """Asks within a quota, and again where Exchange throttles.

    :param say: called with the progress.
    """

    #: Who answers, and what is asked, in words.
    service: ClassVar[str] = "Exchange"
    about: ClassVar[str] = "the message trace"

    session: Session
    say: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = field(default=monotonic, kw_only=True)
    sleep: Callable[[float], None] = field(default=sleep, kw_only=True)
    _asked: deque[float] = field(default_factory=deque, init=False)

    def ask(self, *calls: Call) -> list[Result]:
        """What a round trip brings. Each call counts as a query, and may have failed."""
        for attempt in range(_RETRIES + 1):
            for _call in calls:
                self._keep_quota()
            results = self.session.invoke(list(calls), fresh=True)
            if attempt == _RETRIES or not any(isinstance(result.error, ThrottledError) for result in results):
                break
            self.say(f"{self.service} throttles {self.about}; the next try is in {_RETRY_SECONDS} seconds")
            self.sleep(_RETRY_SECONDS)
        return results

    def _keep_quota(self) -> None:
        """Waits until another query is allowed."""
        now = self.clock()
        while self._asked and now - self._asked[0] >= _QUOTA_SECONDS:
            self._asked.popleft()
        if len(self._asked) >= QUERIES:
            wait = _QUOTA_SECONDS - (now - self._asked[0])
            self.say(
                f"{self.service} allows {QUERIES} queries in {_QUOTA_SECONDS // 60} minutes; the next one is in {wait:.0f} seconds"
            )
            self.sleep(wait)
            self._asked.popleft()
        self._asked.append(self.clock())


@dataclass
class TraceReader(Queries):
    """Reads the rows of a window, newest first.

    :param most: the maximum number of rows; reading stops at the end of an instant.
    """

    #: The longest time span of a query, in days.
    longest: ClassVar[int] = MOST_DAYS

    most: int = 500_000

    def read(self, begin: datetime.datetime, until: datetime.datetime) -> tuple[Trace, Window]:
        """All rows from ``begin`` to ``until``.

        :raises ExchangeError: nothing could be read.
        """
        trace = Trace()
        last = until
        try:
            for row in chain.from_iterable(self._pages(begin, until)):
                if len(trace) >= self.most and row.received != microseconds_of(last):
                    return _within(trace, Window(last, until, "limit"))
                last = instant_of(row.received)
                self._add(row, trace)
        except ExchangeError as error:
            if not len(trace):
                raise
            # Some rows of the last instant may still be missing.
            return _within(trace, Window(last, until, "cut", str(error)))
        return _within(trace, Window(begin, until))

    def _add(self, row: Row, trace: Trace) -> None:
        """Adds a row, and tells from time to time how far reading is."""
        before = len(trace)
        trace.add(row)
        if len(trace) > before and len(trace) % _PROGRESS_EVERY == 0:
            self.say(f"{len(trace):,} copies, back to {instant_of(row.received):%-d %B %H:%M}")

    def _pages(self, begin: datetime.datetime, until: datetime.datetime) -> Iterator[list[Row]]:
        """The rows of a window, in parts, newest first."""
        while until > begin:
            start = max(begin, until - datetime.timedelta(days=self.longest))
            yield from self._window(start, until)
            until = start

    def _window(self, start: datetime.datetime, end: datetime.datetime) -> Iterator[list[Row]]:
        """The rows of a query's time span, newest first, with all recipients of messages to many."""
        copies: Counter[str] = Counter()
        ahead: list[Row] = []
        for page in self._paged(StartDate=start, EndDate=end):
            few = {row.message for row in page if copies[row.message] < CROWD}
            copies.update(row.message for row in page)
            crowds = [message for message in sorted(few) if copies[message] >= CROWD]
            pages = (self._paged(StartDate=start, EndDate=end, MessageTraceId=message) for message in crowds)
            rows = [*ahead, *page, *chain.from_iterable(chain.from_iterable(pages))]
            rows.sort(key=lambda row: row.received, reverse=True)
            # Whatever is older than the page waits: the pages to come have newer rows.
            ahead = [row for row in rows if page and row.received < page[-1].received]
            yield rows[: len(rows) - len(ahead)]
        yield ahead

    def _paged(self, **asked: Any) -> Iterator[list[Row]]:
        """The pages of a query."""
        parameters: dict[str, Any] = {**asked, "ResultSize": PAGE}
        known: set[tuple[str, str]] = set()
        while True:
            result = self._asked_for(Call(CMDLET, parameters))
            rows = list(_rows(result.objects))
            _check_order(rows, parameters["EndDate"])
            yield rows
            more = next((warning for warning in result.warnings if warning.strip().startswith(_MORE)), "")
            if not more and len(rows) < PAGE:
                return
            keys = {(row.message, row.recipient) for row in rows}
            if not keys - known:
                if not more:
                    return
                raise _refused("a page repeats rows that are already known, so the rows behind them cannot be read")
            # A page begins with rows of the instant in which the one before ended.
            known = {(row.message, row.recipient) for row in rows if row.received == rows[-1].received} | (known & keys)
            parameters = {**asked, "ResultSize": PAGE, "EndDate": instant_of(rows[-1].received)}
            if rows[-1].recipient:
                parameters["StartingRecipientAddress"] = rows[-1].recipient
            if more:
                _check_next_page(more, rows[-1])

    def _asked_for(self, call: Call) -> Result:
        (result,) = self.ask(call)
        result.unwrap()
        return result


def _within(trace: Trace, window: Window) -> tuple[Trace, Window]:
    """A trace of which all rows in a window were read."""
    trace.whole = range(microseconds_of(window.begin + APART), microseconds_of(window.until - APART) + 1)
    return trace, window


class GraphReader(TraceReader):
    """Reads the rows of Microsoft Graph.

    Their order is not documented. A window is read to its end before any row of it counts, so that everything after the
    last row was read.
    """

    longest = 1
    service = "Microsoft Graph"

    def _window(self, start: datetime.datetime, end: datetime.datetime) -> Iterator[list[Row]]:
        rows: list[Row] = []
        seen: set[str] = set()
        parameters: dict[str, Any] = {"StartDate": start, "EndDate": end, "ResultSize": PAGE}
        while parameters:
            (page,) = self._asked_for(Call(GRAPH_TRACE, parameters)).objects
            rows += _rows(page["rows"], "")
            parameters = {"Next": page["next"]} if page["next"] else {}
            if page["next"] in seen:
                raise _refused("Microsoft Graph names a page again that was read already", "")
            seen.add(page["next"])
        rows.sort(key=lambda row: row.received, reverse=True)
        if rows and not microseconds_of(start) <= rows[-1].received <= rows[0].received <= microseconds_of(end):
            raise _refused("Microsoft Graph returns rows of another time than it was asked for", "")
        yield rows


def _refused(why: str, cmdlet: str = CMDLET) -> ProtocolError:
    return ProtocolError(
        f"The message trace is incomplete: {why}.", remedy="Read the rest with until, or from a file.", cmdlet=cmdlet
    )


def _rows(objects: Iterable[Mapping[str, Any]], cmdlet: str = CMDLET) -> Iterator[Row]:
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for row in objects:
        names = tuple(row)
        try:
            places = known[names] if names in known else known.setdefault(names, places_of(names))
            yield row_of(row, places, date_of(row.get(places["received"])))
        except RowError as error:
            raise _refused(str(error), cmdlet) from error


def _check_order(rows: list[Row], end: datetime.datetime) -> None:
    """Checks the order, newest first: any other means that rows between two pages may be missing."""
    newer = microseconds_of(end)
    for row in rows:
        if row.received > newer:
            raise _refused("its rows are not in the order of time, newest first")
        newer = row.received


def _check_next_page(warning: str, last: Row) -> None:
    """Compares the beginning of the next page, according to Exchange, with the last row."""
    recipient, end = _SAID_RECIPIENT.search(warning), _SAID_END.search(warning)
    if recipient and recipient[1].lower().replace("%23", "#") != last.recipient:
        raise _refused("Exchange names another recipient for the next page than the last row has")
    try:
        shown_time = date_of(end[1]) if end else last.received
    except RowError:  # In the form of a culture: it says nothing that can be compared.
        return
    if abs(shown_time - last.received) >= 1_000_000:
        raise _refused("Exchange names another time for the next page than the last row has")


#: The options of the documentation fragment ``mail_flow.trace``.
TRACE_ARGUMENT_SPEC: dict[str, Any] = {
    "days": {"type": "int", "default": 7},
    "until": {"type": "str"},
    "trace": {"type": "list", "elements": "path"},
    "trace_complete": {"type": "bool", "default": False},
    "trace_source": {"type": "str", "choices": ["exchange", "graph"]},
    "facts": {"type": "dict"},
    "dialect": DIALECT_ARGUMENT_SPEC,
    "max_copies": {"type": "int", "default": 500_000},
    "examples": {"type": "int", "default": 0},
}


#: Files are instead of asking.
TRACE_EXCLUSIVE = ["trace", "trace_source"]


#: The numbers that options take.
TRACE_RANGES = {"days": (1, OLDEST), "max_copies": (1, 5_000_000), "examples": (0, 20)}


def check_ranges(params: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]]) -> None:
    """Refuses a number out of its range.

    :param ranges: option to its least and its greatest number.
    :raises OptionError: a number is out of its range.
    """
    for name, (least, most) in ranges.items():
        if not least <= params[name] <= most:
            raise OptionError(f"{name} is {params[name]}.", remedy=f"Use a number from {least} to {most}.")


def until_of(text: str | None, now: datetime.datetime, ago: datetime.timedelta = SETTLES) -> datetime.datetime:
    """The end of the window; by default, so long ago.

    :raises OptionError: the text is no date, or none of the days that are kept.
    """
    if not text:
        return (now - ago).replace(microsecond=0)
    try:
        date = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(
            f"until is {text!r}, which is not a date.", remedy="Write it in ISO 8601, such as 2026-11-25T14:00:00Z."
        ) from error
    instant = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
    if instant > now:
        raise OptionError(f"until is {text!r}, which is in the future.", remedy="Use a time in the past.")
    if instant <= now - datetime.timedelta(days=OLDEST):
        raise OptionError(
            f"until is {text!r}.", remedy=f"Use a time of the last {OLDEST} days: Exchange keeps no older rows."
        )
    return instant.astimezone(datetime.UTC)


def reader_of(task: MailFlowContext) -> TraceReader:
    """What reads the trace of the organization, with nothing asked yet.

    :raises OptionError: the list of files is empty, files are called complete that nobody named, or the connection cannot
        be used for Microsoft Graph.
    """
    if task.params["trace"] == []:
        raise OptionError("The list trace is empty.", remedy="Name a file, or leave trace out to ask the organization.")
    if task.params["trace_complete"] and not task.params["trace"]:
        raise OptionError(
            "trace_complete is about files, and there are none.", remedy="Omit it, or name files in trace."
        )
    most = task.params["max_copies"]
    return (
        GraphReader(task.graph(), task.say, most)
        if task.params["trace_source"] == "graph"
        else TraceReader(task.session, task.say, most)
    )


def read_trace(
    task: MailFlowContext, reader: TraceReader, begin: datetime.datetime, until: datetime.datetime
) -> WindowedTrace:
    """The rows of the files, of Exchange or of Microsoft Graph."""
    params: Mapping[str, Any] = task.params
    if params["trace"]:
        files = ((path, task.find_file(path)) for path in params["trace"])
        return read_files(files, params["max_copies"], complete=params["trace_complete"])
    if datetime.datetime.now(datetime.UTC) - until < SETTLES:
        task.warnings.append("Rows of the last 4 hours still come and change, so the numbers may be too small.")
    return reader.read(begin, until)
