# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about a rule set, as results have them, each with its reason."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._exchange.text import listed, quoted, short, visible_line
from ..._resources.rules.rule import BRANDS_ONLY
from ..analyses.lint_kinds import LINT_KINDS, LintKind
from ..analyses.single_rule_lint import LintFinding
from ..model.kleene import Reason
from .instants import instant_words
from .reasons import CONNECTOR_IDLE, reason_text
from .row import ResultRow, as_list, one_of_texts
from .sentences import template_name

#: Kind and case of a finding about one rule to what is said of it, after its name. Rules of which the same is said share
#: a sentence.
_OF_ONE: Mapping[tuple[LintKind, str], str] = {
    ("expired", ""): "ended on {date}",
    ("expiring", ""): "encrypts, and ends on {date}",
    ("inactive_encryption", ""): "would encrypt, but never acts: {idle}",
    ("inactive_encryption", "tried"): "would encrypt, but is in a test mode ({mode})",
    ("unscoped_encryption", ""): (
        "encrypts without a condition that limits its senders to people inside, but rules do not encrypt mail from outside"
    ),
    ("unscoped_encryption", "outside"): "encrypts only mail from outside, which rules do not encrypt",
    ("retired_action", ""): (
        "uses a retired action: use apply_rights_protection_template instead of apply_ome, and remove_ome_v2 instead of remove_ome"
    ),
    ("encrypts_and_decrypts", ""): "encrypts and decrypts, and the order is not guaranteed (U02)",
    ("for_all_mail", ""): "has no condition, so it applies to all mail, incoming and outgoing",
    ("whole_copy", ""): "protects everyone who shares the copy by {option}, and depends on how earlier rules split it",
    ("one_frees_all", ""): (
        "loses protection for everyone who shares the copy if one of them matches its exception {option}"
    ),
    ("names_a_group", ""): (
        "names the group {group} in sent_to, which matches none of its members: use sent_to_member_of or any_of_to_header"
    ),
    ("fails_open", ""): ("is ignored if Exchange cannot finish inspecting the content: set rule_error_action to Defer"),
    ("fails_closed", ""): (
        "defers the message if Exchange cannot finish inspecting the content: it may return to the sender (554 5.6.0)"
    ),
    ("branding_alone", ""): BRANDS_ONLY,
    ("branding_missing", ""): (
        "sets the branding {branding}, but the organization has no OME configuration of that name: create it with ome_configuration, which"
        " needs Advanced Message Encryption, or name one that exists"
    ),
    ("unknown_pattern", ""): "has the pattern {pattern}: sources disagree about what it means to Exchange (U18)",
    (
        "unknown_pattern",
        "too_large",
    ): "has the pattern {pattern}, which is too large for this collection to analyze (U18)",
    ("literal_asterisk", ""): "has {word}, whose asterisk stands for itself: words have no wildcards",
    ("set_of_letters", ""): (
        "has the pattern {pattern}, whose brackets stand for any one of the letters in them: write {tag} for the brackets themselves"
    ),
    ("value_never_matches", ""): (
        "has {value} in {option}, which matches no mail, since Exchange takes it as it is written: write {instead}"
    ),
    ("extension_with_dot", ""): (
        "has {value} in {option}: whether Exchange ignores the dot is not documented, so write {instead}"
    ),
    ("no_such_person", ""): "has {value} in {option}, which is no address of the organization, as far as the facts say",
    ("web_domain", ""): (
        "has the domain {value} in {option}, which is named as web sites are: {instead} itself is not meant by it"
    ),
    ("misspelled", ""): "names {value}, which may be misspelled: the facts have {meant}",
    ("subdomains", ""): "also exempts mail to all subdomains of {domains}",
    ("subdomains", "decrypts"): "also decrypts mail to all subdomains of {domains}",
    ("typed_exception", "word"): "lets anybody keep mail from it by writing {values}: its exception is {option}",
    ("typed_exception", "pattern"): (
        "lets anybody keep mail from it by writing what matches {values}: its exception is {option}"
    ),
    ("typed_exception", "importance"): (
        "lets anybody keep mail from it by giving it the importance {values}: its exception is {option}"
    ),
    ("typed_exception", "header"): (
        "lets anybody who sets the header {header} keep mail from it: its exception is {option}"
    ),
    ("idle_exception", ""): "has the exception {option}, which never applies: no mail of the rule matches it",
    ("idle_exception", "one of several"): (
        "has the exception {option}, which never applies: no mail of the rule matches it, or other exceptions already match that mail"
    ),
    ("answers_missed", ""): "misses answers: {pattern} does not match a subject that begins with 'RE:'",
    ("prefix_repeats", ""): (
        "adds {prefix} again to the subject of each answer that it applies to: make an exception for subjects that have it"
    ),
    ("prefix_repeats", "missed"): (
        "adds {prefix} again to the subject of each answer that it applies to: its exception {pattern} misses a subject that"
        " begins with 'RE: '"
    ),
    ("outsiders_locked_out", ""): (
        "encrypts mail that people outside without a work or school account cannot open:"
        " {branding} has neither passcodes nor social IDs"
    ),
    ("two_templates", ""): "applies {templates}: which one mail gets is not documented (U01)",
    ("template_outside", ""): (
        "protects mail to people outside with {template}: they can open it only if it grants them rights"
    ),
    ("on_premises_scope", ""): "uses the scope ExternalPartner or ExternalNonPartner, which exists only on-premises",
    ("envelope_sender", ""): "checks the envelope's sender, which is empty for automatic replies",
    ("auto_forward", ""): (
        "looks for AutoForward, which matches mail that an Inbox rule forwards, but not mail that a mailbox setting forwards"
    ),
    ("adds_recipients", ""): (
        "adds recipients, or redirects mail to them: whether later rules apply to them is not documented (U09)"
    ),
    ("shows_outside", "approval"): "shows mail for approval to {person}, who is outside{more}",
    ("shows_outside", "report"): "sends incident reports with the original mail to {person}, who is outside{more}",
    ("shows_outside", "copy"): "sends copies to {person}, who is outside{more}",
    ("shows_outside", "redirection"): "redirects mail to {person}, who is outside{more}",
    ("internal_domains", ""): "leaves mail to {domains} unencrypted: a remote domain makes people there internal",
    ("actions_left_undone", "stop"): "asks for an approval: whether it then stops the later rules is not documented",
    ("actions_left_undone", "approval"): (
        "asks for an approval and then takes no further action: Exchange ignores its {options}"
    ),
    ("actions_left_undone", "managed"): (
        "asks for an approval, if the sender has a manager, and then takes no further action: Exchange ignores its {options}"
    ),
    ("actions_left_undone", "block"): (
        "has {options}, which has no effect beside {beside}: that takes two rules, the second of which has {beside}"
    ),
    ("actions_left_undone", "redirection"): (
        "has {options}: whether that does anything beside {beside} is not documented"
    ),
    ("dlp_rule", ""): "does nothing: {idle}",
    ("unsupported", ""): "cannot be fully read: {reason}",
    ("never_acts", "dates"): "does not act yet: it begins on {date}",
    ("never_acts", "unmet"): "never acts: no mail meets its condition {options}, as far as the facts say",
    ("never_acts", "contradiction"): (
        "never acts: no mail meets its conditions {options} together, as far as the facts say"
    ),
    ("never_acts", "changed"): "never acts: after what earlier rules change, no mail meets its conditions",
    ("never_acts", "one line"): (
        "never acts: behind what earlier rules put before the subject, no subject of one line meets its conditions"
    ),
    ("never_acts", "exceptions"): (
        "never acts: all mail that meets its conditions meets its exceptions, too: {options}"
    ),
    ("never_acts", "exceptions, one line"): (
        "never acts: all mail with a subject of one line that meets its conditions meets its exceptions, too: {options}"
    ),
    ("never_acts", "nobody"): "never acts: nobody is a member of {groups}, as far as the facts say",
}

#: Kind and case of other findings to their sentences: ``rule`` has the problem, beside the ``other`` one.
_SENTENCES: Mapping[tuple[LintKind, str], str] = {
    ("misspelled", "rules"): "{rule} names {value} and {other} names {meant}: one of them may be misspelled.",
    ("equal_rules", ""): "The rules {rule} and {other} are duplicates.",
    ("covered_rule", ""): "The rule {rule} does nothing of its own: {others} {do} the same to all of its mail.",
    ("never_acts", "stopped"): "The rule {rule} never acts: none of its mail gets past {others}.",
    ("never_acts", "stopped, one line"): (
        "The rule {rule} never acts: none of its mail with a subject of one line gets past {others}."
    ),
    ("encrypt_meets_decrypt", ""): (
        "{rule} encrypts and {other} decrypts the same message: the result is not documented (U02)."
    ),
    ("stops_after_encryption", ""): (
        "{rule} stops processing, but {other} has encrypted some of its mail by then, and no later rule would encrypt any."
    ),
    ("typed_stop", "word"): (
        "Anybody can keep mail from {other} by writing {values}: {rule} comes first, by its condition {option}."
    ),
    ("typed_stop", "pattern"): (
        "Anybody can keep mail from {other} by writing what matches {values}: {rule} comes first, by its condition {option}."
    ),
    ("typed_stop", "importance"): (
        "Anybody can keep mail from {other} by giving it the importance {values}: {rule} comes first, by its condition {option}."
    ),
    ("typed_stop", "header"): (
        "Anybody who sets the header {header} can keep mail from {other}: {rule} comes first, by its condition {option}."
    ),
    ("disclaimer_meets_rule", ""): (
        "The text that {rule} adds meets the condition {option} of {other}: it then applies to mail that only has it from there."
    ),
    ("disclaimer_meets_rule", "exception"): (
        "The text that {rule} adds meets the exception {option} of {other}: it then no longer applies to mail that only has it"
        " from there."
    ),
    ("disclaimer_meets_rule", "perhaps"): (
        "The text that {rule} adds meets the condition {option} of {other}: it may then apply to mail that only has it from there."
    ),
    ("disclaimer_meets_rule", "exception, perhaps"): (
        "The text that {rule} adds meets the exception {option} of {other}: it may then no longer apply to mail that only has it"
        " from there."
    ),
    ("gateway_gets_ciphertext", ""): (
        "{every} {encrypt} mail that leaves through the connector {connector} to {hosts}, which gets ciphertext: its filters see nothing."
    ),
    ("journal_keeps_ciphertext", ""): (
        "The journal rule {journal} keeps what {every} {encrypt} as ciphertext: journal_report_decryption_enabled is false."
    ),
    ("connector_misses_subdomains", ""): (
        "The connector {connector} forces TLS to {domain}, and not to its subdomains, which *.{domain} would cover."
    ),
    ("connector_of_no_rule", ""): (
        "The connector {connector} takes only mail that rules route to it, and no rule does."
    ),
    ("routed_to_disabled_connector", ""): (
        "{rule} routes mail to the connector {connector}, which is {why}: how that mail leaves is not documented (U32)."
    ),
    ("routed_to_disabled_connector", "stops"): (
        "{rule} routes mail to the connector {connector}, which is {why}, and stops processing: how that mail leaves is not"
        " documented (U32), and no later rule applies to it."
    ),
    ("stops_for_disabled_connector", ""): (
        "{rule} stops processing for mail to {domain}, and the connector {connector}, which would force TLS for it, is disabled."
    ),
    ("dlp_removes_what_rules_encrypt", ""): (
        "The DLP rule {dlp} of the policy {policy} takes the protection of mail away that {rule} encrypts."
    ),
    ("dlp_removes_what_rules_encrypt", "perhaps"): (
        "The DLP rule {dlp} of the policy {policy} may take the protection of mail away that {rule} encrypts (U33)."
    ),
    ("dlp_removes_what_rules_encrypt", "several"): (
        "The DLP rule {dlp} of the policy {policy} takes the protection of mail away that {rule} encrypts, unless another DLP"
        " rule that matches acts instead (U36)."
    ),
    ("dlp_removes_what_rules_encrypt", "unclear"): (
        "The DLP rule {dlp} of the policy {policy} may take the protection of mail away that {rule} encrypts: not all that"
        " it does was understood (U33)."
    ),
    ("dlp_and_rule_differ", ""): (
        "The DLP rule {dlp} of the policy {policy} protects mail with {templates} that {rule} protects otherwise: which one"
        " it gets is not documented (U36)."
    ),
    ("dlp_and_rule_differ", "perhaps"): (
        "The DLP rule {dlp} of the policy {policy} may protect mail with {templates} that {rule} protects otherwise: which"
        " one it gets is not documented (U33, U36)."
    ),
    ("template_used_by_dlp", ""): (
        "The DLP rule {dlp} of the policy {policy} uses the OME configuration {template}, and no mail flow rule does: keep it."
    ),
    ("template_used_by_dlp", "missing"): (
        "The DLP rule {dlp} of the policy {policy} uses {template}, which is not an OME configuration of the organization."
    ),
    ("dlp_in_test_mode", ""): (
        "The DLP rule {dlp} does nothing to mail: its policy {policy} is in a test mode ({mode})."
    ),
    ("label_and_rule_differ", ""): (
        "Mail with the sensitivity label {label}, which policies set, gets its protection, and not that of {every}."
    ),
    ("too_complex", ""): (
        "The rules are too complex for all checks: some rules that never act, or that another rule blocks, may be missing."
    ),
}

#: Kind and case of findings about a rule beside a ``last`` one. Rules that have the same problem with that one share a sentence:
#: ``all`` of them have it, or ``each`` of them.
_BESIDE_LAST: Mapping[tuple[LintKind, str], str] = {
    ("templates_meet", ""): (
        "{last} and {each} apply different templates to the same message: which one it gets is not documented (U01)."
    ),
    ("ends_before_encryption", ""): "{all} {stop} mail that {last} would encrypt.",
    ("ends_before_encryption", "quarantine"): (
        "{all} {quarantine} mail that {last} would encrypt: once released, it meets no later rule."
    ),
}

#: What a finding names that is quoted: names, and what people write.
_QUOTED = frozenset(
    (
        "branding",
        "connector",
        "journal",
        "meant",
        "pattern",
        "prefix",
        "tag",
        "template",
        "value",
        "values",
        "word",
        "dlp",
        "policy",
        "label",
    )
)


@dataclass(frozen=True)
class LintRow(ResultRow):
    """A problem of rules.

    :param rules: the names of the rules that have it.
    :param reason: the problem, as a sentence.
    """

    kind: LintKind = field(metadata=one_of_texts(LINT_KINDS))
    rules: tuple[str, ...] = field(metadata=as_list())
    reason: str


def lint_rows(findings: Iterable[LintFinding]) -> list[LintRow]:
    """Findings in words. Rules that have the same problem share a row."""
    alike: dict[Hashable, list[LintFinding]] = {}
    for finding in findings:
        alike.setdefault(_problem(finding), []).append(finding)
    return list(map(_row, alike.values()))


#: The problems by which mail is not protected as the rules, or their connectors, were meant to, or is shown to people outside.
_LEAVING_MAIL_OPEN: frozenset[LintKind] = frozenset(
    (
        "answers_missed",
        "connector_misses_subdomains",
        "dlp_removes_what_rules_encrypt",
        "ends_before_encryption",
        "expired",
        "extension_with_dot",
        "inactive_encryption",
        "internal_domains",
        "literal_asterisk",
        "misspelled",
        "names_a_group",
        "never_acts",
        "no_such_person",
        "routed_to_disabled_connector",
        "set_of_letters",
        "shows_outside",
        "stops_for_disabled_connector",
        "typed_exception",
        "typed_stop",
        "unscoped_encryption",
        "value_never_matches",
    )
)


def lint_lines(rows: Sequence[LintRow], most: int) -> list[str]:
    """Problems as lines of a terminal: first those that leave mail open.

    :param most: the maximum number of problems to name.
    """
    if not rows:
        return ["Lint: no problem found."]
    ordered = sorted(rows, key=lambda row: row.kind not in _LEAVING_MAIL_OPEN)
    lines = [f"Lint: {row.reason}" for row in ordered[:most]]
    more = len(rows) - most
    return [*lines, f"Lint: {more} more {'is' if more == 1 else 'are'} in the result (lint)."] if more > 0 else lines


def _row(findings: Sequence[LintFinding]) -> LintRow:
    key = _key(findings[0])
    if key in _BESIDE_LAST:
        first, last = [finding.rules[0] for finding in findings], findings[0].rules[-1]
        return LintRow(findings[0].kind, (*first, last), visible_line(_text_beside_last(key, first, last)))
    rules = tuple(dict.fromkeys(rule for finding in findings for rule in finding.rules))
    text = _finding_text(findings[0])
    reason = f"{_subject(rules)} {text}." if key in _OF_ONE else text
    return LintRow(findings[0].kind, rules, visible_line(reason))


def _text_beside_last(key: tuple[LintKind, str], first: Sequence[str], last: str) -> str:
    """What is said of rules that have the same problem with a last one."""
    names, one = _all_names(first), len(first) == 1
    return _BESIDE_LAST[key].format(
        last=quoted(last),
        all=names,
        each=names if one else f"each of {names}",
        stop="stops" if one else "stop",
        quarantine="quarantines" if one else "quarantine",
    )


def _problem(finding: LintFinding) -> Hashable:
    """What is equal for rules that have the same problem."""
    about = {key: value.values[1:] if isinstance(value, Reason) else value for key, value in finding.about.items()}
    key = _key(finding)
    others = () if key in _OF_ONE else finding.rules[1:] if key in _BESIDE_LAST else finding.rules
    return finding.kind, others, repr(about)


def _subject(rules: Sequence[str]) -> str:
    return f"The rule {quoted(rules[0])}" if len(rules) == 1 else f"Each of the rules {_all_names(rules)}"


def _all_names(names: Sequence[str]) -> str:
    return listed(list(map(quoted, names)), joint="and", most=len(names))


def _first_names(names: Sequence[str]) -> str:
    return listed(list(map(quoted, names)), joint="and")


def _key(finding: LintFinding) -> tuple[LintKind, str]:
    return finding.kind, finding.about.get("case", "")


def _finding_text(finding: LintFinding) -> str:
    """The words of a finding; of one about a single rule those that follow its name."""
    form = _OF_ONE.get(_key(finding))
    if form is not None:
        return form.format(**_values(finding.about))
    rule, *others = finding.rules or ("",)
    one, one_other = len(finding.rules) == 1, len(others) == 1
    names = {
        "rule": quoted(rule),
        "other": "".join(map(quoted, others[:1])),
        "others": _first_names(others),
        "do": "does" if one_other else "do",
        "every": _first_names(finding.rules),
        "encrypt": "encrypts" if one else "encrypt",
    }
    return _SENTENCES[_key(finding)].format(**_values(finding.about), **names)


def _values(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a sentence names, as it is written there."""
    values = {key: _value(key, value) for key, value in about.items()}
    others = about.get("others", 0)
    values["more"] = f", and to {others} other{'' if others == 1 else 's'}" if others else ""
    return values


def _value(key: str, value: Any) -> str:
    if key in _QUOTED:
        return quoted(short(value) if key == "pattern" else str(value))
    if key == "date":
        return instant_words(value)
    if key == "templates":
        return " and ".join(map(template_name, value))
    if key == "reason":
        return reason_text(value, "it")
    if key == "idle":
        return reason_text(Reason("", value))
    if key == "why":
        return CONNECTOR_IDLE.get(value, "not there")
    if isinstance(value, (tuple, list)):
        return listed(value, joint="or" if key == "groups" else "and", most=len(value))
    return str(value)
