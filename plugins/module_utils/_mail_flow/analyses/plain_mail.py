# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plainest mail is like: literals that a message has if it can, the most important first. A message that shows
something is easiest to read if all that is unusual about it is what shows it.
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

#: What a rule does that decides what becomes of a copy. Encryption comes last: where it breaks a guarantee, some rule
#: encrypts.
_DECIDES = (
    Does.STOP,
    Does.REJECT,
    Does.DELETE,
    Does.QUARANTINE,
    Does.REDIRECT,
    Does.MODERATE,
    Does.DECRYPT,
    Does.ADD,
    Does.ENCRYPT,
)

#: The texts that people write, which are read before what programs add.
_WRITTEN_BY_PEOPLE = (SUBJECT, BODY)


def plainest(model: Model, side: Side, own: Literal) -> list[Literal]:
    """What a plain message has: a sender who is authenticated if inside, no protection of its own, no label and no
    unusual type; no rule that decides about it; no headers, attachments and sizes; known people; and texts and
    addresses in which no condition finds anything.

    :param own: that the message shows it for the recipient, and not for somebody whom rules add.
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
    deciding = [(what, rule) for what in _DECIDES for rule in chain.rules.rules if _may_do(rule, what)]
    yield from (~high(chain.acts(rule)) for _what, rule in deciding)


def _may_do(rule: FlowRule, what: Does) -> bool:
    """Whether a rule does something, or may: whether one that is only tried stops the later rules is unknown (U08)."""
    tried_stop = what is Does.STOP and not rule.idle and bool(rule.actions.does(what))
    return tried_stop or rule.enforces(what)


def _without_properties(model: Model) -> Iterator[Literal]:
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
    yield from (~mail.sender.atoms.get(key, FALSE) for key in _sought_of_senders(model))
    # Of the senders the first stays, and of the recipients the last.
    for slot, from_the_last in ((mail.sender, True), (mail.recipient, False)):
        yield from (~slot["address", value] for value in sorted(slot.values("address"), reverse=from_the_last))
        yield from _in_the_domain_itself(slot)
        yield from (~slot[sort, value] for sort, value in slot.atoms if sort == "member")
        yield from (~slot[sort, value] for sort, value in slot.atoms if sort in ("word", "pattern"))


def _sought_of_senders(model: Model) -> Iterator[Key]:
    """What conditions and exceptions look for in senders, those of rules that may decide about mail first, in effect or
    not: a message from a sender whom no rule is about shows best what rules do to mail.
    """
    rules = [rule for rule_set in model.rule_sets for rule in rule_set.rules]
    deciding = [rule for rule in rules if any(rule.actions.does(what) for what in _DECIDES)]
    for rule in (*deciding, *rules):
        for atom in (*rule.criteria.conditions, *rule.criteria.exceptions):
            if SENDER in atom.slots:
                yield from atom.keys


def _in_the_domain_itself(slot: AddressSlot) -> Iterator[Literal]:
    for name in slot.values("exact"):
        if ("below", name) in slot.atoms:
            yield slot["exact", name] | ~slot["below", name]


def _without_texts(model: Model) -> Iterator[Literal]:
    for slot in _WRITTEN_BY_PEOPLE:
        yield from (~literal for literal in model.mail.texts.get(slot, {}).values())
