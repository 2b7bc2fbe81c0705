# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules do to the copies of a trace: a replay decides what the simulator decides of what a row shows."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions.brought_people import (
    ADDING,
    MANAGER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import (
    Message,
    Protection,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.replay import Replay, Tallies
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import (
    recipient_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay import (
    replay_lines,
    replay_row,
)

from tests.rounds import seeds
from tests.unit.mail_flow.dlp_worlds import CHAINS, encrypts, policies_of, policy
from tests.unit.mail_flow.tracing import message_shown_by, rows_of, traced

Values = dict[str, Any]

KNOWN: Values = {
    "accepted_domains": [{"name": "contoso.com", "type": "Authoritative"}],
    **{name: [] for name in ("remote_domains", "mail_users", "inbound_connectors", "labels", "auto_label_policies")},
}
SENT: Values = {"from": "megan@contoso.com", "authenticated": True, "date": "2026-11-18T14:00:00Z"}
HEALTH: Values = {"access_scope": "NotInOrganization", "recipient_domain_is": ["fabrikam.com"]}
SECRET: Values = {"subject_contains_words": ["secret"]}


def _sent(*to: str, **keys: Any) -> Message:
    return message_of({**SENT, "to": list(to), **keys}, "", "m")


def _replayed(policies: list[Values], *to: str, rules: tuple[Values, ...] = (), **known: Any) -> Tallies:
    facts = facts_of({**KNOWN, "dlp_policies": policies, **known})
    return Replay(RuleSet(rules), facts, examples=9).run(traced([_sent(*to)], facts))


def _outcomes(found: Tallies) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Recipient to fate, protection, and the DLP rules that protect."""
    return {
        example.recipient: (str(fate), protection, by_dlp)
        for (fate, protection, _by, by_dlp), tally in found.outcomes.items()
        for example in tally.examples
    }


def _reasons(found: Tallies) -> list[tuple[str, str]]:
    return [(why.kind, why.id) for why in found.undecided]


def test_each_copy_is_decided_by_what_its_row_shows() -> None:
    found = _replayed([encrypts(HEALTH)], "ann@fabrikam.com", "joe@adatum.com", "megan@contoso.com")
    assert not found.undecided
    assert _outcomes(found) == {
        "ann@fabrikam.com": ("delivered", "encrypt", ("P",)),
        "joe@adatum.com": ("delivered", "none", ()),
        "megan@contoso.com": ("delivered", "none", ()),
    }


def test_a_copy_that_a_dlp_rule_alone_protects_is_not_protected_by_rules() -> None:
    replay = replay_row(
        _replayed([encrypts(HEALTH)], "ann@fabrikam.com", "joe@adatum.com"),
        None,
        compared=False,
        guaranteed=False,
        domains=10,
        rules=[],
    )
    found = replay.as_row()
    (day,) = found["days"]
    assert (day["protected"], day["not_by_rules"], day["undecided"]) == (0, 2, 0)
    assert [row.get("protected_by_dlp") for row in found["outcome"] if row["protection"] == "encrypt"] == [["P"]]
    assert "not by rules: 2 (1 of them by DLP rules)." in replay_lines(replay)[1]


def test_a_copy_that_a_dlp_rule_ends_is_what_rules_make_of_it_without_the_dlp_rule() -> None:
    encrypting = {"name": "E", "actions": {"apply_rights_protection_template": "Encrypt"}}
    for ends in ({"quarantine": True}, {"moderate_message_by_user": ["boss@contoso.com"]}, {"block_access": True}):
        found = _replayed([policy(HEALTH, **ends)], "ann@fabrikam.com", rules=(encrypting,))
        assert [fate for fate, _protection, _by_dlp in _outcomes(found).values()] != ["delivered"], ends
        assert (found.encrypted, found.perhaps_encrypted) == (1, 1), ends


@pytest.mark.parametrize(
    ("conditions", "rules", "reasons"),
    [
        ({**HEALTH, **SECRET}, (), []),
        ({**HEALTH, "subject_contains_words": ["offer"]}, (), [("dlp", "U33")]),
        ({**HEALTH, **SECRET}, ({"name": "S", "actions": {"prepend_subject": "secret "}},), [("dlp", "U33")]),
        ({**HEALTH, "from_member_of": ["board@contoso.com"]}, (), [("membership", "")]),
    ],
)
def test_why_it_is_open_what_a_dlp_rule_does(
    conditions: Values, rules: tuple[Values, ...], reasons: list[tuple[str, str]]
) -> None:
    facts = facts_of({**KNOWN, "dlp_policies": [encrypts(conditions)]})
    message = _sent("ann@fabrikam.com", subject="Offer")
    assert _reasons(Replay(RuleSet(rules), facts).run(traced([message], facts))) == reasons


def test_a_rule_that_changes_what_a_dlp_rule_looks_at_may_make_a_difference() -> None:
    facts = facts_of({**KNOWN, "dlp_policies": [encrypts({**HEALTH, **SECRET})]})
    after = RuleSet([{"name": "S", "actions": {"prepend_subject": "secret "}}])
    found = Replay(after, facts, RuleSet([])).run(traced([_sent("ann@fabrikam.com", subject="Offer")], facts))
    assert {str(kind): tally.because for kind, tally in found.difference.items()}["unknown"] == {"dlp"}


def test_copies_that_rules_make_meet_dlp_rules_of_their_own() -> None:
    facts = facts_of({**KNOWN, "dlp_policies": [encrypts(HEALTH)]})
    bringing = {"name": "B", "actions": {"blind_copy_to": ["ann@fabrikam.com"]}}
    found = Replay(RuleSet([bringing]), facts, RuleSet([])).run(traced([_sent("joe@adatum.com")], facts))
    assert not found.undecided
    (kind,) = found.difference
    assert found.difference[kind].certain == {"fabrikam.com": 1}


def test_whether_a_dlp_rule_or_the_sender_sent_somebody_a_copy_no_row_shows() -> None:
    found = _replayed([policy(HEALTH, "C", copy_to=["audit@adatum.com"])], "ann@fabrikam.com", "audit@adatum.com")
    assert _outcomes(found) == {"ann@fabrikam.com": ("delivered", "none", ())}
    assert _reasons(found) == [("semantics", "U09")]


@pytest.mark.parametrize("seed", seeds(8))
def test_a_replay_decides_what_the_simulator_decides_of_what_a_row_shows(seed: int) -> None:
    decided = 0
    for round_ in range(25):
        source = random.Random(f"{seed} {round_} dlp")
        policies = policies_of(source)
        facts = facts_of({**KNOWN, "dlp_policies": policies})
        # Whether a DLP rule sends them a copy, or the sender, no row shows.
        acting = [rule["actions"] for each in policies if each["mode"] == "Enable" for rule in each["rules"]]
        sent = {who for actions in acting for name in ADDING for who in actions.get(name, ())}
        # Nobody knows the managers, who are inside.
        sent |= {"megan@contoso.com"} if any(MANAGER in actions for actions in acting) else set()
        rules = RuleSet(source.choice(CHAINS))
        sender = source.choice(("megan@contoso.com", "eve@adatum.com"))
        to = source.sample(("ann@fabrikam.com", "joe@adatum.com", "megan@contoso.com"), source.randint(1, 3))
        subject = source.choice(("secret", "Offer"))
        message = _sent(
            *to,
            **{"from": sender, "authenticated": sender.endswith("contoso.com"), "subject": subject},
            protection={"kind": "none"},
            disclaimer_insertable=True,
        )
        found = _outcomes(Replay(rules, facts, examples=9).run(traced([message], facts)))
        full = Simulator(rules, facts).run(message)["recipients"]
        for row in rows_of(message, facts):
            shown = replace(
                message_shown_by(row, message),
                protection=Protection(),
                types=frozenset(),
                date=message.date,
            )
            known = Simulator(rules, facts).run(shown)["recipients"][recipient_of(row.recipient, facts).label]
            about = (seed, round_, row.recipient)
            outcome = found.get(row.recipient)
            if row.recipient in sent:
                assert outcome is None, about
                continue
            if outcome is None:
                assert "unknown" in (known["fate"], known.get("protection")), (about, known)
                continue
            decided += 1
            for result in (known, full[row.recipient]):
                fate, protection, by_dlp = (
                    result["fate"],
                    result.get("protection", ""),
                    result.get("protected_by_dlp", ()),
                )
                assert outcome == (fate, protection, tuple(by_dlp)), (about, result)
    assert decided


@pytest.mark.parametrize(
    ("automatic", "encryption", "reasons"),
    [([], "do_not_forward", [("label", "")]), ([], "none", []), (None, "do_not_forward", [("label", "")])],
)
def test_a_label_that_changes_mail_is_the_reason_why_a_copy_is_open(
    automatic: list[Values] | None, encryption: str, reasons: list[tuple[str, str]]
) -> None:
    labels = [{"name": "Secret", "encryption": encryption}]
    found = _replayed([], "ann@fabrikam.com", labels=labels, auto_label_policies=automatic)
    assert _reasons(found) == reasons
