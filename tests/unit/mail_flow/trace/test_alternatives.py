# SPDX-License-Identifier: GPL-3.0-or-later
"""What several rule sets would change for the copies of a trace is what a replay of each says."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import Difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import with_replays
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
    SearchEffort,
    Suggestion,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace import (
    changed_copies,
    followed_copies,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import TracedMail
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import (
    CopyCount,
    Replay,
    alternatives,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace

from tests.rounds import seeds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.tracing import ordinary_message, tenant, traced

#: A rule about what no row shows, which would have kept copies back that were delivered.
_PROGRAMS: dict[str, Any] = {
    "name": "Programs",
    "conditions": {"attachment_has_executable_content": True},
    "actions": {"reject_message_reason_text": "No."},
}


@pytest.mark.parametrize("dated", [False, True], ids=["undated", "dated"])
@pytest.mark.parametrize("seed", seeds(8))
def test_each_rule_set_changes_what_its_replay_says(seed: int, dated: bool) -> None:
    changed = told = 0
    for round_ in range(10):
        source = random.Random(f"{seed} {round_}")
        facts = tenant(source)
        present = [
            {key: value for key, value in rule.items() if key != "priority"}
            for rule in generators.rules(source, most=6, rare=0.1)
        ]
        present.insert(source.choice((0, 0, len(present))), _PROGRAMS)
        since = [0] * len(present) if dated else []
        trace = traced([ordinary_message(source, f"m{number}") for number in range(20)], facts)
        others = [source.sample(present, source.randrange(len(present) + 1)) for _each in range(3)] + [present]
        found = alternatives(RuleSet(present), [RuleSet(each) for each in others], facts, trace, since)
        for rules, changes in zip(others, found, strict=True):
            tallies = Replay(RuleSet(rules), facts, RuleSet(present), present=-1, since=since).run(trace)
            told += tallies.premises["delivered"]
            replayed = tallies.difference
            assert changes == {
                kind: CopyCount(tally.certain.total(), tally.possible.total()) for kind, tally in replayed.items()
            }, (seed, round_, present, rules)
            changed += bool(changes)
        assert found[-1] == {}
    assert changed
    assert bool(told) is dated


def test_an_edited_rule_counts_the_copies_that_it_treats_differently() -> None:
    source = random.Random(1)
    facts = tenant(source)
    encrypt: dict[str, Any] = {
        "name": "E",
        "conditions": {},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    trace = traced([ordinary_message(source, f"m{number}") for number in range(30)], facts)
    off = {**encrypt, "enabled": False}
    (found,) = alternatives(RuleSet([off]), [RuleSet([encrypt])], facts, trace)
    replayed = Replay(RuleSet([encrypt]), facts, RuleSet([off])).run(trace).difference
    assert found == {kind: CopyCount(tally.certain.total(), tally.possible.total()) for kind, tally in replayed.items()}
    assert found["protection_gained"].certain > 0
    assert alternatives(RuleSet([off]), [], facts, trace) == []
    assert alternatives(RuleSet([off]), [RuleSet([encrypt])], facts, Trace()) == [{}]


def test_whatever_is_forgotten_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(7)
    facts, present = tenant(source), RuleSet(generators.rules(source, most=6, rare=0.1))
    trace = traced([ordinary_message(source, f"m{number}") for number in range(60)], facts)
    others = [RuleSet(generators.rules(source, most=6, rare=0.1)) for _each in range(2)]

    def found() -> object:
        replayed = [Replay(present, facts, other).run(trace) for other in others]
        tables = [
            {key: (tally.certain, tally.possible) for key, tally in table.items()}
            for each in replayed
            for table in (each.outcomes, each.undecided, each.difference)
        ]
        return tables, alternatives(present, others, facts, trace)

    whole = found()
    for module in (followed_copies, changed_copies):
        monkeypatch.setattr(module, "MOST_KNOWN", 1)
    assert found() == whole


def test_of_suggestions_what_would_have_changed_fewer_copies_comes_first() -> None:
    source = random.Random(1)
    encrypt = {"name": "E", "conditions": {}, "actions": {"apply_rights_protection_template": "Encrypt"}}
    some = {**encrypt, "conditions": {"message_size_over": "1GB"}}
    trace = traced([ordinary_message(source, f"m{number}") for number in range(30)], tenant(source))
    every = [Suggestion((), rules, Difference(), ()) for rules in ((encrypt,), (some,), ({**encrypt, "name": "F"},))]
    goal = GoalSuggestions("G", tuple(every), SearchEffort())
    (found,) = with_replays([goal], RuleSet([]), {}, TracedMail(trace, None))
    # Those that would have changed equally many stay as they are.
    assert [each.rules for each in found.suggestions] == [every[place].rules for place in (1, 0, 2)]
