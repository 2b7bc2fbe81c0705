# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarantee that is unknown only because rules add people is proved once what protects the mail goes before these rules."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import prove
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggest import suggestions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    suggestion_rows,
)

from tests.unit.mail_flow.asking import ENCRYPT, NOW, OUTGOING, PARTNER, STOP, rule
from tests.unit.mail_flow.organizations.suggested import Edits, edits_of
from tests.unit.mail_flow.repair.repairing import repaired
from tests.unit.mail_flow.small_worlds import TENANT

Values = dict[str, Any]

COPIES = rule("Copies", {"from": ["megan@contoso.com"]}, {"blind_copy_to": ["joe@contoso.com"]})
MARKS = rule("Marks", {"subject_contains_words": ["m"]}, {"prepend_subject": "x"})
WANTED: Values = {"when": PARTNER, "then": "not_in_clear"}


def settled(*rules: Values, **guarantee: Any) -> list[Edits]:
    """The edits that are suggested for a guarantee that is unknown; each proves it."""
    read, asked = RuleSet(rules), guarantees_of([{"name": "G", **WANTED, **guarantee}])
    (judged,) = prove(read, TENANT, asked, NOW)
    assert judged.verdict is GuaranteeVerdict.UNKNOWN
    found = suggestions(read, TENANT, [judged], (), NOW)
    suggested = [suggestion for each in found for suggestion in each.suggestions]
    for suggestion in suggested:
        (after,) = prove(RuleSet(suggestion.rules), TENANT, asked, NOW)
        assert after.verdict is GuaranteeVerdict.PROVED
    return [edits_of(suggestion) for suggestion in suggested]


def test_the_rule_that_is_meant_goes_before_the_one_that_adds_people() -> None:
    assert settled(MARKS, COPIES, rule("Partner", PARTNER, ENCRYPT)) == [[("move", "Partner")]]


def test_a_rule_for_all_that_leaves_is_moved_before_one_is_added() -> None:
    edits = settled(COPIES, rule("All", OUTGOING, ENCRYPT))
    assert edits == [[("move", "All")], [("add", "Encrypt mail to partner.com")]]


def test_a_rule_for_mail_to_outside_is_for_all_where_people_inside_get_the_mail_too() -> None:
    """Somebody outside gets a copy of what is sent to somebody inside, too."""
    copies = rule("Copies", {"from": ["megan@contoso.com"]}, {"blind_copy_to": ["vault@archive.example"]})
    megan = {**OUTGOING, "from": ["megan@contoso.com"]}
    edits = settled(copies, rule("Megan", megan, ENCRYPT), when=megan)
    assert edits[0] == [("move", "Megan"), ("condition", "Megan")]


def test_where_no_rule_is_for_it_one_is_added() -> None:
    numbers = rule("Numbers", {**OUTGOING, "subject_contains_words": ["number"]}, ENCRYPT)
    partner = rule("Partner", {**PARTNER, "subject_contains_words": ["x"]}, ENCRYPT)
    others = rule("Others", PARTNER, ENCRYPT, exceptions={"subject_contains_words": ["x"]})
    edits = settled(COPIES, numbers, partner, others)
    assert edits[0] == [("add", "Encrypt mail to partner.com")]


def test_what_is_open_for_another_reason_too_is_not_searched_for() -> None:
    """Whether a rule in a test mode stops is not documented (U08)."""
    pilot = rule("Pilot", PARTNER, STOP, mode="Audit")
    assert settled(COPIES, pilot, rule("Partner", PARTNER, ENCRYPT)) == []


def test_it_is_said_what_the_edit_settles() -> None:
    found, _edits = repaired([COPIES, rule("Partner", PARTNER, ENCRYPT)], WANTED)
    row = suggestion_rows([found], [], str)[0]
    assert row.text == "Move the rule 'Partner' from priority 1 to 0 (before 'Copies')."
    assert "'Copies' sends the message to joe@contoso.com" in row.puts_right
    assert "(U09)" in row.puts_right


def test_what_held_still_holds() -> None:
    """The guarantee that mail to the partner about news stays in clear keeps the rule behind the one that exempts it."""
    news = {**PARTNER, "subject_contains_words": ["news"]}
    rules = [COPIES, rule("News", news, STOP), rule("Partner", PARTNER, ENCRYPT)]
    asked = guarantees_of(
        [
            {"name": "G", **WANTED, "unless": {"subject_contains_words": ["news"]}},
            {"name": "News", "when": news, "then": "unencrypted"},
        ]
    )
    read = RuleSet(rules)
    judged = prove(read, TENANT, asked, NOW)
    for each in suggestions(read, TENANT, judged, (), NOW):
        for suggestion in each.suggestions:
            verdicts = [after.verdict for after in prove(RuleSet(suggestion.rules), TENANT, asked, NOW)]
            assert GuaranteeVerdict.REFUTED not in verdicts


def test_where_every_edit_also_changes_other_mail_the_guarantee_leaves_out_who_is_added() -> None:
    """Only mail that is to the lawyer, too, is open."""
    lawyer = rule("Lawyer", {"sent_to": ["bob@contoso.com"]}, {"redirect_message_to": ["lawyer@firm.example"]})
    marked = {**OUTGOING, "subject_contains_words": ["sealed"]}
    wanted = {"when": marked, "then": "not_in_clear", "copies": "recipients_only"}
    found, edits = repaired([lawyer, rule("Marked", marked, ENCRYPT)], wanted)
    assert edits == []
    assert found.advice is not None
    assert (found.advice.kind, found.advice.rules) == ("added", ("Lawyer",))
    (row,) = suggestion_rows([found], [], str)
    assert row.unless == {"sent_to": ["lawyer@firm.example"]}
    assert row.text == (
        "Only mail that is also addressed to somebody whom the rule 'Lawyer' adds keeps this from a proof. Leave it out of the"
        ' guarantee, with unless: {"sent_to": ["lawyer@firm.example"]}. It holds then.'
    )
