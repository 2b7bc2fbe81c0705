# SPDX-License-Identifier: GPL-3.0-or-later
"""The context of a task of the role: the organization's files and the run, in addition to what every task has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._engine.context import ModuleContext
from ..._exchange.errors import OptionError
from ..._mail_flow.wording.screen import WordedResult
from ..documents.artifacts import Artifacts
from ..documents.report import RunReport


def _no_experiment(options: Mapping[str, Any]) -> WordedResult:
    raise OptionError("Mail cannot be sent here.")


@dataclass
class BaselineContext(ModuleContext):
    """A task of the role.

    :param host: the organization's name in the inventory.
    :param hosts: those of all organizations of the run.
    :param batch: those of the hosts of its ring that have not failed yet.
    :param lost: those of the hosts of the run that have failed so far, as core counts them.
    :param artifacts: gives the files of the organization, from the role's variables without their prefix.
    :param command: how the playbook was called, without its check mode.
    :param renderers: file name of each form of a report to the function that renders it.
    :param fleet_renderers: those of the report of a run over several organizations.
    :param ring_of: the ring of a host of the run; empty if there are no rings.
    :param results_of: what the role's tasks returned for a host of the run, in order.
    :param experiment: sends test messages, or in check mode shows them, by the options of ``mail_flow_experiment``, and
        returns its result. Raises ExchangeError if that is not possible.
    :param sleep: waits for seconds.
    :param show: shows a line on the terminal.
    :param given_on_launch: the full names of the role's variables that are extra variables.
    :param folders_of_job: folders that do not outlast a job of AWX, each with its slash; none elsewhere.
    :param to_yaml: writes a value as YAML for people.
    """

    host: str = ""
    hosts: Sequence[str] = ()
    batch: Sequence[str] = ()
    lost: Sequence[str] = ()
    ansible_version: str = ""
    command: str = ""
    artifacts: Callable[[Mapping[str, Any]], Artifacts] = field(kw_only=True)
    renderers: Mapping[str, Callable[[RunReport], str]] = field(default_factory=dict)
    fleet_renderers: Mapping[str, Callable[[RunReport], str]] = field(default_factory=dict)
    ring_of: Callable[[str], str] = lambda host: ""
    results_of: Callable[[str], Sequence[Mapping[str, Any]]] = lambda host: ()
    experiment: Callable[[Mapping[str, Any]], WordedResult] = _no_experiment
    sleep: Callable[[float], None] = time.sleep
    show: Callable[[str], None] = lambda line: None
    given_on_launch: frozenset[str] = frozenset()
    folders_of_job: Sequence[str] = ()
    to_yaml: Callable[[Any], str] = json.dumps
