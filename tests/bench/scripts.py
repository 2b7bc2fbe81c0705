# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator writes without the collection: a script with one session that runs cmdlets one after the other.

Run as a program: ``python -m tests.bench.scripts rest|psrp JOB``, where the file JOB has the connection and the
cmdlets. It stands for the bare minimum: no comparing, no checks, no errors explained.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Invoke = Callable[[str, Mapping[str, Any]], Any]


def rest(variables: Mapping[str, Any]) -> Invoke:
    """A session over the REST admin API, with requests and msal."""
    import msal
    import requests

    http = requests.Session()
    http.verify = variables["ansible_exchange_ca_cert"]
    pem = Path(variables["ansible_exchange_certificate_path"]).read_text()
    organization = variables["ansible_exchange_organization"]
    application = msal.ConfidentialClientApplication(
        variables["ansible_exchange_client_id"],
        authority=f"{variables['ansible_exchange_authority_url']}/{organization}",
        client_credential={"private_key_pfx_path": None, "private_key": pem, "thumbprint": _thumbprint(pem)},
        http_client=http,
        instance_discovery=False,
    )
    token = application.acquire_token_for_client(["https://outlook.office365.com/.default"])["access_token"]
    url = f"{variables['ansible_exchange_api_url']}/adminapi/beta/{organization}/InvokeCommand"

    def invoke(cmdlet: str, parameters: Mapping[str, Any]) -> Any:
        answer = http.post(
            url,
            json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json()["value"]

    return invoke


def psrp(variables: Mapping[str, Any]) -> Invoke:
    """A session over PowerShell remoting to a management host, with pypsrp."""
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.wsman import WSMan

    wsman = WSMan(
        variables["ansible_host"],
        port=variables["ansible_port"],
        username=variables["ansible_user"],
        password=variables["ansible_password"],
        auth="basic",
        cert_validation=variables["ansible_psrp_ca_cert"],
    )
    pool = RunspacePool(wsman)
    pool.open()

    def invoke(cmdlet: str, parameters: Mapping[str, Any]) -> Any:
        shell = PowerShell(pool)
        shell.add_cmdlet(cmdlet)
        for name, value in parameters.items():
            shell.add_parameter(name, value)
        output = shell.invoke()
        if shell.had_errors:
            raise RuntimeError(str(shell.streams.error[0]))
        return output

    invoke(
        "Connect-ExchangeOnline",
        {
            "AppId": variables["ansible_exchange_client_id"],
            "CertificateThumbprint": variables["ansible_exchange_certificate_thumbprint"],
            "Organization": variables["ansible_exchange_organization"],
            "ShowBanner": False,
        },
    )
    return invoke


def _thumbprint(pem: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1()).hex()  # noqa: S303 (what the protocol takes)


def main(transport: str, job: str) -> None:
    """Runs the job's cmdlets over one session."""
    work = json.loads(Path(job).read_text())
    invoke = {"rest": rest, "psrp": psrp}[transport](work["variables"])
    for cmdlet, parameters in work["cmdlets"]:
        invoke(cmdlet, parameters)


if __name__ == "__main__":
    main(*sys.argv[1:])
