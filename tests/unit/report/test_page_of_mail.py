# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page about mail: what becomes of it, who can read it, and what an audit says of an organization."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.mail_section import (
    difference_of,
    unseen_of_all,
)

from tests.unit.report import samples
from tests.unit.report.page import Page
from tests.unit.report.rendering import answers_of, render_html


def test_who_outside_can_read_what_is_a_table_of_words() -> None:
    rows = [
        {"kind_of_mail": kind, "destination": name, "protected": verdict, **more}
        for kind, name, verdict, more in (
            ("from_inside", "bank.example", "always", {}),
            ("from_inside", "<i>else</i>", "depends", {"on": ["Encrypt '<b>'"]}),
            ("forwarded", "bank.example", "unknown", {"unknown": [{"id": "U26", "reason": "x"}]}),
            ("forwarded", "<i>else</i>", "never", {}),
        )
    ]
    overview = {"assessed": [], "reach": rows}
    page = Page(render_html(samples.run("audit", [samples.organization("contoso", overview=overview)])))
    start = page.words.index("Which mail to people outside rules or forced TLS protect")
    words = [word for word in page.words[start + 2 : start + 18] if word not in ("✓", "✕", "?", "!")]
    assert words[:9] == [
        "To",
        "Mail from inside",
        "Forwarded mail",
        "<i>else</i>",
        "Depends (Encrypt '<b>')",
        "Never by rules or forced TLS",
        "bank.example",
        "Always by rules or forced TLS",
        "Not known (U26)",
    ]
    assert [cell["class"] for cell in page.all("td")] == ["look", "stop", "good", "unknown"]
    assert [word[:4] for word in page.words if word.startswith("U26")] == ["U26:"]
    many = [
        {"kind_of_mail": "from_inside", "destination": f"p{number}.example", "protected": "never"}
        for number in range(60)
    ]
    text = Page(
        render_html(samples.run("audit", [samples.organization("contoso", overview={"assessed": [], "reach": many})]))
    ).text
    assert "20 more destinations are not on this page." in text


def test_a_plan_says_who_could_then_read_what() -> None:
    row = {"kind_of_mail": "from_inside", "destination": "bank.example", "protected": "never"}
    mail = {
        "difference": [{"kind": "transit_lost", "text": "Mail is less protected.", "when": {}}],
        "difference_more": 0,
        "reach": [row],
    }
    words = Page(render_html(samples.run("baseline", [samples.organization("contoso", mail=mail)]))).words
    start = words.index("Which mail to people outside rules or forced TLS would then protect")
    assert words.index("Effect on mail") < start
    assert "Never by rules or forced TLS" in words[start:]


def test_a_card_says_how_mail_leaves() -> None:
    outcome = {"fate": "delivered", "protection": "none"}
    row = {
        "kind": "transit_lost",
        "text": "Mail is less protected on its way.",
        "when": {},
        "before": {
            **outcome,
            "transit": {"tls": "forced", "validation": "domain", "connector": "Bank", "ends_at": "gate.example"},
        },
        "after": {**outcome, "transit": {"tls": "opportunistic"}},
        "witness": {"message": {"from": "a@contoso.com", "to": ["ann@bank.example"]}, "recipient": "ann@bank.example"},
    }
    words = Page(
        render_html(
            samples.run("baseline", [samples.organization("contoso", mail={"difference": [row], "difference_more": 0})])
        )
    ).words
    assert "Less protected on its way" in words
    tls = "by forced TLS with a trusted certificate with the right name, through the connector 'Bank', as far as gate.example is concerned"
    after = [
        "After",
        "Unprotected by rules or forced TLS",
        "How it leaves",
        "By TLS if the other side offers it, otherwise without TLS",
    ]
    start = words.index("Before")
    assert words[start : start + 6] == ["Before", f"Unencrypted by rules; leaves {tls}", *after]


@pytest.mark.parametrize(
    ("outcome", "more", "said"),
    [
        (
            {"protection": "none", "transit": {"tls": "forced", "validation": "certificate", "connector": "Bank"}},
            {"hole": {"domain": "bank.example", "kind": "weak", "connector": "Bank", "validation": "certificate"}},
            [
                "Outcome",
                "Unencrypted by rules; leaves by forced TLS with a certificate from a trusted authority, through the connector 'Bank'",
                "Why",
                "bank.example: TLS of the connector 'Bank' takes a certificate from a trusted authority",
            ],
        ),
        (
            {"protection": "none", "transit": {"tls": "opportunistic"}},
            {
                "hole": {
                    "domain": "mail.bank.example",
                    "kind": "domain_only",
                    "connector": "Bank",
                    "covers": "bank.example",
                }
            },
            [
                "Outcome",
                "Unprotected by rules or forced TLS",
                "How it leaves",
                "By TLS if the other side offers it, otherwise without TLS",
                "Why",
                "mail.bank.example: the connector 'Bank' covers bank.example only",
            ],
        ),
        (
            {"protection": "encrypt", "protected_by": ["All"], "transit": {"tls": "forced"}},
            {"expiry": 30, "decided_by": ["All", "<b>"]},
            [
                "Outcome",
                "Encrypted by 'All', which lets it expire after 30 days",
                "How it leaves",
                "By forced TLS",
                "Why",
                "the rule 'All' decides; the rule '<b>' decides",
            ],
        ),
    ],
)
def test_the_card_of_a_guarantee_says_the_outcome_and_its_cause(
    outcome: dict[str, Any], more: dict[str, Any], said: list[str]
) -> None:
    message = {"from": "a@contoso.com", "to": ["ann@bank.example"]}
    example = {"message": message, "recipient": "ann@bank.example", "outcome": {"fate": "delivered", **outcome}, **more}
    mail = {"guarantees": [{"name": "TLS", "verdict": "refuted", "assumptions": [], "counterexample": example}]}
    words = Page(render_html(samples.run("check", [samples.organization("contoso", mail=mail)]))).words
    start = words.index("Outcome")
    assert words[start : start + len(said)] == said


def test_what_becomes_of_mail_stands_on_the_first_screen() -> None:
    report = samples.mail()
    (attention, changes, _decisions) = answers_of(report)
    assert ("1 guarantee refuted by a message.", "#mail") in attention.lines
    assert ("1 guarantee that cannot be told.", "#mail") in attention.lines
    assert ("Classes of mail: 1 now protected, 1 may change.", "#mail") in changes.lines
    text = render_html(report)
    assert text.index('id="mail"') < text.index('id="run"') < text.index('id="lint"')
    words = " ".join(Page(text).words)
    for said in (
        "is now encrypted",
        "Before",
        "Unprotected by rules or forced TLS",
        "Encrypted by 'Encrypt all outgoing mail'",
        "Signed",
        "Importance",
        "What would settle it",
        "No mail from inside to people outside is delivered unprotected by rules",
    ):
        assert said in words
    worst = [
        words.index(name)
        for name in (
            "Rules protect all mail to the law firm",
            "Partners read in the portal",
            "until now: not guaranteed",
        )
    ]
    assert worst == sorted(worst)


def test_what_people_name_is_only_text_in_a_message() -> None:
    report = samples.mail()
    (row, *_more) = report["organizations"][0]["mail"]["guarantees"]
    row["name"] = "<script>x</script>"
    witness = report["organizations"][0]["mail"]["difference"][0]["witness"]
    witness["message"]["subject"] = "<img src=x>\u202e"
    text = render_html(report)
    assert "<script" not in text
    assert "<img" not in text
    assert "[U+202E]" in text


def test_many_kinds_of_mail_are_cut_and_counted() -> None:
    report = samples.mail()
    mail = report["organizations"][0]["mail"]
    mail["difference"] = [{**mail["difference"][0], "text": f"Mail {number}."} for number in range(40)]
    mail["difference_more"] = 2
    assert "At least 30 more kinds of mail that may be treated differently are not on this page." in " ".join(
        Page(render_html(report)).words
    )


def test_an_audit_says_first_what_the_organization_does_today() -> None:
    overview = {
        "encrypts": ["the rule '<b>HR</b>' with 'Encrypt'"],
        "holes": ["for example, mail from a@contoso.com to b@example.org is delivered unprotected by rules."],
        "locked_out": ["nobody"],
        "policy": [{"kind": "encrypted", "text": "Mail with '<i>' in its subject is encrypted.", "rules": ["HR"]}],
        "assessed": [
            {
                "test": "35029",
                "title": "A mail flow rule protects mail",
                "verdict": "passes",
                "control": "MFR-1",
                "status": "unmanaged",
            }
        ],
    }
    report = samples.run("audit", [samples.organization("contoso", overview=overview)])
    page = Page(render_html(report))
    assert "What it does today" in page.text
    assert "the rule '<b>HR</b>' with 'Encrypt'" in page.text
    assert "35029 A mail flow rule protects mail: passes (MFR-1 unmanaged)" in page.text
    assert "What the rules do, the most important first Mail with '<i>' in its subject is encrypted." in page.text
    assert page.text.index("What it does today") < page.text.index("Tenant ID")
    assert "What it does today" not in Page(render_html(samples.run("audit", [samples.organization("contoso")]))).text


def test_an_audit_with_nothing_to_change_says_that_it_writes_nothing() -> None:
    report = samples.met()
    text = Page(render_html(report)).text
    assert "An audit writes nothing." in text
    assert "No change was needed" not in text
    report["kind"] = "apply"
    assert "No change was needed or tried." in Page(render_html(report)).text


@pytest.mark.parametrize(
    ("kind", "heading", "some", "none"),
    [
        (
            "audit",
            "What putting it right would do to mail",
            "This is what putting it right would do.",
            "Putting it right would not change what the mail flow rules do to any mail.",
        ),
        ("check", "Effect on mail", "", "The changes do not affect what the mail flow rules do to any mail."),
    ],
)
def test_the_effect_on_mail(kind: str, heading: str, some: str, none: str) -> None:
    report = samples.mail()
    report["kind"] = kind
    page = Page(render_html(report))
    text = page.text
    assert heading in page.words
    assert ("Effect on mail" in page.words) is (kind == "check")
    assert "↑ Now protected" in text
    assert some in text
    assert none not in text
    report["organizations"][0]["mail"]["difference"] = []
    text = Page(render_html(report)).text
    assert heading in text
    assert none in text


def test_a_control_of_which_nothing_was_read_shows_no_values() -> None:
    """An unmanaged control: *not set* would say that somebody looked."""
    report = samples.met()
    (one,) = report["organizations"]
    for control in one["controls"]:
        control.update(status="unmanaged", wanted=None, found=None)
    assert "not set" not in Page(render_html(report)).text
    one["controls"][0].update(status="not met", wanted={"option": True})
    assert "Wanted option: true Found not set" in Page(render_html(report)).text


def _differing(kind: str, text: str, *rules: str) -> dict[str, Any]:
    return {"kind": kind, "text": text, "when": {}, "rules": list(rules)}


@pytest.mark.parametrize(
    ("differences", "counted"),
    [
        (
            [_differing("protection_gained", "A", "New"), _differing("protection_gained", "B", "Other")],
            ["3 copies", ""],
        ),
        ([_differing("protection_gained", "A", "New"), _differing("protection_gained", "B", "New")], ["", ""]),
        ([_differing("unknown", "A", "New")], [""]),
    ],
)
def test_copies_of_replayed_mail_are_told_of_the_one_difference_that_they_are_of(
    differences: list[dict[str, Any]], counted: list[str]
) -> None:
    counts = {"senders": 1, "domains": [], "more_domains": 0, "rules": ["New"]}
    replayed = [
        {"kind": "protection_gained", "certain": 3, "possible": 0, **counts},
        {"kind": "unknown", "certain": 0, "possible": 5, **counts},
    ]
    replay = samples.replay(difference=replayed)
    mail = {"difference": differences, "difference_more": 0, "replay": replay}
    organization = OrganizationReport.from_row(samples.organization("contoso", mail=mail))
    found = [row.counted for row in difference_of(organization)]
    assert [text.removeprefix("In the replayed mail, ")[:8] for text in found] == counted


def test_what_is_not_seen_of_some_organizations_names_them() -> None:
    def one(name: str, **mail: Any) -> OrganizationReport:
        return OrganizationReport.from_row(samples.organization(name, mail=mail))

    judged = [one("contoso", unseen=["encrypt_button"]), one("fabrikam", unseen=["dlp", "encrypt_button"]), one("new")]
    names = [line.partition(": ")[0].lower() for line in unseen_of_all(judged)]
    assert names == ["contoso", "fabrikam"]
    assert [line.partition(": ")[0] for line in unseen_of_all([judged[0], judged[0]])] == ["Not seen"]
