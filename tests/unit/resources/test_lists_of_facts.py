# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that was read is told whole and in its order: the first domain or connector is not all of them."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    Organization,
    reads_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import facts_from
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe

NAMES = ["b", "a", "c"]
#: What tells one from another, by subset: the property that is read, and the key that is told.
LISTS = {
    "accepted_domains": ("DomainName", "name"),
    "remote_domains": ("DomainName", "domain_name"),
    "inbound_connectors": ("Name", "name"),
    "outbound_connectors": ("Name", "name"),
    "journal_rules": ("Name", "name"),
    "rms_templates": ("Name", "name"),
}


def organization(subset: str) -> Organization:
    objects = [{"Name": name, "DomainType": "Authoritative", LISTS[subset][0]: name} for name in NAMES]
    reads = reads_of([subset])
    return Organization(reads, {name: Result(objects if name == subset else []) for name in reads})


def test_every_object_is_told() -> None:
    found = {subset: describe(organization(subset), [subset])[subset] for subset in LISTS}
    told = {subset: [row[key] for row in found[subset]] for subset, (_read, key) in LISTS.items()}
    assert {subset: names for subset, names in told.items() if names != NAMES} == {}


def test_every_object_is_a_fact() -> None:
    for subset in LISTS:
        read = organization(subset)
        assert facts_from(read, [subset]) == (describe(read, [subset]), {}), subset
