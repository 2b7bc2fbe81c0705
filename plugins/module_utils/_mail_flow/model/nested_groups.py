# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups in groups: whose members are in which. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping


class NestedGroups:
    """The groups that are in others. Each pair of a group and somebody in a group in it may be too many to be kept, so
    what is kept is a bit for each group that is in another one.

    :param groups: a group's address to its direct members.
    """

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._groups = groups
        inner = dict.fromkeys(member for members in groups.values() for member in members if member in groups)
        self._bits = {group: 1 << place for place, group in enumerate(inner)}
        #: Address to the groups in others that it is a direct member of.
        self._groups_with: dict[str, int] = {}
        for group, bit in self._bits.items():
            for member in groups[group]:
                self._groups_with[member] = self._groups_with.get(member, 0) | bit
        self._groups_in = self._closure()

    def holds(self, group: str, address: str) -> bool:
        """Whether a group in this one, however deep, has somebody as a direct member."""
        return bool(self._groups_in[group] & self._groups_with.get(address, 0))

    def members_of(self, group: str) -> frozenset[str]:
        """The members of a group, including those of nested groups; empty if the group is unknown."""
        found, inside = set(self._groups.get(group, ())), self._groups_in.get(group, 0)
        for inner, bit in self._bits.items() if inside else ():
            if inside & bit:
                found.update(self._groups[inner])
        return frozenset(found)

    def _closure(self) -> dict[str, int]:
        """Group to the groups in it, and in these. Groups may be in each other."""
        inner = {group: {each for each in members if each in self._bits} for group, members in self._groups.items()}
        found = {group: sum(self._bits[each] for each in members) for group, members in inner.items()}
        changed = True
        while changed:
            before = dict(found)
            for group in reversed(found):
                for each in inner[group]:
                    found[group] |= found[each]
            changed = found != before
        return found
