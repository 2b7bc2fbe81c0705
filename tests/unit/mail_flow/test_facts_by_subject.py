# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fact has a field, and each field is a fact's."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    FIELD_OF_FACT,
    facts_of,
    with_facts,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts

NOTHING = Facts()

#: Two values of each fact.
VALUES: dict[str, tuple[Any, Any]] = {
    "accepted_domains": (["contoso.com"], ["fabrikam.com"]),
    "remote_domains": ([{"domain_name": "a.example", "is_internal": True}], []),
    "mailboxes": (["ann@contoso.com"], []),
    "mail_users": (["ann@contoso.com"], []),
    "contacts": (["ann@contoso.com"], []),
    "groups": ({"all@contoso.com": ["ann@contoso.com"]}, {}),
    "unread_groups": (["all@contoso.com"], []),
    "managers": ({"ann@contoso.com": "bob@contoso.com"}, {}),
    "attributes": ({"ann@contoso.com": {"Department": "Sales"}}, {}),
    "proxy_addresses": ({"a@contoso.com": "ann@contoso.com"}, {}),
    "irm_configuration": ({"azure_rms_licensing_enabled": True}, {}),
    "rms_templates": ([{"name": "Encrypt"}], []),
    "ome_configurations": ([{"identity": "OME Configuration"}], []),
    "owa_mailbox_policies": ([{"identity": "OwaMailboxPolicy-Default"}], []),
    "inbound_connectors": ([{"name": "In"}], []),
    "outbound_connectors": ([{"name": "Out"}], []),
    "organization_config": ({"disable_plus_address_in_recipients": True}, {}),
    "journal_rules": ([{"name": "Journal"}], []),
    "dlp_policies": ([{"name": "P", "rules": []}], []),
    "labels": ([{"name": "Secret", "encryption": "none"}], []),
    "label_policies": ([{"name": "All", "labels": ["Secret"]}], []),
    "auto_label_policies": ([{"name": "Auto", "label": "Secret"}], []),
    "dialect": ("dotnet", "agreed"),
    "observed": ({"U08": True}, {}),
    "contradicted": ([{"rules": ["Secret"], "parts": ["fate"]}], []),
}


def field_of(facts: Facts, fact: str) -> Any:
    subject, name = FIELD_OF_FACT[fact]
    return getattr(getattr(facts, subject) if subject else facts, name)


def test_each_field_is_that_of_one_fact() -> None:
    places = {
        (subject.name, part.name)
        for subject in fields(Facts)
        if is_dataclass(getattr(NOTHING, subject.name))
        for part in fields(getattr(NOTHING, subject.name))
    }
    places |= {("", own.name) for own in fields(Facts) if not is_dataclass(getattr(NOTHING, own.name))}
    assert sorted(FIELD_OF_FACT.values()) == sorted(places)


def test_each_fact_is_tried() -> None:
    assert VALUES.keys() == FIELD_OF_FACT.keys()


@pytest.mark.parametrize("fact", FIELD_OF_FACT)
def test_a_fact_in_place_of_another_changes_nothing_else(fact: str) -> None:
    known = facts_of({name: first for name, (first, _second) in VALUES.items()})
    other = facts_of({fact: VALUES[fact][1]})
    changed = with_facts(known, {fact: VALUES[fact][1]})
    told = {name: field_of(changed, name) for name in FIELD_OF_FACT}
    assert field_of(known, fact) != field_of(changed, fact)
    if fact != "dlp_policies":  # Its value is an object without equality.
        assert told == {name: field_of(other if name == fact else known, name) for name in FIELD_OF_FACT}
