# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings are a table: a resource is described by its fields, and everything else follows from them.

Private to the collection. From a table come the argument spec, what is read, how it is compared and shown, and the cmdlet
parameters that change it. There is no code for a single setting anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact, Phase
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Value
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError, ProtocolError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Kind


@dataclass(frozen=True)
class Order:
    """The place of a step in the order of work.

    :param phase: its phase; the resource's own where it is ``None``.
    :param replans: the phases that have to be planned anew after it.
    """

    phase: Phase | None = None
    replans: frozenset[Phase] = frozenset()


_ANYWHERE = Order()


@dataclass(frozen=True)
class Field:
    """One setting.

    :param option: its name in YAML.
    :param kind: how its values behave.
    :param parameter: the cmdlet parameter that sets it.
    :param output: the property that shows it; the parameter's name unless given.
    :param doc: one sentence for the documentation, where that is made from the table.
    :param not_secret: its name looks like that of a secret, and it is none.
    :param cloud_only: Exchange on-premises does not have it.
    :param create_only: only New-* takes it.
    :param refuse: why a value (other than the cleared one) is refused; empty where it is not.
    :param shown_by: another property that, when only it is set, says that there is a value without showing it.
    :param sent_by: the option that sends a value although nothing shows whether it is there.
    :param impacts: new value to what it does to people.
    :param dangers: declared value to a sentence that warns of it.
    :param listed: property that lists classes, and the class's name: where the value is False, only this tells whether it is set.
    :param onprem_values: values that Exchange Online does not take.
    :param policies: tables of policies that override the setting for their users where they have IRM off.
    :param order: new value to the place that its step has in the order of work, where it is not the resource's own.
    """

    option: str
    kind: Kind
    parameter: str
    output: str = ""
    doc: str = ""
    not_secret: bool = False
    cloud_only: bool = False
    create_only: bool = False
    refuse: str = ""
    shown_by: str = ""
    sent_by: str = ""
    listed: tuple[str, str] = ("", "")
    onprem_values: frozenset[Any] = frozenset()
    impacts: Mapping[Any, Impact] = field(default_factory=dict)
    dangers: Mapping[Any, str] = field(default_factory=dict)
    policies: tuple[Table, ...] = ()
    order: Mapping[Any, Order] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.option or not self.parameter:
            raise ValueError(f"a field needs an option and a parameter: {self}")
        if self.refuse and self.kind.cleared is None:
            raise ValueError(f"{self.option}: a setting whose values are refused needs a cleared form")

    def parse(self, value: Any, where: str = "") -> Any:
        """The canonical form of a declared value. An OptionError names the option."""
        name = f"{where}{self.option}"
        try:
            canonical = self.kind.parse(value)
        except ValueError as error:
            raise OptionError(f"{name} {error}.") from error
        if self.refuse and canonical != self.kind.cleared:
            raise OptionError(f"{name} cannot be set: {self.refuse}")
        return canonical

    def read(self, properties: Mapping[str, Any]) -> Any:
        """The canonical form of the stored value; ``None`` where Exchange shows none and there is no cleared form."""
        if self.hidden(properties):
            return None
        name = self.output or self.parameter
        classes, listed = self.listed
        if listed and properties.get(name) is False and not any(str(item).endswith(f".{listed}") for item in properties.get(classes) or ()):
            return self.kind.cleared
        try:
            value = self.kind.read(properties.get(name))
            if properties.get(name) is not None:
                # What can be neither compared nor shown was not understood.
                self.kind.key(value)
                self.kind.show(value)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise ProtocolError(f"{name} has a value that cannot be understood.", remedy=f"Leave {self.option} out, and report it.") from error
        return value

    def hidden(self, properties: Mapping[str, Any]) -> bool:
        """Whether Exchange shows that there is a value, but not which."""
        return bool(self.shown_by and properties.get(self.shown_by) and not properties.get(self.output or self.parameter))

    def order_of(self, value: Any) -> Order:
        """The place of the step that sets this value."""
        return self.order.get(value, _ANYWHERE) if isinstance(value, (bool, str)) else _ANYWHERE

    def equal(self, first: Any, second: Any) -> bool:
        """Whether two canonical values mean the same."""
        if first is None or second is None:
            return first is second
        return bool(self.kind.key(first) == self.kind.key(second))

    def send(self, value: Any, stored: Any = None) -> Value:
        """The parameter value that turns ``stored`` into ``value``, both canonical."""
        return self.kind.clear(stored) if value is None or value == self.kind.cleared else self.kind.send(value)

    def impact(self, value: Any) -> Impact:
        """What this value does to people."""
        return self.impacts.get(value, Impact.NONE) if isinstance(value, (bool, str)) else Impact.NONE

    def danger(self, value: Any) -> str:
        """What to warn of where this value is declared."""
        return self.dangers.get(value, "") if isinstance(value, (bool, str)) else ""

    def show(self, value: Any) -> Any:
        """The canonical value as a reader of a diff sees it."""
        return None if value is None else self.kind.show(value)


@dataclass(frozen=True)
class Table:
    """One resource: a noun of Exchange's with its settings.

    :param name: the module's name.
    :param subset: the key of its part of the info module's output.
    :param noun: the cmdlets' noun.
    :param phase: when its settings are written.
    :param fields: the settings.
    :param identity: the option that names one object of several; empty where the organization has exactly one.
    :param extra: parameters that every Set-* takes with it.
    :param cloud_only: Exchange on-premises does not have these cmdlets.
    """

    name: str
    subset: str
    noun: str
    phase: Phase
    fields: tuple[Field, ...]
    identity: str = ""
    extra: Mapping[str, Value] = field(default_factory=lambda: {"Confirm": False})
    cloud_only: bool = False

    def field(self, option: str) -> Field:
        """The setting of that option. A KeyError means that there is none."""
        return self._by_option[option]

    def get(self, option: str) -> Field | None:
        """The setting of that option; ``None`` where there is none."""
        return self._by_option.get(option)

    def parse(self, options: Mapping[str, Any], where: str = "") -> dict[str, Any]:
        """The canonical form of declared options. An OptionError names a wrong one."""
        return {option: self.field(option).parse(value, where) for option, value in options.items()}

    def show(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Canonical settings as a reader of a diff sees them."""
        return {option: self.field(option).show(value) for option, value in settings.items()}

    @cached_property
    def _by_option(self) -> dict[str, Field]:
        return {setting.option: setting for setting in self.fields}

    def argument_spec(self) -> dict[str, Any]:
        """The argument spec of the settings."""
        return argument_spec(self.fields)

    def describe(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """An object of Exchange's in the form that the module takes: every setting that can be put back."""
        settings = {row.option: row.read(properties) for row in self.fields if not row.create_only}
        described = {row.option: settings[row.option] for row in self.fields if row.option in settings and _can_be_put_back(row, settings[row.option])}
        return {self.identity: name_of(properties), **described} if self.identity else described


def argument_spec(fields: Iterable[Field]) -> dict[str, Any]:
    """The argument spec of some fields."""
    return {row.option: {**row.kind.spec, **({"no_log": False} if row.not_secret else {})} for row in fields}


def name_of(properties: Mapping[str, Any]) -> str:
    """The name by which an object is found again."""
    return str(properties.get("Identity") or properties.get("Name") or "")


def _can_be_put_back(row: Field, value: Any) -> bool:
    return value is not None and (not row.refuse or value == row.kind.cleared)
