# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of messages, and of all mail: simulation, trace, guarantees, difference, policy, lint and overview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import (
    expectations,
    overview,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    ChangedMail,
    MayChange,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
    Judgment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint import lint
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.policy import Statement
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.inside import recipient_outside
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.flow_rule import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.rule_trace import Tracer
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.guarantees import (
    guarantee_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.comparison import assumed
from tests.unit.mail_flow.copy_results import message_result
from tests.unit.mail_flow.unusual import holds_in, meets

from .asked import AFTER, BEFORE, Asked, Letter
from .claims import (
    ACTS,
    CHANGES,
    ENCRYPTS,
    EXPOSED,
    FATE,
    IN_CLEAR,
    LETS_OUT,
    PROTECTED,
    PROTECTION,
    REACHES,
    STAYS,
    WAY,
    Claim,
    Subject,
)

Values = dict[str, Any]

#: Kinds of differences that are about what people see of their copies.
SEEN = tuple(kind for kind in DifferenceKind if kind not in ("unknown", "side_effect_changed"))
#: Those that a replay counts.
COUNTED = tuple(kind for kind in SEEN if not kind.startswith("transit_"))


def claim(verb: str, aspect: str, about: tuple[Any, ...], *values: Any, what: str = "", said: Any = None) -> Claim:
    return Claim(verb, Subject(aspect, about, what), frozenset(values), said)


# What becomes of a message


def of_simulation(asked: Asked) -> Iterator[Claim]:
    for side in (BEFORE, AFTER):
        for letter in list(asked.letters.values()):
            yield from claims_of_results(asked, side, letter)


def claims_of_results(asked: Asked, side: str, letter: Letter) -> Iterator[Claim]:
    for person, result in asked.results(side, letter).items():
        if assumed(result):
            continue
        yield from _of_result("simulation", (side, letter.key, person), result)
        for rule in asked.rules[side].rules:
            acts = acting(result).get(rule.name, False)
            if isinstance(acts, bool):
                yield claim("simulation", ACTS, (side, letter.key, person), acts, what=rule.name, said=result)
        if side == AFTER:
            yield from _asking(asked, letter, result)
            yield from _of_edit(asked, letter, person)


def _of_result(verb: str, copy: tuple[str, str, str], result: Mapping[str, Any]) -> Iterator[Claim]:
    """What a result says of a copy."""
    fate, protection = result["fate"], result.get("protection", "unknown")
    if fate != "unknown":
        yield claim(verb, FATE, copy, fate, said=result)
    if fate == "delivered" and protection != "unknown":
        yield claim(verb, PROTECTED, copy, protection != "none", said=result)
        if protection != "protected_option_unknown":
            yield claim(verb, PROTECTION, copy, protection, said=result)
    hidden = holds_in(result, "not_in_clear", "")
    if hidden is not None:
        yield claim(verb, IN_CLEAR, copy, not hidden, said=result)
    if fate != "delivered":
        return
    transit = result.get("transit") or {"tls": "stays"}
    way = {"stays": "stays", "forced": "forced", "opportunistic": "free"}.get(transit.get("tls", "unknown"))
    if way:
        yield claim(verb, WAY, copy, way, said=result)
    if way and protection != "unknown":
        yield claim(verb, EXPOSED, copy, way == "free" and protection == "none", said=result)


def acting(result: Mapping[str, Any]) -> dict[str, Any]:
    """Rule to whether it matched, before and after approvals and releases."""
    later = [acting(result[stage]) for stage in ("after_approval", "after_release") if stage in result]
    return {rule["name"]: rule["matched"] for rule in result.get("rules", ())} | {
        name: said for each in later for name, said in each.items()
    }


def _asking(asked: Asked, letter: Letter, result: Mapping[str, Any]) -> Iterator[Claim]:
    """Which rules protect a copy, and which act on usual mail and leave it in clear."""
    by = result.get("protected_by") or ()
    for name in by:
        yield claim("simulation", ENCRYPTS, (name,), True, said=(letter.options, result))
    if (result["fate"], result.get("protection")) != ("delivered", "none") or not letter.options.get("authenticated"):
        return
    if any(rule.actions.does(Does.DECRYPT) for rule in asked.rules[AFTER].rules) or not letter.whole:
        return
    for name, acts in acting(result).items():
        if acts is True and letter in asked.ordinary and letter.message.sender in asked.world.tenant["mailboxes"]:
            yield claim("simulation", ENCRYPTS, (name,), False, said=(letter.options, result))


def _of_edit(asked: Asked, letter: Letter, person: str) -> Iterator[Claim]:
    """That the edit of one rule lets mail out that it protected, or protects mail that nothing protected."""
    if len(asked.world.edited) != 1 or letter not in asked.ordinary or not leaves(asked, letter, person):
        return
    (name,) = asked.world.edited
    old, new = (asked.results(side, letter).get(person, {}) for side in (BEFORE, AFTER))
    if any(is_open(each) or each.get("fate") != "delivered" for each in (old, new)):
        return
    protections = [each.get("protection") for each in (old, new)]
    if old.get("protected_by") == [name] and protections[1] == "none":
        yield claim("simulation", LETS_OUT, (name,), True, said=(letter.options, old, new))
    if new.get("protected_by") == [name] and protections[0] == "none":
        yield claim("simulation", REACHES, (name,), True, said=(letter.options, old, new))


def of_trace(asked: Asked) -> Iterator[Claim]:
    for letter in asked.whole:
        tracer = Tracer(asked.rules[AFTER], letter.message, letter.facts)
        for person in recipients_of(letter.facts, letter.message):
            for entry in tracer.trace(person.label):
                if isinstance(entry["matched"], bool) and not _guesses(entry):
                    copy = (AFTER, letter.key, person.address)
                    yield claim("trace", ACTS, copy, entry["matched"], what=entry["rule"], said=entry)


def _guesses(entry: Mapping[str, Any]) -> bool:
    return any("assumes" in each for each in entry.get("because", ()))


def of_changed_messages(asked: Asked) -> Iterator[Claim]:
    """What two simulations of a message differ in."""
    for letter in list(asked.letters.values()):
        sides = [asked.results(side, letter) for side in (BEFORE, AFTER)]
        found = expectations.differences(
            *([message_result({"name": letter.key, "recipients": each})] for each in sides)
        )
        kinds = {each.recipient: each.kind for each in found}
        for person in asked.people(letter):
            old, new = (each.get(person, {}) for each in sides)
            if any(is_open(each) for each in (old, new)):
                continue
            kind = kinds.get(person, "")
            if kind in SEEN:
                yield change("changed messages", letter, person, kind, True, (old, new))
            for other in SEEN if not kind else ():
                yield change("changed messages", letter, person, other, False, (old, new))


def is_open(result: Mapping[str, Any]) -> bool:
    if not result:
        return False
    later = [result[stage] for stage in ("after_approval", "after_release") if stage in result]
    return bool(assumed(result) or result.get("unknown") or any(map(is_open, later)) or later)


def change(verb: str, letter: Letter, person: str, kind: str, value: bool, said: Any) -> Claim:
    return claim(verb, CHANGES, (letter.key, person), value, what=kind, said=said)


# What is so of all mail


def of_guarantees(asked: Asked) -> Iterator[Claim]:
    for judged, row in zip(asked.judged, [row.as_row() for row in guarantee_rows(asked.judged)], strict=True):
        if judged.verdict is GuaranteeVerdict.PROVED:
            yield from proved("guarantees", asked, judged, row)
        elif judged.verdict is GuaranteeVerdict.REFUTED and judged.counterexample:
            example = judged.counterexample
            letter = asked.letter(example.message, example.facts)
            copy = (AFTER, letter.key, letter.person(example.recipient))
            yield from _of_result("guarantees", copy, example.outcome.as_row())
            yield from kept_as("guarantees", judged.guarantee, copy, row, kept=False)


def proved(verb: str, asked: Asked, judged: Judgment, row: Mapping[str, Any], side: str = AFTER) -> Iterator[Claim]:
    guarantee = judged.guarantee
    for letter in asked.whole:
        named = asked.named(letter)
        for person in named:
            if asked.about(letter, guarantee.when, guarantee.unless, person) is not True:
                continue
            if not meets(row["assumptions"], letter.options, asked.world.tenant, person):
                continue
            yield from kept_as(verb, guarantee, (side, letter.key, person), row, kept=True)
            # A copy that rules make of it for somebody outside counts, whoever that is.
            for other in asked.results(side, letter) if len(named) == 1 else ():
                if other != person and is_outside(letter, other):
                    yield from kept_as(verb, guarantee, (side, letter.key, other), row, kept=True, made=True)


def is_outside(letter: Letter, person: str) -> bool:
    """Whether somebody is certainly outside the organization."""
    return recipient_outside(letter.facts, person) is True


def kept_as(
    verb: str, guarantee: Any, copy: tuple[str, str, str], said: Any, *, kept: bool, made: bool = False
) -> Iterator[Claim]:
    """What it means for a copy that it keeps a guarantee, or does not.

    :param made: whether rules make the copy. Whether they deliver it no guarantee asks.
    """
    then = guarantee.then
    if then == "not_in_clear" and not (guarantee.template and not kept):
        yield claim(verb, IN_CLEAR, copy, not kept, said=said)
    if then == "not_in_clear_if_delivered" and not guarantee.template and not kept:
        yield claim(verb, PROTECTED, copy, False, said=said)
    if then == "protected_in_transit" and (kept or not guarantee.tls_validation):
        yield claim(verb, EXPOSED, copy, not kept, said=said)
    if made:
        return
    if then in ("encrypted", "delivered", "unencrypted") and kept:
        yield claim(verb, FATE, copy, "delivered", said=said)
    if then == "encrypted" and kept:
        yield claim(verb, PROTECTED, copy, True, said=said)
    if then == "delivered" and not kept:
        yield claim(
            verb, FATE, copy, "deleted", "rejected", "quarantined", "moderated", "redirected", "unknown", said=said
        )


def of_difference(asked: Asked) -> Iterator[Claim]:
    yield from claims_of_difference("difference", asked, asked.difference)


def claims_of_difference(verb: str, asked: Asked, found: Any) -> Iterator[Claim]:
    for each in found.findings:
        if isinstance(each, ChangedMail) and each.witness:
            yield from _witnessed(verb, asked, each)
    untold = not found.complete or found.more or any(isinstance(each, MayChange) for each in found.findings)
    for letter in asked.whole:
        for person in asked.people(letter):
            if not asked.is_usual(letter, person):
                continue
            rows = [each for each in found.findings if isinstance(each, ChangedMail)]
            here = [each for each in rows if each.person.lower() == ("" if person in asked.named(letter) else person)]
            for kind in () if untold else SEEN:
                if not any(each.kind == kind for each in here):
                    yield change(verb, letter, person, kind, False, [each.kind for each in found.findings])
            for each in here if person in asked.named(letter) else ():
                if each.every and asked.about(letter, each.when, each.unless, person) is True:
                    yield change(verb, letter, person, each.kind, True, each)


def _witnessed(verb: str, asked: Asked, found: ChangedMail) -> Iterator[Claim]:
    witness = found.witness or {}
    letter = asked.letter(witness["message"], witness.get("facts"))
    person = letter.person(witness["recipient"])
    yield change(verb, letter, person, found.kind, True, found)
    for key, side in (("before", BEFORE), ("after", AFTER)):
        row = found.sides[key].as_row() if key in found.sides else {}
        if row and not is_open(row):
            yield from _of_result(verb, (side, letter.key, person), row)


def of_policy(asked: Asked) -> Iterator[Claim]:
    """Which rules do what: the data of its sentences."""
    found = asked.policy
    said = [(each.rule.name, each.effect.kind) for each in found.statements]
    for each in found.statements:
        if each.effect.kind == "connector":
            yield from _routed(asked, each)
    encrypting = [each for each in found.statements if each.effect.kind == "encrypted"]
    for each in encrypting:
        if each.certain:
            yield claim("policy", ENCRYPTS, (each.rule.name,), True, said=said)
    if found.complete and not encrypting:
        for rule in asked.rules[AFTER].rules:
            if not rule.idle and _ever_acts(asked, rule):
                yield claim("policy", ENCRYPTS, (rule.name,), False, said=said)


def _ever_acts(asked: Asked, rule: FlowRule) -> bool:
    """Whether a rule acts on some usual message of the world that is delivered."""
    for letter in asked.ordinary:
        for person, result in asked.results(AFTER, letter).items():
            delivered = result["fate"] == "delivered" and asked.is_usual(letter, person)
            if delivered and acting(result).get(rule.name) is True:
                return True
    return False


def _routed(asked: Asked, found: Statement) -> Iterator[Claim]:
    """That mail on which a rule acts leaves through a connector."""
    connectors = {name_key(each.name): each for each in asked.facts.connectors.outbound or ()}
    (key,) = map(name_key, found.effect.names)
    connector = connectors.get(key)
    if connector is None or connector.idle or connector.doubt or connector.validation:
        return
    for letter in asked.whole:
        for person, result in asked.results(AFTER, letter).items():
            acts = [each for each, said in acting(result).items() if said is True]
            others = [each for each in asked.rules[AFTER].rules if each.name in acts and each.actions.does(Does.ROUTE)]
            if assumed(result) or result["fate"] != "delivered" or [each.name for each in others] != [found.rule.name]:
                continue
            copy = (AFTER, letter.key, person)
            yield claim("policy", WAY, copy, "free", said=found.effect)
            if result.get("protection") == "none":
                yield claim("policy", EXPOSED, copy, True, said=found.effect)


def of_lint(asked: Asked) -> Iterator[Claim]:
    for each in lint(asked.rules[AFTER], asked.world.tenant, NOW):
        if each.kind == "never_acts":
            for letter in asked.whole:
                for person in asked.results(AFTER, letter):
                    copy = (AFTER, letter.key, person)
                    yield claim("lint: never_acts", ACTS, copy, False, what=each.rules[0], said=each)
        if each.kind == "covered_rule":
            yield from same_as("lint: covered_rule", asked, _but(asked, each.rules[0]), each)


def _but(asked: Asked, name: str) -> RuleSet:
    return RuleSet([each for each in asked.rules[AFTER].descriptions if each["name"] != name], asked.facts.dialect)


def same_as(verb: str, asked: Asked, rules: RuleSet, said: Any) -> Iterator[Claim]:
    """That other rules do the same to all mail, and what the simulator says of that."""
    asked.rules[verb] = rules
    for letter in asked.whole:
        old, new = asked.results(AFTER, letter), asked.results(verb, letter)
        for person in dict.fromkeys((*old, *new)):
            one, other = old.get(person, {}), new.get(person, {})
            about = (verb, letter.key, person)
            yield claim(verb, STAYS, about, True, said=said)
            if not (is_open(one) or is_open(other)):
                yield claim("simulation", STAYS, about, _essence(one) == _essence(other), said=(one, other))


def _essence(result: Mapping[str, Any]) -> Values:
    seen = {key: result[key] for key in ("fate", "protection", "branding") if key in result}
    # Why it is open how a copy leaves names the rules.
    return {**seen, "transit": {key: each for key, each in result.get("transit", {}).items() if key != "unknown"}}


def of_overview(asked: Asked) -> Iterator[Claim]:
    cells = overview.overview(asked.rules[AFTER], asked.world.tenant, NOW)
    domains = overview.destinations(asked.rules[AFTER], asked.world.tenant)
    for cell in cells:
        if cell.witness and cell.protected in ("never", "depends"):
            letter = asked.letter(cell.witness["message"], cell.witness.get("facts"))
            copy = (AFTER, letter.key, letter.person(cell.witness["recipient"]))
            yield claim("overview", EXPOSED, copy, True, said=cell)
            yield from _of_result("overview", copy, cell.witness["outcome"])
        if cell.kind != "from_inside" or cell.protected not in ("always", "never"):
            continue
        for letter in asked.ordinary:
            for person in asked.results(AFTER, letter):
                there = _destination(person, domains)
                # Of what is not delivered nobody says that it is never protected.
                told = cell.protected == "always" or asked.results(AFTER, letter)[person]["fate"] == "delivered"
                if told and there == cell.destination and leaves(asked, letter, person):
                    copy = (AFTER, letter.key, person)
                    yield claim("overview", EXPOSED, copy, cell.protected == "never", said=cell)


def _destination(person: str, domains: Sequence[str]) -> str:
    there = [each for each in domains if person.endswith((f"@{each}", f".{each}"))]
    return max(there, key=len, default=overview.EVERYBODY_ELSE)


def leaves(asked: Asked, letter: Letter, person: str) -> bool:
    """Whether it is usual mail from inside for somebody outside."""
    known = {*asked.world.tenant["mailboxes"], *asked.world.tenant["groups"]}
    inside = letter.message.sender in asked.world.tenant["mailboxes"] and letter.options["authenticated"]
    own = asked.facts.domains.type_of(person.partition("@")[2])
    return bool(inside and person not in known and not own and asked.is_usual(letter, person))
