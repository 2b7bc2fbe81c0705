# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing an organization as a file of variables. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.export import ExportContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import visible
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import folder_name
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import write_file
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.yaml import Dumper, dump

_HEADER = """\
---
# An organization as it was found. Ansible reads it as variables: put it into host_vars, and check.
# Whoever may name a mail flow rule wrote into this file. Keep every !unsafe: without it Ansible would run what such a text asks for.
"""


class _Dumper(Dumper):
    """Every text is marked, whatever it looks like: a text may bring its own delimiters (``#jinja2:``)."""


class _Key(str):
    """A name that the collection gave, and that Ansible never templates."""


_TEXT = "tag:yaml.org,2002:str"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Ansible makes of !unsafe "yes" what it makes of yes. What YAML takes for a number, a date and the like can be no template.
    is_text = dumper.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT  # type: ignore[no-untyped-call]
    return dumper.represent_scalar("!unsafe" if is_text else _TEXT, text, style='"')


def _represent_key(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Key, _represent_key)


def variables_file(variables: Mapping[str, Any]) -> str:
    """Variables as YAML that templates nothing of what an organization holds.

    :raises OptionError: a text that no YAML file can hold.
    """
    return _HEADER + dump(_with_keys(variables, ""), _Dumper, width=160)


def _with_keys(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {_Key(key): _with_keys(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_keys(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise OptionError(f"{path} is {visible(value)!r}: no file can hold half a character.", remedy="Mend that text in Exchange, then export again.")
    return value


class ExportAction(ModuleAction):
    """Runs the export's module with a place to write to."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ExportContext:
        """A task that knows where the organization's file is."""
        # A delegated task exports the organization that it is delegated to.
        host = str(self._task.delegate_to or task_vars["inventory_hostname"])

        def store(directory: str, variables: Mapping[str, Any], write: bool) -> tuple[str, bool]:
            path = Path(directory).expanduser().absolute() / folder_name(host) / "export.yml"
            content = variables_file(variables).encode("utf-8")
            differs = _content(path) != content
            if differs and write:
                write_file(path, content, option="directory")
            return str(path), differs

        return ExportContext(**fields, store=store)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
