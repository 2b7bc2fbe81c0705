# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of copies on their way through the rules that they meet, and of the copies that rules make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open, Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Protection
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.outcomes import Fate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.chain import Chain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.followed_copies import (
    FollowedCopies,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import (
    message_of_row,
    recipient_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.traced_decider import SeenByDlp
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.truth_sets import Doubt, Unknown

from tests.unit.mail_flow.replaying import ENCRYPT, KNOWN

ENCRYPTS = {"name": "Encrypt", "conditions": {}, "actions": ENCRYPT}
DELETES = {"name": "Delete", "conditions": {}, "actions": {"delete_message": True}}
COPIES = {"name": "Copy", "conditions": {}, "actions": {"blind_copy_to": ["boss@contoso.com"]}}
FACTS = facts_of(KNOWN)
MESSAGE = replace(
    message_of_row("megan@contoso.com", "ann@fabrikam.com", subject="Offer", size=2048, is_authenticated=True),
    types=frozenset(),
    protection=Protection(),
)
PERSON = recipient_of("ann@fabrikam.com", FACTS)
OPEN = Doubt(Unknown("body"), ((1, True),))


def _chain(*rules: dict[str, Any]) -> Chain:
    return Chain(RuleSet(list(rules)), FACTS)


def _followed(chain: Chain, *met: tuple[int, Doubt | None]) -> FollowedCopies:
    return chain.follower.follow(met, frozenset(), MESSAGE, PERSON, (), SeenByDlp())


def test_a_copy_has_what_the_rules_do_that_it_meets() -> None:
    chain = _chain(ENCRYPTS, DELETES)
    assert _followed(chain).encrypted is False
    encrypted = _followed(chain, (0, None))
    assert (encrypted.encrypted, encrypted.outcome.protected_by) == (True, ("Encrypt",))
    deleted = _followed(chain, (0, None), (1, None))
    assert (deleted.outcome.fate, deleted.end_of_rules) == (Fate.DELETED, 1)


def test_what_is_open_of_a_rule_is_open_of_the_copy_with_its_reason() -> None:
    followed = _followed(_chain(ENCRYPTS), (0, OPEN))
    assert followed.undecided
    assert followed.encrypted is None
    assert followed.because == (Unknown("body"), (0,))


def test_open_rules_that_do_the_same_are_one_step() -> None:
    chain = _chain(ENCRYPTS, {**ENCRYPTS, "name": "Again"})
    assert [step.rules for step in _followed(chain, (0, OPEN), (1, OPEN)).steps] == [(0, 1)]
    opposite = Doubt(Unknown("body"), ((1, False),))
    assert [step.rules for step in _followed(chain, (0, OPEN), (1, opposite)).steps] == [(0,), (1,)]


def test_a_rule_makes_a_copy_for_those_whom_it_adds() -> None:
    chain = _chain(COPIES, ENCRYPTS)
    met = {PERSON.address: {0: ()}, "boss@contoso.com": {0: (), 1: ()}}
    made = chain.maker.copies(met, {}, MESSAGE, PERSON)
    (way,) = made
    assert way[0] == "boss@contoso.com"
    other = _chain(COPIES, DELETES).maker.copies(met, {}, MESSAGE, PERSON)
    assert made[way].asks != other[way].asks


def test_no_copy_reaches_a_rule_behind_one_that_deletes_it() -> None:
    worlds = _chain(DELETES, ENCRYPTS).worlds
    before = worlds.before({0: (), 1: ()}, MESSAGE, PERSON)
    assert before is not None
    assert list(before) == [0]
    after = worlds.after({0: ()}, MESSAGE, PERSON)
    assert after is not None
    assert {world.fate for world in after} == {Fate.DELETED}


def test_whether_a_copy_reaches_a_rule_depends_on_what_is_open_of_an_earlier_one() -> None:
    asked = Open(1, (Reason("", "untraced", ("body",)),))
    before = _chain(DELETES, ENCRYPTS).worlds.before({0: (asked,), 1: ()}, MESSAGE, PERSON)
    assert before is not None
    assert [world.answered() for world in before[1] if world.goes_on] == [{1: False}]
