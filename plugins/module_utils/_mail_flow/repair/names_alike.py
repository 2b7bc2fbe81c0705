# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule is called like what an aim is about: who named it then meant it for that, also where it looks for something
else.
"""

from __future__ import annotations

import re

from ..analyses.meant_rules import as_list
from ..analyses.standings import SCOPES
from .aims import Aim, Rule, name_of

#: A word that may tell what something is for.
_WORD = re.compile(r"[^\W\d_]{4,}")

#: Words of which the names of rules and guarantees are full.
_COMMON = frozenset(
    (
        *(
            "deliver",
            "delivered",
            "encrypt",
            "encrypted",
            "encryption",
            "forced",
            "plain",
            "protect",
            "protected",
            "unencrypted",
        ),
        *("arrive", "arrives", "leave", "leaves", "leaving", "send", "sends", "sent", "stay", "stays", "stop", "stops"),
        *(
            "email",
            "emails",
            "mail",
            "mails",
            "message",
            "messages",
            "recipient",
            "recipients",
            "rule",
            "sender",
            "senders",
        ),
        *(
            "domain",
            "example",
            "inside",
            "internal",
            "external",
            "outside",
            "people",
            "everybody",
            "everything",
            "every",
        ),
        *(
            "always",
            "from",
            "must",
            "never",
            "only",
            "other",
            "some",
            "that",
            "their",
            "with",
            "without",
            "when",
            "which",
        ),
    )
)


def is_called_like(rule: Rule, aim: Aim) -> bool:
    """Whether the name of a rule has a telling word of the aim's name, or of the values that select its mail."""
    values = [value for option, given in aim.about.items() if option not in SCOPES for value in as_list(given)]
    return not _telling(name_of(rule)).isdisjoint(_telling(" ".join([aim.name, *map(str, values)])))


def _telling(text: str) -> set[str]:
    """The telling words of a text, without an ending for several."""
    words = {word.casefold() for word in _WORD.findall(text)}
    return {word.removesuffix("s") for word in words - _COMMON}
