# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions about content have in common: Exchange may not be able to read it (U30), and rules change texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..formula import Value
from ..model import questions
from ..model.facts import Facts
from ..model.kleene import Open, Truth, opened
from ..model.message import Message
from ..model.reason_kinds import ReasonKind
from ..model.rule_view import RuleView
from ..model.sizes import bytes_of
from .formulas import Formulas
from .keys import is_open
from .predicate import Atom
from .seen_message import SeenMessage

#: Whose keys protect a message to why Exchange may not read it.
_WHOSE_KEYS: Mapping[str, ReasonKind] = {"own": "decryption_off", "other": "keys_of_others"}


def unreadable(rule_view: RuleView) -> Truth | None:
    """The open answer (U30) of each predicate that looks at the content of a message that Exchange may not be able to
    read; ``None`` if it can.
    """
    protection = rule_view.message.protection
    if rule_view.content.wrapped:
        return None
    if protection is None:
        return opened(("readable",), questions.UNREADABLE, "readable")
    if not protection.by_rights:
        return None
    setting = str(
        (rule_view.facts.encryption.irm_configuration or {}).get("transport_decryption_setting") or "Optional"
    )
    if protection.owner == "own" and setting != "Disabled":
        return None
    return opened(("readable",), questions.UNREADABLE, _WHOSE_KEYS.get(protection.owner, "keys_unknown"))


def decrypted(message: Message, facts: Facts) -> Literal[True] | Open:
    """Whether Exchange decrypts what it must (``transport_decryption_setting: Mandatory``), and would otherwise reject."""
    protection = message.protection
    setting = str((facts.encryption.irm_configuration or {}).get("transport_decryption_setting") or "Optional")
    if setting != "Mandatory" or (protection is not None and (not protection.by_rights or protection.owner == "own")):
        return True
    return opened(("decrypted",), questions.UNREADABLE, "decryption_mandatory")


def readable(formulas: Formulas, found: Value, atom: Atom, seen: SeenMessage) -> Value:
    """The result of a condition about content, if Exchange can read it."""
    logic = formulas.logic
    limit = bytes_of(atom.values) if atom.predicate.sort == "size" else None
    hidden: Value
    if limit is not None:
        # What is open about limits is ordered all the same.
        hidden = formulas.mail.properties["hidden attachment", limit] if logic.free else logic.unknown("size", limit)
    else:
        values = atom.keys if atom.predicate.slots else [atom.values]
        hidden = logic.any_of(
            [logic.unknown(questions.UNREADABLE, atom.predicate.options, value, atom.settings) for value in values]
        )
    closed = formulas.foreign & ~seen.wrapped
    return logic.choose(closed, hidden, found)


def unread(formulas: Formulas, atom: Atom, slot: str, seen: SeenMessage) -> Value:
    """The result of a condition on an unknown text: always the same, but possibly another one after a rule changed the
    text.
    """
    changed = seen.texts.get(slot)
    values, erasures, history = (changed.values, changed.erasures, changed.history) if changed else ({}, (), ())
    unagreed = formulas.mail.histories.number(history) if any(map(is_open, atom.keys)) else 0
    state = (tuple(values.items()), erasures, seen.wrapped, unagreed)
    return formulas.logic.unknown(
        questions.A_FACT, slot, atom.predicate.options, atom.values, atom.settings.dialect, state
    )
