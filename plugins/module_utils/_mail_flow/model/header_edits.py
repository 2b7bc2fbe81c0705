# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to header fields that conditions read.

A later rule sees headers that were set and removed, but some cannot be, and nobody says which. So whatever reads such a
field is open from then on: a condition about the header, and one about what the header says, such as the subject.
Whether a rule sees the spam confidence level that a rule set (U11), or people whom a rule added to a field (U09), is
just as open. Source: inferred from Microsoft's "Mail flow rule actions".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from . import questions
from .kleene import Reason
from .reason_kinds import ReasonKind

#: Headers whose values are fields of a message.
FIELDS = frozenset({"subject", "from", "to", "cc", "importance"})

#: The option of an action to the field in which it puts an added recipient.
FIELD_OF = {"add_to_recipients": "to", "copy_to": "cc", "blind_copy_to": "bcc"}

#: The headers of the spam confidence level and of classifications.
SPAM_LEVEL, CLASSIFICATION = "x-ms-exchange-organization-scl", "x-ms-exchange-organization-classification"

#: A field to what names the people whom rules added to it: a condition about the header reads both.
ADDED = {"to": "added to", "cc": "added cc"}


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    """A change of a header field.

    :param field: the header's name in lower case, or one of :data:`ADDED`.
    :param what: how it was changed, and the value.
    :param reason: why it is open what conditions see; ``None`` for a known change of a field that was edited before.
    """

    field: str
    what: tuple[str, ...]
    reason: Reason | None

    @property
    def replaces(self) -> bool:
        """Whether the field has known content then, or is gone."""
        return self.what[0] in ("set", "removed")

    @property
    def adds(self) -> bool:
        """Whether everything that was in the field stays there."""
        return self.field in ADDED.values()


def header_edits(actions: Mapping[str, Any], before: Collection[str] = ()) -> list[HeaderEdit]:
    """What a rule does to headers, except for adding people.

    :param before: the fields that earlier rules edited.
    """
    sets, removes = (str(actions.get(option) or "") for option in ("set_header_name", "remove_header"))
    value = str(actions.get("set_header_value") or "")
    edits: list[HeaderEdit] = []
    if sets:
        either = sets.lower() == removes.lower()
        edits.append(HeaderEdit(sets.lower(), ("either" if either else "set", value), _of_header(sets)))
    if removes and removes.lower() != sets.lower():
        edits.append(HeaderEdit(removes.lower(), ("removed",), _of_header(removes)))
    if "set_scl" in actions:
        why = Reason(questions.SPAM_LEVEL, "scl_that_a_rule_set", field="scl")
        edits.append(HeaderEdit(SPAM_LEVEL, ("set", str(actions["set_scl"])), why))
    for option, field in (("prepend_subject", "subject"), ("apply_classification", CLASSIFICATION)):
        if option in actions and field in before:
            edits.append(HeaderEdit(field, (option, str(actions[option])), None))
    return edits


def addition(field: str, address: str, doubt: Reason) -> HeaderEdit:
    """The edit by which a rule adds somebody to the To or Cc field.

    :param doubt: why it is open whether later rules see it.
    """
    return HeaderEdit(ADDED[field], ("added", address), doubt)


def _of_header(name: str) -> Reason:
    kind: ReasonKind = "header_of_every_message" if name.lower() in FIELDS else "header_of_mail_system"
    return Reason(questions.A_FACT, kind, (name,), "headers")
