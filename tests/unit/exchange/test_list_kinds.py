# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of lists, each by itself. They are made in the tests: mutants are switched on only once a test runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import (
    Listing,
    Locations,
    Patterns,
    Recipients,
    Words,
)

LIST = {"type": "list", "elements": "str"}
ATTRIBUTES = ("Department", "CustomAttribute1")


@pytest.mark.parametrize(
    ("make", "spec", "values"),
    [
        (Listing, LIST, {"case": False, "maximum": None, "multivalued": False}),
        (lambda: Listing(choices=("CC", "BCC")), {**LIST, "choices": ["CC", "BCC"]}, {"case": False}),
        (
            lambda: Listing(case=True, maximum=3, multivalued=True),
            LIST,
            {"case": True, "maximum": 3, "multivalued": True},
        ),
        (Words, LIST, {"case": False, "maximum": None, "attributes": ()}),
        (lambda: Words(maximum=3, attributes=ATTRIBUTES), LIST, {"maximum": 3, "attributes": ATTRIBUTES}),
        (Patterns, LIST, {"case": True, "attributes": ()}),
        (lambda: Patterns(attributes=ATTRIBUTES), LIST, {"attributes": ATTRIBUTES}),
        (Recipients, LIST, {"case": False}),
        (Locations, LIST, {"multivalued": True}),
    ],
)
def test_what_ansible_validates_and_what_clears(
    make: Callable[[], Listing], spec: dict[str, Any], values: dict[str, Any]
) -> None:
    kind = make()
    assert kind.spec == spec
    assert kind.cleared == []
    assert {name: getattr(kind, name) for name in values} == values


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        (None, []),
        ([], []),
        (["a", "b"], ["a", "b"]),
        ("a", ["a"]),
        (7, ["7"]),
        (["a", None], ["a", ""]),
        ([None], [""]),
    ],
)
def test_what_exchange_returns_has_one_form(stored: Any, canonical: list[str]) -> None:
    assert Listing().read(stored) == canonical


@pytest.mark.parametrize(("stored", "removed"), [(None, []), ([], []), (["a", "b"], ["a", "b"])])
def test_only_a_property_of_several_values_is_cleared_by_removing_them(stored: Any, removed: list[str]) -> None:
    assert Listing(multivalued=True).clear(stored) == {"Remove": removed}
    assert Listing().clear(stored) is None


def test_order_never_counts_and_case_where_it_does() -> None:
    assert Listing().key(["a", "B"]) == Listing().key(["b", "A"])
    assert (
        Listing(case=True).key(["a", "B"]) == Listing(case=True).key(["B", "a"]) != Listing(case=True).key(["b", "a"])
    )


@pytest.mark.parametrize(
    ("make", "element", "says"),
    [
        (Listing, "", "contains an empty element"),
        (Listing, " ", "contains an empty element"),
        (Listing, " a", "contains ' a': Exchange does not accept leading or trailing spaces"),
        (Listing, "a ", "contains 'a ': Exchange does not accept leading or trailing spaces"),
        (lambda: Words(maximum=3), "four", "contains an element of 4 characters; Exchange accepts at most 3"),
        (Patterns, "", "contains an empty pattern"),
        (
            lambda: Words(attributes=ATTRIBUTES),
            "Departmen:x",
            "contains the unknown attribute 'Departmen' (did you mean Department?)",
        ),
        (
            lambda: Patterns(attributes=ATTRIBUTES),
            "Departmen:x",
            "contains the unknown attribute 'Departmen' (did you mean Department?)",
        ),
        (
            lambda: Words(attributes=ATTRIBUTES),
            "Departmen:x:y",
            "contains the unknown attribute 'Departmen' (did you mean Department?)",
        ),
        (Locations, "ftp://a", "contains 'ftp://a', which is not an absolute URL"),
        (Locations, "https:///x", "contains 'https:///x', which is not an absolute URL"),
        (Locations, "see https://a", "contains 'see https://a', which is not an absolute URL"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(make: Callable[[], Listing], element: str, says: str) -> None:
    with pytest.raises(ValueError, match="contains") as refusal:
        make().parse([element])
    assert str(refusal.value) == says


@pytest.mark.parametrize(
    ("make", "element"),
    [
        (lambda: Words(maximum=3), "abc"),
        # The ones that are known, in any case; what is like none of them; and what is no attribute.
        (lambda: Words(attributes=ATTRIBUTES), "department:x"),
        (lambda: Words(attributes=ATTRIBUTES), "customattribute1:x,y"),
        (lambda: Words(attributes=ATTRIBUTES), "Shoe size:x"),
        (lambda: Words(attributes=ATTRIBUTES), "Departmen"),
        (Words, "Departmen:x"),
        (lambda: Patterns(attributes=ATTRIBUTES), " Department "),
        (Locations, "http://a"),
        (Locations, "HTTPS://A/x"),
        (Recipients, "a@b.com"),
    ],
)
def test_what_can_be_stays_as_it_is(make: Callable[[], Listing], element: str) -> None:
    assert make().parse([element]) == [element]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["https://a/x"], ["HTTPS://A/X"], True),
        (["https://a/x/"], ["https://a/x"], True),
        (["https://a", "https://b"], ["https://b", "https://a"], False),
        (["https://a/X"], ["https://a/"], False),
        (["https://a/\u00df"], ["https://a/SS"], False),
        (["https://a/x"], ["https://a/x", "https://a/x"], False),
    ],
)
def test_urls_have_an_order(one: list[str], other: list[str], same: bool) -> None:
    assert (Locations().key(one) == Locations().key(other)) is same
