# SPDX-License-Identifier: GPL-3.0-or-later
"""Other words for everything: each sentence differs each time it is made, and sorts differently."""

from __future__ import annotations

import functools
import hashlib
import itertools
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import PlanWarning

MARK = "\N{PILCROW SIGN}"
PLUGINS = "ansible_collections.m365.message_encryption.plugins."
_numbers = itertools.count()


def reword(patch: pytest.MonkeyPatch) -> None:
    """Puts a mark and something that is never the same before whatever the wording makes."""
    for module in [module for name, module in sys.modules.items() if name.startswith(PLUGINS)]:
        for name, value in list(vars(module).items()):
            if _renders(value):
                patch.setattr(module, name, _other(value))
    for kind in (Finding, PlanWarning):
        patch.setattr(kind, "__init__", _with_other_text(kind.__init__, kind))


def _renders(value: Any) -> bool:
    return (
        isinstance(value, FunctionType)
        and (".wording." in value.__module__ or value.__module__.endswith("documents.terminal_lines"))
        and value.__annotations__.get("return") == "str"
    )


def _marked(text: str) -> str:
    number = str(next(_numbers))
    return f"{MARK}{hashlib.sha256(number.encode()).hexdigest()[:4]}{number}{MARK}{text}" if text else text


def _other(render: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(render)
    def rendered(*given: Any, **named: Any) -> str:
        return _marked(render(*given, **named))

    return rendered


def _with_other_text(init: Callable[..., None], kind: type) -> Callable[..., None]:
    names = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]

    @functools.wraps(init)
    def made(self: Any, *given: Any, **named: Any) -> None:
        values = {**dict(zip(names, given, strict=False)), **named}
        init(self, **{**values, "text": _marked(values["text"])})

    return made


def differing(plain: Any, other: Any, where: str = "") -> Iterator[str]:
    """Where two results differ in more than words."""
    if isinstance(plain, str) and isinstance(other, str) and MARK in other:
        return
    if isinstance(plain, dict) and isinstance(other, dict) and list(plain) == list(other):
        for key, value in plain.items():
            yield from differing(value, other[key], f"{where}.{key}")
    elif isinstance(plain, (list, tuple)) and isinstance(other, (list, tuple)) and len(plain) == len(other):
        for place, pair in enumerate(zip(plain, other, strict=True)):
            yield from differing(*pair, f"{where}[{place}]")
    elif plain != other:
        yield f"{where}: {plain!r} is {other!r}"
