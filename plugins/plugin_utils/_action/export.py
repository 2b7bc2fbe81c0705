# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an organization as a variables file. Private to the collection."""

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
# The current state of an organization. Ansible reads this file as variables: copy it to host_vars, and run the playbook in check mode.
# Anybody who can name a mail flow rule wrote into this file. Keep every !unsafe: without it, Ansible would execute templates in such texts.
"""


class _Dumper(Dumper):
    """Marks every text as unsafe, whatever it looks like: a text may define its own delimiters (``#jinja2:``)."""


class _Key(str):
    """A name from the collection itself, which Ansible never templates."""


_TEXT = "tag:yaml.org,2002:str"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Ansible treats !unsafe "yes" like yes. A text that YAML would read as a number, a date or the like cannot be a template.
    is_text = dumper.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT  # type: ignore[no-untyped-call]
    return dumper.represent_scalar("!unsafe" if is_text else _TEXT, text, style='"')


def _represent_key(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Key, _represent_key)


def variables_file(variables: Mapping[str, Any]) -> str:
    """Variables as YAML in which no value of an organization is templated.

    :raises OptionError: YAML cannot represent a text.
    """
    return _HEADER + dump(_with_keys(variables, ""), _Dumper, width=160)


def _with_keys(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {_Key(key): _with_keys(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_keys(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise OptionError(f"{path} is {visible(value)!r}: a file cannot hold an unpaired surrogate.", remedy="Correct the text in Exchange and export again.")
    return value


class ExportAction(ModuleAction):
    """Runs the export module with a file to write to."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ExportContext:
        """A module context with the path of the organization's file."""
        # A delegated task exports the organization to which it is delegated.
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
