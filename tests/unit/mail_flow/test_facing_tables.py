# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of which one has what another one names: nothing is found that has no sentence."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.single_rule_lint import CHECKS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import lint


def test_each_check_of_a_rule_has_a_sentence() -> None:
    told = {kind for kind, _case in (*lint._SENTENCES, *lint._OF_ONE)}
    assert sorted(CHECKS.keys() - told) == []


def test_no_finding_has_two_sentences() -> None:
    assert sorted(lint._SENTENCES.keys() & lint._OF_ONE.keys()) == []
