# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens for the REST interface, through msal.

One :class:`Credential` a session; it is used under the session's lock.
"""

from __future__ import annotations

import base64
import json
import pathlib
import re
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._exchange.errors import AuthenticationError, ServiceError
from .certificate import certificate
from .libraries import requests, urllib3
from .limits import Limits
from .network_failures import Names, network_failure
from .retry import Executed, Failure
from .sign_in import REMEDIES, SignIn

#: Seconds before its end at which a token is renewed.
_MARGIN = 300
#: Seconds for which a token is believed to be good at most, whatever its authority says.
_LONGEST_LIFE = 86400.0
#: Fetched secrets that are kept in mind, to keep them out of texts: an answer may quote one that has been renewed
#: since.
_MOST_SECRETS = 8
#: Seconds to wait for the authority's answer.
_READ_TIMEOUT = 60
#: The names of one authority each. Source: Microsoft's list of its authorities, which msal has, too.
_SAME_AUTHORITY = (
    frozenset({"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}),
    frozenset({"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}),
    frozenset({"login.microsoftonline.us", "login.usgovcloudapi.net"}),
)
_LATER = "Try again later, or check ansible_exchange_authority_url if you set it."
_AUTHORITY = Names("ansible_exchange_ca_cert", "ansible_exchange_authority_url", "ansible_exchange_proxy", _LATER)
_NO_MACHINE = "Check whether this machine has a managed identity (ansible_exchange_managed_identity)."
_MACHINE = Names("ansible_exchange_ca_cert", "ansible_exchange_managed_identity", "ansible_exchange_proxy", _NO_MACHINE)
_CODE = re.compile(r"AADSTS\d+")
#: What to do about the authority's commonest refusals. Source: Microsoft's list of AADSTS error codes.
_REMEDIES = {
    "AADSTS7000215": "The client secret is wrong: set ansible_exchange_client_secret to its value, not its ID.",
    "AADSTS7000222": "The client secret has expired: create a new one and set ansible_exchange_client_secret.",
    "AADSTS700016": "The application is not known in this organization: check ansible_exchange_client_id and ansible_exchange_organization.",
    "AADSTS700027": "The certificate does not belong to the application: upload its public part, or set ansible_exchange_certificate_path.",
    "AADSTS700024": "The assertion is not within its validity period: check the controller's clock.",
    "AADSTS70021": "No federated credential of the application matches this token: check subject, issuer and audience in the app registration.",
    "AADSTS700213": "No federated credential of the application matches this token: check subject, issuer and audience in the app registration.",
    "AADSTS90002": "The organization is not known to this authority: check ansible_exchange_organization and ansible_exchange_environment.",
    "AADSTS900023": "The organization is not known to this authority: check ansible_exchange_organization and ansible_exchange_environment.",
    "AADSTS500011": "The organization does not have Exchange Online: it has no license for it yet.",
    "AADSTS53003": "Conditional Access blocks the application: exclude it, or run from an allowed network.",
}
_GENERAL = "Check ansible_exchange_client_id, ansible_exchange_organization and the credential."


#: Kinds of credentials whose tokens belong to an organization that the inventory does not choose.
_OF_ELSEWHERE = ("access_token", "managed_identity")


class AuthorityFailedError(Exception):
    """The authority failed in a way that may pass; the text is what it did."""


class Credential:
    """The credential of one session and the token that it currently has.

    :param identity: a connection identity for ``rest``.
    :param http: a session with the trust and proxy that the connection's variables ask for.
    :param limits: the limits of the calls that need a token.
    """

    def __init__(self, identity: Mapping[str, Any], http: requests.Session, limits: Limits) -> None:
        self._limits = limits
        self._settings: Mapping[str, Any] = identity["credential"]
        self._organization: str = identity["organization"]
        self._rest: Mapping[str, Any] = identity["rest"]
        self._http = _WithTimeout(http, (identity["connect_timeout"], _READ_TIMEOUT), self._rest["authority_url"])
        self._token = ""
        #: Secrets that were fetched or read, the latest last.
        self.fetched: list[str] = []
        self._ends = 0.0
        self._sign_in: SignIn | None = None
        if self._settings["kind"] == "managed_identity":
            self.authority, self.names = "this machine's identity service", _MACHINE
        else:
            #: Who gives the tokens, and what to check when nothing comes from there; for people.
            self.authority, self.names = f"the authority {self._rest['authority_url']}", _AUTHORITY

    @property
    def renewable(self) -> bool:
        """Whether another token can be had when this one is refused."""
        return bool(self._settings["kind"] != "access_token")

    def token(self) -> str:
        """A token that is good for some minutes yet.

        :raises AuthenticationError: the authority refused.
        :raises AuthorityFailedError: it failed in a way that may pass.
        :raises OSError: the authority could not be reached.
        """
        if not self.renewable:
            return str(self._settings["access_token"])
        if self.ends_soon:
            self.renew(None)
        return self._token

    @property
    def ends_soon(self) -> bool:
        """Whether the next call needs another token than the one in use."""
        return self.renewable and time.monotonic() > self._ends - _MARGIN

    def forget(self) -> None:
        """The next call fetches another token."""
        self._ends = 0.0

    def failure(self, error: Exception) -> Failure:
        """What an exception of :meth:`token` or :meth:`renew` means for the call that needed the token. The call itself
        was not sent.
        """
        if isinstance(error, AuthenticationError):
            return Failure(error, Executed.NO, retryable=False)
        if isinstance(error, AuthorityFailedError):
            return Failure(ServiceError(f"{self.authority} {error}.", remedy=self.names.late), Executed.NO)
        return replace(network_failure(error, self.authority, self.names), executed=Executed.NO)

    @property
    def user(self) -> str:
        """The person who signed in; empty if no person did."""
        return self._sign_in.user if self._sign_in is not None else ""

    def sign_in(self, tell: Callable[[str], None], wanted: Callable[[], bool]) -> None:
        """Has a person sign in. For the credentials that need one, before the first token.

        :param tell: shows text to the person at once.
        :param wanted: whether somebody still waits for the sign-in.
        :raises AuthenticationError: nobody signed in, or the authority refused.
        :raises AuthorityFailedError: it failed in a way that may pass.
        :raises NotSentError: nobody waits anymore.
        :raises OSError: it could not be reached.
        """
        import msal

        def begin() -> dict[str, Any]:
            application = msal.PublicClientApplication(
                self._settings["client_id"],
                authority=f"{self._rest['authority_url']}/{self._organization}",
                client_capabilities=["cp1"],
                instance_discovery=False,
                http_client=self._http,
            )
            browser = self._settings["kind"] == "interactive"
            if browser:
                self._http.refuse_elsewhere(application.authority.authorization_endpoint)
            self._sign_in = SignIn(application, self._organization, self._rest["scope"], with_browser=browser)
            return self._sign_in.begin(tell, wanted)

        self._take(begin)

    @property
    def tenant_id(self) -> str:
        """The tenant of the token in use; empty if there is no token, or if it does not show the tenant."""
        return _tenant_of(self._token if self.renewable else str(self._settings["access_token"]))

    @property
    def organization_id(self) -> str:
        """The tenant id of the inventory's organization; empty if no token that was issued for this very organization
        shows it.
        """
        if self._settings["kind"] in _OF_ELSEWHERE:
            return ""
        tenant = _tenant_of(self._token)
        return tenant if is_tenant_id(tenant) else ""

    def renew(self, claims: str | None) -> None:
        """Fetches a new token, because Exchange refused the old one.

        :param claims: what Exchange's claims challenge asks for, as JSON text.
        :raises AuthenticationError: the authority refused, or the token came from somebody else.
        :raises AuthorityFailedError: it failed in a way that may pass.
        :raises OSError: it could not be reached.
        """
        self._take(lambda: self._fetch(claims))

    def _take(self, fetch: Callable[[], dict[str, Any]]) -> None:
        """Takes the token of an authority's answer."""
        try:
            answer = fetch()
            lifetime = float(answer.get("expires_in") or 0)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RuntimeError,
            ArithmeticError,
        ) as error:  # which msal raises at what no authority answers
            if isinstance(error, json.JSONDecodeError) or isinstance(error.__context__, json.JSONDecodeError):
                raise AuthorityFailedError("returned a response that cannot be read") from None
            if isinstance(error, OSError):
                raise
            raise AuthenticationError(
                f"the authority {self._rest['authority_url']} does not know {self._organization}, or is not an authority.",
                remedy="Check ansible_exchange_organization, ansible_exchange_environment and ansible_exchange_authority_url.",
            ) from None
        if "access_token" not in answer:
            raise _refusal(answer, _REMEDIES if self._sign_in is None else {**_REMEDIES, **REMEDIES})
        self._token = str(answer["access_token"])
        for secret in (answer.get("refresh_token"), self._token):
            if secret:
                self._remember(str(secret))
        self._ends = time.monotonic() + min(max(lifetime, _MARGIN + 1), _LONGEST_LIFE)

    def _remember(self, secret: str) -> None:
        self.fetched = [*[known for known in self.fetched if known != secret], secret][-_MOST_SECRETS:]

    def _fetch(self, claims: str | None) -> dict[str, Any]:
        if self._sign_in is not None:
            return self._sign_in.renew(claims)
        import msal  # its import costs 140 ms, which a given access token need not pay

        if self._settings["kind"] == "managed_identity":
            client_id = self._settings["client_id"]
            who = (
                msal.UserAssignedManagedIdentity(client_id=client_id)
                if client_id
                else msal.SystemAssignedManagedIdentity()
            )
            # The machine's own identity service is never behind a proxy.
            local = self._limits.guard(requests.Session())
            local.trust_env = False
            client = msal.ManagedIdentityClient(who, http_client=_WithTimeout(local, (10, _READ_TIMEOUT)))
            return dict(client.acquire_token_for_client(resource=self._rest["scope"].removesuffix("/.default")))
        # A new application each time: its caches would answer with the very token, or the very failure, that we want to
        # be rid of.
        application = msal.ConfidentialClientApplication(
            self._settings["client_id"],
            authority=f"{self._rest['authority_url']}/{self._organization}",
            client_credential=self._client_credential(),
            client_capabilities=["cp1"],  # this client answers claims challenges
            instance_discovery=False,  # the authority is one that the inventory names, not one that a server told us
            http_client=self._http,
        )
        return dict(application.acquire_token_for_client([self._rest["scope"]], claims_challenge=claims) or {})

    def _client_credential(self) -> Any:
        kind = self._settings["kind"]
        if kind == "client_secret":
            return self._settings["client_secret"]
        if kind == "federated_token_file":
            return {"client_assertion": _reader(self._settings["federated_token_file"], self._remember)}
        return certificate(self._settings["certificate_path"], self._settings.get("certificate_password"))


def _tenant_of(token: str) -> str:
    """The claim ``tid`` of an access token. It is read for people and for comparing, and trusted no further than the
    token is.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["tid"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def is_tenant_id(text: str) -> bool:
    """Whether a text is a tenant id, and not a domain."""
    return bool(re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))


def claims_of(header: str) -> str | None:
    """The claims that a ``WWW-Authenticate`` header asks for, as JSON text; None if it asks for none.

    Source: continuous access evaluation; the value is base64.
    """
    match = re.search(r'claims="([^"]+)"', header)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode("utf-8") or None
    except ValueError:
        return None


def _reader(path: str, remember: Callable[[str], None]) -> Callable[[], str]:
    """Reads the token file when msal needs it: the platform replaces it every hour or so."""

    def read() -> str:
        remedy = "Check ansible_exchange_federated_token_file."
        try:
            token = pathlib.Path(path).read_text(encoding="ascii").strip()
        except OSError as error:
            raise AuthenticationError(
                f"the federated token file {path} cannot be read: {error.strerror}.", remedy=remedy
            ) from None
        except ValueError:
            token = ""
        if not token or len(token.split()) > 1:
            raise AuthenticationError(f"the federated token file {path} contains no token.", remedy=remedy)
        remember(token)
        return token

    return read


def _refusal(answer: Mapping[str, Any], remedies: Mapping[str, str]) -> AuthenticationError:
    text = _first_line(str(answer.get("error_description") or answer.get("error") or "the authority gave no reason"))
    match = _CODE.search(text)
    code = match[0] if match else str(answer.get("error", ""))
    return AuthenticationError(
        f"the authority issued no token: {text}", remedy=remedies.get(code, _GENERAL), error_id=code
    )


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0].split(" Trace ID:")[0].strip()


def http_session(rest: Mapping[str, Any]) -> requests.Session:
    """An HTTP session with the trust and the proxy that the connection's variables ask for.

    :param rest: the part ``rest`` of a connection identity.
    """
    http = requests.Session()
    for scheme in ("https://", "http://"):
        # Batches go side by side. One of their connections is kept: those of hundreds of organizations would use up the
        # files that a process may open.
        http.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=1))
    if not rest["validate_certs"]:
        http.verify = False
        http.trust_env = False
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    elif rest["ca_cert"]:
        http.verify = rest["ca_cert"]
        # REQUESTS_CA_BUNDLE would beat the file that the inventory names.
        http.trust_env = False
    if rest["proxy"]:
        http.proxies = {"https": rest["proxy"], "http": rest["proxy"]}
        http.trust_env = False
    elif not http.trust_env:
        http.proxies = dict(requests.utils.get_environ_proxies(rest["api_url"]))
    http.headers["User-Agent"] = "m365.message_encryption"
    http.headers["Accept-Encoding"] = "gzip"
    return http


class _WithTimeout:
    """A requests session as msal uses one, with a time limit on each request.

    :param authority: the URL of the authority. No request goes to another host, whatever endpoints the authority names.
        Empty: any host.
    """

    def __init__(self, http: requests.Session, timeout: tuple[float, float], authority: str = "") -> None:
        self._http = http
        self._timeout = timeout
        self._authority = _host(authority)
        self._hosts = next(
            (names for names in _SAME_AUTHORITY if self._authority in names), frozenset({self._authority} - {""})
        )

    def refuse_elsewhere(self, url: str) -> None:
        """Refuses an address at another host than the authority's.

        :raises AuthenticationError: it is at another host.
        """
        host = _host(url)
        if self._hosts and (host not in self._hosts or not url.startswith("https://")):
            raise AuthenticationError(
                f"the authority at {self._authority} names an endpoint at {host or 'no valid address'}. Nothing was sent there.",
                remedy="Check ansible_exchange_authority_url and ansible_exchange_environment.",
            )

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        self.refuse_elsewhere(url)
        return _passing(self._http.get(url, **{"timeout": self._timeout, "allow_redirects": False, **kwargs}))

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        self.refuse_elsewhere(url)
        return _passing(self._http.post(url, **{"timeout": self._timeout, "allow_redirects": False, **kwargs}))

    def close(self) -> None:
        """msal closes its client; ours belongs to the session."""


def _host(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _passing(response: requests.Response) -> requests.Response:
    """The answer itself, unless it is none: msal would raise what only it knows, or take it for a refusal."""
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise AuthorityFailedError(f"returned HTTP {response.status_code}")
    return response
