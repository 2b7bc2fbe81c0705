# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings, which are refused before the first write, and the words that accept them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX = "hardened_baseline_"

#: The words of ``accept`` that are no control's id, and what each allows.
WORDS: Mapping[str, str] = {
    "work_accounts_only": "An OME configuration that allows neither one-time passcodes nor social accounts.",
    "any_sender": "A rule that encrypts without a condition that limits it to internal senders. For mail from outside it has no effect, or bounces it.",
    "unconditional_rule": "A rule that encrypts without any condition.",
    "mail_rejection": "C(hardened_baseline_transport_decryption: Mandatory): Exchange rejects mail that it cannot decrypt.",
    "blind_transport": "C(hardened_baseline_transport_decryption: Disabled): rules and scanners cannot read protected mail.",
    "encryption_off": "A change of a baseline, a rollback or a disable that turns Azure Rights Management or internal licensing off: "
    "it is unknown what rules that encrypt do then. "
    "A run that takes its own changes back needs no word.",
    "weakened_mail": "A change of a baseline after which mail that rules or forced TLS protect now leaves unprotected by either. "
    "Where one of C(hardened_baseline_guarantees) keeps it from that, C(broken_guarantee) decides.",
    "irreversible": "A change that a rollback cannot undo.",
    "on_premises": "An on-premises organization.",
    "broken_guarantee": "A plan that breaks one of C(hardened_baseline_guarantees), or what C(hardened_baseline_encrypt_outgoing) guarantees, "
    "or after which it is unknown whether a guarantee that is proved now still holds.",
    "unidentified_organization": "An organization that cannot be identified. An organization other than the one that the inventory names is always refused.",
}


@dataclass(frozen=True)
class Finding:
    """Something that the role refuses before its first write.

    :param id: the control, or what the finding is about.
    :param text: a sentence.
    :param allow: the line of YAML that allows it; empty if nothing does.
    :param word: the word of ``accept`` that allows it; empty if another variable does, or nothing.
    :param about: what several controls may find, such as an error that was read once for all of them; ``None`` if
        no other control finds it.
    """

    id: str
    text: str
    allow: str = ""
    word: str = ""
    about: Hashable = field(default=None, compare=False)

    @classmethod
    def acceptable(cls, id_: str, text: str, word: str, about: Hashable = None) -> Finding:
        """A finding that its word accepts."""
        return cls(id_, text, accept([word]), word, about)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Finding:
        """From a row of a report. Raises TypeError if it is none."""
        return cls(**row)

    def as_row(self) -> dict[str, Any]:
        """The row of a report."""
        return {"id": self.id, "text": self.text, "allow": self.allow, "word": self.word}

    def __str__(self) -> str:
        return f"{self.id}: {self.text}" + (f" To allow it: {self.allow}" if self.allow else "")


def found_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings; of those about one thing, the first."""
    by_key: dict[Hashable, Finding] = {}
    for place, finding in enumerate(findings):
        by_key.setdefault(place if finding.about is None else finding.about, finding)
    return list(by_key.values())


def allow(variable: str, value: str = "true") -> str:
    """The line of YAML that allows a finding."""
    return f"{PREFIX}{variable}: {value}"


def accept(words: Iterable[str]) -> str:
    """The line of YAML that accepts some words."""
    return allow("accept", f"[{', '.join(words)}]")
