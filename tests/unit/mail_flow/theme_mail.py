# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mail of small worlds has in common: its people, its ways and its combinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from tests.unit.mail_flow.small_worlds import NOW

Values = dict[str, Any]

MEGAN, BOB, EVE, ROBERT = "megan@contoso.com", "bob@contoso.com", "eve@contoso.com", "robert@contoso.com"
ANN, BELOW, JOE = "ann@fabrikam.com", "x@eu.fabrikam.com", "joe@northwind.com"
SALES, ALL, PARTNERS = "sales@contoso.com", "all@contoso.com", "partners@contoso.com"


def sent(sender: str, *to: str, authenticated: bool = True, **more: Any) -> Values:
    return {"from": sender, "mail_from": sender, "authenticated": authenticated, "to": list(to), **more}


def every(ways: Sequence[Values], **values: Sequence[Any]) -> Iterator[Values]:
    """Mail on all of these ways with all combinations of values; ``None`` is nothing."""
    plain: Values = {
        "date": NOW,
        "cc": [],
        "bcc": [],
        "subject": "",
        "body": "",
        "headers": {},
        "attachments": [],
        "protection": {"kind": "none"},
    }
    for way, chosen in itertools.product(ways, itertools.product(*values.values())):
        given = {key: value for key, value in zip(values, chosen, strict=True) if value is not None}
        yield {**plain, **way, **given}


def lists(option: str, *values: str) -> list[Values]:
    """Conditions with each of the values, and with some two of them."""
    pairs = [list(pair) for pair in itertools.combinations(values, 2)]
    return [{option: found} for found in [*([value] for value in values), *pairs[:: max(1, len(pairs) // len(values))]]]


def header(name: str, words: Sequence[str], patterns: Sequence[str]) -> list[Values]:
    return [
        *({"header_contains_message_header": name, "header_contains_words": [word]} for word in words),
        *({"header_matches_message_header": name, "header_matches_patterns": [pattern]} for pattern in patterns),
    ]


#: Mail of insiders, of somebody who forges an insider's address, and of an outsider.
WAYS = (
    sent(MEGAN, ANN),
    sent(MEGAN, BOB),
    sent(BOB, BELOW, bcc=[JOE]),
    sent(MEGAN, ANN, authenticated=False),
    sent(ANN, BOB, authenticated=False),
)
