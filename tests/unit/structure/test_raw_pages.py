# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides read well where the repository shows them as they are: without roles and directives that only Sphinx knows, and each link leads to
a file and a heading that is there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
#: What docutils knows without Sphinx.
DIRECTIVES = {"code-block", "contents", "image", "list-table"}


def headings(page: Path) -> set[str]:
    found = re.findall(r"^(\S.*)\n([=~^-])\2+$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") for title, _line in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_needs_no_sphinx(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r":[a-z]+:`[^`]*`", text) == []
    assert set(re.findall(r"^ *\.\. ([a-z-]+)::", text, re.MULTILINE)) <= DIRECTIVES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"`[^`<]+<([\w/]+\.rst)(?:#([^>]+))?>`__", page.read_text(encoding="utf-8"))
    wrong = [
        f"{file}#{heading}"
        for file, heading in links
        if not (page.parent / file).exists() or (heading and heading not in headings(page.parent / file))
    ]
    assert wrong == []


def test_the_links_of_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_readme_has_the_order_of_certified_content() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Description",
        "Requirements",
        "Installation",
        "Use cases",
        "Testing",
        "Contributing",
        "Support",
        "Release notes",
        "Related information",
        "License",
    ]
    testing = text.partition("## Testing\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"[.!?](?:\s|$)", testing)) == 3
    first_screen = "\n".join(text.splitlines()[:24])
    assert "Why not a script?" in first_screen
    assert "Not tried on a production tenant yet" in first_screen
    assert text.count("ansible-galaxy collection install m365.message_encryption") == 1
