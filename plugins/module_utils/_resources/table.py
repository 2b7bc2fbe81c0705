# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as a table: the fields describe a resource, and everything else follows from them.

The table determines the argument spec, how values are read, compared and shown, and the
cmdlet parameters that change them. There is no code for a single setting anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from .._engine.plan import Impact, Phase
from .._exchange.cmdlet import Value
from .._exchange.errors import OptionError, ProtocolError
from .._exchange.kinds import Kind


@dataclass(frozen=True)
class Order:
    """The place of a step in the order of work.

    :param phase: its phase; ``None`` for the phase of the resource.
    :param replans: the phases that must be planned again after it.
    """

    phase: Phase | None = None
    replans: frozenset[Phase] = frozenset()


#: The place of a step for which a resource says no other.
_ANYWHERE = Order()

T = TypeVar("T")


@dataclass(frozen=True)
class Field:
    """One setting.

    :param option: its name in YAML.
    :param kind: how its values behave.
    :param parameter: the cmdlet parameter that sets it.
    :param output: the property that shows it. Default: the parameter's name.
    :param doc: one sentence for the documentation, if it is generated from the table.
    :param not_secret: the name looks like that of a secret, but the value is not one.
    :param cloud_only: Exchange on-premises does not have it.
    :param create_only: only the New-* cmdlet accepts it.
    :param refuse: why any value other than the cleared one is refused; empty if values are accepted.
    :param shown_by: another property that, if only it is set, shows that there is a value but not which one.
    :param sent_by: the option that sends the value although Exchange does not show it.
    :param impacts: new value to its impact on people.
    :param dangers: declared value to a warning about it.
    :param listed: a property that lists classes, and the class's name: if the value is False, only this list tells
        whether it is set.
    :param onprem_values: values that Exchange Online does not accept.
    :param policies: tables of policies that override the setting for their users if they have IRM off.
    :param order: new value to the place of its step in the order of work, if it differs from the resource's own.
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
            raise ValueError(f"{self.option}: a setting that refuses values needs a cleared form")

    def parse(self, value: Any, where: str = "", *, retired: bool = False) -> Any:
        """The canonical form of a declared value. Raises OptionError, which names the option.

        :param retired: whether values are accepted that ``refuse`` refuses, since they are not to be written.
        """
        name = f"{where}{self.option}"
        try:
            canonical = self.kind.parse(value)
        except ValueError as error:
            raise OptionError(f"{name} {error}.") from error
        if self.refuse and not retired and canonical != self.kind.cleared:
            raise OptionError(f"{name} cannot be set: {self.refuse}")
        return canonical

    def read(self, properties: Mapping[str, Any]) -> Any:
        """The canonical form of the stored value; ``None`` if Exchange shows none and the setting cannot be cleared."""
        if self.hidden(properties):
            return None
        name = self.output or self.parameter
        if self._is_unset_by_its_list(properties):
            return self.kind.cleared
        try:
            value = self.kind.read(properties.get(name))
            if properties.get(name) is not None:
                # A value that can be neither compared nor shown was not understood.
                self.kind.key(value)
                self.kind.show(value)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise ProtocolError(
                f"{name} has a value that the collection cannot interpret.",
                remedy=f"Omit {self.option}, and report this.",
            ) from error
        return value

    def _is_unset_by_its_list(self, properties: Mapping[str, Any]) -> bool:
        """Whether a stored False means that the setting is not set, because its class is not listed; see ``listed``."""
        classes, name = self.listed
        if not name or properties.get(self.output or self.parameter) is not False:
            return False
        return not any(str(item).endswith(f".{name}") for item in properties.get(classes) or ())

    def hidden(self, properties: Mapping[str, Any]) -> bool:
        """Whether Exchange shows that there is a value but not which one."""
        return bool(
            self.shown_by and properties.get(self.shown_by) and not properties.get(self.output or self.parameter)
        )

    def order_of(self, value: Any) -> Order:
        """The place of the step that sets this value."""
        return _looked_up(self.order, value, _ANYWHERE)

    def equal(self, first: Any, second: Any) -> bool:
        """Whether two canonical values are equivalent."""
        if first is None or second is None:
            return first is second
        return bool(self.kind.key(first) == self.kind.key(second))

    def send(self, value: Any, stored: Any = None) -> Value:
        """The parameter value that turns ``stored`` into ``value``, both canonical."""
        return self.kind.clear(stored) if value is None or value == self.kind.cleared else self.kind.send(value)

    def impact(self, value: Any) -> Impact:
        """The impact of this value on people."""
        return _looked_up(self.impacts, value, Impact.NONE)

    def danger(self, value: Any) -> str:
        """The warning about this declared value; empty if there is none."""
        return _looked_up(self.dangers, value, "")

    def show(self, value: Any) -> Any:
        """The canonical value as a diff shows it."""
        return None if value is None else self.kind.show(value)


def _looked_up(by_value: Mapping[Any, T], value: Any, default: T) -> T:
    """What a mapping has for a canonical value. Values that cannot be keys, such as lists, have no entry."""
    return by_value.get(value, default) if isinstance(value, (bool, str)) else default


@dataclass(frozen=True)
class Table:
    """One resource: a cmdlet noun and its settings.

    :param name: the module's name.
    :param subset: the key of its part of the info module's output.
    :param noun: the cmdlets' noun.
    :param phase: the phase in which its settings are written.
    :param fields: the settings.
    :param identity: the option that names one of several objects; empty if the organization has exactly one.
    :param extra: parameters that every Set-* call includes.
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
        """The setting of that option. Raises KeyError if there is none."""
        return self._by_option[option]

    def get(self, option: str) -> Field | None:
        """The setting of that option; ``None`` if there is none."""
        return self._by_option.get(option)

    def parse(self, options: Mapping[str, Any], where: str = "") -> dict[str, Any]:
        """The canonical form of declared options. Raises OptionError, which names an invalid one."""
        return {option: self.field(option).parse(value, where) for option, value in options.items()}

    def show(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Canonical settings as a diff shows them."""
        return {option: self.field(option).show(value) for option, value in settings.items()}

    @cached_property
    def _by_option(self) -> dict[str, Field]:
        return {setting.option: setting for setting in self.fields}

    def argument_spec(self) -> dict[str, Any]:
        """The argument spec of the settings."""
        return argument_spec(self.fields)

    def describe(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """An object in the form that the module accepts: every setting that can be restored."""
        settings = {field.option: field.read(properties) for field in self.fields if not field.create_only}
        described = {
            field.option: settings[field.option]
            for field in self.fields
            if field.option in settings and _can_be_put_back(field, settings[field.option])
        }
        return {self.identity: name_of(properties), **described} if self.identity else described


def argument_spec(fields: Iterable[Field]) -> dict[str, Any]:
    """The argument spec of some fields."""
    return {field.option: {**field.kind.spec, **({"no_log": False} if field.not_secret else {})} for field in fields}


def name_of(properties: Mapping[str, Any]) -> str:
    """The name that identifies an object in later reads."""
    return str(properties.get("Identity") or properties.get("Name") or "")


def _can_be_put_back(field: Field, value: Any) -> bool:
    return value is not None and (not field.refuse or value == field.kind.cleared)
