# SPDX-License-Identifier: GPL-3.0-or-later
"""The live tests, on an emulated organization: they refuse without the word, ask over both wires, and put everything
back.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_experiments import (
    UNTOLD,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import (
    BY_ID,
    OBSERVABLE,
)

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.mail_flow import MailFlow
from tests.emulator.organization import default_state
from tests.live import __main__
from tests.live import mail as mail_program

from .playbook import COLLECTIONS, ROOT
from .tenant import WIRES

NAME = "contoso.onmicrosoft.com"


def live(*arguments: str, module: Callable[[], int] = __main__.main) -> subprocess.CompletedProcess[str]:
    """What the program ends with and says, without a start of its own."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["live", *arguments]),
        mock.patch.dict(os.environ, {"PATH": "/usr/bin:/bin"}, clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            status = module()
        except SystemExit as end:
            status = end.code
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


@pytest.mark.parametrize(
    "arguments", [["--organization", NAME], ["--organization", NAME, "--confirm", "fabrikam.onmicrosoft.com"]]
)
def test_without_the_word_nothing_happens(arguments: list[str]) -> None:
    done = live(*arguments)
    assert done.returncode == 2
    assert "name it twice" in done.stderr


@pytest.mark.parametrize(
    ("program", "said"), [(["tests.live"], "name it twice"), (["tests.live.mail", "replay"], "--run")]
)
def test_a_program_starts_without_anything_of_the_tests(program: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=ROOT,
        env={"PYTHONPATH": str(COLLECTIONS), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("output", ["bytes", "url"])
def test_everything_is_asked_over_both_wires_and_put_back(tmp_path: Path, output: str) -> None:
    with Emulator([default_state(NAME) | {"image_output": output}], directory=tmp_path / "emulator") as emulator:
        organization = emulator.organizations[NAME]
        emulator.service.edit(
            organization,
            "Set-OMEConfiguration",
            {"Identity": "OME Configuration", "PortalText": "Hello", "BackgroundColor": "red"},
        )
        before = organization.dump()
        described = emulator.describe()
        for wire in ("rest", "psrp"):
            given = WIRES[wire](described, described["organizations"][0])
            (tmp_path / "variables.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
            report = tmp_path / f"{wire}.md"
            done = live(
                "--organization",
                NAME,
                "--confirm",
                NAME,
                "--variables",
                str(tmp_path / "variables.yml"),
                "--wires",
                wire,
                "--report",
                str(report),
            )
            assert done.returncode == 0, done.stderr + report.read_text(encoding="utf-8")
            text = report.read_text(encoding="utf-8")
            assert "Restored: yes." in text
            assert "it ended:" not in text
            assert "| changed, changed, not changed | changed, changed, not changed |" in text
            expected = (
                "Image holds the same bytes" if output == "bytes" else "Image holds nothing; ImageUrl holds an address"
            )
            assert expected in text
            assert "Hello" not in text, "the report shows what the organization has stored"
            after = organization.dump()
            assert after["transport_rules"] == before["transport_rules"] == []
            assert after["ome_configurations"] == before["ome_configurations"]


def test_every_question_that_messages_tell_is_asked_by_mail(tmp_path: Path) -> None:
    people = {name: f"{name}@{NAME}" for name in ("AlexW", "MeganB", "JoanneL")}
    domains = [
        {"DomainName": name, "DomainType": kind, "MatchSubDomains": False}
        for name, kind in ((NAME, "Authoritative"), ("relay.contoso.com", "InternalRelay"))
    ]
    tenant = default_state(NAME) | {
        "advanced_message_encryption": True,
        "irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True},
        "accepted_domains": domains,
        "mail_grants": {"send": [people["AlexW"]], "read": [people["MeganB"]]},
        "answers": {"U03": "at once", "U08": True, "U19": False},
    }
    with Emulator([tenant], directory=tmp_path / "emulator") as emulator:
        described = emulator.describe()
        given = WIRES["rest"](described, described["organizations"][0])
        smtp = described["smtp"]
        asking = [
            {"senders": [people["AlexW"]], "recipients": [people["MeganB"], people["JoanneL"]], "read_copies": True},
            {
                "senders": ["probe@fabrikam.com"],
                "recipients": ["nobody@relay.contoso.com"],
                "send_with": "smtp",
                "smtp_host": "localhost",
                "smtp_port": smtp["port"],
                "smtp_username": smtp["user"],
                "smtp_password": smtp["password"],
            },
        ]
        for name, content in (("variables", given), ("mail", asking)):
            (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        report = tmp_path / "report.md"
        files = ("--variables", str(tmp_path / "variables.yml"), "--mail", str(tmp_path / "mail.yml"))
        done = live("--organization", NAME, "--confirm", NAME, *files, "--report", str(report))
        text = report.read_text(encoding="utf-8")
        assert done.returncode == 0, done.stderr + text
        assert "Restored: yes." in text
        assert emulator.organizations[NAME].dump()["transport_rules"] == []
        (table,) = text.split("| number |")[1:]
        said = {row.split(" | ")[0].strip("| "): row.split(" | ")[2].strip(" |") for row in table.splitlines()[2:]}
        assert said.keys() == BY_ID.keys()
        for number, answer in {"U03": True, "U06": False, "U07": True, "U08": True, "U15": True, "U19": False}.items():
            assert said[number] == OBSERVABLE[number][0 if answer else 1]
        assert "authenticated: true" in said["U22"]
        assert not [number for number in ("U02", "U09", "U11") if not said[number].startswith(("Mail", "Later rules"))]
        kept, _words = json.loads((tmp_path / "observations.json").read_text(encoding="utf-8"))
        assert {row["id"] for row in kept["observations"]} == {"U03", "U06", "U07", "U08", "U15", "U19"}
        assert all(BY_ID[number].settled_by.replace("``", "").rstrip(".") in said[number] for number in UNTOLD)


def test_an_organization_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    done = live("--organization", NAME, "--confirm", NAME, "--report", str(tmp_path / "report.md"))
    assert done.returncode == 1
    why = "no credential is set for this organization. For a first look, set ansible_exchange_device_code: true and sign in with a browser."
    assert f"rest: {why}" in done.stderr
    assert f"Not asked: {why}" in (tmp_path / "report.md").read_text(encoding="utf-8")


ADDRESSES = {
    "sender": "ann@contoso.onmicrosoft.com",
    "inside": "bob@contoso.onmicrosoft.com",
    "second_inside": "cleo@contoso.onmicrosoft.com",
    "outside": "dora@fabrikam.com",
    "forwarding": "eve@contoso.onmicrosoft.com",
}
#: What this emulated Exchange does where nobody knows what the real one does.
OPEN = {"fate": "rejected", "protection": "do_not_forward"}


def mail(*arguments: str) -> subprocess.CompletedProcess[str]:
    return live(*arguments, module=mail_program.main)


def send(organization: dict[str, Any], message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What arrives at each address, in the words that the owner of an organization writes down."""
    known = {
        "accepted_domains": [{"DomainName": NAME}],
        "remote_domains": [],
        "mailboxes": [each for each in ADDRESSES.values() if each.endswith(NAME)],
    }
    whole = {
        "from": message["from"],
        "authenticated": message["from"].endswith(NAME),
        "to": message["to"],
        "subject": message["subject"],
    }
    found = MailFlow(organization["transport_rules"], known).deliver(whole)["recipients"]
    seen = {}
    for address in message["seen"]:
        result = found[address]
        fate = result["fate"].replace("unknown", OPEN["fate"])
        marks = re.findall(r"\[(\w+)\]", result.get("subject", ""))
        protection = {"protected_option_unknown": OPEN["protection"], "unknown": OPEN["protection"]}.get(
            result["protection"], result["protection"]
        )
        seen[address] = {"fate": fate, "protection": protection if fate == "delivered" else None, "marks": marks}
    return seen


def test_experiments_with_mail_are_recorded_as_data(tmp_path: Path, wire: str, engine: Engine | None) -> None:
    with Emulator([default_state(NAME)], directory=tmp_path / "emulator", engine=engine) as emulator:
        organization, described = emulator.organizations[NAME], emulator.describe()
        before = organization.dump()
        variables, addresses = tmp_path / "variables.yml", tmp_path / "addresses.yml"
        variables.write_text(yaml.safe_dump(WIRES[wire](described, described["organizations"][0])), encoding="utf-8")
        addresses.write_text(yaml.safe_dump(ADDRESSES), encoding="utf-8")
        connection = ("--variables", str(variables), "--directory", str(tmp_path))
        assert mail("begin", "--organization", NAME, "--addresses", str(addresses), *connection).returncode == 2, (
            "begin needs the word"
        )
        assert organization.dump() == before
        begun = mail("begin", "--organization", NAME, "--confirm", NAME, "--addresses", str(addresses), *connection)
        assert begun.returncode == 0, begun.stderr
        assert "Left out, since guest is not named: U20" in begun.stdout
        (path,) = tmp_path.glob("????????.yml")
        made = organization.dump()["transport_rules"]
        assert made, "no rule was made"
        assert all(rule["SubjectContainsWords"] and rule["From"] and rule["ExpiryDate"] for rule in made), (
            "a rule could act on other mail, or for ever"
        )
        run = yaml.safe_load(path.read_text(encoding="utf-8"))
        first = run["experiments"][0]["messages"][0]
        first["seen"][ADDRESSES["outside"]] = {"fate": "arrived"}
        path.write_text(yaml.safe_dump(run), encoding="utf-8")
        wrong = mail("end", "--run", str(path), *connection)
        assert wrong.returncode == 2
        assert "fate is 'arrived'. Use one of delivered, rejected" in wrong.stderr
        assert organization.dump()["transport_rules"] == made, (
            "what was written down wrong is mended first, and the rules are there still"
        )
        for experiment in run["experiments"]:
            for message in experiment["messages"]:
                message["seen"] = send({"transport_rules": made}, message)
        run["experiments"][-1]["messages"][0]["seen"] = None
        path.write_text(yaml.safe_dump(run), encoding="utf-8")
        done = mail("end", "--run", str(path), *connection)
        assert done.returncode in (0, 1), done.stderr
        assert (
            "U01 two templates: settled. {outside}: protection is do_not_forward, the simulation does not know"
            in done.stdout
        )
        assert organization.dump()["transport_rules"] == before["transport_rules"]
        record = path.with_suffix(".json")
        text = record.read_text(encoding="utf-8")
        assert not [address for address in (NAME, *ADDRESSES.values()) if address in text], (
            "a record may be shown to others"
        )
        answers = json.loads(text)["answers"]
        assert answers[0] == {
            "experiment": "U01 two templates",
            "question": "Which of two templates does a message get?",
            "message": "two templates",
            "seen": {"{outside}": {"fate": "delivered", "protection": "do_not_forward", "marks": []}},
        }
        assert "B04 one is spared" not in {answer["experiment"] for answer in answers}, "nothing was written down of it"
        again = mail("end", "--run", str(path), *connection)
        assert again.returncode == 2
        assert "Not recorded" in again.stderr


@pytest.mark.parametrize(
    ("experiment", "seen", "status", "line"),
    [
        (
            "B04 one is spared",
            {"{outside}": {"fate": "delivered", "protection": "encrypt", "marks": []}},
            0,
            "B04 one is spared: agreed.",
        ),
        (
            "B04 one is spared",
            {"{inside}": {"fate": "delivered", "protection": "encrypt", "marks": []}},
            1,
            "B04 one is spared: contradicted. {inside}: protection is encrypt, the simulation says none",
        ),
        (
            "U08 stopped in test mode",
            {"{outside}": {"fate": "delivered", "protection": "none", "marks": []}},
            0,
            "U08 stopped in test mode: settled. {outside}: protection is none, the simulation guesses encrypt (U08)",
        ),
        (
            "U20 to a guest",
            {"{guest}": {"fate": "delivered", "protection": "none", "marks": ["inside"]}},
            0,
            "settled. {guest}: mark inside is True, the simulation guesses False (U20)",
        ),
    ],
)
def test_a_record_is_judged_by_the_simulation(
    tmp_path: Path, experiment: str, seen: dict[str, Any], status: int, line: str
) -> None:
    record = tmp_path / "record.json"
    answer = {"experiment": experiment, "question": "", "message": experiment.partition(" ")[2], "seen": seen}
    record.write_text(json.dumps({"format": 1, "recorded_on": "2026-11-25", "answers": [answer]}), encoding="utf-8")
    done = mail("replay", "--run", str(record))
    assert (done.returncode, line in done.stdout) == (status, True), done.stdout + done.stderr


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text("{}", encoding="utf-8")
    done = mail("replay", "--run", str(record))
    assert done.returncode == 2
    assert "not a record of format 1" in done.stderr
