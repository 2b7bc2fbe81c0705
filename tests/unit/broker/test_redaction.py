# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret, in whatever form the other side quotes it, and no control character reaches people."""

from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import visible
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import shown
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import redaction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator import Emulator
from tests.unit.connections import Script, identity
from tests.unit.transports.wires import values

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda text: urllib.parse.quote(text, safe=""),
    "path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "markup": html.escape,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=20))
def test_every_form_of_a_secret_is_taken_out(form: Callable[[str], str], secret: str) -> None:
    assert redaction.Scrubber([secret]).clean(f"<{form(secret)}>") == f"<{redaction.MASK}>"


def test_a_secret_in_lower_case_escapes_and_with_slashes_as_json_may_write_them() -> None:
    cleaner = redaction.Scrubber(["a/b+c=d"])
    assert cleaner.clean("a%2fb%2bc%3dd") == redaction.MASK
    assert cleaner.clean("a\\/b+c=d") == redaction.MASK


def test_a_secret_that_holds_another_is_taken_out_whole() -> None:
    assert redaction.Scrubber(["secret", "secret-and-more"]).clean("secret-and-more") == redaction.MASK


def test_what_is_too_short_hides_nothing() -> None:
    assert redaction.Scrubber(["a", "", "abc"]).clean("a abc") == "a abc"


def test_a_token_that_was_fetched_is_a_secret(emulator: Emulator) -> None:
    session = OrganizationSession(identity(**values(emulator, "rest")), open_transport)
    session.invoke(Request([Call("Get-IRMConfiguration")]))
    (token,) = session._transport_in_use().secrets
    assert token.count(".") == 2
    assert token in session.secrets
    session.close()
    assert token in session.secrets  # an error that ended the session may quote it


def test_an_error_that_quotes_a_token_in_some_form_is_shown_without_it(script: Callable[..., Script]) -> None:
    quoted = urllib.parse.quote("planted/token+1", safe="")
    server = script((400, {"error": {"details": [{"message": f"||Header {quoted} and planted\\/token+1"}]}}))
    session = OrganizationSession(
        identity(
            exchange_api_url=server.url, exchange_access_token="planted/token+1", exchange_verify_organization=False
        ),
        open_transport,
    )
    (result,) = session.invoke(Request([Call("Get-IRMConfiguration")]))
    answer: dict[str, Any] = {"log": [quoted], "results": [result.to_wire()]}
    shown = json.dumps(redaction.Scrubber(session.secrets).answer(answer))
    assert "planted" not in shown
    assert shown.count(redaction.MASK) == 3


@pytest.mark.parametrize(
    "odd",
    ["\x1b[31m", "\x9b2J", "\x85", "\u202e", "\u200b", "\u2066", "\ufeff", "\x07", "\r", "\ufffe", "\ud800", "\u2028"],
)
def test_no_control_character_is_shown_raw(odd: str) -> None:
    shown = visible(f"a{odd}b")
    assert odd[0] not in shown
    assert f"[U+{ord(odd[0]):04X}]" in shown


def test_lines_and_tabs_stay() -> None:
    assert visible("a\r\n\tb\nc é 😀") == "a\n\tb\nc é 😀"


def test_what_a_terminal_shows_of_a_result_is_visible() -> None:
    odd = "\u202e\x1b\x9b"
    changes = [{"before": odd}]
    result = shown(
        {
            "msg": odd,
            "warnings": [odd],
            "diff": {"before": odd, "after": f"a\n{odd}"},
            "error": {"error_id": odd},
            "changes": changes,
            "changed": True,
        }
    )
    told = str({name: value for name, value in result.items() if name != "changes"})
    assert told.count("[U+202E][U+001B][U+009B]") == 5
    assert result["diff"]["after"].startswith("a\n[")
    assert result["changes"] == changes  # which is data
