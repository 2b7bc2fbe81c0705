# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a copy, how it is protected, and how it leaves. Results, options and files have the texts."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What happens to a copy. Results have all but the last two."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    DELETED = "deleted"
    QUARANTINED = "quarantined"
    REDIRECTED = "redirected"
    MODERATED = "moderated"
    UNKNOWN = "unknown"
    #: Delivered after a quarantine.
    RELEASED = "released"
    #: There is no copy.
    NOBODY = "nobody"


class ProtectionKind(StrEnum):
    """How a copy is protected, without the templates of an organization, which are ``template:<name>``."""

    NONE = "none"
    ENCRYPT = "encrypt"
    DO_NOT_FORWARD = "do_not_forward"
    #: S/MIME encryption.
    SMIME = "smime"
    #: An S/MIME signature alone. Only messages that arrive have it, no result.
    SMIME_SIGNED = "smime_signed"
    #: By rights management; it is open by which option.
    OPTION_UNKNOWN = "protected_option_unknown"
    UNKNOWN = "unknown"


#: The protections of which something is open.
OPEN_PROTECTIONS = frozenset((ProtectionKind.UNKNOWN, ProtectionKind.OPTION_UNKNOWN))

#: What a protection by a template begins with, and the name of the template follows.
TEMPLATE = "template:"


class Tls(StrEnum):
    """Whether a copy that leaves goes by TLS alone."""

    FORCED = "forced"
    OPPORTUNISTIC = "opportunistic"
    UNKNOWN = "unknown"


class OpeningWay(StrEnum):
    """How a recipient opens a protected copy."""

    INLINE = "inline"
    PORTAL_PASSCODE = "portal_passcode"
    PORTAL_SOCIAL = "portal_social"
    PORTAL_WORK_ACCOUNT = "portal_work_account"
    LOCKED_OUT = "locked_out"
    UNKNOWN = "unknown"
