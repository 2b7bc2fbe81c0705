# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects what others did to mail flow rules during a task.

Only differences are ever written, so the work of others stays in place, but whoever reads the result should know about
it. Contents are compared, not dates: it is not documented whether a rule that only moves counts as changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._engine.plan import Step
from ..._exchange.organization import Organization
from .reordering import moves

#: Properties that follow from others or that every write changes.
_FOLLOWING = frozenset(
    {
        *(
            "Priority",
            "WhenChanged",
            "WhenChangedUTC",
            "LastModifiedBy",
            "ManuallyModified",
            "Identity",
            "Id",
            "DistinguishedName",
            "ObjectState",
        ),
        *(
            "Description",
            "Size",
            "RegexSize",
            "RuleVersion",
            "Conditions",
            "Exceptions",
            "Actions",
            "ExchangeVersion",
            "RunspaceId",
            "SerializationData",
        ),
    }
)


def concurrent_changes(before: Organization, after: Organization, applied: Iterable[Step]) -> list[str]:
    """A sentence for each rule that somebody else changed, created, removed or moved between two reads.

    :param applied: what this task wrote between the reads.
    """
    if not all("transport_rules" in read.subsets and read.error("transport_rules") is None for read in (before, after)):
        return []
    old, new = ({str(rule["Guid"]): rule for rule in _in_order(read)} for read in (before, after))
    written: dict[str, set[str]] = {}
    for step in applied:
        key = str(step.call.parameters.get("Identity") or step.call.parameters.get("Name") or "")
        parameters = (
            step.call.parameters if "Set-" in step.call.cmdlet or "New-" in step.call.cmdlet else ("State", "Mode")
        )
        written.setdefault(key, set()).update(name.lower() for name in parameters)
    made = {str(rule["Name"]) for rule in new.values()} & set(written)
    sentences = []
    for guid, rule in new.items():
        differing = (
            sorted(name for name in _differing(old[guid], rule) if name.lower() not in written.get(guid, ()))
            if guid in old
            else []
        )
        if differing:
            sentences.append(f"changed the rule {rule['Name']!r} ({', '.join(differing)})")
        elif guid not in old and rule["Name"] not in made:
            sentences.append(f"created the rule {rule['Name']!r}")
    sentences += [
        f"removed the rule {rule['Name']!r}" for guid, rule in old.items() if guid not in new and guid not in written
    ]
    staying = [guid for guid in old if guid in new and "priority" not in written.get(guid, ())]
    moved = moves([guid for guid in new if guid in staying], staying)
    sentences += [f"moved the rule {new[guid]['Name']!r}" for guid, _index in moved]
    return [f"Another administrator {sentence} during this task." for sentence in sentences]


def _in_order(organization: Organization) -> list[dict[str, Any]]:
    return sorted(organization.objects("transport_rules"), key=lambda rule: int(rule["Priority"]))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {name for name in {*old, *new} - _FOLLOWING if _plain(old.get(name)) != _plain(new.get(name))}


def _plain(value: Any) -> Any:
    """A value without differences that are not significant: the order of a list, and the two ways to represent an unset
    value.
    """
    if isinstance(value, list):
        return sorted(map(str, value)) or None
    return None if value in ("", False) else value
