# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
"""Unpacks the PowerShell that the tests use: python scripts/unpack_powershell.py ARCHIVE DIRECTORY.

Refuses any archive with another digest. Does nothing if the archive is already unpacked.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import sys
import tarfile
from pathlib import Path

NAME = "powershell-7.6.9-linux-x64.tar.xz"
DIGEST = "9e013c7c4c3d9bf8b18e0c745b5293ac37cc95e11d61010eaf2bc807ef294b77"


def unpack(archive: Path, directory: Path, digest: str = DIGEST) -> str:
    """Unpacks an archive. Returns a sentence about it, empty if it was already unpacked.

    :param directory: gets the contents of the archive's folder ``powershell``.
    :raises ValueError: it is not the expected archive, or it cannot be read.
    """
    try:
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"PWSH_ARCHIVE: {archive} cannot be read: {error.strerror}. Name the file {NAME}.") from error
    if found != digest:
        raise ValueError(
            f"PWSH_ARCHIVE: {archive} has the SHA-256 {found}, and {NAME} has {digest}. Download it again."
        )
    marker = directory / "unpacked"
    if marker.is_file() and marker.read_text(encoding="ascii") == digest:
        return ""
    draft = directory.with_name(directory.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with tarfile.open(archive, "r:xz") as tar:
            tar.extractall(draft, filter="data")
        (draft / "powershell/unpacked").write_text(digest, encoding="ascii")
        shutil.rmtree(directory, ignore_errors=True)
        (draft / "powershell").rename(directory)
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
        raise ValueError(f"PWSH_ARCHIVE: {archive} cannot be unpacked into {directory}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return f"Unpacked {archive.name} into {directory}."


def main(arguments: list[str]) -> int:
    archive, directory = arguments
    if not archive:
        print(f"PWSH_ARCHIVE is not set. Run: make pwsh PWSH_ARCHIVE=.../{NAME}", file=sys.stderr)
        return 1
    try:
        said = unpack(Path(archive), Path(directory))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if said:
        print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
