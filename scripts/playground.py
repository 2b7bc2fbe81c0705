# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves emulated organizations until Ctrl+C, writes an inventory for them, and prints example commands.

All files are in ``build/emulator``. The organizations exist only in this process, so each start creates new ones.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.emulator.captured import captured_state  # noqa: E402 (the checkout must be on the path first)
from tests.emulator.emulator import Emulator  # noqa: E402
from tests.emulator.message_trace import a_week  # noqa: E402
from tests.emulator.organization import State  # noqa: E402
from tests.integration.tenant import inventory  # noqa: E402

DIRECTORY = ROOT / "build/emulator"
NAMES = ("contoso", "fabrikam", "adatum")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make emulator",
        usage='make emulator [EMULATOR_ARGS="..."]',
        description="Serve emulated Exchange organizations.",
    )
    parser.add_argument(
        "--organization",
        action="append",
        default=[],
        metavar="NAME",
        help=f"may be repeated; default: {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--license",
        choices=["none", "ame"],
        default="none",
        help="ame: with Advanced Message Encryption; default: %(default)s",
    )
    parser.add_argument(
        "--lived-in",
        default=None,
        metavar="NAME",
        help="the organization with the rules of real organizations; default: the first",
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def states(names: Sequence[str], lived_in: str, *, licensed: bool) -> list[State]:
    """The organizations: new ones, and one with the rules of real organizations."""
    found = []
    for name in names:
        domain = f"{name}.onmicrosoft.com"
        state = captured_state(domain) if name == lived_in else {"name": domain}
        # Encryption is on, as in an organization that uses it.
        irm = {"AzureRMSLicensingEnabled": True}
        week = a_week([f"AlexW@{domain}", f"MeganB@{domain}"])
        found.append(
            {
                **state,
                "irm_configuration": irm,
                "dehydrated": False,
                "advanced_message_encryption": licensed,
                "message_trace": week,
            }
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the organizations until SIGTERM or SIGINT."""
    given = _arguments(arguments)
    names = [name.partition(".")[0].lower() for name in given.organization] or list(NAMES)
    lived_in = (given.lived_in or names[0]).partition(".")[0].lower()
    if lived_in not in names:
        print(f"--lived-in {lived_in} is not one of the organizations: {', '.join(names)}.", file=sys.stderr)
        return 2
    os.umask(0o077)
    directory: Path = given.directory
    directory.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Emulator(states(names, lived_in, licensed=given.license == "ame"), directory=directory / "files") as emulator:
        described = emulator.describe()
        variables = ("api_url", "authority_url", "compliance_url", "ca_cert")
        addresses = {f"ansible_exchange_{name}": described[name] for name in variables}
        (directory / "inventory.yml").write_text(
            yaml.safe_dump(inventory(emulator, "rest"), sort_keys=False), encoding="utf-8"
        )
        (directory / "addresses.yml").write_text(yaml.safe_dump(addresses), encoding="utf-8")
        (directory / "ansible.cfg").write_text(
            f"[defaults]\ninventory = {directory / 'inventory.yml'}\ncollections_path = {ROOT / 'build/collections'}\nlocalhost_warning = false\n",
            encoding="utf-8",
        )
        print(_told(names, lived_in, given.license, directory), flush=True)
        ended.wait()
    print("\nThe organizations are gone. The files that the playbooks wrote are still there.")
    return 0


def _told(names: Sequence[str], lived_in: str, license_: str, directory: Path) -> str:
    fresh = [name for name in names if name != lived_in]
    kinds = f"{lived_in} has the rules of real organizations" + (
        f"; {' and '.join(fresh)} {'is' if len(fresh) == 1 else 'are'} new" if fresh else ""
    )
    return "\n".join(
        [
            f"{len(names)} organization{'s' if len(names) > 1 else ''}, {'with' if license_ == 'ame' else 'without'} Advanced Message Encryption: "
            f"{kinds}. The inventory: {directory / 'inventory.yml'}",
            "",
            "Run in another terminal:",
            "",
            f"    cd {directory} && . {Path(sys.executable).parent / 'activate'}",
            f"    ansible-playbook m365.message_encryption.audit --limit {lived_in}",
            f"    ansible-playbook m365.message_encryption.baseline --limit {lived_in} --check --diff",
            *(
                [
                    f"    ansible-playbook m365.message_encryption.revoke --limit {lived_in} -e 'ome_message_id=<portal-1@{lived_in}.onmicrosoft.com>'",
                    "",
                ]
                if license_ == "ame"
                else [
                    "",
                    'Branding templates and revocation need Advanced Message Encryption: make emulator EMULATOR_ARGS="--license ame"',
                    "",
                ]
            ),
            "Stay in this folder: its ansible.cfg knows the collection.",
            "Nothing leaves this machine. Press Ctrl+C here to stop the organizations.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
