# SPDX-License-Identifier: GPL-3.0-or-later
"""A person signs in: msal against the emulator's authority over TLS, and an authority that says anything."""

from __future__ import annotations

import json
import pathlib
import stat
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    OptionError,
    PermissionDeniedError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.hosts import is_initial_domain
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import sign_in as _sign_in

from tests.emulator import Emulator
from tests.unit.connections import identity, options

from .wires import values

IRM = Call("Get-IRMConfiguration")


@pytest.fixture
def people(emulator: Emulator) -> Iterator[Any]:
    emulator.reset()
    found = emulator.authority.people
    yield found
    found.outcome, found.lifetime, found.interval, found.remembers = None, 900.0, 1, True
    emulator.authority.lifetime = 3599
    emulator.reset()


def opened(emulator: Emulator, kind: str = "exchange_device_code", **more: Any) -> OrganizationSession:
    credential = {
        "exchange_client_id": None,
        "exchange_client_secret": None,
        "exchange_certificate_path": None,
        kind: True,
    }
    return OrganizationSession(
        identity(**values(emulator, "rest", exchange_retries=1, **{**credential, **more})), open_transport
    )


def asked(session: OrganizationSession, *calls: Call, told: list[str], **more: Any) -> Any:
    try:
        return session.invoke(Request(list(calls) or [IRM], tell=told.append, **more))
    finally:
        session.close()


def test_the_code_is_told_before_the_sign_in_and_opens_the_session(emulator: Emulator, people: Any) -> None:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        (flow,) = [flow for flow in people.flows.values() if flow.user_code in text] or [None]
        if flow is not None:
            people.settle(flow.user_code, "approved")

    session = opened(emulator)
    try:
        session.invoke(Request([IRM], tell=tell))[0].unwrap()
        session.invoke(Request([IRM], tell=tell))[0].unwrap()
        described = session.describe(Request([]))
    finally:
        session.close()
    assert len(told) == 2
    assert told[0].startswith("Sign in to contoso.onmicrosoft.com. This run can only read.\n")
    assert f"{emulator.url}/devicelogin" in told[0]
    assert "within 15 minutes" in told[0]
    assert told[1] == "contoso.onmicrosoft.com: signed in as admin@contoso.onmicrosoft.com."
    assert described.user == "admin@contoso.onmicrosoft.com"
    assert described.read_only
    assert described.client_id == _identity.EXCHANGE_POWERSHELL


def test_a_write_is_refused_by_name_and_nothing_is_sent(emulator: Emulator, people: Any) -> None:
    told: list[str] = []
    (result,) = asked(opened(emulator), Call("Set-IRMConfiguration", {"SearchEnabled": True}), told=told)
    assert isinstance(result.error, PermissionDeniedError)
    assert "ansible_exchange_device_code" in result.error.message
    assert "ansible_exchange_certificate_path" in result.error.remedy
    assert told == []
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("outcome", "match"),
    [
        ("declined", "AADSTS70018.*declined"),
        ("blocked", "AADSTS53003.*Conditional Access of this organization.*ansible_exchange_interactive"),
    ],
)
def test_a_refused_sign_in_says_the_way_out(emulator: Emulator, people: Any, outcome: str, match: str) -> None:
    people.outcome = outcome
    with pytest.raises(UnreachableError, match=match):
        asked(opened(emulator), told=[])


def test_a_code_that_nobody_enters_ends_with_its_life(emulator: Emulator, people: Any) -> None:
    people.lifetime = 1.0
    with pytest.raises(
        AuthenticationError, match=r"nobody signed in to contoso.onmicrosoft.com.*53003.*ansible_exchange_interactive"
    ):
        asked(opened(emulator), told=[])


def test_a_sign_in_may_take_longer_than_a_connection(emulator: Emulator, people: Any) -> None:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            (flow,) = people.flows.values()
            threading.Timer(2.5, people.settle, (flow.user_code, "approved")).start()
        else:  # The person has signed in: what follows may take its time on a slow machine.
            session._transport._line.timeout = (30, 900)  # type: ignore[union-attr]

    people.flows.clear()
    session = opened(emulator, exchange_command_timeout=1)
    session.invoke(Request([IRM], tell=tell))[0].unwrap()
    session.close()


def test_a_worker_that_is_gone_ends_the_wait(emulator: Emulator, people: Any) -> None:
    gone = threading.Event()
    with pytest.raises(UnreachableError, match="nobody waits for this sign-in anymore"):
        asked(opened(emulator), told=_Setting(gone), wanted=lambda: not gone.is_set())


class _Setting(list[str]):
    """Told something, it sets an event."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self._event = event

    def append(self, text: str) -> None:
        self._event.set()


def test_a_token_is_renewed_without_asking_again(emulator: Emulator, people: Any) -> None:
    people.outcome = "approved"
    emulator.authority.lifetime = 200  # below the margin, so that each call renews
    told: list[str] = []
    session = opened(emulator)
    for _turn in range(2):
        emulator.authority.refuse_all("revoked")
        session.invoke(Request([IRM], tell=told.append))[0].unwrap()
    session.close()
    assert len(told) == 2


def test_a_sign_in_that_has_ended_is_an_error_with_a_name(emulator: Emulator, people: Any) -> None:
    people.outcome = "approved"
    session = opened(emulator)
    session.invoke(Request([IRM]))[0].unwrap()
    people.remembers = False
    emulator.authority.refuse_all("expired")
    result = session.invoke(Request([IRM]))[0]
    session.close()
    assert "sign-in has expired" in str(result.error)


def test_organizations_ask_one_after_the_other(emulator: Emulator, people: Any) -> None:
    events: list[tuple[str, str]] = []
    people.flows.clear()

    def work(name: str) -> None:
        def tell(text: str) -> None:
            events.append((name, text.splitlines()[0]))
            for flow in list(people.flows.values()):
                if flow.user_code in text:
                    threading.Timer(0.5, people.settle, (flow.user_code, "approved")).start()

        session = opened(emulator, exchange_organization=name)
        session.invoke(Request([IRM], tell=tell))[0].unwrap()
        session.close()

    names = list(emulator.organizations)
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name for name, _text in events] in ([names[0]] * 2 + [names[1]] * 2, [names[1]] * 2 + [names[0]] * 2)


_BROWSER = """#!{python}
# Opens a page as a browser does that submits its form at once.
import html, re, ssl, sys, urllib.parse, urllib.request
context = ssl._create_unverified_context()
page = urllib.request.urlopen(sys.argv[1], context=context).read().decode()
target = re.search('action="([^"]+)"', page)
if target:
    fields = {{name: html.unescape(value) for name, value in re.findall('name="([^"]+)" value="([^"]*)"', page)}}
    urllib.request.urlopen(html.unescape(target[1]), urllib.parse.urlencode(fields).encode())
"""


def test_a_browser_of_this_machine_signs_in(
    emulator: Emulator, people: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(_BROWSER.format(python=sys.executable), encoding="utf-8")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(webbrowser, "get", lambda *_: webbrowser.BackgroundBrowser([str(browser), "%s"]))
    monkeypatch.setattr(
        webbrowser, "open", lambda url, **_: webbrowser.BackgroundBrowser([str(browser), "%s"]).open(url)
    )
    told: list[str] = []
    asked(opened(emulator, "exchange_interactive"), told=told)[0].unwrap()
    assert "browser window" in told[0]


def test_a_machine_without_a_browser_says_so_at_once(
    emulator: Emulator, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_: Any) -> None:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", get)
    with pytest.raises(AuthenticationError, match=r"no browser.*ansible_exchange_device_code"):
        asked(opened(emulator, "exchange_interactive"), told=[])


def test_a_browser_window_that_nobody_uses_ends_in_a_sentence(
    emulator: Emulator, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sign_in, "_IN_BROWSER", 1.0)
    monkeypatch.setattr(webbrowser, "get", lambda *_: None)
    monkeypatch.setattr(webbrowser, "open", lambda url, **_: True)
    with pytest.raises(
        AuthenticationError,
        match=r"nobody signed in to contoso.onmicrosoft.com with the browser \(1 seconds\).*ansible_exchange_device_code",
    ):
        asked(opened(emulator, "exchange_interactive"), told=[])


@pytest.mark.parametrize(
    "change",
    [
        {"interval": 0},
        {"interval": "x"},
        {"expires_in": -5},
        {"expires_in": "1e999"},
        {"user_code": 7},
        {"device_code": None},
    ],
)
def test_an_authority_that_says_anything_ends_in_an_error_with_a_name(
    emulator: Emulator, people: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    plain = people._device_code

    def hostile(*arguments: Any) -> Any:
        answer = plain(*arguments)
        answer.body = json.dumps({**json.loads(answer.body), "expires_in": 2, **change}).encode()
        return answer

    monkeypatch.setattr(people, "_device_code", hostile)
    began = time.monotonic()
    with pytest.raises(UnreachableError) as refusal:
        asked(opened(emulator), told=[])
    assert "Traceback" not in str(refusal.value)
    assert time.monotonic() - began < _sign_in.LONGEST / 10


@pytest.mark.parametrize(
    "change",
    [{"user_code": "A" * 3_000_000}, {"user_code": "A\x1b[2J"}, {"verification_uri": "https://x/" + "y" * 3000}],
)
def test_what_no_person_could_enter_is_not_shown(
    emulator: Emulator, people: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    plain, told = people._device_code, list[str]()

    def hostile(*arguments: Any) -> Any:
        answer = plain(*arguments)
        answer.body = json.dumps({**json.loads(answer.body), **change}).encode()
        return answer

    monkeypatch.setattr(people, "_device_code", hostile)
    with pytest.raises(UnreachableError, match="that no person could enter") as refusal:
        asked(opened(emulator), told=told)
    assert told == []
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("exchange_device_code", "device_authorization_endpoint"),
        ("exchange_device_code", "token_endpoint"),
        ("exchange_interactive", "authorization_endpoint"),
    ],
)
def test_an_authority_sends_nobody_to_another_host(
    emulator: Emulator, people: Any, monkeypatch: pytest.MonkeyPatch, kind: str, endpoint: str
) -> None:
    """Its discovery document may name any endpoint. Codes and credentials go to the authority's own host only, and so
    does the browser.
    """
    plain, seen = emulator.authority._discovery, list[str]()

    def hostile(tenant: str) -> Any:
        answer = plain(tenant)
        answer.body = json.dumps({**json.loads(answer.body), endpoint: "https://login.example.com/x"}).encode()
        return answer

    def tell(text: str) -> None:
        for flow in people.flows.values():
            if flow.user_code in text:
                people.settle(flow.user_code, "approved")

    monkeypatch.setattr(emulator.authority, "_discovery", hostile)
    monkeypatch.setattr(webbrowser, "get", lambda *_: None)
    monkeypatch.setattr(webbrowser, "open", lambda url, **_: seen.append(url))
    session = opened(emulator, kind)
    try:
        with pytest.raises(
            UnreachableError, match=r"names an endpoint at login\.example\.com\. Nothing was sent there"
        ):
            session.invoke(Request([IRM], tell=tell))
    finally:
        session.close()
    assert seen == []


def test_a_client_id_of_the_environment_belongs_to_another_credential() -> None:
    given = options(
        environment={"exchange_client_id": "app"},
        exchange_device_code=True,
        exchange_organization="contoso.onmicrosoft.com",
    )
    assert _identity.build(given, [])["credential"]["client_id"] == _identity.EXCHANGE_POWERSHELL
    own = options(exchange_client_id="own", exchange_device_code=True, exchange_organization="contoso.onmicrosoft.com")
    assert _identity.build(own, [])["credential"]["client_id"] == "own"


@pytest.mark.parametrize(("transport", "offered"), [("rest", True), ("psrp", False)])
def test_without_a_credential_a_look_is_offered(transport: str, offered: bool) -> None:
    with pytest.raises(OptionError, match="no credential is set") as refusal:
        _identity.build(options(exchange_organization="contoso.onmicrosoft.com", exchange_transport=transport), [])
    assert ("For a first look, set ansible_exchange_device_code: true" in refusal.value.remedy) is offered
    assert "ansible_exchange_interactive" not in refusal.value.remedy


def test_a_sign_in_is_for_rest_only() -> None:
    with pytest.raises(
        OptionError, match="ansible_exchange_device_code cannot be used with ansible_exchange_transport: psrp"
    ):
        identity(exchange_transport="psrp", exchange_device_code=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("contoso.onmicrosoft.com", True),
        ("Contoso.OnMicrosoft.us", True),
        ("c.partner.onmschina.cn", True),
        ("contoso", False),
        ("a.b.onmicrosoft.com", False),
    ],
)
def test_what_is_an_initial_domain(name: str, expected: bool) -> None:
    assert is_initial_domain(name) is expected
