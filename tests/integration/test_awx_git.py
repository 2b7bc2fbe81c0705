# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and snapshots outlive a job in git: fetched before it, published from within it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
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
PUSHED = f"{ROLE} : Commit and push the changes"


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
        return self.plays(play(artifacts, *tasks, **variables), arguments=arguments, **(environment or {}))

    def plays(self, *plays: Mapping[str, Any], arguments: tuple[str, ...] = (), **environment: str) -> Run:
        """One run of plays, which may be those of several jobs."""
        home = self.directory / "home"
        home.mkdir()
        # Git takes a folder for the repository's URL here.
        (home / ".gitconfig").write_text(f'[url "{self.repository}"]\n\tinsteadOf = {URL}\n', encoding="utf-8")
        return Controller(home, ORGANIZATIONS).plays(plays, *arguments, **environment)

    def push(self, *commits: Mapping[str, str | Path], branch: str = "main") -> str:
        """Somebody pushes commits of files, and of links where a path is given. Gives the last commit."""
        clone = Path(tempfile.mkdtemp(dir=self.directory))
        git(clone, "clone", "--quiet", str(self.repository), ".")
        for files in commits:
            for path, content in files.items():
                if isinstance(content, str):
                    put(clone, path, content)
                else:
                    (clone / path).parent.mkdir(parents=True)
                    (clone / path).symlink_to(content)
            git(clone, "add", "--all")
            git(clone, "commit", "--quiet", "--message", "pushed")
        git(clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return git(clone, "rev-parse", "HEAD")

    def hook(self, name: str, script: str) -> None:
        hook = self.repository / "hooks" / name
        hook.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        hook.chmod(0o755)

    def log(self) -> list[str]:
        return git(self.repository, "log", "--format=%s", "main").splitlines()

    def read(self, path: str) -> str:
        return git(self.repository, "show", f"main:{path}")


def play(artifacts: Path, *tasks: str, **variables: Any) -> dict[str, Any]:
    """A job's play, named by the job's folder."""
    settings = {"hardened_baseline_artifacts_dir": str(artifacts), "message_encryption_git_url": URL, **variables}
    return {
        "name": artifacts.parent.name,
        "hosts": "all",
        "gather_facts": False,
        "vars": settings,
        "tasks": [{"name": task, "ansible.builtin.include_role": {"name": ROLE, "tasks_from": task}} for task in tasks],
    }


def attempts(artifacts: Path, *cases: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A play of tasks, each with variables of its own, that goes on with what a task says when it fails."""
    rescue = [{"name": "said", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}]
    tasks = [
        {"block": play(artifacts, task)["tasks"], "vars": dict(variables), "rescue": rescue}
        for task, variables in cases
    ]
    # On one host: a rescue of a task that runs once leaves the others failed.
    return {**play(artifacts), "hosts": "contoso", "tasks": tasks}


def said(run: Run) -> list[str]:
    return [" ".join(result.result["msg"].split()) for result in run.all("said")]


@pytest.fixture(name="jobs")
def jobs_fixture(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def put(artifacts: Path, path: str, content: str) -> None:
    (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
    (artifacts / path).write_text(content, encoding="utf-8")


def test_what_a_job_publishes_the_next_one_fetches(jobs: Jobs) -> None:
    first, second, check, none = (jobs.start() for _each in range(4))
    put(first, "contoso/snapshot.json", "first")
    put(check, "contoso/plan.json", "plan")
    # What is for one run alone is not kept.
    put(check, "contoso/.run-ansible-local-41abc.json", "found")
    put(check, "contoso/.report.html.x7k_2qab", "half")
    of_awx = {
        "awx_job_id": 41,
        "awx_job_template_name": "Message encryption - apply",
        "awx_user_name": "mail-admin",
    }
    run = jobs.plays(
        play(first, FETCH, PUBLISH, PUBLISH, **of_awx),
        play(second, FETCH, FETCH),
        {**play(check, FETCH, PUBLISH), "check_mode": True},
        # A repository that cannot be read fails the job.
        play(none, FETCH, message_encryption_git_url="https://git.example.com/mail/none.git"),
        https_proxy="http://127.0.0.1:9",
    )
    published, fetched, checked, unread = (run.of(job.parent.name) for job in (first, second, check, none))
    # Once: what is published again has no changes. And one commit for all organizations of the play.
    assert published.changed == [PUSHED], run.output
    assert len(published.all(PUSHED)) == 2
    assert git(jobs.repository, "log", "--format=%an", "main").splitlines() == ["m365.message_encryption", "mail-admin"]
    assert fetched.changed == []
    assert (second / "contoso/snapshot.json").read_text(encoding="utf-8") == "first"

    # A check keeps its plans, too, and hands over their commit.
    assert jobs.log() == [
        "Message encryption: a run outside of AWX",
        "Message encryption: job 41 of Message encryption - apply",
    ]
    kept = git(jobs.repository, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert kept == ["contoso/plan.json", "contoso/snapshot.json"]
    assert jobs.read("contoso/plan.json") == "plan"
    assert checked[f"{ROLE} : Pass the commit to later jobs"]["ansible_stats"] == {
        "data": {"message_encryption_git_commit": git(jobs.repository, "rev-parse", "main")},
        "per_host": False,
        "aggregate": False,
    }

    assert run.rc == 2
    assert "mail/none.git" in unread[f"{ROLE} : Fetch the branch"]["stderr"]


RUN = "20261125T031655Z-baseline-workflow7_41abc"
APPROVED = "fetch_approved_git"


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
    given = {"message_encryption_git_commit": commit, "hardened_baseline": {"run": RUN}, "awx_workflow_job_id": 7}
    job = jobs.start()
    run = jobs.plays(
        play(job, FETCH),
        attempts(job, *((APPROVED, given | case) for case, _why in wrong)),
        play(job, APPROVED, **given),
    )
    assert run.rc == 0, run.output
    assert [text for text, (_case, why) in zip(said(run), wrong, strict=True) if why not in text] == []
    (folder,) = jobs.directory.rglob("message_encryption_approved")
    approved = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.json")}
    assert approved == {
        "contoso/plan.json": "approved",
        "fabrikam/plan.json": "approved",
        "wingtip/plan.json": "/etc/hostname",
    }
    # Snapshots are the newest.
    assert (job / "organizations/contoso/snapshots/snapshot.json").read_text(encoding="utf-8") == "newer"


def test_who_pushes_later_keeps_what_others_have_pushed(jobs: Jobs) -> None:
    """As the slices of a job do: whenever this one pushes, another has just pushed."""
    others = [
        {f"runs/{number}/report.json": str(number), "report.json": f"{number}\nends the same\n"} for number in (1, 2)
    ]
    jobs.push(*others, branch="others")
    jobs.hook(
        "update",
        """for commit in $(git rev-list --reverse others); do
  git merge-base --is-ancestor "$commit" main || exec git update-ref refs/heads/main "$commit"
done""",
    )
    job = jobs.start()
    put(job, "runs/0/report.json", "0")
    put(job, "report.json", "0\nends the same\n")
    run = jobs.run(job, FETCH, PUBLISH)
    assert run.rc == 0, run.output
    assert run[PUSHED]["attempts"] == 1
    assert jobs.log() == ["Message encryption: a run outside of AWX", "pushed", "pushed"]
    assert [jobs.read(f"runs/{number}/report.json") for number in range(3)] == ["0", "1", "2"]
    # What each has is that of the latest, whole.
    assert jobs.read("report.json") == "0\nends the same"


# test_awx_workflows.py has it in a job of AWX.
@pytest.mark.matrix
def test_a_push_that_fails_fails_the_job(jobs: Jobs) -> None:
    artifacts = jobs.start()
    put(artifacts, "contoso/snapshot.json", "only")
    jobs.hook("pre-receive", "echo no more >&2; exit 1")
    run = jobs.run(artifacts, FETCH, PUBLISH)
    assert run.rc == 2
    assert "no more" in run[PUSHED]["stderr"]


def test_what_is_no_repository_no_branch_or_no_job_is_refused_before_git_runs(jobs: Jobs) -> None:
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
    job = jobs.start()
    # Where no job has run there is nothing to merge.
    unmerged: list[dict[str, Any]] = [{}, {"hardened_baseline": {}}, {"hardened_baseline": {"run": "../" + RUN}}]
    run = jobs.plays(
        attempts(job, *((FETCH, case) for case, _why in cases), *(("merge_slices", case) for case in unmerged))
    )
    assert run.rc == 0, run.output
    reasons = [*(why for _case, why in cases), *["There is nothing to merge: the job before this one"] * len(unmerged)]
    assert [text for text, why in zip(said(run), reasons, strict=True) if why not in text] == []
    assert not list(jobs.directory.glob("*/**/.git"))


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
