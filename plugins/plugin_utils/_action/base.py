# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of all action plugins: it runs a module's ``run()`` in the worker process.

It does for actions what core does for modules: it reports all argument errors at once under the module's own name,
converts tagged values to plain ones, removes ``no_log`` values, shows warnings and the diff, and turns errors into
results in one place.
"""

from __future__ import annotations

import datetime
import inspect
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils import display
from ansible.utils.display import Display

from ...module_utils._engine.arguments import only_given, validate
from ...module_utils._engine.context import ModuleContext
from ...module_utils._engine.entry import CONNECTION, INVENTORY_HELP
from ...module_utils._exchange.cmdlet import Session
from ...module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    OptionError,
    UnreachableError,
    defect,
)
from ...module_utils._exchange.permissions import GRANTED_BY
from ...module_utils._exchange.tenant import SessionDescription
from ...module_utils._exchange.text import MOST_COLUMNS, folded, visible
from .._transports.regular_file import content_of
from .diff import as_text, diff

# Core loads action plugins before it forks. What is imported here is imported once instead of in every worker: the
# modules of the actions, and the connection plugin, whose options are in its documentation, which must be parsed.
connection_loader.get(CONNECTION, class_only=True)


#: From this verbosity on, Ansible prints the options of a task.
_SHOWS_INVOCATION = 3

#: The fewest columns that sentences are folded to.
_LEAST_COLUMNS = 40


class ModuleAction(ActionBase):
    """Runs a module in this process."""

    #: The module, with ``SPEC`` and ``run``.
    module: ClassVar[ModuleType]

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result. Every refusal of the collection becomes one sentence."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = str(task_vars.get("inventory_hostname"))
        gone = folders_of_job(task_vars)
        # Core also sends them to the main process, with the result. Their tags take most of the time.
        self._task.args = plain(self._task.args)
        validation, errors = validate(self.arguments(task_vars), **{"argument_spec": {}, **self.module.SPEC})
        params = validation.validated_parameters
        if errors:
            return shown({"failed": True, "msg": f"{self._task.resolved_action}: {'; '.join(errors)}"}, gone)
        task = self.make_task(
            task_vars,
            params=params,
            check_mode=self._task.check_mode,
            session=self._connection,
            graph=self._graph,
            mailboxes=self._mailboxes,
            describe=getattr(self._connection, "describe", SessionDescription),
            find_file=self._find_content,
            say=lambda text: show_folded(f"[{host}] {shown_text(text, gone)}"),
        )
        result = self._outcome(task)
        if "changes" in result:
            result.setdefault("msg", summary(result["changes"], check_mode=task.check_mode))
        if warnings := [*map(_warning_text, validation._warnings), *map(str, task.warnings)]:
            result["warnings"] = warnings
        if self._task.diff and result.get("changes"):
            self._add_diff(result, task, host)
        result = shown(result, gone)
        result |= self.invocation(params)
        secrets = {*validation._no_log_values, *self.secrets(params)}
        return self._printed(remove_values(result, secrets) if secrets else result)

    def _add_diff(self, result: dict[str, Any], task: ModuleContext, host: str) -> None:
        """Adds the diff to a result with changes, and shows it where Ansible does not."""
        sides = {side: visible(text) for side, text in diff(result["changes"], task.places).items()}
        result["diff"] = {**sides, "before_header": host, "after_header": host}
        # Ansible itself shows it only for a task that has changed something and succeeded. Drift can make one fail that
        # has no error.
        if not result.get("changed") and "error" not in result:
            show(as_text(sides, host))

    def _printed(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result. With ``-v``, Ansible prints its data: if that has invisible characters, it is printed here instead,
        with these made visible.
        """
        verbosity = Display().verbosity
        if not verbosity or self._task.no_log or "_ansible_no_log" in result:
            return result
        data = {name: value for name, value in result.items() if name != "diff"}
        shown = _shown(data)
        if shown == data:
            return result
        if verbosity < _SHOWS_INVOCATION:
            shown.pop("invocation", None)
        show(json.dumps(shown, indent=4, ensure_ascii=False, sort_keys=True, default=str))
        return {**result, "_ansible_verbose_override": True}

    def invocation(self, params: dict[str, Any]) -> dict[str, Any]:
        """The key of the result with the given options. Ansible shows it with ``-vvv``."""
        return {"invocation": {"module_args": only_given(params)}}

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The secrets in the options, beside those that the argument spec marks."""
        return set()

    def organization(self) -> str:
        """The organization of the task's connection, from the connection's options. This also holds for delegated
        tasks.
        """
        own = self._connection.transport == CONNECTION
        return str((own and self._connection.get_option("exchange_organization")) or self._play_context.remote_addr)

    def arguments(self, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """The task's arguments before validation, as plain values."""
        return self._task.args  # type: ignore[no-any-return]

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ModuleContext:
        """The module context for the module's ``run``."""
        return ModuleContext(**fields)

    def _outcome(self, task: ModuleContext) -> dict[str, Any]:
        return self._attempt(lambda: self._run(task))

    def _run(self, task: ModuleContext) -> dict[str, Any]:
        self.check_connection()
        return self.module.run(task)  # type: ignore[no-any-return]

    @staticmethod
    def _attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of the work, or what its error says."""
        try:
            return work()
        except AnsibleError:
            raise
        except Exception as failure:
            error = failure if isinstance(failure, ExchangeError) else defect(failure)
            if isinstance(error, CmdletNotAvailableError) and error.cmdlet in GRANTED_BY:
                error.remedy = f"{error.remedy} {error.cmdlet} requires {GRANTED_BY[error.cmdlet]}.".strip()
            where = {"class": type(error).__name__, "cmdlet": error.cmdlet, "error_id": error.error_id}
            # Core treats a result with both keys as failed.
            kind = "unreachable" if isinstance(error, UnreachableError) else "failed"
            return {
                kind: True,
                "msg": str(error),
                "error": {key: text for key, text in where.items() if text},
                **error.result,
            }

    def check_connection(self) -> None:
        """Refuses to run over a connection to anything but an organization."""
        if self._connection.transport != CONNECTION:
            raise OptionError(
                f"The connection of this host is {self._connection.transport!r}, not {CONNECTION!r}. {INVENTORY_HELP}"
            )

    def _graph(self) -> Session:
        return self._connection.graph()  # type: ignore[no-any-return]

    def _mailboxes(self) -> Session:
        return self._connection.graph(mailboxes=True)  # type: ignore[no-any-return]

    def _find_content(self, path: str) -> bytes:
        """A file's content. Searches for relative paths as ``copy`` does: in the role's files, beside the playbook."""
        try:
            file = self._find_needle("files", path)
            return content_of(self._loader.get_real_file(file, decrypt=True))
        except (AnsibleFileNotFound, OSError) as error:
            raise OptionError(f"The file {path!r} cannot be read.", remedy=_why_unread(path, error)) from error


def _warning_text(warning: str | Mapping[str, Any]) -> str:
    """A warning of core's validation, which is a text or has one."""
    return str(warning["msg"] if isinstance(warning, Mapping) else warning)


def _why_unread(path: str, error: Exception) -> str:
    """Why a file cannot be read. Core's words are those of ``copy``, which has other options."""
    places = list(
        dict.fromkeys(re.findall(r"^\s+(/\S.*?)(?: on the Ansible Controller\.)?$", str(error), re.MULTILINE))
    )
    if places:
        return f"Searched for: {', '.join(places)}."
    if os.path.isdir(path):
        return "It is a folder: give a file."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return "There is no such file." if not os.path.exists(path) else str(error)


#: The number of settings that a summary names.
_NAMED = 5


def summary(changes: Sequence[Mapping[str, Any]], *, check_mode: bool) -> str:
    """One line about what a task changed or would change."""
    if not changes:
        return "No change."
    alike = len({(change["resource"], change["identity"]) for change in changes}) == 1
    names = [
        change["option"] if alike or not change["identity"] else f"{change['option']} of {change['identity']}"
        for change in changes
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    count = f"{len(names)} setting{'s' if len(names) > 1 else ''}"
    return f"{'Would change' if check_mode else 'Changed'} {count}: {', '.join(names[:_NAMED])}{more}."


def shown(result: dict[str, Any], gone: Sequence[str] = ()) -> dict[str, Any]:
    """The result with invisible characters made visible: names and texts from an organization or a service may contain
    anything.

    Ansible prints a failed result as a whole. Of any other, data stays as it is.

    :param gone: folders that do not outlast the run, whose files are named without them.
    """
    printed = result if result.keys() & {"failed", "unreachable"} else ("msg", "warnings", "diff", "error")
    return {name: _shown(value, gone) if name in printed else value for name, value in result.items()}


def _shown(value: Any, gone: Sequence[str] = ()) -> Any:
    if isinstance(value, Mapping):
        return {_shown(key, gone): _shown(item, gone) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item, gone) for item in value]
    return shown_text(value, gone) if isinstance(value, str) else value


def shown_text(text: str, gone: Sequence[str]) -> str:
    """A text as people see it. See :func:`shown`."""
    text = visible(text)
    for folder in gone:
        text = text.replace(folder, "")
    return text


def folders_of_job(task_vars: Mapping[str, Any]) -> list[str]:
    """The folders of a job of AWX, which are gone after it, the inner one first; none elsewhere.

    A job works in ``project`` of its own folder: ``/runner``, as its container has it.
    """
    if not any(name in task_vars for name in ("awx_job_id", "tower_job_id")):
        return []
    here = Path.cwd()
    return [f"{here}/", f"{here.parent}/"] if here.name == "project" else [f"{here}/"]


def plain(value: Any) -> Any:
    """The value without Ansible's tags: CLIXML and comparisons by type do not accept subclasses of ``str`` and ``int``."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    for base in (int, float):
        if isinstance(value, base):
            return base(value)
    return str(value)


def show(text: str) -> None:
    """Shows a text now, before the task has a result.

    ansible-runner wraps core's method. Before 2.4.2 its wrapper writes marks to the worker's own output, of which core
    warns. So this calls the outermost function that core itself defines: it hands the text to the main process, where
    ansible-runner sees it.
    """
    own = inspect.unwrap(Display.display, stop=lambda function: function.__globals__["__name__"] == display.__name__)
    # Whoever reads results as JSON finds nothing else among them.
    own(Display(), text, stderr="json" in C.DEFAULT_STDOUT_CALLBACK)


def columns_of(descriptor: int) -> int:
    """The most columns of a line on whatever an open file is: the width of a terminal, but no more than of any.

    :param descriptor: the number of the file.
    """
    try:
        columns = os.get_terminal_size(descriptor).columns
    except OSError:  # No terminal.
        return MOST_COLUMNS
    # A terminal that does not know its width says 0.
    return max(_LEAST_COLUMNS, min(columns, MOST_COLUMNS)) if columns else MOST_COLUMNS


#: The width of the terminal on which Ansible was started. A worker has none: core loads this plugin before it starts one.
COLUMNS = columns_of(1)


def show_folded(text: str) -> None:
    """Shows sentences now, none wider than the terminal."""
    show("\n".join(folded([text], COLUMNS)))
