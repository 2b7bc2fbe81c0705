# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the role's own actions: it gives their modules access to the files of the organization."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.release import __version__ as ansible_version
from ansible.utils.helpers import pct_to_int
from ansible.utils.vars import load_extra_vars

from ...module_utils._baseline.controls.controls import CONTROL_VARIABLES
from ...module_utils._baseline.controls.effect_on_mail import EffectOnMail
from ...module_utils._baseline.controls.findings import PREFIX
from ...module_utils._baseline.procedures.baseline_context import BaselineContext
from ...module_utils._baseline.run.variable_validation import directory_of, owners_of, variables_read
from ...module_utils._engine.arguments import validate
from ...module_utils._engine.context import ModuleContext
from ...module_utils._exchange.errors import OptionError
from ...module_utils._exchange.text import folded
from ...module_utils._mail_flow.wording.screen import WordedResult
from ...module_utils._mail_flow.wording.suggestions import suggestion_lines
from ...module_utils._mail_flow.wording.summary import difference_lines, verdict_lines
from .artifact_files import ArtifactFiles
from .base import COLUMNS, ModuleAction, folders_of_job, plain, show, show_folded, shown_text
from .diff import to_yaml
from .folders import RunFolder
from .mail_flow import experiment_context

#: Option to the variable that has its value.
_VARIABLES = {
    "run_tags": "ansible_run_tags",
    "skip_tags": "ansible_skip_tags",
    "expected_organization": "ansible_exchange_organization",
    "only_control_tags": "__hardened_baseline_only_control_tags",
    "rings": "__hardened_baseline_in_rings",
    "verify_timeout": f"{PREFIX}verify_timeout",
}

#: What AWX says of the job, and the variables that say it; the first one counts.
_AWX = {
    "workflow_job_id": ("awx_workflow_job_id", "tower_workflow_job_id"),
    "job_id": ("awx_job_id", "tower_job_id"),
    "user": ("awx_user_name", "tower_user_name"),
    "job_template": ("awx_job_template_name", "tower_job_template_name"),
    "inventory": ("awx_inventory_name", "tower_inventory_name"),
    "project_revision": ("awx_project_revision", "tower_project_revision"),
}


class BaselineAction(ModuleAction):
    """Runs one of the role's modules.

    If an organization cannot be reached, the task fails here instead of marking the host as unreachable: for an
    unreachable host, core runs neither ``always`` nor later plays, and a report must still be written.
    """

    def arguments(self, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """The task's arguments, and the role's variables as the host has them.

        All variable names are included so that a misspelled one is found, but only the values that this procedure uses:
        what another procedure needs may be undefined now.
        """
        arguments: Mapping[str, Any] = super().arguments(task_vars)
        if "variables" in arguments:
            return arguments
        read = self.variables_read(str(arguments.get("procedure")))
        variables = {
            name: self._templar.template(value) if name in read else None
            for name, value in task_vars.items()
            if name.startswith(PREFIX)
        }
        params: Mapping[str, Any] = plain({**self._from_variables(task_vars), **arguments, "variables": variables})
        return params

    def _from_variables(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The options whose values the run itself has, for a task that does not set them. A template in the task would
        cost a thousand hosts a second each.
        """
        options = self.module.SPEC["argument_spec"]
        params = {
            option: self._templar.template(task_vars[name])
            for option, name in _VARIABLES.items()
            if option in options and name in task_vars
        }
        if "awx" in options:
            params["awx"] = {
                key: self._templar.template(task_vars[name])
                for key, names in _AWX.items()
                for name in names[::-1]
                if name in task_vars
            }
        return params

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The secrets in the role's variables."""
        variables = params.get("variables") or {}
        return {
            str(value[option])
            for name, variable in CONTROL_VARIABLES.items()
            if isinstance(value := variables.get(PREFIX + name), Mapping)
            for option, spec in variable.spec.get("options", {}).items()
            if spec.get("no_log") and value.get(option)
        }

    def variables_read(self, procedure: str) -> set[str]:
        """The full names of the variables that the module reads."""
        return variables_read(procedure)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result. Where differences are asked for, it also has the effect on mail."""
        result = super().run(tmp, task_vars)
        # Of replays, a task's result has only counts.
        written = {name: part for name, part in (result.get("mail") or {}).items() if name != "replay"}
        mail = EffectOnMail.from_row(written)
        gone = folders_of_job(task_vars or {})
        lines = [shown_text(line, gone) for line in _effect_lines(mail)] if self._task.diff else []
        lines += mail.unseen_lines if lines else []
        if lines:
            host = str((task_vars or {}).get("inventory_hostname"))
            text = "\n".join([f"{host}: effect on mail", *folded((f"  {line}" for line in lines), COLUMNS), ""])
            if result.get("changed") and not result.get("failed") and "diff" in result:
                result["diff"] = [result["diff"], {"prepared": text}]
            else:
                # Of a result that changes nothing, or has failed, Ansible shows no difference.
                show(text.rstrip())
        return result

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> BaselineContext:
        """A module context with access to the organization's files and the run."""
        host = str(task_vars["inventory_hostname"])
        # This directory belongs to the playbook and lasts as long as the run.
        run = RunFolder.in_directory(
            C.DEFAULT_LOCAL_TMP, str(task_vars.get("awx_workflow_job_id", task_vars.get("tower_workflow_job_id", "")))
        )
        procedure = fields["params"]["procedure"]
        hosts = task_vars.get("ansible_play_hosts_all") or [host]
        reachable = set(task_vars.get("ansible_play_hosts", hosts))
        return BaselineContext(
            **fields,
            host=host,
            hosts=hosts,
            lost=[other for other in hosts if other not in reachable],
            batch=task_vars.get("ansible_play_batch") or [host],
            ansible_version=ansible_version,
            ring_of=lambda other: self._ring(other, task_vars),
            results_of=lambda other: _results(task_vars["hostvars"][other], fields["params"].get("results") or ()),
            command=command_of(context.CLIARGS),
            artifacts=lambda variables: ArtifactFiles(
                directory_of(variables), host, run, procedure, owners_of(variables)
            ),
            experiment=lambda options: self._experiment(options, fields),
            show=lambda line: show_folded(shown_text(line, folders_of_job(task_vars))),
            to_yaml=to_yaml,
            folders_of_job=folders_of_job(task_vars),
            # Core read them at the start and returns its cached copy.
            given_on_launch=frozenset(
                str(name) for name in load_extra_vars(self._loader) if str(name).startswith(PREFIX)
            ),
        )

    def _experiment(self, options: Mapping[str, Any], fields: Mapping[str, Any]) -> WordedResult:
        """Sends test messages as ``mail_flow_experiment`` does, in check mode none.

        :param fields: those of this task's context.
        """
        # It brings the solver, which no other task of the role without mail needs.
        from ...module_utils._mail_flow.tasks.experiment import run_experiment
        from ...modules import mail_flow_experiment

        validation, errors = validate(dict(options), mail_flow_experiment.SPEC["argument_spec"])
        if errors:
            raise OptionError("; ".join(errors))
        task = experiment_context(
            self, **{**fields, "params": validation.validated_parameters}, load=self._find_content, connected=True
        )
        return run_experiment(task)

    def _ring(self, host: str, task_vars: Mapping[str, Any]) -> str:
        """The ring of a host: its variable ``exchange_ring``, else the number of the batch of the play that it is in;
        empty if that is the only one.
        """
        own = task_vars if host == task_vars.get("inventory_hostname") else task_vars["hostvars"][host]
        named = str(self._templar.template(own.get("exchange_ring") or ""))
        hosts, batch = (
            list(task_vars.get("ansible_play_hosts_all") or ()),
            list(task_vars.get("ansible_play_batch") or ()),
        )
        if named or len(batch) >= len(hosts) or host not in hosts:
            return named
        rings = plain(self._templar.template(task_vars.get(f"{PREFIX}rings") or [1, "10%", "100%"]))
        return str(ring_of(hosts.index(host), len(hosts), rings if isinstance(rings, list) else [rings]))

    def _outcome(self, task: ModuleContext) -> dict[str, Any]:
        outcome = super()._outcome(task)
        if outcome.pop("unreachable", False):
            outcome["failed"] = True
        return outcome


def _effect_lines(mail: EffectOnMail) -> Iterator[str]:
    """What a plan does to mail, the verdicts on guarantees, and edits that would put these right, as lines."""
    if mail.difference is not None:
        yield from difference_lines(mail.difference, mail.difference_more, mail.observed)
    yield from verdict_lines(mail.guarantees)
    yield from suggestion_lines(mail.suggestions)


def _results(variables: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """What tasks registered under these names, in order. A name that is not a variable stands for a task that did not
    run.
    """
    return [plain(variables[name]) for name in names if isinstance(variables.get(name), Mapping)]


def ring_of(place: int, hosts: int, rings: Sequence[Any]) -> int:
    """The number of the ring of a host, as ``serial`` makes them.

    :param place: of the host among all hosts of the play, from 0.
    :param rings: the value of ``serial``: numbers and percentages. The last one repeats.
    """
    number, end = 0, 0
    while end <= place:
        end += max(1, pct_to_int(rings[min(number, len(rings) - 1)], hosts))
        number += 1
    return number


#: Extra variables that are shown with the command, because they contain no secrets.
_SHOWN = (PREFIX, "exchange_organizations")


def command_of(arguments: Mapping[str, Any]) -> str:
    """The command that started the playbook, as far as it affects the plan and without check mode; empty if there was
    none.

    :param arguments: the arguments of the command line, as ansible-core has them.
    """
    words = ["ansible-playbook"]
    for inventory in arguments.get("inventory") or ():
        words += ["-i", str(inventory)]
    words += map(str, arguments.get("args") or ())
    if arguments.get("subset"):
        words += ["--limit", str(arguments["subset"])]
    for option, tags in (("--tags", arguments.get("tags")), ("--skip-tags", arguments.get("skip_tags"))):
        words += [option, ",".join(map(str, tags))] if tags and list(tags) != ["all"] else []
    for text in map(str, arguments.get("extra_vars") or ()):
        words += ["-e", text] if text.startswith("@") or _names(text) else []
    return shlex.join(words) if arguments.get("args") else ""


def _names(text: str) -> bool:
    """Whether the extra variables are all variables of the role."""
    try:
        names = (
            list(json.loads(text))
            if text.lstrip().startswith("{")
            else [word.partition("=")[0] for word in shlex.split(text)]
        )
    except ValueError:
        return False
    return bool(names) and all(str(name).startswith(_SHOWN) for name in names)
