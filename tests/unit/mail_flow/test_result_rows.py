# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of results: written as they are read, with all that a row can have, and refused where a key is none of theirs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import EncrypterRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import LintRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.overview import CellRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    ForeignRow,
    TrialRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import PolicyRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.row import ResultRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestion_row import (
    SuggestionRow,
)

DIFFERENCE = [{"kind": "protection_lost", "text": "Mail is no longer encrypted.", "when": {}, "rules": ["Ours"]}]
WINDOW = {"from": "2026-11-21T08:00:00Z", "until": "2026-11-28T08:00:00Z", "complete": True}
EXEMPTING = [{"rule": "Stop", "how": "stops"}]
DID_OTHERWISE = ["Exchange did otherwise."]

#: Rows with all that they can have.
WHOLE: list[tuple[type[ResultRow], dict[str, Any]]] = [
    (LintRow, {"kind": "never_acts", "rules": ["Old"], "reason": "It never acts."}),
    (EncrypterRow, {"kind": "rule", "name": "Encrypt", "covers": "mail", "rests_on": "read"}),
    (
        CellRow,
        {
            "kind_of_mail": "forwarded",
            "destination": "bank.example",
            "protected": "unknown",
            "on": ["Encrypt"],
            "witness": {"recipient": "a@bank.example"},
            "besides_dlp": ["Cards"],
            "unknown": [{"id": "U26", "reason": "x"}],
        },
    ),
    (
        PolicyRow,
        {
            "kind": "encrypted",
            "text": "Mail is encrypted.",
            "rules": ["Encrypt"],
            "by_dlp": True,
            "unless": EXEMPTING,
            "unnamed": EXEMPTING,
            "besides_dlp": True,
            "unknown": ["U18"],
            "contradicted": DID_OTHERWISE,
        },
    ),
    (
        TrialRow,
        {
            "name": "Partners",
            "rule": "Partners (trial)",
            "expired": True,
            "since": "2026-11-01",
            "until": "2026-11-15",
            "changed": True,
            "difference": DIFFERENCE,
            "difference_more": 1,
            "replay": {"window": WINDOW, "difference": []},
            "evidence": {"name": "Partners (trial)", "window": WINDOW},
            "contradicted": DID_OTHERWISE,
        },
    ),
    (
        ForeignRow,
        {
            "name": "Old",
            "guid": "1",
            "place": 1,
            "rules": 2,
            "acts": ["deletes"],
            "does": [{"what": "deletes", "mail_of": ["Ours"]}],
            "idle": "is disabled",
            "since": "new since a snapshot",
            "changed": "last changed 2026-11-01",
        },
    ),
    (
        SuggestionRow,
        {
            "for": "Guarantee",
            "text": "Move the rule.",
            "tried": {"edits": 1, "pairs": 0, "undecided": 0, "complete": True},
            "edits": [{"kind": "move", "rule": "Ours", "option": "priority", "before": 1, "after": 0}],
            "puts_right": "This puts right mail.",
            "effect": "Mail is encrypted.",
            "unless": {"sent_to": ["a@b.example"]},
            "open": "It stays open.",
            "cmdlet": "Set-OutboundConnector",
            "until": "2026-12-31",
            "rules": [{"name": "Ours"}],
            "difference": DIFFERENCE,
            "difference_more": 0,
            "yaml": "- name: Ours",
            "diff": "+- name: Ours",
            "unwritten": ["Odd"],
            "replay": {
                "window": WINDOW,
                "copies": 3,
                "difference": [{"kind": "unknown", "certain": 0, "possible": 2}],
            },
            "contradicted": DID_OTHERWISE,
        },
    ),
]

#: Fields of rows whose keys in results have another name.
_OTHERWISE = {"about": "for", "left_open": "open"}


@pytest.mark.parametrize(("row_class", "row"), WHOLE)
def test_a_row_is_written_as_it_is_read(row_class: type[ResultRow], row: dict[str, Any]) -> None:
    assert row_class.from_row(row).as_row() == row
    assert row_class.from_row(row) == row_class.from_row(row_class.from_row(row).as_row())


@pytest.mark.parametrize(("row_class", "row"), WHOLE)
def test_the_samples_have_all_that_a_row_can_have(row_class: type[ResultRow], row: dict[str, Any]) -> None:
    assert {_OTHERWISE.get(part.name, part.name) for part in fields(row_class)} == row.keys()


@pytest.mark.parametrize(("row_class", "row"), WHOLE)
def test_a_key_that_is_none_of_a_row_is_refused(row_class: type[ResultRow], row: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="unheard_of"):
        row_class.from_row({**row, "unheard_of": 1})
