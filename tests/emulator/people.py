# SPDX-License-Identifier: GPL-3.0-or-later
"""People who sign in: with a device code, or in a browser (authorization code), through a public client.

Source: Microsoft's pages about the OAuth 2.0 device authorization grant and the authorization code flow in the
Microsoft identity platform (v2-oauth2-device-code: parameters, and the errors authorization_pending,
authorization_declined, bad_verification_code, expired_token).
"""

from __future__ import annotations

import base64
import html
import json
import secrets
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from .organization import Organization
from .web import Answer, Request

#: Microsoft's own public client for Exchange Online PowerShell; every organization knows it.
PUBLIC_CLIENT = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
SCOPES = "AdminApi.AccessAsUser.All FfoPowerShell.AccessAsUser.All RemotePowerShell.AccessAsUser.All"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = (DEVICE_CODE, "authorization_code", "refresh_token")
#: Letters of user codes: none that looks like another.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_PAGE = """<!doctype html><title>Sign in to your account</title>
<h1>{title}</h1><form method="post"><label>Code <input name="otc" value="{code}"></label> <button>Next</button></form>"""


@dataclass
class Flow:
    """A device code that was given out, and what became of it: ``pending``, ``approved``, ``declined``, ``blocked``."""

    organization: Organization
    client_id: str
    user_code: str
    until: float
    outcome: str = "pending"
    asked: int = 0


class People:
    """The sign-ins of people.

    :param issue: makes an access token for organization, client id, user and the claims of a challenge.
    """

    def __init__(self, issue: Callable[[Organization, str, str, str], str]) -> None:
        self._issue = issue
        self.clients = {PUBLIC_CLIENT}
        #: Seconds that a device code lives, and between two questions about it.
        self.lifetime, self.interval = 900.0, 1
        #: What becomes of a code when it is first asked for, without anybody at a browser; None leaves it pending.
        self.outcome: str | None = None
        self.flows: dict[str, Flow] = {}
        self._codes: dict[str, tuple[Organization, str]] = {}
        self._nonces: dict[str, str] = {}
        self._refresh: dict[str, tuple[Organization, str]] = {}
        #: Whether refresh tokens still count.
        self.remembers = True

    def handle(self, request: Request, organization: Organization, url: str) -> Answer | None:
        """The answer to what a public client or its browser asks, or None when the path is another one's."""
        what = request.path.rpartition("/")[2]
        if what == "devicecode" and request.method == "POST":
            return self._device_code(dict(urllib.parse.parse_qsl(request.body.decode())), organization, url)
        return self._authorize(request, organization) if what == "authorize" else None

    def _device_code(self, form: Mapping[str, str], organization: Organization, url: str) -> Answer:
        client_id = form.get("client_id", "")
        if client_id not in self.clients:
            return refusal(
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{client_id}' was not found in the directory '{organization.name}'.",
            )
        flow = Flow(
            organization,
            client_id,
            "".join(secrets.choice(_LETTERS) for _place in range(9)),
            time.monotonic() + self.lifetime,
        )
        device_code = secrets.token_urlsafe(48)
        self.flows[device_code] = flow
        page = f"{url}/devicelogin"
        return json_answer(
            200,
            {
                "user_code": flow.user_code,
                "device_code": device_code,
                "verification_uri": page,
                "expires_in": int(self.lifetime),
                "interval": self.interval,
                "message": f"To sign in, use a web browser to open the page {page} and enter the code {flow.user_code} to authenticate.",
            },
        )

    def settle(self, user_code: str, outcome: str) -> None:
        """Somebody at a browser enters the code: ``approved``, ``declined``, or ``blocked`` by Conditional Access.

        :raises ValueError: no such code is waiting.
        """
        for flow in list(self.flows.values()):
            if flow.user_code == user_code.strip().upper() and flow.outcome == "pending":
                flow.outcome = outcome
                return
        raise ValueError(f"no code {user_code} is waiting")

    def page(self, request: Request) -> Answer:
        """The page where a code is entered. Whoever enters one signs in as the organization's administrator."""
        form = dict(urllib.parse.parse_qsl(request.body.decode())) if request.method == "POST" else request.query
        title, code = "Enter the code", form.get("otc", "")
        if request.method == "POST":
            try:
                self.settle(code, "approved")
                title = "You have signed in. You can close this page."
            except ValueError:
                title = "That code did not work. Check it and try again."
        return Answer(
            200,
            _PAGE.format(title=title, code=html.escape(code)).encode(),
            {"Content-Type": "text/html; charset=utf-8"},
        )

    def _authorize(self, request: Request, organization: Organization) -> Answer:
        code = secrets.token_urlsafe(24)
        self._codes[code] = organization, request.query.get("client_id", "")
        self._nonces[code] = request.query.get("nonce", "")
        target = request.query.get("redirect_uri", "")
        parameters = {"code": code, "state": request.query.get("state", "")}
        if urllib.parse.urlsplit(target).hostname != "localhost":
            return refusal(
                "invalid_request",
                "AADSTS50011: The redirect URI does not match the redirect URIs configured for the application.",
            )
        if request.query.get("response_mode") == "form_post":
            fields = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
                for name, value in parameters.items()
            )
            form = f'<form method="post" action="{html.escape(target)}">{fields}</form><script>document.forms[0].submit()</script>'
            return Answer(200, form.encode(), {"Content-Type": "text/html; charset=utf-8"})
        return Answer(302, b"", {"Location": f"{target}?{urllib.parse.urlencode(parameters)}"})

    def token(self, form: Mapping[str, str], organization: Organization, lifetime: int) -> Answer:
        """The answer of the token endpoint to a public client."""
        client_id = form.get("client_id", "")
        if form["grant_type"] == DEVICE_CODE:
            refused = self._refused(form.get("device_code", ""))
            if refused is not None:
                return refused
        else:
            known = self._refresh if form["grant_type"] == "refresh_token" else self._codes
            secret = form.get("refresh_token") or form.get("code", "")
            if known.get(secret) != (organization, client_id) or not self.remembers:
                return refusal("invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.")
        user, refresh = f"admin@{organization.name}", secrets.token_urlsafe(48)
        self._refresh[refresh] = organization, client_id
        now = int(time.time())
        oid = str(uuid.uuid5(uuid.NAMESPACE_DNS, user))
        identity = {
            "aud": client_id,
            "iss": "https://login.invalid",
            "sub": oid,
            "oid": oid,
            "tid": organization.tenant_id,
            "preferred_username": user,
        }
        if nonce := self._nonces.pop(form.get("code", ""), ""):
            identity["nonce"] = nonce
        client_info = (
            base64.urlsafe_b64encode(json.dumps({"uid": oid, "utid": organization.tenant_id}).encode())
            .decode()
            .rstrip("=")
        )
        return json_answer(
            200,
            {
                "token_type": "Bearer",
                "scope": f"https://outlook.office365.com/.default {SCOPES}",
                "expires_in": lifetime,
                "access_token": self._issue(
                    organization, client_id, user, form.get("claims", "") if "nbf" in form.get("claims", "") else ""
                ),
                "refresh_token": refresh,
                "id_token": jwt.encode(
                    {**identity, "iat": now, "nbf": now - 60, "exp": now + lifetime}, "0" * 32, algorithm="HS256"
                ),
                "client_info": client_info,
            },
        )

    def _refused(self, device_code: str) -> Answer | None:
        flow = self.flows.get(device_code)
        if flow is None:
            return refusal("bad_verification_code", "AADSTS70019: Verification code expired.")
        flow.asked += 1
        if flow.outcome == "pending" and self.outcome is not None:
            flow.outcome = self.outcome
        if flow.outcome == "declined":
            return refusal("authorization_declined", "AADSTS70018: The user declined the request.")
        if flow.outcome == "blocked":
            text = "AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
            return refusal("access_denied", text)
        if time.monotonic() > flow.until:
            return refusal(
                "expired_token",
                "AADSTS70020: The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
            )
        if flow.outcome != "approved":
            return refusal(
                "authorization_pending",
                "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            )
        return None


def refusal(error: str, description: str) -> Answer:
    status = 401 if error == "invalid_client" else 400
    body = {
        "error": error,
        "error_description": description,
        "error_codes": [],
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
    }
    return json_answer(status, body)


def json_answer(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"})
