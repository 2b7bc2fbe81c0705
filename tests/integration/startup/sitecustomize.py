# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the bytecode of collections for the ansible-playbooks of the tests, whose PYTHONPATH names this folder: Python
runs this file at its start.

ansible-core's loader compiles all Python of a collection anew in each run; of the role that is more than everything
else that the run does. Here, Python's own loader reads the same files, and keeps what it compiled beside them, as it
does for pytest and the session broker.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

_MODULE = "ansible.utils.collection_loader._collection_finder"


class _Finder:
    """Finds the module of that loader, and nothing else: a program that does not import it runs as ever."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(cls)
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            loader = module._AnsibleCollectionPkgLoaderBase
            compiled = loader.get_code

            def get_code(self: Any, name: str) -> Any:
                path = self._source_code_path
                return SourceFileLoader(name, path).get_code(name) if path else compiled(self, name)

            loader.get_code = get_code

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder)
