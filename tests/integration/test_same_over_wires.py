# SPDX-License-Identifier: GPL-3.0-or-later
"""The same playbook gives the same results over every wire, value by value: this is where the wires are compared.

Its stories: reading, checking, writing, a value of each kind, an image, a refusal, a lost answer, a write that does not
arrive, rules and their order. Other integration tests run over ``rest``, and ``tests/unit/transports/test_seam.py``
gives the calls of a second run, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.organization import default_state
from tests.stories import TASKS

from .playbook import Run
from .tenant import MADE_ANEW, lasting, tenant

_NAME = "contoso.onmicrosoft.com"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _comparable(value: Any) -> Any:
    """A result without what may differ: GUIDs that the service draws, times, how the session was opened, and the
    tenant's id, which not every one shows.
    """
    if isinstance(value, dict):
        return {
            key: _comparable(item)
            for key, item in value.items()
            if key not in ("connection", "round_trip_ms", "tenant_id", "msg", "invocation")
        }
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return _GUID.sub("guid", value) if isinstance(value, str) else value


#: Writes of which the answer is lost, or which is not carried out. Each is the only one of its cmdlet in a play.
_FAULTS = [
    {"kind": "garbled", "cmdlet": "Set-MobileDeviceMailboxPolicy"},
    {"kind": "silent_noop", "cmdlet": "Set-OwaMailboxPolicy"},
]
#: In a check nothing is written, then everything.
_PLAYS = ("check", "run")


def _told(
    home: Path, wire: str, engine: Engine | None, names: Sequence[str] = _PLAYS
) -> tuple[list[Any], list[str], dict[str, Any]]:
    """What each task says over a wire on a fresh organization, the writes that arrived, and what the organization
    stores in the end.
    """
    tasks = [
        {
            "name": str(number),
            **{f"m365.message_encryption.{module}": options for module, options in task.items()},
            "ignore_errors": True,
        }
        for number, task in enumerate(TASKS)
    ]
    with Emulator(
        [{"name": _NAME, "advanced_message_encryption": True}], directory=home / "emulator", engine=engine
    ) as emulator:
        organization = tenant(home, emulator, wire)
        emulator.faults.set(_FAULTS)
        plays = [
            {
                "name": name,
                "hosts": organization.host,
                "gather_facts": False,
                "check_mode": name == "check",
                "tasks": tasks,
            }
            for name in names
        ]
        run: Run = organization.controller.plays(plays, "--diff")
        assert run.rc == 0, run.output
        assert len(run.tasks) == len(names) * len(TASKS)
        assert {strike.kind for strike in emulator.faults.struck} == {fault["kind"] for fault in _FAULTS}
        writes = [call.cmdlet for call in organization.applied]
        return (
            [(f"{result.play} {result.task}", result.outcome, _comparable(result.result)) for result in run],
            writes,
            lasting(organization.state(), MADE_ANEW),
        )


@pytest.fixture(scope="module")
def over_rest(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[str], dict[str, Any]]:
    return _told(tmp_path_factory.mktemp("rest"), "rest", None)


@pytest.mark.long
# Over a management host with a real PowerShell behind it, tests/unit/transports/test_seam.py gives every call.
@pytest.mark.wires("psrp", "powershell", "endpoint")
def test_every_module_says_and_does_the_same(
    tmp_path: Path, over_rest: tuple[Any, Any, Any], wire: str, engine: Engine | None
) -> None:
    # A check makes no call that the run after it does not make.
    (ours, our_writes, our_state), (theirs, their_writes, their_state) = (
        over_rest,
        _told(tmp_path, wire, engine, _PLAYS[1:]),
    )
    expected = [told for told in ours if told[0].startswith("run ")]
    assert [(mine, other) for mine, other in zip(expected, theirs, strict=True) if mine != other] == []
    assert our_writes == their_writes
    assert our_state == their_state


def test_the_stories_have_each_ending(over_rest: tuple[Any, Any, Any]) -> None:
    """Otherwise two wires could agree about nothing."""
    told, writes, _state = over_rest
    outcomes = {name: (outcome, result.get("changed")) for name, outcome, result in told}
    assert {outcome for outcome, _changed in outcomes.values()} == {"ok", "failed"}
    assert {name.partition(" ")[0] for name, (_outcome, changed) in outcomes.items() if changed} >= {"check", "run"}
    assert len(writes) > 12
    (named,) = (result["references"] for _name, _outcome, result in told[len(TASKS) :] if "references" in result)
    assert {row["status"] for row in named} == {"present", "missing", "outside", "unknown"}


def _experimented(home: Path, wire: str, engine: Engine | None) -> dict[str, Any]:
    """What an experiment with mail from outside says over a wire: it reads the organization, rows and details, and what mailboxes
    send on.
    """
    reject = {
        "Name": "Salaries",
        "SubjectContainsWords": ["salary"],
        "RejectMessageReasonText": "Not by mail.",
        "SetAuditSeverity": "Low",
    }
    outside, inside = "probe@fabrikam.com", f"MeganB@{_NAME}"
    rule = {"Name": "Out", "ForwardTo": ['"Home" [SMTP:home@example.com]'], "hidden": True}
    by_alias = {row["alias"]: dict(row) for row in default_state(_NAME)["recipients"]}
    megan, alex = by_alias["MeganB"], by_alias["AlexW"]
    people = [
        megan | {"inbox_rules": [rule], "forwarding_address": alex["name"]},
        alex | {"forwards_to": "alex@example.com"},
    ]
    state = {"name": _NAME, "compliance_role": True, "transport_rules": [reject], "recipients": people}
    with Emulator([state], directory=home / "emulator", engine=engine) as emulator:
        organization, smtp = tenant(home, emulator, wire), emulator.describe()["smtp"]
        messages = [
            {"name": "reply", "from": outside, "to": [inside], "subject": "Re: salary"},
            {"name": "lunch", "from": outside, "to": [inside], "subject": "Lunch"},
        ]
        options = {
            "messages": messages,
            "senders": [outside],
            "recipients": [inside],
            "send_with": "smtp",
            "smtp_host": smtp["host"],
            "smtp_port": smtp["port"],
            "smtp_username": smtp["user"],
            "smtp_password": smtp["password"],
            "record": str(home / "record.json"),
            "wait": 1,
            "may_reach": ["home@example.com", "alex@example.com"],
        }
        # The mail server has the emulator's certificate.
        trusted = {"ansible_exchange_ca_cert": emulator.describe()["ca_cert"]}
        experiment = {"m365.message_encryption.mail_flow_experiment": options, "vars": trusted}
        planned, done = organization.run({**experiment, "check_mode": True}, experiment)
        result = done.result
        return {
            "outcome": done.outcome,
            "forwards": [row["forwards"] for row in planned.result["experiments"]],
            "copies": {row["name"]: _comparable(row["recipients"]) for row in result["experiments"]},
            **{key: result[key] for key in ("sent", "not_sent", "settled", "not_shown", "unavailable")},
        }


@pytest.mark.wires("psrp", "powershell")
def test_an_experiment_sees_the_same(tmp_path: Path, wire: str, engine: Engine | None) -> None:
    over_rest = _experimented(tmp_path / "rest", "rest", None)
    assert over_rest["sent"] == 2
    assert {(row["to"], row["by"]) for row in over_rest["forwards"][0]} == {
        (f"alexw@{_NAME}", "mailbox"),
        ("home@example.com", "inbox_rule"),
        ("alex@example.com", "mailbox"),
    }
    seen = [copies[f"meganb@{_NAME}"]["observed"] for copies in over_rest["copies"].values()]
    assert sorted(each["fate"] for each in seen) == ["delivered", "rejected"]
    assert all(each["evidence"] == ["trace", "detail"] for each in seen)
    assert _experimented(tmp_path / "other", wire, engine) == over_rest
