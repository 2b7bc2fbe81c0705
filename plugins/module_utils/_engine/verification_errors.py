# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error for changes that no read shows. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import VerificationError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY


def not_stored(
    applied: Iterable[Step], missing: Iterable[Change], *, timeout: int, ever_seen: bool = False
) -> VerificationError:
    """The error for changes that no read shows: stored on some servers, certainly ignored, or possibly either."""
    missing = list(missing)
    if ever_seen:
        return VerificationError(
            f"{', '.join(dict.fromkeys(map(label, missing)))} is stored, but not on every server yet: "
            f"reads returned the old and the new value in turn for {timeout} seconds.",
            remedy="Run the task again later, or raise verify_timeout.",
        )
    shown = "; ".join(f"{label(change)} is {change.before!r}, not {change.after!r}" for change in missing)
    labels = set(map(label, missing))
    steps = [step for step in applied if labels & set(map(label, step.changes))]
    found = {label(change): change.before for step in steps for change in step.changes}
    if any(label(change) in found and change.before != found[label(change)] for change in missing):
        return VerificationError(
            f"Exchange stores a different value from the one that was sent: {shown}.",
            remedy="Unless another administrator changed it, write the value as Exchange shows it (a recipient by its primary SMTP address).",
        )
    grants = list(dict.fromkeys(GRANTED_BY[step.call.cmdlet] for step in steps if step.call.cmdlet in GRANTED_BY))
    license = f"{' and '.join(grants) or 'a role'} may not be sufficient, or a license such as Advanced Message Encryption may be missing"
    stored = [name for step in steps for name in map(label, step.changes) if name not in labels]
    if stored:
        return VerificationError(
            f"Exchange accepted the change but ignored a part of it: {shown}. {', '.join(stored)} of the same call is stored.",
            remedy=f"Probable cause: {license}.",
        )
    return VerificationError(
        f"Exchange accepted the change but does not show it after {timeout} seconds: {shown}.",
        remedy=f"Exchange may ignore the change ({license}), or store the value in another form: then write it as Exchange shows it. "
        "If the organization is slow, raise verify_timeout.",
    )


def label(change: Change) -> str:
    """The change for people: its option, and the object if it has a name."""
    return f"{change.option} of {change.identity!r}" if change.identity else change.option
