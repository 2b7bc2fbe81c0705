# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates arguments: reports every error at once and prevents core's silent conversions to text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from .._exchange.spelling import refusal
from .._exchange.text import short
from .argument_errors import error_texts

#: What core reads as a dictionary, though it is text.
_DICTIONARY = re.compile(r"[={]")

#: What stands where a text should.
_KINDS: Mapping[type, str] = {list: "list", dict: "dictionary"}

#: What of its spec makes an option count where it is not given.
_UNASKED = frozenset({"required", "default", "fallback", "apply_defaults", "aliases"})


class CheckedSpec(dict[str, Any]):
    """The spec of an option in whose value a function finds errors that core does not. They are told with all others.

    :param spec: as core has it.
    :param errors: takes the value and its path. Returns sentences without their period. ansible-test copies a spec without it.
    """

    def __init__(
        self, spec: Iterable[tuple[str, Any]] = (), errors: Callable[[Any, str], list[str]] = lambda value, where: []
    ) -> None:
        super().__init__(spec)
        self.errors = errors


def validate(
    arguments: Mapping[str, Any], argument_spec: Mapping[str, Any], **rules: Any
) -> tuple[ValidationResult, list[str]]:
    """Runs core's validation and returns its errors as sentences.

    :param arguments: plain values.
    :param rules: further arguments of core's validator (``mutually_exclusive`` and the like).
    """
    misfits: list[str] = []
    fitting = _fitting(dict(arguments), {"options": argument_spec}, "", misfits)
    validation = ArgumentSpecValidator(_concerned(argument_spec, [fitting]), **rules).validate(fitting)
    if validation.error_messages:  # Core's words name every option of the spec.
        validation = ArgumentSpecValidator(argument_spec, **rules).validate(fitting)
    else:
        _complete(validation.validated_parameters, argument_spec)
    ours = [*misfits, *_not_texts(arguments, argument_spec)]
    core = error_texts(
        arguments, argument_spec, rules, validation.errors, validation.validated_parameters, some_are_said=bool(ours)
    )
    return validation, [*ours, *core]


def only_given(params: Any) -> Any:
    """The given options only: validation adds an entry for each of a rule's hundred and fifty."""
    if isinstance(params, dict):
        return {key: only_given(value) for key, value in params.items() if value is not None}
    return [only_given(item) for item in params] if isinstance(params, list) else params


def _concerned(spec: Mapping[str, Any], dictionaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The part of a spec that concerns what is given: core walks a spec a dozen times for each dictionary, and a rule
    has 150 options.

    :param dictionaries: the dictionaries that have this spec.
    """
    named = {option for dictionary in dictionaries for option in dictionary}
    return {
        option: _of_values(option_spec, option, dictionaries)
        for option, option_spec in spec.items()
        if option in named or not _UNASKED.isdisjoint(option_spec)
    }


def _of_values(
    option_spec: Mapping[str, Any], option: str, dictionaries: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """An option's spec, of whose own options only those are left that concern its values."""
    if not option_spec.get("options"):
        return option_spec
    values = [dictionary[option] for dictionary in dictionaries if dictionary.get(option) is not None]
    items = [item for value in values for item in (value if isinstance(value, list) else [value]) if item is not None]
    # Core reads a text as a dictionary.
    return (
        {**option_spec, "options": _concerned(option_spec["options"], items)}
        if all(isinstance(item, dict) for item in items)
        else option_spec
    )


def _complete(params: Any, spec: Mapping[str, Any]) -> None:
    """Adds every option that is not given, as core does for a whole spec."""
    for option, option_spec in spec.items():
        value = params.setdefault(option, None)
        if value and option_spec.get("options"):
            for item in value if isinstance(value, list) else [value]:
                _complete(item, option_spec["options"])


def _fitting(value: Any, option_spec: Mapping[str, Any], name: str, misfits: list[str]) -> Any:
    """The value without anything that is not a dictionary where the spec requires one: core's validator would fail with
    a TypeError.
    """
    if isinstance(option_spec, CheckedSpec):
        misfits += option_spec.errors(value, name)
    options = option_spec.get("options")
    if not options:
        return value
    is_list = option_spec.get("type") == "list"
    if isinstance(value, str):
        if name.endswith("]") and not _DICTIONARY.search(value):
            misfits.append(f"{name} is {value!r}, which is not a dictionary{_what_is_required(options)}")
            return None
        if not is_list or _DICTIONARY.search(value):
            return value
        value = value.split(",")  # as core does
    if value is None:
        misfits.append(f"{name} is null: give it a value, or leave it out")
        return None
    if is_list and isinstance(value, list):
        item_spec = {**option_spec, "type": "dict"}
        items = [_fitting(item, item_spec, f"{name}[{index}]", misfits) for index, item in enumerate(value)]
        return [item for item in items if item is not None]
    if not isinstance(value, Mapping):
        form = "a list of dictionaries" if is_list else "a dictionary"
        misfits.append(f"{name} is {value!r}, which is not {form}")
        return None
    return _fitting_options(value, options, f"{name}." if name else "", misfits)


def _what_is_required(options: Mapping[str, Any]) -> str:
    required = [option for option, spec in options.items() if spec.get("required")]
    return f": it needs {', '.join(required)}" if required else ""


def _fitting_options(
    values: Mapping[Any, Any], options: Mapping[str, Any], where: str, misfits: list[str]
) -> dict[str, Any]:
    """The options without null, and without those that are refused by name.

    YAML reads ``color: #0078d4`` as null with a comment. Core takes null for an option that is not given.
    """
    fitting = {}
    for key, value in values.items():
        option = str(key)
        spec = options.get(str(key))
        why = refusal(option) if spec is None else ""
        if why:
            misfits.append(f"{where}{option}: {why}")
            continue
        if spec is not None and value is None:
            misfits.append(f"{where}{option} is null: {_instead_of_null(spec)}, or omit {option}")
            continue
        fitting[option] = _fitting(value, spec or {}, f"{where}{option}", misfits)
    return fitting


def _instead_of_null(spec: Mapping[str, Any]) -> str:
    return "put it in quotes (YAML takes # for the beginning of a comment)" if _is_text(spec) else "give it a value"


def _is_text(spec: Mapping[str, Any]) -> bool:
    return spec.get("type", "str") in ("str", "path")


def _not_text(value: Any) -> str:
    """The value as YAML has it, and what to do."""
    if isinstance(value, (list, dict)):
        return f"{short(json.dumps(value, ensure_ascii=False))}, which is a {_KINDS[type(value)]}: give one text"
    return f"{json.dumps(value)}, which is not text: put it in quotes"


def _not_texts(arguments: Any, spec: Mapping[str, Any], where: str = "") -> list[str]:
    """An error for each text option whose value YAML did not read as text.

    Core silently turns ``yes`` into "True", ``5`` into "5" and ``[a]`` into "['a']", and mail flow rules are full of
    words.
    """
    errors: list[str] = []
    for option, value in arguments.items() if isinstance(arguments, dict) else ():
        option_spec = spec.get(option) or {}
        name = f"{where}{option}"
        if option in spec and _is_text(option_spec) and isinstance(value, (bool, list, dict)):
            errors.append(f"{name} is {_not_text(value)}")
        if isinstance(value, list) and option_spec.get("elements") in ("str", "path"):
            errors += [f"{name} contains {_not_text(item)}" for item in value if not isinstance(item, str)]
        if isinstance(value, dict) and option_spec.get("options"):
            errors += _not_texts(value, option_spec["options"], f"{name}.")
        if isinstance(value, list) and option_spec.get("options"):
            errors += [
                error
                for index, item in enumerate(value)
                for error in _not_texts(item, option_spec["options"], f"{name}[{index}].")
            ]
    return errors
