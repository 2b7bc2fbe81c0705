# SPDX-License-Identifier: GPL-3.0-or-later
"""A session straight into an emulated organization, without a socket, for tests above the seam.

Values take the way that they take over a wire, by the emulator's encoder and the collection's decoder, so that what
comes back has the same canonical form. A task takes a few milliseconds.

    session = EmulatedSession({"advanced_message_encryption": True})    # or an Organization, or nothing
    result = session.run(ome_transport_rule, name="Encrypt", actions={"apply_rights_protection_template": "Encrypt"})
    session.edit("Set-TransportRule", Identity="Encrypt", Comments="by hand")   # another administrator
    session.organization.dump(), session.writes, session.reads, session.warnings
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import (
    OrganizationIdentity,
    SessionDescription,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, decode, service_errors
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.encode import json_parameter

from tests import printed
from tests.emulator import Organization, rest
from tests.emulator.clixml import Flavour, document
from tests.emulator.errors import CmdletError, CmdletNotGranted
from tests.emulator.properties import Record
from tests.emulator.runner import granted, run
from tests.unit.manifest import objections, withheld

#: The ways in which objects come back: over REST, from a management host, from an Exchange server.
WIRES = ("rest", "module", "server")


class EmulatedSession:
    """One organization, spoken to directly. What is sent and printed is given to PowerShell, where the tests have one.

    :param organization: it, or what is special in its state.
    :param wire: one of ``WIRES``.
    """

    def __init__(self, organization: Organization | Mapping[str, Any] | None = None, wire: str = "rest") -> None:
        self.organization = organization if isinstance(organization, Organization) else Organization(organization or {})
        self.wire = wire
        #: Every write that was carried out or refused, in order.
        self.writes: list[Call] = []
        #: How many round trips there were, and how many of them only read.
        self.trips = 0
        self.reads = 0
        #: The warnings of the last task.
        self.warnings: list[str] = []
        #: Where the new rules of the last task land.
        self.places: dict[str, str] = {}
        #: Called before each write; another administrator may be at work in it, and an error that it raises is the
        #: write's.
        self.before_write: Callable[[Call], Any] = lambda call: None

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        """The protocol of a session. Whatever is sent has to fit the live module and the constrained endpoint."""
        assert [text for call in calls for text in (*objections(call), *withheld(call))] == []
        self.trips += 1
        self.reads += all(call.is_read for call in calls)
        return [self._invoke(call) if call.is_read else self.write(call) for call in calls]

    def write(self, call: Call) -> Result:
        """Carries out a write that was sent. Tests let it fail here."""
        printed.check_call(str(call), call.parameters)
        try:
            self.before_write(call)
        except ExchangeError as error:
            return Result(error=error)
        self.writes.append(call)
        return self._invoke(call)

    def edit(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        """Another administrator's edit, with values as PowerShell has them. Nothing is counted."""
        return [
            self._object(record)
            for record in run(self.organization, cmdlet, parameters, rest=False, prompts=False).records
        ]

    def run(self, module: ModuleType, /, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Runs a module over this organization as its action does, arguments checked. Raises what it refuses."""
        spec = dict(module.SPEC)
        # Validation writes into what it validates, and callers may have used one object twice.
        arguments = json.loads(json.dumps(options))
        validation, errors = validate(arguments, spec.pop("argument_spec"), **spec)
        if errors:
            raise OptionError("; ".join(errors))
        task = MailFlowContext(
            params=validation.validated_parameters,
            check_mode=check_mode,
            session=self,
            describe=lambda: SessionDescription(
                organization=OrganizationIdentity(on_premises=not self.organization.cloud)
            ),
            find_file=lambda path: Path(path).read_bytes(),
        )
        self.warnings = task.warnings
        self.places = task.places
        result: dict[str, Any] = module.run(task)
        printed.check(result.get("commands", ()))
        return result

    def _invoke(self, call: Call) -> Result:
        if call.cmdlet == "Get-Command":
            names = set(granted(self.organization.state))
            return Result([{"Name": name} for name in call.parameters["Name"] if name in names])  # type: ignore[union-attr]
        try:
            if self.wire == "rest":
                parameters = json.loads(
                    json.dumps({name: json_parameter(value) for name, value in call.parameters.items()})
                )
                outcome = run(
                    self.organization, call.cmdlet, parameters, rest=True, prompts=False, compliance=call.is_compliance
                )
            else:
                outcome = run(
                    self.organization,
                    call.cmdlet,
                    call.parameters,
                    rest=False,
                    prompts=True,
                    compliance=call.is_compliance,
                )
        except CmdletNotGranted:
            return Result(error=service_errors.not_granted(call.cmdlet))
        except CmdletError as error:
            return Result(
                error=service_errors.classify(
                    error.message, exception_type=error.type, error_id=error.error_id, cmdlet=call.cmdlet
                )
            )
        return Result([self._object(record) for record in outcome.records], list(outcome.warnings))

    def _object(self, record: Record) -> dict[str, Any]:
        if self.wire == "rest":
            return decode.json_object(rest._object(record, self.organization, None))
        flavour = Flavour.SERVER if self.wire == "server" else Flavour.MODULE
        return clixml.decode(ElementTree.tostring(document(record, flavour), encoding="unicode"))


def refusal(session: EmulatedSession, module: ModuleType, **options: Any) -> str:
    """What a module says where it refuses. Asserts that it does, and that nothing was written."""
    writes = len(session.writes)
    with pytest.raises(ExchangeError) as caught:
        session.run(module, **options)
    assert session.writes[writes:] == [], f"{caught.value} came after a write"
    return str(caught.value)
