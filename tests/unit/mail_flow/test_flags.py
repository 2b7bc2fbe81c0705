# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that are true or false are that, and no text: "False" would count as true."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    Organization,
    reads_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import FLAGS, facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe

Values = dict[str, Any]

SINGLE = ("irm_configuration", "organization_config")
NAMED = {"ome_configurations": "identity", "remote_domains": "domain_name"}


def _fact(fact: str, flag: str, value: Any) -> Values:
    row = {flag: value}
    return {fact: row if fact in SINGLE else [{NAMED.get(fact, "name"): "it.example", **row}]}


@pytest.mark.parametrize(("fact", "flag"), [(fact, flag) for fact, flags in FLAGS.items() for flag in flags])
def test_a_text_is_refused_by_name(fact: str, flag: str) -> None:
    at = f"facts.{fact}{'' if fact in SINGLE else '[0]'}.{flag}"
    for text in ("False", "true", "no", "", 0):
        with pytest.raises(OptionError) as error:
            facts_of(_fact(fact, flag, text))
        assert error.value.message == f"{at} must be true or false, not {text!r}."
    for value in (True, False, None):
        facts_of(_fact(fact, flag, value))


READ = ("accepted_domains", "remote_domains", "inbound_connectors", "outbound_connectors", "journal_rules")


@pytest.mark.parametrize("subset", READ)
def test_they_are_all_those_that_an_organization_has(subset: str) -> None:
    reads = reads_of([subset])
    row = dict.fromkeys(("Name", "DomainName", "DomainType"), "It")
    organization = Organization(reads, {name: Result(objects=[row]) for name in reads})
    (described, *_others) = describe(organization, [subset])[subset]
    assert {key for key, value in described.items() if isinstance(value, bool)} == set(FLAGS[subset])
