# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail the sentence of a difference names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    ChangedMail,
    SideEffectsChanged,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.predicate import Atom


def names(found: ChangedMail | SideEffectsChanged, meets: Callable[[str, Any], bool]) -> bool:
    """Whether a sentence names a message, whatever limits it beside conditions.

    :param meets: whether the message meets a condition, given its option and values.
    """

    def true(atom: Atom) -> bool:
        (option,) = atom.predicate.options
        return meets(option, atom.values)

    met = all(true(atom) for each in found.about for atom in each.criteria.conditions)
    why = not found.why or any(map(true, found.why.met)) or not all(map(true, found.why.unmet))
    return met and why and not any(map(true, found.exceptions))
