# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences about messages, unmet expectations, guarantees and differences in mail."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ..._exchange.text import listed, quoted, short
from ..._exchange.unprotected import UNPROTECTED, UNPROTECTED_ON_ITS_WAY
from ..analyses.aspects import DifferenceKind
from ..analyses.expectations import FailedExpectations, TestedMessages
from ..conditions.recipients import recipients_named
from ..conditions.senders import ANY_HOP
from ..input.messages import Broken
from ..model.kleene import Reason
from ..model.outcomes import OPEN_PROTECTIONS, Fate, OpeningWay, ProtectionKind, Tls
from ..simulator.assumptions import SHOWN
from ..simulator.copy_result import CopyResult
from .contradicted import certainty, certainty_of_none
from .copy_row import CopyRow, copy_row
from .guarantees import RELIED_ON, cause_words, hole_words, transit_words
from .observed import ObservedRow
from .reasons import OpenReason, in_order, open_reasons, worded
from .result_rows import CounterexampleRow, DifferenceRow, GuaranteeRow
from .sentences import BECOME, BECOMES, FATES

#: The words for a copy's protection.
_PROTECTION = {
    "none": UNPROTECTED_ON_ITS_WAY,
    "encrypt": "encrypted",
    "do_not_forward": "encrypted with Do Not Forward",
    "smime": "protected by S/MIME",
    "protected_option_unknown": "encrypted (with which template is unknown)",
    "unknown": "protected or not (unknown)",
}

_FATES = {
    "unknown": "delivered or not (unknown)",
    "moderated": "held for approval",
    "quarantined": "held in quarantine",
}

#: The words for a copy that no rule encrypts, if it leaves by forced TLS, or if it is not known how it leaves.
_BY_TLS: Mapping[Tls | None, str] = {
    Tls.FORCED: "unencrypted by rules, but by forced TLS",
    Tls.UNKNOWN: "unencrypted by rules (whether by forced TLS is unknown)",
}

#: The maximum length of a list on a terminal's line.
_WIDE = 160

#: The maximum number of guarantees to name that are unknown for the same reasons.
_UNVERIFIED = 5

#: The maximum number of people of a field to name.
_NAMED = 3

#: The addresses of a message, which come first, and the keys that come next.
_ADDRESSES, _TEXTS = ("from", "to", "cc", "bcc", "name"), ("subject", "body")

_KEYS = {
    "own": "the organization's own keys",
    "other": "another organization's keys",
    "unknown": "keys of an unknown owner",
}

_ATTACHED = {
    "executable": "executable",
    "password_protected": "protected by a password",
    "unsupported": "of a type that Exchange cannot read",
    "limit_exceeded": "too large to read completely",
}

#: The label of a message's line, if it is not simply its key.
_LABELS = {
    "body": "Text",
    "mail_from": "Envelope",
    "authenticated": "Sender",
    "attachments": "Attached",
    "sender_ip": "Sender's IP",
    "scl": "Spam level",
    "protection": "Arrives",
    "disclaimer_insertable": "Disclaimer",
}


def outcome_words(copy: CopyRow, clear: str = "") -> str:
    """What happens to a copy: ``encrypted by 'Partners'``, ``unprotected by rules or forced TLS``, ``rejected``.

    :param clear: what to say of a copy that no rule encrypts.
    """
    if not copy.is_delivered:
        fate = _FATES.get(copy.fate, str(copy.fate))
        if copy.after_approval:
            return f"{fate}, and once approved {outcome_words(copy.after_approval, clear)}"
        if copy.after_release:
            return f"{fate}, and once released {outcome_words(copy.after_release, clear)}"
        return fate
    words = (clear or _unencrypted(copy)) if copy.is_in_clear else _protected(copy.protection)
    by = _by_whom(copy)
    arrived = copy.protected_on_arrival and copy.protection not in (ProtectionKind.NONE, ProtectionKind.UNKNOWN)
    on_arrival = " already on arrival" if arrived else ""
    branded = f", with the branding {copy.branding!r}" if copy.branding else ""
    return f"{words}{f' by {by}' if by else ''}{on_arrival}{branded}"


def _by_whom(copy: CopyRow) -> str:
    """What protects a copy: ``'Encrypt'``, ``the DLP rule 'Cards'``, ``its label 'Secret'``; empty if that is not known."""
    if copy.protected_by:
        return _all_of(copy.protected_by)
    if copy.protected_by_dlp:
        several = len(copy.protected_by_dlp) > 1
        return f"the DLP rule{'s' if several else ''} {_all_of(copy.protected_by_dlp)}"
    return f"its label {copy.protecting_label!r}" if copy.protecting_label else ""


def _all_of(names: Sequence[str]) -> str:
    return listed(list(map(quoted, names)), joint="and", most=len(names))


def _unencrypted(copy: CopyRow) -> str:
    """The words that no rule encrypts a copy, and whether it leaves by forced TLS."""
    tls = copy.transit.tls if copy.transit else None
    return _BY_TLS[tls] if tls in _BY_TLS else _protected("none")


def copy_words(copy: CopyRow) -> dict[str, str]:
    """What becomes of a copy and how it leaves, as ``outcome`` and, if known, ``transit``. Of a copy that leaves by forced
    TLS without encryption of its own, one text says both.
    """
    if not copy.transit:
        return {"outcome": outcome_words(copy)}
    leaves = transit_words(copy.transit)
    if copy.transit.is_forced and copy.protection == ProtectionKind.NONE:
        return {"outcome": outcome_words(copy, f"unencrypted by rules; leaves {leaves}")}
    return {"outcome": outcome_words(copy), "transit": leaves}


def message_words(message: Mapping[str, Any], recipient: str) -> str:
    """A message and one of its recipients, with all that it needs to show something: ``mail from alexw@contoso.com to
    ann@fabrikam.com (also to joe@fabrikam.com) with the subject 'Offer' and the spam level 5``. That it came last from an address
    that no rule names is not said.
    """
    everybody = [str(person) for name in ("to", "cc", "bcc") for person in message.get(name) or ()]
    others = [person for person in everybody if person.lower() != recipient.lower()]
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    also = f" (also to {', '.join(others[:_NAMED])}{more})" if others else ""
    told = {key: value for key, value in message.items() if key != "sender_ip" or value not in ANY_HOP}
    parts = [words(told[key]) for key, words in _WITH.items() if told.get(key) not in (None, [], {}, "")]
    parts += ["an empty envelope sender"] if message.get("mail_from") == "" else []
    with_ = f" with {listed(parts, joint='and', most=len(parts))}" if parts else ""
    kinds = f" ({', '.join(map(str, message['type']))})" if message.get("type") else ""
    date = f" on {str(message['date'])[:10]}" if message.get("date") else ""
    arrives = f" (arrives {_arrival(message['protection'])})" if message.get("protection") else ""
    sender = f"{message.get('from') or 'nobody'}{' (not signed in)' if message.get('authenticated') is False else ''}"
    return f"mail from {sender} to {recipient}{also}{date}{kinds}{arrives}{with_}"


def message_lines(message: Mapping[str, Any], recipient: str) -> Iterator[tuple[str, str]]:
    """A message as a short list: the label and content of each line. That a sender signed in is taken for granted.

    :param recipient: the recipient whom the list is about; somebody whom no field names gets a copy.
    """
    yield "From", str(message.get("from") or "nobody")
    fields = {name: [str(person) for person in message.get(name) or ()] for name in ("to", "cc", "bcc")}
    for name, people in fields.items():
        if people:
            others = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
            yield name.capitalize(), f"{', '.join(people[:_NAMED])}{others}"
    everybody = [field.lower() for people in fields.values() for field in people]
    if everybody != [recipient.lower()]:
        yield "Seen by", recipient
    for key in (*_TEXTS, *(key for key in message if key not in (*_TEXTS, *_ADDRESSES))):
        value = message.get(key)
        if (key, value) == ("mail_from", ""):
            yield _LABELS[key], "empty"
        elif value not in (None, "", [], {}) and (key, value) != ("authenticated", True):
            yield _LABELS.get(key, key.replace("_", " ").capitalize()), _VALUE_WORDS.get(key, _listed)(value)


def _listed(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {element}" for name, element in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _attachment(attachment: Mapping[str, Any]) -> str:
    """An attachment: ``report.docx (executable, 12 bytes, with 'secret')``."""
    facts = [word for key, word in _ATTACHED.items() if attachment.get(key)]
    size = attachment.get("size") or 0
    if isinstance(size, str):
        facts.append(size)
    elif isinstance(size, int) and size > 1:
        facts.append(f"{size:,} bytes")
    facts += [f"with {text!r}" for text in (attachment.get("text"), *(attachment.get("nested") or ())) if text]
    facts += [_listed(attachment["properties"])] if attachment.get("properties") else []
    return f"{attachment['name']} ({', '.join(facts)})" if facts else str(attachment["name"])


def _arrival(protection: Mapping[str, Any]) -> str:
    """How a message arrives protected: ``encrypted with the organization's own keys``."""
    kind, owner = str(protection.get("kind") or "none"), str(protection.get("owner") or "own")
    if kind == "smime_signed":
        return "signed with S/MIME"
    if kind == "none":
        return "unencrypted"
    return _protected(kind) if kind == "smime" else f"{_protected(kind)}, with {_KEYS.get(owner, owner)}"


def _protected(kind: str) -> str:
    return _PROTECTION.get(kind) or f"protected with {kind.removeprefix('template:')!r}"


#: The content of a line, if it is not simply the value.
_VALUE_WORDS: Mapping[str, Callable[[Any], str]] = {
    "authenticated": lambda value: "signed in" if value else "not signed in",
    "attachments": lambda value: ", ".join(map(_attachment, value)),
    "protection": _arrival,
    "disclaimer_insertable": lambda value: "can be inserted" if value else "cannot be inserted",
    "sensitive_information": lambda value: "some" if value else "none",
    "size": lambda value: f"{value:,} bytes" if isinstance(value, int) else str(value),
}


#: What a sentence says that a message has.
_WITH: Mapping[str, Callable[[Any], str]] = {
    "subject": lambda value: f"the subject {value!r}",
    "body": lambda value: f"the text {short(str(value))!r}",
    "headers": lambda value: f"the header{'s' if len(value) > 1 else ''} {_listed(value)}",
    "attachments": lambda value: f"the attachment{'s' if len(value) > 1 else ''} {', '.join(map(_attachment, value))}",
    "importance": lambda value: f"the importance {value}",
    "classification": lambda value: f"the classification {_listed(value)}",
    "scl": lambda value: f"the spam level {value}",
    "size": lambda value: f"a size of {_VALUE_WORDS['size'](value)}",
    "sender_ip": lambda value: f"the sender's IP address {value}",
    "mail_from": lambda value: f"the envelope sender {value}",
    "sensitive_information": lambda value: f"{'some' if value else 'no'} sensitive information",
    "disclaimer_insertable": lambda value: f"a text into which a disclaimer can{'' if value else 'not'} be put",
}

#: A copy that leaves by TLS that checks less than a guarantee requires.
_WEAK = "unencrypted by rules, but by forced TLS that checks less than is required"


def refutation(row: GuaranteeRow) -> str:
    """The counterexample of a refuted guarantee, as a sentence."""
    counterexample = row.counterexample
    if counterexample is None:
        raise ValueError(f"{row.name!r} has no counterexample.")
    mail = f"{_supposed(counterexample)}{message_words(counterexample.message, counterexample.recipient)}"
    if counterexample.shown_to:
        (rule,) = counterexample.decided_by
        return f"{mail} is shown to {counterexample.shown_to} {UNPROTECTED}: the rule {rule!r} reports it, or asks for an approval."
    if counterexample.outcome.fate is Fate.UNKNOWN:
        return f"{mail} comes out in a way that is unknown, and each possible one breaks it{_on_what_it_depends(counterexample)}."
    verb = "is delivered" if counterexample.outcome.is_delivered else "is"
    is_weak = counterexample.hole is not None and counterexample.outcome.is_forced
    outcome = f"{outcome_words(counterexample.outcome, _WEAK if is_weak else '')}{lacking(counterexample)}"
    reasons = "; ".join(causes(counterexample))
    why = f": {reasons}" if reasons else ""
    return f"{mail} {verb} {outcome}{why}."


def _supposed(counterexample: CounterexampleRow) -> str:
    """The members of groups on which a counterexample rests and that nobody knows, as the beginning of a sentence."""
    groups = (counterexample.facts or {}).get("groups", {})
    return "".join(
        f"if {listed(groups[name], joint='and') if groups[name] else 'nobody'} is a member of {name}, whose members are not known, "
        for name in counterexample.supposed_groups
    )


def _on_what_it_depends(counterexample: CounterexampleRow) -> str:
    """The rules of which it is unknown whether they match, as the end of a sentence."""
    names = [repr(rule["name"]) for rule in counterexample.outcome.rules if rule["matched"] is not True]
    rules = f"the rule{'s' if len(names) > 1 else ''} {listed(names, joint='or')}"
    return f", whether or not {rules} matched" if names else ""


def lacking(counterexample: CounterexampleRow) -> str:
    """What the protection of a counterexample lacks, as the end of a sentence about its outcome."""
    expiry = {None: "", 0: ", which never lets it expire"}.get(
        counterexample.expiry, f", which lets it expire after {counterexample.expiry} days"
    )
    return f"{expiry}{', with no branding that leads to the portal' if counterexample.unbranded else ''}"


def causes(counterexample: CounterexampleRow) -> list[str]:
    """Why a counterexample comes out as it does: what is known of rules, and the hole on the way."""
    decided = [f"the rule {name!r} decides" for name in counterexample.decided_by]
    cause = counterexample.cause
    if cause:
        # The outcome names the rule that protects it.
        is_said = cause.rule in counterexample.outcome.protected_by and not (cause.other or cause.also)
        decided = [] if is_said else [cause_words(cause)]
    return [*decided, *([hole_words(counterexample.hole)] if counterexample.hole else [])]


#: The maximum number of reasons that a sentence about a verdict names.
MOST_REASONS = 3


def reasons_words(reasons: Sequence[OpenReason], most: int | None = None) -> str:
    """Why something is unknown.

    :param most: the maximum number of reasons; by default all.
    """
    texts = [f"{reason.reason} ({reason.id})" for reason in reasons]
    more = len(texts[most:]) if most else 0
    return "; ".join([*texts[:most], *([f"and {more} more reason{'s' if more > 1 else ''}"] if more else [])])


def verdict_sentence(row: GuaranteeRow) -> str:
    """A guarantee's verdict, as a sentence."""
    if row.is_proved:
        return f"{row.name!r} is guaranteed: {row.claim}."
    if row.is_refuted:
        return f"{row.name!r} is not guaranteed: {refutation(row)}"
    return _unverified([row])


#: What to do where it is open what a report or a request for approval shows: how to leave that out of a guarantee.
_LEAVING_OUT = (
    "To leave out reports to people inside, use copies: outside; to leave out all reports and approvals, use then:"
    " not_in_clear_if_delivered, or copies: recipients_only with that recipient in unless."
)


def _unverified(rows: Sequence[GuaranteeRow]) -> str:
    """The sentence that it is unknown whether guarantees hold, for reasons that they share."""
    names = listed([repr(row.name) for row in rows], joint="and", most=_UNVERIFIED)
    reasons = rows[0].unknown
    is_shown = any(reason.id == SHOWN for reason in reasons)
    return f"Cannot verify {names}: {reasons_words(reasons, MOST_REASONS)}.{f' {_LEAVING_OUT}' if is_shown else ''}"


#: What is said where nothing is different.
_NO_DIFFERENCE = "The rule changes do not affect who gets mail, how it is protected, and who is told of it."


def difference_lines(
    rows: Sequence[DifferenceRow], more: int, observed: Iterable[ObservedRow] = (), most: int | None = None
) -> list[str]:
    """The effect on mail, as lines for a terminal.

    :param more: how many more classes of mail there are at least.
    :param observed: what was observed.
    :param most: the maximum number of sentences.
    """
    summed_up = page_rows(rows)
    lines = [_difference_line(row) for row, _kinds in summed_up]
    lines = lines or [f"{_NO_DIFFERENCE}{certainty_of_none(observed)}"]
    usual = [row for row in rows if not is_about_unusual_mail(row)]
    head = [changed_kinds(usual)] if len(usual) > _FEW else []
    in_result = sum(kinds for _row, kinds in summed_up[most:]) if most else 0
    return [*head, *lines[:most], *left_out(more, in_result), *unusual_mail(rows)]


#: How what is said of unusual mail begins.
THAT_IS_UNUSUAL = "that is not usual"


def is_about_unusual_mail(row: DifferenceRow) -> bool:
    """Whether a row says what may become of unusual mail."""
    return f" {THAT_IS_UNUSUAL} " in row.text


def unusual_mail(rows: Sequence[DifferenceRow]) -> list[str]:
    """The line that names the rules which keep unusual mail alone from what rows say, and that mail; empty if none does."""
    by_mail: dict[str, dict[str, None]] = {}
    for keeping in (each for row in rows for each in row.keep_unusual or ()):
        by_mail.setdefault(keeping.mail, {})[quoted(keeping.rule)] = None
    said = [
        f"{listed(list(names), joint='and')} {'keeps' if len(names) == 1 else 'keep'} {mail}"
        for mail, names in by_mail.items()
    ]
    return [f"{listed(said, joint='and', most=len(said))} from these changes."] if said else []


def _difference_line(row: DifferenceRow) -> str:
    said = row.in_words or ()
    reasons = reasons_words(
        [reason for reason in row.unknown or () if reason.id not in said], MOST_REASONS if row.summary else None
    )
    return f"{row.text}{f' Unknown: {reasons}.' if reasons else ''}{certainty(row.contradicted)}"


def page_rows(rows: Sequence[DifferenceRow]) -> list[tuple[DifferenceRow, int]]:
    """The rows of a difference as a page has them, each with the number of rows that it stands for: the first of those that
    have one summary, with that as its sentence, or that say the same.
    """
    alike: dict[Hashable, list[DifferenceRow]] = {}
    for row in rows:
        alike.setdefault(row.summary or (row.text, row.unknown, row.contradicted), []).append(row)
    return [(_summed_up(same), len(same)) for same in alike.values()]


def _summed_up(rows: Sequence[DifferenceRow]) -> DifferenceRow:
    """The first of some rows that have one summary, with that as its sentence, and with what is unknown of any of them."""
    first = rows[0]
    if not first.summary:
        return first
    unknown = tuple(dict.fromkeys(reason for row in rows for reason in row.unknown or ()))
    not_in_words = {reason.id for row in rows for reason in row.unknown or () if reason.id not in (row.in_words or ())}
    in_words = tuple(dict.fromkeys(reason.id for reason in unknown if reason.id not in not_in_words))
    return replace(first, text=first.summary, unknown=unknown or None, in_words=in_words or None)


#: Up to so many kinds of mail are not summed up before they are listed.
_FEW = 2


def changed_kinds(rows: Sequence[DifferenceRow]) -> str:
    """What a difference changes, and for whom, in at most three sentences: the mail with the most important change, then all
    other, and how many kinds of mail may change.
    """
    changes_by_mail: dict[str, list[str]] = {}
    for kind in (kind for kind in DifferenceKind if kind is not DifferenceKind.UNKNOWN):
        alike: dict[str, list[DifferenceRow]] = {}
        for row in rows:
            if row.kind is kind:
                alike.setdefault(_copies_or_mail(row), []).append(row)
        for copies, same in alike.items():
            changes_by_mail.setdefault(_changed_mail(copies, same), []).append(_changed_how(kind, same))
    texts = [
        f"{mail} {listed(list(dict.fromkeys(how)), joint='and', most=len(how))}"
        for mail, how in changes_by_mail.items()
    ]
    unknown = sum(row.kind is DifferenceKind.UNKNOWN for row in rows)
    perhaps = f"{_count(unknown, 'kind')} of mail may be treated differently."
    if not texts:
        return f"What changes: {perhaps}"
    others = f" In addition, {listed(texts[1:], joint='and', most=len(texts))}." if texts[1:] else ""
    return f"What changes: {texts[0]}.{others}{f' {perhaps}' if unknown else ''}"


def _copies_or_mail(row: DifferenceRow) -> str:
    """Whether a row is about copies for people whom rules add, or about mail."""
    return "copies" if row.added else "mail"


def _changed_mail(what: str, rows: Sequence[DifferenceRow]) -> str:
    """The mail, or the copies, of some rows, with the recipients that all of them name: ``some mail to people outside``."""
    whom = listed(list(dict.fromkeys(recipients for row in rows for recipients in _whom(row))))
    if not whom or not all(map(_whom, rows)):
        return f"some {what}"
    return f"some {what} {'for' if what == 'copies' else 'to'} {whom}"


#: The kinds of difference that a new fate says better.
_ENDS = (DifferenceKind.DELIVERY_LOST, DifferenceKind.FATE_CHANGED)


def _changed_how(kind: DifferenceKind, rows: Sequence[DifferenceRow]) -> str:
    """What becomes of the mail, or of the copies, of some rows: ``is now encrypted (2 kinds)``."""
    added = bool(rows[0].added)
    effects = listed(list(dict.fromkeys(_NOUNS[effect.kind] for row in rows for effect in row.side_effects or ())))
    fates = {FATES.get(row.after.fate) if row.after else None for row in rows}
    fate = fates.pop() if len(fates) == 1 else None
    if kind is DifferenceKind.SIDE_EFFECT_CHANGED and effects:
        words = f"now {'have' if added else 'has'} other {effects}"
    elif kind in _ENDS and fate and not added:
        words = fate[0]
    else:
        words = (BECOME if added else BECOMES)[kind]
    return f"{words}{f' ({len(rows)} kinds)' if len(rows) > 1 else ''}"


#: Sort of side effect to its name, of several.
_NOUNS: Mapping[str, str] = {
    "report": "reports",
    "original": "reports",
    "notification": "notifications",
    "approval": "approvals",
    "attachments": "decrypted attachments",
    "connector": "connectors",
    "tls": "requirements of TLS",
    "spam": "spam levels",
    "no_spam": "spam levels",
    "rejection_text": "rejection texts",
    "notification_text": "notifications",
    "disclaimer_text": "disclaimers",
    "disclaimer_fallback": "disclaimers",
}


def _whom(row: DifferenceRow) -> list[str]:
    """For whom the mail of a row is; empty if for anybody, or if that is not said."""
    return [row.added] if row.added else recipients_named(row.when)


def left_out(more: int, in_result: int = 0) -> list[str]:
    """The line that a difference has more classes than are named; empty if it has none.

    :param more: the number of those, at least, that are listed nowhere; :param:`in_result`: of those that the result
        lists.
    """
    more_line = [f"{_count(in_result, 'more kind')} of mail: see difference in the result."] if in_result else []
    if more:
        kinds = "kind" if more == 1 else "kinds"
        more_line.append(
            f"At least {more:,} more {kinds} of mail may be treated differently. Compare fewer edits at a time to see which."
        )
    return more_line


def verdict_lines(rows: Sequence[GuaranteeRow]) -> Iterator[str]:
    """One line per guarantee, those that are refuted first, and one for all that are unknown for the same reasons; after consecutive
    proofs with the same basis, once what they do not cover and what they assume.
    """
    ordered = sorted(rows, key=lambda row: (row.is_proved, row.is_unknown))
    unverified: dict[str, list[GuaranteeRow]] = {}
    for row in rows:
        if _is_unverified(row):
            unverified.setdefault(reasons_words(row.unknown), []).append(row)
    for basis, same in groupby(ordered, _basis):
        for row in same:
            was = f" Until now: {row.before}." if row.before else ""
            alike = unverified[reasons_words(row.unknown)] if _is_unverified(row) else [row]
            if row is alike[0]:
                yield _unverified(alike) if len(alike) > 1 else f"{verdict_sentence(row)}{was}"
        yield from (f"  {head}: {_fitting(words)}." for head, words in basis if words)


def _is_unverified(row: GuaranteeRow) -> bool:
    """Whether it is unknown whether a guarantee holds, and there is nothing more to say of it."""
    return row.is_unknown and row.before is None


def _basis(row: GuaranteeRow) -> list[tuple[str, list[str]]]:
    """What a proof does not cover, and what it assumes, in a few words each; empty for another verdict."""
    if not row.is_proved:
        return []
    not_covered = [assumption.mail for assumption in row.assumptions if assumption.mail]
    relied_on = [
        RELIED_ON.get(assumption.id) or assumption.text.rstrip(".")
        for assumption in row.assumptions
        if not assumption.mail
    ]
    return [("Not covered", not_covered), ("Assumes", relied_on)]


def _fitting(words: Sequence[str]) -> str:
    """As much of a list as fits on a line, and how much is left out; the result has all of it."""
    shown = 1
    while shown < len(words) and len(", ".join(words[: shown + 1])) <= _WIDE:
        shown += 1
    return f"{', '.join(words[:shown])}{f' and {len(words) - shown} more' if shown < len(words) else ''}"


#: The maximum number of protecting rules without effect to name.
_PASSED = 5

#: The maximum number of copies of which a terminal says what becomes of them.
_MOST_OUTCOMES = 10


def lines(values: Mapping[str, Any]) -> list[str]:
    """Keys and values, one a line."""
    return [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
    ]


def _outcome(expectation: Broken) -> Any:
    """What came out instead of what was expected."""
    if not expectation.key:
        return "gets nothing"
    return "absent" if expectation.found is None else worded(expectation.found)


def sides(broken: Sequence[Broken]) -> tuple[list[str], list[str]]:
    """What was expected of a recipient and what came out, as lines."""
    wanted = {
        expectation.key or "recipient": expectation.wanted if expectation.key else "gets the message"
        for expectation in broken
    }
    outcomes = {expectation.key or "recipient": _outcome(expectation) for expectation in broken}
    return lines(wanted), lines(outcomes)


def failure_text(failure: FailedExpectations) -> str:
    """One recipient's broken expectations, as a diff with the rules that decided."""
    wanted, differing = sides(failure.broken)
    head = f"{failure.message}, to {failure.recipient}:"
    body = [
        line
        for line in difflib.unified_diff(wanted, differing, "expected", "answer", lineterm="", n=0)
        if not line.startswith("@@")
    ]
    return "\n".join(
        [head, *(f"  {line}" for line in [*body, *decided(failure.result, failure.trace, failure.protecting)])]
    )


def failure_diff(failure: FailedExpectations) -> dict[str, str]:
    """A failed expectation as a diff of Ansible's."""
    before, after = ("\n".join(side) + "\n" for side in sides(failure.broken))
    copy = f"{failure.message}, {failure.recipient}"
    return {"before_header": f"{copy} (expected)", "after_header": f"{copy} (answer)", "before": before, "after": after}


def tested_text(tested: TestedMessages) -> str:
    """What became of messages: how many expectations are met, and the text of each failure. Where nothing is expected,
    what becomes of the copies, at most ten.
    """
    recipients = sum(len(message.result.recipients) for message in tested.messages)
    head = f"{_count(len(tested.messages), 'message')}, {_count(recipients, 'recipient')}"
    if not tested.failures:
        all_ = "the one expectation is" if tested.expectations == 1 else f"all {tested.expectations} expectations are"
        return f"{head}: {all_} met." if tested.expectations else "\n".join([f"{head}.", *_outcome_lines(tested)])
    some = (
        "the one expectation is"
        if tested.expectations == 1
        else f"{len(tested.failures)} of {tested.expectations} expectations are"
    )
    return "\n".join([f"{head}: {some} not met.", *map(failure_text, tested.failures)])


def _outcome_lines(tested: TestedMessages) -> Iterator[str]:
    """What becomes of the first copies: ``Offer, to ann@fabrikam.com: encrypted by 'Partners'; opens inline.``"""
    copies = [
        (message.result.name, recipient, outcome)
        for message in tested.messages
        for recipient, outcome in message.result.recipients.items()
    ]
    for name, recipient, outcome in copies[:_MOST_OUTCOMES]:
        reasons = open_reasons(in_order(_left_open(outcome)))
        why = f": {reasons_words(reasons)}" if reasons else ""
        yield f"  {name}, to {recipient}: {outcome_words(copy_row(outcome))}{why}{_opens(outcome)}."
    if len(copies) > _MOST_OUTCOMES:
        yield f"  {len(copies) - _MOST_OUTCOMES} more are in the result (messages)."


def _left_open(outcome: CopyResult) -> list[Reason]:
    """Why it is unknown what becomes of a copy, also once it is approved or released, and not only which rules match."""
    stages = [outcome, *filter(None, (outcome.after_approval, outcome.after_release))]
    is_open = [stage for stage in stages if stage.fate == Fate.UNKNOWN or stage.protection in OPEN_PROTECTIONS]
    return list(dict.fromkeys(reason for stage in is_open for reason in stage.unknown))


def _opens(outcome: CopyResult) -> str:
    """How a recipient opens a copy, as the end of a line: ``; opens in Outlook, or in the portal with a social ID``."""
    ways = [opening.way for opening in outcome.opens]
    portal = listed([words for way, words in _IN_PORTAL.items() if way in ways], most=len(_IN_PORTAL))
    alone = " only" if OpeningWay.LOCKED_OUT in ways else ""
    places = ["in Outlook"] if OpeningWay.INLINE in ways else []
    places += [f"in the portal with {portal}{alone}"] if portal else []
    return f"; opens {', or '.join(places)}" if places else ""


#: How somebody signs in to the portal, in words.
_IN_PORTAL = {
    OpeningWay.PORTAL_WORK_ACCOUNT: "a work or school account",
    OpeningWay.PORTAL_SOCIAL: "a social ID",
    OpeningWay.PORTAL_PASSCODE: "a one-time passcode",
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def decided(result: CopyResult | None, trace: Sequence[Mapping[str, Any]], protecting: Collection[str]) -> list[str]:
    """The reasons for the answer: the rules that matched, those that would have protected the message but did not, and
    what is open.
    """
    shown_lines: list[str] = []
    passed: list[str] = []
    row = worded(result.as_row()) if result else {}
    for entry in worded(list(trace)):
        if entry["matched"] is not False:
            word = "matched" if entry["matched"] is True else "may have matched"
            shown_lines.append(
                f"rule {entry['rule']!r} {word}: {', '.join(entry.get('actions', [])) or 'nothing is done'}"
            )
        elif entry["rule"] in protecting:
            passed.append(_passed(entry))
    if not protecting:
        shown_lines.append("no rule encrypts mail")
    shown_lines += [*passed[:_PASSED], *([_more(len(passed) - _PASSED)] if len(passed) > _PASSED else [])]
    shown_lines += [f"open, {reason['id']}: {reason['reason']}" for reason in row.get("unknown", [])]
    shown_lines += [f"this assumes {number}" for number in row.get("assumes", [])]
    return shown_lines


def _more(number: int) -> str:
    return (
        f"and {number} more rule{'s' if number > 1 else ''} that protect{'' if number > 1 else 's'} mail did not match"
    )


def _passed(entry: Mapping[str, Any]) -> str:
    """Why a rule did not act."""
    if "reason" in entry:
        return f"rule {entry['rule']!r} did not act: {entry['reason']}"
    because = entry["because"][0]
    section = "condition" if because["section"] == "conditions" else "exception"
    return f"rule {entry['rule']!r} did not match: the {section} {because['option']} is {str(because['result']).lower()} of {because['saw']}"
