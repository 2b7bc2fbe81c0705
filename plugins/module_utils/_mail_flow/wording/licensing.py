# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warning that rules are to encrypt while licensing is off. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import PlanWarning, warning

#: Rules that the warning names.
_NAMED = 5


def licensing_warnings(
    off: str, rules: Sequence[str], remedy: str = "m365.message_encryption.irm_configuration turns it on."
) -> list[PlanWarning]:
    """The warning; nothing where licensing is on, or no rule encrypts.

    :param off: the licensing settings that are off.
    :param rules: the names of the rules that encrypt.
    :param remedy: what turns licensing on, as a sentence.
    """
    if not off or not rules:
        return []
    more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
    shown = ", ".join(map(repr, rules[:_NAMED]))
    text = f"{off} is false while rules encrypt ({shown}{more}): what happens to their mail is unknown (U28). {remedy}"
    return [warning("licensing_off", text, settings=off, rules=list(rules))]
