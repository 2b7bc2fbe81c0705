# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a difference about which not all is known. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_kinds import aspect_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_queries import Asked
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.mail_class import MailClass, Row
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import Dated, Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_version_delta import NOTHING, Apart, apart
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import (
    BUDGET,
    LATER,
    MANY_APPROVALS,
    NOT_FOLLOWED,
    UNUSUAL,
    described,
    settled_by,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_conditions import Seen
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_rules import MOST_APPROVALS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.sentences import (
    because,
    dated,
    listed,
    mail_of,
    may_become,
    section_of,
)


class OpenRows:
    """Writes the rows of what may be different.

    :param asked: what is asked about a person's copies, with unknown values as free variables.
    :param budget: the maximum number of conflicts for all questions together.
    :param about: the assumptions that the edits are about.
    """

    def __init__(self, model: Model, edits: Sequence[Edit], asked: Callable[[str], Asked], budget: int, about: Collection[str]) -> None:
        self.model, self.edits, self.asked, self.budget, self._about = model, edits, asked, budget, about

    def unknown(self, classes: Iterable[MailClass]) -> list[Row]:
        """One row for each cause and person, with the possible differences."""
        by_cause: dict[tuple[int, str], list[MailClass]] = {}
        for each in classes:
            by_cause.setdefault((each.cause, each.person), []).append(each)
        return [self._unknown(*which, group) for which, group in sorted(by_cause.items())]

    def _unknown(self, cause: int, person: str, group: Sequence[MailClass]) -> Row:
        edit = edit_at(self.edits, cause)
        why = described(reason for each in group for reason in each.reasons)
        numbers = ", ".join(sorted({each["id"] for each in why}))
        # A message without anything unknown is not a witness, nor is one on which the edited rule never acts.
        shown = next((each for each in group if each.witness is not None and each.reasons and (edit is None or any(each.acted))), None)
        versions = [unchanged(self.model, rule) for rule in (edit.before, edit.after) if rule is not None and not rule.idle] if edit else []
        did = shown.acted if shown else (edit is not None and edit.before is not None, edit is not None and edit.after is not None)
        why_apart = NOTHING
        if (told := self._apart(edit, group)) is not None:
            versions, why_apart, did = [told[0]], told[1], told[2]
        elif len(versions) > 1 and section_of(versions[:1]) == section_of(versions[1:]):
            versions = versions[1:]
        if len(versions) > 1:  # Either mail may be what is treated differently.
            did = (True, True)
        kinds = {each.kind for each in group} if edit else set()
        kind = kinds.pop() if len(kinds) == 1 else "unknown"
        happens = f"{may_become(kind, person)} ({numbers}): {because(edit, did, settings=self.model.settings_that_differ)}"
        row = _open_row(versions, happens, rules_of(self.model, self.edits, edit), *why, person=person, apart=why_apart)
        return {**row, "witness": shown.witness} if shown else row

    def _apart(self, edit: Edit | None, group: Sequence[MailClass]) -> tuple[FlowRule, Apart, tuple[bool, bool]] | None:
        """The version of an edited rule that acts on all mail of some classes, what sets it apart from the other version, which does not, and which one acts;
        ``None`` where that is not so of all of it.
        """
        nows = {each.part.now for each in group}
        if edit is None or edit.before is None or edit.after is None or len(nows) > 1 or nows == {None}:
            return None
        if not all(edit.alike(aspect_of(each.kind)) for each in group):
            return None
        now = nows == {True}
        acting, other = (edit.after, edit.before) if now else (edit.before, edit.after)
        found, recipient = apart(acting, other), self.model.mail.recipient
        if not found:
            return None
        differs = self.model.free.conditions.any_apart(found.met, found.unmet, recipient) ^ 1
        for each in group:
            left = self.budget - self.model.circuit.solver.conflicts
            of_class = self.asked(each.person).of(each.kind, each.cause, each.part)
            if left <= 0 or self.model.circuit.solve([*of_class, differs], left) is not False:
                return None
        said = unchanged(self.model, acting)
        if found.is_one:
            said, found = replace(said, conditions=(*said.conditions, *found.met)), NOTHING
        return said, found, (not now, now)

    def on_error(self, rule: FlowRule) -> Row:
        """The row of a rule whose ``rule_error_action`` changed. Whatever else is said holds where no rule fails."""
        values = ("Ignore", "Defer") if rule.defers else ("Defer", "Ignore")
        now = "may be deferred, or returned to the sender," if rule.defers else "may pass without the rule"
        why = f"if Exchange fails on rule '{rule.name}' (U12): its rule_error_action is now {values[1]} instead of {values[0]}"
        unknown = {"id": "U12", "reason": "what makes Exchange fail on a rule is not documented", "settled_by": settled_by("U12")}
        return {**_open_row([unchanged(self.model, rule)], f"{now} {why}", [rule.name], unknown), "was": values[0], "becomes": values[1]}

    def on_dates(self, rule: FlowRule, dates: Sequence[Dated]) -> Row:
        """The row of a rule whose dates change what it does later.

        :param dates: what they say that they did not say before.
        """
        becomes_later = f"may be treated differently later: rule '{rule.name}' {dated(dates)}"
        return {**_open_row([unchanged(self.model, rule)], becomes_later, [rule.name], LATER), "dates": [[each.how, each.verb, each.date] for each in dates]}

    def unusual(self, causes: Sequence[int]) -> Row:
        """The row of mail that is not usual, and that rules tell from usual mail, where it is unknown what becomes of it.

        :param causes: the edits that may change that.
        """
        ids = sorted({each.id for each in self.model.mail.assumptions if each.seen and each.id not in self._about})
        unknown = [{"id": each, "reason": f"what becomes of {UNUSUAL[each]} is not known", "settled_by": settled_by(each)} for each in ids]
        edits = [edit for cause in causes if (edit := edit_at(self.edits, cause)) is not None]
        text = f"that is not usual may be treated differently ({', '.join(ids)}): {' and '.join(UNUSUAL[each] for each in ids)}"
        return _open_row([], text, names_of(edits), *unknown)

    def held_longer(self) -> Row:
        """The row of mail that waits for so many approvals that they are not told apart."""
        text = f"that waits for {MOST_APPROVALS} or more approvals may be treated differently: how many there are is not compared"
        return _open_row([], text, names_of(self.edits), MANY_APPROVALS)

    def sent_on(self, cause: int, brings: Sequence[FlowRule], people: Sequence[str]) -> Row:
        """The row of an edited rule that adds people who cannot be followed, or redirects mail to them.

        :param brings: its versions that do. Where they are about different mail, so is the row.
        """
        edit = self.edits[cause]
        how = "may now, or may no longer," if len(brings) > 1 else "may now" if brings[0] is edit.after else "may no longer"
        versions = [unchanged(self.model, rule) for rule in brings]
        about = versions[:1] if all(section_of([each]) == section_of(versions[:1]) for each in versions) else []
        why = because(edit, (edit.before is not None, edit.after is not None))
        row = _open_row(
            about, f"{how} reach {listed(people, joint='and', most=len(people))} (U09): {why}", rules_of(self.model, self.edits, edit), NOT_FOLLOWED
        )
        return {**row, "people": list(people)}


def _open_row(about: Sequence[FlowRule], happens: str, rules: Sequence[str], *unknown: Mapping[str, str], person: str = "", apart: Apart = NOTHING) -> Row:
    """The row of what may be different.

    :param about: the rules whose mail it is about, that of any of them; all mail without one.
    :param happens: what may happen to it, and why.
    :param unknown: the reasons.
    :param apart: one of these is true of it, too.
    """
    first, *others = [mail_of([each], apart, every=False) for each in about] or [mail_of([], every=False)]
    text = f"{' and '.join([first, *(f'{each[0].lower()}{each[1:]}' for each in others)])} {happens}."
    when = {"when": section_of(about) if len(about) == 1 else {}}
    if apart and not apart.is_several:
        when["unless"] = section_of([replace(about[0], conditions=apart.unmet)])
    return {"kind": "unknown", "text": text, **when, "rules": list(rules), **whose(person), "unknown": [{**each} for each in unknown]}


def whose(person: str) -> dict[str, str]:
    """Whose copies a row is about, if rules add them."""
    return {"added": person} if person else {}


def edit_at(edits: Sequence[Edit], cause: int) -> Edit | None:
    """The edit behind a cause; ``None`` for the cause that no edited rule acts differently."""
    return edits[cause] if cause < len(edits) else None


def names_of(edits: Iterable[Edit]) -> list[str]:
    """The names of edited rules."""
    return list(dict.fromkeys(each.rule.name for each in edits))


def rules_of(model: Model, edits: Sequence[Edit], edit: Edit | None) -> list[str]:
    """The names of the edited rules that cause a class: without one that acts differently, all that change who shares a copy, unless settings differ."""
    return names_of([edit] if edit else [each for each in edits if model.settings_that_differ or each.splits])


def unchanged(model: Model, rule: FlowRule) -> FlowRule:
    """A rule with the conditions that see what arrives: no earlier rule has a part in them."""
    steps = [(chain, step) for chain in model.free.chains if (step := chain.step(rule)) is not None]
    for chain, step in steps:
        arrived = Seen(splits=step.seen.splits, added=step.seen.added)
        seen = ([chain.conditions.truth(atom, each, chain.person) for atom in rule.conditions] for each in (arrived, step.seen))
        return replace(rule, conditions=tuple(atom for atom, one, other in zip(rule.conditions, *seen, strict=True) if one == other))
    return rule


def cut_short() -> Row:
    """The row for a search that used up its budget."""
    text = "The comparison is incomplete: there are too many classes of mail, or the rules are too complex."
    return {"kind": "unknown", "text": text, "when": {}, "rules": [], "unknown": [{**BUDGET}]}
