# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages tell the answers to open questions about Exchange, the temporary rules that they need, and what each
answer looks like.

Most rules only mark: they set a header, are logged, and let mail go on. Silence never tells an answer alone. Where a
condition is asked about, there are two rules: one that acts if it is true, and one that acts unless it is. Where that cannot
be, another message shows that the rule acts at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import questions

#: The message that asks, and the one that shows that a rule acts.
ASKS, SHOWS = "a", "b"

#: Who takes part, by role. Each is an address that the user gave, except the group.
SENDER, INSIDE, SECOND, OUTSIDE, NOBODY, GUEST, NESTED, GROUP = (
    "sender",
    "inside",
    "second",
    "outside",
    "nobody",
    "guest",
    "nested",
    "group",
)

#: What an assertion is about, beside a rule: the copy is protected, its sender counts as authenticated, or it went into no mailbox of the
#: organization.
PROTECTED, AUTHENTICATED, NO_MAILBOX = "protected", "authenticated", "away"

_ROLE = re.compile(r"\{([a-z]+)\}")

#: What a rule does that only marks.
_MARK: Mapping[str, Any] = {
    "set_header_name": "X-Message-Encryption-Experiment-Rule",
    "set_header_value": "acted",
}


@dataclass(frozen=True)
class TemporaryRule:
    """A rule for the time of an experiment.

    :param part: what it is called within its experiment.
    :param of: the messages of its experiment that it is about.
    :param conditions: further ones; with :param:`exceptions` in the form of the modules. ``{role}`` is somebody's address.
    """

    part: str
    of: str = ASKS
    conditions: Mapping[str, Any] = field(default_factory=dict)
    exceptions: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=lambda: _MARK)
    mode: str = "Enforce"


@dataclass(frozen=True)
class CopyAssertion:
    """What is seen of a copy if an answer is right.

    :param about: the part of a rule, or one of the words above.
    :param holds: whether the rule acts, or it is so.
    :param message: the message, and :param:`to` the role of the copy's recipient.
    """

    about: str
    holds: bool = True
    message: str = ASKS
    to: str = INSIDE

    @property
    def is_of_rule(self) -> bool:
        """Whether it is about a rule."""
        return self.about not in (PROTECTED, AUTHENTICATED, NO_MAILBOX)


@dataclass(frozen=True)
class QuestionExperiment:
    """The messages that tell the answer to an open question.

    :param number: the number of the question.
    :param messages: message to the roles of its recipients.
    :param always: what must be seen, whatever the answer is.
    :param yes: what is seen if the answer is true, and :param:`no` if it is false. What is in neither tells nothing.
    :param by: the ways of sending that it can take.
    :param from_outside: whether its sender must be outside: mail of others may be authenticated.
    """

    number: str
    messages: Mapping[str, tuple[str, ...]]
    yes: tuple[CopyAssertion, ...]
    no: tuple[CopyAssertion, ...]
    rules: tuple[TemporaryRule, ...] = ()
    always: tuple[CopyAssertion, ...] = ()
    by: Sequence[str] = ("graph",)
    from_outside: bool = False

    @property
    def roles(self) -> list[str]:
        """The roles of the people who take part."""
        reached = [role for people in self.messages.values() for role in people]
        named = [role for rule in self.rules for text in _texts(rule) for role in _ROLE.findall(text)]
        return list(dict.fromkeys((SENDER, *reached, *named)))

    @property
    def needs_copies(self) -> bool:
        """Whether only a copy that is read shows it."""
        return any(assertion.about in (PROTECTED, AUTHENTICATED) for assertion in (*self.always, *self.yes, *self.no))


def _texts(rule: TemporaryRule) -> Iterator[str]:
    for value in (*rule.conditions.values(), *rule.exceptions.values(), *rule.actions.values()):
        yield from map(str, value if isinstance(value, list) else [value])


def _whether(number: str, predicate: Mapping[str, Any], to: str = INSIDE, **more: Any) -> QuestionExperiment:
    """Whether a condition is true of a message: of two rules, one acts if it is, and one unless it is.

    :param to: whose copy tells it.
    :param more: further rules (before these two) and messages.
    """
    rules = (
        *more.pop("rules", ()),
        TemporaryRule("is", conditions=predicate),
        TemporaryRule("is not", exceptions=predicate),
    )
    return QuestionExperiment(
        number=number,
        messages=more.pop("messages", {ASKS: (to,)}),
        rules=rules,
        yes=(CopyAssertion("is", to=to), CopyAssertion("is not", False, to=to)),
        no=(CopyAssertion("is not", to=to), CopyAssertion("is", False, to=to)),
        **more,
    )


_ENCRYPTS: Mapping[str, Any] = {"apply_rights_protection_template": "Encrypt"}
_DECRYPTS: Mapping[str, Any] = {"remove_ome_v2": True}
_BOTH_INSIDE = {ASKS: (INSIDE, SECOND)}
_SPAM: Mapping[str, Any] = {"scl_over": 5}
_ANY_INSIDE: Mapping[str, Any] = {"any_of_recipient_address_contains_words": ["{inside}"]}

EXPERIMENTS: tuple[QuestionExperiment, ...] = (
    QuestionExperiment(
        # In both orders: an answer that depends on it is none.
        number=questions.ENCRYPTED_AND_DECRYPTED,
        messages={ASKS: (INSIDE,), SHOWS: (INSIDE,)},
        rules=(
            TemporaryRule("encrypts", actions=_ENCRYPTS),
            TemporaryRule("decrypts", actions=_DECRYPTS),
            TemporaryRule("decrypts first", of=SHOWS, actions=_DECRYPTS),
            TemporaryRule("encrypts last", of=SHOWS, actions=_ENCRYPTS),
        ),
        always=(
            CopyAssertion("encrypts"),
            CopyAssertion("decrypts"),
            CopyAssertion("decrypts first", message=SHOWS),
            CopyAssertion("encrypts last", message=SHOWS),
        ),
        yes=(CopyAssertion(PROTECTED), CopyAssertion(PROTECTED, message=SHOWS)),
        no=(CopyAssertion(PROTECTED, False), CopyAssertion(PROTECTED, False, message=SHOWS)),
    ),
    _whether(
        questions.PROTECTED_BY_NOW,
        {"message_type_matches": "PermissionControlled"},
        rules=(TemporaryRule("encrypts", actions=_ENCRYPTS),),
        always=(CopyAssertion("encrypts"),),
    ),
    _whether(questions.NESTED_GROUPS, {"sent_to_member_of": ["{group}"]}, to=NESTED),
    QuestionExperiment(
        number=questions.AUDIT_SPLITS,
        messages=_BOTH_INSIDE,
        rules=(
            TemporaryRule("tries", mode="Audit", conditions={"sent_to": ["{inside}"]}),
            TemporaryRule("is", conditions=_ANY_INSIDE),
            TemporaryRule("is not", exceptions=_ANY_INSIDE),
        ),
        always=(
            CopyAssertion("tries"),
            CopyAssertion("tries", False, to=SECOND),
            CopyAssertion("is"),
            CopyAssertion("is not", False),
        ),
        yes=(CopyAssertion("is not", to=SECOND), CopyAssertion("is", False, to=SECOND)),
        no=(CopyAssertion("is", to=SECOND), CopyAssertion("is not", False, to=SECOND)),
    ),
    _whether(
        questions.FIELDS_OF_A_COPY,
        {"any_of_to_header": ["{inside}"]},
        to=SECOND,
        messages=_BOTH_INSIDE,
        rules=(TemporaryRule("splits", conditions={"sent_to": ["{inside}"]}),),
        always=(CopyAssertion("splits"), CopyAssertion("splits", False, to=SECOND)),
    ),
    QuestionExperiment(
        number=questions.AUDIT_STOPS,
        messages={ASKS: (INSIDE,), SHOWS: (INSIDE,)},
        rules=(
            TemporaryRule("stops", mode="Audit", actions={**_MARK, "stop_rule_processing": True}),
            TemporaryRule("behind", of=ASKS + SHOWS),
        ),
        always=(CopyAssertion("stops"), CopyAssertion("behind", message=SHOWS)),
        yes=(CopyAssertion("behind", False),),
        no=(CopyAssertion("behind"),),
    ),
    QuestionExperiment(
        number=questions.ADDED_RECIPIENTS,
        messages={ASKS: (INSIDE,), SHOWS: (SECOND,)},
        rules=(
            TemporaryRule("adds", actions={"blind_copy_to": ["{second}"]}),
            TemporaryRule("behind", of=ASKS + SHOWS, conditions={"sent_to": ["{second}"]}),
        ),
        always=(CopyAssertion("adds"), CopyAssertion("behind", message=SHOWS, to=SECOND)),
        yes=(CopyAssertion("behind", to=SECOND),),
        no=(CopyAssertion("behind", False, to=SECOND),),
    ),
    QuestionExperiment(
        number=questions.SPAM_LEVEL,
        messages={ASKS: (INSIDE,), SHOWS: (INSIDE,)},
        rules=(
            TemporaryRule("sets", actions={"set_scl": 5}),
            TemporaryRule("is", of=ASKS + SHOWS, conditions=_SPAM),
            TemporaryRule("is not", of=ASKS + SHOWS, exceptions=_SPAM),
        ),
        always=(
            CopyAssertion("sets"),
            CopyAssertion("is not", message=SHOWS),
            CopyAssertion("is", False, message=SHOWS),
        ),
        yes=(CopyAssertion("is"), CopyAssertion("is not", False)),
        no=(CopyAssertion("is not"), CopyAssertion("is", False)),
    ),
    _whether(questions.CLASSIFICATION_FALSE, {"has_no_classification": False}),
    _whether(
        questions.UNAUTHENTICATED_INSIDE,
        {"sent_to_scope": "InOrganization"},
        to=NOBODY,
        always=(CopyAssertion(NO_MAILBOX, to=NOBODY),),
        by=("smtp",),
        from_outside=True,
    ),
    QuestionExperiment(
        number=questions.GUESTS,
        messages={ASKS: (GUEST,)},
        rules=(
            TemporaryRule("inside", conditions={"sent_to_scope": "InOrganization"}),
            TemporaryRule("outside", conditions={"sent_to_scope": "NotInOrganization"}),
        ),
        yes=(CopyAssertion("inside", to=GUEST), CopyAssertion("outside", False, to=GUEST)),
        no=(CopyAssertion("outside", to=GUEST), CopyAssertion("inside", False, to=GUEST)),
    ),
    QuestionExperiment(
        number=questions.AUTHENTICATED,
        messages={ASKS: (INSIDE,)},
        yes=(CopyAssertion(AUTHENTICATED),),
        no=(CopyAssertion(AUTHENTICATED, False),),
        by=("graph", "smtp"),
    ),
)

#: Number to its experiment.
BY_NUMBER = {each.number: each for each in EXPERIMENTS}

#: Why no message of an experiment tells the answer to the other questions, in a word; ``wording.questions`` says it.
UNTOLD: Mapping[str, str] = {
    questions.A_FACT: "fact",
    questions.WHICH_TEMPLATE: "rights",
    questions.RELATION_TO_WHOM: "by_hand",
    questions.AFTER_REJECTION: "report",
    questions.RULE_FAILS: "error",
    questions.UNSUPPORTED: "unsupported",
    questions.DATES: "dates",
    questions.SENDER_LOCATION: "envelope",
    questions.WORD_BORDERS: "texts",
    questions.PATTERN_SYNTAX: "texts",
    questions.REMOTE_DOMAINS: "read",
    questions.AT_THE_LIMIT: "by_hand",
    questions.ALIASES: "by_hand",
    questions.PDF: "inside",
    questions.FORWARDED: "forwards",
    questions.SMIME_SIGNED: "inside",
    questions.LICENSING_OFF: "licensing",
    questions.SYSTEM_MAIL: "answers",
    questions.UNREADABLE: "foreign",
    questions.TOO_LARGE: "large",
    questions.WHICH_CONNECTOR: "connectors",
    questions.DLP_RULES: "policies",
    questions.LABELS: "policies",
    questions.MANY_RECIPIENTS: "many",
    questions.SEVERAL_DLP_RULES: "policies",
    questions.LABEL_IN_TRANSPORT: "policies",
}
