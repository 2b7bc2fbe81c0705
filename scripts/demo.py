# SPDX-License-Identifier: GPL-3.0-or-later
"""Demonstrates the collection on a realistic emulated organization: test mail, check, apply, apply again, send a
message, audit, roll back.

Uses the playbooks of the installed artifact, and verifies their claims by reading the emulator's state directly. The
emulator runs in this process and ends with it. All output goes to ``build/demo``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.emulator.captured import captured_state  # noqa: E402
from tests.emulator.emulator import Emulator  # noqa: E402 (the checkout must be on the path first)
from tests.emulator.message_trace import a_week  # noqa: E402
from tests.emulator.organization import Organization  # noqa: E402
from tests.integration.tenant import SENT_MAIL, TIMES, inventory, lasting  # noqa: E402

DIRECTORY = ROOT / "build/demo"

#: A message with its expected result, and a guarantee about all mail. Here the rules are only simulated.
MAIL = """\
- name: Test mail
  hosts: exchange_organizations
  gather_facts: false
  tasks:
    - name: Test a message, and prove a guarantee about all mail
      m365.message_encryption.mail_flow_test:
        messages:
          - name: An offer to a customer
            from: megan@contoso.onmicrosoft.com
            authenticated: true
            to: [ann@fabrikam.com]
            subject: Offer
            expect:
              ann@fabrikam.com: {protection: encrypt}
        guarantees:
          - name: No mail leaves the organization unprotected by rules
            when: {from_scope: InOrganization, sent_to_scope: NotInOrganization}
            then: not_in_clear
        fail_on_error: false
      register: mail

    - name: Show the result
      ansible.builtin.debug:
        msg: "{{ mail.msg.splitlines() }}"
"""

#: A message that is sent, from one of the organization to somebody outside and one inside, whose mailbox may be read.
SENT = """\
- name: An offer
  from: meganb@contoso.onmicrosoft.com
  to: [ann@fabrikam.com, alexw@contoso.onmicrosoft.com]
  subject: Offer
  expect:
    ann@fabrikam.com: {protection: encrypt}
"""
EXPERIMENT = {
    "hardened_baseline_experiment": {
        "senders": ["meganb@contoso.onmicrosoft.com"],
        "recipients": ["ann@fabrikam.com", "alexw@contoso.onmicrosoft.com"],
        "read_copies": True,
        "wait": 1,
    },
}

# Those whose mail of a week is in the message trace.
PEOPLE = ["AlexW@contoso.onmicrosoft.com", "MeganB@contoso.onmicrosoft.com"]

# The organization's settings beyond the recommended profile.
WISHES = {"hardened_baseline_encrypt_outgoing": {"template": "Encrypt"}}

State = Any


@dataclass(frozen=True)
class Step:
    """A playbook run, and the check of the organization's state after it.

    :param holds: takes the state at the start, before the step, and after it.
    :param says: text that the run must print.
    :param transports: over which it runs: mail is sent with a credential on the controller.
    """

    title: str
    arguments: list[str]
    proof: str
    holds: Callable[[State, State, State], bool]
    says: str = ""
    transports: tuple[str, ...] = ("rest", "psrp")


def unchanged(first: State, before: State, after: State) -> bool:
    return bool(after == before)


STEPS = [
    Step(
        "Which mail is encrypted today?",
        ["mail.yml"],
        "a message is found that leaves the organization unprotected by rules",
        unchanged,
        "is not guaranteed: mail from",
    ),
    Step(
        "What would the baseline change?",
        ["baseline", "--check", "--diff", "-e", "hardened_baseline_replay_days=7"],
        "nothing was written, and the mail of a week was replayed",
        unchanged,
        "copies are now encrypted",
    ),
    Step(
        "Apply the baseline", ["baseline"], "the organization has changed", lambda first, before, after: after != before
    ),
    Step("Apply it again", ["baseline"], "nothing was written", unchanged),
    Step(
        "Which mail is encrypted now?",
        ["mail.yml"],
        "proved under its assumptions: no mail leaves unprotected by rules",
        unchanged,
        "is guaranteed: no mail",
    ),
    Step(
        "Send a message and see",
        ["experiment", "-e", "@experiment.yml", "-e", "message_encryption_experiment_messages=sent.yml"],
        "a message was sent, Exchange shows of it what was computed, and nothing else was written",
        unchanged,
        "Of 2 copies, 2 agree",
        transports=("rest",),
    ),
    Step(
        "Audit",
        ["audit", "-e", "hardened_baseline_fail_on_drift=true"],
        "no control that it looks at has drifted",
        unchanged,
    ),
    Step(
        "Roll back", ["rollback"], "the organization is as it was at first", lambda first, before, after: after == first
    ),
]


def run(arguments: list[str], transport: str) -> tuple[int, str]:
    """Runs a playbook. Returns its exit status and its output."""
    playbook, *options = arguments
    name = playbook if playbook.endswith(".yml") else f"m365.message_encryption.{playbook}"
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", f"{transport}.yml", name, *options]
    print("$", "ansible-playbook", *command[1:], flush=True)
    said: list[str] = []
    with subprocess.Popen(
        command, cwd=DIRECTORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said.append(line)
    return process.returncode, "".join(said)


def demonstrate(organization: Organization, transport: str) -> tuple[list[str], bool]:
    """Runs the steps over one transport until one fails. Returns a line for each, and whether all passed."""
    lines: list[str] = []
    first = _stored(organization)
    before = first
    for step in [step for step in STEPS if transport in step.transports]:
        print(f"\n=== {step.title} ({transport}) ===", flush=True)
        started = time.monotonic()
        status, said = run(step.arguments, transport)
        after = _stored(organization)
        proved = status == 0 and step.holds(first, before, after) and step.says in said
        before = after
        verdict = f"ok: {step.proof}" if proved else f"FAILED (exit status {status}), expected: {step.proof}"
        lines.append(f"{transport:<4}  {step.title:<34} {time.monotonic() - started:5.1f} s  {verdict}")
        if not proved:
            return lines, False
    return lines, True


def _stored(organization: Organization) -> State:
    """What the organization stores, without its mail."""
    return lasting(organization.dump(), TIMES | SENT_MAIL)


def _opening() -> str:
    steps = "\n".join(f"  {number}. {step.title:<34} {step.proof}" for number, step in enumerate(STEPS, 1))
    return (
        "Starts a realistic emulated organization on this machine, and manages it with the real playbooks over two transports:\n"
        f"{steps}\nEach claim is verified in the organization itself. This takes some minutes. Nothing leaves this machine."
    )


def _is_first(page: Path, kind: str) -> bool:
    """Whether a report belongs to a kind of run."""
    (document, *_words) = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    return bool(document["kind"] == kind)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o077)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    (DIRECTORY / "mail.yml").write_text(MAIL, encoding="utf-8")
    (DIRECTORY / "sent.yml").write_text(SENT, encoding="utf-8")
    (DIRECTORY / "experiment.yml").write_text(yaml.safe_dump(EXPERIMENT), encoding="utf-8")
    print(_opening(), flush=True)
    lines: list[str] = []
    # Encryption is on, as in an organization that uses it.
    state = {
        **captured_state(),
        "irm_configuration": {"AzureRMSLicensingEnabled": True},
        "message_trace": a_week(PEOPLE),
        "mail_grants": {"send": [PEOPLE[1]], "read": [PEOPLE[0]]},
    }
    with Emulator([state], directory=DIRECTORY / "emulator") as emulator:
        (organization,) = emulator.organizations.values()
        for transport in ("rest", "psrp"):
            hosts = inventory(emulator, transport)
            hosts["exchange_organizations"]["vars"] = WISHES
            (DIRECTORY / f"{transport}.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
            told, passed = demonstrate(organization, transport)
            lines += told
            if not passed:
                break
        round_trips = emulator.round_trips
    print("\n=== Summary ===", *lines, sep="\n")
    print(f"{round_trips} round trips to the emulator. Open the reports in a browser:")
    for title, kind in (
        ("the plan", "check"),
        ("applied changes", "apply"),
        ("the audit", "audit"),
        ("the rollback", "rollback"),
    ):
        for page in sorted((DIRECTORY / "message_encryption/runs").glob("*/report.html")):
            if _is_first(page, kind):
                print(f"  {title + ':':<18} {page.relative_to(ROOT)}")
                break
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
