# SPDX-License-Identifier: GPL-3.0-or-later
"""A session over a wire that the test holds in its hands."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    ExchangeError,
    InvalidValueError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    TokenRefusedError,
    UnreachableError,
    WrongOrganizationError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.preparation import missing_step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    identity_of,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.reuse import AHEAD, Writes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import (
    Executed,
    Failure,
    Outcome,
)

from tests.unit.connections import identity

TENANT = "aaaaaaaa-0000-0000-0000-000000000001"
WHO = {
    "Name": "contoso.onmicrosoft.com",
    "Identity": "contoso.onmicrosoft.com",
    "DisplayName": "Contoso",
    "Guid": "g",
}
IRM, OME, SET = (
    Call("Get-IRMConfiguration"),
    Call("Get-OMEConfiguration"),
    Call("Set-IRMConfiguration", {"SearchEnabled": True}),
)

OTHER = Call("Get-OMEConfiguration", {"Identity": "x"})
RULES, SET_RULE = (
    Call("Get-TransportRule", {"ResultSize": "Unlimited"}),
    Call("Set-TransportRule", {"Identity": "x", "Comments": "y"}),
)


class Wire:
    """Counts tries; answers every read with its own name."""

    name = "rest"
    may_repeat = False
    endpoint = "nowhere"
    is_closed = False
    user = ""
    secrets: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def __init__(self) -> None:
        self.tries: list[list[str]] = []
        self.answers: dict[str, Any] = {
            "Get-OrganizationConfig": lambda: Result(objects=[WHO]),
            "Get-ConnectionInformation": lambda: Result(objects=[{"State": "Connected", "TenantID": TENANT}]),
        }
        self.closed = 0

    def turn(self, *_how: Any) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        self.tries.append([call.cmdlet for call in calls if call.cmdlet != "Get-ConnectionInformation"])
        outcomes: list[Outcome] = []
        for call in calls:
            brought = [{"Name": call.cmdlet, "Number": len(self.tries)}] if call.is_read else []
            found = self.answers.get(call.cmdlet, Result(objects=brought))
            outcomes.append(found() if callable(found) else found)
        return outcomes

    def close(self) -> None:
        self.closed += 1


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def session(wire: Wire, clock: Clock | None = None, **values: Any) -> OrganizationSession:
    def make(_identity: Mapping[str, Any]) -> Wire:
        return wire

    return OrganizationSession(identity(exchange_retries=1, **values), make, clock or Clock())


def test_the_first_round_trip_verifies_and_reads() -> None:
    wire = Wire()
    results = session(wire).invoke(Request([IRM, OME]))
    assert wire.tries == [["Get-OrganizationConfig", "Get-IRMConfiguration", "Get-OMEConfiguration"]]
    assert [result.unwrap()[0]["Name"] for result in results] == ["Get-IRMConfiguration", "Get-OMEConfiguration"]


def test_a_first_write_is_sent_after_the_verification_only() -> None:
    wire = Wire()
    session(wire).invoke(Request([SET]))
    assert wire.tries == [["Get-OrganizationConfig"], ["Set-IRMConfiguration"]]


@pytest.mark.parametrize("organization", ["contoso.onmicrosoft.com", "CONTOSO.onmicrosoft.com", TENANT, TENANT.upper()])
def test_domain_and_tenant_id_name_the_organization(organization: str) -> None:
    (result,) = session(Wire(), exchange_organization=organization).invoke(Request([IRM]))
    assert result.error is None


@pytest.mark.parametrize("call", [IRM, SET])
def test_another_organization_is_refused_with_both_names_and_nothing_is_used_or_written(call: Call) -> None:
    wire = Wire()
    with pytest.raises(WrongOrganizationError, match=r"contoso\.onmicrosoft\.com.*fabrikam\.onmicrosoft\.com"):
        session(wire, exchange_organization="fabrikam.onmicrosoft.com").invoke(Request([call]))
    assert wire.closed == 1
    assert not any("Set-IRMConfiguration" in tries for tries in wire.tries)


def test_an_endpoint_that_does_not_grant_the_question_is_refused_with_the_remedy() -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = Result(error=CmdletNotAvailableError("no"))
    with pytest.raises(UnreachableError, match="ansible_exchange_verify_organization: false"):
        session(wire).invoke(Request([IRM]))


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (PermissionDeniedError("no", cmdlet="Get-OrganizationConfig"), "role_group"),
        (NotSentError("the connection was lost", cmdlet="Get-OrganizationConfig"), ""),
        (ServiceError("503", cmdlet="Get-OrganizationConfig"), ""),
        (ThrottledError("429", cmdlet="Get-OrganizationConfig"), ""),
    ],
)
def test_only_a_refusal_shows_that_a_role_is_missing(error: ExchangeError, step: str) -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = Result(error=error)
    with pytest.raises(UnreachableError) as caught:
        session(wire).invoke(Request([IRM]))
    assert missing_step(caught.value) == step


def test_without_verification_nothing_else_is_asked() -> None:
    wire = Wire()
    session(wire, exchange_verify_organization=False).invoke(Request([IRM]))
    assert wire.tries == [["Get-IRMConfiguration"]]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("error", [AuthenticationError("no"), ServiceError("no"), NotSentError("no")])
def test_a_session_that_cannot_be_opened_is_unreachable(verify: bool, error: ExchangeError) -> None:
    wire = Wire()
    wire.answers = {
        name: Failure(error, Executed.NO, retryable=False)
        for name in ("Get-OrganizationConfig", "Get-IRMConfiguration")
    }
    with pytest.raises(UnreachableError):
        session(wire, exchange_verify_organization=verify).invoke(Request([IRM]))
    assert wire.closed == 1


def test_what_fails_later_is_a_failure_of_the_call() -> None:
    wire = Wire()
    opened = session(wire)
    opened.invoke(Request([IRM]))
    wire.answers["Get-IRMConfiguration"] = Failure(
        AuthenticationError("the token has gone"), Executed.NO, retryable=False
    )
    (result,) = opened.invoke(Request([IRM]))
    assert isinstance(result.error, NotSentError)
    assert not isinstance(result.error, UnreachableError)


def test_each_read_stands_alone() -> None:
    wire = Wire()
    wire.answers["Get-OMEConfiguration"] = Result(error=CmdletNotAvailableError("no"))
    results = session(wire).invoke(Request([OME, IRM]))
    assert isinstance(results[0].error, CmdletNotAvailableError)
    assert results[1].objects


def test_writes_and_reads_share_a_round_trip_and_nothing_of_it_is_reused() -> None:
    wire = Wire()
    opened = session(wire)
    opened.invoke(Request([IRM], reuse=10))
    results = opened.invoke(Request([SET, SET_RULE, IRM, RULES], reuse=10))
    assert wire.tries[-1] == [SET.cmdlet, SET_RULE.cmdlet, IRM.cmdlet, RULES.cmdlet]
    assert [result.error for result in results] == [None] * 4
    # A read that travels with a write may be older than the write.
    assert not any(opened.invoke(Request([call], reuse=10))[0].reused for call in (IRM, RULES))


def test_reads_are_not_reused_by_default() -> None:
    wire = Wire()
    opened = session(wire)
    opened.invoke(Request([IRM]))
    assert not opened.invoke(Request([IRM]))[0].reused
    assert len(wire.tries) == 2


def test_reads_are_reused_for_their_time() -> None:
    wire, clock = Wire(), Clock()
    opened = session(wire, clock)
    first = opened.invoke(Request([IRM], reuse=10))
    again = opened.invoke(Request([IRM, OTHER], reuse=10))
    assert (again[0].objects, again[0].reused, again[1].reused) == (first[0].objects, True, False)
    assert wire.tries[1:] == [["Get-OMEConfiguration"]]
    clock.now = 10.5
    assert not opened.invoke(Request([IRM], reuse=10))[0].reused


@pytest.mark.parametrize(
    "outcome",
    [
        Result(),
        Result(error=InvalidValueError("no")),
        Result(error=ServiceError("failed")),
        Failure(ServiceError("lost"), Executed.UNKNOWN),
    ],
)
def test_any_write_ends_reuse_however_it_ends(outcome: Outcome) -> None:
    wire = Wire()
    wire.answers["Set-IRMConfiguration"] = outcome
    opened = session(wire)
    opened.invoke(Request([IRM], reuse=10))
    (result,) = opened.invoke(Request([SET], reuse=10))
    assert isinstance(result.error, OutcomeUnknownError) == isinstance(outcome.error, ServiceError)
    assert not opened.invoke(Request([IRM], reuse=10))[0].reused


@pytest.mark.parametrize("supplied", [True, False])
def test_a_refused_token_that_the_inventory_supplies_is_first_said_to_have_ended(supplied: bool) -> None:
    wire = Wire()
    opened = session(wire, **({} if supplied else {"exchange_client_id": "app", "exchange_client_secret": "planted"}))
    opened.invoke(Request([IRM]))
    refused = TokenRefusedError("Exchange does not accept the token (401).", remedy="Grant a role.")
    wire.answers["Get-IRMConfiguration"] = Failure(refused, Executed.NO, retryable=False)
    wire.answers["Get-TransportRule"] = wire.answers["Get-IRMConfiguration"]
    results = opened.invoke(Request([IRM, Call("Get-TransportRule")]))
    ended = "the session was lost: the token in ansible_exchange_access_token has expired or is not valid. Exchange does not accept the token (401)."
    for result in results:
        assert isinstance(result.error, NotSentError)
        assert (result.error.message == ended) is supplied
        assert result.error.remedy == ("Supply a new token. Grant a role." if supplied else "Grant a role.")


@pytest.mark.parametrize(
    ("may_repeat", "connection", "sent_once"),
    [
        (False, [{"State": "Connected", "TenantID": TENANT}], True),
        (True, [{"State": "Connected", "TenantID": TENANT}], False),
        # An Exchange server in its own session.
        (True, None, True),
    ],
)
def test_a_write_over_microsofts_module_may_have_been_sent_more_than_once(
    may_repeat: bool, connection: Any, sent_once: bool
) -> None:
    wire = Wire()
    wire.may_repeat = may_repeat
    wire.answers["Get-ConnectionInformation"] = (
        Result(error=CmdletNotAvailableError("none")) if connection is None else Result(objects=connection)
    )
    opened = session(wire)
    results = opened.invoke(Request([SET, IRM]))
    assert [result.sent_once for result in results] == [sent_once, True]
    assert Result.from_wire(results[0].to_wire()).sent_once is sent_once


def test_the_first_read_brings_what_all_tasks_need_in_one_round_trip() -> None:
    wire, clock = Wire(), Clock()
    opened = session(wire, clock)
    assert not opened.invoke(Request([IRM], reuse=10))[0].reused
    assert len(wire.tries) == 1
    assert {call.cmdlet for call in AHEAD} <= set(wire.tries[0])
    for call in AHEAD:
        (result,) = opened.invoke(Request([call], reuse=10))
        assert result.reused
    assert len(wire.tries) == 1
    # Later, only what is needed is read.
    clock.now = 11
    opened.invoke(Request([IRM], reuse=10))
    assert wire.tries[1:] == [["Get-IRMConfiguration"]]


@pytest.mark.parametrize("request_", [Request([IRM]), Request([IRM], fresh=True, reuse=10), Request([OTHER], reuse=10)])
def test_nothing_is_brought_along_that_no_task_could_reuse(request_: Request) -> None:
    wire = Wire()
    session(wire).invoke(request_)
    assert [sorted(set(tried) - {"Get-OrganizationConfig"}) for tried in wire.tries] == [
        [call.cmdlet for call in request_.calls]
    ]


def test_what_was_brought_along_and_failed_is_nobody_s_error() -> None:
    wire = Wire()
    wire.answers["Get-TransportRule"] = Result(error=CmdletNotAvailableError("not there", cmdlet="Get-TransportRule"))
    opened = session(wire)
    assert opened.invoke(Request([IRM], reuse=10))[0].error is None
    (rules,) = opened.invoke(Request([RULES], reuse=10))
    assert isinstance(rules.error, CmdletNotAvailableError)
    assert not rules.reused
    assert len(wire.tries) == 2


def test_where_bringing_along_more_fails_only_what_is_needed_is_read() -> None:
    wire = Wire()
    whole = wire.attempt

    def attempt(calls: Sequence[Call]) -> list[Outcome]:
        brought = whole(calls)
        if RULES not in calls:
            return brought
        return [
            one if call.cmdlet == "Get-OrganizationConfig" else Result(error=ProtocolError("too much"))
            for call, one in zip(calls, brought, strict=True)
        ]

    wire.attempt = attempt  # type: ignore[method-assign]
    (result,) = session(wire).invoke(Request([IRM], reuse=10))
    assert (result.error, result.reused) == (None, False)
    assert wire.tries[1:] == [["Get-IRMConfiguration"]]


def test_a_write_ends_the_reuse_of_what_it_may_have_touched() -> None:
    opened = session(Wire())
    opened.invoke(Request([IRM], reuse=10))
    opened.invoke(Request([SET_RULE], reuse=10))
    assert not opened.invoke(Request([RULES], reuse=10))[0].reused
    assert opened.invoke(Request([IRM], reuse=10))[0].reused
    # What is not known to touch little may have touched everything.
    opened.invoke(Request([Call("Set-TransportConfig", {"Comments": "x"})], reuse=10))
    assert not any(opened.invoke(Request([call], reuse=10))[0].reused for call in (IRM, OME))


def test_a_write_counts_for_all_sessions_of_the_same_organization() -> None:
    clock = Clock()
    writes = Writes(clock)

    def opened(name: str, *, verify: bool = True) -> OrganizationSession:
        wire = Wire()
        wire.answers["Get-OrganizationConfig"] = Result(objects=[{**WHO, "Name": name, "Identity": name}])
        given = identity(exchange_organization=name, exchange_verify_organization=verify)
        one = OrganizationSession(given, lambda _identity: wire, clock, writes)
        one.invoke(Request([IRM], reuse=10))
        clock.now += 0.1
        return one

    names = ("a.onmicrosoft.com", "A.onmicrosoft.com", "b.onmicrosoft.com")
    writer, same, other, unknown = *map(opened, names), opened("a.onmicrosoft.com", verify=False)
    writer.invoke(Request([SET], reuse=10))
    reused = [each.invoke(Request([IRM], reuse=10))[0].reused for each in (writer, same, other, unknown)]
    assert reused == [False, False, True, False]
    # A session that does not know its organization may have written to any.
    clock.now += 0.1
    unknown.invoke(Request([SET], reuse=10))
    assert not other.invoke(Request([IRM], reuse=10))[0].reused


def test_nothing_is_reused_while_a_write_runs_and_nothing_that_was_read_then() -> None:
    clock = Clock()
    writes = Writes(clock)
    wire = Wire()
    reader = OrganizationSession(
        identity(exchange_organization="contoso.onmicrosoft.com"), lambda _identity: wire, clock, writes
    )
    reader.invoke(Request([IRM], reuse=10))
    with writes.write("contoso.onmicrosoft.com", [SET]):
        clock.now += 0.1
        assert not reader.invoke(Request([IRM], reuse=10))[0].reused
        with writes.write("contoso.onmicrosoft.com", [SET]):
            clock.now += 0.1
        assert not reader.invoke(Request([IRM], reuse=10))[0].reused
        clock.now += 0.1
    clock.now += 0.1
    assert not reader.invoke(Request([IRM], reuse=10))[0].reused
    clock.now += 0.1
    assert reader.invoke(Request([IRM], reuse=10))[0].reused


def test_fresh_reads_are_never_reused_ones_and_replace_them() -> None:
    wire = Wire()
    opened = session(wire)
    opened.invoke(Request([IRM], reuse=10))
    fresh = opened.invoke(Request([IRM], fresh=True, reuse=10))
    assert not fresh[0].reused
    assert opened.invoke(Request([IRM], reuse=10))[0].objects == fresh[0].objects


def test_tests_and_failures_are_not_reused() -> None:
    wire = Wire()
    wire.answers["Get-IRMConfiguration"] = Result(error=ServiceError("no"))
    opened = session(wire)
    for call in (IRM, Call("Test-IRMConfiguration", {"Sender": "a@b"})):
        opened.invoke(Request([call], reuse=10))
        assert not opened.invoke(Request([call], reuse=10))[0].reused


def test_other_parameters_are_another_read() -> None:
    opened = session(Wire())
    opened.invoke(Request([OME], reuse=10))
    assert not opened.invoke(Request([Call("Get-OMEConfiguration", {"Identity": "x"})], reuse=10))[0].reused


def test_what_a_vanished_worker_read_is_not_reused() -> None:
    opened = session(Wire())
    there = iter([True, False])
    opened.invoke(Request([IRM], reuse=10, wanted=lambda: next(there)))
    assert not opened.invoke(Request([IRM], reuse=10))[0].reused


def test_a_call_that_nobody_waits_for_is_not_carried_out() -> None:
    wire = Wire()
    (result,) = session(wire).invoke(Request([SET], wanted=lambda: False))
    assert isinstance(result.error, NotSentError)
    assert wire.tries == []


def test_calls_of_one_session_run_one_after_the_other() -> None:
    wire, running = Wire(), []

    def slow() -> Result:
        running.append(1)
        time.sleep(0.02)
        assert len(running) == 1
        running.pop()
        return Result()

    wire.answers["Get-IRMConfiguration"] = slow
    opened = session(wire)
    threads = [threading.Thread(target=opened.invoke, args=(Request([IRM]),)) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wire.tries) == 5


def test_a_display_name_is_no_name_of_an_organization() -> None:
    """Its administrators choose it as they like."""
    with pytest.raises(WrongOrganizationError):
        session(Wire(), exchange_organization="Contoso").invoke(Request([IRM]))


def test_describe_tells_who_we_are() -> None:
    found = session(Wire()).describe(Request([]))
    assert found.organization == OrganizationIdentity(
        name="contoso.onmicrosoft.com",
        display_name="Contoso",
        tenant_id=TENANT,
        guid="g",
        is_dehydrated=False,
        on_premises=False,
    )
    assert (found.transport, found.credential, found.is_on_premises) == ("rest", "access_token", False)


def test_describe_works_where_the_question_is_not_granted() -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = Result(error=CmdletNotAvailableError("no"))
    found = session(wire, exchange_verify_organization=False).describe(Request([]))
    assert (found.organization, found.is_on_premises) == (None, False)


CLOUD = {**WHO, "OrganizationId": "EURPR01/Microsoft Exchange Hosted Organizations/contoso.onmicrosoft.com"}


@pytest.mark.parametrize(
    ("who", "connections", "tenant_id", "on_premises"),
    [
        (WHO, [{"State": "Connected", "TenantID": TENANT.upper()}], TENANT, False),
        # The token does not say, or cannot be read: in the cloud all the same.
        (WHO, [{"State": "Connected", "TenantID": ""}], "", False),
        # An endpoint that hides the cmdlet.
        (CLOUD, CmdletNotAvailableError("no"), "", False),
        ({**WHO, "OrganizationId": ""}, CmdletNotAvailableError("no"), "", True),
        # The module is there, and has no connection.
        ({**WHO, "OrganizationId": ""}, [], "", True),
        # Several connections: that to Security & Compliance and one that is broken do not count, and two tenants are
        # none.
        (
            WHO,
            [
                {"State": "Connected", "TenantID": TENANT},
                {"State": "Connected", "TenantID": "9" + TENANT[1:], "IsEopSession": True},
            ],
            TENANT,
            False,
        ),
        (
            WHO,
            [{"State": "Broken", "TenantID": "9" + TENANT[1:]}, {"State": "Connected", "TenantID": TENANT}],
            TENANT,
            False,
        ),
        (
            WHO,
            [{"State": "Connected", "TenantID": TENANT}, {"State": "Connected", "TenantID": "9" + TENANT[1:]}],
            "",
            False,
        ),
        # A service that shows it in Get-OrganizationConfig.
        ({**CLOUD, "ExternalDirectoryOrganizationId": TENANT}, CmdletNotAvailableError("no"), TENANT, False),
    ],
)
def test_cloud_and_tenant(who: dict[str, Any], connections: Any, tenant_id: str, on_premises: bool) -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = lambda: Result(objects=[who])
    told = Result(error=connections) if isinstance(connections, Exception) else Result(objects=connections)
    wire.answers["Get-ConnectionInformation"] = lambda: told
    one = session(wire)
    found = one.describe(Request([]))
    assert found.organization is not None
    assert (found.organization.tenant_id, found.is_on_premises) == (tenant_id, on_premises)
    # What a module reads says the same, and costs no other question.
    (read,) = one.invoke(Request([Call("Get-OrganizationConfig")]))
    assert identity_of(read.unwrap()[0]) == found.organization
    assert len(wire.tries) == 2


def test_a_tenant_id_is_refused_where_the_session_shows_none() -> None:
    wire = Wire()
    wire.answers["Get-OrganizationConfig"] = lambda: Result(objects=[CLOUD])
    wire.answers["Get-ConnectionInformation"] = Result(error=CmdletNotAvailableError("no"))
    with pytest.raises(
        WrongOrganizationError,
        match=r"is the tenant ID .* does not show a tenant ID: set ansible_exchange_organization to the initial domain",
    ):
        session(wire, exchange_organization=TENANT).invoke(Request([SET]))
    assert wire.tries == [["Get-OrganizationConfig"]]


def test_nothing_is_concluded_from_a_question_that_failed() -> None:
    wire = Wire()
    wire.answers["Get-ConnectionInformation"] = Result(error=ServiceError("later"))
    one = session(wire)
    first = one.describe(Request([])).organization
    assert first is not None
    assert first.tenant_id == ""
    wire.answers["Get-ConnectionInformation"] = Result(objects=[{"State": "Connected", "TenantID": TENANT}])
    (read,) = one.invoke(Request([Call("Get-OrganizationConfig")]))
    assert identity_of(read.unwrap()[0]).tenant_id == TENANT
