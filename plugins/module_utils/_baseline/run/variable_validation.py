# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables in a run: validated together, so that one error names all mistakes, and converted to their
types.
"""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..._engine.arguments import only_given, validate
from ..._exchange.errors import OptionError
from ..._exchange.spelling import meant
from ..._mail_flow.input.guarantee_options import declared_guarantees
from ..._mail_flow.input.messages import cases_of
from ..._resources.logo import refuse_other_files
from ..controls.controls import CONTROL_VARIABLES
from ..controls.findings import PREFIX
from ..documents.approval import REQUIRE_APPROVAL, refused_switch
from ..documents.report import DEFAULT_FORMATS, FILES
from ..procedures.procedure import KINDS
from .variables import known_variables, profile_values, variables_of

if TYPE_CHECKING:
    from ..procedures.baseline_context import BaselineContext

DEFAULT_DIRECTORY = "./message_encryption"


def variables_read(kind: str) -> set[str]:
    """The full names of the variables that a procedure reads. Of all others, only the names are checked."""
    return set(variables_of(KINDS[kind].entry if kind in KINDS else "main"))


#: Those that a report shows, or is written to.
REPORTED = {
    PREFIX + name
    for name in (
        "artifacts_dir",
        "artifacts_durable",
        "reports",
        "keep_runs",
        "change_reference",
        "approver",
        "approval_valid_until",
    )
}


def checked_variables(
    variables: Mapping[str, Any],
    kind: str,
    find_file: Callable[[str], bytes],
    given_on_launch: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The role's variables without their prefix, converted to their types. An OptionError names all mistakes.

    :param variables: by their full names. ``None`` leaves a control unmanaged; for all others, it means the default.
    :param given_on_launch: the names of those that are extra variables.
    """
    spec = variables_of(KINDS[kind].entry)
    errors = [unknown_variable(name) for name in sorted(set(variables) - known_variables())]
    errors += refused_switch(variables, given_on_launch) if REQUIRE_APPROVAL in spec else []
    validation, refused = validate(_values(variables, spec), {name: dict(row) for name, row in spec.items()})
    errors = [*refused, *errors]
    if errors:
        raise OptionError("; ".join(errors))
    checked = {
        name.removeprefix(PREFIX): value for name, value in validation.validated_parameters.items() if value is not None
    }
    if checked.get("keep_runs", 0) < 0:
        raise OptionError(f"{PREFIX}keep_runs must be 0 or more, not {checked['keep_runs']}.")
    if checked.get("messages"):
        now = datetime.datetime.now(datetime.UTC)
        checked["messages"] = cases_of(checked["messages"], find_file, now, f"{PREFIX}messages")
    if checked.get("guarantees"):
        checked["guarantees"] = declared_guarantees(only_given(checked["guarantees"]), f"{PREFIX}guarantees")
    _check_publisher(str(checked.get("artifacts_publish") or ""), find_file)
    if checked.get("branding"):
        checked["branding"] = _with_picture(checked["branding"], find_file)
    return checked


def _values(variables: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the variables of a spec that have one, with those of the profile, by their full names."""
    own_values = {
        name: value
        for name, value in variables.items()
        if value is not None or name.removeprefix(PREFIX) in CONTROL_VARIABLES
    }
    with_profile = {**profile_values(variables.get(f"{PREFIX}profile")), **own_values}
    values = {name: _from_text(value, spec[name]) for name, value in with_profile.items() if name in spec}
    return {name: value for name, value in values.items() if value is not None}


def _check_publisher(publisher: str, find_file: Callable[[str], bytes]) -> None:
    """Refuses a task file that is not there. Only Ansible knows where it searches for paths that are not absolute."""
    if publisher.startswith("/"):
        remedy = "Set it to the path of a task file on the controller."
        _from_file(find_file, publisher, f"{PREFIX}artifacts_publish", remedy)


def _with_picture(branding: Mapping[str, Any], find_file: Callable[[str], bytes]) -> Mapping[str, Any]:
    """A branding with the content of its picture instead of the path, if it has one."""
    path = branding.get("image_path")
    if not path:
        return branding
    picture = _from_file(find_file, path, f"{PREFIX}branding.image_path")
    refuse_other_files(picture, f"{PREFIX}branding.image_path {path!r}")
    content = base64.b64encode(picture).decode("ascii")
    return {**branding, "image_path": None, "image_content": content}


def _from_file(find_file: Callable[[str], bytes], path: str, option: str, remedy: str = "") -> bytes:
    """The content of a file that a variable names. An OptionError names the variable."""
    try:
        return find_file(path)
    except OptionError as error:
        raise OptionError(f"{option}: {error}", remedy=remedy) from error


def unknown_variable(name: str) -> str:
    """The error about an unknown variable, which is almost always misspelled."""
    return f"{name} is not a variable of this role{meant(name, known_variables())}"


def _from_text(value: Any, row: Mapping[str, Any]) -> Any:
    """A value that ``-e name=value`` may have turned into text: a list as a refusal prints it, or a dictionary that can
    also be true, which means the rule with its defaults, or false, which means no rule.
    """
    if row["type"] == "list" and isinstance(value, str) and re.fullmatch(r"\s*\[[^\[\]{}]*\]\s*", value):
        parts = (part.strip() for part in value.strip()[1:-1].split(","))
        return [part.strip("'\"") for part in parts if part]
    if row["type"] != "dict":
        return value
    try:
        return {} if boolean(value) else None
    except TypeError:
        return value


def for_report(task: BaselineContext) -> dict[str, Any]:
    """The few variables that a report shows, not validated, because a run that is refused for its variables is
    reported, too.
    """
    return {name.removeprefix(PREFIX): value for name, value in (task.params["variables"] or {}).items()}


def directory_of(variables: Mapping[str, Any]) -> str:
    """The directory of the artifacts of all organizations."""
    return str(variables.get("artifacts_dir") or DEFAULT_DIRECTORY)


def report_files(variables: Mapping[str, Any]) -> set[str]:
    """The names of the files that a report has. Where the wish for its formats is wrong, which the preflight refuses,
    they are those of the default.
    """
    formats = _wished_formats(variables.get("reports"))
    return {file for form in {*formats, "json"} for file in FILES[form]}


def _wished_formats(wish: Any) -> Sequence[str]:
    if wish is None:
        return DEFAULT_FORMATS
    name = f"{PREFIX}reports"
    row = dict(variables_of("main")[name])
    validation, refused = validate({name: _from_text(wish, row)}, {name: row})
    return DEFAULT_FORMATS if refused else validation.validated_parameters[name]


def owners_of(variables: Mapping[str, Any]) -> list[str]:
    """The users that may own artifacts, besides root and the user of the run. Anything but a list is refused with the
    other variables.
    """
    owners = variables.get("artifacts_owners")
    return [str(owner) for owner in owners] if isinstance(owners, list) else []
