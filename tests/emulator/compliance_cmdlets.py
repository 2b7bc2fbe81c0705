# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets of the compliance endpoint. Source: Microsoft's pages of them."""

from __future__ import annotations

from . import properties
from .context import Context
from .errors import refused
from .properties import Record
from .values import ordinal

#: Cmdlet, in lower case, to the key of the state, the objects' type, and the key of their policies.
COMPLIANCE = {
    "get-dlpcompliancepolicy": ("dlp_policies", properties.DLP_POLICY, ""),
    "get-dlpcompliancerule": ("dlp_rules", properties.DLP_RULE, "dlp_policies"),
    "get-label": ("labels", properties.LABEL, ""),
    "get-labelpolicy": ("label_policies", properties.LABEL_POLICY, ""),
    "get-autosensitivitylabelpolicy": ("auto_label_policies", properties.AUTO_LABEL_POLICY, ""),
    "get-autosensitivitylabelrule": ("auto_label_rules", properties.AUTO_LABEL_RULE, "auto_label_policies"),
}


def get_compliance_objects(context: Context) -> None:
    """Shows objects. A name that nobody has shows all of them; rules are asked for by their own name or by their
    policy's.
    """
    key, kind, policies = COMPLIANCE[context.cmdlet.name.lower()]
    rows, identity, policy = context.state[key], context.parameters.get("Identity"), context.parameters.get("Policy")
    if identity and policy:
        raise refused("The parameters 'Identity' and 'Policy' can't be used together.")
    wanted = ordinal(policy or identity or "")
    if policy:
        guids = {
            row["Guid"] for row in context.state[policies] if wanted in (ordinal(row["Name"]), ordinal(row["Guid"]))
        }
        rows = [row for row in rows if row["Policy"] in guids] or rows
    elif identity:
        rows = [row for row in rows if wanted in (ordinal(row["Name"]), ordinal(row["Guid"]))] or rows
    context.outcome.records += [Record(kind, row) for row in rows]
