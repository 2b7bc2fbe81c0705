# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a table and as test results."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.unit.report import samples
from tests.unit.report.rendering import render_csv, render_junit


def rows(report: dict[str, Any]) -> list[dict[str, str]]:
    text = render_csv(report)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def test_every_record_is_a_row() -> None:
    found = Counter(row["record"] for row in rows(samples.check()))
    assert found == {"organization": 1, "change": 9, "control": len(samples.CONTROLS), "observed": 3, "warning": 1}
    assert Counter(row["record"] for row in rows(samples.refused()))["finding"] == 3
    assert {row["organization"] for row in rows(samples.audit())} == {
        one["display_name"] for one in samples.audit()["organizations"]
    }


def test_a_change_is_complete() -> None:
    (row,) = [row for row in rows(samples.check()) if row["record"] == "change" and row["id"] == "IRM-6"]
    assert (row["before"], row["after"], row["impact"], row["rollback"], row["status"]) == (
        "Optional",
        "Mandatory",
        "rejects",
        "exact",
        "planned",
    )
    assert row["command"] == samples.IRM_COMMAND


def test_an_exception_has_its_owner_and_date() -> None:
    (row,) = [row for row in rows(samples.check()) if row["status"] == "accepted exception"]
    assert (row["owner"], row["until"], row["text"]) == (
        "A. Rossi",
        "2026-12-31",
        "The claims system reads attachments.",
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\n=", "\r\n@", "|", "\uff1d"])
def test_no_cell_is_a_formula(start: str) -> None:
    report = samples.check()
    (one,) = report["organizations"]
    one.update(
        display_name=f"{start}cmd|' /C calc'!A0", message=f"{start}1", warnings=[f"harmless;{start}HYPERLINK(1)"]
    )
    one["changes"][0].update(before=f"{start}1", identity=f"{start}1")
    for row in rows(report):
        for cell in row.values():
            for part in (cell, *cell.split(";")[1:], *cell.splitlines()[1:]):
                assert part.strip()[:1] not in {"=", "+", "-", "@", "|", "%", "\uff1d"}, cell


def suites(report: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(render_junit(report).encode())  # noqa: S314


def test_an_organization_is_a_suite_and_a_control_a_case() -> None:
    root = suites(samples.audit())
    assert len(root) == 12
    cases = {case.attrib["name"]: case for case in root[2]}
    assert cases["OME-1 No sign-in with social accounts"][0].tag == "failure"
    assert "found true, wanted false" in (cases["OME-1 No sign-in with social accounts"][0].text or "")
    assert len(cases["IRM-1 Azure RMS licensing is on"]) == 0
    assert root[6][0][0].tag == "error"
    assert "AADSTS7000215" in root[6][0][0].attrib["message"]


@pytest.mark.parametrize("name", samples.REPORTS)
def test_the_numbers_are_right(name: str) -> None:
    root = suites(samples.REPORTS[name]())
    for element in (root, *root):
        for attribute, tag in {
            "tests": "testcase",
            "failures": "failure",
            "errors": "error",
            "skipped": "skipped",
        }.items():
            assert element.attrib[attribute] == str(len(list(element.iter(tag))))


def test_an_organization_of_a_later_ring_is_skipped() -> None:
    report = samples.applied()
    report["organizations"][0].update(status="not assessable", waits=True)
    assert suites(report)[0][0][0].tag == "skipped"


def test_a_refusal_fails_and_says_what_allows_it() -> None:
    root = suites(samples.refused())
    assert [case.attrib["name"] for case in root[0] if len(case) and case[0].tag == "failure"][:2] == [
        "organization",
        "finding lock-out",
    ]
    assert "allowed by: hardened_baseline_accept: [work_accounts_only]" in (root[0][1][0].text or "")


@pytest.mark.parametrize(
    "poison", ["\x00\x1b\x0b", "\ud800", "\ufffe\uffff", "]]><x/>", '" x="1', "&amp;<!--", "x" * 1_048_576]
)
def test_hostile_texts_leave_valid_xml(poison: str) -> None:
    report = samples.audit()
    report["generated_at"] = poison
    for one in report["organizations"]:
        one.update(display_name=poison, host=poison, message=poison)
        one["findings"] = [{"id": poison, "text": poison, "allow": poison}]
        for control in one["controls"]:
            control.update(
                id=poison, title=poison, status="not met", wanted=[poison], found={poison: poison}, findings=[poison]
            )
    text = render_junit(report)
    root = ElementTree.fromstring(text.encode())  # noqa: S314
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "error"}
