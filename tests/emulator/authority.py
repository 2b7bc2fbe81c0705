# SPDX-License-Identifier: GPL-3.0-or-later
"""The OAuth authority: discovery, client credentials in every form, managed identities, and the check of bearer
tokens."""

from __future__ import annotations

import base64
import datetime
import functools
import json
import secrets
import time
import urllib.parse
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from . import people
from .faults import strike
from .organization import Organization
from .people import People, json_answer
from .people import refusal as _refusal
from .service import Service
from .web import Answer, Request

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FEDERATION_AUDIENCE = "api://AzureADTokenExchange"
#: Whose tokens the admin API takes: the hosts of the four clouds, with every port and scheme spelled away.
RESOURCES = frozenset(
    {
        "outlook.office365.com",
        "outlook.office365.us",
        "outlook-dod.office365.us",
        "outlook.office365.cn",
        "partner.outlook.cn",
    }
)
#: Whose tokens the compliance endpoint takes, by its fronts' names, and only it.
COMPLIANCE = frozenset({"ps.compliance.protection.outlook.com", "ps.compliance.protection.office365.us"})
#: Whose tokens Microsoft Graph takes, and only it.
GRAPH = "graph.microsoft.com"
MAY_TRACE = "ExchangeMessageTrace.Read.All"


class Unauthorized(Exception):
    """A bearer token that the admin API does not take; the text is for WWW-Authenticate."""


class NotEntitled(Exception):
    """A good token of an application without a directory role."""


@dataclass
class Application:
    """An app registration with its credentials.

    :param app_role: has Exchange.ManageAsApp; without it tokens are refused (401).
    :param graph_permission: has ExchangeMessageTrace.Read.All of Microsoft Graph; without it the trace is refused
        (403).
    :param graph_consents: what else an administrator consented to in Entra, such as Mail.Send: it reaches every mailbox.
    :param directory_role: has an Entra role; without it cmdlets are refused (403).
    """

    client_id: str
    client_secret: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    tenants: set[str]
    certificate_password: str = "correct horse"
    app_role: bool = True
    directory_role: bool = True
    graph_permission: bool = True
    graph_consents: tuple[str, ...] = ()
    federation_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303  the thumbprint is defined so

    @property
    def pem(self) -> bytes:
        """Private key and certificate, as a client reads them."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pfx(self) -> bytes:
        encryption = serialization.BestAvailableEncryption(self.certificate_password.encode())
        return pkcs12.serialize_key_and_certificates(b"exchange", self.key, self.certificate, None, encryption)

    def federated_token(self, *, lifetime: int = 86400) -> str:
        """What an outside identity provider would give to a workload of this application."""
        now = int(time.time())
        claims = {
            "iss": "https://federation.invalid",
            "sub": self.client_id,
            "aud": FEDERATION_AUDIENCE,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self.federation_key, algorithm="ES256")


@functools.cache
def _key(name: str) -> rsa.RSAPrivateKey:
    """The key of an organization's application. Drawing one takes longer than the rest of an emulator, so all emulators
    of a process have the same.
    """
    return rsa.generate_private_key(65537, 2048)


def register(organization: Organization) -> Application:
    """A new application in an organization, with a self-signed certificate."""
    key = _key(organization.name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Message encryption of {organization.name}"[:64])])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), start, start + datetime.timedelta(days=365)
    )
    client_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"application.{organization.name}"))
    return Application(
        client_id, secrets.token_urlsafe(24), key, builder.sign(key, hashes.SHA256()), {organization.tenant_id}
    )


class Authority:
    """Serves ``/{tenant}/v2.0/.well-known/openid-configuration``, ``/{tenant}/oauth2/v2.0/token`` and the managed
    identity endpoints.

    :param lifetime: seconds for which a token is good.
    """

    people: People

    def __init__(self, service: Service, applications: Iterable[Application]) -> None:
        self.service = service
        self.applications = {application.client_id: application for application in applications}
        self.lifetime = 3599
        self.url = ""
        self._key = secrets.token_bytes(32)
        self._refused: dict[str, str] = {}
        self._issued: set[str] = set()
        self._demands_claims = False
        self.people = People(self._person_token)

    # Requests

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is not the authority's."""
        parts = request.path.strip("/").split("/")
        organization = self._tenant(parts[0])
        name = organization.name if organization else parts[0]
        if parts[-2:] == [".well-known", "openid-configuration"]:
            return strike(
                self.service.faults.transport("rest", "discovery", organization=name), lambda: self._discovery(parts[0])
            )
        if parts[-3:] == ["oauth2", "v2.0", "token"] and request.method == "POST":
            self.service.ledger.count("token")
            form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
            return strike(
                self.service.faults.transport("rest", "token", organization=name), lambda: self._token(parts[0], form)
            )
        if (
            organization is not None
            and parts[1:2] == ["oauth2"]
            and (answer := self.people.handle(request, organization, self.url))
        ):
            return answer
        if request.path == "/devicelogin":
            return self.people.page(request)
        if request.path in ("/metadata/identity/oauth2/token", "/msi/token"):
            self.service.ledger.count("token")
            return strike(self.service.faults.transport("rest", "token"), lambda: self._managed_identity(request))
        return None

    def _tenant(self, identifier: str) -> Organization | None:
        """The organization, if it is in the cloud: others have no tenant."""
        organization = self.service.find(identifier)
        return organization if organization is not None and organization.cloud else None

    def _discovery(self, tenant: str) -> Answer:
        organization = self._tenant(tenant)
        if organization is None:
            return _refusal("invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found.")
        base = f"{self.url}/{organization.tenant_id}"
        return json_answer(
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )

    def _token(self, tenant: str, form: Mapping[str, str]) -> Answer:
        organization = self._tenant(tenant)
        if organization is None:
            return _refusal("invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if form.get("grant_type") in people.GRANTS:
            return self.people.token(form, organization, self.lifetime)
        application = self.applications.get(form.get("client_id", ""))
        if application is None or organization.tenant_id not in application.tenants:
            text = f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in the directory '{organization.name}'."
            return _refusal("unauthorized_client", text)
        if form.get("grant_type") != "client_credentials":
            return _refusal("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        resource = _resource(form.get("scope", "").removesuffix("/.default"))
        if not form.get("scope", "").endswith("/.default") or resource not in {*RESOURCES, *COMPLIANCE, GRAPH}:
            return _refusal(
                "invalid_scope", f"AADSTS70011: The provided value for scope {form.get('scope')} is not valid."
            )
        refusal = self._check_credential(application, organization, form)
        if refusal is not None:
            return refusal
        token = self.issue(application, organization, resource, claims=form.get("claims", ""))
        return json_answer(
            200,
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": token,
            },
        )

    def _check_credential(
        self, application: Application, organization: Organization, form: Mapping[str, str]
    ) -> Answer | None:
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            try:
                self._check_assertion(application, organization, form.get("client_assertion", ""))
            except (jwt.PyJWTError, ValueError) as error:
                return _refusal(
                    "invalid_client",
                    f"AADSTS700027: The certificate that signed the client assertion is not registered: {error}.",
                )
        elif not secrets.compare_digest(form.get("client_secret", ""), application.client_secret):
            return _refusal(
                "invalid_client", f"AADSTS7000215: Invalid client secret provided for app '{application.client_id}'."
            )
        return None

    def _check_assertion(self, application: Application, organization: Organization, assertion: str) -> None:
        header = jwt.get_unverified_header(assertion)
        if "x5t" not in header and "x5t#S256" not in header:
            jwt.decode(
                assertion,
                application.federation_key.public_key(),
                algorithms=["ES256"],
                audience=FEDERATION_AUDIENCE,
                subject=application.client_id,
            )
            return
        for name, algorithm in (("x5t", hashes.SHA1()), ("x5t#S256", hashes.SHA256())):  # noqa: S303
            digest = base64.urlsafe_b64encode(application.certificate.fingerprint(algorithm)).decode().rstrip("=")
            if name in header and header[name].rstrip("=") != digest:
                raise ValueError(f"thumbprint {header[name]}")
        endpoints = [f"{self.url}/{tenant}/oauth2/v2.0/token" for tenant in (organization.tenant_id, organization.name)]
        claims = jwt.decode(
            assertion, application.certificate.public_key(), algorithms=["RS256", "PS256"], audience=endpoints
        )  # type: ignore[arg-type]
        if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
            raise ValueError("issuer or subject is not the application")

    def _managed_identity(self, request: Request) -> Answer:
        if request.headers.get("Metadata") != "true" and "X-IDENTITY-HEADER" not in request.headers:
            return json_answer(
                400, {"error": "invalid_request", "error_description": "Required metadata header not specified"}
            )
        resource = _resource(request.query.get("resource", ""))
        wanted = request.query.get("client_id") or next(iter(self.applications))
        application = self.applications.get(wanted)
        if application is None or resource not in {*RESOURCES, *COMPLIANCE}:
            return json_answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        organization = self.service.find(next(iter(application.tenants)))
        assert organization is not None
        token = self.issue(application, organization, resource, claims="managed identity")
        expires_on = str(int(time.time()) + self.lifetime)
        return json_answer(
            200,
            {
                "access_token": token,
                "client_id": application.client_id,
                "expires_in": str(self.lifetime),
                "expires_on": expires_on,
                "resource": request.query["resource"],
                "token_type": "Bearer",
            },
        )

    # Tokens

    def issue(
        self,
        application: Application,
        organization: Organization,
        resource: str = "outlook.office365.com",
        claims: str = "",
    ) -> str:
        """An access token for an application in an organization; ``claims`` are those of a challenge that it answers."""
        roles = ["Exchange.ManageAsApp"] if application.app_role else []
        if resource == GRAPH:
            roles = [*([MAY_TRACE] if application.graph_permission else []), *application.graph_consents]
        return self._encode(
            organization, {"xms_claims": bool(claims), "appid": application.client_id, "roles": roles}, resource
        )

    def _encode(
        self, organization: Organization, who: Mapping[str, Any], resource: str = "outlook.office365.com"
    ) -> str:
        now = int(time.time())
        token_id = secrets.token_hex(8)
        self._issued.add(token_id)
        claims = {
            **who,
            "aud": f"https://{resource}",
            "iss": f"{self.url}/{organization.tenant_id}/v2.0",
            "tid": organization.tenant_id,
            "oid": str(uuid.uuid5(uuid.NAMESPACE_DNS, str(who.get("upn") or who["appid"]))),
            "iat": now,
            "nbf": now - 60,
            "exp": now + self.lifetime,
            "uti": token_id,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def _person_token(self, organization: Organization, client_id: str, user: str, claims: str) -> str:
        """An access token for a person, which Exchange takes as it takes an application's."""
        return self._encode(
            organization, {"xms_claims": bool(claims), "appid": client_id, "upn": user, "scp": people.SCOPES}
        )

    def check(self, authorization: str, tenant: str, *, compliance: bool = False) -> Organization:
        """The organization of the bearer token in an Authorization header.

        :param compliance: whether it is shown to the compliance endpoint.

        :raises Unauthorized: no token, an expired, revoked or foreign one, or one of another tenant than the URL's.
        :raises NotEntitled: the application has no directory role.
        """
        scheme, _unused, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("")
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], options={"verify_aud": False})
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired") from error
        except jwt.PyJWTError as error:
            raise Unauthorized("The token is invalid") from error
        if claims["uti"] in self._refused or (self._demands_claims and not claims["xms_claims"]):
            raise Unauthorized(self._refused.get(claims["uti"], "revoked"))
        organization = self._tenant(claims["tid"])
        if (
            organization is None
            or not organization.answers_to(tenant)
            or _resource(claims["aud"]) not in (COMPLIANCE if compliance else RESOURCES)
            or not (claims.get("roles") or claims.get("scp"))
        ):
            raise Unauthorized("The token is not for this organization or resource")
        # Of a person, as of an application: the organization's own application stands for all who have a role, or have
        # none.
        own = (
            application for application in self.applications.values() if organization.tenant_id in application.tenants
        )
        application = self.applications.get(claims["appid"], next(own))
        if not (organization.state["compliance_role"] if compliance else application.directory_role):
            raise NotEntitled
        return organization

    def check_graph(self, authorization: str, permission: str = MAY_TRACE) -> Organization:
        """The organization of a token for Microsoft Graph.

        :param permission: what the token must grant; empty where more than the token decides.
        :raises Unauthorized: no good token for Graph.
        :raises NotEntitled: the token does not grant it.
        """
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "), self._key, algorithms=["HS256"], audience=f"https://{GRAPH}"
            )
        except jwt.PyJWTError as error:
            raise Unauthorized("The token is invalid") from error
        organization = self._tenant(claims["tid"])
        if organization is None or claims["uti"] in self._refused:
            raise Unauthorized("The token is not for this organization")
        if permission and permission not in claims["roles"]:
            raise NotEntitled
        return organization

    @staticmethod
    def roles_of(authorization: str) -> list[str]:
        """The permissions that a token of an application grants everywhere."""
        claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
        return list(claims.get("roles", ()))

    @staticmethod
    def is_of_a_person(token: str) -> bool:
        """Whether a token is a person's, and not an application's own."""
        return "scp" in jwt.decode(token, options={"verify_signature": False})

    def refuse_all(self, reason: str) -> None:
        """Every token issued so far is refused from now on.

        :param reason: ``expired``, or ``revoked``: then only tokens that answer the claims challenge are taken, until
            :meth:`forgive`.
        """
        self._refused |= dict.fromkeys(self._issued, "revoked" if reason == "revoked" else "The token has expired")
        self._demands_claims |= reason == "revoked"

    def forgive(self) -> None:
        """Tokens need no claims any more."""
        self._demands_claims = False


def challenge(reason: str) -> dict[str, str]:
    """The headers of a 401. A revoked token asks for one with claims (continuous access evaluation)."""
    if reason == "revoked":
        claims = base64.b64encode(
            json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}).encode()
        ).decode()
        return {"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{claims}"'}
    error = f', error="invalid_token", error_description="{reason}"' if reason else ""
    return {"WWW-Authenticate": f'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"{error}'}


def _resource(scope: str) -> str:
    return (urllib.parse.urlsplit(scope).hostname or scope).lower()
