# SPDX-License-Identifier: GPL-3.0-or-later
"""Who encrypts what: a table of all that encrypts mail, and how much Exchange counts as encrypted by something besides the
rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from ..._resources.rules.action_effects import Does
from ..evidence.encryption import Explained, Measured, measured
from ..evidence.reports import EncryptionReport
from ..model.carried_labels import automatic, is_default
from ..model.connectors import Connector
from ..model.encrypters import DLP, FACT, LABELS
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRules
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..trace.reading import Window
from .dlp import dlp_mail_words, does_words
from .guarantees import CHECKS, mail_words
from .row import ResultRow, Row, one_of_texts

#: On what a row rests: read from Exchange, told by somebody, reported by Exchange as a count, or not seen at all.
Provenance: TypeAlias = Literal["read", "told", "reported", "unseen"]
READ: Final = "read"
TOLD: Final = "told"
REPORTED: Final = "reported"
UNSEEN: Final = "unseen"

#: What encrypts mail.
EncrypterKind: TypeAlias = Literal["rule", "dlp", "label", "button", "tls"]

#: Kind of a row to how it is called.
KINDS_OF_ENCRYPTER: Mapping[EncrypterKind, str] = {
    "rule": "Mail flow rule",
    "dlp": "DLP rule",
    "label": "Sensitivity label",
    "button": "Encrypt button",
    "tls": "Forced TLS",
}

_KIND: Mapping[str, EncrypterKind] = {DLP: "dlp", LABELS: "label"}
_NAMES_OF_ALL = {DLP: "DLP policies", LABELS: "Sensitivity labels"}
_CONNECTORS = "Outbound connectors"

#: The names of rows that are about all of a kind.
_EVERY = (*_NAMES_OF_ALL.values(), _CONNECTORS, KINDS_OF_ENCRYPTER["button"])

#: The most rows that a terminal shows.
_SHOWN = 12


@dataclass(frozen=True)
class EncrypterRow(ResultRow):
    """Something that encrypts mail.

    :param covers: the mail that it encrypts, in words.
    :param rests_on: how that is known.
    """

    kind: EncrypterKind = field(metadata=one_of_texts(KINDS_OF_ENCRYPTER))
    name: str
    covers: str
    rests_on: Provenance = field(metadata=one_of_texts(get_args(Provenance)))

    @property
    def is_seen(self) -> bool:
        """Whether anything is known of it."""
        return self.covers != _NOT_SEEN

    @property
    def title(self) -> str:
        """How it is called; a row that is about all of a kind, by that alone."""
        return self.name if self.name in _EVERY else f"{KINDS_OF_ENCRYPTER[self.kind]} {self.name!r}"


@dataclass(frozen=True)
class MeasuredRow(ResultRow):
    """What Exchange counts as encrypted by something besides the rules.

    :param days: the length of the window.
    :param messages: how many were looked at.
    :param otherwise: the fewest that something besides the rules encrypted, :param:`policy`: another policy, and
        :param:`manual`: people.
    :param reported: what Exchange counts, and :param:`explained`: what the rules encrypt of it.
    :param text: it as a sentence.
    """

    days: int
    messages: int
    otherwise: int
    policy: int
    manual: int
    reported: Row
    explained: Row
    text: str


@dataclass(frozen=True)
class NotMeasuredRow(ResultRow):
    """Why it is not known how much something besides the rules encrypts, as a sentence."""

    text: str


#: How much something besides the rules encrypts, or why that is not known.
OtherEncryptionRow: TypeAlias = MeasuredRow | NotMeasuredRow


def other_encryption_row_of(row: Row) -> OtherEncryptionRow:
    """The row that a document has.

    :raises KeyError, TypeError, ValueError: it is none.
    """
    return MeasuredRow.from_row(row) if "days" in row else NotMeasuredRow.from_row(row)


def measured_row(measurement: Measured, *, beside_plan: bool = False) -> MeasuredRow:
    """What Exchange counts as encrypted by something besides the rules.

    :param beside_plan: whether it stands beside what other rules would do.
    """
    return MeasuredRow(
        days=measurement.days,
        messages=measurement.explained.messages,
        otherwise=measurement.otherwise,
        policy=measurement.by_another_policy,
        manual=measurement.manual,
        reported={"policy": measurement.policy, "manual": measurement.manual},
        explained={"certain": measurement.explained.certain, "possible": measurement.explained.possible},
        text=measured_sentence(measurement, beside_plan=beside_plan),
    )


def measured_sentence(measurement: Measured, *, beside_plan: bool = False) -> str:
    """``Encrypted, but not by rules: 12 of 1,000 messages in 7 days (by policy 10, by people 2). …``"""
    explained = measurement.explained
    days = _days(measurement.days)
    open_ = explained.possible - explained.certain
    may = f", and may encrypt {open_:,} more" if open_ else ""
    rules = "today's rules" if beside_plan else "rules"
    least = "at least " if open_ and measurement.policy else ""
    return (
        f"Encrypted, but not by rules: {least}{measurement.otherwise:,} of {explained.messages:,} messages in {days}"
        f" (by policy {measurement.by_another_policy:,}, by people {measurement.manual:,})."
        f" Exchange counts {measurement.policy:,} by policy; {rules} encrypt {explained.certain:,}{may}."
    )


def other_encryption_row(
    report: EncryptionReport, window: Window, explained: Explained, *, beside_plan: bool = False
) -> OtherEncryptionRow:
    """What Exchange counts as encrypted by something besides the rules, in a window, or why that could not be read."""
    if report.refused:
        return NotMeasuredRow(f"How much is encrypted, but not by rules, is unknown: {report.refused}")
    return measured_row(measured(report, window.begin, window.until, explained), beside_plan=beside_plan)


def encrypter_rows(
    rules: RuleSet, facts: Facts, counted: MeasuredRow | None = None, read: Collection[str] = ()
) -> list[EncrypterRow]:
    """All that encrypts mail.

    :param counted: what Exchange counts besides; ``None`` if that is not known.
    :param read: the facts that Exchange showed; somebody told the others.
    """
    acting = [rule for rule in rules.rules if rule.is_on_and_enforced]
    rows = [
        EncrypterRow("rule", rule.name, mail_words(rule), READ) for rule in acting if rule.actions.does(Does.ENCRYPT)
    ]
    rows += _of_dlp(facts, counted, READ if FACT[DLP] in read else TOLD)
    rows += _of_labels(facts, counted, READ if FACT[LABELS] in read else TOLD)
    rows.append(_button(facts, counted))
    rows += _forced_tls(acting, facts.connectors.outbound)
    return rows


#: What is said of a kind of which nothing is known.
_NOT_SEEN = "not seen"

#: What is said where none of a kind changes mail.
_NONE = "none that encrypts or decrypts mail"


def _of_dlp(facts: Facts, counted: MeasuredRow | None, on: Provenance) -> Iterator[EncrypterRow]:
    """The DLP rules, or how much Exchange counts of what they may have done."""
    policies = facts.encrypters.dlp_policies
    if not isinstance(policies, DlpRules):
        yield EncrypterRow(_KIND[DLP], _NAMES_OF_ALL[DLP], *_not_seen(counted))
        return
    acting = [rule for rule in policies.rules if rule.does.changes_mail]
    for rule in acting:
        does = does_words(rule.does, may=not rule.is_certain or rule.does.ends == Fate.UNKNOWN)
        yield EncrypterRow(_KIND[DLP], rule.does.name, f"{dlp_mail_words(rule)} ({does})", on)
    if not acting:
        yield EncrypterRow(_KIND[DLP], _NAMES_OF_ALL[DLP], _NONE, on)


def _of_labels(facts: Facts, counted: MeasuredRow | None, on: Provenance) -> Iterator[EncrypterRow]:
    """The labels, or how much Exchange counts of what they may have done."""
    if facts.encrypters.labels is None:
        yield EncrypterRow(_KIND[LABELS], _NAMES_OF_ALL[LABELS], *_not_seen(counted))
        return
    acting = [label for label in facts.encrypters.labels if label.changes_mail]
    set_ = {label.name for label in automatic(facts)} if facts.encrypters.auto_label_policies is not None else set()
    for label in acting:
        ways = ["mail for which people choose it", *(["as a default"] if is_default(label, facts) else [])]
        ways += ["what a policy sets it on"] if label.name in set_ else []
        yield EncrypterRow(_KIND[LABELS], label.name, f"{', '.join(ways)} ({does_words(label)})", on)
    if not acting:
        yield EncrypterRow(_KIND[LABELS], _NAMES_OF_ALL[LABELS], _NONE, on)


def _days(number: int) -> str:
    return f"{number:,} day{'' if number == 1 else 's'}"


def _not_seen(counted: MeasuredRow | None) -> tuple[str, Provenance]:
    """The mail that something unknown may have encrypted, as far as Exchange counts it, and on what that rests."""
    if counted is None:
        return _NOT_SEEN, UNSEEN
    days = _days(counted.days)
    if not counted.policy:
        return f"no message in {days} that Exchange counts by policy and rules do not explain", REPORTED
    number = f"{counted.policy:,} message{'' if counted.policy == 1 else 's'}"
    return f"{number} in {days} by DLP policies or labels, as far as rules explain the rest", REPORTED


def _button(facts: Facts, counted: MeasuredRow | None) -> EncrypterRow:
    """The row about people who encrypt mail themselves."""
    shown = (facts.encryption.irm_configuration or {}).get("simplified_client_access_enabled")
    hidden = "; Outlook on the web does not show it" if shown is False else ""
    name = KINDS_OF_ENCRYPTER["button"]
    if counted is None:
        return EncrypterRow("button", name, f"mail for which people choose it{hidden}", UNSEEN)
    number = f"{counted.manual:,} message{'' if counted.manual == 1 else 's'}"
    return EncrypterRow("button", name, f"{number} in {_days(counted.days)} that people encrypted{hidden}", REPORTED)


def _forced_tls(rules: Sequence[FlowRule], connectors: Sequence[Connector] | None) -> Iterator[EncrypterRow]:
    yield from (
        EncrypterRow("tls", rule.name, f"{mail_words(rule)}, on its way", READ)
        for rule in rules
        if rule.actions.options.get("route_message_outbound_require_tls")
    )
    if connectors is None:
        yield EncrypterRow("tls", _CONNECTORS, "not read", UNSEEN)
        return
    for connector in connectors:
        if connector.validation and connector.enabled and not connector.test_mode:
            covers = f"{_taken(connector)}, on its way, with {CHECKS[connector.validation]}"
            yield EncrypterRow("tls", connector.name, covers, READ)


def _taken(connector: Connector) -> str:
    """The mail that a connector takes."""
    if connector.of_rules:
        return "mail that rules route to it"
    taken = [*(["accepted domains"] if connector.accepted else []), *connector.domains]
    return f"mail to {', '.join(taken)}" if taken else "no mail"


def encrypter_lines(rows: Sequence[EncrypterRow]) -> list[str]:
    """The table as lines of a terminal, without what is not seen, of which it has a line of its own; none if there is no
    more.
    """
    seen = [row for row in rows if row.is_seen]
    if not seen:
        return []
    more = [f"  {len(seen) - _SHOWN} more are in the report."] if len(seen) > _SHOWN else []
    shown = [f"  {row.title}: {row.covers} ({row.rests_on})" for row in seen[:_SHOWN]]
    return ["What encrypts, decrypts or stops mail, and how that is known:", *shown, *more]
