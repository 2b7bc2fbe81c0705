# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a replay alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._mail_flow.wording.replay import replay_lines
from ...module_utils._mail_flow.wording.replay_row import Remark, replay_or_remark
from .labels import count
from .page import page_of
from .replay_section import replay_section


def render_replay(document: Mapping[str, Any]) -> str:
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
        "replays": [(host, replay_section(replay)) for host, replay in replays],
    }
    return page_of("replay.html.j2", view)
