# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that nobody here declared, as lines that people read. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.foreign_rules import (
    REPORTS,
    STOPS,
    ForeignRule,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import RULE_IDLE
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import idle_words

#: What a rule can do to mail of some rules.
_CAN: Mapping[str, str] = {
    "deletes": "can delete mail of {}",
    "rejects": "can reject mail of {}",
    "redirects": "can redirect mail of {}",
    "quarantines": "can hold mail of {} in quarantine",
    "moderates": "can hold mail of {} for approval",
    "decrypts": "can decrypt mail of {}",
    REPORTS: "can report mail of {} to somebody outside",
    STOPS: "can keep mail from {}",
}
#: What it does at all.
_ACTS: Mapping[str, str] = {
    "deletes": "deletes mail",
    "rejects": "rejects mail",
    "redirects": "redirects mail",
    "quarantines": "holds mail in quarantine",
    "moderates": "holds mail for approval",
    "decrypts": "decrypts mail",
    "encrypts": "encrypts mail",
    REPORTS: "reports mail to somebody outside",
    STOPS: "keeps mail from later rules",
}
#: Rules that a line names.
_NAMED = 3


def foreign_row(found: ForeignRule) -> dict[str, Any]:
    """A rule that is not ours, as results have it: ``name``, ``guid``, ``place``, ``rules``, ``idle`` where it does not
    act, ``acts``, and ``does``, a list of ``what`` it can do and ``mail_of``: to mail of which rules of ours.
    """
    why = RULE_IDLE[found.never] if found.never else " and ".join(starmap(idle_words, found.idle.items()))
    does = [{"what": what, "mail_of": list(names)} for what, names in found.does.items()]
    row = {"name": found.name, "guid": found.guid, "place": found.place, "rules": found.rules}
    return {
        **row,
        **({"idle": why} if why else {}),
        "acts": list(found.acts),
        "does": does,
    }


def foreign_line(row: Mapping[str, Any]) -> str:
    """A rule that is not ours, as a line: where it stands, since when, and what it can do to mail of ours.

    :param row: as :func:`foreign_row` makes it, also with ``since`` and ``changed`` (texts).
    """
    about = [f"{row['place']} of {row['rules']}", *(str(row[key]) for key in ("since", "changed") if row.get(key))]
    said = [_CAN[each["what"]].format(_named(each["mail_of"])) for each in row["does"]] or [
        _ACTS[each] for each in row["acts"]
    ]
    idle_ = f" It {row['idle']}." if row.get("idle") else ""
    return f"{row['name']!r} ({', '.join(about)}){': ' if said else ''}{', '.join(said)}.{idle_}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(map(repr, names[:_NAMED]))}{more}"
