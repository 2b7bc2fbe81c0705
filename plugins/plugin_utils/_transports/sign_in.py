# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by a person, for a first look before an application is registered: with a code on any device, or in this
machine's browser.

The tokens stay in this process and end with it. Organizations ask for a sign-in one after
the other, because a person can read only one code at a time.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...module_utils._exchange.errors import AuthenticationError, NotSentError

#: The maximum lifetime of a code in seconds, whatever the authority says. Microsoft's codes are valid for 15 minutes.
LONGEST = 1800.0
#: The maximum time for a sign-in with the browser, in seconds. A closed window says nothing.
_IN_BROWSER = LONGEST / 2
#: Seconds between two checks whether it is this organization's turn, and whether the worker still waits.
_POLL = 0.2
_TURN = threading.Lock()
#: A code or an address that may be shown.
_SHOWN = re.compile(r"[\x21-\x7e]{1,200}")
_OTHER_AUTHORITY = "Check ansible_exchange_authority_url."
_BROWSER = (
    "If this machine has a browser, set ansible_exchange_interactive: true instead of ansible_exchange_device_code. "
    "Otherwise register an application and set ansible_exchange_certificate_path."
)
#: Error code of a refused sign-in to its remedy. Source: Microsoft's list of AADSTS error codes.
REMEDIES = {
    **dict.fromkeys(
        ("AADSTS53000", "AADSTS53001", "AADSTS53003", "AADSTS530003", "AADSTS50097"),
        f"Conditional Access of this organization does not allow this sign-in. {_BROWSER}",
    ),
    "AADSTS65001": "Nobody has consented to the application yet: grant consent in Microsoft Entra, or omit ansible_exchange_client_id.",
    "AADSTS65004": "The sign-in was declined. Run the playbook again.",
    "AADSTS7000218": "The application is not a public client: allow public client flows in its app registration, or omit ansible_exchange_client_id.",
    "AADSTS700016": "The application is not known in this organization: check ansible_exchange_client_id and ansible_exchange_organization.",
    "AADSTS700082": "The sign-in has expired. Run the playbook again.",
    "authorization_declined": "The sign-in was declined. Run the playbook again.",
}


class SignIn:
    """One person's sign-in to one organization, and its tokens.

    :param application: an ``msal.PublicClientApplication``; its cache keeps the refresh token.
    :param organization: its name, for people.
    :param scope: the scope of the tokens.
    :param with_browser: whether to use this machine's browser instead of a code.
    """

    def __init__(self, application: Any, organization: str, scope: str, *, with_browser: bool) -> None:
        self._application = application
        self._organization = organization
        self._scopes = [scope]
        self._with_browser = with_browser

    @property
    def user(self) -> str:
        """The person who signed in; empty before the sign-in."""
        return next((str(account.get("username") or "") for account in self._application.get_accounts()), "")

    def begin(self, tell: Callable[[str], None], wanted: Callable[[], bool]) -> dict[str, Any]:
        """Asks a person to sign in, and waits while the code is valid. Returns the authority's answer.

        :param tell: shows text to the person at once.
        :param wanted: whether the worker still waits for the sign-in.
        :raises AuthenticationError: nobody signed in, or the authority provided no code.
        :raises NotSentError: the worker no longer waits.
        """
        with _turn(wanted):
            return self._in_browser(tell) if self._with_browser else self._with_code(tell, wanted)

    def renew(self, claims: str | None) -> dict[str, Any]:
        """Renews the token of the person without asking again. Returns the authority's answer; empty if nobody has
        signed in.
        """
        for account in self._application.get_accounts():
            answer = self._application.acquire_token_silent_with_error(
                self._scopes, account, force_refresh=True, claims_challenge=claims
            )
            return dict(answer or {})
        return {}

    def _with_code(self, tell: Callable[[str], None], wanted: Callable[[], bool]) -> dict[str, Any]:
        flow = self._application.initiate_device_flow(self._scopes)
        if "user_code" not in flow:
            return dict(flow)
        if not all(_SHOWN.fullmatch(str(text)) for text in (flow["user_code"], _page(flow))):
            raise AuthenticationError(
                "the authority sent a code, or the address of a page, that no person could enter.",
                remedy=_OTHER_AUTHORITY,
            )
        life = min(max(float(flow["expires_in"]), 1.0), LONGEST)
        until = time.time() + life
        flow["interval"] = min(max(flow["interval"], 1), 60)  # without a pause, msal would not check the clock either
        tell(_invitation(self._organization, flow, life))
        answer = dict(
            self._application.acquire_token_by_device_flow(
                flow, exit_condition=lambda flow: time.time() > until or not wanted()
            )
        )
        if not wanted():
            raise NotSentError("nobody waits for this sign-in anymore.")
        if answer.get("error") in ("authorization_pending", "slow_down", "expired_token", "code_expired"):
            raise AuthenticationError(
                f"nobody signed in to {self._organization} while the code was valid ({_minutes(life)}).",
                remedy=f"Run the playbook again. If the sign-in page said that you don't have access (53003), the organization blocks such codes. {_BROWSER}",
                error_id=str(answer["error"]),
            )
        if "access_token" in answer:
            tell(f"{self._organization}: signed in{f' as {self.user}' if self.user else ''}.")
        return answer

    def _in_browser(self, tell: Callable[[str], None]) -> dict[str, Any]:
        try:
            webbrowser.get()
        except webbrowser.Error:
            raise AuthenticationError(
                "this machine has no browser for the sign-in.",
                remedy="Set ansible_exchange_device_code: true instead of ansible_exchange_interactive.",
            ) from None
        tell(
            f"{self._organization}: sign in with the browser window that opens on this machine now. This run can only read."
        )
        try:
            answer = self._application.acquire_token_interactive(
                self._scopes, prompt="select_account", timeout=_IN_BROWSER
            )
        except RuntimeError as error:
            if type(error).__name__ != "BrowserInteractionTimeoutError":
                raise
            answer = None
        if not answer:
            raise AuthenticationError(
                f"nobody signed in to {self._organization} with the browser ({_minutes(_IN_BROWSER)}).",
                remedy="Run the playbook again. If no window opens, set ansible_exchange_device_code: true instead of ansible_exchange_interactive.",
            )
        return dict(answer)


def _page(flow: Mapping[str, Any]) -> Any:
    """The address of the page that asks for the code."""
    return flow.get("verification_uri") or flow.get("verification_url")


def _invitation(organization: str, flow: Mapping[str, Any], life: float) -> str:
    return "\n".join(
        [
            f"Sign in to {organization}. This run can only read.",
            f"    Open  {_page(flow)}  on any device",
            f"    Enter {flow['user_code']}  within {_minutes(life)}",
            "If the page says that you don't have access, your organization blocks such codes. Press Ctrl+C and, if this machine has",
            "a browser, use -e ansible_exchange_interactive=true instead of -e ansible_exchange_device_code=true.",
        ]
    )


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else f"{round(seconds)} seconds"


@contextlib.contextmanager
def _turn(wanted: Callable[[], bool]) -> Iterator[None]:
    """Waits until no other organization of this run asks for a sign-in.

    :raises NotSentError: the worker no longer waits.
    """
    while not _TURN.acquire(timeout=_POLL):
        if not wanted():
            raise NotSentError("nobody waits for this sign-in anymore.")
    try:
        if not wanted():
            raise NotSentError("nobody waits for this sign-in anymore.")
        yield
    finally:
        _TURN.release()
