# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization has to be prepared with before an application may manage it, and which step of that an error
shows to be missing.

The steps are those of ``extensions/setup/New-MessageEncryptionApplication.ps1``.
"""

from __future__ import annotations

from .errors import AuthenticationError, CertificateError, ExchangeError, TokenRefusedError

SCRIPT = "extensions/setup/New-MessageEncryptionApplication.ps1"

#: The steps, in order.
STEPS = {
    "certificate": "a certificate file with its key, on the controller",
    "application": "the application in Microsoft Entra, with the public part of the certificate",
    "enterprise_application": "the application in this organization (its enterprise application)",
    "consent": "admin consent to Exchange.ManageAsApp",
    "role_group": "an Exchange role group, or an Entra role, that has the application as its member",
    "roles": "all roles in that role group",
}

#: The authority's codes to the step that is missing. Source: Microsoft's list of AADSTS error codes.
_CODES = {
    "AADSTS700027": "application",
    "AADSTS7000215": "application",
    "AADSTS7000222": "application",
    "AADSTS700016": "enterprise_application",
    "AADSTS7000229": "enterprise_application",
    "AADSTS650052": "enterprise_application",
}


def missing_step(error: ExchangeError) -> str:
    """The step that is missing where no session can be opened; empty where the error shows none.

    :param error: why there is no session.
    """
    if error.error_id in _CODES:
        return _CODES[error.error_id]
    if isinstance(error, CertificateError):
        return "certificate"
    if isinstance(error, TokenRefusedError):
        return "consent"
    denied = isinstance(error, AuthenticationError) and error.cmdlet == "Get-OrganizationConfig"
    return "role_group" if denied else ""


def step_sentence(step: str) -> str:
    """What is missing, for people."""
    return f"Missing step {list(STEPS).index(step) + 1} of {len(STEPS)}: {STEPS[step]}. The collection's {SCRIPT} makes what is missing."
