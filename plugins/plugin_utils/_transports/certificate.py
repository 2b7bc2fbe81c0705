# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate file of an application."""

from __future__ import annotations

import datetime
import functools
import pathlib
import threading
from typing import Any

from ...module_utils._exchange.errors import CertificateError

#: Keys that are kept open: a service provider signs in to a thousand organizations with the same one.
_OPENED_AT_MOST = 16
_OPENING = threading.Lock()


@functools.lru_cache(maxsize=_OPENED_AT_MOST)
def _opened(content: bytes, secret: bytes | None) -> tuple[Any, list[Any]]:
    """The private key of a certificate file, and its certificates. Raises TypeError for a missing or needless password,
    ValueError if it cannot be opened.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    if b"-----BEGIN" in content:
        # Testing whether its numbers are prime takes longer than all the rest of opening a session.
        private = serialization.load_pem_private_key(content, secret, unsafe_skip_rsa_key_validation=True)
        if isinstance(private, rsa.RSAPrivateKey):
            _try(private)
        return private, x509.load_pem_x509_certificates(content)
    key, leaf, others = pkcs12.load_key_and_certificates(content, secret)
    return key, [item for item in (leaf, *others) if item is not None]


def _try(key: Any) -> None:
    """Signs something, and verifies it.

    :param key: ``cryptography``'s RSAPrivateKey.
    :raises ValueError: the parts of the key do not match.
    """
    from cryptography import exceptions
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    way = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", *way), b"", *way)
    except exceptions.InvalidSignature:
        raise ValueError("the parts of the key do not match") from None


def certificate(path: str, password: str | None) -> dict[str, Any]:
    """What msal wants of a certificate file: PEM (key and certificate, with its chain if it has one) or PFX. The key is
    open already.

    :raises CertificateError: the file can't be read, holds no key or no certificate, needs another password, or has
        expired.
    """
    from cryptography.hazmat.primitives import serialization

    what = "ansible_exchange_certificate_path"
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise CertificateError(
            f"the certificate file {path} cannot be read: {error.strerror}.", remedy=f"Check {what}."
        ) from None
    secret = password.encode("utf-8") if password else None
    try:
        with _OPENING:  # Sessions that open at once would all open the key.
            key, chain = _opened(content, secret)
    except TypeError:
        need = "does not need a password" if password else "needs a password"
        raise CertificateError(
            f"the certificate file {path} {need}.", remedy="Check ansible_exchange_certificate_password."
        ) from None
    except ValueError:
        raise CertificateError(
            f"the certificate file {path} cannot be opened: it is damaged, contains no private key, or has a different password.",
            remedy=f"{what} must be a PEM file with key and certificate, or a PFX file. Its password is ansible_exchange_certificate_password.",
        ) from None
    own = [item for item in chain if key is not None and item.public_key() == key.public_key()]
    if not own:
        raise CertificateError(
            f"the certificate file {path} does not contain a private key with the matching certificate.",
            remedy=f"Put both into the file; {what}.",
        )
    if own[0].not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise CertificateError(
            f"the certificate in {path} expired on {own[0].not_valid_after_utc:%Y-%m-%d}.",
            remedy="Renew it and upload it to the app registration.",
        )
    ordered = own[:1] + [item for item in chain if item != own[0]]
    return {
        "private_key": key,
        "public_certificate": "".join(
            item.public_bytes(serialization.Encoding.PEM).decode("ascii") for item in ordered
        ),
    }
