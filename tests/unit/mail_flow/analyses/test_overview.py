# SPDX-License-Identifier: GPL-3.0-or-later
"""Who outside can read what in clear: each cell is what a guarantee about its mail says, and its message shows it."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview import (
    Cell,
    CellVerdict,
    overview,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.overview_kinds import (
    EVERYBODY_ELSE,
    MailKind,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import bounded
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import IN_TRANSIT
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.questions import (
    BY_ID,
    numbers_told,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import NOT_FOUND
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    compile_added_copies,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.message_search import (
    MessageSearch,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.overview import (
    KINDS_OF_MAIL,
    CellRow,
    overview_rows,
    reach_lines,
    undocumented,
    undocumented_line,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import (
    OpenReason,
    open_reason,
)

from tests.rounds import rounds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.dlp_worlds import SENSITIVE, decrypts, encrypts
from tests.unit.mail_flow.dlp_worlds import policy as dlp_policy
from tests.unit.mail_flow.transit_vectors import BANK, TLS, WIDE, rule

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mail_users": [], "outbound_connectors": []}
OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT = rule("Encrypt", {"apply_rights_protection_template": "Encrypt"}, conditions=OUTGOING)
SECRET = rule(
    "Secret",
    {"apply_rights_protection_template": "Encrypt"},
    conditions={**OUTGOING, "subject_contains_words": ["secret"]},
)
PARTNER = rule(
    "Partner", {"stop_rule_processing": True}, conditions={**OUTGOING, "recipient_domain_is": ["partner.example"]}
)


def cells(rules: list[Values], **facts: Any) -> dict[tuple[str, str], Cell]:
    return {(cell.destination, cell.kind): cell for cell in overview(RuleSet(rules), {**FACTS, **facts}, NOW)}


@pytest.mark.parametrize("domain", ["@fabrikam.com", "ann@fabrikam.com", "fab rikam.com", "*.fabrikam.com"])
def test_what_is_no_domain_is_no_destination(domain: str) -> None:
    """Exchange takes it, and it matches no mail."""
    odd = rule("Odd", {"prepend_subject": "x"}, conditions={"recipient_domain_is": [domain, "bank.example"]})
    assert {destination for destination, _kind in cells([odd])} == {destination for destination, _kind in cells([])} | {
        "bank.example"
    }


def column(rules: list[Values], kind: str = "from_inside", **facts: Any) -> Values:
    return {destination: cell.protected for (destination, each), cell in cells(rules, **facts).items() if each == kind}


@pytest.mark.parametrize(
    ("rules", "connectors", "found"),
    [
        ([], [], {EVERYBODY_ELSE: "never"}),
        ([ENCRYPT], [], {EVERYBODY_ELSE: "always"}),
        ([SECRET], [], {EVERYBODY_ELSE: "depends"}),
        ([PARTNER, ENCRYPT], [], {"partner.example": "never", EVERYBODY_ELSE: "always"}),
        ([], [WIDE], {"bank.example": "always", EVERYBODY_ELSE: "never"}),
        ([], [BANK], {"bank.example": "depends", EVERYBODY_ELSE: "never"}),
        ([TLS], [BANK], {"bank.example": "always", EVERYBODY_ELSE: "always"}),
        ([{**PARTNER, "enabled": False}], [], {EVERYBODY_ELSE: "never"}),
    ],
)
def test_all_usual_mail_from_inside(rules: list[Values], connectors: list[Values], found: Values) -> None:
    assert column(rules, outbound_connectors=connectors) == found


def test_kinds_of_which_nobody_knows_say_why() -> None:
    found = cells([ENCRYPT])
    numbers = {
        kind: {reason.id for reason in cell.unknown}
        for (_name, kind), cell in found.items()
        if cell.protected == "unknown"
    }
    assert numbers == {"automatic_reply": {"U29"}, "forwarded": {"U26"}, "over_25_mb": {"U31"}}
    larger = rule("Larger", {"reject_message_reason_text": "No."}, conditions={**OUTGOING, "message_size_over": "20MB"})
    (cell,) = [cell for cell in cells([larger, ENCRYPT]).values() if cell.kind == "over_25_mb"]
    assert {reason.id for reason in cell.unknown} == {"U31"}
    closed = cells([ENCRYPT], irm_configuration={"enable_pdf_encryption": False})
    assert closed[EVERYBODY_ELSE, "with_attachment"].protected == "unknown"
    assert {reason.id for reason in closed[EVERYBODY_ELSE, "with_attachment"].unknown} == {"U25"}
    assert set(column([TLS], "automatic_reply").values()) == {"always"}


def test_a_plain_message_comes_from_an_address_that_no_rule_looks_for() -> None:
    printers = rule("Printers", {"stop_rule_processing": True}, conditions={"sender_ip_ranges": ["192.0.2.0/24"]})
    found = cells([printers, ENCRYPT])[EVERYBODY_ELSE, "from_inside"]
    assert (found.protected, found.on) == ("depends", ("Printers", "Encrypt"))


def test_connectors_that_are_not_known_leave_it_open() -> None:
    known = {key: value for key, value in FACTS.items() if key != "outbound_connectors"}
    assert {cell.protected for cell in overview(RuleSet([]), known, NOW)} == {"unknown"}
    assert {cell.protected for cell in overview(RuleSet([ENCRYPT]), known, NOW) if cell.kind == "from_inside"} == {
        "always"
    }


def test_it_names_the_rules_on_which_it_depends() -> None:
    assert cells([PARTNER, SECRET])[EVERYBODY_ELSE, "from_inside"].on == ("Secret",)
    assert cells([SECRET, PARTNER])["partner.example", "from_inside"].on == ("Secret",)


INSIDE = {"from_scope": "InOrganization"}


def adding(name: str, actions: Values, **conditions: Any) -> Values:
    return rule(name, actions, conditions={**INSIDE, **conditions})


def test_a_copy_that_rules_make_counts_where_it_goes() -> None:
    """The guarantee about the same mail is refuted by the same copy."""
    copied = adding("Copy", {"blind_copy_to": ["spy@other.example"]}, sent_to=["b@contoso.com"])
    cell = cells([ENCRYPT, copied])["other.example", "from_inside"]
    assert (cell.protected, cell.on) == ("depends", ("Encrypt", "Copy"))
    assert cell.witness["message"]["to"] == ["b@contoso.com"]
    assert (cell.witness["recipient"], cell.witness["outcome"]["protection"]) == ("spy@other.example", "none")
    assert column([ENCRYPT, copied])[EVERYBODY_ELSE] == "always"
    (judged,) = prove([ENCRYPT, copied], FACTS, [{"name": "It", "when": {**INSIDE}, "then": IN_TRANSIT}], NOW)
    assert judged["verdict"] == "refuted"


def test_mail_that_a_rule_redirects_counts_where_it_goes() -> None:
    away = adding("Away", {"redirect_message_to": ["spy@other.example"]}, recipient_domain_is=["bank.example"])
    but = rule(
        "But",
        {"apply_rights_protection_template": "Encrypt"},
        conditions={**OUTGOING, "sent_to": ["spy@other.example"]},
    )
    assert column([away]) == {"bank.example": "always", "other.example": "never", EVERYBODY_ELSE: "never"}
    assert column([but, away])["other.example"] == "depends"
    assert column([{**away, "enabled": False}]) == {EVERYBODY_ELSE: "never"}


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ({"moderate_message_by_user": ["spy@other.example"]}, "shown_for_approval"),
        (
            {"generate_incident_report": "spy@other.example", "incident_report_content": ["AttachOriginalMail"]},
            "shown_in_report",
        ),
    ],
)
def test_mail_that_rules_show_somebody_outside_leaves_it_open(actions: Values, kind: str) -> None:
    shown = adding("Shown", actions, sent_to_scope="InOrganization")
    cell = cells([ENCRYPT, shown])["other.example", "from_inside"]
    assert (cell.protected, [reason.kind for reason in cell.unknown]) == ("unknown", [kind])
    assert cell.witness["recipient"].endswith("@contoso.com")
    assert column([ENCRYPT, shown])[EVERYBODY_ELSE] == "always"


def test_more_copies_than_are_followed_leave_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_added_copies, "_STEPS", 0)
    found = cells([ENCRYPT, adding("Copy", {"blind_copy_to": ["spy@other.example"]})])
    cell = found[EVERYBODY_ELSE, "from_inside"]
    assert (cell.protected, [reason.kind for reason in cell.unknown]) == ("unknown", ["too_many_copies"])


def test_every_cell_is_what_a_guarantee_says_and_its_message_shows_it() -> None:
    source, seen = random.Random(11), set()
    for _round in range(rounds(12)):
        tenant, rules = generators.organization(source), generators.rules(source)
        tenant["outbound_connectors"] = [
            generators.connector(source, name) for name in generators.CONNECTORS if source.random() < 0.7
        ]
        for cell in overview(RuleSet(rules), tenant, NOW):
            seen.add(cell.protected)
            facts = facts_of({**tenant, **cell.witness.get("facts", {})})
            message = message_of(
                {key: value for key, value in cell.witness["message"].items() if key != "name"} | {"date": NOW},
                "",
                "again",
            )
            assert (
                Simulator(rules, facts).run(message)["recipients"].get(cell.witness["recipient"], {})
                == cell.witness["outcome"]
            )
            if cell.kind == "from_inside" and cell.destination != EVERYBODY_ELSE:
                when = {"from_scope": "InOrganization", "recipient_domain_is": [cell.destination]}
                (judged,) = prove(rules, tenant, [{"name": "It", "when": when, "then": IN_TRANSIT}], NOW)
                assert (judged["verdict"] == "refuted") >= (cell.protected in ("never", "depends"))
                assert (
                    cell.protected != "always"
                    or judged["verdict"] != "refuted"
                    or judged["counterexample"]["message"].get("protection")
                )
    assert {"always", "never", "depends"} <= seen


def test_the_terminal_has_ten_lines_at_most() -> None:
    many = [
        rule(f"R{number}", {"stop_rule_processing": True}, conditions={"recipient_domain_is": [f"p{number}.example"]})
        for number in range(20)
    ]
    rows = overview_rows(overview(RuleSet([*many, SECRET]), {**FACTS, "outbound_connectors": [WIDE]}, NOW))
    lines = list(reach_lines(rows))
    assert len(rows) == 22 * len(KINDS_OF_MAIL)
    assert 1 < len(lines) <= 10
    said = (
        "  Mail from inside and mail with an attachment: always protected by rules or forced TLS to bank.example;"
        " never protected by rules or forced TLS to p0.example, p1.example, p10.example and 17 others"
    )
    assert lines[1].startswith(said)
    assert list(reach_lines([])) == []
    assert (
        list(reach_lines(_cells(("forwarded", "everybody else", "unknown", "U00"))))[1]
        == "  Forwarded mail: unknown (U00)."
    )


def test_what_was_not_found_has_words_and_no_number() -> None:
    assert NOT_FOUND.id not in BY_ID
    row = CellRow(MailKind.FORWARDED, "everybody else", CellVerdict.UNKNOWN, unknown=(open_reason(NOT_FOUND),))
    lines = list(reach_lines([row]))
    assert lines[1] == "  Forwarded mail: unknown (neither a proof nor an example was found)."
    assert numbers_told(lines) == []


def test_what_takes_more_than_the_budget_is_unknown() -> None:
    assert {cell.protected for cell in overview(RuleSet([SECRET]), FACTS, NOW, budget=0)} <= {"unknown"}
    many = [
        rule(f"R{number}", {"stop_rule_processing": True}, conditions={"recipient_domain_is": [f"p{number}.example"]})
        for number in range(60)
    ]
    with bounded(steps=40_000):
        found = overview(RuleSet(many), FACTS, NOW)
    assert len(found) == 61 * len(KINDS_OF_MAIL)
    left = [cell for cell in found if {reason.id for reason in cell.unknown} == {"budget"}]
    assert 0 < len(left) < len(found)
    assert {cell.protected for cell in left} == {"unknown"}
    assert all(cell.unknown for cell in found if cell.protected == "unknown")


def all_is_possible(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MessageSearch, "search", lambda self, literals, side, budget: (True, None))


def nothing_else_is_possible(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MessageSearch, "search", lambda self, literals, side, budget: (False, None))


@pytest.mark.parametrize("mutant", [all_is_possible, nothing_else_is_possible])
def test_a_wrong_answer_of_the_prover_is_found(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = [column(rules) for rules in ([ENCRYPT], [SECRET])]
    mutant(monkeypatch)
    assert [column(rules) for rules in ([ENCRYPT], [SECRET])] != right


def _cells(*cells: tuple[str, str, str, str]) -> list[CellRow]:
    return [
        CellRow(
            MailKind(kind), destination, CellVerdict(protected), unknown=(OpenReason(number, "…"),) if number else ()
        )
        for kind, destination, protected, number in cells
    ]


def test_what_is_not_documented_is_one_line_that_says_which_message_would_tell() -> None:
    rows = _cells(
        ("from_inside", "bank.example", "always", ""),
        ("from_inside", "everybody else", "depends", ""),
        ("automatic_reply", "bank.example", "unknown", "U29"),
        ("automatic_reply", "everybody else", "unknown", "U29"),
        ("over_25_mb", "bank.example", "always", ""),
        ("over_25_mb", "everybody else", "unknown", "U31"),
    )
    assert undocumented(rows) == {"automatic_reply": "U29", "over_25_mb": "U31"}
    _head, *said, last = reach_lines(rows)
    assert [line.strip().split(":")[0] for line in said] == ["Mail from inside", "Mail over 17.8 MB"]
    assert last.strip() == (
        "Unknown: automatic replies (U29, not documented) and mail over 17.8 MB to everybody "
        "else (U31, not documented). What would tell: an automatic reply and a meeting request; a test message over 25 MB."
    )


def test_kinds_of_mail_that_are_protected_alike_share_a_line() -> None:
    nothing = [line.strip() for line in reach_lines(overview_rows(overview(RuleSet([]), FACTS, NOW)))]
    assert [line.partition(":")[2] for line in nothing] == ["", " never protected by rules or forced TLS."]
    rows = _cells(
        ("from_inside", "everybody else", "depends", ""),
        ("automatic_reply", "everybody else", "never", ""),
        ("over_25_mb", "everybody else", "depends", ""),
    )
    assert [line.strip().partition(":")[0] for line in reach_lines(rows)][1:] == [
        "Mail from inside and mail over 17.8 MB",
        "Automatic replies",
    ]


@pytest.mark.parametrize(("number", "other"), [("U00", "unknown"), ("U31", "depends"), ("U31", "never")])
def test_what_a_fact_would_tell_or_what_differs_keeps_its_line(number: str, other: str) -> None:
    rows = _cells(
        ("over_25_mb", "bank.example", other, number if other == "unknown" else ""),
        ("over_25_mb", "everybody else", "unknown", number),
    )
    assert undocumented(rows) == {}
    assert undocumented_line(rows) == ""
    (line,) = list(reach_lines(rows))[1:]
    assert line.startswith("  Mail over 17.8 MB: ")
    assert line.endswith(f"({number}).")


BY_CONTENT = {"from_scope": "InOrganization", "access_scope": "NotInOrganization", **SENSITIVE}


@pytest.mark.parametrize(
    ("rules", "dlp", "protected", "besides"),
    [
        ([], dlp_policy(BY_CONTENT, "Cards", block_access=True), "never", ()),
        ([], encrypts(BY_CONTENT, "Cards"), "never", ("Cards",)),
        ([ENCRYPT], encrypts(BY_CONTENT, "Cards"), "always", ()),
        ([ENCRYPT], dlp_policy(BY_CONTENT, "Cards", block_access=True), "always", ()),
        ([ENCRYPT], decrypts(BY_CONTENT, "Cards"), "always", ("Cards",)),
        ([ENCRYPT], decrypts(BY_CONTENT, "Cards", scope={"adaptive": ["Sales"]}), "always", ("Cards",)),
        ([ENCRYPT], decrypts({"access_scope": "InOrganization", **SENSITIVE}, "Cards"), "always", ()),
        ([SECRET], decrypts(BY_CONTENT, "Cards"), "depends", ("Cards",)),
        ([SECRET], dlp_policy(BY_CONTENT, "Cards", block_access=True), "depends", ("Cards",)),
    ],
)
def test_a_cell_is_said_besides_dlp_rules_of_which_it_is_open_when_they_act(
    rules: list[Values], dlp: Values, protected: str, besides: tuple[str, ...]
) -> None:
    facts = {**FACTS, "dlp_policies": [dlp]}
    cell = cells(rules, dlp_policies=[dlp])[EVERYBODY_ELSE, "from_inside"]
    assert (cell.protected, cell.besides_dlp, cell.unknown) == (protected, besides, ())
    message = {key: value for key, value in cell.witness["message"].items() if key != "name"} | {"date": NOW}
    (outcome,) = Simulator(rules, facts_of(facts)).run(message_of(message, "", "again"))["recipients"].values()
    assert outcome == cell.witness["outcome"]
    lines = list(reach_lines(overview_rows([cell])))
    assert any("'Cards'" in line for line in lines) is bool(besides)
