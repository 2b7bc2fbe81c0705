# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients of the organization that stand for an address elsewhere: mail contacts and mail users.

Mail to such an object goes to its external address. What a mailbox forwards is not read. Source: Microsoft's pages of mail contacts,
of mail users and of Get-Recipient (``ExternalEmailAddress``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._exchange.cmdlet import Call, Session
from ..._exchange.errors import NotFoundError
from ..model.addresses import domain, is_address
from ..model.facts import Facts
from .sampling import PlannedMail

#: The cmdlet, which is also what could not be read.
RECIPIENT = "Get-Recipient"


@dataclass(frozen=True)
class OnwardAddresses:
    """Where recipients' mail goes on to.

    :param external: the recipient to the address that it stands for, both in lower case.
    :param unread: why that is not known of some; empty if it is known of all.
    """

    external: Mapping[str, str] = field(default_factory=dict)
    unread: str = ""


def read_onward_addresses(session: Session, planned: Iterable[PlannedMail], facts: Facts) -> OnwardAddresses:
    """What the recipients of some messages stand for, those inside to whom rules send copies included. People in other
    domains than the organization's are not asked about.
    """
    reached = dict.fromkeys(
        address.lower() for mail in planned for address in (*mail.letter.recipients, *mail.reach.inside)
    )
    asked = [address for address in reached if facts.domains.type_of(domain(address)) != ""]
    if not asked:
        return OnwardAddresses()
    results = session.invoke([Call(RECIPIENT, {"Identity": address}) for address in asked], fresh=True)
    external: dict[str, str] = {}
    unread = ""
    for address, result in zip(asked, results, strict=True):
        if result.error is not None:
            unread = unread or ("" if isinstance(result.error, NotFoundError) else str(result.error))
            continue
        for recipient in result.unwrap():
            target = str(recipient.get("ExternalEmailAddress") or "").rpartition(":")[2].strip().lower()
            if is_address(target) and target != address:
                external[address] = target
    return OnwardAddresses(external, unread)


def with_onward_addresses(planned: Iterable[PlannedMail], onward: OnwardAddresses) -> Sequence[PlannedMail]:
    """Messages that may also get to whom their recipients stand for."""
    return [_with_targets(mail, onward) for mail in planned]


def _with_targets(mail: PlannedMail, onward: OnwardAddresses) -> PlannedMail:
    reached = (*mail.letter.recipients, *mail.reach.inside)
    targets = [target for address in reached if (target := onward.external.get(address.lower()))]
    known = {*mail.letter.recipients, *mail.reach.inside, *mail.reach.outside}
    more = tuple(dict.fromkeys(target for target in targets if target not in known))
    return replace(mail, reach=replace(mail.reach, outside=(*mail.reach.outside, *more))) if more else mail
