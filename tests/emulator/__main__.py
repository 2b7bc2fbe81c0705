# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts an emulator and keeps it until it is told to stop: ``python -m tests.emulator --directory DIR``."""

from __future__ import annotations

import argparse
import select
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import pidfd_open
from pathlib import Path
from typing import Any

from .emulator import Emulator
from .engine import EngineError, find_engine
from .faults import load
from .organization import Organization


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="Exchange organizations on loopback.")
    parser.add_argument(
        "--directory", type=Path, required=True, help="where emulator.json, the CA and the credentials are written"
    )
    parser.add_argument(
        "--organization", action="append", default=[], help="initial domain of a fresh organization; may be repeated"
    )
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        type=Path,
        help="JSON file that describes an organization; may be repeated",
    )
    parser.add_argument("--port", type=int, default=0, help="of the admin API and the authority; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="duration of each round trip with cmdlets")
    parser.add_argument("--faults", type=Path, help="JSON list of faults; see README.md")
    parser.add_argument(
        "--engine",
        action="store_true",
        help="serve a real PowerShell, too: the one that PWSH names, or that is on PATH",
    )
    parser.add_argument("--parent", type=int, help="stop when this process ends")
    return parser.parse_args()


def _show(description: Mapping[str, Any]) -> None:
    for key, value in description.items():
        if key != "organizations":
            print(f"{key}: {value}")
    for organization in description["organizations"]:
        print(f"organization: {organization['name']}")
        for key in ("tenant_id", "client_id", "client_secret", "certificate_path"):
            print(f"  {key}: {organization[key]}")
    print("ready", flush=True)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """What can be read once a signal has come. Nobody is told that the emulator is ready before that."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        yield reader
        signal.set_wakeup_fd(-1)


def _wait(signals: socket.socket, parent: int | None) -> None:
    """Returns when a signal comes, or when the parent ends."""
    watched = [signals.fileno()]
    if parent is not None:
        try:
            watched.append(pidfd_open(parent))
        except ProcessLookupError:
            return
    select.select(watched, [], [])


def main() -> int:
    arguments = _arguments()
    try:
        faults = load(arguments.faults.read_text(encoding="utf-8")) if arguments.faults else []
        engine = find_engine() if arguments.engine else None
        organizations = [*arguments.organization, *map(Organization.load, arguments.state)] or [
            "contoso.onmicrosoft.com"
        ]
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"A file can't be used: {error}", file=sys.stderr)
        return 2
    how = {
        "directory": arguments.directory,
        "port": arguments.port,
        "latency": arguments.latency_ms / 1000,
        "faults": faults,
        "engine": engine,
    }
    with Emulator(organizations, **how) as emulator, _signals() as signals:
        _show(emulator.describe())
        _wait(signals, arguments.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
