# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit found of Exchange's reports, and what they have contradicted, as sentences. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Contradiction,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    contradiction_sentence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import number_of


def evidence_headline(found: Mapping[str, Any]) -> str:
    """The evidence of an organization in one sentence.

    :param found: the result of ``mail_flow_evidence``, or why there is none (``remark``).
    """
    if "remark" in found:
        return str(found["remark"])
    compared = [rule for rule in found["rules"] if rule.get("compared")]
    against = [rule["name"] for rule in compared if rule["contradictions"]]
    contradicted = f"of which {', '.join(map(repr, against))} is contradicted" if against else "none contradicted"
    told = [f"{number_of(len(compared), 'rule')} compared, {contradicted}"] if compared else ["no rule compared"]
    left = len(found["rules"]) - len(compared)
    return f"Exchange's reports of {_window(found['window'])}: {'; '.join([*told, *([f'{left:,} not compared'] if left else [])])}."


def contradicted_sentence(row: Mapping[str, Any]) -> str:
    """That Exchange contradicted what is computed of a rule, and no later window has agreed.

    :param row: ``name`` of the rule, ``from`` and ``until`` of the window, and ``contradictions`` as the result of
        ``mail_flow_evidence`` has them.
    """
    found = (Contradiction(each["kind"], each["copies"], tuple(each["ids"])) for each in row["contradictions"])
    said = " ".join(map(contradiction_sentence, found))
    window = f"by its reports since {row['from'][:10]} of the rule {row['name']!r}"
    return f"Exchange contradicted this on {row['until'][:10]}, {window}: {said} No later window agrees."


def reported_line(found: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    """What Exchange reports of a rule, with its dates.

    :param found: the rule in the result of ``mail_flow_evidence``, and :param:`window` the window of the latter.
    """
    return f"Exchange's reports of {_window(window)}: {found['text']}"


def _window(window: Mapping[str, Any]) -> str:
    return f"{window['from'][:10]} to {window['until'][:10]}"
