# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict does not see, in one line that stands wherever a verdict stands.

A result or a part of a report that says how mail is protected has ``unseen``: what may encrypt mail, or take its protection
away, and was neither read nor told. Where it was asked for and could not be read, it has ``not_read``: why, as
sentences. Where it was not tested whether encryption works, it has ``untested``, too: the
controls that would have tested it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._exchange.organization import COMPLIANCE_SUBSETS
from ..._exchange.permissions import COMPLIANCE_REMEDY
from ..model.encrypters import DLP, ENCRYPT_BUTTON, FACT, LABELS

_NAMES = {DLP: "DLP policies", LABELS: "sensitivity labels", ENCRYPT_BUTTON: "the Encrypt button"}


def unseen_names(unseen: Iterable[str]) -> str:
    """What is not seen: ``DLP policies, sensitivity labels, the Encrypt button``."""
    return ", ".join(_NAMES[name] for name in unseen)


def unseen_line(unseen: Iterable[str]) -> str:
    """What a verdict does not see, as a sentence; empty if it sees everything."""
    names = unseen_names(unseen)
    return f"Not seen: {names}." if names else ""


def not_read_row(unseen: Iterable[str], unavailable: Mapping[str, str], *, asked: bool) -> dict[str, list[str]]:
    """Why what else encrypts mail was not read, as a result has it: ``not_read``; nothing if all was read or told.

    :param unavailable: fact to the reason why it could not be read.
    :param asked: whether the compliance endpoint was asked for what nobody told.
    """
    missing = [name for name in unseen if name in FACT]
    lines = not_read_lines(unavailable)
    if missing and not asked:
        names = " and ".join(_NAMES[name] for name in missing)
        lines.append(f"{names[:1].upper()}{names[1:]} were not asked for: compliance is false.")
    return {"not_read": lines} if lines else {}


def not_read_lines(unavailable: Mapping[str, str]) -> list[str]:
    """Why facts of the compliance endpoint were not read, a sentence for each reason.

    :param unavailable: fact to the reason; other facts do not count.
    """
    names: dict[str, list[str]] = {}
    for fact, subset in COMPLIANCE_SUBSETS.items():
        if fact in unavailable:
            names.setdefault(" ".join(unavailable[fact].split()), []).append(subset.several)
    return [_not_read_line(several, reason) for reason, several in names.items()]


def _not_read_line(several: Sequence[str], reason: str) -> str:
    """Why facts were not read. Of all of them, a missing role says it in its own words."""
    if reason == COMPLIANCE_REMEDY and len(several) == len(COMPLIANCE_SUBSETS):
        return reason
    return f"Not read: {', '.join(several)}. {reason}"


def unseen_lines(unseen: Iterable[str], not_read: Iterable[str] = (), untested: Iterable[str] = ()) -> list[str]:
    """What verdicts do not see, why, and what was not tested."""
    controls = ", ".join(untested)
    lines = [
        unseen_line(unseen),
        *not_read,
        f"Whether encryption works was not tested ({controls})." if controls else "",
    ]
    return list(filter(None, lines))
