# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides' examples: what can be tried here is tried, and the rest is at least read and compared with what
exists."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.connection import exchange
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.certificate import certificate

ROOT = Path(__file__).resolve().parents[3]
GUIDES = ROOT / "docs/docsite/rst"
CONNECTING = GUIDES / "guide_connecting.rst"
OPTIONS = yaml.safe_load(exchange.DOCUMENTATION)["options"]
PREFIX = "m365.message_encryption."


class Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def blocks(file: Path, language: str) -> list[str]:
    """The code blocks of a guide in one language."""
    found = re.finditer(
        rf"^( *)\.\. code-block:: {language}\n(?: +:.*\n)*\n((?:\1 +.*\n|\s*\n)+)",
        file.read_text(encoding="utf-8") + "\n",
        re.MULTILINE,
    )
    return [textwrap.dedent(match[2]).strip() + "\n" for match in found]


def all_blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{file.stem}-{number}")
        for file in sorted(GUIDES.glob("*.rst"))
        for number, text in enumerate(blocks(file, language))
    ]


def tasks(value: Any) -> Iterator[tuple[str, Any]]:
    """Every module of ours that is used anywhere in a document, with its options."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and key.startswith(PREFIX) and isinstance(inner, (dict, type(None))):
                yield key.removeprefix(PREFIX), inner or {}
            yield from tasks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tasks(inner)


@pytest.mark.parametrize("text", all_blocks("yaml"))
def test_yaml_is_what_modules_take(text: str) -> None:
    document = yaml.load(text, Loader)  # noqa: S506
    for name, options in tasks(document):
        if not (ROOT / f"plugins/modules/{name}.py").exists():
            assert (
                (ROOT / f"playbooks/{name}.yml").exists() or (ROOT / f"roles/{name}").exists() or name == "exchange"
            ), name
            continue
        spec = importlib.import_module(f"ansible_collections.m365.message_encryption.plugins.modules.{name}").SPEC[
            "argument_spec"
        ]
        assert set(options) <= set(spec), name
        assert {option for option, row in spec.items() if row.get("required")} <= set(options), name


def inventories() -> list[Any]:
    found = [("yml", text) for text in blocks(CONNECTING, "yaml")] + [
        ("ini", text) for text in blocks(CONNECTING, "ini")
    ]
    return [pytest.param(kind, text, id=f"{kind}-{number}") for number, (kind, text) in enumerate(found)]


@pytest.mark.parametrize(("kind", "text"), inventories())
def test_inventories_make_a_connection(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / f"inventory.{kind}").write_text(text, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", f"inventory.{kind}", "--list"]
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    listed = json.loads(
        subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    )
    assert listed["_meta"]["hostvars"]
    for host, variables in listed["_meta"]["hostvars"].items():
        assert variables["ansible_connection"] == "m365.message_encryption.exchange"
        known = {"ansible_connection": "", "inventory_hostname": ""}
        options: dict[str, identity.Option] = {}
        for name, row in OPTIONS.items():
            options[name] = identity.Option(row.get("default"))
            for variable in (item["name"] for item in row.get("vars", ())):
                known[variable] = name
                if variable in variables:
                    options[name] = identity.Option(variables[variable], f"var: {variable}")
        assert set(variables) <= set(known), host
        assert identity.build(options, [])["transport"] == variables.get("ansible_exchange_transport", "rest")


def test_the_openssl_commands_make_what_the_collection_reads(tmp_path: Path) -> None:
    scripts = [text for text in blocks(CONNECTING, "bash") if "openssl" in text]
    subprocess.run(
        ["sh", "-e", "-c", "\n".join(scripts)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PASSWORD": "correct horse"},
        capture_output=True,
        check=True,
    )
    keys = {
        certificate(str(tmp_path / name), password)["private_key"].private_numbers()
        for name, password in (("exchange.pem", None), ("locked.pem", "correct horse"))
    }
    keys.add(certificate(str(tmp_path / "exchange.pfx"), "correct horse")["private_key"].private_numbers())
    assert len(keys) == 1
    assert not any(path.stat().st_mode & 0o077 for path in tmp_path.iterdir())


def test_every_role_in_the_guide_is_the_one_that_errors_name() -> None:
    from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import _ROLES

    text = CONNECTING.read_text(encoding="utf-8")
    for read, write in (row for noun, row in _ROLES.items() if noun not in ("TransportConfig", "OrganizationConfig")):
        assert read in text
        assert write in text
