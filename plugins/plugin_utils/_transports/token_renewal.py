# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a session whose token was refused is worth another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ...module_utils._exchange.cmdlet import Result
from .module_answers import is_refused_token
from .retry import Failure, Outcome


@dataclass
class TokenRenewal:
    """Decides about one more try after a refused token: not if the one before was refused, too.

    :param renewable: whether another connection may use another token.
    :param forget: makes the next session get another token. The module on a host does so by itself.
    """

    renewable: bool
    forget: Callable[[], None] = lambda: None
    _is_worth_it: bool = True

    def accepted(self, outcomes: Iterable[Outcome]) -> None:
        """Notes the outcomes of a try whose token was not refused."""
        self._is_worth_it = self._is_worth_it or any(isinstance(outcome, Result) for outcome in outcomes)

    def give_up(self) -> None:
        """The service refuses the caller with any token."""
        self._is_worth_it = False

    def refused(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of a try whose token was refused, which may be tried again only with another token."""
        again = self._is_worth_it and self.renewable
        self._is_worth_it = False
        if again:
            self.forget()
        return [
            replace(outcome, retryable=again) if isinstance(outcome, Failure) and is_refused_token(outcome) else outcome
            for outcome in outcomes
        ]
