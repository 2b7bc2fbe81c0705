# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP rules and labels after the mail flow rules: of one message, and of all."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    policy as policy_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import (
    claims_of,
    prove,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import Reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicates import BY_OPTION
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.eml import message_from_eml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    counted,
    courses_of,
    reasons_for,
    surely_breaks,
    surely_keeps,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.dlp import looks_words
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    encrypter_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.guarantees import (
    guarantee_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import lint_rows
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.policy import policy_rows
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import refutation
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.dlp_fields import (
    CERTAIN,
    CONDITIONS,
    SAME_CONDITION,
    WORDS,
)

from tests.emulator.mail_flow import TooManyWorlds
from tests.unit.mail_flow.comparison import disagreement
from tests.unit.mail_flow.dlp_worlds import (
    CHAINS,
    LABELLED,
    LABELS,
    OUTGOING,
    SECRET,
    SENSITIVE,
    TREE,
    decrypts,
    encrypts,
    labels_of,
    mail_of,
    policies_of,
    policy,
    tree,
)
from tests.unit.mail_flow.followed_rules import ENCRYPT, FACTS, OUT, message, outcome, rule


@pytest.mark.parametrize(
    ("rules", "policies", "protection", "by"),
    [
        ([], [encrypts(OUTGOING)], "encrypt", ["P"]),
        ([], [encrypts({"recipient_domain_is": ["fabrikam.com"]})], "encrypt", ["P"]),
        ([], [encrypts({"recipient_domain_is": ["adatum.com"]})], "none", None),
        ([], [encrypts({**OUTGOING, **SENSITIVE})], "unknown", None),
        ([], [encrypts({"recipient_domain_is": ["adatum.com"], **SENSITIVE})], "none", None),
        ([], [encrypts(OUTGOING, exceptions={"from": ["megan@contoso.com"]})], "none", None),
        ([], [encrypts(OUTGOING, exceptions=SENSITIVE)], "unknown", None),
        ([], [encrypts(OUTGOING, mode="TestWithNotifications")], "none", None),
        ([], [encrypts(OUTGOING, enabled=False)], "none", None),
        ([], [encrypts(OUTGOING, scope={"exchange": False})], "none", None),
        ([], [encrypts(OUTGOING, scope={"exchange": True, "senders": ["megan@contoso.com"]})], "encrypt", ["P"]),
        ([], [encrypts(OUTGOING, scope={"senders": ["joe@contoso.com"]})], "none", None),
        ([], [encrypts(OUTGOING, scope={"senders_except": ["megan@contoso.com"]})], "none", None),
        ([], [encrypts(OUTGOING, scope={"sender_groups": ["sales@contoso.com"]})], "unknown", None),
        ([], [encrypts(OUTGOING, scope={"adaptive": ["Sales"]})], "unknown", None),
        ([], [encrypts({"subject_contains_words": ["secret"]})], "none", None),
        ([], [encrypts({"advanced": tree("and", *TREE, tree("not", SENSITIVE))})], "unknown", None),
        ([], [encrypts({"advanced": tree("or", *TREE, SENSITIVE)})], "unknown", None),
        (
            [],
            [encrypts({"advanced": tree("and", *TREE, tree("not", {"from": ["joe@contoso.com"]}))})],
            "encrypt",
            ["P"],
        ),
        (
            [],
            [encrypts({"advanced": tree("and", *TREE, tree("not", {"from": ["megan@contoso.com"]}))})],
            "none",
            None,
        ),
        ([], [encrypts({"advanced": {"unreadable": "Whatever"}})], "unknown", None),
        (
            [],
            [encrypts({"advanced": tree("or", {"access_scope": "NotInOrganization"}, {"unreadable": "Whatever"})})],
            "unknown",
            None,
        ),
        ([], [encrypts({})], "unknown", None),
        ([], [encrypts(OUTGOING), decrypts(OUTGOING)], "unknown", None),
        (
            [],
            [encrypts(OUTGOING), policy(OUTGOING, "Q", encrypt_rms_template="Do Not Forward")],
            "protected_option_unknown",
            ["P", "Q"],
        ),
        ([], [policy(OUTGOING, "S", stop_policy_processing=True), encrypts(OUTGOING)], "none", None),
        ([], [encrypts(OUTGOING), policy(OUTGOING, "S", stop_policy_processing=True, priority=1)], "encrypt", ["P"]),
        (
            [],
            [encrypts(OUTGOING, priority=2), policy(OUTGOING, "S", stop_policy_processing=True, priority=1)],
            "none",
            None,
        ),
        ([], [policy(SENSITIVE, "S", stop_policy_processing=True), encrypts(OUTGOING)], "unknown", None),
        ([ENCRYPT], [decrypts(OUTGOING)], "none", None),
        ([ENCRYPT], [decrypts(SENSITIVE)], "unknown", None),
        ([ENCRYPT], [decrypts({"recipient_domain_is": ["adatum.com"]})], "encrypt", None),
        ([ENCRYPT], [encrypts(OUTGOING)], "encrypt", None),
        ([ENCRYPT], [policy(SENSITIVE, encrypt_rms_template="Other")], "protected_option_unknown", None),
        (
            [rule("Prefix", prepend_subject="secret: ")],
            [encrypts({"subject_contains_words": ["nothing"]})],
            "unknown",
            None,
        ),
        (
            [{**rule("Prefix", prepend_subject="secret: "), "conditions": {"from_scope": "NotInOrganization"}}],
            [encrypts({"subject_contains_words": ["nothing"]})],
            "none",
            None,
        ),
    ],
)
def test_dlp_rules_act_after_the_rules(
    rules: list[dict[str, Any]], policies: list[dict[str, Any]], protection: str, by: list[str] | None
) -> None:
    found = outcome(rules, {"dlp_policies": policies})
    assert (found["fate"], found["protection"], found.get("protected_by_dlp")) == ("delivered", protection, by)
    assert bool(found.get("unknown")) is (protection in ("unknown", "protected_option_unknown"))


@pytest.mark.parametrize(
    ("rules", "more", "fate", "protection"),
    [
        (
            [],
            {"actions": {"encrypt_rms_template": "cf5cf348-a8d7-40d5-91ef-a600b88a395d"}},
            "delivered",
            "do_not_forward",
        ),
        ([], {"actions": {"block_users": [{"user": "x"}]}}, "unknown", "unknown"),
        ([ENCRYPT], {"actions": {}, "unreadable": [{"property": "New", "parts": ["actions"]}]}, "unknown", "unknown"),
        ([], {"unreadable": [{"property": "New", "parts": ["conditions"]}]}, "delivered", "unknown"),
        ([], {"activation_date": "2026-01-01T00:00:00Z"}, "delivered", "unknown"),
        ([], {"unreadable": [{"property": "ExceptIfNew", "parts": ["exceptions"]}]}, "delivered", "unknown"),
        (
            [],
            {
                "conditions": {"advanced": tree("and", *TREE)},
                "unreadable": [{"property": "ExceptIfNew", "parts": ["exceptions"]}],
            },
            "delivered",
            "unknown",
        ),
        ([], {"sender_address_location": "Envelope"}, "delivered", "encrypt"),
    ],
)
def test_what_was_not_understood_is_open(
    rules: list[dict[str, Any]], more: dict[str, Any], fate: str, protection: str
) -> None:
    told = {"name": "R", "conditions": OUTGOING, "actions": {"encrypt_rms_template": "Encrypt"}, **more}
    found = outcome(rules, {"dlp_policies": [{"name": "P", "rules": [told]}]})
    assert (found["fate"], found["protection"]) == (fate, protection)
    assert (
        outcome(
            rules,
            {"dlp_policies": [{"name": "P", "unreadable": [{"property": "Mode", "parts": ["mode"]}], "rules": [told]}]},
        )["protection"]
        == "unknown"
    )


@pytest.mark.parametrize(
    ("conditions", "keys", "protection"),
    [
        ({**OUTGOING, **SENSITIVE}, {}, "unknown"),
        ({**OUTGOING, **SENSITIVE}, {"sensitive_information": True}, "unknown"),
        ({**OUTGOING, **SENSITIVE}, {"sensitive_information": False}, "none"),
        ({**OUTGOING, **SENSITIVE}, {"sensitive_information": False, "sensitivity_label": "Secret"}, "none"),
        # Its own label may be the one that is looked for.
        ({**OUTGOING, **LABELLED}, {"sensitive_information": False}, "none"),
        ({**OUTGOING, **LABELLED}, {"sensitive_information": False, "sensitivity_label": "Secret"}, "unknown"),
        ({"advanced": tree("or", SENSITIVE, {"from": ["joe@contoso.com"]})}, {"sensitive_information": False}, "none"),
        ({"advanced": tree("or", SENSITIVE, *TREE)}, {"sensitive_information": False}, "unknown"),
        ({"advanced": tree("not", SENSITIVE)}, {"sensitive_information": False}, "unknown"),
        ({**OUTGOING, "document_is_password_protected": True}, {"sensitive_information": False}, "none"),
    ],
)
def test_a_dlp_rule_finds_nothing_in_mail_without_sensitive_information(
    conditions: dict[str, Any], keys: dict[str, Any], protection: str
) -> None:
    found = outcome([], {"dlp_policies": [encrypts(conditions)], "auto_label_policies": []}, **keys)
    assert found["protection"] == protection


_FILE = {"document_contains_words": ["secret"]}
_ATTACHED = {"attachments": [{"name": "a.docx", "size": 1000}]}
_WRAPS = rule("Wraps", apply_html_disclaimer_text="x", apply_html_disclaimer_fallback_action="Wrap")


@pytest.mark.parametrize(
    ("rules", "conditions", "keys", "protection"),
    [
        ([], _FILE, {}, "none"),
        ([], _FILE, _ATTACHED, "unknown"),
        ([], {"document_is_password_protected": True}, {}, "none"),
        ([], {"content_extension_matches_words": ["docx"]}, {}, "none"),
        # Of these, nobody says that they look at attachments alone.
        ([], {"content_file_type_matches": ["docx"]}, {}, "unknown"),
        ([], {"processing_limit_exceeded": True}, {}, "unknown"),
        ([], {"attachment_is_not_labeled": True}, {}, "unknown"),
        ([], {"content_property_contains_words": ["a:b"]}, {}, "unknown"),
        # What signs, protects or wraps a message is a file in it.
        ([], _FILE, {"type": ["Signed"]}, "unknown"),
        ([], _FILE, {"protection": {"kind": "smime_signed"}}, "unknown"),
        ([_WRAPS], _FILE, {"disclaimer_insertable": False}, "unknown"),
        ([_WRAPS], _FILE, {"disclaimer_insertable": True}, "none"),
        ([], {"advanced": tree("and", *TREE, tree("not", _FILE))}, {}, "unknown"),
        ([], {"advanced": tree("or", _FILE, {"from": ["joe@contoso.com"]})}, {}, "none"),
    ],
)
def test_a_dlp_rule_finds_no_document_in_mail_without_attachments(
    rules: list[dict[str, Any]], conditions: dict[str, Any], keys: dict[str, Any], protection: str
) -> None:
    found = outcome(rules, {"dlp_policies": [encrypts(conditions)]}, **keys)
    assert found["protection"] == protection


@pytest.mark.parametrize(
    ("conditions", "subject", "verdict"),
    [
        # Mail without attachments breaks it; mail that has one may be encrypted by DLP.
        (_FILE, {}, "refuted"),
        (_FILE, {"attachment_extension_matches_words": ["docx"]}, "unknown"),
        ({"content_file_type_matches": ["docx"]}, {}, "unknown"),
    ],
)
def test_mail_without_attachments_is_proof_against_dlp_rules_about_documents(
    conditions: dict[str, Any], subject: dict[str, Any], verdict: str
) -> None:
    told = {**FACTS, "dlp_policies": [encrypts({**OUTGOING, **conditions})], "labels": []}
    asked = {"name": "G", "when": {**OUT, **subject}, "then": "not_in_clear"}
    (found,) = prove([], told, [asked])
    assert found.verdict == verdict
    if verdict == "unknown":
        assert questions.DLP_RULES in {reason.id for reason in found.unknown}


@pytest.mark.parametrize("auto", [None, [{"name": "A", "label": "Secret"}]])
def test_a_label_that_is_set_on_the_way_may_be_the_one_that_a_dlp_rule_looks_for(auto: Any) -> None:
    told = {
        "dlp_policies": [encrypts({**OUTGOING, **LABELLED})],
        **({} if auto is None else {"auto_label_policies": auto}),
    }
    assert outcome([], told, sensitive_information=False)["protection"] == "unknown"
    assert _verdict([], told, "not_in_clear") == "unknown"


@pytest.mark.parametrize(("scope", "verdict"), [("NotInOrganization", "refuted"), ("InOrganization", "unknown")])
def test_dlp_sees_the_subject_that_no_rule_changes(scope: str, verdict: str) -> None:
    """What a mail flow rule changes, another mail's subject for instance, leaves nothing open of this one's."""
    blocks = {"dlp_policies": [policy({**OUTGOING, "subject_contains_words": ["secret"]}, block_access=True)]}
    prefix = {**rule("Prefix", prepend_subject="[From outside] "), "conditions": {"from_scope": scope}}
    assert _verdict([prefix], blocks, "not_in_clear") == verdict


CONTENT = {"dlp_policies": [policy({**OUTGOING, **SENSITIVE}, "Cards", block_access=True)]}


def test_a_counterexample_says_that_it_has_no_sensitive_information() -> None:
    (found,) = prove([], {**FACTS, **CONTENT}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    assert found.counterexample is not None
    assert found.counterexample.message["sensitive_information"] is False
    (row,) = guarantee_rows([found])
    assert "with no sensitive information is delivered " in refutation(row)


def test_a_counterexample_does_not_say_so_without_need() -> None:
    inside = {"dlp_policies": [policy({"access_scope": "InOrganization", **SENSITIVE}, "Cards", block_access=True)]}
    (found,) = prove([], {**FACTS, **inside}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    assert found.counterexample is not None
    assert "sensitive_information" not in found.counterexample.message


@pytest.mark.parametrize(("pattern", "verdict"), [(r"\d{4}-\d{4}-\d{4}-\d{4}", "unknown"), (r"order \d{2}", "refuted")])
def test_mail_with_a_number_is_not_said_to_have_no_sensitive_information(pattern: str, verdict: str) -> None:
    when = {**OUT, "subject_or_body_matches_patterns": [pattern]}
    (found,) = prove([], {**FACTS, **CONTENT}, [{"name": "X", "when": when, "then": "not_in_clear"}])
    assert found.verdict == verdict
    assert verdict == "refuted" or {reason.id for reason in found.unknown} == {questions.DLP_RULES}


ENDS: list[tuple[dict[str, Any], str]] = [
    ({"quarantine": True}, "quarantined"),
    ({"redirect_message_to": ["joe@contoso.com"]}, "redirected"),
]


@pytest.mark.parametrize(("action", "fate"), ENDS)
def test_dlp_redirects_mail_and_puts_it_in_quarantine(action: dict[str, Any], fate: str) -> None:
    """As mail flow rules do; certain where the rule is, and no other one may restrict the copy otherwise."""
    alone = {"dlp_policies": [policy(OUTGOING, **action)]}
    found = outcome([ENCRYPT], alone)
    assert (found["fate"], found.get("protection")) == (fate, None)
    assert ("after_release" in found) is (fate == "quarantined")
    assert _verdict([ENCRYPT], alone, "delivered") == "refuted"
    # Who gets the redirected mail gets it as it is.
    assert _verdict([ENCRYPT], alone, "not_in_clear_if_delivered") == "proved"
    assert _verdict([], alone, "not_in_clear_if_delivered") == ("refuted" if fate == "redirected" else "proved")
    assert _verdict([], alone, "not_in_clear_if_delivered", copies="recipients_only") == "proved"
    for other, verdict in (
        (encrypts({"from_scope": "InOrganization"}, "E", priority=1), "unknown"),
        # Mail without sensitive information surely ends so.
        (policy(SENSITIVE, "S", block_access=True), "refuted"),
    ):
        several = {"dlp_policies": [*alone["dlp_policies"], other]}
        assert outcome([], several)["fate"] == "unknown"
        assert _verdict([], several, "delivered") == verdict
    assert outcome([], {"dlp_policies": [policy({**OUTGOING, **SENSITIVE}, **action)]})["fate"] == "unknown"
    both = {"dlp_policies": [policy(OUTGOING, **ENDS[0][0], **ENDS[1][0])]}
    assert outcome([], both)["fate"] == "unknown"


def test_a_copy_that_dlp_puts_in_quarantine_is_in_clear_once_it_is_released() -> None:
    found = outcome([], {"dlp_policies": [policy(OUTGOING, quarantine=True)]})
    assert (found["after_release"]["fate"], found["after_release"]["protection"]) == ("delivered", "none")
    encrypted = outcome([], {"dlp_policies": [policy(OUTGOING, quarantine=True, encrypt_rms_template="Encrypt")]})
    assert encrypted["after_release"]["protection"] == "unknown"


APPROVED = {"moderate_message_by_user": ["joe@contoso.com"]}


def test_a_copy_waits_for_an_approval_that_dlp_asks_for() -> None:
    """As for one of a mail flow rule, after which it is delivered."""
    told = {"dlp_policies": [policy(OUTGOING, **APPROVED)]}
    found = outcome([ENCRYPT], told)
    assert (found["fate"], found["after_approval"]["fate"]) == ("moderated", "delivered")
    assert found["after_approval"]["protection"] == "encrypt"
    verdicts = {then: _verdict([ENCRYPT], told, then) for then in WISHES}
    assert (verdicts["delivered"], verdicts["not_in_clear"]) == ("refuted", "proved")
    assert outcome([], told)["after_approval"]["protection"] == "none"
    (clear,) = prove([], {**FACTS, **told}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    assert clear.counterexample is not None
    assert clear.counterexample.cause is None
    (sure,) = prove([ENCRYPT], {**FACTS, **told}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    shown = [premise.values for premise in sure.premises if premise.id == "dlp_shown_copies"]
    assert shown == [("P", "joe@contoso.com")]
    twice = outcome([rule("Ask", moderate_message_by_user=["boss@contoso.com"])], told)
    assert twice["after_approval"]["fate"] == "moderated"
    assert twice["after_approval"]["after_approval"]["fate"] == "delivered"


def test_where_it_is_open_whether_a_copy_waits_it_is_delivered_in_the_end() -> None:
    """In clear, whether somebody approves it before or not."""
    told = {"dlp_policies": [policy({**OUTGOING, **SENSITIVE}, **APPROVED)]}
    assert outcome([], told)["fate"] == "unknown"
    assert (_verdict([], told, "delivered"), _verdict([], told, "not_in_clear")) == ("unknown", "refuted")
    assert _verdict([ENCRYPT], told, "not_in_clear") == "proved"
    several = {"dlp_policies": [policy(OUTGOING, **APPROVED), policy(OUTGOING, "Q", quarantine=True, priority=1)]}
    assert outcome([], several)["fate"] == "unknown"


def test_whether_a_rule_does_more_than_to_ask_for_an_approval_is_open() -> None:
    """Exchange does nothing else for a mail flow rule that asks for one; of DLP rules, no page says it."""
    told = {"dlp_policies": [policy(OUTGOING, encrypt_rms_template="Encrypt", **APPROVED)]}
    found = outcome([], told)
    assert (found["fate"], found["after_approval"]["protection"]) == ("moderated", "unknown")
    assert [row["reason"].kind for row in found["after_approval"]["unknown"]] == ["dlp_beside_approval"]
    assert _verdict([], told, "not_in_clear") == "unknown"


def test_a_block_ends_a_copy_and_other_ends_are_open() -> None:
    blocks = policy(OUTGOING, block_access=True)
    assert outcome([], {"dlp_policies": [blocks]})["fate"] == "rejected"
    assert outcome([], {"dlp_policies": [blocks, encrypts(OUTGOING)]})["fate"] == "rejected"
    assert outcome([], {"dlp_policies": [policy(SENSITIVE, block_access=True)]})["fate"] == "unknown"
    by_manager = policy(OUTGOING, moderate_message_by_manager=True)
    assert outcome([], {"dlp_policies": [by_manager]})["fate"] == "unknown"
    inside = policy({"from_scope": "InOrganization"}, block_access=True, block_access_scope="PerUser")
    assert outcome([], {"dlp_policies": [inside]})["fate"] == "rejected"
    facts = facts_of({**FACTS, "dlp_policies": [inside]})
    found = Simulator([], facts).run(message_of(message(to=["megan@contoso.com"]), "", "message"))["recipients"]
    assert found["megan@contoso.com"]["fate"] == "delivered"


def test_what_a_block_of_people_outside_does_beside_it_is_done_for_people_inside() -> None:
    told = policy(
        {"from_scope": "InOrganization"},
        block_access=True,
        block_access_scope="PerUser",
        encrypt_rms_template="Encrypt",
    )
    facts = facts_of({**FACTS, "dlp_policies": [told]})
    mail = message_of(message(to=["megan@contoso.com", "someone@fabrikam.com"]), "", "message")
    found = Simulator([], facts).run(mail)["recipients"]
    assert found["megan@contoso.com"]["protection"] == "encrypt"
    assert found["someone@fabrikam.com"]["fate"] == "rejected"
    asked = {"name": "inside", "when": {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}}
    for then, verdict in (("encrypted", "proved"), ("unencrypted", "refuted")):
        (judgment,) = prove([], facts, [{**asked, "then": then}])
        assert judgment.verdict == verdict, then


@pytest.mark.parametrize(
    "more", [{"notify_allow_override": ["WithJustification"]}, {"block_access_scope": "PerAnonymousUser"}]
)
def test_a_block_that_may_let_mail_through_is_open(more: dict[str, Any]) -> None:
    told = {"dlp_policies": [policy(OUTGOING, block_access=True, **more)]}
    assert outcome([], told)["fate"] == "unknown"
    assert _verdict([], told, "not_in_clear") == "unknown"
    assert _verdict([], told, "delivered") == "unknown"
    (row,) = [row for row in encrypter_rows(RuleSet([]), facts_of({**FACTS, **told})) if row.name == "P"]
    assert "(may keep it from its recipients)" in row.covers


@pytest.mark.parametrize(
    ("policies", "id", "kind", "rule"),
    [
        # What the first rule looks at is not computed, not what the second one does.
        ([policy(SENSITIVE, "S", stop_policy_processing=True), encrypts(OUTGOING)], "U33", "dlp_stops", "S"),
        ([encrypts({**OUTGOING, **SENSITIVE})], "U33", "dlp_options", "P"),
        # No other rule can act instead.
        ([policy(OUTGOING, "S", block_access=True, notify_allow_override=["X"])], "U36", "dlp_perhaps_withholds", "S"),
        ([policy(OUTGOING, "S", moderate_message_by_manager=True)], "U36", "dlp_perhaps_withholds", "S"),
        (
            [policy({**OUTGOING, **SENSITIVE}, "S", moderate_message_by_user=["a@contoso.com"])],
            "U33",
            "dlp_withholds",
            "S",
        ),
        ([policy(OUTGOING, "S", quarantine=True), encrypts(OUTGOING)], "U36", "several_dlp_withholds", "S"),
    ],
)
def test_why_it_is_open_what_dlp_rules_do(policies: list[dict[str, Any]], id: str, kind: str, rule: str) -> None:
    placed = [{**told, "priority": place} for place, told in enumerate(policies)]
    reasons = [row["reason"] for row in outcome([], {"dlp_policies": placed})["unknown"]]
    assert (id, kind, rule) in [(reason.id, reason.kind, reason.values[0]) for reason in reasons]
    assert len(reasons) == 1 or kind.startswith("several")


def test_a_list_of_senders_that_was_not_understood_may_name_others() -> None:
    groups = [{"property": "ExchangeSenderMemberOf", "parts": ["scope"]}]
    told = {**encrypts(OUTGOING, scope={"exchange": True, "senders": ["joe@contoso.com"]}), "unreadable": groups}
    assert outcome([], {"dlp_policies": [told]})["protection"] == "unknown"
    assert _verdict([], {"dlp_policies": [told]}, "unencrypted") == "unknown"


@pytest.mark.parametrize("of_policy", [True, False])
@pytest.mark.parametrize("stops_first", [True, False])
def test_a_rule_of_an_unknown_place_may_stop_others(of_policy: bool, stops_first: bool) -> None:
    stops = policy(OUTGOING, "S", stop_policy_processing=True, priority=0 if stops_first else 2)
    where = stops if of_policy else stops["rules"][0]
    where["unreadable"] = [{"property": "Priority", "parts": ["priority"]}]
    told = {"dlp_policies": [encrypts(OUTGOING, priority=1), stops]}
    assert outcome([], told)["protection"] == "unknown"
    assert _verdict([], told, "unencrypted") == _verdict([], told, "not_in_clear") == "unknown"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_rule_that_was_not_understood_proves_nothing(is_first: bool) -> None:
    """It may do nothing to mail and stop a rule that encrypts, or restrict it otherwise."""
    unread = {**policy(OUTGOING, "U", priority=0 if is_first else 2)}
    unread["rules"][0]["unreadable"] = [{"property": "New", "parts": ["conditions", "actions"]}]
    told = {"dlp_policies": [encrypts(OUTGOING, priority=1), unread]}
    assert _verdict([], told, "not_in_clear", unless={"message_type_matches": "PermissionControlled"}) == "unknown"
    kinds = {each.kind: each.about for each in lint([ENCRYPT], {**FACTS, **told})}
    assert kinds["dlp_removes_what_rules_encrypt"]["case"] == "unclear"
    assert not {"template_used_by_dlp", "dlp_and_rule_differ"} & set(kinds)


def _verdict(rules: list[dict[str, Any]], told: dict[str, Any], then: str, **more: Any) -> str:
    (found,) = prove(rules, {**FACTS, **told}, [{"name": "Outgoing", "when": OUT, "then": then, **more}])
    return str(found.verdict)


@pytest.mark.parametrize(
    ("rules", "keys", "auto", "protection", "ids"),
    [
        ([], {}, [], "none", set()),
        ([], {}, None, "unknown", {questions.LABELS}),
        ([], {}, [{"name": "A", "label": "Secret"}], "unknown", {questions.LABELS}),
        ([], {}, [{"name": "A", "label": "Secret", "mode": "TestWithoutNotifications"}], "none", set()),
        ([], {}, [{"name": "A", "label": "Public"}], "none", set()),
        ([], {"sensitivity_label": "Secret"}, [], "do_not_forward", set()),
        ([], {"sensitivity_label": SECRET.upper()}, [], "do_not_forward", set()),
        ([ENCRYPT], {"sensitivity_label": "Secret"}, [], "do_not_forward", set()),
        ([ENCRYPT], {"sensitivity_label": "Public"}, [], "encrypt", set()),
        ([ENCRYPT], {"sensitivity_label": "Open"}, [], "unknown", {questions.LABEL_IN_TRANSPORT}),
        ([], {"sensitivity_label": "Whatever"}, [], "unknown", {questions.A_FACT}),
    ],
)
def test_a_label_protects_what_carries_it(
    rules: list[dict[str, Any]], keys: dict[str, Any], auto: Any, protection: str, ids: set[str]
) -> None:
    told = {"labels": LABELS, **({} if auto is None else {"auto_label_policies": auto})}
    found = outcome(rules, told, **keys)
    assert found["protection"] == protection
    assert {each["id"] for each in found.get("unknown", ())} == ids
    assert protection != "do_not_forward" or "U37" in found["assumes"]
    if keys.get("sensitivity_label"):
        assert found["label"] == (
            "Secret" if keys["sensitivity_label"] == SECRET.upper() else keys["sensitivity_label"]
        )


def test_a_file_carries_its_label() -> None:
    def label(header: str) -> str | None:
        text = f"From: megan@contoso.com\r\nTo: ann@fabrikam.com\r\n{header}\r\nSubject: Offer\r\n\r\nText\r\n"
        return message_from_eml(text.encode(), "eml", "").sensitivity_label

    other = SECRET.replace("0", "f")
    assert label(f"msip_labels: MSIP_Label_{SECRET}_Enabled=true; MSIP_Label_{SECRET}_Name=Secret;") == SECRET
    assert label(f"msip_labels: MSIP_Label_{SECRET}_Enabled=false;") == ""
    assert label("X-Other: 1") == ""
    assert label(f"msip_labels: MSIP_Label_{SECRET}_Enabled=true; MSIP_Label_{other}_Enabled=true") is None


@pytest.mark.parametrize(
    ("rules", "told", "then", "verdict"),
    [
        ([], {"dlp_policies": [encrypts(OUTGOING)]}, "not_in_clear", "proved"),
        ([], {"dlp_policies": [encrypts(OUTGOING)]}, "encrypted", "proved"),
        ([], {"dlp_policies": [encrypts(OUTGOING)]}, "unencrypted", "refuted"),
        ([], {"dlp_policies": [policy(OUTGOING, block_access=True)]}, "not_in_clear", "proved"),
        ([], {"dlp_policies": [policy(OUTGOING, block_access=True)]}, "delivered", "refuted"),
        ([], {"dlp_policies": [encrypts({**OUTGOING, **SENSITIVE})]}, "not_in_clear", "refuted"),
        (
            [],
            {"dlp_policies": [encrypts({**OUTGOING, "content_file_type_matches": ["pdf"]})]},
            "not_in_clear",
            "unknown",
        ),
        (
            [],
            {"dlp_policies": [encrypts({"recipient_domain_is": ["adatum.com"], **SENSITIVE})]},
            "not_in_clear",
            "refuted",
        ),
        ([ENCRYPT], {"dlp_policies": [decrypts(OUTGOING)]}, "not_in_clear", "refuted"),
        ([ENCRYPT], {"dlp_policies": [decrypts({"recipient_domain_is": ["adatum.com"]})]}, "not_in_clear", "refuted"),
        ([ENCRYPT], {"dlp_policies": [decrypts(SENSITIVE)]}, "not_in_clear", "unknown"),
        (
            [ENCRYPT],
            {"dlp_policies": [decrypts({**OUTGOING, "from_scope": "NotInOrganization"})]},
            "not_in_clear",
            "proved",
        ),
        ([ENCRYPT], {"dlp_policies": [decrypts(OUTGOING, mode="TestWithNotifications")]}, "not_in_clear", "proved"),
        ([], {"labels": LABELS[:2], "auto_label_policies": []}, "not_in_clear", "refuted"),
        ([ENCRYPT], {"labels": LABELS[:2], "auto_label_policies": []}, "not_in_clear", "proved"),
        ([ENCRYPT], {"labels": LABELS, "auto_label_policies": []}, "not_in_clear", "unknown"),
    ],
)
def test_guarantees_cover_dlp_and_labels(
    rules: list[dict[str, Any]], told: dict[str, Any], then: str, verdict: str
) -> None:
    (found,) = prove(rules, {**FACTS, **told}, [{"name": "Outgoing", "when": OUT, "then": then}])
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("rules", "policies", "then", "kind"),
    [
        ([ENCRYPT], [decrypts(OUTGOING)], "not_in_clear", "dlp_decrypts"),
        ([], [policy(OUTGOING, block_access=True)], "delivered", "dlp_blocks"),
        ([], [policy(OUTGOING, quarantine=True)], "delivered", "dlp_quarantines"),
        ([], [policy(OUTGOING, redirect_message_to=["joe@contoso.com"])], "delivered", "dlp_redirects"),
        ([], [policy(OUTGOING, **APPROVED)], "delivered", "dlp_holds"),
        ([], [encrypts(OUTGOING)], "unencrypted", "dlp_encrypts"),
    ],
)
def test_a_counterexample_names_the_dlp_rule(
    rules: list[dict[str, Any]], policies: list[dict[str, Any]], then: str, kind: str
) -> None:
    (found,) = prove(rules, {**FACTS, "dlp_policies": policies}, [{"name": "X", "when": OUT, "then": then}])
    assert found.counterexample is not None
    cause = found.counterexample.cause
    assert cause is not None
    assert (cause.kind, cause.rule) == (kind, policies[0]["name"])


def default_of(**policy: Any) -> dict[str, Any]:
    """A policy that makes a label the default."""
    publishes = {"name": "G", "labels": ["Secret"], "default_label": SECRET, **policy}
    return {"label_policies": [publishes], "auto_label_policies": []}


DEFAULT = default_of()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"dlp_policies": [decrypts(OUTGOING)]}, [("dlp_removes_what_rules_encrypt", "", ("Encrypt",))]),
        ({"dlp_policies": [decrypts(SENSITIVE)]}, [("dlp_removes_what_rules_encrypt", "perhaps", ("Encrypt",))]),
        (
            {"dlp_policies": [decrypts(OUTGOING), policy(SENSITIVE, "Q", quarantine=True, priority=1)]},
            [("dlp_removes_what_rules_encrypt", "several", ("Encrypt",))],
        ),
        (
            {"dlp_policies": [decrypts(OUTGOING), encrypts({"recipient_domain_is": ["adatum.com"]}, "E", priority=1)]},
            [("dlp_removes_what_rules_encrypt", "several", ("Encrypt",))],
        ),
        (
            {"dlp_policies": [decrypts(OUTGOING), encrypts({"access_scope": "InOrganization"}, "E", priority=1)]},
            [("dlp_removes_what_rules_encrypt", "", ("Encrypt",))],
        ),
        (
            {"dlp_policies": [decrypts(OUTGOING), policy(SENSITIVE, "N", notify_user=["Owner"], priority=1)]},
            [("dlp_removes_what_rules_encrypt", "", ("Encrypt",))],
        ),
        ({"dlp_policies": [decrypts({"from_scope": "NotInOrganization"})]}, []),
        ({"dlp_policies": [decrypts(OUTGOING, mode="TestWithNotifications")]}, [("dlp_in_test_mode", None, ())]),
        ({"dlp_policies": [decrypts(OUTGOING, mode="Disable")]}, []),
        ({"dlp_policies": [encrypts(OUTGOING)]}, []),
        (
            {"dlp_policies": [policy(OUTGOING, encrypt_rms_template="Do Not Forward")]},
            [("dlp_and_rule_differ", "", ("Encrypt",))],
        ),
        (
            {"dlp_policies": [encrypts(OUTGOING, apply_branding_template="Brand")]},
            [("template_used_by_dlp", "", ())],
        ),
        (
            {"dlp_policies": [encrypts(OUTGOING, apply_branding_template="Other")]},
            [("template_used_by_dlp", "missing", ())],
        ),
        ({"dlp_policies": [decrypts(OUTGOING, mode="TestWithNotifications", scope={"exchange": False})]}, []),
        ({"dlp_policies": [policy(OUTGOING, block_access=True), decrypts(OUTGOING)]}, []),
        (
            {"dlp_policies": [policy(SENSITIVE, "S", stop_policy_processing=True), decrypts(OUTGOING)]},
            [("dlp_removes_what_rules_encrypt", "perhaps", ("Encrypt",))],
        ),
        ({"labels": LABELS, **DEFAULT}, [("label_and_rule_differ", None, ("Encrypt",))]),
        ({"labels": LABELS, **default_of(enabled=False)}, []),
        ({"labels": LABELS, **default_of(mode="PendingDeletion")}, []),
        ({"labels": LABELS, **default_of(scope={"exchange": False})}, []),
        ({"labels": LABELS, "label_policies": [], "auto_label_policies": []}, []),
    ],
)
def test_lint_names_what_dlp_and_labels_do_to_mail_of_rules(
    told: dict[str, Any], expected: list[tuple[str, str | None, tuple[str, ...]]]
) -> None:
    found = lint([ENCRYPT], {**FACTS, **told})
    about = [each for each in found if "dlp" in each.kind or "label" in each.kind]
    assert [(each.kind, each.about.get("case"), each.rules) for each in about] == expected
    assert len(lint_rows(found)) == len(found)


def test_lint_names_a_template_of_dlp_as_exchange_does() -> None:
    told = {"dlp_policies": [policy(OUTGOING, encrypt_rms_template="Do Not Forward")]}
    (row,) = [row for row in lint_rows(lint([ENCRYPT], {**FACTS, **told})) if row.kind == "dlp_and_rule_differ"]
    assert " with Do Not Forward " in row.reason


def test_who_encrypts_what_has_a_row_for_each_dlp_rule_and_label() -> None:
    told = {
        "dlp_policies": [decrypts({**OUTGOING, **SENSITIVE}, exceptions={"sent_to": ["joe@adatum.com"]})],
        "labels": LABELS[:1],
        **DEFAULT,
    }
    rows = encrypter_rows(RuleSet([]), facts_of({**FACTS, **told}), read=["dlp_policies"])
    assert [(row.kind, row.name, row.covers, row.rests_on) for row in rows][:2] == [
        (
            "dlp",
            "D",
            "mail from inside to people outside with sensitive information or labels, except mail to joe@adatum.com"
            " (may take its protection away)",
            "read",
        ),
        ("label", "Secret", "mail for which people choose it, as a default (encrypts it)", "told"),
    ]


@pytest.mark.parametrize(
    ("told", "covers"),
    [
        (
            {"actions": {}, "unreadable": [{"property": "New", "parts": ["conditions", "actions"]}]},
            "mail to joe@adatum.com under conditions not all of which were understood (what it does was not understood)",
        ),
        (
            {"unreadable": [{"property": "New", "parts": ["actions"]}]},
            "mail to joe@adatum.com (may encrypt it; what else it does was not understood)",
        ),
        ({"conditions": {}}, "mail under conditions that are not known (may encrypt it)"),
    ],
)
def test_what_of_a_dlp_rule_was_not_understood_is_no_fact(told: dict[str, Any], covers: str) -> None:
    own = {
        "name": "R",
        "conditions": {"sent_to": ["joe@adatum.com"]},
        "actions": {"encrypt_rms_template": "Encrypt"},
        **told,
    }
    facts = {**FACTS, "dlp_policies": [{"name": "P", "rules": [own]}]}
    assert [row.covers for row in encrypter_rows(RuleSet([]), facts_of(facts)) if row.kind == "dlp"] == [covers]


def test_a_label_that_was_not_understood_is_said_to_be_so() -> None:
    unread = [{"property": "LabelActions", "parts": ["encryption"]}]
    facts = facts_of({**FACTS, "labels": [{"name": "Public", "unreadable": unread}]})
    (row,) = [row for row in encrypter_rows(RuleSet([]), facts) if row.kind == "label"]
    assert row.covers == "mail for which people choose it (what it does was not understood)"


def test_lint_names_no_template_of_a_dlp_rule_that_was_not_understood() -> None:
    told = {"name": "R", "conditions": OUTGOING, "unreadable": [{"property": "New", "parts": ["actions"]}]}
    found = lint([ENCRYPT], {**FACTS, "dlp_policies": [{"name": "P", "rules": [told]}]})
    about = [(each.kind, each.about["case"]) for each in found if "dlp" in each.kind]
    assert about == [("dlp_removes_what_rules_encrypt", "unclear")]


def test_what_rules_do_excepts_what_dlp_undoes() -> None:
    told = {
        "dlp_policies": [
            decrypts({"recipient_domain_is": ["adatum.com"]}),
            policy({"recipient_domain_is": ["bank.example"]}, "B", block_access=True),
            policy({"recipient_domain_is": ["law.example"]}, "O", encrypt_rms_template="Do Not Forward"),
        ]
    }
    said = policy_of([ENCRYPT], {**FACTS, **told}).statements[0]
    assert [(each.rule, each.how) for each in said.exempting] == [
        ("B", "dlp_blocks"),
        ("D", "dlp_decrypts"),
        ("O", "dlp_asks"),
    ]
    assert not said.unknown
    assert "DLP decrypts it with 'D'" in policy_rows(policy_of([ENCRYPT], {**FACTS, **told}))[0].text


def test_what_a_rule_that_blocks_people_outside_does_for_people_inside_is_no_block() -> None:
    """A rule that blocks people outside alone, copies mail for others and stops the rules behind it."""
    told = [
        policy({"from": ["megan@contoso.com"]}, redirect_message_to=["audit@outside.example"]),
        policy(
            {"access_scope": "InOrganization"},
            "Q",
            block_access=True,
            block_access_scope="PerUser",
            copy_to=["joe@contoso.com"],
            stop_policy_processing=True,
        ),
    ]
    facts = {**FACTS, "dlp_policies": [{**each, "priority": place} for place, each in enumerate(told)]}
    said = policy_of([], facts).statements[0]
    assert said.effect.kind == "redirected"
    assert [(each.rule, each.how) for each in said.exempting] == [("Q", "dlp_acts")]


@pytest.mark.parametrize(
    ("dlp", "besides", "kinds"),
    [
        (decrypts({**OUTGOING, **SENSITIVE}), True, ["dlp", "encrypted"]),
        (policy({**OUTGOING, **SENSITIVE}, block_access=True), True, ["dlp", "encrypted"]),
        (policy(OUTGOING, block_access=True, scope={"adaptive": ["Sales"]}), True, ["dlp", "encrypted"]),
        (policy({**OUTGOING, **SENSITIVE}, encrypt_rms_template="Do Not Forward"), True, ["dlp", "encrypted"]),
        # It does what the rule does anyway, to no mail of the rule, or nothing to mail.
        (encrypts({**OUTGOING, **SENSITIVE}), False, ["encrypted", "dlp"]),
        (decrypts({"access_scope": "InOrganization", **SENSITIVE}), False, ["encrypted", "dlp"]),
        (policy({**OUTGOING, **SENSITIVE}, notify_user=["Owner"]), False, ["encrypted"]),
    ],
)
def test_what_rules_do_is_said_besides_dlp_rules_of_which_it_is_open_when_they_act(
    dlp: dict[str, Any], besides: bool, kinds: list[str]
) -> None:
    found = policy_of([ENCRYPT], {**FACTS, "dlp_policies": [dlp]})
    (said,) = found.statements
    assert (said.certain, said.unknown, said.exempting, said.besides_dlp) == (True, (), (), besides)
    assert [rule.name for rule in found.dlp] == ([dlp["name"]] if besides else [])
    rows = policy_rows(found)
    assert [row.kind for row in rows] == kinds
    (row,) = [row for row in rows if row.kind == "encrypted"]
    # It is not said of all mail.
    assert row.text.startswith("Mail " if besides else "All mail ")
    assert row.besides_dlp is besides


def test_the_sentence_about_dlp_rules_says_what_each_may_do_to_which_mail() -> None:
    told = {"dlp_policies": [decrypts(SENSITIVE), policy({**OUTGOING, **SENSITIVE}, "B", block_access=True)]}
    text = policy_rows(policy_of([ENCRYPT], {**FACTS, **told}))[0].text
    assert text == (
        "2 DLP rules may treat mail otherwise than the other sentences say (U33): 'D' may take its protection away (mail with"
        " sensitive information or labels) and 'B' may block it (mail from inside to people outside with sensitive information"
        " or labels)."
    )


def test_a_proof_names_the_dlp_rules_that_it_rests_on_and_the_copies_that_it_leaves_out() -> None:
    told = [
        encrypts(OUTGOING, "C", blind_copy_to=["audit@adatum.com"], add_manager_as_recipient_type="Bcc", priority=1),
        decrypts({"recipient_domain_is": ["adatum.com"]}, priority=2),
    ]
    when = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
    asked = {"name": "X", "when": when, "then": "not_in_clear"}
    facts = {**FACTS, "managers": {}, "dlp_policies": told}
    # Whether the later one takes the copy's protection away, is open.
    assert [found.verdict for found in prove([], facts, [asked])] == ["unknown"]
    (found,) = prove([], facts, [{**asked, "copies": "recipients_only"}])
    assert found.verdict == "proved"
    rested = {premise.kind or premise.id: premise.values for premise in found.premises}
    assert rested["dlp_rules"] == ("C",)
    assert rested["dlp_copies"] == ("C", "audit@adatum.com")
    (row,) = guarantee_rows([found])
    assert row.assumes("dlp_rules")
    assert row.assumes("dlp_copies")


AUDIT = {"copy_to": ["audit@outside.example"]}

#: The mail flow rules, the DLP rules behind them, what becomes of the copy that these send, and whether mail is surely in
#: clear nowhere, if it is delivered.
SENT: list[tuple[list[dict[str, Any]], list[dict[str, Any]], str, str, str]] = [
    ([], [policy(OUTGOING, **AUDIT)], "delivered", "none", "refuted"),
    ([ENCRYPT], [policy(OUTGOING, **AUDIT)], "delivered", "encrypt", "proved"),
    ([], [encrypts(OUTGOING, **AUDIT)], "delivered", "encrypt", "proved"),
    ([ENCRYPT], [decrypts(OUTGOING, **AUDIT)], "delivered", "none", "refuted"),
    ([ENCRYPT], [policy(OUTGOING, redirect_message_to=AUDIT["copy_to"])], "delivered", "encrypt", "proved"),
    ([], [policy(OUTGOING, redirect_message_to=AUDIT["copy_to"])], "delivered", "none", "refuted"),
    ([], [encrypts(OUTGOING, redirect_message_to=AUDIT["copy_to"])], "delivered", "encrypt", "proved"),
    ([ENCRYPT], [policy({**OUTGOING, **SENSITIVE}, **AUDIT)], "unknown", "unknown", "proved"),
    # Which of two rules acts.
    ([], [policy(OUTGOING, **AUDIT), encrypts(OUTGOING, "Q")], "unknown", "unknown", "unknown"),
    # Both do the same for the same people.
    ([], [policy(OUTGOING, **AUDIT), policy(OUTGOING, "Q", **AUDIT)], "delivered", "none", "refuted"),
    # Whether the later one, which looks at recipients, looks at those whom the first one adds.
    (
        [],
        [encrypts(OUTGOING, **AUDIT), policy({"recipient_domain_is": ["outside.example"]}, "Q", block_access=True)],
        "unknown",
        "unknown",
        "proved",
    ),
    # Both redirect it to the same person: whichever acts, they get it.
    (
        [],
        [
            policy({"from_scope": "InOrganization"}, redirect_message_to=["audit@outside.example"]),
            policy({"recipient_domain_is": ["fabrikam.com"]}, "Q", redirect_message_to=["audit@outside.example"]),
        ],
        "delivered",
        "none",
        "refuted",
    ),
    # One rule both keeps mail from its recipient and sends it to others.
    ([], [policy(OUTGOING, quarantine=True, **AUDIT)], "unknown", "unknown", "unknown"),
    ([], [policy(OUTGOING, block_access=True, **AUDIT)], "unknown", "unknown", "unknown"),
    ([ENCRYPT], [policy(OUTGOING, **AUDIT, **APPROVED)], "unknown", "unknown", "proved"),
]


@pytest.mark.parametrize(("rules", "policies", "fate", "protection", "verdict"), SENT)
def test_a_copy_that_a_dlp_rule_sends_is_followed(
    rules: list[dict[str, Any]], policies: list[dict[str, Any]], fate: str, protection: str, verdict: str
) -> None:
    told = {"dlp_policies": [{**each, "priority": place} for place, each in enumerate(policies)]}
    found = _everybody(rules, told)["audit@outside.example"]
    assert (found["fate"], found["protection"]) == (fate, protection)
    if protection == "encrypt":
        assert found.get("protected_by_dlp", found.get("protected_by")) == ["Encrypt" if rules else "P"]
    ids = {row["id"] for row in found.get("unknown", ())}
    assert ids <= {questions.ADDED_RECIPIENTS, questions.DLP_RULES, questions.SEVERAL_DLP_RULES}
    assert bool(ids) is (fate == "unknown")
    # It is a copy of mail that the guarantee is about, whoever gets it.
    when = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
    (judged,) = prove(rules, {**FACTS, **told}, [{"name": "X", "when": when, "then": "not_in_clear_if_delivered"}])
    assert judged.verdict == verdict


@pytest.mark.parametrize(
    ("sends", "conditions", "verdict", "is_open"),
    [
        ({"copy_to": ["audit@outside.example"]}, {"recipient_domain_is": ["fabrikam.com"]}, "unknown", True),
        # What looks at no recipient acts on all copies, or on none.
        ({"copy_to": ["audit@outside.example"]}, {"sender_domain_is": ["fabrikam.com"]}, "proved", False),
        # Nobody else has mail that was redirected.
        (
            {"redirect_message_to": ["audit@outside.example"]},
            {"recipient_domain_is": ["fabrikam.com"]},
            "proved",
            False,
        ),
    ],
)
def test_what_a_dlp_rule_does_to_a_copy_it_may_do_to_those_whom_it_does_not_look_at(
    sends: dict[str, Any], conditions: dict[str, Any], verdict: str, is_open: bool
) -> None:
    """A rule that looks at recipients does not match somebody to whom another DLP rule sends a copy; whether it looks at them is
    open (U09).
    """
    told = [{**encrypts(OUTGOING, **sends), "priority": 0}, {**decrypts(conditions), "priority": 1}]
    found = _everybody([], {"dlp_policies": told})["audit@outside.example"]
    kinds = {row["reason"].kind for row in found.get("unknown", ())}
    assert ("several_dlp_options" in kinds) is is_open
    when = {"from_scope": "InOrganization", "recipient_domain_is": ["outside.example"]}
    asked = {"name": "X", "when": when, "then": "not_in_clear_if_delivered"}
    (judged,) = prove([], {**FACTS, "dlp_policies": told}, [asked])
    assert judged.verdict == verdict


def _everybody(rules: list[dict[str, Any]], told: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """The result of a message for everybody who gets it."""
    found = Simulator(rules, facts_of({**FACTS, **told})).run(message_of(message(**keys), "", "message"))
    return dict(found["recipients"])


@pytest.mark.parametrize(
    "policies",
    [
        [policy(OUTGOING, copy_to=["audit@outside.example"]), policy(OUTGOING, "B", block_access=True)],
        [policy(OUTGOING, copy_to=["audit@outside.example"], mode="TestWithNotifications")],
        [policy({"access_scope": "InOrganization"}, copy_to=["audit@outside.example"])],
        [policy(OUTGOING, "S", stop_policy_processing=True), policy(OUTGOING, copy_to=["audit@outside.example"])],
    ],
)
def test_a_dlp_rule_that_does_not_act_sends_nobody_a_copy(policies: list[dict[str, Any]]) -> None:
    told = {"dlp_policies": [{**each, "priority": place} for place, each in enumerate(policies)]}
    assert list(_everybody([], told)) == ["ann@fabrikam.com"]


def test_dlp_rules_send_mail_to_managers_and_members_of_groups() -> None:
    told = {
        "dlp_policies": [policy(OUTGOING, copy_to=["all@contoso.com"], add_manager_as_recipient_type="Bcc")],
        "mailboxes": ["megan@contoso.com", "boss@contoso.com", "joe@contoso.com"],
        "managers": {"megan@contoso.com": "boss@contoso.com"},
        "groups": {"all@contoso.com": ["joe@contoso.com"]},
    }
    found = _everybody([], told)
    assert {who: each["fate"] for who, each in found.items()} == dict.fromkeys(
        ("ann@fabrikam.com", "boss@contoso.com", "joe@contoso.com"), "delivered"
    )


def test_dlp_adds_nobody_to_their_own_copy() -> None:
    told = {"dlp_policies": [policy(OUTGOING, copy_to=["ann@fabrikam.com"])]}
    assert [(who, each["fate"]) for who, each in _everybody([], told).items()] == [("ann@fabrikam.com", "delivered")]


def test_a_change_of_rules_shows_in_the_copies_that_dlp_rules_send() -> None:
    """The mail is redirected, so nothing else differs."""
    told = {"dlp_policies": [policy(OUTGOING, redirect_message_to=["audit@outside.example"])]}
    found = difference([ENCRYPT], [], {**FACTS, **told})
    assert {(each.kind, each.person) for each in found.findings} == {("protection_lost", "audit@outside.example")}


@pytest.mark.parametrize(
    "action",
    [
        {"set_header": {"X-Seen": "1"}},
        {"prepend_subject": "[seen]"},
        {"apply_branding_template": "Partners"},
        {"blind_copy_to": ["audit@contoso.com"]},
    ],
    ids="".join,
)
def test_whether_two_dlp_rules_with_other_actions_add_up_is_open(action: dict[str, Any]) -> None:
    told = [policy(OUTGOING, "First", **action), encrypts(OUTGOING, priority=1)]
    (found,) = prove([], {**FACTS, "dlp_policies": told}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    assert found.verdict == "unknown"
    assert questions.SEVERAL_DLP_RULES in {reason.id for reason in found.unknown}
    assert outcome([], {"dlp_policies": told})["protection"] == "unknown"


def test_a_dlp_rule_that_only_tells_people_leaves_another_one_certain() -> None:
    told = [policy(OUTGOING, "First", notify_user=["Owner"]), encrypts(OUTGOING, priority=1)]
    (found,) = prove([], {**FACTS, "dlp_policies": told}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    assert found.verdict == "proved"


def test_each_condition_of_dlp_is_that_of_a_rule_or_open() -> None:
    """One that is a rule's is that row, with its evaluation, its formula and its words."""
    samples: dict[str, Any] = {
        "access_scope": "NotInOrganization",
        "from_scope": "InOrganization",
        "message_type_matches": "OOF",
        "with_importance": "High",
        "message_size_over": "1MB",
        "document_size_over": "1MB",
        "non_bifurcating_access_scope": "HasExternal",
        "header_contains_message_header": "X-Any",
        "header_matches_message_header": "X-Any",
    }
    kinds = set()
    for part in CONDITIONS:
        values = {option: samples.get(option, _sample(option, kind)) for option, kind in part.kinds.items()}
        known = facts_of({"dlp_policies": [encrypts(values)]}).encrypters.dlp_policies
        assert isinstance(known, DlpRules)
        (leaf, *others) = known.rules[0].looks_for.leaves
        (option, *_more) = (SAME_CONDITION.get(option, option) for option in values)
        assert not others, part.name
        if leaf.atom is None:
            assert leaf.about == option
            row = BY_OPTION.get(option)
            assert row is None or row.looks_at == "protection" or row.reach in (Reach.COPY, Reach.RELATION), option
        else:
            assert leaf.atom.predicate is BY_OPTION[option]
        assert known.rules[0].is_certain is (leaf.atom is not None and option in CERTAIN)
        kinds.add((leaf.atom is None, known.rules[0].is_certain))
    assert kinds == {(True, False), (False, False), (False, True)}


def test_each_condition_of_dlp_has_words_of_its_own() -> None:
    assert all(part.words for part in CONDITIONS)
    assert len({part.words for part in CONDITIONS}) == len(CONDITIONS) == len(WORDS)
    assert not any("_" in looks_words([name]) for name in (*WORDS, "adaptive_except", "activation_date"))
    assert "'brand_new'" in looks_words(["brand_new"])


def _sample(option: str, kind: Any) -> Any:
    if kind.spec["type"] == "bool":
        return True
    if "ad_attribute" in option:
        return ["department:sales"]
    if option == "sender_ip_ranges":
        return ["192.0.2.1"]
    return ["a@contoso.com"] if kind.spec["type"] == "list" else [{"name": "x"}]


def test_a_proof_reads_the_policies_once_and_each_condition_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[DlpRules] = []
    as_read = DlpRules.__init__

    def counted(self: DlpRules, *given: Any) -> None:
        as_read(self, *given)
        read.append(self)

    monkeypatch.setattr(DlpRules, "__init__", counted)
    told = [encrypts({**OUTGOING, **SENSITIVE}), decrypts({**OUTGOING, "recipient_domain_is": ["adatum.com"]})]
    prove([], {**FACTS, "dlp_policies": told}, [{"name": "X", "when": OUT, "then": "not_in_clear"}])
    (policies,) = read
    assert len(policies.leaves.rules) == len({*OUTGOING, *SENSITIVE, "recipient_domain_is"})


SEEDS = range(24)


@pytest.mark.parametrize("seed", SEEDS)
def test_simulator_and_prover_agree(seed: int) -> None:
    """What is proved, no message surely breaks; what some message surely breaks, is refuted; a refutation replays."""
    source = random.Random(seed)
    labels = labels_of(source)
    facts = {**FACTS, "dlp_policies": policies_of(source), **labels}
    rules = source.choice(CHAINS)
    asked = [{"name": then, "when": OUT, "then": then} for then in WISHES]
    asked += [
        {"name": "template", "when": OUT, "then": "encrypted", "template": "Encrypt"},
        {"name": "own copies", "when": OUT, "then": "not_in_clear", "copies": "recipients_only"},
    ]
    guarantees = guarantees_of(asked, "guarantees")
    rule_set, claims, known = RuleSet(rules), claims_of([each.selection for each in guarantees]), facts_of(facts)
    mail = [message_of(each, "", "message") for each in mail_of(labels)]
    courses = [(each, course) for each in mail for course in courses_of(rule_set, each, known)]
    for place, found in enumerate(prove(rules, facts, guarantees)):
        guarantee = found.guarantee
        about = [
            (each, course, wanted)
            for each, course in courses
            for counts, wanted in [counted(claims, claims.rules[place], guarantee, each, known, course)]
            if counts is True
        ]
        broken = [surely_breaks(course, wanted, each, known) for each, course, wanted in about]
        assert found.verdict == "refuted" or not any(broken), guarantee.name
        # That a rule blocks mail and stops others, or else another one puts it in quarantine, only the prover sees; nor does the
        # simulator see that one of several rules acts, whichever.
        stops = any("stop_policy_processing" in str(each) for each in facts["dlp_policies"])
        if found.verdict == "proved" and not stops:
            for each, course, wanted in about:
                reasons = {reason.id for reason in reasons_for(course, wanted, each, known)}
                keeps = surely_keeps(course, wanted, each, known)
                assert keeps or questions.SEVERAL_DLP_RULES in reasons, guarantee.name
        if found.verdict == "refuted" and found.counterexample:
            keys = {key: value for key, value in found.counterexample.message.items() if key != "name"}
            sent = message_of(keys, "", "message")
            copies = courses_of(rule_set, sent, known)
            course = next(each for each in copies if each.recipient.label == found.counterexample.recipient)
            counts, wanted = counted(claims, claims.rules[place], guarantee, sent, known, course)
            assert counts is True, guarantee.name
            assert surely_breaks(course, wanted, sent, known), guarantee.name


@pytest.mark.parametrize("seed", SEEDS)
def test_simulator_and_emulator_agree(seed: int) -> None:
    """Each says of a message what the other says, as :mod:`.comparison` words it."""
    source = random.Random(seed)
    labels = labels_of(source)
    tenant = {
        **FACTS,
        "accepted_domains": [{"name": "contoso.com", "type": "Authoritative"}],
        "dlp_policies": policies_of(source, followed=True),
        **labels,
    }
    rules = [{"priority": place, **each} for place, each in enumerate(source.choice(CHAINS))]
    for sent in mail_of(labels):
        with contextlib.suppress(TooManyWorlds):
            assert disagreement(tenant, rules, sent) == "", (tenant["dlp_policies"], labels, rules, sent)
