# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on guarantees as results have them, with the assumptions of their proofs, and the words for mail on its
way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._exchange.text import listed
from ..._exchange.unprotected import UNPROTECTED
from ..analyses.breach_cause import BreachCause
from ..analyses.judgment import Counterexample, Hole, Judgment
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import Guarantee
from ..model import questions
from ..model.outcomes import Tls
from ..model.wishes import WISHES
from ..rules.flow_rule import FlowRule
from ..simulator.assumptions import Premise
from ..simulator.protection import MANY, SURELY_PROTECTED
from .copy_row import TransitRow, copy_row
from .instants import instant_words
from .reasons import MOST_MB, SURELY_MB, open_reasons
from .result_rows import AssumptionRow, CounterexampleRow, GuaranteeRow
from .sentences import Clause, parts_of, words_of
from .unseen import unseen_names

#: What forced TLS checks.
CHECKS = {
    "encryption_only": "any certificate",
    "certificate": "a certificate from a trusted authority",
    "domain": "a trusted certificate with the right name",
}

_HOLES = {
    "opportunistic": "the connector {connector!r} does not force TLS",
    "weak": "TLS{by} takes {checks}",
    "domain_only": "the connector {connector!r} covers {covers} only",
    "subdomains_only": "the connector {connector!r} covers the subdomains of {covers} only",
    "disabled": "the connector {connector!r} covers it, and is disabled",
    "not_routed": "no rule routes this mail to the connector {connector!r}",
    "uncovered": "no connector covers it, and no rule requires TLS for this mail",
}


def hole_words(hole: Hole) -> str:
    """A hole as a clause: ``sub.bank.example: the connector 'Bank' covers bank.example only``."""
    by = f" of the connector {hole.connector!r}" if hole.connector else " that a rule requires"
    checks = CHECKS.get(hole.validation, "")
    words = _HOLES[hole.kind].format(connector=hole.connector, covers=hole.covers, checks=checks, by=by)
    return f"{hole.domain}: {words}"


#: Kind of a cause to its words; those of a kind with another rule stand below it, too.
_CAUSES = {
    "rejects": "the rule {rule!r} rejects it",
    "deletes": "the rule {rule!r} deletes it",
    "quarantines": "the rule {rule!r} puts it in quarantine",
    "redirects": "the rule {rule!r} redirects it",
    "holds": "the rule {rule!r} holds it for approval",
    "decrypts": "the rule {rule!r} decrypts it",
    "encrypts": "the rule {rule!r} encrypts it",
    "stops": "the rule {rule!r} stops later rules",
    "sends_copy": "the rule {rule!r} sends it to {value}",
    "disabled": "the rule {rule!r}, which would {would}, is disabled",
    "mode": "the rule {rule!r}, which would {would}, is only tested (mode: {value})",
    "activation_date": "the rule {rule!r}, which would {would}, only begins on {value}",
    "expiry_date": "the rule {rule!r}, which would {would}, ended on {value}",
    "exception": "the rule {rule!r} exempts mail {mail}",
    "scope": "the rule {rule!r}, which would {would} otherwise, is only for mail {mail}",
    "internal_domain": (
        "the rule {rule!r}, which would {would} otherwise, is for mail to people outside, and a remote domain makes"
        " people at {value} internal"
    ),
    "internal_domain, exception": (
        "the rule {rule!r} exempts mail to people inside, and a remote domain makes people at {value} internal"
    ),
    "never_matches": "no mail meets the condition {option}: {value} of the rule {rule!r}",
    "asterisk": "the rule {rule!r} looks for {value}, whose asterisk stands for itself",
    "misspelled": "the rule {rule!r} is for {value}, which may be misspelled",
    "unauthenticated": "its sender did not sign in, so it is no mail from inside for the rule {rule!r}",
    "elsewhere": "the rule {rule!r}, which would {would} otherwise, is only for mail {mail}",
    "stopped": "it does not reach the rule {rule!r}",
    "no_manager": "the rule {rule!r} would {would} if the sender had a manager",
    "from_outside": "the rule {rule!r} acts on it, but rules do not encrypt mail from outside",
    "dlp_blocks": "the DLP rule {rule!r} blocks it",
    "dlp_redirects": "the DLP rule {rule!r} redirects it",
    "dlp_quarantines": "the DLP rule {rule!r} puts it in quarantine",
    "dlp_holds": "the DLP rule {rule!r} holds it for approval",
    "dlp_decrypts": "the DLP rule {rule!r} takes its protection away",
    "dlp_encrypts": "the DLP rule {rule!r} encrypts it",
    "dlp_undoes": "the DLP rule {rule!r} leaves no such mail protected",
    "dlp_tested": "the DLP rule {rule!r} could prevent that, but its policy is in a test mode ({value})",
    "dlp_disabled": "the DLP rule {rule!r} could prevent that, but it is disabled",
    "only_brands": "the rule {rule!r} brands it, but does not encrypt it",
    "only_routes": "the rule {rule!r} chooses how it leaves, but does not encrypt it",
}
_CAUSES_WITH_ANOTHER_RULE = {
    "encrypts": "the rule {rule!r} encrypts it before the rule {other!r} could stop that",
    "stops": "the rule {rule!r} stops before the rule {other!r}",
    "stopped": "the rule {other!r} stops before the rule {rule!r}",
}

#: Kind of what else keeps the same rule, which is in effect, from acting to its words.
_ALSO = {
    "exception": "it exempts mail {mail}",
    "scope": "only for mail {mail}",
    "internal_domain": "only for mail to people outside, and a remote domain makes people at {value} internal",
    "internal_domain, exception": "it exempts mail to people inside, and a remote domain makes people at {value} internal",
    "never_matches": "no mail meets its condition {option}: {value}",
    "never_matches, exception": "no mail meets its exception {option}: {value}",
    "asterisk": "it looks for {value}, whose asterisk stands for itself",
    "asterisk, exception": "its exception looks for {value}, whose asterisk stands for itself",
    "misspelled": "it is for {value}, which may be misspelled",
    "misspelled, exception": "its exception is for {value}, which may be misspelled",
    "unauthenticated": "only for mail from inside, and the sender did not sign in",
    "stopped": "the rule {other!r} stops before it",
}

#: What a rule would do to a message.
_WOULD = {
    "encrypt": "encrypt it",
    "decrypt": "decrypt it",
    "route": "choose how it leaves",
    "brand": "brand it",
    "reject": "reject it",
    "delete": "delete it",
    "quarantine": "put it in quarantine",
    "moderate": "hold it for approval",
    "stop": "stop later rules",
}


def cause_words(cause: BreachCause) -> str:
    """A cause as a clause: ``the rule 'All' exempts mail with 'news' in its subject``."""
    form = _CAUSES_WITH_ANOTHER_RULE.get(cause.kind, "") if cause.other else ""
    words = _with_values(form or _form_of(cause, _CAUSES), cause)
    return f"{words}, and {_with_values(_form_of(cause.also, _ALSO), cause.also)}" if cause.also else words


def _form_of(cause: BreachCause, forms: Mapping[str, str]) -> str:
    """The words for a cause by its date, by its kind as an exception has it, or by its kind."""
    if cause.kind == "dates":
        return forms[cause.option]
    as_exception = f"{cause.kind}, exception" if cause.option.startswith("exceptions.") else ""
    return forms.get(as_exception) or forms[cause.kind]


def _with_values(form: str, cause: BreachCause) -> str:
    """The words for a cause with its rules and values."""
    value = "" if cause.value is None else cause.value
    shown = listed(list(map(str, value)), "'", "or") if isinstance(value, list) else instant_words(str(value))
    name = cause.option.rpartition(".")[2]
    mail = _mail_that_meets(name, value) if cause.kind in ("exception", "scope", "elsewhere") else ""
    would = _WOULD.get(cause.would, "")
    return form.format(rule=cause.rule, other=cause.other, option=name, value=shown, mail=mail, would=would)


def _mail_that_meets(option: str, value: Any) -> str:
    """What is true of mail that meets a condition: ``with 'news' in its subject``."""
    predicate = BY_OPTION[option]
    about, values = predicate.shown(_as_in_rules(value))
    return predicate.phrase.with_values(about, [values])


def _as_in_rules(value: Any) -> Any:
    """The value of a condition as rules have it, from how results have it: lists are tuples."""
    return tuple(map(_as_in_rules, value)) if isinstance(value, list) else value


#: How a copy leaves, by what is known of its TLS.
_BY = {
    Tls.FORCED: "by forced TLS",
    Tls.OPPORTUNISTIC: "by TLS if the other side offers it, otherwise without TLS",
    Tls.UNKNOWN: "by TLS or without it (unknown)",
}


def transit_words(transit: TransitRow) -> str:
    """How a copy leaves: ``by forced TLS with any certificate, through the connector 'Bank', as far as
    gateway.example``.
    """
    if transit.on_premises:
        return f"to the organization's own servers, perhaps, through the connector {transit.on_premises!r}"
    checks = f" with {CHECKS[transit.validation]}" if transit.validation else ""
    through = f", through the connector {transit.connector!r}" if transit.connector else ""
    end = f", as far as {transit.ends_at} is concerned" if transit.ends_at else ""
    return f"{_BY[transit.tls or Tls.UNKNOWN]}{checks}{through}{end}"


def claimed(rule: FlowRule, guarantee: Guarantee) -> str:
    """What a guarantee says, as a clause: ``no mail from inside to people outside is delivered unprotected
    by rules``.

    :param rule: the mail that it is about, as a rule's conditions and exceptions.
    """
    mail, unless = mail_words(rule), "," if rule.criteria.exceptions else ""
    wish, limit = WISHES[guarantee.then], _limit(guarantee)
    return ((limit and wish.limited) or wish.claim).format(mail=f"{mail}{unless}", limit=limit)


def mail_words(rule: FlowRule) -> str:
    """The mail that a rule is about: ``mail from inside to people outside, except mail of Low importance``."""
    mail = " ".join(["mail", *words_of(parts_of(rule.criteria.conditions))])
    unless = " or ".join(Clause.of_atoms([atom]).words() for atom in rule.criteria.exceptions)
    return f"{mail}, except mail {unless}" if unless else mail


#: Kind of an assumption to its sentence, or to what makes one of its values.
_TEXTS: Mapping[str, str | Callable[..., str]] = {
    # Usual mail
    "not_forwarded": "The message was not forwarded by an Inbox rule or a mailbox setting.",
    "not_signed": "The message has no clear S/MIME signature.",
    "not_automatic": "The message is not an automatic reply, read receipt or meeting item.",
    "no_approval_request": "The message is not a request for approval.",
    "not_too_large": (
        f"The message has at most {SURELY_PROTECTED:,} bytes ({SURELY_MB} MB), so that it has at most {MOST_MB} MB"
        " however it is encoded."
    ),
    "not_wrapped": "Each disclaimer can be put into the message, so that none is wrapped around it.",
    "no_pdf": "The message has no PDF attachment, which stays unencrypted while enable_pdf_encryption is false.",
    # Comparisons of such letters differ, and such texts are rare.
    "plain_letters": (
        "The texts of the message have none of the letters \u0130, \u0131, \u017f and \u212a (kelvin), which some"
        " comparisons take for i, s and k."
    ),
    # The header of a message is unfolded before rules see it; whether they see a line break that is encoded is not known.
    "one_line_subject": "The subject of the message has no line break, behind which ^ in a pattern could match.",
    "primary_addresses": "Mail is addressed to primary addresses.",
    # The organization
    "all_in_directory": "All recipients in the organization's domains are in its directory.",
    "guests_left_out": (
        "Mail from and to guests and mail users with outside addresses is not considered, because they are too many to"
        " distinguish."
    ),
    "no_guests": (
        "No person with an address outside is a guest or mail user of the organization, as Get-MailUser would show."
    ),
    "guests_send_nothing": (
        "Guests and mail users with addresses outside, who have no mailbox here, send no mail over an authenticated"
        " connection."
    ),
    "no_internal_domains": "No remote domain counts as internal (IsInternal), as Get-RemoteDomain would show.",
    # What every proof assumes
    "settled": "The rules have been in effect for some hours: Exchange applies changes with a delay.",
    "rule_errors": ("No rule fails on the message, as a rule that inspects large attachments can (rule_error_action)."),
    "configured": lambda *unread: (
        f"Message encryption is configured and works for messages to fewer than {MANY} recipients ({questions.MANY_RECIPIENTS})"
        + "".join(f", also for PDF documents (enable_pdf_encryption), as {part} would show" for part in unread)
        + "."
    ),
    "system_mail": (
        "The message is not a non-delivery report, journal report or rule report, which rules may not process."
    ),
    "later": lambda *unseen: (
        f"What is not seen ({unseen_names(unseen)}), filters and other systems after the rules change neither the protection"
        " nor the delivery."
    ),
    # What some proofs assume
    "authenticated": (
        "Mail from inside is authenticated. Mail that names such a sender without authentication is neither inside nor"
        " outside, and is not considered."
    ),
    "subdomains": "Conditions on a domain also match its subdomains, as in Exchange Online since 2023.",
    "sent_from": ("Mail is sent from primary addresses. What rules find in the alias of a sender is not considered."),
    "sizes": "A message counts as larger than each of its attachments.",
    "internal_domains": lambda *names: (
        f"People in {', '.join(names)} count as inside: a remote domain makes them internal (IsInternal)."
    ),
    "date": lambda *dates: (
        f"The mail passes the rules before any of them begins or ends again ({listed(list(map(instant_words, dates)))})."
    ),
    "internal_relay": lambda *names: (
        f"Mail to {', '.join(names)} (InternalRelay) does not leave the organization. How it gets to servers on premises is"
        " not considered."
    ),
    "own_servers": lambda domains, connectors: (
        f"Mail to {', '.join(domains)} does not leave the organization, although {listed(list(map(repr, connectors)))} may"
        " hand it to servers on premises. How it gets there is not considered."
    ),
    "journals": lambda *addresses: (
        f"Journal rules send copies of mail to {listed(addresses)}, which are not considered."
    ),
    "not_ours": (
        "Mail that arrives encrypted with S/MIME or with another organization's keys keeps that, and need not be led to"
        " the portal."
    ),
    "wrapped": (
        "A disclaimer can be wrapped around each message into which it cannot be put. Exchange rejects the message where"
        " that fails."
    ),
    "added_copies": lambda rule, people: (
        f"Copies for {people} that the rule {rule!r} makes are not considered, as the guarantee says (copies). They may be"
        f" {UNPROTECTED}."
    ),
    "shown_copies": lambda rule, person: (
        f"What the rule {rule!r} shows {person}, in a report or for an approval, is not considered. It may be"
        f" {UNPROTECTED}."
    ),
    "dlp_copies": lambda rule, people: (
        f"Copies for {people} that the DLP rule {rule!r} sends are not considered, as the guarantee says (copies). They may"
        f" be {UNPROTECTED}."
    ),
    "dlp_shown_copies": lambda rule, people: (
        f"What the DLP rule {rule!r} shows {people} for an approval is not considered. It may be {UNPROTECTED}."
    ),
    "dlp_rules": lambda *names: (
        f"Exchange enforces the DLP rule{'s' if len(names) > 1 else ''} {listed(list(map(repr, names)))} as known here, and"
        " as Microsoft documents."
    ),
    "next_server": (
        "Forced TLS protects mail on its way to the next server. What that server does with it is not considered."
    ),
    "smart_hosts": lambda connector, hosts: (
        f"Mail that leaves through the connector {connector!r} is protected on its way to {' or '.join(hosts)} alone:"
        " what comes after is not known."
    ),
}


_GUESTS = "guests and mail users"


#: Kind of an assumption to the mail that it leaves out, in a few words with its values.
_LEAVES_OUT = {
    "not_forwarded": "forwarded mail",
    "not_signed": "S/MIME-signed mail",
    "not_automatic": "automatic replies, receipts, meetings",
    "no_approval_request": "requests for approval",
    "not_too_large": f"mail over {SURELY_MB} MB",
    "not_wrapped": "mail that a disclaimer is wrapped around",
    "no_pdf": "mail with PDF documents",
    "all_in_directory": "mail to people inside who are not in the directory",
    **dict.fromkeys(("guests_left_out", "no_guests", "guests_send_nothing"), _GUESTS),
    "no_internal_domains": "mail to remote domains that count as internal",
    "system_mail": "Exchange's reports",
    "journals": "copies for journals",
    "added_copies": "copies that the rule {!r} makes for {}",
    "shown_copies": "what the rule {!r} shows {}",
    "dlp_copies": "copies that the DLP rule {!r} sends {}",
    "dlp_shown_copies": "what the DLP rule {!r} shows {}",
    "not_ours": "S/MIME-encrypted mail, mail that other organizations encrypt",
}


#: The assumptions that leave out copies which rules make, or what they show others.
_COPIES = ("added_copies", "shown_copies", "dlp_copies", "dlp_shown_copies")

#: Any other assumption of a proof, in a few words.
RELIED_ON = {
    questions.WORD_BORDERS: "texts without rare forms of i, s and k",
    questions.PATTERN_SYNTAX: "subjects of one line",
    "settled": "rules in effect for some hours",
    "rule_errors": "no rule errors",
    "configured": "working encryption",
    "later": "no change after the rules",
    "dlp_rules": "DLP rules as they are known",
    "authenticated": "authenticated mail from inside",
    "subdomains": "domains with their subdomains",
    "sent_from": "senders' primary addresses",
    "sizes": "messages larger than their attachments",
    "internal_domains": "remote domains that stay internal",
    "date": "no rule that begins or ends",
    "wrapped": "disclaimers that can be wrapped around mail",
    "next_server": "mail on its way to the next server alone",
    "smart_hosts": "smart hosts that pass it on",
    "internal_relay": "mail that is relayed to servers on premises",
    "own_servers": "mail that connectors hand to servers on premises",
}


def assumption_row(premise: Premise) -> AssumptionRow:
    """An assumption of a proof in words, with the mail that it leaves out, if any."""
    kind = premise.kind or premise.id
    text = _TEXTS[kind]
    return AssumptionRow(
        id=premise.id,
        text=text if isinstance(text, str) else text(*premise.values),
        mail=_LEAVES_OUT.get(kind, "").format(*premise.values),
    )


def copies_not_covered(row: GuaranteeRow) -> list[str]:
    """The copies that rules make of the mail of a proved guarantee, and that it does not cover, as sentences; none of
    another one.
    """
    if not row.is_proved:
        return []
    return [
        f"{row.name!r} does not cover {assumption.mail}." for assumption in row.assumptions if assumption.id in _COPIES
    ]


def _limit(guarantee: Guarantee) -> str:
    """What narrows a wish, in words; empty if nothing does."""
    if guarantee.template:
        return f"'{guarantee.template}'"
    days = guarantee.expires_within_days
    return f"{days} day{'s' if days > 1 else ''}" if days else CHECKS.get(guarantee.tls_validation, "")


def guarantee_rows(judgments: Iterable[Judgment]) -> list[GuaranteeRow]:
    """What is known of guarantees."""
    return list(map(_row, judgments))


def _row(judgment: Judgment) -> GuaranteeRow:
    guarantee = judgment.guarantee
    return GuaranteeRow(
        name=guarantee.name,
        verdict=judgment.verdict,
        claim=claimed(judgment.claim, guarantee) if judgment.claim else "",
        assumptions=tuple(map(assumption_row, judgment.premises)),
        counterexample=counterexample_row(judgment.counterexample) if judgment.counterexample else None,
        unknown=open_reasons(judgment.unknown),
        unseen=tuple(judgment.unseen),
    )


def counterexample_row(counterexample: Counterexample) -> CounterexampleRow:
    """A counterexample with the words of its outcome."""
    return CounterexampleRow(
        message=dict(counterexample.message),
        recipient=counterexample.recipient,
        outcome=copy_row(counterexample.outcome),
        decided_by=counterexample.decided_by,
        hole=counterexample.hole,
        expiry=counterexample.expiry,
        unbranded=counterexample.unbranded,
        shown_to=counterexample.shown_to,
        cause=counterexample.cause,
        facts=dict(counterexample.facts) or None,
        supposed_groups=counterexample.supposed_groups,
    )
