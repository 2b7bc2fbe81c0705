# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a DLP rule matches somebody's copy of a message, as facts declare the rule: with no code of the collection. Where it
looks at anything but the sender and the recipient, it may match at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message

Values = Mapping[str, Any]

#: Whether something is true; ``None`` if that is open.
Answer = bool | None


def acting_rules(facts: Values) -> Iterator[tuple[Values, Values]]:
    """The DLP rules that act on mail, first to last, each after its policy."""
    for policy in sorted(facts.get("dlp_policies") or (), key=lambda each: each.get("priority", 0)):
        acts = policy.get("mode", "Enable") == "Enable" and (policy.get("scope") or {}).get("exchange", True)
        yield from ((policy, rule) for rule in policy["rules"] if acts and rule.get("enabled", True))


def rule_of(facts: Values, name: str) -> tuple[Values, Values]:
    """An acting DLP rule of a name, after its policy."""
    (found,) = [(policy, rule) for policy, rule in acting_rules(facts) if rule["name"] == name]
    return found


#: The conditions of which a match is certain.
_CERTAIN = frozenset(
    ("access_scope", "from_scope", "recipient_domain_is", "sender_domain_is", "from", "sent_to", "advanced")
)


def is_about(facts: Values, policy: Values, rule: Values, message: Message, address: str) -> Answer:
    """Whether a rule is about somebody's copy. One that blocks people outside is about theirs, whatever else it does."""
    found = matches(facts, policy, rule, message, address)
    if rule["actions"].get("block_access_scope") != "PerUser":
        return found
    return _every([found, _met(facts, "access_scope", "NotInOrganization", message, address)])


def matches(facts: Values, policy: Values, rule: Values, message: Message, address: str) -> Answer:
    """Whether somebody's copy meets the conditions of a rule and of its policy."""

    def met(option: str, value: Any) -> Answer:
        return _met(facts, option, value, message, address)

    def tree(node: Values) -> Answer:
        if "operator" not in node:
            return _every(met(option, value) for option, value in node.items())
        parts = list(map(tree, node["conditions"]))
        if node["operator"] == "and":
            return _every(parts)
        some = _some(parts)
        return some if node["operator"] == "or" else _not(some)

    scope = policy.get("scope") or {}
    conditions = {option: value for option, value in rule["conditions"].items() if option != "advanced"}
    parts = [met(option, value) for option, value in conditions.items()]
    if "advanced" in rule["conditions"]:
        parts.append(tree(rule["conditions"]["advanced"]))
    parts += [_not(met(option, value)) for option, value in (rule.get("exceptions") or {}).items()]
    if scope.get("senders"):
        parts.append(met("from", scope["senders"]))
    if scope.get("senders_except"):
        parts.append(_not(met("from", scope["senders_except"])))
    found = _every(parts)
    return None if found and not _options_of(rule) <= _CERTAIN else found


def _options_of(rule: Values) -> set[str]:
    """The conditions and exceptions of a rule."""

    def in_tree(node: Values) -> set[str]:
        return set(node) if "operator" not in node else set().union(*map(in_tree, node["conditions"]))

    found = {*rule["conditions"], *(rule.get("exceptions") or {})}
    return found | in_tree(rule["conditions"]["advanced"]) if "advanced" in found else found


def _met(facts: Values, option: str, value: Any, message: Message, address: str) -> Answer:
    """Whether a condition is met."""
    sender = message.sender.lower()
    if option == "access_scope":
        return _is_inside(facts, address) is (value == "InOrganization")
    if option == "from_scope":
        inside = _is_inside(facts, sender)
        if inside and message.authenticated is not True:
            return None
        return inside is (value == "InOrganization")
    if option == "recipient_domain_is":
        return any(_is_below(address, name) for name in value)
    if option == "sender_domain_is":
        return any(_is_below(sender, name) for name in value)
    if option in ("from", "sent_to"):
        person = sender if option == "from" else address
        return _primary(facts, person) in {_primary(facts, str(name).lower()) for name in value}
    return None


def _is_inside(facts: Values, address: str) -> bool:
    names = [each if isinstance(each, str) else each["name"] for each in facts["accepted_domains"]]
    return address.rpartition("@")[2] in names


def _is_below(address: str, name: str) -> bool:
    domain = address.rpartition("@")[2]
    return domain == name.lower() or domain.endswith(f".{name.lower()}")


def _primary(facts: Values, address: str) -> str:
    known = facts.get("proxy_addresses") or {}
    return str(known.get(address, address))


def _every(parts: Iterable[Answer]) -> Answer:
    every = list(parts)
    return False if False in every else None if None in every else True


def _some(parts: Sequence[Answer]) -> Answer:
    return _not(_every(map(_not, parts)))


def _not(answer: Answer) -> Answer:
    return None if answer is None else not answer
