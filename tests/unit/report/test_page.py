# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page: what it says, in which order, and that nothing from a tenant gets out of its text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.labels import IMPACT, command_parts

from tests.unit.report import samples
from tests.unit.report.page import Page
from tests.unit.report.rendering import answers_of, render_html


@pytest.fixture(params=samples.REPORTS)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render_html(samples.REPORTS[request.param]()))


def test_a_control_shows_its_findings_and_then_only_what_differs() -> None:
    wanted = {"rules": [{"name": "Partners", "enabled": True, "conditions": {"from_scope": "InOrganization"}}]}
    found = {
        "rules": [
            {"name": "Partners", "enabled": True, "conditions": {"from_scope": "NotInOrganization"}, "mode": "Audit"}
        ]
    }
    row = samples.control("OME-1", "not met", found, wanted=wanted, findings=["'Partners' is only in test mode."])
    organization = samples.organization("Contoso", "drift") | {"controls": [row]}

    def controls() -> str:
        return (
            render_html(samples.run("audit", [organization])).partition('id="controls"')[2].partition("</section>")[0]
        )

    page = controls()
    assert page.index("is only in test mode") < page.index("rules &gt; Partners &gt; conditions &gt; from_scope")
    assert "NotInOrganization, wanted: InOrganization" in page
    assert "Audit, wanted: not set" in page
    assert "enabled" not in page
    # Of a rule that is missing, the plan says what it would be.
    row.update(
        found={"rules": [{"name": "Partners", "state": "absent"}]},
        wanted={"rules": [{**wanted["rules"][0], "state": "present"}]},
    )
    assert "absent, wanted: present" in controls()
    assert "from_scope" not in controls()
    # What is the same on both sides is not what keeps the control from being met.
    row.update(found=wanted, wanted=wanted)
    assert "InOrganization" not in controls()


def test_the_page_needs_nothing_else(page: Page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    assert not re.search(r"url\(|@import", page.style)
    for _tag, attributes in page.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "src"]


def test_only_its_own_style_sheet_may_take_effect(page: Page) -> None:
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_page_can_be_used_by_keyboard_and_screen_reader(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("a")[0] == {"class": "skip", "href": "#content"}
    assert len(page.all("h1")) == len(page.all("main")) == 1
    identifiers = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for link in page.all("a"):
        target = link["href"] or ""
        assert target.startswith("https://") or target.removeprefix("#") in identifiers
    levels = [int(tag[1]) for tag, _attributes in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_page_says_what_the_tool_cannot_see(page: Page) -> None:
    for blind in ("Purview labels and DLP", "Conditional Access", "Connectors", "Desktop clients", "Per-user licenses"):
        assert blind in page.text


@pytest.mark.parametrize(
    ("report", "answers"),
    [
        (samples.check, ["4 points", "9 changes planned", "2 decisions"]),
        (samples.applied, ["4 points", "9 changes stored", "Nothing"]),
        (samples.audit, ["6 points", "Nothing", "3 decisions"]),
        (samples.refused, ["2 points", "3 changes not applied", "1 decision"]),
        (samples.met, ["Nothing seen", "Nothing", "Nothing"]),
    ],
)
def test_the_first_screen_answers(report: Callable[[], dict[str, Any]], answers: list[str]) -> None:
    assert Page(render_html(report())).answers == answers


def test_a_failure_on_the_way_is_not_safe_and_says_how_far_it_came() -> None:
    report = samples.applied()
    (one,) = report["organizations"]
    one.update(status="failed", message="The connection was lost.")
    for lost in one["changes"][4:]:
        lost["state"] = "not applied"
    page = Page(render_html(report))
    assert page.answers == ["5 points", "5 not applied, 4 stored", "1 decision"]
    assert "The connection was lost." in page.text


def test_a_change_without_rollback_is_a_decision() -> None:
    report = samples.check()
    (one,) = report["organizations"]
    one["changes"] = [{**samples.PLANNED[0], "rollback": "not possible"}]
    page = Page(render_html(report))
    assert page.answers[0] == "2 points"
    assert "1 change that cannot be rolled back." in page.text


def test_the_header_says_who_and_what() -> None:
    text = Page(render_html(samples.check())).text
    for fact in ("6f2c1b7e-0d4a-4c55-9a1e-000000000001", "CHG0048213", "Maria Lindqvist", "2026-09-21", "0b8e4c1d-7f65-4f0e-8f86-2f5f3a9c1d20",
                 "job 48213", "j.okafor", "m365.message_encryption 1.0.0", "2.19.14", f"sha256:{1:064x}"):  # fmt: skip
        assert fact in text


def test_high_impact_comes_first_and_every_change_is_complete() -> None:
    text = Page(render_html(samples.check())).text
    ordered = re.findall(r"(\w+) Before", text)
    assert sorted(ordered) == sorted(change["option"] for change in samples.PLANNED)
    assert ordered[:3] == ["transport_decryption_setting", "state", "allow_rms_support_for_unenlightened_apps"]
    for change in samples.PLANNED:
        assert change["command"] in text
    for word in (
        "Before Optional After Mandatory",
        "Mail may not arrive",
        "Takes away from users",
        "Rollback equivalent",
        "effective",
    ):
        assert word in text


def test_a_refusal_without_findings_is_named_and_is_to_be_resolved() -> None:
    report = samples.refused()
    (one,) = report["organizations"]
    one.update(findings=[], message="hardened_baseline_approved_plan: there is no such file.\nMore.")
    attention, _changes, decisions = answers_of(report)
    refusal = (
        "Refused before the first write: nothing was changed. hardened_baseline_approved_plan: there is no such file."
    )
    assert attention.lines[0] == (refusal, "")
    assert (decisions.word, decisions.lines) == (
        "1 decision",
        [("Resolve the refusal, then run again", "#message")],
    )
    assert 'id="message"' in render_html(report)
    report["organizations"].append({**one, "host": "fabrikam"})
    attention, _changes, decisions = answers_of(report)
    assert attention.lines[0] == ("2 organizations refused before the first write.", "")
    assert decisions.lines == [("Resolve the refusal of 2 organizations, then run again", "#organizations")]


def test_findings_come_before_changes_with_what_allows_them() -> None:
    text = Page(render_html(samples.refused())).text
    assert text.index("Findings to decide") < text.index("High impact first")
    assert "Allowed by hardened_baseline_accept: [mail_rejection]" in text
    assert "No variable allows this." in text


def test_controls_have_their_reasons_and_sources() -> None:
    page = Page(render_html(samples.met()))
    for _id, title, _wanted, *texts, source in samples.CONTROLS:
        for text in (title, *texts, source):
            assert text in page.text
        assert {"href": source, "rel": "noreferrer noopener"} in page.all("a")
    for row in samples.OBSERVED:
        assert row["title"] in page.text


def test_an_exception_expires_after_its_last_day() -> None:
    report = samples.audit()
    assert "Expired" in Page(render_html(report)).words
    report["generated_at"] = "2026-08-31T23:59:59Z"
    page = Page(render_html(report))
    assert "Expired" not in page.words
    assert "A. Rossi" in page.text


def test_what_organizations_share_is_said_once() -> None:
    page = Page(render_html(samples.audit()))
    assert page.text.count("Set-OMEConfiguration -Identity 'OME Configuration' -SocialIdSignIn $false") == 1
    assert "In 2 organizations: Bellows College , Fourth Coffee" in page.text
    assert page.text.count("AADSTS7000215") == 1


HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "{{ 7 * 191 }}{% raw %}{#",
    '" onmouseover="alert(1)" x="',
    "&lt;b&gt; &amp;",
    "]]><!-- --><![CDATA[",
]


def poisoned(value: Any, poison: str) -> Any:
    """Every text of the report that is not one of the contract's own words, replaced."""
    own = {"format", "kind", "status", "impact", "rollback", "state", "generated_at", "until", "verdict", "fate"}
    if value in ("proved", "refuted", "unknown"):
        return value  # The verdict before a plan has the key of a value before a change.
    if isinstance(value, dict):
        return {key: item if key in own else poisoned(item, poison) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, poison) for item in value]
    return poison if isinstance(value, str) and value else value


def _without_parts_of_commands(page: Page) -> list[str]:
    """The page's elements without the parts of commands: a text with a blank has two of them."""
    return [tag for tag, attributes in page.elements if tag != "span" or attributes]


@pytest.mark.parametrize("poison", HOSTILE)
@pytest.mark.parametrize("report", samples.REPORTS)
def test_a_tenants_text_stays_text(report: str, poison: str) -> None:
    harmless = Page(render_html(poisoned(samples.REPORTS[report](), "harmless")))
    page = Page(render_html(poisoned(samples.REPORTS[report](), poison)))
    assert _without_parts_of_commands(page) == _without_parts_of_commands(harmless)
    assert {name for _tag, attributes in page.elements for name in attributes} == {
        name for _tag, attributes in harmless.elements for name in attributes
    }
    assert page.style == harmless.style
    assert " ".join(poison.split()) in page.text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://example.com/",
        "https://example.com/ onclick=1",
        "data:text/html,x",
        "//example.com",
    ],
)
def test_only_a_plain_https_address_becomes_a_link(address: str) -> None:
    report = samples.met()
    report["organizations"][0]["controls"][0]["source"] = address
    page = Page(render_html(report))
    assert address in page.text
    assert address not in [link["href"] for link in page.all("a")]


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\x85", "\ufeff", "\U000e0041", "\ud800"]
)
def test_invisible_characters_are_made_visible(character: str) -> None:
    report = samples.check()
    report["organizations"][0].update(display_name=f"Con{character}toso")
    report["organizations"][0]["changes"][3]["before"] = [f"in{character}side"]
    text = render_html(report)
    text.encode()
    assert character not in text
    assert f"Con[U+{ord(character):04X}]toso" in text


def test_other_scripts_and_joined_emoji_are_left_alone() -> None:
    report = samples.met()
    report["organizations"][0]["display_name"] = name = "شركة المثال 👩\u200d💻 Größe"
    assert name in render_html(report)


def test_long_texts_are_shortened_with_their_length() -> None:
    report = poisoned(samples.check(), "long")
    (one,) = report["organizations"]
    one["changes"][0].update(before="x" * 1_048_576, after=["y" * 1_048_577] * 300, command="Set-It " + "z" * 1_048_571)
    one["changes"][1]["after"] = [7] * 301
    text = render_html(report)
    assert len(text) < 600_000
    for size in ("1,048,576 characters", "300 elements", "1,048,578 characters", "301 elements"):
        assert f"[shortened, {size} in all]" in text
    assert text.count("[shortened,") == 4


def test_a_report_with_nothing_in_it_is_still_a_page() -> None:
    assert "0 organizations" in Page(render_html(samples.run("audit", []))).text
    assert "o1" in Page(render_html(samples.run("check", [samples.unread("o1")], awx=None))).words


def test_a_thousand_organizations_are_a_small_page() -> None:
    report = samples.many(1000)
    text = render_html(report)
    assert len(text) < 700_000
    page = Page(text)
    for organization in report["organizations"]:
        assert organization["display_name"] in page.words
    # Only those that need a decision have details: refused, not assessable, and with changes of high impact.
    assert len(page.all("summary")) == 100 + 20 + 10 + 1 + len(samples.CONTROLS)


def test_what_needs_a_decision_is_never_left_out() -> None:
    text = Page(render_html(samples.many(1000, different=True))).text
    for option in ("transport_decryption_setting", "allow_rms_support_for_unenlightened_apps"):
        assert len(re.findall(rf"Rule \d+ \S {option}", text)) == 1000
    assert "5,900 more changes of no high impact are not on this page" in text


def rule_changes(identity: str, *options: tuple[str, Any, Any], **more: Any) -> list[dict[str, Any]]:
    return [
        samples.change(
            "MFR-1", "ome_transport_rule", option, before, after, "New-TransportRule -Name x", identity=identity, **more
        )
        for option, before, after in options
    ]


def test_a_rule_is_one_card() -> None:
    report = samples.check()
    (one,) = report["organizations"]
    one["changes"] = rule_changes(
        "Contracts",
        ("state", "absent", "present"),
        ("mode", None, "Enforce"),
        ("conditions.from_scope", None, "InOrganization"),
        ("conditions.subject_contains_words", None, ["contract"]),
        ("actions.apply_rights_protection_template", None, "Encrypt"),
    )
    one["changes"][0]["impact"] = "affects some mail"
    page = Page(render_html(report))
    assert page.answers[1] == "1 change planned"
    assert page.text.count("Rule 'Contracts' is created") == 1
    assert "Affects mail from inside with 'contract' in its subject (Contracts): 1 change." in page.text
    report["organizations"].append({**one, "name": "fabrikam"})
    page = Page(render_html(report))
    assert "Affects mail from inside with 'contract' in its subject (Contracts): 2 changes." in page.text
    one["changes"] = rule_changes("Contracts", ("enabled", True, False), impact="may leave in clear")
    assert "Rule 'Contracts' is switched off" in Page(render_html(report)).text


@pytest.mark.parametrize("impact", [impact for impact in Impact if impact])
@pytest.mark.parametrize("state", ["planned", "stored", "not applied"])
@pytest.mark.parametrize("kind", ["check", "apply", "audit", "rollback", "disable"])
def test_no_impact_is_passed_over_in_silence(impact: Impact, state: str, kind: str) -> None:
    """Also where it is stored already, and where a rollback makes it."""
    report = samples.met()
    report["kind"] = kind
    (one,) = report["organizations"]
    one["changes"] = [{**samples.PLANNED[0], "impact": impact.value, "state": state}]
    page = Page(render_html(report))
    assert page.answers[0] == "1 point"
    assert f"{IMPACT[impact].text}: 1 change." in page.text


def test_an_organization_of_a_later_ring_is_no_failure() -> None:
    report = samples.applied()
    report["organizations"].append(samples.unread("later", waits=True))
    attention, _changes, decisions = answers_of(report)
    assert ("1 organization not run yet: a later ring.", "") in attention.lines
    assert not any("could not be read" in text for text, _anchor in attention.lines)
    assert decisions.word == "Nothing"


def test_what_was_not_looked_at_is_said() -> None:
    report = samples.met()
    (one,) = report["organizations"]
    for control in one["controls"][1:]:
        control.update(status="unmanaged", selected=False)
    (attention, *_others) = answers_of(report)
    assert len(attention.lines) == 1, "how much was looked at is no point"
    page = Page(render_html(report))
    assert page.answers[0] == "1 point"
    assert "13 controls left out by the run's tags." in page.text
    assert "1 of 14 controls looked at." in page.text
    linked = [link for link in attention.lines if link[1]]
    assert len(linked) == 1, "a link for each point, and no other"
    assert '<li class="aside">1 of 14 controls looked at.</li>' in render_html(report)
    one["controls"][0].update(status="not assessable")
    assert "1 control not assessable: nothing is known of them." in Page(render_html(report)).text


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("ansible-playbook -i hosts.yml play.yml", ["ansible-playbook", "-i hosts.yml", "play.yml"]),
        ("play --check --limit a -e b=c", ["play", "--check", "--limit a", "-e b=c"]),
        ("Set-X -Name 'A -b c' -Confirm:$false", ["Set-X", "-Name 'A -b c'", "-Confirm:$false"]),
        ('play -e \'{"a": "b c"}\'', ["play", '-e \'{"a": "b c"}\'']),
        ("an  odd\ttext", ["an  odd\ttext"]),
        ("it's", ["it's"]),
        ("", []),
    ],
)
def test_an_option_of_a_command_stays_beside_its_value(command: str, parts: list[str]) -> None:
    assert command_parts(command) == parts


def test_the_plan_is_applied_with_the_command_that_is_shown() -> None:
    report = samples.check()
    digest = f"sha256:{1:064x}"
    command = "ansible-playbook -i inventory.yml m365.message_encryption.baseline --limit contoso -e hardened_baseline_approved_plan="
    assert f"Digest of the plan {digest} Command that applies it {command}{digest}" in Page(render_html(report)).text
    # The plans of several organizations lie in the run's folder.
    report["organizations"].append(samples.organization("Fabrikam", number=2))
    assert f"Command that applies it {command}20260914T081244Z-baseline-4711ab" in Page(render_html(report)).text
    # What would be refused is not offered.
    assert "Command that applies it" not in Page(render_html(samples.refused())).text
