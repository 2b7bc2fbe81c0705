# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an organization: defines the subsets and reads any number of them in one round trip."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .cmdlet import CMDLETS, Call, Result, Session
from .errors import CmdletNotAvailableError, ExchangeError
from .tenant import ORGANIZATION_CONFIG, OrganizationIdentity, identity_of

Parsed = TypeVar("Parsed")

#: So many mail users, guests among them, and members of a group are known at most: one more is asked for, to see
#: whether there are more.
MOST_PEOPLE = 1000

#: The subsets that can be read, by the name that users know.
SUBSETS: dict[str, Call] = {
    "organization": ORGANIZATION_CONFIG,
    "ome_configurations": Call("Get-OMEConfiguration"),
    "irm_configuration": Call("Get-IRMConfiguration"),
    "activesync_org_settings": Call("Get-ActiveSyncOrganizationSettings"),
    "transport_rules": Call("Get-TransportRule", {"ResultSize": "Unlimited"}),
    "transport_config": Call("Get-TransportConfig"),
    "rms_templates": Call("Get-RMSTemplate", {"ResultSize": "Unlimited"}),
    "owa_mailbox_policies": Call("Get-OwaMailboxPolicy"),
    "mobile_device_mailbox_policies": Call("Get-MobileDeviceMailboxPolicy"),
    "accepted_domains": Call("Get-AcceptedDomain"),
    "remote_domains": Call("Get-RemoteDomain"),
    "inbound_connectors": Call("Get-InboundConnector"),
    "outbound_connectors": Call("Get-OutboundConnector"),
    "mail_users": Call("Get-MailUser", {"ResultSize": MOST_PEOPLE + 1}),
    "journal_rules": Call("Get-JournalRule"),
    "exported_cmdlets": Call("Get-Command", {"Name": list(CMDLETS)}),
}

#: Subsets that no setting needs. They are read only for answers about mail.
MAIL_FACTS = (
    "accepted_domains",
    "remote_domains",
    "inbound_connectors",
    "outbound_connectors",
    "mail_users",
    "journal_rules",
)

#: The further reads of a subset that takes several, by the names that they have beside it. By itself,
#: Get-OutboundConnector shows neither the connectors in test mode nor those that only rules use; each of these
#: parameters shows nothing else. Source: Microsoft's Get-OutboundConnector page.
FURTHER: dict[str, dict[str, Call]] = {
    "outbound_connectors": {
        "outbound_connectors in test mode": Call("Get-OutboundConnector", {"IncludeTestModeConnectors": True}),
        "outbound_connectors of rules": Call("Get-OutboundConnector", {"IsTransportRuleScoped": True}),
    }
}


@dataclass(frozen=True)
class ComplianceSubset:
    """A subset of the compliance endpoint.

    :param call: what reads it.
    :param one: the word for one of its objects.
    :param several: the word for several.
    """

    call: Call
    one: str
    several: str


#: The subsets of the compliance endpoint, which no setting needs and only whoever names them reads.
COMPLIANCE_SUBSETS = {
    "dlp_policies": ComplianceSubset(Call("Get-DlpCompliancePolicy"), "DLP policy", "DLP policies"),
    "labels": ComplianceSubset(Call("Get-Label"), "label", "labels"),
    "label_policies": ComplianceSubset(Call("Get-LabelPolicy"), "label policy", "label policies"),
    "auto_label_policies": ComplianceSubset(
        Call("Get-AutoSensitivityLabelPolicy"), "auto-labeling policy", "auto-labeling policies"
    ),
}

#: The reads that bring what the objects of a subset consist of, by the names that they have beside it.
PARTS_OF: dict[str, dict[str, Call]] = {
    "dlp_policies": {"dlp_rules": Call("Get-DlpComplianceRule")},
    "auto_label_policies": {"auto_label_rules": Call("Get-AutoSensitivityLabelRule")},
}
#: The facts about mail that only whoever plans, audits or replays reads: what else encrypts mail, or decrypts it.
COMPLIANCE_FACTS = tuple(COMPLIANCE_SUBSETS)
_EVERY = {**SUBSETS, **{name: subset.call for name, subset in COMPLIANCE_SUBSETS.items()}}
_BESIDE = {name for beside in (FURTHER, PARTS_OF) for reads in beside.values() for name in reads}


class Organization:
    """What one round trip returned about an organization.

    :param reads: subset name to the call that read it.
    :param results: subset name to the result of that call.
    :param run_inputs: what a run was told about the organization, by name. Exchange does not show it, so it is no subset.
    """

    def __init__(
        self,
        reads: Mapping[str, Call],
        results: Mapping[str, Result],
        run_inputs: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> None:
        self._reads = reads
        self._results = results
        self.run_inputs = run_inputs
        self._parsed: dict[Callable[[Organization], Any], Any] = {}

    @property
    def subsets(self) -> list[str]:
        """The names of the subsets that were read."""
        return [name for name in self._results if name not in _BESIDE]

    @property
    def reused(self) -> bool:
        """Whether any result comes from an earlier read of this run."""
        return any(result.reused for result in self._results.values())

    def objects(self, subset: str) -> list[dict[str, Any]]:
        """The objects of a subset, each once. Raises the error of a failed read, which never means "nothing there"."""
        objects, further = self._results[subset].unwrap(), self._further(subset)
        if not further:
            return objects
        every = [*objects, *(item for name in further for item in self._results[name].unwrap())]
        return list({str(item.get("Guid") or item.get("Name")): item for item in every}.values())

    def _further(self, subset: str) -> list[str]:
        return [name for name in FURTHER.get(subset, ()) if name in self._results]

    def parsed(self, parse: Callable[[Organization], Parsed]) -> Parsed:
        """The result of ``parse`` for this organization, cached. Callers must not change it."""
        if parse not in self._parsed:
            self._parsed[parse] = parse(self)
        made: Parsed = self._parsed[parse]
        return made

    @property
    def reads(self) -> list[tuple[Call, Result]]:
        """The calls, and what each brought."""
        return [(self._reads[subset], result) for subset, result in self._results.items()]

    def with_more(self, other: Organization) -> Organization:
        """This organization with the subsets of another round trip added."""
        reads, results = {**self._reads, **other._reads}, {**self._results, **other._results}
        return Organization(reads, results, {**self.run_inputs, **other.run_inputs})

    def with_run_input(self, name: str, value: Any) -> Organization:
        """This organization with what a run was told about it; this very object if it has that already."""
        if self.run_inputs.get(name) == value:
            return self
        return Organization(self._reads, self._results, {**self.run_inputs, name: value})

    def only(self, subset: str) -> dict[str, Any]:
        """The object of a subset that must contain exactly one."""
        objects = self.objects(subset)
        if len(objects) != 1:
            raise ExchangeError(
                f"Exchange returned {len(objects)} objects; exactly one was expected.",
                cmdlet=self._reads[subset].cmdlet,
            )
        return objects[0]

    @property
    def identity(self) -> OrganizationIdentity:
        """Which organization it is. Raises the error of a failed read."""
        return identity_of(self.only("organization"))

    @property
    def identity_or_unknown(self) -> OrganizationIdentity:
        """Which organization it is, with nothing known of it if the read failed."""
        return OrganizationIdentity() if self.error("organization") else self.identity

    def error(self, subset: str) -> ExchangeError | None:
        """Why the read of a subset failed; ``None`` if it succeeded."""
        parts = [name for name in PARTS_OF.get(subset, ()) if name in self._results]
        names = (subset, *self._further(subset), *parts)
        return next((error for name in names if (error := self._results[name].error) is not None), None)

    def available(self, subset: str) -> bool:
        """Whether the subset was read. False only if it was not requested or the session does not have the cmdlet;
        raises any other error.
        """
        result = self._results.get(subset)
        if result is None or isinstance(result.error, CmdletNotAvailableError):
            return False
        result.unwrap()
        return True


#: An organization of which nothing was read.
UNREAD = Organization({}, {})


def with_compliance(subsets: Iterable[str]) -> list[str]:
    """Subsets and, if all facts about mail are among them, those of the compliance endpoint: whatever is said about all
    mail then counts them.
    """
    wanted = list(dict.fromkeys(subsets))
    return list(dict.fromkeys([*wanted, *COMPLIANCE_FACTS])) if set(MAIL_FACTS) <= set(wanted) else wanted


def reads_of(subsets: Iterable[str] | Mapping[str, Call]) -> Mapping[str, Call]:
    """The calls that read subsets. Accepts names from :data:`SUBSETS` and :data:`COMPLIANCE_SUBSETS`, or a mapping of
    custom names to calls.
    """
    if isinstance(subsets, Mapping):
        return subsets
    return {
        key: call
        for name in subsets
        for key, call in {name: _EVERY[name], **FURTHER.get(name, {}), **PARTS_OF.get(name, {})}.items()
    }


def read(session: Session, subsets: Iterable[str] | Mapping[str, Call], *, fresh: bool = False) -> Organization:
    """Reads subsets in one round trip. See :func:`reads_of`."""
    reads = reads_of(subsets)
    results = session.invoke(list(reads.values()), fresh=fresh)
    return Organization(reads, dict(zip(reads, results, strict=True)))
