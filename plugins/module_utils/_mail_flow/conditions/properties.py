# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about what a message is: its size, type, importance, classification and spam level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._exchange.names import name_key, same_name
from ..formula import Value
from ..model import questions
from ..model.header_edits import CLASSIFICATION, SPAM_LEVEL
from ..model.inside import sender_inside
from ..model.kleene import Truth, opened
from ..model.message import Protection
from ..model.rule_view import RuleView, Settings
from ..model.sizes import bytes_of, size_range
from .formulas import AddressVariables, Formulas, Properties
from .keys import Key
from .predicate import Atom, Phrase, Predicate, Reach, single
from .seen_message import SeenMessage
from .thresholds import declare_ladder, declare_sizes, over
from .witness import NoMessageError, Witness

# Evaluation


def message_size_over(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether the message is larger than a limit; open where its size is not given and may be on either side."""
    limit = bytes_of(value)
    if limit is None:
        return opened(("limit", value), questions.UNSUPPORTED, "limit", value)
    if rule_view.message.size is not None:
        return over(rule_view.message.size, limit, "message_at_limit")
    least, most = size_range(rule_view.message)
    if least > limit:
        return True
    if most is not None and most < limit:
        return False
    return opened(("message size", value), questions.AT_THE_LIMIT, "size")


def is_type(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether the message is of a type. What protects the message makes two of them: S/MIME, and message encryption or rights
    management.
    """
    message, content = rule_view.message, rule_view.content
    protection = message.protection
    if protection is None and value in ("Encrypted", "PermissionControlled", "Signed"):
        return opened(("arrival", value), questions.A_FACT, "protection")
    if protection is not None and value == "Encrypted":
        return protection.kind == "smime"
    if protection is not None and value == "PermissionControlled":
        at_once = rule_view.facts.observed.get(questions.PROTECTED_BY_NOW)
        if at_once is not None:
            return _controlled_as_observed(rule_view, protection, at_once=at_once)
        if content.asked and not protection.by_rights:
            return opened(("controlled", "asked"), questions.PROTECTED_BY_NOW, "protected_by_now", guess=False)
        if content.removed and protection.by_rights and protection.owner != "other":
            return opened(("controlled", "removed"), questions.PROTECTED_BY_NOW, "protected_still", guess=True)
        return protection.by_rights
    if value == "Signed" and message.signed:
        return True
    if message.types is None or value in message.types_open:
        return opened(("type", value), questions.A_FACT, "type", value)
    return value in message.types


def _controlled_as_observed(rule_view: RuleView, protection: Protection, *, at_once: bool) -> Truth:
    """Whether a message counts as protected by rights, where it was observed when rules see what rules do to protection.
    That says nothing where it is open what they do: if they ask for both, or for protection of mail from outside.
    """
    message, content, facts = rule_view.message, rule_view.content, rule_view.facts
    asked = content.asked and not protection.by_rights
    removed = content.removed and protection.by_rights and protection.owner != "other"
    if not at_once or not (asked or removed):
        return protection.by_rights
    if content.asked and content.removed:
        return opened(("controlled", "both"), questions.ENCRYPTED_AND_DECRYPTED, "protected_by_now")
    if removed:
        return False
    inside = sender_inside(facts, facts.people.primary(message.sender), message.authenticated)
    if inside is not True:
        return opened(("controlled", "outside"), questions.FORWARDED, "protected_by_now")
    return True


def importance_is(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether the message has this importance; one that states none is normal."""
    if rule_view.message.importance is None:
        return opened(("importance",), questions.A_FACT, "importance")
    return rule_view.message.importance.casefold() == value.casefold()


def has_classification(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether the message has a classification."""
    known = rule_view.content.classifications
    if known is None:
        return opened(("classification",), questions.A_FACT, "classification")
    return any(same_name(value, name) for name in known)


def has_no_classification(rule_view: RuleView, value: bool, settings: Settings) -> Truth:
    """Whether the message has no classification. What the condition does if it is false is unknown (U15)."""
    known = rule_view.content.classifications
    if not value:
        return _classification_false(rule_view, unclassified=known is not None and not known)
    return opened(("classified",), questions.A_FACT, "classification") if known is None else not known


def _classification_false(rule_view: RuleView, *, unclassified: bool) -> Truth:
    """``has_no_classification: false``. It was observed of mail without a classification, if at all; that says nothing of
    other mail.
    """
    observed = rule_view.facts.observed.get(questions.CLASSIFICATION_FALSE)
    if unclassified and observed is not None:
        return observed
    key = ("no classification",) if unclassified else ("classified",)
    return opened(key, questions.CLASSIFICATION_FALSE, "has_no_classification_false")


def spam_level_is(rule_view: RuleView, value: int, settings: Settings) -> Truth:
    """Whether the spam confidence level is this or higher."""
    if rule_view.message.scl is None:
        return opened(("scl", value), questions.SPAM_LEVEL, "scl")
    return rule_view.message.scl >= int(value)


# Formulas


def _formula_of_size(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    limit = bytes_of(atom.values)
    if limit is None:
        return formulas.logic.unknown(questions.UNSUPPORTED, atom.values)
    return formulas.mail.properties["message", limit]


def _formula_of_type(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    logic, mail = formulas.logic, formulas.mail
    if atom.values == "Encrypted":
        return mail.arrival["smime"]
    if atom.values == "PermissionControlled":
        asked = seen.asked & ~mail.arrival.rights
        removed = seen.removed & mail.arrival["own"]
        at_once = logic.observed.get(questions.PROTECTED_BY_NOW)
        if at_once is False:
            return mail.arrival.rights
        by_now = logic.unknown(questions.PROTECTED_BY_NOW, seen.asked, seen.removed)
        if at_once:
            # Where it is open what rules do to protection, it is open what later ones see.
            settled = ~(seen.asked & seen.removed) & (removed | formulas.scopes.of_sender("InOrganization", "Header"))
            by_now = logic.choose(settled, asked, logic.unknown("controlled", seen.asked, seen.removed))
        return logic.choose(asked | removed, by_now, mail.arrival.rights)
    if atom.values == "Signed":
        return mail.arrival["smime_signed"] | mail.kinds["Signed"]
    return mail.kinds.get(atom.values, logic.known(False))


def _formula_of_importance(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    logic = formulas.logic
    known = {name.casefold(): literal for name, literal in formulas.mail.importance.items()}
    wanted = str(atom.values).casefold()
    if wanted == "normal":
        return logic.all_of([~literal for literal in known.values()])
    return known.get(wanted, logic.known(False))


def _formula_of_classification(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    name = name_key(str(atom.values))
    return seen.classes.get(name, formulas.mail.properties["classification", name])


def _formula_of_no_classification(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    if not atom.values:
        logic = formulas.logic
        classes = tuple(seen.classes.items())
        of_unclassified = logic.unknown(questions.CLASSIFICATION_FALSE, "no classification", classes)
        if questions.CLASSIFICATION_FALSE not in logic.observed:
            return of_unclassified
        return logic.choose(_unclassified(formulas, seen), of_unclassified, logic.unknown("classified", classes))
    return _unclassified(formulas, seen)


def _unclassified(formulas: Formulas, seen: SeenMessage) -> Value:
    return seen.classes.get(None, formulas.mail.properties["classification", None])


def _formula_of_spam_level(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    return formulas.mail.properties["scl", int(atom.values)]


def _declare_classifications(properties: Properties, atoms: Sequence[Atom]) -> None:
    none = any(atom.predicate.sort == "no classification" for atom in atoms)
    literals = properties.literals
    names = {name_key(str(atom.values)): str(atom.values) for atom in atoms if atom.predicate.sort == "classification"}
    for name in names:
        literals["classification", name] = properties.circuit.variable(("classification", name))
    if none:
        literals["classification", None] = properties.circuit.variable("no classification")
    for name in names if none else ():  # L17
        properties.circuit.add(~literals["classification", None], ~literals["classification", name])
    properties.spelled.update(names)


def _declare_spam_levels(properties: Properties, atoms: Sequence[Atom]) -> None:
    declare_ladder(properties, "scl", sorted({int(atom.values) for atom in atoms}))


# What a message needs


def _write_size(witness: Witness) -> Mapping[str, Any]:
    properties = witness.mail.properties
    limits = [value for sort, value in properties if sort == "message"]
    over_them = [limit for limit in limits if witness.is_true(properties["message", limit])]
    if over_them:
        return {"size": max(over_them) + 1}
    return {"size": 2_000} if len(limits) > 1 and min(limits) > 2_000 else {}


def _write_type(witness: Witness) -> Mapping[str, Any]:
    types = [kind for kind, literal in witness.mail.kinds.items() if witness.is_true(literal)]
    return {"type": types} if types else {}


def _write_importance(witness: Witness) -> Mapping[str, Any]:
    importance = next((name for name, literal in witness.mail.importance.items() if witness.is_true(literal)), "")
    return {"importance": importance} if importance else {}


def _write_classifications(witness: Witness) -> Mapping[str, Any]:
    properties = witness.mail.properties
    names = [value for sort, value in properties if sort == "classification" and value]
    true_names = [properties.spelled[name] for name in names if witness.is_true(properties["classification", name])]
    none: Key = ("classification", None)
    if not true_names and none in properties and not witness.is_true(properties[none]):
        true_names = ["another classification"]
    return {"classification": true_names} if true_names else {}


def _write_spam_level(witness: Witness) -> Mapping[str, Any]:
    properties = witness.mail.properties
    levels = [value for sort, value in properties if sort == "scl"]
    if not levels:
        return {}
    reached = [level for level in levels if witness.is_true(properties["scl", level])]
    level = max(reached, default=min(levels) - 1)
    if level < -1:
        raise NoMessageError(limits=[(properties["scl", min(levels)],)])
    if level > 9:
        raise NoMessageError(limits=[(~properties["scl", level],)])
    return {"scl": level}


# Words


def _saw_size(rule_view: RuleView, atom: Atom) -> str:
    return "not given" if rule_view.message.size is None else f"{rule_view.message.size} bytes"


def _saw_type(rule_view: RuleView, atom: Atom) -> str:
    message = rule_view.message
    kind = message.protection.kind if message.protection else "not known"
    types = "not known" if message.types is None else ", ".join(sorted(message.types)) or "an ordinary message"
    return f"{types}; protection on arrival: {kind}"


def _saw_importance(rule_view: RuleView, atom: Atom) -> str:
    return rule_view.message.importance or "not known"


def _saw_classifications(rule_view: RuleView, atom: Atom) -> str:
    known = rule_view.content.classifications
    return "not known" if known is None else ", ".join(sorted(known)) or "none"


def _saw_spam_level(rule_view: RuleView, atom: Atom) -> str:
    return "not given" if rule_view.message.scl is None else str(rule_view.message.scl)


# The rows

#: The conditions, in the order of the documentation.
MESSAGE: tuple[Predicate, ...] = (
    single(
        "message_size_over",
        reach=Reach.MESSAGE,
        looks_at="size",
        column="size",
        sort="size",
        evaluate=message_size_over,
        formula=_formula_of_size,
        variables=declare_sizes,
        witness=_write_size,
        saw=_saw_size,
        unknowns=(questions.AT_THE_LIMIT,),
        phrase=Phrase(-1, "over {}", ""),
    ),
    single(
        "message_type_matches",
        reach=Reach.MESSAGE,
        looks_at="protection",
        headers=("auto-submitted", "content-class", "content-type"),
        untraced="type",
        sort="type",
        evaluate=is_type,
        formula=_formula_of_type,
        witness=_write_type,
        saw=_saw_type,
        unknowns=(questions.PROTECTED_BY_NOW,),
        phrase=Phrase(-1, "of the type {}", ""),
    ),
    single(
        "with_importance",
        reach=Reach.MESSAGE,
        looks_at="importance",
        headers=("importance", "priority", "x-msmail-priority", "x-priority"),
        untraced="importance",
        sort="importance",
        evaluate=importance_is,
        formula=_formula_of_importance,
        witness=_write_importance,
        saw=_saw_importance,
        phrase=Phrase(-1, "of {} importance", ""),
    ),
    single(
        "has_classification",
        reach=Reach.MESSAGE,
        looks_at="classification",
        headers=(CLASSIFICATION,),
        untraced="classification",
        sort="classification",
        evaluate=has_classification,
        formula=_formula_of_classification,
        variables=_declare_classifications,
        witness=_write_classifications,
        saw=_saw_classifications,
        phrase=Phrase(7, "with the classification {}", ""),
    ),
    single(
        "has_no_classification",
        reach=Reach.MESSAGE,
        looks_at="classification",
        headers=(CLASSIFICATION,),
        untraced="classification",
        sort="no classification",
        off_counts=True,
        evaluate=has_no_classification,
        formula=_formula_of_no_classification,
        variables=_declare_classifications,
        witness=_write_classifications,
        saw=_saw_classifications,
        unknowns=(questions.CLASSIFICATION_FALSE,),
        phrase=Phrase(
            7,
            "without a classification",
            forms={"False": "where has_no_classification is false (which is not documented, U15)"},
        ),
    ),
    single(
        "scl_over",
        reach=Reach.MESSAGE,
        looks_at="scl",
        headers=(SPAM_LEVEL,),
        untraced="scl",
        sort="scl",
        evaluate=spam_level_is,
        formula=_formula_of_spam_level,
        variables=_declare_spam_levels,
        witness=_write_spam_level,
        saw=_saw_spam_level,
        unknowns=(questions.SPAM_LEVEL,),
        phrase=Phrase(7, "with a spam level of {} or more", ""),
    ),
)
