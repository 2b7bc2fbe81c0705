# SPDX-License-Identifier: GPL-3.0-or-later
"""On what the emulator's parameters rest: the live module where it says something, else Microsoft's documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulator.schema import Cmdlet, cmdlets, manifest

FIDELITY = Path(__file__).parents[3] / "docs/docsite/rst/fidelity.rst"


def _cloud(cmdlet: Cmdlet) -> dict[str, str]:
    return {
        parameter.name: parameter.type_source
        for parameter in cmdlet.parameters.values()
        if parameter.cloud and parameter.name not in ("Confirm", "WhatIf")
    }


def test_how_many_rest_on_which(record_property: Callable[[str, object], None]) -> None:
    sources: Counter[str] = Counter()
    for cmdlet in cmdlets().values():
        if cmdlet.name in manifest():
            sources.update(_cloud(cmdlet).values())
    known = sum(len(row["parameters"]) for row in manifest().values())
    types = ", ".join(f"{number} by {source}" for source, number in sources.most_common())
    record_property(
        "says",
        f"The emulator's cmdlets: {len(manifest())} with {known} parameters of the live module; types told {types}.",
    )
    # Of a cmdlet that the manifest has, nothing is invented and nothing left out.
    assert sources.total() == known
    page = " ".join(FIDELITY.read_text(encoding="utf-8").split())
    assert f"{len(manifest())} cmdlets with {known} parameters" in page
    assert f"names a type ({sources['manifest']} parameters)" in page
    assert f"no more than object ({sources['documentation']}); neither for {sources['nobody']}, of which" in page


@pytest.mark.parametrize("name", sorted(manifest()))
def test_a_cmdlet_has_the_live_parameters(name: str) -> None:
    described = manifest()[name]["parameters"]
    cmdlet = cmdlets()[name.lower()]
    assert {key.lower() for key in described} == {key.lower() for key in _cloud(cmdlet)}
    for key, row in described.items():
        parameter = cmdlet.parameters[key.lower()]
        assert parameter.type_source == "manifest" or row["type"].startswith("System.Object"), key


def test_what_the_documentation_says_otherwise_is_the_manifests() -> None:
    set_ome, test_irm = cmdlets()["set-omeconfiguration"], cmdlets()["test-irmconfiguration"]
    assert set_ome.parameters["externalmailexpiryindays"].type == "Double"
    assert not test_irm.parameters["sender"].is_mandatory(cloud=True)
    assert test_irm.parameters["sender"].is_mandatory(cloud=False)
    assert set_ome.parameters["identity"].is_mandatory(cloud=True)
