# SPDX-License-Identifier: GPL-3.0-or-later
"""What predicates look at, and how they look at texts and domains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .directory import Directory
from .mail import Copy, Mail, Recipient
from .patterns import pattern_in
from .words import word_in
from .worlds import Truth, either


@dataclass(frozen=True)
class Settings:
    """The settings of a rule that change how its predicates look."""

    location: str = "Header"
    original: bool = False
    legacy: bool = False


@dataclass(frozen=True)
class View:
    """What a predicate looks at. ``recipient`` is None except for predicates that are about one recipient."""

    message: Mail
    directory: Directory
    copy: Copy
    settings: Settings
    recipient: Recipient | None = None

    @property
    def person(self) -> str:
        assert self.recipient is not None
        return self.recipient.address

    @property
    def sender(self) -> str:
        return self.directory.primary(self.message.sender)

    @property
    def senders(self) -> list[str]:
        """The addresses that the five sender predicates look at."""
        header, envelope = self.message.sender, self.message.envelope_sender
        return {"Envelope": [envelope], "HeaderOrEnvelope": [header, envelope]}.get(self.settings.location, [header])


Test = Callable[[View, Any], Truth]
Find = Callable[[View, str, Sequence[str]], Truth]


def words(view: View, text: str, wanted: Sequence[str]) -> Truth:
    """Whether a text has one of these words."""
    return either(word_in(text, word) for word in wanted)


def patterns(view: View, text: str, wanted: Sequence[str]) -> Truth:
    """Whether a text matches one of these patterns."""
    return either(pattern_in(text, pattern, legacy=view.settings.legacy) for pattern in wanted)


def below(domain: str, wanted: Iterable[str]) -> bool:
    """Whether a domain is one of these, or a subdomain of one."""
    return any(domain == one.lower() or domain.endswith("." + one.lower()) for one in wanted)
