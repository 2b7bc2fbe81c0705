# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the controller that are written whole or not at all, and for nobody else to read. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.document import document_of, document_text
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON artifact holds. An OptionError says why it cannot be read."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # a ValueError where no file can have that name
        raise OptionError(f"The file {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    return parsed(content, str(path))


def write_json(path: Path, document: Mapping[str, Any]) -> str:
    """Writes a JSON artifact. Gives its path."""
    return write_file(path, document_text(document).encode("ascii"))


def write_file(path: Path, content: bytes, *, option: str = "hardened_baseline_artifacts_dir") -> str:
    """Writes a file, whole or not at all, with mode 0600 in a folder with mode 0700. Gives its path.

    :param option: what an error names.
    """
    try:
        _make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise OptionError(f"{option}: {path} cannot be written: {getattr(error, 'strerror', error)}.") from error
    return str(path)


def link_file(source: Path, target: Path) -> None:
    """Gives a file a second name, or where the file system has no such thing, copies it. Files here are replaced and never changed, so both are the same."""
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
    """Has the system write the folder's own entries: without it a power cut may take a file that was synced. Not every file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it that are missing, all of them for nobody else."""
    missing = [folder, *folder.parents]
    for step in reversed(missing[: next((index for index, step in enumerate(missing) if step.exists()), len(missing))]):
        step.mkdir(mode=0o700, exist_ok=True)


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """The document of an artifact. An OptionError says why it is none."""
    try:
        return document_of(content)
    except ValueError as error:
        raise OptionError(f"The file {name} is not an artifact: {error}.") from error
