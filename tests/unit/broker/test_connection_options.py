# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection, as Ansible sets them."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible_collections.m365.message_encryption.plugins.connection import exchange


def test_a_value_that_an_option_cannot_have_is_an_error_of_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    options = yaml.safe_load(exchange.DOCUMENTATION)["options"]
    monkeypatch.setattr(exchange.Connection, "option_definitions", options)
    connection = exchange.Connection(PlayContext())
    with pytest.raises(AnsibleError, match=r"ansible_exchange_transport is 'smtp'\. Use one of ") as refused:
        connection.set_options(var_options={"ansible_exchange_transport": "smtp"})
    assert refused.value.__cause__ is None
