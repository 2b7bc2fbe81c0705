# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization has answered to open questions about Exchange, by what it did to messages: a file of observations.

An answer counts for a time, while the rules that it rests on are as they were. Two that contradict each other count as none. The
file also has the copies that contradicted what was computed: while one counts, no guarantee is proved.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from ..._exchange.document import digest_of
from ..._exchange.errors import OptionError
from ..._exchange.text import listed
from ..model.contradictions import CONTRADICTING_PARTS, ContradictedCopy
from ..model.questions import OBSERVABLE
from ..rules.rule_set import RuleSet

#: The format of a file of observations, and the days for which an observation counts.
FORMAT, MAX_AGE = 1, 90

_KIND = "observations"

#: What of a copy can contradict what is computed, in a sentence.
PART_TEXTS: Mapping[str, str] = {
    "fate": "its fate",
    "rules": "the rules that acted",
    "protection": "its protection",
    "copy": "a copy for somebody for whom none was computed",
}

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


class NotCounted(StrEnum):
    """Why the observations of a question do not count."""

    OLD = "old"
    CHANGED = "changed"
    CONTRADICTORY = "contradictory"


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
class ObservedContradiction:
    """A copy to which Exchange did something else than what was computed. It names no person.

    :param copy: the digest of the message's name and the recipient. The same copy ends it when it agrees.
    :param parts: what contradicts, of ``CONTRADICTING_PARTS``.
    :param seen: when, as an ISO 8601 date.
    :param experiment: the message that showed it, and the token of its run.
    :param rules: the names of the rules that acted on it, as computed or seen, each with its digest.
    """

    copy: str
    parts: tuple[str, ...]
    seen: str
    experiment: str
    rules: tuple[tuple[str, str], ...] = ()

    @property
    def contradicted(self) -> ContradictedCopy:
        """What proofs look at."""
        return ContradictedCopy(tuple(name for name, _digest in self.rules), self.parts)

    def counts(self, rules: RuleSet) -> bool:
        """Whether the rules that it is about are as they were."""
        return all(digest_of_rules(rules, [name]) == digest for name, digest in self.rules)


#: What a file of observations holds.
Observed: TypeAlias = "Observation | ObservedContradiction"


@dataclass(frozen=True)
class CountedObservations:
    """The observations that count, and why others do not.

    :param answers: number of a question to its answer.
    :param counted: the newest observation of each of these.
    :param left_out: number of a question to why its observations do not count.
    :param contradictions: the copies that contradict what is computed.
    """

    answers: Mapping[str, bool] = field(default_factory=dict)
    counted: Sequence[Observation] = ()
    left_out: Mapping[str, NotCounted] = field(default_factory=dict)
    contradictions: Sequence[ObservedContradiction] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """As facts have them."""
        contradicted = sorted({contradiction.contradicted for contradiction in self.contradictions})
        rows = [{"rules": list(copy.rules), "parts": list(copy.parts)} for copy in contradicted]
        return {
            **({"observed": dict(self.answers)} if self.answers else {}),
            **({"contradicted": rows} if rows else {}),
        }


def contradiction_text(copy: ContradictedCopy) -> str:
    """A contradiction as the rest of a sentence."""
    parts = listed([PART_TEXTS[part] for part in copy.parts], joint="and")
    names = [repr(name) for name in copy.rules]
    where = f" on which {listed(names, joint='and')} {'acts' if len(names) == 1 else 'act'}" if names else ""
    return f"a test message{where} contradicted what is computed ({parts})"


def digest_of_rules(rules: RuleSet, names: Iterable[str]) -> str:
    """The digest of what rules are told to do, and of their order; empty if there is no such rule."""
    wanted = set(names)
    rule_digests = [
        {**_DEFAULTS, **_without_unset({key: rule[key] for key in _RESTS_ON if key in rule})}
        for rule in rules.descriptions
        if str(rule.get("name")) in wanted
    ]
    return (
        digest_of([[place, rule_digest] for place, rule_digest in enumerate(rule_digests)])
        if len(rule_digests) == len(wanted)
        else ""
    )


def _without_unset(value: Any) -> Any:
    """A value without what is not set in it."""
    if not isinstance(value, Mapping):
        return value
    values = {key: _without_unset(inner) for key, inner in value.items()}
    return {key: inner for key, inner in values.items() if inner not in (None, [], {}, "")}


def observed_of(
    observations: Iterable[Observed], rules: RuleSet, today: datetime.date, max_age: int = MAX_AGE
) -> CountedObservations:
    """The observations that count for an organization with these rules."""
    counted: dict[str, list[Observation]] = {}
    contradictions: list[ObservedContradiction] = []
    left_out: dict[str, NotCounted] = {}
    for observation in observations:
        is_old = (today - datetime.date.fromisoformat(observation.seen)).days > max_age
        if isinstance(observation, ObservedContradiction):
            contradictions += [observation] if not is_old and observation.counts(rules) else []
        elif is_old:
            left_out.setdefault(observation.id, NotCounted.OLD)
        elif digest_of_rules(rules, observation.rules) != observation.digest:
            left_out[observation.id] = NotCounted.CHANGED
        else:
            counted.setdefault(observation.id, []).append(observation)
    for number, several in list(counted.items()):
        if len({observation.answer for observation in several}) > 1:
            left_out[number] = NotCounted.CONTRADICTORY
            del counted[number]
        else:
            left_out.pop(number, None)
    newest = [max(counted[number], key=lambda observation: observation.seen) for number in sorted(counted)]
    return CountedObservations(
        {observation.id: observation.answer for observation in newest}, newest, left_out, contradictions
    )


def observations_document(organization: str, observations: Iterable[Observed]) -> dict[str, Any]:
    """Observations as a file has them."""
    every = list(observations)
    return {
        "kind": _KIND,
        "format": FORMAT,
        "organization": organization,
        "observations": [asdict(observation) for observation in every if isinstance(observation, Observation)],
        "contradictions": [
            asdict(observation) for observation in every if isinstance(observation, ObservedContradiction)
        ],
    }


def observations_of(document: Any, where: str, organization: str = "") -> list[Observed]:
    """The observations in a document.

    :param organization: whose they must be; empty for any.
    :raises OptionError: it holds none, or those of another organization.
    """
    # An artifact is a list: the document, and words that prevent loading it as variables.
    if isinstance(document, list) and document and all(isinstance(line, str) for line in document[1:]):
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
        return [
            *(_observation(row) for row in document["observations"]),
            *(_contradiction(row) for row in document["contradictions"]),
        ]
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

    def of_organization(self, name: str) -> list[Observed]:
        """Its observations.

        :raises OptionError: they are those of another organization.
        """
        return observations_of(self.document, self.where, name)


@dataclass(frozen=True)
class ObservationSources:
    """Where a run learns what was observed in an organization.

    :param answers: the file that counts as a whole; ``None`` if there is none.
    :param contradictions: the files of which only the contradictions count.
    """

    answers: ObservationsFile | None = None
    contradictions: Sequence[ObservationsFile] = ()

    def of_organization(self, name: str) -> list[Observed]:
        """What was observed, each once.

        :raises OptionError: it was observed in another organization.
        """
        observations = self.answers.of_organization(name) if self.answers else []
        for file in self.contradictions:
            observations += [
                observation
                for observation in file.of_organization(name)
                if isinstance(observation, ObservedContradiction)
            ]
        return list(dict.fromkeys(observations))


def _observation(row: Mapping[str, Any]) -> Observation:
    """An observation from a file.

    :raises ValueError: it is none.
    """
    observation = Observation(**{**row, "evidence": tuple(row["evidence"]), "rules": tuple(row["rules"])})
    _check_date(observation.seen)
    if observation.id not in OBSERVABLE or not isinstance(observation.answer, bool):
        raise ValueError(observation.id)
    if not all(
        isinstance(text, str)
        for text in (observation.experiment, observation.digest, *observation.evidence, *observation.rules)
    ):
        raise ValueError(observation.id)
    return observation


def _contradiction(row: Mapping[str, Any]) -> ObservedContradiction:
    """A contradiction from a file.

    :raises ValueError: it is none.
    """
    rules = tuple((name, digest) for name, digest in row["rules"])
    contradiction = ObservedContradiction(**{**row, "parts": tuple(row["parts"]), "rules": rules})
    _check_date(contradiction.seen)
    texts = (contradiction.copy, contradiction.experiment, *(text for pair in rules for text in pair))
    if not contradiction.parts or not set(contradiction.parts) <= {*CONTRADICTING_PARTS}:
        raise ValueError("parts")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text")
    return contradiction


def _check_date(seen: str) -> None:
    """Refuses what was seen on a later day, because it would never grow old. A day more counts, because clocks differ.

    :raises ValueError: it is later, or no date.
    """
    if datetime.date.fromisoformat(seen) > _today() + datetime.timedelta(days=1):
        raise ValueError(seen)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
