# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of mail: delivery, decryption, protection of what is delivered, and the portal with its expiry and
beside S/MIME.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.regression import worsened
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.copy_properties import (
    PROPERTIES,
)

from tests.rounds import seeds
from tests.unit.mail_flow.answers import refutation
from tests.unit.mail_flow.asking import ALL, ENCRYPT, NOW, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.deciding import proofs
from tests.unit.mail_flow.search import Search
from tests.unit.mail_flow.small_worlds import TENANT
from tests.unit.mail_flow.themes import WISHES as WORLD

Values = dict[str, Any]

FROM_PARTNER: Values = {"from_scope": "NotInOrganization", "sender_domain_is": ["partner.com"]}
DECRYPT = rule("Decrypt", FROM_PARTNER, {"remove_ome_v2": True})
BRANDED = rule("Branded", OUTGOING, {**ENCRYPT, "apply_rights_protection_customization_template": "Week"})
FATES: dict[str, Values] = {
    "rejected": {"reject_message_reason_text": "no"},
    "deleted": {"delete_message": True},
    "quarantined": {"quarantine": True},
    "moderated": {"moderate_message_by_user": ["bob@contoso.com"]},
    "redirected": {"redirect_message_to": ["bob@contoso.com"]},
}


def says(rules: list[Values], **guarantee: Any) -> str:
    return str(verdict(rules, **guarantee)["verdict"])


def expiring(**days: int) -> Values:
    return {
        **TENANT,
        "ome_configurations": [
            {"identity": name, "external_mail_expiry_in_days": expiry} for name, expiry in days.items()
        ],
    }


def test_a_wish_is_a_row_of_properties_that_are_known() -> None:
    named = {each.removeprefix("not ") for wish in WISHES.values() for one_of in wish.kept for each in one_of}
    assert named | {wish.about for wish in WISHES.values() if wish.about} == set(PROPERTIES)


# Delivery


@pytest.mark.parametrize("fate", FATES)
def test_mail_is_delivered_that_no_rule_keeps_back(fate: str) -> None:
    keeps_back = rule("Rule", {"subject_contains_words": ["x"]}, FATES[fate])
    found = verdict([keeps_back, ALL], then="delivered")
    assert (found["verdict"], found["counterexample"]["outcome"]["fate"], found["counterexample"]["decided_by"]) == (
        "refuted",
        fate,
        ["Rule"],
    )
    assert says([keeps_back, ALL], then="delivered", unless={"subject_contains_words": ["x"]}) == "proved"
    assert says([rule("Tried", {}, FATES[fate], mode="Audit")], then="delivered") == "proved"


def test_what_only_an_approval_or_a_release_delivers_is_not_delivered_in_clear() -> None:
    for fate in FATES:
        rules = [rule("Rule", OUTGOING, FATES[fate])]
        # Whoever gets it instead has it in clear.
        copies = {"copies": "recipients_only"} if fate == "redirected" else {}
        assert says(rules, then="not_in_clear_if_delivered", **copies) == "proved", fate
        found = says(rules, then="not_in_clear", **copies)
        assert found == ("refuted" if fate in ("moderated", "quarantined") else "proved"), fate
    assert says([], then="not_in_clear_if_delivered") == "refuted"
    assert says([ALL], then="not_in_clear_if_delivered") == "proved"
    assert says([ALL], then="not_in_clear_if_delivered", template="Do Not Forward") == "refuted"


def test_who_sees_a_report_does_not_matter_to_what_is_delivered() -> None:
    report = rule(
        "Report",
        OUTGOING,
        {"generate_incident_report": "ann@fabrikam.com", "incident_report_content": ["AttachOriginalMail"]},
    )
    assert [says([report, ALL], then=then) for then in ("not_in_clear", "not_in_clear_if_delivered")] == [
        "unknown",
        "proved",
    ]


# Decryption


def test_replies_of_a_partner_arrive_decrypted() -> None:
    wish: Values = {"when": FROM_PARTNER, "then": "decrypted_on_arrival"}
    assert says([DECRYPT], **wish) == "proved"
    found = verdict([rule("Before", {"subject_contains_words": ["x"]}, STOP), DECRYPT], **wish)
    assert found["verdict"] == "refuted"
    assert found["counterexample"]["message"]["protection"]["owner"] == "own"
    assert found["counterexample"]["outcome"]["protected_on_arrival"] is True
    assert says([DECRYPT, rule("Rejects", FROM_PARTNER, FATES["rejected"])], **wish) == "refuted"


def test_whether_mail_is_decrypted_may_be_open() -> None:
    wish: Values = {"when": FROM_PARTNER, "then": "decrypted_on_arrival"}
    again = verdict([DECRYPT, rule("Again", {}, ENCRYPT)], **wish)
    disabled = verdict([DECRYPT], {**TENANT, "irm_configuration": {"transport_decryption_setting": "Disabled"}}, **wish)
    assert [(each["verdict"], [row["id"] for row in each["unknown"]]) for each in (again, disabled)] == [
        ("unknown", ["U02"]),
        ("unknown", ["U30"]),
    ]


def test_a_wish_about_mail_that_cannot_arrive_so_is_refused() -> None:
    with pytest.raises(OptionError, match="no message can meet when and unless"):
        verdict(
            [DECRYPT],
            when=FROM_PARTNER,
            unless={"message_type_matches": "PermissionControlled"},
            then="decrypted_on_arrival",
        )


# The portal


def test_what_arrives_encrypted_by_others_is_not_led_to_the_portal_and_a_proof_says_so() -> None:
    found = verdict([BRANDED], then="portal")
    assert found["verdict"] == "proved"
    assert [each["mail"] for each in found["assumptions"] if each["id"] == "not_ours"] == [
        "S/MIME-encrypted mail, mail that other organizations encrypt"
    ]
    inside = verdict(
        [rule("All", {}, ENCRYPT)],
        when={"from_scope": "InOrganization", "sent_to_scope": "InOrganization"},
        then="portal",
    )
    assert (inside["verdict"], [each for each in inside["assumptions"] if each["id"] == "not_ours"]) == ("proved", [])
    plain = verdict([ALL], then="portal")
    assert (plain["verdict"], plain["counterexample"]["outcome"]["protection"]) == ("refuted", "encrypt")
    assert refutation(plain).endswith(
        f"is delivered encrypted by {ALL['name']!r}, with no branding that leads to the portal."
    )
    assert "unbranded" not in verdict([], then="portal")["counterexample"]


@pytest.mark.parametrize(
    ("expiry", "days", "said"),
    [
        ({"Week": 7}, 7, "proved"),
        ({"week": 7}, 30, "proved"),
        ({"Week": 7}, 6, "refuted"),
        ({"Week": 0}, 7, "refuted"),
        ({"Other": 7}, 7, "unknown"),
    ],
)
def test_mail_expires_in_the_portal(expiry: dict[str, int], days: int, said: str) -> None:
    found = verdict([BRANDED], expiring(**expiry), then="portal", expires_within_days=days)
    assert found["verdict"] == said
    if said == "refuted":
        expires = {7: "lets it expire after 7 days", 0: "never lets it expire"}[found["counterexample"]["expiry"]]
        assert refutation(found).endswith(
            f"is delivered encrypted by 'Branded', with the branding 'Week', which {expires}."
        )
    if said == "unknown":
        assert [each["field"] for each in found["unknown"]] == ["facts.ome_configurations"]
    assert verdict([ALL], expiring(**expiry), then="portal", expires_within_days=days)["verdict"] == "refuted"


def test_of_two_brandings_either_may_win() -> None:
    month = rule("Month", OUTGOING, {"apply_rights_protection_customization_template": "Month"})
    facts = expiring(Week=7, Month=30)
    assert verdict([BRANDED, month], facts, then="portal", expires_within_days=30)["verdict"] == "proved"
    found = verdict([BRANDED, month], facts, then="portal", expires_within_days=7)
    assert (found["verdict"], [each["id"] for each in found["unknown"]]) == ("unknown", ["U01"])
    either = verdict([BRANDED, month], facts, then="portal", expires_within_days=3)
    assert (either["verdict"], "unbranded" in either["counterexample"]) == ("refuted", False)


def test_rules_that_give_up_the_branding_make_it_worse() -> None:
    (wish,) = guarantees_of([{"name": "G", "when": OUTGOING, "then": "portal", "expires_within_days": 7}])
    found = worsened([BRANDED], [ALL], expiring(Week=7), wish, NOW)
    assert found
    assert found.outcome.protection == "encrypt"
    assert worsened([ALL], [BRANDED], expiring(Week=7), wish, NOW) is None


@pytest.mark.parametrize(
    ("guarantee", "said"),
    [
        (
            {"then": "encrypted", "expires_within_days": 7},
            "expires_within_days cannot be used with then: encrypted. Use it only with portal.",
        ),
        (
            {"then": "delivered", "template": "Encrypt"},
            "template cannot be used with then: delivered. Use it only with encrypted, ",
        ),
        (
            {"then": "portal", "expires_within_days": 0},
            "expires_within_days is 0. Give a number of days, at least 1, or omit it.",
        ),
        ({"then": "portal", "expires_within_days": True}, "expires_within_days is True. Give a number of days"),
        ({"then": "deliver"}, "then is 'deliver'. Did you mean delivered?"),
    ],
)
def test_what_narrows_no_wish_is_refused(guarantee: Values, said: str) -> None:
    with pytest.raises(OptionError) as raised:
        guarantees_of([{"name": "G", **guarantee}])
    assert str(raised.value).startswith(f"guarantees[0].{said}")


@pytest.mark.parametrize("seed", seeds(12))
def test_random_wishes_as_enumeration_says(seed: int) -> None:
    assert Search(150, WORLD, wishing=True).claims(proofs, seed, 10) == ""


#: Guarantees of which each property decides one.
DECIDED: tuple[tuple[list[Values], Values], ...] = (
    ([ALL], {"then": "delivered"}),
    ([rule("Rejects", OUTGOING, FATES["rejected"])], {"then": "not_in_clear"}),
    ([ALL], {"then": "encrypted"}),
    ([ALL], {"then": "unencrypted"}),
    ([ALL], {"then": "portal"}),
    ([BRANDED], {"then": "portal"}),
    ([BRANDED], {"then": "portal", "expires_within_days": 7}),
    ([DECRYPT], {"then": "decrypted_on_arrival", "when": FROM_PARTNER}),
    ([rule("TLS", OUTGOING, {"route_message_outbound_require_tls": True})], {"then": "protected_in_transit"}),
)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_that_is_the_opposite_of_itself_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    facts, formula = {**expiring(Week=7), "outbound_connectors": []}, PROPERTIES[name].formula

    def verdicts() -> list[str]:
        return [verdict(rules, facts, **guarantee)["verdict"] for rules, guarantee in DECIDED]

    right = verdicts()
    monkeypatch.setitem(
        PROPERTIES,
        name,
        replace(PROPERTIES[name], formula=lambda outcome, guarantee: negate(formula(outcome, guarantee))),
    )
    assert verdicts() != right
