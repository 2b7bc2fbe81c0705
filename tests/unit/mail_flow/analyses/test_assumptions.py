# SPDX-License-Identifier: GPL-3.0-or-later
"""What proofs and differences once took for granted, and no source says. Each was found by an attack, and is held
against the emulator where it can be.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
    with_options,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.unit.mail_flow.answers import difference, lint, prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, STOP, rule, unknown_ids, verdict
from tests.unit.mail_flow.emulating import emulated, simulated
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

ALL = rule("All", IN, ENCRYPT)
MANDATORY = {**TENANT, "irm_configuration": {"transport_decryption_setting": "Mandatory"}}


def test_exchange_may_reject_what_it_must_decrypt() -> None:
    foreign = {"message_type_matches": "PermissionControlled"}
    assert unknown_ids([], MANDATORY, when=foreign, then="encrypted") == ["U30"]
    assert verdict([], TENANT, when=foreign, then="encrypted")["verdict"] == "proved"
    (row,) = difference([], [], MANDATORY, NOW, irm_before={"transport_decryption_setting": "Optional"}).rows
    assert (row["kind"], [each["id"] for each in row["unknown"]], row["witness"]["message"]["protection"]["owner"]) == (
        "unknown",
        ["U30"],
        "other",
    )
    # No rule sees what is rejected before: that one acts is not certain either.
    own, other = ({"kind": "encrypt", "owner": owner} for owner in ("own", "other"))
    assert emulated([], MANDATORY, protection=own)["fate"] == "delivered"
    assert emulated([], MANDATORY, protection=other)["fate"] == "unknown"
    assert (
        verdict([rule("Deletes", foreign, {"delete_message": True})], MANDATORY, when=foreign, then="encrypted")[
            "verdict"
        ]
        == "refuted"
    )


def test_patterns_see_less_of_a_long_attachment_than_words() -> None:
    by_pattern, by_word = (
        rule("Attached", {**IN, f"attachment_{how}": ["secret"]}, ENCRYPT)
        for how in ("matches_patterns", "contains_words")
    )
    unknown_ids([by_pattern], when={**IN, "attachment_contains_words": ["secret"]})
    assert difference([by_pattern, {**by_word, "name": "Words"}], [by_pattern], TENANT, NOW).rows
    shown = {
        "properties": {},
        "nested": [],
        "executable": False,
        "password_protected": False,
        "unsupported": False,
        "limit_exceeded": False,
    }
    attachment = {"name": "a.txt", "size": 300_000, "text": f"{'a ' * 100_000}secret", **shown}
    assert "U12" in str(emulated([by_pattern], attachments=[attachment]))


def test_a_message_without_attachments_has_none_with_anything() -> None:
    answer = verdict(
        [rule("Attached", {**IN, "attachment_matches_patterns": [".*"]}, ENCRYPT)], when=IN, then="not_in_clear"
    )
    assert (answer["verdict"], answer["counterexample"]["message"].get("attachments")) == ("refuted", None)


@pytest.mark.parametrize("how", ["a header", "the subject"])
def test_any_white_space_in_a_phrase_may_be_another(how: str) -> None:
    word = "top\N{NO-BREAK SPACE}secret"
    sets = (
        {"set_header_name": "X-Class", "set_header_value": "top secret"}
        if how == "a header"
        else {"prepend_subject": "top secret: "}
    )
    looks = (
        {"header_contains_message_header": "X-Class", "header_contains_words": [word]}
        if how == "a header"
        else {"subject_contains_words": [word]}
    )
    rules = [rule("Sets", IN, sets), rule("Stops", {**IN, **looks}, STOP), ALL]
    assert unknown_ids(rules, unless={} if how == "a header" else looks) == ["U17"]
    assert "never_acts" not in {each["kind"] for each in lint(rules, TENANT, NOW)}
    assert "U17" in str(emulated(rules))


def test_a_token_in_a_disclaimer_stands_for_what_is_known_of_the_sender() -> None:
    disclaimer = {
        "apply_html_disclaimer_text": "<p>%%Department%%</p>",
        "apply_html_disclaimer_fallback_action": "Wrap",
    }
    rules = [
        rule("Disclaimer", {}, disclaimer),
        rule("Public", {"subject_or_body_contains_words": ["public"]}, STOP),
        ALL,
    ]
    spared = {"subject_or_body_contains_words": ["public"]}
    assert unknown_ids(rules, unless=spared) == ["U00"]
    assert emulated(rules)["protection"] == "unknown"
    plain = [rule("Disclaimer", {}, {**disclaimer, "apply_html_disclaimer_text": "<p>100%% contoso</p>"}), *rules[1:]]
    assert (verdict(plain, when=IN, unless=spared, then="not_in_clear")["verdict"], emulated(plain)["protection"]) == (
        "proved",
        "encrypt",
    )


@pytest.mark.parametrize(
    ("more", "until"),
    [
        ({"expiry_date": "2026-03-01T01:00:00Z"}, "2026-03-01 01:00 UTC"),
        (
            {"activation_date": "2025-03-01T01:00:00Z", "expiry_date": "2026-04-01T00:00:00Z"},
            "2026-04-01 00:00 UTC",
        ),
    ],
)
def test_a_proof_tells_how_long_it_holds(more: Values, until: str) -> None:
    answer = verdict([{**ALL, **more}], when=IN, then="not_in_clear")
    (text,) = [each["text"] for each in answer["assumptions"] if each["id"] == "date"]
    assert (answer["verdict"], text) == (
        "proved",
        f"The mail passes the rules before any of them begins or ends again ({until}).",
    )
    idle = {**ALL, "name": "Idle", "state": "Disabled", **more}
    assert "date" not in [each["id"] for each in verdict([idle, ALL], when=IN, then="not_in_clear")["assumptions"]]


def test_what_rests_on_a_guess_refutes_nothing() -> None:
    """Whether a guest is inside is guessed (U20), and with it that mail of theirs is not encrypted."""
    facts = {**TENANT, "mail_users": ["guest@fabrikam.com"]}
    when = {"from": ["guest@fabrikam.com"], "sent_to_scope": "InOrganization", "sent_to": ["nobody@contoso.com"]}
    encrypts = rule("Encrypts", {}, ENCRYPT)
    unknown_ids([encrypts], facts, when=when)
    assert "U20" in str(
        emulated(
            [encrypts], facts, "nobody@contoso.com", **{"from": "guest@fabrikam.com", "to": ["nobody@contoso.com"]}
        )
    )
    rows = difference([], [rule("Encrypts", when, ENCRYPT)], facts, NOW).rows
    assert {row["kind"] for row in rows} <= {"unknown"}


@pytest.mark.parametrize("known", [{}, {"mailboxes": None}], ids=["with a directory", "without one"])
def test_guests_who_send_are_left_out_whether_or_not_all_mailboxes_are_known(known: Values) -> None:
    """Whether rules encrypt what a guest sends is open (U20). Facts that say more of people take no proof away."""
    facts = {**TENANT, "mail_users": ["guest@fabrikam.com"], **known}
    facts = {name: value for name, value in facts.items() if value is not None}
    answer = verdict([rule("All", OUTGOING, ENCRYPT)], facts, when=OUTGOING, then="not_in_clear")
    (text,) = [each["text"] for each in answer["assumptions"] if each["id"] == "U20"]
    assert (answer["verdict"], text.startswith("Guests and mail users")) == ("proved", True)


def test_a_mailbox_with_an_address_outside_is_not_left_out_with_guests() -> None:
    facts = {**TENANT, "mailboxes": ["ann@fabrikam.com"], "mail_users": ["guest@fabrikam.com"]}
    unknown_ids([rule("All", OUTGOING, ENCRYPT)], facts, when=OUTGOING)


def test_a_wall_between_groups_does_not_concern_senders_who_are_in_neither() -> None:
    """On whom such a rule acts is open (U05), but not of whose mail."""
    facts = {**TENANT, "groups": {"a@contoso.com": ["ann@contoso.com"], "b@contoso.com": ["bob@contoso.com"]}}
    groups = {"between_member_of_1": ["a@contoso.com"], "between_member_of_2": ["b@contoso.com"]}
    rules = [rule("Wall", groups, {"reject_message_reason_text": "No."})]
    of_others = {"when": {**IN, "from": ["carol@contoso.com"]}, "then": "delivered"}
    assert verdict(rules, facts, **of_others)["verdict"] == "proved"
    between = {**IN, "from_member_of": ["a@contoso.com"], "sent_to_member_of": ["b@contoso.com"]}
    refuted = verdict(rules, facts, when=between, then="delivered")["counterexample"]
    assert (refuted["message"]["to"], refuted["decided_by"]) == (["bob@contoso.com"], ["Wall"])
    # With somebody else in copy, it is open.
    assert (
        verdict(rules, facts, when={**between, "any_of_cc_header": ["carol@contoso.com"]}, then="delivered")["verdict"]
        == "unknown"
    )


@pytest.mark.parametrize("option", ["from", "sent_to", "any_of_to_header"])
def test_a_condition_on_a_name_that_is_no_address_is_not_known(option: str) -> None:
    rules = [rule("Stops", {option: ["Bob Smith"]}, STOP), ALL]
    assert unknown_ids(rules) == ["U13"]
    assert [each["rules"] for each in lint(rules, TENANT, NOW) if each["kind"] == "unsupported"] == [["Stops"]]


@pytest.mark.parametrize("option", ["copy_to", "blind_copy_to", "add_to_recipients", "redirect_message_to"])
def test_whom_a_rule_adds_by_a_name_that_is_no_address_is_not_known(option: str) -> None:
    """A rule that encrypts for whoever gets mail encrypts for them, too; one that looks at recipients perhaps does not."""
    rules, outgoing = [rule("Adds", IN, {option: ["Sales Team"]}), ALL], {**IN, "sent_to_scope": "NotInOrganization"}
    assert verdict(rules, when=outgoing, then="not_in_clear")["verdict"] == "proved"
    assert set(unknown_ids([rules[0], rule("Outgoing", outgoing, ENCRYPT)], when=outgoing)) >= {"U00"}
    texts = [row["text"] for row in difference(rules, [ALL], TENANT, NOW).rows]
    assert [text for text in texts if "may no longer reach sales team (U09)" in text], texts


@pytest.mark.parametrize(
    ("conditions", "when", "facts"),
    [
        (
            {"recipient_domain_is": ["fabrikam.com"]},
            {"recipient_address_matches_patterns": [r"[@.]fabrikam\.com$"]},
            TENANT,
        ),
        (
            {"sender_domain_is": ["contoso.com"]},
            {},
            {
                **TENANT,
                "accepted_domains": [{"name": "contoso.com", "type": "Authoritative", "match_subdomains": True}],
            },
        ),
    ],
)
def test_a_proof_names_what_conditions_on_a_domain_mean(conditions: Values, when: Values, facts: Values) -> None:
    answer = verdict([rule("Encrypts", {**IN, **conditions}, ENCRYPT)], facts, when={**IN, **when}, then="not_in_clear")
    assert (answer["verdict"], "subdomains" in [each["id"] for each in answer["assumptions"]]) == ("proved", True)


def test_an_underscore_may_belong_to_a_word() -> None:
    to_sales = rule("Sales", {**IN, "recipient_address_contains_words": ["sales"]}, ENCRYPT)
    assert unknown_ids([to_sales], when={**IN, "sent_to": ["sales_eu@fabrikam.com"]}) == ["U17"]
    assert (
        verdict([to_sales], when={**IN, "sent_to": ["sales-eu@fabrikam.com"]}, then="not_in_clear")["verdict"]
        == "proved"
    )


def test_somebody_whom_a_rule_adds_may_be_named_in_a_field() -> None:
    """To find out more, somebody was built who could not be there, so that nothing was said of their copy any more."""
    to = {"sent_to": ["ann@fabrikam.com", "joe@northwind.com"]}
    rejects = rule(
        "Rejects",
        {"any_of_recipient_address_contains_words": ["northwind.com"], "any_of_to_cc_header": ["bob@contoso.com"]},
        {"reject_message_reason_text": "no"},
    )
    before = [rule("Copies", to, {"copy_to": ["bob@contoso.com"]}), rejects]
    after = [rule("Holds", {}, {"quarantine": True}), *before]
    rows = difference(before, after, TENANT, NOW).rows
    assert "bob@contoso.com" in {row.get("added") for row in rows}
    assert (emulated(before, recipient="bob@contoso.com")["fate"], emulated(after, recipient="bob@contoso.com")) == (
        "delivered",
        {},
    )


def test_a_sentence_tells_that_mail_waits_for_another_approval() -> None:
    first, second = (rule(name, IN, {"moderate_message_by_user": [f"{name}@contoso.com"]}) for name in ("bob", "megan"))
    row, asked = difference([first], [first, second], TENANT, NOW).rows
    assert row["text"].startswith("All mail from inside now waits for approval again once it is approved")
    assert asked["text"].startswith("Mail from inside is now shown to megan@contoso.com for approval")


def test_a_sentence_without_a_witness_tells_of_which_mail_it_is_not_known() -> None:
    spared = {**ALL, "exceptions": {"from_address_matches_patterns": ["^.{400}$"]}}
    (row,) = difference([ALL], [spared], TENANT, NOW).rows
    assert not row.get("witness")
    assert row["text"].endswith(
        "match '^.{400}$' may no longer be encrypted (neither a proof nor an example was found): the changed rule 'All' no"
        " longer applies to it."
    )


def test_whom_a_rule_redirects_mail_to_may_be_its_recipient() -> None:
    """What it makes of mail to them is open. Of all other mail it is certain, and the sentence is about that."""
    redirects = rule(
        "Redirects", {"any_of_to_header": ["bob@contoso.com"]}, {"redirect_message_to": ["bob@contoso.com"], **STOP}
    )
    encrypts = rule("Encrypts", {}, ENCRYPT, exceptions={"sent_to": ["joe@northwind.com"]})
    rows = difference([redirects, encrypts], [encrypts], TENANT, NOW).rows
    assert {row["kind"] for row in rows if "added" not in row} == {"delivery_gained", "unknown"}
    stops = rule("Stops", {}, STOP, exceptions={"sent_to": ["ann@fabrikam.com", "bob@contoso.com"]})
    rows = difference([stops], [stops, {**redirects, "conditions": {}}], TENANT, NOW).rows
    assert [(row["kind"], row["witness"]["recipient"]) for row in rows if "added" not in row] == [
        ("delivery_lost", "ann@fabrikam.com")
    ]


def test_the_bytes_that_exchange_shows_beside_a_rounded_size_are_its_size() -> None:
    rules = [rule("Large", {"message_size_over": "10.01 MB (10,500,000 bytes)"}, STOP), ALL]
    assert verdict(rules, when=IN, unless={"message_size_over": "10500000"}, then="not_in_clear")["verdict"] == "proved"


WRAPS = rule("Wraps", IN, {"apply_html_disclaimer_text": "<p>legal</p>"})


@pytest.mark.parametrize(
    ("looks_for", "message"),
    [
        ({"message_type_matches": "Signed"}, {"protection": {"kind": "smime_signed"}}),
        (
            {"header_contains_message_header": "X-Class", "header_contains_words": ["secret"]},
            {"headers": {"X-Class": "secret"}},
        ),
        ({"with_importance": "High"}, {"importance": "High"}),
        ({"has_classification": "A"}, {"classification": ["A"]}),
        ({"message_size_over": "1MB"}, {"size": 2 << 20}),
    ],
    ids=["type", "header", "importance", "classification", "size"],
)
def test_rules_see_the_wrapper_of_a_wrapped_message(looks_for: Values, message: Values) -> None:
    rules = [WRAPS, rule("Encrypts", {**IN, **looks_for}, ENCRYPT)]
    signed = {"message_type_matches": "Signed"} if "message_type_matches" not in looks_for else {}
    assert "U00" in unknown_ids(rules, when={**IN, **signed, **looks_for})
    wrapped = {"protection": {"kind": "smime_signed"}, **message}
    assert [found["protection"] for found in (emulated(rules, **wrapped), simulated(rules, **wrapped))] == [
        "unknown",
        "unknown",
    ]
    assert [each["name"] for each in simulated(rules[1:], **message)["rules"]] == ["Encrypts"]


@pytest.mark.parametrize(
    ("read", "number"),
    [
        ({"irm_configuration": {"transport_decryption_setting": "Disabled"}}, "U30"),
        ({"irm_configuration": {"azure_rms_licensing_enabled": False}}, "U28"),
        ({"irm_configuration": {"internal_licensing_enabled": False}}, "U28"),
        ({"rms_templates": []}, "U28"),
    ],
)
def test_whether_protection_is_removed_depends_on_the_settings(read: Values, number: str) -> None:
    rules, facts = [rule("Decrypts", IN, {"remove_ome_v2": True})], {**TENANT, **read}
    when = {**IN, "message_type_matches": "PermissionControlled"}
    assert number in unknown_ids(rules, facts, when=when, then="not_in_clear", unless={"from": ["megan@contoso.com"]})
    own = {"protection": {"kind": "encrypt", "owner": "own"}}
    for found in (emulated(rules, facts, **own), simulated(rules, facts, **own)):
        assert (found["protection"], number in str(found["unknown"])) == ("unknown", True)
    assert simulated(rules, **own)["protection"] == "none"


def test_what_leaves_the_quarantine_is_perhaps_no_longer_protected() -> None:
    together = [rule("Holds", IN, {**ENCRYPT, "quarantine": True})]
    apart = [ALL, rule("Holds", IN, {"quarantine": True})]
    for rules in (together, apart):
        assert unknown_ids(rules) == ["U00"]
        for found in (emulated(rules), simulated(rules)):
            assert (found["fate"], found["after_release"]["protection"]) == ("quarantined", "unknown")


def test_whether_a_rule_that_asks_for_an_approval_also_stops_is_open() -> None:
    rules = [rule("Asks", IN, {"moderate_message_by_user": ["bob@contoso.com"], **STOP}), ALL]
    assert unknown_ids(rules) == ["U00"]
    for found in (emulated(rules), simulated(rules)):
        assert (found["fate"], found["after_approval"]["protection"]) == ("moderated", "unknown")


def test_settings_of_another_organization_decide_about_its_mail() -> None:
    facts = {
        **TENANT,
        "ome_configurations": [{"identity": "OME Configuration", "otp_enabled": True, "social_id_sign_in": True}],
    }
    (way,) = simulated([], facts, protection={"kind": "encrypt", "owner": "other"})["opens"]
    assert way["way"] == "unknown"
    assert {each["way"] for each in simulated([ALL], facts)["opens"]} >= {"portal_passcode", "portal_social"}


def test_whether_a_disclaimer_fits_is_open_where_the_keys_are_not_known() -> None:
    rejects = {**WRAPS, "actions": {**WRAPS["actions"], "apply_html_disclaimer_fallback_action": "Reject"}}
    whose = {"protection": {"kind": "encrypt", "owner": "unknown"}}
    assert [found["fate"] for found in (emulated([rejects], **whose), simulated([rejects], **whose))] == [
        "unknown",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("field", "named"), [("From", "Megan Bowen <megan@contoso.com>"), ("To", "Ann Boss <ann@fabrikam.com>")]
)
def test_a_field_may_hold_a_name_beside_an_address(field: str, named: str) -> None:
    word = named.split()[1].lower()
    rules = [rule("Named", {"header_contains_message_header": field, "header_contains_words": [word]}, ENCRYPT)]
    assert [found["protection"] for found in (emulated(rules), simulated(rules))] == ["unknown", "unknown"]
    for headers, protection in (({field: named}, "encrypt"), ({field: named.replace(word.title(), "X")}, "none")):
        assert [
            found["protection"] for found in (emulated(rules, headers=headers), simulated(rules, headers=headers))
        ] == [protection, protection]
    raw = f"From: {named if field == 'From' else 'megan@contoso.com'}\r\nTo: {named if field == 'To' else 'ann@fabrikam.com'}\r\nSubject: x\r\n\r\nhi"
    message = with_options(message_from_eml(raw.encode(), "a.eml"), {"authenticated": True}, "")
    assert Simulator(RuleSet(rules), facts_of(TENANT)).run(message)["recipients"]["ann@fabrikam.com"]["rules"] == [
        {"name": "Named", "matched": True}
    ]


def test_the_text_of_an_attached_message_is_not_the_text_of_the_message() -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner.set_content("secret inside")
    inner.add_attachment(b"1", maintype="application", subtype="pdf", filename="inner.pdf")
    outer["From"], outer["To"] = "megan@contoso.com", "ann@fabrikam.com"
    outer.set_content("hello")
    outer.add_attachment(inner, filename="inner.eml")
    message = message_from_eml(outer.as_bytes(), "a.eml")
    assert (message.body or "").strip() == "hello"
    assert [each.name for each in message.attachments or ()] == ["inner.eml"]


@pytest.mark.parametrize(
    "looks_for",
    [
        {"sender_domain_is": ["brand.com"]},
        {"from_address_contains_words": ["bob"]},
        {"from_address_matches_patterns": ["^bob"]},
    ],
)
def test_which_address_of_a_sender_counts_is_open(looks_for: Values) -> None:
    accepted = [*TENANT["accepted_domains"], {"name": "brand.com", "type": "Authoritative", "match_subdomains": False}]
    facts = {**TENANT, "accepted_domains": accepted, "proxy_addresses": {"robert@brand.com": "bob@contoso.com"}}
    rules = [rule("Looks", {**IN, **looks_for}, ENCRYPT)]
    at_alias = {"from": "robert@brand.com"}
    assert [
        found["protection"] for found in (emulated(rules, facts, **at_alias), simulated(rules, facts, **at_alias))
    ] == ["unknown", "unknown"]
    by_name = [rule("Looks", {**IN, "from": ["bob@contoso.com"]}, ENCRYPT)]
    assert [
        found["protection"] for found in (emulated(by_name, facts, **at_alias), simulated(by_name, facts, **at_alias))
    ] == ["encrypt", "encrypt"]


def test_a_header_of_the_mail_system_may_be_none_that_a_rule_sets() -> None:
    """What rests on it is no refutation."""
    header = "X-MS-Exchange-Organization-Class"
    sets = rule("Sets", {}, {"set_header_name": header, "set_header_value": "yes"})
    stops = rule("Stops", {"header_contains_message_header": header, "header_contains_words": ["yes"]}, STOP)
    assert verdict([sets, stops, rule("All", IN, ENCRYPT)], when=IN, then="not_in_clear")["verdict"] == "unknown"


def test_of_a_template_in_other_letters_nothing_is_proved() -> None:
    away = [
        rule(kind, {"message_type_matches": kind}, {"delete_message": True})
        for kind in ("Encrypted", "PermissionControlled")
    ]
    for name, said in (("Maße", "refuted"), ("MASSE", "proved")):
        rules = [*away, rule("All", IN, {"apply_rights_protection_template": name})]
        assert verdict(rules, when=IN, then="not_in_clear", template="Masse")["verdict"] == said


def test_whether_a_disclaimer_can_be_inserted_has_one_answer() -> None:
    disclaimer = {"apply_html_disclaimer_text": "a", "apply_html_disclaimer_fallback_action": "Ignore"}
    rules = [rule("Stops", {}, {**STOP, **disclaimer}), rule("Deletes", {}, {"delete_message": True, **disclaimer})]
    assert simulated(rules, protection={"kind": "encrypt", "owner": "own"})["fate"] == "delivered"


def test_a_rule_that_is_ignored_stops_nothing() -> None:
    """Text may be unalterable though nobody signed or encrypted it: then a disclaimer that does not fit takes all other
    actions of its rule along, for the proof, the difference and the lint, too.
    """
    disclaimer = {"apply_html_disclaimer_text": "x", "apply_html_disclaimer_fallback_action": "Ignore"}
    stops, ignored = rule("Stops", IN, STOP), rule("Stops", IN, {**STOP, **disclaimer})
    for fits, protection in ((True, "none"), (False, "encrypt")):
        seen = [each([ignored, ALL], disclaimer_insertable=fits)["protection"] for each in (emulated, simulated)]
        assert seen == [protection, protection]
    assert verdict([stops, ALL], when=IN, then="unencrypted")["verdict"] == "proved"
    found = verdict([ignored, ALL], when=IN, then="unencrypted")
    assert (found["verdict"], found["counterexample"]["message"]["disclaimer_insertable"]) == ("refuted", False)
    (row, *_more) = difference([stops, ALL], [ignored, ALL], TENANT, NOW).rows
    assert (row["kind"], row["witness"]["message"]["disclaimer_insertable"]) == ("protection_gained", False)
    never = ["never_acts" in [each["kind"] for each in lint([first, ALL], TENANT, NOW)] for first in (stops, ignored)]
    assert never == [True, False]


@pytest.mark.parametrize(
    "message",
    [{"type": "Signed"}, {"protection": {"kind": "smime"}}, {"protection": {"kind": "encrypt", "owner": "other"}}],
)
def test_no_message_says_that_a_disclaimer_fits_where_none_can(message: Values) -> None:
    whole = {"from": "megan@contoso.com", "to": ["ann@fabrikam.com"], "disclaimer_insertable": True, **message}
    with pytest.raises(OptionError, match=r"^messages\[0\]\.disclaimer_insertable is true, but "):
        message_of(whole, "messages[0].")
    letter = message_of({key: value for key, value in whole.items() if key != "disclaimer_insertable"}, "")
    with pytest.raises(OptionError, match="no disclaimer can be put into it"):
        with_options(letter, {"disclaimer_insertable": True}, "messages[0].")
    assert with_options(letter, {"disclaimer_insertable": False}, "").insertable is False


@pytest.mark.parametrize(
    ("conditions", "exceptions", "when", "unless"),
    [
        (None, None, {}, {"sent_to_member_of": ["board@contoso.com"]}),
        (None, None, {}, {"from_member_of": ["board@contoso.com"]}),
        (None, None, {"sent_to_member_of": ["board@contoso.com"]}, {}),
        ({"sent_to_member_of": ["board@contoso.com"]}, {}, {}, {}),
        ({}, {"sent_to_member_of": ["board@contoso.com"]}, {}, {}),
    ],
)
def test_nobody_is_made_a_member_of_a_group_that_cannot_be_read(
    conditions: Values | None, exceptions: Values | None, when: Values, unless: Values
) -> None:
    """Nor made none: a message that breaks a guarantee only then refutes nothing."""
    rules = [] if conditions is None else [{**rule("R", {**IN, **conditions}, ENCRYPT), "exceptions": exceptions}]
    guarantee = {"name": "G", "when": {**IN, **when}, "unless": unless, "then": "not_in_clear"}
    facts = {key: value for key, value in TENANT.items() if key != "groups"}
    (found,) = prove(rules, {**facts, "unread_groups": ["board@contoso.com"]}, [guarantee], NOW)
    assert (found["verdict"], "counterexample" in found) == ("unknown", False)
    (why,) = found["unknown"]
    assert why["reason"].startswith("the members of board@contoso.com are not known (Get-DistributionGroupMember, ")
    assert why["field"] == "facts.groups"
    for members in ([] if when else [[]]) + [["ann@contoso.com"]]:
        (told,) = prove(rules, {**facts, "groups": {"board@contoso.com": members}}, [guarantee], NOW)
        assert told["verdict"] in ("proved", "refuted")


def test_mail_that_a_group_that_cannot_be_read_has_no_part_in_refutes() -> None:
    guarantee = {"name": "G", "when": {**IN, "recipient_domain_is": ["fabrikam.com"]}, "then": "not_in_clear"}
    stops = rule("R", {**IN, "from_member_of": ["board@contoso.com"]}, {"prepend_subject": "Board: "})
    facts = {key: value for key, value in TENANT.items() if key != "groups"}
    (found,) = prove([stops], {**facts, "unread_groups": ["board@contoso.com"]}, [guarantee], NOW)
    assert found["verdict"] == "refuted"
    assert "groups" not in found["counterexample"].get("facts", {})


@pytest.mark.parametrize(
    ("fallback", "then", "assumed"),
    [
        ("", "delivered", True),
        ("Wrap", "unencrypted", True),
        ("Ignore", "delivered", False),
        ("", "not_in_clear_if_delivered", False),
    ],
)
def test_mail_within_a_disclaimer_is_delivered_if_that_does_not_fail(fallback: str, then: str, assumed: bool) -> None:
    """Exchange rejects mail around which it cannot put a disclaimer. No fallback but ``Wrap`` puts one there."""
    disclaims = {
        "apply_html_disclaimer_text": "x",
        **({"apply_html_disclaimer_fallback_action": fallback} if fallback else {}),
    }
    rules = [rule("Disclaims", IN, disclaims)] + ([ALL] if then == "not_in_clear_if_delivered" else [])
    found = verdict(rules, when=IN, then=then)
    assert found["verdict"] == "proved"
    texts = [row["text"] for row in found["assumptions"] if row["id"] == "wrapped"]
    wrapped = (
        "A disclaimer can be wrapped around each message into which it cannot be put. Exchange rejects the message where"
        " that fails."
    )
    assert texts == [wrapped] * assumed


def test_a_disclaimer_on_other_mail_is_not_assumed_to_wrap() -> None:
    disclaims = rule("Disclaims", {**IN, "sent_to": ["joe@fabrikam.com"]}, {"apply_html_disclaimer_text": "x"})
    when = {**IN, "sent_to": ["ann@fabrikam.com"]}
    assert [
        "wrapped" in [row["id"] for row in verdict([disclaims], when=each, then="delivered")["assumptions"]]
        for each in (when, IN)
    ] == [False, True]


def test_mail_that_a_disclaimer_is_wrapped_around_is_left_out_of_a_proof_that_needs_it() -> None:
    footer = rule(
        "Footer", OUTGOING, {"apply_html_disclaimer_text": "Regards", "apply_html_disclaimer_fallback_action": "Wrap"}
    )
    important = {**OUTGOING, "with_importance": "High"}
    encrypts = rule("Important", important, ENCRYPT)
    found = verdict([footer, encrypts], when=important, then="not_in_clear")
    assert found["verdict"] == "proved"
    assert "mail that a disclaimer is wrapped around" in [row.get("mail") for row in found["assumptions"]]
    first = verdict([encrypts, footer], when=important, then="not_in_clear")
    assert first["verdict"] == "proved"
    assert "mail that a disclaimer is wrapped around" not in [row.get("mail") for row in first["assumptions"]]
    # Mail that is known to break a guarantee still does.
    marked = {**OUTGOING, "subject_or_body_contains_words": ["secret"]}
    stops = rule("Stop", marked, {"stop_rule_processing": True})
    assert verdict([footer, stops, encrypts], when={**important, **marked}, then="not_in_clear")["verdict"] == "refuted"
