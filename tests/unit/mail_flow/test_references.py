# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom and what rules name, and whether an organization has it: nothing is called missing that was not clearly refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import PermissionDeniedError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.directory import MOST_ASKED
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.references import references

from tests.unit.emulated_session import EmulatedSession

DOMAIN = "contoso.onmicrosoft.com"


def rule(name: str = "Rule", **sections: Any) -> dict[str, Any]:
    return {"name": name, "conditions": {}, "exceptions": {}, "actions": {}, **sections}


def statuses(session: Any, *rules: Mapping[str, Any]) -> dict[str, str]:
    return {each.value: each.status for each in references(session, rules)}


def session(**state: Any) -> EmulatedSession:
    people = [
        {"name": "Ann", "alias": "ann", "address": f"ann@{DOMAIN}"},
        {"name": "Legal", "alias": "legal", "address": f"legal@{DOMAIN}", "members": [f"ann@{DOMAIN}"]},
        {"name": "Board", "alias": "board", "address": f"board@{DOMAIN}", "linked_members": [f"ann@{DOMAIN}"]},
    ]
    return EmulatedSession({"recipients": people, **state})


def test_everything_that_rules_name_is_listed_at_once() -> None:
    emulated = session()
    rules = [
        rule(
            "First",
            conditions={"from": [f"Ann@{DOMAIN}", f"gone@{DOMAIN}"], "from_member_of": [f"legal@{DOMAIN}"]},
            exceptions={"sent_to": ["ann@fabrikam.com"], "sent_to_member_of": [f"ann@{DOMAIN}", f"board@{DOMAIN}"]},
            actions={
                "apply_rights_protection_template": "Encrypt",
                "apply_rights_protection_customization_template": "Their brand",
                "route_message_outbound_connector": "To the scanner",
                "generate_incident_report": f"lost@{DOMAIN}",
            },
        ),
        rule(
            "Second",
            conditions={"from": [f"gone@{DOMAIN}"], "has_classification": "Secret"},
            actions={"apply_rights_protection_template": "Contoso only", "copy_to": [f"board@{DOMAIN}"]},
        ),
    ]
    found = {(each.kind, each.value): each for each in references(emulated, rules)}
    assert {key: each.status for key, each in found.items()} == {
        ("recipient", f"Ann@{DOMAIN}"): "present",
        ("recipient", f"gone@{DOMAIN}"): "missing",
        ("group", f"legal@{DOMAIN}"): "present",
        ("recipient", "ann@fabrikam.com"): "outside",
        ("group", f"ann@{DOMAIN}"): "missing",
        ("group", f"board@{DOMAIN}"): "present",
        ("template", "Encrypt"): "present",
        ("ome_configuration", "Their brand"): "missing",
        ("connector", "To the scanner"): "missing",
        ("recipient", f"lost@{DOMAIN}"): "missing",
        ("classification", "Secret"): "unknown",
        ("template", "Contoso only"): "missing",
        ("recipient", f"board@{DOMAIN}"): "present",
    }
    gone = found["recipient", f"gone@{DOMAIN}"]
    assert (gone.rules, gone.options) == (["First", "Second"], ["conditions.from"])
    assert "UserMailbox" in found["group", f"ann@{DOMAIN}"].reason
    assert emulated.trips == 2
    assert emulated.writes == []


def test_rules_that_name_nothing_ask_for_nothing() -> None:
    emulated = session()
    assert references(emulated, [rule(conditions={"from_scope": "InOrganization"})]) == []
    assert emulated.trips == 0


class _Refusing:
    """A session that may not use some cmdlets."""

    def __init__(self, session: EmulatedSession, *cmdlets: str) -> None:
        self._session, self._cmdlets = session, cmdlets

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        answers = self._session.invoke(calls, fresh=fresh)
        return [
            Result(error=PermissionDeniedError("not granted")) if call.cmdlet in self._cmdlets else answer
            for call, answer in zip(calls, answers, strict=True)
        ]


def test_what_may_not_be_read_is_unknown_and_never_missing() -> None:
    named = rule(
        conditions={"from": [f"ann@{DOMAIN}", f"gone@{DOMAIN}", "ann@fabrikam.com", "Somebody"]},
        actions={"route_message_outbound_connector": "To the scanner"},
    )
    assert statuses(_Refusing(session(), "Get-Recipient"), named) == {
        f"ann@{DOMAIN}": "unknown",
        f"gone@{DOMAIN}": "unknown",
        "ann@fabrikam.com": "outside",
        "Somebody": "unknown",
        "To the scanner": "missing",
    }
    assert statuses(_Refusing(session(), "Get-UnifiedGroupLinks"), named)[f"gone@{DOMAIN}"] == "unknown"
    found = statuses(_Refusing(session(), "Get-AcceptedDomain", "Get-OutboundConnector"), named)
    assert found == {
        f"ann@{DOMAIN}": "present",
        f"gone@{DOMAIN}": "unknown",
        "ann@fabrikam.com": "unknown",
        "Somebody": "missing",
        "To the scanner": "unknown",
    }


def test_who_is_not_asked_for_is_unknown() -> None:
    many = [f"p{number}@{DOMAIN}" for number in range(MOST_ASKED + 1)]
    found = statuses(session(), rule(conditions={"from": many}))
    assert list(found.values()) == ["missing"] * MOST_ASKED + ["unknown"]
