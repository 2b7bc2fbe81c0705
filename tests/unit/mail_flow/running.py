# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module about mail flow as its action does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_test
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import loaded

from tests.unit.plain_values import not_plain


class NoSession:
    """Whatever asks it anything fails."""

    def invoke(self, calls: Any, *, fresh: bool = False) -> Any:
        raise AssertionError("the organization was asked")


def content_of(path: str) -> Any:
    """The content of a YAML or JSON file."""
    return loaded(Path(path).read_bytes(), path)


def flow(
    session: Any,
    /,
    *,
    module: ModuleType = mail_flow_test,
    load: Callable[[str], Any] = content_of,
    connected: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """The result of the module.

    :param module: another module that takes rules and facts.
    :param load: returns the content of a file that an option names.
    :param connected: whether the host is an organization.
    :raises OptionError: an option is refused.
    """
    rules = {name: value for name, value in module.SPEC.items() if name != "argument_spec"}
    validation, errors = validate(json.loads(json.dumps(options)), module.SPEC["argument_spec"], **rules)
    if errors:
        raise OptionError("; ".join(errors))
    task = MailFlowContext(
        params=validation.validated_parameters,
        check_mode=False,
        session=session,
        find_file=lambda path: Path(path).read_bytes(),
        load=load,
        connected=connected,
    )
    result: dict[str, Any] = module.run(task)
    assert list(not_plain(result)) == []
    return {**result, "warnings": task.warnings}
