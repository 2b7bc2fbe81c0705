# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of all resources.

State, snapshot, rollback, plan document and info iterate over :data:`registry.RESOURCES` and do not name individual
resources.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._engine.plan import Plan
from .._exchange.organization import Organization
from .table import Field


@dataclass(frozen=True)
class Planning:
    """Options of a plan.

    :param restoring: the plan restores an earlier state. Its dangers are not the task's doing, and it is authoritative
        also for what portals add.
    :param unmanaged: what to do with objects that the state does not name: ``keep``, ``warn``, ``disable``, ``remove``.
    :param unsupported_rules: GUIDs and names of rules that the state names without their settings.
    :param check_mode: whether nothing will be written.
    :param created: OME configurations that will exist when the plan is applied.
    :param says_in_clear: whether the plan warns that mail may leave in clear. What removes or restores on purpose has words of
        its own.
    """

    restoring: bool = False
    unmanaged: str = "keep"
    unsupported_rules: tuple[str, ...] = ()
    check_mode: bool = False
    created: tuple[str, ...] = ()
    says_in_clear: bool = False

    def quieted(self, plan: Plan) -> Plan:
        """The plan without its warnings if it restores a state and changes nothing."""
        return Plan(plan.before, plan.after) if self.restoring and not plan.steps else plan


def _changed_item_by_item(part: Any, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    """A part of which each object is changed: the items of a list, or the only one."""
    return [change(item) for item in part] if isinstance(part, list) else change(part)


class Resource(ABC):
    """A part of an organization.

    A *part* is what the info module returns under the name ``subset`` and what a state holds there. A *declared* part
    is its canonical form.
    """

    #: The module that manages the resource. A change uses it as its resource name.
    name: str
    #: The name of its part.
    subset: str

    @abstractmethod
    def argument_spec(self) -> dict[str, Any]:
        """The argument spec of the part."""

    @abstractmethod
    def declare(self, part: Any) -> Any:
        """The canonical form of a part. Raises OptionError, which names what is invalid."""

    @abstractmethod
    def describe(self, organization: Organization) -> dict[str, Any]:
        """The part as found in the organization, under its name. Anything that cannot be part of a state is under
        separate names.
        """

    @abstractmethod
    def defaults(self) -> Mapping[str, Any]:
        """Option to the value that a brief part leaves out: what is empty, or what Exchange gives a new object."""

    def brief(self, part: Any) -> Any:
        """A part without what goes without saying. :meth:`whole` is the inverse."""
        defaults = self.defaults()
        return _changed_item_by_item(
            part,
            lambda item: {
                option: value for option, value in item.items() if option not in defaults or value != defaults[option]
            },
        )

    def whole(self, part: Any) -> Any:
        """A brief part with all that goes without saying."""
        defaults = self.defaults()
        return _changed_item_by_item(
            part, lambda item: {**defaults, **{option: value for option, value in item.items() if value is not None}}
        )

    @abstractmethod
    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        """Plans how to bring the organization to the declared part.

        :param parts: the whole declared state: a rule may name an OME configuration that the same state declares.
        """

    @abstractmethod
    def field(self, option: str) -> Field | None:
        """The field of the option in a change; ``None`` for states, names and places."""

    def narrowed(self, part: Any, changes: Iterable[tuple[str, str]]) -> Any:
        """What of a declared part some changes are about; empty where that is nothing.

        :param changes: identity and option of each.
        """
        raise NotImplementedError(f"{self.name} cannot be narrowed by its options")

    def subsets(self, declared: Any) -> list[str]:
        """The subsets to read to plan a declared part."""
        return [self.subset]
