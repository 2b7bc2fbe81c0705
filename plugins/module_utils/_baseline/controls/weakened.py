# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan takes protection from: mail that is protected now, and would leave unprotected."""

from __future__ import annotations

from collections.abc import Iterator

from ..._engine.plan import Impact, Plan
from ..._exchange.organization import Organization
from ..._exchange.unprotected import UNPROTECTED, UNPROTECTED_ON_ITS_WAY
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.model.connectors import IN_TRANSIT, VALIDATIONS
from ..._mail_flow.wording.result_rows import DifferenceRow
from ..._resources.rules.in_clear import rules_warned_of
from .effect_on_mail import IMPACTS, EffectOnMail
from .findings import Finding
from .mail import Mail

#: The word that accepts it.
WEAKENED_MAIL = "weakened_mail"


def weakened_mail(organization: Organization, plan: Plan, mail: EffectOnMail, control: str) -> list[Finding]:
    """The finding that mail would leave unprotected that is protected now, by rules or by forced TLS; none where no mail
    would.

    Where it is not known of some mail, what the rules alone show decides.

    :param mail: what the plan does to mail.
    :param control: the control whose finding it is.
    """
    texts = [*_surely_unprotected(organization, plan, mail), *_perhaps_unprotected(plan, mail)]
    if not texts:
        return []
    more = f" {len(texts) - 1} more of its effects on mail are in the report." if len(texts) > 1 else ""
    return [Finding.acceptable(control, f"{texts[0]}{more}", WEAKENED_MAIL)]


def _surely_unprotected(organization: Organization, plan: Plan, mail: EffectOnMail) -> Iterator[str]:
    for row in mail.difference or ():
        if IMPACTS.get(row.kind) is Impact.IN_CLEAR and not _stays_protected(organization, plan, row):
            yield f"mail that is protected now would leave {UNPROTECTED_ON_ITS_WAY}: {row.text}"


def _stays_protected(organization: Organization, plan: Plan, row: DifferenceRow) -> bool:
    """Whether the mail of a row does not leave after the plan, or leaves only by forced TLS."""
    if row.about_other_mail:
        return False
    # A guarantee about all mail of the class holds for what arrives protected, too.
    claim = Guarantee("-", row.when, row.unless or {}, IN_TRANSIT, tls_validation=VALIDATIONS[0])
    (verdict,) = Mail.of_organization(organization).after(plan).verdicts([claim], "")
    return verdict.is_proved


def _perhaps_unprotected(plan: Plan, mail: EffectOnMail) -> Iterator[str]:
    """What may let mail out, as far as rules alone show, where the effect on mail is not known."""
    dangerous = rules_warned_of(plan)
    for row in mail.difference or ():
        if row.is_open and not dangerous.isdisjoint(row.rules):
            yield f"mail that is protected now may leave {UNPROTECTED_ON_ITS_WAY}: {row.text}"
    if dangerous and mail.difference_more:
        yield f"mail may leave {UNPROTECTED} because of {', '.join(map(repr, sorted(dangerous)))}, and not all effects on mail are known."
