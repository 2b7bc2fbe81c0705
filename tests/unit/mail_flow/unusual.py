# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees over random rules, held against the simulator's answers about random unusual mail.

Three laws. Whatever the simulator calls certain and breaks a guarantee is a refutation. A counterexample breaks it in
the simulator, too. And mail that meets all that a proof assumes, as its words say it, never breaks what is proved,
whatever is unknown.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unittest import mock

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
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator import simulation
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    SURELY_PROTECTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.witness_replay import (
    course_of,
    is_about,
    surely_keeps,
)

from tests.unit.mail_flow import generators, respelling
from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.comparison import assumed
from tests.unit.mail_flow.small_worlds import NOW as DATE

Values = dict[str, Any]

_GUARANTEES, _MESSAGES = 4, 30
#: By seed a wish that is tried, too, of the mail that the first guarantee is about.
_MORE = ("delivered", "not_in_clear_if_delivered", "", "")

_TYPES = (
    "OOF",
    "AutoForward",
    "Calendaring",
    "Voicemail",
    "Signed",
    "ApprovalRequest",
    "ReadReceipt",
    "SmtpForwarding",
)
#: Around all sizes from which something is another: limits of rules, and what is surely protected, and what is not.
_SIZES = ("17.8MB", "17.9MB", "20MB", "25MB", "26MB")
_BYTES = (
    1_000,
    18_000_000,
    18_724_571,
    18_724_572,
    18_800_000,
    20 << 20,
    (20 << 20) + 1,
    25 << 20,
    (25 << 20) + 1,
    28 << 20,
)
#: Names that look like words of ours, of templates and of people.
_OURS = ("unknown", "none", "encrypt", "delivered", "priority 3)")
_PEOPLE = (
    *generators.PEOPLE,
    "nobody@contoso.com",
    "ann+news@fabrikam.com",
    "megan+x@contoso.com",
    "guest+x@fabrikam.com",
    generators.PROXY,
)

_LOOKS: tuple[Any, ...] = (
    lambda source: {"message_type_matches": source.choice((*_TYPES[:-1], "Encrypted", "PermissionControlled"))},
    lambda source: {"message_size_over": source.choice(_SIZES)},
    lambda source: {"attachment_size_over": source.choice(("4MB", "20MB"))},
    lambda source: {"attachment_extension_matches_words": [source.choice(("pdf", "exe"))]},
    lambda source: {"attachment_name_matches_patterns": [source.choice((r"\.pdf$", "offer", r"(?<=x)y"))]},
    lambda source: {"subject_contains_words": [source.choice((*_OURS, "secure"))]},
    lambda source: {"subject_matches_patterns": [source.choice((r"\bsecure", "^unknown$", "offer"))]},
    lambda source: {"sent_to": [source.choice(_PEOPLE)]},
    lambda source: {"from": [source.choice(_PEOPLE)]},
    lambda source: {"recipient_domain_is": [source.choice(("fabrikam.com", "contoso.com", "sister.com"))]},
    lambda source: {"sent_to_scope": source.choice(("InOrganization", "NotInOrganization"))},
    lambda source: {"with_importance": source.choice(("Low", "High"))},
)
_RELATIONS = {"sender_management_relationship", "manager_addresses", "ad_comparison_attribute", "between_member_of_1"}
_OUTGOING: Values = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
_ACTIONS: tuple[tuple[int, Values], ...] = (
    (8, {"apply_rights_protection_template": "Encrypt"}),
    (2, {"apply_rights_protection_template": "Do Not Forward"}),
    (1, {"apply_rights_protection_template": "Encrypt", "apply_rights_protection_customization_template": "none"}),
    (1, {"remove_ome_v2": True}),
    (5, {"stop_rule_processing": True, "set_audit_severity": "Low"}),
    (1, {"delete_message": True}),
    (1, {"reject_message_reason_text": "no"}),
    (1, {"quarantine": True}),
    (1, {"moderate_message_by_user": ["bob@contoso.com"]}),
    (1, {"prepend_subject": "secure "}),
    (1, {"apply_html_disclaimer_text": "<p>x</p>", "apply_html_disclaimer_fallback_action": "Ignore"}),
    (1, {"blind_copy_to": ["copied@contoso.com"]}),
    (1, {"redirect_message_to": ["moved@northwind.com"]}),
)


def _section(source: random.Random, most: int) -> Values:
    found: Values = {}
    for _count in range(source.randint(0, most)):
        found |= source.choice(_LOOKS)(source) if source.random() < 0.85 else generators.section(source, 1)
    return found


def drawn_rules(source: random.Random) -> list[Values]:
    """A few rules, of which the last one often protects all mail that leaves."""
    found: list[Values] = []
    for _count in range(source.randint(0, 3)):
        (actions,) = source.choices([each for _weight, each in _ACTIONS], [weight for weight, _each in _ACTIONS])
        stops = {"stop_rule_processing": True} if source.random() < 0.15 else {}
        conditions = {**({"from_scope": "InOrganization"} if source.random() < 0.3 else {}), **_section(source, 2)}
        mode = "Audit" if source.random() < 0.05 else "Enforce"
        found.append(
            {
                "name": source.choice(_OURS),
                "mode": mode,
                "conditions": conditions,
                "exceptions": _section(source, 1),
                "actions": {**actions, **stops},
            }
        )
    if source.random() < 0.8:
        encrypts = {"apply_rights_protection_template": source.choice(("Encrypt", "Encrypt", "Do Not Forward"))}
        found.append(
            {
                "name": "All",
                "mode": "Enforce",
                "conditions": dict(_OUTGOING),
                "exceptions": _section(source, 1),
                "actions": encrypts,
            }
        )
    return [{**one, "name": f"{one['name']} {place}", "priority": place} for place, one in enumerate(found)]


def drawn_organization(source: random.Random) -> Values:
    tenant = generators.organization(source)
    if source.random() < 0.5:
        tenant["irm_configuration"] = {"enable_pdf_encryption": source.random() < 0.3}
    return tenant


def drawn_guarantee(source: random.Random, number: int) -> Values:
    then = source.choices(("not_in_clear", "encrypted", "unencrypted"), (6, 3, 1))[0]
    when: Values = (
        {"from_scope": "InOrganization", **_section(source, 1)}
        if source.random() < 0.4
        else {**_OUTGOING, **_section(source, 1)}
    )
    template = (
        {"template": source.choice(("Encrypt", "Do Not Forward"))}
        if then != "unencrypted" and source.random() < 0.15
        else {}
    )
    return {"name": f"G{number}", "when": when, "unless": _section(source, 1), "then": then, **template}


def message(source: random.Random) -> Values:
    """A message that is unusual in one way or another."""
    made = generators.message(source)
    made["from"] = source.choice(
        (*generators.PEOPLE, *generators.PEOPLE, generators.GUEST, "megan+x@contoso.com", "bob@relay.contoso.net")
    )
    made["mail_from"] = source.choice((made["from"], made["from"], "", "bob@contoso.com"))
    made["authenticated"] = source.random() < 0.95
    made["type"] = source.sample(_TYPES, source.choice((0, 1, 1, 1, 2)))
    made["size"] = source.choice(_BYTES)
    made["date"] = DATE
    if source.random() < 0.4:
        made["subject"] = source.choice(_OURS)
    for each in made["attachments"]:
        each["nested"] = source.choice(([], ["inner.pdf"], ["setup.exe", "a/b.pdf"]))
        each["size"] = min(each["size"], made["size"])
    if source.random() < 0.6:
        made |= {"to": source.sample((*_PEOPLE, *generators.OUTSIDERS), 1), "cc": [], "bcc": []}
    return generators.alterable(made)


def holds_in(result: Mapping[str, Any], then: str, template: str) -> bool | None:
    """Whether a copy is as a guarantee says; ``None`` where the result does not tell."""
    fate, protection = result["fate"], result.get("protection")
    if fate == "unknown":
        return None
    if then == "delivered" or (then == "not_in_clear_if_delivered" and fate != "delivered"):
        return (then == "delivered") is (fate == "delivered")
    if not then.startswith("not_in_clear") and fate != "delivered":
        return False
    if fate in ("moderated", "quarantined"):
        later = result.get("after_approval") or result.get("after_release")
        return holds_in(later, then, template) if later else None
    if fate != "delivered":
        return True
    if protection == "unknown":
        return None
    if then == "unencrypted":
        on_arrival = result.get("protected_on_arrival")
        return protection == "none" or (on_arrival if isinstance(on_arrival, bool) else None)
    if protection == "none":
        return False
    wanted = {"Encrypt": "encrypt", "Do Not Forward": "do_not_forward"}.get(template, "")
    return None if template and protection == "protected_option_unknown" else not template or protection == wanted


def unusual_in(sent: Values, tenant: Mapping[str, Any], recipient: str) -> dict[str, bool]:
    """What proofs may assume of mail, each by a part of its sentence, to whether a message for somebody is otherwise."""
    types, attachments = (
        set(sent["type"]),
        [name.lower() for one in sent["attachments"] for name in (one["name"], *one.get("nested", ()))],
    )
    known = {*tenant["mailboxes"], *tenant.get("mail_users", ()), *tenant["groups"], *tenant["contacts"]}
    own = tuple(f"{before}{each['name']}" for each in tenant["accepted_domains"] for before in "@.")
    return {
        "PDF attachment": any(name.endswith(".pdf") for name in attachments),
        "not forwarded": bool(types & {"AutoForward", "SmtpForwarding"}),
        "no clear S/MIME signature": "Signed" in types or sent["protection"]["kind"] == "smime_signed",
        "automatic reply, read receipt or meeting item": bool(types & {"OOF", "ReadReceipt", "Calendaring"}),
        "not a request for approval": "ApprovalRequest" in types,
        "at most": sent["size"] > SURELY_PROTECTED,
        "in its directory": recipient.endswith(own) and recipient not in known,
        "is authenticated": not sent["authenticated"],
        "guest": generators.GUEST in (sent["from"], recipient),
        "IsInternal": "sister.com" in recipient,
        "primary address": sent["from"] not in known,
    }


def meets(assumptions: Iterable[Mapping[str, str]], sent: Values, tenant: Mapping[str, Any], recipient: str) -> bool:
    """Whether a message meets what a proof assumes, by what its sentences say."""
    unusual = unusual_in(sent, tenant, recipient)
    for each in assumptions:
        text = each["text"]
        most = "".join(re.findall(r"at most ([\d,]+) bytes", text)).replace(",", "")
        here = {**unusual, "at most": sent["size"] > int(most or 1 << 60)}
        if any(part in text and untrue for part, untrue in here.items()):
            return False
    return True


def wrong_about(seed: int, *, respelled: bool = False) -> str:
    """What is wrong about guarantees over a random rule set; empty where nothing is.

    :param respelled: whether addresses and texts may be written in two ways, and patterns read as .NET does.
    """
    source = random.Random(seed)
    tenant, rules = drawn_organization(source), drawn_rules(source)
    options = [drawn_guarantee(source, number) for number in range(_GUARANTEES)]
    then = _MORE[seed % len(_MORE)]
    options += [{**options[0], "name": "More", "then": then}] if then and "template" not in options[0] else []
    mail = [message(source) for _count in range(_MESSAGES)]
    if respelled:
        tenant, rules, options = (
            respelling.organization(source, tenant),
            respelling.respelled(source, rules),
            respelling.respelled(source, options),
        )
        mail = respelling.respelled(source, mail, tags=True)
        tenant["dialect"] = source.choice(("agreed", "dotnet"))
    facts, simulator = facts_of(tenant), Simulator(rules, facts_of(tenant))
    sent = [message_of(each, "", "message") for each in mail]
    answers = [simulator.run(each)["recipients"] for each in sent]
    for option in options:
        try:
            (found,) = prove(rules, tenant, [option], NOW)
        except OptionError:
            continue
        wrong = _wrong_counterexample(found, option, rules, tenant) if found["verdict"] == "refuted" else ""
        claims = claims_of([{"name": "G", "conditions": option["when"], "exceptions": option["unless"]}])
        for place, each in enumerate(sent):
            for recipient, result in answers[place].items() if not wrong else ():
                address = facts.people.primary(recipient.lower())
                about = is_about(claims, claims.rules[0], each, facts, address)
                certain = about is True and not assumed(result)
                holds = holds_in(result, option["then"], option.get("template", ""))
                if (
                    (found["verdict"] == "proved" or (found["verdict"] == "unknown" and not _is_opaque(option, rules)))
                    and certain
                    and holds is False
                ):
                    wrong = f"it is called {found['verdict']}, and certainly broken for {recipient}"
                elif (
                    found["verdict"] == "proved"
                    and about is True
                    and meets(found["assumptions"], mail[place], tenant, address)
                ):
                    kept = holds or _keeps(simulator.rules, each, facts, address, option)
                    wrong = "" if kept else f"it is called proved, and perhaps broken for {recipient}"
                if wrong:
                    wrong = f"{wrong} with {mail[place]!r}: {result!r}"
                    break
        if wrong:
            return f"seed {seed}, {option}: {wrong}\nanswer = {found!r}\nrules = {rules!r}\ntenant = {tenant!r}"
    return ""


def _keeps(rules: RuleSet, sent: Message, facts: Facts, address: str, option: Values) -> bool:
    """Whether a copy keeps a guarantee in every possible world. Once worlds are made one, a rule may look otherwise in
    them than an earlier one that asks the same; so each is followed for itself where that does not tell.
    """
    with mock.patch.object(simulation, "merged", lambda worlds, **_how: list(worlds)):
        apart = course_of(rules, sent, facts, address)
    either = (course_of(rules, sent, facts, address), apart)
    (guarantee,) = guarantees_of([option])
    return any(surely_keeps(course, guarantee, sent, facts) for course in either)


def _is_opaque(option: Values, rules: Sequence[Values]) -> bool:
    """Whether nothing certain need be told: conditions are about relations of people (U05), or about groups or their
    members in a field (U04, U07).
    """
    sections = [
        option["when"],
        option["unless"],
        *(rule[part] for rule in rules for part in ("conditions", "exceptions")),
    ]
    for name, values in (item for section in sections for item in section.items()):
        in_fields = name.startswith("any_of_") and "header" in name
        if name in _RELATIONS or (in_fields and (name.endswith("_member_of") or set(values) & set(generators.GROUPS))):
            return True
    return False


def _wrong_counterexample(
    found: Mapping[str, Any], option: Values, rules: Sequence[Values], tenant: Mapping[str, Any]
) -> str:
    example = found["counterexample"]
    given = {key: value for key, value in example["message"].items() if key != "name"}
    answers = Simulator(RuleSet(rules), facts_of({**tenant, **example.get("facts", {})})).run(
        message_of({"date": DATE, **given}, "", "message")
    )["recipients"]
    result = next(each for address, each in answers.items() if address.lower() == example["recipient"].lower())
    return (
        f"the counterexample does not break it: {result!r}"
        if holds_in(result, option["then"], option.get("template", ""))
        else ""
    )
