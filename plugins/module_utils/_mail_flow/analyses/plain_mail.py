# SPDX-License-Identifier: GPL-3.0-or-later
"""The plainest mail, as literals that a message satisfies if it can, the most important first. A message that shows something
is easiest to read if nothing else about it is unusual.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..conditions.keys import BODY, SENDER, SUBJECT, WRITTEN, Key
from ..formula import FALSE, TRUE, Literal, high
from ..rules.flow_rule import FlowRule
from ..symbolic.address import AddressSlot
from ..symbolic.arrival import ARRIVALS
from ..symbolic.encoding import Model
from ..symbolic.side import Side

#: The actions that decide what becomes of a copy, those first that keep it back: mail that arrives in clear at once shows more
#: than mail that an approval or a release would deliver. Encryption comes last: mail that breaks a guarantee by it needs a
#: rule that encrypts.
_DECIDING_ACTIONS = (
    Does.REJECT,
    Does.DELETE,
    Does.QUARANTINE,
    Does.REDIRECT,
    Does.MODERATE,
    Does.STOP,
    Does.DECRYPT,
    Does.ADD,
    Does.ENCRYPT,
)

#: The texts that people write. They are the last that a plain message does without.
_WRITTEN_BY_PEOPLE = (SUBJECT, BODY)


def plainest(model: Model, side: Side, own: Literal) -> list[Literal]:
    """Literals of a plain message: a sender who is authenticated if inside, no protection of its own, no label and no
    unusual type; no rule that decides about it; no headers, attachments and sizes; known people; and texts and
    addresses in which no condition finds anything.

    :param own: the literal that is true if the message shows it for the recipient, and not for somebody whom rules add.
    """
    literals = [
        *_arrives_plain(model, side),
        own,
        *_undecided_by_rules(model, side),
        *_without_properties(model),
        *_known_people(model),
        *_without_texts(model),
    ]
    return [literal for literal in dict.fromkeys(literals) if literal not in (TRUE, FALSE)]


def _arrives_plain(model: Model, side: Side) -> Iterator[Literal]:
    """Literals of a message that arrives as usual: from whom, how protected, and of which type."""
    mail = model.mail
    outside = high(side.conditions.scopes.sender("NotInOrganization", mail.sender))
    yield mail.authenticated | outside
    yield ~(mail.authenticated & outside)
    yield from (mail.envelope.same, ~mail.envelope.empty, mail.addressing.direct, mail.addressing.others_direct)
    yield from (~mail.arrival[kind] for kind in reversed(ARRIVALS))
    yield from (~literal for literal in (*mail.sensitivity.labels.values(), *mail.kinds.values(), mail.pdf.attached))
    yield mail.arrival_options.literals[name_key("encrypt")]
    yield mail.disclaimers.insertable


def _undecided_by_rules(model: Model, side: Side) -> Iterator[Literal]:
    """Literals, each true if a rule does not decide about the recipient's copy, those that do most first."""
    chain = side.chains[0]
    deciding = [(what, rule) for what in _DECIDING_ACTIONS for rule in chain.rules.rules if _may_do(rule, what)]
    yield from (~high(chain.acts(rule)) for _what, rule in deciding)


def _may_do(rule: FlowRule, what: Does) -> bool:
    """Whether a rule does something, or may: it is unknown whether a rule in a test mode stops the later ones (U08)."""
    stop_in_test_mode = what is Does.STOP and not rule.idle and bool(rule.actions.does(what))
    return stop_in_test_mode or rule.enforces(what)


def _without_properties(model: Model) -> Iterator[Literal]:
    """Literals of a message without sizes, headers, attachments and the like, and without an importance."""
    mail = model.mail
    for (sort, value), literal in mail.properties.items():
        yield literal if (sort, value) == ("classification", None) else ~literal
    yield from (~literal for literal in mail.importance.values())
    for slot, atoms in mail.texts.items():
        if slot not in (*_WRITTEN_BY_PEOPLE, WRITTEN):
            yield from (~literal for literal in atoms.values())


def _known_people(model: Model) -> Iterator[Literal]:
    """Literals for a sender in the directory, where that is known, and for two addresses in the domains themselves."""
    mail = model.mail
    if mail.facts.people.mailboxes is not None:
        yield mail.sender.object
    yield from (~mail.sender.atoms.get(("address", group), FALSE) for group in mail.facts.groups.expanded)
    yield from (~mail.sender.atoms.get(key, FALSE) for key in _keys_sought_in_senders(model))
    # The first sender stays, and the last recipient.
    for slot, last_first in ((mail.sender, True), (mail.recipient, False)):
        yield from (~slot["address", value] for value in sorted(slot.values("address"), reverse=last_first))
        yield from _in_the_domain_itself(slot)
        yield from (~slot[sort, value] for sort, value in slot.atoms if sort == "member")
        yield from (~slot[sort, value] for sort, value in slot.atoms if sort in ("word", "pattern"))


def _keys_sought_in_senders(model: Model) -> Iterator[Key]:
    """What conditions and exceptions look for in senders, also those of rules that are not in effect, those of rules that decide
    about mail first. A message from a sender whom no rule names shows best what rules do to mail.
    """
    rules = [rule for rule_set in model.rule_sets for rule in rule_set.rules]
    deciding = [rule for rule in rules if any(rule.actions.does(what) for what in _DECIDING_ACTIONS)]
    for rule in (*deciding, *rules):
        for atom in (*rule.criteria.conditions, *rule.criteria.exceptions):
            if SENDER in atom.slots:
                yield from atom.keys


def _in_the_domain_itself(slot: AddressSlot) -> Iterator[Literal]:
    """Literals of an address that is in no subdomain of a domain."""
    for name in slot.values("exact"):
        if ("below", name) in slot.atoms:
            yield slot["exact", name] | ~slot["below", name]


def _without_texts(model: Model) -> Iterator[Literal]:
    """Literals of a subject and body in which no condition finds anything."""
    for slot in _WRITTEN_BY_PEOPLE:
        yield from (~literal for literal in model.mail.texts.get(slot, {}).values())
