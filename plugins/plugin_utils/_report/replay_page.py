# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a replay alone."""

from __future__ import annotations

from ...module_utils._baseline.documents.replay_report import ReplayReport
from ...module_utils._exchange.document import document_text
from ...module_utils._mail_flow.wording.replay import replay_lines
from ...module_utils._mail_flow.wording.replay_row import NoResultRow, ReplayResultRow
from .labels import count
from .page import page_of
from .replay_section import replay_section


def render_json(report: ReplayReport) -> str:
    """The replays as a JSON document."""
    return document_text(report.as_row())


def render_replay(report: ReplayReport) -> str:
    """The replays as a self-contained page."""
    organizations = report.organizations
    view = {
        "heading": organizations[0].host if len(organizations) == 1 else count(len(organizations), "organization"),
        "several": len(organizations) > 1,
        "generated_at": report.generated_at,
        "lines": [(organization.host, _summary(organization.replay)) for organization in organizations],
        "replays": [(organization.host, replay_section(organization.replay)) for organization in organizations],
    }
    return page_of("replay.html.j2", view)


def _summary(replay: ReplayResultRow) -> str:
    """The first lines of a replay as one, or why there is none."""
    return replay.remark if isinstance(replay, NoResultRow) else " ".join(replay_lines(replay)[:4])
