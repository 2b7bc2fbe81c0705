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

from ...module_utils._baseline.documents.status import ControlStatus
from .labels import (
    CONTROL,
    KINDS,
    ORGANIZATION,
    Record,
    by_name,
    count,
    name_of,
    natural,
    rank,
    visible,
    with_mail_read,
    word_for,
)
from .mail_section import unseen_of_all
from .render import page_of, sign_of

#: The maximum size of all rows in bytes, so that the page stays below a megabyte.
MOST_BYTES = 980_000
#: The maximum length of a name in a row.
_LONGEST_NAME = 60
#: What is said of an organization itself, to the heading of its column. A column that would be empty is left out.
_LABELS = {"ring": "Ring", "profile": "Profile"}
#: Statuses of a control to their tags in a row. A tag takes one byte, a class would take ten.
_TAGS: dict[str, str] = {ControlStatus.NOT_MET: "b", ControlStatus.NOT_ASSESSABLE: "i", ControlStatus.ACCEPTED: "u"}


def render_fleet(report: Record) -> str:
    """The report of a run with several organizations as a matrix.

    :param report: the report, format 1.
    """
    return page_of("fleet.html.j2", view_of(with_mail_read(report)), script="fleet.js")


def view_of(report: Record) -> dict[str, Any]:
    """The variables of the page's template."""
    organizations = sorted(report["organizations"], key=_worst_first)
    controls = _controls(organizations)
    about = {key: values for key in _LABELS if (values := _values(organizations, key))}
    rows, left_out = _rows(organizations, list(about), list(controls))
    statuses = Counter(str(item.get("status", "")) for item in organizations)
    kind = str(report.get("kind") or "")
    return {
        "kind": KINDS.get(kind, kind),
        "run": report.get("run"),
        "generated_at": report.get("generated_at"),
        "heading": count(len(organizations), "organization"),
        "statuses": [
            (word_for(ORGANIZATION, status), statuses[status])
            for status in sorted(statuses, key=lambda status: rank(ORGANIZATION, status))
        ],
        "unseen": unseen_of_all(organizations),
        "signs": [(word, _TAGS.get(status)) for status, word in CONTROL.items()],
        "controls": [(id_, title, _open(organizations, id_)) for id_, title in controls.items()],
        "about": [_LABELS[key] for key in about],
        "rows": Markup("\n").join(rows),
        "left": left_out,
        "choices": [
            (
                "status",
                "Status",
                [
                    word_for(ORGANIZATION, status).text
                    for status in sorted(statuses, key=lambda status: rank(ORGANIZATION, status))
                ],
            ),
            *((key, _LABELS[key], values) for key, values in about.items()),
            ("control", "Control not met", list(controls)),
        ],
    }


def _worst_first(organization: Record) -> tuple[Any, ...]:
    statuses = Counter(control.get("status") for control in organization.get("controls") or [])
    return (
        rank(ORGANIZATION, organization.get("status", "")),
        -statuses[ControlStatus.NOT_MET],
        -statuses[ControlStatus.NOT_ASSESSABLE],
        by_name(organization),
    )


def _controls(organizations: Iterable[Record]) -> dict[str, str]:
    """The controls of all organizations in order: id to title."""
    titles: dict[str, str] = {}
    for organization in organizations:
        for control in organization.get("controls") or []:
            titles.setdefault(str(control["id"]), str(control.get("title") or ""))
    return titles


def _open(organizations: Iterable[Record], id_: str) -> int:
    """The number of organizations in which a control is not met."""
    return sum(
        control.get("status") == ControlStatus.NOT_MET
        for item in organizations
        for control in item.get("controls") or []
        if control["id"] == id_
    )


def _values(organizations: Iterable[Record], key: str) -> list[str]:
    return sorted({str(item[key]) for item in organizations if item.get(key)}, key=natural)


def _rows(organizations: Sequence[Record], about: Sequence[str], controls: Sequence[str]) -> tuple[list[Markup], int]:
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


def _row(organization: Record, about: Sequence[str], controls: Sequence[str]) -> Markup:
    """A row, without the end tags that HTML does not require.

    :param about: the keys of what is said of the organization itself.
    """
    statuses = {str(control["id"]): str(control.get("status") or "") for control in organization.get("controls") or []}
    word = word_for(ORGANIZATION, organization.get("status", ""))
    name = visible(name_of(organization))
    name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    texts = [visible(str(organization.get(key) or "")) for key in about]
    cells = [
        f"<tr><th><bdi>{escape(name)}</bdi>",
        f"<td class={word.tone}>{escape(word.text)}",
        *(f"<td>{escape(text)}" for text in texts),
    ]
    return Markup("".join([*cells, *(_cell(statuses.get(id_)) for id_ in controls)]))  # noqa: S704  every value is escaped


def _cell(status: str | None) -> str:
    if status is None:
        return "<td>"
    return f"<td>{sign_of(word_for(CONTROL, status), _TAGS.get(status))}"
