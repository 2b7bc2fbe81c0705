# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences about wrong arguments that name each by its whole path, and say what to write.

Core finds the errors. Its own words stand for what is not found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from ansible.module_utils.errors import (
    ArgumentTypeError,
    ArgumentValueError,
    ElementError,
    MutuallyExclusiveError,
    NoLogError,
    RequiredError,
    RequiredIfError,
    RequiredOneOfError,
    SubParameterTypeError,
    UnsupportedError,
)

from .._exchange.spelling import nearest, nearest_option, refusal
from .._exchange.text import listed, short, value_text

#: The maximum number of options of which all are named.
_MOST_OPTIONS = 30

#: Type to what is said of a value that is not of it.
_FORMS = {
    "bool": "neither true nor false",
    "int": "not a whole number",
    "float": "not a number",
    "list": "not a list",
    "dict": "not a dictionary",
}


class _MistakeKind(Enum):
    """What is wrong."""

    UNKNOWN = 1
    CHOICE = 2
    MISSING = 3
    TYPE = 4
    EXCLUSIVE = 5
    ONE_OF = 6
    CONDITIONAL = 7


#: Core's errors of each kind.
_CORE: Mapping[_MistakeKind, tuple[type[Exception], ...]] = {
    _MistakeKind.UNKNOWN: (UnsupportedError,),
    _MistakeKind.CHOICE: (ArgumentValueError,),
    _MistakeKind.MISSING: (RequiredError,),
    _MistakeKind.TYPE: (ArgumentTypeError, ElementError, NoLogError, SubParameterTypeError),
    _MistakeKind.EXCLUSIVE: (MutuallyExclusiveError,),
    _MistakeKind.ONE_OF: (RequiredOneOfError,),
    _MistakeKind.CONDITIONAL: (RequiredIfError,),
}


@dataclass(frozen=True)
class _Mistake:
    kind: _MistakeKind
    text: str


def error_texts(
    arguments: Mapping[str, Any],
    spec: Mapping[str, Any],
    rules: Mapping[str, Any],
    found: Iterable[Exception],
    params: Mapping[str, Any],
    *,
    some_are_said: bool,
) -> list[str]:
    """Core's errors as sentences.

    :param rules: further arguments of core's validator (``mutually_exclusive`` and the like).
    :param found: core's errors.
    :param params: the arguments with defaults.
    :param some_are_said: whether other errors are named already. What these leave out is missing for core.
    """
    errors = list(found)
    if not errors:
        return []
    mistakes = [
        *_mistakes(arguments, spec, rules, ""),
        *_missing_together(arguments, rules),
        *_missing_if(params, rules),
    ]
    texts = []
    said = tuple[type[Exception], ...]()
    for kind, classes in _CORE.items():
        own = [mistake.text for mistake in mistakes if mistake.kind is kind]
        if any(isinstance(error, classes) for error in errors):
            texts += own
            said += classes if own or (some_are_said and kind is _MistakeKind.MISSING) else ()
    return [*dict.fromkeys(texts), *(_in_cores_words(error) for error in errors if not isinstance(error, said))]


def _in_cores_words(error: Exception) -> str:
    """For an unknown option, core gives only the name."""
    return f"Unsupported parameters: {error}" if isinstance(error, UnsupportedError) else str(error)


def _mistakes(
    values: Mapping[str, Any], options: Mapping[str, Any], rules: Mapping[str, Any], where: str
) -> Iterator[_Mistake]:
    """What is wrong with the options of a task, or of one of its dictionaries.

    :param rules: what is said of several options together.
    :param where: the path of the dictionary, with a dot.
    """
    for option, option_spec in options.items():
        if option_spec.get("required") and option not in values:
            yield _Mistake(_MistakeKind.MISSING, f"{where}{option} is required")
    for group in rules.get("mutually_exclusive") or ():
        given = [f"{where}{option}" for option in group if values.get(option) is not None]
        if len(given) > 1:
            names = listed(given, joint="and", most=len(given))
            yield _Mistake(_MistakeKind.EXCLUSIVE, f"{names} exclude each other: give one of them")
    unknown = []
    for key, value in values.items():
        option = str(key)
        option_spec = options.get(str(key))
        if option_spec is not None:
            yield from _mistakes_in(value, option_spec, f"{where}{option}")
            continue
        if refusal(option):
            continue  # It is refused in other words.
        near = nearest_option(option, options, where)
        if near:
            yield _Mistake(_MistakeKind.UNKNOWN, f"{where}{option}: did you mean {near}?")
        else:
            unknown.append(f"{where}{option}")
    if unknown:
        yield _Mistake(_MistakeKind.UNKNOWN, _not_options(unknown, options))


def _not_options(names: Sequence[str], options: Mapping[str, Any]) -> str:
    """The text that some names are no options of a dictionary, and which are."""
    are = "is not an option" if len(names) == 1 else "are not options"
    if len(options) > _MOST_OPTIONS:
        use = f"the documentation has the {len(options)} that there are"
    else:
        use = f"use {listed(sorted(options), most=len(options))}"
    return f"{listed(names, joint='and', most=len(names))} {are}: {use}"


def _mistakes_in(value: Any, option_spec: Mapping[str, Any], name: str) -> Iterator[_Mistake]:
    """What is wrong with the value of an option."""
    if value is None:
        return
    options = option_spec.get("options")
    of_type = str(option_spec.get("type", "str"))
    if options is None or isinstance(value, str):
        yield from _wrong_type(value, of_type, f"{name} is")
    items = value if isinstance(value, list) else [value]
    if isinstance(value, str) and of_type == "list" and options is None:
        items = value.split(",")  # as core does
    if options is None:
        elements = str(option_spec.get("elements", "str"))
        for item in value if isinstance(value, list) else ():
            yield from _wrong_type(item, elements, f"{name} contains")
        for item in items:
            yield from _wrong_choice(item, option_spec.get("choices"), name)
        return
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            inside = f"{name}[{index}]." if isinstance(value, list) else f"{name}."
            yield from _mistakes(item, options, option_spec, inside)


def _wrong_type(value: Any, of_type: str, begin: str) -> Iterator[_Mistake]:
    if of_type not in _FORMS or value is None:
        return
    try:
        DEFAULT_TYPE_VALIDATORS[of_type](value)
    except (TypeError, ValueError):
        yield _Mistake(_MistakeKind.TYPE, f"{begin} {short(repr(value))}, which is {_FORMS[of_type]}")


def _wrong_choice(value: Any, choices: Sequence[Any] | None, name: str) -> Iterator[_Mistake]:
    if not choices or isinstance(value, bool) or str(value) in map(str, choices):
        return
    near = nearest(str(value), map(str, choices))
    if near:
        yield _Mistake(_MistakeKind.CHOICE, f"{name} {value!r}: did you mean {near}?")
    else:
        text = f"{name} is {short(repr(value))}: use {listed(choices, most=len(choices))}"
        yield _Mistake(_MistakeKind.CHOICE, text)


def _missing_together(values: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[_Mistake]:
    """The options of which at least one is missing."""
    for group in rules.get("required_one_of") or ():
        if all(values.get(option) is None for option in group):
            yield _Mistake(_MistakeKind.ONE_OF, f"give at least one of {listed(group, most=len(group))}")


def _missing_if(params: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[_Mistake]:
    """The options that are missing because of the value of another one."""
    for option, value, needed, *one_is_enough in rules.get("required_if") or ():
        missing = [name for name in needed if params.get(name) is None]
        if params.get(option) != value or not missing or (any(one_is_enough) and len(missing) < len(needed)):
            continue
        condition = f"{option} is {value_text(value, str)}"
        if any(one_is_enough):
            text = f"give at least one of {listed(missing, most=len(missing))}: {condition}"
        else:
            names = listed(missing, joint="and", most=len(missing))
            text = f"{names} {'is' if len(missing) == 1 else 'are'} required, because {condition}"
        yield _Mistake(_MistakeKind.CONDITIONAL, text)
