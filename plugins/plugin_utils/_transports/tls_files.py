# SPDX-License-Identifier: GPL-3.0-or-later
"""The files for TLS that a connection's variables name, looked at before any traffic.

What is wrong with one would otherwise come out of the middle of a handshake, where nothing
tells a file of ours from a fault of the other side's. The application's certificate is read in ``_authentication``.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from ...module_utils._exchange.errors import UnreachableError


def check(identity: Mapping[str, Any]) -> None:
    """Refuses an identity with a file that cannot be used.

    :raises UnreachableError: it names the variable and the file.
    """
    if "rest" in identity:
        rest = identity["rest"]
        if rest["validate_certs"] and rest["ca_cert"]:
            _check_authorities("ansible_exchange_ca_cert", rest["ca_cert"])
        return
    psrp = identity["psrp"]
    if psrp["ssl"] and isinstance(psrp["cert_validation"], str):
        _check_authorities("ansible_psrp_ca_cert", psrp["cert_validation"])
    if psrp["auth"] == "certificate":
        _check_key(
            "ansible_psrp_certificate_pem",
            psrp["certificate_pem"],
            "ansible_psrp_certificate_key_pem",
            psrp["certificate_key_pem"],
        )


def _check_authorities(variable: str, path: str) -> None:
    if os.path.isdir(path):  # one in OpenSSL's form: a file for each authority, looked for by name when it is needed
        return
    _check_readable(variable, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UnreachableError(
            f"{variable}: {path} contains no readable certificate.",
            remedy="Use a PEM file with certificate authorities.",
        ) from None


def _check_key(variable: str, path: str, key_variable: str, key_path: str) -> None:
    _check_readable(variable, path)
    _check_readable(key_variable, key_path)
    try:
        # An encrypted key is refused: without this, OpenSSL would ask a terminal for its password.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, key_path, password="")
    except ssl.SSLError:
        raise UnreachableError(
            f"{variable}: {path} and {key_variable}: {key_path} cannot be used together.",
            remedy="One must be a PEM file with a certificate, the other one with its private key without a password.",
        ) from None


def _check_readable(variable: str, path: str) -> None:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise UnreachableError(
            f"{variable}: {path} cannot be read: {error.strerror}.", remedy="Check the path and its permissions."
        ) from None
