# SPDX-License-Identifier: GPL-3.0-or-later
"""Test messages of an audit, and of a baseline that has written rules."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_control import (
    EXPERIMENT_OPTIONS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures import mail_experiment
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    ObservedContradiction,
    observations_document,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.screen import WordedResult
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.mail_flow import OwnerFile

from tests.emulator.organization import default_state
from tests.unit.run_reports import run_of

from .conftest import Role
from .refusing import refused

NAME = "contoso.onmicrosoft.com"
MEGAN, ANN = f"meganb@{NAME}", "ann@fabrikam.com"
RULE: dict[str, Any] = {
    "name": "Partners",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
STORED: dict[str, Any] = {
    "Name": "Partners",
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
}
GUARANTEE = {"name": "partners", "when": RULE["conditions"], "then": "encrypted"}
TODAY = datetime.datetime.now(datetime.UTC).date()
SENT = {"senders": [MEGAN], "recipients": [ANN]}


def copy(agrees: bool | str, protection: str = "not_seen", rules: tuple[str, ...] = ("Partners",)) -> dict[str, Any]:
    observed = {
        "fate": "delivered",
        "rules": list(rules),
        "protection": protection,
        "evidence": ["trace"],
        "remarks": [],
    }
    return {
        "predicted": {"fate": "delivered", "protected_by": ["Partners"] if rules else []},
        "observed": observed,
        "agrees": agrees,
    }


#: A rule that no copy shows although a message was sent for it, and one for which none was.
NOT_SHOWN, NOT_SENT = ({"goal": "the rule 'Partners' acts", "sent": sent} for sent in (True, False))


def result(
    *copies: dict[str, Any], lines: Sequence[str] = ("1 of 1 messages sent.",), not_shown: Sequence[dict[str, Any]] = ()
) -> WordedResult:
    rows = [
        {
            "name": f"message {number}",
            "message_id": "<x>",
            "state": "sent",
            "sent_at": "2026-12-01T13:04:30+01:00",
            "recipients": {ANN: each},
        }
        for number, each in enumerate(copies)
    ]
    row = {"experiments": rows, "sent": len(copies), "not_sent": [], "not_shown": list(not_shown)}
    return WordedResult(row, (lines,))


class Tenant(Role):
    """An organization in which test messages have these results, one after the other."""

    def __init__(self, directory: str, *results: WordedResult | ExchangeError, rules: bool = True) -> None:
        state = default_state(NAME) | {"transport_rules": [STORED] if rules else []}
        state["irm_configuration"] |= {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
        super().__init__(state, directory)
        self.results = list(results)
        self.asked: list[Mapping[str, Any]] = []
        self.slept: list[float] = []

    def _task(self, *arguments: Any, **named: Any) -> Any:
        task = super()._task(*arguments, **named)
        task.experiment, task.sleep = self._experiment, self.slept.append
        task.describe = lambda: SessionDescription(transport="test", organization=OrganizationIdentity(NAME))
        return task

    def _experiment(self, options: Mapping[str, Any]) -> WordedResult:
        self.asked.append(options)
        found = self.results.pop(0)
        if isinstance(found, ExchangeError):
            raise found
        return found

    def control(self) -> tuple[str, list[str]]:
        (found,) = [each for each in self.report["controls"] if each["id"] == "VRF-3"]
        return found["status"], found["findings"]


def wanted(**others: Any) -> dict[str, Any]:
    return {"encryption_rules": [RULE], "experiment": {**SENT, **others}}


@pytest.mark.parametrize(
    ("copies", "status"),
    [
        ([copy(True)], "met"),
        ([copy(True), copy("not_comparable")], "met"),
        ([copy(True), copy(False)], "not met"),
        ([copy("not_comparable")], "not assessable"),
        ([], "not assessable"),
    ],
)
def test_an_audit_sends_and_judges(tmp_path: Path, copies: list[dict[str, Any]], status: str) -> None:
    tenant = Tenant(str(tmp_path), result(*copies))
    tenant.plan("audit", guarantees=[GUARANTEE], run_tags=["MFR-1", "VRF-3"], **wanted())
    assert tenant.control()[0] == status
    (asked,) = tenant.asked
    assert (asked["senders"], asked["recipients"], asked["rules"]) == ([MEGAN], [ANN], ["Partners"])
    assert [each["name"] for each in asked["guarantees"]] == ["partners"]
    assert Path(asked["record"]).parent == tenant.artifacts.folders.in_run
    assert {"after_changes", "effective_within"}.isdisjoint(asked)
    assert tenant.report["status"] == {"not met": "drift"}.get(status, status)


def test_what_was_seen_is_said_without_addresses(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True, "protected"), copy(True), copy(True, rules=())))
    tenant.plan("audit", **wanted())
    status, findings = tenant.control()
    assert status == "met"
    assert [line.partition(": ")[2] for line in findings[:3]] == [
        "mail to fabrikam.com is encrypted, and 'Partners' acted, since 12:04 UTC (1 copy).",
        "mail to fabrikam.com is delivered, protection not seen, and 'Partners' acted, since 12:04 UTC (1 copy).",
        "mail to fabrikam.com is delivered, and its details name no rule, since 12:04 UTC (1 copy).",
    ]
    assert findings[3:] == ["1 of 1 messages sent."]
    assert ANN not in json.dumps(tenant.report)


def on_terminal(tenant: Tenant) -> list[str]:
    """What the terminal says of the control."""
    run = run_of(tenant.report)
    return [line.strip() for line in lines_of(run, "page") if "VRF-3" in line]


def test_a_person_sees_what_was_seen_and_since_when(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True, "protected"), copy(True), copy(True, rules=())))
    tenant.plan("audit", **wanted())
    (line,) = on_terminal(tenant)
    assert line.startswith("VRF-3 met: Seen: mail to fabrikam.com is encrypted, and 'Partners' acted, since 12:04 UTC")
    assert line.endswith("(1 more in the report)")


def test_a_person_sees_why_nothing_was_sent(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), rules=False)
    tenant.plan("audit", experiment=SENT)
    assert on_terminal(tenant) == [f"VRF-3 not applicable: {mail_experiment.NOTHING_TO_SEND}"]


def test_what_contradicts_comes_before_what_agrees_and_as_a_whole(tmp_path: Path) -> None:
    worst = f"Contradicts what was computed: {'a long name ' * 20}: another outcome."
    tenant = Tenant(str(tmp_path), result(copy(True), copy(False), lines=["2 of 2 messages sent.", worst]))
    tenant.plan("audit", **wanted())
    findings = tenant.control()[1]
    assert findings[:2] == ["2 of 2 messages sent.", worst]
    assert len(findings) == 3


def test_observations_are_kept_where_the_run_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tenant = Tenant(str(tmp_path), result(copy(True)))
    tenant.plan("audit", **wanted(observations="observed.json"))
    assert tenant.asked[0]["observations"] == str(tmp_path / "observed.json")


@pytest.mark.parametrize("goal", [NOT_SHOWN, NOT_SENT], ids=str)
def test_a_rule_that_no_copy_shows_is_no_success(tmp_path: Path, goal: dict[str, Any]) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True), copy("not_comparable"), not_shown=[goal]))
    tenant.plan("audit", **wanted())
    assert tenant.control()[0] == "not assessable"


def test_messages_are_sent_again_until_a_rule_is_seen(tmp_path: Path) -> None:
    hidden = result(copy(True), copy("not_comparable"), not_shown=[NOT_SHOWN])
    tenant = Tenant(str(tmp_path), hidden, result(copy(True)), rules=False)
    tenant.run("baseline", **wanted(after_changes=True))
    assert (len(tenant.asked), tenant.control()[0]) == (2, "met")


def test_a_rule_for_which_no_message_can_be_sent_is_not_sent_about_again(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True), not_shown=[NOT_SENT]), rules=False)
    tenant.run("baseline", **wanted(after_changes=True))
    assert (len(tenant.asked), tenant.control()[0]) == (1, "not assessable")


def test_check_mode_sends_nothing(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), WordedResult({"experiments": [], "sent": 0}, (["Would send 1 message.", "  one"],)))
    tenant.plan("audit", check=True, **wanted())
    assert tenant.control() == ("not assessable", ["Would send 1 message.", "  one"])


def test_an_audit_that_cannot_send(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), ExchangeError("Mail.Send is missing."))
    tenant.plan("audit", **wanted())
    assert tenant.control() == ("not assessable", ["Mail.Send is missing."])


def test_an_audit_with_nothing_to_send_about(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), rules=False)
    tenant.plan("audit", experiment=SENT)
    assert tenant.control() == ("not applicable", [mail_experiment.NOTHING_TO_SEND])
    assert tenant.asked == []


def test_a_trial_and_missing_rules_are_not_sent_about(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True)))
    other = {**RULE, "name": "Missing"}
    tenant.plan("audit", encryption_rules=[RULE, other], experiment=SENT)
    assert tenant.asked[0]["rules"] == ["Partners"]


@pytest.mark.parametrize("experiment", [None, SENT])
def test_without_the_wish_nothing_is_sent(tmp_path: Path, experiment: Any) -> None:
    tenant = Tenant(str(tmp_path), rules=False)
    tenant.run("baseline", encryption_rules=[RULE], experiment=experiment)
    assert tenant.control()[0] == "unmanaged"
    tenant.plan("audit", run_tags=["MFR-1"], **wanted())
    assert tenant.control()[0] == "unmanaged"
    assert tenant.asked == []


def test_a_baseline_sends_about_the_rules_that_it_stored(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(True, "protected")), rules=False)
    tenant.run("baseline", guarantees=[GUARANTEE], **wanted(after_changes=True))
    (asked,) = tenant.asked
    assert (asked["rules"], asked["guarantees"]) == (["Partners"], [])
    assert tenant.control()[0] == "met"
    assert tenant.report["status"] == "changed"


def test_messages_are_sent_again_until_the_rules_act(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), result(copy(False)), result(copy(False)), result(copy(True)), rules=False)
    tenant.run("baseline", **wanted(after_changes=True))
    assert [each["max_messages"] for each in tenant.asked] == [20, 19, 18]
    assert len({each["record"] for each in tenant.asked}) == 3
    assert tenant.slept == [mail_experiment.INTERVAL] * 2
    assert tenant.control()[0] == "met"


@pytest.mark.parametrize("limits", [{"max_messages": 2}, {"effective_within": 0}])
def test_it_ends_at_its_limits_and_does_not_fail_the_run(tmp_path: Path, limits: dict[str, int]) -> None:
    results = [result(copy(False)) for _each in range(3)]
    tenant = Tenant(str(tmp_path), *results, rules=False)
    tenant.run("baseline", **wanted(after_changes=True, **limits))
    assert len(tenant.asked) == limits.get("max_messages", 1)
    status, findings = tenant.control()
    assert (status, findings[-1]) == ("not met", mail_experiment.NOT_YET)
    assert tenant.report["status"] == "changed"


def test_a_baseline_that_stores_no_rule_sends_nothing(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path))
    tenant.run("baseline", **wanted(after_changes=True))
    assert tenant.control() == ("not applicable", [mail_experiment.NOTHING_CHANGED])
    assert tenant.report["applied"] > 0


CONTRADICTION = ObservedContradiction("x", ("protection",), TODAY.isoformat(), "message (x-1)")


class Contradicted(Tenant):
    """An organization whose test messages leave these contradictions in the file of observations."""

    left: Sequence[ObservedContradiction] = ()

    def _experiment(self, options: Mapping[str, Any]) -> WordedResult:
        OwnerFile(Path(options["observations"])).write(observations_document(NAME, self.left))
        return super()._experiment(options)

    def judged(self) -> tuple[str, str]:
        (guarantee,) = self.report["mail"]["guarantees"]
        return guarantee["verdict"], self.controls()["MFR-2"]


def test_a_contradiction_stops_a_proof_until_messages_agree(tmp_path: Path) -> None:
    results = [result(copy(True)), result(copy(False)), result(copy("not_comparable")), result(copy(True))]
    tenant = Contradicted(str(tmp_path), *results)
    tenant.plan("audit", guarantees=[GUARANTEE], **wanted())
    assert tenant.judged() == ("proved", "met")
    tenant.left = [CONTRADICTION]
    tenant.plan("audit", guarantees=[GUARANTEE], **wanted())
    # The same run says so, and each one after it.
    assert tenant.judged() == ("unknown", "not assessable")
    assert tenant.report["mail"]["observed"][0]["contradicted"] == ["protection"]
    tenant.plan("audit", guarantees=[GUARANTEE])
    assert tenant.judged() == ("unknown", "not assessable")
    tenant.plan("audit", guarantees=[GUARANTEE], **wanted())
    assert tenant.judged() == ("unknown", "not assessable")
    tenant.left = []
    tenant.plan("audit", guarantees=[GUARANTEE], **wanted())
    # It was read before the messages were sent.
    assert tenant.judged() == ("unknown", "not assessable")
    tenant.plan("audit", guarantees=[GUARANTEE])
    assert tenant.judged() == ("proved", "met")


def test_a_baseline_judges_again_with_what_its_own_messages_showed(tmp_path: Path) -> None:
    tenant = Contradicted(str(tmp_path), result(copy(False)), rules=False)
    tenant.left = [CONTRADICTION]
    tenant.run("baseline", guarantees=[GUARANTEE], **wanted(after_changes=True, effective_within=0))
    assert tenant.judged() == ("unknown", "not assessable")
    assert tenant.control()[0] == "not met"
    assert tenant.report["status"] == "changed"
    assert all(row["contradicted"] for row in tenant.report["mail"]["difference"])
    again = Contradicted(str(tmp_path / "agrees"), result(copy(True, "protected")), rules=False)
    again.run("baseline", guarantees=[GUARANTEE], **wanted(after_changes=True, effective_within=0))
    assert again.judged() == ("proved", "met")
    assert not any("contradicted" in row for row in again.report["mail"]["difference"])


def test_contradictions_in_the_file_of_the_experiment_count_without_its_answers(tmp_path: Path) -> None:
    file = tmp_path / "seen.json"
    tenant = Contradicted(str(tmp_path), result(copy(False)))
    tenant.left = [CONTRADICTION]
    tenant.plan("audit", guarantees=[GUARANTEE], **wanted(observations=str(file)))
    assert tenant.judged() == ("unknown", "not assessable")
    assert not Path(tenant.artifacts.notes.observations_path).exists()


def test_a_memory_of_contradictions_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    tenant = Tenant(str(tmp_path), rules=True)
    path = Path(tenant.artifacts.notes.observations_path)
    OwnerFile(path).write({"kind": "other"})
    tenant.plan("audit", guarantees=[GUARANTEE])
    assert any("What test messages have contradicted so far is unknown" in text for text in tenant.task.warnings)


def test_what_is_refused(role: Role) -> None:
    assert "experiment.wait is 300. Use a number from 0 to 240" in refused(
        role, "audit", experiment={**SENT, "wait": 300}
    )
    assert "requires smtp_host" in refused(role, "audit", experiment={**SENT, "send_with": "smtp"})
    assert "senders" in refused(role, "audit", experiment={"recipients": [ANN]})


def test_the_options_are_those_of_the_module() -> None:
    from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_experiment

    module = mail_flow_experiment.SPEC["argument_spec"]
    for name, spec in EXPERIMENT_OPTIONS.items():
        if name not in mail_experiment._OWN:
            same = ("type", "elements", "choices", "no_log")
            assert {key: module[name].get(key) for key in same} == {key: spec.get(key) for key in same}, name
