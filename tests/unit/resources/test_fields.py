# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields and tables by themselves: what is read, compared, shown and sent of a setting. They are made in the tests, so
that mutants are seen.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact, Phase
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError, ProtocolError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import (
    Boolean,
    Choice,
    Days,
    Flag,
    Image,
    Instant,
    Integer,
    Kind,
    Text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.list_kinds import Listing
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import (
    Field,
    Order,
    Table,
    argument_spec,
    name_of,
)


class Broken(Kind):
    """A kind that does not understand what Exchange returns."""

    def __init__(self, error: Exception, where: str) -> None:
        super().__init__({"type": "str"})
        self.error = error
        setattr(self, where, self.fail)

    def fail(self, value: Any) -> Any:
        if value is None:
            return None
        raise self.error


class TestField:
    @pytest.mark.parametrize("parts", [("", "X"), ("x", ""), ("", "")])
    def test_it_has_an_option_and_a_parameter(self, parts: tuple[str, str]) -> None:
        with pytest.raises(ValueError, match=r"^a field needs an option and a parameter: Field"):
            Field(parts[0], Boolean(), parts[1])

    def test_one_that_refuses_has_a_cleared_form(self) -> None:
        with pytest.raises(ValueError, match=r"^x: a setting that refuses values needs a cleared form$"):
            Field("x", Integer(0), "X", refuse="it is not")
        assert Field("x", Text(), "X", refuse="it is not").refuse
        assert Field("x", Integer(0), "X").refuse == ""

    def test_a_wrong_value_is_refused_by_name(self) -> None:
        with pytest.raises(OptionError) as refusal:
            Field("x", Integer(1), "X").parse(0, "rules[2].")
        assert str(refusal.value) == "rules[2].x must be 1 or more, not 0."
        with pytest.raises(OptionError, match=r"^x must be"):
            Field("x", Integer(1), "X").parse(0)
        assert Field("x", Integer(1), "X").parse(1) == 1

    def test_a_setting_that_cannot_be_set_can_be_cleared(self) -> None:
        field = Field("x", Text(), "X", refuse="Exchange deprecated it.")
        with pytest.raises(OptionError, match=r"^a\.x cannot be set: Exchange deprecated it\.$"):
            field.parse("y", "a.")
        assert field.parse("") == ""

    @pytest.mark.parametrize(
        ("field", "properties", "found"),
        [
            (Field("x", Text(), "X"), {"X": "a"}, "a"),
            (Field("x", Text(), "X"), {}, ""),
            (Field("x", Text(), "X", output="Y"), {"X": "a", "Y": "b"}, "b"),
            (Field("x", Text(), "X", shown_by="Url"), {"X": "a", "Url": "u"}, "a"),
            (Field("x", Text(), "X", shown_by="Url"), {"Url": "u"}, None),
            (Field("x", Text(), "X", shown_by="Url"), {"Url": ""}, ""),
            (Field("x", Text(), "X", output="Y", shown_by="Url"), {"X": "a", "Url": "u"}, None),
            # Only a list of classes tells whether a False is set.
            (Field("x", Boolean(), "X", listed=("Classes", "P")), {"X": False, "Classes": ["a.Q"]}, None),
            (Field("x", Boolean(), "X", listed=("Classes", "P")), {"X": False, "Classes": ["a.Q", "a.P"]}, False),
            (Field("x", Boolean(), "X", listed=("Classes", "P")), {"X": False, "Classes": ["a.PP", "P"]}, None),
            (Field("x", Boolean(), "X", listed=("Classes", "P")), {"X": False}, None),
            (Field("x", Boolean(), "X", listed=("Classes", "P")), {"X": True}, True),
            (Field("x", Boolean(), "X"), {"X": False}, False),
            (Field("x", Boolean(), "X", output="Y", listed=("Classes", "P")), {"X": True, "Y": False}, None),
        ],
    )
    def test_what_exchange_shows(self, field: Field, properties: dict[str, Any], found: Any) -> None:
        assert field.read(properties) == found
        assert type(field.read(properties)) is type(found)

    @pytest.mark.parametrize("error", [ValueError(), TypeError(), LookupError(), AttributeError(), ArithmeticError()])
    @pytest.mark.parametrize("where", ["read", "key", "show"])
    def test_what_was_not_understood_is_an_error(self, error: Exception, where: str) -> None:
        field = Field("x", Broken(error, where), "X", output="Y")
        with pytest.raises(ProtocolError) as failure:
            field.read({"Y": "a"})
        assert failure.value.message == "Y has a value that the collection cannot interpret."
        assert failure.value.remedy == "Omit x, and report this."
        if where != "read":
            # Nothing is neither compared nor shown.
            assert field.read({"X": "a"}) is None

    def test_what_is_hidden(self) -> None:
        field = Field("x", Text(), "X", output="Y", shown_by="Url")
        assert field.hidden({"Url": "u", "X": "a"}) is True
        assert field.hidden({"Url": "u", "Y": "a"}) is False
        assert field.hidden({"Url": ""}) is False
        assert Field("x", Text(), "X").hidden({}) is False

    @pytest.mark.parametrize("value", [True, False, "Off", "On", 7, None, ["a"]])
    def test_what_hangs_on_the_new_value(self, value: Any) -> None:
        order = Order(Phase.LICENSING_REMOVAL, frozenset({Phase.RULES}))
        field = Field(
            "x",
            Kind({}),
            "X",
            order={True: order, "On": order},
            impacts={False: Impact.REJECTS, "Off": Impact.WIDENS},
            dangers={"Off": "Beware."},
        )
        assert field.order_of(value) == (order if value is True or value == "On" else Order())
        assert field.impact(value) is (
            Impact.REJECTS if value is False else Impact.WIDENS if value == "Off" else Impact.NONE
        )
        assert field.danger(value) == ("Beware." if value == "Off" else "")
        # A value that is no text and no switch is never looked up: a list has no hash.
        plain = Field("x", Kind({}), "X")
        assert (plain.order_of(value), plain.impact(value), plain.danger(value)) == (
            Order(None, frozenset()),
            Impact.NONE,
            "",
        )

    @pytest.mark.parametrize(
        ("first", "second", "same"),
        [
            (None, None, True),
            (None, [], False),
            ([], None, False),
            (["a", "B"], ["b", "A"], True),
            (["a"], ["b"], False),
        ],
    )
    def test_what_is_equal(self, first: Any, second: Any, same: bool) -> None:
        assert Field("x", Listing(), "X").equal(first, second) is same

    @pytest.mark.parametrize(
        ("kind", "value", "stored", "sent"),
        [
            (Listing(multivalued=True), ["a"], ["b"], ["a"]),
            (Listing(multivalued=True), [], ["b"], {"Remove": ["b"]}),
            (Listing(multivalued=True), None, ["b"], {"Remove": ["b"]}),
            (Listing(multivalued=True), [], None, {"Remove": []}),
            (Flag(), False, True, False),
            (Flag(), True, False, True),
            (Days(0), 7, 1, 7.0),
            (Text(), "", "a", None),
        ],
    )
    def test_what_turns_one_value_into_another(self, kind: Kind, value: Any, stored: Any, sent: Any) -> None:
        assert Field("x", kind, "X").send(value, stored) == sent

    def test_what_a_diff_shows(self) -> None:
        field = Field("x", Image(), "X")
        assert field.show(None) is None
        assert re.fullmatch("unknown format, 4 bytes, sha256 [0-9a-f]{16}", field.show("dGV4dA=="))


class TestTable:
    def table(self, **more: Any) -> Table:
        fields = (
            Field("switch", Boolean(), "Switch"),
            Field("text", Text(), "Text", refuse="it is old.", not_secret=True),
            Field("once", Choice("a"), "Once", create_only=True),
            Field("date", Instant(), "Date", shown_by="Shown"),
        )
        return Table(
            "ome_configuration", "ome_configurations", "OMEConfiguration", Phase.CONFIGURATIONS, fields, **more
        )

    def test_its_fields_by_their_options(self) -> None:
        table = self.table()
        assert table.field("switch") is table.get("switch") is table.fields[0]
        assert table.get("other") is None
        with pytest.raises(KeyError):
            table.field("other")

    def test_what_is_declared_is_parsed_and_shown(self) -> None:
        table = self.table()
        assert table.parse({"date": "2030-01-31T09:00:00+01:00", "switch": True}) == {
            "date": "2030-01-31T08:00:00Z",
            "switch": True,
        }
        for where in ("", "rules[0]."):
            with pytest.raises(OptionError, match=f"^{re.escape(where)}text cannot be set: it is old"):
                table.parse({"text": "a"}, where)
        with pytest.raises(OptionError, match=r"^text cannot"):
            table.parse({"text": "a"})
        assert table.show({"text": "a", "once": None}) == {"text": "a", "once": None}
        assert (
            Table("x", "x", "X", Phase.RULES, (Field("image", Image(), "I"),))
            .show({"image": "dGV4dA=="})["image"]
            .startswith("unknown format")
        )

    def test_what_ansible_validates(self) -> None:
        specs = {
            "switch": {"type": "bool"},
            "text": {"type": "str", "no_log": False},
            "once": {"type": "str", "choices": ["a"]},
            "date": {"type": "str"},
        }
        assert self.table().argument_spec() == argument_spec(self.table().fields) == specs

    def test_a_description_is_what_can_be_put_back(self) -> None:
        described = self.table().describe({"Switch": True, "Text": "old", "Once": "a", "Date": None})
        assert described == {"switch": True, "date": ""}
        assert self.table().describe({"Text": "", "Shown": "x"}) == {"text": ""}
        named = self.table(identity="identity").describe({"Identity": "week", "Switch": False})
        assert (named, next(iter(named))) == ({"identity": "week", "switch": False, "text": "", "date": ""}, "identity")

    @pytest.mark.parametrize(
        ("properties", "name"),
        [
            ({"Identity": "a", "Name": "b"}, "a"),
            ({"Identity": "", "Name": "b"}, "b"),
            ({"Name": 7}, "7"),
            ({}, ""),
            ({"Identity": None}, ""),
        ],
    )
    def test_the_name_of_an_object(self, properties: dict[str, Any], name: str) -> None:
        assert name_of(properties) == name

    def test_what_every_call_includes(self) -> None:
        assert self.table().extra == {"Confirm": False}
        assert (self.table().identity, self.table().cloud_only) == ("", False)
