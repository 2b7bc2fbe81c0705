# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization that looks like the captures: dehydrated as every new one is, with the rules that real ones had, and
without a tenant id.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .organization import State
from .schema import rule_sections

CAPTURES = Path(__file__).parents[1] / "data/captures"
_KEPT = (
    "Name",
    "State",
    "Mode",
    "CreatedBy",
    "LastModifiedBy",
    "RuleErrorAction",
    "SenderAddressLocation",
    "RecipientAddressType",
    "Comments",
)


def captured_state(name: str = "contoso.onmicrosoft.com") -> State:
    """What is special in the state of such an organization."""
    return {
        "name": name,
        "dehydrated": True,
        "shows_tenant_id": False,
        "advanced_message_encryption": True,
        "transport_rules": [
            _stored(_captured(path))
            for path in sorted(CAPTURES.glob("Get-TransportRule/*.json"))
            if _captured(path).get("CreatedBy")
        ],
    }


def _captured(path: Path) -> dict[str, Any]:
    # Whoever published some of them lost the backslash of an escaped apostrophe.
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").replace("u0027", "'"))
    return found


def _stored(shown: dict[str, Any]) -> dict[str, Any]:
    """A captured rule as the emulator stores it. Several captures are of one rule, so that each gets a GUID of its own
    from its name.
    """
    kept = {
        *_KEPT,
        *(name for name, section in rule_sections().items() if section in ("conditions", "exceptions", "actions")),
    }
    return {key: value for key, value in shown.items() if key in kept and value not in (None, False, "", [])}
