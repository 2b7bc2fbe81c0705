# SPDX-License-Identifier: GPL-3.0-or-later
"""Spares the ansible-playbooks of the tests what each of them would do anew: their PYTHONPATH names this folder, and
Python runs this file at its start.

ansible-core's loader compiles all Python of a collection in each run, and jinja all templates of the report. Here,
Python's own loader reads the same files, and keeps what it compiled beside them, as it does for pytest and the session
broker; jinja keeps its own in ``.cache``, and so does the loader with the YAML of ``runtime.yml``. A module of
ansible-core is not taken out of the archive that is made of it, but from where it lies. No run looks for garbage, and
none imports pypsrp, which core wants for a connection plugin that no test uses: only the session broker needs it.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

_LOADER = "ansible.utils.collection_loader._collection_finder"
_CACHE = os.path.join(os.path.dirname(__file__), "../../../.cache/startup", sys.implementation.cache_tag)


class _Finder:
    """Finds the module of that loader, core's own modules, and no pypsrp: a program that does not import that loader
    runs as ever.
    """

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == "pypsrp" and _LOADER in sys.modules:
            raise ModuleNotFoundError(f"{name} is for the session broker", name=name)
        if name == "ansible" and sys.path[0].endswith("_payload.zip"):
            return PathFinder.find_spec(name, sys.path[1:])
        if name != _LOADER:
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module: object) -> None:
            run(module)
            _spare(module)

        spec.loader.exec_module = exec_module
        return spec


def _spare(module: object) -> None:
    import gc
    import hashlib
    import json

    from jinja2 import Environment, FileSystemBytecodeCache

    gc.disable()
    os.makedirs(_CACHE, exist_ok=True)
    *defaults, _no_cache, enable_async = Environment.__init__.__defaults__
    Environment.__init__.__defaults__ = (*defaults, FileSystemBytecodeCache(_CACHE), enable_async)
    loader = module._AnsibleCollectionPkgLoaderBase
    compiled, parsed = loader.get_code, module._meta_yml_to_dict

    def get_code(self: object, name: str) -> object:
        path = self._source_code_path
        return SourceFileLoader(name, path).get_code(name) if path else compiled(self, name)

    def meta(text: bytes, content: object) -> object:
        path = os.path.join(_CACHE, hashlib.sha256(text).hexdigest())
        if not os.path.exists(path):
            with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
                json.dump(parsed(text, content), file)
            os.replace(file.name, path)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    loader.get_code = get_code
    module._meta_yml_to_dict = meta


sys.meta_path.insert(0, _Finder)
