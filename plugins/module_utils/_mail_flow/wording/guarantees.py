# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on guarantees as results have them, and the words for mail on its way. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    Counterexample,
    Judgment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.assumptions import premise_row
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import (
    reason_rows,
    worded,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import (
    Clause,
    parts_of,
    words_of,
)

#: What forced TLS checks.
CHECKS = {
    "encryption_only": "any certificate",
    "certificate": "a certificate from a trusted authority",
    "domain": "a trusted certificate with the right name",
}

_HOLES = {
    "opportunistic": "the connector {connector!r} does not force TLS",
    "weak": "TLS{by} takes {checks}",
    "domain_only": "the connector {connector!r} covers {covers} only",
    "subdomains_only": "the connector {connector!r} covers the subdomains of {covers} only",
    "disabled": "the connector {connector!r} covers it, and is disabled",
    "not_routed": "no rule routes this mail to the connector {connector!r}",
    "uncovered": "no connector covers it, and no rule requires TLS",
}


def hole_words(hole: Mapping[str, Any]) -> str:
    """A hole as results have it: ``sub.bank.example: the connector 'Bank' covers bank.example only``."""
    connector = str(hole.get("connector", ""))
    by = f" of the connector {connector!r}" if connector else " that a rule requires"
    words = _HOLES[str(hole["kind"])].format(
        connector=connector, covers=hole.get("covers", ""), checks=CHECKS.get(str(hole.get("validation")), ""), by=by
    )
    return f"{hole['domain']}: {words}"


def transit_words(transit: Mapping[str, Any]) -> str:
    """How a copy leaves: ``by forced TLS with any certificate, through the connector 'Bank', as far as
    gateway.example``.
    """
    if "on_premises" in transit:
        return f"to the organization's own servers, perhaps, through the connector {transit['on_premises']!r}"
    tls = str(transit.get("tls"))
    words = {"forced": "by forced TLS", "opportunistic": "by TLS if the other side offers it, otherwise in clear"}.get(
        tls, "by TLS or in clear (unknown)"
    )
    checks = f" with {CHECKS[str(transit['validation'])]}" if transit.get("validation") else ""
    through = f", through the connector {transit['connector']!r}" if transit.get("connector") else ""
    end = f", as far as {transit['ends_at']} is concerned" if transit.get("ends_at") else ""
    return f"{words}{checks}{through}{end}"


def claimed(rule: FlowRule, guarantee: Guarantee) -> str:
    """What a guarantee says, as a clause: ``no mail from inside to people outside is delivered in clear``.

    :param rule: the mail that it is about, as a rule's conditions and exceptions.
    """
    mail = " ".join(["mail", *words_of(parts_of(rule.conditions))])
    unless = " or ".join(Clause.of([atom]).words() for atom in rule.exceptions)
    wish, limit = WISHES[guarantee.then], _limit(guarantee)
    return ((limit and wish.limited) or wish.claim).format(
        mail=f"{mail}, except mail {unless}," if unless else mail, limit=limit
    )


def _limit(guarantee: Guarantee) -> str:
    """What narrows a wish, in words; empty if nothing does."""
    if guarantee.template:
        return f"'{guarantee.template}'"
    days = guarantee.expires_within_days
    return f"{days} day{'s' if days > 1 else ''}" if days else CHECKS.get(guarantee.tls_validation, "")


def guarantee_rows(found: Iterable[Judgment]) -> list[dict[str, Any]]:
    """What is known of guarantees, as results have it: ``name``, ``claim``, ``verdict``, ``assumptions``, and
    ``counterexample`` or ``unknown``.
    """
    return list(map(_row, found))


def _row(found: Judgment) -> dict[str, Any]:
    guarantee = found.guarantee
    claim = {"claim": claimed(found.claim, guarantee)} if found.claim else {}
    row: dict[str, Any] = {
        "name": guarantee.name,
        **claim,
        "verdict": found.verdict,
        "assumptions": list(map(premise_row, found.premises)),
    }
    row |= {"counterexample": counterexample_row(found.counterexample)} if found.counterexample else {}
    return {**row, "unknown": reason_rows(found.unknown)} if found.unknown else row


def counterexample_row(found: Counterexample) -> dict[str, Any]:
    """A counterexample as a row: ``message``, ``recipient``, ``outcome``, and if any ``decided_by``, ``hole``,
    ``expiry``, ``unbranded``, ``facts``.
    """
    row: dict[str, Any] = {
        "message": dict(found.message),
        "recipient": found.recipient,
        "outcome": worded(found.outcome),
    }
    row |= {"decided_by": list(found.decided_by)} if found.decided_by else {}
    row |= {"hole": found.hole.as_row()} if found.hole else {}
    row |= {} if found.expiry is None else {"expiry": found.expiry}
    row |= {"unbranded": True} if found.unbranded else {}
    return {**row, "facts": dict(found.facts)} if found.facts else row
