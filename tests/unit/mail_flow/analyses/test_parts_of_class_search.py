# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of the search for classes of mail by itself: its model, the messages, and the parts of a kind."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import class_model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.attribution import (
    WHOLE,
    turns_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.class_messages import (
    ClassMessages,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.class_model import (
    ClassModel,
    MailClasses,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.class_parts import PartSearch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.class_search import (
    ClassSearch,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_queries import (
    DifferenceQueries,
    DifferenceSearch,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import (
    edits_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import BudgetError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model

from tests.unit.mail_flow.asking import ALL, NOW
from tests.unit.mail_flow.small_worlds import TENANT


def searched(budget: int = 1_000) -> ClassModel:
    """A model of a rule that encrypts mail and of none."""
    sets = [RuleSet([ALL]), RuleSet([])]
    edits = edits_of(*sets)
    model = Model(sets, RuleSet([]), facts_of(TENANT), NOW, ["do_not_forward", "encrypt"])
    return ClassModel(
        DifferenceSearch(DifferenceQueries(model, edits, ["encrypt"], turns_of(edits, *sets)), (), budget)
    )


def test_the_search_finds_the_class_of_mail_that_loses_protection() -> None:
    asked, found = searched(), MailClasses()
    kinds = {("", 0): list(asked.queries.free("").kinds)}
    remaining = ClassSearch(asked, found).search(kinds)
    assert len(found.by_key) == 1
    mail_class = next(iter(found.by_key.values()))
    assert mail_class.kind is DifferenceKind.PROTECTION_LOST
    assert mail_class.shown is not None
    assert DifferenceKind.PROTECTION_LOST not in remaining["", 0]
    assert found.unusual == set()


def test_a_kind_falls_into_parts_each_with_a_message() -> None:
    asked, found = searched(), MailClasses()
    messages = ClassMessages(asked)
    usual = asked.mail.assumed(usual=True)
    classes = list(
        PartSearch(asked, found, messages).classes(DifferenceKind.PROTECTION_LOST, ("", 0), usual, usual=True)
    )
    assert [mail_class.part for mail_class in classes] == [key[3] for key in found.by_key]
    for mail_class in classes:
        messages.show_surely(mail_class, True)
        assert mail_class.shown is not None


def test_classes_are_dropped_and_are_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = MailClasses()
    mail_class = found.of_part(DifferenceKind.PROTECTION_LOST, ("", 0), WHOLE)
    assert found.of_part(DifferenceKind.PROTECTION_LOST, ("", 0), WHOLE) is mail_class
    monkeypatch.setattr(class_model, "MOST_CLASSES", 1)
    with pytest.raises(BudgetError):
        found.of_part(DifferenceKind.PROTECTION_GAINED, ("", 0), WHOLE)
    found.drop(mail_class)
    assert found.by_key == {}


def test_without_conflicts_nothing_is_asked() -> None:
    with pytest.raises(BudgetError):
        _remaining = searched(budget=0).remaining_budget
