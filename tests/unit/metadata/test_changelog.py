# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the changelog's entries, and that a release names everything that is new in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROLS

ROOT = Path(__file__).resolve().parents[3]
SUMMARY = "release_summary"
#: What the entry is about, then a sentence: ``mail_flow_test - It sends nothing.``
ENTRY = re.compile(r"[a-z][a-z0-9_/, ]*[a-z0-9] - (?:[A-Z0-9]|``).*\.", re.DOTALL)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


CHANGELOG = load(ROOT / "changelogs/changelog.yaml")
#: The changes of each release, and of each fragment that waits for one.
DOCUMENTS = {
    **{version: release["changes"] for version, release in CHANGELOG["releases"].items()},
    **{path.name: load(path) for path in sorted((ROOT / "changelogs/fragments").glob("*.yml"))},
}


def entries() -> Iterator[tuple[str, str]]:
    """Where an entry is, and the entry."""
    for name, sections in DOCUMENTS.items():
        for section, content in sections.items():
            # "add object.playbook" and its like have no sentences but names and descriptions.
            if section != SUMMARY and not section.startswith("add "):
                yield from ((f"{name}: {section}", entry) for entry in content)


def added(kind: str) -> set[str]:
    """The playbooks or roles that some release or a waiting fragment names as new."""
    released = [
        thing for release in CHANGELOG["releases"].values() for thing in release.get("objects", {}).get(kind, [])
    ]
    waiting = [thing for sections in DOCUMENTS.values() for thing in sections.get(f"add object.{kind}", [])]
    return {thing["name"] for thing in (*released, *waiting)}


def test_an_entry_is_a_name_and_a_sentence() -> None:
    assert [(where, entry) for where, entry in entries() if not ENTRY.fullmatch(entry)] == []


@pytest.mark.parametrize(
    "summary", [pytest.param(sections[SUMMARY], id=name) for name, sections in DOCUMENTS.items() if SUMMARY in sections]
)
def test_a_summary_is_made_of_sentences(summary: str) -> None:
    assert re.fullmatch(r"[A-Z].*\.", summary.strip(), re.DOTALL), summary


@pytest.mark.parametrize(("kind", "pattern"), [("playbook", "playbooks/*.yml"), ("role", "roles/*")])
def test_playbooks_and_roles_are_named(kind: str, pattern: str) -> None:
    """``antsibull-changelog`` finds modules and plugins by itself, these only in fragments. Nobody runs
    see_organizations, which the others import.
    """
    assert added(kind) == {path.stem for path in ROOT.glob(pattern)} - {"see_organizations"}


def test_the_number_of_controls_is_counted() -> None:
    pages = [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "changelogs/changelog.yaml",
        *ROOT.glob("docs/docsite/rst/*.rst"),
    ]
    said = {
        (page.name, number)
        for page in pages
        for number in re.findall(r"\b(\d+) controls\b", page.read_text(encoding="utf-8"))
    }
    assert ("CHANGELOG.md", str(len(CONTROLS))) in said
    assert {number for _page, number in said} == {str(len(CONTROLS))}
