# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggested edits of rules, as rows of results and as lines of a terminal."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from ..._exchange.cmdlet import Call
from ..._exchange.text import listed, value_text, visible, visible_line
from ..._resources.compliance.dlp_policies import ACTS
from ..._resources.rules.fields import SECTIONS
from ..analyses.aspects import DifferenceKind
from ..analyses.finding import ChangedMail, MailFinding, MayChangeUnusual
from ..analyses.judgment import Counterexample, Judgment
from ..model import questions
from ..repair.advice import EXPIRY, Advice
from ..repair.aims import ENABLE, Rule, RuleEdit, as_options, name_of, unwritten
from ..repair.connector_edits import ConnectorEdit
from ..repair.suggestion import GoalSuggestions, Suggestion, TraceEffect
from ..simulator.assumptions import SHOWN
from .contradicted import certainty
from .difference import difference_rows, effects_of
from .guarantees import guarantee_rows
from .replay import number_of, window_row
from .replay_row import ChangedCopiesRow
from .sentences import WOULD_BECOME, mail_of, mail_of_change
from .suggestion_row import SuggestionRow, TraceEffectRow
from .summary import is_about_unusual_mail, message_words, reasons_words, refutation

Row = dict[str, Any]

#: The maximum number of guarantees to name that forbid an edit.
_FORBIDDING = 3

#: The maximum number of kinds of mail to name that edits harm.
_MOST_LOSSES = 3

#: Kind of loss to how edits harm mail.
_LOSE = {
    DifferenceKind.PROTECTION_LOST: "it takes encryption from {}",
    DifferenceKind.DELIVERY_LOST: "it stops the delivery of {}",
    DifferenceKind.TRANSIT_LOST: "it weakens the protection by TLS of {}",
    DifferenceKind.DELIVERY_GAINED: "it delivers what a rule keeps back at present: {}",
}

#: Kind of edit to its words: where the option is new, where it goes, and where its value changes.
_WORDS = {
    "move": ("", "", "move {rule} from priority {before} to {after} ({beside})"),
    "add": ("add {rule} at priority {after} ({beside})", "", ""),
    "stop": ("", "remove stop_rule_processing from {rule}", ""),
    "exception": (
        "add the exception {option}: {after} to {rule}",
        "remove the exception {option}: {before} from {rule}",
        "change the exception {option} of {rule} from {before} to {after}",
    ),
    "condition": (
        "add the condition {option}: {after} to {rule}",
        "remove the condition {option}: {before} from {rule}",
        "change the condition {option} of {rule} from {before} to {after}",
    ),
    "action": (
        "add the action {option}: {after} to {rule}",
        "remove the action {option} from {rule}",
        "change the action {option} of {rule} from {before} to {after}",
    ),
}

#: The maximum number of sentences about the mail that a suggestion changes.
_MOST_CHANGES = 2

#: The words before these sentences: they say how mail is treated then, and nothing is applied yet.
_ONCE_APPLIED = "Once this is applied: "


def suggestion_rows(
    goals: Iterable[GoalSuggestions], present: Sequence[Rule], to_yaml: Callable[[Any], str]
) -> list[SuggestionRow]:
    """The suggestions as rows, with sentences.

    :param present: the rules before the edits.
    :param to_yaml: writes a value as YAML.
    """
    rows: list[SuggestionRow] = []
    for goal in goals:
        tried = asdict(goal.tried)
        if goal.advice:
            text = " ".join([*_contradicting(goal), _advice(goal.advice)])
            unless = dict(goal.advice.unless) if goal.advice.unless else None
            edits = _configuration_edits(goal.advice)
            rows.append(SuggestionRow(about=goal.name, tried=tried, text=text, edits=edits, unless=unless))
        for suggestion in goal.suggestions:
            row = SuggestionRow(
                about=goal.name,
                tried=tried,
                text=_text(suggestion),
                puts_right=_settles(suggestion.settled) if suggestion.settled else _puts_right(suggestion.puts_right),
                left_open=_left_open(suggestion.left_open) if suggestion.left_open else "",
            )
            if suggestion.connector:
                rows.append(_with_connector(row, suggestion.connector))
            else:
                rows.append(_with_edits(row, suggestion, present, to_yaml))
        if not (goal.suggestions or goal.advice):
            text = " ".join([*_contradicting(goal)] or [_nothing(goal)])
            rows.append(SuggestionRow(about=goal.name, tried=tried, text=text))
    return rows


def _with_connector(row: SuggestionRow, edit: ConnectorEdit) -> SuggestionRow:
    """The row with the edits of a connector, which people make."""
    return replace(row, edits=tuple(map(_connector_row, edit.every)), cmdlet=str(_connector_call(edit)))


def _with_edits(
    row: SuggestionRow, suggestion: Suggestion, present: Sequence[Rule], to_yaml: Callable[[Any], str]
) -> SuggestionRow:
    """The row with edits of rules, and what they do."""
    changes, more = difference_rows(suggestion.difference)
    usual = [finding for finding in suggestion.changes if not isinstance(finding, MayChangeUnusual)]
    effect, unsaid = effects_of(usual, _MOST_CHANGES)
    rules, names = as_options(suggestion.rules, present), {edit.rule for edit in suggestion.edits}
    before, after = (
        to_yaml(_shown(options, suggestion.edits)).splitlines() for options in (as_options(present, ()), rules)
    )
    return replace(
        row,
        edits=tuple(edit.as_row() for edit in suggestion.edits),
        effect=f"{_ONCE_APPLIED}{effect}{_not_said(unsaid + suggestion.difference.more)}" if effect else "",
        rules=tuple(rules),
        difference=tuple(changes),
        difference_more=more,
        yaml=to_yaml([rule for rule in rules if name_of(rule) in names]),
        diff="\n".join(difflib.unified_diff(before, after, "present", "suggested", lineterm="")),
        unwritten=tuple(unwritten(suggestion.rules)),
        until=suggestion.until.isoformat() if suggestion.until else "",
        replay=_replay(suggestion.replay) if suggestion.replay else None,
    )


def _puts_right(counterexamples: Sequence[Counterexample]) -> str:
    """What edits put right, as a sentence; empty if that is not known."""
    mail = list(dict.fromkeys(map(_mail_put_right, counterexamples)))
    return visible_line(f"This puts right {', and '.join(mail)}.") if mail else ""


def _settles(settled: Judgment) -> str:
    """What edits settle of a guarantee that was unknown, as a sentence."""
    (row,) = guarantee_rows([settled])
    return visible_line(f"The guarantee is proved then. So far it is not: {reasons_words(row.unknown)}.")


def _mail_put_right(counterexample: Counterexample) -> str:
    """A message that breaks a guarantee, in words; of a copy that a rule makes, with whose it is."""
    message, recipient = counterexample.message, counterexample.recipient
    named = [str(person) for field in ("to", "cc", "bcc") for person in message.get(field) or ()]
    if not named or recipient.lower() in (person.lower() for person in named):
        return message_words(message, recipient)
    cause = counterexample.cause
    copies = f"the rule {cause.rule!r} copies" if cause and cause.kind == "sends_copy" else "a rule copies"
    return f"{message_words(message, named[0])}, which {copies} to {recipient}"


def _not_said(kinds: int) -> str:
    """The number of kinds of mail that no sentence names, in words; empty if there are none."""
    if not kinds:
        return ""
    return f" {kinds} more kind{' of mail changes' if kinds == 1 else 's of mail change'}, or may: see difference."


def _replay(effect: TraceEffect) -> TraceEffectRow:
    """Copies of a trace, counted: who got them is not told."""
    changes = tuple(
        ChangedCopiesRow(kind=kind, certain=copies.certain, possible=copies.possible)
        for kind, copies in effect.changes.items()
    )
    return TraceEffectRow(window_row(effect.window), effect.copies, changes)


def _shown(rules: Iterable[Rule], edits: Iterable[RuleEdit]) -> list[Rule]:
    """All rules by their names, and those that are edited, and not only moved, as they are."""
    edited = {edit.rule for edit in edits if edit.kind != "move"}
    return [rule if name_of(rule) in edited else {"name": name_of(rule)} for rule in rules]


def _text(suggestion: Suggestion) -> str:
    """Edits as a sentence, with what they cost: ``Move the rule 'Encrypt' from priority 3 to 0 (before 'Partners'), but it
    takes encryption from mail to fabrikam.com.``
    """
    if suggestion.connector:
        return _connector_text(suggestion.connector, suggestion.left_open)
    first, *others = suggestion.edits
    names = list(map(name_of, suggestion.rules))
    texts = [_edit(first, names, f"the rule {first.rule!r}")]
    texts += [_edit(edit, names, "it" if edit.rule == first.rule else f"the rule {edit.rule!r}") for edit in others]
    text = " and ".join(texts)
    until = f", which helps only until {suggestion.until.isoformat()}" if suggestion.until else ""
    return visible_line(
        f"{text[:1].upper()}{text[1:]}{until}{_losses([*suggestion.losses, *suggestion.delivers])}.{_still_open(suggestion.left_open)}"
    )


def _still_open(verdict: Judgment | None) -> str:
    """The sentence after one about edits on what they leave open."""
    if verdict is None:
        return ""
    head = "What stays open: " if verdict.counterexample else ""
    return f" {head}{_left_open(verdict)}"


def _left_open(verdict: Judgment) -> str:
    """What edits leave open, as a sentence: the message that still breaks the guarantee, or what is unknown."""
    (row,) = guarantee_rows([verdict])
    if row.counterexample:
        return refutation(row)
    if any(reason.kind == _NOT_INSIDE for reason in verdict.unknown):
        return f"{_UNAUTHENTICATED}: let its sender sign in, or let a connector take the mail."
    if all(reason.id == SHOWN for reason in verdict.unknown):
        shown = [
            f"what the rule {rule!r} shows {person}" for person, rule in (reason.values for reason in verdict.unknown)
        ]
        what = listed(shown, joint="and")
        return f"{what[:1].upper()}{what[1:]} stays open."
    return f"It is not proved then: {reasons_words(row.unknown)}."


#: What rules cannot do for senders who do not sign in.
_UNAUTHENTICATED = f"Rules do not surely encrypt mail whose sender did not sign in ({questions.FORWARDED})"


def _advice(advice: Advice) -> str:
    """Advice other than an edit, as a sentence."""
    return visible_line(_OF_ADVICE[advice.kind](advice))


def _to_sign_in(advice: Advice) -> str:
    return f"Let {advice.value} sign in, or let a connector take its mail. {_UNAUTHENTICATED}."


def _without_template(advice: Advice) -> str:
    return (
        f"The message arrives protected already, and no edit was found that gives it {advice.value!r} instead. If any"
        " protection will do, leave the template out of the guarantee: it holds without."
    )


def _opposed_rule(advice: Advice) -> str:
    (rule,) = map(repr, advice.rules)
    return (
        f"The rule {rule} is for this very mail, and keeps it from delivery. If that is intended, drop the guarantee;"
        " if it is not, disable the rule."
    )


def _expiry(advice: Advice) -> str:
    return (
        f"Set external_mail_expiry_in_days of the OME configuration {advice.value!r} to {advice.days} or less. All mail"
        f" that shows it then expires as early.{_still_open(advice.left_open)}"
    )


def _one_more_branding(advice: Advice) -> str:
    expiring = f" whose external_mail_expiry_in_days is {advice.days} or less" if advice.days else ""
    return (
        f"Add an OME configuration{expiring}, and let the rule that encrypts this mail apply it. There is none but the"
        f" default one{', with which no mail expires' if advice.days else ''}."
    )


def _without_kept_back_mail(advice: Advice) -> str:
    several = len(advice.rules) > 1
    names = [repr(rule) for rule in advice.rules]
    rules = f"rule{'s' if several else ''} {listed(names, joint='and', most=len(names))}"
    return (
        f"The {rules} {'keep' if several else 'keeps'} some of this mail from delivery. If that is intended, leave it"
        f" out of the guarantee, with unless: {json.dumps(advice.unless)}.{_still_open(advice.left_open)}"
    )


def _other_claim(advice: Advice) -> str:
    return (
        "No such mail is delivered unprotected, but rules keep some of it from delivery. If that is intended, use then:"
        f" {advice.value}."
    )


def _without_returned_mail(advice: Advice) -> str:
    """The advice that a guarantee leaves out what may come back from a connector, as a sentence."""
    (guard,) = advice.rules
    does = f"stops mail that may come back from the connector of the rule {advice.value!r}"
    if guard == advice.value:
        does = "exempts mail that may come back from its connector"
    return (
        f"The rule {guard!r} {does}: without that, such mail would go round in a loop. Leave it out of the guarantee,"
        f" {_with_unless(advice)}"
    )


def _configuration_edits(advice: Advice) -> tuple[Row, ...]:
    """The edit of an OME configuration that advice is, as a row; none for other advice."""
    if advice.kind != "expiry":
        return ()
    return ({"kind": "ome_configuration", "configuration": advice.value, "option": EXPIRY, "after": advice.days},)


def _for_mail_from_outside(advice: Advice) -> str:
    """What helps a guarantee that mail from outside breaks, as a sentence."""
    head = "Rules do not encrypt mail from outside, so no edit of them helps"
    if advice.unless:
        return f"{head}. Leave it out of the guarantee, {_with_unless(advice)}"
    return f"{head}: only its senders can protect it. Drop the guarantee, or ask for mail from inside."


#: What a DLP rule does to mail, as causes call it, to that in words and to what of the rule does it.
_DLP_ACTIONS = {
    "dlp_decrypts": ("takes the protection of this mail away", "remove_rms_template"),
    "dlp_undoes": ("takes the protection of this mail away", "remove_rms_template"),
    "dlp_encrypts": ("encrypts this mail", "encrypt_rms_template"),
    "dlp_blocks": ("blocks this mail", "block_access"),
    "dlp_redirects": ("redirects this mail", "redirect_message_to"),
    "dlp_quarantines": ("puts this mail in quarantine", "quarantine"),
    "dlp_holds": ("holds this mail for approval", "approval"),
}


def _by_hand(advice: Advice) -> str:
    """What to edit in a DLP rule, or to leave out of a guarantee for it, as a sentence."""
    does, action = _DLP_ACTIONS[advice.value]
    (rule,) = map(repr, advice.rules)
    of_policy = f" of the policy {advice.policy!r}" if advice.policy else ""
    left_out = f", {_with_unless(advice)}" if advice.unless else "."
    return (
        f"The DLP rule {rule}{of_policy} {does} after all mail flow rules, so no edit of them helps. If that is not"
        f" intended, add an exception to the DLP rule, or remove its {action}, by hand. If it is, leave this mail out of the"
        f" guarantee{left_out}"
    )


def _by_switching_on(advice: Advice) -> str:
    """What of a DLP policy to switch on by hand, as a sentence."""
    (rule,) = map(repr, advice.rules)
    does = (
        f"Set the mode of the DLP policy {advice.policy!r} to {ACTS}, by hand: its rule {rule} could prevent this"
        if advice.value == "dlp_tested"
        else f"Enable the DLP rule {rule}, and its policy {advice.policy!r}, by hand: it could prevent this"
    )
    return f"{does}.{_still_open(advice.left_open) or ' The guarantee holds then.'}"


def _without_copies(advice: Advice) -> str:
    """How a guarantee does without the copies that rules make, as a sentence."""
    kind = f"DLP rule {advice.rules[0]!r} of the policy {advice.policy!r}" if advice.policy else ""
    by = f"the {kind or f'rule {advice.rules[0]!r}'} sends" if advice.rules else "rules send"
    head = f"What breaks this is the copy that {by} {advice.value}, and no edit was found that puts it right and costs nothing else"
    if advice.unless:
        left_out = "mail to who gets them" if advice.kind == "copied_to" else "that mail"
        return f"{head}. If such copies need not count, leave {left_out} out of the guarantee, {_with_unless(advice)}"
    holds = _still_open(advice.left_open) or " The guarantee holds then."
    return f"{head}. If such copies need not count, set copies: recipients_only.{holds}"


def _without_added_people(advice: Advice) -> str:
    """How a guarantee leaves out mail to those whom rules add, as a sentence."""
    rules = listed([repr(rule) for rule in advice.rules], joint="and")
    several = len(advice.rules) > 1
    return (
        f"Only mail that is also addressed to somebody whom the rule{'s' if several else ''} {rules} {'add' if several else 'adds'}"
        f" keeps this from a proof. Leave it out of the guarantee, {_with_unless(advice)}"
    )


def _with_unless(advice: Advice) -> str:
    """The exceptions that a guarantee is advised to take, and whether it is kept with them: the end of a sentence."""
    holds = _still_open(advice.left_open) if advice.left_open else " It holds then."
    return f"with unless: {json.dumps(advice.unless)}.{holds}"


#: Kind of advice to its words.
_OF_ADVICE: dict[str, Callable[[Advice], str]] = {
    "sign_in": _to_sign_in,
    "template": _without_template,
    "from_outside": _for_mail_from_outside,
    "dlp": _by_hand,
    "dlp_idle": _by_switching_on,
    "copies": _without_copies,
    "copied_to": _without_copies,
    "added": _without_added_people,
    "opposed_rule": _opposed_rule,
    "returned": _without_returned_mail,
    "expiry": _expiry,
    "add_branding": _one_more_branding,
    "unless": _without_kept_back_mail,
    "then": _other_claim,
}


#: The kind of a reason that a sender is not known to be inside.
_NOT_INSIDE = "sender_not_inside"

#: Option of a connector to the parameter of Set-OutboundConnector.
_PARAMETERS = {
    "name": "Name",
    "enabled": "Enabled",
    "connector_type": "ConnectorType",
    "recipient_domains": "RecipientDomains",
    "use_mx_record": "UseMXRecord",
    "tls_settings": "TlsSettings",
    "tls_domain": "TlsDomain",
}


def _connector_row(edit: ConnectorEdit) -> Row:
    row = {
        "kind": "connector",
        "connector": edit.connector,
        "option": edit.option,
        "before": edit.before,
        "after": edit.after,
    }
    return {key: value for key, value in row.items() if value is not None}


def _connector_call(edit: ConnectorEdit) -> Call:
    if edit.new:
        return Call("New-OutboundConnector", {_PARAMETERS[option]: value for option, value in edit.new.items()})
    edited = {_PARAMETERS[each.option]: each.after for each in edit.every}
    names = [("TlsDomain", each.tls_domain) for each in edit.every if each.tls_domain]
    return Call("Set-OutboundConnector", {"Identity": edit.connector, **edited, **dict(names)})


def _connector_text(edit: ConnectorEdit, left_open: Judgment | None) -> str:
    name = f"the connector {edit.connector!r}"
    if edit.new:
        text = f"Add {name}, which forces TLS ({edit.new['tls_settings']})"
    else:
        text = listed([_connector_edit(each, name if each is edit else "it") for each in edit.every], joint="and")
    return visible_line(f"{text[0].upper()}{text[1:]}, by hand: {_connector_call(edit)}.{_still_open(left_open)}")


def _connector_edit(edit: ConnectorEdit, name: str) -> str:
    """One edit of a connector in words.

    :param name: what the connector is called there.
    """
    checks = " that checks the name of the other side" if edit.tls_domain else ""
    return {
        "recipient_domains": f"add {edit.added} to {name}",
        "enabled": f"enable {name}",
        "tls_settings": f"let {name} force TLS{checks} ({edit.after})",
    }[edit.option]


def _losses(findings: Sequence[MailFinding]) -> str:
    """What edits cost mail that nobody asked about, as the end of a sentence: each kind of mail, if they are few."""
    named = findings if len(findings) <= _MOST_LOSSES else findings[: _MOST_LOSSES - 1]
    losses = [_loss(finding) for finding in named]
    more = len(findings) - len(named)
    if more:
        losses.append(f"harms {more} more kind{'' if more == 1 else 's'} of mail, see its difference")
    return f", but {listed(losses, joint='and', most=len(losses))}" if losses else ""


def _loss(finding: MailFinding) -> str:
    """What edits cost a kind of mail, in words."""
    if isinstance(finding, ChangedMail):
        mail = mail_of_change(finding)
    else:
        mail = mail_of(finding.about, finding.why, every=False)
    copies = f"the copies for {finding.person} of " if finding.person else ""
    return _LOSE[finding.kind].format(f"{copies}{mail.words(first=False, ends='')}")


def _edit(edit: RuleEdit, names: Sequence[str], rule: str) -> str:
    """An edit in words.

    :param names: the names of all rules after the edits.
    :param rule: the edited rule in words.
    """
    if isinstance(edit.before, (list, tuple)) and isinstance(edit.after, (list, tuple)):
        return _edited_list(edit, edit.before, edit.after, rule)
    if edit.kind == ENABLE:
        return _switched(edit, rule)
    if edit.option in SECTIONS:
        return _edited_options(edit, rule)
    added, removed, changed = _WORDS[edit.kind]
    words = changed
    if edit.before is None:
        words = added
    elif edit.after is None:
        words = removed
    return words.format(
        rule=rule,
        option=edit.option.rpartition(".")[2],
        before=value_words(edit.before),
        after=value_words(edit.after),
        beside=_neighbor(edit.rule, names),
    )


def _edited_options(edit: RuleEdit, rule: str) -> str:
    """The edit of several options of a section, in words."""
    section = edit.option.removesuffix("s")
    before, after = value_words(edit.before), value_words(edit.after)
    if edit.before is None:
        return f"add the {edit.option} {after} to {rule}"
    named = edit.option if len(edit.before) > 1 else section
    if edit.after is None:
        return f"remove the {named} {before} from {rule}"
    return f"replace the {named} {before} of {rule} with {after}"


def _neighbor(rule: str, names: Sequence[str]) -> str:
    """The rule beside which a rule is, in words."""
    place = names.index(rule)
    if place + 1 < len(names):
        return f"before {names[place + 1]!r}"
    return f"after {names[place - 1]!r}" if place else "the only rule"


#: The options that say from when until when a rule acts.
_DATES = ("activation_date", "expiry_date")


def _switched(edit: RuleEdit, rule: str) -> str:
    """A rule that is switched on or off, in words."""
    if edit.option in _DATES:
        return f"remove the {edit.option} {edit.before} from {rule}"
    if edit.option == "mode":
        return f"set the mode of {rule} from {edit.before} to {edit.after}"
    return f"{'enable' if edit.after else 'disable'} {rule}"


def _edited_list(edit: RuleEdit, before: Sequence[Any], after: Sequence[Any], rule: str) -> str:
    """The edit of a list of values: what it removes and what it adds."""
    gone, new = [value for value in before if value not in after], [value for value in after if value not in before]
    section, _dot, option = edit.option.rpartition(".")
    list_name = f"the {section.removesuffix('s')} {option} of {rule}"
    if gone and new:
        return f"replace {listed(gone, chr(39), 'and')} with {listed(new, chr(39), 'and')} in {list_name}"
    if gone:
        return f"remove {listed(gone, chr(39), 'and')} from {list_name}"
    return f"add {listed(new, chr(39), 'and')} to {list_name}"


def value_words(value: Any) -> str:
    """The value of an option in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{option}: {value_words(element)}" for option, element in value.items())
    return listed(value, "'", "or") if isinstance(value, (list, tuple)) else value_text(value, str)


def _contradicting(goal: GoalSuggestions) -> Iterator[str]:
    """Why no edit can help, as sentences, and what does, if nothing else is advised."""
    contradiction = goal.contradiction
    if contradiction is None:
        return
    mail = _mail_put_right(contradiction.shown)
    out = ""
    if contradiction.unless and not goal.advice:
        out = f": of this one with unless: {json.dumps(contradiction.unless)}"
    known = "which holds" if contradiction.holds else "of which it is unknown whether it holds"
    yield visible_line(
        f"No rules can keep both this guarantee and {contradiction.guarantee!r}, {known}: they want opposite things of"
        f" {mail}. Leave such mail out of one of them{out}."
    )


def _nothing(goal: GoalSuggestions) -> str:
    singles, pairs = (
        f"{number:,} {what}{'' if number == 1 else 's'}"
        for number, what in ((goal.tried.edits, "edit"), (goal.tried.pairs, "pair"))
    )
    spent = "" if goal.tried.complete else ", but not all"
    forbidding = listed([repr(guarantee) for guarantee in goal.forbidding], joint="and", most=_FORBIDDING)
    why = f" What would put its message right breaks {forbidding}." if goal.forbidding else ""
    return f"No edit was found that helps: {singles} and {pairs} of edits were tried{spent}.{why}"


def suggestion_lines(rows: Iterable[SuggestionRow]) -> Iterator[str]:
    """A line for each suggestion, below one for what it is about; and behind all, what edits may do to unusual mail."""
    headed: set[str] = set()
    unusual: dict[str, None] = {}
    for row in rows:
        unusual |= dict.fromkeys(each.text for each in row.difference or () if is_about_unusual_mail(each))
        if row.about not in headed:
            headed.add(row.about)
            yield visible_line(f"Suggestions for {row.about!r}:")
        texts = (row.text, row.puts_right, row.effect, replay_sentence(row.replay))
        yield f"  {' '.join(filter(None, texts))}{certainty(row.contradicted)}"
    if unusual:
        yield f"Once edits are applied: {' '.join(unusual)}"


def replay_sentence(replay: TraceEffectRow | None) -> str:
    """How many copies of a trace a suggestion would have changed; empty without a trace, or mail in it."""
    if replay is None or not replay.copies:
        return ""
    changes = " and ".join(map(_would, replay.difference)) or "none would be protected or delivered differently"
    return f"Of {number_of(replay.copies, 'copy', 'copies')} from {replay.window.days}, {changes}."


def _would(copies: ChangedCopiesRow) -> str:
    what = WOULD_BECOME[copies.kind]
    if not copies.certain:
        return f"{copies.possible:,} might {what}"
    more = f" ({copies.possible:,} more might)" if copies.possible else ""
    return f"{copies.certain:,} would {what}{more}"


def suggestion_texts(rows: Iterable[SuggestionRow]) -> list[str]:
    """The suggestions as texts for a terminal, each with its diff."""
    return [visible(f"{row.about}: {row.text}\n{row.diff}") for row in rows if row.diff]
