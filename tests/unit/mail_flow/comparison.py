# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's simulator and the emulator's mail flow, written apart from one text, disagree about.

Three laws. What the simulator calls certain holds in every possible world but for the guesses that it names. What is
certain without any regard to how unknowns are related, it does not call unknown, of those whom the sender named. And
where it answers unknown, it says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

from tests.emulator.mail_flow import GUESSES, Directory, MailFlow
from tests.unit.mail_flow.translation import facts, stored

Values = dict[str, Any]

_NESTED = ("after_approval", "after_release")


def simulated(tenant: Values, rules: list[Values], message: Values) -> dict[str, Values]:
    """Address to the simulator's result."""
    # What a label does after the rules is no part of a recipient's answer, and no fact by that name.
    given = {name: value for name, value in tenant.items() if name != "auto_label"}
    answer: dict[str, Values] = Simulator(rules, facts_of(given)).run(message_of(message, "", "message"))["recipients"]
    return {address.lower(): result for address, result in answer.items()}


def certain(result: Mapping[str, Any], *, by: bool = True) -> Values:
    """What a result says for sure. Rules: name to whether it is certain that it matched; a rule that is not there did
    surely not match.

    :param by: whether to name those who protect it. Where others may do so too, the simulator names none of them.
    """
    said: Values = {"rules": {row["name"]: row["matched"] is True for row in result["rules"]}}
    if result["fate"] != "unknown":
        said["fate"] = result["fate"]
        if result.get("protection") != "unknown":
            said |= {
                "protection": result.get("protection", ""),
                "protected_on_arrival": bool(result.get("protected_on_arrival")),
            }
            for name in ("protected_by", "protected_by_dlp") if by else ():
                if name in result:
                    said[name] = set(result[name])
        if "branding" in result:
            said["branding"] = result["branding"]
        said |= {
            f"transit {name}": value
            for name, value in result.get("transit", {}).items()
            if value != "unknown" and name != "unknown"
        }
    return said | {name: certain(result[name], by=by) for name in _NESTED if name in result}


def assumed(result: Mapping[str, Any]) -> set[str]:
    """The guesses that a result names, also for what an approval or a release would let through."""
    return {
        *result.get("assumes", ()),
        *(number for name in _NESTED if name in result for number in assumed(result[name])),
    }


def contradiction(said: Values, other: Mapping[str, Any], where: str = "") -> str:
    """Where a result does not bear out what the other says for sure; empty if it does."""
    truth = certain(other)
    for name, value in said.items():
        if name in _NESTED:
            if name not in truth:
                return f"{where}{name} is missing"
            if wrong := contradiction(value, other[name], f"{where}{name}."):
                return wrong
        elif name == "rules":
            for rule in {*value, *truth["rules"]}:
                if value.get(rule, rule in value) is not truth["rules"].get(rule, rule in truth["rules"]) and (
                    rule not in value or value[rule]
                ):
                    return f"{where}rule {rule}: {_matched(value, rule)}, and {_matched(truth['rules'], rule)}"
        elif truth.get(name, "unknown") != value:
            return f"{where}{name}: {value}, and {truth.get(name, 'unknown')}"
    return ""


def _matched(rules: Mapping[str, bool], name: str) -> str:
    return {True: "surely", False: "perhaps"}[rules[name]] if name in rules else "not"


_BRINGING = ("add_to_recipients", "copy_to", "blind_copy_to", "redirect_message_to")


def named_by(tenant: Values, message: Values, rules: list[Values]) -> set[str]:
    """Whom the sender alone names. Of those whom rules bring the simulator need not know as much as can be known."""
    directory = Directory(facts(tenant))
    named = {
        address
        for name in ("to", "cc", "bcc")
        for written in message.get(name, ())
        for address in directory.expand(written)
    }
    dlp_rules = [rule for policy in tenant.get("dlp_policies") or () for rule in policy["rules"]]
    brought = {
        address
        for rule in [*rules, *dlp_rules]
        for action in _BRINGING
        for written in rule["actions"].get(action, ())
        for address in directory.expand(written)
    }
    manager = directory.manager(directory.primary(message["from"]))
    return named - brought - ({manager} if isinstance(manager, str) else set())


def disagreement(tenant: Values, rules: list[Values], message: Values, limit: int = 600) -> str:
    """What the two disagree about; empty where they agree.

    :raises TooManyWorlds: so much is unknown that the emulator gives no answer.
    """
    flow = MailFlow([stored(rule) for rule in rules], facts(tenant))
    ours = simulated(tenant, rules, message)
    loose = flow.deliver(message, independent=True, limit=limit)["recipients"]
    likely = flow.deliver(message, limit=limit)["recipients"]
    if not set(likely) <= set(ours) <= set(loose):
        return f"recipients: {sorted(ours)}, and {sorted(likely)}, at most {sorted(loose)}"
    answers: dict[frozenset[str], Any] = {}
    for address, result in ours.items():
        if (
            address not in likely
        ):  # Whether rules bring them the message is open, and only answers that contradict each other do.
            continue
        named = frozenset(assumed(result))
        if named - GUESSES:
            return f"{address}: assumes {sorted(named - GUESSES)}, for which no guess is allowed"
        if named not in answers:
            answers[named] = flow.deliver(message, guesses=named, limit=limit)["recipients"]
        if wrong := contradiction(certain(result), answers[named][address]):
            return f"{address}: says more than is known: {wrong}"
        if address in named_by(tenant, message, rules) and (
            wrong := contradiction(certain(loose[address], by=False), result)
        ):
            return f"{address}: knows less than can be known: {wrong}"
        if "unknown" in (result["fate"], result.get("protection")) and not result.get("unknown"):
            return f"{address}: unknown without a reason"
    return ""
