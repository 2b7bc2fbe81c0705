# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an organization as a file of variables, and a playbook that restores it.

Both files are written only where they differ, completely or not at all, with mode 0600 in a folder that is named after
the host.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ...module_utils._baseline.procedures.export import ENCRYPTION_RULES, STATE_VARIABLE, ExportContext
from ...module_utils._exchange.errors import OptionError
from ...module_utils._exchange.text import visible
from .._transports.regular_file import content_of
from .base import ModuleAction
from .diff import Dumper, dump
from .files import folder_name, write_file

_HEADER = """\
---
# The settings and mail flow rules of an organization when it was exported. The playbook {playbook} in this folder restores them.
# Empty values and the defaults of a new rule are omitted. The variables that begin with hardened_baseline_ are for the role hardened_baseline.
# Other people wrote the texts in this file. Keep each !unsafe: without it, Ansible would execute templates in them.
"""
_ENFORCE = """\
---
# Restores an organization to the state in {file}. To see what that would change:
#   ansible-playbook -i <your inventory> {path} --check --diff
# Where the host has another name in the inventory: -e exchange_organizations=NAME. The state of another organization is refused.
- name: Restore the exported state
  hosts: "{{{{ exchange_organizations | default('{host}') }}}}"
  gather_facts: false
  vars_files: [{file}]
  tasks:
    - name: Restore every setting and rule in the file
      m365.message_encryption.message_encryption_state:
        state: "{{{{ message_encryption_state }}}}"
        omitted: default
"""
FILE, PLAYBOOK = "export.yml", "enforce.yml"
#: A host's name that is no pattern and no template, with nothing invisible in it.
_PLAIN = re.compile(r"[^\W_](?:[\w. @+=/-]*[\w])?")
_GUID = re.compile(r"[0-9A-Fa-f-]{36}")


class _UnsafeDumper(Dumper):
    """Marks every text as unsafe, whatever it looks like: a text may define its own delimiters (``#jinja2:``)."""


class _Key(str):
    """A name from the collection itself, which Ansible never templates."""


class _Template(str):
    """A template of the collection itself, which Ansible is to execute."""


_TEXT = "tag:yaml.org,2002:str"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Ansible treats !unsafe "yes" like yes. A text that YAML would read as a number, a date or the like cannot be a
    # template.
    is_text = dumper.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT  # type: ignore[no-untyped-call]
    return dumper.represent_scalar("!unsafe" if is_text else _TEXT, text, style='"')


def _represent_key(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text)


_UnsafeDumper.add_representer(str, _represent_text)


def _represent_template(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text, style='"')


_UnsafeDumper.add_representer(_Key, _represent_key)
_UnsafeDumper.add_representer(_Template, _represent_template)


def variables_file(variables: Mapping[str, Any], policy: Sequence[str] = ()) -> str:
    """The content of :data:`FILE`: YAML in which no value of an organization is templated.

    :param variables: what ``variables_of`` returns: the state, and the role's variables.
    :param policy: sentences about what the rules do, for a comment. Each is one visible line.
    :raises OptionError: YAML cannot represent a text.
    """
    comment = "".join(f"#   {line}\n" for line in policy)
    header = _HEADER.format(playbook=PLAYBOOK) + (
        f"# What the rules do to mail, the most important first:\n{comment}" if comment else ""
    )
    return header + dump({**_with_keys(variables, ""), **_rules_of_the_role(variables)}, _UnsafeDumper, width=1000)


def playbook_file(host: str, groups: Collection[str], path: Path) -> str:
    """The playbook that restores the state in :data:`FILE` on one host, unless ``exchange_organizations`` names another.
    The state names its organization, and is refused in others.

    :param host: its name in the inventory.
    :param groups: the names of the inventory's groups.
    :param path: where the playbook goes.
    :raises OptionError: Ansible would read the name as something else than this host.
    """
    if host in groups or not _PLAIN.fullmatch(host):
        reason = "a group has this name, too" if host in groups else "Ansible would read it as a pattern or a template"
        raise OptionError(
            f"A playbook for the host {visible(host)!r} could apply the state of its organization to others: {reason}.",
            remedy="Give the host a name of letters, digits, dots, hyphens and underscores in the inventory.",
        )
    # A line feed would end the comment.
    return _ENFORCE.format(file=FILE, path=visible(str(path)).replace("\n", "[U+000A]"), host=host)


def _rules_of_the_role(variables: Mapping[str, Any]) -> dict[_Key, Any]:
    """The role's rules, taken from the state in the file."""
    if ENCRYPTION_RULES not in variables:
        return {}
    guids = [guid for guid in variables[ENCRYPTION_RULES] if _GUID.fullmatch(guid)]
    chosen = f"{STATE_VARIABLE}.transport_rules | selectattr('guid', 'in', {guids}) | list"
    return {_Key(ENCRYPTION_RULES): _Template(f"{{{{ {chosen} }}}}") if guids else []}


def _with_keys(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {_Key(key): _with_keys(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_keys(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise OptionError(
            f"{path} is {visible(value)!r}: a file cannot hold an unpaired surrogate.",
            remedy="Correct the text in Exchange and export again.",
        )
    return value


class ExportAction(ModuleAction):
    """Runs the export module with files to write to."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ExportContext:
        """A module context with the paths of the organization's files."""
        # A delegated task exports the organization to which it is delegated.
        host = str(self._task.delegate_to or task_vars["inventory_hostname"])
        groups = task_vars.get("groups", ())

        def store(
            directory: str, variables: Mapping[str, Any], policy: Sequence[str], write: bool
        ) -> tuple[str, str, bool]:
            folder = Path(directory).expanduser().absolute() / folder_name(host)
            playbook = playbook_file(host, groups, folder / PLAYBOOK)
            files = {
                folder / FILE: variables_file(variables, policy).encode("utf-8"),
                folder / PLAYBOOK: playbook.encode("utf-8"),
            }
            differ = [path for path, content in files.items() if _content(path) != content]
            for path in differ if write else ():
                write_file(path, files[path], option="directory")
            return str(folder / FILE), str(folder / PLAYBOOK), bool(differ)

        return ExportContext(**fields, store=store)


def _content(path: Path) -> bytes | None:
    try:
        return content_of(path)
    except OSError:
        return None
