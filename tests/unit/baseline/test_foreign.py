# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that are not ours, and what they can do to mail of ours: named by audit, plan, rollback and the module that
warns of them.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.foreign_rules import (
    foreign_rules,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    foreign_line,
    foreign_row,
)
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rules
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.report_data import render_csv
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.unit.run_reports import run_of

from .conftest import Role

OURS = "Encrypt all outgoing mail"
#: A rule of somebody else, and what it can do to mail of ours; empty where it can do nothing.
FOREIGN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("stops", {"FromScope": "InOrganization", "StopRuleProcessing": True}, f"can keep mail from '{OURS}'"),
    ("deletes", {"SubjectContainsWords": ["x"], "DeleteMessage": True}, f"can delete mail of '{OURS}'"),
    ("rejects", {"RejectMessageReasonText": "no"}, f"can reject mail of '{OURS}'"),
    ("redirects", {"RedirectMessageTo": ["a@example.org"]}, f"can redirect mail of '{OURS}'"),
    ("quarantines", {"Quarantine": True}, f"can hold mail of '{OURS}' in quarantine"),
    ("moderates", {"ModerateMessageByUser": ["a@contoso.onmicrosoft.com"]}, f"can hold mail of '{OURS}' for approval"),
    ("decrypts", {"RemoveOMEv2": True}, f"can decrypt mail of '{OURS}'"),
    (
        "reports",
        {"GenerateIncidentReport": "a@example.org", "IncidentReportContent": ["Subject"]},
        f"can report mail of '{OURS}' to somebody outside",
    ),
    (
        "reports to inside",
        {"GenerateIncidentReport": "a@contoso.onmicrosoft.com", "IncidentReportContent": ["Subject"]},
        "",
    ),
    (
        "reports while it is only tried",
        {"GenerateIncidentReport": "a@example.org", "IncidentReportContent": ["Subject"], "Mode": "Audit"},
        f"can report mail of '{OURS}' to somebody outside. It is only in test mode (Audit)",
    ),
    ("of mail from outside", {"FromScope": "NotInOrganization", "DeleteMessage": True}, ""),
    ("of mail to inside", {"SentToScope": "InOrganization", "StopRuleProcessing": True}, ""),
    ("a footer", {"ApplyHtmlDisclaimerText": "Sincerely"}, ""),
    ("disabled", {"DeleteMessage": True, "Enabled": False}, ""),
    ("only tried", {"DeleteMessage": True, "Mode": "Audit"}, ""),
)


def with_ours(*foreign: tuple[str, dict[str, Any]], behind: bool = False) -> Role:
    role = Role()
    role.run(encrypt_outgoing={})
    for name, parameters in foreign:
        role.session.edit("New-TransportRule", Name=name, **({} if behind else {"Priority": 0}), **parameters)
    return role


def lines(role: Role, kind: str) -> str:
    report = OrganizationReport.from_row(role.report)
    return "\n".join(lines_of(run_of(report, kind=kind), "page"))


@pytest.mark.parametrize(("name", "parameters", "can"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_a_foreign_rule_is_named_with_what_it_can_do_to_our_mail(
    name: str, parameters: dict[str, Any], can: str
) -> None:
    role = with_ours((name, parameters))
    rules = role.session.organization.dump()["transport_rules"]
    (day,) = (rule["WhenChanged"][:10] for rule in rules if rule["Name"] == name)
    expected = f"  Foreign rule '{name}' (place 1 of 2, last changed {day} by Administrator): {can}." if can else ""
    for kind, options in (("audit", {}), ("baseline", {"check": True})):
        role.plan(kind, encrypt_outgoing={}, **options)
        assert [line for line in lines(role, kind).splitlines() if "Foreign" in line] == ([expected] if can else [])
        assert [row["name"] for row in role.report["mail"]["foreign"]] == [name]


def test_behind_our_rule_one_that_stops_does_nothing_and_one_that_deletes_does() -> None:
    role = with_ours(
        ("stops", {"SubjectContainsWords": ["x"], "StopRuleProcessing": True}),
        ("deletes", {"DeleteMessage": True}),
        behind=True,
    )
    role.plan("audit", encrypt_outgoing={})
    told = lines(role, "audit")
    assert "Foreign rule 'deletes' (place 3 of 3" in told
    assert "Foreign rule 'stops'" not in told


def test_a_plan_is_judged_as_it_leaves_the_rules() -> None:
    role = Role({"transport_rules": [{"Name": "Hold", "StopRuleProcessing": True}]})
    role.plan("audit", encryption_rules=[])
    assert "foreign" not in role.report["mail"]
    role.plan(check=True, encrypt_outgoing={})
    # The new rule comes last.
    assert "Foreign rule 'Hold' (place 1 of 2" in lines(role, "check")


def test_a_rollback_that_has_nothing_left_names_what_stands_in_front() -> None:
    role = with_ours()
    said: list[str] = []
    role.say = said.append
    role.run("rollback", accept=["encryption_off"])
    role.session.edit("New-TransportRule", Name="Hold", Priority=0, StopRuleProcessing=True)
    role.session.edit("New-TransportRule", Name="Footer", ApplyHtmlDisclaimerText="Sincerely")
    (path,) = role.artifacts.snapshots.chain().links
    role.plan("rollback", rollback_snapshot=path.path, check=True)
    assert said[-1].endswith(
        "There is nothing left to restore. Rules that are not ours decide about mail, and stay: 'Hold'."
    )
    assert "Foreign rule 'Hold' (place 1 of 2, new since the snapshot, " in lines(role, "rollback")
    assert "): keeps mail from later rules." in lines(role, "rollback")
    assert "Footer" not in lines(role, "rollback")


def test_a_rollback_tells_a_rule_that_changed_from_one_that_was_there() -> None:
    role = Role(
        {
            "transport_rules": [
                {"Name": name, "SubjectContainsWords": [name], "DeleteMessage": True} for name in ("same", "changed")
            ]
        }
    )
    role.run(encrypt_outgoing={})
    guid = next(
        rule["Guid"] for rule in role.session.organization.dump()["transport_rules"] if rule["Name"] == "changed"
    )
    role.session.edit("Set-TransportRule", Identity=guid, SubjectContainsWords=["other"])
    role.plan("rollback", check=True)
    since = {row["name"]: row.get("since", "") for row in role.report["mail"]["foreign"]}
    assert since == {"same": "", "changed": "changed since the snapshot"}


def test_a_whole_rollback_removes_what_decides_about_mail_only_where_it_is_forced() -> None:
    role = with_ours(("Hold", {"StopRuleProcessing": True}), ("Footer", {"ApplyHtmlDisclaimerText": "Sincerely"}))
    role.run("rollback", rollback_scope="full", accept=["encryption_off"])
    assert any("'Hold'" in text for text in role.report["warnings"])
    role.run("rollback", rollback_scope="full", rollback_force=True, accept=["encryption_off"])
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["Footer"]


def test_the_module_that_warns_of_unmanaged_rules_names_those_in_front(role: Role) -> None:
    role.session.edit("New-TransportRule", Name="Hold", SubjectContainsWords=["x"], StopRuleProcessing=True)
    role.session.edit("New-TransportRule", Name="Outside", FromScope="NotInOrganization", DeleteMessage=True)
    rule = {
        "name": "mine",
        "conditions": {"from_scope": "InOrganization"},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    role.session.run(ome_transport_rules, rules=[rule], unmanaged="warn")
    assert [text for text in role.session.warnings if "Hold" in text or "Outside" in text] == [
        "The rule 'Hold' (place 1 of 3): can keep mail from 'mine'."
    ]


def test_our_rules_are_named_as_they_are_and_what_is_idle_says_so() -> None:
    rules = [
        {"name": "Old", "enabled": False, "conditions": {}, "exceptions": {}, "actions": {"delete_message": True}},
        {
            "name": "Mine",
            "enabled": True,
            "conditions": {},
            "exceptions": {},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        },
    ]
    (row,) = foreign_rules(rules, ["mine"], {})
    assert foreign_line(foreign_row(row)) == "'Old' (place 1 of 2): deletes mail. It is disabled."
    assert (row.name, row.place, row.rules, row.never, row.does) == ("Old", 1, 2, "disabled_rule", {})


def test_the_report_has_them_in_a_section_and_in_its_table() -> None:
    role = with_ours(("Hold", {"StopRuleProcessing": True}), ("Footer", {"ApplyHtmlDisclaimerText": "Sincerely"}))
    role.plan("audit", encrypt_outgoing={})
    report = OrganizationReport.from_row(role.report)
    run = run_of(report)
    page = render_html(run)
    assert '<section id="foreign">' in page
    assert "1 more can neither delete" in page
    assert '"foreign rule"' in render_csv(run)


def test_hundreds_of_rules_are_held_against_ours() -> None:
    """Each by itself: what all the others make of mail before would take minutes."""

    def rule(name: str, conditions: dict[str, Any], actions: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "enabled": True, "conditions": conditions, "exceptions": {}, "actions": actions}

    words = [
        rule(f"r{number}", {"subject_contains_words": [f"w{number}"]}, {"stop_rule_processing": True})
        for number in range(150)
    ]
    inside = [
        rule(
            f"i{number}",
            {"sent_to_scope": "InOrganization", "subject_contains_words": [f"x{number}"]},
            {"delete_message": True},
        )
        for number in range(140)
    ]
    outgoing = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    ours = [
        rule(
            f"o{number}",
            {**outgoing, "sender_domain_is": [f"d{number}.com"]},
            {"apply_rights_protection_template": "Encrypt"},
        )
        for number in range(5)
    ]
    rows = foreign_rules(
        [*words, *inside, *ours],
        [each["name"] for each in ours],
        {"accepted_domains": [f"d{number}.com" for number in range(5)]},
    )
    assert {row.name for row in rows if row.does} == {each["name"] for each in words}
    assert rows[0].does == {"stops": tuple(each["name"] for each in ours)}
