# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sets the two versions of a changed rule apart: the mail that one acts on, and the other does not. Private to the
collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import HEADER
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule


@dataclass(frozen=True)
class Apart:
    """Why a version of a rule does not act on mail that the other version acts on: any of these. Empty if nothing is
    known to set them apart.

    :param met: exceptions of it that the other does not have, each with the values that the other's lack.
    :param unmet: conditions of it that the other does not have.
    """

    met: tuple[Atom, ...] = ()
    unmet: tuple[Atom, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.met or self.unmet)

    @property
    def is_one(self) -> bool:
        """Whether it is one exception."""
        return len(self.met) == 1 and not self.unmet

    @property
    def is_several(self) -> bool:
        """Whether there are several reasons."""
        return len(self.met) + len(self.unmet) > 1


NOTHING = Apart()


def apart(acting: FlowRule, other: FlowRule) -> Apart:
    """What sets a version of a rule apart from the one that acts; empty unless it is only their conditions and
    exceptions.

    :param other: the version that does not act.
    """
    settings = {atom.settings for rule in (acting, other) for atom in (*rule.conditions, *rule.exceptions)}
    if _beside(acting) != _beside(other) or len(settings) > 1:
        return NOTHING
    met = [_beyond(atom, acting.exceptions) for atom in other.exceptions]
    unmet = [atom for atom in other.conditions if not any(_implies(each, atom) for each in acting.conditions)]
    return Apart(tuple(atom for atom in met if atom is not None), tuple(unmet))


def _beside(rule: FlowRule) -> tuple[object, ...]:
    """What decides whether a rule acts beside its conditions and exceptions."""
    return (bool(rule.idle), rule.mode, rule.begins, rule.ends, rule.doubts)


def _beyond(atom: Atom, known: Iterable[Atom]) -> Atom | None:
    """A condition with the values that none of the known ones with the same option has; ``None`` if that leaves none."""
    left = atom
    for each in known:
        if _implies(left, each):
            return None
        if _are_lists(left, each):
            left = replace(left, values=tuple(value for value in left.values if value not in each.values))
    return left


def _implies(one: Atom, other: Atom) -> bool:
    """Whether one condition is met only where another one is, as far as their lists of values tell."""
    if one.predicate is not other.predicate:
        return False
    return one.values == other.values or (_are_lists(one, other) and set(one.values) <= set(other.values))


def _are_lists(one: Atom, other: Atom) -> bool:
    """Whether both have lists of values for the same option, one of which is enough."""
    return one.predicate is other.predicate and one.predicate.slots not in ((), (HEADER,))
