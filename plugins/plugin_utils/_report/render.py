# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's report as a page, a table and test results.

Everything that came from an organization is hostile: it is shown as text, shortened, with its invisible characters made
visible, and no cell of the table is a formula.
"""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2
from markupsafe import Markup, escape

from ...module_utils._baseline.documents.status import ControlStatus, OrganizationStatus
from ...module_utils._exchange.document import document_line
from ...module_utils._mail_flow.wording.policy import kept_rows
from ...module_utils._mail_flow.wording.replay import replay_lines
from ...module_utils._mail_flow.wording.replay_row import Remark, replay_or_remark
from .labels import (
    ACCEPTED,
    CONTROL,
    EXPIRED,
    IMPACT,
    KINDS,
    MAIL,
    ORGANIZATION,
    ROLLBACK,
    STATE,
    VERDICT,
    Record,
    Word,
    as_line,
    as_text,
    command_parts,
    container_text,
    count,
    name_of,
    part_of,
    visible,
    with_mail_read,
    word_for,
)
from .mail_section import difference_of, foreign_of, guarantees_of, lint_of, observed_of, unseen_of
from .replay_section import shown
from .view import view_of

#: What stands for a setting that one side does not have.
ABSENT = None


def differing(wanted: Any, actual: Any) -> list[tuple[str, Any, Any]]:
    """The settings that differ: the path, what was found, and what is wanted. A setting that one side does not have is
    ``None`` there.

    Lists of objects are compared place by place; one of them that has a name is called by it. Of an object that is to
    be and is not, or the other way round, only that is told.
    """
    return list(_differing("", wanted, actual))


def _differing(path: str, wanted: Any, actual: Any) -> Iterator[tuple[str, Any, Any]]:
    if wanted == actual:
        return
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        is_there, shall_be = actual.get("state"), wanted.get("state")
        if is_there != shall_be and "absent" in (is_there, shall_be):
            yield _joined(path, "state"), is_there, shall_be
            return
        for key in (*wanted, *(key for key in actual if key not in wanted)):
            yield from _differing(_joined(path, str(key)), wanted.get(key, ABSENT), actual.get(key, ABSENT))
    elif _are_objects(wanted) and _are_objects(actual) and len(wanted) == len(actual):
        for place, (one, other) in enumerate(zip(wanted, actual, strict=True), 1):
            yield from _differing(_joined(path, str(one.get("name") or other.get("name") or place)), one, other)
    else:
        yield path, actual, wanted


def _joined(path: str, key: str) -> str:
    return f"{path} > {key}" if path else key


def _are_objects(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(item, Mapping) for item in value)
    )


# The page


def _shown(value: Any) -> Any:
    """A value for the page. Every value passes through here and is then escaped."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else visible(str(value))


def _is_web_address(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value) is not None


_WORDS = {
    "organization": ORGANIZATION,
    "impact": IMPACT,
    "rollback": ROLLBACK,
    "state": STATE,
    "control": CONTROL,
    "mail": MAIL,
    "verdict": VERDICT,
}


def sign_of(word: Word, tag: str | None) -> Markup:
    """The sign of a word, as a cell of a matrix shows it."""
    sign = escape(word.shape)
    return Markup(f"<{tag}>{sign}</{tag}>") if tag else sign  # noqa: S704  the tag is ours


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.tests["web_address"] = _is_web_address
    environment.filters["as_text"] = as_text
    environment.filters["as_line"] = as_line
    environment.filters["command_parts"] = command_parts
    environment.filters["differing"] = differing
    environment.filters["kept_rows"] = kept_rows
    for name, words in _WORDS.items():
        environment.filters[f"{name}_word"] = functools.partial(word_for, words)
    environment.globals.update(expired=EXPIRED, accepted=ACCEPTED, sign=sign_of)
    return environment


_ENVIRONMENT = _environment()
# The page of an organization is compiled when this is imported, which core does before it forks. One worker makes the
# others once a run.
_ENVIRONMENT.get_template("page.html.j2")
_STYLE = _ENVIRONMENT.get_template("page.css").render()


def render_html(report: Record) -> str:
    """The report as one self-contained page: no script, no other file, no network.

    :param report: the report, format 1.
    """
    return page_of("page.html.j2", view_of(with_mail_read(report)))


def page_of(template: str, view: Record, script: str = "") -> str:
    """A page by its template.

    :param view: what it shows, by the names that the template uses.
    :param script: the file of its script; empty if it has none.
    """
    # Only this style sheet and script may take effect: tenant data is untrusted.
    allowed = f"style-src '{_digest(_STYLE)}'"
    code = _ENVIRONMENT.get_template(script).render() if script else ""
    allowed += f"; script-src '{_digest(code)}'" if code else ""
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return _ENVIRONMENT.get_template(template).render(
        view,
        style=Markup(_STYLE),  # noqa: S704  these three are ours
        script=Markup(code),  # noqa: S704
        policy=Markup(policy),  # noqa: S704
    )


def _digest(text: str) -> str:
    """A text of the page as its policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# Tables


COLUMNS = (
    *("run", "organization", "tenant_id", "host", "record", "id", "title", "status", "before", "after"),
    *("impact", "rollback", "command", "allow", "owner", "until", "text"),
)

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


def _rows(organization: Record) -> Iterable[Record]:
    yield {"record": "organization", "status": organization.get("status"), "text": organization.get("message")}
    for finding in part_of("findings")(organization):
        yield {**finding, "record": "finding"}
    for row in difference_of(organization):
        ends = {name.lower(): text for name, text in row["ends"]}
        yield {
            **ends,
            "record": "mail",
            "id": row["kind"],
            "title": MAIL[row["kind"]].text if row["kind"] in MAIL else "",
            "text": row["text"],
        }
    for row in guarantees_of(organization):
        yield {
            "record": "guarantee",
            "title": row["name"],
            "status": row["verdict"],
            "before": row["before"],
            "text": _guarantee_text(row),
        }
    for line in observed_of(organization):
        yield {"record": "observation", "text": line}
    for line in unseen_of(organization):
        yield {"record": "unseen", "text": line}
    for row in foreign_of(organization):
        yield {"record": "foreign rule", "title": row["name"], "text": row["text"]}
    for row in lint_of(organization):
        yield {
            "record": "lint",
            "id": row.get("kind"),
            "title": ", ".join(map(str, row.get("rules") or ())),
            "text": row.get("reason"),
        }
    for change in part_of("changes")(organization):
        title = " ".join(str(change[key]) for key in ("resource", "identity", "option") if change.get(key))
        yield {**change, "record": "change", "id": change.get("control"), "title": title, "status": change.get("state")}
    for control in part_of("controls")(organization):
        exception = control.get("exception") or {}
        texts = [finding.get("text", "") for finding in part_of("findings")(control)]
        about = {
            "before": control.get("found"),
            "after": control.get("wanted"),
            "owner": exception.get("owner"),
            "until": exception.get("until"),
        }
        yield {
            **control,
            **about,
            "record": "control",
            "text": " ".join(filter(None, [exception.get("reason"), *texts])),
        }
    for row in part_of("observed")(organization):
        yield {"record": "observed", "title": row.get("title"), "before": row.get("value"), "text": row.get("reason")}
    for warning in part_of("warnings")(organization):
        yield {**warning, "record": "warning"}


def _guarantee_text(guarantee: Record) -> str:
    """Why a guarantee does not hold, in one cell."""
    lines = [f"{name}: {as_text(value)}" for name, value in (*guarantee["card"], *guarantee["ends"])]
    return "; ".join(filter(None, [*lines, guarantee["open"], guarantee["unseen"]]))


def render_csv(report: Record) -> str:
    """The report as a table for spreadsheets: one row an organization, finding, class of mail, guarantee, line about what
    is not seen, foreign rule, remark, change, control, observed row and warning.

    Rows end with CR LF, and the first character is a byte order mark, without which Excel takes UTF-8 for something
    else: write it as UTF-8, unchanged. For a control, ``before`` is what was found and ``after`` what is wanted.

    :param report: the report, format 1.
    """
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for organization in with_mail_read(report)["organizations"]:
        for row in _rows(organization):
            writer.writerow({key: _cell(value) for key, value in {**row, **_whose(report, organization)}.items()})
    return table.getvalue()


def _whose(report: Record, organization: Record) -> Record:
    return {
        "run": report.get("run"),
        "organization": name_of(organization),
        "tenant_id": organization.get("tenant_id"),
        "host": organization.get("host"),
    }


#: The keys that group the rows of a fleet, besides the organization.
_FLEET = ("ring", "profile")


def render_lines(report: Record) -> str:
    """The report as JSON lines for programs that collect events: what the table has, whole, one row a line.

    A line has the form of every JSON artifact, so that Ansible takes none of it for variables.

    :param report: the report, format 1.
    """
    lines = []
    for organization in with_mail_read(report)["organizations"]:
        for row in _rows(organization):
            values = {
                **row,
                **_whose(report, organization),
                "kind": report.get("kind"),
                "generated_at": report.get("generated_at"),
            }
            values |= {key: organization.get(key) for key in _FLEET}
            lines.append(
                document_line(
                    {
                        key: values[key]
                        for key in ("kind", "generated_at", *_FLEET, *COLUMNS)
                        if values.get(key) not in (None, "")
                    }
                )
            )
    return "".join(lines)


# Test results


def _case(suite: ElementTree.Element, name: str, outcome: str = "", text: str = "") -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=suite.attrib["name"], name=visible(name), time="0")
    if outcome:
        ElementTree.SubElement(case, outcome, message=visible(text.partition("\n")[0])).text = visible(text)


#: What a control's status is as a test's outcome; a control that is met passes.
OUTCOME: dict[str, str] = {
    ControlStatus.NOT_MET: "failure",
    ControlStatus.NOT_ASSESSABLE: "error",
    ControlStatus.ACCEPTED: "skipped",
    ControlStatus.NOT_APPLICABLE: "skipped",
    ControlStatus.UNMANAGED: "skipped",
}


#: What an organization's status is as a test's outcome.
_OUTCOME_OF_ORGANIZATION: dict[str, str] = {
    OrganizationStatus.REFUSED: "failure",
    OrganizationStatus.FAILED: "error",
    OrganizationStatus.NOT_ASSESSABLE: "error",
}


def _suite(suites: ElementTree.Element, organization: Record, generated_at: str) -> None:
    suite = ElementTree.SubElement(suites, "testsuite", name=visible(name_of(organization)), time="0")
    suite.set("hostname", visible(str(organization.get("host") or "")))
    if generated_at:
        suite.set("timestamp", visible(generated_at))
    if unseen := unseen_of(organization):
        properties = ElementTree.SubElement(suite, "properties")
        ElementTree.SubElement(properties, "property", name="unseen", value=" ".join(unseen))
    status = organization.get("status", "")
    outcome = "skipped" if organization.get("waits") else _OUTCOME_OF_ORGANIZATION.get(status, "")
    _case(suite, "organization", outcome, f"{word_for(ORGANIZATION, status).text}: {organization.get('message') or ''}")
    for finding in part_of("findings")(organization):
        _case(
            suite,
            f"finding {finding.get('id', '')}",
            "failure",
            f"{finding.get('text', '')}\nallowed by: {finding.get('allow') or 'nothing'}",
        )
    for control in part_of("controls")(organization):
        name = f"{control.get('id', '')} {control.get('title', '')}"
        _case(suite, name, OUTCOME.get(control.get("status", ""), ""), _control_text(control))
    _sum(suite, suite)


def _control_text(control: Record) -> str:
    """The status of a control, why it is accepted, and where it is not met, what was found."""
    status, exception = control.get("status"), control.get("exception")
    text = f"{status}: {exception.get('reason') or ''}" if exception else str(status)
    if status not in (ControlStatus.NOT_MET, ControlStatus.NOT_ASSESSABLE):
        return text
    lines = [str(finding.get("text", "")) for finding in part_of("findings")(control)]
    for path, actual, wanted in differing(control.get("wanted"), control.get("found")):
        lines.append(f"{path}{': ' if path else ''}found {as_text(actual)}, wanted {as_text(wanted)}")
    return "\n".join([text, *lines])


def _sum(element: ElementTree.Element, within: ElementTree.Element) -> None:
    for attribute, tag in {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        element.set(attribute, str(sum(1 for _unused in within.iter(tag))))


def render_junit(report: Record) -> str:
    """The report as JUnit XML: a suite an organization, a case a control. Not met and refused fail, what could not be
    read is an error.

    :param report: the report, format 1.
    """
    suites = ElementTree.Element(
        "testsuites", name=f"Message Encryption: {KINDS.get(report.get('kind', ''), '')}", time="0"
    )
    for organization in with_mail_read(report)["organizations"]:
        _suite(suites, organization, str(report.get("generated_at") or ""))
    _sum(suites, suites)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def render_replay(document: Record) -> str:
    """The replays of organizations as a self-contained page.

    :param document: format 1: ``organizations``, each with ``host`` and the result of ``mail_flow_replay``, or its
        ``remark``.
    """
    replays = [
        (str(row["host"]), replay_or_remark({key: part for key, part in row.items() if key != "host"}))
        for row in document["organizations"]
    ]
    view = {
        "heading": replays[0][0] if len(replays) == 1 else count(len(replays), "organization"),
        "several": len(replays) > 1,
        "generated_at": str(document["generated_at"]),
        "lines": [
            (host, replay.remark if isinstance(replay, Remark) else " ".join(replay_lines(replay)[:4]))
            for host, replay in replays
        ],
        "replays": [(host, shown(replay)) for host, replay in replays],
    }
    return page_of("replay.html.j2", view)
