# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file that may be anything."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: The largest file that is read, in bytes. The capture of an organization with 300 rules has less than 1% of it.
LARGEST = 256 * 1024 * 1024


def content_of(path: str | Path) -> bytes:
    """The content of a file. It never waits for a writer, as reading a named pipe would, and never reads without end.

    :raises OSError: the file cannot be read, is not a regular file, or is too large; ``strerror`` says which.
    :raises ValueError: the path is not valid.
    """
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, f"Larger than {LARGEST // 1024**2} MiB")
    return content
