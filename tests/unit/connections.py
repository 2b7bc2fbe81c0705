# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests below the seam share: options, connection identities, and a server that does as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.identity import Option

ORGANIZATION = "contoso.onmicrosoft.com"

DEFAULTS: dict[str, Any] = {
    "exchange_transport": "rest",
    "exchange_organization": None,
    "exchange_environment": "O365Default",
    "exchange_client_id": None,
    "exchange_certificate_path": None,
    "exchange_certificate_password": None,
    "exchange_certificate_thumbprint": None,
    "exchange_client_secret": None,
    "exchange_managed_identity": False,
    "exchange_federated_token_file": None,
    "exchange_access_token": None,
    "exchange_device_code": False,
    "exchange_interactive": False,
    "exchange_capture_path": None,
    "exchange_capture_max_age": None,
    "exchange_api_url": None,
    "exchange_authority_url": None,
    "exchange_graph_url": None,
    "exchange_compliance_url": None,
    "exchange_compliance": None,
    "exchange_ca_cert": None,
    "exchange_validate_certs": True,
    "exchange_proxy": None,
    "exchange_powershell_path": "pwsh",
    "exchange_powershell_processes": 4,
    "exchange_psrp_connect": "exchange_online",
    "exchange_verify_organization": True,
    "exchange_command_timeout": 900,
    "exchange_connect_timeout": 30,
    "exchange_retries": 5,
    "exchange_read_reuse": 0,
    "remote_addr": "o1",
    "remote_user": None,
    "remote_password": None,
    "port": None,
    "protocol": None,
    "path": "wsman",
    "auth": "negotiate",
    "cert_validation": "validate",
    "ca_cert": None,
    "connection_timeout": 30,
    "read_timeout": 30,
    "reconnection_retries": 0,
    "reconnection_backoff": 2,
    "message_encryption": "auto",
    "proxy": None,
    "ignore_proxy": False,
    "certificate_key_pem": None,
    "certificate_pem": None,
    "credssp_auth_mechanism": "auto",
    "credssp_disable_tlsv1_2": False,
    "credssp_minimum_version": 2,
    "negotiate_delegate": None,
    "negotiate_hostname_override": None,
    "negotiate_send_cbt": True,
    "negotiate_service": "WSMAN",
    "operation_timeout": 20,
    "max_envelope_size": 153600,
    "configuration_name": "Microsoft.PowerShell",
}


def options(*, environment: dict[str, Any] | None = None, **values: Any) -> dict[str, Option]:
    """The connection plugin's options as a host would have them: values from variables, and some from the environment."""
    found = {name: Option(value) for name, value in DEFAULTS.items()}
    found |= {name: Option(value, f"env: {name.upper()}") for name, value in (environment or {}).items()}
    return found | {name: Option(value, f"var: ansible_{name}") for name, value in values.items()}


def identity(**values: Any) -> dict[str, Any]:
    """A connection identity; a token and an organization are there unless said otherwise."""
    given = {"exchange_organization": ORGANIZATION, **values}
    if (
        not any(given.get(name) for name in _identity.CREDENTIALS)
        and given.get("exchange_psrp_connect") != "none"
        and given.get("exchange_transport") != "file"
    ):
        given["exchange_access_token"] = "planted-token"
    return _identity.build(options(**given), [])


class Script:
    """A server that does to each request what the test tells it, in order; the last step is repeated.

    A step is a function of the handler, or a tuple of status, body and headers.
    """

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.asked = json.loads(body) if body.startswith(b"{") else body or None
                script.requests.append((self.path, dict(self.headers), self.asked))
                step = script.steps.pop(0) if len(script.steps) > 1 else script.steps[0]
                if callable(step):
                    step(self)
                else:
                    answer(self, *step)

            do_GET = do_POST

            def log_message(self, *_arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def answer(
    handler: BaseHTTPRequestHandler, status: int, body: Any = b"", headers: dict[str, str] | None = None
) -> None:
    """One HTTP answer; anything but bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Drops the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(2)
