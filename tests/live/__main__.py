# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the live tests: refuses without the word, asks over each wire, restores, and writes the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import read
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe
from ansible_collections.m365.message_encryption.plugins.modules import message_encryption_state

from .asking import Answers, ask_by_mail, lines_of
from .questions import Answer, Questions
from .session import LiveSession

#: What is written by the questions, and so what has to be as it was.
TOUCHED = ("ome_configurations", "transport_rules")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--organization", default="", help="initial domain or tenant id of a TEST tenant")
    parser.add_argument(
        "--confirm", default="", help="the same again: yes, settings of this organization may be changed and put back"
    )
    parser.add_argument(
        "--variables",
        type=Path,
        help="YAML file with the host's ansible_* variables; credentials may stand in EXCHANGE_* instead",
    )
    parser.add_argument("--wires", default="rest", help="rest, psrp, or rest,psrp")
    parser.add_argument(
        "--mail",
        type=Path,
        help="YAML file: a list of options of mail_flow_experiment, an item for each way of sending, with senders and recipients",
    )
    parser.add_argument("--report", type=Path, default=Path("build/live.md"))
    arguments = parser.parse_args()
    if not arguments.organization or arguments.confirm != arguments.organization:
        print(
            "This changes the default OME configuration of an organization and puts it back, and makes and removes mail flow rules. With MAIL=FILE, it sends\n"
            "test messages between the mailboxes that the file names, and the rules act on these.\n"
            "Only use a tenant that is for tests. To say that it is one, name it twice:\n"
            "    make live ORGANIZATION=contoso.onmicrosoft.com CONFIRM=contoso.onmicrosoft.com",
            file=sys.stderr,
        )
        return 2
    given = yaml.safe_load(arguments.variables.read_text(encoding="utf-8")) if arguments.variables else {}
    lines = [f"# What {arguments.organization} answered", ""]
    asking = yaml.safe_load(arguments.mail.read_text(encoding="utf-8")) if arguments.mail else []
    restored, told = True, None
    for place, wire in enumerate(arguments.wires.split(",")):
        answers, as_before, heard = _over(
            wire,
            {**given, "ansible_exchange_transport": wire, "ansible_exchange_organization": arguments.organization},
            [] if place else asking,
            arguments.report.parent,
        )
        lines += answers
        restored = restored and as_before
        told = heard or told
    _written(arguments.report, [*lines, *lines_of(told)])
    return 0 if restored and not (told and told.problems) else 1


def _written(report: Path, lines: list[str]) -> int:
    """Writes the report."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"The report is in {report}.")
    return 0


def _over(
    wire: str, variables: Mapping[str, Any], asking: Sequence[Mapping[str, Any]], directory: Path
) -> tuple[list[str], bool, Answers | None]:
    """The lines of the report for one wire, whether everything is as it was, and what mail told, if any was sent."""
    lines = [f"## Over {wire}", ""]
    try:
        session = LiveSession(variables)
        before = _state(session)
    except ExchangeError as error:
        print(f"{wire}: {error}", file=sys.stderr)
        return [*lines, f"Not asked: {error}", ""], False, None
    try:
        try:
            answers = Questions(session).ask()
            authorities = str(variables.get("ansible_exchange_ca_cert") or "")
            told = ask_by_mail(session, asking, directory, authorities) if asking else None
        finally:
            # Also where somebody interrupts it.
            restored = _restore(session, before)
        return [*lines, *_table(answers), "", f"Restored: {restored}.", ""], restored == "yes", told
    finally:
        session.close()


def _state(session: LiveSession) -> dict[str, Any]:
    """What can be read of what is touched."""
    organization = read(session, TOUCHED, fresh=True)
    return describe(organization, [subset for subset in TOUCHED if organization.available(subset)])


def _restore(session: LiveSession, before: Mapping[str, Any]) -> str:
    state = {part: before[part] for part in TOUCHED if part in before}
    try:
        message_encryption_state.run(session.task(message_encryption_state.SPEC, state=state))
    except ExchangeError as error:
        print(f"The organization could not be put back: {error}", file=sys.stderr)
        return f"no: {error}"
    return "yes" if _state(session) == before else "no: what is read now differs from what was read at first"


def _table(answers: list[Answer]) -> list[str]:
    rows = [f"| {_cell(row.question)} | {_cell(row.assumed)} | {_cell(row.answer)} |" for row in answers]
    return ["| question | taken for granted | answer |", "|---|---|---|", *rows]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
