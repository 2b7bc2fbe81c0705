# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do that makes a copy keep a guarantee."""

from __future__ import annotations

from ..._resources.rules.action_effects import Does
from ..input.guarantee_options import Guarantee
from ..model.connectors import IN_TRANSIT
from ..model.facts import Facts
from ..model.wishes import PORTAL, WISHES
from ..rules.flow_rule import FlowRule

#: What a rule does with mail of which nothing is delivered, not even later.
_KEEPS_BACK = (Does.REJECT, Does.DELETE)

#: What a rule does with mail that waits until somebody approves or releases it.
_KEEPS_WAITING = (Does.QUARANTINE, Does.MODERATE)

#: What a rule may do to help a copy, that first which it is said to do.
_HELPING = (Does.ENCRYPT, Does.DECRYPT, Does.ROUTE, Does.BRAND, *_KEEPS_BACK, *_KEEPS_WAITING, Does.STOP)


def keeps_back(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule keeps mail back for good, or as long as nobody approves or releases it, if that is enough for a guarantee."""
    is_kept_by = (*_KEEPS_BACK, *(_KEEPS_WAITING if WISHES[guarantee.then].is_kept_by_waiting else ()))
    return not rule.dlp and any(map(rule.actions.does, is_kept_by))


def helps(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether what a rule does may make a copy keep a guarantee."""
    if WISHES[guarantee.then].wants_decryption:
        return bool(rule.actions.does(Does.DECRYPT)) and not rule.dlp
    if WISHES[guarantee.then].wants_no_rule_to_protect:
        return bool(rule.actions.does(Does.STOP)) and not rule.actions.does(Does.ENCRYPT) and not rule.dlp
    if guarantee.then == IN_TRANSIT and rule.actions.does(Does.ROUTE) and not rule.dlp:
        return True
    return encrypts_as_asked(rule, guarantee)


def encrypts_as_asked(rule: FlowRule, guarantee: Guarantee) -> bool:
    """Whether a rule encrypts mail as a guarantee wants it."""
    if not rule.actions.does(Does.ENCRYPT) or rule.dlp:
        return False
    return not guarantee.template or guarantee.template in rule.actions.templates


def brands(rule: FlowRule, guarantee: Guarantee, facts: Facts) -> bool:
    """Whether a rule brands mail as a guarantee about the portal wants it."""
    if guarantee.then != PORTAL or rule.dlp:
        return False
    days = guarantee.expires_within_days
    names = [str(name) for name in rule.actions.does(Does.BRAND).values()]
    return bool(names) and (not days or all(facts.encryption.expires_within(name, days) for name in names))


def would_do(rule: FlowRule) -> str:
    """What a rule would do to help a copy; empty if nothing."""
    return next((str(what) for what in _HELPING if rule.actions.does(what)), "")
