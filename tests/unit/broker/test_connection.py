# SPDX-License-Identifier: GPL-3.0-or-later
"""What the connection plugin asks its broker for, with which identity, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible_collections.m365.message_encryption.plugins.connection import exchange
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)

CONTOSO, FABRIKAM = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
DESCRIPTION = SessionDescription(transport="rest", organization=OrganizationIdentity(CONTOSO))
ANSWER = Result(objects=[{"Name": "Contoso"}])

Values = dict[str, Any]


class Client:
    """A client that keeps what it was asked."""

    def __init__(
        self, directory: str, playbook: int, identity: Values, *tellers: Callable[[str], None], **_more: Any
    ) -> None:
        self.playbook, self.identity, self.tellers = playbook, identity, tellers
        self.asked: list[Any] = []

    def invoke(self, calls: Sequence[Call], *, fresh: bool, reuse: float) -> list[Result]:
        self.asked.append((list(calls), fresh, reuse))
        return [ANSWER]

    def describe(self) -> SessionDescription:
        self.asked.append("describe")
        return DESCRIPTION

    def over(self, identity: Values) -> tuple[Client, Values]:
        return self, identity

    def end_session(self) -> None:
        self.asked.append("end_session")

    def close(self) -> None:
        self.asked.append("close")


class Connection(exchange.Connection):
    """A connection whose options are given."""

    given: Mapping[str, Any]
    option_definitions: Mapping[str, Values] = {"exchange_organization": {}, "exchange_read_reuse": {}}

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self.given.get(option)

    def get_option_and_origin(self, option: str, hostvars: Any = None) -> tuple[Any, str]:
        return self.given.get(option), "var: test"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """The clients that a connection makes, first to last."""
    made: list[Client] = []

    def client(*arguments: Any) -> Client:
        made.append(Client(*arguments))
        return made[-1]

    def build(options: Mapping[str, Any], extras: Sequence[str]) -> Values:
        return {"organization": options["exchange_organization"].value, "extras": list(extras)}

    monkeypatch.setattr(exchange, "BrokerClient", client)
    monkeypatch.setattr(exchange._identity, "build", build)
    monkeypatch.setattr(exchange._identity, "of_graph", lambda identity, mailboxes: (identity, mailboxes))
    return made


def connection(**options: Any) -> Connection:
    made = Connection(PlayContext())
    made.given = {"exchange_organization": CONTOSO, **options}
    return made


@pytest.mark.parametrize(("reuse", "seconds"), [(None, 0.0), ("30", 30.0)])
@pytest.mark.parametrize("fresh", [True, False])
def test_calls_go_to_the_broker_with_their_answers(
    clients: list[Client], reuse: str | None, seconds: float, fresh: bool
) -> None:
    calls = [Call("Get-OrganizationConfig")]
    assert connection(exchange_read_reuse=reuse).invoke(calls, fresh=fresh) == [ANSWER]
    (client,) = clients
    assert client.asked == [(calls, fresh, seconds)]
    assert client.identity == {"organization": CONTOSO, "extras": []}


def test_a_session_is_described_as_the_broker_says(clients: list[Client]) -> None:
    assert connection().describe() == DESCRIPTION
    assert clients[0].asked == ["describe"]


@pytest.mark.parametrize("mailboxes", [True, False])
def test_graph_has_the_identity_of_the_connection(clients: list[Client], mailboxes: bool) -> None:
    client, identity = connection().graph(mailboxes=mailboxes)  # type: ignore[misc]
    assert (client, identity) == (clients[0], (clients[0].identity, mailboxes))


def test_graph_is_for_the_message_trace_unless_mailboxes_are_asked_for(clients: list[Client]) -> None:
    _client, (_identity, mailboxes) = connection().graph()  # type: ignore[misc]
    assert mailboxes is False


def test_a_reset_ends_the_session_and_the_connection(clients: list[Client]) -> None:
    made = connection()
    made.reset()
    assert clients[0].asked == ["end_session", "close"]
    assert made._connected is False
    made.close()
    assert clients[0].asked == ["end_session", "close"]
    made.describe()
    assert (len(clients), made._connected) == (2, True)


def test_one_client_serves_an_organization_and_another_one_the_next(clients: list[Client]) -> None:
    made = connection()
    made.describe()
    made.describe()
    made.given = {"exchange_organization": FABRIKAM}
    made.describe()
    assert [client.asked for client in clients] == [["describe", "describe", "close"], ["describe"]]
    assert [client.identity["organization"] for client in clients] == [CONTOSO, FABRIKAM]


@pytest.mark.parametrize(
    ("address", "organization"), [(FABRIKAM, FABRIKAM), ("jump.contoso.com", None), ("fabrikam", None)]
)
def test_an_address_that_is_an_initial_domain_names_the_organization(
    clients: list[Client], address: str, organization: str | None
) -> None:
    made = connection(exchange_organization=None)
    made._play_context.remote_addr = address
    made.describe()
    assert clients[0].identity["organization"] == organization


def test_the_playbook_is_that_of_the_worker(clients: list[Client]) -> None:
    made = Connection(PlayContext(), ansible_playbook_pid="4711")
    made.given = {"exchange_organization": CONTOSO}
    made.describe()
    assert clients[0].playbook == 4711


def test_what_the_broker_says_is_shown(clients: list[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str]] = []
    for kind in ("vvv", "display", "warning"):
        monkeypatch.setattr(exchange.display, kind, lambda text, kind=kind, **_more: shown.append((kind, text)))
    connection().describe()
    log, tell, warn = clients[0].tellers
    log("signed in")
    tell("Enter the code\nABC\x1b[2J")
    warn("old module")
    assert shown[:2] == [("vvv", "EXCHANGE: signed in"), ("display", "Enter the code")]
    assert "\x1b" not in shown[2][1]
    assert shown[3] == ("warning", f"{CONTOSO}: old module")


@pytest.mark.parametrize(
    "run",
    [
        lambda made: made.exec_command("id"),
        lambda made: made.put_file("a", "b"),
        lambda made: made.fetch_file("a", "b"),
    ],
    ids=["exec_command", "put_file", "fetch_file"],
)
def test_there_is_no_machine(run: Callable[[Connection], None]) -> None:
    with pytest.raises(AnsibleError, match=f"{CONTOSO} is an Exchange organization, not a machine"):
        run(connection())


def test_a_connection_is_there_before_anything_is_asked(clients: list[Client]) -> None:
    made = connection()
    assert made._connect() is made
    assert clients == []
