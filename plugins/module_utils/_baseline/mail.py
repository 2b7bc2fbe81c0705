# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an organization treats mail, as it is and as a plan would leave it, and what is guaranteed of it. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.organization import FACT_SUBSETS, facts_from, rules_from
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.planned import facts_after, rules_after
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.guarantees import Guarantee, guarantees_of, prove
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare_section

#: What a guarantee has: sections like a rule's, and what is said of the mail that they are about.
GUARANTEES_ARGUMENT_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "when": {"type": "dict", "options": rule_argument_spec()["conditions"]["options"]},
        "unless": {"type": "dict", "options": rule_argument_spec()["exceptions"]["options"]},
        "then": {"type": "str", "required": True, "choices": ["encrypted", "not_in_clear", "portal", "unencrypted"]},
        "template": {"type": "str"},
    },
}

PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"


def declared_guarantees(given: Sequence[Mapping[str, Any]], where: str) -> list[Guarantee]:
    """Guarantees as a variable has them, with their values in the form that rules have.

    :raises OptionError: what is wrong with one, by name.
    """
    rows = [{key: value for key, value in row.items() if value is not None} for row in given]
    for index, row in enumerate(rows):
        for section, like in (("when", "conditions"), ("unless", "exceptions")):
            row.update({section: declare_section(like, row[section], f"{where}[{index}].{section}.")} if row.get(section) else {})
    return guarantees_of(rows, where)


@dataclass(frozen=True)
class Mail:
    """How an organization treats mail: its rules, first to last, and its facts in the form of the option ``facts``.

    :param unavailable: facts that could not be read, and why. What rests on them is unknown.
    """

    rules: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    unavailable: Mapping[str, str]

    @classmethod
    def of(cls, organization: Organization) -> Mail:
        """As the organization is. Raises the error of reading the rules."""
        asked = [subset for subset in FACT_SUBSETS if subset in organization.subsets]
        failed = {subset: str(error) for subset in asked if (error := organization.error(subset)) is not None}
        facts, unavailable = facts_from(organization, [subset for subset in asked if subset not in failed])
        return cls(rules_from(organization), facts, {**failed, **unavailable})

    def after(self, plan: Plan) -> Mail:
        """As it is once a plan is done."""
        return Mail(rules_after(self.rules, plan.steps), facts_after(self.facts, plan.steps), self.unavailable)

    def verdicts(self, guarantees: Sequence[Guarantee], where: str) -> list[dict[str, Any]]:
        """What holds of each guarantee.

        :raises OptionError: one is about mail that there cannot be.
        """
        return prove(self.rules, self.facts, guarantees, where=where)
