# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization has answered to open questions about Exchange, by what it did to messages: a file of observations.

An answer counts for a time, while the rules that it rests on are as they were. Two that contradict each other count as none.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..._exchange.document import digest_of
from ..._exchange.errors import OptionError
from ..model.questions import OBSERVABLE
from ..rules.rule_set import RuleSet

#: The format of a file of observations, and the days for which an observation counts.
FORMAT, MAX_AGE = 1, 90

_KIND = "observations"

#: What an observation rests on of a rule.
_RESTS_ON = (
    "name",
    "enabled",
    "mode",
    "conditions",
    "exceptions",
    "actions",
    "sender_address_location",
    "recipient_address_type",
    "use_legacy_regex",
    "activation_date",
    "expiry_date",
)

#: What a rule has that does not say it.
_DEFAULTS = {
    "enabled": True,
    "mode": "Enforce",
    "sender_address_location": "Header",
    "recipient_address_type": "Resolved",
}

#: The options of a task that takes observations.
OBSERVATIONS_ARGUMENT_SPEC: dict[str, Any] = {
    "observations": {"type": "path"},
    "observations_max_age": {"type": "int", "default": MAX_AGE},
}


@dataclass(frozen=True)
class Observation:
    """An answer that an organization gave.

    :param id: the number of the question, one of ``OBSERVABLE``.
    :param seen: when, as an ISO 8601 date.
    :param evidence: where that was seen: ``trace``, ``detail``, ``report``, ``copy``, ``bounce``.
    :param experiment: the message that showed it, and the token of its run.
    :param rules: the names of the rules that it rests on, and :param:`digest` of these.
    """

    id: str
    answer: bool
    seen: str
    experiment: str
    evidence: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    digest: str = ""

    @property
    def text(self) -> str:
        """What was observed, as a sentence."""
        return OBSERVABLE[self.id][0 if self.answer else 1]


@dataclass(frozen=True)
class CountedObservations:
    """The observations that count, and why others do not.

    :param answers: number of a question to its answer.
    :param counted: the newest observation of each of these.
    :param left_out: number of a question to why its observations do not count: ``old``, ``changed`` or ``contradictory``.
    """

    answers: Mapping[str, bool] = field(default_factory=dict)
    counted: Sequence[Observation] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """As results have them."""
        found = [
            {
                "id": each.id,
                "answer": each.answer,
                "seen": each.seen,
                "text": f"{each.text.rstrip('.')} (observed on {each.seen})",
            }
            for each in self.counted
        ]
        return [*found, *({"id": number, "left_out": why} for number, why in sorted(self.left_out.items()))]


def digest_of_rules(rules: RuleSet, names: Iterable[str]) -> str:
    """The digest of what rules are told to do, and of their order; empty if there is no such rule."""
    wanted = set(names)
    found = [
        {**_DEFAULTS, **_given({key: rule[key] for key in _RESTS_ON if key in rule})}
        for rule in rules.given
        if str(rule.get("name")) in wanted
    ]
    return digest_of([[place, each] for place, each in enumerate(found)]) if len(found) == len(wanted) else ""


def _given(value: Any) -> Any:
    """A value without what is not set in it."""
    if not isinstance(value, Mapping):
        return value
    found = {key: _given(inner) for key, inner in value.items()}
    return {key: inner for key, inner in found.items() if inner not in (None, [], {}, "")}


def observed_of(
    observations: Iterable[Observation], rules: RuleSet, today: datetime.date, max_age: int = MAX_AGE
) -> CountedObservations:
    """The observations that count for an organization with these rules."""
    counted: dict[str, list[Observation]] = {}
    left_out: dict[str, str] = {}
    for each in observations:
        if (today - datetime.date.fromisoformat(each.seen)).days > max_age:
            left_out.setdefault(each.id, "old")
        elif digest_of_rules(rules, each.rules) != each.digest:
            left_out[each.id] = "changed"
        else:
            counted.setdefault(each.id, []).append(each)
    for number, several in list(counted.items()):
        if len({each.answer for each in several}) > 1:
            left_out[number] = "contradictory"
            del counted[number]
        else:
            left_out.pop(number, None)
    newest = [max(counted[number], key=lambda each: each.seen) for number in sorted(counted)]
    return CountedObservations({each.id: each.answer for each in newest}, newest, left_out)


def observations_document(organization: str, observations: Iterable[Observation]) -> dict[str, Any]:
    """Observations as a file has them."""
    return {
        "kind": _KIND,
        "format": FORMAT,
        "organization": organization,
        "observations": [asdict(each) for each in observations],
    }


def observations_of(document: Any, where: str, organization: str = "") -> list[Observation]:
    """The observations in a document.

    :param organization: whose they must be; empty for any.
    :raises OptionError: it holds none, or those of another organization.
    """
    # An artifact is a list: the document, and words that prevent loading it as variables.
    if isinstance(document, list) and document and all(isinstance(each, str) for each in document[1:]):
        document = document[0]
    if not isinstance(document, Mapping) or document.get("kind") != _KIND:
        raise OptionError(f"{where} holds no observations.", remedy="Give the file that mail_flow_experiment wrote.")
    if document.get("format") != FORMAT:
        raise OptionError(f"{where} has the format {document.get('format')!r}, which is not known here.")
    named = str(document.get("organization") or "")
    if organization and named.casefold() != organization.casefold():
        raise OptionError(
            f"{where} is of {f'the organization {named}' if named else 'no organization'}, and this is {organization}.",
            remedy="Give the observations of this organization.",
        )
    try:
        return [_observation(each) for each in document["observations"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OptionError(f"{where} is damaged ({type(error).__name__}).") from error


@dataclass(frozen=True)
class ObservationsFile:
    """A file of observations, of which it was not checked yet whose they are.

    :param document: its content.
    :param where: the option that names it, and its path.
    """

    document: Any
    where: str

    def of_organization(self, name: str) -> list[Observation]:
        """Its observations.

        :raises OptionError: they are those of another organization.
        """
        return observations_of(self.document, self.where, name)


def _observation(row: Mapping[str, Any]) -> Observation:
    """An observation from a file.

    :raises ValueError: it is none.
    """
    found = Observation(**{**row, "evidence": tuple(row["evidence"]), "rules": tuple(row["rules"])})
    # A day more, because clocks differ. One of a later day would never grow old.
    if datetime.date.fromisoformat(found.seen) > _today() + datetime.timedelta(days=1):
        raise ValueError(found.seen)
    if found.id not in OBSERVABLE or not isinstance(found.answer, bool):
        raise ValueError(found.id)
    if not all(isinstance(each, str) for each in (found.experiment, found.digest, *found.evidence, *found.rules)):
        raise ValueError(found.id)
    return found


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
