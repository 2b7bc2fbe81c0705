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
        "Priority",
        "WhenChanged",
        "WhenChangedUTC",
        "LastModifiedBy",
        "ManuallyModified",
        "Identity",
        "Id",
        "DistinguishedName",
        "ObjectState",
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
    }
)


def concurrent_changes(before: Organization, after: Organization, applied: Iterable[Step]) -> list[str]:
    """A sentence for each rule that somebody else changed, created, removed or moved between two reads.

    :param applied: what this task wrote between the reads.
    """
    if not (_shows_rules(before) and _shows_rules(after)):
        return []
    old, new = _by_guid(before), _by_guid(after)
    written = _written(applied)
    sentences = [
        *_changed_or_created(old, new, written),
        *_removed(old, new, written),
        *_moved(old, new, written),
    ]
    return [f"Another administrator {sentence} during this task." for sentence in sentences]


#: Rules as Exchange shows them by their GUIDs, first to last.
_Rules = Mapping[str, Mapping[str, Any]]


def _shows_rules(organization: Organization) -> bool:
    return "transport_rules" in organization.subsets and organization.error("transport_rules") is None


def _by_guid(organization: Organization) -> _Rules:
    rules = sorted(organization.objects("transport_rules"), key=lambda rule: int(rule["Priority"]))
    return {str(rule["Guid"]): rule for rule in rules}


def _written(applied: Iterable[Step]) -> dict[str, set[str]]:
    """The properties that steps wrote, in lower case, by the GUID or the name of the rule."""
    written: dict[str, set[str]] = {}
    for step in applied:
        parameters = step.call.parameters
        key = str(parameters.get("Identity") or parameters.get("Name") or "")
        names = parameters if "Set-" in step.call.cmdlet or "New-" in step.call.cmdlet else ("State", "Mode")
        written.setdefault(key, set()).update(name.lower() for name in names)
    return written


def _changed_or_created(old: _Rules, new: _Rules, written: Mapping[str, set[str]]) -> list[str]:
    sentences = []
    for guid, rule in new.items():
        name = rule["Name"]
        if guid not in old:
            sentences += [f"created the rule {name!r}"] if str(name) not in written else []
            continue
        ours = written.get(guid, ())
        theirs = sorted(option for option in _differing(old[guid], rule) if option.lower() not in ours)
        if theirs:
            sentences.append(f"changed the rule {name!r} ({', '.join(theirs)})")
    return sentences


def _removed(old: _Rules, new: _Rules, written: Mapping[str, set[str]]) -> list[str]:
    gone = [rule["Name"] for guid, rule in old.items() if guid not in new and guid not in written]
    return [f"removed the rule {name!r}" for name in gone]


def _moved(old: _Rules, new: _Rules, written: Mapping[str, set[str]]) -> list[str]:
    staying = [guid for guid in old if guid in new and "priority" not in written.get(guid, ())]
    moved = moves([guid for guid in new if guid in staying], staying)
    return [f"moved the rule {new[guid]['Name']!r}" for guid, _index in moved]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {name for name in {*old, *new} - _FOLLOWING if _plain(old.get(name)) != _plain(new.get(name))}


def _plain(value: Any) -> Any:
    """A value without differences that are not significant: the order of a list, and the two ways to represent an unset
    value.
    """
    if isinstance(value, list):
        return sorted(map(str, value)) or None
    return None if value in ("", False) else value
