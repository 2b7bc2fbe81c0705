# SPDX-License-Identifier: GPL-3.0-or-later
"""What the directory says about the groups and people that rules name, and about managers.

Only these are read, in one round trip; nested groups take one more for each level, and managers two. A group counts as
known if all of its members are, including those of nested groups. A read that is not granted, incomplete or empty
leaves it unknown, with the reason: no answer counts as "nobody".

Sources: Microsoft's pages of the cmdlets, and "Filterable properties for the Filter parameter on Exchange cmdlets"
(Manager of Get-Recipient).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..._exchange.cmdlet import Call, Result, Session
from ..._exchange.errors import ExchangeError, NotFoundError
from ..._exchange.organization import MOST_PEOPLE, Organization, read
from ..model.addresses import domain, is_address
from ..model.facts import Facts
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .parsing import facts_of

#: The maximum number of groups and people to read; the others are unknown.
MOST_ASKED = 100

#: The maximum number of names in one reason.
_MOST_NAMES = 5

_TOO_MANY = f"rules name more than {MOST_ASKED} groups and people, and only that many are read"

#: The maximum depth of nested groups to follow.
MOST_LEVELS = 4

#: How the reads of a group's members are called, by the sort of group that the cmdlet is for; with its parameters
#: beside the group and the size.
_DISTRIBUTION, _DYNAMIC, _LINKED = "group ", "dynamic group ", "Microsoft 365 group "
_MEMBERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    _DISTRIBUTION: ("Get-DistributionGroupMember", {}),
    _DYNAMIC: ("Get-DynamicDistributionGroupMember", {}),
    _LINKED: ("Get-UnifiedGroupLinks", {"LinkType": "Members"}),
}

#: How the reads of what an address is, of somebody by a name, and of a manager by a name are called; and that of all
#: who have a manager.
_WHAT, _PERSON, _MANAGER, _MANAGED = "what ", "person ", "manager ", "managers"

#: How a group, and an address that may be one, are asked for: by these reads.
_GROUP, _PERHAPS = tuple(_MEMBERS), (*_MEMBERS, _WHAT)

#: What is asked for: the prefixes of its reads, and the identity.
_Asked = tuple[tuple[str, ...], str]

#: The options of actions that send a message to somebody.
_BRINGING = ("add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to")

#: The options of actions that look at who is somebody's manager.
_BY_MANAGER = {"moderate_message_by_manager", "add_manager_as_recipient_type"}


def read_directory(session: Session, rule_sets: Iterable[RuleSet], given_facts: Mapping[str, Any]) -> Organization:
    """What the directory says about everybody whom rules name and the given facts do not cover. Reads nothing if there
    is nobody.

    :param rule_sets: the rules, and the conditions of guarantees as such.
    :param given_facts: facts, as the option has them.
    """
    rules = [rule for rule_set in rule_sets for rule in rule_set.rules if not rule.idle]
    known = _given_identities(given_facts)
    todo = _asked_for(rules, known, facts_of({"accepted_domains": given_facts.get("accepted_domains")}))
    directory = Organization({}, {})
    calls_left = MOST_ASKED
    for _level in range(MOST_LEVELS):
        if not todo:
            break
        asked = todo[:calls_left]
        left_out = _calls(todo[calls_left:])
        calls_left -= len(asked)
        directory = directory.with_more(read(session, _calls(asked), fresh=True)) if asked else directory
        if left_out:
            too_many = dict.fromkeys(left_out, Result(error=ExchangeError(_TOO_MANY)))
            return directory.with_more(Organization(left_out, too_many))
        known.update(identity for _reads, identity in asked)
        todo = _next_level(directory, asked, known)
    return directory


def _given_identities(given_facts: Mapping[str, Any]) -> set[str]:
    """The groups and people that facts are given about; with the empty text if the managers are given."""
    managers = [""] if given_facts.get("managers") is not None else []
    return {*(given_facts.get("groups") or {}), *(given_facts.get("proxy_addresses") or {}), *managers}


def _asked_for(rules: Iterable[FlowRule], known: Collection[str], facts: Facts) -> list[_Asked]:
    """What is asked for because of rules, each once. Who is a group somewhere is asked for as one, and outside of the
    organization's domains it has no groups.
    """
    named = dict.fromkeys(asked for rule in rules for asked in _named_by(rule))
    return [
        (reads, identity)
        for reads, identity in named
        if identity not in known
        and not (reads == _PERHAPS and ((_GROUP, identity) in named or facts.domains.type_of(domain(identity)) == ""))
    ]


def _next_level(directory: Organization, asked: Iterable[_Asked], known: Collection[str]) -> list[_Asked]:
    """What is asked for after a level: the groups in its groups, and the managers whose addresses it does not show."""
    groups = [identity for reads, identity in asked if reads[0] in _MEMBERS]
    nested = [group for identity in groups for group in _Group(directory, identity).groups if group not in known]
    managers = _Managers(directory).unresolved if ((_MANAGED,), "") in asked else []
    return [*dict.fromkeys((_GROUP, group) for group in nested), *(((_MANAGER,), name) for name in managers)]


def facts_of_directory(
    organization: Organization, given_facts: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts ``groups``, ``unread_groups``, ``proxy_addresses`` and ``managers``, what is given included, and for
    what could not be read, why.

    A dynamic or Microsoft 365 group may be in both of the first two: its members are known, but not whether mail to it
    goes to them before the rules (U04).
    """
    groups = _GroupFacts(organization, given_facts.get("groups") or {})
    proxies, unread_people = _proxy_addresses(organization)
    facts: dict[str, Any] = {
        "groups": groups.members,
        "unread_groups": groups.unread,
        "proxy_addresses": {**(given_facts.get("proxy_addresses") or {}), **proxies},
    }
    failed = {"groups": groups.failed, "proxy_addresses": unread_people}
    unavailable = {fact: _names_by_reason(reasons) for fact, reasons in failed.items() if reasons}
    facts = {fact: value for fact, value in facts.items() if value}
    if _MANAGED in organization.subsets:
        managers = _Managers(organization)
        if managers.why_unread:
            unavailable["managers"] = managers.why_unread
        else:
            facts["managers"] = managers.by_person
    return facts, unavailable


class _GroupFacts:
    """The groups that were read or are given.

    :param members: the members of those that are known.
    :param failed: why others are not known.
    :param unread: those of which nothing tells whether they are expanded before the rules, or whether one that they are
        in is.
    """

    def __init__(self, organization: Organization, given_members: Mapping[str, Iterable[str]]) -> None:
        groups = {name: _Group(organization, name) for name in _identities(organization, _DISTRIBUTION)}
        self.members = {name: list(members) for name, members in given_members.items()}
        self.members.update(
            {name: group.members for name, group in groups.items() if group.members and not group.why_unread}
        )
        self.failed = {name: group.why_unread for name, group in groups.items() if group.why_unread}
        for name in [name for name in self.members if not _within(name, groups) <= self.members.keys()]:
            del self.members[name]
            self.failed[name] = f"{groups[name].cmdlet} shows nested groups that are unknown"
        odd = {name for name in self.members if name in groups and groups[name].sort != _DISTRIBUTION}
        self.unread = sorted({*self.failed, *(name for name in self.members if odd & _within(name, groups))})


def _proxy_addresses(organization: Organization) -> tuple[dict[str, str], dict[str, str]]:
    """The addresses of people who were asked for by a name, and why those of others are not known."""
    addresses: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name in _identities(organization, _PERSON):
        address = _address(organization, _PERSON + name)
        if address:
            addresses[name] = address
        else:
            error = organization.error(_PERSON + name)
            failed[name] = str(error or "Get-Recipient shows nobody, or several people")
    return addresses, failed


def _names_by_reason(failed: Mapping[str, str]) -> str:
    """Who is unknown, and why: the names for each reason."""
    names: dict[str, list[str]] = {}
    for name, why in failed.items():
        names.setdefault(why.rstrip("."), []).append(name)
    more = {
        why: f" and {len(refused) - _MOST_NAMES} more" if len(refused) > _MOST_NAMES else ""
        for why, refused in names.items()
    }
    return " ".join(f"{', '.join(refused[:_MOST_NAMES])}{more[why]}: {why}." for why, refused in names.items())


def _named_by(rule: FlowRule) -> Iterator[_Asked]:
    """What is asked for because of a rule."""
    for atom in rule.criteria.atoms:
        yield from ((_GROUP, group) for group in atom.groups)
        yield from (((_PERSON,), value) for value in atom.people if not is_address(value))
        if atom.predicate.managers:
            yield (_MANAGED,), ""
    for value in (
        str(person_named).lower() for option in _BRINGING for person_named in rule.actions.options.get(option) or ()
    ):
        yield (_PERHAPS if is_address(value) else (_PERSON,)), value
    if _BY_MANAGER & set(rule.actions.options):
        yield (_MANAGED,), ""


def _calls(asked: Iterable[_Asked]) -> dict[str, Call]:
    return {f"{read_}{identity}": _call(read_, identity) for reads, identity in asked for read_ in reads}


def _call(read_: str, identity: str) -> Call:
    if read_ == _MANAGED:
        return Call("Get-Recipient", {"Filter": "Manager -ne $null", "ResultSize": MOST_PEOPLE + 1})
    cmdlet, more = _MEMBERS.get(read_, ("Get-Recipient", {}))
    return Call(cmdlet, {"Identity": identity, **more, "ResultSize": MOST_PEOPLE + 1 if read_ in _MEMBERS else 2})


def _identities(organization: Organization, read_: str) -> list[str]:
    """Who was asked for with reads of a sort."""
    return [key.removeprefix(read_) for key in organization.subsets if key.startswith(read_)]


def _shown(organization: Organization, key: str) -> list[dict[str, Any]]:
    """What a read showed; nothing where it failed, or was none."""
    return organization.objects(key) if key in organization.subsets and not organization.error(key) else []


def _address_in(row: Mapping[str, Any]) -> str:
    """The primary address of somebody; empty if there is none."""
    address = str(row.get("PrimarySmtpAddress") or "").lower()
    return address if is_address(address) else ""


def _address(organization: Organization, key: str) -> str:
    """The address of somebody who was read; empty unless exactly one was found."""
    recipients = _shown(organization, key)
    return _address_in(recipients[0]) if len(recipients) == 1 else ""


class _Group:
    """What is, or may be, a group, by the reads of its members: each sort of group has its own.

    :param members: the addresses of its members. Who has no address gets no mail.
    :param groups: those of them that are groups.
    """

    def __init__(self, organization: Organization, identity: str) -> None:
        self._organization, self._identity = organization, identity
        answered = [sort for sort in _MEMBERS if _shown(organization, sort + identity)]
        self.sort = answered[0] if answered else _DISTRIBUTION
        self.cmdlet = _MEMBERS[self.sort][0]
        rows = _shown(organization, self.sort + identity)
        self.members = [address for row in rows if (address := _address_in(row))]
        self.groups = [
            address
            for row in rows
            if (address := _address_in(row)) and "group" in str(row.get("RecipientType") or "").lower()
        ]
        self.why_unread = self._why_unread(answered)

    def _why_unread(self, answered: list[str]) -> str:
        """Why the members of what is, or may be, a group are not known; empty if they are, or where it is known to be
        none.
        """
        if len(answered) > 1:
            return "several groups are called so"
        if len(self.members) > MOST_PEOPLE:
            return f"{self.cmdlet} shows more than {MOST_PEOPLE} members, so not all are known"
        if self.members:
            return ""
        errors = [self._organization.error(sort + self._identity) for sort in _MEMBERS]
        if None in errors:
            return f"{_MEMBERS[list(_MEMBERS)[errors.index(None)]][0]} shows no member"
        unsure = next((error for error in errors if not isinstance(error, NotFoundError)), None)
        what = _WHAT + self._identity
        if what not in self._organization.subsets:
            return str(unsure or errors[0])
        error = self._organization.error(what)
        if error is not None:
            return str(error) if not isinstance(error, NotFoundError) else str(unsure or "")
        types = " ".join(
            f"{recipient.get('RecipientType')} {recipient.get('RecipientTypeDetails')}"
            for recipient in self._organization.objects(what)
        )
        return f"Get-Recipient shows a group whose members cannot be read ({types})" if "group" in types.lower() else ""


class _Managers:
    """All who have a manager, and whom.

    :param unresolved: the names of managers whose addresses the same read does not show.
    """

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._rows = _shown(organization, _MANAGED)
        shown: dict[str, set[str]] = {}
        for row in self._rows:
            for name in (row.get("Name"), row.get("Identity"), row.get("DistinguishedName")):
                shown.setdefault(str(name), set()).add(_address_in(row))
        names = dict.fromkeys(str(row.get("Manager") or "") for row in self._rows)
        self._addresses = {name: next(iter(shown[name])) for name in names if len(shown.get(name, ())) == 1}
        self.unresolved = [name for name in names if name and not self._addresses.get(name)]
        self._addresses.update({name: _address(organization, _MANAGER + name) for name in self.unresolved})

    @property
    def by_person(self) -> dict[str, str]:
        """The address of whoever has a manager to the manager's. Who has no address sends and gets no mail."""
        managers = {_address_in(row): self._addresses.get(str(row.get("Manager") or ""), "") for row in self._rows}
        return {person: manager for person, manager in managers.items() if person and manager}

    @property
    def why_unread(self) -> str:
        """Why not all managers are known; empty if they are."""
        error = self._organization.error(_MANAGED)
        if error is not None:
            return str(error)
        if len(self._rows) > MOST_PEOPLE:
            return f"Get-Recipient shows more than {MOST_PEOPLE} people who have a manager, so not all are known."
        lost = {name: self._why_lost(_MANAGER + name) for name in self.unresolved if not self._addresses[name]}
        return _names_by_reason({f"the manager {name}": why for name, why in lost.items()})

    def _why_lost(self, key: str) -> str:
        error = self._organization.error(key) if key in self._organization.subsets else None
        return str(error or "Get-Recipient shows nobody with an address, or several people")


def _within(name: str, groups: Mapping[str, _Group]) -> set[str]:
    """A group, the groups in it, and those in these."""
    seen, todo = {name}, [name]
    while todo:
        group = groups.get(todo.pop())
        inner = [inner_group for inner_group in (group.groups if group else ()) if inner_group not in seen]
        seen.update(inner)
        todo += inner
    return seen
