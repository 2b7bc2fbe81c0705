# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether rights management can work in an organization, judged from what was read of it.

A list that was not read is not an empty list: nothing follows from it. Sources: Microsoft's Set-IRMConfiguration and
"Set up Message Encryption" pages, and what organizations showed of which the service was not activated. An empty
LicensingLocation alone says nothing: Microsoft's test passed with one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._exchange.organization import Organization
from .irm_configuration import IRM_CONFIGURATION, LICENSING

#: The list of RMS templates: the subset, and the fact.
RMS_TEMPLATES = "rms_templates"

_LOCATION = "LicensingIntranetDistributionPointUrl of Get-AipServiceConfiguration"
_ACTIVATION = (
    "The service was not activated, or was turned off. Microsoft's cure, in Windows PowerShell 5.1 with the module AIPService: Connect-AipService, "
    f"Get-AipService, Enable-AipService. Then set licensing_location to {_LOCATION}."
)
#: What to do where the settings are on and Exchange finds no templates all the same.
OTHER_SERVICE = (
    "The service is not active (Get-AipService shows that; Enable-AipService activates it), or licensing_location names another one. "
    f"Microsoft's cure: set it to {_LOCATION}."
)

#: A location that was not read is not an empty one.
_NOT_READ = ("not read",)


@dataclass(frozen=True)
class Obstacle:
    """What keeps rights management from working, as far as it was read.

    :param fact: the fact that shows it.
    :param cause: it as a clause, such as ``internal_licensing_enabled is false``.
    :param cure: what to do, as sentences.
    :param switched_off: whether it is a licensing setting, which this collection can turn on.
    """

    fact: str
    cause: str
    cure: str
    switched_off: bool


def obstacle(settings: Mapping[str, Any] | None, templates: Sequence[Mapping[str, Any]] | None) -> Obstacle | None:
    """What keeps rights management from working; ``None`` if nothing shows that it does not work.

    :param settings: the IRM configuration, canonical; ``None`` if it was not read.
    :param templates: the RMS templates that Exchange lists; ``None`` if the list was not read.
    """
    known = settings or {}
    off = [name for name in LICENSING if known.get(name) is False]
    if off:
        cure = "m365.message_encryption.irm_configuration turns it on."
        return Obstacle(IRM_CONFIGURATION.name, f"{' and '.join(off)} is false", cure, switched_off=True)
    if templates is None or templates:
        return None
    if known.get("licensing_location", _NOT_READ):
        return Obstacle(RMS_TEMPLATES, "Exchange lists no RMS template", OTHER_SERVICE, switched_off=False)
    cause = "licensing_location is empty and Exchange lists no RMS template"
    return Obstacle(RMS_TEMPLATES, cause, _ACTIVATION, switched_off=False)


def obstacle_of(organization: Organization) -> Obstacle | None:
    """The obstacle in an organization; ``None`` if there is none."""
    facts = facts_read(organization)
    return obstacle(facts.get(IRM_CONFIGURATION.name), facts.get(RMS_TEMPLATES))


def facts_read(organization: Organization) -> dict[str, Any]:
    """The IRM configuration, canonical, and the RMS templates of an organization: those of the two that were read."""
    facts: dict[str, Any] = {}
    if _was_read(organization, IRM_CONFIGURATION.subset):
        facts[IRM_CONFIGURATION.name] = IRM_CONFIGURATION.describe(organization.only(IRM_CONFIGURATION.subset))
    if _was_read(organization, RMS_TEMPLATES):
        facts[RMS_TEMPLATES] = organization.objects(RMS_TEMPLATES)
    return facts


def _was_read(organization: Organization, subset: str) -> bool:
    return subset in organization.subsets and organization.error(subset) is None
