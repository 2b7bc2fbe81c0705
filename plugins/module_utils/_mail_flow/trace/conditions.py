# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies meet a condition, as sets of bits.

Each condition is decided once per distinct value that it looks at, by the simulator's own predicate on a message with
only that value. A set of copies is an integer: bit ``n`` is the copy at place ``n`` of the block. What a row does not
say is unknown, by field. No attachment is larger than its message.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from ..conditions.predicate import Atom, Needs, Reach
from ..model import questions
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.kleene import Open, Truth, any_of
from ..model.reason_kinds import UntracedKind
from ..model.sizes import ENCODED
from .columns import Block, Column, bits_of
from .row_traits import RowTraits
from .row_views import RowViews
from .sharing import Sharing
from .sought_texts import SubjectPrefixes, by_value, is_true_however_it_goes_on, required_text
from .truth_sets import TruthSets, Unknown

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


#: The header fields that name people.
_OF_PEOPLE = frozenset(("from", "to", "cc"))

#: Why it is open what the trace does not show of a long subject.
_CUT = Unknown("subject_cut")

#: Why it is open where a size is near the limit: whether a row and a rule have the same size is not documented.
_NEAR = Unknown("semantics", questions.AT_THE_LIMIT)

#: The trace shows who got a copy, not the address that the sender wrote.
_ORIGINAL = Unknown("to_or_cc", questions.ALIASES)

#: The row has no sender's address, and the From field may have any; or the address of a recipient is not known.
_NO_SENDER = Unknown("address")


class RowConditions:
    """Decides conditions for the copies of a block.

    :param prefixes: what rules put before subjects.
    :param added: the number of bytes that rules may have added to the size of a message.
    :param guesses: whether likely answers count as answers, as in results; otherwise they are open, too.
    :param encrypts: whether rules may have asked for encryption.
    :param traits: what rows show beside what conditions look at.
    :param assumed: the numbers of the guesses that were used as answers.
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
        self._block = block
        self._facts = facts
        self._guesses = guesses
        self._prefixes = SubjectPrefixes(prefixes)
        self.traits = RowTraits(block, facts, self._prefixes)
        self._views = RowViews(block, facts, self.traits, self._prefixes, added, encrypts)
        self.assumed: set[str] = set()
        self._known: dict[Hashable, TruthSets] = {}
        self._known_parts: dict[Hashable, dict[int, tuple[Truth, ...]]] = {}

    def truth_of(self, atom: Atom) -> TruthSets:
        """The copies for which a condition is true, or open, with their subjects as in the trace."""
        key = (atom.predicate.options, atom.values, atom.settings)
        if key not in self._known:
            self._known[key] = self._decided(atom, atom.column)
        return self._known[key]

    def shared_truth(self, atom: Atom, sharing: Sharing) -> TruthSets:
        """The copies for which a condition is true, with what the others who share a copy mean to a condition that looks at all of them."""
        truth = self.truth_of(atom)
        if not atom.looks_around or not atom.column:
            return truth
        return sharing.of_each(truth) if atom.reach is Reach.RELATION else sharing.of_any(truth)

    def of_plain_mail(self, atom: Atom) -> bool | None:
        """What a condition is of a plain message, as far as that depends on what no row shows of its content; ``None`` if
        that is open. People in header fields are nothing that plain messages lack.
        """
        if atom.headers & _OF_PEOPLE:
            return None
        truth = atom.evaluate(self._views.plain)
        return truth if isinstance(truth, bool) else None

    def _decided(self, atom: Atom, name: str) -> TruthSets:
        """The copies for which a condition is true, decided by the column that the condition looks at."""
        if not name:
            return self._beside_columns(atom)
        if name == "recipient" and atom.settings.address_type == "Original":
            truth = self._everywhere(_ORIGINAL)
        else:
            truth = self._by_column(atom, name)
        if name == "hop":
            truth = truth.without(self.without_hop(atom))
        if name in ("sender", "pair"):
            truth = truth.opened(self.traits.without_sender, _NO_SENDER)
        if name in ("recipient", "pair") and self._block.made:
            truth = truth.opened(self.traits.without_recipient, _NO_SENDER)
        return truth

    def without_hop(self, atom: Atom) -> int:
        """The copies of mail from mailboxes for which a condition about the last hop is false, as they have none.

        Whether a rule compares the address that rows have in its place is not documented: if a range has that, nothing is known.
        """
        if atom.column != "hop" or atom.evaluate(self._views.by_no_hop) is not False:
            return 0
        return self.traits.without_hop

    # What no column says

    def _beside_columns(self, atom: Atom) -> TruthSets:
        """The copies for which a condition is true that looks at what no column says. Where a row shows that a message is not
        ordinary, its type is open.
        """
        if atom.predicate.sort == "type":
            unusual = self._settled(atom.evaluate(self._views.unusual), atom)
            usual = self._everywhere(self._settled(atom.evaluate(self._views.usual), atom))
            return usual if isinstance(unusual, bool) else usual.opened(self.traits.special, unusual)
        truth = self._everywhere(self._settled(atom.evaluate(self._views.blank), atom))
        if atom.predicate.looks_at == "fields":
            return truth.without(self._naming_others(atom))
        limit = atom.predicate.least_size(atom.values)
        return truth if limit is None else truth.without(self._smaller(limit))

    def _naming_others(self, atom: Atom) -> int:
        """The copies of ordinary mail from inside whose To and Cc fields have none of the people of a condition, or of the
        members of its groups, because no copy of the message is for one of them. The row of a group to which a message went shows the group.
        """
        block = self._block
        facts = self._facts
        known = facts.groups.members or {}
        if any(group not in known for group in atom.groups):
            return 0
        members = {person for group in atom.groups for person in facts.groups.members_of(group)}
        # A group that is named itself has a row of its own.
        wanted = {facts.people.primary(str(person)) for person in (*atom.values, *members)}
        if any(map(is_name, wanted)):
            return 0
        people = {number: facts.people.primary(block.texts["recipient"][number]) for number in set(block.recipient)}
        meant = {number for number, address in people.items() if {address, *facts.other_addresses(address)} & wanted}
        named = bits_of((place for place, number in enumerate(block.recipient) if number in meant), len(block))
        inside = bits_of((place for place, known in enumerate(self.traits.authenticated) if known), len(block))
        perhaps_named = block.whole_messages(named | self.traits.without_recipient)
        return inside & ~self.traits.special & ~block.partial & ~perhaps_named

    def _smaller(self, limit: int) -> int:
        """The copies whose messages are smaller than this, so that none of their attachments is larger."""
        sizes = enumerate(self._block.size)
        return bits_of((place for place, size in sizes if 0 <= size * ENCODED < limit), len(self._block))

    def _everywhere(self, result: bool | Unknown) -> TruthSets:
        """A condition with the same result for all copies."""
        everybody = self._block.every_copy
        if isinstance(result, Unknown):
            return TruthSets(0, {result: everybody})
        return TruthSets(everybody if result else 0)

    # What a column says

    def _by_column(self, atom: Atom, name: str) -> TruthSets:
        """The copies for which a condition is true that looks at a column."""
        column = self._views.column(name)
        count = len(self._block)
        parts = by_value(atom)
        met_ahead = name == "subject" and any(map(self._prefixes.may_meet, parts))
        differs_ahead = name == "subject" and not met_ahead and any(map(self._prefixes.may_change, parts))
        places, doubtful = self._by_result(atom, name, parts, ahead=differs_ahead)
        if met_ahead:
            doubtful = list(range(count))
        decided = [place for here in places.values() for place in here]
        others = self._undecided(self._settled(atom.evaluate(self._views.blank), atom), decided)
        true = others.true | bits_of(places.get(True, ()), count)
        truth = TruthSets(true, others.open, bits_of(doubtful, count), name == "subject")
        for why, here in places.items():
            if isinstance(why, Unknown):
                truth.open[why] = truth.open.get(why, 0) | bits_of(here, count)
        cut = _places_cut_short(atom, column) if name == "subject" else []
        return truth.opened(bits_of(cut, count), _CUT).changed(0, bits_of(column.unsaid, count))

    def _by_result(
        self, atom: Atom, name: str, parts: Sequence[Atom], *, ahead: bool
    ) -> tuple[dict[bool | Unknown, list[int]], list[int]]:
        """The places of the copies whose value decides a condition, by its result; and of those for which it may have been
        something else when a rule saw them.

        :param parts: the condition with each of its values.
        :param ahead: whether prefixes that the row does not show may matter.
        """
        column = self._views.column(name)
        as_shown = [self._part(part, name) for part in parts]
        with_prefixes = [self._part(part, name, ahead=True) for part in parts] if ahead else []
        places: dict[bool | Unknown, list[int]] = {}
        doubtful: list[int] = []
        for number in set().union(*as_shown, *with_prefixes):
            shown, *others = self._by_variant(as_shown, number, atom)
            if with_prefixes:
                others += self._by_variant(with_prefixes, number, atom)
            differs = any(other != shown for other in others)
            if differs and name == "size":
                shown = _NEAR
            elif differs:
                doubtful += column.places[number]
            places.setdefault(shown, []).extend(column.places[number])
        return places, doubtful

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
        others = bits_of(decided, len(self._block))
        truth = self._everywhere(default)
        return TruthSets(truth.true & ~others, {why: bits & ~others for why, bits in truth.open.items()})

    def _part(self, part: Atom, name: str, *, ahead: bool = False) -> dict[int, tuple[Truth, ...]]:
        """A condition with one of its values: for each value of the column that may meet it, what it is for each
        variant of that.

        :param ahead: whether the variants are those with prefixes ahead that the row does not show.
        """
        key = (part.predicate.options, part.values, part.settings, ahead)
        known = self._known_parts.get(key)
        if known is None:
            known = self._known_parts[key] = {}
            default = part.evaluate(self._views.blank)
            for number in self._candidates(part, self._views.column(name)):
                views = self._views.with_prefixes(number) if ahead else self._views.of_value(name, number)
                truths = tuple(map(part.evaluate, views))
                if default is not False or any(truth is not False for truth in truths):
                    known[number] = truths
        return known

    def _candidates(self, atom: Atom, column: Column) -> Iterable[int]:
        """The numbers of the values for which a condition may not be what it is for a person whom no condition names."""
        needs = self._needs(atom, column.kind) if column.kind else None
        if needs is not None:
            return column.with_key(needs, self._facts)
        literal = required_text(atom)
        return column.with_text(literal) if literal else range(len(column.places))

    def _needs(self, atom: Atom, kind: str) -> Needs:
        if atom.predicate.sort != "member":
            return atom.predicate.needs(atom.values)
        return tuple((kind, member) for group in atom.values for member in self._facts.groups.members_of(group))

    # Open answers

    def _settled(self, truth: Truth, atom: Atom) -> bool | Unknown:
        """A truth with the likely answer taken for the answer, as results take it."""
        if isinstance(truth, bool):
            return truth
        if truth.likely is not None and self._guesses:
            self.assumed |= {reason.id for reason in truth.reasons}
            return truth.likely
        question = why_open(truth, atom.predicate.untraced)
        # Only if it is about one question can anything answer that.
        about_one = self._guesses or len({reason.id for reason in truth.reasons}) == 1
        return question if about_one else Unknown(question.kind)


def _places_cut_short(atom: Atom, column: Column) -> list[int]:
    """The places of the copies with a text that the trace cuts short, and of which the rest may meet a condition."""
    return [
        place
        for number in column.cut
        if not is_true_however_it_goes_on(atom, column.texts[number])
        for place in column.places[number]
    ]
