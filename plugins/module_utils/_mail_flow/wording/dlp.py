# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for DLP rules: which mail they are about, and what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..._resources.compliance.dlp_fields import WORDS
from ..analyses.finding import TO_OUTSIDE
from ..conditions.predicate import Atom
from ..conditions.predicates import BY_OPTION
from ..model import questions
from ..model.encrypters import (
    ANY_CONDITION,
    DLP,
    NO_CONDITION,
    UNREAD_ACTIONS,
    UNREAD_CONDITIONS,
    UNREAD_EXCEPTIONS,
    UNREAD_PRIORITY,
    UNREAD_SCOPE,
    Encrypter,
)
from ..rules.dlp_rules import ANY_OPTION, DlpRule, Node
from .sentences import Clause, NamedMail, in_order, parts_of

#: What becomes of a copy to what a DLP rule does with it, as a verb and what follows it.
_ENDS = {
    "rejected": ("block", "it"),
    "quarantined": ("put", "it in quarantine"),
    "redirected": ("redirect", "it"),
    "moderated": ("hold", "it for approval"),
    "unknown": ("keep", "it from its recipients"),
}

#: Key of what is open about a rule in addition to its conditions to its words: the adaptive scopes of its policy, and its dates.
_BESIDE: Mapping[str, str] = {
    "adaptive": "a sender in an adaptive scope",
    "adaptive_except": "a sender outside of an adaptive scope",
    "activation_date": "a date on which it begins",
    "expiry_date": "a date on which it ends",
}

#: What a reason has instead of the name of a condition to why it is open whether a rule matches.
_OPEN = {
    ANY_CONDITION: "what it looks at is not computed",
    NO_CONDITION: "no condition of it is known",
    UNREAD_CONDITIONS: "not all of its conditions were understood",
    UNREAD_EXCEPTIONS: "not all of its exceptions were understood",
    UNREAD_ACTIONS: "not all of its actions were understood",
    UNREAD_SCOPE: "whose mail its policy is about is not known",
    UNREAD_PRIORITY: "its place among the rules is not known",
}

#: What a reason has instead of the name of a condition to the words after the mail that a rule is about.
_MAIL = {
    NO_CONDITION: "under conditions that are not known",
    UNREAD_CONDITIONS: "under conditions not all of which were understood",
    UNREAD_EXCEPTIONS: "with exceptions not all of which were understood",
    UNREAD_ACTIONS: "",
    UNREAD_SCOPE: "of senders that are not known",
    UNREAD_PRIORITY: "",
}


#: The words for conditions not all of which have to be met.
_TREE = "a tree of conditions"


def condition_words(name: str) -> str:
    """What a condition of a DLP rule looks at, in words; its name if it is newer than the table."""
    return WORDS.get(name) or _BESIDE.get(name) or f"what {name!r} says"


def looks_words(names: Sequence[str]) -> str:
    """Why it is open whether a DLP rule matches, as a clause.

    :param names: the conditions that are not computed, and what is open in addition.
    """
    conditions = [condition_words(name) for name in names if name not in _OPEN]
    computed = [f"what it looks at is not computed ({', '.join(conditions)})"] if conditions else []
    return ", and ".join([*computed, *(_OPEN[name] for name in names if name in _OPEN)])


def dlp_mail_words(rule: DlpRule) -> str:
    """The mail that a DLP rule is about, as far as it is computed: ``mail from inside to people outside with sensitive
    information or labels``.
    """
    return dlp_mail(rule, every=False).words(first=False, ends="")


def dlp_mail(rule: DlpRule, *, every: bool, more: tuple[str, ...] = ()) -> NamedMail:
    """The mail that a DLP rule is about.

    :param every: whether it is all such mail.
    :param more: what else is true of it, in words.
    """
    atoms: list[Atom] = []
    either: list[list[Atom]] = []
    exceptions: list[Atom] = []
    others: list[str] = []
    for part in rule.parts:
        named, excepted, one_of = _atoms(part), _exceptions(part), _alternatives(part)
        if excepted:
            exceptions += excepted
        elif named is not None:
            atoms += named
        elif one_of:
            either.append(one_of)
        else:
            others += [leaf.about for leaf in part.leaves if leaf.atom is None]
            others += [_TREE] if any(leaf.atom is not None for leaf in part.leaves) else []
    if len(either) > 1:
        others += [_TREE] * len(either)
        either = []
    clauses = parts_of(atoms)
    if rule.does.outside_only and not any(_is_outside(clause) for clause in clauses):
        clauses = in_order((*clauses, _OUTSIDE))
    return NamedMail(
        parts=clauses,
        met=tuple(Clause.of_atoms([atom]) for atom in (either[0] if either else ())),
        unmet=(),
        every=every,
        arrives="",
        exempt=tuple(Clause.of_atoms([atom]) for atom in exceptions),
        more=(*_uncomputed_words(others), *more),
    )


def _is_outside(clause: Clause) -> bool:
    """Whether a clause says that mail is for people outside."""
    return clause.predicate is _OUTSIDE.predicate and clause.about == _OUTSIDE.about


#: The clause that mail is for people outside.
_OUTSIDE = Clause(BY_OPTION[TO_OUTSIDE[0]], TO_OUTSIDE[1], (), "")


def _uncomputed_words(names: Sequence[str]) -> list[str]:
    """The words after the mail that a rule is about, for conditions that are not computed and what is open in addition."""
    conditions = [
        name if name == _TREE else condition_words(name) for name in dict.fromkeys(names) if name not in _MAIL
    ]
    named = [f"with {', '.join(conditions)}"] if conditions else []
    return [*named, *(words for name, words in _MAIL.items() if words and name in names)]


def _exceptions(part: Node) -> list[Atom]:
    """The conditions of a part none of which may hold; empty if it is not so simple."""
    if part.operator != "not":
        return []
    atoms = [inner.atom for inner in part.parts if inner.atom is not None]
    return atoms if len(atoms) == len(part.parts) else []


def _alternatives(part: Node) -> list[Atom]:
    """The conditions of a part of which one must hold; empty if it is not so simple."""
    if part.operator != "or":
        return []
    atoms = [inner.atom for inner in part.parts if inner.atom is not None]
    return atoms if len(atoms) == len(part.parts) else []


def _atoms(part: Node) -> list[Atom] | None:
    """The conditions of a part all of which must hold; ``None`` if it is not so simple."""
    if part.atom is not None:
        return [part.atom]
    if part.operator != "and" and not (part.operator == "or" and len(part.parts) == 1):
        return None
    parts = [_atoms(inner) for inner in part.parts]
    return None if None in parts else [atom for atoms in parts for atom in atoms or ()]


def may_words(rule: DlpRule) -> str:
    """What an undecided DLP rule may do: ``may encrypt it``."""
    if rule.does.would_change_mail:
        return does_words(rule.does, may=True)
    if rule.does.edits:
        return (
            "may change its headers, subject or text, and keep other DLP rules from acting"
            f" ({questions.SEVERAL_DLP_RULES})"
        )
    return "may keep the DLP rules after it from acting"


def does_words(does: Encrypter, *, may: bool = False) -> str:
    """What a DLP rule or label does, or may do: ``encrypts it and chooses another branding``. If it was not understood, only what
    is known, and that this is not all.
    """
    if does.not_understood:
        known = [option for option in does.options if does.kind == DLP and option != ANY_OPTION]
        return "may encrypt it; what else it does was not understood" if known else "what it does was not understood"
    verbs = [
        *([("encrypt", "it")] if does.options else []),
        *([("take", "its protection away")] if does.removes else []),
        *([("choose", "another branding")] if does.brands else []),
        *([_ENDS[does.ends]] if does.ends else []),
        *([("send", "copies")] if does.brings else []),
    ]
    text = " and ".join(f"{verb if may else f'{verb}s'} {rest}" for verb, rest in verbs)
    return f"may {text}" if may else text
