# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's rules do to mail, in English, the most important first.

Each sentence says a statement of ``analyses.policy``: which mail it is, what happens to it, and what keeps some of it
from that. Rules that differ in the values of one condition share a sentence, and so does all that a rule does to the
same mail.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from ..._exchange.text import listed, quoted, visible_line
from ..analyses.finding import Exempting
from ..analyses.policy import MailPolicy, Statement
from ..analyses.rule_effects import MISFITS, RuleEffect
from ..analyses.stated_rules import StatedRule, lists_of, with_values
from ..conditions.predicate import Atom
from ..model import questions
from ..rules.dlp_rules import DlpRule
from .contradicted import certainty
from .dlp import dlp_mail, dlp_mail_words, may_words
from .reasons import ids_words
from .row import ComputedRow, as_list, codec, one_of_texts
from .sentences import ASKED_BY, ENDING_MAIL, MOST_NAMED, NamedMail, filled, mail_of_rule, named_of, unless_words

#: The kinds of sentences, the most important first.
PolicyKind: TypeAlias = Literal[
    "dlp",
    "encrypted",
    "decrypted",
    "rejected",
    "deleted",
    "quarantined",
    "moderated",
    "redirected",
    "copied",
    "in_transit",
    "branded",
    "shown",
    "reported",
    "routed",
    "marked",
    "unknown",
]
KINDS: tuple[PolicyKind, ...] = get_args(PolicyKind)

#: The kind of the sentences about DLP rules of which it is open on which mail they act.
DLP: Final = "dlp"

#: Kind of effect to the kind of sentence, its words, and the words where it is open.
_EFFECTS: Mapping[str, tuple[PolicyKind, str, str]] = {
    "encrypted": ("encrypted", "is encrypted{}", "may be encrypted{}"),
    "decrypted": ("decrypted", "is decrypted", "may be decrypted"),
    "rejected": ("rejected", "is rejected", "may be rejected"),
    "deleted": ("deleted", "is deleted", "may be deleted"),
    "quarantined": ("quarantined", "goes into quarantine", "may go into quarantine"),
    "redirected": ("redirected", "is redirected", "may be redirected"),
    "moderated": ("moderated", "waits for approval by {}", "may wait for approval by {}"),
    "copied": ("copied", "also reaches {}", "may also reach {}"),
    "copied_instead": ("copied", "reaches {} instead", "may reach {} instead"),
    "branded": ("branded", "shows the branding '{}'", "may show the branding '{}'"),
    "in_transit": ("in_transit", "leaves by forced TLS", "may leave by forced TLS"),
    "clear_transit": ("in_transit", "no longer leaves by forced TLS", "may no longer leave by forced TLS"),
    "report": ("reported", "is reported to {}", "may be reported to {}"),
    "original": ("shown", "is reported to {} with the original mail", "may be reported to {} with the original mail"),
    "notification": ("reported", "brings its recipients a notification", "may bring its recipients a notification"),
    "attachments": (
        "decrypted",
        "has its protected attachments decrypted",
        "may have its protected attachments decrypted",
    ),
    "connector": ("routed", "leaves through the connector '{}'", "may leave through the connector '{}'"),
    "tls": ("routed", "leaves by TLS only", "may have to leave by TLS"),
    "spam": ("marked", "may be treated as spam (SCL {})", "may be treated as spam (SCL {})"),
    "no_spam": ("marked", "is marked as no spam (SCL {})", "may be marked as no spam (SCL {})"),
}

#: Senders whose mail Exchange does not encrypt, or may not, to the words for it.
_SENDERS = {
    "outside": "it comes from outside",
    "unauthenticated": f"its sender did not sign in ({questions.FORWARDED})",
}


#: How rules that keep mail from something are read and written.
_EXEMPTING = codec(
    lambda rows: tuple(Exempting(**row) for row in rows),
    lambda rules: [{"rule": each.rule, "how": each.how} for each in rules],
)


@dataclass(frozen=True)
class PolicyRow(ComputedRow):
    """What rules do to mail, as a sentence.

    :param rules: the names of the rules.
    :param by_dlp: whether these are DLP rules.
    :param unless: the other rules that keep mail from that, and :param:`unnamed`: those of them that the sentence only
        counts.
    :param besides_dlp: whether the DLP rules of the first sentence may treat some of the mail otherwise.
    :param unknown: the numbers of the open questions.
    """

    kind: PolicyKind = field(metadata=one_of_texts(KINDS))
    text: str
    rules: tuple[str, ...] = field(metadata=as_list())
    by_dlp: bool = False
    unless: tuple[Exempting, ...] = field(default=(), metadata=_EXEMPTING)
    unnamed: tuple[Exempting, ...] = field(default=(), metadata=_EXEMPTING)
    besides_dlp: bool = False
    unknown: tuple[str, ...] = field(default=(), metadata=as_list())


def policy_rows(policy: MailPolicy) -> list[PolicyRow]:
    """What the rules do, as sentences."""
    sentences = _sentences(policy)
    for_table = _rules_for_table(sentences)
    rows = [_row(sentence, for_table) for sentence in sentences]
    return [*_dlp_rows(policy), *rows, *_other_dlp_rows(policy)]


def _dlp_rows(policy: MailPolicy) -> list[PolicyRow]:
    """The sentence about the DLP rules besides which others are said, if there are any."""
    return _dlp_row(policy.dlp, "may treat mail otherwise than the other sentences say") if policy.dlp else []


def _other_dlp_rows(policy: MailPolicy) -> list[PolicyRow]:
    """The sentence about the other DLP rules of which it is open on which mail they act, if there are any."""
    return _dlp_row(policy.other_dlp, "may act on mail, depending on what is in it") if policy.other_dlp else []


def _dlp_row(rules: Sequence[DlpRule], what: str) -> list[PolicyRow]:
    who = "A DLP rule" if len(rules) == 1 else f"{len(rules)} DLP rules"
    sentences = [f"{rule.name!r} {may_words(rule)} ({dlp_mail_words(rule)})" for rule in rules]
    text = f"{who} {what} ({questions.DLP_RULES}): {listed(sentences, joint='and', most=MOST_NAMED)}."
    names = tuple(dict.fromkeys(rule.name for rule in rules))
    return [PolicyRow(DLP, visible_line(text), names, unknown=(questions.DLP_RULES,))]


def _rules_for_table(sentences: Iterable[_Sentence]) -> frozenset[Exempting]:
    """The rules that end mail of so many others that a table says it once instead of each sentence."""
    counts = Counter(exempting for sentence in sentences for exempting in sentence.exempting)
    return frozenset(
        exempting for exempting, number in counts.items() if number > MOST_NAMED and exempting.how in ENDING_MAIL
    )


def policy_contrast(before: MailPolicy, after: MailPolicy) -> tuple[list[PolicyRow], list[PolicyRow], list[str]]:
    """The sentences that are true of one organization only, whatever the names of its rules: of the one before, and of
    the other; and those that say what is unknown of both.
    """
    one, other = _sentences(before), _sentences(after)
    unknown = [
        replace(own, rules=_names([own, *(sentence for sentence in other if sentence == own)]))
        for own in one
        if own.kind == "unknown" and own in other
    ]
    return (
        _besides_dlp(before, [_row(sentence) for sentence in one if sentence not in other]),
        _besides_dlp(after, [_row(sentence) for sentence in other if sentence not in one]),
        [_row(sentence).text for sentence in unknown],
    )


def _besides_dlp(policy: MailPolicy, rows: list[PolicyRow]) -> list[PolicyRow]:
    """Sentences after the one about the DLP rules, if it limits one of them."""
    return [*(_dlp_rows(policy) if any(row.besides_dlp for row in rows) else ()), *rows]


@dataclass(frozen=True)
class _Sentence:
    """What happens to mail. Sentences that say the same are equal, whatever the names of their rules.

    :param about: the rule whose conditions the mail meets, with those that earlier rules :param:`changed`; ``None`` if
        the sentence names no mail.
    :param exempting: the other rules that keep mail from it, and :param:`hows`: in which ways; :param:`sent_on_by`: those that
        send mail for others to its recipients.
    :param numbers: the open questions.
    :param unstated: the names of the rules of which not all is said; only of the sentence that says so.
    """

    effects: tuple[RuleEffect, ...]
    rules: tuple[str, ...] = field(compare=False)
    about: StatedRule | None = field(default=None, compare=False)
    changed: Mapping[Atom, tuple[str, ...]] = field(default_factory=dict, compare=False)
    arrives: str = ""
    managed: bool = False
    approved: bool = False
    rejected: bool = False
    exempting: tuple[Exempting, ...] = field(default=(), compare=False)
    sent_on_by: tuple[str, ...] = field(default=(), compare=False)
    senders: tuple[str, ...] = ()
    besides_dlp: bool = False
    certain: bool = True
    numbers: tuple[str, ...] = ()
    unstated: tuple[str, ...] = ()
    mail: NamedMail | None = field(init=False)
    hows: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mail", self._mail(self.about) if self.about else None)
        object.__setattr__(self, "hows", frozenset(exempting.how for exempting in self.exempting))

    @classmethod
    def of_statement(cls, statement: Statement) -> _Sentence:
        """The sentence of a statement."""
        return cls(
            effects=(statement.effect,),
            rules=(statement.rule.name,),
            about=statement.rule,
            changed=statement.changed,
            arrives=statement.arrives,
            managed=statement.managed,
            approved=statement.approved,
            rejected=statement.rejected,
            exempting=statement.exempting,
            sent_on_by=statement.sent_on_by,
            senders=statement.senders,
            besides_dlp=statement.besides_dlp,
            certain=statement.certain,
            numbers=tuple(sorted({reason.id for reason in statement.unknown})),
        )

    @property
    def kind(self) -> PolicyKind:
        """The kind of its most important effect."""
        if not self.certain or not self.effects:
            return KINDS[-1]
        return min((_EFFECTS[effect.kind][0] for effect in self.effects), key=KINDS.index)

    def text(self, often: Collection[Exempting] = ()) -> str:
        """The sentence in words, without its own rules.

        :param often: what keeps mail from it, and is only counted.
        """
        if self.mail is None:
            return _not_all(self.unstated)
        effects = sorted(self.effects, key=lambda effect: KINDS.index(_EFFECTS[effect.kind][0]))
        phrases = _without_repeated_verb([_happens(effect, certain=self.certain) for effect in effects])
        happens = listed(phrases, joint="and", most=len(effects))
        approved = " once it is approved" if self.approved else ""
        what = _ONE_OF_TWO if all(effect.kind == "copied" for effect in effects) else ("it", "it")
        reasons = [_SENDERS[sender] for sender in self.senders]
        if self.sent_on_by:
            names = listed(list(map(quoted, self.sent_on_by)))
            reasons.append(f"{names} sends it on to them")
        unless = unless_words(self.exempting, reasons, often, what=what)
        return f"{self.mail} {happens}{approved}{unless}{self._open()}"

    @property
    def by_dlp(self) -> bool:
        """Whether DLP rules do it."""
        return isinstance(self.about, DlpRule)

    def _mail(self, about: StatedRule) -> NamedMail:
        """The mail that meets the conditions of a rule, as far as it is said."""
        more = ["whose sender has a manager"] if self.managed else []
        more += ["that other rules reject before"] if self.rejected else []
        kinds = {effect.kind for effect in self.effects}
        more += ["into which its disclaimer does not fit"] if MISFITS in self.effects else []
        more += ["that is encrypted"] if "branded" in kinds and "encrypted" not in kinds else []
        more += [_OURS] if "decrypted" in kinds and isinstance(about, DlpRule) else []
        more += ["that would otherwise leave by forced TLS"] if "clear_transit" in kinds else []
        limits = (self.exempting, self.sent_on_by, self.senders, self.besides_dlp, self.numbers)
        whole = self.certain and not any(limits)
        if isinstance(about, DlpRule):
            return dlp_mail(about, every=whole, more=tuple(more))
        return mail_of_rule(about, self.changed, every=whole, arrives=self.arrives, more=tuple(more))

    def _open(self) -> str:
        """Which questions are open, and that they are open for some of the mail only. One that the words for what keeps mail
        from the effect name is not named again.
        """
        named = {ASKED_BY.get(exemption.how) for exemption in self.exempting}
        unnamed = [number for number in self.numbers if number not in named]
        if not unnamed:
            return ""
        numbers = ids_words(unnamed)
        return f"; for some of it, that is unknown ({numbers})" if self.certain else f" ({numbers})"


def _happens(effect: RuleEffect, *, certain: bool) -> str:
    """An effect in words."""
    _kind, sure, perhaps = _EFFECTS[effect.kind]
    names = listed(list(effect.names), joint="and", most=len(effect.names))
    if effect.kind == "encrypted":
        names = f" with {listed(list(map(repr, effect.names)), joint='and')}"
    return filled(sure if certain else perhaps, names)


#: What begins several phrases about how mail leaves, and is said once.
_VERBS = ("leaves ", "may leave ")


def _without_repeated_verb(phrases: Sequence[str]) -> list[str]:
    """Phrases of which only the first says that mail leaves, if they follow each other."""
    said = [*phrases[:1]]
    for before, phrase in itertools.pairwise(phrases):
        verb = next((verb for verb in _VERBS if before.startswith(verb) and phrase.startswith(verb)), "")
        said.append(phrase.removeprefix(verb))
    return said


#: The copies of which another rule may keep one from people whom a rule adds: the recipient's, and theirs.
_ONE_OF_TWO = ("one of the two copies", "one of them")

#: The mail of which a DLP rule takes the protection away.
_OURS = "that is encrypted by the organization's own keys"


def _not_all(unstated: Sequence[str]) -> str:
    """What is said where a search used up its budget.

    :param unstated: the names of the rules of which not all is said, as far as they are known.
    """
    if not unstated:
        return "This is not all: there are too many rules, or the rules are too complex"
    names = listed(list(map(quoted, unstated)), joint="and")
    return f"This is not all that {names} {'does' if len(unstated) == 1 else 'do'}: the rules are too complex"


def _sentences(policy: MailPolicy) -> list[_Sentence]:
    """What is said of an organization, each once with all of its rules, the most important first."""
    sentences = _with_all_effects(list(map(_Sentence.of_statement, policy.statements)))
    sentences = _with_all_values(sentences)
    once: dict[_Sentence, list[_Sentence]] = {}
    for sentence in sentences:
        once.setdefault(sentence, []).append(sentence)
    every = [_as_one(alike) for alike in once.values()]
    every += [] if policy.complete else [_Sentence((), (), unstated=policy.unstated)]
    return sorted(every, key=lambda sentence: KINDS.index(sentence.kind))


def _as_one(alike: Sequence[_Sentence]) -> _Sentence:
    """One sentence for all that say the same, with all of their rules."""
    exempting = tuple(dict.fromkeys(exemption for sentence in alike for exemption in sentence.exempting))
    sent_on_by = tuple(dict.fromkeys(name for sentence in alike for name in sentence.sent_on_by))
    return replace(alike[0], rules=_names(alike), exempting=exempting, sent_on_by=sent_on_by)


def _names(sentences: Iterable[_Sentence]) -> tuple[str, ...]:
    """The names of all rules of some sentences."""
    return tuple(dict.fromkeys(name for sentence in sentences for name in sentence.rules))


def _with_all_effects(every: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences about the same mail of one rule with the same exemptions, as one."""
    groups: dict[Hashable, list[_Sentence]] = {}
    for sentence in every:
        same = (
            sentence.rules,
            sentence.by_dlp,
            sentence.mail,
            sentence.exempting,
            sentence.sent_on_by,
            sentence.senders,
            sentence.besides_dlp,
            sentence.certain,
            sentence.numbers,
            sentence.approved,
        )
        groups.setdefault(same, []).append(sentence)
    return [
        replace(alike[0], effects=tuple(dict.fromkeys(effect for sentence in alike for effect in sentence.effects)))
        for alike in groups.values()
    ]


def _with_all_values(every: Sequence[_Sentence]) -> list[_Sentence]:
    """Sentences that differ in the values of one condition only, as one: the largest groups first."""
    groups: dict[Hashable, list[int]] = {}
    for place, current in enumerate(every):
        for number, atom in enumerate(_value_lists(current)):
            if atom is not None:
                groups.setdefault(_but_for_values(current, number, atom), []).append(place)
    unmerged = dict(enumerate(every))
    merged: list[tuple[int, _Sentence]] = []
    for key, places in sorted(groups.items(), key=lambda sentence: (-len(sentence[1]), sentence[1])):
        alike = [unmerged[place] for place in places if place in unmerged]
        if len(alike) < 2:
            continue
        for place in places:
            unmerged.pop(place, None)
        merged.append((places[0], _joined(alike, key)))
    return [sentence for _place, sentence in sorted([*merged, *unmerged.items()], key=lambda numbered: numbered[0])]


def _joined(alike: Sequence[_Sentence], key: Hashable) -> _Sentence:
    """One sentence for some that differ in the values of one condition."""
    values: dict[Any, None] = {}
    numbers = []
    for sentence in alike:
        lists = _value_lists(sentence)
        number = next(
            index for index, atom in enumerate(lists) if atom and _but_for_values(sentence, index, atom) == key
        )
        numbers.append(number)
        atom = lists[number]
        values.update(dict.fromkeys(atom.values if atom is not None else ()))
    joined = _with_values(_as_one(alike), numbers[0], tuple(values))
    return replace(joined, rules=_names(alike))


def _but_for_values(sentence: _Sentence, number: int, atom: Atom) -> tuple[Hashable, ...]:
    """A sentence but for the values of a condition."""
    kept = (sentence.exempting, sentence.sent_on_by)
    return atom.predicate.options, atom.settings, kept, _with_values(sentence, number, ())


def _value_lists(sentence: _Sentence) -> list[Atom | None]:
    """The conditions of a sentence; ``None`` for one that is no list of texts, or that rules change before."""
    if sentence.about is None:
        return []

    def is_list(atom: Atom | None) -> bool:
        if atom is None or atom in sentence.changed:
            return False
        return len(atom.predicate.options) == 1 and isinstance(atom.values, tuple)

    return [atom if is_list(atom) else None for atom in lists_of(sentence.about)]


def _with_values(sentence: _Sentence, number: int, values: tuple[Any, ...]) -> _Sentence:
    """A sentence with other values of a condition; without it if there are none."""
    if sentence.about is None:
        return sentence
    return replace(sentence, about=with_values(sentence.about, number, values))


def _row(sentence: _Sentence, for_table: Collection[Exempting] = ()) -> PolicyRow:
    """A sentence as a row.

    :param for_table: what is not named in a sentence that has more than three exceptions.
    """
    names = listed(list(map(repr, sentence.rules)), joint="and")
    if sentence.by_dlp:
        names = f"the DLP {'rule' if len(sentence.rules) == 1 else 'rules'} {names}"
    counted = for_table if len(sentence.exempting) > MOST_NAMED else ()
    text = sentence.text(counted)
    named = named_of(sentence.exempting, counted)
    return PolicyRow(
        kind=sentence.kind,
        text=visible_line(f"{text} ({names})." if names else f"{text}."),
        rules=sentence.rules,
        by_dlp=sentence.by_dlp,
        unless=sentence.exempting,
        unnamed=tuple(exemption for exemption in sentence.exempting if exemption not in named),
        besides_dlp=sentence.besides_dlp,
        unknown=sentence.numbers,
    )


def policy_lines(rows: Sequence[PolicyRow], most: int | None = None) -> Iterator[str]:
    """The sentences as lines for a terminal, with one before them, and a table of the rules that these only count.

    :param most: the maximum number of sentences; by default all.
    """
    if not rows:
        yield (
            "No rule encrypts, decrypts, rejects, deletes, holds, redirects, copies, brands, reports, routes or marks mail."
        )
        return
    yield "What the rules do, the most important first:"
    shown = rows[:most]
    yield from (f"  {row.text}{certainty(row.contradicted)}" for row in shown)
    more = len(rows) - len(shown)
    if more:
        yield f"  {more} more {'sentence is' if more == 1 else 'sentences are'} in the report."
    rows_of_table = kept_rows(shown)
    if rows_of_table:
        yield f"The rules that {'the sentences above' if more else 'these sentences'} only count:"
        yield from (f"  {row.text}" for row in rows_of_table)


@dataclass(frozen=True)
class KeptRow:
    """A rule that keeps mail from what others do.

    :param rules: the names of those others.
    """

    rule: str
    how: str
    rules: tuple[str, ...]

    @property
    def text(self) -> str:
        """What it keeps mail from, as a sentence."""
        others = listed(list(map(repr, self.rules)), joint="and", most=_MOST_OTHERS)
        return visible_line(f"{self.rule!r} {_KEEPS_MAIL[self.how]} {others}.")


def kept_rows(rows: Sequence[PolicyRow]) -> list[KeptRow]:
    """The rules that keep mail from what others do, where a sentence does not name them."""
    rules_kept: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for exempting in row.unnamed:
            rules_kept.setdefault((exempting.rule, exempting.how), {}).update(dict.fromkeys(row.rules))
    return [KeptRow(rule, how, tuple(others)) for (rule, how), others in rules_kept.items()]


#: Rules from which another keeps mail that a row of the table names.
_MOST_OTHERS = 6

#: How a rule keeps mail from an effect, to the words that follow its name.
_KEEPS_MAIL = {
    "rejects": "rejects mail of",
    "deletes": "deletes mail of",
    "quarantines": "quarantines mail of",
    "redirects": "redirects mail of",
    "stops": "stops before",
    "may_stop": "may stop before",
    "decrypts": "decrypts mail of",
    "asks": "asks for another template for mail of",
    "brands": "chooses another branding for mail of",
    "holds": "holds for approval mail of",
    "dlp_blocks": "(DLP) blocks mail of",
    "dlp_redirects": "(DLP) redirects mail of",
    "dlp_quarantines": "(DLP) quarantines mail of",
    "dlp_decrypts": "(DLP) decrypts mail of",
    "dlp_asks": "(DLP) asks for another template for mail of",
    "dlp_stops": "(DLP) stops the DLP rules before",
    "dlp_acts": f"(DLP) may be enforced ({ASKED_BY['dlp_acts']}) instead of",
}
