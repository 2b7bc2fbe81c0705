# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of an organization and their members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from . import questions
from .kleene import Truth, opened


@dataclass(frozen=True)
class KnownGroups:
    """What is known of groups. If they are given, whoever is not in them is in none.

    :param members: a group's address to its direct members.
    :param unread: addresses that are groups, or may be, and of which nobody knows who gets the mail to them: because
        nobody knows their members, or because nothing tells whether such a group is expanded before the rules (U04).
    """

    members: Mapping[str, tuple[str, ...]] | None = None
    unread: frozenset[str] = frozenset()

    @cached_property
    def expanded(self) -> Mapping[str, tuple[str, ...]]:
        """The groups in whose place rules see their members."""
        return {group: members for group, members in (self.members or {}).items() if group not in self.unread}

    def is_member(self, address: str, group: str) -> Truth:
        """Whether somebody is a member of a group. Only direct membership is documented."""
        if self.members is None or group not in self.members:
            return opened(("member", address, group), questions.A_FACT, "members", group, shared=True)
        if address in self.members[group]:
            return True
        if self.is_nested_member(address, group):
            return opened(
                ("member", address, group), questions.NESTED_GROUPS, "nested_member", address, group, shared=True
            )
        return False

    def is_nested_member(self, address: str, group: str) -> bool:
        """Whether somebody is known to be a member of a group only by being one of a group in it."""
        known = (self.members or {}).get(group)
        return known is not None and address not in known and self._nested.holds(group, address)

    def members_of(self, group: str) -> frozenset[str]:
        """The members of a group, including those of nested groups; empty if the group is unknown."""
        return self._nested.members_of(group)

    @cached_property
    def _nested(self) -> NestedGroups:
        return NestedGroups(self.members or {})


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
        members = set(self._groups.get(group, ()))
        inside = self._groups_in.get(group, 0)
        for inner, bit in self._bits.items() if inside else ():
            if inside & bit:
                members.update(self._groups[inner])
        return frozenset(members)

    def _closure(self) -> dict[str, int]:
        """Group to the groups in it, and in these. Groups may be in each other."""
        inner = {
            group: {member for member in members if member in self._bits} for group, members in self._groups.items()
        }
        within = {group: sum(self._bits[member] for member in members) for group, members in inner.items()}
        changed = True
        while changed:
            before = dict(within)
            for group in reversed(within):
                for member in inner[group]:
                    within[group] |= within[member]
            changed = within != before
        return within
