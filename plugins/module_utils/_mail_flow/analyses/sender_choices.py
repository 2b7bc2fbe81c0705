# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders decide about a rule: conditions on texts that anybody can write, and on what answers repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..conditions.keys import HEADER, SUBJECT, Key, holds, is_open
from ..conditions.predicate import Atom
from ..rules.flow_rule import FlowRule
from ..symbolic.string_solver import find_text

#: The prefixes of headers that Exchange removes from mail of others. Source: Microsoft's page about the header firewall.
_FIREWALLED = ("x-ms-exchange-organization-", "x-ms-exchange-forest-")

#: The headers of an answer that its first message lacks.
_ANSWER_HEADERS = ("header in-reply-to", "header references")

#: The condition on what a sender chooses beside the text.
_IMPORTANCE = "with_importance"

#: What mail programs put before the subject of an answer.
_ANSWER = "RE: "


def met_by_sender(atoms: Iterable[Atom]) -> dict[str, Any] | None:
    """What a finding names of the first condition that mail meets by what a sender chooses: a word or pattern in the subject, the
    text or a header, or the importance; ``None`` if there is no such condition.
    """
    for atom in atoms:
        predicate = atom.predicate
        if predicate.options[0] == _IMPORTANCE:
            return {"case": "importance", "option": _IMPORTANCE, "values": atom.values}
        if predicate.sort not in ("word", "pattern"):
            continue
        about = {"option": predicate.options[0], "values": predicate.shown(atom.values)[1][0]}
        if SUBJECT in predicate.slots:
            return {"case": predicate.sort, **about}
        if predicate.slots == (HEADER,) and not str(atom.values[0]).lower().startswith(_FIREWALLED):
            return {"case": "header", **about, "header": atom.values[0]}
    return None


def names_senders(rule: FlowRule) -> bool:
    """Whether a rule has a condition on senders other than that they are inside or outside."""
    return any(
        atom.predicate.looks_at == "sender" and atom.predicate.options != ("from_scope",)
        for atom in rule.criteria.conditions
    )


def missed_answer(rule: FlowRule, encrypting: Sequence[FlowRule]) -> Mapping[str, Any] | None:
    """A pattern of the subject that finds a first message and not its answer, unless another rule may find the answer; ``None``
    if there is none.

    :param encrypting: all rules that encrypt.
    """
    for atom in _on_subject(rule.criteria.conditions):
        keys = atom.keys
        for key in keys:
            first = _text(key) if atom.predicate.sort == "pattern" else None
            if first is None:
                continue
            answer = _ANSWER + first
            others = (other for other in encrypting if other is not rule)
            if not any(_may_hold(answer, pattern) for pattern in keys) and not any(
                _may_find_answer(other, answer, rule) for other in others
            ):
                return {"pattern": key[1][0]}
    return None


def repeated_prefix(rule: FlowRule) -> Mapping[str, Any] | None:
    """The prefix that a rule puts before the subject of an answer that has it already, with the pattern of an exception that
    finds the first message alone, if there is one; ``None`` if the rule does not repeat a prefix.
    """
    prefix = rule.actions.options.get("prepend_subject")
    if not prefix or not rule.actions.enforced:
        return None
    conditions = [atom.keys for atom in _on_subject(rule.criteria.conditions)]
    first_texts = [_text(keys[0]) if keys else None for keys in conditions]
    if None in first_texts:
        return None
    answer = f"{_ANSWER}{prefix}{' '.join(map(str, first_texts))}"
    if not all(any(holds(answer, key) is True for key in keys) for keys in conditions):
        return None
    if any(_may_except_answer(atom, answer) for atom in rule.criteria.exceptions):
        return None
    first = answer.removeprefix(_ANSWER)
    missing = [key for atom in _on_subject(rule.criteria.exceptions) for key in atom.keys if holds(first, key) is True]
    return {"prefix": prefix, **({"case": "missed", "pattern": missing[0][1][0]} if missing else {})}


def _may_except_answer(atom: Atom, answer: str) -> bool:
    """Whether an exception may find an answer: by its subject, or by a header that answers have."""
    slots = atom.slots
    if any(slot in _ANSWER_HEADERS for slot in slots):
        return True
    return SUBJECT in (*slots, *(slot.removeprefix("header ") for slot in slots)) and any(
        _may_hold(answer, key) for key in atom.keys
    )


def _may_find_answer(other: FlowRule, subject: str, rule: FlowRule) -> bool:
    """Whether a rule may find an answer with a subject to mail of another rule: by its subject, or because all mail of that rule
    meets it whatever the subject is.
    """
    on_subject = _on_subject(other.criteria.conditions)
    if any(_may_hold(subject, key) for atom in on_subject for key in atom.keys):
        return True
    return not (on_subject or other.criteria.exceptions) and all(
        atom in rule.criteria.conditions for atom in other.criteria.conditions
    )


def _on_subject(atoms: Iterable[Atom]) -> list[Atom]:
    """The conditions that look at the subject alone."""
    return [atom for atom in atoms if atom.predicate.slots == (SUBJECT,)]


def _may_hold(text: str, key: Key) -> bool:
    """Whether a text has, or may have, what a key looks for."""
    return is_open(key) or holds(text, key) is not False


def _text(key: Key) -> str | None:
    """A text in which a key finds something; ``None`` if none is found."""
    if is_open(key):
        return None
    try:
        return find_text([key])
    except OverflowError:
        return None
