# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet on one page: a matrix of organizations and controls, the worst organizations first.

A cell contains only a sign, so that thousands of organizations fit into a megabyte. The table works without JavaScript;
the page's script only hides rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from ...module_utils._baseline.documents.report import OrganizationReport, RunReport
from ...module_utils._baseline.documents.status import ControlStatus
from .labels import (
    CONTROL,
    KINDS,
    ORGANIZATION,
    by_name,
    count,
    natural,
    rank,
    visible,
)
from .mail_section import unseen_of_all
from .page import page_of, sign_of

#: The maximum size of all rows in bytes, so that the page stays below a megabyte.
MOST_BYTES = 980_000
#: The maximum length of a name in a row.
_LONGEST_NAME = 60
#: What is said of an organization itself, to the heading of its column. A column that would be empty is left out.
_LABELS = {"ring": "Ring", "profile": "Profile"}
#: Statuses of a control to their tags in a row. A tag takes one byte, a class would take ten.
_TAGS: dict[str, str] = {ControlStatus.NOT_MET: "b", ControlStatus.NOT_ASSESSABLE: "i", ControlStatus.ACCEPTED: "u"}


def render_fleet(report: RunReport) -> str:
    """The report of a run with several organizations as a matrix."""
    return page_of("fleet.html.j2", view_of(report), script="fleet.js")


def view_of(report: RunReport) -> dict[str, Any]:
    """The variables of the page's template."""
    organizations = sorted(report.organizations, key=_worst_first)
    controls = _controls(organizations)
    about = {key: values for key in _LABELS if (values := _values(organizations, key))}
    rows, left_out = _rows(organizations, list(about), list(controls))
    statuses: Counter[str] = Counter(item.status for item in organizations)
    shown = [(word, statuses[status]) for status, word in ORGANIZATION.items() if status in statuses]
    return {
        "kind": KINDS.get(report.kind, report.kind),
        "run": report.run,
        "generated_at": report.generated_at,
        "heading": count(len(organizations), "organization"),
        "statuses": shown,
        "unseen": unseen_of_all(organizations),
        "signs": [(word, _TAGS.get(status)) for status, word in CONTROL.items()],
        "controls": [(id_, title, _open(organizations, id_)) for id_, title in controls.items()],
        "about": [_LABELS[key] for key in about],
        "rows": Markup("\n").join(rows),
        "left": left_out,
        "choices": [
            ("status", "Status", [word.text for word, _number in shown]),
            *((key, _LABELS[key], values) for key, values in about.items()),
            ("control", "Control not met", list(controls)),
        ],
    }


def _worst_first(organization: OrganizationReport) -> tuple[Any, ...]:
    statuses = Counter(control.status for control in organization.controls)
    return (
        rank(ORGANIZATION, organization.status),
        -statuses[ControlStatus.NOT_MET],
        -statuses[ControlStatus.NOT_ASSESSABLE],
        by_name(organization),
    )


def _controls(organizations: Iterable[OrganizationReport]) -> dict[str, str]:
    """The controls of all organizations in order: id to title."""
    titles: dict[str, str] = {}
    for organization in organizations:
        for control in organization.controls:
            titles.setdefault(control.id, control.title)
    return titles


def _open(organizations: Iterable[OrganizationReport], id_: str) -> int:
    """The number of organizations in which a control is not met."""
    return sum(
        control.status is ControlStatus.NOT_MET
        for item in organizations
        for control in item.controls
        if control.id == id_
    )


def _values(organizations: Iterable[OrganizationReport], key: str) -> list[str]:
    return sorted({value for item in organizations if (value := getattr(item, key))}, key=natural)


def _rows(
    organizations: Sequence[OrganizationReport], about: Sequence[str], controls: Sequence[str]
) -> tuple[list[Markup], int]:
    """The rows that fit, and the number of omitted organizations, which are the best ones."""
    rows: list[Markup] = []
    size = 0
    for number, organization in enumerate(organizations):
        row = _row(organization, about, controls)
        size += len(row.encode("utf-8", "backslashreplace")) + 1
        if size > MOST_BYTES:
            return rows, len(organizations) - number
        rows.append(row)
    return rows, 0


def _row(organization: OrganizationReport, about: Sequence[str], controls: Sequence[str]) -> Markup:
    """A row, without the end tags that HTML does not require.

    :param about: the attributes of what is said of the organization itself.
    """
    statuses = {control.id: control.status for control in organization.controls}
    word = ORGANIZATION[organization.status]
    name = visible(organization.shown_name)
    name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    texts = [visible(getattr(organization, key)) for key in about]
    cells = [
        f"<tr><th><bdi>{escape(name)}</bdi>",
        f"<td class={word.tone}>{escape(word.text)}",
        *(f"<td>{escape(text)}" for text in texts),
    ]
    return Markup("".join([*cells, *(_cell(statuses.get(id_)) for id_ in controls)]))  # noqa: S704  every value is escaped


def _cell(status: ControlStatus | None) -> str:
    return f"<td>{sign_of(CONTROL[status], _TAGS.get(status))}" if status else "<td>"
