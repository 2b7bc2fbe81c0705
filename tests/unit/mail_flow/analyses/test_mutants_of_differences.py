# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences with a mistake in them: each makes one be missed that is noticed without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import (
    attribution,
    difference_queries,
    rule_changes,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    compile_recipients,
    compile_rules,
    compile_text_edits,
    symbolic_message,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does

from tests.unit.mail_flow.answers import difference
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, NOW, STOP, rule
from tests.unit.mail_flow.mutating import Patch, subject
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]


def no_edit_steers(patch: Patch) -> None:
    """Later rules would be reached alike, whatever an edited rule stops."""
    patch(attribution._CutPoint, "_unless", lambda self, literal: None)


def edited_rules_do_nothing_of_their_own(patch: Patch) -> None:
    """Copies would end with the same, whatever an edited rule does to them."""
    whole = attribution._CutPoint.end
    patch(attribution._CutPoint, "end", lambda self, *versions: whole(self, [], []))


def nothing_shows(patch: Patch) -> None:
    """Rules that end the way of mail would be no edits."""
    patch(rule_changes, "may_affect_copies", lambda rule, watched: bool(rule.actions.does(Does.ENCRYPT)))


def copies_are_no_matter(patch: Patch) -> None:
    """A rule that splits copies would be no edit, though another one looks at who shares them."""
    patch(rule_changes, "may_affect_copies", lambda rule, watched: compile_rules.may_affect_copies(rule, watched=False))


def nobody_leaves_a_copy(patch: Patch) -> None:
    """Whoever shares a copy would share it to the end, if nobody is built for them."""
    patch(
        compile_recipients.OtherRecipientsFormulas, "_leaver", lambda self, conditions, rule, name, seen, history: FALSE
    )


def only_the_recipients_rules_split(patch: Patch) -> None:
    """A rule would make others leave only where it is for the recipient who is followed."""
    patch(compile_recipients, "_of_message", tuple)


def edits_part_nobody(patch: Patch) -> None:
    """Rules that are not edited would see the same people, whatever an edited one splits."""
    patch(difference_queries, "leaves_one_set", lambda other_recipients, edits, chains: [FALSE] * len(edits))


def a_changed_rule_parts_nobody(patch: Patch) -> None:
    whole = compile_recipients.OtherRecipientsFormulas.leaves_one_set
    patch(
        compile_recipients.OtherRecipientsFormulas,
        "leaves_one_set",
        lambda self, splits, *, in_place: FALSE if in_place else whole(self, splits, in_place=in_place),
    )


def nobody_writes_to_an_alias(patch: Patch) -> None:
    whole = symbolic_message.SymbolicMessage._assume_the_usual

    def assume(self: Any, *about: Any) -> None:
        whole(self, *about)
        self.circuit.add(self.addressing.direct)

    patch(symbolic_message.SymbolicMessage, "_assume_the_usual", assume)


def protection_decides_about_nothing(patch: Patch) -> None:
    """No edit that encrypts would be a cause."""
    patch(attribution, "DECIDING", {**attribution.DECIDING, "protection": frozenset()})


def nobody_sees_a_change(patch: Patch) -> None:
    """Later rules would see the same, whatever an edited one changes."""
    patch(compile_text_edits.TextEdits, "differ", lambda self, before, after: FALSE)


SPLITS = rule("Splits", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"})
WIDE = rule("Wide", {"from_scope": "InOrganization", "any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT)
MARKS = rule("Marks", IN, {"prepend_subject": "public: "})
AWAY = rule("Away", {**IN, **subject("public")}, STOP)
BOB = rule("Bob", {**IN, "recipient_address_contains_words": ["bob"]}, ENCRYPT)


@pytest.mark.parametrize(
    ("mutant", "before", "after"),
    [
        (no_edit_steers, [ALL], [AWAY, ALL]),
        (edited_rules_do_nothing_of_their_own, [ALL], []),
        (nothing_shows, [ALL], [AWAY, ALL]),
        (copies_are_no_matter, [WIDE], [SPLITS, WIDE]),
        (nobody_leaves_a_copy, [WIDE], [SPLITS, WIDE]),
        (only_the_recipients_rules_split, [WIDE], [SPLITS, WIDE]),
        (edits_part_nobody, [WIDE], [SPLITS, WIDE]),
        (
            a_changed_rule_parts_nobody,
            [SPLITS, WIDE],
            [{**SPLITS, "conditions": {"recipient_domain_is": ["example.org"]}}, WIDE],
        ),
        (protection_decides_about_nothing, [ALL], []),
        (nobody_sees_a_change, [AWAY, ALL], [MARKS, AWAY, ALL]),
        (nobody_writes_to_an_alias, [BOB], [{**BOB, "recipient_address_type": "Original"}]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_missed_difference_is_noticed(
    mutant: Callable[[Patch], None], before: list[Values], after: list[Values], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "protection_lost" in [row["kind"] for row in difference(before, after, TENANT, NOW).rows]
    mutant(monkeypatch.setattr)
    assert difference(before, after, TENANT, NOW).rows == []
