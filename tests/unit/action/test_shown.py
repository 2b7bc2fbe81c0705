# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible prints of a result has no invisible characters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.utils.display import Display
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import base
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction, shown

#: A control sequence of one byte, a line break of one, one that turns the writing around, and one of no width.
INVISIBLE = "\x9b2J\x85\u202e\u200b"


@pytest.mark.parametrize("outcome", ["failed", "unreachable"])
def test_of_a_failed_result_all_is_printed(outcome: str) -> None:
    result = shown({outcome: True, "msg": INVISIBLE, "identity": INVISIBLE, "results": [{"name": INVISIBLE}]})
    for text in (result["msg"], result["identity"], result["results"][0]["name"]):
        assert not set(INVISIBLE) - set("2J") & set(text)


def test_the_data_of_any_other_stays_as_it_is() -> None:
    result = shown({"changed": True, "msg": INVISIBLE, "diff": {"after": {"name": INVISIBLE}}, "identity": INVISIBLE})
    assert result["identity"] == INVISIBLE
    assert INVISIBLE not in (result["msg"], result["diff"]["after"]["name"])


def printed(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], verbosity: int, **task: Any
) -> tuple[Any, list[str]]:
    """The result that Ansible gets, and what is shown instead of it."""
    texts: list[str] = []
    monkeypatch.setattr(base, "show", texts.append)
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    action: Any = ModuleAction.__new__(ModuleAction)
    action._task = SimpleNamespace(**{"no_log": False, **task})
    return action._printed(result), texts


@pytest.mark.parametrize(("verbosity", "options"), [(1, False), (3, True)])
def test_data_that_ansible_prints_for_v_is_printed_readably_instead(
    monkeypatch: pytest.MonkeyPatch, verbosity: int, options: bool
) -> None:
    result = {"rules": [{"name": INVISIBLE}], INVISIBLE: 1, "invocation": {"module_args": {"name": INVISIBLE}}}
    found, (text,) = printed(monkeypatch, result, verbosity)
    assert found == {**result, "_ansible_verbose_override": True}
    assert not set(INVISIBLE) - set("2J") & set(text)
    assert ("module_args" in text) is options


def test_data_without_invisible_characters_or_that_nobody_may_see_is_left_to_ansible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, hostile = {"rules": [{"name": "Partners"}]}, {"rules": [{"name": INVISIBLE}]}
    assert printed(monkeypatch, plain, 3) == (plain, [])
    assert printed(monkeypatch, hostile, 0) == (hostile, [])
    assert printed(monkeypatch, hostile, 3, no_log=True) == (hostile, [])
    hidden = {**hostile, "_ansible_no_log": True}
    assert printed(monkeypatch, hidden, 3) == (hidden, [])
