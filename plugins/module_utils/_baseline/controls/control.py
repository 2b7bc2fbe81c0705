# SPDX-License-Identifier: GPL-3.0-or-later
"""What a control is: it turns the role's variables into a part of a state, and returns findings and a status.

A control never plans by itself. What the selected controls want is one state, and
:func:`organization_state.plan_state` brings an organization there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from ..._engine.plan import Plan, PlanWarning
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import Organization
from ..._resources.organization_state import plan_state
from ..._resources.resource import Planning
from .findings import PREFIX, Finding

Parsed = TypeVar("Parsed")

#: A declared state, part by part; see ``Resource``.
Parts = dict[str, Any]


@dataclass(frozen=True)
class Variable:
    """A variable of a control.

    :param name: without ``hardened_baseline_``.
    :param spec: its argument spec.
    :param doc: one sentence.
    :param values: the value of each profile, in the order of ``PROFILES``. ``None`` leaves it unmanaged.
    :param option: the setting that it sets, where it sets one; of the control's resource.
    :param inverted: the setting says the opposite.
    """

    name: str
    spec: Mapping[str, Any]
    doc: str
    values: tuple[Any, Any] = (None, None)
    option: str = ""
    inverted: bool = False

    def counterpart(self, value: Any) -> Any:
        """What the setting is for a value of the variable; likewise what the variable is for a value of the setting."""
        return not value if self.inverted and isinstance(value, bool) else value


class BaselineRequest:
    """What a run asks for, as far as controls depend on each other.

    :param variables: the role's variables without their prefix, validated; what is not there or ``None`` is unmanaged.
    :param created: OME configurations that the wanted controls bring.
    """

    def __init__(self, variables: Mapping[str, Any], created: tuple[str, ...] = ()) -> None:
        self.variables = variables
        self.created = created
        self._parsed: dict[str, Any] = {}

    def parsed(self, name: str, parse: Callable[[], Parsed]) -> Parsed:
        """The result of ``parse``, which runs once for each name."""
        if name not in self._parsed:
            self._parsed[name] = parse()
        made: Parsed = self._parsed[name]
        return made

    def planning(self, *, check_mode: bool, says_in_clear: bool = False) -> Planning:
        """The options of a plan of this request.

        :param says_in_clear: whether the plan warns that mail may leave in clear.
        """
        return Planning(check_mode=check_mode, created=self.created, says_in_clear=says_in_clear)


@dataclass(frozen=True)
class Outlook:
    """The result that the written controls would have in an organization.

    :param parts: the state that they want together.
    :param plan: what brings the organization there.
    """

    request: BaselineRequest
    organization: Organization
    parts: Parts
    plan: Plan

    @property
    def assessment(self) -> Assessment:
        """The organization as the plan would leave it, to be assessed."""
        return Assessment(self.request, self.organization, self.plan)


@dataclass(frozen=True)
class Assessment:
    """What is assessed: an organization as it is, or as a plan would leave it.

    :param planned: the plan; ``None`` for the organization as it is.
    """

    request: BaselineRequest
    organization: Organization
    planned: Plan | None = None


@dataclass(frozen=True, kw_only=True)
class ControlBase:
    """Something that the baseline checks, and enforces if it is a :class:`WritingControl`.

    :param id: the name under which it is selected, skipped and reported.
    :param sets: what it sets, in Exchange's words.
    :param reason: why one would want it.
    :param risk: what may go wrong with it.
    :param notice: who will notice.
    :param provenance: where the value comes from.
    :param source: Microsoft's own page.
    :param assessed_by: the test of Microsoft's Zero Trust Assessment that checks it; empty if none does.
    :param takes_away: new values that take something away from users; each needs the control's id in ``accept``.
    :param cloud_only: Exchange on-premises does not have it.
    """

    id: str
    title: str
    sets: str
    reason: str
    risk: str
    notice: str
    provenance: str
    source: str
    variables: tuple[Variable, ...]
    takes_away: tuple[Any, ...] = ()
    cloud_only: bool = False
    assessed_by: str = ""

    @property
    def origin(self) -> str:
        """Where the value comes from, and who else tests it."""
        return (
            f"{self.provenance}; Microsoft's Zero Trust Assessment tests it ({self.assessed_by})"
            if self.assessed_by
            else self.provenance
        )

    def is_wanted(self, variables: Mapping[str, Any]) -> bool:
        """Whether the variables give it a value."""
        return any(variables.get(variable.name) not in (None, [], {}) for variable in self.variables)

    def needs(self) -> tuple[str, ...]:
        """The subsets that it needs in addition to those that every run reads."""
        return ()

    def check(self, request: BaselineRequest) -> None:
        """Refuses invalid variables by name, without an organization."""

    def mistakes(self, request: BaselineRequest, organization: Organization) -> list[Finding]:
        """A finding for each thing that its variables name but the organization does not have."""
        return []

    def findings(self, outlook: Outlook) -> list[Finding]:
        """The findings about the changes of a run."""
        return []

    def warnings(self, outlook: Outlook) -> list[PlanWarning]:
        """The warnings about the changes of a run."""
        return []


@dataclass(frozen=True, kw_only=True)
class JudgingControl(ControlBase):
    """A control that writes nothing: it judges an organization, or the result of a plan."""

    def is_for_audits(self, variables: Mapping[str, Any]) -> bool:
        """Whether only an audit looks at it."""
        return False

    def verdict(self, assessment: Assessment) -> tuple[bool | None, list[str]] | None:
        """Whether it is met, and what was found; ``None`` if a test that runs later judges it.

        :returns: met, not met, or ``None`` where that cannot be told.
        """
        return None


@dataclass(frozen=True, kw_only=True)
class WritingControl(ControlBase, ABC):
    """A control that wants a part of a state, which a run writes."""

    @property
    @abstractmethod
    def resource(self) -> str:
        """The module that manages it."""

    @property
    @abstractmethod
    def subset(self) -> str:
        """The subset to read to assess it."""

    @abstractmethod
    def desired(self, request: BaselineRequest, organization: Organization) -> Parts:
        """The part of the state that it wants."""

    def is_written(self, variables: Mapping[str, Any]) -> bool:
        """Whether the variables enforce it, provided that it is wanted."""
        return True

    def creates(self, variables: Mapping[str, Any]) -> tuple[str, ...]:
        """The OME configurations that it creates."""
        return ()

    def without_license(self, request: BaselineRequest, organization: Organization) -> str:
        """Why the organization's license does not allow it, as a sentence; empty if it does, or if that is unknown."""
        return ""

    def plan(self, request: BaselineRequest, organization: Organization, *, check_mode: bool = True) -> Plan:
        """The plan that meets this control alone."""
        return plan_state(organization, self.desired(request, organization), request.planning(check_mode=check_mode))

    def errors(self, request: BaselineRequest, organization: Organization, *, check_mode: bool) -> list[ExchangeError]:
        """The errors that keep it from being planned; none if it can be."""
        try:
            self.plan(request, organization, check_mode=check_mode)
        except ExchangeError as error:
            return [error]
        return []

    def findings(self, outlook: Outlook) -> list[Finding]:
        taking = [
            change
            for change in outlook.plan.changes
            if change.after in self.takes_away and self.owns(change.resource, change.identity, change.option)
        ]
        if not taking:
            return []
        identities = ", ".join(repr(change.identity) for change in taking if change.identity)
        text = f"{taking[0].option}{' of ' + identities if identities else ''} would become {str(taking[0].after).lower()}. Who notices: {self.notice}"
        return [Finding.acceptable(self.id, text, self.id)]

    def shortcomings(self, request: BaselineRequest, organization: Organization) -> list[str]:
        """Why it is not met even though its settings are stored, as sentences."""
        return []

    def doubts(self, organization: Organization) -> list[str]:
        """Why it cannot be told whether it is met, although its settings are stored, as sentences."""
        return []

    def remarks(self, request: BaselineRequest, organization: Organization) -> list[str]:
        """What its row in the report shows beside its status."""
        return []

    def owns(self, resource: str, identity: str, option: str) -> bool:
        """Whether a change belongs to this control."""
        return resource == self.resource

    def shown(self, request: BaselineRequest) -> dict[str, Any]:
        """What it wants, for people and for the digest; never a secret."""
        values = {variable.name: request.variables.get(variable.name) for variable in self.variables}
        return {name: value for name, value in values.items() if value is not None}


#: Both kinds.
Control: TypeAlias = "WritingControl | JudgingControl"


def merged(first: Parts, second: Mapping[str, Any]) -> Parts:
    """Both states in one. If both name a setting, the second one counts."""
    whole = dict(first)
    for key, value in second.items():
        whole[key] = (
            merged(whole[key], value) if isinstance(value, dict) and isinstance(whole.get(key), dict) else value
        )
    return whole


def named(variable: str) -> str:
    """The beginning of an error about an option of a variable."""
    return f"{PREFIX}{variable}."
