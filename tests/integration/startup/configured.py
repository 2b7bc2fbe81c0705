# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a configuration and imports what ansible-playbook and this collection need, for many programs that have the
same configuration.

Of what core keeps for one process, programs get what comes from files that no run writes: modules, and the options of
core's plugins. Search paths, the collection loader and its packages are forgotten, and :func:`begin` makes anew what
must be each program's own.
"""

from __future__ import annotations

import atexit
import importlib
import pkgutil
import secrets
import sys

import ansible.cli.playbook
import ansible.utils.vars
from ansible import constants
from ansible.plugins import loader
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from ansible.utils.path import cleanup_tmp_file

#: What core imports when a play runs.
_LATER = (
    "ansible.modules",
    "ansible.parsing.yaml.dumper",
    "ansible.playbook.handler_task_include",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
    "ansible.utils.encrypt",
    "ansible.utils.unicode",
    "ansible.utils.version",
    "encodings.ascii",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
)
_PLUGINS = "ansible_collections.m365.message_encryption.plugins"


def begin() -> None:
    """For a program that begins: its temporary folder, and the number that tells its tasks from those of other runs."""
    for name in _temporary():
        setattr(constants, name, constants.config.get_config_value(name, variables=vars(constants)))
    ansible.utils.vars.random_int = f"{secrets.randbits(32):08x}"


def _temporary() -> list[str]:
    definitions = constants.config.get_configuration_definitions()
    return [name for name, each in definitions.items() if each.get("type") in ("tmp", "temppath", "tmppath")]


def _prepare() -> None:
    for name in _LATER:
        importlib.import_module(name)
    for name in ("become", "cache", "callback", "connection", "filter", "inventory", "shell", "test"):
        each = getattr(loader, f"{name}_loader")
        list(each.all(class_only=True))
        each._clear_caches()
    loader.init_plugin_loader()
    for kind in ("action", "connection"):
        folder = importlib.import_module(f"{_PLUGINS}.{kind}")
        for module in pkgutil.iter_modules(folder.__path__):
            importlib.import_module(f"{folder.__name__}.{module.name}")
    _AnsibleCollectionFinder._remove()
    for name in list(sys.modules):
        if name.startswith("ansible_collections") and not name.startswith(_PLUGINS):
            del sys.modules[name]
    for name in _temporary():
        cleanup_tmp_file(getattr(constants, name))
    atexit.unregister(cleanup_tmp_file)


_prepare()
