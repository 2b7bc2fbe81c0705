# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of every JSON artifact, and digests of what artifacts say.

An artifact is a list of one object and the words "not variables": JSON has no way to say that a text is only a text,
and an artifact is full of what an organization's people wrote. Ansible takes mappings for variables, and in
``vars_files`` lists of mappings, too (``ansible.vars.manager.preprocess_vars``). A list with anything else in it is
refused wherever Ansible reads variables, an inventory or plays, so that it templates nothing of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

#: The version of the collection, which every artifact names.
VERSION = "1.0.0"

#: So much of a number that is refused is shown, in characters.
_SHOWN = 20

#: What makes the list none of mappings.
NOT_VARIABLES = "not variables"


def document_text(document: Mapping[str, Any]) -> str:
    """A document as an artifact has it, in ASCII."""
    return json.dumps([document, NOT_VARIABLES], indent=2) + "\n"


def document_line(document: Mapping[str, Any]) -> str:
    """A document as one line of an artifact of lines, in ASCII."""
    return json.dumps([document, NOT_VARIABLES]) + "\n"


class AmbiguousError(ValueError):
    """JSON that one reader takes for something else than another does."""


def json_of(content: bytes) -> Any:
    """The value of a JSON text.

    :raises AmbiguousError: an object has a key twice, or a number is larger than a float can be.
    :raises ValueError: it is not JSON, or is nested too deeply. JSON knows neither NaN nor Infinity.
    """
    try:
        return json.loads(content, object_pairs_hook=_once, parse_constant=_constant, parse_float=_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _value in pairs]
        raise AmbiguousError(
            f"an object in it has the key {next(name for name in mapping if names.count(name) > 1)!r} twice"
        )
    return mapping


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise AmbiguousError(f"the number {text[:_SHOWN]} in it is too large")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def document_of(content: bytes) -> dict[str, Any]:
    """The document of an artifact. A ValueError says what it is instead."""
    try:
        content_read = json_of(content)
    except AmbiguousError:
        raise
    except ValueError as error:
        raise ValueError("it is not JSON, or is truncated") from error
    if not (
        isinstance(content_read, list)
        and len(content_read) == 2
        and isinstance(content_read[0], dict)
        and content_read[1] == NOT_VARIABLES
    ):
        raise ValueError(
            f'it is not a list of one object and "{NOT_VARIABLES}", as every artifact of this collection is'
        )
    document: dict[str, Any] = content_read[0]
    return document


def exact_digest(value: Any) -> str:
    """``sha256:`` and the digest of a value's one JSON text: keys sorted, no space, UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def normal(value: Any) -> Any:
    """The value in the form that is compared and digested: the order of words in a list is ignored, and line breaks are
    ``\\n``.
    """
    if isinstance(value, Mapping):
        return {str(key): normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [normal(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def digest_of(value: Any) -> str:
    """``sha256:`` and the digest of the value's normal form."""
    return exact_digest(normal(value))
