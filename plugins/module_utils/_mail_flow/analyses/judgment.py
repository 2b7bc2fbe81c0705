# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a guarantee, as data that ``wording.guarantees`` turns into rows and sentences. Private to the
collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.hole import Hole
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import Premise

PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"


@dataclass(frozen=True)
class Counterexample:
    """A message that certainly breaks a guarantee.

    :param message: as the option ``messages`` has it, so that it replays.
    :param recipient: whose copy breaks it, and :param:`outcome` the result of that.
    :param decided_by: the last rule without which the guarantee would be kept, if there is one.
    :param facts: the facts that it assumes beyond the known ones.
    :param hole: of mail on its way, the hole through which it leaves.
    :param expiry: of mail that has to expire, after how many days its branding lets it, 0 for never.
    :param unbranded: of mail that has to be led to the portal, whether it is protected and certainly shows no branding.
    """

    message: Mapping[str, Any]
    recipient: str
    outcome: Mapping[str, Any]
    decided_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    hole: Hole | None = None
    expiry: int | None = None
    unbranded: bool = False


@dataclass(frozen=True)
class Judgment:
    """The verdict on a guarantee.

    :param claim: the mail that it is about, as a rule; ``None`` where even that is too complex.
    :param verdict: :data:`PROVED`, :data:`REFUTED` or :data:`UNKNOWN`.
    :param premises: what a proof assumes.
    :param counterexample: what refutes it.
    :param unknown: why it is neither proved nor refuted.
    """

    guarantee: Guarantee
    claim: FlowRule | None = None
    verdict: str = UNKNOWN
    premises: tuple[Premise, ...] = ()
    counterexample: Counterexample | None = None
    unknown: tuple[Reason, ...] = ()
