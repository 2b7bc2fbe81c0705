# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers about guarantees and differences, held against enumeration and against the emulator's mail flow.

The answers have the shape of the collection's results ``guarantees`` and ``difference``; nothing else of it is known
here. Every function returns what is wrong, in a sentence; nothing is wrong where the sentence is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.emulator.mail_flow.outcomes import Outcome
from tests.unit.mail_flow.small_worlds import NOW, TENANT, Claim, SmallWorld, Verdict, essence

Values = dict[str, Any]

#: What a proof may end with: the question is too complex, or a document in the message may be the reason.
_OPEN = {"budget", "U25"}
_TYPES = {
    "U26": ("AutoForward", "SmtpForwarding"),
    "U27": ("Signed",),
    "U29": ("OOF", "ReadReceipt", "Calendaring", "ApprovalRequest"),
}
#: Headers that say what the message says otherwise.
_FIELDS = {"From", "To", "Cc", "Subject", "Importance"}
_IN_FIELDS = {"any_of_to_header", "any_of_cc_header", "any_of_to_cc_header"}
_RELATIONS = {"sender_management_relationship", "manager_addresses", "ad_comparison_attribute", "between_member_of_1"}


def _is_left_out(assumed: set[str], message: Values) -> bool:
    """Whether a proof that assumes this says nothing of a message, which is unusual."""
    documents = any(
        name.lower().endswith(".pdf")
        for one in message["attachments"]
        for name in (one["name"], *one.get("nested", ()))
    )
    unusual = any(message.get("type") in kinds for number, kinds in _TYPES.items() if number in assumed)
    return unusual or ("U25" in assumed and documents)


def _not_followed(tenant: Mapping[str, Any]) -> set[str]:
    """Managers and members of groups: whom rules may bring by another name."""
    return {
        *(tenant.get("managers") or {}).values(),
        *(member for members in (tenant.get("groups") or {}).values() for member in members),
    }


def wrong_verdict(
    answer: Mapping[str, Any],
    verdict: Verdict,
    claim: Claim,
    rules: Sequence[Values],
    tenant: Mapping[str, Any] = TENANT,
    *,
    exhaustive: bool = True,
    whole: Mapping[str, Any] | None = None,
) -> str:
    """A false proof, a counterexample that is none, or an answer that could have been given and was not.

    :param exhaustive: whether the verdict is about every message that tells verdicts apart, and not about some of them.
    :param whole: the organization of the verdict, where not all of it is told.
    """
    said = answer["verdict"]
    if said == "proved":
        assumed = {row["id"] for row in answer.get("assumptions", ())}
        for breaking, what in ((verdict.certain, "breaks"), (verdict.possible, "may break")):
            for message, recipient in breaking:
                if not _is_left_out(assumed, message):
                    return f"it is called proved, and {what} for {recipient} with {message}"
        return "" if answer.get("assumptions") else "it is called proved without assumptions"
    if said == "refuted":
        return wrong_counterexample(answer["counterexample"], claim, rules, tenant)
    if not answer.get("unknown"):
        return "it is called unknown without a reason"
    if any(row["id"] in _OPEN for row in answer["unknown"]) or verdict.says in ("unknown", "empty"):
        return ""
    if whole or _are_opaque([claim.when, claim.unless, *_sections(rules)], tenant):
        return ""
    usual = [each for each in verdict.certain if not _is_left_out({"U25", *_TYPES}, each[0])]
    if any(row["id"] == "U09" for row in answer["unknown"]):
        usual = [each for each in usual if not _is_left_open(*each, rules, tenant)]
    if usual:
        message, recipient = usual[0]
        return f"it is called unknown ({answer['unknown']}), and certainly breaks for {recipient} with {message}"
    if verdict.certain or not exhaustive:
        return ""
    return f"it is called unknown ({answer['unknown']}), and holds for every message of the small world"


def _is_left_open(message: Values, recipient: str, rules: Sequence[Values], tenant: Mapping[str, Any]) -> bool:
    """Whether nothing certain need be told of a copy: it is for somebody whom rules add, and what rules see there of
    all who share it is left open (U09).
    """
    looks = any(option.startswith("any_of_") for section in _sections(rules) for option in section)
    return looks and recipient not in named(message, tenant)


def named(message: Values, tenant: Mapping[str, Any]) -> set[str]:
    """Whom a message is for: those whom it names, and the members of groups."""
    groups, aliases = tenant.get("groups") or {}, tenant.get("proxy_addresses") or {}
    written = {address for field in ("to", "cc", "bcc") for address in message[field]}
    return {aliases.get(address, address) for address in written} | {
        member for group in written & set(groups) for member in _not_followed(tenant)
    }


def _are_opaque(sections: Sequence[Mapping[str, Any]], tenant: Mapping[str, Any]) -> bool:
    """Whether nothing certain need be told about conditions: they are about relations, groups in a field, lines of a
    text, or a header that the message has anyway.
    """
    options = {option for section in sections for option in section}
    fields = {section.get(f"header_{how}_message_header") for section in sections for how in ("contains", "matches")}
    groups = {
        name for section in sections for option in section if option in _IN_FIELDS for name in section[option]
    } & set(tenant.get("groups") or {})
    lines = any(
        "(?m)" in pattern
        for section in sections
        for option, values in section.items()
        if option.endswith("_patterns")
        for pattern in values
    )
    return bool(options & _RELATIONS or fields & _FIELDS or groups or lines) or any(
        option.startswith("any_of_") and option.endswith("_member_of") for option in options
    )


def _sections(*rule_sets: Sequence[Values]) -> list[Values]:
    return [rule[part] for rules in rule_sets for rule in rules for part in ("conditions", "exceptions")]


def wrong_counterexample(
    example: Mapping[str, Any], claim: Claim, rules: Sequence[Values], tenant: Mapping[str, Any] = TENANT
) -> str:
    """A counterexample must be about what the claim is about, and break it whatever is unknown. Without the rule that
    decides it, the same message must keep the claim; and less of a message must keep it, or end in another way or by
    more rules.
    """
    message, recipient = example["message"], example["recipient"].lower()
    told = {**tenant, **example.get("facts", {})}
    found = _verdict_on(message, claim, rules, told)
    if recipient not in _people(found.certain):
        return f"the counterexample does not break it for {recipient}: {message} ({'perhaps' if found.possible else 'it holds'})"
    for name in example.get("decided_by", ()):
        without = _verdict_on(message, claim, [rule for rule in rules if rule["name"] != name], told)
        if recipient in _people([*without.certain, *without.possible]):
            return f"{name} is said to decide it, and it is not kept for {recipient} without that rule: {message}"
    less = plainer(message, recipient, claim, rules, told)
    return f"the counterexample for {recipient} has more than it needs: {message} ends as {less} does" if less else ""


def plainer(
    message: Values, recipient: str, claim: Claim, rules: Sequence[Values], tenant: Mapping[str, Any]
) -> Values | None:
    """The message with a part less, where it breaks a claim and ends in the same way by no more rules; none if it needs
    every part, or if it is not known how it ends: for somebody whom a rule adds.
    """
    whole, acting = _ends(message, recipient, rules, tenant)
    if not whole:
        return None
    for less in _with_less(message, recipient):
        if recipient in _people(_verdict_on(less, claim, rules, tenant).certain):
            end, acting_then = _ends(less, recipient, rules, tenant)
            if end == whole and acting_then <= acting:
                return less
    return None


def _verdict_on(message: Values, claim: Claim, rules: Sequence[Values], tenant: Mapping[str, Any]) -> Verdict:
    """What enumeration says about a claim for one message."""
    (found,) = SmallWorld(tenant, [sent(message)]).verdicts(rules, [claim])
    return found


def _people(found: Sequence[tuple[Values, str]]) -> set[str]:
    return {address for _message, address in found}


def _ends(
    message: Values, recipient: str, rules: Sequence[Values], tenant: Mapping[str, Any]
) -> tuple[set[Outcome], set[str]]:
    """The outcomes that are possible for somebody whom a message names, and the rules that may act on the copy."""
    world = SmallWorld(tenant, [sent(message)])
    ends = [every for _message, address, every in world.outcomes(rules) if address == recipient]
    return {outcome for every in ends for outcome in every}, world.acting(rules)


def _with_less(message: Values, recipient: str) -> Iterator[Values]:
    """The message without each of its keys, other recipients and headers. A header that says what the message says
    otherwise stays: without it, there may be one with more in it, such as the name of a sender.
    """
    for key, value in message.items():
        if key in ("to", "cc", "bcc"):
            fewer = ([one for one in value if one != left_out] for left_out in value if left_out.lower() != recipient)
            yield from ({**message, key: remaining} for remaining in fewer if remaining)
        if key == "headers":
            for left_out in [name for name in value if name.title() not in _FIELDS]:
                yield {**message, key: {name: text for name, text in value.items() if name != left_out}}
        elif key not in ("name", "from", "authenticated", "to"):
            yield {name: other for name, other in message.items() if name != key}


def sent(message: Mapping[str, Any]) -> Values:
    """A message of a result as the emulator takes it."""
    return {"date": NOW, **{key: value for key, value in message.items() if key != "expect"}}


def kinds_of(old: Outcome, new: Outcome) -> set[str]:
    """What a change may be called."""
    if (old.fate, new.fate) == ("delivered", "delivered"):
        kinds = set()
        if old.protection != new.protection:
            kinds.add(
                "protection_lost"
                if new.protection == "none"
                else "protection_gained"
                if old.protection == "none"
                else "protection_changed"
            )
        if old.branding != new.branding:
            kinds.add("branding_changed")
        return kinds
    if "delivered" in (old.fate, new.fate):
        return {"delivery_lost" if old.fate == "delivered" else "delivery_gained"}
    if old.fate != new.fate:
        return {"fate_changed"}
    return {
        kind
        for name in ("after_approval", "after_release")
        if (before := getattr(old, name)) is not None and (after := getattr(new, name)) is not None
        for kind in kinds_of(before, after)
    }


def wrong_difference(
    answer: Sequence[Mapping[str, Any]],
    more: int,
    before: Sequence[Values],
    after: Sequence[Values],
    world: SmallWorld,
    tenant: Mapping[str, Any] = TENANT,
    *,
    whole: Mapping[str, Any] | None = None,
) -> str:
    """A class of mail that was missed, or a witness that shows no change.

    :param whole: the organization of the small world, where not all of it is told.
    """
    for row in answer:
        if "witness" in row and (wrong := wrong_when(row, before, after, tenant)):
            return wrong
        if row["kind"] not in ("unknown", "side_effect_changed") and (
            wrong := wrong_witness(row, before, after, tenant)
        ):
            return wrong
    unknown = {each["id"] for row in answer if row["kind"] == "unknown" for each in row.get("unknown", ())}
    if more or "U25" in unknown or (unknown and (whole or _are_opaque(_sections(before, after), tenant))):
        return ""
    not_followed = _not_followed(whole or tenant)
    for changes, of_added in ((world.changes(before, after), False), (world.changes_of_added(before, after), True)):
        for message, address, old, new in changes:
            if of_added and address in named(
                message, tenant
            ):  # Whom the message is for anyway is not compared as somebody whom rules add.
                continue
            kinds = kinds_of(old, new)
            rows = [
                row
                for row in answer
                if row.get("added", "") == (address if of_added else "") and row["kind"] in {*kinds, "unknown"}
            ]
            said = {
                row["kind"]
                for row in rows
                if row["kind"] == "unknown" or covers(row, message, address, before, after, whole or tenant)
            }
            missed = kinds - said
            # Whether later rules look at whom earlier ones added is open, whatever they would see. So is what reaches
            # somebody as a manager, or by a name.
            untold = address in not_followed or "@" not in address
            is_open = (of_added and "unknown" in said) or (untold and ("U09" in unknown or (of_added and answer)))
            if missed and not is_open:
                whom = f"{address}, whom rules add," if of_added else address
                return f"nothing is said of {', '.join(sorted(missed))}: for {whom} with {message} {_shown(old)} becomes {_shown(new)}"
    return ""


def covers(
    row: Mapping[str, Any],
    message: Values,
    address: str,
    before: Sequence[Values],
    after: Sequence[Values],
    tenant: Mapping[str, Any],
) -> bool:
    """Whether a row is about a message for somebody: as it arrives, it meets what the row names, under the settings of
    one of the rules.
    """
    protection = message["protection"]
    arrives = (
        protection.get("owner") if protection["kind"] not in ("none", "smime", "smime_signed") else protection["kind"]
    )
    if row.get("arrives", arrives) != arrives:
        return False
    world = SmallWorld(tenant, [message])
    return any(
        meeting if "added" in row else address in meeting
        for settings in _settings(before, after)
        if (meeting := world.meeting(row["when"], row.get("unless", {}), **settings))
    )


def _settings(*rule_sets: Sequence[Values]) -> list[Values]:
    """The settings of rules that decide which address a condition is about, each once."""
    names = ("recipient_address_type", "sender_address_location")
    every: list[Values] = [
        {},
        *({name: rule[name] for name in names if name in rule} for rules in rule_sets for rule in rules),
    ]
    return [each for place, each in enumerate(every) if each not in every[:place]]


def wrong_settings(
    answer: Sequence[Mapping[str, Any]],
    more: int,
    before: tuple[Sequence[Values], Mapping[str, Any]],
    after: tuple[Sequence[Values], Mapping[str, Any]],
    world: SmallWorld,
) -> str:
    """A class of mail that was missed where settings of IRM are others, too. The sides are rules and settings."""
    for row in answer:
        if "witness" in row and (wrong := wrong_when(row, before[0], after[0])):
            return wrong
    said = {row["kind"] for row in answer if "added" not in row}
    sides = [world.with_settings(irm).outcomes(rules) for rules, irm in (before, after)]
    for (message, address, old), (_message, _address, new) in zip(*sides, strict=True):
        if more or old == new:
            continue
        if len(old) == len(new) == 1:
            kinds = kinds_of(next(iter(old)), next(iter(new)))
            if not kinds <= said:
                return f"nothing is said of {', '.join(sorted(kinds - said))}: for {address} with {message}"
        elif (len(old) == 1) != (len(new) == 1) and not said and message.get("type", "") == "":
            return f"nothing is said, and it may be another: for {address} with {message}: {sorted(map(_shown, old))} becomes {sorted(map(_shown, new))}"
    return ""


def wrong_witness(
    row: Mapping[str, Any], before: Sequence[Values], after: Sequence[Values], tenant: Mapping[str, Any] = TENANT
) -> str:
    """A witness must change as the class says, and its outcomes be those that the class names."""
    witness = row["witness"]
    world = SmallWorld({**tenant, **witness.get("facts", {})}, [sent(witness["message"])])
    if "added" in row:
        every = [whole for _message, address, whole, _each in world.added(before, after) if address == row["added"]]
    else:
        every = [
            (olds, news)
            for _message, address, olds, news in world.possible(before, after)
            if address == witness["recipient"].lower()
        ]
    olds, news = ({outcome for sides in every for outcome in sides[which]} for which in (0, 1))
    if len(olds) == len(news) == 1:
        (old,), (new,) = olds, news
        if row["kind"] not in kinds_of(old, new):
            return (
                f"the witness of {row['kind']} is one of {kinds_of(old, new)}: {witness}"
                if old != new
                else _nothing(row)
            )
        named = [
            (side.get("fate", "nobody"), side.get("protection"), side.get("branding"))
            for side in (row.get("before", {}), row.get("after", {}))
        ]
        real = [(one.fate, one.protection, one.branding) for one in (old, new)]
        return "" if named == real else f"the witness of {row['kind']} gives {real}, and is shown with {named}"
    # Something about it is open, such as which of two templates it gets. The kind has to hold whatever that is.
    return "" if olds and all(row["kind"] in kinds_of(old, new) for old in olds for new in news) else _nothing(row)


def _nothing(row: Mapping[str, Any]) -> str:
    return f"the witness of {row['kind']} certainly changes nothing: {row['witness']}"


def wrong_when(
    row: Mapping[str, Any], before: Sequence[Values], after: Sequence[Values], tenant: Mapping[str, Any] = TENANT
) -> str:
    """A witness must be one of the mail that its row is about: as it arrives, it meets the conditions, under the
    settings of one of the rules.
    """
    witness = row["witness"]
    world = SmallWorld({**tenant, **witness.get("facts", {})}, [sent(witness["message"])])
    meeting = {address for settings in _settings(before, after) for address in world.meeting(row["when"], **settings)}
    # Whom rules add is not among those to whom the mail came, and what may act on their copy need not act on the mail
    # that it comes of.
    if (meeting or row["kind"] == "unknown") if "added" in row else witness["recipient"].lower() in meeting:
        return ""
    return f"the witness does not meet {row['when']}: {witness}"


def wrong_lint(never: set[str], rules: Sequence[Values], world: SmallWorld) -> str:
    """A rule that is said never to act, and does. ``never`` are names."""
    acting = never & world.acting(rules)
    return f"said never to act, and act: {', '.join(sorted(acting))}" if acting else ""


def _shown(outcome: Outcome) -> str:
    plain = essence(outcome)
    return f"{plain.fate}/{plain.protection}/{plain.branding}"
