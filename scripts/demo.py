# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the collection's whole job on an emulated organization that looks like real ones: check, apply, apply again, audit, roll back.

The playbooks are those of the installed artifact. What they claim is proved by looking into the emulator, past the
collection. The emulator lives in this process, so it ends with it, however that happens. What the run leaves lies in
``build/demo``.
"""

from __future__ import annotations

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
from tests.emulator.organization import Organization  # noqa: E402
from tests.integration.tenant import inventory  # noqa: E402

DIRECTORY = ROOT / "build/demo"
# When something was last changed is not put back by a rollback.
VOLATILE = {"WhenChanged", "WhenCreated"}

# What the organization wants beyond the recommended profile.
WISHES = {"hardened_baseline_encrypt_outgoing": {"template": "Encrypt"}}

State = Any


@dataclass(frozen=True)
class Step:
    """A playbook run, and what the organization must be like afterwards, given the states at first and before the step."""

    title: str
    arguments: list[str]
    proof: str
    holds: Callable[[State, State, State], bool]


STEPS = [
    Step("What would the baseline change?", ["baseline", "--check", "--diff"], "nothing was written", lambda first, before, after: after == before),
    Step("Apply the baseline", ["baseline"], "the organization has changed", lambda first, before, after: after != before),
    Step("Apply it again", ["baseline"], "nothing was written", lambda first, before, after: after == before),
    Step("Audit", ["audit", "-e", "hardened_baseline_fail_on_drift=true"], "every control is met", lambda first, before, after: after == before),
    Step("Roll back", ["rollback"], "the organization is as it was at first", lambda first, before, after: after == first),
]


def lasting(state: State) -> State:
    if isinstance(state, dict):
        return {key: lasting(value) for key, value in state.items() if key not in VOLATILE}
    return [lasting(value) for value in state] if isinstance(state, list) else state


def run(arguments: list[str], transport: str) -> int:
    playbook, *options = arguments
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", f"{transport}.yml", f"m365.message_encryption.{playbook}", *options]
    print("$", "ansible-playbook", *command[1:], flush=True)
    return subprocess.run(command, cwd=DIRECTORY, stdin=subprocess.DEVNULL, check=False).returncode


def demonstrate(organization: Organization, transport: str) -> tuple[list[str], bool]:
    """Runs the steps over one wire up to the first that fails. Returns a line about each, and whether all have passed."""
    lines: list[str] = []
    first = lasting(organization.dump())
    before = first
    for step in STEPS:
        print(f"\n=== {step.title} ({transport}) ===", flush=True)
        started = time.monotonic()
        status = run(step.arguments, transport)
        after = lasting(organization.dump())
        proved = status == 0 and step.holds(first, before, after)
        before = after
        verdict = f"ok: {step.proof}" if proved else f"FAILED (exit status {status}), expected: {step.proof}"
        lines.append(f"{transport:<4}  {step.title:<34} {time.monotonic() - started:5.1f} s  {verdict}")
        if not proved:
            return lines, False
    return lines, True


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o077)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    lines: list[str] = []
    with Emulator([captured_state()], directory=DIRECTORY / "emulator") as emulator:
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
    newest = (DIRECTORY / "message_encryption/latest").read_text(encoding="ascii").strip()
    print(f"{round_trips} round trips to {organization.name}. The report: {DIRECTORY.relative_to(ROOT)}/message_encryption/runs/{newest}/report.html")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
