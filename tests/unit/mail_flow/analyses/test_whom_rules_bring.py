# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom rules bring a message: by any form of an address, a name, a group, or as the manager. No copy drops out of a
proof.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator import simulation
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    address_relations,
    atoms,
    compile_added_copies,
)

from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.asking import ALL, IN, NOW, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

INSIDE = {**IN, "sent_to_scope": "InOrganization"}
OUT = "x@evil.example"
#: An organization of which nobody told the directory.
SMALL: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
MESSAGE: Values = {"from": "megan@contoso.com", "authenticated": True, "to": ["bob@contoso.com"], "date": NOW}
BEFORE = [ALL, rule("After", {"subject_contains_words": ["never"]}, {"set_audit_severity": "Low"})]


def leaks(who: list[str], facts: Values | None = None, way: str = "blind_copy_to", **guarantee: Any) -> Values:
    """The verdict on mail to people outside, where a rule brings internal mail to somebody."""
    return verdict(
        [*BEFORE, rule("Copies", INSIDE, {way: who})],
        SMALL if facts is None else facts,
        then="not_in_clear",
        **guarantee,
    )


def managed(facts: Values, way: str = "Bcc", **guarantee: Any) -> Values:
    return verdict(
        [*BEFORE, rule("Copies", INSIDE, {"add_manager_as_recipient_type": way})],
        facts,
        then="not_in_clear",
        **guarantee,
    )


@pytest.mark.parametrize("way", ["blind_copy_to", "copy_to", "add_to_recipients", "redirect_message_to"])
@pytest.mark.parametrize(
    "who",
    [
        *(
            [OUT],
            [OUT, "Ext Contact"],
            ["Ext Contact", OUT],
            [f"<{OUT}>"],
            [f"Ext Contact <{OUT}>"],
            [f"smtp:{OUT}"],
            ["SMTP:X@Evil.example"],
        ),
        [*(f"p{number}@contoso.com" for number in range(40)), OUT],
    ],
    ids=lambda who: who[0] if len(who) < 3 else "41 people",
)
def test_somebody_outside_who_can_be_read_refutes(way: str, who: list[str]) -> None:
    found = leaks(who, way=way)
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", OUT)


def test_a_local_part_in_quotation_marks_is_an_address() -> None:
    found = leaks(['"x y"@evil.example', '"a\\"b"@contoso.com'])
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", '"x y"@evil.example')


def test_a_name_makes_it_unknown_until_somebody_tells_the_address() -> None:
    found = leaks(["Ext Contact"])
    assert found["verdict"] == "unknown"
    assert [(each["id"], each["reason"]) for each in found["unknown"]] == [
        ("U00", "the address of ext contact is not known")
    ]
    assert leaks(["Ext Contact"], {**SMALL, "proxy_addresses": {"Ext Contact": OUT}})["verdict"] == "refuted"
    assert (
        leaks(["Ext Contact"], {**SMALL, "proxy_addresses": {"Ext Contact": "in@contoso.com"}})["verdict"] == "proved"
    )
    # It is known what becomes of the copy, whoever it is for.
    found = leaks(["Ext Contact"], way="redirect_message_to", when=INSIDE, copies="recipients_only")
    assert found["verdict"] == "unknown"
    for when in (INSIDE, IN):
        found = leaks(["Ext Contact"], way="redirect_message_to", when=when)
        assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", "Ext Contact")
    assert (
        verdict(
            [rule("All", IN, ALL["actions"]), rule("Copies", INSIDE, {"copy_to": ["Ext Contact"]})],
            SMALL,
            then="not_in_clear",
        )["verdict"]
        == "proved"
    )


def test_a_group_brings_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    group = "team@contoso.com"
    for module in (atoms, address_relations):
        monkeypatch.setattr(module, "MOST_NAMED", 30)

    def of(*members: str, **more: list[str]) -> str:
        return leaks([group], {**SMALL, "groups": {group: [*members], **more}})["verdict"]

    assert of("in@contoso.com") == "proved"
    assert of("in@contoso.com", OUT) == "refuted"
    assert of("nested@contoso.com", **{"nested@contoso.com": [OUT]}) == "refuted"
    assert of(*(f"p{number}@contoso.com" for number in range(20))) == "proved"
    assert of(*(f"p{number}@contoso.com" for number in range(40))) == "unknown"
    assert of(*(f"p{number}@contoso.com" for number in range(40)), OUT) == "refuted"


@pytest.mark.parametrize("way", ["Bcc", "Redirect"])
def test_a_manager_outside_refutes_and_one_whom_nobody_tells_makes_it_unknown(way: str) -> None:
    found = managed(SMALL, way)
    assert found["verdict"] == "unknown"
    assert [each["reason"] for each in found["unknown"]] == [
        "the managers of senders are not known, to whom 'Copies' sends mail"
    ]
    many = {f"p{number}@contoso.com": f"boss{number}@contoso.com" for number in range(30)}
    for managers, expected in (
        ({}, "proved"),
        ({"ann@contoso.com": OUT}, "refuted"),
        (many, "proved"),
        ({**many, "ann@contoso.com": OUT}, "refuted"),
    ):
        found = managed({**SMALL, "managers": managers}, way)
        assert (
            found["verdict"],
            found.get("counterexample", {}).get("message", {}).get("from", "ann@contoso.com"),
        ) == (expected, "ann@contoso.com")


def _copying(many: int, outside: int, **conditions: Any) -> list[Values]:
    people = [f"p{number}@{'evil.example' if number == outside else 'contoso.com'}" for number in range(many)]
    named = ({**IN, "subject_contains_words": [f"w{number}"], **conditions} for number in range(many))
    return [
        *BEFORE,
        *(rule(f"Copies {number}", when, {"blind_copy_to": [people[number]]}) for number, when in enumerate(named)),
    ]


@pytest.mark.parametrize(
    "conditions", [{}, {"recipient_domain_is": ["contoso.com"]}], ids=["of senders", "of recipients"]
)
def test_thirty_copying_rules_are_followed(conditions: Values) -> None:
    assert verdict(_copying(30, -1, **conditions), SMALL, then="not_in_clear")["verdict"] == "proved"
    found = verdict(_copying(30, 29, **conditions), SMALL, then="not_in_clear")
    assert (found["verdict"], found["counterexample"]["recipient"]) == ("refuted", "p29@evil.example")


def test_what_is_cut_at_a_bound_is_never_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_added_copies, "_STEPS", 3)
    found = verdict(_copying(6, -1), SMALL, then="not_in_clear")
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U09"])
    assert "more copies" in found["unknown"][0]["reason"]
    assert verdict(_copying(6, 0), SMALL, then="not_in_clear")["verdict"] == "refuted"


def test_a_message_goes_to_all_whom_its_rule_names() -> None:
    facts = {
        **TENANT,
        "groups": {"team@contoso.com": ["bob@contoso.com", OUT]},
        "managers": {"megan@contoso.com": "boss@contoso.com"},
    }
    actions = {
        "copy_to": ["team@contoso.com", f"Somebody <{OUT}>", "Ext Contact"],
        "add_manager_as_recipient_type": "Cc",
    }
    found = Simulator([rule("Copies", {}, actions)], facts_of(facts)).run(message_of(MESSAGE, "", "message"))[
        "recipients"
    ]
    assert list(found) == ["bob@contoso.com", OUT, "Ext Contact", "boss@contoso.com"]
    assert {each["fate"] for each in found.values()} == {"delivered"}


def test_of_a_name_nothing_about_its_address_is_known() -> None:
    rules = [
        rule("Copies", {}, {"copy_to": ["Ext Contact"]}),
        rule("Encrypts", {"sent_to_scope": "NotInOrganization"}, ALL["actions"]),
    ]
    found = Simulator(rules, facts_of(TENANT)).run(message_of(MESSAGE, "", "message"))["recipients"]
    assert found["bob@contoso.com"]["protection"] == "none"
    assert found["Ext Contact"]["protection"] == "unknown"
    assert {"U00", "U09"} >= {each["id"] for each in found["Ext Contact"]["unknown"]} >= {"U00"}


def test_those_to_whom_one_rule_redirects_share_a_copy() -> None:
    rules = [
        rule("Away", {}, {"redirect_message_to": [OUT, "in@contoso.com"]}),
        rule("Looks", {"any_of_recipient_address_contains_words": ["in"]}, ALL["actions"]),
    ]
    found = Simulator(rules, facts_of(TENANT)).run(message_of(MESSAGE, "", "message"))["recipients"]
    assert (found[OUT]["protection"], {each["id"] for each in found[OUT]["unknown"]}) == ("unknown", {"U09"})


def test_copies_beyond_a_bound_are_unknown_and_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "MOST_COPIES", 20)
    people = [f"p{number}@contoso.com" for number in range(30)]
    found = Simulator([rule("Copies", {}, {"copy_to": people})], facts_of(TENANT)).run(
        message_of(MESSAGE, "", "message")
    )["recipients"]
    assert set(people) <= set(found)
    assert {each["fate"] for each in found.values()} == {"delivered", "unknown"}


def test_lint_follows_the_copies_of_managers_and_names() -> None:
    """A rule that only their copies may reach is none that never acts."""
    for actions in ({"add_manager_as_recipient_type": "Redirect"}, {"redirect_message_to": ["Ext Contact"]}):
        rules = [
            rule("Away", INSIDE, actions),
            rule("Behind", {**INSIDE, "sender_domain_is": ["contoso.com"]}, ALL["actions"]),
        ]
        assert [each for each in lint(rules, SMALL, NOW) if each["kind"] == "never_acts"] == []
