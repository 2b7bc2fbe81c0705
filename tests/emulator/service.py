# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service behind both wires: it finds the organization, runs the cmdlet, and keeps the ledger."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from .cmdlets import Outcome, run
from .errors import CmdletError
from .ledger import Entry, Ledger
from .organization import Organization


class Service:
    """All organizations of one emulator."""

    def __init__(self, organizations: Iterable[Organization]) -> None:
        self.organizations = {organization.name: organization for organization in organizations}
        self.ledger = Ledger()

    def find(self, identifier: str) -> Organization | None:
        """The organization of that name or tenant id."""
        return next((organization for organization in self.organizations.values() if organization.answers_to(identifier)), None)

    def invoke(self, organization: Organization, wire: str, cmdlet: str, parameters: Mapping[str, Any]) -> Outcome:
        """Runs a cmdlet for a caller of ``wire`` (``rest`` or ``psrp``) and records the call.

        :raises CmdletError: the cmdlet ended with an error.
        """
        before = organization.state
        error = ""
        try:
            return run(organization, cmdlet, parameters, rest=wire == "rest", prompts=wire == "psrp")
        except CmdletError as failure:
            error = failure.message
            raise
        finally:
            shown = {name: shown_value(value) for name, value in parameters.items()}
            self.ledger.record(Entry(organization.name, wire, cmdlet, shown, error, organization.state is not before))

    def edit(self, organization: Organization, cmdlet: str, parameters: Mapping[str, Any]) -> Outcome:
        """The edit of another administrator: nobody is asked, and nothing is counted.

        :raises CmdletError: the cmdlet ended with an error.
        """
        return run(organization, cmdlet, parameters, rest=True, prompts=False)


def shown_value(value: Any) -> Any:
    """A parameter's value as JSON can hold it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): shown_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown_value(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
