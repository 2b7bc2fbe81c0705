# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: msal against the emulator's authority over TLS."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import (
    authentication as _authentication,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.certificate import certificate
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import Limits
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator import Emulator
from tests.unit.clock import Clock
from tests.unit.connections import identity

from .wires import values

_DISCOVERED = dict.fromkeys(("authorization_endpoint", "token_endpoint", "issuer"), "https://login.example.com/x")


def read(emulator: Emulator, **more: Any) -> None:
    session = OrganizationSession(
        identity(**values(emulator, "rest", exchange_retries=1, **{"exchange_client_secret": None, **more})),
        open_transport,
    )
    try:
        session.invoke(Request([Call("Get-IRMConfiguration")]))[0].unwrap()
    finally:
        session.close()


def connections(emulator: Emulator) -> set[str]:
    """The connections to the emulator that are open, each by its own end."""
    port = urlsplit(values(emulator, "rest")["exchange_api_url"]).port
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if int(row[2].partition(":")[2], 16) == port and row[3] == "01"}


def test_of_batches_side_by_side_one_connection_is_kept(emulator: Emulator, given: dict[str, Any]) -> None:
    secret = {"exchange_client_secret": given["client_secret"]}
    session = OrganizationSession(identity(**values(emulator, "rest", **secret)), open_transport)
    # Those of earlier tests may end at any time.
    before = connections(emulator)
    try:
        session.invoke(Request([Call("Get-IRMConfiguration")] * 35))[34].unwrap()
        assert len(connections(emulator) - before) == 1
    finally:
        session.close()


@pytest.fixture
def given(emulator: Emulator) -> dict[str, Any]:
    emulator.faults.set([])
    return dict(emulator.describe()["organizations"][0])


def test_a_client_secret(emulator: Emulator, given: dict[str, Any]) -> None:
    read(emulator, exchange_client_secret=given["client_secret"])


def test_a_secret_goes_to_no_other_host_than_the_authoritys(
    emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = emulator.authority._discovery

    def hostile(tenant: str) -> Any:
        answer = plain(tenant)
        answer.body = json.dumps({**json.loads(answer.body), "token_endpoint": "https://login.example.com/x"}).encode()
        return answer

    monkeypatch.setattr(emulator.authority, "_discovery", hostile)
    with pytest.raises(AuthenticationError, match=r"names an endpoint at login\.example\.com"):
        read(emulator, exchange_client_secret=given["client_secret"])


def test_once_a_token_shows_the_tenant_its_id_is_in_the_address(
    emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another domain than the initial one in its place, Exchange refuses further pages."""
    organization, plain, seen = emulator.organizations[given["name"]], emulator.admin_api.handle, list[Any]()
    monkeypatch.setattr(emulator.admin_api, "handle", lambda request: seen.append(request) or plain(request))
    before = organization.dump()
    rules = [{"Name": name, "Guid": name, "DeleteMessage": True} for name in "abc"]
    organization.patch(
        {
            "page_size": 2,
            "transport_rules": rules,
            "accepted_domains": [*before["accepted_domains"], {"DomainName": "contoso.com"}],
        }
    )
    settings = values(emulator, "rest", exchange_verify_organization=False)
    session = OrganizationSession(identity(**{**settings, "exchange_organization": "contoso.com"}), open_transport)
    try:
        (listed,) = session.invoke(Request([Call("Get-TransportRule")]))
    finally:
        session.close()
        organization.replace(before)
    assert [rule["Name"] for rule in listed.unwrap()] == list("abc")
    asked = [request for request in seen if request.path.endswith("/InvokeCommand")]
    assert {request.path.split("/")[3] for request in asked} == {organization.tenant_id}
    assert {request.headers["X-AnchorMailbox"] for request in asked} == {
        f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{organization.tenant_id}"
    }


def test_a_token_of_somebody_else_does_not_choose_the_organization(emulator: Emulator, given: dict[str, Any]) -> None:
    """The address names the inventory's organization, and the service refuses another one's token."""
    token = emulator.token("fabrikam.onmicrosoft.com")
    settings = values(
        emulator,
        "rest",
        exchange_client_id=None,
        exchange_client_secret=None,
        exchange_access_token=token,
        exchange_verify_organization=False,
    )
    session = OrganizationSession(identity(**settings), open_transport)
    try:
        with pytest.raises(AuthenticationError, match="does not accept the token"):
            session.invoke(Request([Call("Set-IRMConfiguration", {"SearchEnabled": False})]))[0].unwrap()
    finally:
        session.close()


def test_a_pem_certificate(emulator: Emulator, given: dict[str, Any]) -> None:
    read(emulator, exchange_certificate_path=given["certificate_path"])


def test_a_pfx_certificate(emulator: Emulator, given: dict[str, Any]) -> None:
    read(
        emulator,
        exchange_certificate_path=given["certificate_pfx_path"],
        exchange_certificate_password=given["certificate_password"],
    )


def test_a_federated_token(emulator: Emulator, given: dict[str, Any]) -> None:
    read(emulator, exchange_federated_token_file=given["federated_token_file"])


@pytest.mark.parametrize("lifetime", ["1e999", "-1e999", "NaN", '"soon"', "[]", "-5", "1" * 400, "null", "{}"])
def test_a_lifetime_that_is_none_is_an_error_with_a_name_or_a_short_one(
    emulator: Emulator, given: dict[str, Any], lifetime: str
) -> None:
    answer = '{"token_type": "Bearer", "access_token": "x.y.z", "expires_in": %s}' % lifetime  # noqa: UP031 (braces)

    class Authority:
        """Answers every question with that token."""

        def get(self, url: str, **kwargs: Any) -> Any:
            return type("Answer", (), {"status_code": 200, "text": json.dumps(_DISCOVERED), "headers": {}})()

        def post(self, url: str, **kwargs: Any) -> Any:
            return type("Answer", (), {"status_code": 200, "text": answer, "headers": {}})()

    credential = _authentication.Credential(
        identity(exchange_client_id="id", exchange_client_secret="s"), requests.Session(), Limits()
    )
    credential._http = Authority()  # type: ignore[assignment]
    try:
        token = credential.token()
    except UnreachableError as error:
        assert "Traceback" not in str(error)  # noqa: PT017
    else:
        assert token == "x.y.z"
        assert 0 < credential._ends - time.monotonic() <= _authentication._LONGEST_LIFE


def test_a_given_token(emulator: Emulator) -> None:
    read(emulator, exchange_access_token=emulator.token())


def test_the_tenant_id_will_do(emulator: Emulator, given: dict[str, Any]) -> None:
    more = values(emulator, "rest") | {"exchange_organization": given["tenant_id"]}
    session = OrganizationSession(identity(**more), open_transport)
    organization = session.describe(Request([])).organization
    assert organization is not None
    assert organization.tenant_id == given["tenant_id"]
    session.close()


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"exchange_client_secret": "planted-secret"}, "AADSTS7000215.*ansible_exchange_client_secret"),
        (
            {"exchange_client_id": "00000000-0000-0000-0000-000000000000", "exchange_client_secret": "planted-secret"},
            "AADSTS700016",
        ),
        ({"exchange_access_token": "planted-secret"}, "401.*Exchange.ManageAsApp"),
        ({"exchange_certificate_path": "/nowhere.pem"}, "/nowhere.pem cannot be read"),
        ({"exchange_federated_token_file": "/nowhere.jwt"}, "/nowhere.jwt cannot be read"),
        (
            {"exchange_authority_url": "https://127.0.0.1:1", "exchange_client_secret": "planted-secret"},
            "the authority https://127.0.0.1:1 cannot be reached.*ansible_exchange_authority_url",
        ),
        (
            {"exchange_authority_url": "https://nowhere.invalid", "exchange_client_secret": "planted-secret"},
            "nowhere.invalid.*Check DNS, ansible_exchange_proxy .*ansible_exchange_authority_url if you set it",
        ),
    ],
)
def test_what_is_refused_says_what_to_do_and_no_secret(
    emulator: Emulator, given: dict[str, Any], more: dict[str, Any], match: str
) -> None:
    with pytest.raises(UnreachableError, match=match) as refusal:
        read(emulator, **more)
    assert "planted-secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("password", "match"), [("wrong-password", "different password"), (None, "different password|needs a password")]
)
def test_a_certificate_that_does_not_open(given: dict[str, Any], password: str | None, match: str) -> None:
    with pytest.raises(AuthenticationError, match=match) as refusal:
        certificate(given["certificate_pfx_path"], password)
    assert "wrong-password" not in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_certificate(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(content)
    with pytest.raises(AuthenticationError, match="ansible_exchange_certificate_path"):
        certificate(str(path), None)


def test_a_key_whose_numbers_do_not_belong_together(given: dict[str, Any], tmp_path: pathlib.Path) -> None:
    content = pathlib.Path(given["certificate_path"]).read_bytes()
    key = serialization.load_pem_private_key(content, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    right = key.private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        right.p, right.q, right.d + 2, right.dmp1 + 2, right.dmq1, right.iqmp, right.public_numbers
    )
    damaged = wrong.private_key(unsafe_skip_rsa_key_validation=True)
    pem = damaged.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "cert.pem"
    path.write_bytes(pem + content[content.index(b"-----BEGIN CERTIFICATE") :])
    with pytest.raises(AuthenticationError, match="cannot be opened: it is damaged"):
        certificate(str(path), None)


def test_a_certificate_file_that_is_not_there_is_one_to_check(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        AuthenticationError,
        match=r"cannot be read: No such file or directory\..*Check ansible_exchange_certificate_path\.",
    ):
        certificate(str(tmp_path / "cert.pem"), None)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"two words", b"\xc3\xa4"])
def test_a_file_that_holds_no_federated_token(emulator: Emulator, tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(
        AuthenticationError,
        match=f"the federated token file {path} contains no token.*ansible_exchange_federated_token_file",
    ):
        read(emulator, exchange_federated_token_file=str(path))


class Answer:
    """An answer of an authority."""

    headers: dict[str, str] = {}

    def __init__(self, status: int, text: str) -> None:
        self.status_code, self.text = status, text


@pytest.mark.parametrize(
    ("status", "text", "match"),
    [
        (404, "<html>", "the authority https://"),
        (200, "<html>planted-secret", "the authority https://.* returned a response that cannot be read"),
        (200, "{}", "the authority https://"),
        (200, "[]", "the authority https://"),
        (200, "null", "the authority https://"),
        (302, "", "the authority https://"),
        (503, "", "the authority https://.* returned HTTP 503"),
    ],
)
def test_an_address_that_is_no_authority_is_named_with_its_variable(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, status: int, text: str, match: str
) -> None:
    passing = _authentication._passing
    monkeypatch.setattr(_authentication, "_passing", lambda response: passing(Answer(status, text)))
    with pytest.raises(UnreachableError, match=match + ".*ansible_exchange_authority_url") as refusal:
        read(emulator, exchange_client_secret="planted-secret")
    assert "planted-secret" not in str(refusal.value)
    assert "ansible_exchange_api_url" not in str(refusal.value)


def test_an_authority_whose_certificate_is_not_trusted_is_named(emulator: Emulator) -> None:
    with pytest.raises(
        UnreachableError, match=r"certificate of the authority https://.*not trusted.*ansible_exchange_ca_cert"
    ):
        read(emulator, exchange_client_secret="planted-secret", exchange_ca_cert=None)


def test_a_machine_without_an_identity_is_told_so(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(self: Any, url: str, **kwargs: Any) -> None:
        raise requests.ConnectTimeout

    monkeypatch.setattr(_authentication._WithTimeout, "get", get)
    with pytest.raises(
        UnreachableError, match=r"this machine's identity service cannot be reached.*ansible_exchange_managed_identity"
    ):
        read(emulator, exchange_client_id=None, exchange_managed_identity=True)


def test_a_managed_identity(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """msal asks the machine's own service, whose answer is given here."""
    asked: list[str] = []

    def get(self: Any, url: str, **kwargs: Any) -> Answer:
        asked.append(url)
        return Answer(
            200,
            json.dumps(
                {"access_token": "from-the-machine", "expires_in": "3600", "resource": "r", "token_type": "Bearer"}
            ),
        )

    monkeypatch.setattr(_authentication._WithTimeout, "get", get)
    credential = _authentication.Credential(identity(exchange_managed_identity=True), requests.Session(), Limits())
    assert credential.token() == "from-the-machine"
    assert asked


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Bearer realm="", claims="eyJhIjoxfQ=="', '{"a":1}'),
        ('Bearer claims="eyJhIjoxfQ"', '{"a":1}'),
        ("Bearer", None),
        ('claims="*"', None),
    ],
)
def test_claims_are_read(header: str, expected: str | None) -> None:
    assert _authentication.claims_of(header) == expected


def test_tokens_are_renewed_before_their_end(
    emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(_authentication, "time", clock)
    http = requests.Session()
    http.verify = str(emulator.ca_cert)
    http.trust_env = False
    credential = _authentication.Credential(identity(**values(emulator, "rest")), http, Limits())
    first = credential.token()
    assert credential.token() == first
    clock.now += 100_000
    emulator.service.ledger.reset()
    credential.token()
    assert emulator.service.ledger.counters["token"] >= 1
