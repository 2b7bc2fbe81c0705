# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for TLS that cannot be used: each is named with its variable before anything is sent."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import tls_files
from cryptography.hazmat.primitives import serialization

from tests.emulator import Emulator
from tests.unit.connections import identity

from .wires import values

#: What a file may hold that is no certificate.
BROKEN = {
    "missing": None,
    "empty": b"",
    "text": b"certificate authorities\n",
    "cut": b"-----BEGIN CERTIFICATE-----\nMIIB",
    "damaged": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "binary": bytes(range(256)),
}
AUTHORITIES = {"rest": ("exchange_ca_cert", "ansible_exchange_ca_cert"), "server": ("ca_cert", "ansible_psrp_ca_cert")}


def read(emulator: Emulator, wire: str, **more: Any) -> None:
    session = OrganizationSession(identity(**values(emulator, wire, exchange_retries=1, **more)), open_transport)
    try:
        session.invoke(Request([Call("Get-IRMConfiguration")]))[0].unwrap()
    finally:
        session.close()


@pytest.fixture
def quiet(emulator: Emulator) -> Emulator:
    emulator.faults.set([])
    emulator.service.ledger.reset()
    return emulator


@pytest.mark.parametrize("wire", AUTHORITIES)
@pytest.mark.parametrize("kind", BROKEN)
def test_authorities_that_cannot_be_read(quiet: Emulator, tmp_path: pathlib.Path, wire: str, kind: str) -> None:
    path = tmp_path / "ca.pem"
    content = BROKEN[kind]
    if content is not None:
        path.write_bytes(content)
    option, variable = AUTHORITIES[wire]
    why = "cannot be read: No such file" if content is None else "contains no readable certificate"
    with pytest.raises(errors.UnreachableError, match=f"^{variable}: {path} {why}"):
        read(quiet, wire, **{option: str(path)})
    assert quiet.calls == []


@pytest.mark.parametrize(
    "more",
    [
        {"exchange_ca_cert": "/nowhere", "exchange_validate_certs": False},
        {
            "exchange_transport": "psrp",
            "exchange_psrp_connect": "none",
            "ca_cert": "/nowhere",
            "cert_validation": "ignore",
        },
        {"exchange_transport": "psrp", "exchange_psrp_connect": "none", "ca_cert": "/nowhere", "protocol": "http"},
        {"exchange_ca_cert": "/etc"},
    ],
)
def test_a_file_that_is_not_used_or_a_directory_is_no_hindrance(more: dict[str, Any]) -> None:
    tls_files.check(identity(**more))


def test_a_bundle_of_the_environment_that_is_not_there(quiet: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(
        errors.UnreachableError, match=r"/nowhere\.pem cannot be read.*ansible_exchange_ca_cert.*REQUESTS_CA_BUNDLE"
    ):
        read(quiet, "rest", exchange_ca_cert=None)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("which", ["certificate_pem", "certificate_key_pem"])
def test_a_client_certificate_that_cannot_be_used(
    quiet: Emulator, tmp_path: pathlib.Path, kind: str, which: str
) -> None:
    good, path = quiet.describe()["organizations"][0]["certificate_path"], tmp_path / "own.pem"
    content = BROKEN[kind]
    if content is not None:
        path.write_bytes(content)
    paths = {"certificate_pem": good, "certificate_key_pem": good, which: str(path)}
    why = "cannot be read: No such file" if content is None else "cannot be used together"
    with pytest.raises(errors.UnreachableError, match=f"ansible_psrp_{which}: {path}.*{why}"):
        read(quiet, "server", auth="certificate", remote_user=None, remote_password=None, **paths)


def test_a_client_key_with_a_password_is_refused_and_nobody_asked_for_it(
    quiet: Emulator, tmp_path: pathlib.Path
) -> None:
    good = pathlib.Path(quiet.describe()["organizations"][0]["certificate_path"])
    key = serialization.load_pem_private_key(good.read_bytes(), None)
    path = tmp_path / "key.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"planted"))
    )
    with pytest.raises(errors.UnreachableError, match="without a password"):
        read(
            quiet,
            "server",
            auth="certificate",
            remote_user=None,
            remote_password=None,
            certificate_pem=str(good),
            certificate_key_pem=str(path),
        )
