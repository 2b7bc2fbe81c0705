# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's mail flow gives what is documented of Exchange, and says so where nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.mail_flow import GUESSES, MailFlow
from tests.unit.mail_flow.translation import facts, option, stored, vectors

from .conftest import Client

Vector = dict[str, Any]


def deliver(vector: Vector, **options: Any) -> dict[str, Any]:
    return MailFlow([stored(rule) for rule in vector["rules"]], facts(vector["tenant"])).deliver(
        vector["message"], **options
    )


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result in the vectors' words: who protected it, and names of rules with a question mark where it is unknown
    whether they matched.
    """
    by = result.get("protected_by", [])
    rows = dict(result, rules=[row["name"] if row["matched"] is True else "?" + row["name"] for row in result["rules"]])
    rows["protected_by"] = "sender" if result.get("protected_on_arrival") else by[0] if len(by) == 1 else by
    return rows


@pytest.mark.parametrize("vector", vectors(), ids=[vector["id"] for vector in vectors()])
def test_vector(vector: Vector) -> None:
    answer = deliver(vector)
    expected = vector["expected"]
    assert set(answer["recipients"]) == set(expected["recipients"])
    for address, wanted in expected["recipients"].items():
        got = shown(answer["recipients"][address])
        for nested in ("after_approval", "after_release"):
            if nested in wanted:
                inner = shown(got[nested])
                assert {key: inner[key] for key in wanted[nested]} == wanted[nested]
        plain = {key: value for key, value in wanted.items() if key not in ("after_approval", "after_release")}
        assert {key: got[key] for key in plain} == plain
        for key in {"protection", "protected_by"} - set(plain):
            assert not got.get(key)
        # Unknown is said with its number, and the rest is known.
        assert ("unknown" in got) == (vector["grade"] == "?" or any(name.startswith("?") for name in wanted["rules"]))
    effects = expected.get("effects", {})
    assert answer["effects"]["moderators"] == effects.get("moderator", [])
    assert answer["effects"]["notifications"] == effects.get("notification", [])
    assert ("notes" in answer["effects"]) == ("after_rules" in effects)


def test_every_vector_is_tried() -> None:
    assert len(vectors()) == 65
    assert {vector["grade"] for vector in vectors()} == {"doc", "inf", "code", "?"}


@pytest.mark.parametrize(("name", "number"), [("C18", "U02"), ("C22", "U31"), ("D20", "U13"), ("I08", "U26")])
def test_what_is_unknown_has_its_number(name: str, number: str) -> None:
    (vector,) = (vector for vector in vectors() if vector["id"] == name)
    for result in deliver(vector)["recipients"].values():
        assert {row["id"] for row in result["unknown"]} == {number}


def test_answers_that_rest_on_a_guess_are_unknown_without_it() -> None:
    """Inbound mail to somebody without an object in the directory counts as inside by a guess only."""
    rule = {"Name": "Tag", "Priority": 0, "SentToScope": "InOrganization", "PrependSubject": "[in] "}
    known = {
        "accepted_domains": [{"DomainName": "contoso.com"}],
        "remote_domains": [],
        "mailboxes": [],
        "mail_users": [],
    }
    message = {"from": "ann@fabrikam.com", "authenticated": False, "to": ["relay@contoso.com"]}
    (result,) = MailFlow([rule], known).deliver(message)["recipients"].values()
    assert (result["subject"], result["assumes"]) == ("[in] ", ["U19"])
    (result,) = MailFlow([rule], known).deliver(message, guesses=())["recipients"].values()
    assert "subject" not in result
    assert [row["id"] for row in result["unknown"]] == ["U19"]
    assert "U19" in GUESSES


def test_options_have_the_names_of_their_parameters() -> None:
    assert {option(name) for name in ("ADComparisonAttribute", "ExceptIfADComparisonAttribute")} == {
        "ad_comparison_attribute"
    }
    assert option("RemoveOMEv2") == "remove_ome_v2"
    assert option("BetweenMemberOf1") == "between_member_of_1"
    assert option("ExceptIfSCLOver") == "scl_over"
    assert option("SenderIpRanges") == "sender_ip_ranges"


def test_mail_goes_through_an_organization(client: Client) -> None:
    """Rules as they are stored now, facts of the organization, and a template under its localized name."""
    message = {
        "from": "MeganB@contoso.onmicrosoft.com",
        "authenticated": True,
        "to": ["ann@fabrikam.com", "AlexW@contoso.onmicrosoft.com"],
    }
    client.control("PATCH", "state", {"locale": "fr-FR", "irm_configuration": {"AzureRMSLicensingEnabled": True}})
    client.invoke(
        "New-TransportRule", Name="Outside", SentToScope="NotInOrganization", ApplyRightsProtectionTemplate="Chiffrer"
    )
    recipients = client.control("POST", "mail", {"message": message})["recipients"]
    assert recipients["ann@fabrikam.com"]["protection"] == "encrypt"
    assert recipients["ann@fabrikam.com"]["protected_by"] == ["Outside"]
    assert recipients["alexw@contoso.onmicrosoft.com"]["protection"] == "none"
    client.invoke("Disable-TransportRule", Identity="Outside")
    assert (
        client.control("POST", "mail", {"message": message})["recipients"]["ann@fabrikam.com"]["protection"] == "none"
    )
    sister = {"message": message, "facts": {"accepted_domains": [{"DomainName": "fabrikam.com"}]}}
    client.invoke("Enable-TransportRule", Identity="Outside")
    assert client.control("POST", "mail", sister)["recipients"]["ann@fabrikam.com"]["protection"] == "none"
    # Until the service is set up, nobody knows what an encrypting rule does.
    client.control("PATCH", "state", {"irm_configuration": {"AzureRMSLicensingEnabled": False}})
    (unknown,) = client.control("POST", "mail", {"message": message})["recipients"]["ann@fabrikam.com"]["unknown"]
    assert unknown["id"] == "U28"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": {"from": "a@b.c", "two": []}}, "two"),
        ({"message": {"from": "a@b.c"}, "facts": {"people": []}}, "people"),
    ],
)
def test_misspelt_keys_are_refused(client: Client, body: dict[str, Any], text: str) -> None:
    answer = client.session.post(f"{client.emulator.url}/emulator/mail", json=body, timeout=60)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
