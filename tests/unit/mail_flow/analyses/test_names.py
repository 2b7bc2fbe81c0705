# SPDX-License-Identifier: GPL-3.0-or-later
"""A name says nothing: whatever rules, templates, connectors and OME configurations are called, they do the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approved_mail import (
    counted_mail,
    moved_mail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import LOSSES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.copy_result import (
    MessageResult,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.result_rows import (
    DifferenceRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import BECOMES

from tests.unit.mail_flow.answers import difference, difference_lines, differences, lint, prove, verdict_lines, worsened
from tests.unit.mail_flow.asking import ALL, IN, NOW, OUTGOING, STOP, rule
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

#: What stands for a word in every name.
WORD = "qwertz"

#: Words and pieces of sentences of the collection's own.
WORDS = (
    *(
        "unknown",
        "none",
        "encrypt",
        "Do Not Forward",
        "protected_option_unknown",
        "smime",
        "template:Encrypt",
        "delivered",
        "moderated",
        "nobody",
    ),
    *(
        "priority 3)",
        ", priority 4)",
        "the new rule",
        "stops before",
        "is now",
        "unless it is rejected by",
        "U01",
        "budget",
    ),
    *("proved", "refuted", "in clear", "True", "null", "and 2 others.", ": rule", "; ", "%s {}", "All mail"),
    *sorted(LOSSES),
    *(BECOMES["unknown"], BECOMES["protection_lost"]),
)


def _rules(word: str) -> list[Values]:
    own, board = (
        {"apply_rights_protection_template": f"A {word}"},
        {"apply_rights_protection_customization_template": f"B {word}"},
    )
    return [
        rule(f"C {word}", {**IN, "subject_contains_words": ["newsletter"]}, {**STOP, "set_audit_severity": "Low"}),
        rule(f"D {word}", {**IN, "recipient_domain_is": ["fabrikam.com"]}, {**own, **board}),
        rule(
            f"E {word}", {**OUTGOING, "subject_contains_words": ["secret"]}, own, exceptions={"with_importance": "High"}
        ),
        rule(
            f"F {word}",
            {**OUTGOING, "subject_contains_words": ["both"]},
            {"apply_rights_protection_template": f"K {word}"},
        ),
        rule(f"G {word}", {**OUTGOING, "with_importance": "Low"}, {"route_message_outbound_connector": f"L {word}"}),
        rule(
            f"H {word}",
            {**OUTGOING, "subject_contains_words": ["old"]},
            {"moderate_message_by_user": ["bob@contoso.com"]},
        ),
        rule(f"I {word}", {"message_type_matches": "OOF"}, own, mode="Audit"),
    ]


def _edited(word: str) -> list[Values]:
    first, partners, secret, both, connector, held, tried = _rules(word)
    stops = rule(f"J {word}", {**IN, "with_importance": "High"}, STOP)
    secret = {**secret, "actions": {"apply_rights_protection_template": f"K {word}"}, "exceptions": {}}
    return [
        stops,
        connector,
        partners,
        first,
        secret,
        both,
        {**held, "expiry_date": "2026-04-01T00:00:00Z"},
        {**tried, "mode": "Enforce"},
    ]


GUARANTEES: list[Values] = [
    {"name": "One", "when": {**IN, "recipient_domain_is": ["fabrikam.com"]}, "then": "not_in_clear"},
    {
        "name": "Two",
        "when": {**OUTGOING, "subject_contains_words": ["secret"]},
        "then": "encrypted",
        "template": f"A {WORD}",
    },
    {"name": "Three", "when": OUTGOING, "then": "portal"},
]
MESSAGES: list[Values] = [
    {
        "from": "megan@contoso.com",
        "to": ["ann@fabrikam.com"],
        "subject": subject,
        "importance": "Normal",
        "type": [],
        **more,
    }
    for subject, more in (
        ("secret both", {}),
        ("newsletter", {}),
        ("old", {"importance": "High"}),
        ("x", {"type": ["OOF"]}),
    )
]


def _simulated(rules: Sequence[Values]) -> list[MessageResult]:
    simulator = Simulator(RuleSet(rules), facts_of(TENANT))
    return [simulator.results(message_of({**each, "date": NOW}, "", str(each["subject"]))) for each in MESSAGES]


def _everything(word: str) -> Values:
    """All that is said of these rules, as they are and as they are edited."""
    before, after = _rules(word), _edited(word)
    guarantees = json.loads(json.dumps(GUARANTEES).replace(WORD, json.dumps(word)[1:-1]))
    found = difference(before, after, TENANT, NOW)
    results = [_simulated(rules) for rules in (before, after)]
    mail = {
        "difference": found.rows,
        "difference_more": found.more,
        "guarantees": prove(after, TENANT, guarantees, NOW),
    }
    return {
        **mail,
        "before": prove(before, TENANT, guarantees, NOW),
        "lint": lint(after, TENANT, NOW),
        "worse": [worsened(before, after, TENANT, each, NOW) for each in guarantees_of(guarantees)],
        "results": worded([[each.as_row() for each in side] for side in results]),
        "changed": differences(*results),
        "lines": [*difference_lines(found), *verdict_lines(mail["guarantees"])],
    }


def _effect(found: Values) -> EffectOnMail:
    return EffectOnMail.from_row({key: found[key] for key in ("difference", "difference_more", "guarantees")})


@pytest.fixture(name="plain", scope="module")
def plain_fixture() -> Values:
    return _everything(WORD)


def test_the_rules_show_something(plain: Values) -> None:
    assert {row["kind"] for row in plain["difference"]} >= {
        "protection_lost",
        "protection_gained",
        "protection_changed",
        "unknown",
    }
    assert {row["verdict"] for row in plain["guarantees"]} == {"refuted"}
    assert any(plain["worse"])
    assert len(plain["changed"]) > 1


@pytest.mark.parametrize("word", WORDS)
def test_a_name_changes_nothing_but_the_name(word: str, plain: Values) -> None:
    """Verdicts, sentences, gates and results are those of other names, and so is what counts for an approval."""
    renamed = json.loads(json.dumps(plain).replace(WORD, json.dumps(word)[1:-1]))
    found = json.loads(json.dumps(_everything(word)))
    for key, said in renamed.items():
        assert (
            sorted(map(json.dumps, found[key])) == sorted(map(json.dumps, said))
            if isinstance(said, list)
            else found[key] == said
        ), key
    effects = [_effect(each) for each in (renamed, found)]
    assert counted_mail(effects[0]) == counted_mail(effects[1])
    assert moved_mail(*effects) == []


def test_a_branding_may_be_called_unknown() -> None:
    """Found by hand: its change was told as one that may be."""
    branded = rule("Branded", OUTGOING, {"apply_rights_protection_customization_template": "unknown"})
    other = {**branded, "actions": {"apply_rights_protection_customization_template": "Blue"}}
    for before, after in (([], [branded]), ([branded], []), ([other], [branded]), ([branded], [other])):
        rows = difference([ALL, *before], [ALL, *after], TENANT, NOW).rows
        assert [row["kind"] for row in rows] == ["branding_changed"]


def test_names_that_look_like_places_are_two_names() -> None:
    """A digest that leaves out the place of a rule keeps its name."""
    digests = []
    for place in (3, 4):
        stops = rule(f"X, priority {place})", {**IN, "subject_contains_words": ["newsletter"]}, STOP)
        rows = difference(_rules(WORD)[1:], [stops, *_rules(WORD)[1:]], TENANT, NOW).rows
        digests.append(counted_mail(EffectOnMail(tuple(map(DifferenceRow.from_row, rows))))["difference"])
    assert not set(digests[0]) & set(digests[1])


def test_other_words_for_the_same_void_no_approval(plain: Values) -> None:
    reworded = {**plain, "difference": [{**row, "text": "Mail."} for row in plain["difference"]]}
    assert counted_mail(_effect(reworded)) == counted_mail(_effect(plain))
