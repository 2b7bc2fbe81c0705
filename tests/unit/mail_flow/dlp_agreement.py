# SPDX-License-Identifier: GPL-3.0-or-later
"""Where simulator, formula and trace disagree about a condition of a DLP rule, and where an action does not change what its
row says. A row without samples is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions.brought_people import (
    ADDING,
    MANAGER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.dlp_prediction import (
    dlp_predictions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message, Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import dlp_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.dlp_rules import DlpRules
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.columns import blocks_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.compliance.dlp_fields import DlpPart

from tests.unit.mail_flow.asking import ENCRYPT, NOW
from tests.unit.mail_flow.condition_agreement import Answer, everybody, is_ordinary, under
from tests.unit.mail_flow.condition_samples import TENANT, Values, drawn, mail
from tests.unit.mail_flow.message_literals import literals
from tests.unit.mail_flow.tracing import traced

#: The conditions that no mail flow rule has, by option.
SAMPLES: Values = {
    "non_bifurcating_access_scope": "HasExternal",
    "content_contains_sensitive_information": [{"groups": []}],
    **dict.fromkeys(("content_is_not_labeled", "message_is_not_labeled", "attachment_is_not_labeled"), True),
    **dict.fromkeys(
        (
            "document_is_password_protected",
            "document_is_unsupported",
            "processing_limit_exceeded",
            "has_sender_override",
        ),
        True,
    ),
    **{key: ["secret"] for key in ("content_property_contains_words", "document_name_matches_words")},
    **{key: ["secret"] for key in ("document_contains_words", "content_extension_matches_words")},
    **{key: ["pdf"] for key in ("content_file_type_matches", "unscannable_document_extension_is")},
    **{key: ["sec(ure|ret)"] for key in ("document_name_matches_patterns", "document_matches_patterns")},
    **{key: ["High"] for key in ("shared_by_irm_user_risk", "shared_by_irm_agent_risk")},
    "document_size_over": "1MB",
    **{
        key: [{"name": "x"}]
        for key in (
            *("attachment_count_over", "header_contains_tokens", "url_contains_text", "sender_type"),
            *("content_missing_sensitivity_label", "message_label_change_detected", "has_label_downgraded_from"),
            *("device_management_type", "accessed_by", "accessed_by_member_of", "has_activity", "document_created_by"),
            *("document_created_by_member_of", "shared_with_domain", "content_is_shared"),
            "teams_shared_with_participant_category",
        )
    },
}

#: Something to do for each action.
ACTIONS: Mapping[str, Values] = {
    "encrypt_rms_template": {"encrypt_rms_template": "Encrypt"},
    "remove_rms_template": {"remove_rms_template": True},
    "apply_branding_template": {"apply_branding_template": "Other"},
    "enforce_portal_access": {"enforce_portal_access": True},
    "block_access": {"block_access": True},
    "block_access_scope": {"block_access_scope": "All"},
    "redirect_message_to": {"redirect_message_to": ["moved@contoso.com"]},
    "moderate_message_by_user": {"moderate_message_by_user": ["boss@contoso.com"]},
    "moderate_message_by_manager": {"moderate_message_by_manager": True},
    "quarantine": {"quarantine": True},
    **{name: {name: ["new@fabrikam.com"]} for name in ("add_to_recipients", "copy_to", "blind_copy_to")},
    "add_manager_as_recipient_type": {"add_manager_as_recipient_type": "Bcc"},
    "apply_html_disclaimer_text": {"apply_html_disclaimer_text": "<p>secret</p>"},
    "apply_html_disclaimer_location": {"apply_html_disclaimer_location": "Append"},
    "apply_html_disclaimer_fallback_action": {"apply_html_disclaimer_fallback_action": "Wrap"},
    "modify_subject": {"modify_subject": {"patterns": ["x"], "subjecttext": "y"}},
    "prepend_subject": {"prepend_subject": "[X] "},
    "set_header": {"set_header": {"X-Class": "secret"}},
    "remove_header": {"remove_header": ["X-Class"]},
    "stop_policy_processing": {"stop_policy_processing": True},
    **{name: {name: ["Owner"]} for name in ("notify_user", "generate_alert", "generate_incident_report")},
    **{name: {name: ["Default"]} for name in ("incident_report_content", "notify_allow_override")},
    **{
        name: {name: [{"name": "x"}]}
        for name in (
            *("restrict_access", "mip_restrict_access", "restrict_browser_access", "access_time_control"),
            *("map_recipients", "redact_sensitive_info", "block_domains_or_users", "block_domains"),
            *("block_domains_except", "block_users", "block_users_except", "trigger_power_automate_flow"),
        )
    },
}

#: How many values of a condition are tried.
_TRIED = 2


def _facts(*rules: Values) -> Values:
    """An organization with one policy."""
    return {**TENANT, "dlp_policies": [{"name": "P", "rules": list(rules)}], "labels": [], "auto_label_policies": []}


def _rule(name: str, conditions: Values, actions: Values) -> Values:
    return {"name": name, "conditions": conditions, "actions": actions}


# Conditions


def samples_of(part: DlpPart) -> list[Values]:
    """Conditions of a DLP rule with some values."""
    option = next(iter(part.kinds))
    if option in SAMPLES:
        return [{option: SAMPLES[option]}]
    found = drawn().get(part.same_as or option, [])
    return [{option: section[part.same_as]} for section in found] if part.same_as else found


def wrong_about_dlp(part: DlpPart) -> list[str]:
    """Where there are several answers to whether a DLP rule with a condition matches."""
    samples = samples_of(part)
    if not samples:
        return [f"{part.name} has no samples: see dlp_agreement.py"]
    return [wrong for sample in samples[:_TRIED] for wrong in _wrong(sample, certain=part.certain)]


def _wrong(conditions: Values, *, certain: bool) -> Iterator[str]:
    given = _facts(_rule("R", conditions, {"encrypt_rms_template": "Encrypt"}))
    facts = facts_of(given)
    answers: set[Answer] = set()
    for message, person in _mail():
        said = _said(facts, message, person)
        answers.add(said)
        about = f"{conditions} of {message}"
        formula = _formula(given, message, person)
        # An atom that a message does not decide is open to a formula alone.
        if said is not formula and formula is not None:
            yield f"{about}: the formula is {formula}, the simulator says {said}"
        if is_ordinary(message):
            yield from (f"{about}: {wrong}" for wrong in _false_rows(facts, message, person, said))
    if True in answers and not certain:
        yield f"{conditions}: surely matches, and its row does not say so"


#: Every so many samples of mail are tried.
_EVERY = 3


@cache
def _mail() -> tuple[tuple[Message, Recipient], ...]:
    return tuple(each for place, each in enumerate(mail()) if place % _EVERY == 0)


def _said(facts: Facts, message: Message, person: Recipient) -> Answer:
    """Whether the rule matches in the simulator."""
    course = Passage(RuleSet([]), message, facts).course(person.address)
    assert course is not None
    matches = [[each.sure for each in world.after.every] for world in course.worlds if not world.against_a_guess]
    if any(world.answers for world in course.worlds):
        return None
    return True if all(any(sure) for sure in matches) else None if any(matches) else False


def _formula(given: Values, message: Message, person: Recipient) -> Answer:
    beside = [
        ("address", each.address) for each in recipients_of(facts_of(given), message) if each.address != person.address
    ]
    model = Model([RuleSet([])], everybody(), given, NOW, exact=tuple(beside))
    matches = [when for _does, when in model.open.outcomes[0].after.dlp.applied]
    return under(model, literals(model, message, person), matches[0]) if matches else False


def _false_rows(facts: Facts, message: Message, person: Recipient, said: Answer) -> Iterator[str]:
    policies = facts.encrypters.dlp_policies
    assert isinstance(policies, DlpRules)
    for block in blocks_of(traced([message], facts)):
        (found,) = dlp_predictions(block, policies, RuleSet([]), facts)
        for place in range(len(block)):
            if block.text("recipient", place) != person.address:
                continue
            if found.certain >> place & 1 and said is not True:
                yield f"a row says that it matches, the simulator says {said}"
            if not found.possible >> place & 1 and said is True:
                yield "a row says that it does not match, the simulator that it does"


# Actions

_SENT = {"from": "megan@contoso.com", "to": ["ann@fabrikam.com"], "subject": "x", "body": "y", "authenticated": True}

#: What an action changes, to where that shows: see :func:`_changed`. Each that changes mail leaves open which of two DLP
#: rules acts, if the other one does something else.
_SHOWN: Mapping[str, frozenset[str]] = {
    dlp_rules.PROTECTION: frozenset({"in clear", "branded"}),
    dlp_rules.REMOVAL: frozenset({"encrypted", "branded", "several"}),
    dlp_rules.BRANDING: frozenset({"branded", "several"}),
    dlp_rules.END: frozenset({"fate", "in clear", "encrypted", "branded", "several"}),
    dlp_rules.COPIES: frozenset({"several"}),
    dlp_rules.CONTENT: frozenset({"several"}),
    dlp_rules.LATER_RULES: frozenset({"later"}),
    dlp_rules.NOTHING: frozenset(),
}


def wrong_about_dlp_action(option: str) -> list[str]:
    """Where an action does not change what the table says."""
    if option not in ACTIONS:
        return [f"{option} has no samples: see dlp_agreement.py"]
    said, shown = _SHOWN[dlp_rules.CHANGES[option]], _changed(ACTIONS[option])
    said |= {"others"} if option in (*ADDING, MANAGER) else set()
    return [] if shown == said else [f"{option}: the row says {sorted(said)}, and it changes {sorted(shown)}"]


def _changed(actions: Values) -> set[str]:
    """Where it shows in the simulator what an action changes: on a message in clear, on one that a rule encrypts, or brands,
    too, in what becomes of it, in who else gets it, and on one that another DLP rule encrypts, which comes before it, or
    later.
    """
    brand = {**ENCRYPT, "apply_rights_protection_customization_template": "Branding1"}
    outgoing = {"access_scope": "NotInOrganization"}
    acting, encrypting = _rule("A", outgoing, actions), _rule("E", outgoing, {"encrypt_rms_template": "Encrypt"})
    none = _outcome({}, [])
    found = {
        "in clear": _outcome({}, [acting]).get("protection") != none["protection"],
        "encrypted": _outcome(ENCRYPT, [acting]).get("protection") != _outcome(ENCRYPT, [])["protection"],
        "branded": _outcome(brand, [acting]).get("branding") != _outcome(brand, [])["branding"],
        "fate": _outcome({}, [acting])["fate"] != none["fate"],
        "others": _recipients({}, [acting]).keys() != _recipients({}, []).keys(),
        "several": _outcome({}, [encrypting, acting]).get("protection") != "encrypt",
        "later": _outcome({}, [acting, encrypting]).get("protection") == "none",
    }
    return {name for name, is_so in found.items() if is_so}


def _outcome(does: Values, rules: list[Values]) -> Mapping[str, Any]:
    """The result of a message for its recipient."""
    found: Mapping[str, Any] = _recipients(does, rules)[_SENT["to"][0]]
    return found


def _recipients(does: Values, rules: list[Values]) -> Mapping[str, Any]:
    """The result of a message for everybody who gets it."""
    first = [{"name": "M", "conditions": {}, "exceptions": {}, "actions": does}] if does else []
    facts = facts_of(_facts(*rules))
    found = Simulator(first, facts).run(message_of({**_SENT, "protection": {"kind": "none"}}, "", "m"))
    return dict(found["recipients"])
