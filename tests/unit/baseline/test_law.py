# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the role: for any organization and any wishes, the baseline converges, and the rollback leaves what was there before.

Also where the baseline fails at any one of its writes.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.emulator import Organization
from tests.emulator.errors import CmdletError
from tests.unit.emulated_session import WIRES

from .conftest import FAULTS, VOLATILE, FailingSession, Role, lasting

ALLOWED: dict[str, Any] = {
    "accept": [
        "EAS-1",
        "IRM-4",
        "IRM-5",
        "POL-1",
        "POL-2",
        "work_accounts_only",
        "any_sender",
        "unconditional_rule",
        "mail_rejection",
        "blind_transport",
        "irreversible",
    ],
    "remove_created_templates": True,
}
SWITCH = st.sampled_from([True, False, None])
WORDS = st.lists(st.sampled_from(["secret", "Contract", "a b"]), min_size=1, max_size=2, unique=True)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "from_scope": st.sampled_from(["InOrganization", "NotInOrganization"]),
        "sent_to_scope": st.just("NotInOrganization"),
        "subject_contains_words": WORDS,
        "subject_matches_patterns": st.just(["^x+$"]),
    },
)
ACTIONS = st.sampled_from(
    [
        {"apply_rights_protection_template": "Encrypt"},
        {"apply_rights_protection_template": "Do Not Forward"},
        {"remove_ome_v2": True},
        {"prepend_subject": "[x] "},
    ]
)
NAMES = ("one", "two", "three", "four", "Encrypt all outgoing mail")
WANTED_RULE = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES[:4])},
    optional={
        "enabled": st.booleans(),
        "mode": st.sampled_from(["Audit", "Enforce"]),
        "comments": st.sampled_from(["", "theirs"]),
        "conditions": CONDITIONS,
        "exceptions": CONDITIONS,
    },
).flatmap(
    lambda rule: st.one_of(
        ACTIONS.map(lambda actions: {**rule, "actions": actions}),
        st.just({"name": rule["name"], "state": "absent"}),
    )
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("azure_rms_licensing", "internal_licensing", "encrypt_button", "encrypt_only_option", "pdf_encryption"), SWITCH),
        **dict.fromkeys(("decrypt_attachments_for_encrypt_only", "portal_tracking_logs", "social_id_sign_in", "one_time_passcode"), SWITCH),
        "transport_decryption": st.sampled_from(["Mandatory", "Optional", "Disabled", None]),
        "branding": st.sampled_from([None, {"portal_text": "Ours", "email_text": ""}, {"background_color": "#102030"}]),
        "branding_template": st.sampled_from([None, {"name": "week", "external_mail_expiry_in_days": 7}, {"name": "old"}]),
        "mailbox_policies": st.sampled_from(["warn", "enforce", None]),
        "encrypt_outgoing": st.sampled_from([False, {"template": "Do Not Forward"}, {"mode": "Audit", "exceptions": {"subject_contains_words": ["clear"]}}]),
        "encryption_rules": st.lists(WANTED_RULE, max_size=4, unique_by=lambda rule: rule["name"]),
    },
)
STORED_RULE = st.fixed_dictionaries(
    {"Name": st.sampled_from(NAMES), "State": st.sampled_from(["Enabled", "Disabled"]), "Mode": st.sampled_from(["Enforce", "Audit"])},
    optional={
        "Comments": st.just("before"),
        "SubjectContainsWords": WORDS,
        "FromScope": st.just("InOrganization"),
        "ExceptIfSubjectContainsWords": WORDS,
        "StopRuleProcessing": st.just(True),
    },
).flatmap(lambda rule: st.sampled_from([{"ApplyRightsProtectionTemplate": "Encrypt"}, {"PrependSubject": "[y] "}]).map(lambda actions: {**rule, **actions}))
STATES = st.fixed_dictionaries(
    {"advanced_message_encryption": st.just(True), "transport_rules": st.lists(STORED_RULE, max_size=5, unique_by=lambda rule: rule["Name"])},
    optional={
        "irm_configuration": st.fixed_dictionaries(
            {}, optional={name: st.booleans() for name in ("AzureRMSLicensingEnabled", "SimplifiedClientAccessEnabled", "EnablePdfEncryption")}
        ),
        "ome_configurations": st.sampled_from(
            [
                [{"Identity": "OME Configuration", "PortalText": "Theirs"}, {"Identity": "old", "OTPEnabled": False, "SocialIdSignIn": True}],
                [{"Identity": "OME Configuration", "SocialIdSignIn": False, "OTPEnabled": False}],
            ]
        ),
        "owa_mailbox_policies": st.just([{"Name": "OwaMailboxPolicy-Default", "IRMEnabled": False}, {"Name": "second"}]),
    },
)
LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(STATES, WISHES, st.sampled_from(WIRES))
@LAW
def test_baseline_then_rollback_is_nothing(state: dict[str, Any], wishes: dict[str, Any], wire: str) -> None:
    role = Role(state, wire=wire)
    before = role.state()
    try:
        check = role.plan(check=True, **ALLOWED, **wishes)
    except ExchangeError:
        assert role.session.writes == []  # A refusal comes before the first write.
        event("refused")
        return
    assert role.session.writes == []
    result = role.run(**ALLOWED, **wishes)
    assert result["digest"] == check["digest"]
    again = role.plan(**ALLOWED, **wishes)
    assert not again["pending"], role.report["changes"]
    if not result["pending"]:
        assert role.state() == before
        return
    role.run("rollback", remove_created_templates=True)
    assert role.state() == before
    writes = len(role.session.writes)
    assert not role.run("rollback")["pending"]
    assert len(role.session.writes) == writes


@given(STATES, WISHES, st.integers(0, 8), st.sampled_from(FAULTS), st.sampled_from(WIRES), st.booleans())
@settings(LAW, max_examples=120)
def test_what_a_failure_left_is_rolled_back(state: dict[str, Any], wishes: dict[str, Any], fails: int, fault: str, wire: str, at_once: bool) -> None:
    session = FailingSession(state, fails, fault, wire)
    role = Role(session)
    before = role.state()
    try:
        result = role.run(rollback_on_failure=at_once, **ALLOWED, **wishes)
    except ExchangeError:
        if session.fails == fails:
            assert not session.writes  # Refused.
            return
        event(f"{fault}{', and put back at once' if at_once else ''}")
        assert "The rollback failed" not in role.report["message"]
        # Templates that were created stay where nothing says that they shall go: only this removes them.
        if role.artifacts.chain().links:
            role.run("rollback", remove_created_templates=True)
        assert role.state() == before
        return
    session.fails = -1
    if result["pending"]:
        role.run("rollback", remove_created_templates=True)
    assert role.state() == before


def settled(rule: dict[str, Any] | None) -> dict[str, Any]:
    """What others can have set in a rule: its place also follows from those of others."""
    return {key: value for key, value in (rule or {}).items() if key not in VOLATILE and key != "Priority"}


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("Remove-TransportRule"), st.sampled_from(NAMES), st.just({})),
        st.tuples(st.just("Disable-TransportRule"), st.sampled_from(NAMES), st.just({})),
        st.tuples(st.just("Set-TransportRule"), st.sampled_from(NAMES), st.sampled_from([{"Name": "renamed"}, {"Comments": "others"}, {"Priority": 0}])),
        st.tuples(st.just("New-TransportRule"), st.sampled_from(NAMES), st.just({"PrependSubject": "theirs"})),
    ),
    min_size=1,
    max_size=3,
)


@given(STATES, WISHES, EDITS, st.sampled_from(WIRES))
@settings(LAW, max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_rollback_never_undoes_what_others_did_unasked(
    state: dict[str, Any], wishes: dict[str, Any], edits: list[tuple[str, str, dict[str, Any]]], wire: str
) -> None:
    """Either it is refused before any write, or every rule that others touched is still as they left it, but for what the run had changed of it."""
    role = Role(state, wire=wire)
    try:
        if not role.run(**ALLOWED, **wishes)["pending"]:
            return
    except ExchangeError:
        return
    ran = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    for cmdlet, name, parameters in edits:
        with contextlib.suppress(CmdletError):
            role.session.edit(cmdlet, **{"Name" if cmdlet.startswith("New-") else "Identity": name}, **parameters)
    left = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    writes = len(role.session.writes)
    try:
        role.run("rollback", remove_created_templates=True)
    except ExchangeError:
        assert len(role.session.writes) == writes
        event("refused")
        return
    after = {rule["Guid"]: rule for rule in role.session.organization.dump()["transport_rules"]}
    event("rolled back")
    for guid, rule in left.items():
        if guid not in ran:
            assert settled(after.get(guid)) == settled(rule), "a rule that others made was changed or removed"
            continue
        theirs = {key: value for key, value in settled(rule).items() if value != ran[guid].get(key)}
        if theirs:
            assert guid in after, "a rule that others had changed was removed"
            assert {key: after[guid].get(key) for key in theirs} == theirs
    # No rule is there again that others had removed.
    gone = {rule["Name"] for guid, rule in ran.items() if guid not in left}
    assert not {rule["Name"] for guid, rule in after.items() if guid not in left} & gone


@given(STATES, WISHES, st.integers(0, 8))
@settings(LAW, max_examples=25)
def test_a_half_applied_plan_can_be_resumed(state: dict[str, Any], wishes: dict[str, Any], fails: int) -> None:
    session = FailingSession(state, fails)
    role = Role(session)
    try:
        digest = role.plan(check=True, **ALLOWED, **wishes)["digest"]
        role.run(approved_plan=digest, **ALLOWED, **wishes)
    except ExchangeError:
        if not session.writes:
            return
        # Without it an approval counts for one run.
        role.run(approved_plan=digest, approval_valid_until="2999-01-31", **ALLOWED, **wishes)
    assert not role.plan(**ALLOWED, **wishes)["pending"]


@given(STATES, WISHES)
@settings(LAW, max_examples=25)
def test_the_digest_is_the_same_over_every_wire(state: dict[str, Any], wishes: dict[str, Any]) -> None:
    digests = set()
    organization = lasting(Organization(state).dump())
    for wire in WIRES:
        for reorder in (False, True):
            role = Role({**state, "reorder_lists": reorder}, wire=wire)
            try:
                digests.add(role.plan(check=True, **ALLOWED, **wishes)["digest"])
            except ExchangeError as error:
                digests.add(str(error))
    assert len(digests) == 1, organization
