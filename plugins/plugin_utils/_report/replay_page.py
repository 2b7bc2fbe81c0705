# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a replay alone. Private to the collection."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import replay_lines
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.render import page_of
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay import shown
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.words import Record, count


def render_replay(document: Record) -> str:
    """The replays of organizations as a self-contained page.

    :param document: format 1: ``organizations``, each with ``host`` and the result of ``mail_flow_replay``, or its
        ``remark``.
    """
    organizations = document["organizations"]
    view = {
        "heading": str(organizations[0]["host"])
        if len(organizations) == 1
        else count(len(organizations), "organization"),
        "several": len(organizations) > 1,
        "generated_at": str(document["generated_at"]),
        "lines": [(row["host"], row.get("remark") or " ".join(replay_lines(row)[:2])) for row in organizations],
        "replays": [(row["host"], shown(row)) for row in organizations],
    }
    return page_of("replay.html.j2", view)
