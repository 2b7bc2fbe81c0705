# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of outbound connectors, and new ones, that close a hole on the way. Only people make them: this collection writes
no connectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._exchange.names import same_name
from ..analyses.judgment import Hole
from ..input.guarantee_options import Guarantee

#: What TLS has to check to the value of ``tls_settings``.
_SETTINGS = {"encryption_only": "EncryptionOnly", "certificate": "CertificateValidation", "domain": "DomainValidation"}

#: What stands for the name in the certificate of the other side, which ``domain`` checks and only people can find out.
CERTIFICATE_NAME = "THE NAME IN ITS CERTIFICATE"

#: The longest name that a connector gets.
_LONGEST = 64


@dataclass(frozen=True)
class ConnectorEdit:
    """One edit of an outbound connector.

    :param option: the option of the fact ``outbound_connectors`` that changes.
    :param before: its value before, and :param:`after` now.
    :param added: what is added to a list; empty for another option.
    :param tls_domain: :data:`CERTIFICATE_NAME` where people have to say the name that TLS checks, too; empty otherwise.
    :param new: the options of a connector that is added with that, in the form of the fact; empty for one that is there.
    :param next_edit: one edit more of the same connector, for the hole that is left; ``None`` if there is none.
    """

    connector: str
    option: str
    before: Any
    after: Any
    added: str = ""
    tls_domain: str = ""
    new: Mapping[str, Any] = field(default_factory=dict)
    next_edit: ConnectorEdit | None = None

    @property
    def every(self) -> tuple[ConnectorEdit, ...]:
        """This edit and all that are made with it."""
        return (self, *(self.next_edit.every if self.next_edit else ()))


def connector_edits(
    hole: Hole, validation: str, facts: Mapping[str, Any]
) -> Iterator[tuple[ConnectorEdit, dict[str, Any]]]:
    """The edits that may close a hole, each with the facts after it.

    :param validation: what TLS has to check at least.
    :param facts: in the form of the option ``facts``.
    """
    every = list(facts.get("outbound_connectors") or ())
    for place, options in enumerate(every):
        edit = _edit(hole, validation, options) if same_name(str(options["name"]), hole.connector) else None
        if edit is not None:
            name = {"tls_domain": edit.tls_domain} if edit.tls_domain else {}
            edited = [*every[:place], {**options, edit.option: edit.after, **name}, *every[place + 1 :]]
            yield edit, {**facts, "outbound_connectors": edited}


def connector_to_add(
    hole: Hole, guarantee: Guarantee, facts: Mapping[str, Any]
) -> Iterator[tuple[ConnectorEdit, dict[str, Any]]]:
    """A connector for the domains of a guarantee, where none comes near and a rule does not do: it cannot say that TLS checks a
    certificate. With the facts then.

    :param facts: in the form of the option ``facts``.
    """
    domains = [str(name) for name in guarantee.when.get("recipient_domain_is") or ()]
    every = list(facts.get("outbound_connectors") or ())
    if hole.connector or not domains or guarantee.tls_validation != "certificate":
        return
    name = f"TLS to {domains[0]}"[:_LONGEST]
    if any(same_name(str(options["name"]), name) for options in every):
        return
    covered = [pattern for domain in domains for pattern in (domain, f"*.{domain}")]
    new = {
        "name": name,
        "enabled": True,
        "connector_type": "Partner",
        "recipient_domains": covered,
        "use_mx_record": True,
        "tls_settings": _SETTINGS[guarantee.tls_validation],
    }
    edit = ConnectorEdit(name, "recipient_domains", None, covered, new=new)
    yield edit, {**facts, "outbound_connectors": [*every, new]}


def _edit(hole: Hole, validation: str, options: Mapping[str, Any]) -> ConnectorEdit | None:
    name = str(options["name"])
    if hole.kind in ("domain_only", "subdomains_only"):
        domains = list(options.get("recipient_domains") or ())
        more = f"*.{hole.covers}" if hole.kind == "domain_only" else hole.covers
        return ConnectorEdit(name, "recipient_domains", domains, [*domains, more], more)
    if hole.kind == "disabled":
        return ConnectorEdit(name, "enabled", False, True)
    if hole.kind in ("opportunistic", "weak") and validation in _SETTINGS:
        names = validation == "domain" and not options.get("tls_domain")
        before, after = options.get("tls_settings"), _SETTINGS[validation]
        return ConnectorEdit(name, "tls_settings", before, after, tls_domain=CERTIFICATE_NAME if names else "")
    return None
