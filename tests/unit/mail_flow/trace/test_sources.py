# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of different origin: a copy counts once, or it is said that it may count twice."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window, read_files
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace, instant_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    TrialRow,
    trial_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    left_out_words,
    replay_lines,
    replay_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    ReplayRow,
    TrialReplayRow,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay_section import headline_of

Values = dict[str, Any]

SECOND = "2026-11-18T14:03:04"


def exchange(key: str, recipient: str = "ann", message_id: str = "<1@contoso.com>", **others: Any) -> Values:
    """A row of Get-MessageTraceV2."""
    return {
        "MessageTraceId": key,
        "MessageId": message_id,
        "Received": f"{SECOND}.2500000Z",
        "SenderAddress": "megan@contoso.com",
        "RecipientAddress": f"{recipient}@fabrikam.com",
        "Subject": "Offer",
        "Status": "Delivered",
        "Size": 2048,
        "FromIP": "255.255.255.255",
        **others,
    }


def graph(key: str, recipient: str = "ann", message_id: str = "<1@contoso.com>", **others: Any) -> Values:
    """A row of Microsoft Graph."""
    return {
        "id": key,
        "messageId": message_id,
        "receivedDateTime": f"{SECOND}Z",
        "senderAddress": "megan@contoso.com",
        "recipientAddress": f"{recipient}@fabrikam.com",
        "status": "delivered",
        **others,
    }


def admin_center(message_id: str = "<1@contoso.com>", recipient: str = "ann", second: str = SECOND) -> str:
    """A file whose only key is the MessageId."""
    names = "Received,Sender address,Recipient address,Message ID,Status"
    return f"{names}\n{second}Z,Megan@contoso.com,{recipient}@fabrikam.com,{message_id},Delivered\n"


def read(*files: str | list[Values]) -> Trace:
    contents = [each if isinstance(each, str) else json.dumps(each) for each in files]
    trace, _window = read_files([(str(place), text.encode()) for place, text in enumerate(contents)], 100)
    return trace


def seen(trace: Trace) -> tuple[int, int, int]:
    """How many copies of how many messages there are, and how many of them perhaps twice."""
    return len(trace), len(trace.texts["message"].listed), trace.perhaps_twice


def test_copies_that_files_name_differently_count_once() -> None:
    files = (
        [exchange("a"), exchange("a", "joe")],
        [graph("g", "joe", status="failed"), graph("g", "sue")],
        admin_center(),
    )
    for order in permutations(files):
        trace = read(*order)
        assert seen(trace) == (3, 1, 0)
        rows = {row.recipient[:3]: row.status for row in map(trace.row, range(3))}
        assert rows == {"ann": "Delivered", "joe": "Failed", "sue": "Delivered"}
        assert {trace.row(place).message for place in range(3)} == {"a"}


@pytest.mark.parametrize(
    "other",
    [
        [graph("g", "joe")],
        [graph("g", message_id="<2@contoso.com>")],
        [graph("g", receivedDateTime="2026-11-18T14:03:05Z")],
        admin_center("<2@contoso.com>"),
        admin_center(second="2026-11-18T14:03:03"),
    ],
)
def test_other_copies_count(other: str | list[Values]) -> None:
    assert seen(read([exchange("a")], other)) == (2, 2, 0)


@pytest.mark.parametrize(
    ("files", "copies", "twice"),
    [
        # One file has no MessageId, and both have a copy of the second.
        (([exchange("a")], [graph("g", message_id="")]), 2, 1),
        (([exchange("a", message_id="")], [graph("g", message_id="")]), 2, 1),
        (([exchange("a", message_id="")], [graph("g", message_id="")], admin_center()), 3, 2),
        # Of other senders, it is no other copy.
        (([exchange("a")], [graph("g", message_id="", senderAddress="joe@contoso.com")]), 2, 0),
        # In one file they are different, and the other has one of them.
        (([exchange("a"), exchange("b")], [graph("g")]), 3, 1),
        (([exchange("a"), exchange("b")], admin_center()), 3, 1),
        (([exchange("a", message_id=""), exchange("b", message_id="")], [exchange("a", message_id="")]), 2, 0),
        (([exchange("a"), exchange("b")],), 2, 0),
        # The first copy is one, but a name for both files would take two copies for Joe for one.
        (([exchange("a"), exchange("a", "joe")], [graph("g"), graph("g", "joe", receivedDateTime="2026-11-19")]), 4, 1),
    ],
)
def test_where_files_do_not_tell_it_is_said(files: Any, copies: int, twice: int) -> None:
    for order in permutations(files):
        trace = read(*order)
        assert (len(trace), trace.perhaps_twice) == (copies, twice)
        found = replayed(trace, Window(instant_of(0), instant_of(1), "files"))
        assert found.counts.perhaps_twice == twice
        said = f"Up to {twice} cop{'y' if twice == 1 else 'ies'} may be counted twice"
        assert (said in replay_lines(found)[0]) == bool(twice)


@pytest.mark.parametrize("message_id", ["<1@contoso.com>", "<0100-of-a-gateway>"])
def test_where_a_file_has_no_other_key_messages_have_their_message_ids(message_id: str) -> None:
    """RFC 5322 asks for an ``@`` in a MessageId. Not every sender writes one."""
    only = admin_center(message_id)
    for files, named in (
        ([only], True),
        ([[exchange("a", message_id=message_id)]], False),
        # The other file has a key for it.
        ([only, [exchange("a", message_id=message_id)]], False),
        ([only, [exchange("a", "joe", message_id="<2@contoso.com>")]], True),
        ([only, [exchange("a", message_id=message_id), exchange("b", message_id=message_id)]], True),
    ):
        for order in permutations(files):
            assert bool(read(*order).by_message_id) is named


def test_the_newest_rows_may_be_there_twice_too() -> None:
    rows = [exchange("a", Received="2026-11-17"), exchange("b", message_id="")]
    trace, _window = read_files([("1", json.dumps(rows).encode()), ("2", json.dumps([graph("g")]).encode())], 2)
    assert (len(trace), trace.perhaps_twice) == (2, 1)


def replayed(trace: Trace, window: Window | None = None) -> ReplayRow:
    found = Replay(RuleSet([]), facts_of({}), RuleSet([])).run(trace)
    return replay_row(found, window, compared=True, guaranteed=False, domains=10, rules=[])


def test_files_without_rows_have_no_window() -> None:
    names = ",".join(exchange("a"))
    for files in (["[]"], [names, "[]"]):
        trace, window = read_files([(str(place), text.encode()) for place, text in enumerate(files)], 100)
        assert (len(trace), window) == (0, None)
    found = replayed(trace, window)
    why = "The files have no rows, so they do not say of what time they are."
    assert found.window.as_row() == {"complete": False, "reason": why}
    assert replay_lines(found) == [f"No mail was traced. {why}"]
    assert headline_of(OrganizationReport(mail=EffectOnMail(replay=found))) == "No real mail was replayed"
    replay = TrialReplayRow(window=found.window, counts=found.counts, difference=found.difference or ())
    trial = TrialRow("T", "T (trial)", expired=False, difference=(), replay=replay)
    assert f"What it would have changed is unknown. {why}" in trial_lines(trial)
    trace, window = read_files([("1", names.encode()), ("2", json.dumps([exchange("a")]).encode())], 100)
    assert (len(trace), window and window.reason) == (1, "files")


@pytest.mark.parametrize("released", ["Delivered", "FilteredAsSpam"])
def test_a_quarantined_copy_that_a_later_row_calls_delivered_was_released(released: str) -> None:
    rows = [exchange("a", Status="Quarantined"), exchange("a", Status=released)]
    for files in ([rows], [rows[::-1]], [rows[:1], rows[1:]], [rows[1:], rows[:1]]):
        assert replayed(read(*files)).counts.left_out == {}
    kept = replayed(read(rows[:1])).counts.left_out
    assert kept == {"quarantined": 1}
    assert left_out_words(kept) == ["1 quarantined, released since or not"]
