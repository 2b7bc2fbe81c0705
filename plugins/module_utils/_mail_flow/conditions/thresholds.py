# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that sizes and levels are over: their evaluation, and their variables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ..model import questions
from ..model.kleene import Truth, opened
from ..model.reason_kinds import ReasonKind
from ..model.sizes import bytes_of
from .formulas import Properties
from .predicate import Atom

#: What has a size, as conditions look at it, to the name of the property.
_SIZED = {"size": "message", "attachments": "attachment"}


def over(size: int, limit: int, kind: ReasonKind) -> Truth:
    """Whether a size is over a limit, both in bytes. At exactly the limit that is open (U23), for a reason of this kind:
    Microsoft's pages disagree.
    """
    return size > limit if size != limit else opened(("size", kind, limit), questions.AT_THE_LIMIT, kind, limit)


def declare_ladder(properties: Properties, sort: str, limits: Sequence[int]) -> None:
    """L14: over the larger is over the smaller.

    :param limits: ascending.
    """
    for limit in limits:
        properties.literals[sort, limit] = properties.circuit.variable((sort, limit))
    for smaller, larger in itertools.pairwise(limits):
        properties.circuit.add(~properties.literals[sort, larger], properties.literals[sort, smaller])


def declare_sizes(properties: Properties, atoms: Sequence[Atom]) -> None:
    """The sizes of messages and of attachments that conditions name. Those in attachments that Exchange cannot read are
    unknown (U30), but ordered all the same.
    """
    sizes: dict[str, set[int]] = {name: set() for name in _SIZED.values()}
    for atom in atoms:
        limit = bytes_of(atom.values)
        if limit is not None:
            sizes[_SIZED[atom.predicate.looks_at]].add(limit)
    of_attachments = sorted(sizes["attachment"])
    declare_ladder(properties, "message", sorted({*sizes["message"], *of_attachments, *properties.sizes}))
    for name in ("attachment", "hidden attachment"):
        declare_ladder(properties, name, of_attachments)
    for name, limit in itertools.product(("attachment", "hidden attachment"), of_attachments):
        # L15: the whole holds the part.
        properties.circuit.add(~properties.literals[name, limit], properties.literals["message", limit])
