# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first screen of a run's report: what needs attention, what changes, what to decide. Private to the collection.

It never soothes: it says what was looked at, what was not, and what a change does to mail, whether it is planned or
stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.cards import cards_of, is_high
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.mail import (
    difference_of,
    foreign_of,
    guarantees_of,
    lint_of,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.replay import headline_of
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.words import (
    GOOD,
    IMPACT,
    LOOK,
    MAIL,
    QUIET,
    ROLLBACK,
    STATE,
    STOP,
    STOPPED,
    UNKNOWN,
    Record,
    Word,
    count,
    exceptions_of,
    is_expired,
    rank,
    word_for,
)

ATTENTION, CHANGES, DECISIONS = "What needs attention?", "What changes?", "What to decide?"

#: Statuses of a control that was looked at.
_LOOKED_AT = ("met", "not met", "accepted exception", "not applicable")

_AUDIT = "An audit writes nothing."

#: Of the rules that affect some mail, this many are named.
_NAMED = 3


@dataclass
class Facts:
    """The numbers behind the three answers. Open changes are those that were not made although nothing stopped the run."""

    kind: str
    organizations: int
    status: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    warnings: int = 0
    impacts: Counter[str] = field(default_factory=Counter)
    whose: list[str] = field(default_factory=list)
    rollbacks: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    changing: int = 0
    open_high: int = 0
    open_ordinary: int = 0
    final: int = 0
    controls: Counter[str] = field(default_factory=Counter)
    not_selected: int = 0
    mail: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    replayed: list[str] = field(default_factory=list)
    lint: int = 0
    foreign: int = 0
    waiting: int = 0
    expired: int = 0

    @property
    def changes(self) -> int:
        """All changes."""
        return sum(self.states.values())

    @property
    def audit(self) -> bool:
        """Nothing will be written, so there are no changes to decide, only controls that are not met."""
        return self.kind == "audit"

    @property
    def not_met(self) -> int:
        """Controls that are not met and that no change of this run corrects."""
        return self.controls["not met"] if self.audit or self.states["stored"] == self.changes else 0

    def organizations_that(self, one: str, number: int, several: str) -> str:
        """A sentence about the page's only organization, or about a number of them."""
        return one if self.organizations == 1 else f"{count(number, 'organization')} {several}"


@dataclass(frozen=True)
class Answer:
    """One of the three answers of the first screen.

    :param lines: what ``word`` counts: pairs of text and, where it leads somewhere, an anchor.
    :param asides: texts that it does not count.
    :param texts: pairs of a name and a text to copy.
    """

    question: str
    word: str
    shape: str
    tone: str
    lines: list[tuple[str, str]]
    asides: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)


def answers_of(run: Record) -> list[Answer]:
    """The three answers."""
    facts = facts_of(run)
    changes = what_changes(facts)
    changes.lines.extend(_replayed(facts.replayed))
    return [needs_attention(facts), changes, what_to_decide(facts, run)]


def _replayed(lines: Sequence[str]) -> list[tuple[str, str]]:
    """What was found of real mail, in one line."""
    if len(lines) > 1:
        return [(f"The mail of the last days was replayed in {count(len(lines), 'organization')}.", "#replay")]
    return [(f"{line}.", "#replay") for line in lines]


def facts_of(run: Record) -> Facts:
    """The numbers of a run."""
    organizations = run["organizations"]
    facts = Facts(str(run.get("kind") or ""), len(organizations))
    for organization in organizations:
        status, cards = organization.get("status", ""), cards_of(organization)
        controls = organization.get("controls") or []
        waits = bool(organization.get("waits"))
        facts.waiting += waits
        facts.status[status] += not waits
        facts.mail.update(row["kind"] for row in difference_of(organization))
        facts.verdicts.update(row["verdict"] for row in guarantees_of(organization))
        facts.replayed += [line] if (line := headline_of(organization)) else []
        facts.lint += len(lint_of(organization))
        facts.foreign += len(foreign_of(organization))
        facts.findings += len(organization.get("findings") or [])
        facts.warnings += len(organization.get("warnings") or [])
        facts.changing += bool(cards)
        facts.controls.update(control.get("status") for control in controls)
        facts.not_selected += sum(control.get("selected") is False for control in controls)
        facts.expired += sum(is_expired(exception, run) for exception in exceptions_of(organization))
        for card in cards:
            facts.states[card["state"]] += 1
            facts.rollbacks[card["rollback"]] += 1
            facts.impacts.update(card["impacts"])
            facts.final += card["rollback"] == "not possible"
            facts.whose += [f"{card['whose']} ({card['identity']})"] if card["whose"] else []
            if card["state"] != "stored" and status not in STOPPED and not facts.audit:
                facts.open_high += is_high(card)
                facts.open_ordinary += not is_high(card)
    return facts


def needs_attention(facts: Facts) -> Answer:
    """Everything that needs attention, worst first, and how much was checked."""
    points = [(tone, text, anchor) for number, tone, text, anchor in _concerns(facts) if number]
    lines, asides = [(text, anchor) for _tone, text, anchor in points], _looked_at(facts)
    if not points:
        return Answer(ATTENTION, "Nothing seen", "✓", GOOD, lines, asides)
    tone = min((tone for tone, _text, _anchor in points), key=[STOP, UNKNOWN, LOOK].index)
    return Answer(
        ATTENTION, count(len(points), "point"), {STOP: "✕", UNKNOWN: "?", LOOK: "!"}[tone], tone, lines, asides
    )


def _concerns(facts: Facts) -> list[tuple[int, str, str, str]]:
    """What can need attention, in the page's order: how often, tone, sentence, anchor."""
    refused, failed, unread = (facts.status[key] for key in ("refused", "failed", "not assessable"))
    unknown = facts.controls["not assessable"] if unread < facts.organizations else 0
    return [
        (
            refused,
            STOP,
            facts.organizations_that(
                "Refused before the first write: nothing was changed.", refused, "refused before the first write."
            ),
            "",
        ),
        (failed, STOP, facts.organizations_that("The run failed on the way.", failed, "failed on the way."), ""),
        (
            unread,
            UNKNOWN,
            facts.organizations_that("It could not be read, so nothing is known.", unread, "could not be read."),
            "",
        ),
        (facts.waiting, LOOK, f"{count(facts.waiting, 'organization')} not run yet: a later ring.", ""),
        (
            facts.verdicts["refuted"],
            STOP,
            f"{count(facts.verdicts['refuted'], 'guarantee')} refuted by a message.",
            "#mail",
        ),
        (
            facts.verdicts["unknown"],
            UNKNOWN,
            f"{count(facts.verdicts['unknown'], 'guarantee')} that cannot be told.",
            "#mail",
        ),
        (
            facts.mail["unknown"],
            UNKNOWN,
            f"{count(facts.mail['unknown'], 'kind')} of mail that may or may not change.",
            "#mail",
        ),
        *((facts.impacts[impact], IMPACT[impact].tone, _impact_line(facts, impact), "#changes") for impact in IMPACT),
        (facts.final, LOOK, f"{count(facts.final, 'change')} that cannot be rolled back.", "#changes"),
        (facts.not_met, LOOK, f"{count(facts.not_met, 'control')} not met.", "#controls"),
        (unknown, UNKNOWN, f"{count(unknown, 'control')} not assessable: nothing is known of them.", "#controls"),
        (facts.not_selected, LOOK, f"{count(facts.not_selected, 'control')} left out by the run's tags.", "#controls"),
        (facts.expired, LOOK, f"{count(facts.expired, 'accepted exception')} expired.", "#exceptions"),
        (
            facts.foreign,
            LOOK,
            f"{count(facts.foreign, 'rule')} that {'is' if facts.foreign == 1 else 'are'} not ours, and can act on our mail.",
            "#foreign",
        ),
        (facts.lint, LOOK, f"{count(facts.lint, 'remark')} about the mail flow rules.", "#lint"),
        (facts.warnings, LOOK, f"{count(facts.warnings, 'warning')}.", "#warnings"),
    ]


def _impact_line(facts: Facts, impact: str) -> str:
    number = count(facts.impacts[impact], "change")
    if impact == Impact.SOME_MAIL and facts.whose:
        more = f"; and {len(facts.whose) - _NAMED} more" if len(facts.whose) > _NAMED else ""
        return f"Affects mail {'; '.join(facts.whose[:_NAMED])}{more}: {number}."
    return f"{IMPACT[impact].text}: {number}."


def _looked_at(facts: Facts) -> list[str]:
    """How many of all controls were checked."""
    every = sum(facts.controls.values())
    if not every:
        return []
    looked = sum(facts.controls[status] for status in _LOOKED_AT)
    number = facts.controls["unmanaged"] - facts.not_selected
    unmanaged = f", {number:,} unmanaged" if number > 0 else ""
    return [f"{looked:,} of {count(every, 'control')} looked at{unmanaged}."]


def _listed(counts: Counter[str], words: Mapping[str, Word]) -> str:
    """``8 exact, 1 equivalent``: the counts above zero, worst first."""
    keys = sorted(filter(None, counts), key=lambda key: rank(words, key))
    found = [(counts[key], word_for(words, key)) for key in keys]
    return ", ".join(f"{count:,} {word.counted or word.text.lower()}" for count, word in found)


def what_changes(facts: Facts) -> Answer:
    """How many changes there are, and whether they can be rolled back."""
    if not facts.changes:
        return Answer(
            CHANGES, "Nothing", "=", QUIET, [(_AUDIT if facts.audit else "No change was needed or tried.", "")]
        )
    becomes = _listed(facts.mail, MAIL)
    lines = [(f"Classes of mail: {becomes}.", "#mail")] if becomes else []
    lines += [(f"Rollback: {_listed(facts.rollbacks, ROLLBACK)}.", "#changes")]
    if facts.states["stored"] == facts.changes:
        lines.append(("A fresh reading shows all of it.", ""))
    if facts.organizations > 1:
        lines.append((f"In {facts.changing:,} of {count(facts.organizations, 'organization')}.", ""))
    if facts.audit:
        lines.insert(0, (f"{_AUDIT} {count(facts.changes, 'change')} would put right what is not met.", ""))
        return Answer(CHANGES, "Nothing", "=", QUIET, lines)
    word = (
        f"{count(facts.changes, 'change')} {next(iter(facts.states))}"
        if len(facts.states) == 1
        else _listed(facts.states, STATE)
    )
    return Answer(CHANGES, word, "→", QUIET, lines)


def what_to_decide(facts: Facts, run: Record) -> Answer:
    """What is open, and how the plan is applied."""
    failed, unread = facts.status["failed"], facts.status["not assessable"]
    whole = "#organizations" if facts.organizations > 1 else "#run"
    open_points = [
        (facts.findings, f"Solve or allow {count(facts.findings, 'finding')}", "#findings"),
        (failed, "Find out why " + facts.organizations_that("it failed", failed, "failed"), whole),
        (unread, f"Restore access to {count(unread, 'organization')}", whole),
        (facts.open_high, f"Approve or reject {count(facts.open_high, 'change')} of high impact", "#changes"),
        (facts.open_ordinary, f"Approve or reject {count(facts.open_ordinary, 'ordinary change')}", "#changes"),
        (facts.not_met, f"Correct or accept {count(facts.not_met, 'control')} not met", "#controls"),
        (facts.expired, f"Renew or end {count(facts.expired, 'expired exception')}", "#exceptions"),
    ]
    lines = [(text, anchor) for number, text, anchor in open_points if number]
    if not lines:
        return Answer(DECISIONS, "Nothing", "✓", QUIET, [("No decision is open.", "")])
    return Answer(DECISIONS, count(len(lines), "decision"), "☐", LOOK, lines, texts=_plan_texts(facts, run))


def _plan_texts(facts: Facts, run: Record) -> list[tuple[str, str]]:
    """The digest of a plan to approve, and the command that applies exactly that plan; nothing if it would be refused."""
    if not (facts.open_high or facts.open_ordinary) or facts.findings:
        return []
    digests = [str((organization.get("digests") or {}).get("plan") or "") for organization in run["organizations"]]
    texts = [("Digest of the plan", digests[0])] if len(digests) == 1 and digests[0] else []
    command = str(run.get("command") or "")
    # A plan belongs to one organization. The run's folder contains the plans of all.
    approved = digests[0] if len(digests) == 1 else str(run.get("run") or "")
    if command and run.get("approvable") and approved:
        command = f"{command} -e hardened_baseline_approved_plan={approved}"
    return [*texts, ("Command that applies it", command)] if command else texts
