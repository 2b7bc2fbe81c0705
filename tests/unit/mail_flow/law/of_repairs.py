# SPDX-License-Identifier: GPL-3.0-or-later
"""What is promised of other rules: that they keep a guarantee, or do the same as the present ones."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.simplify import simplify
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.guarantees import (
    guarantee_rows,
)

from tests.unit.mail_flow.asking import NOW

from .asked import AFTER, Asked
from .claims import Claim
from .of_mail import claims_of_results, proved, same_as

#: Steps for all suggestions about a world.
_STEPS = 400_000


def of_suggestions(asked: Asked) -> Iterator[Claim]:
    """The guarantee holds after the edits: for the messages of the world, and in their simulation."""
    refuted = [each for each in asked.judged if each.verdict is GuaranteeVerdict.REFUTED]
    if not refuted:
        return
    found = suggestions(asked.rules[AFTER], asked.world.tenant, asked.judged, (), NOW, _STEPS)
    for goal in found:
        whole = [each for each in goal.suggestions if each.edits and not each.left_open]
        for number, each in enumerate(whole[:2]):
            side = f"{goal.name}, suggestion {number}"
            asked.rules[side] = RuleSet(each.rules, asked.facts.dialect)
            (judged,) = [one for one in asked.judged if one.guarantee.name == goal.name]
            # It assumes what its proof does.
            (again,) = prove(asked.rules[side], asked.world.tenant, [judged.guarantee], NOW)
            row = guarantee_rows([again])[0].as_row()
            yield from proved("suggestions", asked, again, row, side)
            for letter in asked.whole:
                yield from claims_of_results(asked, side, letter)


def of_simplify(asked: Asked) -> Iterator[Claim]:
    """Fewer rules do the same."""
    found = simplify(asked.rules[AFTER], asked.world.tenant, NOW)
    if found.rules and not found.unwritten:
        left = [each for each in found.rules if each.get("state") != "absent"]
        yield from same_as("simplify", asked, RuleSet(left, asked.facts.dialect), found)
