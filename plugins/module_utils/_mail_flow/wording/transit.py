# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How mail leaves, in words. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    tls = str(transit.get("tls"))
    words = {"forced": "by forced TLS", "opportunistic": "by TLS if the other side offers it, otherwise in clear"}.get(
        tls, "by TLS or in clear (unknown)"
    )
    checks = f" with {CHECKS[str(transit['validation'])]}" if transit.get("validation") else ""
    through = f", through the connector {transit['connector']!r}" if transit.get("connector") else ""
    end = f", as far as {transit['ends_at']} is concerned" if transit.get("ends_at") else ""
    return f"{words}{checks}{through}{end}"
