# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind by itself: what is read from Exchange, what Ansible validates, and what a diff shows."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import (
    Boolean,
    Choice,
    Color,
    Days,
    Flag,
    Image,
    Instant,
    Integer,
    Kind,
    Name,
    RecipientAddress,
    Size,
    StatusCode,
    Text,
)

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    ("make", "stored", "canonical"),
    [
        (lambda: Kind({"type": "str"}, cleared="nothing"), None, "nothing"),
        (lambda: Kind({"type": "str"}, cleared="nothing"), 5, 5),
        (Boolean, None, None),
        (Boolean, True, True),
        (Boolean, False, False),
        (Boolean, "True", True),
        (Boolean, "False", False),
        (Boolean, "", None),
        (Flag, None, False),
        (Flag, "True", True),
        (lambda: Days(1), None, 0),
        (lambda: Days(1), "7.00:00:00", 7),
        (lambda: Choice("InOrganization"), "inorganization", "InOrganization"),
        (lambda: Choice("InOrganization"), "Another", "Another"),
        (lambda: Choice("InOrganization"), "", None),
        (lambda: Choice("InOrganization"), None, None),
        (Text, None, ""),
        (RecipientAddress, None, ""),
        (Color, None, ""),
        (Image, None, ""),
        (StatusCode, None, None),
        (StatusCode, "5.7.1", "5.7.1"),
        (Size, None, None),
        (Size, "", None),
        (Size, "10MB", "10MB"),
        (Instant, None, ""),
        (Instant, "", ""),
        (Instant, "2030-01-31T08:00:00.1234567Z", "2030-01-31T08:00:00Z"),
        (Instant, "2030-01-31T08:00:00+02:00", "2030-01-31T06:00:00Z"),
        (Instant, "2030-01-31T08:00:00", "2030-01-31T08:00:00Z"),
    ],
)
def test_what_exchange_returns_has_one_form(make: Callable[[], Kind], stored: Any, canonical: Any) -> None:
    found = make().read(stored)
    assert found == canonical
    assert type(found) is type(canonical)


@pytest.mark.parametrize(
    ("make", "spec", "cleared"),
    [
        (Boolean, {"type": "bool"}, None),
        (Flag, {"type": "bool"}, False),
        (lambda: Integer(1), {"type": "int"}, None),
        (Text, {"type": "str"}, ""),
        (Name, {"type": "str"}, ""),
        (lambda: Name(clears=False), {"type": "str"}, None),
        (lambda: Choice("a", "b"), {"type": "str", "choices": ["a", "b"]}, None),
        (StatusCode, {"type": "str"}, None),
        (RecipientAddress, {"type": "str"}, ""),
        (Size, {"type": "str"}, None),
        (Instant, {"type": "str"}, ""),
        (Color, {"type": "str"}, ""),
        (Image, {"type": "str"}, ""),
    ],
)
def test_what_ansible_validates_and_what_clears(make: Callable[[], Kind], spec: dict[str, Any], cleared: Any) -> None:
    # Made here and not where the test is collected: mutants are switched on only once a test runs.
    kind = make()
    assert kind.spec == spec
    assert kind.cleared == cleared
    assert type(kind.cleared) is type(cleared)


def test_a_flag_is_cleared_by_false() -> None:
    assert Flag().clear(True) is False


def test_a_name_has_a_maximum() -> None:
    assert Name(3).parse("abc") == "abc"
    with pytest.raises(ValueError, match="has 4 characters; Exchange accepts at most 3"):
        Name(3).parse("abcd")


def test_what_is_no_text_has_no_zone_to_differ_by() -> None:
    assert not Instant().differs_by_a_zone(7, "2030-01-31T08:00:00Z")
    assert not Instant().differs_by_a_zone(None, "2030-01-31T08:00:00Z")


def test_a_diff_shows_what_an_image_is() -> None:
    digest = hashlib.sha256(PNG).hexdigest()
    assert Image().show(base64.b64encode(PNG).decode()) == f"png, 12 bytes, sha256 {digest[:16]}"
    assert Image().show(base64.b64encode(b"text").decode()).startswith("unknown format, 4 bytes")
    assert Image().show("") == ""


def test_a_number_has_bounds() -> None:
    kind = Integer(1, 3)
    assert kind.parse(3) == 3
    for value in (0, 4):
        with pytest.raises(ValueError, match="must be between 1 and 3"):
            kind.parse(value)
    assert Integer(1).parse(10**9) == 10**9
    with pytest.raises(ValueError, match="must be 1 or more, not 0"):
        Integer(1).parse(0)


def test_nothing_has_the_smallest_unit() -> None:
    assert Size().parse("0") == Size().parse("0TB") == "0B"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Caracas"])
def test_the_zone_of_the_controller_makes_no_difference(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        found = Instant().parse("2030-01-31T08:00:00+02:00"), Instant().read("2030-01-31T08:00:00")
    time.tzset()
    assert found == ("2030-01-31T06:00:00Z", "2030-01-31T08:00:00Z")


def test_sizes_are_compared_in_bytes() -> None:
    assert Size().key("10KB") == Size().key("10240B") == 10240


def test_an_image_may_have_line_breaks() -> None:
    text = base64.b64encode(PNG).decode()
    assert Image().parse(f"{text[:8]}\n {text[8:]}\n") == text
