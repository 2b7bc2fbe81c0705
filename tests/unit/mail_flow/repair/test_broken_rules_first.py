# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that is about the mail of a guarantee, and is broken, is put right before a rule is added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, OUTGOING, STOP, rule
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

BUILDERS = rule("Builders", {"recipient_domain_is": ["builders.com"]}, {**STOP, "set_audit_severity": "Low"})
BROKERS, ANALYSTS = "brokers@contoso.com", "analysts@contoso.com"
GROUPS: Values = {**TENANT, "groups": {BROKERS: ["megan@contoso.com"], ANALYSTS: ["joe@contoso.com"]}}
TO_ANALYSTS: Values = {**IN, "from_member_of": [BROKERS], "sent_to_member_of": [ANALYSTS]}
REJECT: Values = {"reject_message_reason_text": "No."}


def wall(one: str, other: str) -> Values:
    between = {"between_member_of_1": [one], "between_member_of_2": [other]}
    return rule("Wall", between, REJECT, exceptions={"any_of_to_cc_header": ["compliance@contoso.com"]})


@pytest.mark.parametrize("groups", [(BROKERS, ANALYSTS), (ANALYSTS, BROKERS)])
def test_a_wall_between_two_groups_is_for_the_mail_from_one_to_the_other(groups: tuple[str, str]) -> None:
    found, edits = repaired([wall(*groups)], {"when": TO_ANALYSTS, "then": "delivered"}, GROUPS)
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("opposed_rule", ("Wall",))


@pytest.mark.parametrize("groups", [(BROKERS, BROKERS), (ANALYSTS, ANALYSTS)])
def test_a_wall_between_others_is_not_for_it(groups: tuple[str, str]) -> None:
    rejects = rule("Trainee", {**IN, "subject_contains_words": ["x"]}, REJECT)
    found, _edits = repaired([wall(*groups), rejects], {"when": TO_ANALYSTS, "then": "delivered"}, GROUPS)
    assert found.advice is None or found.advice.kind != "opposed_rule"


def test_two_scopes_that_are_wrong_are_turned_by_one_edit() -> None:
    swapped = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    secure = rule("Secure", {**swapped, "subject_contains_words": ["secure"]}, ENCRYPT)
    wanted = {**OUTGOING, "subject_contains_words": ["secure"]}
    found, edits = repaired([BUILDERS, secure], {"when": wanted, "then": "not_in_clear"})
    assert edits[0] == [("condition", "Secure"), ("move", "Secure")]
    assert found.suggestions[0].rules[0]["conditions"] == wanted


@pytest.mark.parametrize(
    ("known", "named"), [({}, "THE NAME IN ITS CERTIFICATE"), ({"tls_domain": "mx.partner.com"}, "")]
)
def test_the_name_in_a_certificate_is_for_people_to_say(known: Mapping[str, Any], named: str) -> None:
    partner = {"name": "Partner", "connector_type": "Partner", "recipient_domains": ["partner.com", "*.partner.com"]}
    facts = {**TENANT, "outbound_connectors": [{**partner, "tls_settings": "CertificateValidation", **known}]}
    to_partner = {**IN, "recipient_domain_is": ["partner.com"]}
    wanted = {"when": to_partner, "then": "protected_in_transit", "tls_validation": "domain"}
    found, edits = repaired([], wanted, facts)
    assert edits[0] == [("connector", "Partner")]
    assert found.suggestions[0].left_open is None
    row = suggestion_rows([found], [], str)[0]
    assert "-TlsSettings 'DomainValidation'" in row.cmdlet
    assert row.cmdlet.partition("-TlsDomain ")[2].strip("'") == named
