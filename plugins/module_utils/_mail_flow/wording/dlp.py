# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for DLP rules: which mail they are about, and what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..._resources.compliance.dlp_fields import WORDS
from ..conditions.predicate import Atom
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
from .sentences import Clause, parts_of, words_of

#: What becomes of a copy to what a DLP rule does with it, as a verb and what follows it.
_ENDS = {
    "rejected": ("block", "it"),
    "quarantined": ("put", "it in quarantine"),
    "redirected": ("redirect", "it"),
    "moderated": ("hold", "it for approval"),
    "unknown": ("keep", "it from its recipients"),
}

#: What is open of a rule beside its conditions: the adaptive scopes of its policy, and its dates.
_BESIDE: Mapping[str, str] = {
    "adaptive": "a sender in an adaptive scope",
    "adaptive_except": "a sender outside of an adaptive scope",
    "activation_date": "a date on which it begins",
    "expiry_date": "a date on which it ends",
}

#: What a reason has instead of a condition's name to why it is open whether a rule matches.
_OPEN = {
    ANY_CONDITION: "what it looks at is not computed",
    NO_CONDITION: "no condition of it is known",
    UNREAD_CONDITIONS: "not all of its conditions were understood",
    UNREAD_EXCEPTIONS: "not all of its exceptions were understood",
    UNREAD_ACTIONS: "not all of its actions were understood",
    UNREAD_SCOPE: "whose mail its policy is about is not known",
    UNREAD_PRIORITY: "its place among the rules is not known",
}

#: The same to what follows the mail that a rule is about.
_MAIL = {
    NO_CONDITION: "under conditions that are not known",
    UNREAD_CONDITIONS: "under conditions not all of which were understood",
    UNREAD_EXCEPTIONS: "with exceptions not all of which were understood",
    UNREAD_ACTIONS: "",
    UNREAD_SCOPE: "of senders that are not known",
    UNREAD_PRIORITY: "",
}


#: What stands for conditions that are joined otherwise than by all of them.
_TREE = "a tree of conditions"


def condition_words(name: str) -> str:
    """What a DLP rule looks at, in words. One that is newer than the table is named."""
    return WORDS.get(name) or _BESIDE.get(name) or f"what {name!r} says"


def looks_words(names: Sequence[str]) -> str:
    """Why it is open whether a DLP rule matches, as a clause.

    :param names: the conditions that are not computed, and what is open beside them.
    """
    conditions = [condition_words(name) for name in names if name not in _OPEN]
    computed = [f"what it looks at is not computed ({', '.join(conditions)})"] if conditions else []
    return ", and ".join([*computed, *(_OPEN[name] for name in names if name in _OPEN)])


def dlp_mail_words(rule: DlpRule) -> str:
    """The mail that a DLP rule is about, as far as it is computed: ``mail from inside to people outside with sensitive
    information or labels``.
    """
    atoms: list[Atom] = []
    excepted: list[Atom] = []
    others: list[str] = []
    for part in rule.looks_for.parts if rule.looks_for.operator == "and" else (rule.looks_for,):
        named, exceptions = _atoms(part), _exceptions(part)
        if exceptions:
            excepted += exceptions
        elif named is not None:
            atoms += named
        else:
            others += [leaf.about for leaf in part.leaves if leaf.atom is None] or [_TREE]
    mail = " ".join(["mail", *words_of(parts_of(atoms)), *_uncomputed_words(others)])
    unless = " or ".join(Clause.of_atoms([atom]).words() for atom in excepted)
    return f"{mail}, except mail {unless}" if unless else mail


def _uncomputed_words(names: Sequence[str]) -> list[str]:
    """What follows the mail that a rule is about, of the conditions that are not computed and what is open beside them."""
    conditions = [
        name if name == _TREE else condition_words(name) for name in dict.fromkeys(names) if name not in _MAIL
    ]
    named = [f"with {', '.join(conditions)}"] if conditions else []
    return [*named, *(words for name, words in _MAIL.items() if words and name in names)]


def _exceptions(part: Node) -> list[Atom]:
    """The conditions of a part none of which must hold; none if it is not so simple."""
    if part.operator != "not":
        return []
    atoms = [inner.atom for inner in part.parts if inner.atom is not None]
    return atoms if len(atoms) == len(part.parts) else []


def _atoms(part: Node) -> list[Atom] | None:
    """The conditions of a part all of which must hold; ``None`` if it is not so simple."""
    if part.atom is not None:
        return [part.atom]
    if part.operator != "and":
        return None
    parts = [_atoms(inner) for inner in part.parts]
    return None if None in parts else [atom for atoms in parts for atom in atoms or ()]


def does_words(does: Encrypter, *, may: bool = False) -> str:
    """What a DLP rule or label does: ``encrypts it and chooses another branding``; what it may do, if that is open.
    Of one that was not understood only what is known is said, and that it is not all.
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
