# SPDX-License-Identifier: GPL-3.0-or-later
"""Who could change an artifact. Snapshots, plans and used approvals decide what is written, so nobody else may.

As sshd does with authorized keys, every step from the root of the file system down counts: whoever may write to a
folder can put another file, or another folder, in the place of ours. Trusted are the user of the run, root, and the
users that ``hardened_baseline_artifacts_owners`` names. Trusted is also a group that has nobody else in it: the private
group of a user, in which git leaves files with umask 002, and the group 0, with which AWX's execution environments run.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from ...module_utils._exchange.errors import OptionError

OWNERS = "hardened_baseline_artifacts_owners"

_ROOT = 0


class Ownership:
    """Checks paths, each step of them once.

    :param owners: names or numbers of users that may own artifacts, beside root and the user of the run.
    """

    def __init__(self, owners: Iterable[str] = ()) -> None:
        self._trusted = {_ROOT, os.geteuid(), *map(_uid, owners)}
        self._checked: set[Path] = set()

    def check(self, path: Path, *, top: Path | None = None) -> None:
        """Raises OptionError if another user could change what is there, or put something else in its place.

        :param path: a file or folder. What does not exist is not checked.
        :param top: the folder from which on a sticky bit does not help: others could still add files there.
        """
        absolute = Path(os.path.abspath(path))
        try:
            real = Path(os.path.realpath(absolute))
        except (OSError, ValueError):
            return  # It is no path. Whoever reads it says so.
        steps = [*reversed(absolute.parents), absolute]
        steps += [*reversed(real.parents), real] if real != absolute else []
        ours = Path(os.path.abspath(top)) if top else None
        for step in steps:
            if step not in self._checked:
                self._check(step, sticky=ours is None or not step.is_relative_to(ours))
                self._checked.add(step)

    def _check(self, step: Path, *, sticky: bool) -> None:
        try:
            status = step.lstat()
        except (OSError, ValueError):
            return  # Whoever reads or writes it says why it cannot be done.
        if status.st_uid not in self._trusted:
            who = _user(status.st_uid)
            raise OptionError(
                f"{step} belongs to {who}, who could change snapshots and approved plans.",
                remedy=f"Use a folder of your own, or trust that user: {OWNERS}: [{who}].",
            )
        if stat.S_ISLNK(status.st_mode) or (sticky and stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
            return
        if status.st_mode & stat.S_IWOTH:
            raise OptionError(
                f"everybody can write to {step} and could change snapshots and approved plans.",
                remedy=f"chmod o-w {step}, or use a folder of your own.",
            )
        if status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid, self._trusted):
            raise OptionError(
                f"the group {_group(status.st_gid)} can write to {step} and could change snapshots and approved plans.",
                remedy=f"chmod g-w {step}, or use a folder of your own.",
            )


def _uid(owner: str) -> int:
    """The number of a user. Raises OptionError if there is none of that name."""
    if str(owner).isdecimal():
        return int(owner)
    try:
        return pwd.getpwnam(str(owner)).pw_uid
    except (KeyError, ValueError) as error:
        raise OptionError(
            f"{OWNERS}: there is no user {owner!r} on the controller.", remedy="Name a user, or give the number of one."
        ) from error


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _is_private(gid: int, trusted: Collection[int]) -> bool:
    """Whether a group has nobody in it but trusted users. A group of no name has only those whose processes are in it,
    as a pod's has.
    """
    if gid == _ROOT:
        return True
    try:
        named = grp.getgrgid(gid).gr_mem
    except KeyError:
        return gid in {os.getegid(), *os.getgroups()}
    members = {_uid_of_member(name) for name in named} | {user.pw_uid for user in pwd.getpwall() if user.pw_gid == gid}
    return members <= set(trusted)


def _uid_of_member(name: str) -> int:
    """The number of a member of a group; one that no user has if there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1
