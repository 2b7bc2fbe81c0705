# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization from its capture: what is answered, what is not known, and what is refused."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.capture import Capture
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import NOT_VARIABLES
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    NotCapturedError,
    OptionError,
    PermissionDeniedError,
    UnreachableError,
    WrongOrganizationError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import regular_file as _regular_file

from tests.unit.connections import ORGANIZATION, identity
from tests.unit.transports.sealing import sealed

TENANT = "aaaaaaaa-0000-0000-0000-000000000001"
WHO, IRM, OME = Call("Get-OrganizationConfig"), Call("Get-IRMConfiguration"), Call("Get-OMEConfiguration")
RULES = Call("Get-TransportRule", {"ResultSize": "Unlimited"})
#: What the session over which it was captured had added.
SESSION = {"cloud": True, "tenant_id": TENANT}
READS = (
    (WHO, Result([{"Session": SESSION, "Name": ORGANIZATION, "Guid": "g", "OrganizationId": ORGANIZATION}])),
    (IRM, Result([{"InternalLicensingEnabled": True, "Text": "\ud800 and \U0001f600"}])),
    (RULES, Result([])),
    (
        OME,
        Result(
            error=CmdletNotAvailableError(
                "Exchange does not offer this cmdlet.",
                remedy="A role.",
                cmdlet="Get-OMEConfiguration",
                error_id="Forbidden",
            )
        ),
    ),
)


def captured(**changes: Any) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC)
    values = {
        "organization": ORGANIZATION,
        "tenant_id": TENANT,
        "captured_at": now,
        "collection_version": "1.0.0",
        "transport": "rest",
        "reads": READS,
    }
    return Capture(**{**values, **changes}).document()


def written(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps([document, NOT_VARIABLES]), encoding="ascii")
    return path


def session(path: Path, **values: Any) -> OrganizationSession:
    return OrganizationSession(
        identity(exchange_transport="file", exchange_capture_path=str(path), **values), open_transport
    )


def test_what_is_read_is_what_was_captured(tmp_path: Path) -> None:
    results = session(written(tmp_path / "c.json", captured())).invoke(Request([IRM, RULES, OME, WHO]))
    assert [result.objects for result in results[:2]] == [READS[1][1].objects, []]
    assert results[2].error is not None
    assert results[2].error.to_wire() == READS[3][1].error.to_wire()  # type: ignore[union-attr]
    assert results[3].objects == READS[0][1].objects


def test_cmdlets_and_parameters_have_no_case(tmp_path: Path) -> None:
    (result,) = session(written(tmp_path / "c.json", captured())).invoke(
        Request([Call("get-transportrule", {"RESULTSIZE": "Unlimited"})])
    )
    assert result.error is None


@pytest.mark.parametrize(
    "call",
    [
        Call("Get-AcceptedDomain"),
        Call("Get-TransportRule"),
        Call("Get-TransportRule", {"ResultSize": 5}),
        Call("Test-IRMConfiguration"),
    ],
    ids=str,
)
def test_what_is_not_in_it_is_not_known(tmp_path: Path, call: Call) -> None:
    path = written(tmp_path / "c.json", captured())
    (result,) = session(path).invoke(Request([call]))
    assert isinstance(result.error, NotCapturedError)
    assert not isinstance(result.error, CmdletNotAvailableError)
    assert str(path) in str(result.error)
    assert result.error.cmdlet == call.cmdlet


@pytest.mark.parametrize("verify", [True, False])
def test_a_write_is_refused_by_name(tmp_path: Path, verify: bool) -> None:
    path = written(tmp_path / "c.json", captured())
    (result,) = session(path, exchange_verify_organization=verify).invoke(
        Request([Call("Set-IRMConfiguration", {"SearchEnabled": True})])
    )
    assert isinstance(result.error, OptionError)
    for word in ("Set-IRMConfiguration", "ansible_exchange_transport is file", str(path), "--check"):
        assert word in str(result.error)


def test_who_it_is_and_where(tmp_path: Path) -> None:
    path = written(tmp_path / "c.json", captured())
    found = session(path).describe(Request([]))
    assert (found.transport, found.endpoint, found.credential, found.is_on_premises) == (
        "file",
        str(path),
        "none",
        False,
    )
    assert found.organization is not None
    assert (found.organization.name, found.organization.tenant_id) == (ORGANIZATION, TENANT)


def test_an_organization_on_premises_stays_one(tmp_path: Path) -> None:
    who = Result([{"Session": {"cloud": False, "tenant_id": ""}, "Name": "Fabrikam"}])
    path = written(tmp_path / "c.json", captured(reads=((WHO, who),), organization="Fabrikam", tenant_id=""))
    assert session(path, exchange_organization="Fabrikam").describe(Request([])).is_on_premises


@pytest.mark.parametrize("named", ["fabrikam.onmicrosoft.com", "bbbbbbbb-0000-0000-0000-000000000001"])
def test_another_organization_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(WrongOrganizationError, match=named):
        session(written(tmp_path / "c.json", captured()), exchange_organization=named).invoke(Request([IRM]))


@pytest.mark.parametrize("named", [TENANT, TENANT.upper(), ORGANIZATION.upper()])
def test_its_own_names_are_taken(tmp_path: Path, named: str) -> None:
    assert (
        session(written(tmp_path / "c.json", captured()), exchange_organization=named).invoke(Request([IRM]))[0].error
        is None
    )


@pytest.mark.parametrize("error", [None, PermissionDeniedError("no")])
def test_one_that_does_not_say_whose_it_is_is_refused(tmp_path: Path, error: PermissionDeniedError | None) -> None:
    who = () if error is None else ((WHO, Result(error=error)),)
    path = written(tmp_path / "c.json", captured(reads=(*who, *READS[1:])))
    with pytest.raises(UnreachableError, match="cannot be verified"):
        session(path).invoke(Request([IRM]))
    assert session(path, exchange_verify_organization=False).invoke(Request([IRM]))[0].error is None


def _without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: sealed({key: value for key, value in document.items() if key != name})


def _with(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: sealed({**document, **values})


def _read(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return _with(reads=[{"cmdlet": "Get-IRMConfiguration", "parameters": {}, **values}])


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "not JSON": (lambda document: "{", "is not JSON, or is truncated"),
    "variables": (json.dumps, "not a list of one object"),
    "a snapshot": (lambda document: {"kind": "snapshot", "format": 1}, "is not a capture"),
    "a newer format": (_with(format=2), "format 2"),
    "no format": (_with(format=True), "format True"),
    "a part less": (_without("transport"), "'transport'"),
    "a part more": (_with(more=1), "'more'"),
    "a part of another type": (_with(organization=None), "'organization'"),
    "changed": (lambda document: {**document, "organization": "fabrikam.onmicrosoft.com"}, "its own digest"),
    "changed in a read": (lambda document: {**document, "reads": document["reads"][:-1]}, "its own digest"),
    "no time": (_with(captured_at="yesterday"), "an invalid time or read"),
    "a write": (
        _with(reads=[{"cmdlet": "Set-IRMConfiguration", "parameters": {}, "objects": []}]),
        "an invalid time or read",
    ),
    "no cmdlet": (_with(reads=[{"cmdlet": "x; rm", "parameters": {}, "objects": []}]), "an invalid time or read"),
    "both": (_read(objects=[], error={}), "an invalid time or read"),
    "neither": (_read(), "an invalid time or read"),
    "texts for objects": (_read(objects=["x"]), "an invalid time or read"),
    "an unknown error": (_read(error={"class": "Exit", "message": "x"}), "an invalid time or read"),
    "an error that is none": (_read(error={"class": "ExchangeError", "message": 5}), "an invalid time or read"),
    "reads that are none": (_with(reads=[5]), "an invalid time or read"),
    "a key twice": (
        lambda document: json.dumps([document, NOT_VARIABLES]).replace('"format"', '"format": 2, "format"', 1),
        "the key 'format' twice",
    ),
    "a number without bounds": (
        lambda document: json.dumps([document, NOT_VARIABLES]).replace(
            '"objects": [{', '"objects": [{"Size": 1e999, ', 1
        ),
        "the number 1e999 in it is too large",
    ),
    "no number": (
        lambda document: json.dumps([document, NOT_VARIABLES]).replace('"format": 1', '"format": NaN'),
        "is not JSON",
    ),
    "too deep": (lambda document: "[" * 100_000, "is not JSON"),
    "a read twice": (
        lambda document: _with(reads=[*document["reads"], document["reads"][1]])(document),
        "the same read of Get-IRMConfiguration twice",
    ),
    "another name than in its reads": (
        _with(organization="fabrikam.onmicrosoft.com"),
        "says that it is of fabrikam.onmicrosoft.com, but it was read from",
    ),
    "another tenant than in its reads": (_with(tenant_id="aaaaaaaa-0000-0000-0000-000000000002"), "contradicts itself"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_capture_is_refused_by_name(tmp_path: Path, name: str) -> None:
    change, said = WRONG[name]
    path = written(tmp_path / "c.json", change(captured()))
    with pytest.raises(OptionError) as caught:
        session(path).invoke(Request([IRM]))
    assert f"ansible_exchange_capture_path: {path}" in str(caught.value)
    assert said in str(caught.value)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named pipe that nobody writes to would be waited for, and a device read without end."""
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "Not a regular file"),
        (Path("/dev/zero"), "Not a regular file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(OptionError, match=f"ansible_exchange_capture_path: the file {path} cannot be read: {said}"):
            session(path).invoke(Request([IRM]))
    monkeypatch.setattr(_regular_file, "LARGEST", 100)
    with pytest.raises(OptionError, match="cannot be read: Larger than"):
        session(written(tmp_path / "c.json", captured())).invoke(Request([IRM]))


def test_a_link_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "c.json", captured())
    (tmp_path / "link.json").symlink_to(path)
    (tmp_path / "marked.json").write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    for name in ("link.json", "marked.json"):
        assert session(tmp_path / name).invoke(Request([IRM]))[0].error is None


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"ansible_exchange_capture_path: the file .*nowhere\.json cannot be read: No such file"
    ):
        session(tmp_path / "nowhere.json").invoke(Request([IRM]))


def days_ago(days: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)


@pytest.mark.parametrize(("days", "warned"), [(0, False), (29.9, False), (31, True)])
def test_an_old_one_warns_once(tmp_path: Path, days: float, warned: bool) -> None:
    path = written(tmp_path / "c.json", captured(captured_at=days_ago(days)))
    warnings: list[str] = []
    opened = session(path)
    for _time in range(2):
        assert opened.invoke(Request([IRM], warn=warnings.append))[0].error is None
    assert [("is 31 days old" in text, str(path) in text) for text in warnings] == [(True, True)] * warned
    assert opened.describe(Request([])).warnings == warnings


@pytest.mark.parametrize(("days", "limit", "refused"), [(6, 7, False), (8, 7, True), (40, 90, False)])
def test_an_older_one_than_somebody_allows_is_refused(tmp_path: Path, days: float, limit: int, refused: bool) -> None:
    path = written(tmp_path / "c.json", captured(captured_at=days_ago(days)))
    opened = session(path, exchange_capture_max_age=limit)
    if refused:
        with pytest.raises(
            OptionError,
            match=r"8 days old; the maximum is 7\. Take a new one, or raise ansible_exchange_capture_max_age",
        ):
            opened.invoke(Request([IRM]))
    else:
        assert opened.invoke(Request([IRM]))[0].error is None
        assert opened.describe(Request([])).warnings == []


def test_one_of_the_future_has_no_known_age(tmp_path: Path) -> None:
    """A clock that was set back must not make a capture young for ever."""
    path = written(tmp_path / "c.json", captured(captured_at=days_ago(-2)))
    with pytest.raises(OptionError, match=r"taken in the future .* Check the clocks"):
        session(path, exchange_capture_max_age=90).invoke(Request([IRM]))
    warnings: list[str] = []
    assert session(path).invoke(Request([IRM], warn=warnings.append))[0].error is None
    assert "in the future" in warnings[0]
    assert (
        session(written(tmp_path / "d.json", captured(captured_at=days_ago(-0.003)))).describe(Request([])).warnings
        == []
    )


def test_a_capture_is_what_it_was_after_it_was_written_and_read(tmp_path: Path) -> None:
    document = captured()
    assert sealed(document) == document
    results = session(written(tmp_path / "c.json", document)).invoke(Request([call for call, _result in READS]))
    again = captured(reads=tuple(zip([call for call, _result in READS], results, strict=True)))
    assert again["reads"] == document["reads"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "ansible_exchange_capture_path is not set"),
        (
            {"exchange_capture_path": "c.json", "exchange_organization": None},
            "ansible_exchange_organization is not set",
        ),
        (
            {"exchange_capture_path": "c.json", "exchange_capture_max_age": 0},
            "ansible_exchange_capture_max_age must be between 1",
        ),
    ],
)
def test_what_variables_it_needs(values: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        identity(exchange_transport="file", **values)


def test_credentials_of_other_transports_are_not_used() -> None:
    built = identity(
        exchange_transport="file",
        exchange_capture_path="c.json",
        exchange_client_secret="s3cret",
        exchange_access_token="t0ken",
    )
    assert "s3cret" not in json.dumps(built)
    assert "t0ken" not in json.dumps(built)
    assert built["file"]["path"] == str(Path("c.json").absolute())
