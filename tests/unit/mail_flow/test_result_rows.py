# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of results: written as they are read, with all that a row can have, and refused where a key is none of theirs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    EncrypterRow,
    MeasuredRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence_row import (
    EvidenceRow,
    KeptContradictionRow,
    RuleEvidenceRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.experiment_row import (
    NotShownRow,
    SeenCopyRow,
    SeenMessageRow,
    SightingRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import LintRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.overview import CellRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    ForeignRow,
    TrialRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import PolicyRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    CountsRow,
    GuaranteeCountRow,
    OutcomeRow,
    PlainRow,
    ReplayDifferenceRow,
    ReplayRow,
    UndecidedRow,
    WindowRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.row import ResultRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestion_row import (
    SuggestionRow,
)

DIFFERENCE = [{"kind": "protection_lost", "text": "Mail is no longer encrypted.", "when": {}, "rules": ["Ours"]}]
WINDOW = {"from": "2026-11-21T08:00:00Z", "until": "2026-11-28T08:00:00Z", "complete": True}
EXEMPTING = [{"rule": "Stop", "how": "stops"}]
DID_OTHERWISE = ["Exchange did otherwise."]

SIGHTING = {
    "fate": "rejected",
    "rules": ["Stop"],
    "protection": "not_seen",
    "evidence": ["trace", "bounce"],
    "remarks": ["partial"],
    "internal": True,
    "bounce": {"status": "5.7.1", "text": "Not allowed."},
    "tls": "TLS1.2",
    "connector": "Bank",
}
SEEN_COPY = {
    "predicted": {"fate": "delivered"},
    "observed": SIGHTING,
    "agrees": False,
    "contradictions": [{"part": "fate", "predicted": "delivered", "observed": "rejected"}],
}
EXAMPLES = [{"from": "a@contoso.com", "to": "b@bank.example", "subject": "Offer", "received": "2026-11-21T08:00:00Z"}]
COUNTS = {"copies": 10, "messages": 9, "recipients": 8, "left_out": {}}
COVERAGE = {"protected": 1, "not_by_rules": 2, "undecided": 3, "not_delivered": 4}
REPLAYED = {
    "kind": "protection_lost",
    "certain": 3,
    "possible": 1,
    "because": ["body"],
    "plain": {"certain": 1, "possible": 0},
    "senders": 2,
    "domains": [{"name": "bank.example", "certain": 3, "possible": 1}],
    "more_domains": 1,
    "rules": ["Encrypt"],
    "examples": EXAMPLES,
    "contradicted": DID_OTHERWISE,
}
PLAIN = {
    "fate": "delivered",
    "protection": "encrypt",
    "protected_by": ["Encrypt"],
    "protected_by_dlp": ["Cards"],
    "copies": 3,
    "examples": EXAMPLES,
    "rules": ["Executables"],
    "because": ["attachment"],
    "contradicted": DID_OTHERWISE,
}
MEASURED = {
    "days": 7,
    "messages": 10,
    "otherwise": 3,
    "policy": 2,
    "manual": 1,
    "reported": {"policy": 6, "manual": 1},
    "explained": {"certain": 3, "possible": 4},
    "text": "Encrypted, but not by rules: 3 of 10 messages.",
}
RULE_EVIDENCE = {
    "name": "Encrypt",
    "guid": "1",
    "mode": "Enforce",
    "reported": 8,
    "predicted": {"certain": 8, "possible": 1},
    "comparable": False,
    "reason": "the window ended less than 24 hours ago.",
    "why": "young",
    "compared": 8,
    "settled": {"acted": 0, "not_acted": 1},
    "left_out": 1,
    "untraced": 1,
    "late": 1,
    "contradictions": [{"kind": "not_reported", "copies": 1, "ids": ["U03"], "examples": EXAMPLES}],
    "text": "Exchange reports that 'Encrypt' acted on 8 copies.",
    "policy": "Cards",
}

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
            "replay": {"window": WINDOW, "counts": COUNTS, "difference": [REPLAYED]},
            "evidence": {**RULE_EVIDENCE, "window": WINDOW},
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
    (MeasuredRow, MEASURED),
    (WindowRow, {**WINDOW, "complete": False, "reason": "There are more copies than max_copies."}),
    (
        CountsRow,
        {
            "copies": 10,
            "messages": 9,
            "recipients": 8,
            "perhaps_twice": 1,
            "left_out": {"failed": 2},
            "changed": {"certain": 3, "possible": 1, "plain": {"certain": 1, "possible": 0}},
        },
    ),
    (
        OutcomeRow,
        {
            "fate": "delivered",
            "protection": "encrypt",
            "protected_by": ["Encrypt"],
            "protected_by_dlp": ["Cards"],
            "copies": 3,
            "examples": EXAMPLES,
            "contradicted": DID_OTHERWISE,
        },
    ),
    (PlainRow, PLAIN),
    (
        UndecidedRow,
        {
            "reason": "semantics",
            "id": "U03",
            "rules": ["Encrypt"],
            "copies": 3,
            "settled_by": "A test in Exchange.",
            "examples": EXAMPLES,
        },
    ),
    (
        GuaranteeCountRow,
        {
            "name": "Bank",
            "kept": 1,
            "broken": 2,
            "undecided": 3,
            "examples": EXAMPLES,
            "contradicted": DID_OTHERWISE,
        },
    ),
    (ReplayDifferenceRow, REPLAYED),
    (
        ReplayRow,
        {
            "window": WINDOW,
            "counts": COUNTS,
            "outcome": [],
            "undecided": [],
            "plain": [PLAIN],
            "days": [{"date": "2026-11-21", **COVERAGE}],
            "domains": [{"name": "bank.example", **COVERAGE}],
            "assumes": [{"id": "size", "text": "No message is too large."}, {"id": "U03"}],
            "unseen": ["labels"],
            "proposed": True,
            "encrypted_otherwise": MEASURED,
            "difference": [REPLAYED],
            "guarantees": [],
        },
    ),
    (RuleEvidenceRow, RULE_EVIDENCE),
    (
        EvidenceRow,
        {
            "window": WINDOW,
            "copies": 10,
            "rules": [RULE_EVIDENCE],
            "strangers": ["Gone"],
            "dlp": {
                "window": {"from": WINDOW["from"], "until": WINDOW["until"]},
                "rules": [RULE_EVIDENCE],
                "strangers": [],
            },
            "encryption": [{"date": "2026-11-21", "policy": 6, "manual": 1, "copies": 9}],
            "encrypted_otherwise": {"text": "How much is encrypted, but not by rules, is unknown."},
            "unseen": [],
            "sample": [{"rules": ["Encrypt"], "tls": "TLS1.2", "connector": "Bank", "copies": 2}],
            "assumes": [{"id": "removed", "text": "No rule was removed."}],
            "raw": [{"report": "rules", "column": "UserAction"}],
            "unavailable": {"dlp_report": "It is retired."},
        },
    ),
    (
        KeptContradictionRow,
        {
            "from": WINDOW["from"],
            "until": WINDOW["until"],
            "guid": "1",
            "name": "Encrypt",
            "contradictions": [{"kind": "not_reported", "copies": 1, "ids": []}],
            "run": "2026-11-28T080000Z-audit-1",
        },
    ),
    (SightingRow, SIGHTING),
    (SeenCopyRow, SEEN_COPY),
    (
        SeenMessageRow,
        {
            "name": "Offer",
            "message_id": "<1@contoso.com>",
            "state": "sent",
            "reason": "It was too late.",
            "sent_at": "2026-12-01T13:04:30+01:00",
            "recipients": {"ann@bank.example": SEEN_COPY},
            "shows": ["the rule 'Encrypt' acts"],
        },
    ),
    (NotShownRow, {"goal": "the rule 'Encrypt' acts", "sent": True}),
]

#: Fields of rows whose keys in results have another name.
_OTHERWISE = {"about": "for", "left_open": "open", "begin": "from"}


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
