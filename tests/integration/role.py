# SPDX-License-Identifier: GPL-3.0-or-later
"""The role and its playbooks as a user runs them, and what they leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .playbook import Controller, Run

PREFIX = "m365.message_encryption."
ROLE = "m365.message_encryption.hardened_baseline : "


def play(controller: Controller, playbook: str, *arguments: str, rc: int = 0, **variables: Any) -> Run:
    """A playbook of the collection, with the role's variables. No screen shows a task that is skipped."""
    extra = (
        ["-e", json.dumps({f"hardened_baseline_{name}": value for name, value in variables.items()})]
        if variables
        else []
    )
    run = controller.playbook(PREFIX + playbook, *arguments, *extra)
    assert run.rc == rc, run.output
    assert "skipping" not in run.stdout
    assert [task for task in run if task.outcome == "skipped"] == []
    return run


def artifacts(controller: Controller) -> Path:
    return controller.home / "message_encryption"


def newest(controller: Controller, procedure: str = "") -> Path:
    """The folder of the newest run, of a procedure where one is named."""
    name = (artifacts(controller) / f"latest{'-' if procedure else ''}{procedure}").read_text(encoding="ascii").strip()
    return artifacts(controller) / "runs" / name


def report(controller: Controller, host: str = "", procedure: str = "") -> dict[str, Any]:
    document: dict[str, Any]
    document, _mark = json.loads((newest(controller, procedure) / host / "report.json").read_text())
    return document


def statuses(controller: Controller) -> dict[str, str]:
    return {organization["host"]: organization["status"] for organization in report(controller)["organizations"]}


def included(entry: str = "main", name: str = "role") -> dict[str, Any]:
    return {
        "name": name,
        "ansible.builtin.include_role": {"name": "m365.message_encryption.hardened_baseline", "tasks_from": entry},
    }
