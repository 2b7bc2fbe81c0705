# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that change what later rules see of a message: its subject, headers, classification, spam level and text.

The actions of one rule are a set: none sees the effect of another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..conditions.formulas import MessageVariables
from ..conditions.headers import is_own_header
from ..conditions.keys import BODY, SUBJECT, header_slot
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Value
from ..model import questions
from ..model.header_edits import header_edits
from ..model.kleene import Truth, opened
from ..model.rule_view import Content
from .act import Act, ActingRule, Action, FormulaAct, Scene, World
from .copy_state import CopyState
from .text_edits import Joins, TextEdit

_TAG = re.compile(r"<[^>]*>")
#: A tag that begins or ends a line.
_BLOCK = re.compile(r"</?(?:br|p|div|hr|li|ul|ol|h[1-6]|table|tr|td|th|blockquote|pre)\b[^>]*>", re.IGNORECASE)

#: A tag within a word, and one with invisible content.
_SPLIT = re.compile(r"\w(?:<[^>]*>)+\w")
_HIDDEN = re.compile(r"<(?:style|script|title|head|!--)", re.IGNORECASE)

#: A token for a property of the sender in a disclaimer.
_TOKEN = re.compile(r"%%\w+%%")

#: With this, mail is rejected into which a disclaimer cannot be inserted.
REJECTS = ("apply_html_disclaimer_fallback_action", "Reject")

# The effect on a message


def insertable(world: World, scene: Scene) -> Truth:
    """Whether a disclaimer can be inserted."""
    message = scene.message
    if world.content.wrapped:
        return True
    if message.insertable is not None:
        return message.insertable
    if message.unalterable:
        return False
    if message.protection is None or message.protection.by_rights:
        return opened(("disclaimer",), questions.A_FACT, "disclaimer")
    return True


def sets_last(rule: ActingRule, does: frozenset[Does]) -> Truth:
    """Whether a rule that sets and removes one header sets it last: the order of its actions is not guaranteed."""
    name = str(rule.actions.options.get("set_header_name", "")).lower()
    if Does.CHANGE not in does or not name or name != str(rule.actions.options.get("remove_header", "")).lower():
        return True
    return opened(("header", rule.place), questions.A_FACT, "header_last", rule.name, name)


def edit(act: Act, world: World) -> list[World]:
    """What later rules see of the message."""
    if Does.CHANGE not in act.does:
        return [world]
    actions, content = act.rule.actions.options, world.content
    changes: dict[str, Any] = {}
    if "prepend_subject" in actions:
        changes["subject"] = f"{actions['prepend_subject']}{content.subject}"
    if "set_header_name" in actions or "remove_header" in actions:
        changes["headers"] = _headers(content, actions, act.sets_last)
    if "apply_classification" in actions and content.classifications is not None:
        changes["classifications"] = content.classifications | {str(actions["apply_classification"])}
    edits = header_edits(actions, [edit.field for edit in content.edits])
    edits = [change for change in edits if change.field in act.scene.headers]
    if edits:
        changes["edits"] = (*content.edits, *edits)
    if "apply_html_disclaimer_text" in actions:
        changes.update(_with_disclaimer(actions, content, act.wraps))
        world = world.with_changes(disclaimer=True)
    return [world.with_changes(content=content.with_changes(**changes, known={})) if changes else world]


def plain_text(html: str) -> str | None:
    """What a reader sees of a disclaimer. ``None`` if that depends on the sender, whose properties its tokens stand for
    (``%%DisplayName%%``), or if its words are open because markup splits them, or is more than tags.
    """
    plain = _BLOCK.sub("\n", html)
    if _TOKEN.search(html) or _SPLIT.search(plain) or _HIDDEN.search(html):
        return None
    return unescape(_TAG.sub("", plain)).strip()


def _with_disclaimer(actions: Mapping[str, Any], content: Content, wraps: bool) -> dict[str, Any]:
    html = str(actions["apply_html_disclaimer_text"])
    plain = plain_text(html)
    if wraps:
        return {"body": plain, "wrapped": True, "readings": (), "sources": ()}
    if content.body is None or plain is None:
        return {"body": None}
    first = actions.get("apply_html_disclaimer_location") == "Prepend"
    body, *others = (f"{plain}\n{text}" if first else f"{text}\n{plain}" for text in (content.body, *content.readings))
    sources = tuple(f"{html}\n{text}" if first else f"{text}\n{html}" for text in content.sources)
    return {"body": body, "readings": tuple(others), "sources": sources}


def _headers(content: Content, actions: Mapping[str, Any], sets_last: bool) -> tuple[tuple[str, tuple[str, ...]], ...]:
    changes: list[tuple[str, tuple[str, ...]]] = []
    if "remove_header" in actions:
        changes.append((str(actions["remove_header"]).lower(), ()))
    if "set_header_name" in actions:
        changes.insert(
            len(changes) if sets_last else 0,
            (str(actions["set_header_name"]).lower(), (str(actions.get("set_header_value") or ""),)),
        )
    return tuple(sorted({**dict(content.headers), **dict(changes)}.items()))


# The effect on all messages


def text_edits(options: Mapping[str, Any]) -> list[TextEdit]:
    """What a rule that does this makes of texts. If it removes and sets one header, the order is open."""
    edits: list[TextEdit] = []
    if "prepend_subject" in options:
        prefix = str(options["prepend_subject"])
        edits.append(TextEdit(SUBJECT, Joins.DIRECTLY_BEFORE, prefix, prefix))
    removes, sets = (str(options.get(option) or "").lower() for option in ("remove_header", "set_header_name"))
    if removes and removes != sets and is_own_header(removes):
        edits.append(TextEdit(header_slot(removes), Joins.INSTEAD, None, None))
    if sets and is_own_header(sets):
        value = str(options.get("set_header_value") or "")
        edits.append(TextEdit(header_slot(sets), Joins.INSTEAD, value, value, is_open=removes == sets))
    if "apply_html_disclaimer_text" in options:
        html = str(options["apply_html_disclaimer_text"])
        prepends = options.get("apply_html_disclaimer_location") == "Prepend"
        joins = Joins.ON_LINES_BEFORE if prepends else Joins.ON_LINES_AFTER
        edits.append(TextEdit(BODY, joins, html, plain_text(html)))
    return edits


def show_edits(copy: CopyState, act: FormulaAct) -> None:
    """What later rules see of the message."""
    scene, options = act.scene, act.rule.actions.options
    now = copy.seen
    for edit in text_edits(options):
        now = scene.texts.edited(edit, act, now)
        if edit.slot == BODY and act.wraps != FALSE:  # Later rules see only the disclaimer.
            now = scene.texts.replaced(edit, act, act.wraps, now).with_changes(wrapped=now.wrapped | act.wraps)
    if "apply_classification" in options:
        now = now.with_changes(classes=_classified(name_key(str(options["apply_classification"])), act, now))
    edits = [
        (edit, act.acts)
        for edit in header_edits(options, [edit.field for edit, _acts in act.seen.edits])
        if edit.field in scene.headers
    ]
    copy.seen = now.with_changes(edits=(*now.edits, *edits)) if edits else now


def _classified(wanted: str, act: FormulaAct, now: SeenMessage) -> Mapping[str | None, Value]:
    """The classifications after one was added."""
    known = dict(now.classes)
    for (sort, name), literal in act.scene.mail.properties.items():
        if sort == "classification" and name in (None, wanted):
            before = known.get(name, literal)
            known[name] = act.scene.logic.choose(act.acts, FALSE if name is None else TRUE, before)
    return known


def may_insert(mail: MessageVariables, seen: SeenMessage) -> Value:
    """Whether a disclaimer can be inserted. Other mail than signed and encrypted mail may be unalterable, too."""
    arrival = mail.arrival
    not_in = arrival["smime"] | arrival["smime_signed"] | arrival["other"] | mail.kinds["Signed"]
    return seen.wrapped | (~not_in & mail.disclaimers.insertable)


@dataclass(frozen=True, slots=True)
class Insertion:
    """What becomes of a rule with a disclaimer, which it may not be able to insert.

    :param acts: whether the rest of the rule is done.
    :param wraps: whether it wraps the disclaimer around the message instead.
    :param rejects: whether it rejects the message instead.
    """

    acts: Value = TRUE
    wraps: Value = FALSE
    rejects: Value = FALSE


def insertion(rule: ActingRule, mail: MessageVariables, seen: SeenMessage) -> Insertion:
    """What becomes of a rule where it matches."""
    options = rule.actions.options
    if "apply_html_disclaimer_text" not in options:
        return Insertion()
    fits = may_insert(mail, seen)
    option, rejecting = REJECTS
    fallback = str(options.get(option) or "Wrap")
    if fallback == "Wrap":
        return Insertion(wraps=~fits)
    # The whole rule is ignored.
    return Insertion(acts=fits, rejects=~fits if fallback == rejecting else FALSE)


# The rows

#: The actions.
EDIT: tuple[Action, ...] = (
    Action("prepend_subject", "subject"),
    Action("set_header_name", "header"),
    Action("set_header_value"),
    Action("remove_header", "header"),
    Action("apply_classification", "classification"),
    Action("set_scl", "scl", unknowns=(questions.SPAM_LEVEL,)),
    Action("apply_html_disclaimer_text", "body", fate_if=REJECTS),
    Action("apply_html_disclaimer_location"),
    Action("apply_html_disclaimer_fallback_action", fate_if=REJECTS),
)
