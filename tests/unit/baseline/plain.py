# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pure core of the baseline is given in tests: changes and plans. No session, no files."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import PlannedChange
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.plan_document import (
    PlanDocument,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import RollbackClass
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan, warning
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import OrganizationIdentity

CONTOSO = {"name": "contoso.onmicrosoft.com", "tenant_id": "11111111-1111-1111-1111-111111111111"}
ORGANIZATION = OrganizationIdentity(**CONTOSO)
CLOUD = {
    "Name": CONTOSO["name"],
    "OrganizationId": "contoso",
    "Session": {"cloud": True, "tenant_id": CONTOSO["tenant_id"]},
}
ON_PREMISES = {"Name": "contoso.local", "OrganizationId": ""}


def planned(option: str = "search_enabled", **more: Any) -> PlannedChange:
    """A change of the IRM configuration, unless ``more`` says otherwise."""
    values = {"resource": "irm_configuration", "identity": "", "before": True, "after": False, "control": "IRM-1"}
    values |= {"rollback": RollbackClass.EXACT, "command": "Set-IRMConfiguration -SearchEnabled $false"}
    return PlannedChange(option=option, **{**values, **more})


def warned(*texts: str) -> Plan:
    """A plan that warns of things, each with its sentence."""
    return Plan(warnings=[warning("thing", text, thing=text) for text in texts])


def document(*changes: PlannedChange, **more: Any) -> PlanDocument:
    """A plan for Contoso with these changes."""
    parts = {"kind": "baseline", "organization": ORGANIZATION, "desired": {"IRM-1": True}, "plan": Plan(), "mail": {}}
    given = {name: more.pop(name) for name in list(more) if name in parts}
    mail = given.get("mail", {})
    given["mail"] = EffectOnMail.from_row({**({"difference_more": 0} if "difference" in mail else {}), **mail})
    made = PlanDocument.of_plan(**{**parts, **given}, changes=changes)
    return PlanDocument(**{**{name: getattr(made, name) for name in made.__dataclass_fields__}, **more})
