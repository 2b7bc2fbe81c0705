# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have a process: never too many, the one that was idle for the longest gives way, and nobody waits for
ever."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import process_pool_limit
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.process_pool_limit import (
    NobodyWaitsError,
    Places,
)

_DEADLINE = 60


class Owner:
    """An owner that opens a process in its first turn."""

    living: set[str] = set()
    most_at_once = 0
    _lock = threading.Lock()

    def __init__(self, name: str) -> None:
        self.name = name
        self.has_process = False
        self.ended = 0
        self.closing = lambda: None

    def open(self) -> None:
        with self._lock:
            self.has_process = True
            self.living.add(self.name)
            Owner.most_at_once = max(Owner.most_at_once, len(self.living))

    def close(self) -> None:
        self.closing()
        with self._lock:
            self.has_process = False
            self.living.discard(self.name)
            self.ended += 1


@pytest.fixture(autouse=True)
def fresh() -> None:
    Owner.living, Owner.most_at_once = set(), 0


@pytest.fixture(name="places")
def places_fixture(monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(process_pool_limit, "_LOOK", 0.01)
    return Places()


@contextlib.contextmanager
def turn(places: Places, owner: Owner, most: int = 2, said: list[str] | None = None) -> Iterator[None]:
    with places.turn(owner, most, lambda: True, (said if said is not None else []).append):
        owner.open()
        yield


def test_the_one_that_was_idle_for_the_longest_gives_way(places: Places) -> None:
    one, two, three, four = (Owner(name) for name in ("one", "two", "three", "four"))
    for owner in (one, two, one, three):  # one has had a turn after two
        with turn(places, owner):
            pass
    assert [owner.has_process for owner in (one, two, three)] == [True, False, True]
    with turn(places, four):
        pass
    assert [owner.has_process for owner in (one, two, three, four)] == [False, False, True, True]
    assert Owner.most_at_once == 2


def test_who_has_a_turn_keeps_its_process(places: Places) -> None:
    one, two = Owner("one"), Owner("two")
    said: list[str] = []
    entered = threading.Event()

    def wait() -> None:
        with turn(places, two, 1, said):
            entered.set()

    thread = threading.Thread(target=wait)
    with turn(places, one, 1):
        thread.start()
        while not said:
            time.sleep(0.001)
        assert not entered.is_set()
        assert one.has_process
    thread.join(_DEADLINE)
    assert entered.is_set()
    assert "one of 1 PowerShell processes (ansible_exchange_powershell_processes)" in said[0]
    assert said[1].startswith("waited ")
    assert (one.has_process, two.has_process) == (False, True)


def test_a_process_that_has_ended_leaves_its_place(places: Places) -> None:
    one, two = Owner("one"), Owner("two")
    with turn(places, one, 1):
        one.close()
    with turn(places, two, 1):
        pass
    two.close()
    places.owner_ended(two)
    with turn(places, one, 1):
        pass
    assert (one.ended, two.ended) == (1, 1)


def test_the_smallest_number_counts(places: Places) -> None:
    one, two, three = (Owner(name) for name in ("one", "two", "three"))
    for owner in (one, two):
        with turn(places, owner, 3):
            pass
    assert Owner.living == {"one", "two"}
    with turn(places, three, 1):
        assert Owner.living == {"three"}
    with turn(places, one, 5):
        assert Owner.living == {"one"}


def test_nobody_waits_for_a_caller_that_has_gone(places: Places) -> None:
    one, two = Owner("one"), Owner("two")
    with turn(places, one, 1), pytest.raises(NobodyWaitsError), places.turn(two, 1, lambda: False, [].append):
        pytest.fail("it had a turn")
    with turn(places, two, 1):
        pass


def test_an_owner_whose_process_is_being_ended_gets_another(places: Places) -> None:
    """And not the one that ends, nor a second one beside it."""
    one, two = Owner("one"), Owner("two")
    going, go = threading.Event(), threading.Event()

    def closing() -> None:
        going.set()
        go.wait(_DEADLINE)

    one.closing = closing
    with turn(places, one, 1):
        pass

    def use(owner: Owner) -> None:
        with turn(places, owner, 1):
            pass

    threads = [threading.Thread(target=use, args=(owner,)) for owner in (two, one)]
    threads[0].start()
    assert going.wait(_DEADLINE)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(_DEADLINE)
    assert not any(thread.is_alive() for thread in threads)
    assert one.ended == 1
    assert Owner.most_at_once == 1


@pytest.mark.parametrize("seed", range(5))
def test_many_owners_on_few_places(places: Places, seed: int) -> None:
    """Every turn comes, and there are never more processes than places."""
    owners = [Owner(str(number)) for number in range(50)]
    locks = [threading.Lock() for _owner in owners]
    turns: list[int] = []

    def work(number: int) -> None:
        source = random.Random(seed * 1000 + number)
        for _unused in range(40):
            index = source.randrange(len(owners))
            with locks[index], turn(places, owners[index], 4):  # a session makes one call at a time
                turns.append(len(Owner.living))
                if source.random() < 0.1:
                    owners[index].close()  # it died

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_DEADLINE)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    assert len(turns) == 400
    assert Owner.most_at_once == 4
