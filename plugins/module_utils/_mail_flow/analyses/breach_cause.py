# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a copy breaks a guarantee, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BreachCause:
    """Why a copy breaks a guarantee.

    :param kind: one of

        * what the deciding rule does: ``rejects``, ``deletes``, ``quarantines``, ``redirects``, ``holds``, ``decrypts``,
          ``encrypts`` (before the rule :param:`other`, if there is one that is meant to keep rules from that), ``sends_copy``
          (it makes the copy) or ``stops`` (before the rule :param:`other`);
        * what keeps a rule from helping the copy: ``disabled``, ``mode``, ``dates``, ``exception`` (also what keeps a rule from
          keeping it back), ``scope``, ``internal_domain`` (a remote domain makes people there internal), ``never_matches``,
          ``asterisk`` (which is no wildcard in a word), ``misspelled`` (a domain or group), ``unauthenticated``, ``stopped`` (by the
          rule :param:`other`), ``no_manager`` (the rule asks the sender's manager), or ``elsewhere`` (the rule looks for the same
          texts or people in another place, for longer texts, for some of the people in a domain, for some of the guarantee's
          values, for others of such mail, or for a part of the mail with these values);
        * what a rule that acts does without encrypting: ``only_brands`` or ``only_routes``, or ``from_outside`` (it encrypts,
          but no mail from outside);
        * what a DLP rule does: ``dlp_blocks``, ``dlp_redirects``, ``dlp_quarantines``, ``dlp_holds``, ``dlp_decrypts``,
          ``dlp_encrypts``, or ``dlp_undoes`` (it leaves no such mail protected);
        * why a DLP rule that could prevent the breach does not: ``dlp_tested`` or ``dlp_disabled``.

    :param option: the condition, exception or setting that it is about, with its :param:`value`.
    :param would: what a rule that does not act would do: ``encrypt``, ``decrypt``, ``route``, ``brand``, ``reject``, ``delete``,
        ``quarantine``, ``moderate`` or ``stop``.
    :param also: what else keeps the same rule from acting; of one that acts, its exception that likely is meant for the mail and
        is written so that it misses it.
    """

    kind: str
    rule: str
    option: str = ""
    value: Any = None
    other: str = ""
    would: str = ""
    also: BreachCause | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> BreachCause:
        """The cause that a row of results has."""
        return cls(**{**row, "also": cls.of_row(row["also"]) if row.get("also") else None})

    def as_row(self) -> dict[str, Any]:
        """The cause as a row of results, without what does not apply."""
        row = {**asdict(self), "also": self.also.as_row() if self.also else None}
        return {key: value for key, value in row.items() if value not in ("", None)}
