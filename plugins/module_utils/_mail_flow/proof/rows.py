# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a difference: the description of a class of mail, and how much mail it applies to. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import visible_line
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.compare import KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evaluate import Course
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.logic import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.apart import NOTHING, Apart, apart
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.assumptions import (
    BUDGET,
    LATER,
    MANY_APPROVALS,
    NOT_FOLLOWED,
    UNUSUAL,
    described,
    settled_by,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.chain import MOST_APPROVALS, Chain, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import high, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.conditions import Seen
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.edits import Dated, Edit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.extent import ANOTHER, Extent, reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.model import Model, Replayed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.questions import Asked
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.replay import as_it_arrives, on_arrival, reasons_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.sentences import (
    because,
    becomes,
    dated,
    listed,
    mail_of,
    says_all,
    section_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.treatment import aspect_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import (
    Key,
    redirected_to,
    slots_look_at_sender,
    watches_aliases,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import Atom, FlowRule

#: A row of the result.
Row = dict[str, Any]

#: What becomes of somebody's copy before and after.
Courses = tuple[Course, Course]


@dataclass(frozen=True)
class Shown:
    """A message that shows a class.

    :param usual: whether it was looked for in usual mail.
    """

    candidate: Replayed
    courses: Courses
    usual: bool


@dataclass
class MailClass:
    """A kind of difference with its cause, which is an index into the edits.

    :param person: whose copies it is about, if rules add them; empty for the recipient whom the sender names.
    :param shown: the message that shows it, once one is found, and :param:`row` its row in the result, once it is written.
    :param refine: the atoms for which another recipient must be built to find out more.
    :param reasons: what is unknown about :param:`witness`.
    :param about: the edited rule as far as it is about the witness as it arrives, and :param:`acted` whether it acted before, and whether it acts now.
    :param usual: whether it is about usual mail. Of other mail nothing is said but what is certain.
    """

    kind: str
    cause: int
    person: str = ""
    shown: Shown | None = None
    row: Row | None = None
    refine: list[Key] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    witness: dict[str, Any] | None = None
    about: FlowRule | None = None
    acted: tuple[bool, bool] = (False, False)
    usual: bool = True


@dataclass(frozen=True)
class _Draft:
    """What a row says, but not yet of how much mail.

    :param sides: the results before and after, :param:`stages` at the stage at which they differ, and :param:`approved` whether that is after an approval.
    :param arrives: how the mail has to arrive protected, as the model has it; empty where it need not.
    :param said: the rules that decide, as far as they are about the message as it arrives.
    :param why: what sets the versions of the edited rule apart.
    """

    edit: Edit | None
    sides: Mapping[str, Mapping[str, Any]]
    stages: tuple[Mapping[str, Any], Mapping[str, Any]]
    approved: bool
    arrives: str
    said: Sequence[FlowRule]
    why: Apart
    extent: Extent


class Rows:
    """Writes the rows of classes.

    :param asked: what is asked about a person's copies, with unknown values as free variables.
    :param budget: the maximum number of conflicts for all questions together.
    :param about: the assumptions that the edits are about.
    """

    def __init__(self, model: Model, edits: Sequence[Edit], asked: Callable[[str], Asked], budget: int, about: Collection[str]) -> None:
        self.model, self.edits, self.asked, self.budget, self._about = model, edits, asked, budget, about
        self.sets = model.rule_sets

    def write(self, classes: Iterable[MailClass]) -> None:
        """Writes the rows of the classes of which a message is shown."""
        drafts = [(found, found.shown, self._draft(found, found.shown)) for found in classes if found.shown is not None]
        reached = reach(self.model.circuit, [draft.extent for _found, _shown, draft in drafts], self.budget)
        for (found, shown, draft), (but, sure) in zip(drafts, reached, strict=True):
            found.row = self._row(found, shown, draft, self._without_rules(draft) if but == ANOTHER else but, sure)

    def _without_rules(self, draft: _Draft) -> str:
        """What keeps mail that is named from what a sentence says, if that can be no other rule since there is none."""
        mail, edit, extent = self.model.mail, draft.edit, draft.extent
        mine = [edit.before, edit.after] if edit else []
        if any(not rule.idle and all(rule is not each for each in mine) for rules in self.sets for rule in rules.rules):
            return ANOTHER
        inside = high(self.model.free.conditions.sender_scope("InOrganization", mail.sender))
        in_clear = [literal ^ 1 for literal in mail.arrival.values()]
        for said, literals in ((", unless it comes from outside", [inside]), (", unless it arrives protected", in_clear)):
            left = self.budget - self.model.circuit.solver.conflicts
            asked = [[*extent.named, *literals], [*extent.named, extent.differs ^ 1, *literals]]
            if left > 0 and [self.model.circuit.solve(each, left) for each in asked] == [True, False]:
                return said
        return ANOTHER

    def _draft(self, found: MailClass, shown: Shown) -> _Draft:
        candidate, courses, edit = shown.candidate, shown.courses, self._edit(found.cause)
        both = zip(courses, self.sets, candidate.facts, strict=True)
        before, after = (result(course, rules, candidate.message, each) or {} for course, rules, each in both)
        deciding = self._deciding(found, edit, courses)
        said = [self._as_it_arrives(rule, candidate) for rule in deciding]
        why = self._apart(edit, acted(edit, courses), candidate) if edit and edit.alike(aspect_of(found.kind)) else NOTHING
        if why.is_one:
            said[0], why = replace(said[0], conditions=(*said[0].conditions, *why.met)), NOTHING
        approvals, stages = _stages(before, after)
        arrives = self._arrives(found, shown)
        differs, alike = self._differs(found, approvals), self._alike(found, stages, approvals)
        extent = self._extent(found, list(zip(deciding, said, strict=True)), why, arrives, (differs, alike), usual=shown.usual)
        return _Draft(edit, {"before": before, "after": after}, stages, approvals > 0, arrives, said, why, extent)

    def _row(self, found: MailClass, shown: Shown, draft: _Draft, but: str, sure: bool) -> Row:
        """The row of a class.

        :param but: the mail that is named and not treated so, and :param:`sure` whether mail of the class is treated like the witness.
        """
        said, why, edit, courses = draft.said, draft.why, draft.edit, shown.courses
        stages = draft.stages if sure else ({}, {})
        # A copy that is made of another recipient's may reach them all the same.
        versions = (edit.before, edit.after) if edit and found.person else ()
        whole = not but and not any(rule.splits for rule in versions if rule is not None)
        head = f"{mail_of(said, why, every=whole, arrives=draft.arrives)} {becomes(found.kind, stages, found.person, approved=sure and draft.approved)}{but}"
        did = acted(edit, courses)
        if edit and edit.how == "changed" and did == (True, False) and not edit.alike(aspect_of(found.kind)):
            did = (True, True)  # Of all that the sentence names, it need not be so that the rule no longer applies.
        later = self._overtaken(found, edit, courses)
        reason = because(edit, did, later, self.model.settings_that_differ)
        about = _of_addresses(said, shown.candidate)
        every = whole and not draft.arrives and about == said and says_all(said) and not why.is_several
        row = {"kind": found.kind, "text": f"{head}: {reason}.", "when": section_of(about), "every": every, "rules": self._rules(edit), **_whose(found.person)}
        row |= {"later": later} if later else {}
        row |= {"arrives": draft.arrives} if draft.arrives else {}
        row |= _of_all(found.kind, stages)
        if why and not why.is_several:
            row["unless"] = section_of([replace(said[0], conditions=why.unmet)])
        # A copy that there is not has no result.
        return {**row, **{side: each for side, each in draft.sides.items() if each}, "witness": witness_of(shown.candidate, found.person)}

    def show(self, found: MailClass, candidate: Replayed, courses: Courses) -> None:
        """Notes a message that may show a class, with what is unknown about it."""
        edit, facts = self._edit(found.cause), candidate.facts
        found.reasons = sorted({reason for course, each in zip(courses, facts, strict=True) for reason in reasons_of(course, candidate.message, each)})
        found.witness, found.acted = witness_of(candidate, found.person), acted(edit, courses)
        found.about = self._as_it_arrives(_meant(edit, found.acted), candidate) if edit else None

    def _edit(self, cause: int) -> Edit | None:
        """The edit behind a cause; ``None`` for the cause that no edited rule acts differently."""
        return self.edits[cause] if cause < len(self.edits) else None

    def _rules(self, edit: Edit | None) -> list[str]:
        """The names of the edited rules that cause a class: without one that acts differently, all that change who shares a copy, unless settings differ."""
        return self._names([edit] if edit else [each for each in self.edits if self.model.settings_that_differ or each.splits])

    @staticmethod
    def _names(edits: Iterable[Edit]) -> list[str]:
        return list(dict.fromkeys(each.rule.name for each in edits))

    def _deciding(self, found: MailClass, edit: Edit | None, courses: Courses) -> list[FlowRule]:
        """The edited rule, and the first that decides on each side."""
        rules: list[FlowRule] = [_meant(edit, acted(edit, courses))] if edit else []
        wanted = {
            "protection_lost": (0,),
            "delivery_gained": (1,) if found.person else (0,),
            "protection_gained": (1,),
            "delivery_lost": (0,) if found.person else (1,),
        }.get(found.kind, (0, 1))
        for which in wanted:
            first = next((rule for rule in self._acting(which, courses) if rule.enforced and _decides(found, rule)), None)
            if first is not None and all(first.name != rule.name for rule in rules):
                rules.append(first)
        return rules

    def _as_it_arrives(self, rule: FlowRule, candidate: Replayed) -> FlowRule:
        """A rule as far as it is about a message before other rules change it."""
        which = next(which for which, rules in enumerate(self.sets) if any(each is rule for each in rules.rules))
        return as_it_arrives(self.sets[which], rule, candidate.message, candidate.facts[which], candidate.letter.recipient)

    def _apart(self, edit: Edit | None, acts: tuple[bool, bool], candidate: Replayed) -> Apart:
        """Why one version of an edited rule acts on a message, and the other does not, if that is seen of the message as it arrives."""
        if edit is None or edit.before is None or edit.after is None or acts[0] == acts[1]:
            return NOTHING
        acting, other = (edit.before, edit.after) if acts[0] else (edit.after, edit.before)
        which = int(acts[0])
        met = on_arrival(self.sets[which], other, candidate.message, candidate.facts[which], candidate.letter.recipient)
        spared, missed = any(met[atom] is True for atom in other.exceptions), any(met[atom] is False for atom in other.conditions)
        found = apart(acting, other)
        return found if (found.met and spared) or (found.unmet and missed) else NOTHING

    def _unchanged(self, rule: FlowRule) -> FlowRule:
        """A rule with the conditions that see what arrives: no earlier rule has a part in them."""
        for chain, step in self._steps(rule):
            arrived = Seen(splits=step.seen.splits, added=step.seen.added)
            seen = ([chain.conditions.truth(atom, each, chain.person) for atom in rule.conditions] for each in (arrived, step.seen))
            return replace(rule, conditions=tuple(atom for atom, one, other in zip(rule.conditions, *seen, strict=True) if one == other))
        return rule

    def _steps(self, *rules: FlowRule) -> list[tuple[Chain, Step]]:
        """The steps of rules, with their chains; none of a rule that the copy never meets."""
        found = [[(chain, step) for chain in self.model.free.chains if (step := chain.step(rule)) is not None] for rule in rules]
        return [each[-1] for each in found if each]

    def _acting(self, which: int, courses: Courses) -> list[FlowRule]:
        return [self.sets[which].rules[place] for place in sorted({place for world in courses[which].worlds for _held, place in world.matched})]

    def _overtaken(self, found: MailClass, edit: Edit | None, courses: Courses) -> list[str]:
        """The rules that decided about the message before and no longer act."""
        now = {rule.name for rule in self._acting(1, courses)}
        here = {rule.name for rule in self.sets[1].rules if not rule.idle}
        own = edit.rule.name if edit else ""
        return [rule.name for rule in self._acting(0, courses) if rule.enforced and _decides(found, rule) and rule.name in here - now and rule.name != own]

    def _arrives(self, found: MailClass, shown: Shown) -> str:
        """How mail of a class has to arrive protected, if it does not change otherwise."""
        protection, asked, mail = shown.candidate.message.protection, self.asked(found.person), self.model.mail
        if protection is None or protection.kind == "none":
            return ""
        in_clear = [*assumed(self.model, self._about, usual=shown.usual), *(literal ^ 1 for literal in mail.arrival.values())]
        left = self.budget - self.model.circuit.solver.conflicts
        if left <= 0 or self.model.circuit.solve([*in_clear, *asked.of(found.kind, found.cause)], left) is not False:
            return ""
        return protection.owner if protection.by_rights else protection.kind

    def _differs(self, found: MailClass, approvals: int) -> int:
        """That a message is treated differently as its class says. What is delivered, or was, is so at the witness's stage: another approval may remain."""
        asked = self.asked(found.person)
        differs = asked.kinds[found.kind]
        if found.kind not in ("delivery_lost", "delivery_gained"):
            return differs
        copies = asked.copies[found.kind == "delivery_gained"]
        return self.model.circuit.conjunction((differs, high(copies.fate("delivered", approvals))))

    def _alike(self, found: MailClass, stages: tuple[Mapping[str, Any], Mapping[str, Any]], approvals: int) -> int:
        """That a message is treated like the witness, as far as the sentence describes it."""
        values = []
        for copies, stage, wanted in zip(self.asked(found.person).copies, stages, _TOLD.get(found.kind, ("", "")), strict=True):
            if wanted == "fate" and stage:
                values.append(copies.fate(str(stage["fate"]), approvals))
            elif wanted == "protection":
                protection = str(stage.get("protection"))
                values.append(copies.smime if protection == "smime" else copies.option(protection))
            elif wanted == "branding" and stage.get("branding"):
                values.append(copies.brand(str(stage["branding"])))
            elif wanted == "branding":
                values.append(negate(copies.branded))
        return high(self.model.free.rail.all_of(values))

    def _extent(
        self, found: MailClass, deciding: Sequence[tuple[FlowRule, FlowRule]], why: Apart, arrives: str, treated: tuple[int, int], *, usual: bool
    ) -> Extent:
        """What decides of how much mail a sentence is true.

        :param deciding: rules, each as it is and as far as it is about mail that arrives.
        :param why: what sets the versions of the first one apart.
        :param treated: that mail is treated differently as the class says, and that it is treated like the witness.
        """
        model, recipient, (differs, alike) = self.model, self.model.mail.recipient, treated
        wanted = assumed(model, self._about, usual=usual)
        # Whom a rule adds, or redirects mail to, gets what is addressed to them anyway.
        anyway = [found.person] if found.person else [each for rule, _said in deciding for each in redirected_to(rule, model.facts)]
        wanted += [recipient["address", each] ^ 1 for each in sorted(set(anyway))]
        if arrives:
            wanted.append(model.mail.arrival[arrives])
        elif found.kind.startswith("protection"):  # Mail that arrives protected stays protected, and need not be mentioned.
            wanted += [literal ^ 1 for literal in model.mail.arrival.values()]
        of_class = (*wanted, *self.asked(found.person).of(found.kind, found.cause), differs)
        steps = self._steps(*(rule for rule, _said in deciding))
        if len(steps) < len(deciding):
            return Extent((), (), of_class, differs, alike)
        seen_as = [(chain.conditions, step, said) for (chain, step), (_rule, said) in zip(steps, deciding, strict=True)]
        wanted += [seen_as[0][0].any_apart(why.met, why.unmet, recipient)] if why else []
        named = (high(each.matches(said, step.name, Seen(), recipient)) for each, step, said in seen_as)
        spared = (high(each.matches(replace(said, exceptions=()), step.name, Seen(), recipient)) for each, step, said in seen_as)
        return Extent((*wanted, *named), (*wanted, *spared), of_class, differs, alike)

    def unknown(self, classes: Iterable[MailClass]) -> list[Row]:
        """One row for each cause and person, with the possible differences."""
        by_cause: dict[tuple[int, str], list[MailClass]] = {}
        for each in classes:
            by_cause.setdefault((each.cause, each.person), []).append(each)
        return [self._unknown(*which, group) for which, group in sorted(by_cause.items())]

    def _unknown(self, cause: int, person: str, group: Sequence[MailClass]) -> Row:
        edit = self._edit(cause)
        why = described(reason for each in group for reason in each.reasons)
        numbers = ", ".join(sorted({each["id"] for each in why}))
        # A message without anything unknown is not a witness, nor is one on which the edited rule never acts.
        shown = next((each for each in group if each.witness is not None and each.reasons and (edit is None or any(each.acted))), None)
        versions = [self._unchanged(rule) for rule in (edit.before, edit.after) if rule is not None and not rule.idle] if edit else []
        if len(versions) > 1 and section_of(versions[:1]) == section_of(versions[1:]):
            versions = versions[1:]
        did = shown.acted if shown else (edit is not None and edit.before is not None, edit is not None and edit.after is not None)
        if len(versions) > 1:  # Either mail may be what is treated differently.
            did = (True, True)
        elif shown and shown.about:
            versions = [shown.about]
        happens = f"{becomes('unknown', person=person)} ({numbers}): {because(edit, did, settings=self.model.settings_that_differ)}"
        row = _open_row(versions, happens, self._rules(edit), *why, person=person)
        return {**row, "witness": shown.witness} if shown else row

    def on_error(self, rule: FlowRule) -> Row:
        """The row of a rule whose ``rule_error_action`` changed. Whatever else is said holds where no rule fails."""
        values = ("Ignore", "Defer") if rule.defers else ("Defer", "Ignore")
        now = "may be deferred, or returned to the sender," if rule.defers else "may pass without the rule"
        why = f"if Exchange fails on rule '{rule.name}' (U12): its rule_error_action is now {values[1]} instead of {values[0]}"
        unknown = {"id": "U12", "reason": "what makes Exchange fail on a rule is not documented", "settled_by": settled_by("U12")}
        return {**_open_row([self._unchanged(rule)], f"{now} {why}", [rule.name], unknown), "was": values[0], "becomes": values[1]}

    def on_dates(self, rule: FlowRule, dates: Sequence[Dated]) -> Row:
        """The row of a rule whose dates change what it does later.

        :param dates: what they say that they did not say before.
        """
        becomes_later = f"may be treated differently later: rule '{rule.name}' {dated(dates)}"
        return {**_open_row([self._unchanged(rule)], becomes_later, [rule.name], LATER), "dates": [[each.how, each.verb, each.date] for each in dates]}

    def unusual(self, causes: Sequence[int]) -> Row:
        """The row of mail that is not usual, and that rules tell from usual mail, where it is unknown what becomes of it.

        :param causes: the edits that may change that.
        """
        ids = sorted({each.id for each in self.model.mail.assumptions if each.seen and each.id not in self._about})
        unknown = [{"id": each, "reason": f"what becomes of {UNUSUAL[each]} is not known", "settled_by": settled_by(each)} for each in ids]
        edits = [edit for cause in causes if (edit := self._edit(cause)) is not None]
        text = f"that is not usual may be treated differently ({', '.join(ids)}): {' and '.join(UNUSUAL[each] for each in ids)}"
        return _open_row([], text, self._names(edits), *unknown)

    def held_longer(self) -> Row:
        """The row of mail that waits for so many approvals that they are not told apart."""
        text = f"that waits for {MOST_APPROVALS} or more approvals may be treated differently: how many there are is not compared"
        return _open_row([], text, self._names(self.edits), MANY_APPROVALS)

    def sent_on(self, cause: int, brings: Sequence[FlowRule], people: Sequence[str]) -> Row:
        """The row of an edited rule that adds people who cannot be followed, or redirects mail to them.

        :param brings: its versions that do. Where they are about different mail, so is the row.
        """
        edit = self.edits[cause]
        how = "may now, or may no longer," if len(brings) > 1 else "may now" if brings[0] is edit.after else "may no longer"
        versions = [self._unchanged(rule) for rule in brings]
        about = versions[:1] if all(section_of([each]) == section_of(versions[:1]) for each in versions) else []
        why = because(edit, (edit.before is not None, edit.after is not None))
        row = _open_row(about, f"{how} reach {listed(people, joint='and', most=len(people))} (U09): {why}", self._rules(edit), NOT_FOLLOWED)
        return {**row, "people": list(people)}


def _open_row(about: Sequence[FlowRule], happens: str, rules: Sequence[str], *unknown: Mapping[str, str], person: str = "") -> Row:
    """The row of what may be different.

    :param about: the rules whose mail it is about, that of any of them; all mail without one.
    :param happens: what may happen to it, and why.
    :param unknown: the reasons.
    """
    first, *others = [mail_of([each], every=False) for each in about] or [mail_of([], every=False)]
    text = f"{' and '.join([first, *(f'{each[0].lower()}{each[1:]}' for each in others)])} {happens}."
    when = section_of(about) if len(about) == 1 else {}
    return {"kind": "unknown", "text": text, "when": when, "rules": list(rules), **_whose(person), "unknown": [{**each} for each in unknown]}


def assumed(model: Model, about: Collection[str], *, usual: bool) -> list[int]:
    """The assumptions about usual mail, or about mail that rules do not distinguish from it.

    :param about: those that the edits are about, which are not made.
    """
    return [each.literal for each in model.mail.assumptions if each.id not in about and (usual or not each.seen)]


def witness_of(candidate: Replayed, person: str = "") -> dict[str, Any]:
    """A message that shows the difference, its recipient or the person whom rules add, and the facts that it rests on beside those that are known."""
    letter = candidate.letter
    found: dict[str, Any] = {"message": {"name": "witness", **letter.message}, "recipient": person or letter.recipient}
    return {**found, "facts": letter.facts} if letter.facts else found


def _of_addresses(rules: Sequence[FlowRule], candidate: Replayed) -> list[FlowRule]:
    """Rules without the conditions that are about other addresses of a message than a section is, which means primary ones, and the From field: about one
    that the sender wrote, if any is an alias, and about the envelope's sender, if that is another one.
    """
    message, facts = candidate.message, candidate.facts[0]
    at_alias = any(facts.primary(address) != address.lower() for address in (*message.to, *message.cc, *message.bcc))
    sent_as_another = facts.primary(message.mail_from or "") != facts.primary(message.sender)

    def means(atom: Atom) -> bool:
        elsewhere = slots_look_at_sender(atom) and atom.settings.location != "Header"
        return not (at_alias and watches_aliases(atom)) and not (sent_as_another and elsewhere)

    return [replace(rule, conditions=tuple(filter(means, rule.conditions))) for rule in rules]


def _whose(person: str) -> dict[str, str]:
    return {"added": person} if person else {}


def _decides(found: MailClass, rule: FlowRule) -> bool:
    if found.kind == "branding_changed":
        return bool(rule.does(Does.BRAND))
    if found.kind in ("protection_lost", "protection_gained", "protection_changed"):
        return bool(rule.does(Does.ENCRYPT) or rule.does(Does.DECRYPT))
    if found.person and found.kind in ("delivery_lost", "delivery_gained"):
        return bool(rule.does(Does.ADD) or rule.does(Does.REDIRECT))
    return rule.is_final or bool(rule.does(Does.MODERATE))


def _meant(edit: Edit, acts: tuple[bool, bool]) -> FlowRule:
    """The edited rule as it acts on the message: as it is now, or as it was."""
    was, now = acts
    return edit.before if edit.before is not None and was and not now else edit.rule


def acted(edit: Edit | None, courses: Courses) -> tuple[bool, bool]:
    """Whether an edited rule acted on a message before, and whether it acts now, in at least one world. One that S/MIME keeps from its work perhaps did."""
    if edit is None:
        return False, False
    found = []
    for rule, course in ((edit.before, courses[0]), (edit.after, courses[1])):
        found.append(rule is not None and any(rule.place == place for world in course.worlds for _held, place in (*world.matched, *world.perhaps)))
    return found[0], found[1]


#: Kind to what its sentence says about the treatment before and now.
_TOLD = {
    "delivery_lost": ("fate", "fate"),
    "delivery_gained": ("fate", "fate"),
    "fate_changed": ("", "fate"),
    "protection_changed": ("protection", "protection"),
    "branding_changed": ("branding", "branding"),
}


def _of_all(kind: str, stages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What a sentence says that mail was, and becomes."""
    told = zip(("was", "becomes"), stages, _TOLD.get(kind, ("", "")), strict=True)
    return {key: str(stage.get(what) or "") for key, stage, what in told if stage and what}


def _stages(before: Mapping[str, Any], after: Mapping[str, Any], approvals: int = 0) -> tuple[int, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The stage at which the difference shows, and the number of approvals before it: delivery, or delivery after an approval or a release."""
    for later in ("after_approval", "after_release"):
        if later in before and later in after and before["fate"] == after["fate"]:
            return _stages(before[later], after[later], approvals + (later == "after_approval"))
    return approvals, (before, after)


def merged(rows: Iterable[Row | None]) -> list[Row]:
    """The rows without duplicates, most important first."""
    found: dict[str, Row] = {}
    for row in sorted((each for each in rows if each is not None), key=lambda row: (KINDS.index(row["kind"]), row["text"])):
        found.setdefault(row["text"], {**row, "text": visible_line(row["text"])})
    return list(found.values())


def cut_short() -> Row:
    """The row for a search that used up its budget."""
    text = "The comparison is incomplete: there are too many classes of mail, or the rules are too complex."
    return {"kind": "unknown", "text": text, "when": {}, "rules": [], "unknown": [{**BUDGET}]}
