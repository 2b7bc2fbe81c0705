# SPDX-License-Identifier: GPL-3.0-or-later
"""What a counterexample says of itself is true of the message that it shows: it breaks the guarantee, without the rule
that decides it does not, and it has nothing unusual that it does not need. Over random organizations.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.verifier import claims_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    guarantees_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import is_about

from tests.rounds import seeds
from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import ALL, ENCRYPT, IN, OUTGOING, STOP, rule, verdict
from tests.unit.mail_flow.small_worlds import NOW, TENANT
from tests.unit.mail_flow.unusual import drawn_guarantee, drawn_organization, drawn_rules, holds_in

Values = dict[str, Any]

#: The keys of a message that ordinary mail does not have.
_UNUSUAL = ("mail_from", "type", "headers", "attachments", "protection", "importance", "classification", "sender_ip")
#: The wishes of which a result tells whether a copy keeps them.
_TOLD = ("encrypted", "not_in_clear", "not_in_clear_if_delivered", "delivered", "unencrypted")


def _refuted(number: int) -> Iterator[tuple[Sequence[Values], Values, Values, Values]]:
    """Rules, facts, a guarantee and its counterexample."""
    source = random.Random(f"{number} witnesses")
    tenant, rules = drawn_organization(source), drawn_rules(source)
    options = [drawn_guarantee(source, place) for place in range(4)]
    try:
        rows = prove(rules, tenant, options, NOW)
    except OptionError:  # No mail meets one of the guarantees.
        return
    for option, row in zip(options, rows, strict=True):
        if row["verdict"] == "refuted" and option["then"] in _TOLD and "shown_to" not in row["counterexample"]:
            yield rules, tenant, option, row["counterexample"]


def _kept(rules: Sequence[Values], facts: Facts, option: Values, options: Values, recipient: str) -> bool | None:
    """Whether somebody's copy of a message is as a guarantee says, as far as results tell. Somebody who gets nothing has
    no copy.
    """
    message = message_of({**options, "date": NOW}, "", "m")
    results = Simulator(rules, facts).run(message)["recipients"]
    result = {label.lower(): each for label, each in results.items()}.get(recipient.lower())
    if result is None:
        return True
    claims, (guarantee,) = claims_of([guarantees_of([option])[0].selection]), guarantees_of([option])
    about = is_about(claims, claims.rules[0], message, facts, facts.people.primary(recipient.lower()))
    if about is False and recipient.lower() in _named(options):
        return True
    # Of copies that rules make for others, less is wanted.
    then = option["then"] if about is True else guarantee.of_copies.then if guarantee.of_copies else ""
    return holds_in(result, then, option.get("template", "")) if then else None


def _named(options: Values) -> set[str]:
    """Who is written to, in lower case."""
    return {each.lower() for field in ("to", "cc", "bcc") for each in options.get(field, ())}


@pytest.mark.parametrize("seed", seeds(4))
def test_what_a_counterexample_says_is_true_of_its_message(seed: int) -> None:
    found = 0
    for number in range(30 * seed, 30 * seed + 30):
        for rules, tenant, option, shown in _refuted(number):
            message = {key: value for key, value in shown["message"].items() if key != "name"}
            facts = facts_of({**tenant, **shown.get("facts", {})})
            found += 1
            assert _kept(rules, facts, option, message, shown["recipient"]) is not True, (number, option)
            for name in shown.get("decided_by", ()):
                others = [each for each in rules if each["name"] != name]
                assert _kept(others, facts, option, message, shown["recipient"]) is not False, (number, option, name)
            if shown["recipient"].lower() not in _named(message):
                continue  # What a copy for others needs is not only what the guarantee needs.
            for key in [key for key in _UNUSUAL if key in message]:
                less = {name: value for name, value in message.items() if name != key}
                again = _kept(rules, facts, option, less, shown["recipient"])
                assert again is not False or _changes(rules, facts, message, less, shown["recipient"]), (
                    number,
                    key,
                    option,
                    message,
                    shown,
                )
    assert found > 10


def _changes(rules: Sequence[Values], facts: Facts, message: Values, less: Values, recipient: str) -> bool:
    """Whether a copy comes out otherwise: less of a message may break a guarantee in another way."""
    read = RuleSet.read(rules, facts.dialect)
    ends = []
    for options in (message, less):
        results = Simulator(read, facts).run(message_of({**options, "date": NOW}, "", "m"))["recipients"]
        result = {label.lower(): each for label, each in results.items()}.get(recipient.lower(), {})
        ends.append((result.get("fate"), result.get("protection"), result.get("protected_by"), result.get("assumes")))
    return ends[0] != ends[1]


NEWS = rule("News", {"subject_contains_words": ["news"]}, STOP)
LARGE = rule("Large", {"attachment_size_over": "20MB"}, {"reject_message_reason_text": "No."})


@pytest.mark.parametrize(
    ("rules", "guarantee", "keys"),
    [
        # A hole that no rule decides is shown before one that a rule does.
        ([NEWS, rule("Some", {**OUTGOING, "subject_contains_words": ["secret"]}, ENCRYPT)], {}, set()),
        ([LARGE, NEWS, ALL], {"then": "encrypted"}, {"subject"}),
        ([rule("Marked", {"header_contains_message_header": "X-A", "header_contains_words": ["b"]}, STOP), NEWS, ALL],
         {"then": "not_in_clear"}, {"subject"}),
        # What all mail of the guarantee needs stays.
        ([], {"when": {**OUTGOING, "message_type_matches": "OOF"}, "then": "not_in_clear"}, {"type"}),
    ],
)  # fmt: skip
def test_the_plainest_message_is_shown(rules: list[Values], guarantee: Values, keys: set[str]) -> None:
    message = verdict(rules, **guarantee)["counterexample"]["message"]
    assert message.keys() - {"name", "from", "to", "authenticated"} == keys


def test_a_sender_of_the_directory_is_shown() -> None:
    tenant = {
        "accepted_domains": ["contoso.com"],
        "remote_domains": [],
        "mail_users": [],
        "mailboxes": ["ann@contoso.com"],
    }
    groups = {"groups": {"all@contoso.com": ["ann@contoso.com"]}}
    assert verdict([], {**tenant, **groups})["counterexample"]["message"]["from"] == "ann@contoso.com"


def test_a_plain_message_has_no_label_and_no_protection_that_it_does_not_need() -> None:
    labels = [{"name": "Confidential", "guid": "11111111-2222-3333-4444-555555555555", "encryption": "encrypt_only"}]
    labeled = {**TENANT, "labels": labels, "auto_label_policies": [], "dlp_policies": []}
    assert verdict([NEWS], labeled, then="not_in_clear")["counterexample"]["message"].keys() == {
        "name", "from", "to", "authenticated",
    }  # fmt: skip
    marked = {**OUTGOING, "header_contains_message_header": "Sensitivity", "header_contains_words": ["private"]}
    rules = [rule("Marked", marked, {"apply_rights_protection_template": "Do Not Forward"}), ALL]
    found = verdict(rules, template="Encrypt")["counterexample"]["message"]
    assert found["protection"] == {"kind": "do_not_forward", "owner": "own"}
    assert "headers" not in found


def test_mail_from_outside_is_not_authenticated_and_from_nobody_whom_rules_name() -> None:
    inbound = {"from_scope": "NotInOrganization", "sent_to_scope": "InOrganization"}
    named = rule("Named", {"from": ["boss@private.example"]}, {"prepend_subject": "x"})
    message = verdict([named], when=inbound, then="not_in_clear")["counterexample"]["message"]
    assert message["authenticated"] is False
    assert message["from"] != "boss@private.example"


def test_the_own_copy_is_shown_before_one_that_a_rule_makes() -> None:
    agents = rule("Agents", {**IN, "sent_to": ["rep@agent.example"]}, {"add_to_recipients": ["bob@contoso.com"]})
    held = rule("Held", {"any_of_to_cc_header": ["all@contoso.com"]}, {"moderate_message_by_user": ["bob@contoso.com"]})
    inside = {**IN, "sent_to_scope": "InOrganization"}
    found = verdict([held, agents], when=inside, then="delivered")["counterexample"]
    assert found["recipient"] != "bob@contoso.com"


def test_a_text_has_no_part_that_it_does_not_need() -> None:
    triggers = [r"^\[secure\]", r"\(secure\)"]
    rules = [NEWS, rule("Marked", {**OUTGOING, "subject_matches_patterns": triggers}, ENCRYPT)]
    others = rule("Word", {"subject_contains_words": ["[secure]"]}, {"prepend_subject": "x"})
    when = {**OUTGOING, "subject_matches_patterns": [r"^\[secure\]"]}
    message = verdict([*rules, others], when=when, then="not_in_clear")["counterexample"]["message"]
    assert sorted(message["subject"].split(" / ")) == ["[secure]", "news"]


def test_the_sender_of_a_counterexample_is_nobody_whom_a_rule_is_about() -> None:
    """By the address, the domain or a group, in a condition or in an exception, of a rule that is on or off."""
    people = [
        f"{name}@{place}" for place in ("ads.example", "contoso.com", "old.example") for name in ("ann", "bob", "zoe")
    ]
    facts = {**TENANT, "accepted_domains": ["ads.example", "contoso.com", "old.example"], "mailboxes": people,
             "groups": {"board@contoso.com": ["ann@contoso.com"]}}  # fmt: skip
    rules = [
        rule("Ads", {**OUTGOING, "sender_domain_is": ["ads.example"]}, ENCRYPT, exceptions={"from": ["bob@ads.example"]}),
        rule("Old", {**OUTGOING, "sender_domain_is": ["old.example"]}, ENCRYPT, enabled=False),
        rule("Board", {**OUTGOING, "from_member_of": ["board@contoso.com"]}, STOP),
        rule("Zoe", {**OUTGOING, "from": ["zoe@contoso.com"]}, STOP),
    ]  # fmt: skip
    for every in (rules, rules[::-1]):
        found = verdict(every, facts, then="not_in_clear")["counterexample"]
        assert found["message"]["from"] == "bob@contoso.com"
        assert "cause" not in found


def test_a_rule_that_is_only_tried_and_stops_leaves_no_trace_in_a_counterexample() -> None:
    tried = rule("Tried", {**OUTGOING, "subject_contains_words": ["secure"]}, {**ENCRYPT, **STOP}, mode="Audit")
    stops = rule("Stop", {"from": ["bob@contoso.com"]}, STOP)
    found = verdict([tried, stops, ALL], then="not_in_clear")["counterexample"]
    assert "subject" not in found["message"]
    assert found["cause"] == {"kind": "stops", "rule": "Stop", "other": "All"}
