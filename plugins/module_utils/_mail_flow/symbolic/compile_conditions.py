# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule matches, as a formula.

The conditions are those of the simulator, over variables instead of a message.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from ..._exchange.names import name_key
from ..model import questions
from ..model.content import bytes_of, is_own_header
from ..model.header_edits import HeaderEdit
from ..model.predicate import BODY, SUBJECT, Reach
from ..model.predicates import PREDICATES
from ..model.rules import Atom, FlowRule
from ..sat.formula import FALSE, TRUE, Literal
from ..simulator.effects import beside_content
from .address import AddressSlot
from .atoms import WRITTEN, Key, is_open, keys_of, looks_at_written, slots_of, watches_aliases, wider
from .compile_text_edits import EditedText, SeenMessage
from .logic import UNKNOWN, Logic, Value, high, negate
from .string_solver import holds
from .symbolic_message import SHOWN_FIELDS, Scopes, SymbolicMessage


class Others(Protocol):
    """The other recipients of a copy."""

    def others(self, key: Key, history: int, *, written: bool = False) -> Value:
        """Whether one of them has an atom after a history of splits; with ``written``, in the address at which the
        sender wrote to them.
        """

    def at_alias(self, address: str) -> Value:
        """Whether the sender may have written to the owner of this address, if among them, at an alias."""

    def still_there(self, address: str, history: int) -> Value:
        """Whether somebody else in the To or Cc field certainly is still in the copy."""


class Conditions:
    """Conditions over the variables of a message, in one logic.

    :param now: when the message passes the rules.
    :param settings: the IRM configuration then.
    :param must_decrypt: whether Exchange then rejects protected mail that it cannot decrypt.
    """

    def __init__(
        self,
        mail: SymbolicMessage,
        logic: Logic,
        others: Others,
        now: datetime.datetime,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.mail, self.logic, self.settings = mail, logic, settings or {}
        self._others, self._others_at_alias, self._still_there = others.others, others.at_alias, others.still_there
        self._now = now
        self.scopes = Scopes(mail, logic)
        self._known: dict[Hashable, Value] = {}
        setting = str(self.settings.get("transport_decryption_setting") or "Optional")
        self.must_decrypt = setting == "Mandatory"
        self.foreign = mail.rights if setting == "Disabled" else mail.arrival["other"]

    def matches(
        self, rule: FlowRule, name: Hashable, seen: SeenMessage, person: AddressSlot, *, added: bool = False
    ) -> Value:
        """Whether a rule matches somebody's copy; see the simulator's ``Passage.parts``.

        :param added: whether a rule added the person. A rule that looks at recipients may not consider them (U09), and what it sees of all
            recipients of their copy stays open; but it sees nobody there whom no field names.
        """
        logic, mail = self.logic, self.mail
        shared = [atom for atom in (*rule.conditions, *rule.exceptions) if added and atom.looks_around]
        parts = [
            self._open_field(atom, seen) if atom in shared else self.truth(atom, seen, person)
            for atom in rule.conditions
        ]
        parts += [negate(self.truth(atom, seen, person)) for atom in rule.exceptions if atom not in shared]
        if added and rule.looks_at_recipients:
            seen_there = tuple((atom.predicate.options, repr(atom.values), atom.settings) for atom in shared)
            parts.append(
                logic.unknown(
                    questions.ADDED_RECIPIENTS,
                    "added",
                    person.name,
                    *((name, seen_there, seen.splits, seen.edits) if shared else ("",)),
                )
            )
        if rule.content:
            parts.append(negate(self.hidden(seen)))
        parts += [logic.known(truth) for truth in rule.borders(self._now)]
        parts += [logic.unknown("doubt", name, reason) for reason in rule.doubts]
        if FALSE in parts:
            return FALSE
        if not rule.selects:
            parts.append(logic.choose(mail.kinds["ApprovalRequest"], self.sees_requests, TRUE))
        return logic.all_of(parts)

    @property
    def sees_requests(self) -> Value:
        """Whether rules see requests for approval."""
        return self.logic.unknown(questions.SYSTEM_MAIL, "approval request")

    def any_apart(self, met: Iterable[Atom], unmet: Iterable[Atom], person: AddressSlot) -> Literal:
        """Whether arriving mail may meet one of some conditions, or fail one of others."""
        parts = [
            *(self.truth(atom, SeenMessage(), person) for atom in met),
            *(negate(self.truth(atom, SeenMessage(), person)) for atom in unmet),
        ]
        return high(self.logic.any_of(parts))

    def hidden(self, seen: SeenMessage) -> Value:
        """Whether S/MIME hides the content."""
        return self.logic.all_of((self.mail.arrival["smime"], negate(seen.wrapped)))

    def undone(self, rule: FlowRule, name: Hashable, seen: SeenMessage) -> Value:
        """Whether S/MIME prevents a matching rule from acting. Whether it performs actions that do not involve content
        is not documented.
        """
        if not any(row.content for row in rule.rows):
            return FALSE
        others = self.logic.unknown("S/MIME", name) if rule.enforced and beside_content(rule) else FALSE
        return self.logic.all_of((self.hidden(seen), negate(others)))

    def truth(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        """Whether a condition is true for somebody."""
        looks_at, wrapper = atom.predicate.looks_at, atom.predicate.of_wrapper and seen.wrapped != FALSE
        edits = seen.edits_of(atom.headers)
        changing = looks_at in (
            "subject",
            "body",
            "header",
            "attachments",
            "classification",
            "scl",
            "protection",
            "recipients",
            "fields",
            "relation",
        )
        key = (atom.predicate.options, atom.values, atom.settings, person.name)
        if wrapper:
            return self.logic.choose(seen.wrapped, self._of_wrapper(atom, seen), self._truth(atom, seen, person))
        if not changing and not edits:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = self._truth(atom, seen, person)
            return known
        return self._truth(atom, seen, person)

    def _of_wrapper(self, atom: Atom, seen: SeenMessage) -> Value:
        """The result of a condition on a message in a wrapping disclaimer: it may differ after a rule changed what the
        condition looks at.
        """
        texts = [
            (slot, tuple(text.values.items()), text.erasures)
            for slot, text in seen.texts.items()
            if slot.startswith("header ")
        ]
        return self.logic.unknown(
            questions.A_FACT,
            "wrapper",
            atom.predicate.options,
            repr(atom.values),
            atom.settings,
            tuple(texts),
            tuple(seen.classes.items()),
            seen.edits,
        )

    def _truth(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        found = _TRUTHS[atom.predicate.options](self, atom, seen, person)
        edits = seen.edits_of(atom.headers)
        return self._after(edits, found, atom, seen, person) if edits else found

    def _after(
        self,
        edits: Sequence[tuple[HeaderEdit, Value]],
        found: Value,
        atom: Atom,
        seen: SeenMessage,
        person: AddressSlot,
    ) -> Value:
        """The result of a condition after rules edited headers that it reads; see ``Atom.evaluate``. Where an edit does
        not count, it is what it was before. Where it does, it depends on the edit and on the other fields, and on what was
        in the field before if the edit does not replace it.
        """
        logic = self.logic
        about: tuple[Hashable, ...] = (atom.predicate.options, repr(atom.values), atom.settings, seen.wrapped)
        if atom.reach in (Reach.RECIPIENT, Reach.RELATION):
            about = (*about, person.name)
        if atom.looks_around:
            about = (*about, seen.splits, seen.added)
        edited: Value = FALSE
        for place, (edit, acts) in enumerate(edits):
            counts = logic.unknown("edit counts", edit.field, edit.what, *about) if edit.reason else edited
            when = logic.all_of((acts, counts))
            before = tuple(each for each in edits[:place] if not (edit.replaces and each[0].field == edit.field))
            then = logic.unknown("edited", edit.field, edit.what, self.mail.numbered(before), *about)
            if edit.adds and atom.predicate.sort == "word":
                then = logic.any_of((found, then))
            found, edited = logic.choose(when, then, found), logic.any_of((edited, when))
        return logic.any_of((self._of_text(atom, seen), found)) if atom.predicate.beside else found

    def _unanswered(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        """The sender's relation to a recipient, and anything undocumented: it may depend on who shares the copy,
        including people whom rules added.
        """
        return self.logic.unknown(
            questions.RELATION_TO_WHOM, atom.predicate.options, repr(atom.values), person.name, seen.splits, seen.added
        )

    # People

    def _of_sender(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        location, keys = atom.settings.location, keys_of(atom)
        header = [self.mail.sender.value(key, self.logic) for key in keys]
        if location == "Header" or self.mail.envelope is None or atom.predicate.in_directory:
            return self.logic.any_of(header)
        envelope = self.logic.all_of(
            (
                self.mail.empty_envelope ^ 1,
                self.logic.any_of([self.mail.envelope.value(key, self.logic) for key in keys]),
            )
        )
        return envelope if location == "Envelope" else self.logic.any_of((*header, envelope))

    def _of_recipient(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        found = self.logic.any_of([person.value(key, self.logic) for key in keys_of(atom)])
        if not watches_aliases(atom):
            return found
        open_ = self.logic.unknown(questions.ALIASES, atom.predicate.options, atom.values, person.name)
        if person is not self.mail.recipient or atom.predicate.sort == "member":
            return self.logic.choose(self.mail.direct, found, open_)
        written = self._of_written(found, atom)
        return written if looks_at_written(atom) else self.logic.choose(self.logic.equal(found, written), found, open_)

    def _of_written(self, primary: Value, atom: Atom) -> Value:
        """The result of a condition on the address that the sender wrote: the recipient's primary one, unless it is an
        alias.
        """
        return self.logic.choose(
            self.mail.direct,
            primary,
            self.logic.any_of([self.text(WRITTEN, key, SeenMessage()) for key in keys_of(atom)]),
        )

    def _of_recipients(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        keys, original = keys_of(atom), atom.settings.address_type == "Original"
        own = self.logic.any_of([self.mail.recipient.value(key, self.logic) for key in keys])
        others = [
            value
            for key in keys
            for value in (self._others(key, seen.splits, written=original), *self._brought(atom, key, seen))
        ]
        return self.logic.any_of((self._of_written(own, atom) if original else own, *others))

    def _brought(
        self, atom: Atom, key: Key, seen: SeenMessage, fields: tuple[str, ...] = ("to", "cc", "bcc")
    ) -> list[Value]:
        """The contribution of recipients added by rules: whether later rules consider them is open (U09), separately
        after each split.
        """
        return [
            self.logic.all_of(
                (
                    when,
                    self.logic.unknown(questions.ADDED_RECIPIENTS, name, address, atom.predicate.options, seen.splits),
                )
            )
            for address, field_, when, name in seen.added
            if field_ in fields and (not address or self._may_have(self.mail.facts.primary(address), key))
        ]

    def _may_have(self, address: str, key: Key) -> bool:
        """Whether somebody with this primary address may have an atom."""
        sort, value = key
        if sort == "member":
            return self.mail.facts.is_member(address, value) is not False
        return address == value if sort == "address" else holds(address, key) is not False

    def _of_fields(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        option, fields = atom.predicate.options[0], atom.predicate.fields
        if atom.predicate.sort == "member":
            brought = [value for key in keys_of(atom) for value in self._brought(atom, key, seen, fields)]
            named = self.logic.all_of(
                (
                    self.mail.members_named,
                    self.logic.unknown(questions.FIELDS_OF_A_COPY, option, atom.values, seen.splits),
                )
            )
            return self.logic.any_of((named, *brought))
        found = []
        for address in atom.values:
            named = self.mail.circuit.disjunction([self.mail.named(address, name) for name in fields])
            gone = self.logic.unknown(questions.FIELDS_OF_A_COPY, option, atom.values, address, seen.splits)
            there = self.logic.any_of(
                (self.mail.recipient["address", address], self._still_there(address, seen.splits), gone)
            )
            found += [self.logic.all_of((named, there)), *self._brought(atom, ("address", address), seen, fields)]
            # Otherwise all conditions treat an alias alike: such mail is like mail to the primary address, in that
            # field or in Bcc.
            if self.mail.watches_aliases:
                own = self.mail.circuit.conjunction((self.mail.direct ^ 1, self.mail.recipient["address", address]))
                at_alias = self.logic.any_of((own, self._others_at_alias(address)))
                perhaps = self.logic.unknown(
                    questions.ALIASES, option, atom.values, atom.settings.address_type, address
                )
                if isinstance(perhaps, Literal):
                    self.mail.perhaps_named.setdefault(address, {})[perhaps] = None
                found.append(self.logic.all_of((at_alias, perhaps)))
        return self.logic.any_of(found)

    def _open_field(self, atom: Atom, seen: SeenMessage) -> Value:
        """The possible results of a condition about all recipients on the copy of somebody whom a rule added: in
        fields, only people who may be named there.
        """
        if not atom.predicate.fields or atom.predicate.sort == "member":
            return TRUE
        edited = [acts for _edit, acts in seen.edits_of(atom.headers)]
        named = [self.mail.named(address, name) for address in atom.values for name in SHOWN_FIELDS]
        brought = [
            value for address in atom.values for value in self._brought(atom, ("address", address), seen, ("to", "cc"))
        ]
        by_alias = [direct ^ 1 for direct in (self.mail.direct, self.mail.others_direct) if self.mail.watches_aliases]
        return self.logic.any_of((*named, *brought, *by_alias, *edited))

    def _from_scope(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        return self.scopes.of_sender(atom.values, atom.settings.location)

    def _sent_to_scope(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        return self.scopes.recipient(atom.values, person)

    # What the message says

    def text(self, slot: str, key: Key, seen: SeenMessage) -> Value:
        """An atom of the current text."""
        first = self.logic.unknown(questions.PATTERN_SYNTAX, slot, key) if is_open(key) else self.mail.texts[slot][key]
        changed = seen.texts.get(slot)
        if changed is not None and slot == SUBJECT and is_open(key):
            unknown = self.logic.unknown(questions.PATTERN_SYNTAX, slot, key, self.mail.numbered(changed.history))
            found = changed.of_unagreed(key, first, unknown, self.logic)
        else:
            found = first if changed is None else changed.value(key, first, self.logic)
        wide = wider(key) if is_open(key) else None
        return found if wide is None else self.logic.all_of((found, self.text(slot, wide, seen)))

    def _of_subject(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        found = self.logic.any_of([self.text(SUBJECT, key, seen) for key in keys_of(atom)])
        if seen.wrapped == FALSE:
            return found
        return self.logic.all_of((found, self.logic.choose(seen.wrapped, self._unread(atom, SUBJECT, seen), TRUE)))

    def _of_body(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        return self.logic.any_of((self._of_subject(atom, seen, person), self._of_text(atom, seen)))

    def _of_text(self, atom: Atom, seen: SeenMessage) -> Value:
        """The same of the text alone."""
        body = self.logic.any_of([self.text(BODY, key, seen) for key in keys_of(atom)])
        return self._readable(body, atom, seen)

    def _readable(self, found: Value, atom: Atom, seen: SeenMessage) -> Value:
        """The result of a condition about content, if Exchange can read it (U30)."""
        closed = self.logic.all_of((self.foreign, negate(seen.wrapped)))
        option = atom.predicate.options
        limit = bytes_of(atom.values) if atom.predicate.sort == "size" else None
        if limit is not None:
            hidden: Value = self.mail.properties["hidden attachment", limit] if self.logic.free else UNKNOWN
        else:
            values = keys_of(atom) if atom.predicate.slots else [atom.values]
            hidden = self.logic.any_of(
                [self.logic.unknown(questions.UNREADABLE, option, value, atom.settings) for value in values]
            )
        return self.logic.choose(closed, hidden, found)

    def _of_header(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        (slot,) = slots_of(atom)
        if is_own_header(slot.removeprefix("header ")):
            return self.logic.any_of([self.text(slot, key, seen) for key in keys_of(atom)])
        open_ = self._unread(atom, slot, seen)
        if slot not in _REPEATED:
            return open_
        found = self.logic.any_of([_REPEATED[slot](self, key, seen) for key in keys_of(atom)])
        # The field may hold a name, or one of the sender's aliases.
        bare = self.mail.more_in_from ^ 1 if slot == "header from" else TRUE
        return self.logic.choose(self.logic.all_of((bare, negate(seen.wrapped))), found, open_)

    def _unread(self, atom: Atom, slot: str, seen: SeenMessage) -> Value:
        """The result of a condition on an unknown text: always the same, but possibly another one after a rule changed
        the text.
        """
        changed = seen.texts.get(slot, EditedText())
        unagreed = self.mail.numbered(changed.history) if any(map(is_open, keys_of(atom))) else 0
        state = (tuple(changed.values.items()), changed.erasures, seen.wrapped, unagreed)
        return self.logic.unknown(
            questions.A_FACT, slot, atom.predicate.options, atom.values, atom.settings.dialect, state
        )

    def _importance_has(self, key: Key) -> Value:
        """Whether the importance contains a word or a pattern. Normal mail may or may not state it."""
        circuit = self.mail.circuit
        normal = circuit.conjunction(
            [*(literal ^ 1 for literal in self.mail.importance.values()), circuit.variable("states normal importance")]
        )
        hits = [(literal, holds(name, key)) for name, literal in (*self.mail.importance.items(), ("Normal", normal))]
        return self.logic.any_of(
            [self.logic.all_of((literal, self.logic.known(hit, questions.WORD_BORDERS, key))) for literal, hit in hits]
        )

    def _of_attachments(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        (slot,) = slots_of(atom)
        return self._attached(self.logic.any_of([self.text(slot, key, seen) for key in keys_of(atom)]), atom, seen)

    def _attached(self, found: Value, atom: Atom, seen: SeenMessage) -> Value:
        found = self._readable(found, atom, seen)
        if seen.wrapped == FALSE:
            return found
        return self.logic.choose(
            seen.wrapped,
            self.logic.unknown(
                questions.A_FACT, "attachments", atom.predicate.options, repr(atom.values), atom.settings
            ),
            found,
        )

    def _of_last_hop(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        properties = self.mail.properties
        return self.logic.any_of(
            properties[key] if key in properties else self.logic.unknown(questions.UNSUPPORTED, key)
            for key in keys_of(atom)
        )

    # What the message is

    def _attachment_size(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        limit = bytes_of(atom.values)
        found = (
            self.logic.unknown(questions.UNSUPPORTED, atom.values)
            if limit is None
            else self.mail.properties["attachment", limit]
        )
        return self._attached(found, atom, seen)

    def _switch(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        return self._attached(self.mail.properties[atom.predicate.options[0], True], atom, seen)

    def _message_size(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        limit = bytes_of(atom.values)
        return (
            self.logic.unknown(questions.UNSUPPORTED, atom.values)
            if limit is None
            else self.mail.properties["message", limit]
        )

    def _type(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        logic, arrival = self.logic, self.mail.arrival
        if atom.values == "Encrypted":
            return arrival["smime"]
        if atom.values == "PermissionControlled":
            asked = logic.all_of((seen.asked, self.mail.rights ^ 1))
            removed = logic.all_of((seen.removed, arrival["own"]))
            either = logic.any_of((asked, removed))
            return logic.choose(
                either, logic.unknown(questions.PROTECTED_BY_NOW, seen.asked, seen.removed), self.mail.rights
            )
        if atom.values == "Signed":
            return self.mail.circuit.disjunction((arrival["smime_signed"], self.mail.kinds["Signed"]))
        return self.mail.kinds.get(atom.values, FALSE)

    def _importance(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        known = {name.casefold(): literal for name, literal in self.mail.importance.items()}
        wanted = str(atom.values).casefold()
        if wanted == "normal":
            return self.mail.circuit.conjunction([literal ^ 1 for literal in known.values()])
        return known.get(wanted, FALSE)

    def _classification(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        name = name_key(str(atom.values))
        return seen.classes.get(name, self.mail.properties["classification", name])

    def _no_classification(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        if not atom.values:
            return self.logic.unknown(questions.CLASSIFICATION_FALSE, "no classification", tuple(seen.classes.items()))
        return seen.classes.get(None, self.mail.properties["classification", None])

    def _scl(self, atom: Atom, seen: SeenMessage, person: AddressSlot) -> Value:
        return self.mail.properties["scl", int(atom.values)]


#: Header that repeats another part of the message, to whether it contains a word or pattern. What To and Cc contain
#: beside addresses is unknown.
_REPEATED: dict[str, Callable[[Conditions, Key, SeenMessage], Value]] = {
    "header subject": lambda self, key, seen: self.text(SUBJECT, key, seen),
    "header from": lambda self, key, seen: self.mail.sender.value(key, self.logic),
    "header importance": lambda self, key, seen: self._importance_has(key),
}

_Compile: TypeAlias = Callable[[Conditions, Atom, SeenMessage, AddressSlot], Value]

#: How a condition with a list of values is compiled, by what it looks at.
_OF_LISTS: dict[str, _Compile] = {
    "sender": Conditions._of_sender,
    "recipient": Conditions._of_recipient,
    "recipients": Conditions._of_recipients,
    "fields": Conditions._of_fields,
    "subject": Conditions._of_subject,
    "body": Conditions._of_body,
    "header": Conditions._of_header,
    "attachments": Conditions._of_attachments,
    "last hop": Conditions._of_last_hop,
}
#: How any other condition is, by what it looks at and the sort of its value.
_OF_VALUES: dict[tuple[str, str], _Compile] = {
    ("sender", "scope"): Conditions._from_scope,
    ("recipient", "scope"): Conditions._sent_to_scope,
    ("relation", "relation"): Conditions._unanswered,
    ("character sets", "character set"): Conditions._unanswered,
    ("attachments", "size"): Conditions._attachment_size,
    ("attachments", "switch"): Conditions._switch,
    ("size", "size"): Conditions._message_size,
    ("protection", "type"): Conditions._type,
    ("importance", "importance"): Conditions._importance,
    ("classification", "classification"): Conditions._classification,
    ("classification", "no classification"): Conditions._no_classification,
    ("scl", "scl"): Conditions._scl,
}
#: How each condition is compiled. One that is missing here fails at import.
_TRUTHS: dict[tuple[str, ...], _Compile] = {
    row.options: _OF_LISTS[row.looks_at] if row.slots else _OF_VALUES[row.looks_at, row.sort] for row in PREDICATES
}
