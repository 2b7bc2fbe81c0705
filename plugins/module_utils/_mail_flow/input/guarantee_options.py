# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees, with their values in the form of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..._engine.arguments import CheckedSpec, validate
from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._exchange.spelling import nearest, refusal, remedy
from ..._exchange.text import listed
from ..._resources.rules.fields import rule_argument_spec
from ..._resources.rules.rule import declare_section
from ..conditions.predicates import BY_OPTION
from ..model.connectors import IN_TRANSIT, VALIDATIONS
from ..model.wishes import WISHES
from .parsing import refuse_unknown

_Value = TypeVar("_Value")

#: The options that narrow a wish.
_NARROWING = tuple(dict.fromkeys(wish.narrowed_by for wish in WISHES.values() if wish.narrowed_by))

#: Which copies count that rules make of the mail for others: all, those that leave the organization, or none.
ALL_COPIES, COPIES_OUTSIDE, RECIPIENTS_ONLY = COPIES = ("all", "outside", "recipients_only")


def unknown_conditions(section: Any, where: str) -> list[str]:
    """What is wrong with the names of conditions, as sentences without their period; nothing if it is no section.

    :param where: the path of the section.
    """
    unknown = [str(option) for option in section if option not in BY_OPTION] if isinstance(section, Mapping) else []
    return [f"{where}.{option} is not a condition: {_instead(option)}" for option in unknown]


def _instead(option: str) -> str:
    """What to write in place of an unknown condition."""
    why = refusal(option)
    near = nearest(option, BY_OPTION)
    return why or (f"did you mean {near}?" if near else "use the options of a rule's conditions")


#: The argument spec of guarantees.
GUARANTEES_ARGUMENT_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "when": CheckedSpec([("type", "dict")], unknown_conditions),
        "unless": CheckedSpec([("type", "dict")], unknown_conditions),
        "then": {"type": "str", "choices": list(WISHES), "required": True},
        "template": {"type": "str"},
        "tls_validation": {"type": "str", "choices": list(VALIDATIONS)},
        "expires_within_days": {"type": "int"},
        "copies": {"type": "str", "choices": list(COPIES)},
    },
}

#: Section of a guarantee to the corresponding section of a rule.
_LIKE = {"when": "conditions", "unless": "exceptions"}

#: The sections, with their options as a rule has them.
_SECTIONS: dict[str, dict[str, Any]] = {
    name: {"type": "dict", "options": rule_argument_spec()[like]["options"]} for name, like in _LIKE.items()
}

#: A guarantee, with its sections as a rule has them.
TYPED_GUARANTEES_ARGUMENT_SPEC: dict[str, Any] = {
    **GUARANTEES_ARGUMENT_SPEC,
    "options": {**GUARANTEES_ARGUMENT_SPEC["options"], **_SECTIONS},
}


@dataclass(frozen=True)
class Guarantee:
    """A guarantee about some mail.

    :param when: conditions in the form of a rule's, and :param:`unless` exceptions.
    :param then: one of :data:`WISHES`.
    :param template: the required template; empty for any protection.
    :param tls_validation: of ``protected_in_transit``, what forced TLS has to check at least; empty for all others.
    :param expires_within_days: of ``portal``, after how many days mail has to expire there at the latest; 0 if it need
        not.
    :param copies: one of :data:`COPIES`; those for people whom its conditions select count anyway.
    """

    name: str
    when: Mapping[str, Any]
    unless: Mapping[str, Any]
    then: str
    template: str = ""
    tls_validation: str = ""
    expires_within_days: int = 0
    copies: str = ALL_COPIES

    @property
    def of_copies(self) -> Guarantee | None:
        """What copies for others have to keep; ``None`` if there is nothing."""
        then = WISHES[self.then].of_copies
        if not then:
            return None
        return self if then == self.then else replace(self, then=then)

    @property
    def covers_disclosures(self) -> bool:
        """Whether what rules show others of its mail breaks it."""
        return WISHES[(self.of_copies or self).then].covers_disclosures

    def added_copy_counts_if(self, leaves: Callable[[], _Value]) -> tuple[_Value, ...] | None:
        """What else must be true of a copy that rules make of its mail, for somebody whom its conditions do not select, for the
        copy to count; ``None`` if no such copy counts.

        :param leaves: whether a copy for that person leaves the organization.
        """
        if self.of_copies is None or self.copies == RECIPIENTS_ONLY:
            return None
        return (leaves(),) if self.copies == COPIES_OUTSIDE else ()

    @property
    def selection(self) -> dict[str, Any]:
        """What says which mail it is about, in the form of a rule."""
        return {"name": self.name, "conditions": self.when, "exceptions": self.unless}


def guarantees_of(options: Sequence[Any], where: str = "guarantees") -> list[Guarantee]:
    """The guarantees of the option.

    :raises OptionError: a guarantee is invalid.
    """
    guarantees: list[Guarantee] = []
    for index, options_of_one in enumerate(options):
        at = f"{where}[{index}]"
        if not isinstance(options_of_one, Mapping):
            raise OptionError(f"{at} must be a mapping, not {options_of_one!r}.")
        guarantees.append(_guarantee(options_of_one, at, [guarantee.name for guarantee in guarantees]))
    return guarantees


def _guarantee(options: Mapping[str, Any], at: str, taken: Iterable[str]) -> Guarantee:
    """One guarantee.

    :param taken: the names of the guarantees before it.
    """
    refuse_unknown(options, tuple(GUARANTEES_ARGUMENT_SPEC["options"]), f"{at}.")
    name = _name(options.get("name"), at, taken)
    then = _then(options.get("then"), at, name)
    template = str(options.get("template") or "")
    if options.get("template") is not None and not template.strip():
        raise OptionError(
            f"{at}.template is empty.", remedy="Give the name of an RMS template, or omit it for any protection."
        )
    _refuse_narrowing(options, then, at)
    when, unless = (_section(options.get(section), f"{at}.{section}") for section in ("when", "unless"))
    empty = [option for option, value in when.items() if _is_absent(option, value)]
    if empty:
        raise OptionError(
            f"{at}.when.{empty[0]} is empty, so it limits no mail.", remedy="Give it a value, or omit it."
        )
    return Guarantee(
        name,
        when,
        unless,
        then,
        template,
        _validation(options.get("tls_validation"), at) if then == IN_TRANSIT else "",
        _days(options.get("expires_within_days"), at),
        _copies(options.get("copies"), then, at),
    )


def _name(value: Any, at: str, taken: Iterable[str]) -> str:
    name = str(value or "")
    if not name.strip():
        raise OptionError(f"{at}.name is required.", remedy="Give each guarantee a unique name.")
    if any(same_guarantee(other, name) for other in taken):
        raise OptionError(
            f"{at}.name is {name!r}, which another guarantee already uses.",
            remedy="Give each guarantee a unique name.",
        )
    return name


def _then(value: Any, at: str, name: str) -> str:
    then = str(value or "")
    if then in WISHES:
        return then
    text = f"{at}.then is {then!r}."
    if not then:
        text = f"{at}.then is required: the guarantee {name!r} has no effect without it."
    raise OptionError(text, remedy=remedy(then, list(WISHES)))


def _refuse_narrowing(options: Mapping[str, Any], then: str, at: str) -> None:
    """Refuses an option that narrows another wish."""
    for option in _NARROWING:
        if options.get(option) and option != WISHES[then].narrowed_by:
            others = [name for name, wish in WISHES.items() if wish.narrowed_by == option]
            raise OptionError(
                f"{at}.{option} cannot be used with then: {then}.", remedy=f"Use it only with {listed(others)}."
            )


def _days(value: Any, at: str) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise OptionError(
            f"{at}.expires_within_days is {value!r}.", remedy="Give a number of days, at least 1, or omit it."
        )
    return value


def _copies(value: Any, then: str, at: str) -> str:
    if value is None:
        return ALL_COPIES
    if value not in COPIES:
        raise OptionError(f"{at}.copies is {value!r}.", remedy=remedy(value, COPIES))
    if not WISHES[then].of_copies:
        others = [name for name, wish in WISHES.items() if wish.of_copies]
        raise OptionError(
            f"{at}.copies cannot be used with then: {then}.", remedy=f"Use it only with {listed(others)}."
        )
    return str(value)


def _validation(value: Any, at: str) -> str:
    validation = str(value or VALIDATIONS[0])
    if validation not in VALIDATIONS:
        raise OptionError(f"{at}.tls_validation is {validation!r}.", remedy=remedy(validation, VALIDATIONS))
    return validation


def same_guarantee(one: str, other: str) -> bool:
    """Whether two guarantees have the same name, compared like rules' names, ignoring trailing blanks."""
    return same_name(one.strip(), other.strip())


def _is_absent(option: str, value: Any) -> bool:
    """Whether a condition with this value has no effect."""
    return (isinstance(value, (str, list, tuple, dict)) and not value) or (
        value is False and not BY_OPTION[option].off_counts
    )


def _section(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise OptionError(f"{where} must be a section like a rule's conditions, not {value!r}.")
    errors = unknown_conditions(value, where)
    if errors:
        text = "; ".join(errors)
        raise OptionError(text if text.endswith("?") else f"{text}.")
    return dict(value)


def declared_guarantees(guarantees: Sequence[Mapping[str, Any]], where: str = "guarantees") -> list[Guarantee]:
    """Guarantees as an option has them, their sections checked and completed as a rule's are.

    :raises OptionError: a guarantee is invalid; the message names the option.
    """
    rows = [{key: value for key, value in row.items() if value is not None} for row in guarantees]
    read = guarantees_of(rows, where)
    return [
        replace(
            guarantee,
            when=_declared("when", guarantee.when, f"{where}[{index}]"),
            unless=_declared("unless", guarantee.unless, f"{where}[{index}]"),
        )
        for index, guarantee in enumerate(read)
    ]


def _declared(section: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    validation, errors = validate({section: dict(values)}, {section: _SECTIONS[section]})
    if errors:
        raise OptionError(f"{where}: {'; '.join(errors)}")
    return declare_section(_LIKE[section], validation.validated_parameters[section], f"{where}.{section}.")
