# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiments with mail in an organization for tests. "begin" makes their rules and says what to send; somebody sends
it and writes down what arrived; "end" removes the rules and records the answers as data; "replay" judges a record by
today's simulation.
"""

from __future__ import annotations

import argparse
import datetime
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule

from .experiments import Problem, experiments, judge, roles_in
from .session import LiveSession

FORMAT = 1
#: How long a forgotten rule can act.
_RULES_LIVE = datetime.timedelta(days=3)
_PREFIX = "Live test"
_HEAD = """\
# Wait an hour: rules need that to be live everywhere. Then send each message below, from the address that it names and with the
# subject as it stands, and write down for each recipient what arrived:
#   fate:       delivered, rejected, deleted, quarantined, redirected or moderated
#   protection: none, encrypt, do_not_forward or template:NAME (of a delivered message)
#   marks:      the words in brackets that its subject begins with, such as [inside]; [] if there are none
# What you leave empty is not recorded. Then type:
#   make live-mail STEP=end RUN={path}
---
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.mail", description=__doc__)
    parser.add_argument("step", choices=["begin", "end", "replay"])
    parser.add_argument("--organization", default="", help="initial domain or tenant id of a TEST tenant")
    parser.add_argument(
        "--confirm",
        default="",
        help="the same again: yes, rules may be made in this organization, and mail of these addresses may meet them",
    )
    parser.add_argument(
        "--addresses",
        type=Path,
        help=f"YAML file: {', '.join(sorted(roles_in(experiments())))}, each an address that is yours",
    )
    parser.add_argument(
        "--variables",
        type=Path,
        help="YAML file with the host's ansible_* variables; credentials may stand in EXCHANGE_* instead",
    )
    parser.add_argument("--run", type=Path, help="the file that begin wrote; for replay the record that end wrote")
    parser.add_argument("--directory", type=Path, default=Path("build/live_mail"))
    arguments = parser.parse_args()
    try:
        if arguments.step == "begin":
            return _begin(arguments)
        if arguments.run is None:
            raise Problem("--run is missing. Name the file that the step before wrote.")
        return _end(arguments) if arguments.step == "end" else _replay(arguments.run)
    except (Problem, ExchangeError, OSError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 2


def _begin(arguments: argparse.Namespace) -> int:
    if not arguments.organization or arguments.confirm != arguments.organization:
        raise Problem(
            "This makes mail flow rules that act on mail of the addresses you name. Only use a tenant that is for tests, and name it twice:\n"
            "    make live-mail STEP=begin ORGANIZATION=contoso.onmicrosoft.com CONFIRM=contoso.onmicrosoft.com ADDRESSES=addresses.yml"
        )
    if arguments.addresses is None:
        raise Problem(
            "--addresses is missing: a YAML file with the addresses that may send and get mail, such as sender, inside and outside."
        )
    addresses = _mapping(arguments.addresses)
    if unknown := sorted(set(addresses) - roles_in(experiments())):
        raise Problem(
            f"{arguments.addresses}: {unknown[0]} is not known. Use {', '.join(sorted(roles_in(experiments())))}."
        )
    run = secrets.token_hex(4)
    possible = [each for each in experiments() if roles_in([each]) <= set(addresses)]
    if not possible:
        raise Problem(
            f"{arguments.addresses}: no experiment can be made with these addresses alone. Name at least sender and outside."
        )
    session = LiveSession(_connection(arguments))
    expiry = (datetime.datetime.now(datetime.UTC) + _RULES_LIVE).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        made = 0
        try:
            for index, experiment in enumerate(possible):
                for rule in experiment.placed_rules(addresses, _token(run, index)):
                    name = f"{_PREFIX} {run} {index:02d} {rule['name']}"
                    params, errors = validate(
                        {**rule, "name": name, "priority": made, "expiry_date": expiry},
                        ome_transport_rule.SPEC["argument_spec"],
                    )
                    if errors:
                        raise Problem(f"{experiment.number}, rule {rule['name']}: {'; '.join(errors)}")
                    ome_transport_rule.run(session.task(ome_transport_rule.SPEC, **params.validated_parameters))
                    made += 1
        except BaseException:
            _remove_rules(session, run)
            raise
    finally:
        session.close()
    path = arguments.directory / f"{run}.yml"
    document = {
        "run": run,
        "organization": arguments.organization,
        "addresses": addresses,
        "experiments": [
            {"experiment": each.key, "question": each.question, "messages": each.to_send(addresses, _token(run, index))}
            for index, each in enumerate(possible)
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _HEAD.format(path=path) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    print(f"{made} rules are there until {expiry}. What to send, and where to write down what arrives: {path}")
    left_out = [each for each in experiments() if each not in possible]
    for each in left_out:
        print(
            f"Left out, since {', '.join(sorted(roles_in([each]) - set(addresses)))} is not named: {each.number}, {each.question}"
        )
    return 0


def _end(arguments: argparse.Namespace) -> int:
    document = _mapping(arguments.run)
    missing = [key for key in ("run", "organization", "addresses", "experiments") if key not in document]
    if missing:
        raise Problem(f"{arguments.run}: {missing[0]} is missing. Is it the file that begin wrote?")
    run, addresses = str(document["run"]), document["addresses"]
    # First what could be wrong with the file: the rules are still there then.
    answers = []
    known = {each.key: each for each in experiments()}
    for row in document["experiments"]:
        if row.get("experiment") not in known:
            raise Problem(f"{arguments.run}: the experiment {row.get('experiment')!r} is not known.")
        answers += known[row["experiment"]].answers(
            row["messages"], addresses, where=f"{arguments.run}: {row['experiment']}"
        )
    session = LiveSession(_connection(arguments) | {"ansible_exchange_organization": document["organization"]})
    try:
        expected = {
            f"{_PREFIX} {run} {index:02d} {rule['name']}"
            for index, row in enumerate(document["experiments"])
            for rule in known[row["experiment"]].placed_rules(addresses, _token(run, index))
        }
        gone = expected - _remove_rules(session, run)
    finally:
        session.close()
    if gone:
        raise Problem(
            f"Not recorded: {len(gone)} of the rules were gone already, among them {min(gone)!r}, so nobody knows which rules the mail met. "
            "The others are removed. Begin again."
        )
    record = {
        "format": FORMAT,
        "recorded_on": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "answers": answers,
    }
    path = arguments.run.with_suffix(".json")
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"The rules are removed. {len(answers)} answers, without an address in them: {path}")
    return _say(answers)


def _replay(path: Path) -> int:
    record = _mapping(path)
    if record.get("format") != FORMAT or not isinstance(record.get("answers"), list):
        raise Problem(f"{path}: this is not a record of format {FORMAT}, which end writes.")
    return _say(record["answers"])


def _say(answers: Sequence[Mapping[str, Any]]) -> int:
    """Prints each answer beside the simulation. 1 where the simulation is contradicted."""
    known = {each.key: each for each in experiments()}
    contradicted = False
    for answer in answers:
        experiment = known.get(answer.get("experiment", ""))
        if experiment is None:
            raise Problem(f"The experiment {answer.get('experiment')!r} is not known.")
        verdict, reason = judge(experiment, answer)
        contradicted = contradicted or verdict == "contradicted"
        print(f"{experiment.number} {answer['message']}: {verdict}. {reason}")
    return 1 if contradicted else 0


def _remove_rules(session: LiveSession, run: str) -> set[str]:
    """Removes the rules of a run, and returns the names of those that were there."""
    removed = set()
    for rule in session.ask("Get-TransportRule", ResultSize="Unlimited").unwrap():
        if str(rule.get("Name", "")).startswith(f"{_PREFIX} {run} "):
            session.ask("Remove-TransportRule", Identity=rule["Guid"], Confirm=False).unwrap()
            removed.add(rule["Name"])
    return removed


def _connection(arguments: argparse.Namespace) -> dict[str, Any]:
    given = _mapping(arguments.variables) if arguments.variables else {}
    return {**given, **({"ansible_exchange_organization": arguments.organization} if arguments.organization else {})}


def _token(run: str, index: int) -> str:
    """The word in the subject by which the rules of an experiment know its mail."""
    return f"live{run}x{index:02d}"


def _mapping(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise Problem(f"{path}: a mapping is expected.")
    return found


if __name__ == "__main__":
    sys.exit(main())
