# SPDX-License-Identifier: GPL-3.0-or-later
"""Several organizations in one run: rings, what is published for all of them, and failures that are not those of
others.
"""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator

from .playbook import Controller
from .processes import wait_for, workers
from .role import PREFIX, ROLE, artifacts, included, newest, play, report, statuses
from .tenant import inventory, lasting

THREE = ("a.onmicrosoft.com", "b.onmicrosoft.com", "c.onmicrosoft.com")


@pytest.mark.organizations(*THREE)
class TestSeveral:
    """Several organizations, over REST."""

    @pytest.fixture(name="controller")
    def controller_fixture(self, tmp_path: Path, emulator: Emulator) -> Controller:
        home = tmp_path / "several"
        home.mkdir()
        return Controller(home, inventory(emulator, "rest"))

    def test_a_broken_one_stops_no_audit(self, controller: Controller, emulator: Emulator) -> None:
        emulator.applications["b.onmicrosoft.com"].app_role = False
        play(controller, "audit", rc=2)
        assert statuses(controller) == {"a": "drift", "b": "not assessable", "c": "drift"}

    def test_a_wrong_secret_for_all_still_leaves_a_report(self, controller: Controller, emulator: Emulator) -> None:
        for application in emulator.applications.values():
            application.app_role = False
        play(controller, "audit", rc=2)
        assert statuses(controller) == dict.fromkeys("abc", "not assessable")
        assert (newest(controller) / "report.html").exists()

    # tests/unit/baseline/test_rings.py has every way and every ring; one that fails with its plan, too, is below.
    @pytest.mark.parametrize(
        "wrong",
        ["test", "unreachable", *(pytest.param(way, marks=pytest.mark.matrix) for way in ("message", "refused"))],
    )
    def test_a_ring_that_failed_goes_back_as_a_whole(
        self, controller: Controller, emulator: Emulator, wrong: str
    ) -> None:
        """Rings of two and one: the second organization fails, each time in another way."""
        b = emulator.organizations["b.onmicrosoft.com"]
        before = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        wishes: dict[str, Any] = {"encrypt_outgoing": True, "rings": [2, "100%"], "ring_rollback": True}
        if wrong == "test":
            b.patch({"irm_test_failure": "encryption"})
            wishes |= {
                "test_sender": "{{ 'alexw@b.onmicrosoft.com' if inventory_hostname == 'b' else '' }}",
                "test_timeout": 0,
            }
        elif wrong == "message":
            there = "{{ 'template:Nothing' if inventory_hostname == 'b' else 'encrypt' }}"
            message = {
                "name": "Outside",
                "from": "x@{{ inventory_hostname }}.onmicrosoft.com",
                "authenticated": True,
                "to": ["y@example.org"],
                "expect": {"y@example.org": {"protection": there}},
            }
            wishes["messages"] = [message]
        elif wrong == "refused":
            b.patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        else:
            emulator.applications["b.onmicrosoft.com"].app_role = False
        expected = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        run = play(controller, "baseline", rc=2, **wishes)
        assert {
            name: lasting(organization.dump()) for name, organization in emulator.organizations.items()
        } == expected, run.output
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert "an organization of the same ring failed: b" in found["a"]["message"]
        assert (found["c"]["status"], found["c"]["applied"]) == ("refused", 0)
        assert "an earlier ring failed: b" in found["c"]["message"]
        assert {call.organization for call in emulator.calls} <= {"a.onmicrosoft.com", "b.onmicrosoft.com"}
        assert before["c.onmicrosoft.com"] == expected["c.onmicrosoft.com"]
        if wrong == "test":  # Nothing is left to roll back.
            play(controller, "rollback", "--limit", "a", accept=["encryption_off"])
            assert lasting(emulator.organizations["a.onmicrosoft.com"].dump()) == expected["a.onmicrosoft.com"]

    @pytest.mark.parametrize("forks", ["1", pytest.param("5", marks=pytest.mark.matrix)])
    def test_the_first_of_a_ring_fails_before_the_others_plan(
        self, controller: Controller, emulator: Emulator, forks: str
    ) -> None:
        """With one fork, core has taken it out of the ring by then."""
        emulator.organizations["a.onmicrosoft.com"].patch(
            {"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}}
        )
        before = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        play(
            controller, "baseline", "--forks", forks, rc=2, encrypt_outgoing=True, rings=[2, "100%"], ring_rollback=True
        )
        assert {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()} == before
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["status"] for host in "abc"] == ["refused", "failed", "refused"]
        assert "an organization of the same ring failed: a" in found["b"]["message"]
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com", "b.onmicrosoft.com"}

    def test_a_task_that_is_cut_off_while_it_writes(self, controller: Controller, emulator: Emulator) -> None:
        """Core makes a failure of it, of which the collection's own code hears nothing."""
        emulator.faults.set([{"kind": "slow", "seconds": 240, "cmdlet": "Set-*", "organization": "b.onmicrosoft.com"}])
        before = lasting(emulator.organizations["a.onmicrosoft.com"].dump())
        role = {
            **included(),
            "ansible.builtin.include_role": {
                "name": "m365.message_encryption.hardened_baseline",
                "apply": {"timeout": 30},
            },
        }
        run = controller.tasks([role], "-e", "hardened_baseline_ring_rollback=true")
        assert run.rc == 2, run.output
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["status"] for host in "abc"] == ["failed"] * 3
        assert "What it wrote may be incomplete, and it was not rolled back. The snapshot is" in found["b"]["message"]
        assert "an organization of the same ring failed: b" in found["a"]["message"]
        assert lasting(emulator.organizations["a.onmicrosoft.com"].dump()) == before
        emulator.faults.set([])
        play(controller, "audit", "--limit", "b")
        (again,) = report(controller)["organizations"]
        assert again["warnings"][0].startswith(
            f"The run {newest(controller, 'baseline').name} was interrupted while it wrote to b."
        )

    @pytest.mark.usefixtures("executed")
    def test_a_worker_that_is_killed_while_it_writes(self, controller: Controller, emulator: Emulator) -> None:
        """Core ends the playbook, so the next run says it."""
        emulator.faults.set([{"kind": "slow", "seconds": 60, "cmdlet": "Set-*", "organization": "a.onmicrosoft.com"}])
        with ThreadPoolExecutor() as pool:
            done = pool.submit(
                controller.playbook, PREFIX + "baseline", "-e", '{"hardened_baseline_rings": [1, "100%"]}'
            )
            wait_for(lambda: emulator.faults.struck)
            (worker,) = workers(controller.inventory)
            # Until then it is not said to be interrupted.
            play(controller, "audit", "--limit", "a")
            (seen,) = report(controller, procedure="audit")["organizations"]
            assert "-baseline-" in seen["warnings"][0]
            assert " is writing to a, since " in seen["warnings"][0]
            os.kill(worker, signal.SIGKILL)
            run = done.result()
        assert run.rc not in (0, 2), run.output
        assert "A worker was found in a dead state" in run.output
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com"}
        emulator.faults.set([])
        play(controller, "audit")
        warnings = {
            organization["host"]: organization["warnings"] for organization in report(controller)["organizations"]
        }
        assert (
            "was interrupted while it wrote to a. What it wrote may be incomplete, and it was not rolled back."
            in warnings["a"][0]
        )
        assert (warnings["b"], warnings["c"]) == ([], [])

    def test_a_ring_is_published_once_before_its_first_write_and_once_at_its_end(
        self, controller: Controller, emulator: Emulator, tmp_path: Path
    ) -> None:
        publisher = tmp_path / "publish.yml"
        count = f"ls {artifacts(controller)}/organizations/*/snapshots | grep -c ^snapshot || true"
        task = {
            "ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.pipe', count) }}"},
            "vars": {"count": count},
        }
        publisher.write_text(yaml.safe_dump([{"name": "Count the snapshots", **task}]))

        run = controller.plays(
            [{"ansible.builtin.import_playbook": PREFIX + name} for name in ("baseline", "baseline", "audit")],
            "-e",
            json.dumps({"hardened_baseline_artifacts_publish": str(publisher), "hardened_baseline_rings": [1, "100%"]}),
        )
        assert run.rc == 0, run.output
        counted = [task.result["msg"] for task in run if task.task.endswith("Count the snapshots")]
        # Each ring twice, with all snapshots of the ring and none of the next one; then each once, and the audit.
        assert counted == ["1", "1", "3", "3", "3", "3", "3"]

    def test_a_push_that_fails_leaves_a_report_of_the_run(self, controller: Controller, emulator: Emulator) -> None:
        """The role's own task file, in a directory that is no repository."""
        run = play(controller, "baseline", rc=2, rings=["100%"], artifacts_publish="publish_git.yml")
        assert "not a git repository" in run.output
        assert [call.cmdlet for call in emulator.calls if call.applied] == []
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["applied"] for host in "abc"] == [0, 0, 0]
        assert {organization["status"] for organization in found.values()} <= {"failed", "refused"}

    @pytest.mark.parametrize(
        "publisher", [[{"name": "Fail", "ansible.builtin.fail": {"msg": "The store is full."}}], None]
    )
    def test_without_a_publication_no_organization_of_the_ring_is_written_to(
        self, controller: Controller, emulator: Emulator, tmp_path: Path, publisher: list[Any] | None
    ) -> None:
        file = tmp_path / "publish.yml"
        if publisher:
            file.write_text(yaml.safe_dump(publisher))
        run = play(controller, "baseline", rc=2, rings=["100%"], artifacts_publish=str(file))
        assert "The store is full." in run.output if publisher else str(file) in run.output
        assert [call.cmdlet for call in emulator.calls if call.applied] == []
        if publisher is None:  # It is refused with the plan.
            assert {path.parent.name for path in artifacts(controller).glob("runs/*/*/report.json")} == set("abc")
            return
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [(found[host]["status"], found[host]["applied"]) for host in "abc"] == [
            ("failed", 0),
            ("refused", 0),
            ("refused", 0),
        ]
        assert found["a"]["message"] == "Nothing was written, because the run ended after the plan."
        assert all(
            "The snapshots of the ring were not published, so nothing was written." in found[host]["message"]
            for host in "bc"
        )
        assert {path.parent.name for path in artifacts(controller).glob("runs/*/*/report.json")} == set("abc")

    def test_the_first_that_fails_stops_the_next_ring_and_a_rollback_is_checked(
        self, controller: Controller, emulator: Emulator
    ) -> None:
        """And what the terminal has of three organizations is less than a screen."""
        b = emulator.organizations["b.onmicrosoft.com"]
        b.patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        failed = play(controller, "baseline", rc=2)
        assert statuses(controller) == {"a": "changed", "b": "refused", "c": "not assessable"}
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com", "b.onmicrosoft.com"}
        # What is refused is an error, as Ansible prints it, and a line at the end.
        assert "\nb: refused, nothing was written: IRM-1\n" in failed.stdout
        assert not {"organization", "changes", "mail"} & set(failed.task(ROLE + "Plan and preflight", "b").result)

        b.patch({"irm_configuration": {"LicensingLocation": []}})
        applied = play(controller, "baseline")
        # Where a line is folded depends on how long paths are.
        assert max(len(run.stdout.splitlines()) for run in (failed, applied)) <= 54
        assert applied.stdout.count("Report:") == failed.stdout.count("Report:") == 1

        before = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        accepted = {"confirm_rollback": ["a", "b", "c"], "accept": ["encryption_off"]}
        play(controller, "rollback", "--check", **accepted)
        assert statuses(controller) == dict.fromkeys("abc", "drift")
        assert {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()} == before

    def test_a_check_takes_all_at_once(self, controller: Controller, emulator: Emulator) -> None:
        emulator.organizations["a.onmicrosoft.com"].patch(
            {"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}}
        )
        play(controller, "baseline", "--check", rc=2)
        assert statuses(controller) == {"a": "refused", "b": "drift", "c": "drift"}
