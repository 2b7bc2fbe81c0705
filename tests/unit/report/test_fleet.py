# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of a fleet: worst first, small, readable without its script, and filtered with it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROLS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history import (
    history_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.history_rows import (
    RuleReportRow,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.baseline_action import ring_of
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.history_page import render_history

from tests.unit.report import chromium, samples
from tests.unit.report.rendering import render_fleet, render_lines
from tests.unit.report.screens import SCREENS

needs_chromium = pytest.mark.skipif(
    not chromium.PROGRAM, reason="Chromium is not installed (Debian: apt-get install chromium)"
)
MIB = 1024 * 1024
RINGS, PROFILES = ("pilot", "broad"), ("recommended", "restrictive")


def fleet(number: int) -> dict[str, Any]:
    report = samples.many(number)
    for place, organization in enumerate(report["organizations"]):
        organization.update(ring=RINGS[place % 2], profile=PROFILES[place % 4 // 2])
    return report


def rows(page: str) -> list[list[str]]:
    """The cells of the rows of the page, as text."""
    (body,) = re.findall(r"<tbody>\n(.*?)\n</tbody>", page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.split(r"<t[hd][^>]*>", row)[1:]]
        for row in body.split("\n")
    ]


def test_each_cell_is_what_the_report_says_of_it() -> None:
    report = fleet(60)
    page = render_fleet(report)
    (head,) = re.findall(r"<thead>\n<tr>(.*?)\n", page)
    ids = re.findall(r"<abbr[^>]*>([^<]*)</abbr>", head)
    assert ids == [control["id"] for control in report["organizations"][0]["controls"]]
    signs = {
        "met": "✓",
        "not met": "≠",
        "not assessable": "?",
        "accepted exception": "◇",
        "unmanaged": "○",
        "not applicable": "⊘",
    }
    expected = {
        organization["display_name"]: [
            organization["ring"],
            organization["profile"],
            *(signs[control["status"]] for control in organization["controls"]),
        ]
        for organization in report["organizations"]
    }
    assert {name: cells for name, _status, *cells in rows(page)} == expected


def test_the_worst_come_first() -> None:
    found = rows(render_fleet(fleet(200)))
    order = ["Refused", "Failed", "Drift", "Not assessable", "Changed", "Met"]
    assert [order.index(row[1]) for row in found] == sorted(order.index(row[1]) for row in found)
    drifted = [row.count("≠") for row in found if row[1] == "Drift"]
    assert drifted == sorted(drifted, reverse=True)


def test_numbers_in_names_and_rings_count_as_numbers() -> None:
    report = fleet(20)
    for place, organization in enumerate(report["organizations"]):
        organization.update(
            host=f"org{place}",
            display_name="Contoso" if place % 2 else f"Tenant {place}",
            ring=str(place),
            status="met",
            controls=[],
        )
    assert [row[2] for row in rows(render_fleet(report))] == [*map(str, range(1, 20, 2)), *map(str, range(0, 20, 2))]
    assert re.findall(r"<option>(\d+)", render_fleet(report)) == [*map(str, range(20))]


def test_thousands_of_digits_are_no_number() -> None:
    report = fleet(2)
    report["organizations"][0]["display_name"] = "9" * 10_000
    assert len(rows(render_fleet(report))) == 2


@pytest.mark.parametrize("number", [1000, 5000])
def test_thousands_of_organizations_fit_into_a_megabyte(number: int) -> None:
    page = render_fleet(fleet(number))
    assert len(page.encode()) < MIB
    assert len(rows(page)) == number


def test_what_does_not_fit_is_of_the_best_and_is_counted() -> None:
    page = render_fleet(fleet(8000))
    assert len(page.encode()) < MIB
    found = rows(page)
    assert {row[1] for row in found} >= {"Refused", "Not assessable", "Drift", "Met"}
    assert found[-1][1] == "Met"
    assert f"{8000 - len(found):,} more organizations, none worse than the last row, are in report.json." in page


def test_texts_of_a_tenant_stay_texts() -> None:
    report = fleet(2)
    report["organizations"][0].update(
        display_name="<script>alert(1)</script>\u202e" + "x" * 200, ring="</td><b>", profile="&amp;\n</tbody>"
    )
    page = render_fleet(report)
    assert page.count("<script") == 1
    assert "<b></" not in page
    (row,) = [row for row in rows(page) if "alert" in row[0]]
    assert row[0].startswith("<script>alert(1)</script>[U+202E]")
    assert row[0].endswith("x…")
    assert len(row[0]) == 60


def test_an_organization_of_which_nothing_is_known_has_a_row() -> None:
    report = fleet(2)
    report["organizations"][0] = samples.unread("gone", message="x")
    assert next(row[:2] for row in rows(render_fleet(report))) == ["gone", "Not assessable"]


def test_lines_for_a_data_store_have_ring_and_profile() -> None:
    lines = [json.loads(line)[0] for line in render_lines(fleet(4)).splitlines()]
    assert {(line["ring"], line["profile"]) for line in lines} == {
        ("pilot", "recommended"),
        ("broad", "recommended"),
        ("pilot", "restrictive"),
        ("broad", "restrictive"),
    }


@pytest.mark.parametrize(
    ("hosts", "rings", "expected"),
    [
        (20, [1, "10%", "100%"], [1, 2, 2, *[3] * 17]),
        (5, [2], [1, 1, 2, 2, 3]),
        (3, ["1%"], [1, 2, 3]),
        (3, ["100%"], [1, 1, 1]),
    ],
)
def test_the_ring_of_a_host_is_the_batch_of_its_play(hosts: int, rings: list[Any], expected: list[int]) -> None:
    assert [ring_of(place, hosts, rings) for place in range(hosts)] == expected


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_the_page_fits_and_can_be_read(width: int, dark: bool, tmp_path: Path) -> None:
    said = chromium.measure(tmp_path, render_fleet(fleet(100)), width, dark=dark)
    # Only the matrix is wider than a phone, and it scrolls within itself.
    assert said["scroll_width"] <= width
    assert said["faint"] == []
    assert said["requests"] == []
    assert said["background"] == ("rgb(20, 23, 26)" if dark else "rgb(251, 251, 250)")


def filtered(tmp_path: Path, **fields: str) -> tuple[str, int]:
    """What the page says, and how many rows it shows, once somebody has filled in its form."""
    (tmp_path / "page.html").write_text(render_fleet(fleet(200)), encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        '<!DOCTYPE html><meta charset="utf-8"><iframe src="page.html"></iframe><pre id="said"></pre><script>'
        "addEventListener('load', () => { const page = document.querySelector('iframe').contentDocument;"
        f"for (const [name, value] of Object.entries({json.dumps(fields)})) page.forms[0].elements[name].value = value;"
        "page.forms[0].dispatchEvent(new Event('input', {bubbles: true}));"
        "const rows = [...page.querySelectorAll('tbody tr')].filter(row => row.checkVisibility());"
        "document.querySelector('#said').textContent = JSON.stringify([page.querySelector('output').textContent, rows.length]); });</script>",
        encoding="utf-8",
    )
    dom = chromium._run(tmp_path, "--virtual-time-budget=10000", "--dump-dom", (tmp_path / "frame.html").as_uri())
    (said,) = re.findall(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    text, number = json.loads(html.unescape(said))
    return text, number


@needs_chromium
@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, lambda row: True),
        ({"name": "ORGANIZATION 00"}, lambda row: "Organization 00" in row[0]),
        ({"status": "Drift", "ring": "broad"}, lambda row: row[1:3] == ["Drift", "broad"]),
        ({"profile": "restrictive", "control": "OME-1"}, lambda row: row[3] == "restrictive" and row[11] == "≠"),
    ],
)
def test_the_script_filters(tmp_path: Path, fields: dict[str, str], matches: Any) -> None:
    expected = sum(map(matches, rows(render_fleet(fleet(200)))))
    assert expected
    assert filtered(tmp_path, **fields) == (f"{expected} of 200 rows", expected)


@needs_chromium
def test_the_matrix_is_printed_whole(tmp_path: Path) -> None:
    to = tmp_path / "fleet.pdf"
    chromium.pdf(tmp_path, render_fleet(fleet(200)), to)
    assert 3 <= to.read_bytes().count(b"/Type /Page\n") <= 9


@needs_chromium
def test_every_control_is_seen_on_a_desktop(tmp_path: Path) -> None:
    report = fleet(30)
    ids = [control.id for control in CONTROLS]
    for place, organization in enumerate(report["organizations"]):
        organization["controls"] = [{**samples.control("IRM-1", "not met"), "id": id_} for id_ in ids]
        organization["display_name"] = f"The {'very ' * 9}long name of organization {place}"
    said = chromium.measure(tmp_path, render_fleet(report), 1280)
    assert (said["scroll_width"], said["wide"]) == (1280, [])


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_the_history_fits(width: int, tmp_path: Path) -> None:
    row = {
        "name": "a-quite-long-subsidiary-name.onmicrosoft.com",
        "host": "contoso",
        "at": "2026-11-28T03:00:00Z",
        "run": "run",
        "guid": "",
        "mode": "Enforce",
        "rule": "Encrypt mail to our partners abroad and to the law firm",
        "window": {"from": "2026-11-27T03:00:00Z", "until": "2026-11-28T03:00:00Z", "complete": True},
        "predicted": {"certain": 12_345, "possible": 67_890},
        "reported": 12_345,
        "comparable": False,
        "contradictions": [],
    }
    page = render_history(replace(history_document([], 0), evidence=(RuleReportRow.from_row(row),) * 4))
    said = chromium.measure(tmp_path, page, width)
    assert (said["scroll_width"], said["wide"]) == (width, [])
