# SPDX-License-Identifier: GPL-3.0-or-later
"""Incident reports with the original mail, moderators, copies, and remote domains that count as internal: nobody
outside who sees mail is passed over.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.answers import lint, verdict_sentence
from tests.unit.mail_flow.asking import ALL, IN, NOW, rule, verdict

Values = dict[str, Any]

FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": []}
OUT, BOB = "x@evil.example", "bob@contoso.com"
WHOLE = ["Sender", "AttachOriginalMail"]


def reports(who: str, content: Any = None, **more: Any) -> Values:
    return rule("Shows", IN, {"generate_incident_report": who, "incident_report_content": content or WHOLE}, **more)


def asks(*who: str, **more: Any) -> Values:
    return rule("Shows", {**IN, "sent_to_scope": "InOrganization"}, {"moderate_message_by_user": [*who]}, **more)


def found(*rules: Values, facts: Values | None = None) -> dict[str, str]:
    return {each["kind"]: each["reason"] for each in lint([*rules, ALL], FACTS if facts is None else facts, NOW)}


@pytest.mark.parametrize(
    ("shows", "reason"),
    [
        (
            reports(OUT),
            f"whether {OUT}, to whom the rule 'Shows' reports with the original mail, sees mail unprotected by rules",
        ),
        (
            reports(OUT, mode="Audit"),
            f"whether {OUT}, to whom the rule 'Shows' reports with the original mail, sees mail unprotected by rules",
        ),
        (
            reports(f"Somebody <{OUT}>"),
            f"whether {OUT}, to whom the rule 'Shows' reports with the original mail, sees mail unprotected by rules",
        ),
        (asks(BOB, OUT), f"whether {OUT}, whom the rule 'Shows' asks for an approval, sees mail unprotected by rules"),
    ],
    ids=["report", "report of a rule that is tried", "report to a display name", "moderator"],
)
def test_nothing_is_proved_where_a_rule_shows_mail_to_somebody_outside(shows: Values, reason: str) -> None:
    # How mail looks there that a rule encrypts, and whether rules act on reports, is not documented.
    asked = "moderate_message_by_user" in shows["actions"]
    for then in ("not_in_clear",) if asked else ("not_in_clear", "encrypted"):
        answer = verdict([shows, ALL], FACTS, then=then)
        assert (answer["verdict"], [(each["id"], each["reason"]) for each in answer["unknown"]]) == (
            "unknown",
            [("shown", reason)],
        )
    # Where nothing encrypts, it is shown as it is.
    if not asked:
        gone = rule("Deletes", IN, {"delete_message": True})
        answer = verdict([shows, gone], FACTS, then="not_in_clear")
        assert (answer["verdict"], answer["counterexample"]["shown_to"]) == ("refuted", OUT)
        assert answer["counterexample"]["decided_by"] == ["Shows"]
        assert verdict_sentence(answer).endswith(
            f" is shown to {OUT} unprotected by rules: the rule 'Shows' reports it, or asks for an approval."
        )
    assert found(shows)["shows_outside"].endswith(f"{OUT}, who is outside.")
    # Somebody whom a guarantee is not about may see mail that it is not about.
    to_law = {**IN, "recipient_domain_is": ["fabrikam.com"]}
    other = {**shows, "conditions": {**IN, "recipient_domain_is": ["else.example"]}}
    assert verdict([other, ALL], FACTS, then="not_in_clear", when=to_law)["verdict"] == "proved"
    alone = {"when": to_law, "then": "not_in_clear", "copies": "recipients_only"}
    assert verdict([shows, ALL], FACTS, **alone)["verdict"] == "proved"


@pytest.mark.parametrize(
    "shows",
    [
        reports(OUT, ["Sender", "Subject"]),
        reports(BOB),
        reports(OUT, enabled=False),
        asks(BOB),
        asks(OUT, mode="Audit"),
        rule("Shows", IN, {"copy_to": [BOB]}),
    ],
    ids=["no original", "inside", "disabled", "moderator inside", "moderator of a rule that is tried", "copy inside"],
)
def test_what_shows_nothing_to_anybody_outside_is_no_finding(shows: Values) -> None:
    assert "shows_outside" not in found(shows)
    if "copy_to" not in shows["actions"]:
        assert verdict([shows, ALL], FACTS, then="not_in_clear", copies="outside")["verdict"] == "proved"


def test_a_name_may_be_somebody_outside() -> None:
    assert [each["id"] for each in verdict([asks("Somebody"), ALL], FACTS, then="not_in_clear")["unknown"]] == ["shown"]
    assert (
        verdict([asks("Somebody"), ALL], {**FACTS, "proxy_addresses": {"Somebody": BOB}}, then="not_in_clear")[
            "verdict"
        ]
        == "proved"
    )


MANAGED = rule("Shows", {**IN, "sent_to_scope": "InOrganization"}, {"moderate_message_by_manager": True})


def test_a_manager_outside_who_is_asked_for_an_approval_is_named_like_other_moderators() -> None:
    facts = {**FACTS, "managers": {BOB: OUT, "ann@contoso.com": BOB}}
    answer = verdict([MANAGED, ALL], facts, then="not_in_clear")
    assert (answer["verdict"], [each["id"] for each in answer["unknown"]]) == ("unknown", ["shown"])
    assert (
        answer["unknown"][0]["reason"]
        == f"whether {OUT}, whom the rule 'Shows' asks for an approval, sees mail unprotected by rules"
    )
    assert found(MANAGED, facts=facts)["shows_outside"].endswith(f"{OUT}, who is outside.")
    # Bob's mail alone is shown outside; of Ann's, Bob is asked, and of all others' nobody.
    for sender, said in ((BOB, "unknown"), ("ann@contoso.com", "proved"), ("joe@contoso.com", "proved")):
        assert (
            verdict(
                [MANAGED, ALL],
                facts,
                then="not_in_clear",
                when={**IN, "from": [sender]},
                unless={"sent_to_scope": "InOrganization"},
            )["verdict"]
            == said
        )


def test_a_manager_whom_nobody_knows_may_be_outside() -> None:
    (unknown,) = verdict([MANAGED, ALL], FACTS, then="not_in_clear")["unknown"]
    assert (unknown["id"], unknown["field"]) == ("shown", "facts.managers")
    assert (
        unknown["reason"]
        == "whether the sender's manager, whom the rule 'Shows' asks for an approval, sees mail unprotected by rules"
    )
    assert "shows_outside" not in found(MANAGED)
    assert verdict([MANAGED, ALL], {**FACTS, "managers": {}}, then="not_in_clear")["verdict"] == "proved"


def test_mail_that_is_certainly_in_clear_refutes_whoever_else_sees_it() -> None:
    answer = verdict(
        [reports(OUT), rule("Stops", {"subject_contains_words": ["x"]}, {"stop_rule_processing": True}), ALL],
        FACTS,
        then="not_in_clear",
    )
    assert answer["verdict"] == "refuted"


@pytest.mark.parametrize("way", ["copy_to", "redirect_message_to"])
def test_copies_to_people_outside_are_a_finding(way: str) -> None:
    assert OUT in found(rule("Shows", IN, {way: [BOB, OUT, "y@evil.example"]}))["shows_outside"]
    assert "1 others" not in found(rule("Shows", IN, {way: [OUT]}))["shows_outside"]
    assert "shows_outside" in found(
        rule("Shows", IN, {way: ["team@contoso.com"]}), facts={**FACTS, "groups": {"team@contoso.com": [OUT]}}
    )


def test_a_remote_domain_that_counts_as_internal_is_named_beside_a_proof() -> None:
    facts = {
        **FACTS,
        "remote_domains": [
            {"domain_name": "partner.example", "is_internal": True},
            {"domain_name": "other.example", "is_internal": False},
        ],
    }
    answer = verdict([ALL], facts, then="not_in_clear")
    assert [each["text"] for each in answer["assumptions"] if each["id"] == "internal_domains"] == [
        "People in partner.example count as inside: a remote domain makes them internal (IsInternal)."
    ]
    assert "partner.example" in found(facts=facts)["internal_domains"]
    assert "internal_domains" not in found()
    by_domain = verdict([ALL], facts, then="not_in_clear", when={**IN, "recipient_domain_is": ["partner.example"]})
    assert (by_domain["verdict"], by_domain["counterexample"]["recipient"].endswith("partner.example")) == (
        "refuted",
        True,
    )


def test_a_proof_names_what_was_not_read() -> None:
    """Each with its cmdlet: remote domains, if whom a rule takes for outside depends on them, and what encrypts PDF
    documents.
    """
    unread = {name: value for name, value in FACTS.items() if name not in ("remote_domains", "irm_configuration")}
    read = {**unread, "remote_domains": [], "irm_configuration": {"enable_pdf_encryption": True}}
    cmdlets = ("Get-RemoteDomain", "Get-IRMConfiguration")
    for facts, named in ((unread, set(cmdlets)), (read, set())):
        texts = [each["text"] for each in verdict([ALL], facts, then="not_in_clear")["assumptions"]]
        assert {cmdlet for cmdlet in cmdlets for text in texts if cmdlet in text} == named
    deletes = [rule("Deletes", {}, {"delete_message": True})]
    ids = [each["id"] for each in verdict(deletes, unread, when=IN, then="not_in_clear")["assumptions"]]
    assert "U21" not in ids
