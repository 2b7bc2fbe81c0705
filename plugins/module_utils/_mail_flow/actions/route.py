# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that choose how a message leaves. TLS is not message encryption."""

from __future__ import annotations

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from .act import Act, Action, FormulaAct, World
from .copy_state import CopyState, note

# The effect on a message


def route(act: Act, world: World) -> list[World]:
    """The connector to which the rule routes it, and whether it may leave by TLS alone."""
    if Does.ROUTE not in act.does:
        return [world]
    actions = act.rule.actions.options
    connector = str(actions.get("route_message_outbound_connector") or "")
    routes = (*world.routes, (act.rule.name, connector)) if connector else world.routes
    requires_tls = world.requires_tls or bool(actions.get("route_message_outbound_require_tls"))
    return [world.with_changes(routes=routes, requires_tls=requires_tls)]


# The effect on all messages


def route_by(copy: CopyState, act: FormulaAct) -> None:
    """The connector to which the rule routes it, and whether it may leave by TLS alone."""
    options = act.rule.actions.options
    connector = name_key(str(options.get("route_message_outbound_connector") or ""))
    if connector:
        note(copy.routes, connector, act.acts)
    if options.get("route_message_outbound_require_tls"):
        copy.requires_tls |= act.acts


# The rows

#: The actions.
ROUTE: tuple[Action, ...] = (
    Action("route_message_outbound_connector"),
    Action("route_message_outbound_require_tls"),
)
