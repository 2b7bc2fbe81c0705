# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a result brings with it, and what core sends beside it: core copies both several times on their way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.display import Display
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import MailFlowAction

PARAMS: dict[str, Any] = {"rules": [{"name": "Encrypt", "mode": None}], "source": None}
GIVEN = {"invocation": {"module_args": {"rules": [{"name": "Encrypt"}]}}}


def of(action: type[ModuleAction]) -> dict[str, Any]:
    return action.__new__(action).invocation(PARAMS)


@pytest.mark.parametrize("verbosity", [0, 2, 3])
def test_the_given_options_of_a_task_are_in_its_result(monkeypatch: pytest.MonkeyPatch, verbosity: int) -> None:
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    assert of(ModuleAction) == GIVEN


@pytest.mark.parametrize(("verbosity", "shown"), [(0, {}), (2, {}), (3, GIVEN)])
def test_rules_and_messages_are_in_it_only_where_ansible_shows_them(
    monkeypatch: pytest.MonkeyPatch, verbosity: int, shown: dict[str, Any]
) -> None:
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    assert of(MailFlowAction) == shown


def test_the_options_that_core_sends_with_a_result_are_plain_and_serve_another_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Action(ModuleAction):
        module = SimpleNamespace(  # type: ignore[assignment]
            SPEC={"argument_spec": {"words": {"type": "list", "elements": "str"}}},
            run=lambda task: {"msg": ", ".join(task.params["words"])},
        )

    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(ModuleAction, "check_connection", lambda _action: None)
    action: Any = Action.__new__(Action)
    action._connection = SimpleNamespace()
    action._task = SimpleNamespace(
        args={"words": [trust_as_template("one"), "two"]}, resolved_action="words", check_mode=False, diff=False
    )
    assert action._task.args["words"][0].__class__ is not str
    for _attempt in range(2):
        assert action.run()["msg"] == "one, two"
        assert action._task.args == {"words": ["one", "two"]}
        assert action._task.args["words"][0].__class__ is str
