# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested puts the root cause right and changes no more mail than that takes: an order of rules, a condition that
says its mail in another way, a DLP rule that does not act. What only open questions keep from a proof says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import suggest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.advice import instead_of_edits
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.task import RepairTask
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.dlp_worlds import decrypts, encrypts, policy
from tests.unit.mail_flow.organizations.suggested import Edits, edits_of
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

MEGAN: Values = {**OUTGOING, "from": ["megan@contoso.com"]}
LOOP: Values = {"header_contains_message_header": "X-Done", "header_contains_words": ["yes"]}
CONNECTOR: Values = {
    "name": "Partner",
    "enabled": True,
    "connector_type": "Partner",
    "recipient_domains": ["partner.com"],
    "use_mx_record": True,
    "tls_settings": "EncryptionOnly",
}
PASSES: Values = {**STOP, "set_audit_severity": "Low"}
TO_PARTNER: Values = {"recipient_domain_is": ["partner.com"]}
PARTNER_FIRST = rule("Partner", {**IN, **TO_PARTNER}, {**STOP, "set_audit_severity": "Low"})
#: Whether a rule in a test mode stops is not documented (U08).
PILOT = rule("Pilot", {**OUTGOING, "subject_contains_words": ["account"]}, {**ENCRYPT, **STOP}, mode="Audit")
#: Somebody outside sees the original mail, whatever other rules do.
REPORT = rule(
    "Report",
    {"subject_or_body_contains_words": ["falcon"]},
    {"generate_incident_report": "audit@lawyer.com", "incident_report_content": ["Sender", "AttachOriginalMail"]},
)
NUMBERS: Values = {**OUTGOING, "subject_or_body_matches_patterns": [r"DE\d{4}"]}


def repaired(
    rules: Sequence[Values], *guarantees: Values, facts: Mapping[str, Any] = TENANT
) -> tuple[GoalSuggestions, list[Edits]]:
    """What is suggested for the first of some guarantees, and the edits of each suggestion."""
    read = RuleSet(rules)
    named = [{"name": f"G{number}", "then": "not_in_clear", **each} for number, each in enumerate(guarantees)]
    judged = prove(read, facts, guarantees_of(named), NOW)
    found = next(each for each in suggestions(read, facts, judged, (), NOW) if each.name == "G0")
    return found, [edits_of(suggestion) for suggestion in found.suggestions]


def names(found: GoalSuggestions) -> list[str]:
    """The rules after the first suggestion, first to last."""
    return [str(each["name"]) for each in found.suggestions[0].rules]


@pytest.mark.parametrize("guarantee", [MEGAN, {**MEGAN, "subject_contains_words": ["drawing"]}])
def test_the_rule_that_is_meant_goes_before_one_that_redirects_mail(guarantee: Values) -> None:
    """Also where it is for more mail than the guarantee."""
    big = rule("Big", {"subject_contains_words": ["drawing"]}, {"redirect_message_to": ["boss@contoso.com"]})
    megan = rule("Megan", MEGAN, ENCRYPT)
    _found, edits = repaired([big, megan], {"when": guarantee})
    assert edits[0] == [("move", "Megan")]


def test_the_rule_that_encrypts_the_original_goes_before_one_that_sends_it_elsewhere() -> None:
    """The guarantee need not say its mail as the rule does."""
    offers = rule("Offers", {"from": ["megan@contoso.com"]}, {"redirect_message_to": ["boss@contoso.com"]})
    numbers = rule("Numbers", {**OUTGOING, "subject_matches_patterns": [r"[A-Z]{2}\d{4}"]}, ENCRYPT)
    wanted = {"when": {**OUTGOING, "subject_matches_patterns": [r"DE\d{4}"]}}
    _found, edits = repaired([offers, numbers], wanted)
    assert edits[0] == [("move", "Numbers")]


def test_a_rule_moves_no_further_than_the_guarantee_asks() -> None:
    """The guarantee leaves out the mail of one rule that stops, and the other one that stops encrypts."""
    loop = rule("Loop", LOOP, PASSES)
    strict = rule("Strict", {**OUTGOING, "subject_contains_words": ["strict"]}, {**ENCRYPT, **STOP})
    courts = rule("Courts", {**IN, "recipient_domain_is": ["court.com"]}, PASSES)
    deals = rule("Deals", MEGAN, ENCRYPT, exceptions={"subject_contains_words": ["public"]})
    found, edits = repaired([loop, strict, courts, deals], {"when": MEGAN, "unless": LOOP})
    assert edits[0] == [("exception", "Deals"), ("move", "Deals")]
    assert names(found) == ["Loop", "Strict", "Deals", "Courts"]


def test_a_rule_moves_before_all_that_stop_mail_of_the_guarantee() -> None:
    loop = rule("Loop", LOOP, PASSES)
    courts = rule("Courts", {**IN, "recipient_domain_is": ["court.com"]}, PASSES)
    deals = rule("Deals", MEGAN, ENCRYPT, exceptions={"subject_contains_words": ["public"]})
    found, edits = repaired([loop, courts, deals], {"when": MEGAN})
    assert edits[0] == [("exception", "Deals"), ("move", "Deals")]
    assert names(found) == ["Deals", "Loop", "Courts"]


def test_a_rule_that_says_a_domain_by_a_pattern_names_it() -> None:
    """The pattern leaves out the domains below."""
    police = rule("Police", {**IN, "recipient_address_matches_patterns": [r"@police\.com$"]}, ENCRYPT)
    found, edits = repaired([police], {"when": {**IN, "recipient_domain_is": ["police.com"]}})
    assert edits[0] == [("condition", "Police")]
    assert found.suggestions[0].rules[0]["conditions"] == {**IN, "recipient_domain_is": ["police.com"]}


def test_where_dlp_only_takes_protection_away_guarantees_may_contradict_each_other() -> None:
    clear = {"when": {**OUTGOING, "subject_contains_words": ["clear"]}, "then": "unencrypted"}
    secret = {"when": {**OUTGOING, "subject_contains_words": ["secret"]}}
    secret_rule = rule("Secret", secret["when"], ENCRYPT)
    facts = {**TENANT, "dlp_policies": [decrypts({"recipient_domain_is": ["fax.com"]})]}
    left_out = {**secret, "unless": {"recipient_domain_is": ["fax.com"]}}
    found, _edits = repaired([secret_rule], clear, left_out, facts=facts)
    assert found.contradiction is not None
    assert found.contradiction.guarantee == "G1"


@pytest.mark.parametrize(
    ("off", "why"), [({"mode": "TestWithoutNotifications"}, "dlp_tested"), ({"enabled": False}, "dlp_disabled")]
)
def test_a_dlp_rule_that_is_meant_and_does_not_act_goes_before_one_more_rule(off: Values, why: str) -> None:
    conditions = {"access_scope": "NotInOrganization", "subject_contains_words": ["sealed"]}
    sealed = encrypts(conditions, "Sealed", **off)
    partner = rule("Partner", PARTNER, {"route_message_outbound_require_tls": True})
    wanted = {"when": {**OUTGOING, "subject_contains_words": ["sealed"]}}
    found, _edits = repaired([partner], wanted, facts={**TENANT, "dlp_policies": [sealed]})
    assert found.advice is not None
    assert (found.advice.kind, found.advice.value, found.advice.rules) == ("dlp_idle", why, ("Sealed",))
    other = {"when": {**OUTGOING, "subject_contains_words": ["other"]}}
    _found, edits = repaired([partner], other, facts={**TENANT, "dlp_policies": [sealed]})
    assert edits[0] == [("add", "Encrypt: G0")]


def test_a_rule_that_other_rules_stop_moves_as_far_as_its_copies_need() -> None:
    """The first place, before the rule that stops, leaves the copies for the boss in clear."""
    copies = rule("Copies", {"from": ["joe@contoso.com"]}, {"blind_copy_to": ["boss@contoso.com"]})
    trigger = rule("Trigger", {**OUTGOING, "subject_matches_patterns": [r"^\[x\]"]}, ENCRYPT)
    news = rule("News", {"from": ["megan@contoso.com"]}, PASSES)
    found, edits = repaired(
        [rule("Loop", LOOP, PASSES), copies, news, trigger], {"when": trigger["conditions"], "unless": LOOP}
    )
    assert edits[0] == [("move", "Trigger")]
    assert names(found) == ["Loop", "Trigger", "Copies", "News"]


def test_a_rule_goes_before_one_that_wraps_a_disclaimer_around_mail() -> None:
    footer = rule(
        "Footer", {**OUTGOING, "sender_domain_is": ["contoso.com"]}, {"apply_html_disclaimer_text": "<p>F</p>"}
    )
    words = rule("Words", {**OUTGOING, "subject_or_body_contains_words": ["nda"]}, ENCRYPT)
    marks = rule("Marks", {"subject_contains_words": ["m"]}, {"set_audit_severity": "Low"})
    found, edits = repaired([marks, footer, words], {"when": words["conditions"]})
    assert edits[0] == [("move", "Words")]
    assert names(found) == ["Marks", "Words", "Footer"]


def test_a_rule_from_which_a_text_is_hidden_also_loses_an_exception_that_the_guarantee_does_not_have() -> None:
    footer = rule(
        "Footer", {**OUTGOING, "sender_domain_is": ["contoso.com"]}, {"apply_html_disclaimer_text": "<p>F</p>"}
    )
    words = rule(
        "Words",
        {**OUTGOING, "subject_or_body_contains_words": ["nda"]},
        ENCRYPT,
        exceptions={"subject_contains_words": ["draft"]},
    )
    found, edits = repaired([footer, words], {"when": words["conditions"]})
    assert edits[0] == [("exception", "Words"), ("move", "Words")]
    assert found.suggestions[0].left_open is None


def test_where_every_edit_costs_a_copy_that_a_rule_sends_the_guarantee_may_leave_it_out() -> None:
    """No rule decrypts mail that a rule copies to somebody whom its sender did not name."""
    copies = rule("Copies", {"subject_contains_words": ["offer"]}, {"blind_copy_to": ["boss@contoso.com"]})
    replies = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    decrypting = rule("Decrypts", replies, {"remove_ome_v2": True})
    found, edits = repaired([decrypting, copies], {"when": replies, "then": "decrypted_on_arrival"})
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules, found.advice.value) == ("copies", ("Copies",), "boss@contoso.com")
    (row,) = suggestion_rows([found], [decrypting, copies], str)
    assert row.unless == found.advice.unless == {"subject_contains_words": ["offer"]}


def test_a_guarantee_need_not_count_the_copies_that_no_edit_protects() -> None:
    copies = rule("Copies", {"subject_contains_words": ["offer"]}, {"redirect_message_to": ["boss@contoso.com"]})
    rules = RuleSet([copies, rule("All", OUTGOING, ENCRYPT)])
    judged = prove(rules, TENANT, guarantees_of([{"name": "G", "when": OUTGOING, "then": "not_in_clear"}]), NOW)
    task = RepairTask(rules, TENANT, judged, (), NOW)
    (goal,) = task.goals()
    advised = instead_of_edits(judged[0], goal.wrong.copy, task)
    assert advised is not None
    assert (advised.kind, advised.rules, dict(advised.unless)) == ("copies", ("Copies",), {})
    (row,) = suggestion_rows([GoalSuggestions("G", advice=advised)], [], str)
    assert "copies: recipients_only" in row.text


def test_the_edit_of_a_connector_is_found_before_a_search_that_takes_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "STEPS_OF_GOAL", 60_000)
    facts = {**TENANT, "outbound_connectors": [CONNECTOR]}
    _found, edits = repaired([], {"when": PARTNER, "then": "protected_in_transit"}, facts=facts)
    assert edits[0] == [("connector", "Partner")]


def test_a_dlp_rule_that_only_tells_somebody_sends_no_copy() -> None:
    """The mail flow rule does. It has no condition by which its mail could be left out."""
    copies = rule("Copies", {}, {"blind_copy_to": ["boss@contoso.com"]})
    tells = policy({"access_scope": "NotInOrganization"}, "Alerts", generate_alert=["boss@contoso.com"])
    replies = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    decrypting = rule("Decrypts", replies, {"remove_ome_v2": True})
    facts = {**TENANT, "dlp_policies": [tells]}
    found, _edits = repaired([decrypting, copies], {"when": replies, "then": "decrypted_on_arrival"}, facts=facts)
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules, found.advice.policy) == ("copied_to", ("Copies",), "")


def test_who_gets_mail_that_a_dlp_rule_redirects_can_be_left_out() -> None:
    """No mail flow rule decrypts it: it is for people outside before."""
    redirects = policy(
        {"access_scope": "NotInOrganization", "recipient_domain_is": ["rival.com"]},
        "Rivals",
        redirect_message_to=["boss@contoso.com"],
    )
    replies = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    decrypting = rule("Decrypts", replies, {"remove_ome_v2": True})
    facts = {**TENANT, "dlp_policies": [redirects]}
    found, edits = repaired([decrypting], {"when": replies, "then": "decrypted_on_arrival"}, facts=facts)
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules, found.advice.policy) == ("copied_to", ("Rivals",), "Rivals")
    assert found.advice.unless == {"sent_to": ["boss@contoso.com"]}
    (row,) = suggestion_rows([found], [decrypting], str)
    assert row.unless == found.advice.unless


def test_an_edit_that_puts_all_mail_right_goes_before_one_of_a_connector_that_leaves_some_open() -> None:
    """The connector covers one of two domains."""
    partners = {**IN, "recipient_domain_is": ["supplier.com", "partner.com"]}
    rules = [rule("Partners", partners, ENCRYPT, exceptions={"from": ["megan@contoso.com"]})]
    facts = {**TENANT, "outbound_connectors": [{**CONNECTOR, "enabled": False}]}
    _found, edits = repaired(rules, {"when": partners, "then": "protected_in_transit"}, facts=facts)
    assert edits[0] == [("exception", "Partners")]
    assert [("connector", "Partner")] in edits


def test_a_rule_that_is_there_goes_before_one_more_that_is_proved() -> None:
    """The rule cannot move before the one in a test mode: another guarantee forbids it."""
    wanted = {"when": MEGAN, "unless": TO_PARTNER}
    readable = {"when": {**IN, **TO_PARTNER}, "then": "unencrypted"}
    megan = rule("Megan", MEGAN, ENCRYPT, enabled=False)
    found, edits = repaired([PARTNER_FIRST, PILOT, megan], wanted, readable)
    assert edits[0] == [("enable", "Megan")]
    left_open = found.suggestions[0].left_open
    assert left_open is not None
    assert left_open.verdict is GuaranteeVerdict.UNKNOWN
    assert {reason.id for reason in left_open.unknown} == {"U08"}


def test_a_proof_of_the_same_repair_goes_before_what_leaves_something_open() -> None:
    """And what leaves something open is not repeated."""
    megan = rule("Megan", MEGAN, ENCRYPT, enabled=False)
    found, edits = repaired([PILOT, megan], {"when": MEGAN})
    assert edits[0] == [("enable", "Megan"), ("move", "Megan")]
    assert found.suggestions[0].left_open is None
    assert [("enable", "Megan")] not in edits


@pytest.mark.parametrize(
    ("off", "wanted"),
    [
        (rule("Megan", MEGAN, ENCRYPT, enabled=False), MEGAN),
        (
            rule("Numbers", NUMBERS, ENCRYPT, exceptions={"subject_contains_words": ["invoice"]}),
            {**NUMBERS, "subject_contains_words": ["invoice"]},
        ),
    ],
)
def test_more_edits_that_leave_something_open_do_not_hide_the_best(off: Values, wanted: Values) -> None:
    """No order of rules settles what a report shows."""
    found, edits = repaired([REPORT, PILOT, off], {"when": wanted})
    assert edits[0][0][1] == off["name"]
    assert all(kind != "add" for kind, *_of in edits[0])
    assert found.suggestions[0].left_open is not None


def test_an_edit_that_is_refuted_is_none_that_leaves_something_open() -> None:
    """One of two rules stops the mail before the rule that is off."""
    megan = rule("Megan", MEGAN, ENCRYPT, enabled=False)
    stop = rule("Stop", {**OUTGOING, "subject_contains_words": ["news"]}, PASSES)
    found, edits = repaired([REPORT, stop, megan], {"when": MEGAN})
    assert edits[0] == [("enable", "Megan"), ("move", "Megan")]
    assert all(not suggestion.is_refuted for suggestion in found.suggestions)


@pytest.mark.parametrize(
    "returned",
    [
        {"header_contains_message_header": "X-Scanned-By", "header_contains_words": ["scanner"]},
        {"sender_ip_ranges": ["192.0.2.0/28"]},
    ],
)
def test_the_exception_that_ends_a_mail_loop_stays(returned: Values) -> None:
    """Mail that comes back from the connector to which a rule routes it would go there again without the exception."""
    scanner = {
        "name": "Scanner",
        "connector_type": "Partner",
        "is_transport_rule_scoped": True,
        "smart_hosts": ["s.example"],
    }
    facts = {**TENANT, "outbound_connectors": [{**scanner, "tls_settings": "CertificateValidation"}]}
    routes = rule("Routes", OUTGOING, {"route_message_outbound_connector": "Scanner"}, exceptions=returned)
    wanted = {"when": OUTGOING, "then": "protected_in_transit"}
    found, edits = repaired([routes], wanted, facts=facts)
    assert found.advice is not None
    assert (found.advice.kind, found.advice.unless, edits) == ("returned", returned, [])
    # Any other exception may go.
    routes["exceptions"] = {"subject_contains_words": ["contract"]}
    _found, edits = repaired([routes], wanted, facts=facts)
    assert edits[0] == [("exception", "Routes")]


def test_what_a_rule_redirects_is_encrypted_by_a_rule_for_the_mail_that_it_redirects() -> None:
    """The guarantee's own conditions are about who gets the copy, and none of the mail to somebody else meets them."""
    council = "council@contoso.com"
    facts = {**TENANT, "groups": {council: ["joe@contoso.com"]}, "mailboxes": [*TENANT["mailboxes"], "joe@contoso.com"]}
    members: Values = {**IN, "sent_to_member_of": [council]}
    own = rule("Own address", {"sent_to": ["joe@home.com"]}, {"redirect_message_to": ["joe@contoso.com"]})
    marked = rule("Marked", {**OUTGOING, "subject_contains_words": ["secure"]}, ENCRYPT)
    found, edits = repaired([rule("Council", members, ENCRYPT), own, marked], {"when": members}, facts=facts)
    assert edits[0] == [("add", "Encrypt mail to joe@home.com")]
    assert names(found) == ["Council", "Encrypt mail to joe@home.com", "Own address", "Marked"]
    assert found.suggestions[0].left_open is None
