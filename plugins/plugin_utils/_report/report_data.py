# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's report as data: JSON, a table for spreadsheets, and lines for programs that collect events."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...module_utils._baseline.controls.findings import Finding
from ...module_utils._baseline.documents.change import PlannedChange
from ...module_utils._baseline.documents.report import ControlReport, OrganizationReport, RunReport
from ...module_utils._exchange.document import document_line, document_text
from ...module_utils._mail_flow.wording.plans import foreign_line
from .labels import MAIL, as_text, container_text, visible
from .mail_section import GuaranteeCard, MailCard, difference_of, foreign_of, guarantees_of, observed_of, unseen_of


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A row of the table, by its columns.

    :param record: what it is about.
    """

    record: str
    id: str = ""
    title: str = ""
    status: str = ""
    before: Any = None
    after: Any = None
    impact: str = ""
    rollback: str = ""
    command: str = ""
    allow: str = ""
    owner: str = ""
    until: str = ""
    text: str = ""


#: What each row says of the run and the organization that it is from.
_WHOSE = ("run", "organization", "tenant_id", "host")
COLUMNS = (*_WHOSE, *(part.name for part in fields(TableRow)))

#: A spreadsheet takes a cell that begins so as a formula; another list separator or a line break can make a new cell of
#: the rest.
_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20\t\r])")


def _cell(value: Any) -> str:
    """A value as a spreadsheet's cell that can only be text."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple):
        value = container_text(value, functools.partial(json.dumps, ensure_ascii=False))
    elif isinstance(value, bool):
        value = str(value).lower()
    return _FORMULA.sub(r"\1\2'", visible(str(value)))


def _rows(organization: OrganizationReport) -> Iterable[TableRow]:
    yield TableRow(record="organization", status=organization.status, text=organization.message)
    yield from map(_finding_row, organization.findings)
    yield from map(_mail_row, difference_of(organization))
    yield from map(_guarantee_row, guarantees_of(organization))
    for line in observed_of(organization):
        yield TableRow(record="observation", text=line)
    for line in unseen_of(organization):
        yield TableRow(record="unseen", text=line)
    for rule in foreign_of(organization):
        yield TableRow(record="foreign rule", title=rule.name, text=foreign_line(rule))
    for lint in organization.mail.lint:
        yield TableRow(record="lint", id=lint.kind, title=", ".join(lint.rules), text=lint.reason)
    yield from map(_change_row, organization.changes)
    yield from map(_control_row, organization.controls)
    for setting in organization.observed:
        yield TableRow(record="observed", title=setting.title, before=setting.value, text=setting.reason)
    for warning in organization.warnings:
        yield TableRow(record="warning", text=warning)


def _finding_row(finding: Finding) -> TableRow:
    return TableRow(record="finding", id=finding.id, allow=finding.allow, text=finding.text)


def _mail_row(mail: MailCard) -> TableRow:
    ends = dict(mail.ends)
    return TableRow(
        record="mail",
        id=mail.kind,
        title=MAIL[mail.kind].text,
        before=ends.get("Before"),
        after=ends.get("After"),
        text=mail.text,
    )


def _guarantee_row(guarantee: GuaranteeCard) -> TableRow:
    """A guarantee, and why it does not hold."""
    lines = [f"{name}: {as_text(value)}" for name, value in (*guarantee.card, *guarantee.ends)]
    return TableRow(
        record="guarantee",
        title=guarantee.name,
        status=guarantee.verdict,
        before=guarantee.before,
        text="; ".join(filter(None, [*lines, guarantee.open, guarantee.unseen])),
    )


def _change_row(change: PlannedChange) -> TableRow:
    return TableRow(
        record="change",
        id=change.control,
        title=" ".join(filter(None, change.key)),
        status=change.state,
        before=change.before,
        after=change.after,
        impact=change.impact,
        rollback=change.rollback,
        command=change.command,
    )


def _control_row(control: ControlReport) -> TableRow:
    exception = control.exception
    return TableRow(
        record="control",
        id=control.id,
        title=control.title,
        status=control.status,
        before=control.found,
        after=control.wanted,
        owner=exception.owner if exception else "",
        until=exception.until if exception else "",
        text=" ".join(filter(None, [exception.reason if exception else "", *control.findings])),
    )


def render_json(report: RunReport) -> str:
    """The report as a JSON document, which has all of it."""
    return document_text(report.as_row())


def render_csv(report: RunReport) -> str:
    """The report as a table for spreadsheets: one row an organization, finding, class of mail, guarantee, line about what
    is not seen, foreign rule, remark, change, control, observed row and warning.

    Rows end with CR LF, and the first character is a byte order mark, without which Excel takes UTF-8 for something
    else: write it as UTF-8, unchanged. For a control, ``before`` is what was found and ``after`` what is wanted.
    """
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.writer(table, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for organization in report.organizations:
        whose = _whose(report, organization)
        for row in _rows(organization):
            writer.writerow(map(_cell, {**whose, **vars(row)}.values()))
    return table.getvalue()


def _whose(report: RunReport, organization: OrganizationReport) -> dict[str, Any]:
    values = (report.run, organization.shown_name, organization.tenant_id, organization.host)
    return dict(zip(_WHOSE, values, strict=True))


def render_lines(report: RunReport) -> str:
    """The report as JSON lines for programs that collect events: what the table has, whole, one row a line, without
    empty cells.

    A line has the form of every JSON artifact, so that Ansible takes none of it for variables.
    """
    lines = []
    for organization in report.organizations:
        whose = {
            "kind": report.kind,
            "generated_at": report.generated_at,
            "ring": organization.ring,
            "profile": organization.profile,
            **_whose(report, organization),
        }
        for row in _rows(organization):
            cells = {**whose, **vars(row)}
            lines.append(document_line({name: value for name, value in cells.items() if value not in (None, "")}))
    return "".join(lines)
