# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role that belong to no control, and which variable belongs to which entry point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..controls.controls import CONTROL_VARIABLES, CONTROLS, PROFILES
from ..controls.findings import PREFIX
from ..controls.mail import GUARANTEES
from ..documents.report import DEFAULT_FORMATS, FILES


@dataclass(frozen=True)
class Setting:
    """A variable of the role that belongs to no control.

    :param entries: the entry points that read it; empty for those that write the baseline (main and audit).
    """

    name: str
    spec: Mapping[str, Any]
    doc: str
    default: Any = None
    entries: tuple[str, ...] = ()


EVERYWHERE = ("main", "audit", "snapshot", "rollback", "disable")
WRITING = ("main", "rollback", "disable")
_BOOL: Mapping[str, Any] = {"type": "bool"}
_STR: Mapping[str, Any] = {"type": "str"}


def _word(name: str, doc: str, entries: tuple[str, ...] = ("main", "audit")) -> Setting:
    return Setting(name, _BOOL, doc, False, entries)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "profile",
        {"type": "str", "choices": list(PROFILES)},
        "The column of values for controls whose own variable is not set.",
        "recommended",
        ("main", "audit"),
    ),
    Setting(
        "skip",
        {
            "type": "list",
            "elements": "dict",
            "options": {
                "control": {"type": "str", "required": True, "choices": [control.id for control in CONTROLS]},
                "reason": {"type": "str", "required": True},
                "owner": {"type": "str", "required": True},
                "until": {"type": "str", "required": True},
            },
        },
        "Accepted exceptions. Such a control is assessed but not written. After C(until), a date such as V(2030-01-31), it counts again.",
        [],
        ("main", "audit"),
    ),
    Setting(
        "accept",
        {"type": "list", "elements": "raw"},
        "Actions that the role takes only with your explicit approval, by the words that a refusal prints, or dictionaries of C(word), C(reason), C(owner) and "
        "C(until), after which the word no longer counts.",
        [],
        ("main", "audit", "rollback", "disable"),
    ),
    Setting(
        "on_missing_license",
        {"type": "str", "choices": ["fail", "skip"]},
        "What to do with IRM-7 and OME-4 in an organization without Advanced Message Encryption.",
        "fail",
        ("main", "audit"),
    ),
    Setting(
        "approved_plan",
        _STR,
        "The plan that was approved: its file, the folder of the run that made it, or its digest as C(sha256:...). Anything else is refused.",
        "",
        ("main", "disable"),
    ),
    Setting(
        "require_approval",
        _BOOL,
        "Whether nothing is written without O(hardened_baseline_approved_plan). As an extra variable only V(true) counts; anything else is refused.",
        False,
        ("main", "disable"),
    ),
    Setting("change_reference", _STR, "The number of the change, for the report.", "", EVERYWHERE),
    Setting("approver", _STR, "Who approved the change, for the report.", "", EVERYWHERE),
    Setting(
        "approval_valid_until",
        _STR,
        "How long the approval counts: until a date, or a date and time with an offset. Without it, an approval counts for one run. "
        "A rollback needs no approval, and is refused after this date.",
        "",
        WRITING,
    ),
    Setting(
        "artifacts_dir",
        {"type": "str"},
        "Where snapshots, plans and reports go, on the controller.",
        "./message_encryption",
        EVERYWHERE,
    ),
    Setting(
        "artifacts_owners",
        {"type": "list", "elements": "str"},
        "Users, by name or number, that may own O(hardened_baseline_artifacts_dir), the folders above it and the files in it, besides root and the user "
        "that runs Ansible, such as the owner that a mounted share shows. Files that anybody else could change are refused.",
        [],
        EVERYWHERE,
    ),
    Setting(
        "artifacts_publish",
        _STR,
        "A task file that stores the artifacts elsewhere. It runs once for all organizations of a ring, before the first write and after the report.",
        "",
        EVERYWHERE,
    ),
    _word("artifacts_durable", "Says that O(hardened_baseline_artifacts_dir) outlives a job of AWX.", EVERYWHERE),
    Setting(
        "reports",
        {"type": "list", "elements": "str", "choices": list(FILES)},
        "The formats of the reports: C(html) for people, C(jsonl) for a collector of events, C(csv) for a spreadsheet, C(junit) for CI. "
        "C(report.json) is written in any case, because later rings and the history read it.",
        list(DEFAULT_FORMATS),
        EVERYWHERE,
    ),
    Setting(
        "keep_runs",
        {"type": "int"},
        "The number of runs of each procedure to keep, with their snapshots; V(0) keeps all. Only the oldest snapshots are removed, "
        "and the snapshot of a kept run stays until it has been rolled back.",
        0,
        EVERYWHERE,
    ),
    Setting(
        "replay_days",
        {"type": "int"},
        "The days of mail, 1 to 90, that audits and plans in check mode take through the rules, to say how much mail a change would have treated differently; "
        "V(0) is off. It reads the message trace and stores numbers and domains, but no addresses and no subjects. No digest depends on it.",
        0,
        ("main", "audit"),
    ),
    Setting(
        "replay_trace",
        {"type": "raw"},
        "Files with message traces to use instead, as M(m365.message_encryption.mail_flow_replay) takes them. A path, a list of paths, or a dictionary "
        "with those of each organization under its name in the inventory. It needs no permission.",
        None,
        ("main", "audit"),
    ),
    Setting(
        "replay_trace_complete",
        {"type": "bool"},
        "Whether these files have the rows of all recipients of each message, as M(m365.message_encryption.mail_flow_replay) takes it with "
        "C(trace_complete). Not used without files.",
        False,
        ("main", "audit"),
    ),
    Setting(
        "replay_source",
        {"type": "str", "choices": ["exchange", "graph"]},
        "Where to read the trace, V(exchange) or V(graph) (Microsoft Graph), as M(m365.message_encryption.mail_flow_replay) does with "
        "C(trace_source). Not used with files.",
        "exchange",
        ("main", "audit"),
    ),
    Setting(
        "observations",
        {"type": "path"},
        "The file of observations that M(m365.message_encryption.mail_flow_experiment) writes for this organization. Until it is 90 days old, or the rules "
        "that it rests on change, an answer in it is certain in verdicts, plans and audits. A relative path starts where Ansible was started. "
        "The file of another organization is refused.",
        None,
        ("main", "audit", "rollback", "disable"),
    ),
    Setting(
        "verify_timeout",
        {"type": "int"},
        "The number of seconds in which Exchange must show a change that it has accepted. With V(0), the role reads once.",
        60,
        WRITING,
    ),
    Setting(
        "rings",
        {"type": "list", "elements": "raw"},
        "The sizes of the rings in which the playbook writes; a failing organization stops the next one.",
        [1, "10%", "100%"],
        ("main",),
    ),
    Setting(
        "fail_on_drift", _BOOL, "Whether an audit fails if a control is not met or not assessable.", False, ("audit",)
    ),
    Setting(
        "ring_rollback",
        _BOOL,
        "Whether all organizations of a ring are rolled back if one of them fails. The run names those that cannot be rolled back.",
        False,
        ("main",),
    ),
    Setting(
        "rollback_on_failure",
        _BOOL,
        "Whether a run that fails after its first write restores the old state.",
        False,
        ("main",),
    ),
    Setting(
        "rollback_snapshot",
        _STR,
        "The name of the snapshot's file. If empty, the newest snapshot that has not been rolled back.",
        "",
        ("rollback",),
    ),
    Setting(
        "rollback_scope",
        {"type": "str", "choices": ["changed", "full"]},
        "V(changed) restores what the run changed, V(full) the whole state in the snapshot. "
        "A snapshot that the playbook C(snapshot) took is always restored as a whole.",
        "changed",
        ("rollback",),
    ),
    Setting(
        "rollback_force",
        _BOOL,
        "Whether changes by others since then are undone, too. If the whole state is restored, rules that others have created since then "
        "and that decide about mail are removed.",
        False,
        ("rollback",),
    ),
    Setting(
        "confirm_rollback",
        {"type": "list", "elements": "str"},
        "The inventory names of all organizations of the run, required if it rolls back more than one. A refusal prints the list.",
        [],
        ("rollback",),
    ),
    Setting(
        "remove_created_templates",
        _BOOL,
        "Whether OME configurations that the run created are removed. Mail that was sent with them depends on them.",
        False,
        ("main", "rollback"),
    ),
    Setting(
        "disable_rules",
        {"type": "str", "choices": ["remove", "disable"]},
        "What to do with rules that encrypt or decrypt. With V(remove), a rule that cannot be recreated is disabled instead, with a warning.",
        "remove",
        ("disable",),
    ),
    Setting(
        "settle_minutes",
        {"type": "int"},
        "The minutes to wait after the rules are removed, because Exchange still applies them for a while.",
        60,
        ("disable",),
    ),
    Setting(
        "confirm_disable", _STR, "The name of the organization, such as C(contoso.onmicrosoft.com).", "", ("disable",)
    ),
)


def variables_of(entry: str) -> dict[str, Mapping[str, Any]]:
    """The argument spec of an entry point, by the variables' full names."""
    spec: dict[str, Mapping[str, Any]] = {}
    if entry in ("main", "audit"):
        spec.update({PREFIX + name: variable.spec for name, variable in CONTROL_VARIABLES.items()})
    elif entry in ("rollback", "disable"):
        # What they do to mail is held against what is guaranteed of it.
        spec[GUARANTEES] = CONTROL_VARIABLES["guarantees"].spec
    spec.update({PREFIX + setting.name: setting.spec for setting in SETTINGS if entry in setting.entries})
    return spec


def profile_values(profile: Any) -> dict[str, Any]:
    """The defaults of the variables, by their full names. An unknown profile is refused elsewhere."""
    column = PROFILES.index(profile) if profile in PROFILES else 0
    settings = {PREFIX + setting.name: setting.default for setting in SETTINGS}
    return {**settings, **{PREFIX + name: variable.values[column] for name, variable in CONTROL_VARIABLES.items()}}


def known_variables() -> set[str]:
    """The full names of all variables that the role and its playbooks read."""
    return {PREFIX + name for name in (*CONTROL_VARIABLES, *(setting.name for setting in SETTINGS))}
