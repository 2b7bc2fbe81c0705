# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validating arguments: every error at once, and none of core's silent conversions to text. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.suggestions import hints


def validate(arguments: dict[str, Any], argument_spec: Mapping[str, Any], **rules: Any) -> tuple[ValidationResult, list[str]]:
    """Core's validation, and its errors as sentences.

    :param arguments: plain values.
    :param rules: what core's validator takes beside the spec (``mutually_exclusive`` and the like).
    """
    misfits: list[str] = []
    fitting = {option: _fitting(value, argument_spec.get(option) or {}, option, misfits) for option, value in arguments.items()}
    validation = ArgumentSpecValidator(argument_spec, **rules).validate(fitting)
    errors = [*misfits, *_not_texts(arguments, argument_spec), *(_sentence(error) for error in validation.errors)]
    return validation, [*errors, *(hints(arguments, argument_spec) if errors else [])]


def _fitting(value: Any, row: Mapping[str, Any], name: str, misfits: list[str]) -> Any:
    """The value without what is no dictionary where the spec wants one: core's validator ends in a TypeError over a number or a boolean there."""
    if not row.get("options") or value is None or isinstance(value, str):
        return value
    if row.get("type") == "list" and isinstance(value, list):
        return [_fitting(item, {**row, "type": "dict"}, f"{name}[{index}]", misfits) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        misfits.append(f"{name} is {value!r}, which is not {'a list of dictionaries' if row.get('type') == 'list' else 'a dictionary'}")
        return None
    return {key: _fitting(item, row["options"].get(key) or {}, f"{name}.{key}", misfits) for key, item in value.items()}


def _sentence(error: Exception) -> str:
    """An argument error as core words it; core says of an unknown option only its name."""
    return f"Unsupported parameters: {error}" if isinstance(error, UnsupportedError) else str(error)


def _not_texts(arguments: Any, spec: Mapping[str, Any], where: str = "") -> list[str]:
    """An error for each value that YAML read as something else than the text that it was meant to be.

    Core turns ``yes`` into "True" and ``5`` into "5" without a word, and a mail flow rule is full of words.
    """
    errors: list[str] = []
    for option, value in arguments.items() if isinstance(arguments, dict) else ():
        row = spec.get(option) or {}
        name = f"{where}{option}"
        if row.get("type") == "str" and isinstance(value, bool):
            errors.append(f"{name} is {str(value).lower()}, which is not text: put it in quotes")
        if isinstance(value, list) and row.get("elements") == "str":
            errors += [f"{name} has {item!r}, which is not text: put it in quotes" for item in value if not isinstance(item, str)]
        if isinstance(value, dict) and row.get("options"):
            errors += _not_texts(value, row["options"], f"{name}.")
        if isinstance(value, list) and row.get("options"):
            errors += [error for index, item in enumerate(value) for error in _not_texts(item, row["options"], f"{name}[{index}].")]
    return errors
