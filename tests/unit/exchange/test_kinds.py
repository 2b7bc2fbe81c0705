# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical forms: bringing a value there twice is bringing it there once, and comparing does not care which comes
first.
"""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ProtocolError
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
    exact_bytes,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import (
    Listing,
    Locations,
    Patterns,
    Recipients,
    Words,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.values import size_text, stored_instant
from tests.rounds import rounds

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"), max_size=20)
_WORD = _TEXT.map(str.strip).filter(bool)
_ADDRESS = st.from_regex(r"[a-zA-Z0-9.äß']{1,8}@[a-z]{1,8}\.(com|ORG)", fullmatch=True)
_INSTANT = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2090, 1, 1), timezones=st.timezones()).map(
    lambda moment: moment.replace(microsecond=0, fold=0).isoformat()
)
_SIZE = st.tuples(st.integers(0, 5000), st.sampled_from(["", "B", "KB", "MB", "GB", " MB", "kb"])).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)

#: A kind, and what users declare for it.
DECLARED: dict[str, tuple[Kind, st.SearchStrategy[Any]]] = {
    "boolean": (Boolean(), st.booleans()),
    "flag": (Flag(), st.booleans()),
    "integer": (Integer(-1, 9), st.integers(-1, 9)),
    "days": (Days(0, 730), st.integers(0, 730)),
    "text": (Text(), _TEXT),
    "name": (Name(), _TEXT),
    "choice": (Choice("InOrganization", "NotInOrganization"), st.sampled_from(["InOrganization", "NotInOrganization"])),
    "status code": (StatusCode(), st.integers(900, 999).map("5.7.{}".format) | st.just("5.7.1")),
    "listing": (Listing(choices=("CC", "BCC")), st.lists(st.sampled_from(["CC", "BCC"]))),
    "words": (Words(), st.lists(_WORD)),
    "patterns": (Patterns(), st.lists(_TEXT.filter(bool))),
    "recipients": (Recipients(), st.lists(_ADDRESS)),
    "recipient": (RecipientAddress(), _ADDRESS | st.just("")),
    "locations": (
        Locations(),
        st.lists(st.sampled_from(["https://a.example", "https://A.example/", "http://b.example/x"])),
    ),
    "size": (Size(), _SIZE),
    "instant": (Instant(), _INSTANT | st.just("")),
    "color": (Color(), st.sampled_from(["", "red", "#FF0000", "#abcdef", "DarkBlue"])),
    "image": (Image(), st.binary(max_size=20).map(lambda content: Image().read(list(content)))),
}

_PAIRS = st.sampled_from(sorted(DECLARED)).flatmap(
    lambda name: st.tuples(st.just(name), DECLARED[name][1], DECLARED[name][1])
)


@given(_PAIRS)
@settings(max_examples=rounds(200))
def test_canonical_forms(drawn: tuple[str, Any, Any]) -> None:
    name, first, second = drawn
    kind = DECLARED[name][0]
    one, other = kind.parse(first), kind.parse(second)
    assert kind.parse(one) == one
    assert kind.key(one) == kind.key(kind.parse(one))
    assert (kind.key(one) == kind.key(other)) is (kind.key(other) == kind.key(one))
    if name not in ("days", "size", "instant"):
        assert kind.key(kind.read(one)) == kind.key(one), "what Exchange shows as it was sent is what was declared"
    kind.send(one) if one != kind.cleared else kind.clear(one)


@given(st.lists(_WORD, min_size=1), st.randoms())
def test_words_have_neither_order_nor_case(words: list[str], random: Any) -> None:
    shuffled = random.sample(words, len(words))
    assert Words().key(words) == Words().key(shuffled) == Words().key([*words, words[0]])
    assert Words().key(["straße"]) == Words().key(["STRAßE"]) != Words().key(["STRASSE"])
    assert Patterns().key(["a"]) != Patterns().key(["A"])


@given(st.integers(0, 2**45))
def test_sizes_are_bytes(count: int) -> None:
    size = Size()
    canonical = size.parse(str(count))
    assert size.read(size_text(count)) == canonical
    assert size.parse(canonical) == canonical
    assert size.parse(f"{count} B") == canonical


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("10MB", "10 MB (10,485,760 bytes)"),
        ("10240KB", "10 MB (10,485,760 bytes)"),
        ("1.5GB", "1.5 GB (1,610,612,736 bytes)"),
        ("0", "0 B (0 bytes)"),
        *(("10MB", f"10 MB (10{group}485{group}760 bytes)") for group in ".'\u2019\u00a0\u202f "),
    ],
)
def test_a_size_is_what_exchange_shows_of_it(declared: str, shown: str) -> None:
    assert Size().parse(declared) == Size().read(shown)


@given(_INSTANT)
def test_an_instant_is_the_same_in_every_zone(text: str) -> None:
    moment = datetime.datetime.fromisoformat(text)
    canonical = Instant().parse(text)
    assert canonical == Instant().parse(
        moment.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30))).isoformat()
    )
    assert Instant().read(stored_instant(moment)) == canonical
    assert Instant().send(canonical) == moment


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (Instant(), "2030-01-31", "with an offset"),
        (Instant(), "2030-01-31T08:00:00", "with an offset"),
        (Instant(), "tomorrow", "with an offset"),
        (Instant(), "0001-01-01T00:00:00+14:00", "with an offset"),
        (Words(), ["a", " b"], "leading or trailing spaces"),
        (Words(), [""], "empty"),
        (Words(maximum=3), ["four"], "at most 3"),
        (Patterns(), [""], "empty"),
        (Recipients(), ["Megan Bowen"], "not an SMTP address"),
        (RecipientAddress(), "meganb", "not an SMTP address"),
        (Size(), "10 apples", "must be a number"),
        (Size(), "10PB", "must be a number"),
        (Size(), "9" * 400, "larger than any message"),
        (Size(), "9" * 400 + "TB", "larger than any message"),
        (StatusCode(), "5.7.2", "between 5.7.900"),
        (StatusCode(), "5.7.1000", "between 5.7.900"),
        (Integer(-1, 9), 10, "between -1 and 9"),
        (Text(3), "four", "at most 3"),
        (Text(), "a\x00b", "NUL"),
        (Text(), "\ud800", "surrogate"),
        (Words(), ["a\x00b"], "NUL"),
        (Color(), "reddish", "#RRGGBB"),
        (Image(), "***", "base64"),
        (Locations(), ["wherever"], "absolute URL"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(kind: Kind, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        kind.parse(value)


def test_an_early_instant_keeps_its_form() -> None:
    canonical = Instant().parse("0900-01-02T08:00:00+00:00")
    assert canonical == Instant().parse(canonical) == "0900-01-02T08:00:00Z"


def test_spam_confidence_comes_as_text_or_number() -> None:
    assert Integer(-1, 9).read("-1") == Integer(-1, 9).read(-1) == -1
    assert Integer(-1, 9).read("") is None


def test_line_ends_do_not_count_and_spaces_do() -> None:
    assert Text().key("a\r\nb") == Text().key("a\nb") == Text().key("a\rb")
    assert Text().key("[secure] ") != Text().key("[secure]")


@pytest.mark.parametrize(
    "kind",
    [Text(), Name(), Words(), Patterns(), Recipients(), RecipientAddress(), Locations()],
    ids=lambda kind: type(kind).__name__,
)
@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ("\x00", "NUL"),
        ("\ufffe", "U\\+FFFE"),
        ("\uffff", "U\\+FFFF"),
        ("\ud800", "unpaired surrogate"),
        ("\udfff", "an unpaired surrogate"),
    ],
)
def test_what_no_wire_carries_is_refused_by_name(kind: Kind, odd: str, named: str) -> None:
    text = f"https://x.example/a{odd}@example.com"
    with pytest.raises(ValueError, match=named):
        kind.parse([text] if kind.spec["type"] == "list" else text)


def test_numbers_and_days_in_the_forms_of_the_wires() -> None:
    assert Integer(-1, 9).read("\u22121") == -1
    sent = Days(0, 730).send(7)
    assert (sent, type(sent)) == (7.0, float)


@pytest.mark.parametrize("group", [",", ".", "'", "\u2019", "\u00a0", "\u202f", ""])
def test_a_size_is_grouped_in_any_culture(group: str) -> None:
    text = f"10 MB (10{group}485{group}760 bytes)"
    assert Size().read(text) == "10MB"
    assert exact_bytes(text.replace("bytes", "octets")) == 10 * 1024 * 1024


@pytest.mark.parametrize("text", ["10 MB (10x485 bytes)", "10,5 MB", "(bytes)", "Unlimited"])
def test_what_is_no_size_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        Size().read(text)


def test_a_minus_may_be_that_of_typographers() -> None:
    assert Integer(-1, 9).read("\u22121") == -1


@pytest.mark.parametrize("written", ["0x00FFFF00", "0xffff00", "#FFFF00", "yellow", "Yellow"])
def test_a_color_of_the_old_form_is_the_same_color(written: str) -> None:
    assert Color().key(Color().parse(written)) == Color().key("yellow")
    assert Color().read(written) == Color().send(written) == written, "what is stored is put back as it was"


@pytest.mark.parametrize("written", ["0x01FFFF00", "0xFFF", "#FFFF00FF", "0x00GGGG00"])
def test_what_is_no_color_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="must be #RRGGBB"):
        Color().parse(written)


@pytest.mark.parametrize(
    ("shown", "wanted", "by_a_zone"),
    [
        ("2030-01-31T08:00:00", "2030-01-31T07:00:00Z", True),
        ("2030-01-31T08:00:00", "2030-01-31T13:30:00Z", True),
        ("2030-01-31T08:00:00", "2030-01-31T22:00:00Z", True),
        ("2030-01-31T08:00:00", "2030-01-31T08:00:00Z", False),
        ("2030-01-31T08:00:00", "2030-01-31T08:07:00Z", False),
        ("2030-01-31T08:00:00", "2030-01-31T22:15:00Z", False),
        ("2030-01-31T08:00:00Z", "2030-01-31T07:00:00Z", False),
        ("2030-01-31T08:00:00+01:00", "2030-01-31T08:00:00Z", False),
        (None, "2030-01-31T08:00:00Z", False),
        ("2030-01-31T08:00:00", "", False),
    ],
)
def test_a_date_without_a_zone_may_differ_by_one_only(shown: Any, wanted: str, by_a_zone: bool) -> None:
    assert Instant().differs_by_a_zone(shown, wanted) is by_a_zone


LISTS = [Words(), Patterns(), Recipients(), Locations()]


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize(
    ("stored", "read"), [(None, []), ([], []), ([""], [""]), ([None], [""]), ("a", ["a"]), ([5, True], ["5", "True"])]
)
def test_a_list_is_read_as_it_is_stored(kind: Kind, stored: Any, read: list[str]) -> None:
    """What is in it may be empty, and is something all the same."""
    assert kind.read(stored) == read
    assert (kind.key(kind.read(stored)) == kind.key(kind.cleared)) is (read == [])


@pytest.mark.parametrize(
    "kind", [*LISTS, Text(), Name(), RecipientAddress(), Choice("High", "Low")], ids=lambda kind: type(kind).__name__
)
@pytest.mark.parametrize("stored", [[["a"]], [{"a": "b"}], {"a": "b"}], ids=str)
def test_what_is_no_text_is_refused_by_name(kind: Kind, stored: Any) -> None:
    with pytest.raises(ProtocolError, match="SubjectContainsWords has a value that the collection cannot interpret"):
        Field("subject_contains_words", kind, "SubjectContainsWords").read({"SubjectContainsWords": stored})
