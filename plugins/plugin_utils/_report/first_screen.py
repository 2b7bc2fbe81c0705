# SPDX-License-Identifier: GPL-3.0-or-later
"""The first screen of a run's report: what needs attention, what changes, what to decide.

It never soothes: it says what was looked at, what was not, and what a change does to mail, whether it is planned or
stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._baseline.documents.report import OrganizationReport, RunReport
from ...module_utils._baseline.documents.status import ControlStatus, OrganizationStatus, RollbackClass
from ...module_utils._engine.plan import Impact
from ...module_utils._mail_flow.analyses.aspects import DifferenceKind
from ...module_utils._mail_flow.analyses.judgment import GuaranteeVerdict
from .cards import cards_of
from .labels import (
    GOOD,
    IMPACT,
    LOOK,
    MAIL,
    QUIET,
    ROLLBACK,
    SETTLED,
    STATE,
    STOP,
    STOPPED,
    UNKNOWN,
    Word,
    count,
    exceptions_of,
    rank,
    word_for,
)
from .mail_section import difference_of, foreign_of
from .replay_section import headline_of

ATTENTION, CHANGES, DECISIONS = "What needs attention?", "What changes?", "What to decide?"

#: Statuses of a control that was looked at.
_LOOKED_AT = (ControlStatus.MET, ControlStatus.NOT_MET, ControlStatus.ACCEPTED, ControlStatus.NOT_APPLICABLE)

_AUDIT = "An audit writes nothing."

#: The maximum number of rules that affect some mail to name.
_NAMED = 3


@dataclass
class Figures:
    """The numbers behind the three answers. Open changes are those that were not made although nothing stopped the run."""

    kind: str
    organizations: int
    status: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    unread: int = 0
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
    replay_lines: list[str] = field(default_factory=list)
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
        return self.controls[ControlStatus.NOT_MET] if self.audit or self.all_so else 0

    @property
    def all_so(self) -> bool:
        """Whether all changes are stored, by this run or before it came to them."""
        return sum(self.states[state] for state in SETTLED) == self.changes

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


def answers_of(run: RunReport) -> list[Answer]:
    """The three answers."""
    figures = figures_of(run)
    changes = what_changes(figures)
    changes.lines.extend(_replay_line(figures.replay_lines))
    return [needs_attention(figures), changes, what_to_decide(figures, run)]


def _replay_line(lines: Sequence[str]) -> list[tuple[str, str]]:
    """What was found of real mail, in one line."""
    if len(lines) > 1:
        return [(f"The mail of the last days was replayed in {count(len(lines), 'organization')}.", "#replay")]
    return [(f"{line}.", "#replay") for line in lines]


def figures_of(run: RunReport) -> Figures:
    """The numbers of a run."""
    figures = Figures(run.kind, len(run.organizations))
    for organization in run.organizations:
        _count_organization(figures, organization)
        _count_controls(figures, organization)
        _count_mail(figures, organization)
        _count_changes(figures, organization)
        figures.expired += sum(exception.is_expired(run) for exception in exceptions_of(organization))
    return figures


def _count_organization(figures: Figures, organization: OrganizationReport) -> None:
    figures.waiting += organization.waits
    figures.status[organization.status] += not organization.waits
    # A refusal with findings has a section of them, and an answer that counts them.
    if organization.status is OrganizationStatus.REFUSED and not organization.findings:
        figures.refusals.append(next(iter(organization.message.splitlines()), ""))
    figures.findings += len(organization.findings)
    figures.warnings += len(organization.warnings)


def _count_controls(figures: Figures, organization: OrganizationReport) -> None:
    statuses = Counter(control.status for control in organization.controls)
    figures.controls.update(statuses)
    figures.not_selected += sum(not control.selected for control in organization.controls)
    if organization.status is OrganizationStatus.NOT_ASSESSABLE and not organization.waits:
        figures.unread += not any(statuses[looked] for looked in _LOOKED_AT)


def _count_mail(figures: Figures, organization: OrganizationReport) -> None:
    figures.mail.update(row.kind for row in difference_of(organization))
    figures.verdicts.update(row.verdict for row in organization.mail.guarantees)
    if line := headline_of(organization):
        figures.replay_lines.append(line)
    figures.lint += len(organization.mail.lint)
    figures.foreign += len(foreign_of(organization))


def _count_changes(figures: Figures, organization: OrganizationReport) -> None:
    cards = cards_of(organization)
    figures.changing += bool(cards)
    for card in cards:
        figures.states[card.state] += 1
        figures.rollbacks[card.rollback] += 1
        figures.impacts.update(card.impacts)
        figures.final += card.rollback is RollbackClass.NOT_POSSIBLE
        if card.whose:
            figures.whose.append(f"{card.whose} ({card.identity})")
        if card.state in SETTLED or organization.status in STOPPED or figures.audit:
            continue
        if card.is_high:
            figures.open_high += 1
        else:
            figures.open_ordinary += 1


def needs_attention(figures: Figures) -> Answer:
    """Everything that needs attention, worst first, and how much was checked."""
    points = [(tone, text, anchor) for number, tone, text, anchor in _concerns(figures) if number]
    lines, asides = [(text, anchor) for _tone, text, anchor in points], _looked_at(figures)
    if not points:
        return Answer(ATTENTION, "Nothing seen", "✓", GOOD, lines, asides)
    tone = min((tone for tone, _text, _anchor in points), key=[STOP, LOOK, UNKNOWN].index)
    return Answer(
        ATTENTION, count(len(points), "point"), {STOP: "✕", UNKNOWN: "?", LOOK: "!"}[tone], tone, lines, asides
    )


def _concerns(figures: Figures) -> list[tuple[int, str, str, str]]:
    """What can need attention, what is known before what is unknown: how often, tone, sentence, anchor."""
    refused, failed, unread = (
        figures.status[OrganizationStatus.REFUSED],
        figures.status[OrganizationStatus.FAILED],
        figures.unread,
    )
    unknown = figures.controls[ControlStatus.NOT_ASSESSABLE] if unread < figures.organizations else 0
    return [
        (
            refused,
            STOP,
            figures.organizations_that(
                " ".join(["Refused before the first write: nothing was changed.", *figures.refusals]).rstrip(),
                refused,
                "refused before the first write.",
            ),
            "",
        ),
        (failed, STOP, figures.organizations_that("The run failed on the way.", failed, "failed on the way."), ""),
        (
            figures.verdicts[GuaranteeVerdict.REFUTED],
            STOP,
            f"{count(figures.verdicts[GuaranteeVerdict.REFUTED], 'guarantee')} refuted by a message.",
            "#mail",
        ),
        *(
            (figures.impacts[impact], IMPACT[impact].tone, _impact_line(figures, impact), "#changes")
            for impact in IMPACT
        ),
        (figures.final, LOOK, f"{count(figures.final, 'change')} that cannot be rolled back.", "#changes"),
        (figures.not_met, LOOK, f"{count(figures.not_met, 'control')} not met.", "#controls"),
        (
            unread,
            UNKNOWN,
            figures.organizations_that("It could not be read, so nothing is known.", unread, "could not be read."),
            "",
        ),
        (
            figures.verdicts[GuaranteeVerdict.UNKNOWN],
            UNKNOWN,
            f"{count(figures.verdicts[GuaranteeVerdict.UNKNOWN], 'guarantee')} that cannot be told.",
            "#mail",
        ),
        (
            figures.mail[DifferenceKind.UNKNOWN],
            UNKNOWN,
            f"{count(figures.mail[DifferenceKind.UNKNOWN], 'kind')} of mail that may or may not change.",
            "#mail",
        ),
        (unknown, UNKNOWN, f"{count(unknown, 'control')} not assessable: nothing is known of them.", "#controls"),
        (figures.waiting, LOOK, f"{count(figures.waiting, 'organization')} not run yet: a later ring.", ""),
        (
            figures.not_selected,
            LOOK,
            f"{count(figures.not_selected, 'control')} left out by the run's tags.",
            "#controls",
        ),
        (figures.expired, LOOK, f"{count(figures.expired, 'accepted exception')} expired.", "#exceptions"),
        (
            figures.foreign,
            LOOK,
            f"{count(figures.foreign, 'rule')} that {'is' if figures.foreign == 1 else 'are'} not ours, and can act on our mail.",
            "#foreign",
        ),
        (figures.lint, LOOK, f"{count(figures.lint, 'remark')} about the mail flow rules.", "#lint"),
        (figures.warnings, LOOK, f"{count(figures.warnings, 'warning')}.", "#warnings"),
    ]


def _impact_line(figures: Figures, impact: str) -> str:
    number = count(figures.impacts[impact], "change")
    if impact == Impact.SOME_MAIL and figures.whose:
        # Several organizations may change the same rule.
        whose = list(dict.fromkeys(figures.whose))
        more = f"; and {len(whose) - _NAMED} more" if len(whose) > _NAMED else ""
        return f"Affects mail {'; '.join(whose[:_NAMED])}{more}: {number}."
    return f"{IMPACT[impact].text}: {number}."


def _looked_at(figures: Figures) -> list[str]:
    """How many of all controls were checked."""
    every = sum(figures.controls.values())
    if not every:
        return []
    looked = sum(figures.controls[status] for status in _LOOKED_AT)
    number = figures.controls[ControlStatus.UNMANAGED] - figures.not_selected
    unmanaged = f", {number:,} unmanaged" if number > 0 else ""
    return [f"{looked:,} of {count(every, 'control')} looked at{unmanaged}."]


def _listed(counts: Counter[str], words: Mapping[str, Word]) -> str:
    """``8 exact, 1 equivalent``: the counts above zero, worst first."""
    keys = sorted(filter(None, counts), key=lambda key: rank(words, key))
    counted = [(counts[key], word_for(words, key)) for key in keys]
    return ", ".join(f"{count:,} {word.counted or word.text.lower()}" for count, word in counted)


def what_changes(figures: Figures) -> Answer:
    """How many changes there are, and whether they can be rolled back."""
    if not figures.changes:
        return Answer(
            CHANGES, "Nothing", "=", QUIET, [(_AUDIT if figures.audit else "No change was needed or tried.", "")]
        )
    becomes = _listed(figures.mail, MAIL)
    lines = [(f"Classes of mail: {becomes}.", "#mail")] if becomes else []
    lines += [(f"Rollback: {_listed(figures.rollbacks, ROLLBACK)}.", "#changes")]
    if figures.all_so:
        lines.append(("A fresh reading shows all of it.", ""))
    if figures.organizations > 1:
        lines.append((f"In {figures.changing:,} of {count(figures.organizations, 'organization')}.", ""))
    if figures.audit:
        lines.insert(0, (f"{_AUDIT} {count(figures.changes, 'change')} would put right what is not met.", ""))
        return Answer(CHANGES, "Nothing", "=", QUIET, lines)
    word = (
        f"{count(figures.changes, 'change')} {next(iter(figures.states))}"
        if len(figures.states) == 1
        else _listed(figures.states, STATE)
    )
    return Answer(CHANGES, word, "→", QUIET, lines)


def what_to_decide(figures: Figures, run: RunReport) -> Answer:
    """What is open, and how the plan is applied."""
    failed, unread = figures.status[OrganizationStatus.FAILED], figures.unread
    several = figures.organizations > 1
    whole, refused = "#organizations" if several else "#run", len(figures.refusals)
    resolve = f"Resolve the refusal of {count(refused, 'organization')}" if several else "Resolve the refusal"
    open_points = [
        (refused, f"{resolve}, then run again", "#message" if not several and figures.refusals[:1] != [""] else whole),
        (figures.findings, f"Solve or allow {count(figures.findings, 'finding')}", "#findings"),
        (failed, "Find out why " + figures.organizations_that("it failed", failed, "failed"), whole),
        (unread, f"Restore access to {count(unread, 'organization')}", whole),
        (figures.open_high, f"Approve or reject {count(figures.open_high, 'change')} of high impact", "#changes"),
        (figures.open_ordinary, f"Approve or reject {count(figures.open_ordinary, 'ordinary change')}", "#changes"),
        (figures.not_met, f"Correct or accept {count(figures.not_met, 'control')} not met", "#controls"),
        (figures.expired, f"Renew or end {count(figures.expired, 'expired exception')}", "#exceptions"),
    ]
    lines = [(text, anchor) for number, text, anchor in open_points if number]
    if not lines:
        return Answer(DECISIONS, "Nothing", "✓", QUIET, [("No decision is open.", "")])
    return Answer(DECISIONS, count(len(lines), "decision"), "☐", LOOK, lines, texts=_plan_texts(figures, run))


def _plan_texts(figures: Figures, run: RunReport) -> list[tuple[str, str]]:
    """The digest of a plan to approve, and the command that applies exactly that plan; nothing if it would be refused."""
    if not (figures.open_high or figures.open_ordinary) or figures.findings:
        return []
    digests = [organization.digests.plan for organization in run.organizations]
    texts = [("Digest of the plan", digests[0])] if len(digests) == 1 and digests[0] else []
    command = run.command
    # A plan belongs to one organization. The run's folder contains the plans of all.
    approved = digests[0] if len(digests) == 1 else run.run
    if command and run.approvable and approved:
        command = f"{command} -e hardened_baseline_approved_plan={approved}"
    return [*texts, ("Command that applies it", command)] if command else texts
