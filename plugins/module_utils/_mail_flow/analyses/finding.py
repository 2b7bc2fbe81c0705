# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of mail that is treated differently, as it is told: data, of which ``wording.sentences`` makes words. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_version_delta import Apart
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule

#: Kind to what is told of the treatment before and now.
TOLD = {
    "delivery_lost": ("fate", "fate"),
    "delivery_gained": ("fate", "fate"),
    "fate_changed": ("", "fate"),
    "protection_changed": ("protection", "protection"),
    "branding_changed": ("branding", "branding"),
}


@dataclass(frozen=True)
class Later:
    """A later rule that acts in one rule set only, since mail comes to it otherwise.

    :param name: its name; empty where it is any.
    :param acts: whether it newly acts; otherwise it no longer does.
    :param stays: whether it is in the second rule set.
    """

    name: str
    acts: bool
    stays: bool


@dataclass(frozen=True)
class Finding:
    """What is told of a class.

    :param about: rules whose conditions all of its mail meets as it arrives, and :param:`why` one of what is true of it, too.
    :param arrives: how all of its mail arrives protected, as the model has it; empty where it need not.
    :param limit: what keeps mail that is named from being treated so: ``""``, nothing; ``exception``, ``another`` rule, ``outside`` or ``protected``.
    :param stages: the results before and after, at the stage at which they differ, if they are the same for all of its mail; otherwise empty.
    :param approved: whether that is after an approval for which the mail waits anyway.
    :param person: whose copies it is about, if rules add them.
    :param edit: the cause; ``None`` where no edited rule acts differently.
    :param acted: whether its rule acted before, and whether it acts now.
    :param settings: the changed settings with their values.
    """

    kind: str
    about: tuple[FlowRule, ...]
    why: Apart
    arrives: str
    limit: str
    stages: tuple[Mapping[str, Any], Mapping[str, Any]]
    approved: bool
    person: str
    edit: Edit | None
    acted: tuple[bool, bool]
    later: Later | None
    settings: Mapping[str, Any]

    @property
    def whole(self) -> bool:
        """Whether all mail that is named is treated so."""
        # A copy that is made of another recipient's may reach them all the same.
        versions = (self.edit.before, self.edit.after) if self.edit and self.person else ()
        return not self.limit and not any(rule.splits for rule in versions if rule is not None)

    @property
    def told(self) -> dict[str, str]:
        """What all of its mail ``was``, and ``becomes``."""
        told = zip(("was", "becomes"), self.stages, TOLD.get(self.kind, ("", "")), strict=True)
        return {key: str(stage.get(what) or "") for key, stage, what in told if stage and what}
