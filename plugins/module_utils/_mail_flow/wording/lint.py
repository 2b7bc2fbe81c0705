# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about a rule set, as results have them, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._exchange.text import listed, short, visible_line
from ..._resources.rules.rule import BRANDS_ONLY
from ..analyses.single_rule_lint import LintFinding
from ..model.kleene import Reason
from .reasons import CONNECTOR_IDLE, reason_text

#: Kind and case of a finding to its sentence: ``rule`` has the problem, beside the ``other`` one.
_SENTENCES: Mapping[tuple[str, str], str] = {
    ("equal_rules", ""): "The rules {rule!r} and {other!r} are duplicates.",
    ("covered_rule", ""): "The rule {rule!r} does nothing of its own: {doing} the same to all of its mail.",
    ("never_acts", "dates"): "The rule {rule!r} never acts: its dates exclude today.",
    ("never_acts", "unmet"): (
        "The rule {rule!r} never acts: no mail meets its condition {options}, as far as the facts say."
    ),
    ("never_acts", "contradiction"): (
        "The rule {rule!r} never acts: no mail meets its conditions {options} together, as far as the facts say."
    ),
    ("never_acts", "changed"): (
        "The rule {rule!r} never acts: after what earlier rules change, no mail meets its conditions."
    ),
    ("never_acts", "exceptions"): (
        "The rule {rule!r} never acts: all mail that meets its conditions meets its exceptions, too: {options}."
    ),
    ("never_acts", "nobody"): "The rule {rule!r} never acts: nobody is a member of {groups}, as far as the facts say.",
    ("never_acts", "stopped"): "The rule {rule!r} never acts: {others} all mail that it applies to.",
    (
        "idle_exception",
        "",
    ): "The exception {option} of the rule {rule!r} never applies: no mail of the rule matches it.",
    ("idle_exception", "one of several"): (
        "The exception {option} of the rule {rule!r} never applies: no mail of the rule matches it, or other exceptions already match that mail."
    ),
    (
        "encrypt_meets_decrypt",
        "",
    ): "{rule!r} encrypts and {other!r} decrypts the same message: the result is not documented (U02).",
    (
        "templates_meet",
        "",
    ): "{rule!r} and {other!r} apply different templates to the same message: which one it gets is not documented (U01).",
    ("ends_before_encryption", ""): "{rule!r} stops mail that {other!r} would encrypt.",
    ("typed_stop", "word"): (
        "Anybody can keep mail from {other!r} by writing {values!r}: {rule!r} stops it by its condition {option}."
    ),
    ("typed_stop", "pattern"): (
        "Anybody can keep mail from {other!r} by writing what matches {values!r}: {rule!r} stops it by its condition {option}."
    ),
    ("typed_stop", "header"): (
        "Anybody who sets the header {header} can keep mail from {other!r}: {rule!r} stops it by its condition {option}."
    ),
    (
        "template_outside",
        "",
    ): "The rule {rule!r} protects mail to people outside with {template!r}: they can open it only if it grants them rights.",
    ("gateway_gets_ciphertext", ""): (
        "{every} {encrypt} mail that leaves through the connector {connector!r} to {hosts}, which gets ciphertext: its filters see nothing."
    ),
    (
        "journal_keeps_ciphertext",
        "",
    ): "The journal rule {journal!r} keeps what {every} {encrypt} as ciphertext: journal_report_decryption_enabled is false.",
    (
        "connector_misses_subdomains",
        "",
    ): "The connector {connector!r} forces TLS to {domain}, and not to its subdomains, which *.{domain} would cover.",
    (
        "connector_of_no_rule",
        "",
    ): "The connector {connector!r} takes only mail that rules route to it, and no rule does.",
    ("routed_to_disabled_connector", ""): (
        "{rule!r} routes mail to the connector {connector!r}, which is {why}: how that mail leaves is not documented (U32)."
    ),
    ("too_complex", ""): (
        "The rules are too complex for all checks: some rules that never act, or that another rule blocks, may be missing."
    ),
}

#: The same of findings about one rule: what is said of it.
_OF_ONE: Mapping[tuple[str, str], str] = {
    ("expired", ""): "it ended on {date}",
    ("expiring", ""): "it encrypts, and ends on {date}",
    ("inactive_encryption", ""): "it would encrypt, but never acts: {idle}",
    ("inactive_encryption", "tried"): "it would encrypt, but is in a test mode ({mode})",
    (
        "unscoped_encryption",
        "",
    ): "it encrypts without a condition that limits its senders to people inside, but rules do not encrypt mail from outside",
    ("unscoped_encryption", "outside"): "it encrypts only mail from outside, which rules do not encrypt",
    (
        "retired_action",
        "",
    ): "apply_ome and remove_ome are retired: use apply_rights_protection_template and remove_ome_v2",
    ("encrypts_and_decrypts", ""): "it encrypts and decrypts, and the order is not guaranteed (U02)",
    ("for_all_mail", ""): "it has no condition, so it applies to all mail, incoming and outgoing",
    ("whole_copy", ""): "{option} protects everyone who shares the copy, and depends on how earlier rules split it",
    ("one_frees_all", ""): "the exception {option} removes protection for everyone who shares the copy",
    (
        "names_a_group",
        "",
    ): "sent_to names the group {group}, and matches none of its members: use sent_to_member_of or any_of_to_header",
    (
        "fails_open",
        "",
    ): "if Exchange cannot finish inspecting the content, it ignores the rule: set rule_error_action to Defer",
    (
        "fails_closed",
        "",
    ): "if Exchange cannot finish inspecting the content, it defers the message, and may return it to the sender (554 5.6.0)",
    ("branding_alone", ""): f"it {BRANDS_ONLY}",
    ("branding_missing", ""): (
        "it sets the branding {branding}, which is not an OME configuration of the organization:"
        " only Advanced Message Encryption allows more than the default one"
    ),
    ("unknown_pattern", ""): "sources disagree about what the pattern {pattern!r} means to Exchange (U18)",
    ("unknown_pattern", "too_large"): "the pattern {pattern!r} is too large for this collection to analyze (U18)",
    ("literal_asterisk", ""): "the asterisk in {word!r} stands for itself: words have no wildcards",
    (
        "value_never_matches",
        "",
    ): "{option} has {value!r}, which matches no mail, since Exchange takes it as it is written: write {instead}",
    ("subdomains", ""): "its exception for {domains} also applies to mail to all subdomains",
    ("subdomains", "decrypts"): "it also applies to mail to all subdomains of {domains}",
    ("typed_exception", "word"): "anybody can keep mail from it by writing {values!r}: the exception {option}",
    (
        "typed_exception",
        "pattern",
    ): "anybody can keep mail from it by writing what matches {values!r}: the exception {option}",
    ("typed_exception", "header"): "anybody who sets the header {header} can keep mail from it: the exception {option}",
    ("answers_missed", ""): "it misses answers: '{pattern}' does not match a subject that begins with 'RE:'",
    ("prefix_repeats", ""): (
        "it adds {prefix!r} again to the subject of each answer that it applies to: make an exception for subjects that have it"
    ),
    ("outsiders_locked_out", ""): (
        "people outside without a work or school account cannot open what it encrypts: {branding!r} has neither passcodes nor social IDs"
    ),
    ("two_templates", ""): "it applies {templates}: which one mail gets is not documented (U01)",
    ("on_premises_scope", ""): "the scopes ExternalPartner and ExternalNonPartner exist only on-premises",
    ("envelope_sender", ""): "it checks the envelope's sender, which is empty for automatic replies",
    (
        "auto_forward",
        "",
    ): "AutoForward matches mail that an Inbox rule forwards, but not mail that a mailbox setting forwards",
    (
        "adds_recipients",
        "",
    ): "whether later rules apply to the recipients that it adds, or redirects mail to, is not documented (U09)",
    ("shows_outside", "approval"): "it asks for approvals: {person}, who is outside{more}",
    ("shows_outside", "report"): "it sends incident reports with the original mail to {person}, who is outside{more}",
    ("shows_outside", "copy"): "it copies mail to {person}, who is outside{more}",
    ("shows_outside", "redirection"): "it redirects mail to {person}, who is outside{more}",
    ("internal_domains", ""): "it does not encrypt mail to {domains}: a remote domain makes people there internal",
    ("actions_left_undone", "stop"): "it asks for an approval: whether it then stops the later rules is not documented",
    (
        "actions_left_undone",
        "approval",
    ): "it asks for an approval and then takes no further action: Exchange ignores its {options}",
    ("actions_left_undone", "managed"): (
        "it asks for an approval, if the sender has a manager, and then takes no further action: Exchange ignores its {options}"
    ),
    (
        "actions_left_undone",
        "block",
    ): "its {options} has no effect beside {beside}: that takes two rules, the second of which has {beside}",
    ("actions_left_undone", "redirection"): "whether its {options} does anything beside {beside} is not documented",
    ("dlp_rule", ""): "it does nothing: {idle}",
    ("unsupported", ""): "{reason}",
}


def lint_rows(found: Iterable[LintFinding]) -> list[dict[str, Any]]:
    """Findings as results have them: ``kind``, ``rules`` (names) and ``reason``."""
    return [
        {"kind": each.kind, "rules": list(dict.fromkeys(each.rules)), "reason": visible_line(_reason(each))}
        for each in found
    ]


def _reason(found: LintFinding) -> str:
    rule, *others = found.rules or ("",)
    which, values = (found.kind, found.about.get("case", "")), _values(found.about, rule)
    if which in _OF_ONE:
        return f"The rule {rule!r}: {_OF_ONE[which].format(**values)}."
    stop = f"{listed([repr(each) for each in others], joint='and')} {'stops' if len(others) == 1 else 'stop'}"
    doing = f"{listed([repr(each) for each in others], joint='and')} {'does' if len(others) == 1 else 'do'}"
    every = {
        "doing": doing,
        "every": listed(list(map(repr, found.rules)), joint="and"),
        "encrypt": "encrypt" if others else "encrypts",
    }
    return _SENTENCES[which].format(**values, **every, rule=rule, other="".join(others[:1]), others=stop)


def _values(about: Mapping[str, Any], rule: str) -> dict[str, Any]:
    """What a sentence names, as it is written there."""
    found = {key: ", ".join(value) if isinstance(value, (tuple, list)) else value for key, value in about.items()}
    others = about.get("others", 0)
    found["more"] = f", and the same holds for {others} others" if others else ""
    if "pattern" in about:
        found["pattern"] = short(about["pattern"])
    if "templates" in about:
        found["templates"] = " and ".join(about["templates"])
    if "reason" in about:
        found["reason"] = reason_text(about["reason"], "it")
    if "idle" in about:
        found["idle"] = reason_text(Reason("", about["idle"]))
    if "why" in about:
        found["why"] = CONNECTOR_IDLE.get(about["why"], "not there")
    return found
