# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder, an emulator, a controller and the organizations between them, anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine

from .playbook import Controller
from .tenant import Tenant, inventory, tenant

#: The wires of the whole matrix.
_MATRIX = ("rest", "psrp", "engine", "powershell")
_WITHOUT_ENGINE = ("rest", "psrp", "constrained")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that use ``wire`` run over ``rest``; those whose subject it is, over the wires that
    ``@pytest.mark.wires(...)`` names; or over ``--wires``, of which ``@pytest.mark.possible_wires(...)`` leaves those
    over which the test has a meaning. It is skipped if none is left.
    """
    if "wire" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("wires")
    subject = tuple(marker.args) if marker else ("rest",)
    asked = metafunc.config.getoption("wires")
    if asked == "all":
        endpoint = ("endpoint",) if metafunc.definition.get_closest_marker("endpoint") else ()
        wires = tuple(dict.fromkeys((*_MATRIX, *endpoint, *subject)))
    else:
        wires = tuple(asked.split(",")) if asked else subject
    possible = metafunc.definition.get_closest_marker("possible_wires")
    if possible:
        wires = tuple(wire for wire in wires if wire in possible.args)
    if possible and not wires:
        nothing_asked = pytest.mark.skip(reason=f"it has a meaning over {', '.join(possible.args)} only")
        metafunc.parametrize("wire", [pytest.param("none", marks=nothing_asked)])
        return
    metafunc.parametrize(
        "wire", [pytest.param(wire, marks=() if wire in _WITHOUT_ENGINE else pytest.mark.engine) for wire in wires]
    )


@pytest.fixture(name="tmp_path")
def tmp_path_fixture(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder that is empty, and has the same name for each test of a worker: programs with the same home have the
    same configuration, see :mod:`warm_start`. Then it goes where pytest keeps what the test has left.

    What may outlive its test, or is looked for by its home, has a folder of its own.
    """
    if "executed" in request.fixturenames or request.node.get_closest_marker("engine"):
        yield tmp_path
        return
    folder = tmp_path_factory.getbasetemp() / "test"
    folder.mkdir(mode=0o700)
    yield folder
    folder.rename(tmp_path)


@pytest.fixture(name="transport")
def transport_fixture(wire: str) -> str:
    """What the wire is to the collection: ``rest``, ``psrp`` or ``powershell``."""
    return wire if wire in ("rest", "powershell") else "psrp"


@pytest.fixture(name="emulator")
def emulator_fixture(request: pytest.FixtureRequest, tmp_path: Path, engine: Engine | None) -> Iterator[Emulator]:
    """One fresh organization, or those that ``@pytest.mark.organizations(...)`` names or describes."""
    marker = request.node.get_closest_marker("organizations")
    organizations = marker.args if marker else ("contoso.onmicrosoft.com",)
    with Emulator(organizations, directory=tmp_path / "emulator", engine=engine) as emulator:
        yield emulator


@pytest.fixture(name="tenant")
def tenant_fixture(tmp_path: Path, emulator: Emulator, wire: str) -> Tenant:
    """The first organization, and a controller with an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return tenant(home, emulator, wire)


@pytest.fixture(name="wires")
def wires_fixture(request: pytest.FixtureRequest, tmp_path: Path, engine: Engine | None) -> Iterator[Tenant]:
    """An organization for each wire, all of which a play manages together: what happens to it, happens over each wire.

    Over the whole matrix with ``--wires all``; over ``powershell`` only where there is one.
    """
    asked = request.config.getoption("wires") or "rest,psrp,powershell"
    wires = [
        wire for wire in _MATRIX if (asked == "all" or wire in asked.split(",")) and (engine or wire in _WITHOUT_ENGINE)
    ]
    if not wires:
        pytest.skip("these are wires of one organization")
    names = [f"{wire}.onmicrosoft.com" for wire in wires]
    home = tmp_path / "home"
    home.mkdir()
    with Emulator(names, directory=tmp_path / "emulator", engine=engine) as made:
        hosts = {wire: inventory(made, wire)["exchange_organizations"]["hosts"][wire] for wire in wires}
        together = Tenant(made, Controller(home, {"exchange_organizations": {"hosts": hosts}}), names[0])
        together.host = "exchange_organizations"
        yield together


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at processes from outside: each of Ansible's programs is executed."""
    monkeypatch.setattr(Controller, "warm", False)
