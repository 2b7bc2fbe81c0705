# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a run's report, and how values become text that is safe to show.

Everything that came from an organization is hostile: it is shown as text, shortened, with its invisible characters made
visible.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._baseline.documents.report import OrganizationReport, RunReport
from ...module_utils._baseline.documents.status import ChangeState, ControlStatus, OrganizationStatus, RollbackClass
from ...module_utils._engine.plan import Impact
from ...module_utils._exchange import text as _text
from ...module_utils._exchange.unprotected import BY_RULES, UNPROTECTED
from ...module_utils._mail_flow.analyses.aspects import DifferenceKind
from ...module_utils._mail_flow.analyses.judgment import GuaranteeVerdict
from ...module_utils._mail_flow.analyses.overview import CellVerdict
from .._action.diff import to_yaml

#: The longest text that is shown, in characters. ``report.json`` has the whole.
LONGEST_TEXT = 2000
#: The number of a value's elements that are shown.
MOST_ELEMENTS = 100
#: The maximum number of simple values on one line.
_LINED_UP = 3
#: Organizations that are named where several share something.
MOST_NAMES = 12
#: Up to this many organizations, each one's details are on the run's page; above, only of those that need a decision.
MOST_DETAILED = 25
#: Ordinary changes that a run's page shows.
MOST_ORDINARY = 100

KINDS = {
    "check": "Change review",
    "snapshot": "Snapshot",
    "apply": "Change record",
    "audit": "Audit",
    "rollback": "Rollback",
    "disable": "Disabling message encryption",
}


@dataclass(frozen=True)
class Word:
    """A state as a word, a shape and a tone, so that nothing depends on color.

    :param counted: the word after a number, in a list that says what it counts; by default the text in lower case.
    """

    text: str
    shape: str
    tone: str
    counted: str = ""


GOOD, LOOK, STOP, UNKNOWN, QUIET = "good", "look", "stop", "unknown", "quiet"

#: Statuses, in the order in which they are listed.
ORGANIZATION: dict[str, Word] = {
    OrganizationStatus.REFUSED: Word("Refused", "✕", STOP),
    OrganizationStatus.FAILED: Word("Failed", "✕", STOP),
    OrganizationStatus.DRIFT: Word("Drift", "≠", LOOK),
    OrganizationStatus.NOT_ASSESSABLE: Word("Not assessable", "?", UNKNOWN),
    OrganizationStatus.CHANGED: Word("Changed", "✓", GOOD),
    OrganizationStatus.MET: Word("Met", "✓", GOOD),
}
#: The run went no further with such an organization.
STOPPED = (OrganizationStatus.REFUSED, OrganizationStatus.FAILED, OrganizationStatus.NOT_ASSESSABLE)
CONTROL: dict[str, Word] = {
    ControlStatus.NOT_MET: Word("Not met", "≠", LOOK),
    ControlStatus.NOT_ASSESSABLE: Word("Not assessable", "?", UNKNOWN),
    ControlStatus.ACCEPTED: Word("Accepted exception", "◇", QUIET),
    ControlStatus.MET: Word("Met", "✓", GOOD),
    ControlStatus.NOT_APPLICABLE: Word("Not applicable", "⊘", QUIET),
    ControlStatus.UNMANAGED: Word("Unmanaged", "○", QUIET),
}
#: What a change does to people, the worst first. A change with any of them is of high impact.
IMPACT: dict[str, Word] = {
    Impact.IN_CLEAR: Word(f"Mail may leave {UNPROTECTED}", "▲", STOP),
    Impact.REJECTS: Word("Mail may not arrive", "▲", STOP),
    Impact.ALL_OUTGOING: Word("Affects all outgoing mail", "▲", LOOK),
    Impact.DELETES: Word("Deletes", "▲", LOOK),
    Impact.TAKES_AWAY: Word("Takes away from users", "▲", LOOK),
    Impact.WIDENS: Word("Widens", "▲", LOOK),
    Impact.SOME_MAIL: Word("Affects some mail", "▲", LOOK),
}
ROLLBACK: dict[str, Word] = {
    RollbackClass.NOT_POSSIBLE: Word("No rollback", "✕", STOP, "no"),
    RollbackClass.EQUIVALENT: Word("Rollback equivalent", "↺", QUIET, "equivalent"),
    RollbackClass.EXACT: Word("Rollback exact", "↺", QUIET, "exact"),
}
STATE: dict[str, Word] = {
    ChangeState.NOT_APPLIED: Word("Not applied", "⊘", LOOK),
    ChangeState.UNKNOWN: Word("Unknown", "?", LOOK),
    ChangeState.PLANNED: Word("Planned", "○", QUIET),
    ChangeState.STORED: Word("Stored", "✓", GOOD),
    ChangeState.ALREADY_SO: Word("Already so", "=", QUIET),
}
#: The states after which nothing is left to decide.
SETTLED = (ChangeState.STORED, ChangeState.ALREADY_SO)
#: What becomes of a class of mail, the most important first.
MAIL: dict[str, Word] = {
    DifferenceKind.PROTECTION_LOST: Word("No longer protected", "▲", STOP),
    DifferenceKind.DELIVERY_LOST: Word("No longer delivered", "▲", STOP),
    DifferenceKind.TRANSIT_LOST: Word("Less protected on its way", "▲", STOP),
    DifferenceKind.PROTECTION_GAINED: Word("Now protected", "↑", GOOD),
    DifferenceKind.DELIVERY_GAINED: Word("Now delivered", "▲", LOOK),
    DifferenceKind.TRANSIT_GAINED: Word("Better protected on its way", "↑", GOOD),
    DifferenceKind.PROTECTION_CHANGED: Word("Protected differently", "▲", LOOK),
    DifferenceKind.BRANDING_CHANGED: Word("Different branding", "▲", LOOK),
    DifferenceKind.FATE_CHANGED: Word("Handled differently", "▲", LOOK),
    DifferenceKind.SIDE_EFFECT_CHANGED: Word("Shown or sent differently", "▲", LOOK),
    DifferenceKind.UNKNOWN: Word("May change", "?", UNKNOWN),
}
#: Whether something is guaranteed, the worst first.
VERDICT: dict[str, Word] = {
    GuaranteeVerdict.REFUTED: Word("Not guaranteed", "✕", STOP),
    GuaranteeVerdict.UNKNOWN: Word("Cannot be told", "?", UNKNOWN),
    GuaranteeVerdict.PROVED: Word("Guaranteed", "✓", GOOD),
}
#: How mail of a kind to a destination is protected.
REACH: dict[str, Word] = {
    CellVerdict.NEVER: Word(f"Never {BY_RULES}", "✕", STOP),
    CellVerdict.UNKNOWN: Word("Not known", "?", UNKNOWN),
    CellVerdict.DEPENDS: Word("Depends", "!", LOOK),
    CellVerdict.ALWAYS: Word(f"Always {BY_RULES}", "✓", GOOD),
}
EXPIRED = Word("Expired", "!", LOOK)
ACCEPTED = Word("Accepted", "◇", QUIET)


def word_for(words: Mapping[str, Word], status: str) -> Word:
    """The word for a status. An unknown status is its own word."""
    return words.get(status) or Word(status or "Not known", "?", UNKNOWN)


def rank(words: Mapping[str, Word], status: str) -> int:
    return list(words).index(status) if status in words else len(words)


def count(number: int, thing: str) -> str:
    return f"{number:,} {thing if number == 1 else thing + 's'}"


# Text


def _cut(text: str, size: str, already: bool = False) -> str:
    """The text's beginning and its size in words, when it is too long or was already cut; never longer than what is
    shown.
    """
    mark = f" … [shortened, {size} in all]"
    return text[: LONGEST_TEXT - len(mark)].rstrip() + mark if already or len(text) > LONGEST_TEXT else text


def visible(text: str) -> str:
    """The text, shortened, with its invisible characters written as ``[U+202E]``."""
    return _text.visible(_cut(text, f"{len(text):,} characters"))


def _shortened(value: Any) -> Any:
    """The value with long texts and long lists shortened, before anything costly is done with it."""
    if isinstance(value, Mapping):
        return {
            _cut(str(key), f"{len(str(key)):,} characters"): _shortened(item)
            for key, item in list(value.items())[:MOST_ELEMENTS]
        }
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value[:MOST_ELEMENTS]]
    return (
        value if isinstance(value, bool | int | float | None) else _cut(str(value), f"{len(str(value)):,} characters")
    )


def container_text(value: Any, write: Callable[[Any], str]) -> str:
    """A container as ``write`` writes it, shortened."""
    text = write(_shortened(value))
    return _cut(text, count(len(value), "element"), len(value) > MOST_ELEMENTS)


def as_text(value: Any) -> str:
    """A value as people read it: containers as YAML, nothing as words."""
    if value is None:
        return "not set"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return container_text(value, _yaml).rstrip() if value else "none"
    return str(value)


def as_line(value: Any) -> str:
    """A value as people read it between others: a few simple values of a list on one line."""
    simple = (
        isinstance(value, list | tuple)
        and 0 < len(value) <= _LINED_UP
        and all(isinstance(item, str | int) and "\n" not in str(item) for item in value)
    )
    return ", ".join(map(as_text, value)) if simple else as_text(value)


#: A word of a command. Blanks within quotation marks belong to it.
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*"|['"])+""")


def command_parts(command: str) -> list[str]:
    """The parts of a command that a page breaks only if they do not fit on a line: words, and options with their values. A blank
    stands between two parts. A command that cannot be shown as it is has one part.
    """
    if visible(command) != command:
        return [command]
    parts: list[str] = []
    awaits_value = False
    for word in _WORD.findall(command):
        if awaits_value and not word.startswith("-"):
            parts[-1] += f" {word}"
            awaits_value = False
        else:
            parts.append(word)
            awaits_value = word.startswith("-")
    return parts if " ".join(parts) == command else [command]


def _yaml(value: Any) -> str:
    """The value as YAML text. A report shows most values several times, and writing JSON takes a hundredth of the time."""
    return _yaml_of(json.dumps(value))


@functools.lru_cache(maxsize=1024)
def _yaml_of(text: str) -> str:
    return to_yaml(json.loads(text))


# What a report is made of


def by_name(organization: OrganizationReport) -> tuple[list[tuple[bool, int, str]], list[tuple[bool, int, str]]]:
    """The place of an organization among others by its name, then by its host."""
    return natural(organization.shown_name), natural(organization.host)


def natural(text: str) -> list[tuple[bool, int, str]]:
    """The place of a text among others: numbers in it count as numbers, so 2 comes before 10, and case does not count."""
    # Only these digits have one value each, of which int() knows no more than some thousands.
    parts = re.split(r"([0-9]{1,18})", text.casefold())
    return [(True, int(part), part) if place % 2 else (False, 0, part) for place, part in enumerate(parts) if part]


@dataclass(frozen=True)
class AcceptedException:
    """Something that someone has accepted: a control that is not met, or a finding.

    :param control: the control, or the word that accepts the finding.
    :param needed: whether the run needed it; ``None`` if that is not asked of it.
    """

    control: str
    title: str
    reason: str
    owner: str
    until: str
    needed: bool | None = None

    def is_expired(self, run: RunReport) -> bool:
        """Its last day was before the day of the run. ISO dates compare as text."""
        return bool(re.match(r"\d{4}-\d{2}-\d{2}", self.until)) and self.until[:10] < run.generated_at[:10]


def exceptions_of(organization: OrganizationReport) -> list[AcceptedException]:
    """What someone has accepted."""
    controls = [
        AcceptedException(control.id, control.title, excepted.reason, excepted.owner, excepted.until)
        for control in organization.controls
        if (excepted := control.exception)
    ]
    words = [
        AcceptedException(row.word, "Accepted", row.reason, row.owner, row.until, row.needed)
        for row in organization.accepted
    ]
    return [*controls, *words]
