# SPDX-License-Identifier: GPL-3.0-or-later
"""Every wish that a guarantee can have of a copy: when a copy keeps it, and its words.

``symbolic.copy_properties`` has the properties that copies can have, in one world of the simulator and as formulas over all
messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from ..._exchange.unprotected import UNPROTECTED
from .connectors import IN_TRANSIT

_Value = TypeVar("_Value")
_Join = Callable[[Iterable[_Value]], _Value]

#: The wish about the portal.
PORTAL = "portal"

_NOT = "not "

#: What of a copy that is delivered holds only if it is protected.
_UNLESS_DELIVERED = frozenset(("protected", "gone", "not delivered"))


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish, the option ``then`` of guarantees.

    :param kept: when a copy keeps it: of each of these lists, one property holds, or does not where ``not`` is before
        it.
    :param claim: the wish as a clause about ``{mail}``; :param:`limited` the same where an option narrows it to a
        ``{limit}``, if that is another clause.
    :param narrowed_by: the option of a guarantee that narrows it; empty if none does.
    :param of_copies: the wish that copies have to keep which rules make of the mail for others; empty if they need not
        keep any.
    :param about: the property of the mail that it is about; empty for all mail.
    :param covers_disclosures: whether what rules show others of the mail breaks it, too.
    :param traced: whether the row of a message trace can tell.
    """

    kept: tuple[tuple[str, ...], ...]
    claim: str
    limited: str = ""
    narrowed_by: str = ""
    of_copies: str = ""
    about: str = ""
    covers_disclosures: bool = False
    traced: bool = True

    @property
    def wants_protection(self) -> bool:
        """Whether a copy in clear may break it."""
        return any("protected" in one_of for one_of in self.kept)

    @property
    def protects_what_is_delivered(self) -> bool:
        """Whether it breaks each copy that is delivered without protection, however it travels."""
        return any("protected" in one_of and _UNLESS_DELIVERED.issuperset(one_of) for one_of in self.kept)

    @property
    def wants_no_rule_to_protect(self) -> bool:
        """Whether a copy that a rule protects breaks it."""
        return ("not protected_by_rules",) in self.kept

    @property
    def wants_decryption(self) -> bool:
        """Whether a copy that stays protected may break it."""
        return any("not protected" in one_of for one_of in self.kept)

    @property
    def wants_delivery(self) -> bool:
        """Whether a copy that waits for an approval breaks it."""
        return ("delivered",) in self.kept

    @property
    def is_kept_by_withholding(self) -> bool:
        """Whether a copy that is never delivered keeps it, not even after an approval or a release."""
        return all("gone" in one_of or "not delivered" in one_of for one_of in self.kept)

    @property
    def is_kept_by_waiting(self) -> bool:
        """Whether a copy that is not delivered as long as nobody approves or releases it keeps it."""
        return all("not delivered" in one_of for one_of in self.kept)

    def is_kept(
        self,
        holds: Callable[[str], _Value],
        negate: Callable[[_Value], _Value],
        all_of: _Join[_Value],
        any_of: _Join[_Value],
    ) -> _Value:
        """Whether a copy keeps it, in the logic of these functions.

        :param holds: whether the copy has a property.
        """

        def is_true(each: str) -> _Value:
            return negate(holds(each.removeprefix(_NOT))) if each.startswith(_NOT) else holds(each)

        return all_of([any_of(map(is_true, one_of)) for one_of in self.kept])


#: Every wish. What is not delivered now may still be let through by an approval or a release; ``gone`` is what neither
#: lets through.
WISHES: dict[str, Wish] = {
    "encrypted": Wish(
        (("delivered",), ("protected",)),
        "all {mail} is delivered encrypted",
        "all {mail} is delivered with {limit}",
        "template",
        of_copies="not_in_clear",
    ),
    "not_in_clear": Wish(
        (("gone", "protected"),),
        f"no {{mail}} is delivered {UNPROTECTED}",
        "no {mail} is delivered without {limit}",
        "template",
        of_copies="not_in_clear",
        covers_disclosures=True,
    ),
    "not_in_clear_if_delivered": Wish(
        (("not delivered", "protected"),),
        "all {mail} that is delivered is encrypted",
        "all {mail} that is delivered has {limit}",
        "template",
        of_copies="not_in_clear_if_delivered",
    ),
    # Mail that keeps S/MIME, which no rule can brand, or the protection by another organization is not in clear, and
    # not in the portal either.
    PORTAL: Wish(
        (
            ("gone", "protected"),
            ("gone", "not outside", "not_ours", "branded"),
            ("gone", "not outside", "not_ours", "expires"),
        ),
        f"no {{mail}} is delivered {UNPROTECTED}, and people outside are led to the portal",
        f"no {{mail}} is delivered {UNPROTECTED}, and people outside are led to the portal, where it expires within {{limit}}",
        "expires_within_days",
        of_copies=PORTAL,
        covers_disclosures=True,
    ),
    "delivered": Wish((("delivered",),), "all {mail} is delivered"),
    "unencrypted": Wish(
        (("delivered",), ("not protected_by_rules",)), "all {mail} is delivered, and no rule encrypts it"
    ),
    "decrypted_on_arrival": Wish(
        (("not own_on_arrival", "delivered"), ("not own_on_arrival", "not protected")),
        "all {mail} that arrives encrypted by this organization is delivered decrypted",
        about="own_on_arrival",
        traced=False,
    ),
    IN_TRANSIT: Wish(
        (("gone", "protected", "in_transit"),),
        claim="all {mail} that leaves is encrypted, or leaves only by forced TLS with {limit}",
        narrowed_by="tls_validation",
        of_copies=IN_TRANSIT,
        covers_disclosures=True,
        traced=False,
    ),
}
