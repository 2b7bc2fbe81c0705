# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program says under two seeds of Python's hashes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ansible_collections.m365.message_encryption as collection


def said_with_two_hash_seeds(program: str) -> set[str]:
    """The different outputs of a Python program that sees the tests and the collection."""
    root = Path(__file__).resolve().parents[3]
    packages = Path(next(iter(collection.__path__))).parents[2]
    return {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{packages}:{root}", "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
