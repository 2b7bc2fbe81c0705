# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of rules in the form of a rule's section, as results have them. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import watches_aliases


def section_of(atoms: Iterable[Atom]) -> dict[str, Any]:
    """Conditions as a rule's section has them. If several have one option, the first one's values."""
    found: dict[str, Any] = {}
    for atom in atoms:
        options, values = atom.predicate.options, atom.values
        for option, value in zip(options, values if len(options) > 1 else (values,), strict=True):
            found.setdefault(option, list(value) if isinstance(value, tuple) else value)
    return found


def says_all(atoms: Sequence[Atom]) -> bool:
    """Whether :func:`section_of` says all that these conditions say."""
    given = {(option, atom.values) for atom in atoms for option in atom.predicate.options}
    return all(map(_of_from_field, atoms)) and len(given) == len({option for option, _values in given})


def in_section(rule: FlowRule) -> FlowRule:
    """The rule without conditions about other addresses of a message than those that a section means: primary ones, and
    the From field.
    """
    return replace(
        rule, conditions=tuple(atom for atom in rule.conditions if not watches_aliases(atom) and _of_from_field(atom))
    )


def _of_from_field(atom: Atom) -> bool:
    return atom.settings.location == "Header" or not atom.predicate.of_sender
