# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every condition of a mail flow rule: what it looks at, whom its rule then acts on, and what it takes to tell. Private to the collection.

An exception is the same condition. Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule pages, and, where
these contradict each other, the later one of the rules' own team.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import attachments, content, sender_recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.sender_recipient import Evaluate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import first_token


class Reach(Enum):
    """Whom a rule acts on, as far as one of its conditions decides."""

    MESSAGE = "message"  #: A property of the message: all recipients alike.
    SENDER = "sender"  #: A property of the sender: all recipients alike.
    COPY = "copy"  #: Looks at recipients and acts on all who share the copy.
    RECIPIENT = "recipient"  #: Acts on the recipients that it is true for, and splits the copy.
    RELATION = "relation"  #: What the sender is to a recipient. Which of the last two it is, is not documented (U05).


class Use(Enum):
    """What it takes to tell whether a condition is true."""

    COMPUTABLE = "computable"  #: The message says it.
    FACTS = "facts"  #: The organization has to be known.
    OPAQUE = "opaque"  #: Only somebody who has the message can say it.


#: What a rule sees of a message around which a disclaimer was wrapped, and no page tells.
_OF_WRAPPER = frozenset({"header", "character sets", "size", "protection", "importance", "classification"})

#: What a message must have for a condition to be anything but false; see :class:`Predicate`.
Needs: TypeAlias = "tuple[tuple[str, str], ...] | None"


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition.

    :param options: its options. Several are one condition.
    :param looks_at: what it looks at. Earlier rules can change ``subject``, ``body``, ``header``, ``classification``, ``scl`` and ``protection``.
    :param reach: whom the rule acts on.
    :param use: what it takes to tell.
    :param evaluate: tells it.
    :param read: the values, hashable and in one form, from a rule's section.
    :param needs: keys, one of which a message must have for the condition to be anything but false; ``None`` where none can be named.
    :param unknowns: the open questions that it can meet.
    :param content: whether it looks into content that S/MIME hides.
    :param reach_of: the reach where it depends on the values.
    """

    options: tuple[str, ...]
    looks_at: str
    reach: Reach
    use: Use
    evaluate: Evaluate
    read: Callable[[Mapping[str, Any]], Any]
    needs: Callable[[Any], Needs] = lambda values: None
    unknowns: tuple[str, ...] = ()
    content: bool = False
    reach_of: Callable[[Any], Reach] | None = None

    @property
    def of_wrapper(self) -> bool:
        """Whether it looks at something that a disclaimer's wrapper may have otherwise than the message in it."""
        return self.looks_at in _OF_WRAPPER


def _list(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)


def _texts(option: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda section: _list(section[option])


def _small(option: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda section: tuple(item.lower() for item in _list(section[option]))


def _one(option: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda section: section[option]


def _header(name: str, values: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda section: (str(section[name]), _list(section[values]))


def _words_in(place: str) -> Callable[[Any], Needs]:
    """Each word's first run of letters has to be there."""

    def needs(values: tuple[str, ...]) -> Needs:
        found = tuple((place, first_token(word)) for word in values)
        return found if all(token for _place, token in found) else None

    return needs


def _each_in(place: str) -> Callable[[Any], Needs]:
    return lambda values: tuple((place, value) for value in values)


def _in_header(values: tuple[str, tuple[str, ...]]) -> Needs:
    return (("header", values[0].lower()),) if content.is_own_header(values[0].lower()) else None


def _at(place: str) -> Callable[[Any], Needs]:
    return lambda values: ((place, ""),)


_M, _S, _W, _R, _X = Reach.MESSAGE, Reach.SENDER, Reach.COPY, Reach.RECIPIENT, Reach.RELATION
_COMPUTABLE, _FACTS, _OPAQUE = Use.COMPUTABLE, Use.FACTS, Use.OPAQUE


def _sender(
    option: str,
    decide: sender_recipient.OfAddress,
    read: Callable[[str], Any],
    needs: Callable[[Any], Needs],
    *unknowns: str,
    use: Use = _COMPUTABLE,
    written: bool = False,
) -> Predicate:
    return Predicate((option,), "sender", _S, use, sender_recipient.of_sender(decide, written=written), read(option), needs, unknowns)


def _fields(kind: str, fields: tuple[str, ...]) -> tuple[Predicate, Predicate]:
    """Somebody in a field of the message, or a member of a group there."""
    one, members = f"any_of_{kind}_header", f"any_of_{kind}_header_member_of"
    return (
        Predicate(
            (one,), "fields", _W, _COMPUTABLE, sender_recipient.of_fields(fields, sender_recipient.address_is), _small(one), _each_in("field"), ("U07", "U24")
        ),
        Predicate(
            (members,), "fields", _W, _FACTS, sender_recipient.of_fields(fields, sender_recipient.member_of), _small(members), unknowns=("U04", "U07", "U24")
        ),
    )


def _says(option: str, field: str, what: str) -> Predicate:
    evaluate = attachments.any_attachment(attachments.says(field, what))
    return Predicate((option,), "attachments", _M, _OPAQUE, evaluate, _one(option), _at("attachments"), ("U12", "U30"), content=True)


def _attached(option: str, decide: attachments.OfAttachment, use: Use, *unknowns: str) -> Predicate:
    read = _one(option) if option.endswith("_over") else _texts(option)
    return Predicate((option,), "attachments", _M, use, attachments.any_attachment(decide), read, _at("attachments"), ("U12", *unknowns, "U30"), content=True)


#: Every condition, by the name of its option.
PREDICATES: tuple[Predicate, ...] = (
    # The sender
    _sender("from", sender_recipient.address_is, _small, _each_in("sender")),
    _sender("from_address_contains_words", sender_recipient.address_has_word, _texts, _words_in("sender word"), "U17", written=True),
    _sender("from_address_matches_patterns", sender_recipient.address_has_pattern, _texts, lambda values: None, "U18", written=True),
    _sender("from_member_of", sender_recipient.member_of, _small, lambda values: None, "U04", use=_FACTS),
    _sender("sender_domain_is", sender_recipient.domain_is, _small, _each_in("sender domain"), written=True),
    Predicate(("from_scope",), "sender", _S, _FACTS, sender_recipient.from_scope, _one("from_scope"), unknowns=("U16", "U20", "U22")),
    Predicate(
        ("sender_ad_attribute_contains_words",),
        *("sender", _S, _FACTS, sender_recipient.of_directory_sender(sender_recipient.attribute_has_word), _texts("sender_ad_attribute_contains_words")),
        unknowns=("U17",),
    ),
    Predicate(
        ("sender_ad_attribute_matches_patterns",),
        *("sender", _S, _FACTS, sender_recipient.of_directory_sender(sender_recipient.attribute_has_pattern), _texts("sender_ad_attribute_matches_patterns")),
        unknowns=("U18",),
    ),
    Predicate(("sender_ip_ranges",), "last hop", _M, _FACTS, content.sent_from, _texts("sender_ip_ranges")),
    # What the sender is to a recipient
    Predicate(("sender_in_recipient_list",), "relation", _X, _OPAQUE, content.never_documented, _texts("sender_in_recipient_list")),
    Predicate(("recipient_in_sender_list",), "relation", _X, _OPAQUE, content.never_documented, _texts("recipient_in_sender_list")),
    Predicate(
        ("sender_management_relationship",),
        *("relation", _X, _FACTS, sender_recipient.relation(sender_recipient.is_related), _one("sender_management_relationship")),
        unknowns=("U05",),
    ),
    Predicate(
        ("manager_for_evaluated_user", "manager_addresses"),
        *("relation", _X, _FACTS),
        lambda sight, values, settings: (
            sender_recipient.is_manager_of_sender(sight, values[1], settings)
            if values[0] == "Sender"
            else sender_recipient.relation(lambda seen, person, wanted: sender_recipient.is_manager_of_recipient(seen, person, wanted[1]))(
                sight, values, settings
            )
        ),
        lambda section: (str(section["manager_for_evaluated_user"]), _small("manager_addresses")(section)),
        unknowns=("U05",),
        reach_of=lambda values: Reach.SENDER if values[0] == "Sender" else Reach.RELATION,
    ),
    Predicate(
        ("ad_comparison_attribute", "ad_comparison_operator"),
        *("relation", _X, _FACTS, sender_recipient.relation(sender_recipient.has_equal_attribute)),
        lambda section: (str(section["ad_comparison_attribute"]), str(section.get("ad_comparison_operator") or "Equal")),
        unknowns=("U05",),
    ),
    Predicate(
        ("between_member_of_1", "between_member_of_2"),
        *("relation", _X, _FACTS, sender_recipient.relation(sender_recipient.is_between)),
        lambda section: (_small("between_member_of_1")(section), _small("between_member_of_2")(section)),
        unknowns=("U04", "U05"),
    ),
    # Each recipient
    Predicate(
        ("sent_to",),
        "recipient",
        _R,
        _COMPUTABLE,
        sender_recipient.of_recipient(sender_recipient.address_is),
        _small("sent_to"),
        _each_in("recipient"),
        ("U24",),
    ),
    Predicate(("sent_to_scope",), "recipient", _R, _FACTS, sender_recipient.sent_to_scope, _one("sent_to_scope"), unknowns=("U19", "U20", "U21")),
    Predicate(
        ("sent_to_member_of",),
        "recipient",
        _R,
        _FACTS,
        sender_recipient.of_recipient(sender_recipient.member_of),
        _small("sent_to_member_of"),
        unknowns=("U04", "U24"),
    ),
    Predicate(
        ("recipient_address_contains_words",),
        *("recipient", _R, _COMPUTABLE, sender_recipient.of_address(sender_recipient.address_has_word), _texts("recipient_address_contains_words")),
        *(_words_in("recipient word"), ("U17", "U24")),
    ),
    Predicate(
        ("recipient_address_matches_patterns",),
        *("recipient", _R, _COMPUTABLE, sender_recipient.of_address(sender_recipient.address_has_pattern), _texts("recipient_address_matches_patterns")),
        unknowns=("U18", "U24"),
    ),
    Predicate(
        ("recipient_domain_is",),
        *(
            "recipient",
            _R,
            _COMPUTABLE,
            sender_recipient.of_recipient(sender_recipient.domain_is),
            _small("recipient_domain_is"),
            _each_in("recipient domain"),
            ("U24",),
        ),
    ),
    Predicate(
        ("recipient_ad_attribute_contains_words",),
        *(
            "recipient",
            _R,
            _FACTS,
            sender_recipient.of_directory_recipient(sender_recipient.attribute_has_word),
            _texts("recipient_ad_attribute_contains_words"),
        ),
        unknowns=("U17",),
    ),
    Predicate(
        ("recipient_ad_attribute_matches_patterns",),
        *(
            "recipient",
            _R,
            _FACTS,
            sender_recipient.of_directory_recipient(sender_recipient.attribute_has_pattern),
            _texts("recipient_ad_attribute_matches_patterns"),
        ),
        unknowns=("U18",),
    ),
    # All who share the copy
    Predicate(
        ("any_of_recipient_address_contains_words",),
        *("recipients", _W, _COMPUTABLE, sender_recipient.of_any_address(sender_recipient.address_has_word), _texts("any_of_recipient_address_contains_words")),
        *(_words_in("recipient word"), ("U06", "U09", "U17", "U24")),
    ),
    Predicate(
        ("any_of_recipient_address_matches_patterns",),
        *(
            "recipients",
            _W,
            _COMPUTABLE,
            sender_recipient.of_any_address(sender_recipient.address_has_pattern),
            _texts("any_of_recipient_address_matches_patterns"),
        ),
        unknowns=("U06", "U09", "U18", "U24"),
    ),
    *_fields("to", ("to",)),
    *_fields("cc", ("cc",)),
    *_fields("to_cc", ("to", "cc")),
    # What the message says
    Predicate(
        ("subject_contains_words",),
        *("subject", _M, _COMPUTABLE, content.in_subject(content.has_word), _texts("subject_contains_words"), _words_in("subject word"), ("U17",)),
    ),
    Predicate(
        ("subject_matches_patterns",),
        "subject",
        _M,
        _COMPUTABLE,
        content.in_subject(content.has_pattern),
        _texts("subject_matches_patterns"),
        unknowns=("U18",),
    ),
    Predicate(
        ("subject_or_body_contains_words",),
        *("body", _M, _COMPUTABLE, content.in_subject_or_body(content.has_word), _texts("subject_or_body_contains_words")),
        *(_words_in("body word"), ("U12", "U17", "U30"), True),
    ),
    Predicate(
        ("subject_or_body_matches_patterns",),
        *("body", _M, _COMPUTABLE, content.in_subject_or_body(content.has_pattern), _texts("subject_or_body_matches_patterns")),
        unknowns=("U12", "U18", "U30"),
        content=True,
    ),
    Predicate(
        ("header_contains_message_header", "header_contains_words"),
        *("header", _M, _COMPUTABLE, content.in_header(content.has_word), _header("header_contains_message_header", "header_contains_words")),
        *(_in_header, ("U17",)),
    ),
    Predicate(
        ("header_matches_message_header", "header_matches_patterns"),
        *("header", _M, _COMPUTABLE, content.in_header(content.has_pattern), _header("header_matches_message_header", "header_matches_patterns")),
        *(_in_header, ("U18",)),
    ),
    Predicate(
        ("content_character_set_contains_words",), "character sets", _M, _FACTS, content.has_character_set, _texts("content_character_set_contains_words")
    ),
    # Attachments
    _attached("attachment_contains_words", attachments.has_word, _OPAQUE, "U17"),
    _attached("attachment_matches_patterns", attachments.has_pattern, _OPAQUE, "U18"),
    _attached("attachment_name_matches_patterns", attachments.name_has_pattern, _COMPUTABLE, "U18"),
    _attached("attachment_extension_matches_words", attachments.extension_is, _COMPUTABLE),
    _attached("attachment_size_over", attachments.size_over, _COMPUTABLE, "U23"),
    _attached("attachment_property_contains_words", attachments.property_has_word, _FACTS, "U17"),
    _says("attachment_has_executable_content", "executable", "whether there is executable content in"),
    _says("attachment_is_password_protected", "password_protected", "the password protection of"),
    _says("attachment_is_unsupported", "unsupported", "whether Exchange can look into"),
    _says("attachment_processing_limit_exceeded", "limit_exceeded", "whether Exchange finishes looking into"),
    # What the message is
    Predicate(("message_size_over",), "size", _M, _COMPUTABLE, content.message_size_over, _one("message_size_over"), unknowns=("U23",)),
    Predicate(("message_type_matches",), "protection", _M, _FACTS, content.is_type, _one("message_type_matches"), unknowns=("U03",)),
    Predicate(("with_importance",), "importance", _M, _COMPUTABLE, content.importance_is, _one("with_importance")),
    Predicate(("has_classification",), "classification", _M, _FACTS, content.has_classification, _one("has_classification")),
    Predicate(("has_no_classification",), "classification", _M, _FACTS, content.has_no_classification, _one("has_no_classification"), unknowns=("U15",)),
    Predicate(("scl_over",), "scl", _M, _OPAQUE, content.spam_level_is, _one("scl_over"), unknowns=("U11",)),
)

#: Option to its condition.
BY_OPTION: dict[str, Predicate] = {option: row for row in PREDICATES for option in row.options}

#: Options without which a condition of several options means nothing.
OPTIONAL = frozenset({"ad_comparison_operator"})
