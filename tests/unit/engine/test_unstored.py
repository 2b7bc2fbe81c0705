# SPDX-License-Identifier: GPL-3.0-or-later
"""Why changes that were written are not seen: what the error says, and what it makes of a call that was stored in
part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.progress import (
    label,
    not_stored,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY

RULES, SETTINGS = "Set-TransportRule", "Set-IRMConfiguration"


def change(option: str, before: Any = "1", after: Any = "2", identity: str = "a") -> Change:
    return Change("thing", identity, option, before, after)


def step(*changes: Change, cmdlet: str = RULES) -> Step:
    return Step(Call(cmdlet, {}), changes, Phase.SETTINGS)


def told(applied: Sequence[Step], *missing: Change, **more: bool) -> tuple[str, str]:
    """Message and remedy."""
    error = not_stored(iter(applied), iter(missing), timeout=60, **more)
    return error.message, error.remedy


def test_a_change_is_named_with_its_object_if_that_has_a_name() -> None:
    assert (label(change("mode")), label(change("mode", identity=""))) == ("mode of 'a'", "mode")


def test_one_that_was_seen_is_not_everywhere_yet() -> None:
    message, remedy = told([step(change("mode"))], change("mode"), change("mode"), change("state"), ever_seen=True)
    assert message.startswith("mode of 'a', state of 'a' are stored, but not on every server yet")
    assert "for 60 seconds" in message
    assert "verify_timeout" in remedy


def test_one_that_was_never_seen() -> None:
    message, remedy = told([step(change("mode"))], change("mode", "1", True), change("state", None, ["x"], ""))
    assert message.startswith("Exchange accepted the change but does not show it after 60 seconds")
    assert message.endswith(": mode of 'a' is '1', not True; state is None, not ['x'].")
    assert "verify_timeout" in remedy


def test_one_that_has_another_value_than_before_and_than_was_sent() -> None:
    """The value that is there now differs from the one that the step found."""
    message, remedy = told(
        [step(change("state")), step(change("mode"), change("words"))], change("mode"), change("words", "3")
    )
    assert (
        message
        == "Exchange stores a different value from the one that was sent: mode of 'a' is '1', not '2'; words of 'a' is '3', not '2'."
    )
    assert "primary SMTP address" in remedy


def test_one_that_no_step_made_says_nothing_about_its_value() -> None:
    assert told([step(change("mode"))], change("words", "3"))[0].startswith(
        "Exchange accepted the change but does not show it"
    )


def test_a_part_of_a_call_that_was_stored_is_named() -> None:
    applied = [step(change("state", identity="b")), step(change("mode"), change("words"), change("scope"))]
    message, remedy = told(applied, change("mode"))
    assert message == (
        "Exchange accepted the change but ignored a part of it: mode of 'a' is '1', not '2'. words of 'a', scope of 'a' of the same call are stored."
    )
    assert GRANTED_BY[RULES] in remedy


@pytest.mark.parametrize(
    ("cmdlets", "missing", "probable"),
    [
        ([RULES], ["0"], GRANTED_BY[RULES]),
        ([RULES, RULES], ["0", "1"], GRANTED_BY[RULES]),
        ([RULES, SETTINGS], ["0", "1"], f"{GRANTED_BY[RULES]} and {GRANTED_BY[SETTINGS]}"),
        # The calls that are not seen count, and no others.
        ([RULES, SETTINGS], ["1"], GRANTED_BY[SETTINGS]),
        # Of some calls it is not known what grants them.
        (["Set-Thing"], ["0"], "a role"),
        (["Set-Thing", RULES], ["0", "1"], GRANTED_BY[RULES]),
    ],
)
def test_the_role_that_may_be_missing(cmdlets: list[str], missing: list[str], probable: str) -> None:
    applied = [step(change(str(place)), cmdlet=cmdlet) for place, cmdlet in enumerate(cmdlets)]
    assert f"({probable} may not be sufficient" in told(applied, *map(change, missing))[1]
