# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that decide what becomes of a copy: whether it is delivered, and whether later rules see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._resources.rules.action_effects import Does
from ..formula import FALSE, TRUE, Literal, Value
from ..model import questions
from ..model.kleene import Reason, opened
from ..model.outcomes import Fate
from .act import Act, Action, FormulaAct, World
from .brought_people import redirected_to
from .copy_state import CopyState

#: Actions that keep the message from the recipient, or replace it; two of them in one rule contradict each other.
FATES = {
    Does.DELETE: Fate.DELETED,
    Does.QUARANTINE: Fate.QUARANTINED,
    Does.REJECT: Fate.REJECTED,
    Does.REDIRECT: Fate.REDIRECTED,
}

#: Fates that recipients added by the same rule share: copying and blocking a message takes two rules. Source: "Best
#: practices for mail flow rules".
SHARED = frozenset((Fate.DELETED, Fate.QUARANTINED, Fate.REJECTED))

# The effect on a message


def deliver(act: Act, world: World) -> list[World]:
    """What becomes of the copy, and whether its way ends. It does not where the rule asked for an approval; whether it does then, is open."""
    return _stopped(act, _ended(act, world))


def _ended(act: Act, world: World) -> World:
    rule, does = act.rule, act.does
    fates = [] if does.isdisjoint(FATES) else [fate for what, fate in FATES.items() if what in does]
    changes: dict[str, Any] = {}
    if any(added.place == rule.place and added.instead for added in world.added) and Fate.REDIRECTED not in fates:
        fates.append(Fate.REDIRECTED)
    if len(fates) > 1:
        why = Reason(questions.A_FACT, "several_fates", (rule.name, tuple(map(str, fates))))
        changes["surprises"] = (*world.surprises, why)
    if Does.STOP in does:
        changes.update(stopped=True, over=True, ended_by=rule.name)
    if fates:
        changes.update(fate=fates[0], over=True, ended_by=rule.name)
    if fates[:1] == [Fate.REJECTED]:
        changes["status"] = str(rule.actions.options.get("reject_message_enhanced_status_code") or "5.7.1")
    return world.with_changes(**changes) if changes else world


def _stopped(act: Act, world: World) -> list[World]:
    """The worlds in which a rule that asked for an approval stops the later ones, and in which it does not."""
    rule = act.rule
    if not rule.actions.stops_approved or act.scene.last:
        return [world]
    stops = opened(("approved stop", rule.place), questions.A_FACT, "approved_stops", rule.name)
    return [
        world.answering(stops, False),
        world.answering(stops, True).with_changes(stopped=True, over=True, ended_by=rule.name),
    ]


# The effect on all messages


def end_copy(copy: CopyState, act: FormulaAct) -> None:
    """What becomes of the copy, and whether its way ends. An approval lets it go on."""
    logic, actions = act.scene.logic, act.rule.actions
    ends = _fates(act)
    for fate, when in _one_of(copy, act, ends) if len(ends) > 1 else ends:
        copy.end(logic, fate, when, act.matches if when == act.acts else when)
        if fate == Fate.REJECTED and not actions.does(Does.STOP):
            copy.rejected |= when & _goes_on_rejected(act)
    if len(ends) > 1:
        copy.over |= logic.any_of([when for _fate, when in ends])
    if actions.does(Does.STOP) and all(when != act.acts for _fate, when in ends):
        copy.stop(logic, act.acts, act.matches)
    if actions.stops_approved and not act.last:
        copy.stop(logic, act.acts & logic.unknown(questions.A_FACT, "approved stop", act.name))


def _fates(act: FormulaAct) -> list[tuple[Fate, Value]]:
    """The fates that a rule gives the copy, and when. If its owner is also the target of the redirection, the copy is
    both kept and gone.
    """
    scene, actions = act.scene, act.rule.actions
    ends = [(fate, act.acts) for what, fate in FATES.items() if actions.does(what)]
    theirs = _is_redirected_to(act)
    if theirs != FALSE:
        goes = act.acts & (~theirs | scene.logic.unknown(questions.A_FACT, "goes", act.name))
        ends = [(fate, goes if fate == Fate.REDIRECTED else when) for fate, when in ends]
    if actions.redirects_to_manager and not actions.does(Does.REDIRECT):
        ends.insert(0, (Fate.REDIRECTED, act.acts & scene.mail.sender.managed))
    return ends


def _is_redirected_to(act: FormulaAct) -> Literal:
    """Whether the rule redirects to the copy's owner."""
    scene = act.scene
    targets = redirected_to(act.rule, scene.mail.facts)
    if scene.address:
        return TRUE if scene.address in targets else FALSE
    return scene.mail.circuit.disjunction([scene.person.atoms.get(("address", target), FALSE) for target in targets])


def _one_of(copy: CopyState, act: FormulaAct, ends: Sequence[tuple[Fate, Value]]) -> list[tuple[Fate, Value]]:
    """One of several fates that a rule wants. Which one is not documented; each is as certain as the last one."""
    logic = act.scene.logic
    chosen: list[tuple[Fate, Value]] = []
    not_chosen: Value = TRUE
    for fate, when in ends[:-1]:
        chosen.append((fate, not_chosen & when & logic.unknown(questions.A_FACT, "fate", fate, act.name)))
        not_chosen &= ~chosen[-1][1]
    last_fate, last = ends[-1]
    copy.surprised |= last & logic.any_of([when for _fate, when in ends[:-1]])
    return [*chosen, (last_fate, not_chosen & last)]


def reject(copy: CopyState, act: FormulaAct, when: Value) -> None:
    """The rule rejects the copy, whatever else it is told to do."""
    copy.end(act.scene.logic, Fate.REJECTED, when, when)
    copy.rejected |= when & _goes_on_rejected(act)


def _goes_on_rejected(act: FormulaAct) -> Value:
    """Whether a copy goes on that the rule rejects, as far as a later rule would tell of it."""
    return act.scene.logic.unknown(questions.AFTER_REJECTION) if act.told_later else FALSE


def end_rejected(copy: CopyState, act: FormulaAct) -> None:
    """What ends the way of a rejected copy. A redirection lets it go on, for others."""
    actions = act.rule.actions
    ends = (Does.STOP,) if actions.does(Does.REJECT) else (Does.STOP, Does.DELETE, Does.QUARANTINE)
    if any(map(actions.does, ends)):
        copy.end_reports(act.acts)
    elif actions.stops_approved:
        copy.end_reports(act.acts & act.scene.logic.unknown(questions.A_FACT, "approved stop", act.name))


def state_of_redirected(copy: CopyState, act: FormulaAct) -> CopyState:
    """The state of the copy for those to whom a rule redirects mail: only a stop ends it."""
    made = copy.copy()
    made.fates = {}
    made.rejected = FALSE
    if act.rule.actions.does(Does.STOP):
        made.stopped |= act.acts
    made.over = made.stopped
    return made


def state_of_added(redirected: CopyState, act: FormulaAct) -> CopyState:
    """The state of the copy for those whom a rule adds: it shares a fate that all copies share.

    :param redirected: the state of the copy for those to whom the rule redirects mail.
    """
    actions = act.rule.actions
    made = redirected.copy()
    shared = [fate for what, fate in FATES.items() if actions.does(what) and fate in SHARED][:1]
    made.fates = dict.fromkeys(shared, TRUE)
    if shared:
        made.over = TRUE
    if shared == [Fate.REJECTED] and not actions.does(Does.STOP):
        made.rejected = _goes_on_rejected(act)
    return made


# The rows

#: The actions.
DELIVER: tuple[Action, ...] = (
    Action("delete_message"),
    Action("quarantine"),
    Action("reject_message_reason_text", unknowns=(questions.AFTER_REJECTION,)),
    Action("reject_message_enhanced_status_code", unknowns=(questions.AFTER_REJECTION,)),
    Action("stop_rule_processing", unknowns=(questions.AUDIT_STOPS,)),
)
