# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for several rules: places, lists, orders, and what nobody named. No session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Phase, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AlreadyExistsError,
    ExchangeError,
    NotFoundError,
    OptionError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.concurrent_changes import (
    concurrent_changes,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import (
    plan_in_place,
    plan_order,
    plan_rules,
    plan_unmanaged,
    refuse_double,
)

from .plain import ENCRYPT, INSIDE, STOP, book, encrypting, shown, stopping, wanted

PLAIN = {"prepend_subject": "x"}


def calls(plan: Plan) -> list[tuple[Any, ...]]:
    """Verb, which rule, and the place that it is given."""
    found = []
    for step in plan.steps:
        parameters = step.call.parameters
        who = parameters.get("Identity") or parameters["Name"]
        new = parameters["Name"] if "Identity" in parameters and "Name" in parameters else None
        found.append(
            tuple(
                item
                for item in (step.call.cmdlet.partition("-")[0], who, parameters.get("Priority"), new)
                if item is not None
            )
        )
    return found


def warned(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """What a plan warns of: kinds and values, which approvals are compared by."""
    return [(each.kind, dict(each.values)) for each in plan.warnings]


def plain(name: str, **properties: Any) -> dict[str, Any]:
    return shown(name, PrependSubject="x", **properties)


class TestPlace:
    @pytest.mark.parametrize(
        ("order", "place", "expected"),
        [
            ("ab", {}, []),
            ("ab", {"place_before": "B"}, []),
            ("axb", {"place_before": "b"}, []),
            ("ba", {"place_before": "b"}, [("Set", "g-a", 0)]),
            ("bxa", {"place_before": "b"}, [("Set", "g-a", 0)]),
            ("ab", {"place_after": "b"}, [("Set", "g-a", 1)]),
            ("axb", {"place_after": "b"}, [("Set", "g-a", 2)]),
            ("bxa", {"place_after": "b"}, []),
            ("xb", {"place_before": "b"}, [("New", "a", 1)]),
            ("bx", {"place_after": "b"}, [("New", "a", 1)]),
            ("xb", {"place_after": "b"}, [("New", "a")]),
            ("xb", {}, [("New", "a")]),
        ],
    )
    def test_beside_another_rule(self, order: str, place: dict[str, str], expected: list[Any]) -> None:
        rules = book(*map(plain, order))
        plan = plan_in_place(rules, wanted("a", actions=PLAIN), **place)
        assert calls(plan) == expected
        assert plan.concurrent_changes is concurrent_changes
        assert (plan.before["state"], plan.after["state"]) == ("present" if "a" in order else "absent", "present")
        assert [rules.name(key) for key in rules.order].count("a") == 1

    @pytest.mark.parametrize("place", [{"place_before": "gone"}, {"place_after": "gone"}])
    def test_a_rule_that_goes_has_no_place(self, place: dict[str, str]) -> None:
        assert calls(plan_in_place(book(plain("a"), plain("b")), wanted("a", state="absent"), **place)) == [
            ("Remove", "g-a")
        ]
        with pytest.raises(
            NotFoundError, match=f"^{next(iter(place))} names the rule 'gone', which this organization does not have"
        ):
            plan_in_place(book(plain("a"), plain("b")), wanted("a", actions=PLAIN), **place)

    @pytest.mark.parametrize("option", ["place_before", "place_after"])
    def test_a_check_leaves_a_neighbor_to_a_task_before(self, option: str) -> None:
        rules = book(plain("b"))
        rules.check_mode = True
        plan = plan_in_place(rules, wanted("a", actions=PLAIN), **{option: "gone"})
        assert calls(plan) == [("New", "a")]
        (warned,) = [each for each in plan.warnings if each.kind == "neighbor_missing"]
        assert str(warned) == (
            f"{option} names the rule 'gone', which this organization does not have. A task before this one must create it."
        )

    @pytest.mark.parametrize("option", ["place_before", "place_after"])
    def test_it_is_not_beside_itself(self, option: str) -> None:
        with pytest.raises(OptionError, match=f"^{option} names the rule itself\\.$"):
            plan_in_place(book(plain("a"), plain("b")), wanted("a", actions=PLAIN), **{option: "A"})

    def test_what_changes_is_written_before_it_is_moved(self) -> None:
        plan = plan_in_place(book(plain("b"), plain("a")), wanted("a", comments="c", actions=ENCRYPT), place_before="b")
        assert calls(plan) == [("Set", "g-a"), ("Set", "g-a", 0)]
        assert len(plan.warnings) == 1

    @pytest.mark.parametrize(
        ("order", "place", "said"),
        [
            ("", {}, "the only rule"),
            ("xb", {}, "3 of 3, after 'b'"),
            ("xb", {"place_before": "b"}, "2 of 3, after 'x'"),
            ("xb", {"place_before": "x"}, "1 of 3, before all others"),
        ],
    )
    def test_where_a_new_rule_lands_is_said(self, order: str, place: dict[str, str], said: str) -> None:
        assert plan_in_place(book(*map(plain, order)), wanted("a", actions=PLAIN), **place).places == {"a": said}
        assert plan_in_place(book(plain("a")), wanted("a", comments="c")).places == {}


class TestOrder:
    @pytest.mark.parametrize(
        ("names", "position", "expected", "after"),
        [
            (["c", "A"], "relative", [("Set", "g-a", 2)], ["b", "c", "a"]),
            (["c"], "first", [("Set", "g-c", 0)], ["c", "a", "b"]),
            (["a"], "last", [("Set", "g-a", 2)], ["b", "c", "a"]),
            (["a", "c"], "relative", [], ["a", "b", "c"]),
        ],
    )
    def test_it_is_reached_and_shown(
        self, names: list[str], position: str, expected: list[Any], after: list[str]
    ) -> None:
        plan = plan_order(book(*map(plain, "abc")), names, position)
        assert (calls(plan), plan.before, plan.after) == (expected, {"rules": ["a", "b", "c"]}, {"rules": after})
        assert plan.concurrent_changes is concurrent_changes

    @pytest.mark.parametrize(
        ("names", "kind", "says"),
        [
            (["b", "a", "c", "A"], OptionError, "rules names 'a' twice."),
            (["a", "x"], NotFoundError, "rules names the rule 'x', which this organization does not have."),
        ],
    )
    def test_what_is_refused(self, names: list[str], kind: type[ExchangeError], says: str) -> None:
        with pytest.raises(kind) as refusal:
            plan_order(book(*map(plain, "abc")), names, "relative")
        assert refusal.value.message == says


def listed(*names: str, **more: Any) -> list[Any]:
    """Entries of a list: names, or with ``more`` options of all of them."""
    return [wanted(name, f"rules[{index}].", **{"actions": PLAIN, **more}) for index, name in enumerate(names)]


class TestList:
    @pytest.mark.parametrize(
        ("order", "names", "expected"),
        [
            ("", "ab", [("New", "a"), ("New", "b")]),
            ("ab", "ab", []),
            ("ba", "ab", [("Set", "g-b", 1)]),
            # A new one comes behind the one before it in the list, and before those behind it.
            ("axb", "anb", [("New", "n", 1)]),
            ("xab", "nab", [("New", "n", 1)]),
            ("xba", "nab", [("New", "n", 1), ("Set", "g-b", 3)]),
            ("axb", "abn", [("New", "n")]),
            ("abx", "abnm", [("New", "n", 2), ("New", "m", 3)]),
        ],
    )
    def test_it_is_in_the_order_of_the_list(self, order: str, names: str, expected: list[Any]) -> None:
        rules = book(*map(plain, order))
        plan = plan_rules(rules, listed(*names))
        assert calls(plan) == expected
        assert [name for name in map(rules.name, rules.order) if name in names] == list(names)
        assert [row["name"] for row in plan.after["rules"]] == list(names)
        assert [row["state"] for row in plan.before["rules"]] == [
            "present" if name in order else "absent" for name in names
        ]
        assert plan.concurrent_changes is concurrent_changes

    def test_existing_rules_may_stay_where_they_are(self) -> None:
        assert calls(plan_rules(book(plain("b"), plain("a")), listed("a", "b"), ordered=False)) == []
        assert calls(plan_rules(book(plain("b"), plain("a")), listed("a", "n", "b"), ordered=False)) == [("New", "n")]

    def test_a_priority_of_an_entry_counts_for_nothing(self) -> None:
        plan = plan_rules(book(*map(plain, "ab")), listed("a", "b", priority=7))
        assert (calls(plan), "priority" in plan.after["rules"][0]) == ([], False)

    def test_one_that_goes_has_no_place_in_it(self) -> None:
        rules = [*listed("c"), wanted("b", state="absent"), *listed("a")]
        assert calls(plan_rules(book(*map(plain, "abc")), rules)) == [("Set", "g-a", 2), ("Remove", "g-b")]
        assert calls(plan_rules(book(), [wanted("b", state="absent"), *listed("a")])) == [("New", "a")]

    def test_steps_are_in_the_order_of_work_and_places_are_said(self) -> None:
        rules = [wanted("gone", state="absent"), *listed("new"), *listed("old", enabled=False)]
        plan = plan_rules(book(plain("gone"), plain("old")), rules)
        assert [step.phase for step in plan.steps] == [Phase.RULES, Phase.RULE_STATE, Phase.RULE_REMOVAL]
        # Of those that are left.
        assert plan.places == {"new": "1 of 2, before all others"}

    @pytest.mark.parametrize(
        ("rules", "says"),
        [
            (listed("a", "b", "A"), "rules[2].name 'A' is listed twice."),
            (
                [wanted("a", guid="g-x"), wanted("b", guid="G-X", where="rules[1].")],
                "rules[1].guid 'g-x' is listed twice.",
            ),
        ],
    )
    def test_nothing_is_listed_twice(self, rules: list[Any], says: str) -> None:
        with pytest.raises(OptionError) as refusal:
            plan_rules(book(), rules)
        assert refusal.value.message == says

    def test_entries_without_a_name_are_not_alike(self) -> None:
        rules = book(*map(plain, "ab"))
        assert calls(plan_rules(rules, [wanted(guid="g-a", comments="c"), wanted(guid="g-b", comments="c")])) == [
            ("Set", "g-a"),
            ("Set", "g-b"),
        ]

    def test_a_guid_takes_a_rule_from_a_name(self) -> None:
        with pytest.raises(
            OptionError,
            match=r"^rules\[1\]\.name 'a' is the name of a rule that another entry of the list identifies by its guid",
        ):
            plan_rules(book(plain("a")), [wanted("x", guid="g-a"), wanted("a", "rules[1].", actions=PLAIN)])
        # One that is no rule here takes none.
        assert calls(plan_rules(book(plain("a")), [wanted("a", guid="g-gone", comments="c")])) == [("Set", "g-a")]


class TestDoubles:
    def double(
        self, *stored: dict[str, Any], restoring: bool = False, named: tuple[str, ...] = (), **options: Any
    ) -> None:
        values = {"name": "b", "where": "rules[3].", "conditions": INSIDE, "actions": ENCRYPT, **options}
        refuse_double(book(*stored, restoring=restoring), wanted(**values), named)

    def test_a_rule_that_does_the_same_under_another_name(self) -> None:
        with pytest.raises(AlreadyExistsError) as refusal:
            self.double(plain("x"), encrypting("a"))
        assert refusal.value.message == "rules[3].name: the rule 'a' does exactly what 'b' would do."
        assert refusal.value.remedy == "This looks like an accidental duplicate. To rename the rule, add guid: g-a."

    @pytest.mark.parametrize(
        ("stored", "more"),
        [
            (encrypting("a", WithImportance="High"), {}),
            (encrypting("a", ExceptIfSCLOver=5), {}),
            (shown("a", ApplyRightsProtectionTemplate="Encrypt"), {}),
            (encrypting("b"), {}),
            (encrypting("a"), {"named": ("g-a",)}),
            (encrypting("a"), {"state": "absent"}),
            (encrypting("a"), {"actions": PLAIN}),
            (shown("a", FromScope="InOrganization"), {"actions": None}),
            (encrypting("a", SetAuditSeverity="Low"), {"restoring": True}),
        ],
    )
    def test_what_is_none(self, stored: dict[str, Any], more: dict[str, Any]) -> None:
        self.double(stored, **more)

    def test_a_list_refuses_one_where_it_is_told_to(self) -> None:
        rules = [wanted("b", "rules[0].", conditions=INSIDE, actions=ENCRYPT)]
        with pytest.raises(AlreadyExistsError):
            plan_rules(book(encrypting("a")), rules, refuse_doubles=True)
        assert calls(plan_rules(book(encrypting("a")), rules)) == [("New", "b")]
        # Not of one that the list itself names.
        both = [wanted("a", comments="c"), *rules]
        assert calls(plan_rules(book(encrypting("a")), both, refuse_doubles=True)) == [("Set", "g-a"), ("New", "b")]


class TestUnmanaged:
    STORED = (
        encrypting("on"),
        shown("off", State="Disabled", RemoveOMEv2=True),
        plain("other"),
        shown("retired", ApplyOME=True),
    )
    WARNED = [f"The rule {name!r} encrypts or decrypts and is not managed here." for name in ("on", "off", "retired")]
    NAMED = [("rule_not_managed", {"rule": name}) for name in ("on", "off", "retired")]
    NOT_REMOVED = ("rule_not_removed", {"rule": "retired", "properties": [], "expired": False})
    KEPT = "The rule 'retired' is disabled and not removed: it cannot be recreated, since it uses the retired action apply_ome."

    @pytest.mark.parametrize(
        ("treatment", "expected", "warnings"),
        [
            ("keep", [], []),
            ("warn", [], WARNED),
            ("disable", [("Disable", "g-on"), ("Disable", "g-retired")], []),
            ("remove", [("Remove", "g-on"), ("Remove", "g-off"), ("Disable", "g-retired")], [KEPT]),
        ],
    )
    def test_what_becomes_of_rules_that_encrypt_or_decrypt(
        self, treatment: str, expected: list[Any], warnings: list[str]
    ) -> None:
        plan = plan_unmanaged(book(*self.STORED), treatment)
        assert (calls(plan), list(map(str, plan.warnings))) == (expected, warnings)
        assert warned(plan) == {"warn": self.NAMED, "remove": [self.NOT_REMOVED]}.get(treatment, [])
        assert plan.concurrent_changes is concurrent_changes
        of_list = plan_rules(book(*self.STORED), listed("other"), unmanaged=treatment)
        assert sorted(calls(of_list)) == sorted(expected)
        assert list(map(str, of_list.warnings)) == warnings
        assert {change.after for change in plan.changes if change.option == "enabled"} <= {False}

    def test_what_is_named_is_managed(self) -> None:
        assert calls(plan_rules(book(*self.STORED), [wanted("on", enabled=True)], unmanaged="disable")) == [
            ("Disable", "g-retired")
        ]
        assert plan_rules(book(*self.STORED), listed("other")).steps == []


class TestLast:
    def test_a_rule_that_stands_last_stays_behind_all_others(self) -> None:
        trial = replace(wanted("trial", actions=PLAIN), last=True)
        stored = book(plain("a"), plain("trial"), plain("other"))
        plan = plan_rules(stored, [trial, *listed("a")])
        assert [step.call.parameters.get("Priority") for step in plan.steps] == [2]
        assert plan_rules(book(plain("a"), plain("other"), plain("trial")), [*listed("a"), trial]).steps == []


class TestRestoring:
    """A state that is put back: rules have the names that they had."""

    def names(self, plan: Plan) -> list[tuple[str, str]]:
        return [(item.before, item.after) for step in plan.steps for item in step.changes if item.option == "name"]

    def test_a_rule_that_took_the_name_gives_it_up(self) -> None:
        rules = book(plain("b"), plain("a"), restoring=True)
        plan = plan_rules(rules, [wanted("b", guid="g-a", actions=PLAIN)])
        assert self.names(plan) == [("b", "b (2)"), ("a", "b")]
        assert list(map(str, plan.warnings)) == ["The rule 'b' has the name of another rule and is renamed to 'b (2)'."]
        assert warned(plan) == [("rule_renamed", {"rule": "b", "name": "b (2)"})]
        assert plan.steps[0].call.parameters == {"Identity": "g-b", "Name": "b (2)", "Confirm": False}
        assert plan.steps[0].changes[0].identity == "b"

    def test_two_that_changed_their_names(self) -> None:
        plan = plan_rules(
            book(plain("b"), plain("a"), restoring=True),
            [wanted("a", guid="g-b", actions=PLAIN), wanted("b", guid="g-a", actions=PLAIN)],
        )
        assert self.names(plan)[:2] == [("a", "a (2)"), ("b", "b (2)")]
        # Both are the list's own, and get their names at once.
        assert plan.warnings == []

    def test_the_name_that_is_free(self) -> None:
        rules = book(plain("b"), plain("a"), plain("B (2)"), restoring=True)
        plan = plan_rules(rules, [wanted("b", guid="g-a", actions=PLAIN), wanted("b (3)", actions=PLAIN)])
        assert self.names(plan)[0] == ("b", "b (4)")
        long = "x" * 64
        plan = plan_rules(
            book(plain(long, Guid="g-1"), plain("a"), restoring=True), [wanted(long, guid="g-a", actions=PLAIN)]
        )
        assert self.names(plan)[0] == (long, f"{'x' * 58} (2)")

    def test_two_that_give_up_their_names_get_different_ones(self) -> None:
        """Only the first 58 characters are kept of either."""
        one, other = (f"{'x' * 60}{end}" for end in "ab")
        stored = (plain(one, Guid="g-1"), plain(other, Guid="g-2"), plain("c"), plain("d"))
        declared = [wanted(one, guid="g-c", actions=PLAIN), wanted(other, guid="g-d", actions=PLAIN)]
        plan = plan_rules(book(*stored, restoring=True), declared)
        assert [after for _before, after in self.names(plan)] == [f"{'x' * 58} (2)", f"{'x' * 58} (3)", one, other]

    def test_one_that_can_become_it_does(self) -> None:
        assert calls(plan_rules(book(plain("a"), restoring=True), [wanted("a", guid="g-gone", actions=PLAIN)])) == []
        stored = plain("a", UseLegacyRegex=False)
        same, other = ([wanted("a", guid="g-gone", use_legacy_regex=value, actions=PLAIN)] for value in (False, True))
        assert calls(plan_rules(book(stored, restoring=True), same)) == []
        # What only a new rule can have makes it another one.
        assert [step.call.cmdlet for step in plan_rules(book(stored, restoring=True), other).steps] == [
            "Set-TransportRule",
            "New-TransportRule",
        ]
        # Without a GUID it is the rule of that name.
        with pytest.raises(OptionError, match="can only be set on a new rule"):
            plan_rules(book(stored, restoring=True), [wanted("a", use_legacy_regex=True, actions=PLAIN)])

    def test_one_that_an_entry_names_by_its_guid_does_not_become_another(self) -> None:
        plan = plan_rules(
            book(plain("a"), restoring=True), [wanted("b", guid="g-a", actions=PLAIN), wanted("a", actions=PLAIN)]
        )
        assert self.names(plan) == [("a", "a (2)"), ("a", "b")]
        assert [step.call.cmdlet for step in plan.steps] == [
            "Set-TransportRule",
            "Set-TransportRule",
            "New-TransportRule",
        ]
        assert plan.warnings == []

    def test_only_a_state_that_is_restored_renames(self) -> None:
        with pytest.raises(OptionError, match="another rule has the name 'b'"):
            plan_rules(book(plain("b"), plain("a")), [wanted("b", guid="g-a", actions=PLAIN)])


class TestNeverActs:
    SAID = "The rule {!r} can never act: {!r} comes first, takes all of its mail and ends the processing."

    @pytest.mark.parametrize(
        ("stored", "declared", "said"),
        [
            ([stopping("early")], wanted("late", conditions=INSIDE, actions=ENCRYPT), ("late", "early")),
            ([plain("early")], wanted("late", conditions=INSIDE, actions=ENCRYPT), None),
            ([stopping("early"), plain("late")], wanted("late", comments="c"), ("late", "early")),
            ([plain("late"), stopping("early")], wanted("late", comments="c"), None),
            # Also the one that the task makes end the processing; but not two that it does not touch.
            ([plain("early"), plain("late")], wanted("early", actions=STOP), ("late", "early")),
            ([stopping("early"), plain("late"), plain("x")], wanted("x", state="absent"), None),
            ([stopping("early"), plain("late")], wanted("early", state="absent"), None),
        ],
    )
    def test_a_rule_that_comes_behind_one_that_takes_all(
        self, stored: list[dict[str, Any]], declared: Any, said: tuple[str, str] | None
    ) -> None:
        expected = [self.SAID.format(*said)] if said else []
        assert list(map(str, plan_in_place(book(*stored), declared).warnings)) == expected
        plan = plan_rules(book(*stored), [declared])
        assert list(map(str, plan.warnings)) == expected
        named = [("rule_never_acts", dict(zip(("rule", "earlier"), said, strict=True)))] if said else []
        assert warned(plan) == named
        assert plan_in_place(book(*stored, restoring=True), declared).warnings == []
