# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the action that tests mail flow: it can work without an organization, and reads files."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ...module_utils._engine.context import ModuleContext
from ...module_utils._engine.entry import CONNECTION
from ...module_utils._exchange.document import AmbiguousError, document_text, json_of
from ...module_utils._exchange.errors import OptionError
from ...module_utils._mail_flow.experiment.experiment_context import AbandonedRecord, ExperimentContext
from ...module_utils._mail_flow.input.rule_sources import MailFlowContext
from ...module_utils._mail_flow.wording.suggestion_row import SuggestionRow
from ...module_utils._mail_flow.wording.suggestions import suggestion_texts
from .._transports.smtp import PORTS, SmtpServer
from .base import ModuleAction, show
from .diff import to_yaml
from .files import read_json, write_file

#: The verbosity from which on Ansible shows the options of a task.
_SHOWN_FROM = 3


class _Loader(yaml.SafeLoader):
    """Reads an export: a text marked as unsafe is plain text, and nothing is ever templated."""


def _construct_text(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value)


_Loader.add_constructor("!unsafe", _construct_text)


class MailFlowAction(ModuleAction):
    """Runs the module with access to files of rules."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> MailFlowContext:
        """A module context that can read an export, a snapshot or a capture."""
        connected = self._connection.transport == CONNECTION
        return MailFlowContext(**fields, load=self._load, to_yaml=to_yaml, connected=connected)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result, with a diff if one is requested. Shows those of suggestions."""
        result = super().run(tmp, task_vars)
        if not self._task.diff:
            result.pop("diff", None)
            return result
        # Ansible itself shows a diff only for a task that has changed something.
        for text in suggestion_texts(map(SuggestionRow.from_row, result.get("suggestions") or ())):
            show(text)
        return result

    def invocation(self, params: dict[str, Any]) -> dict[str, Any]:
        """Only where Ansible shows it: core copies a result several times, and rules and messages are most of it."""
        return super().invocation(params) if Display().verbosity >= _SHOWN_FROM else {}

    def check_connection(self) -> None:
        """Requires an organization only if something must be read from it."""
        arguments: Mapping[str, Any] = self._task.args
        from_files = arguments.get("source") or (
            arguments.get("rules") is not None and arguments.get("facts") is not None
        )
        asks = arguments.get("references") or boolean(arguments.get("compliance") or False, strict=False)
        if asks or not from_files:
            super().check_connection()

    def _load(self, path: str) -> Any:
        return loaded(self._find_content(path), path)


class MailFlowReplayAction(MailFlowAction):
    """Runs the module with access to files of rules and of message traces."""

    def _run(self, task: ModuleContext) -> dict[str, Any]:
        """Shows the counts, but hides a result that names people, as if the task had ``no_log``."""
        result = super()._run(task)
        if task.params["examples"]:
            for line in result["msg"].splitlines():
                task.say(line)
            result["_ansible_no_log"] = True
        return result

    def check_connection(self) -> None:
        """Requires an organization unless rules, facts and trace come from files."""
        if self._task.args.get("trace") is not None:
            super().check_connection()
        else:
            ModuleAction.check_connection(self)


class MailFlowEvidenceAction(MailFlowReplayAction):
    """Runs the module with access to files of message traces. Only an organization has reports."""

    def check_connection(self) -> None:
        """Requires an organization."""
        ModuleAction.check_connection(self)


class MailFlowExperimentAction(MailFlowAction):
    """Runs the module with access to files of messages, to the record of what was sent, and to a mail server. Only an
    organization treats mail.
    """

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ExperimentContext:
        """A module context that can send mail, and keep a record of it."""
        connected = self._connection.transport == CONNECTION
        return experiment_context(self, **fields, load=self._load, connected=connected)

    def check_connection(self) -> None:
        """Requires an organization."""
        ModuleAction.check_connection(self)


def experiment_context(action: ModuleAction, **fields: Any) -> ExperimentContext:
    """The context of a task that sends mail and keeps a record of it, for an action that does so."""
    return ExperimentContext(
        **fields,
        to_yaml=to_yaml,
        record_file=lambda path: OwnerFile(Path(action._loader.path_dwim(path))),
        hold=lambda path: held(Path(action._loader.path_dwim(path))),
        abandoned=lambda path: abandoned_beside(Path(action._loader.path_dwim(path))),
        until_cleaned_up=ending_once,
        mail_server=lambda options: _mail_server(action, options),
        sleep=time.sleep,
    )


def _mail_server(action: ModuleAction, options: Mapping[str, Any]) -> SmtpServer:
    security = str(options["smtp_security"])
    return SmtpServer(
        host=str(options["smtp_host"]),
        port=int(options["smtp_port"] or PORTS[security]),
        security=security,
        username=str(options["smtp_username"] or ""),
        password=str(options["smtp_password"] or ""),
        authorities=str(action._connection.get_option("exchange_ca_cert") or ""),
    )


class OwnerFile:
    """A JSON file that only its owner can read, written completely or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Whether it is there."""
        return self._path.exists()

    def create(self, document: Mapping[str, Any]) -> None:
        """Makes it. Of two runs, one does.

        :raises OptionError: it exists, or cannot be written.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        except FileExistsError:
            raise OptionError(
                f"The file {self._path} exists, and may be the record of another experiment.",
                remedy="Name another file, or read it with read_only: true, which also removes temporary rules that it left.",
            ) from None
        except OSError as error:
            raise OptionError(f"The file {self._path} cannot be written: {error.strerror}.") from error
        self.write(document)

    def write(self, document: Mapping[str, Any]) -> None:
        """Replaces it.

        :raises OptionError: it cannot be written.
        """
        write_file(self._path, document_text(document).encode("ascii"), option="record")

    def read(self) -> Mapping[str, Any]:
        """The document that the file holds.

        :raises OptionError: it cannot be read.
        """
        return read_json(self._path)


#: What stands behind the name of a record while its run goes on. The file is locked then; one that is not locked is of a run that
#: died.
_HELD = ".lock"


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Holds a record: others see that its run goes on. Gives whether it is held by nobody else."""
    lock = path.with_name(path.name + _HELD)
    with _locking(lock, os.O_CREAT) as is_ours:
        yield is_ours
        if is_ours:
            lock.unlink(missing_ok=True)


@contextmanager
def _locking(lock: Path, flags: int = 0) -> Iterator[bool]:
    """Locks a file until the block ends. Gives whether it is locked: it is not if another process has locked it.

    :param flags: those for opening the file that only some locks have.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Locks a file. Returns false if another process has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def abandoned_beside(path: Path) -> Iterator[AbandonedRecord]:
    """The records in the folder of a record that a run of our user held and no longer holds."""
    for lock in sorted(path.parent.glob(f"*{_HELD}")):
        record = lock.with_name(lock.name.removesuffix(_HELD))
        if record == path or not record.is_file() or record.stat().st_uid != os.getuid():
            continue
        with suppress(OSError, OptionError), _locking(lock) as is_abandoned:
            if is_abandoned:
                yield AbandonedRecord(read_json(record), partial(lock.unlink, missing_ok=True), str(record))


@contextmanager
def ending_once() -> Iterator[None]:
    """While it lasts, the first signal to end raises ``SystemExit``, so that whoever is in it cleans up, and others do nothing."""
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def end(number: int, frame: object) -> None:
        for which in signals:
            signal.signal(which, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {which: signal.signal(which, end) for which in signals}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def loaded(content: bytes, path: str) -> Any:
    """The content of a YAML or JSON file. Raises OptionError if it cannot be read."""
    try:
        # Not every JSON is YAML: a pair of surrogates is one character only in JSON, and large captures would take
        # minutes.
        return json_of(content)
    except AmbiguousError as error:
        raise OptionError(f"The file {path} is ambiguous: {error}.", remedy="Correct it.") from error
    except ValueError:
        pass
    try:
        return yaml.load(content.decode("utf-8"), Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except RecursionError:
        raise OptionError(
            f"The file {path} is nested too deeply.", remedy="Give a file that this collection wrote."
        ) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise OptionError(f"The file {path} is neither YAML nor JSON: {_why_not_yaml(error)}.") from error


def _why_not_yaml(error: Exception) -> str:
    """What the parser found, and where."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    if mark is None or not problem:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {' '.join(str(problem).split())}"
