# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of mail of an overview, and where mail goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..formula import Literal
from ..input.guarantee_options import Guarantee
from ..model import questions
from ..model.connectors import IN_TRANSIT, VALIDATIONS
from ..simulator.protection import SURELY_PROTECTED
from ..symbolic.symbolic_message import SymbolicMessage

#: Everybody outside whom neither rules nor connectors name.
EVERYBODY_ELSE = "everybody else"

#: The guarantee that is asked about in each cell.
PROTECTED = Guarantee("overview", {}, {}, IN_TRANSIT, tls_validation=VALIDATIONS[0])


class MailKind(StrEnum):
    """A kind of mail from inside. Results and pages have the texts."""

    FROM_INSIDE = "from_inside"
    AUTOMATIC_REPLY = "automatic_reply"
    FORWARDED = "forwarded"
    WITH_ATTACHMENT = "with_attachment"
    OVER_25_MB = "over_25_mb"


@dataclass(frozen=True, eq=False)
class KindOfMail:
    """A kind of mail.

    :param name: the kind.
    :param options: the options of a plain message of the kind, without sender and recipient.
    :param unusual: the ids of the assumptions about usual mail that it does not meet.
    :param literal: the literal that is true if mail is of the kind; ``None`` for all usual mail.
    """

    name: MailKind
    options: Mapping[str, Any] = field(default_factory=dict)
    unusual: frozenset[str] = frozenset()
    literal: Callable[[SymbolicMessage], Literal] | None = None


def _automatic_reply(mail: SymbolicMessage) -> Literal:
    """The literal that is true if mail is an automatic reply, and no request for approval, which rules may not see."""
    return mail.kinds["OOF"] & ~mail.kinds["ApprovalRequest"]


def _with_attachment(mail: SymbolicMessage) -> Literal:
    """The literal that is true if rules can see something of an attachment: no rule can tell whether others exist."""
    atoms = [
        literal
        for slot, attachments in mail.texts.items()
        if slot.startswith("attachment")
        for literal in attachments.values()
    ]
    return mail.circuit.disjunction([mail.pdf.attached, *atoms])


KINDS = (
    KindOfMail(MailKind.FROM_INSIDE),
    KindOfMail(
        MailKind.AUTOMATIC_REPLY,
        {"type": ["OOF"], "mail_from": ""},
        frozenset({questions.SYSTEM_MAIL}),
        _automatic_reply,
    ),
    KindOfMail(
        MailKind.FORWARDED,
        {"type": ["AutoForward"]},
        frozenset({questions.FORWARDED}),
        lambda mail: mail.kinds["AutoForward"],
    ),
    KindOfMail(
        MailKind.WITH_ATTACHMENT,
        {"attachments": [{"name": "document.pdf", "size": 1000}]},
        frozenset({questions.PDF}),
        _with_attachment,
    ),
    KindOfMail(
        MailKind.OVER_25_MB,
        {"size": "26MB"},
        frozenset({questions.TOO_LARGE}),
        lambda mail: mail.properties["message", SURELY_PROTECTED],
    ),
)
