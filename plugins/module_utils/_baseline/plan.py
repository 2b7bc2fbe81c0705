# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a document: what a board approves, and what a later run is compared with. Private to the collection.

The digest is over what an approver reads: what is wanted, what the managed settings are, what would change with its impact, its way back and
its cmdlets, what becomes of mail, and the warnings. It is the same on every controller and over every wire: nothing of the time, the host,
GUIDs or places among rules that are not managed is in it. The seal is over the whole file, these included.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import control_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.mail import counted_mail, impact_of, moved_mail
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.status import ChangeState, RollbackClass
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import exact_digest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import why_not_from
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import OME_CONFIGURATION, find
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.registry import RESOURCE
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import is_past
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import RULE, rules_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field

FORMAT = 1
VERSION = "1.0.0"

#: Worst first: what people decide about stands at the top.
_IMPACTS = [impact.value for impact in Impact]


def field_of(resource: str, option: str) -> Field | None:
    """The setting that a change is about; ``None`` for states, names and places."""
    return RESOURCE[resource].field(option) if resource in RESOURCE else None


def same(resource: str, option: str, first: Any, second: Any) -> bool:
    """Whether two shown values of a setting mean the same."""
    row = field_of(resource, option)
    if row is None or first is None or second is None or row.show(row.kind.cleared) != row.kind.cleared:
        return bool(normal(first) == normal(second))
    if option == "image_content":
        return bool(first == second)
    return row.equal(first, second)


def documented(organization: Organization, plan: Plan, mail: Mapping[str, Any] = types.MappingProxyType({})) -> list[dict[str, Any]]:
    """The plan's changes as the report has them, those of high impact first."""
    rows = [
        {
            "control": control_of(change.resource, change.identity, change.option),
            "resource": change.resource,
            "identity": change.identity,
            "option": change.option,
            "before": change.before,
            "after": change.after,
            "impact": impact_of(change, mail).value,
            "rollback": rollback_class(organization, change),
            "command": str(step.call),
            "state": ChangeState.PLANNED,
        }
        for step in plan.steps
        for change in step.changes
    ]
    return sorted(rows, key=lambda row: _IMPACTS.index(row["impact"]))


def rollback_class(organization: Organization, change: Change) -> RollbackClass:
    """How a rollback could undo a change."""
    if change.resource == RULE:
        rule = next((rule for rule in rules_of(organization) if rule.name == change.identity), None)
        if change.option == "state" and change.after == "absent":
            return RollbackClass.NOT_POSSIBLE if rule and rule.not_rebuildable else RollbackClass.EQUIVALENT
        if rule and (rule.unsupported or (change.option == "expiry_date" and is_past(rule.settings["expiry_date"]))):
            return RollbackClass.NOT_POSSIBLE if change.option not in ("enabled", "priority") else RollbackClass.EXACT
        return RollbackClass.EXACT
    if change.option == "state":
        # A template that is gone can be recreated, but mail that was sent with the old one does not come back to it.
        return RollbackClass.EQUIVALENT if change.after == "present" else RollbackClass.NOT_POSSIBLE
    row = field_of(change.resource, change.option)
    created = change.resource == OME_CONFIGURATION.name and find(organization.objects(OME_CONFIGURATION.subset), change.identity) is None
    if not created and change.before is None and row is not None and change.after != row.kind.cleared:
        return RollbackClass.NOT_POSSIBLE
    return RollbackClass.EXACT


def normal(value: Any) -> Any:
    """The value in the form that is compared and digested: the order of words in a list says nothing."""
    if isinstance(value, Mapping):
        return {str(key): normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [normal(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def digest_of(value: Any) -> str:
    """``sha256:`` and the digest of a value's one canonical text."""
    return exact_digest(normal(value))


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the digest of everything that it says, to the letter."""
    said = {key: value for key, value in document.items() if key != "seal"}
    return {**said, "seal": exact_digest(said)}


#: Changes that a sentence names.
_NAMED = 5


def named(changes: Sequence[Mapping[str, Any]]) -> str:
    """Changes by their names, the first of them: a rule that is made or removed is one, whatever it consists of."""
    names: list[str] = []
    for change in changes:
        whole = any((row["resource"], row["identity"], row["option"]) == (change["resource"], change["identity"], "state") for row in changes)
        option = "" if whole else f"{change['option']} of "
        names.append(f"{option}{change['identity'] or change['resource']}")
    names = list(dict.fromkeys(names))
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


#: A text in a command, or what counts for nothing in it: the GUID of a rule, whose name the change has, and its place among rules of others.
_VOLATILE = re.compile(r"('(?:[^']|'')*')| -Identity '(?:[^']|'')*'| -Priority \d+")


def stable_command(text: str) -> str:
    """Of a cmdlet's text, what counts for the digest."""
    return _VOLATILE.sub(lambda match: match[1] or "", text)


def digested(changes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of changes, what counts for the digest."""
    rows = [{**_counted(change), "command": stable_command(change["command"])} for change in changes]
    return sorted(rows, key=lambda row: json.dumps(normal(row), sort_keys=True))


def _counted(change: Mapping[str, Any]) -> dict[str, Any]:
    """Of a change, what it is and does, without the place of a rule among rules of others."""
    row = {key: change[key] for key in ("resource", "identity", "option", "before", "after", "impact", "rollback")}
    return {**row, "before": None, "after": None} if change["option"] == "priority" else row


def plan_document(
    kind: str, organization: Mapping[str, Any], wishes: Any, plan: Plan, changes: Sequence[Mapping[str, Any]], mail: Mapping[str, Any]
) -> dict[str, Any]:
    """The document of a plan, with its digest.

    :param kind: the procedure whose plan it is: ``baseline`` or ``disable``.
    :param organization: who it is for.
    :param mail: what it does to mail.
    """
    document = {
        "format": FORMAT,
        "kind": kind,
        "organization": {key: organization.get(key) for key in ("name", "tenant_id")},
        "collection_version": VERSION,
        "wishes": wishes,
        "managed": normal(plan.before),
        "changes": list(changes),
        "mail": dict(mail),
        "warnings": list(dict.fromkeys(plan.warnings)),
    }
    return seal({**document, "digest": plan_digest(document)})


def plan_digest(document: Mapping[str, Any]) -> str:
    """The digest of a plan document, computed from what it says. Not every session shows the tenant id, so the organization counts by its name."""
    counts = {key: document[key] for key in ("kind", "collection_version", "wishes", "managed", "warnings")}
    digested_parts = {"changes": digested(document["changes"]), "mail": counted_mail(document["mail"])}
    return digest_of({**counts, "organization": document["organization"]["name"], **digested_parts})


#: What a plan document has beside its format.
_PARTS: Mapping[type, tuple[str, ...]] = {
    str: ("kind", "collection_version", "digest", "seal"),
    dict: ("organization", "wishes", "managed", "mail"),
    list: ("changes", "warnings"),
}


def check_plan(document: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Refuses by name what is no plan, is of another format or version, or was changed after it was written."""
    refused = f"hardened_baseline_approved_plan: {where}"
    if not isinstance(document, Mapping) or set(document) != {"format", *(key for keys in _PARTS.values() for key in keys)}:
        raise OptionError(f"{refused} is not a plan of this collection.")
    if document["format"] != FORMAT or isinstance(document["format"], (bool, float)):
        raise OptionError(f"{refused} has format {document['format']!r}, but this version of the collection supports {FORMAT}.")
    if any(not isinstance(document[key], kind) for kind, keys in _PARTS.items() for key in keys):
        raise OptionError(f"{refused} is not a plan of this collection: a part of it has the wrong type.")
    if document["collection_version"] != VERSION:
        raise OptionError(
            f"{refused} was made by version {document['collection_version']} of the collection, but this is version {VERSION}.",
            remedy="Create a new plan in a check-mode run with this version, and have it approved.",
        )
    try:
        whole = plan_digest(document) == document["digest"] and seal(document) == document
    except (KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise OptionError(f"{refused} does not match its own digest: it was changed after it was written.")
    return document


def moved(approved: Mapping[str, Any], current: Mapping[str, Any], *, begun: bool = False) -> list[str]:
    """What stands between an approved plan and the one that is needed now; nothing where it is the same, or what is left of it.

    :param begun: a run has written under the approval. Then a change counts as planned whatever it does from the state on the way: the approver saw the whole.
    """
    other = why_not_from(current["organization"], approved["organization"])
    if other:
        return [other]
    if approved["digest"] == current["digest"]:
        return []
    if approved["kind"] != current["kind"]:
        return [f"it is a plan for {approved['kind']}, but this is {current['kind']}"]
    if normal(approved["wishes"]) != normal(current["wishes"]):
        return [f"the variables of {name} have changed" for name in _differing(approved["wishes"], current["wishes"])]
    if begun:
        return unplanned(approved["changes"], current["changes"], effects=())
    warned = {normal(text) for text in approved["warnings"]}
    new = [text for text in current["warnings"] if normal(text) not in warned]
    warnings = [f"it does not warn that: {text.removesuffix('.')}" for text in new]
    return [*unplanned(approved["changes"], current["changes"]), *moved_mail(approved["mail"], current["mail"]), *warnings]


#: What a change does, the worst first.
_EFFECTS: Mapping[str, Sequence[str]] = {"impact": _IMPACTS, "rollback": list(RollbackClass)}


def unplanned(planned: Iterable[Mapping[str, Any]], needed: Iterable[Mapping[str, Any]], *, effects: Iterable[str] = tuple(_EFFECTS)) -> list[str]:
    """The needed changes that were not planned, as sentences.

    Several changes share a cmdlet, so that what is left of a plan is run by another one; and what is left of it may do less than the whole.

    :param effects: of what a change does, what must not be worse than planned.
    """
    known = [_counted(row) for row in planned]
    compared = list(effects)
    return [why for row in map(_counted, needed) if (why := _unplanned(row, known, compared))]


def _unplanned(row: Mapping[str, Any], known: Sequence[Mapping[str, Any]], effects: Sequence[str]) -> str:
    """How a change goes beyond those that are known; empty where it does not."""
    what = f"{row['option']} of {row['identity'] or row['resource']}"
    same_change = {**row, **dict.fromkeys(_EFFECTS)}
    twin = next((other for other in known if normal(same_change) == normal({**other, **dict.fromkeys(_EFFECTS)})), None)
    if twin is None:
        return f"{what} would go from {row['before']!r} to {row['after']!r}, which is not in it"
    worse = [name for name in effects if _EFFECTS[name].index(row[name]) < _EFFECTS[name].index(twin[name])]
    differing = [f"its {name} is {row[name] or 'none'!r}, but {twin[name] or 'none'!r} in the plan" for name in worse]
    return f"{what}: {' and '.join(differing)}" if differing else ""


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*first, *second} if normal(first.get(name)) != normal(second.get(name)))
