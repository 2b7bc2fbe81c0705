# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes YAML as a person would, and renders changes as YAML."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


class Dumper(yaml.SafeDumper):
    """Indents lists under their key and never uses references. Each use has a subclass with its own representer."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(value: Any, dumper: type[Dumper], width: int) -> str:
    """The value as YAML text, in its own order."""
    return str(
        yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=width)
    )


class _BlockDumper(Dumper):
    """Represents multiline texts as blocks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """The value as YAML text."""
    return dump(value, _BlockDumper, width=1000)


def diff(changes: Sequence[dict[str, Any]], places: Mapping[str, str] = types.MappingProxyType({})) -> dict[str, str]:
    """The ``diff`` of a task result: the changed options before and after, grouped by object if there is more than one.

    :param places: the positions of new objects, by name.
    """
    changes = [row for change in changes for row in (change, *_landing(change, places))]
    several = len({(change["resource"], change["identity"]) for change in changes}) > 1
    return {side: _side(changes, side, several) for side in ("before", "after")}


def _landing(change: dict[str, Any], places: Mapping[str, str]) -> list[dict[str, Any]]:
    """The position of a new object, shown like one of its options."""
    place = places.get(change["identity"], "") if (change["option"], change["before"]) == ("state", "absent") else ""
    return [{**change, "option": "place", "before": None, "after": place}] if place else []


def as_text(sides: dict[str, str], host: str) -> str:
    """A diff as text, for a result that changes nothing, for which Ansible does not show a diff."""
    before, after = (sides[side].splitlines(keepends=True) for side in ("before", "after"))
    return "".join(difflib.unified_diff(before, after, f"{host}: current", f"{host}: desired")).rstrip("\n")


def _side(changes: Sequence[dict[str, Any]], side: str, several: bool) -> str:
    tree: dict[str, Any] = {}
    for change in changes:
        if change[side] is None:
            continue
        branch = tree
        path = [change["resource"], change["identity"]] if several else [change["identity"]]
        for step in [*filter(None, path), *change["option"].split(".")[:-1]]:
            branch = branch.setdefault(step, {})
        branch[change["option"].split(".")[-1]] = change[side]
    return to_yaml(tree) if tree else ""
