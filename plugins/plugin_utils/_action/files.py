# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files completely or not at all, readable only by their owner."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._exchange.document import document_line, document_of, document_text
from ...module_utils._exchange.errors import OptionError
from .._transports.regular_file import content_of

#: The contents of a run's folder besides the folders of its organizations.
_TAKEN = re.compile(r"(report|fleet|history)\.\w+|junit\.xml|SHA256SUMS|plan\.json|latest.*", re.IGNORECASE)

#: The maximum length of an organization's name in a folder name. A file system allows 255 bytes, and file names add
#: more.
_LONGEST_NAME = 150


def folder_name(host: str) -> str:
    """The folder name of an organization: its name in the inventory, or a unique replacement if that is not a valid
    folder name.
    """
    if re.fullmatch(rf"[A-Za-z0-9_][A-Za-z0-9._@-]{{0,{_LONGEST_NAME}}}", host) and not _TAKEN.fullmatch(host):
        return host
    readable = (
        re.sub(r"[^A-Za-z0-9._@-]", "_", host).lstrip(".-") or "_"
    )  # a name that begins with a dash is an option to a shell's commands
    return readable[:_LONGEST_NAME] + "-" + hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def path_of(text: str) -> Path:
    """The path with ``~`` expanded. A ``~name`` that the system does not know stays unchanged."""
    return Path(os.path.expanduser(text))


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON artifact. Raises OptionError if it cannot be read."""
    try:
        content = content_of(path)
    except (OSError, ValueError) as error:  # a ValueError if the name is not valid for a file
        raise OptionError(f"The file {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    return parsed(content, str(path))


def write_json(path: Path, document: Mapping[str, Any], *, lasting: bool = True) -> str:
    """Writes a JSON artifact. Returns its path. One that only later tasks of the run read is on one line, which takes a
    tenth of the time to make.
    """
    return write_file(path, (document_text if lasting else document_line)(document).encode("ascii"), lasting=lasting)


def write_file(
    path: Path, content: bytes, *, option: str = "hardened_baseline_artifacts_dir", lasting: bool = True
) -> str:
    """Writes a file completely or not at all, with mode 0600 in a folder with mode 0700. Returns its path.

    :param option: the option that an error names.
    :param lasting: whether it must survive a power failure. Data that only later tasks of the run use need not.
    """
    try:
        _make_folder(path.parent)
        _replace(path, content, synced=lasting)
        if lasting:
            _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise OptionError(f"{option}: {path} cannot be written: {getattr(error, 'strerror', error)}.") from error
    return str(path)


def _replace(path: Path, content: bytes, *, synced: bool) -> None:
    """Writes a temporary file beside a file, and lets it take its place. The temporary file goes if that fails.

    :param synced: whether the system writes the content to disk before that.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def link_file(source: Path, target: Path) -> None:
    """Creates a hard link, or a copy if the file system has no links. Files here are replaced and never changed, so
    both are equivalent.
    """
    try:
        _make_folder(target.parent)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
    except OSError as error:
        raise OptionError(f"hardened_baseline_artifacts_dir: {target} cannot be written: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    """Makes the system write the folder's entries to disk: otherwise a power failure may lose a synced file. Not every
    file system supports this.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Creates a folder and its missing parents, accessible only to the owner."""
    missing = [folder, *folder.parents]
    for step in reversed(missing[: next((index for index, step in enumerate(missing) if step.exists()), len(missing))]):
        step.mkdir(mode=0o700, exist_ok=True)


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """The document of an artifact. Raises OptionError if it is not one."""
    try:
        return document_of(content)
    except ValueError as error:
        raise OptionError(f"The file {name} is not an artifact: {error}.") from error
