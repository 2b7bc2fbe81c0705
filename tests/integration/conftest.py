# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator, a controller and the organizations between them, anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine

from .tenant import Tenant, tenant

_ENGINE = pytest.param("engine", marks=pytest.mark.engine)
_POWERSHELL = pytest.param("powershell", marks=pytest.mark.engine)
_ENDPOINT = pytest.param("endpoint", marks=pytest.mark.engine)


#: What is about files and the command line, and the same over every wire, does without the one that starts a process for each run.
_NOT_OF_THE_WIRE = ("test_approval", "test_hostile_texts")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that use ``wire`` run over each; over the constrained endpoint, which takes seconds to open, where they are marked ``endpoint``."""
    own = any(marker.args[0] == "wire" for marker in metafunc.definition.iter_markers("parametrize"))
    if "wire" in metafunc.fixturenames and not own:
        endpoint = [_ENDPOINT] if metafunc.definition.get_closest_marker("endpoint") else []
        powershell = [] if metafunc.module.__name__.rpartition(".")[2] in _NOT_OF_THE_WIRE else [_POWERSHELL]
        metafunc.parametrize("wire", ["rest", "psrp", _ENGINE, *powershell, *endpoint])


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
