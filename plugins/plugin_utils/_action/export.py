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
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import folder_name, write_file
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import ModuleAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.yaml import Dumper, dump

_HEADER = """\
---
# An organization as it was found. Ansible reads it as variables: put it into host_vars, and check.
# Whoever may name a mail flow rule wrote into this file. Keep every !unsafe: without it Ansible would run what looks like a template.
"""

#: What Jinja takes for the beginning of something of its own.
_TEMPLATES = ("{{", "{%", "{#")


class _Dumper(Dumper):
    """Texts that Jinja would take for its own are marked."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if any(mark in text for mark in _TEMPLATES):
        return dumper.represent_scalar("!unsafe", text, style='"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


_Dumper.add_representer(str, _represent_text)


def variables_file(variables: Mapping[str, Any]) -> str:
    """Variables as YAML that templates nothing of what an organization holds."""
    return _HEADER + dump(dict(variables), _Dumper, width=160)


class ExportAction(ModuleAction):
    """Runs the export's module with a place to write to."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ExportContext:
        """A task that knows where the organization's file is."""
        host = str(task_vars["inventory_hostname"])

        def store(directory: str, variables: Mapping[str, Any], write: bool) -> tuple[str, bool]:
            path = Path(directory).expanduser().absolute() / folder_name(host) / "export.yml"
            content = variables_file(variables).encode("utf-8")
            differs = _content(path) != content
            if differs and write:
                write_file(path, content)
            return str(path), differs

        return ExportContext(**fields, store=store)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
