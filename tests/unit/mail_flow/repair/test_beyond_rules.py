# SPDX-License-Identifier: GPL-3.0-or-later
"""Where no edit of mail flow rules helps a guarantee, what does is said, and nothing is searched: mail from outside, and DLP
rules that decide after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, PARTNER, rule
from tests.unit.mail_flow.dlp_worlds import decrypts, encrypts, policy
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

OUTSIDE = {"from_scope": "NotInOrganization"}
SECURE = {"subject_contains_words": ["secure"]}
MARKED = rule("Marked", SECURE, ENCRYPT)


def advised(rules: Sequence[Values], guarantee: Values, policies: Sequence[Values] | None = None) -> GoalSuggestions:
    facts: Mapping[str, Any] = TENANT if policies is None else {**TENANT, "dlp_policies": list(policies)}
    read = RuleSet(rules)
    judged = prove(read, facts, guarantees_of([{"name": "G", "then": "not_in_clear", **guarantee}]), NOW)
    (found,) = suggestions(read, facts, judged, (), NOW)
    return found


@pytest.mark.parametrize(
    ("when", "unless"),
    [
        ({**OUTSIDE, "sent_to_scope": "InOrganization", **SECURE}, {}),
        ({**SECURE, "sent_to_scope": "InOrganization"}, OUTSIDE),
    ],
)
def test_rules_do_not_encrypt_mail_from_outside(when: Values, unless: Values) -> None:
    found = advised([MARKED], {"when": when, "then": "not_in_clear_if_delivered"})
    assert found.advice is not None
    assert (found.advice.kind, found.advice.unless, found.suggestions) == ("from_outside", unless, ())
    assert found.tried.edits == 0
    (row,) = suggestion_rows([found], [MARKED], str)
    assert (row.unless or {}) == unless


def test_replies_that_a_rule_decrypts_are_put_right_by_an_edit() -> None:
    decrypting = rule("Decrypts", OUTSIDE, {"remove_ome_v2": True})
    found = advised([decrypting], {"when": {**OUTSIDE, "message_type_matches": "PermissionControlled"}})
    assert found.advice is None


@pytest.mark.parametrize("encrypting", [[], [rule("Partner", PARTNER, ENCRYPT)]])
def test_a_dlp_rule_that_decrypts_is_named_also_where_no_rule_encrypts_yet(encrypting: list[Values]) -> None:
    policies = [decrypts({"recipient_domain_is": ["partner.com"]}, "Readable")]
    found = advised(encrypting, {"when": PARTNER}, policies)
    assert found.advice is not None
    assert (found.advice.kind, found.advice.policy) == ("dlp", "Readable")
    assert found.advice.value == ("dlp_decrypts" if encrypting else "dlp_undoes")
    assert (found.advice.rules, found.advice.unless, found.suggestions) == (("Readable",), {}, ())


def test_the_mail_of_a_dlp_rule_can_be_left_out() -> None:
    policies = [decrypts({"recipient_domain_is": ["partner.com"]})]
    all_mail = rule("All", OUTGOING, ENCRYPT)
    found = advised([all_mail], {"when": OUTGOING}, policies)
    assert found.advice is not None
    assert found.advice.unless == {"recipient_domain_is": ["partner.com"]}
    narrower = guarantees_of([{"name": "G", "when": OUTGOING, "unless": found.advice.unless, "then": "not_in_clear"}])
    (kept,) = prove(RuleSet([all_mail]), {**TENANT, "dlp_policies": policies}, narrower, NOW)
    assert kept.verdict is GuaranteeVerdict.PROVED
    (row,) = suggestion_rows([found], [all_mail], str)
    assert (row.edits, row.unless) == ((), found.advice.unless)


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ({"block_access": True}, "dlp_blocks"),
        ({"redirect_message_to": ["boss@contoso.com"]}, "dlp_redirects"),
        ({"quarantine": True}, "dlp_quarantines"),
        ({"moderate_message_by_user": ["boss@contoso.com"]}, "dlp_holds"),
    ],
)
def test_every_end_by_a_dlp_rule_has_words(action: Values, cause: str) -> None:
    found = advised(
        [], {"when": PARTNER, "then": "delivered"}, [policy({"recipient_domain_is": ["partner.com"]}, **action)]
    )
    assert found.advice is not None
    assert (found.advice.kind, found.advice.value) == ("dlp", cause)
    (row,) = suggestion_rows([found], [], str)
    assert "no edit of them helps" in row.text


def test_where_dlp_does_not_decide_an_edit_is_suggested() -> None:
    policies = [encrypts({"recipient_domain_is": ["other.com"]})]
    found = advised([], {"when": {**IN, "recipient_domain_is": ["partner.com"]}}, policies)
    assert (found.advice, [edit.kind for edit in found.suggestions[0].edits]) == (None, ["add"])


@pytest.mark.parametrize("off", [{"mode": "TestWithNotifications"}, {"enabled": False}])
def test_a_dlp_rule_that_does_not_act_is_switched_on_where_edits_are_not_enough(off: Values) -> None:
    blocks = policy({"recipient_domain_is": ["partner.com"]}, "Blocks", block_access=True, **off)
    undoes = decrypts({"recipient_domain_is": ["sub.partner.com"]}, "Undoes")
    found = advised([], {"when": PARTNER}, [blocks, undoes])
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules, found.advice.policy) == ("dlp_idle", ("Blocks",), "Blocks")
    (row,) = suggestion_rows([found], [], str)
    assert "by hand" in row.text
