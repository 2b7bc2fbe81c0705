# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of a run that select controls. A misspelled one must not select everything. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROL
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.suggestions import meant, nearest

#: Ansible's own.
SPECIAL = frozenset({"all", "always", "never", "tagged", "untagged"})
#: Molecule skips these in every run.
_OF_MOLECULE = frozenset({"molecule-notest", "molecule-idempotence-notest", "notest"})

_SHAPE = re.compile(r"[a-z]{3}[-_ ]?\d{1,2}", re.IGNORECASE)
_LIKE_A_CONTROL = re.compile(
    rf"(?:{'|'.join(sorted({id_.partition('-')[0] for id_ in CONTROL}))})\W*_?\d+", re.IGNORECASE
)


def tag_errors(tags: Iterable[str], *, selects: bool, only_controls: bool) -> list[str]:
    """A sentence for each tag that would not select what it names.

    :param selects: whether the procedure has controls; otherwise it takes an organization as a whole, regardless of
        tags.
    :param only_controls: whether every tag has to be a control's: nothing else of the playbook has tags.
    """
    errors = []
    for tag in dict.fromkeys(tags):
        if tag in SPECIAL or tag in _OF_MOLECULE:
            continue
        if tag.upper() in CONTROL:
            if not selects:
                errors.append(f"The tag {tag!r} is a control, and this procedure takes an organization as a whole.")
        elif only_controls or _LIKE_A_CONTROL.fullmatch(tag) or (_SHAPE.fullmatch(tag) and nearest(tag, CONTROL)):
            errors.append(f"The tag {tag!r} is not a control{meant(tag, CONTROL)}")
    return errors
