# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of an organization as a chain: each names the one before it.

The newest is the end of the chain, regardless of clocks. If the chain does not show which one that is, a person has to
choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..._exchange.errors import OptionError

_ASK = "To choose the snapshot, set hardened_baseline_rollback_snapshot: <file>."

#: Snapshots that an error names.
_NAMED = 5


@dataclass(frozen=True)
class Link:
    """A snapshot in the chain, from the name of its file.

    :param path: the file.
    :param id: the snapshot.
    :param previous: the ``id`` of the one before it; empty for the first.
    :param rolled_back: whether the organization was restored to it.
    :param approved: the beginning of the digest of the approved plan that its run applied; empty if there was none.
    """

    path: str
    id: str
    previous: str
    rolled_back: bool = False
    approved: str = ""


class SnapshotChain:
    """The snapshots of one organization.

    :param links: in any order.
    """

    def __init__(self, links: Iterable[Link]) -> None:
        # The order of paths only decides which of several is named first.
        self.links: Sequence[Link] = sorted(links, key=lambda link: link.path)

    @cached_property
    def _by_id(self) -> dict[str, Link]:
        return {link.id: link for link in self.links}

    @cached_property
    def _followers(self) -> dict[str, list[Link]]:
        followers: dict[str, list[Link]] = {}
        for link in self.links:
            followers.setdefault(link.previous, []).append(link)
        return followers

    @cached_property
    def starts(self) -> list[Link]:
        """The links whose predecessor does not exist. More than one means that the chain is broken, because retention
        removes only the oldest.
        """
        return [link for link in self.links if link.previous not in self._by_id]

    @cached_property
    def pending(self) -> list[Link]:
        """The links that a rollback can still restore. One that was rolled back does not count once all of its successors
        were rolled back, too.
        """
        gone: set[str] = set()
        for end in _ends(self.links):
            link: Link | None = end
            while (
                link and link.rolled_back and all(follower.id in gone for follower in self._followers.get(link.id, ()))
            ):
                gone.add(link.id)
                link = self._by_id.get(link.previous)
        return [link for link in self.links if link.id not in gone]

    def newest(self) -> Link | None:
        """The newest that has not been rolled back; ``None`` if there is none.

        :raises OptionError: the chain is broken or forked, so that it does not tell.
        """
        if not self.pending:
            return None
        if len(self.starts) > 1:
            names = self._names(self.starts)
            raise OptionError(
                f"The chain of snapshots is broken: predecessors of {names} are missing, so the newest snapshot is uncertain.",
                remedy=_ASK,
            )
        ends = _ends(self.pending)
        if len(ends) != 1:
            raise OptionError(
                f"The chain of snapshots is forked: {self._names(ends)} have no successor, so the newest snapshot is uncertain.",
                remedy=_ASK,
            )
        return ends[0]

    def last(self) -> Link | None:
        """The one that a new snapshot follows."""
        ends = _ends(self.links)
        preferred = [link for link in ends if not link.rolled_back] or ends
        return preferred[-1] if preferred else None

    @property
    def flaw(self) -> str:
        """Why the chain does not show which snapshot is the newest; empty if it does."""
        try:
            self.newest()
        except OptionError as error:
            return error.message
        return ""

    def after(self, id_: str) -> list[Link]:
        """The snapshots that were taken after one, oldest first."""
        followers = list(self._followers.get(id_, ()))
        for link in followers:
            followers += self._followers.get(link.id, ())
        return followers

    def old_end(self) -> list[Link]:
        """The links that can be removed without breaking the chain, oldest first: all up to its end, or up to its first
        fork.
        """
        old: list[Link] = []
        following = self.starts
        while len(following) == 1:
            old += following
            following = self._followers.get(old[-1].id, [])
        return old[:-1]

    @staticmethod
    def _names(links: Sequence[Link]) -> str:
        names = [link.path.rpartition("/")[2] for link in links]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return ", ".join(names[:_NAMED]) + more


def _ends(links: Sequence[Link]) -> list[Link]:
    """The links that have no successor among the links."""
    followed = {link.previous for link in links}
    return [link for link in links if link.id not in followed]


@dataclass(frozen=True)
class TakenApproval:
    """An approval that a run took: its snapshot records it before the first write.

    :param digest: of the approved plan.
    :param planned_by: the run that made the plan; empty if that is not known.
    :param run: the run that took it.
    :param host: the other inventory name of the organization under which it took it; empty if it is this one.
    """

    digest: str
    planned_by: str
    run: str
    host: str = ""

    def is_of(self, digest: str, planned_by: str) -> bool:
        """Whether it covers a plan. If the run that made one of them is unknown, the digest decides."""
        return self.digest == digest and (self.planned_by == planned_by or "" in (planned_by, self.planned_by))
