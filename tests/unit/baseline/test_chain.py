# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest snapshot is the chain's end, whatever clocks said; where the chain does not tell, that is said."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot_chain import (
    Link,
    SnapshotChain,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from hypothesis import given
from hypothesis import strategies as st


def chain(*links: tuple[str, str] | tuple[str, str, bool]) -> SnapshotChain:
    return SnapshotChain(Link(f"/snapshots/snapshot-{link[0]}.json", *link) for link in links)


def newest(found: SnapshotChain) -> str:
    link = found.newest()
    return link.id if link else ""


@given(st.integers(1, 30), st.integers(0, 30), st.randoms())
def test_the_end_of_a_line_is_the_newest_whatever_its_names(length: int, rolled_back: int, random: object) -> None:
    ids = [f"{number}" for number in range(length)]
    random.shuffle(ids)  # type: ignore[attr-defined]
    # Rolled back from the end on, as it goes.
    links = [(id_, ids[index - 1] if index else "", length - index <= rolled_back) for index, id_ in enumerate(ids)]
    random.shuffle(links)  # type: ignore[attr-defined]
    found = chain(*links)
    left = ids[: max(0, length - rolled_back)]
    assert newest(found) == (left[-1] if left else "")
    assert found.last().id == ids[-1]  # type: ignore[union-attr]
    assert [link.id for link in found.old_end()] == ids[:-1]
    assert {link.id for link in found.after(ids[0])} == set(ids[1:])


def test_a_cut_old_end_is_a_start() -> None:
    assert newest(chain(("b", "a"), ("c", "b"))) == "c"


def test_a_gap_is_said() -> None:
    with pytest.raises(
        OptionError, match=r"is broken.*snapshot-a\.json, snapshot-c\.json.*hardened_baseline_rollback_snapshot"
    ):
        chain(("a", ""), ("c", "b")).newest()
    # Nobody may take the one before a gap for the newest because the one behind it has been rolled back.
    assert chain(("a", ""), ("c", "b", True)).flaw


def test_a_fork_is_said_until_one_side_is_rolled_back() -> None:
    sides = (("a", ""), ("b", "a"))
    with pytest.raises(OptionError, match=r"is forked: snapshot-b\.json, snapshot-c\.json"):
        chain(*sides, ("c", "a")).newest()
    assert newest(chain(*sides, ("c", "a", True))) == "b"
    assert newest(chain(("a", "", True), ("b", "a", True), ("c", "a", True))) == ""


@pytest.mark.parametrize(
    ("sides", "named", "more"), [(2, 2, ""), (5, 5, ""), (6, 5, " and 1 more"), (9, 5, " and 4 more")]
)
def test_a_fork_names_its_sides_and_asks_which_is_meant(sides: int, named: int, more: str) -> None:
    with pytest.raises(OptionError) as refusal:
        chain(("a", ""), *((f"b{number}", "a") for number in range(sides))).newest()
    names = ", ".join(f"snapshot-b{number}.json" for number in range(named))
    assert (
        refusal.value.message
        == f"The chain of snapshots is forked: {names}{more} have no successor, so the newest snapshot is uncertain."
    )
    assert refusal.value.remedy == "To choose the snapshot, set hardened_baseline_rollback_snapshot: <file>."


def test_a_new_one_follows_what_can_still_be_gone_back_to() -> None:
    assert chain().last() is None
    assert chain(("a", ""), ("b", "a", True), ("c", "a")).last().id == "c"  # type: ignore[union-attr]
