# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule is called like what a guarantee is about: who named it then meant it for that, also where it looks for
something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .standings import SCOPES

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


def is_called_like(name: str, asked: str, about: Mapping[str, Any]) -> bool:
    """Whether the name of a rule has a telling word of another name, or of the values that select some mail.

    :param asked: the name of what is asked of that mail; :param:`about`: its conditions, in the form of a rule's section.
    """
    given = [value for option, value in about.items() if option not in SCOPES]
    values = [each for value in given for each in (value if isinstance(value, (list, tuple)) else [value])]
    return not _telling(name).isdisjoint(_telling(" ".join([asked, *map(str, values)])))


def _telling(text: str) -> set[str]:
    """The telling words of a text, without an ending for several."""
    words = {word.casefold() for word in _WORD.findall(text)}
    return {word.removesuffix("s") for word in words - _COMMON}
