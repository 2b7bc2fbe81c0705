# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a result brings with it: core copies a result several times on its way."""

from __future__ import annotations

from typing import Any

import pytest
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
