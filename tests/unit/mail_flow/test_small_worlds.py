# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumeration decides claims as the semantics' worked example does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.oracle import wrong_difference, wrong_lint, wrong_verdict
from tests.unit.mail_flow.small_worlds import RECIPIENTS, Claim, SmallWorld, Verdict, messages

IN_TO_OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
PARTNER = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
STOP = {"stop_rule_processing": True}


@pytest.fixture(scope="module")
def world() -> SmallWorld:
    """One in seven of the messages, and all that the tests name."""
    return SmallWorld(
        given=[one for place, one in enumerate(messages()) if place % 7 == 0 or one["to"] == ["ann@fabrikam.com"]]
    )


def rules(*given: tuple[dict[str, Any], dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": chr(65 + place),
            "priority": place,
            "conditions": conditions,
            "exceptions": {},
            "actions": actions,
            **settings,
        }
        for place, (conditions, actions) in enumerate(given)
    ]


def verdict(world: SmallWorld, of_rules: list[dict[str, Any]], claim: Claim) -> Verdict:
    (found,) = world.verdicts(of_rules, [claim])
    return found


OUTGOING = Claim(IN_TO_OUT, {"recipient_domain_is": ["fabrikam.com"]}, "encrypted")


def test_a_rule_for_all_outgoing_mail_proves_it(world: SmallWorld) -> None:
    assert verdict(world, rules((IN_TO_OUT, ENCRYPT)), OUTGOING).says == "proved"
    assert verdict(world, rules((PARTNER, STOP), (IN_TO_OUT, ENCRYPT)), OUTGOING).says == "proved"


def test_a_partner_rule_takes_the_partners_subdomains_too(world: SmallWorld) -> None:
    exact = Claim(IN_TO_OUT, {"sent_to": ["ann@fabrikam.com"]}, "encrypted")
    found = verdict(world, rules((PARTNER, STOP), (IN_TO_OUT, ENCRYPT)), exact)
    assert {address for _message, address in found.certain} == {"x@eu.fabrikam.com"}


def test_a_word_in_the_subject_lets_mail_escape(world: SmallWorld) -> None:
    secure = {"from_scope": "InOrganization", "subject_contains_words": ["secure"]}
    found = verdict(world, rules((secure, STOP), (IN_TO_OUT, ENCRYPT)), OUTGOING)
    assert found.says == "refuted"
    assert all("secure" in message["subject"] for message, _address in found.certain)
    assert verdict(world, rules((IN_TO_OUT, ENCRYPT), (secure, STOP)), OUTGOING).says == "proved"


def test_a_stop_in_audit_mode_leaves_it_open(world: SmallWorld) -> None:
    audited, encrypting = rules((PARTNER, STOP), (IN_TO_OUT, ENCRYPT))
    everybody = Claim(IN_TO_OUT, {}, "encrypted")
    assert verdict(world, [{**audited, "mode": "Audit"}, encrypting], everybody).says == "unknown"


def test_a_decrypting_rule_behind_leaves_it_open(world: SmallWorld) -> None:
    assert verdict(world, rules((IN_TO_OUT, ENCRYPT), ({}, {"remove_ome_v2": True})), OUTGOING).says == "unknown"
    apart = ({"sent_to_scope": "InOrganization"}, {"remove_ome_v2": True})
    assert verdict(world, rules((IN_TO_OUT, ENCRYPT), apart), OUTGOING).says == "proved"


def test_what_an_approval_or_a_release_lets_through_counts(world: SmallWorld) -> None:
    hidden = Claim(IN_TO_OUT, {}, "not_in_clear")
    for action, says in (
        ({"reject_message_reason_text": "no"}, "proved"),
        ({"quarantine": True}, "refuted"),
        ({"moderate_message_by_user": ["b@c.d"]}, "refuted"),
    ):
        assert verdict(world, rules((IN_TO_OUT, action)), hidden).says == says
    assert (
        verdict(world, rules((IN_TO_OUT, {"moderate_message_by_user": ["b@c.d"]}), (IN_TO_OUT, ENCRYPT)), hidden).says
        == "proved"
    )
    assert verdict(world, rules((IN_TO_OUT, {"quarantine": True}), (IN_TO_OUT, ENCRYPT)), hidden).says == "refuted"


def test_the_portal_needs_a_branding() -> None:
    world = SmallWorld(given=[one for one in messages(most=1) if one["protection"]["kind"] == "none"])
    portal = Claim(IN_TO_OUT, {}, "portal")
    brand = {"apply_rights_protection_customization_template": "Branding1"}
    assert verdict(world, rules((IN_TO_OUT, ENCRYPT)), portal).says == "refuted"
    assert verdict(world, rules((IN_TO_OUT, {**ENCRYPT, **brand})), portal).says == "proved"


def test_a_claim_about_nothing(world: SmallWorld) -> None:
    assert (
        verdict(world, rules((IN_TO_OUT, ENCRYPT)), Claim({"sent_to": ["nobody@example.org"]}, {}, "encrypted")).says
        == "empty"
    )


def test_a_rule_without_actions_on_protection_can_take_protection_away(world: SmallWorld) -> None:
    any_partner = ({"any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT)
    before = rules(any_partner)
    after = rules((PARTNER, {"set_audit_severity": "Low"}), any_partner)
    found = world.changes(before, after)
    assert found
    for message, address, old, new in found:
        assert (old.protection, new.protection) == ("encrypt", "none")
        assert "fabrikam" not in address
        assert message["authenticated"] is True
    assert world.changes(before, before) == []


def test_outcomes_come_in_one_order_whatever_splits_the_copies() -> None:
    """Answers under two sets of rules are compared one after the other."""
    world = SmallWorld(given=list(messages())[::97])
    split = rules(
        ({"sent_to": ["joe@northwind.com"]}, {"set_audit_severity": "Low"}),
        ({"recipient_domain_is": ["fabrikam.com"]}, STOP),
    )
    places = [
        [(message["subject"], address) for message, address, _found in world.outcomes(each)] for each in ([], split)
    ]
    assert places[0] == places[1]
    assert len(places[0]) > len(list(messages())[::97])


def test_shadowed_rules_never_act(world: SmallWorld) -> None:
    assert world.acting(
        rules((PARTNER, STOP), ({**PARTNER, "subject_contains_words": ["offer"]}, ENCRYPT), (IN_TO_OUT, ENCRYPT))
    ) == {"A", "C"}


def test_the_world_is_small() -> None:
    assert len({address for message in messages() for address in message["to"] + message["bcc"]}) == len(RECIPIENTS) + 1
    assert sum(1 for _message in messages(most=1)) == 3200


def test_wrong_answers_about_claims_are_told() -> None:
    """The oracle itself: a false proof, a false counterexample, and what could have been known."""
    encrypting = rules((IN_TO_OUT, ENCRYPT))
    stopped = rules((PARTNER, STOP), (IN_TO_OUT, ENCRYPT))
    everybody = Claim(IN_TO_OUT, {}, "encrypted")
    given = [one for one in messages(most=1) if one["from"] == "megan@contoso.com"]
    proved, refuted = (SmallWorld(given=given).verdicts(of, [everybody])[0] for of in (encrypting, stopped))
    proof = {"verdict": "proved", "assumptions": [{"id": "size", "text": "…"}]}
    assert wrong_verdict(proof, proved, everybody, encrypting) == ""
    assert "is called proved, and breaks" in wrong_verdict(proof, refuted, everybody, stopped)
    message = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}
    example = {"verdict": "refuted", "counterexample": {"message": message, "recipient": "ann@fabrikam.com"}}
    assert wrong_verdict(example, refuted, everybody, stopped) == ""
    assert "does not break" in wrong_verdict(example, proved, everybody, encrypting)
    unknown = {"verdict": "unknown", "unknown": [{"id": "U02", "reason": "…"}]}
    assert "holds for every message" in wrong_verdict(unknown, proved, everybody, encrypting)
    assert "certainly breaks" in wrong_verdict(unknown, refuted, everybody, stopped)
    assert "without a reason" in wrong_verdict({"verdict": "unknown"}, refuted, everybody, stopped)


def test_wrong_differences_are_told(world: SmallWorld) -> None:
    before, after = rules((IN_TO_OUT, ENCRYPT)), rules((PARTNER, STOP), (IN_TO_OUT, ENCRYPT))
    message = {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"]}
    row = {
        "kind": "protection_lost",
        "when": PARTNER,
        "before": {"fate": "delivered", "protection": "encrypt"},
        "after": {"fate": "delivered", "protection": "none"},
        "witness": {"message": message, "recipient": "ann@fabrikam.com"},
    }
    assert wrong_difference([row], 0, before, after, world) == ""
    assert "nothing is said of protection_lost" in wrong_difference([], 0, before, after, world)
    assert wrong_difference([], 3, before, after, world) == ""
    assert "certainly changes nothing" in wrong_difference(
        [
            {
                **row,
                "when": {},
                "witness": {"message": {**message, "to": ["joe@northwind.com"]}, "recipient": "joe@northwind.com"},
            }
        ],
        0,
        before,
        after,
        world,
    )
    assert "does not meet" in wrong_difference(
        [{**row, "when": {"subject_contains_words": ["offer"]}}], 0, before, after, world
    )
    assert "is one of" in wrong_difference([{**row, "kind": "delivery_lost"}], 0, before, after, world)
    assert "is shown with" in wrong_difference([{**row, "after": row["before"]}], 0, before, after, world)
    assert wrong_lint({"A"}, before, world) == "said never to act, and act: A"
