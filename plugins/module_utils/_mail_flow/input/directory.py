# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the directory says of the groups and people that rules name. Private to the collection.

Only these are asked for, all in one round trip; of groups in groups, in as many as they are deep. A group counts as known where all of its members are,
also those of the groups in it. What is not granted, not whole, or empty is not known, and why is said: no answer is taken for "nobody".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result, Session
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, NotFoundError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import MOST_PEOPLE, Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import is_address
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet

#: So many groups and people are asked for; the others are not known.
MOST_ASKED = 100

#: So many names are listed for one reason.
_SAID = 5

_TOO_MANY = f"rules name more than {MOST_ASKED} groups and people, and so many are read"

#: So deep are groups in groups followed.
MOST_LEVELS = 4

#: How the reads of a group, of an address that may be one (its members, and what it is), and of somebody by a name are called.
_GROUP, _PERHAPS, _WHAT, _PERSON = _READS = ("group ", "perhaps group ", "what ", "person ")

#: The options of actions that bring a message to somebody.
_BRINGING = ("add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to")

#: The options of conditions whose values name people.
_PEOPLE = ("from", "sent_to", "any_of_to_header", "any_of_cc_header", "any_of_to_cc_header")


def read_directory(session: Session, rule_sets: Iterable[RuleSet], given: Mapping[str, Any]) -> Organization:
    """What the directory says of those whom rules name, and whom the given facts do not tell. Asks nothing where there is nobody."""
    rules = [rule for each in rule_sets for rule in each.rules if not rule.idle]
    named = dict.fromkeys(key for rule in rules for key in _named_by(rule))
    # Who is a group somewhere is asked for as one.
    named = dict.fromkeys(key for key in named if not (key.startswith(_PERHAPS) and _GROUP + _identity(key) in named))
    known = {*(given.get("groups") or {}), *(given.get("proxy_addresses") or {})}
    calls = {key: call for key, call in _calls(named).items() if str(call.parameters["Identity"]) not in known}
    found = Organization({}, {})
    for _level in range(MOST_LEVELS):
        if not calls:
            break
        first = dict(list(calls.items())[: MOST_ASKED - len(found.subsets)])
        left_out = {key: call for key, call in calls.items() if key not in first}
        found = found.with_more(read(session, first, fresh=True)) if first else found
        if left_out:
            return found.with_more(Organization(left_out, dict.fromkeys(left_out, Result(error=ExchangeError(_TOO_MANY)))))
        asked = {_identity(key) for key in found.subsets} | known
        inner = (each for key in calls for each in _members(found, key)[1] if each not in asked)
        calls = _calls(dict.fromkeys(_GROUP + each for each in inner))
    return found


def facts_of_directory(organization: Organization, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts ``groups``, ``unread_groups`` and ``proxy_addresses``, what is given included, and for those that could not be read, why."""
    reads = [key for key in organization.subsets if key.startswith((_GROUP, _PERHAPS, _PERSON))]
    groups = {name: list(members) for name, members in (given.get("groups") or {}).items()}
    inner: dict[str, list[str]] = {}
    proxies, failed = dict(given.get("proxy_addresses") or {}), dict[str, dict[str, str]]()
    for key in reads:
        name = _identity(key)
        if key.startswith(_PERSON):
            address = _address(organization, key)
            proxies.update({name: address} if address else {})
            if not address:
                failed.setdefault("proxy_addresses", {})[name] = str(organization.error(key) or "Get-Recipient shows nobody, or several people")
            continue
        members, inner[name] = _members(organization, key)
        if len(members) > MOST_PEOPLE:
            failed.setdefault("groups", {})[name] = f"Get-DistributionGroupMember shows more than {MOST_PEOPLE} members, so not all are known"
        elif members:
            groups[name] = members
        elif why := _why_unread(organization, key):
            failed.setdefault("groups", {})[name] = why
    for group in [group for group in groups if not _is_whole(group, groups, inner)]:
        del groups[group]
        failed.setdefault("groups", {})[group] = "Get-DistributionGroupMember shows groups in it that are not known"
    facts = {"groups": groups, "unread_groups": sorted(failed.get("groups", ())), "proxy_addresses": proxies}
    return {fact: value for fact, value in facts.items() if value}, {fact: _said(each) for fact, each in failed.items()}


def _said(failed: Mapping[str, str]) -> str:
    """Who is not known, and why: the names of a reason together."""
    names: dict[str, list[str]] = {}
    for name, why in failed.items():
        names.setdefault(why.rstrip("."), []).append(name)
    more = {why: f" and {len(each) - _SAID} more" if len(each) > _SAID else "" for why, each in names.items()}
    return " ".join(f"{', '.join(each[:_SAID])}{more[why]}: {why}." for why, each in names.items())


def _named_by(rule: FlowRule) -> Iterator[str]:
    """The reads about those whom a rule names."""
    for atom in (*rule.conditions, *rule.exceptions):
        option = atom.predicate.options[0]
        if option.endswith("member_of"):
            yield from (_GROUP + group for group in atom.values)
        elif option.startswith("between_member_of"):
            yield from (_GROUP + group for values in atom.values for group in values)
        elif option in _PEOPLE:
            yield from (_PERSON + value for value in atom.values if not is_address(value))
    for value in (str(each).lower() for option in _BRINGING for each in rule.actions.get(option) or ()):
        yield (_PERHAPS if is_address(value) else _PERSON) + value


def _calls(keys: Iterable[str]) -> dict[str, Call]:
    cmdlets = {True: ("Get-Recipient", 2), False: ("Get-DistributionGroupMember", MOST_PEOPLE + 1)}
    every = [each for key in keys for each in ([key, _WHAT + _identity(key)] if key.startswith(_PERHAPS) else [key])]
    asked = {key: cmdlets[key.startswith((_PERSON, _WHAT))] for key in every}
    return {key: Call(cmdlet, {"Identity": _identity(key), "ResultSize": size}) for key, (cmdlet, size) in asked.items()}


def _identity(key: str) -> str:
    return next(key.removeprefix(each) for each in _READS if key.startswith(each))


def _address(organization: Organization, key: str) -> str:
    """The address of somebody who was asked for; empty where nobody, or not one alone, was found."""
    found = [] if organization.error(key) else organization.objects(key)
    address = str(found[0].get("PrimarySmtpAddress") or "").lower() if len(found) == 1 else ""
    return address if is_address(address) else ""


def _why_unread(organization: Organization, key: str) -> str:
    """Why the members of what is, or may be, a group are not known; empty where it is known to be none. Of Microsoft 365 and dynamic groups only the type
    tells.
    """
    error = organization.error(key)
    if error is None or key.startswith(_GROUP) or not isinstance(error, NotFoundError):
        return str(error or "Get-DistributionGroupMember shows no member")
    what = _WHAT + _identity(key)
    if error := organization.error(what):
        return "" if isinstance(error, NotFoundError) else str(error)
    types = " ".join(f"{each.get('RecipientType')} {each.get('RecipientTypeDetails')}" for each in organization.objects(what))
    return f"Get-Recipient shows a group of which Get-DistributionGroupMember shows no members ({types})" if "group" in types.lower() else ""


def _members(organization: Organization, key: str) -> tuple[list[str], list[str]]:
    """The addresses of a group's members, and those of them that are groups. Who has no address gets no mail."""
    if key.startswith((_PERSON, _WHAT)) or organization.error(key):
        return [], []
    found = [(str(each.get("PrimarySmtpAddress") or "").lower(), str(each.get("RecipientType") or "").lower()) for each in organization.objects(key)]
    return [address for address, _kind in found if is_address(address)], [address for address, kind in found if "group" in kind]


def _is_whole(group: str, groups: Mapping[str, Any], inner: Mapping[str, list[str]]) -> bool:
    """Whether all groups in a group, and in these, are known."""
    seen, todo = {group}, [group]
    while todo:
        for each in inner.get(todo.pop(), ()):
            if each not in groups:
                return False
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return True
