# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prover with a mistake in it: a relation too many, or a piece of the semantics that is left out. A named claim notices each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof import address, chain, conditions, edits, fates, mail, recipients
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE

from tests.unit.mail_flow.proof.test_guarantees import ALL, ENCRYPT, NOW, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.small_worlds import TENANT

Patch = Callable[[Any, str, Any], None]
Values = dict[str, Any]

IN = {"from_scope": "InOrganization"}


def words_hold_each_other(patch: Patch) -> None:
    """L23 and phrases: a word would hold every other one."""
    whole = mail.relate_texts

    def relate(circuit: Any, atoms: Any) -> None:
        whole(circuit, atoms)
        words = [literal for (sort, _value), literal in atoms.items() if sort == "word"]
        for one in words:
            for other in words:
                circuit.add(one ^ 1, other)

    patch(mail, "relate_texts", relate)


def parents_are_in_their_children(patch: Patch) -> None:
    """L5: a domain would lie in its subdomains."""
    whole = address.AddressSlot._relate_domains

    def relate(self: Any, people: Any) -> None:
        whole(self, people)
        for name in self.values("below"):
            for other in self.values("below"):
                if name.endswith(f".{other}"):
                    self._circuit.add(self.atoms["below", other] ^ 1, self.atoms["below", name])

    patch(address.AddressSlot, "_relate_domains", relate)


def everybody_is_named(patch: Patch) -> None:
    """L7: there would be no addresses but those that somebody mentions."""
    whole = address.AddressSlot._relate

    def relate(self: Any) -> None:
        whole(self)
        self._circuit.add(self.named)

    patch(address.AddressSlot, "_relate", relate)


def small_is_large(patch: Patch) -> None:
    """L14: over the smaller limit would be over the larger."""
    whole = mail.Mail._ladder

    def ladder(self: Any, sort: str, values: Any) -> None:
        whole(self, sort, values)
        for one in values:
            for other in values:
                if one < 17 << 20 and other < 17 << 20:
                    self.circuit.add(self.properties[sort, one] ^ 1, self.properties[sort, other])

    patch(mail.Mail, "_ladder", ladder)


def scopes_are_opposites(patch: Patch) -> None:
    """L11: whoever is not inside would be outside."""
    whole = conditions.Conditions.sender_scope

    def scope(self: Any, value: str, slot: Any) -> Any:
        return whole(self, value, slot) if value == "InOrganization" else negate(whole(self, "InOrganization", slot))

    patch(conditions.Conditions, "sender_scope", scope)


def all_mail_arrives_in_clear(patch: Patch) -> None:
    """L19 and the table of arrivals."""
    whole = mail.Mail._assume_the_usual

    def assume(self: Any, rule_sets: Any) -> None:
        whole(self, rule_sets)
        for literal in self.arrival.values():
            self.circuit.add(literal ^ 1)

    patch(mail.Mail, "_assume_the_usual", assume)


def copies_are_never_split(patch: Patch) -> None:
    patch(recipients.Company, "split", lambda self, rule, name, matches, seen: seen.splits)


def nobody_leaves_a_field(patch: Patch) -> None:
    """U07 would be settled."""
    patch(recipients.Company, "still_there", lambda self, address, history: TRUE)


def stop_is_ignored(patch: Patch) -> None:
    patch(chain.Chain, "_stop", lambda self, when: None)


def releases_are_forgotten(patch: Patch) -> None:
    whole = fates.Outcome.__init__

    def outcome(self: Any, of: Any) -> None:
        whole(self, of)
        self.released = FALSE

    patch(fates.Outcome, "__init__", outcome)


def removal_is_ignored(patch: Patch) -> None:
    whole = chain.Chain._protect

    def protect(self: Any, *arguments: Any) -> None:
        whole(self, *arguments)
        self.state.removed = FALSE

    patch(chain.Chain, "_protect", protect)


def headers_stay(patch: Patch) -> None:
    patch(chain.Chain, "_set_headers", lambda self, *arguments: None)


def prefixes_are_ignored(patch: Patch) -> None:
    patch(chain.Changer, "prefixed", lambda self, *arguments: {})


def subject(*words: str) -> Values:
    return {"subject_contains_words": list(words)}


HEADER = {"header_contains_message_header": "X-Class", "header_contains_words": ["yes"]}
SET = {"set_header_name": "X-Class", "set_header_value": "yes"}

#: Rules and a guarantee that is not proved.
CLAIMS: dict[str, tuple[list[Values], Values]] = {
    "another word": ([rule("R", {**IN, **subject("quote")}, ENCRYPT)], {"when": {**IN, **subject("sales")}}),
    "the parent domain": (
        [rule("R", {**IN, "recipient_domain_is": ["eu.fabrikam.com"]}, ENCRYPT)],
        {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
    ),
    "somebody else": (
        [rule("R", {**IN, "sent_to": ["ann@fabrikam.com"]}, ENCRYPT)],
        {"when": {**IN, "recipient_domain_is": ["fabrikam.com"]}},
    ),
    "over the smaller": ([rule("R", {**IN, "message_size_over": "9MB"}, ENCRYPT)], {"when": {**IN, "message_size_over": "5MB"}}),
    "forged senders": (
        [rule("R", {"from_scope": "NotInOrganization"}, {"delete_message": True}), rule("S", IN, ENCRYPT)],
        {"when": {}, "then": "not_in_clear"},
    ),
    "protected on arrival": ([rule("R", {}, {"remove_ome_v2": True})], {"when": OUTGOING, "then": "unencrypted", "unless": {}}),
    "protected twice": ([ALL], {"when": OUTGOING, "template": "Encrypt"}),
    "split before any_of": (
        [
            rule("R", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"}),
            rule("S", {**IN, "any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT),
        ],
        {"when": {**IN, "any_of_recipient_address_contains_words": ["fabrikam"]}},
    ),
    "split before a field": (
        [
            rule("R", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"}),
            rule("S", {**IN, "any_of_to_header": ["ann@fabrikam.com"]}, ENCRYPT),
        ],
        {"when": {**IN, "any_of_to_header": ["ann@fabrikam.com"]}},
    ),
    "stopped before": ([rule("R", {**IN, **subject("public")}, STOP), ALL], {}),
    "released": ([rule("R", {**IN, **subject("bad")}, {"quarantine": True}), ALL], {"then": "not_in_clear"}),
    "decrypted": ([ALL, rule("R", {**IN, **subject("open")}, {"remove_ome_v2": True})], {}),
    "header set": ([rule("R", {**IN, **subject("x")}, SET), rule("S", {**IN, **HEADER}, STOP), ALL], {"unless": HEADER}),
    "prefixed": ([rule("R", IN, {"prepend_subject": "public: "}), rule("S", {**IN, **subject("public")}, STOP), ALL], {"unless": subject("public")}),
}


@pytest.mark.parametrize(
    ("mutant", "noticed_by"),
    [
        (words_hold_each_other, "another word"),
        (parents_are_in_their_children, "the parent domain"),
        (everybody_is_named, "somebody else"),
        (small_is_large, "over the smaller"),
        (scopes_are_opposites, "forged senders"),
        (all_mail_arrives_in_clear, "protected twice"),
        (copies_are_never_split, "split before any_of"),
        (nobody_leaves_a_field, "split before a field"),
        (stop_is_ignored, "stopped before"),
        (releases_are_forgotten, "released"),
        (removal_is_ignored, "decrypted"),
        (headers_stay, "header set"),
        (prefixes_are_ignored, "prefixed"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_noticed(mutant: Callable[[Patch], None], noticed_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, claim = CLAIMS[noticed_by]
    assert verdict(rules, **claim)["verdict"] in ("refuted", "unknown")
    mutant(monkeypatch.setattr)
    assert verdict(rules, **claim)["verdict"] == "proved"


def no_edit_steers(patch: Patch) -> None:
    """Later rules would be reached alike, whatever an edited rule stops."""
    patch(edits, "_steers", lambda rule, protection: False)


def nothing_shows(patch: Patch) -> None:
    """Rules that end the way of mail would be no edits."""
    patch(edits, "shows", lambda rule, watched: bool(rule.does(Does.ENCRYPT)))


def copies_are_no_matter(patch: Patch) -> None:
    """A rule that splits copies would be no edit, though another one looks at who shares them."""
    patch(edits, "shows", lambda rule, watched: chain.shows(rule, watched=False))


SPLITS = rule("Splits", {"recipient_domain_is": ["fabrikam.com"]}, {"set_audit_severity": "Low"})
WIDE = rule("Wide", {"from_scope": "InOrganization", "any_of_recipient_address_contains_words": ["fabrikam"]}, ENCRYPT)
AWAY = rule("Away", {**IN, **subject("public")}, STOP)


@pytest.mark.parametrize(
    ("mutant", "before", "after"),
    [
        (no_edit_steers, [ALL], [AWAY, ALL]),
        (nothing_shows, [ALL], [AWAY, ALL]),
        (copies_are_no_matter, [WIDE], [SPLITS, WIDE]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_missed_difference_is_noticed(mutant: Callable[[Patch], None], before: list[Values], after: list[Values], monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row["kind"] for row in difference(before, after, TENANT, NOW).rows] == ["protection_lost"]
    mutant(monkeypatch.setattr)
    assert difference(before, after, TENANT, NOW).rows == []
