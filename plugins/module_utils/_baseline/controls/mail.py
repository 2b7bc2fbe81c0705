# SPDX-License-Identifier: GPL-3.0-or-later
"""How an organization treats mail now and after a plan: the verdicts on guarantees, and the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.plan import Change, Impact, Plan, PlanWarning
from ..._exchange.cmdlet import Session
from ..._exchange.document import digest_of, exact_digest
from ..._exchange.errors import ExchangeError
from ..._exchange.names import same_name
from ..._exchange.organization import MAIL_FACTS, Organization, read
from ..._exchange.text import value_text
from ..._mail_flow.analyses.difference import difference
from ..._mail_flow.analyses.lint import lint
from ..._mail_flow.analyses.plan_effects import encrypting_today, facts_after, rules_after
from ..._mail_flow.analyses.verifier import prove
from ..._mail_flow.input.directory import facts_of_directory, read_directory
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.rule_sources import FACT_SUBSETS, facts_from, rules_from
from ..._mail_flow.model.encrypters import unseen_of
from ..._mail_flow.model.questions import WHICH_CONNECTOR
from ..._mail_flow.model.rules import RuleSet
from ..._mail_flow.symbolic.encoding import DECIDING_SETTINGS
from ..._mail_flow.wording.difference import difference_rows
from ..._mail_flow.wording.guarantees import copies_not_covered, guarantee_rows
from ..._mail_flow.wording.lint import lint_rows
from ..._mail_flow.wording.plans import licensing_warnings as warnings_of
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.organization_state import describe
from ..._resources.rights_management import RMS_TEMPLATES, obstacle
from ..._resources.rules.impact import of_all_outgoing
from ..._resources.rules.stored import RULE
from .findings import PREFIX

#: The resource, and the fact, whose settings decide about mail, too.
IRM = IRM_CONFIGURATION.name

#: The variable that lists guarantees.
GUARANTEES = f"{PREFIX}guarantees"

#: Verdicts, best first.
_VERDICTS = PROVED, UNKNOWN, REFUTED = "proved", "unknown", "refuted"


@dataclass(frozen=True)
class Mail:
    """How an organization treats mail: its rules, first to last, and its facts in the form of the option ``facts``.

    :param unavailable: facts that could not be read, and why. Answers that depend on them are unknown.
    """

    rules: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    unavailable: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The digest of everything that answers about mail depend on: equal digests mean equal answers."""
        # Why a fact could not be read changes no answer, and names another server each time.
        return exact_digest(
            {"rules": list(self.rules), "facts": dict(self.facts), "unavailable": sorted(self.unavailable)}
        )

    @property
    def unseen(self) -> list[str]:
        """What may encrypt mail, or take its protection away, and was neither read nor told."""
        return list(unseen_of(self.facts))

    @classmethod
    def of(cls, organization: Organization) -> Mail:
        """The current state. Raises the error of reading the rules."""
        return organization.parsed(cls._of)

    @classmethod
    def _of(cls, organization: Organization) -> Mail:
        asked = [subset for subset in FACT_SUBSETS if subset in organization.subsets]
        failed = {subset: str(error) for subset in asked if (error := organization.error(subset)) is not None}
        facts, unavailable = facts_from(organization, [subset for subset in asked if subset not in failed])
        people, unread = facts_of_directory(organization, {})
        return cls(rules_from(organization), {**facts, **people}, {**failed, **unavailable, **unread})

    @classmethod
    def left_by(cls, organization: Organization, plan: Plan | None) -> Mail:
        """The state after a plan; the current one without a plan. Raises the error of reading the rules."""
        now = cls.of(organization)
        return now.after(plan) if plan else now

    def after(self, plan: Plan) -> Mail:
        """The state after a plan. If the plan does nothing, this very object, whose verdicts are known already."""
        if not plan.steps:
            return self
        return Mail(rules_after(self.rules, plan.steps), facts_after(self.facts, plan.steps), self.unavailable)

    def verdicts(self, guarantees: Sequence[Guarantee], where: str) -> list[dict[str, Any]]:
        """The verdict on each guarantee.

        :raises OptionError: one is about mail that there cannot be.
        """
        return guarantee_rows(prove(self.rules, self.facts, guarantees, where=where))


def read_with_people(
    session: Session,
    known: Organization,
    subsets: Iterable[str],
    guarantees: Sequence[Guarantee],
    plan: Plan | None = None,
) -> Organization:
    """The organization with some subsets and, if these include facts about mail, with what the directory says of the
    people whom guarantees name, and its rules, as they are and as a plan leaves them.

    Everything that answers about mail reads the organization this way, so all parts of a run, and of the approved run,
    see the same.

    :param known: what was read already, and is not read again.
    """
    subsets = list(subsets)
    missing = [subset for subset in subsets if subset not in known.subsets]
    organization = known.with_more(read(session, missing, fresh=True)) if missing else known
    if not set(MAIL_FACTS) <= set(subsets) or organization.error("transport_rules") is not None:
        return organization
    now = Mail.of(organization)
    naming = [
        now.rules,
        *([now.after(plan).rules] if plan and plan.steps else []),
        [each.selection for each in guarantees],
    ]
    found = read_directory(session, map(RuleSet, naming), {"accepted_domains": now.facts.get("accepted_domains")})
    return organization.with_more(found) if found.subsets else organization


def changes_mail(changes: Iterable[Change]) -> bool:
    """Whether changes affect what decides about mail, which is rules and settings of IRM."""
    return any(
        change.resource == RULE or (change.resource == IRM and change.option in DECIDING_SETTINGS) for change in changes
    )


def mail_difference(organization: Organization, plan: Plan) -> dict[str, Any]:
    """What a plan does to mail: ``difference`` and ``difference_more``; empty if it touches nothing that decides about
    mail.

    It leaves out how people open protected mail: the changes show what a plan does to sign-in, passcodes and the
    portal.
    """
    if not changes_mail(plan.changes):
        return {}
    try:
        now = Mail.of(organization)
    except ExchangeError:
        if any(change.resource == RULE for change in plan.changes):
            raise
        return {}  # Settings can be changed where rules cannot be read. The effect on mail then nobody can tell.
    then = now.after(plan)
    found = difference_of(now, then)
    foundations = rests_on(organization, then, found["difference"])
    return {**found, **({"rests_on": foundations} if foundations else {})}


#: The action that applies a template.
_TEMPLATE = "apply_rights_protection_template"

#: Kinds of differences, and of side effects, that say how mail leaves.
_ON_THE_WAY, _LEAVING = ("transit_lost", "transit_gained"), ("connector", "tls")


def rests_on(organization: Organization, mail: Mail, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the effects of a plan rest on beside rules and settings of IRM: the outbound connectors, where they are about
    mail on its way, the templates that the changed rules apply, and how many members the groups have that were read.
    Each has ``kind``, ``name`` and ``values``.

    :param mail: the state after the plan.
    :param rows: the difference.
    """
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    if any(map(_on_the_way, rows)):
        connectors = mail.facts.get("outbound_connectors") or ()
        found += [("connector", str(each["name"]), each) for each in connectors]
    changed = {name for row in rows for name in row["rules"]}
    actions = [rule.get("actions") or {} for rule in mail.rules if rule.get("name") in changed]
    named = {str(each[_TEMPLATE]) for each in actions if each.get(_TEMPLATE)}
    if named and "rms_templates" in organization.subsets and organization.error("rms_templates") is None:
        for each in describe(organization, ["rms_templates"])["rms_templates"]:
            if any(same_name(each["name"], name) for name in named):
                found.append(("template", each["name"], each))
    if rows:
        groups = mail.facts.get("groups") or {}
        found += [("group", str(name), {"members": len(members)}) for name, members in groups.items()]
    return [
        {"kind": kind, "name": name, "values": {key: value for key, value in values.items() if key != "name"}}
        for kind, name, values in sorted(found, key=lambda each: each[:2])
    ]


def _on_the_way(row: Mapping[str, Any]) -> bool:
    """Whether a row of the difference is about how mail leaves."""
    leaving = any(each["kind"] in _LEAVING for each in row.get("side_effects") or ())
    unknown = any(each["id"] == WHICH_CONNECTOR for each in row.get("unknown") or ())
    return leaving or unknown or row["kind"] in _ON_THE_WAY


def difference_of(now: Mail, then: Mail) -> dict[str, Any]:
    """How two ways to treat mail differ: ``difference`` and ``difference_more``."""
    found = difference(now.rules, then.rules, then.facts, irm_before=now.facts.get(IRM))
    rows, more = difference_rows(found)
    return {"difference": rows, "difference_more": more}


def licensing_warnings(organization: Organization, plan: Plan) -> list[PlanWarning]:
    """The warning about rules that encrypt where rights management does not work, after a plan."""
    try:
        mail = Mail.of(organization).after(plan)
    except ExchangeError:
        return []
    found = obstacle(mail.facts.get(IRM), mail.facts.get(RMS_TEMPLATES))
    return warnings_of(found, encrypting_today(mail.rules) if found else [], "IRM-1 and IRM-2 turn it on.")


#: The parts of what a plan does to mail that say how mail is protected: those that the last lines of a run rest on, and
#: those that only pages and differences show.
_SAYS = ("guarantees", "trials", "replay", "evidence")
_SHOWN = ("difference", "suggestions", "reach", "encrypters")


def says_how_protected(mail: Mapping[str, Any]) -> bool:
    """Whether the last lines of a run rest on how mail is protected."""
    return any(part in mail for part in _SAYS)


def with_unseen(mail: Mapping[str, Any], organization: Organization) -> dict[str, Any]:
    """What a plan does to mail, with what nothing of it sees (``unseen``), if it says how mail is protected."""
    if not any(part in mail for part in (*_SAYS, *_SHOWN)):
        return dict(mail)
    try:
        unseen = Mail.of(organization).unseen
    except ExchangeError:
        unseen = list(unseen_of({}))
    return {**mail, "unseen": unseen}


def verdict_rows(sides: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
    """The verdicts after a plan, from pairs of verdicts now and then, with ``before`` where they differ."""
    return [{**new, "before": old["verdict"]} if old["verdict"] != new["verdict"] else new for old, new in sides]


def mail_lint(organization: Organization, plan: Plan | None) -> list[dict[str, Any]]:
    """Remarks about the rules, now or after a plan; empty if they cannot be read."""
    if organization.error("transport_rules") is not None:
        return []
    now = Mail.of(organization)
    seen = now.after(plan) if plan else now
    return lint_rows(lint(seen.rules, seen.facts))


#: What a class of the difference does to people. All others affect some mail.
IMPACTS: Mapping[str, Impact] = {
    "protection_lost": Impact.IN_CLEAR,
    "transit_lost": Impact.IN_CLEAR,
    "delivery_lost": Impact.REJECTS,
}


def impact_of(change: Change, mail: Mapping[str, Any]) -> Impact:
    """The impact of a change on people. For a rule, the worst effect on mail that the difference attributes to it;
    removing a rule always deletes.

    :param mail: what the plan does to mail.
    """
    if change.resource != RULE or "difference" not in mail or mail["difference_more"]:
        # Where not all of the effect on mail is known, what the rule alone tells is better than nothing.
        return change.impact
    found = [_impact(row) for row in mail["difference"] if change.identity in row["rules"]]
    worst = [Impact.DELETES] if change.impact is Impact.DELETES else []
    return min([*found, *worst], key=list(Impact).index, default=Impact.NONE)


def _impact(row: Mapping[str, Any]) -> Impact:
    return IMPACTS.get(row["kind"]) or (
        Impact.ALL_OUTGOING if row.get("every") and of_all_outgoing(row["when"]) else Impact.SOME_MAIL
    )


#: What an approver approves of a row of the difference. Its sentence says the same in words, beside the place of a rule
#: among rules of others, which says nothing once others have moved; its message is one of many.
_COUNTED = (
    "kind",
    "when",
    "unless",
    "arrives",
    "every",
    "was",
    "becomes",
    "rules",
    "later",
    "added",
    "people",
    "dates",
    "side_effects",
)


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: row[key] for key in _COUNTED if key in row}
    return {**found, "unknown": sorted({each["id"] for each in row["unknown"]})} if "unknown" in row else found


def counted_mail(mail: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the effect on mail that counts for the digest: the classes of mail, and the verdicts."""
    return {
        "difference": sorted(digest_of(_counted(row)) for row in mail.get("difference", ())),
        "difference_more": mail.get("difference_more", 0),
        "guarantees": {row["name"]: _judged(row) for row in mail.get("guarantees", ())},
        "rests_on": sorted(map(digest_of, mail.get("rests_on", ()))),
    }


def _judged(row: Mapping[str, Any]) -> list[str]:
    """What an approver reads of a verdict: it, and what a proof leaves out because rules copy or show it."""
    return [row["verdict"], *sorted(copies_not_covered([row]))]


def _apart(row: Mapping[str, Any]) -> tuple[str, set[str]]:
    """The digest of a row without the reasons why it is unknown, and these: with fewer of them, it is known better."""
    counted = _counted(row)
    reasons = set(counted.get("unknown", ()))
    return digest_of({**counted, "unknown": bool(reasons)}), reasons


def moved_mail(
    approved: Mapping[str, Any],
    current: Mapping[str, Any],
    holds: Callable[[Mapping[str, Any]], bool] = lambda _row: True,
) -> list[str]:
    """How the effects on mail differ from the approved ones, and what these rest on, as sentences. Gains count, too:
    they may be why somebody approved.

    :param holds: whether an approved effect must still be there: nothing that brings it is done yet.
    """
    texts = [
        f"it does not include this effect on mail: {text}"
        for text in _more(current.get("difference", ()), approved.get("difference", ()))
    ]
    # There may be fewer reasons why an effect is unknown.
    now = [_apart(row)[0] for row in current.get("difference", ())]
    gone = [row for row in approved.get("difference", ()) if holds(row) and _apart(row)[0] not in now]
    # An effect that is another one now is named as that already.
    known = [row["text"] for row in current.get("difference", ())]
    texts += [
        f"it includes this effect on mail, which is no longer so: {row['text'].removesuffix('.')}"
        for row in gone
        if row["text"] not in known
    ]
    if current.get("difference_more", 0) > approved.get("difference_more", 0):
        texts.append("it lists all effects on mail, but there are now more than can be listed")
    return [*texts, *_moved_verdicts(approved, current), *_moved_foundations(approved, current)]


def _more(rows: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences of rows of a difference that are more than others say."""
    known: dict[str, list[set[str]]] = {}
    for row in others:
        digest, reasons = _apart(row)
        known.setdefault(digest, []).append(reasons)
    found = []
    for row in rows:
        digest, reasons = _apart(row)
        if not any(reasons <= known_ones for known_ones in known.get(digest, ())):
            found.append(row["text"].removesuffix("."))
    return found


def _moved_verdicts(approved: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The guarantees with worse verdicts than the approved ones, and the copies that proofs leave out since."""
    before = {row["name"]: row for row in approved.get("guarantees", ())}
    texts = []
    for row in current.get("guarantees", ()):
        old = before.get(row["name"], row)
        if _VERDICTS.index(row["verdict"]) > _VERDICTS.index(old["verdict"]):
            texts.append(f"in it, {row['name']!r} is {old['verdict']}, but now it is {row['verdict']}")
        elif old["verdict"] == row["verdict"]:
            known = copies_not_covered([old])
            new = [text for text in copies_not_covered([row]) if text not in known]
            texts += [f"it does not say that {text.removesuffix('.')}" for text in new]
    return texts


def _moved_foundations(approved: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """How differs now what the approved effects rest on."""
    if not current.get("difference"):
        return []  # Nothing that rests on it is left.
    sides = [
        {(row["kind"], row["name"]): row["values"] for row in mail.get("rests_on", ())} for mail in (approved, current)
    ]
    texts = []
    for what in sorted({*sides[0], *sides[1]}):
        old, new = (side.get(what) for side in sides)
        name = f"the {what[0]} {what[1]!r}"
        if old is None or new is None:
            texts.append(f"its effects on mail rest on {name}, which is {'gone' if new is None else 'new'}")
            continue
        differing = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        texts += [
            f"its effects on mail rest on {key} of {name}, which was {value_text(old.get(key))} and is now {value_text(new.get(key))}"
            for key in differing
        ]
    return texts
