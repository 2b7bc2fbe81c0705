# SPDX-License-Identifier: GPL-3.0-or-later
"""What people have accepted: findings, and controls that are not met, each with its reason, owner and last day."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.spelling import meant
from ..._exchange.text import listed
from ..._mail_flow.wording.row import WholeRow
from .findings import PREFIX, Finding, accept

_KEYS = ("word", "reason", "owner", "until")


@dataclass(frozen=True)
class AcceptedFinding(WholeRow):
    """Something that someone has accepted.

    :param until: its last day, or a date and time with an offset; empty if it has no end.
    """

    reason: str = ""
    owner: str = ""
    until: str = ""

    @property
    def expired(self) -> bool:
        """Whether its last day has passed."""
        return bool(self.until) and moment(self.until, "until") <= datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class AcceptedWord(WholeRow):
    """A word that is accepted, as a report has it.

    :param needed: whether the run needed it.
    """

    word: str
    reason: str
    owner: str
    until: str
    needed: bool


class Acceptance:
    """The words of ``accept``, which decide which findings are left.

    :param given: the variable: words, or dictionaries of ``word``, ``reason``, ``owner`` and ``until``.
    :param known: the words that there are.
    :raises OptionError: an element is neither, or its word is not known.
    """

    def __init__(self, acceptances: Sequence[Any], known: Collection[str]) -> None:
        self._words = dict(_element(index, element, known) for index, element in enumerate(acceptances))
        self._needed: set[str] = set()

    def unaccepted(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that are not accepted."""
        unaccepted = []
        for finding in findings:
            accepted = self._words.get(finding.word)
            if accepted is None:
                unaccepted.append(finding)
                continue
            self._needed.add(finding.word)
            if accepted.expired:
                unaccepted.append(replace(finding, text=f"{finding.text} Its acceptance ended on {accepted.until}."))
        return unaccepted

    def last_line(self, findings: Sequence[Finding]) -> str:
        """The last line of a refusal, which says what allows its findings together; empty if at most one thing does,
        because that finding prints its own line.
        """
        words = dict.fromkeys(finding.word for finding in findings if finding.word)
        others: dict[str, dict[str, None]] = {}
        for finding in findings:
            if finding.allow and not finding.word:
                others.setdefault(finding.allow, {})[finding.id] = None
        unacceptable = dict.fromkeys(finding.id for finding in findings if not finding.allow)
        if len(words) + len(others) < 2:
            return ""
        ways = [self._line(words)] if words else []
        ways += [f"for {listed(list(ids), joint='and')} {line}" for line, ids in others.items()]
        whom = "the others" if unacceptable else "all of them"
        return f"To allow {whom}: {'; '.join(ways)}" + (
            f"; nothing allows {listed(list(unacceptable))}" if unacceptable else ""
        )

    def _line(self, words: Iterable[str]) -> str:
        """The line of YAML that accepts these words and what counts already."""
        counting = (word for word, accepted in self._words.items() if not accepted.expired)
        return accept(dict.fromkeys((*counting, *words)))

    def shown(self) -> list[dict[str, Any]]:
        """What was accepted, for the digest."""
        return [{"word": word, **accepted.as_row()} for word, accepted in sorted(self._words.items())]

    def reported(self) -> list[AcceptedWord]:
        """What was accepted, and whether this run needed it."""
        return [AcceptedWord(**row, needed=row["word"] in self._needed) for row in self.shown()]


def moment(text: str, variable: str) -> datetime.datetime:
    """The end of a date, or a date and time with an offset. An OptionError names the variable."""
    try:
        if len(text) == 10:
            return datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time.max, datetime.UTC)
        parsed = datetime.datetime.fromisoformat(text)
    except ValueError:
        parsed = datetime.datetime.min
    if parsed.tzinfo is None:
        raise OptionError(
            f"{variable} must be a date such as 2030-01-31, or a date and time with an offset, not {text!r}."
        )
    return parsed


def _element(index: int, element: Any, known: Collection[str]) -> tuple[str, AcceptedFinding]:
    """A word that is accepted, with what is said of it. Raises OptionError if an element of the variable is none.

    :param known: the words that can be accepted.
    """
    where = f"{PREFIX}accept[{index}]"
    if isinstance(element, Mapping):
        options = _texts_of(element, where)
    elif isinstance(element, str):
        options = {"word": element}
    else:
        raise OptionError(f"{where} must be a word or a dictionary with {', '.join(_KEYS)}, not {element!r}.")
    word = options.pop("word")
    if word not in known:
        raise OptionError(
            f"{where}: {word!r} is not a word that can be accepted{meant(word, known)} Valid words: {', '.join(sorted(known))}."
        )
    accepted = AcceptedFinding(**options)
    if accepted.until:
        moment(accepted.until, f"{where}.until")
    return word, accepted


def _texts_of(element: Mapping[Any, Any], where: str) -> dict[str, str]:
    """The texts of a dictionary, which must have all keys and no other.

    :param where: its place, for errors.
    """
    missing = [key for key in _KEYS if not element.get(key)]
    unknown = [str(key) for key in element if key not in _KEYS]
    if missing or unknown:
        what_is_wrong = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        raise OptionError(f"{where} {what_is_wrong}: it must be a word or a dictionary with {', '.join(_KEYS)}.")
    for key, value in element.items():
        if isinstance(value, (list, Mapping)):
            raise OptionError(f"{where}.{key} is a {'list' if isinstance(value, list) else 'dictionary'}, not a text.")
    return {key: str(value) for key, value in element.items()}
