# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals that are given, used again, and used late, while others change the organization's rules at any time, also
between preflight and write.

The law: an approval is used for the plan of one run, and once, unless it is dated; a refusal writes nothing; a plan
that nothing has happened to is applied; and no mail leaves in clear after a write that was protected before it, unless
the plan did that to this mail when it was approved. What becomes of mail, the emulator says.
"""

from __future__ import annotations

import copy
import random
import tempfile
from dataclasses import dataclass
from typing import Any
from unittest import mock

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from tests.emulator import Organization
from tests.emulator.mail_flow import MailFlow
from tests.unit.baseline.conftest import Role
from tests.unit.emulated_session import EmulatedSession

_DATED = "2999-01-31"
_OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
_ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
_WISHES: tuple[dict[str, Any], ...] = (
    {"encryption_rules": [{"name": "ours", "conditions": _OUT, "actions": _ENCRYPT}]},
    {"encryption_rules": [{"name": "theirs 1", "conditions": _OUT, "actions": _ENCRYPT, "enabled": False}]},
    {
        "encryption_rules": [
            {"name": "ours", "conditions": {**_OUT, "subject_contains_words": ["secret"]}, "actions": _ENCRYPT}
        ]
    },
    {
        "encryption_rules": [
            {
                "name": "ours",
                "conditions": _OUT,
                "exceptions": {"recipient_domain_is": ["partner.example"]},
                "actions": _ENCRYPT,
            }
        ]
    },
)
_PLAIN = {
    "body": "",
    "headers": {},
    "attachments": [],
    "cc": [],
    "bcc": [],
    "protection": {"kind": "none"},
    "date": "2030-03-01T00:00:00Z",
    "authenticated": True,
}
_PROBES = tuple(
    {**_PLAIN, "from": "alexw@contoso.onmicrosoft.com", "to": [f"ann@{domain}"], "subject": subject}
    for domain in ("partner.example", "other.example", "contoso.onmicrosoft.com")
    for subject in ("lunch", "secret", "public")
)


@dataclass
class Approved:
    """A plan that a check made.

    :param loses: the probes that it leaves in clear, as tried on a copy of the organization.
    :param state: the organization then.
    """

    path: str
    digest: str
    wishes: dict[str, Any]
    loses: frozenset[int]
    state: Any
    used: bool = False


def examine(seed: int, steps: int = 8) -> int:
    """One sequence. How many steps there were. An AssertionError says which part of the law was broken."""
    source = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, mock.patch.object(_waiting, "VERIFY_INTERVAL", 0.0):
        role = Role({"advanced_message_encryption": True}, directory)
        role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
        approvals: list[Approved] = []
        for _step in range(steps):
            choice = source.random()
            if choice < 0.3 or not approvals:
                # What a plan lets out is what is approved, so no word may keep it from that.
                approvals += _check(role, {**source.choice(_WISHES), "accept": ["weakened_mail"]})
            elif choice < 0.7:
                _apply(role, source, source.choice(approvals), approvals)
            elif choice < 0.85:
                _somebody(role, source)
            else:
                _roll_back(role)
    return steps


def _in_clear(organization: Organization) -> frozenset[int]:
    """The probes that reach somebody outside, and for certain without protection."""
    stored = organization.dump()
    facts = {
        "accepted_domains": stored["accepted_domains"],
        "remote_domains": stored["remote_domains"],
        "irm_configuration": stored["irm_configuration"],
    }
    flow = MailFlow(stored["transport_rules"], facts)
    clear = set()
    for number, probe in enumerate(_PROBES):
        found = flow.deliver(probe, guesses=())["recipients"][probe["to"][0]]
        if (found["fate"], found.get("protection")) == ("delivered", "none"):
            clear.add(number)
    return frozenset(clear)


def _check(role: Role, wishes: dict[str, Any]) -> list[Approved]:
    """The plan that a check makes; none where it is refused."""
    try:
        planned = role.plan(check=True, **wishes)
    except ExchangeError:
        return []
    with tempfile.TemporaryDirectory() as directory:
        trial = Role(EmulatedSession(Organization(copy.deepcopy(role.session.organization.dump()))), directory)
        before = _in_clear(trial.session.organization)
        trial.run(**wishes)
        loses = _in_clear(trial.session.organization) - before
    return [Approved(planned["plan"], planned["digest"], wishes, loses, role.state())]


def _apply(role: Role, source: random.Random, approved: Approved, approvals: list[Approved]) -> None:
    by_digest, dated, late = source.random() < 0.3, source.random() < 0.3, source.random() < 0.3
    if by_digest:  # It is the newest plan that has it.
        approved = next(each for each in reversed(approvals) if each.digest == approved.digest)
    given = {
        **approved.wishes,
        "approved_plan": approved.digest if by_digest else approved.path,
        **({"approval_valid_until": _DATED} if dated else {}),
    }
    writes, as_approved, was_used = len(role.session.writes), role.state() == approved.state, approved.used
    try:
        planned = role.plan(**given)
        if not planned["pending"]:
            return
        approved.used = True  # by a run that has its snapshot, whether or not it writes
        if late:
            _somebody(role, source)
            as_approved = False
        writes, clear = len(role.session.writes), _in_clear(role.session.organization)
        apply(
            role._task(
                "baseline",
                "recommended",
                given,
                False,
                run_tags=[],
                skip_tags=[],
                snapshot=planned["snapshot"],
                stage="",
            )
        )
    except ExchangeError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert len(role.session.writes) == writes, f"a refusal came after a write: {refusal}"
        assert not as_approved or (was_used and not dated), f"what was approved is refused: {refusal}"
        return
    assert dated or not was_used, "an approval was used twice"
    lost = _in_clear(role.session.organization) - clear
    assert lost <= approved.loses, (
        f"mail leaves in clear, which nobody approved: {[_PROBES[number] for number in sorted(lost - approved.loses)]}"
    )


def _somebody(role: Role, source: random.Random) -> None:
    """Another administrator makes a rule, or removes one."""
    theirs = [
        rule["Name"]
        for rule in role.session.organization.dump()["transport_rules"]
        if rule["Name"].startswith("theirs")
    ]
    if theirs and source.random() < 0.5:
        role.session.edit("Remove-TransportRule", Identity=source.choice(theirs))
        return
    name = f"theirs {next(number for number in range(1, 99) if f'theirs {number}' not in theirs)}"
    encrypts = {
        "FromScope": "InOrganization",
        "SentToScope": "NotInOrganization",
        "ApplyRightsProtectionTemplate": "Encrypt",
    }
    stops = {"SubjectContainsWords": ["public"], "StopRuleProcessing": True, "FromScope": "InOrganization"}
    role.session.edit("New-TransportRule", Name=name, Priority=0, **source.choice([encrypts, encrypts, stops]))


def _roll_back(role: Role) -> None:
    before = len(role.session.writes)
    try:
        role.run("rollback", rollback_force=True)
    except ExchangeError:
        assert len(role.session.writes) == before, "a rollback that is refused wrote"
