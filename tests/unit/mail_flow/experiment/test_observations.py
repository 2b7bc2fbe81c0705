# SPDX-License-Identifier: GPL-3.0-or-later
"""Open questions that an organization answers, and what is certain of it from then on."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    Observation,
    digest_of_rules,
    observations_document,
    observations_of,
    observed_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import OBSERVABLE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.contradicted import (
    COUNTS_NOT_CERTAIN,
    NOT_CERTAIN,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_replay

from tests.unit.mail_flow.experiment.mailboxes import (
    INSIDE,
    LOGGED,
    PARTNER,
    PREFIX,
    SENDER,
    TRIED,
    UNCLASSIFIED,
    WORDS,
    KeptRecord,
    Mailboxes,
    message,
    run,
    session_with,
)
from tests.unit.mail_flow.running import NoSession, flow

TODAY = datetime.datetime.now(datetime.UTC).date()
#: Rules, whether the rules that are seen act, and the question with its answer.
CASES = [
    ([TRIED, LOGGED], ["Partners"], "U08", False),
    ([TRIED, LOGGED], [], "U08", True),
    ([LOGGED, PREFIX], ["Partners"], "U03", False),
    ([LOGGED, PREFIX], ["Partners", "Prefix"], "U03", True),
    ([UNCLASSIFIED], [], "U15", False),
]


def experiment(rules: list[dict[str, Any]], acting: list[str], file: KeptRecord, **options: Any) -> dict[str, Any]:
    session = session_with(*rules)
    guids = {rule["Name"]: rule["Guid"] for rule in session.edit("Get-TransportRule")}
    fates = {PARTNER: {"rules": {name: guids[name] for name in acting}}}
    given = {"senders": [SENDER], "recipients": [INSIDE, PARTNER], "messages": [message()], **options}
    return run(session, Mailboxes(session, fates), KeptRecord(), others={"seen.json": file}, **given)


@pytest.mark.parametrize(("rules", "acting", "number", "answer"), CASES, ids=str)
def test_a_copy_settles_a_question(rules: list[dict[str, Any]], acting: list[str], number: str, answer: bool) -> None:
    file = KeptRecord()
    found = experiment(rules, acting, file, observations="seen.json")
    (settled,) = found["settled"]
    assert (settled["id"], settled["answer"], settled["seen"]) == (number, answer, TODAY.isoformat())
    # A likely answer that is wrong contradicts no definite one.
    assert "failed" not in found
    (kept,) = observations_of(file.read(), "seen.json", "contoso.onmicrosoft.com")
    assert (kept.id, kept.answer, kept.rules) == (number, answer, tuple(sorted(rule["name"] for rule in rules)))


def test_what_is_not_seen_settles_nothing() -> None:
    assert experiment([TRIED, LOGGED], [], KeptRecord(), messages=[message(to=[INSIDE])])["settled"] == []
    assert experiment([LOGGED], ["Partners"], KeptRecord())["settled"] == []


def test_an_observation_is_kept_once() -> None:
    file = KeptRecord()
    session = session_with(TRIED, LOGGED)
    guids = {rule["Name"]: rule["Guid"] for rule in session.edit("Get-TransportRule")}
    mailboxes = Mailboxes(session, {PARTNER: {"rules": {"Partners": guids["Partners"]}}})
    kept, others = KeptRecord(), {"seen.json": file}
    people = {"senders": [SENDER], "recipients": [PARTNER], "messages": [message()], "observations": "seen.json"}
    run(session, mailboxes, kept, others=others, **people)
    run(session, mailboxes, kept, others=others, read_only=True, observations="seen.json")
    assert len(observations_of(file.read(), "x")) == 1


FACTS: dict[str, Any] = {
    "accepted_domains": ["contoso.onmicrosoft.com"],
    "remote_domains": [],
    "mail_users": [],
    "journal_rules": [],
}
MAIL = {"name": "Offer", "from": SENDER, "authenticated": True, "to": [PARTNER], "subject": "Offer"}


def computed(rules: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    found = flow(NoSession(), rules=rules, facts={**FACTS, **facts}, messages=[{**MAIL, "defaults": "ordinary"}])
    (result,) = found["messages"][0]["recipients"].values()
    return dict(result)


@pytest.mark.parametrize(("rules", "acting", "number", "answer"), CASES, ids=str)
def test_an_answer_is_certain_from_then_on(
    rules: list[dict[str, Any]], acting: list[str], number: str, answer: bool
) -> None:
    open_ = computed(rules)
    assert number in [*open_.get("assumes", ()), *(each["id"] for each in open_.get("unknown", ()))]
    known = computed(rules, observed={number: answer})
    assert number not in [*known.get("assumes", ()), *(each["id"] for each in known.get("unknown", ()))]
    enforced = {rule["name"] for rule in rules if rule.get("mode") != "Audit"}
    assert {each["name"] for each in known["rules"] if each["matched"] is True} & enforced == set(acting)


GUARANTEE = {
    "name": "To the partner",
    "when": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "unless": {"subject_contains_words": ["[plain]"]},
    "then": "not_in_clear",
}


@pytest.mark.parametrize(("answer", "verdict"), [(None, "unknown"), (False, "proved"), (True, "refuted")])
def test_a_proof_rests_on_it(answer: bool | None, verdict: str) -> None:
    facts = FACTS if answer is None else {**FACTS, "observed": {"U08": answer}}
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    found = flow(
        NoSession(),
        rules=[TRIED, LOGGED],
        facts={**facts, "irm_configuration": licensed},
        guarantees=[GUARANTEE],
        lint=False,
        fail_on_error=False,
    )
    assert found["guarantees"][0]["verdict"] == verdict


REJECT = {"reject_message_reason_text": "No."}
NOBODY, TEAM, EVERYBODY = (f"{name}@contoso.onmicrosoft.com" for name in ("nobody", "team", "everybody"))
INWARD = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
#: By question: rules, the guarantee, and what differs of the message and the facts.
DECIDED: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "U03": (
        [LOGGED, {**PREFIX, "actions": REJECT}],
        {"when": INWARD, "unless": {"message_type_matches": "PermissionControlled"}, "then": "delivered"},
        {},
        {},
    ),
    "U04": (
        [{"name": "Members", "conditions": {"sent_to_member_of": [EVERYBODY]}, "actions": REJECT}],
        {"when": {"sent_to": [INSIDE]}, "then": "delivered"},
        {"to": [INSIDE]},
        {"groups": {EVERYBODY: [TEAM], TEAM: [INSIDE]}, "mailboxes": [SENDER, INSIDE]},
    ),
    "U06": (
        [
            {
                "name": "Tried",
                "mode": "Audit",
                "conditions": {"sent_to": [INSIDE]},
                "actions": {"prepend_subject": "x"},
            },
            {
                "name": "Any",
                "conditions": {"any_of_recipient_address_matches_patterns": [r"^meganb@contoso\.onmicrosoft\.com$"]},
                "actions": REJECT,
            },
        ],
        {"when": INWARD, "then": "delivered"},
        {"to": [INSIDE, PARTNER]},
        {"mailboxes": [SENDER, INSIDE]},
    ),
    "U07": (
        [
            {
                "name": "Splits",
                "conditions": {"sent_to": [INSIDE]},
                "actions": {"set_header_name": "X-A", "set_header_value": "1"},
            },
            {"name": "Named", "conditions": {"any_of_to_header": [INSIDE]}, "actions": REJECT},
        ],
        {"when": INWARD, "then": "delivered"},
        {"to": [INSIDE, PARTNER]},
        {"mailboxes": [SENDER, INSIDE]},
    ),
    "U08": ([TRIED, LOGGED], {"when": INWARD, "then": "not_in_clear"}, {}, {}),
    "U15": (
        [UNCLASSIFIED],
        {"when": {**INWARD, "has_no_classification": True}, "then": "delivered"},
        {},
        {},
    ),
    "U20": (
        [{"name": "Inside", "conditions": {"sent_to_scope": "InOrganization"}, "actions": REJECT}],
        {"when": INWARD, "then": "delivered"},
        {},
        {"mail_users": [PARTNER]},
    ),
    "U19": (
        [{"name": "Inside", "conditions": {"sent_to_scope": "InOrganization"}, "actions": {"delete_message": True}}],
        {"when": {"from": [PARTNER], "sent_to": [NOBODY]}, "then": "delivered"},
        {"from": PARTNER, "authenticated": False, "to": [NOBODY]},
        {},
    ),
}


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("number", sorted(OBSERVABLE))
def test_simulator_and_prover_take_an_answer_alike(number: str, answer: bool) -> None:
    """A guarantee about mail that only the answer decides is proved where the simulator says so, and refuted elsewhere."""
    rules, guarantee, mail, known = DECIDED[number]
    unless = {"subject_contains_words": ["[plain]"], **guarantee.get("unless", {})}
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    found = flow(
        NoSession(),
        rules=rules,
        facts={**FACTS, "mailboxes": [SENDER], "irm_configuration": licensed, **known, "observed": {number: answer}},
        messages=[{**MAIL, "defaults": "ordinary", **mail}],
        guarantees=[{"name": "x", **guarantee, "unless": unless}],
        lint=False,
        fail_on_error=False,
    )
    result = found["messages"][0]["recipients"][{**MAIL, **mail}["to"][-1]]
    kept = result["fate"] == "delivered" if guarantee["then"] == "delivered" else result["protection"] != "none"
    verdict = found["guarantees"][0]["verdict"]
    # The other mail from outside is authenticated.
    assert verdict == ("proved" if kept and number != "U19" else "refuted")
    assert kept is (answer if number in _KEEPS else not answer)


#: The questions whose answer true keeps the guarantee.
_KEEPS = ("U06",)


ANY_INSIDE = {"any_of_recipient_address_matches_patterns": [r"^meganb@contoso\.onmicrosoft\.com$"]}


def judged(
    rules: list[dict[str, Any]],
    guarantee: dict[str, Any],
    mail: dict[str, Any],
    observed: dict[str, bool],
    **facts: Any,
) -> tuple[str, str, str]:
    """The fate and protection of the last recipient's copy, and the verdict on a guarantee."""
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    people = {"mailboxes": [SENDER, INSIDE], "irm_configuration": licensed}
    found = flow(
        NoSession(),
        rules=rules,
        facts={**FACTS, **people, **facts, "observed": observed},
        messages=[{**MAIL, "defaults": "ordinary", **mail}],
        guarantees=[{"name": "x", "unless": {"subject_contains_words": ["[plain]"]}, **guarantee}],
        lint=False,
        fail_on_error=False,
    )
    *_others, result = found["messages"][0]["recipients"].values()
    return result["fate"], result.get("protection", ""), found["guarantees"][0]["verdict"]


@pytest.mark.parametrize("answer", [True, False])
def test_a_field_that_names_a_group_counts_for_its_members(answer: bool) -> None:
    """That a field does not count in a copy of others says nothing of members of the group that it names."""
    rules = [
        {
            "name": "Splits",
            "conditions": {"sent_to": [PARTNER]},
            "actions": {"set_header_name": "X-A", "set_header_value": "1"},
        },
        {"name": "Named", "conditions": {"any_of_to_header": [TEAM]}, "actions": REJECT},
    ]
    guarantee = {"when": {"from_scope": "InOrganization", "sent_to": [INSIDE]}, "then": "delivered"}
    mail = {"to": [PARTNER, TEAM]}
    fate, _protection, verdict = judged(rules, guarantee, mail, {"U07": answer}, groups={TEAM: [INSIDE]})
    assert (fate, verdict) == ("rejected", "refuted")


@pytest.mark.parametrize(
    ("stops", "protection", "verdict"),
    [(None, "unknown", "unknown"), (False, "encrypt", "proved"), (True, "none", "refuted")],
)
def test_whom_a_rule_in_a_test_mode_stops_leaves_the_others(stops: bool | None, protection: str, verdict: str) -> None:
    """That such a rule does not split says nothing of one that may stop."""
    tried = {"name": "Tried", "mode": "Audit", "conditions": {"sent_to": [INSIDE]}}
    rules = [
        {**tried, "actions": {"stop_rule_processing": True}},
        {
            "name": "Any",
            "conditions": {"from_scope": "InOrganization", **ANY_INSIDE},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        },
    ]
    guarantee = {"when": {**INWARD, **ANY_INSIDE}, "then": "not_in_clear"}
    observed = {"U06": False, **({} if stops is None else {"U08": stops})}
    assert judged(rules, guarantee, {"to": [INSIDE, PARTNER]}, observed) == ("delivered", protection, verdict)


CONTROLLED = {"message_type_matches": "PermissionControlled"}
CLEAR = {"unless": {**CONTROLLED, "subject_contains_words": ["[plain]"]}, "then": "delivered"}


@pytest.mark.parametrize("answer", [True, False])
def test_an_answer_about_mail_without_a_classification_says_nothing_of_other_mail(answer: bool) -> None:
    rules = [
        {"name": "Classifies", "actions": {"apply_classification": "Secret"}},
        {**UNCLASSIFIED, "conditions": {"has_no_classification": False}, "actions": REJECT},
    ]
    guarantee = {"when": INWARD, "then": "delivered"}
    assert judged(rules, guarantee, {}, {"U15": answer}) == ("unknown", "unknown", "unknown")
    (first, last) = rules
    verdict = "refuted" if answer else "proved"
    guarantee = {"when": {**INWARD, "has_no_classification": True}, "then": "delivered"}
    assert judged([last, first], guarantee, {}, {"U15": answer})[2] == verdict


def test_what_rules_see_at_once_is_open_where_it_is_open_what_rules_do() -> None:
    """A rule that encrypts and one that decrypts, and a rule that encrypts mail from outside."""
    encrypts = {"name": "Encrypts", "actions": {"apply_rights_protection_template": "Encrypt"}}
    decrypts = {"name": "Decrypts", "actions": {"remove_ome_v2": True}}
    looks = {"name": "Looks", "conditions": CONTROLLED, "actions": REJECT}
    inward = {"when": INWARD, **CLEAR}
    arriving = {"when": {"from_scope": "NotInOrganization"}, **CLEAR}
    inbound = {"from": PARTNER, "authenticated": False, "to": [INSIDE]}
    for rules, guarantee, mail, at_once in (
        ([encrypts, looks], inward, {}, ("rejected", "refuted")),
        ([encrypts, decrypts, looks], inward, {}, ("unknown", "unknown")),
        ([decrypts, encrypts, looks], inward, {}, ("unknown", "unknown")),
        ([encrypts, looks], arriving, inbound, ("unknown", "unknown")),
    ):
        fate, _protection, verdict = judged(rules, guarantee, mail, {"U03": True})
        assert (fate, verdict) == at_once
        fate, _protection, verdict = judged(rules, guarantee, mail, {"U03": False})
        assert (fate, verdict) == ("delivered", "proved")


@pytest.mark.parametrize(
    ("mailboxes", "authenticated", "answer", "fate"),
    [
        ([SENDER], False, True, "rejected"),
        ([SENDER], False, False, "delivered"),
        (None, False, True, "rejected"),
        (None, False, False, "unknown"),
        ([SENDER], None, True, "rejected"),
        ([SENDER], None, False, "unknown"),
    ],
)
def test_an_answer_about_unauthenticated_mail_to_no_object_says_nothing_of_other_mail(
    mailboxes: list[str] | None, authenticated: bool | None, answer: bool, fate: str
) -> None:
    facts = {**FACTS, "mailboxes": mailboxes, "observed": {"U19": answer}}
    rules = [{"name": "Inside", "conditions": {"sent_to_scope": "InOrganization"}, "actions": REJECT}]
    said = {} if authenticated is None else {"authenticated": authenticated}
    mail = message_of({"from": PARTNER, "to": [NOBODY], **said}, "", "message")
    (result,) = Simulator(rules, facts_of(facts)).run(mail)["recipients"].values()
    assert result["fate"] == fate


@pytest.mark.parametrize(("accepted", "fate"), [(["contoso.com"], "rejected"), (None, "unknown")])
def test_a_remote_domain_may_make_somebody_inside_whatever_was_observed_of_own_domains(
    accepted: list[str] | None, fate: str
) -> None:
    facts = {
        "accepted_domains": accepted,
        "mailboxes": [SENDER],
        "remote_domains": [{"domain_name": "sister.example", "is_internal": True}],
        "observed": {"U19": False},
    }
    rules = [{"name": "Inside", "conditions": {"sent_to_scope": "InOrganization"}, "actions": REJECT}]
    mail = message_of({"from": PARTNER, "to": ["eve@sister.example"], "authenticated": False}, "", "message")
    known = {fact: value for fact, value in facts.items() if value is not None}
    (result,) = Simulator(rules, facts_of(known)).run(mail)["recipients"].values()
    assert result["fate"] == fate


def seen(answer: bool, days: int = 0, digest: str = "", rules: tuple[str, ...] = ()) -> Observation:
    return Observation(
        "U08", answer, (TODAY - datetime.timedelta(days=days)).isoformat(), "x", ("trace",), rules, digest
    )


RULES = RuleSet([TRIED, LOGGED])
DIGEST = digest_of_rules(RULES, ["Partners", "Tried"])


@pytest.mark.parametrize(
    ("observations", "rules", "answers", "left_out"),
    [
        ([seen(False, 90, DIGEST, ("Partners", "Tried"))], RULES, {"U08": False}, {}),
        ([seen(False, 91, DIGEST, ("Partners", "Tried"))], RULES, {}, {"U08": "old"}),
        ([seen(False, 1, DIGEST, ("Partners", "Tried"))], RuleSet([LOGGED, TRIED]), {}, {"U08": "changed"}),
        ([seen(False, 1, DIGEST, ("Partners", "Tried"))], RuleSet([LOGGED]), {}, {"U08": "changed"}),
        (
            [seen(False, 1, DIGEST, ("Partners", "Tried"))],
            RuleSet([TRIED, {**LOGGED, "exceptions": {}}]),
            {},
            {"U08": "changed"},
        ),
        (
            [seen(False, 1, DIGEST, ("Partners", "Tried"))],
            RuleSet([{**TRIED, "comments": "x"}, {"name": "Other", "actions": {"delete_message": True}}, LOGGED]),
            {"U08": False},
            {},
        ),
        (
            [seen(False, 1, DIGEST, ("Partners", "Tried")), seen(True, 2, DIGEST, ("Partners", "Tried"))],
            RULES,
            {},
            {"U08": "contradictory"},
        ),
        (
            [seen(False, 1, DIGEST, ("Partners", "Tried")), seen(True, 100, DIGEST, ("Partners", "Tried"))],
            RULES,
            {"U08": False},
            {},
        ),
    ],
    ids=["counts", "old", "order", "gone", "changed", "others changed", "contradictory", "old one contradicts"],
)
def test_when_an_observation_counts(
    observations: list[Observation], rules: RuleSet, answers: dict[str, bool], left_out: dict[str, str]
) -> None:
    found = observed_of(observations, rules, TODAY)
    assert (found.answers, found.left_out) == (answers, left_out)


def test_a_file_of_observations_is_read_and_said(tmp_path: Any) -> None:
    path = tmp_path / "seen.json"
    document = observations_document("contoso.onmicrosoft.com", [seen(True, 0, DIGEST, ("Partners", "Tried"))])
    path.write_text(json.dumps([document, "not variables"]), encoding="utf-8")
    found = flow(
        NoSession(),
        rules=[TRIED, LOGGED],
        facts=FACTS,
        messages=[{**MAIL, "defaults": "ordinary"}],
        observations=str(path),
        load=lambda name: json.loads(path.read_text(encoding="utf-8")),
    )
    (row,) = found["observed"]
    assert (row["id"], row["answer"]) == ("U08", True)
    assert f"observed on {TODAY.isoformat()}" in found["msg"].replace("\n  ", " ")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "observations", "format": 2, "organization": "", "observations": []},
        {"kind": "observations", "format": 1, "organization": "", "observations": [{"id": "X"}], "contradictions": []},
        {
            "kind": "observations",
            "format": 1,
            "organization": "other.onmicrosoft.com",
            "observations": [],
            "contradictions": [],
        },
        {
            "kind": "observations",
            "format": 1,
            "organization": "",
            "observations": [{**vars(seen(True)), "answer": "yes"}],
            "contradictions": [],
        },
    ],
    ids=["none", "format", "damaged", "another organization", "no answer"],
)
def test_what_is_no_file_of_observations_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        observations_of(document, "x", "contoso.onmicrosoft.com")


def test_only_answers_that_are_known_are_taken() -> None:
    with pytest.raises(OptionError, match="U05"):
        facts_of({"observed": {"U05": True}})
    with pytest.raises(OptionError):
        facts_of({"observed": {"U08": "perhaps"}})
    assert Simulator([], facts_of({"observed": {"U08": True}})).facts.observed == {"U08": True}


def document(**row: Any) -> dict[str, Any]:
    found = observations_document("contoso.onmicrosoft.com", [seen(True)])
    found["observations"][0] |= row
    return found


@pytest.mark.parametrize(
    "row",
    [
        {"seen": (TODAY + datetime.timedelta(days=30)).isoformat()},
        {"rules": [{}]},
        {"evidence": [1]},
        {"experiment": []},
        {"digest": None},
    ],
    ids=str,
)
def test_observations_that_somebody_edited_are_refused(row: dict[str, Any]) -> None:
    assert observations_of(document(), "x", "contoso.onmicrosoft.com")
    with pytest.raises(OptionError, match="damaged"):
        observations_of(document(**row), "x", "contoso.onmicrosoft.com")


def test_observations_of_no_organization_are_not_those_of_one() -> None:
    with pytest.raises(OptionError, match="no organization"):
        observations_of({**document(), "organization": ""}, "x", "contoso.onmicrosoft.com")


def test_a_file_of_another_organization_is_refused_before_anything_is_sent() -> None:
    file = KeptRecord([json.dumps(observations_document("other.onmicrosoft.com", []))])
    session = session_with(TRIED, LOGGED)
    mailboxes = Mailboxes(session)
    people = {"senders": [SENDER], "recipients": [PARTNER], "messages": [message()], "observations": "seen.json"}
    with pytest.raises(OptionError, match=r"other\.onmicrosoft\.com"):
        run(session, mailboxes, KeptRecord(), others={"seen.json": file}, **people)
    assert mailboxes.sent == []


def test_check_mode_keeps_no_observation() -> None:
    session = session_with(TRIED, LOGGED)
    guids = {rule["Name"]: rule["Guid"] for rule in session.edit("Get-TransportRule")}
    mailboxes = Mailboxes(session, {PARTNER: {"rules": {"Partners": guids["Partners"]}}})
    record, file = KeptRecord(), KeptRecord()
    people = {"senders": [SENDER], "recipients": [PARTNER], "messages": [message()]}
    run(session, mailboxes, record, **people)
    options: dict[str, Any] = {"read_only": True, "observations": "seen.json"}
    found = run(session, mailboxes, record, others={"seen.json": file}, check_mode=True, **options)
    assert (len(found["settled"]), file.versions) == (1, [])


#: Exchange does not do what is computed of the rule that encrypts.
MISSED: dict[str, Any] = {"rules": [LOGGED], "acting": []}
ACTED: dict[str, Any] = {"rules": [LOGGED], "acting": ["Partners"]}


def verdict(file: KeptRecord, *rules: dict[str, Any]) -> str:
    """What is known of a guarantee with a file of observations."""
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    found = flow(
        session_with(*(rules or (LOGGED,))),
        facts={**FACTS, "irm_configuration": licensed},
        guarantees=[GUARANTEE],
        lint=False,
        fail_on_error=False,
        observations="seen.json",
        load=lambda name: file.read(),
    )
    return str(found["guarantees"][0]["verdict"])


def test_a_contradiction_stops_a_proof_until_the_same_message_agrees() -> None:
    file = KeptRecord()
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    assert [row["parts"] for row in file.read()["contradictions"]] == [["rules"]]
    assert "@" not in json.dumps(file.read())
    assert verdict(file) == "unknown"
    # Another message that agrees does not end it.
    experiment(**ACTED, file=file, observations="seen.json", messages=[message(name="Another")])
    assert verdict(file) == "unknown"
    experiment(**ACTED, file=file, observations="seen.json")
    assert (file.read()["contradictions"], verdict(file)) == ([], "proved")


def looked_at(file: KeptRecord, **options: Any) -> dict[str, Any]:
    """What is computed of all mail with a file of observations."""
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    return flow(
        session_with(LOGGED, WORDS),
        facts={**FACTS, "irm_configuration": licensed},
        lint=False,
        fail_on_error=False,
        observations="seen.json",
        load=lambda name: file.read(),
        **options,
    )


def test_a_contradiction_makes_nothing_certain_that_rests_on_its_rules() -> None:
    """Neither differences nor the overview."""
    file = KeptRecord()
    file.write(observations_document("contoso.onmicrosoft.com", []))
    others: dict[str, Any] = {"compare_with": [WORDS], "overview": True}
    certain = looked_at(file, **others)
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    found = looked_at(file, **others)
    verdicts = [cell["protected"] for cell in certain["overview"]]
    assert {"always", "never"} & set(verdicts)
    for before, cell in zip(verdicts, found["overview"], strict=True):
        assert cell["protected"] == ("unknown" if before in ("always", "never") else before)
    assert [row["text"] for row in found["difference"]] == [row["text"] for row in certain["difference"]]
    assert not any("contradicted" in row for name in ("difference", "policy") for row in certain[name])
    for name in ("difference", "policy"):
        rows = {"Partners" in row["rules"]: "contradicted" in row for row in found[name]}
        assert rows[True], name
        assert rows.get(False, False) is False, name
    assert found["msg"].count(NOT_CERTAIN) >= 2
    assert NOT_CERTAIN not in certain["msg"]
    # That nothing is different rests on all rules.
    same = {"compare_with": [LOGGED, WORDS]}
    assert looked_at(file, **same)["difference"] == []
    assert NOT_CERTAIN in looked_at(file, **same)["msg"]


def test_counts_of_a_replay_are_not_certain_while_a_test_message_contradicts(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "MessageTraceId,Received,SenderAddress,RecipientAddress,Subject,Status,Size,FromIP,MessageId\n"
        "1,2026-02-27T10:00:00Z,alexw@contoso.onmicrosoft.com,ann@fabrikam.com,Offer,Delivered,2000,,<1@contoso.com>\n",
        encoding="utf-8",
    )
    file = KeptRecord()
    file.write(observations_document("contoso.onmicrosoft.com", []))

    def replayed() -> dict[str, Any]:
        return flow(
            session_with(LOGGED, WORDS),
            module=mail_flow_replay,
            trace=[str(trace)],
            observations="seen.json",
            load=lambda name: file.read(),
            compare_with=[WORDS],
            guarantees=[{"name": "All", "when": {"from_scope": "InOrganization"}, "then": "not_in_clear"}],
        )

    def marked(found: dict[str, Any]) -> list[tuple[list[str], bool]]:
        """The rules of each row, and whether it is marked."""
        rows = [(row.get("protected_by", []), row) for row in found["outcome"]]
        rows += [(row["rules"], row) for row in found["difference"]]
        rows += [([], row) for row in found["guarantees"]]
        return [(list(names), "contradicted" in row) for names, row in rows]

    certain = replayed()
    assert COUNTS_NOT_CERTAIN not in certain["msg"]
    assert NOT_CERTAIN not in certain["msg"]
    assert not any(is_marked for _names, is_marked in marked(certain))
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    found = replayed()
    assert COUNTS_NOT_CERTAIN in found["msg"]
    assert [names for names, _is_marked in marked(found)] == [names for names, _is_marked in marked(certain)]
    assert all(is_marked is (not names or "Partners" in names) for names, is_marked in marked(found))
    assert found["msg"].count(NOT_CERTAIN) == len(found["difference"]) + len(found["guarantees"]) > 1


def test_a_suggestion_is_not_certain_while_a_test_message_contradicts() -> None:
    file = KeptRecord()
    file.write(observations_document("contoso.onmicrosoft.com", []))
    asked = {"guarantees": [{**GUARANTEE, "unless": {}}], "suggest": True}
    certain = looked_at(file, **asked)
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    found = looked_at(file, **asked)
    assert certain["suggestions"]
    assert not any("contradicted" in row for row in certain["suggestions"])
    assert all(row["contradicted"] for row in found["suggestions"])
    assert NOT_CERTAIN in found["msg"]


def test_a_record_that_is_read_again_ends_no_later_contradiction() -> None:
    earlier = (TODAY - datetime.timedelta(days=3)).isoformat()
    for fates, agrees in ((ACTED, True), (MISSED, False)):
        file = KeptRecord()
        experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
        later = file.read()["contradictions"]
        session = session_with(LOGGED)
        (guid,) = (rule["Guid"] for rule in session.edit("Get-TransportRule"))
        mailboxes = Mailboxes(session, {PARTNER: {"rules": dict.fromkeys(fates["acting"], guid)}})
        record = KeptRecord()
        people = {"senders": [SENDER], "recipients": [INSIDE, PARTNER], "messages": [message()]}
        run(session, mailboxes, record, **people, fail_on_error=False)
        document = dict(record.read())
        document["messages"] = [{**each, "sent_at": f"{earlier}T08:00:00+00:00"} for each in document["messages"]]
        again = KeptRecord([json.dumps(document)])
        options: dict[str, Any] = {"read_only": True, "observations": "seen.json", "fail_on_error": False}
        run(session, mailboxes, again, others={"seen.json": file}, **options)
        kept = file.read()["contradictions"]
        assert [each for each in kept if each["seen"] == TODAY.isoformat()] == later
        assert len(kept) == (1 if agrees else 2)


def test_a_contradiction_counts_while_its_rules_are_as_they_were() -> None:
    file = KeptRecord()
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    assert verdict(file, LOGGED, UNCLASSIFIED) == "unknown"
    changed = {**LOGGED, "actions": {**LOGGED["actions"], "set_audit_severity": "High"}}
    assert verdict(file, changed) == "proved"
    row = file.read()["contradictions"][0]
    old = {**file.read(), "contradictions": [{**row, "seen": (TODAY - datetime.timedelta(days=91)).isoformat()}]}
    assert verdict(KeptRecord([json.dumps(old)])) == "proved"


def test_what_agrees_in_less_does_not_end_a_contradiction() -> None:
    clear = b"Content-Type: text/plain\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n\r\nHello"
    session, file = session_with(LOGGED), KeptRecord()
    guids = {rule["Name"]: rule["Guid"] for rule in session.edit("Get-TransportRule")}
    fates = {PARTNER: {"rules": guids}}
    given: dict[str, Any] = {"senders": [SENDER], "recipients": [PARTNER], "messages": [message()]}
    others, kept = {"seen.json": file}, {"observations": "seen.json", "fail_on_error": False}
    run(
        session,
        Mailboxes(session, fates, {PARTNER: clear}),
        KeptRecord(),
        others=others,
        read_copies=True,
        **given,
        **kept,
    )
    assert [row["parts"] for row in file.read()["contradictions"]] == [["protection"]]
    found = run(session, Mailboxes(session, fates), KeptRecord(), others=others, **given, **kept)
    assert found["experiments"][0]["recipients"][PARTNER]["agrees"] is True
    assert len(file.read()["contradictions"]) == 1


@pytest.mark.parametrize(
    "row",
    [{"parts": []}, {"parts": ["odd"]}, {"rules": ["Partners"]}, {"copy": 1}, {"seen": "2999-01-01"}, {"extra": 1}],
    ids=str,
)
def test_contradictions_that_somebody_edited_are_refused(row: dict[str, Any]) -> None:
    file = KeptRecord()
    experiment(**MISSED, file=file, observations="seen.json", fail_on_error=False)
    found = dict(file.read())
    assert observations_of(found, "x")
    found["contradictions"] = [found["contradictions"][0] | row]
    with pytest.raises(OptionError, match="damaged"):
        observations_of(found, "x")


def test_only_contradictions_that_are_known_are_taken() -> None:
    with pytest.raises(OptionError, match="colour"):
        facts_of({"contradicted": [{"rules": [], "parts": ["colour"]}]})
