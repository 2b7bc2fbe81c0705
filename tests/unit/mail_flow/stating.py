# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes statements about an organization's rules back to their mail: what they say has to be true of messages, and
provable of all mail.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions.brought_people import (
    THE_MANAGER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import Exempting
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import (
    Statement,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_effects import MISFITS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.stated_rules import (
    conditions_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    people_behind,
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.flow_rule import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import (
    Simulator,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import (
    result as result_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    course_of,
    on_arrival,
)

from tests.unit.mail_flow import dlp_matching
from tests.unit.mail_flow.answers import difference, prove

Values = dict[str, Any]

_MANY_BYTES = 17 << 20
_ENDS = {"rejects": "rejected", "deletes": "deleted", "quarantines": "quarantined", "redirects": "redirected"}
_FATES = tuple(_ENDS.values())


class Mail:
    """Messages through an organization's rules, and what becomes of their copies: of the simulator, unless results are
    given.
    """

    def __init__(
        self,
        rules: Sequence[Values],
        facts: Values,
        messages: Sequence[Message],
        results: Sequence[Mapping[str, Values]] | None = None,
    ) -> None:
        self.rules, self.facts, self._told = RuleSet(rules), facts_of(facts), facts
        simulator, without = Simulator(self.rules, self.facts), Simulator(RuleSet([]), self.facts)
        self._before_dlp = Simulator(self.rules, facts_of({**facts, "dlp_policies": []}))
        found = results or [simulator.run(message)["recipients"] for message in messages]
        self._results = list(zip(messages, found, strict=True))
        #: The recipients whose copies leave by forced TLS without any rule, by message.
        self._forced = {
            id(message): {
                label.lower()
                for label, result in without.run(message)["recipients"].items()
                if (result.get("transit") or {}).get("tls") == "forced"
            }
            for message in (messages if any(map(_routes, rules)) else ())
        }

    def false(self, said: Statement) -> Iterator[str]:
        """The messages and recipients of which a statement is not true."""
        for message, results, label in self.copies_of(said):
            if not (
                self._happens(said, message, results, results[label]) or self._happens_anyway(said, message, label)
            ):
                yield f"{said.rule.name}: {said.effect} of {message} to {label}: {results[label]}"

    def _happens_anyway(self, said: Statement, message: Message, label: str) -> bool:
        """Whether a copy is encrypted, or decrypted, in each way in which it may pass the rules: one whose end is open, because
        it may wait for an approval, is so nevertheless. Or whether the recipient's own copy ends as a statement says: that another
        rule sends them one besides, is said of that rule.
        """
        if said.effect.kind in _FATES:
            ways = Passage(self.rules, message, self.facts).ways()
            own = next((way for way in ways if way.recipient.address == label and way.by is None), None)
            end = own and result_of(own, self.rules, message, self.facts)
            return end is not None and _happens(said, end.as_row())
        course = course_of(self.rules, message, self.facts, label)
        if said.effect.kind not in ("encrypted", "decrypted") or course is None:
            return False
        ends = [result_of(replace(course, worlds=[world]), self.rules, message, self.facts) for world in course.worlds]
        return all(end is not None and _happens(said, end.as_row()) for end in ends)

    def copies_of(self, said: Statement) -> Iterator[tuple[Message, Mapping[str, Values], str]]:
        """The copies that a statement is surely about: their messages, with all results, and their recipients."""
        for message, results in self._results:
            for label, result in results.items():
                if not self._is_named(said, message, label.lower(), result) or said.unknown:
                    continue
                if any(self._may_keep(said, each, message, label.lower(), result) for each in said.exempting):
                    continue
                if said.besides_dlp and any(
                    self._may_match_open_rule(message, person) for person in self._whose_copies(said, label.lower())
                ):
                    continue
                if said.senders and not (message.authenticated and self._is_inside(message)):
                    continue
                yield message, results, label

    def _may_keep(self, said: Statement, each: Exempting, message: Message, address: str, result: Values) -> bool:
        """Whether a rule may keep a copy from what a statement says: the recipient's, or one that is sent somebody else."""
        if each.how in _ENDS and said.effect.kind != "copied":
            return _acted(result, each.rule) is not False and _may_end(result, _ENDS[each.how])
        if not each.how.startswith("dlp_"):
            return _acted(result, each.rule) is not False
        copies = self._whose_copies(said, address)
        about = dlp_matching.is_about if each.how == "dlp_blocks" else dlp_matching.matches
        policy, rule = dlp_matching.rule_of(self._told, each.rule)
        return any(about(self._told, policy, rule, message, person) is not False for person in copies)

    @staticmethod
    def _whose_copies(said: Statement, address: str) -> list[str]:
        """The recipient of a copy, and who is sent another one by what a statement says."""
        return [address, *(said.effect.names if said.effect.kind.startswith("copied") else ())]

    def _may_match_open_rule(self, message: Message, address: str) -> bool:
        """Whether a DLP rule may act on a copy of which that is open."""
        return any(
            dlp_matching.is_about(self._told, policy, rule, message, address) is None
            for policy, rule in dlp_matching.acting_rules(self._told)
        )

    def _dlp_matches(self, name: str, message: Message, address: str) -> bool | None:
        """Whether a DLP rule is about a copy; ``None`` if that is open."""
        policy, rule = dlp_matching.rule_of(self._told, name)
        return dlp_matching.is_about(self._told, policy, rule, message, address)

    def _is_inside(self, message: Message) -> bool:
        domains = [each.name for each in self.facts.domains.accepted or ()]
        return message.sender.partition("@")[2].lower() in domains

    def _is_named(self, said: Statement, message: Message, address: str, result: Mapping[str, Any]) -> bool:
        """Whether a recipient's copy is surely mail of a statement."""
        written = [person.lower() for person in (*message.to, *message.cc, *message.bcc)]
        people = {person.address: person for person in recipients_of(self.facts, message)}
        if address not in people or _is_unusual(said, message):
            return False
        if not self._is_so_beside(said, message, address, result):
            return False
        if _gets_it_anyway(self._actions_of(said), self.facts, [*written, *people], self._manager(message)):
            return False
        if isinstance(said.rule, DlpRule):
            return self._dlp_matches(said.rule.name, message, address) is True
        acted = _acted(result, said.rule.name)
        if acted is not False:
            return acted is True
        if said.changed:
            return False
        met = on_arrival(self.rules, said.rule, message, self.facts, address)
        conditions = all(met[atom] is True for atom in said.rule.criteria.conditions)
        return conditions and all(met[atom] is False for atom in said.rule.criteria.exceptions)

    def _actions_of(self, said: Statement) -> Mapping[str, Any]:
        """The actions of a statement's rule."""
        if isinstance(said.rule, FlowRule):
            return said.rule.actions.options
        _policy, rule = dlp_matching.rule_of(self._told, said.rule.name)
        actions: Mapping[str, Any] = rule["actions"]
        return actions

    def _is_so_beside(self, said: Statement, message: Message, address: str, result: Mapping[str, Any]) -> bool:
        """Whether what else a statement says of its mail is surely true of a copy."""
        if said.managed and self._manager(message) is None:
            return False
        if said.effect.kind == "decrypted" and isinstance(said.rule, DlpRule):
            before = _last(self._before_dlp.run(message)["recipients"][address])
            return before.get("protection") not in (None, "none", "unknown", "smime")
        if said.effect == MISFITS and message.insertable is not False:
            return False
        if said.effect.kind == "branded":
            return _last(result).get("protection") not in (None, "none", "unknown", "smime")
        if said.effect.kind in ("in_transit", "clear_transit"):
            forced = address in self._forced.get(id(message), ())
            return self._is_outside(address) and forced is (said.effect.kind == "clear_transit")
        return True

    def _manager(self, message: Message) -> str | None:
        return (self.facts.people.managers or {}).get(self.facts.people.primary(message.sender))

    def _is_outside(self, address: str) -> bool:
        return address.partition("@")[2] not in [each.name for each in self.facts.domains.accepted or ()]

    def _happens(
        self, said: Statement, message: Message, results: Mapping[str, Any], result: Mapping[str, Any]
    ) -> bool:
        """Whether what a statement says happened to a copy, or may have."""
        kind = said.effect.kind
        if kind == "branded":
            end = _last(result)
            return bool(end["fate"] == "delivered" and end.get("branding") == said.effect.names[0])
        if kind in ("in_transit", "clear_transit"):
            tls = (_last(result).get("transit") or {}).get("tls")
            return (tls == "forced") is (kind == "in_transit") and tls is not None
        if kind.startswith("copied") and said.effect.names == (THE_MANAGER,):
            manager = self._manager(message)
            return manager is None or _reaches(said, results, manager)
        if kind.startswith("copied"):
            return _reaches(said, results, said.effect.names[0])
        return _happens(said, result)


def _reaches(said: Statement, results: Mapping[str, Any], person: str) -> bool:
    """Whether somebody gets a copy."""
    copies = [each for label, each in results.items() if label.lower() == person]
    return any((_last(copy) if said.approved else copy)["fate"] == "delivered" for copy in copies)


def _routes(rule: Values) -> bool:
    return "route_message_outbound_connector" in rule["actions"]


def _gets_it_anyway(actions: Mapping[str, Any], facts: Facts, people: Sequence[str], manager: str | None) -> bool:
    """Whether somebody gets the message to whom the rule itself brings it, which has these actions."""
    if manager in people and "add_manager_as_recipient_type" in actions:
        return True
    options = ("add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to")
    brought = [
        person.address
        for option in options
        for name in actions.get(option) or ()
        for person in people_behind(facts, str(name))
    ]
    return bool(set(brought) & set(people))


def _is_unusual(said: Statement, message: Message) -> bool:
    sorts = {atom.predicate.sort for atom in conditions_of(said.rule)}
    protected = message.protection is not None and message.protection.kind != "none"
    by_dlp = said.effect.kind == "decrypted" and isinstance(said.rule, DlpRule)
    if protected != bool(said.arrives) and not by_dlp:
        return True
    if protected and message.protection and message.protection.owner != "own":
        return True
    pdf = any(each.name.lower().endswith(".pdf") for each in message.attachments or ())
    return bool(
        (message.types and "type" not in sorts)
        or (message.size is None or (message.size >= _MANY_BYTES and "size" not in sorts))
        or (pdf and said.effect.kind == "encrypted")
    )


def _acted(result: Mapping[str, Any], name: str) -> bool | None:
    """Whether a rule acted on a copy, before or after approvals; ``None`` if that is open."""
    for each in result["rules"]:
        if each["name"] == name:
            return True if each["matched"] is True else None
    later = result.get("after_approval") or result.get("after_release")
    return _acted(later, name) if later else False


def _may_end(result: Mapping[str, Any], fate: str) -> bool:
    """Whether a copy has a fate, or may have it, at once or once it is approved."""
    later = result.get("after_approval")
    return result["fate"] in (fate, "unknown") or bool(later and _may_end(later, fate))


def _last(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What becomes of a copy once it is approved."""
    return _last(result["after_approval"]) if result.get("after_approval") else result


def _happens(said: Statement, result: Mapping[str, Any]) -> bool:
    """Whether what a statement says happened to a copy of its recipient."""
    kind = said.effect.kind
    if kind in _FATES:
        return bool((_last(result) if said.approved else result)["fate"] == kind)
    if kind == "moderated":
        return bool(result["fate"] == "moderated")
    if kind == "encrypted":
        end = _last(result)
        return bool(end["fate"] == "delivered" and end["protection"] not in ("none", "unknown"))
    if kind == "decrypted":
        end = _last(result)
        return bool(end["fate"] == "delivered" and end["protection"] == "none")
    return _acted(result, said.rule.name) is not False


def witnesses(rules: Sequence[Values], facts: Values, now: datetime.datetime) -> Iterator[tuple[Message, Values]]:
    """Messages that show what rules do, each with the facts that it needs beside."""
    for row in difference([], rules, facts, now, shown=1_000).rows:
        if "witness" in row:
            written = {key: value for key, value in row["witness"]["message"].items() if key != "name"}
            message = {"size": 1000, **written, "date": now}
            yield message_of(message, "", "witness"), {**facts, **row["witness"].get("facts", {})}


def verdict_without(
    said: Statement, rules: Sequence[Values], facts: Values, now: datetime.datetime, kept: Sequence[str] = ()
) -> str:
    """The verdict on the mail of an encrypting rule, with those of the rules that exempt some of it that are kept. An
    approval only delays it, and a guarantee is about those who get reports, too.
    """
    exempting = {each.rule for each in said.exempting} - set(kept)
    others = ("moderate_message_by_user", "moderate_message_by_manager", "generate_incident_report")
    beside = {each["name"] for each in rules if any(option in each["actions"] for option in others)}
    off = {*exempting, *beside} - {*kept, said.rule.name}
    left = [{**each, "enabled": False} if each["name"] in off else each for each in rules]
    if isinstance(said.rule, DlpRule):
        _policy, rule = dlp_matching.rule_of(facts, said.rule.name)
    else:
        (rule,) = [each for each in rules if each["name"] == said.rule.name]
    # Mail that is not surely from inside, DLP encrypts perhaps.
    inside = {"from_scope": "InOrganization"} if said.senders else {}
    guarantee = {
        "name": "G",
        "when": {**_as_in_rules(rule["conditions"]), **inside},
        "unless": _as_in_rules(rule.get("exceptions") or {}),
        "then": "encrypted",
    }
    facts = {**facts, "dlp_policies": _without(facts.get("dlp_policies") or (), off, said.rule.name)}
    (found,) = prove(left, facts, [{**guarantee, "copies": "recipients_only"}], now)
    return str(found["verdict"])


def _as_in_rules(conditions: Values) -> Values:
    """Conditions of a DLP rule as a mail flow rule has them."""
    return {{"access_scope": "sent_to_scope"}.get(option, option): value for option, value in conditions.items()}


def _without(policies: Iterable[Values], off: Collection[str], kept: str) -> list[Values]:
    """DLP policies without the rules that are off."""
    return [
        {**policy, "rules": [rule for rule in policy["rules"] if rule["name"] == kept or rule["name"] not in off]}
        for policy in policies
    ]
