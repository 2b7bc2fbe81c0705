# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and snapshots outlive a job in git: fetched before it, published from within it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .awx import configuration, inject, named
from .playbook import Controller, Run

ORGANIZATIONS = {
    "exchange_organizations": {
        "hosts": {"contoso": None, "fabrikam": None},
        "vars": {"ansible_connection": "m365.message_encryption.exchange"},
    }
}
PUBLISH, FETCH = "publish_git", "fetch_git"
URL = "https://git.example.com/mail/message-encryption.git"
ROLE = "m365.message_encryption.hardened_baseline"


def git(directory: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
    }
    environment |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    return subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


class Jobs:
    """Jobs that share a repository and nothing else."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.repository = directory / "artifacts.git"
        git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(self.repository))
        self._count = 0
        self._controllers: dict[Path, Controller] = {}

    def start(self) -> Path:
        """The artifacts' directory of a new job, which does not exist yet."""
        self._count += 1
        return self.directory / f"job-{self._count}/message_encryption"

    def run(
        self,
        artifacts: Path,
        *tasks: str,
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **variables: Any,
    ) -> Run:
        return self._controller(artifacts).plays(
            [_play(artifacts, list(map(_include, tasks)), variables)], *arguments, **(environment or {})
        )

    def refusals(self, task: str, *cases: Mapping[str, Any], after: Sequence[str] = (), **variables: Any) -> list[str]:
        """What a new job says with the variables of each case, a play each of one run."""
        artifacts = self.start()
        attempt = {
            "block": [_include(task)],
            "rescue": [{"name": "said", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}],
        }
        # On one host: a rescue of a task that runs once leaves the others failed.
        plays = [
            _play(artifacts, list(map(_include, after)), variables),
            *({**_play(artifacts, [attempt], variables | case), "hosts": "contoso"} for case in cases),
        ]
        run = self._controller(artifacts).plays(plays)
        assert run.rc == 0, run.output
        return [" ".join(result.result["msg"].split()) for result in run.all("said")]

    def _controller(self, artifacts: Path) -> Controller:
        home = artifacts.parent
        home.mkdir(exist_ok=True)
        # Git takes a folder for the repository's URL here.
        (home / ".gitconfig").write_text(f'[url "{self.repository}"]\n\tinsteadOf = {URL}\n', encoding="utf-8")
        return self._controllers.setdefault(home, Controller(home, ORGANIZATIONS))

    def push(self, files: Mapping[str, str | Path]) -> str:
        """Somebody pushes files, and links where a path is given. Gives the commit."""
        clone = Path(tempfile.mkdtemp(dir=self.directory))
        git(clone, "clone", "--quiet", str(self.repository), ".")
        for path, content in files.items():
            if isinstance(content, str):
                put(clone, path, content)
            else:
                (clone / path).parent.mkdir(parents=True)
                (clone / path).symlink_to(content)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message", "pushed")
        git(clone, "push", "--quiet", "origin", "HEAD:main")
        return git(clone, "rev-parse", "HEAD")

    def log(self) -> list[str]:
        return git(self.repository, "log", "--format=%s", "main").splitlines()

    def read(self, path: str) -> str:
        return git(self.repository, "show", f"main:{path}")


def _include(name: str) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.include_role": {"name": ROLE, "tasks_from": name}}


def _play(artifacts: Path, tasks: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"hardened_baseline_artifacts_dir": str(artifacts), "message_encryption_git_url": URL, **variables}
    return {"hosts": "all", "gather_facts": False, "vars": settings, "tasks": list(tasks)}


@pytest.fixture(name="jobs")
def jobs_fixture(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def put(artifacts: Path, path: str, content: str) -> None:
    (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
    (artifacts / path).write_text(content, encoding="utf-8")


def test_what_a_job_publishes_the_next_one_fetches(jobs: Jobs) -> None:
    first = jobs.start()
    put(first, "contoso/snapshot.json", "first")
    published = jobs.run(
        first,
        FETCH,
        PUBLISH,
        PUBLISH,
        awx_job_id=41,
        awx_job_template_name="Message encryption - apply",
        awx_user_name="mail-admin",
    )
    assert published.rc == 0, published.output
    # Once: what is published again has no changes.
    assert published.changed == [f"{ROLE} : Commit the changes", f"{ROLE} : Push the commit"]
    assert jobs.log() == ["Message encryption: job 41 of Message encryption - apply"]
    assert git(jobs.repository, "log", "--format=%an", "main") == "mail-admin"
    # One commit for all organizations of the play.
    assert len(published.all(f"{ROLE} : Push the commit")) == 2

    second = jobs.start()
    fetched = jobs.run(second, FETCH, FETCH)
    assert fetched.rc == 0, fetched.output
    assert fetched.changed == []
    assert (second / "contoso/snapshot.json").read_text(encoding="utf-8") == "first"


def test_a_check_keeps_its_plans_too_and_hands_over_their_commit(jobs: Jobs) -> None:
    artifacts = jobs.start()
    put(artifacts, "contoso/plan.json", "plan")
    # What is for one run alone is not kept.
    put(artifacts, "contoso/.run-ansible-local-41abc.json", "found")
    put(artifacts, "contoso/.report.html.x7k_2qab", "half")
    run = jobs.run(artifacts, FETCH, PUBLISH, arguments=("--check",))
    assert run.rc == 0, run.output
    assert git(jobs.repository, "ls-tree", "-r", "--name-only", "main").splitlines() == ["contoso/plan.json"]
    assert jobs.read("contoso/plan.json") == "plan"
    stats = run[f"{ROLE} : Pass the commit to later jobs"]["ansible_stats"]
    assert stats == {
        "data": {"message_encryption_git_commit": git(jobs.repository, "rev-parse", "main")},
        "per_host": False,
        "aggregate": False,
    }


RUN = "20261125T031655Z-baseline-workflow7_41abc"
APPROVED = "fetch_approved_git"


def approved(artifacts: Path) -> dict[str, str]:
    """The plans that a job may apply."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for folder in [artifacts.parent / f"{artifacts.name}_approved"]
        for path in sorted(folder.rglob("*.json"))
    }


def test_a_later_job_gets_the_plans_that_were_approved_and_no_others(jobs: Jobs) -> None:
    of_another_run = RUN.replace("41abc", "41abd")
    checked: dict[str, str | Path] = {
        f"runs/{RUN}/{host}/{name}.json": "approved" for host in ("contoso", "fabrikam") for name in ("plan", "report")
    }
    # A plan that is a link is none.
    checked |= {f"runs/{RUN}/report.json": "approved", f"runs/{RUN}/wingtip/plan.json": Path("/etc/hostname")}
    commit = jobs.push({**checked, f"runs/{of_another_run}/fabrikam/plan.json": "of another run"})
    jobs.push(
        {
            **{f"runs/{RUN}/{host}/plan.json": "forged" for host in ("contoso", "tailspin")},
            "organizations/contoso/snapshots/snapshot.json": "newer",
        }
    )

    said = {"message_encryption_git_commit": commit, "hardened_baseline": {"run": RUN}, "awx_workflow_job_id": 7}
    apply = jobs.start()
    put(apply, "../message_encryption_approved/tailspin/plan.json", "of another day")
    done = jobs.run(apply, FETCH, APPROVED, **said)
    assert done.rc == 0, done.output
    assert approved(apply) == {
        "contoso/plan.json": "approved",
        "fabrikam/plan.json": "approved",
        "wingtip/plan.json": "/etc/hostname",
    }
    # Snapshots are the newest.
    assert (apply / "organizations/contoso/snapshots/snapshot.json").read_text(encoding="utf-8") == "newer"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"message_encryption_git_commit": "0" * 40}, "so there is no approved plan"),
        ({"message_encryption_git_commit": "main"}, "No plan was approved, so there is nothing to apply"),
        (
            {"message_encryption_git_commit": "", "hardened_baseline": {}},
            "No plan was approved, so there is nothing to apply",
        ),
        ({"message_encryption_git_commit": "--upload-pack=x"}, "No plan was approved, so there is nothing to apply"),
        ({"hardened_baseline": {"run": "../" + RUN}}, "No plan was approved, so there is nothing to apply"),
        ({"hardened_baseline": {"run": RUN.replace("_41abc", "_41abe")}}, "so there is no approved plan"),
        ({"hardened_baseline": {"run": RUN.replace("workflow7", "workflow9")}}, "is not one of the workflow job 7"),
        (
            {"hardened_baseline": {"run": of_another_run}},
            "No plan was approved of contoso, so nothing was written to any organization.",
        ),
        ({"awx_workflow_job_id": 71}, "is not one of the workflow job 71"),
    ]
    refused = jobs.refusals(APPROVED, *(case for case, _why in wrong), after=[FETCH], **said)
    assert [text for text, (_case, why) in zip(refused, wrong, strict=True) if why not in text] == []


def test_where_no_job_has_run_there_is_nothing_to_merge(jobs: Jobs) -> None:
    cases = [{}, {"hardened_baseline": {}}, {"hardened_baseline": {"run": "../" + RUN}}]
    refused = jobs.refusals("merge_slices", *cases)
    assert [text.startswith("There is nothing to merge: the job before this one") for text in refused] == [True] * 3


def test_many_jobs_push_at_once(jobs: Jobs) -> None:
    """As the slices of a job do."""
    many = [jobs.start() for _unused in range(3)]
    assert jobs.run(many[0], FETCH).rc == 0
    for artifacts in many[1:]:
        shutil.copytree(many[0], artifacts)
    for number, artifacts in enumerate(many):
        put(artifacts, f"runs/{number}/report.json", str(number))
        put(artifacts, "report.json", f"{number}\nends the same\n")
    with ThreadPoolExecutor(len(many)) as pool:
        done = list(pool.map(lambda artifacts: jobs.run(artifacts, PUBLISH), many))
    assert [run.rc for run in done] == [0] * len(many), done[0].output
    assert [jobs.read(f"runs/{number}/report.json") for number in range(len(many))] == [
        str(number) for number in range(len(many))
    ]
    # What each has is that of the latest, whole.
    assert jobs.read("report.json") in [f"{number}\nends the same" for number in range(len(many))]


# test_awx_workflows.py has it in a job of AWX.
@pytest.mark.matrix
def test_a_push_that_fails_fails_the_job(jobs: Jobs) -> None:
    artifacts = jobs.start()
    put(artifacts, "contoso/snapshot.json", "only")
    hook = jobs.repository / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no more >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    run = jobs.run(artifacts, FETCH, PUBLISH)
    assert run.rc == 2
    assert "no more" in run[f"{ROLE} : Push the commit"]["stderr"]


def test_what_is_no_repository_or_no_branch_is_refused_before_git_runs(jobs: Jobs) -> None:
    wrong = {
        "": "Message encryption artifacts (git)",
        "/srv/artifacts.git": "must begin with https:// or ssh://",
        "file:///srv/artifacts.git": "must begin with https:// or ssh://",
        "http://git.example.com/a.git": "must begin with https:// or ssh://",
        "git@git.example.com:mail/a.git": "must begin with https:// or ssh://",
        "ext::sh -c id": "must begin with https:// or ssh://",
        "--upload-pack=id": "must begin with https:// or ssh://",
        "ssh://-oProxyCommand=id/a": "must begin with https:// or ssh://",
        "https://ansible:T0ken@git.example.com/a.git": "has a password: remove it",
    }
    cases = [({"message_encryption_git_url": url}, why) for url, why in wrong.items()]
    cases += [
        ({"message_encryption_git_branch": branch}, "must be the name of a branch")
        for branch in ("-b", "--upload-pack=id", "a b", "main\nx")
    ]
    refused = jobs.refusals(FETCH, *(case for case, _why in cases))
    assert [text for text, (_case, why) in zip(refused, cases, strict=True) if why not in text] == []
    assert not list(jobs.directory.glob("job-*/**/.git"))


def test_a_repository_that_cannot_be_read_fails_the_job(jobs: Jobs) -> None:
    run = jobs.run(
        jobs.start(),
        FETCH,
        message_encryption_git_url="https://git.example.com/mail/none.git",
        environment={"https_proxy": "http://127.0.0.1:9"},
    )
    assert run.rc == 2
    assert "mail/none.git" in run[f"{ROLE} : Fetch the branch"]["stderr"]


def test_a_launch_does_not_replace_the_repository_of_the_credential(jobs: Jobs) -> None:
    """Launch variables are extra variables, which beat all others."""
    artifacts = jobs.start()
    put(artifacts, "contoso/plan.json", "plan")
    credential = {"MESSAGE_ENCRYPTION_GIT_URL": URL, "MESSAGE_ENCRYPTION_GIT_BRANCH": "plans"}
    launch = {
        "message_encryption_git_url": "https://evil.example.com/a.git",
        "message_encryption_git_branch": "main",
        "repository": "x",
        "branch": "x",
    }
    run = jobs.run(artifacts, FETCH, PUBLISH, arguments=("-e", json.dumps(launch)), environment=credential)
    assert run.rc == 0, run.output
    assert git(jobs.repository, "show", "plans:contoso/plan.json") == "plan"


def test_git_gets_the_token_from_the_credential_for_its_repository_alone_and_no_command_line_has_it(
    tmp_path: Path,
) -> None:
    kind = named(configuration()["controller_credential_types"], "Message encryption artifacts (git)")
    (tmp_path / "env").mkdir()
    inputs = {"url": URL, "username": "ansible", "token": "T0ken$(id)'\"x"}
    environment, arguments = inject(kind, inputs, tmp_path)

    def asked(url: str) -> str:
        done = subprocess.run(
            ["git", "credential", "fill"],
            input=f"url={url}\n\n",
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_TERMINAL_PROMPT": "0", **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    assert f"username=ansible\npassword={inputs['token']}" in asked(URL)
    for other in (
        "https://evil.example.com/mail/message-encryption.git",
        "https://git.example.com/other.git",
        "http://git.example.com/mail/message-encryption.git",
    ):
        assert "T0ken" not in asked(other)
    assert inputs["token"] not in " ".join(arguments) + environment["GIT_CONFIG_VALUE_0"]
    assert not list((tmp_path / "env").iterdir())
    assert environment["MESSAGE_ENCRYPTION_GIT_URL"] == URL
