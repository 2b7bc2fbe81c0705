# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay found, in the form of the module's result. Private to the collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import (
    COVERAGE,
    Findings,
    Tally,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.to_message import WORDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    MISSING,
    PREMISES,
    SETTLED_BY,
    UNSIZED,
    window_reason,
)


def described(
    found: Findings, window: Window, *, compared: bool, guaranteed: bool, domains: int, rules: Sequence[str]
) -> dict[str, Any]:
    """The keys of the contract. What does not apply is absent.

    :param domains: how many domains a row names.
    :param rules: the names of the rules, in their order.
    """
    result: dict[str, Any] = {
        "window": window_row(window),
        "counts": {
            "copies": found.copies,
            "messages": found.messages,
            "recipients": found.recipients,
            "left_out": dict(sorted(found.left_out.items())),
        },
        "outcome": sorted(
            (
                _outcome(fate, protection, _in_order(by, rules), tally)
                for (fate, protection, by), tally in found.outcomes.items()
            ),
            key=_largest,
        ),
        "undecided": [
            {
                "reason": why.word,
                **({"id": why.id} if why.id else {}),
                "rules": _in_order(tally.rules, rules),
                "copies": tally.certain.total(),
                "settled_by": SETTLED_BY[why.word] if why.id or why.word != "semantics" else MISSING,
                **_examples(tally),
            }
            for why, tally in sorted(found.undecided.items(), key=lambda item: (WORDS.index(item[0].word), item[0].id))
        ],
        "days": [
            {"date": day.isoformat(), **_coverage(found.days, day)} for day in sorted({day for day, _how in found.days})
        ],
        "domains": _covered(found.domains, domains),
        "assumes": [
            *PREMISES,
            *([UNSIZED] if found.unsized else []),
            *({"id": number} for number in sorted(found.assumed)),
        ],
    }
    if compared:
        result["counts"]["changed"] = {
            "certain": found.changed.certain.total(),
            "possible": found.changed.possible.total(),
        }
        result["difference"] = [
            _change(kind, found.difference[kind], domains, rules) for kind in KINDS if kind in found.difference
        ]
    if guaranteed:
        result["guarantees"] = [
            {
                "name": name,
                "kept": found.kept[name],
                "broken": tally.certain.total(),
                "undecided": found.unsettled[name],
                **_examples(tally),
            }
            for name, tally in found.broken.items()
        ]
    return result


def window_row(window: Window) -> dict[str, Any]:
    """The time of the rows, and what it lacks."""
    row = {"from": _text(window.begin), "until": _text(window.until), "complete": not window.reason}
    return {**row, **({"reason": window_reason(window.reason, window.detail)} if window.reason else {})}


def _text(instant: Any) -> str:
    return str(instant.isoformat().replace("+00:00", "Z"))


def _outcome(fate: str, protection: str, by: list[str], tally: Tally) -> dict[str, Any]:
    row: dict[str, Any] = {
        "fate": fate,
        **({"protection": protection} if protection else {}),
        **({"protected_by": by} if by else {}),
    }
    return {**row, "copies": tally.certain.total(), **_examples(tally)}


def _largest(row: Mapping[str, Any]) -> tuple[int, str]:
    return -row["copies"], str(sorted((key, str(value)) for key, value in row.items()))


def _examples(tally: Tally) -> dict[str, Any]:
    return {"examples": [example.described() for example in tally.examples]} if tally.examples else {}


def _in_order(names: Iterable[str], rules: Sequence[str]) -> list[str]:
    places = {name: place for place, name in enumerate(rules)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _change(kind: str, tally: Tally, domains: int, rules: Sequence[str]) -> dict[str, Any]:
    every = tally.certain + tally.possible
    names = sorted(every, key=lambda name: (-tally.certain[name], -every[name], name))
    rows = [
        {"name": name, "certain": tally.certain[name], "possible": tally.possible[name]} for name in names[:domains]
    ]
    return {
        "kind": kind,
        "certain": tally.certain.total(),
        "possible": tally.possible.total(),
        "senders": len(tally.senders),
        "domains": rows,
        "more_domains": len(names) - len(rows),
        "rules": _in_order(tally.rules, rules),
        **_examples(tally),
    }


def _coverage(counts: Counter[tuple[Any, str]], key: Any) -> dict[str, int]:
    return {how: counts[key, how] for how in COVERAGE}


def _covered(counts: Counter[tuple[str, str]], most: int) -> list[dict[str, Any]]:
    """The recipients' domains with the most copies, and the others together."""
    totals: Counter[str] = Counter()
    for (name, _how), count in counts.items():
        totals[name] += count
    first = sorted(totals, key=lambda name: (-totals[name], name))[:most]
    return [{"name": name, **_coverage(counts, name)} for name in first]
