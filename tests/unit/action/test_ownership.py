# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts that another user could change or move away are refused, from the root of the file system down, and on
reading, too.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import ownership
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.ownership import Ownership

STRANGER, PARTNER = 40001, 40002
FOLDERS = ["", "runs", "organizations", "organizations/contoso", "organizations/contoso/snapshots"]


class Owners:
    """Who owns what, for tests that do not run as root: some paths belong to somebody else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.users: dict[Path, int] = {}
        self.groups: dict[Path, int] = {}
        real = Path.lstat

        def lstat(path: Path) -> Any:
            found = real(path)
            owner, group = self.users.get(path, found.st_uid), self.groups.get(path, found.st_gid)
            return SimpleNamespace(st_mode=found.st_mode, st_uid=owner, st_gid=group)

        monkeypatch.setattr(Path, "lstat", lstat)


@pytest.fixture(name="owners")
def owners_fixture(monkeypatch: pytest.MonkeyPatch) -> Owners:
    return Owners(monkeypatch)


@pytest.fixture(name="top")
def top_fixture(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture(name="make")
def make_fixture(top: Path, tmp_path: Path) -> Callable[..., ArtifactFiles]:
    """The artifacts of an organization with a snapshot, a plan and a used approval."""
    own = tmp_path / "own"
    own.mkdir()

    def make(*owners: str) -> ArtifactFiles:
        return ArtifactFiles(str(top), "contoso", RunFolder("1abc", "20261125T030001Z", own), "baseline", owners)

    artifacts = make()
    artifacts.snapshots.store({"id": "1", "previous": "", "digest": "sha256:1"}, {})
    artifacts.plans.store({"digest": "sha256:1"})
    return make


def writing(artifacts: ArtifactFiles) -> list[Callable[[], Any]]:
    return [artifacts.notes.begin, lambda: artifacts.reports.store({"report.html": ""}, top=True)]


def reading(artifacts: ArtifactFiles) -> list[Callable[[], Any]]:
    return [
        lambda: artifacts.load("plan.json"),
        lambda: artifacts.plans.with_digest("sha256:1"),
        lambda: artifacts.load(artifacts.snapshots.chain().links[0].path),
    ]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_folders_that_everybody_may_write_to(
    make: Callable[..., ArtifactFiles], top: Path, folder: str, mode: int
) -> None:
    (top / folder).chmod(mode)
    for work in writing(make()):
        with pytest.raises(
            OptionError, match=f"^hardened_baseline_artifacts_dir: everybody can write to {top / folder} "
        ):
            work()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_of_another_user(make: Callable[..., ArtifactFiles], top: Path, owners: Owners, folder: str) -> None:
    owners.users[top / folder] = STRANGER
    for work in writing(make()):
        with pytest.raises(
            OptionError,
            match=f"^hardened_baseline_artifacts_dir: {top / folder} belongs to {STRANGER}, who could change",
        ):
            work()
    # A user who is named is trusted, and no other.
    for work in writing(make(str(STRANGER))):
        work()
    with pytest.raises(OptionError, match=f"belongs to {STRANGER}"):
        make(str(PARTNER)).notes.begin()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_that_a_group_may_write_to(
    make: Callable[..., ArtifactFiles], top: Path, owners: Owners, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / folder).chmod(0o770)
    owners.groups[top / folder] = STRANGER
    for work in writing(make()):
        with pytest.raises(
            OptionError, match=f"^hardened_baseline_artifacts_dir: the group {STRANGER} can write to {top / folder} "
        ):
            work()
    # The group of a pod has no name.
    monkeypatch.setattr(os, "getgroups", lambda: [STRANGER])
    make().notes.begin()


@pytest.mark.parametrize(
    ("members", "primary", "trusted"),
    [
        ([], [], True),
        (["me"], ["me"], True),
        (["me", "other"], [], False),
        ([], ["other"], False),
        (["gone"], [], False),
    ],
)
def test_a_group_is_private_where_nobody_else_is_in_it(
    make: Callable[..., ArtifactFiles],
    top: Path,
    owners: Owners,
    monkeypatch: pytest.MonkeyPatch,
    members: list[str],
    primary: list[str],
    trusted: bool,
) -> None:
    """So git leaves files of a user with umask 002, and so OpenSSH judges them in Debian."""
    users = {"me": os.geteuid(), "other": STRANGER}
    monkeypatch.setattr(grp, "getgrgid", lambda gid: SimpleNamespace(gr_name="team", gr_mem=members))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=users[name]))
    monkeypatch.setattr(
        pwd, "getpwall", lambda: [SimpleNamespace(pw_uid=users[name], pw_gid=PARTNER) for name in primary]
    )
    top.chmod(0o775)
    owners.groups[top] = PARTNER
    if trusted:
        make().notes.begin()
    else:
        with pytest.raises(OptionError, match="the group team can write to"):
            make().notes.begin()


def test_the_folders_above_count(make: Callable[..., ArtifactFiles], top: Path, owners: Owners) -> None:
    """Whoever may write there can move the artifacts away, and a used approval would count again."""
    above = top.parent
    above.chmod(0o777)
    with pytest.raises(OptionError, match=f"everybody can write to {above} "):
        make().notes.begin()
    above.chmod(0o1777)  # as /tmp
    make().notes.begin()
    owners.users[above] = STRANGER
    with pytest.raises(OptionError, match=f"{above} belongs to {STRANGER}"):
        make().notes.begin()


@pytest.mark.parametrize("name", ["organizations/contoso/snapshots", "runs"])
def test_links(make: Callable[..., ArtifactFiles], top: Path, tmp_path: Path, owners: Owners, name: str) -> None:
    """A link is taken as far as its owner and what it leads to are trusted, and the folders above that."""
    elsewhere = tmp_path / "elsewhere/real"
    elsewhere.parent.mkdir()
    (top / name).rename(elsewhere)
    (top / name).symlink_to(elsewhere)
    make().notes.begin()
    owners.users[top / name] = STRANGER
    with pytest.raises(OptionError, match=f"{top / name} belongs to {STRANGER}"):
        make().notes.begin()
    owners.users = {elsewhere.parent: STRANGER}
    with pytest.raises(OptionError, match=f"{elsewhere.parent} belongs to {STRANGER}"):
        make().notes.begin()


def test_files_are_checked_where_they_are_read(make: Callable[..., ArtifactFiles], top: Path, owners: Owners) -> None:
    for work in reading(make()):
        work()
    for path in [*top.glob("runs/*/contoso/plan.json"), *top.glob("organizations/contoso/snapshots/snapshot-*.json")]:
        owners.users[path] = STRANGER
    for work in reading(make()):
        with pytest.raises(OptionError, match=f"belongs to {STRANGER}, who could change snapshots and approved plans"):
            work()
    for work in reading(make(str(STRANGER))):
        work()


def test_a_plan_from_elsewhere_is_checked(
    make: Callable[..., ArtifactFiles], tmp_path: Path, top: Path, owners: Owners
) -> None:
    plan = tmp_path / "approved/contoso/plan.json"
    plan.parent.mkdir(parents=True)
    (source,) = top.glob("runs/*/contoso/plan.json")
    plan.write_bytes(source.read_bytes())
    for path in (str(plan), str(plan.parents[1])):
        assert make().plans.load(path)
        owners.users[plan] = STRANGER
        with pytest.raises(OptionError, match=f"^hardened_baseline_approved_plan: .*{plan} belongs to {STRANGER}"):
            make().plans.load(path)
        owners.users.clear()


def test_a_user_that_does_not_exist_is_no_owner(make: Callable[..., ArtifactFiles]) -> None:
    with pytest.raises(OptionError, match=f"^{ownership.OWNERS}: there is no user 'nobody-at-all' on the controller"):
        make("nobody-at-all").notes.begin()


def test_what_does_not_exist_is_for_whoever_reads_it(tmp_path: Path) -> None:
    Ownership().check(tmp_path / "nowhere/at/all")
    Ownership().check(Path("a\0b"))
