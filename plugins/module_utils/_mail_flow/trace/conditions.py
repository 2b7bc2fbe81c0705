# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies meet a condition, as sets of bits, and the message that a row of the trace describes.

Each condition is decided once per distinct value that it looks at, by the simulator's own predicate on a message with
only that value. A set of copies is an integer: bit ``n`` is the copy at place ``n`` of the block.

What a row does not say is unknown, by field: the text, attachments, headers, fields, importance, classification, spam
level, and the envelope's sender. Source: what Microsoft documents of the trace's columns, and observations on real
tenants. A message arrives in clear and has no special type, as ordinary mail, unless its row shows that it is something
else; and an attachment is no larger than its message.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import product

from ..conditions.predicate import Atom, Needs, Reach
from ..model import questions
from ..model.addresses import domain, is_name
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..model.inside import leaves
from ..model.kleene import Open, Truth, any_of
from ..model.message import Message, Protection, Recipient
from ..model.patterns import in_prefix, required
from ..model.reason_kinds import UntracedKind
from ..model.rule_view import Fork, RuleView, first_content
from ..model.sizes import ENCODED
from ..model.words import any_word, tokens, touches
from .columns import Block, Column, bits_of
from .rows import SENT
from .sharing import Sharing
from .truth_sets import TruthSets, Unknown

#: A person whom no condition names.
NOBODY = "\x00@\x00"

#: What a message of a column says of its copies.
_SAYS = {
    "sender": ("sender", "is_authenticated"),
    "recipient": ("recipient", "is_authenticated"),
    "pair": ("sender", "recipient", "is_authenticated"),
    "subject": ("subject",),
    "hop": ("from_ip",),
    "size": ("size",),
}

#: The last hop of a message without a connection from outside: it is from a mailbox of the organization, or from the
#: service.
NO_HOP = "255.255.255.255"


#: How programs begin the subjects of automatic replies, and of answers to meeting requests and requests for receipts.
_AUTOMATIC = re.compile(
    r"\s*(automatic reply|automatische antwort|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord"
    r"|accepted|declined|tentative|canceled|read|not read)\s*:",
    re.IGNORECASE,
)

#: The types of messages whose rows show that they are automatic, and of those that came from outside and leave again.
_ITSELF, _FORWARDED = frozenset(("OOF",)), frozenset(("AutoForward",))

#: The keys that a message from a row does not have.
UNSAID = frozenset(("headers", "fields"))


#: Field of an open question to the kind of what leaves it open.
_KIND_OF_FIELD: Mapping[str, UntracedKind] = {
    "body": "body",
    "attachments": "attachment",
    "headers": "header",
    "to": "to_or_cc",
    "scl": "scl",
    "type": "type",
    "protection": "type",
    "disclaimer_insertable": "type",
    "classification": "classification",
    "importance": "importance",
    "sensitivity_label": "label",
    "mail_from": "envelope",
    "authenticated": "envelope",
    "sender_ip": "envelope",
    "facts.groups": "membership",
    "facts.managers": "membership",
    "facts.attributes": "membership",
}


def kind_of_field(field: str) -> UntracedKind:
    """The kind of a reason that is about a key of a message, or of the facts."""
    return _KIND_OF_FIELD.get(field, "semantics")


def why_open(question: Open, untraced: UntracedKind | None = None) -> Unknown:
    """The reason of an open question.

    :param untraced: the kind of what the condition that asks it looks at, where no row says that. It goes before the field: text that may be protected
        is text.
    """
    reason = question.reasons[0]
    if reason.kind == "size":
        return Unknown("size")
    kind = untraced or ("address" if reason.kind == "address" else kind_of_field(reason.field))
    if reason.id != questions.A_FACT:
        return Unknown(kind, reason.id)
    return Unknown(kind, silent=kind == "semantics" and not reason.field.startswith("facts."))


def authenticated(sender: str, from_ip: str, facts: Facts) -> bool | None:
    """Whether a message came over an authenticated connection; ``None`` if unknown.

    Mail without a hop before the service, from an address of the organization, is from one of its mailboxes. So is mail
    that a report calls outbound, unless a server on premises or a device may hand mail over by a connector. Mail over
    the internet from an address outside is not authenticated, unless a connector makes it so. From an address of the
    organization it is forged, or from a device or program that signed in (U22).
    """
    kind = None if is_name(sender) else facts.domains.type_of(domain(sender))
    if from_ip == NO_HOP:
        return True if kind in INSIDE else None
    if from_ip == SENT:
        return True if kind in INSIDE and facts.connectors.relays == () else None
    hop = _hop(from_ip)
    if not hop or hop.is_private or kind is None or kind in INSIDE or facts.connectors.internal != ():
        return None
    return False


@lru_cache(maxsize=1 << 16)
def _hop(from_ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The last hop before the service; ``None`` if there is none, or it is unknown."""
    try:
        return None if from_ip in (NO_HOP, "") else ipaddress.ip_address(from_ip)
    except ValueError:
        return None


def message_of_row(
    sender: str,
    recipient: str,
    *,
    subject: str = "",
    size: int | None = None,
    from_ip: str = "",
    is_authenticated: bool | None = None,
) -> Message:
    """The message of a row; everything that the row does not say is unknown."""
    return Message(
        name="",
        sender=sender,
        mail_from=None,
        to=(recipient,),
        authenticated=is_authenticated,
        subject=subject,
        body=None,
        attachments=None,
        types=None,
        importance=None,
        classifications=None,
        sender_ip=from_ip if _hop(from_ip) else None,
        sensitivity_label=None,
        size=size,
        protection=None,
        unsaid=UNSAID,
    )


def recipient_of(address: str, facts: Facts) -> Recipient:
    """The recipient of a copy, as the simulator knows people."""
    primary = facts.people.primary(address)
    return Recipient(primary, address, primary)


#: Why it is open what the trace does not show of a long subject.
_CUT = Unknown("subject_cut")

#: Why it is open where a size is near the limit: nobody documents whether a row and a rule have the same size.
_NEAR = Unknown("semantics", questions.AT_THE_LIMIT)

#: The trace shows who got a copy, not the address that the sender wrote.
_ORIGINAL = Unknown("to_or_cc", questions.ALIASES)

#: The row has no sender's address, and the From field may have any; or nobody knows the address of a recipient.
_NO_SENDER = Unknown("address")

#: The maximum number of subject prefixes to distinguish, in all and on one subject; beyond that, the original subject
#: is unknown.
MOST_PREFIXES, MOST_CHANGES = 4, 2


class RowConditions:
    """Decides conditions for the copies of a block.

    :param prefixes: what rules put before subjects.
    :param added: the number of bytes that rules may have added to the size of a message.
    :param guesses: whether likely answers count as answers, as in results; otherwise they are open, too.
    :param encrypts: whether rules may have asked for encryption.
    """

    def __init__(
        self,
        block: Block,
        facts: Facts,
        prefixes: Iterable[str] = (),
        added: int = 0,
        guesses: bool = True,
        encrypts: bool = False,
    ) -> None:
        self.block, self.facts, self.added, self.guesses, self.encrypts = block, facts, added, guesses, encrypts
        self.prefixes = tuple(dict.fromkeys(prefixes))
        #: The numbers of the guesses that were used as answers.
        self.assumed: set[str] = set()
        self._known: dict[Hashable, TruthSets] = {}
        self._columns: dict[str, Column] = {}
        self._parts: dict[Hashable, dict[int, tuple[Truth, ...]]] = {}
        self._rule_views: dict[tuple[str, int], tuple[RuleView, ...]] = {}
        self._known_views_ahead: dict[int, tuple[RuleView, ...]] = {}

    def truth_of(self, atom: Atom) -> TruthSets:
        """The copies for which a condition is true, or open, with their subjects as in the trace."""
        key = (atom.predicate.options, atom.values, atom.settings)
        if key not in self._known:
            self._known[key] = self._decided(atom, atom.column)
        return self._known[key]

    def _decided(self, atom: Atom, name: str) -> TruthSets:
        """The copies for which a condition is true, decided by the column that the condition looks at."""
        if not name:
            return self._beside_columns(atom)
        if name == "recipient" and atom.settings.address_type == "Original":
            truth = self._everywhere(_ORIGINAL)
        else:
            truth = self._of_column(atom, name)
        if name in ("sender", "pair"):
            truth = truth.opened(self._unnamed, _NO_SENDER)
        if name in ("recipient", "pair") and self.block.made:
            truth = truth.opened(self._nameless, _NO_SENDER)
        return truth

    def _beside_columns(self, atom: Atom) -> TruthSets:
        """The copies for which a condition is true that looks at what no column says. Where a row shows that a message is not
        ordinary, its type is open.
        """
        if atom.predicate.sort == "type":
            unusual = self._settled(atom.evaluate(self._unusual), atom)
            usual = self._everywhere(self._settled(atom.evaluate(self._usual), atom))
            return usual if isinstance(unusual, bool) else usual.opened(self._special, unusual)
        unsaid = self._settled(atom.evaluate(self._blank), atom)
        truth = self._everywhere(unsaid)
        if atom.predicate.looks_at == "fields" and atom.predicate.sort == "address":
            return truth.without(self._naming_others(atom))
        limit = atom.predicate.least_size(atom.values)
        if limit is not None:
            sizes = enumerate(self.block.size)
            small = bits_of((place for place, size in sizes if 0 <= size * ENCODED < limit), len(self.block))
            return truth.without(small)
        return truth

    def _naming_others(self, atom: Atom) -> int:
        """The copies of ordinary mail from inside whose To and Cc fields have none of the people of a condition, because
        no copy of the message is for one of them. The row of a group to which a message went shows the group.
        """
        block, facts = self.block, self.facts
        wanted = {facts.people.primary(str(person)) for person in atom.values}
        if any(map(is_name, wanted)):
            return 0
        people = {number: facts.people.primary(block.texts["recipient"][number]) for number in set(block.recipient)}
        meant = {number for number, address in people.items() if {address, *facts.other_addresses(address)} & wanted}
        named = bits_of((place for place, number in enumerate(block.recipient) if number in meant), len(block))
        inside = bits_of((place for place, known in enumerate(self.authenticated) if known), len(block))
        return inside & ~self._special & ~block.partial & ~block.whole_messages(named | self._nameless)

    def shared_truth(self, atom: Atom, sharing: Sharing) -> TruthSets:
        """The copies for which a condition is true, with what the others who share a copy mean to a condition that looks at all of them."""
        truth = self.truth_of(atom)
        if not atom.looks_around or not atom.column:
            return truth
        return sharing.of_each(truth) if atom.reach is Reach.RELATION else sharing.of_any(truth)

    @cached_property
    def authenticated(self) -> list[bool | None]:
        """For each copy, whether its message came over an authenticated connection."""
        known: dict[tuple[int, int], bool | None] = {}
        pairs = list(zip(self.block.sender, self.block.from_ip, strict=True))
        for place, pair in enumerate(pairs):
            if pair not in known:
                known[pair] = authenticated(
                    self.block.text("sender", place), self.block.text("from_ip", place), self.facts
                )
        return [known[pair] for pair in pairs]

    @cached_property
    def _unnamed(self) -> int:
        """The copies whose rows have no sender's address."""
        named = [is_name(text) for text in self.block.texts["sender"]]
        return bits_of((place for place, number in enumerate(self.block.sender) if named[number]), len(self.block))

    @cached_property
    def _nameless(self) -> int:
        """The copies that rules would make for somebody whose address is not known."""
        named = [is_name(text) for text in self.block.texts["recipient"]]
        return bits_of((place for place, number in enumerate(self.block.recipient) if named[number]), len(self.block))

    @cached_property
    def special(self) -> dict[frozenset[str], int]:
        """The copies whose rows show that they are no ordinary mail, by what they most likely are: automatic mail, which
        has no return path or a subject that says so, also behind prefixes of rules, and mail from outside that leaves
        again.
        """
        block, facts = self.block, self.facts
        senders, recipients = (
            {
                number: leaves(facts, facts.people.primary(block.texts[name][number])) is True
                for number in set(getattr(block, name))
                if not is_name(block.texts[name][number])
            }
            for name in ("sender", "recipient")
        )
        subjects = {
            number
            for number in set(block.subject)
            if number >= 0 and any(map(_AUTOMATIC.match, self._without_prefixes(block.texts["subject"][number])))
        }
        itself = self._unnamed | bits_of(
            (place for place, number in enumerate(block.subject) if number in subjects), len(block)
        )
        pairs = zip(block.sender, block.recipient, strict=True)
        again = bits_of(
            (
                place
                for place, (sender, recipient) in enumerate(pairs)
                if senders.get(sender) and recipients.get(recipient)
            ),
            len(block),
        )
        return {_ITSELF: itself, _FORWARDED: again & ~itself}

    @cached_property
    def _special(self) -> int:
        special = 0
        for bits in self.special.values():
            special |= bits
        return special

    @cached_property
    def _usual(self) -> RuleView:
        """An ordinary message, behind rules that may have asked for encryption."""
        blank = self._blank
        message = replace(blank.message, types=frozenset())
        return replace(blank, message=message, content=blank.content.but(asked=self.encrypts, known={}))

    @cached_property
    def _unusual(self) -> RuleView:
        """A message of which it is open of which type it is, and how it arrives."""
        message = message_of_row(NOBODY, NOBODY)
        return replace(self._blank, message=message, content=first_content(message))

    @cached_property
    def _blank(self) -> RuleView:
        return self._rule_view(NOBODY, NOBODY)

    def _rule_view(self, sender: str, recipient: str, **known: object) -> RuleView:
        message = replace(message_of_row(sender, recipient, **known), protection=Protection())  # type: ignore[arg-type]
        person = recipient_of(recipient, self.facts)
        return RuleView(message, self.facts, first_content(message), person, Fork((person,)))

    def _column(self, name: str) -> Column:
        if name not in self._columns:
            block = self.block
            of_people = (
                *([getattr(block, side) for side in ("sender", "recipient") if side in _SAYS[name]]),
                self.authenticated,
            )
            values = (
                zip(*of_people, strict=True)
                if len(of_people) > 1
                else getattr(block, "from_ip" if name == "hop" else name)
            )
            self._columns[name] = Column(values, block, name if name in ("sender", "recipient", "subject") else "")
        return self._columns[name]

    def _without_prefixes(self, subject: str) -> tuple[str, ...]:
        """The subjects that a rule may have seen before earlier rules put prefixes ahead, the given one first."""
        variants = dict.fromkeys((subject,))
        for _time in range(MOST_CHANGES if subject.startswith(self.prefixes) else 0):
            variants.update(
                dict.fromkeys(
                    variant[len(prefix) :]
                    for variant in list(variants)
                    for prefix in self.prefixes
                    if variant.startswith(prefix)
                )
            )
        return tuple(variants)

    @cached_property
    def _ahead(self) -> tuple[str, ...]:
        """What rules may have put before a subject that its row does not show."""
        return tuple(
            "".join(prefixes)
            for count in range(1, MOST_CHANGES + 1)
            for prefixes in product(self.prefixes, repeat=count)
        )

    def _sizes_of(self, size: int) -> tuple[int, ...]:
        """The least and the greatest size that a rule may have seen, of a message of which a row has this one."""
        return () if size < 0 else (max(0, int(size / ENCODED) - self.added), int(size * ENCODED))

    def _everywhere(self, result: bool | Unknown) -> TruthSets:
        """A condition with the same result for all copies."""
        everybody = self.block.every_copy
        return (
            TruthSets(0, {result: everybody}) if isinstance(result, Unknown) else TruthSets(everybody if result else 0)
        )

    def _of_column(self, atom: Atom, name: str) -> TruthSets:
        column, count = self._column(name), len(self.block)
        parts = _parts(atom)
        met_ahead = name == "subject" and any(map(self._is_met_ahead, parts))
        differs_ahead = name == "subject" and not met_ahead and any(map(self._may_differ_ahead, parts))
        as_shown = [self._part(part, name, column) for part in parts]
        with_prefixes = [self._part(part, name, column, ahead=True) for part in parts] if differs_ahead else []
        places: dict[bool | Unknown, list[int]] = {}
        doubtful: list[int] = []
        for number in set().union(*as_shown, *with_prefixes):
            here = column.places[number]
            plain, *others = self._by_variant(as_shown, number, atom)
            if with_prefixes:
                others += self._by_variant(with_prefixes, number, atom)
            if any(other != plain for other in others):
                if name == "size":
                    plain = _NEAR
                else:
                    doubtful += here
            places.setdefault(plain, []).extend(here)
        if met_ahead:
            doubtful = list(range(count))
        decided = [place for here in places.values() for place in here]
        rest = self._undecided(self._settled(atom.evaluate(self._blank), atom), decided)
        truth = TruthSets(
            rest.true | bits_of(places.get(True, ()), count), rest.open, bits_of(doubtful, count), name == "subject"
        )
        for why, here in places.items():
            if isinstance(why, Unknown):
                truth.open[why] = truth.open.get(why, 0) | bits_of(here, count)
        cut = _places_cut_short(atom, column) if name == "subject" else []
        return truth.opened(bits_of(cut, count), _CUT).changed(0, bits_of(column.unsaid, count))

    def _by_variant(
        self, parts: Sequence[Mapping[int, tuple[Truth, ...]]], number: int, atom: Atom
    ) -> list[bool | Unknown]:
        """What a condition is for each variant of a value of a column.

        :param parts: what it is with each of its values; see :meth:`_part`.
        """
        variants = [part[number] for part in parts if number in part]
        if not variants:
            return [False]
        return [self._settled(any_of(truths), atom) for truths in zip(*variants, strict=True)]

    def _undecided(self, default: bool | Unknown, decided: Iterable[int]) -> TruthSets:
        """A condition for the copies whose value does not decide it.

        :param default: its result for them.
        :param decided: the places of the others.
        """
        if default is False:
            return TruthSets()
        others = bits_of(decided, len(self.block))
        truth = self._everywhere(default)
        return TruthSets(truth.true & ~others, {why: bits & ~others for why, bits in truth.open.items()})

    def _part(self, part: Atom, name: str, column: Column, *, ahead: bool = False) -> dict[int, tuple[Truth, ...]]:
        """A condition with one of its values: for each value of the column that may meet it, what it is for each
        variant of that.

        :param ahead: whether the variants are those with prefixes ahead that the row does not show.
        """
        key = (part.predicate.options, part.values, part.settings, ahead)
        by_value = self._parts.get(key)
        if by_value is None:
            by_value = self._parts[key] = {}
            default = part.evaluate(self._blank)
            for number in self._candidates(part, column):
                views = self._views_ahead(column, number) if ahead else self._rule_views_of(name, column, number)
                truths = tuple(map(part.evaluate, views))
                if default is not False or any(truth is not False for truth in truths):
                    by_value[number] = truths
        return by_value

    def _rule_views_of(self, name: str, column: Column, number: int) -> tuple[RuleView, ...]:
        views = self._rule_views.get((name, number))
        if views is None:
            place = column.places[number][0]
            block = self.block
            says = _SAYS[name]
            rule_view = self._rule_view(
                block.text("sender", place) if "sender" in says else NOBODY,
                block.text("recipient", place) if "recipient" in says else NOBODY,
                **{
                    said_column: block.value(said_column, place)
                    for said_column in says
                    if said_column in ("subject", "from_ip", "size")
                },
                **({"is_authenticated": self.authenticated[place]} if "is_authenticated" in says else {}),
            )
            subjects = self._without_prefixes(block.text("subject", place))[1:] if name == "subject" else ()
            views = (
                rule_view,
                *(_with_subject(rule_view, subject) for subject in subjects),
                *(
                    replace(rule_view, message=replace(rule_view.message, size=size))
                    for size in (self._sizes_of(block.size[place]) if name == "size" else ())
                ),
            )
            self._rule_views[name, number] = views
        return views

    def _views_ahead(self, column: Column, number: int) -> tuple[RuleView, ...]:
        views = self._known_views_ahead.get(number)
        if views is None:
            views = self._known_views_ahead[number] = tuple(
                _with_subject(rule_view, f"{prefix}{rule_view.content.subject}")
                for rule_view in self._rule_views_of("subject", column, number)
                for prefix in self._ahead
            )
        return views

    def _candidates(self, atom: Atom, column: Column) -> Iterable[int]:
        """The numbers of the values that a condition may be anything else for than for nobody."""
        needs = self._needs(atom, column.kind) if column.kind else None
        if needs is not None:
            return column.with_key(needs, self.facts)
        literal = _literal(atom)
        return column.with_text(literal) if literal else range(len(column.places))

    def _needs(self, atom: Atom, kind: str) -> Needs:
        if atom.predicate.sort != "member":
            return atom.predicate.needs(atom.values)
        return tuple((kind, member) for group in atom.values for member in self.facts.groups.members_of(group))

    def _is_met_ahead(self, part: Atom) -> bool:
        """Whether what is put before subjects may meet a condition, alone or with the beginning of a subject."""
        needs = part.predicate.needs(part.values)
        if needs is not None:
            wanted = {token for _kind, token in needs}
            return any(
                prefix[-1:].isalnum() or not prefix.isascii() or wanted & tokens(prefix) for prefix in self.prefixes
            )
        literal = _literal(part)
        return any(not literal or _straddles(prefix, literal) for prefix in self.prefixes)

    def _may_differ_ahead(self, part: Atom) -> bool:
        """Whether a prefix may change what a condition is that is not met in the prefix: not if all that it looks for is
        a word that begins with a letter or digit, behind prefixes that end with a border of words.
        """
        if not self.prefixes:
            return False
        if not _is_text(part) or part.predicate.sort != "word":
            return True
        (word,) = part.values
        begins = word.isascii() and word[:1].isalnum()
        return not begins or any(touches(prefix[-1:], word[0]) is not False for prefix in self.prefixes)

    def _settled(self, truth: Truth, atom: Atom) -> bool | Unknown:
        """A truth with the likely answer taken for the answer, as results take it."""
        if isinstance(truth, bool):
            return truth
        if truth.likely is None or not self.guesses:
            question = why_open(truth, atom.predicate.untraced)
            # Only if it is about one question can anything answer that.
            return (
                question
                if self.guesses or len({reason.id for reason in truth.reasons}) == 1
                else Unknown(question.kind)
            )
        self.assumed |= {reason.id for reason in truth.reasons}
        return truth.likely


def _with_subject(rule_view: RuleView, subject: str) -> RuleView:
    """The view of the same message with another subject."""
    content = rule_view.content.but(subject=subject, known={})
    return RuleView(rule_view.message, rule_view.facts, content, rule_view.recipient, rule_view.fork)


def _places_cut_short(atom: Atom, column: Column) -> list[int]:
    """The places of the copies with a text that the trace cuts short, and of which the rest may meet a condition."""
    return [
        place for number in column.cut if not _goes_on(atom, column.texts[number]) for place in column.places[number]
    ]


def _is_text(atom: Atom) -> bool:
    """Whether a condition looks for texts, one of which is enough, in a subject or an address."""
    return atom.predicate.sort in ("word", "pattern") and atom.predicate.looks_at != "header"


def _literal(atom: Atom) -> str:
    """A text without which a pattern is not found; empty if there is none, or the condition is no pattern."""
    return (
        required(str(atom.values[0]), atom.settings.dialect)
        if _is_text(atom) and atom.predicate.sort == "pattern"
        else ""
    )


def _parts(atom: Atom) -> list[Atom]:
    """A condition that is true where one of its values is found, as one for each value: many conditions have the same."""
    return [replace(atom, values=(value,)) for value in atom.values] if _is_text(atom) else [atom]


def _goes_on(atom: Atom, subject: str) -> bool:
    """Whether a condition is true of every subject that begins with this one."""
    wanted = atom.values[1] if atom.predicate.looks_at == "header" else atom.values
    if atom.predicate.sort == "pattern":
        return any(in_prefix(subject, wanted_text, atom.settings.dialect) for wanted_text in wanted)
    return any_word(f"{subject}x", wanted) is True  # A word at the end is now another.


def _straddles(prefix: str, literal: str) -> bool:
    """Whether a text that begins with a prefix may have a literal that is not all behind it."""
    small = prefix.lower()
    return literal in small or any(small.endswith(literal[:end]) for end in range(1, len(literal)))
