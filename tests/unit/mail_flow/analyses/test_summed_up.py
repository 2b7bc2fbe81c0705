# SPDX-License-Identifier: GPL-3.0-or-later
"""A page about a change has few sentences: what one edit does in one way to many kinds of mail is summed up, and counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    Cause,
    MayBecome,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import (
    OpenReason,
    ids_in_words,
    open_words,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.result_rows import (
    DifferenceRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import may_become
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.summary import (
    THAT_IS_UNUSUAL,
    changed_kinds,
    difference_lines,
    is_about_unusual_mail,
    page_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sums import (
    MOST_ALONE,
    summaries,
)

from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, OUTGOING, STOP, compared, rule

Values = dict[str, Any]

PRINTERS = rule("Printers", {**IN, "subject_contains_words": ["scan"]}, STOP)
REJECT = {"reject_message_reason_text": "no"}
BOSS = "boss@contoso.com"


def _named(number: int) -> Values:
    return {**OUTGOING, "recipient_domain_is": [f"p{number}.example"]}


def _behind(encrypting: int, reporting: int) -> list[Values]:
    """One rule that rejects mail, and so many that encrypt it or report it."""
    encrypt = [rule(f"Encrypt {number}", _named(number), ENCRYPT) for number in range(encrypting)]
    report = [
        rule(f"Report {number}", _named(number), {"generate_incident_report": f"r{number}@contoso.com"})
        for number in range(reporting)
    ]
    return [rule("Reject", {**OUTGOING, "recipient_domain_is": ["rival.example"]}, REJECT), *encrypt, *report]


def _branded(number: int) -> Values:
    return {"apply_rights_protection_customization_template": f"B{number}"}


def _changes(before: list[Values], after: list[Values]) -> list[DifferenceRow]:
    return list(map(DifferenceRow.from_row, compared(before, after).rows))


def test_a_few_kinds_of_mail_are_told_one_by_one() -> None:
    behind = _behind(3, 0)
    rows = _changes([PRINTERS, *behind], behind)
    assert 3 < len(rows) <= MOST_ALONE
    assert not any(row.summary for row in rows)
    assert [shown for shown, _kinds in page_rows(rows)] == rows


def test_many_kinds_of_mail_are_summed_up_and_counted_the_least_important_first() -> None:
    behind = _behind(3, 9)
    rows = _changes([PRINTERS, *behind], behind)
    page = page_rows(rows)
    assert len(rows) > MOST_ALONE >= len(page)
    assert sum(kinds for _row, kinds in page) == len(rows)
    by_kind = {kind: [row for row in rows if row.kind is kind] for kind in dict.fromkeys(row.kind for row in rows)}
    assert len({row.summary for row in by_kind[DifferenceKind.SIDE_EFFECT_CHANGED]}) == 1
    assert not any(
        row.summary
        for kind in (DifferenceKind.DELIVERY_LOST, DifferenceKind.PROTECTION_GAINED)
        for row in by_kind[kind]
    )
    assert len({row.text for row in by_kind[DifferenceKind.SIDE_EFFECT_CHANGED]}) == 9


def test_a_summary_says_what_all_of_its_mail_is_and_which_rules_then_apply() -> None:
    behind = _behind(3, 9)
    (summary,) = {row.summary for row in _changes([PRINTERS, *behind], behind) if row.summary}
    assert summary.startswith("Some mail from inside to people outside with 'scan' in its subject is now reported to ")
    assert summary.endswith(
        " (9 kinds): the removed rule 'Printers' applied to it; 'Report 0', 'Report 1', 'Report 2', 'Report 3' and 5 others"
        " now apply to some of it."
    )


def test_rows_that_say_the_same_are_one_line() -> None:
    """Mail that was rejected changes in another way than mail that was delivered, but not in other words."""
    rows = [
        DifferenceRow(kind=kind, text="Mail from inside now waits for approval.", when=dict(IN))
        for kind in (DifferenceKind.DELIVERY_LOST, DifferenceKind.FATE_CHANGED)
    ]
    assert [kinds for _row, kinds in page_rows(rows)] == [len(rows)]


def test_effects_that_begin_alike_are_said_with_one_beginning() -> None:
    behind = [rule(f"Brand {number}", _named(number), _branded(number)) for number in range(7)]
    rows = _changes([ALL, PRINTERS, *behind], [ALL, *behind])
    (summary,) = {row.summary for row in rows if row.kind is DifferenceKind.BRANDING_CHANGED}
    assert summary is not None
    names = ", ".join(f"'B{number}'" for number in range(6))
    assert f" now shows the branding {names} or 'B6' (7 kinds): " in summary


def test_lines_that_have_no_room_are_counted_by_the_kinds_that_they_sum_up() -> None:
    behind = _behind(3, 9)
    rows = _changes([PRINTERS, *behind], behind)
    most = next(place for place, (_row, kinds) in enumerate(page_rows(rows)) if kinds > 1)
    lines = difference_lines(rows, 0, most=most)
    left = sum(kinds for _row, kinds in page_rows(rows)[most:])
    assert lines[-1].startswith(f"{left} more kinds of mail")


def test_kinds_of_mail_for_which_one_edit_may_matter_are_summed_up_with_what_is_unknown() -> None:
    behind = [
        rule(
            f"Report {number}",
            {**_named(number), "subject_contains_words": ["a-b"]},
            {"generate_incident_report": BOSS},
        )
        for number in range(14)
    ]
    rows = _changes(behind, [rule("Refuse", {**OUTGOING, "from_member_of": ["g@contoso.com"]}, REJECT), *behind])
    open_rows = [row for row in rows if row.is_open and row.summary]
    (summary,) = {row.summary for row in open_rows}
    assert summary is not None
    assert summary.startswith(
        "Mail from inside sent by members of g@contoso.com to people outside with 'a-b' in its subject may no longer be "
        "reported to "
    )
    assert f"(U10; {len(open_rows)} kinds)" in summary
    (page_row,) = [row for row, kinds in page_rows(rows) if row.text == summary]
    assert {reason.id for reason in page_row.unknown or ()} == {"U10"}


def _open(number: int, **more: Any) -> MayBecome:
    """Mail with a word of its own, which may be treated differently for a reason of its own."""
    about = RuleSet([rule("R", {**OUTGOING, "subject_contains_words": [f"w{number}"]}, ENCRYPT)]).rules
    return MayBecome(
        about=tuple(about),
        unknown=(Reason(list(questions.BY_ID)[number], "relation"),),
        becomes=(),
        cause=Cause(None, (False, False)),
        **more,
    )


def test_what_is_open_in_many_ways_is_one_sentence() -> None:
    findings = [*(_open(number, rules=("One",)) for number in range(1, 7)), _open(7, rules=("Other",), person=BOSS)]
    assert set(summaries(findings).values()) == {
        "Mail from inside to people outside may be treated differently, also for boss@contoso.com (U01, U02, U03, U04, U05, U06,"
        " U07; 7 kinds): changes of 'One' and 'Other' may be the cause."
    }
    assert list(summaries(findings)) == list(range(7))
    assert set(summaries([*findings[:-1], _open(7)]).values()) == {
        "Mail from inside to people outside may be treated differently (U01, U02, U03, U04, U05, U06, U07; 7 kinds): rules or"
        " settings changed."
    }
    assert summaries(findings[:6]) == {}


def test_reasons_whose_ids_stand_side_by_side_are_told_apart() -> None:
    """Words for what has no number are no mail of the number before them."""
    by_mail = Reason("U31", "too_large")
    without = Reason("not_found", "not_found")
    plain = Reason("U05", "relation")
    assert open_words([plain, without]) == "U05, neither a proof nor an example was found"
    assert ids_in_words([plain, without]) == ("not_found",)
    assert ids_in_words([by_mail, without]) == ("U31", "not_found")
    assert ids_in_words([by_mail, Reason("U31", "size")]) == ()


def test_the_first_sentences_say_once_for_whom_mail_changes() -> None:
    copying = rule("Keep", OUTGOING, {"blind_copy_to": ["archive@contoso.com"]})
    reporting = rule("Report", OUTGOING, {"generate_incident_report": BOSS})
    rows = _changes([rule("All", OUTGOING, ENCRYPT), copying, reporting], [])
    assert changed_kinds(rows) == (
        "What changes: some mail to people outside is no longer encrypted and now has other reports. In addition, some copies"
        " for archive@contoso.com are no longer delivered."
    )


def test_the_first_sentences_leave_unusual_mail_to_its_own_line() -> None:
    copying = rule("Keep", OUTGOING, {"blind_copy_to": ["archive@contoso.com"]})
    rows = _changes(
        [rule("All", OUTGOING, ENCRYPT), copying, rule("Report", OUTGOING, {"generate_incident_report": BOSS})], []
    )
    unusual = DifferenceRow(
        kind=DifferenceKind.UNKNOWN,
        text=f"Mail {THAT_IS_UNUSUAL} may be treated differently (U31, mail over 17.8 MB).",
        when={},
    )
    assert is_about_unusual_mail(unusual)
    lines = difference_lines([*rows, unusual], 0)
    assert lines[0] == changed_kinds(rows)
    assert unusual.text in lines


def test_a_line_does_not_say_twice_what_is_unknown() -> None:
    row = DifferenceRow(
        kind=DifferenceKind.UNKNOWN,
        text="Mail may be treated differently (U31, mail over 17.8 MB; U05, U07).",
        when={},
        unknown=(OpenReason("U31", "how large"), OpenReason("U05", "for whom"), OpenReason("U07", "which header")),
        in_words=("U31",),
    )
    (line,) = difference_lines([row], 0)
    assert line == f"{row.text} Unknown: for whom (U05); which header (U07)."


def test_mail_that_may_get_through_or_end_elsewhere() -> None:
    kinds = (DifferenceKind.DELIVERY_GAINED, DifferenceKind.FATE_CHANGED)
    assert may_become(kinds) == "may now be delivered, or handled differently"
    assert may_become(kinds, BOSS) == f"may be treated differently for {BOSS}"
    assert may_become(kinds[:1], BOSS) == f"may now reach {BOSS}"
    assert (
        may_become((DifferenceKind.PROTECTION_LOST, DifferenceKind.PROTECTION_GAINED)) == "may be treated differently"
    )


def test_the_first_sentences_say_what_ends_mail_and_count_what_may_change() -> None:
    hold = rule("Hold", OUTGOING, {"moderate_message_by_user": ["boss@contoso.com"]})
    rows = _changes([], [rule("All", IN, ENCRYPT), hold])
    kinds = [row.kind for row in rows]
    assert DifferenceKind.DELIVERY_LOST in kinds
    said = changed_kinds([row for row in rows if row.kind is DifferenceKind.DELIVERY_LOST])
    assert said == "What changes: some mail to people outside now waits for approval."
    unknown = DifferenceRow(kind=DifferenceKind.UNKNOWN, text="Mail may be treated differently.", when={})
    held = [row for row in rows if row.kind is DifferenceKind.DELIVERY_LOST]
    assert changed_kinds([*held, *(replace(row, kind=DifferenceKind.FATE_CHANGED) for row in held)]) == said
    assert changed_kinds([*held, unknown]) == f"{said} 1 kind of mail may be treated differently."
    assert changed_kinds([unknown, unknown]) == "What changes: 2 kinds of mail may be treated differently."
