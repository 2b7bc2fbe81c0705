# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page as a browser shows and prints it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.report import chromium, samples
from tests.unit.report.rendering import render_html
from tests.unit.report.screens import SCREENS

pytestmark = pytest.mark.skipif(
    not chromium.PROGRAM,
    reason="Chromium is not installed (Debian: apt-get install chromium), so no browser has shown the page",
)


@pytest.mark.parametrize(("width", "dark"), SCREENS)
@pytest.mark.parametrize("name", samples.REPORTS)
def test_the_page_fits_and_can_be_read(name: str, width: int, dark: bool, tmp_path: Path) -> None:
    said = chromium.measure(tmp_path, render_html(samples.REPORTS[name]()), width, dark=dark)
    assert said["dark"] is dark
    assert said["inner_width"] == width
    assert said["scroll_width"] <= width
    assert said["wide"] == []
    assert said["texts"] > 50
    # WCAG AA: every text has a contrast of 4.5 to 1 or more.
    assert said["faint"] == []
    # No file, no font, no picture, no script: nothing is asked for.
    assert said["requests"] == []
    assert said["scripts"] == 0
    # The style sheet was let through by the page's own policy.
    assert said["background"] == ("rgb(20, 23, 26)" if dark else "rgb(251, 251, 250)")


def test_who_outside_can_read_what_fits_on_a_desktop_and_on_a_phone(tmp_path: Path) -> None:
    kinds = ("from_inside", "automatic_reply", "forwarded", "with_attachment", "over_25_mb")
    rows = [
        {
            "kind_of_mail": kind,
            "destination": name,
            "protected": "depends",
            "on": ["Encrypt mail to our partners abroad"],
        }
        for kind in kinds
        for name in ("bank.example", "everybody else")
    ]
    page = render_html(
        samples.run("audit", [samples.organization("contoso", overview={"assessed": [], "reach": rows})])
    )
    for width in (1200, 390):
        said = chromium.measure(tmp_path, page, width)
        assert (said["scroll_width"], said["wide"]) == (width, [])


def test_tables_of_numbers_fit_on_a_phone(tmp_path: Path) -> None:
    numbers = {"protected": 1, "not_by_rules": 98_765, "undecided": 0, "not_delivered": 0}
    replay = samples.replay(
        counts={"copies": 98_766, "messages": 98_766, "recipients": 9, "left_out": {}},
        outcome=[{"fate": "delivered", "protection": "none", "copies": 98_766}],
        days=[{"date": "2026-11-28", **numbers}],
        domains=[{"name": "a-rather-long-name.onmicrosoft.com", **numbers}],
    )
    page = render_html(samples.run("audit", [samples.organization("contoso", mail={"replay": replay})]))
    assert "a-rather-long-name" in page
    said = chromium.measure(tmp_path, page, 390)
    assert (said["scroll_width"], said["wide"]) == (390, [])


def test_texts_without_a_space_do_not_widen_the_page(tmp_path: Path) -> None:
    report = samples.check()
    (one,) = report["organizations"]
    one.update(display_name="W" * 300, message="W" * 3000)
    one["changes"][0].update(before="W" * 3000, identity="W" * 300, command="W" * 3000)
    one["findings"] = [{"id": "W" * 200, "text": "W" * 3000, "allow": "hardened_baseline_" + "w" * 300}]
    said = chromium.measure(tmp_path, render_html(report), 390)
    assert said["scroll_width"] <= 390
    assert said["wide"] == []


def test_a_command_is_not_broken_within_an_option(tmp_path: Path) -> None:
    report = samples.check()
    said = chromium.measure(tmp_path, render_html(report), 1280)
    parts = {text: (boxes, height) for text, boxes, height in said["parts"]}
    assert f"-e hardened_baseline_approved_plan=sha256:{1:064x}" in parts
    line = parts["ansible-playbook"][1]
    assert {text for text, (boxes, height) in parts.items() if boxes != 1 or height > line} == set()


def test_the_page_is_printed_on_a4_with_its_details(tmp_path: Path) -> None:
    to = tmp_path / "report.pdf"
    chromium.pdf(tmp_path, render_html(samples.check()), to)
    printed = to.read_bytes()
    assert printed.startswith(b"%PDF-")
    # A4 in points, as Chromium rounds it.
    assert b"/MediaBox [0 0 594.95996 841.91998]" in printed
    assert 4 <= printed.count(b"/Type /Page\n") <= 10
