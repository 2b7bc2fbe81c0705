# SPDX-License-Identifier: GPL-3.0-or-later
"""What besides mail flow rules encrypts mail, or takes protection away: DLP policies, sensitivity labels, and the Encrypt
button that people press.

Exchange itself shows none of it. What somebody told of DLP policies and labels makes open what they may do to a copy:
after the rules, Exchange asks DLP, and a label may encrypt on the way. Which mail it is about is not computed. Sources:
Microsoft's pages of New-DlpComplianceRule, New-Label, and of how sensitivity labels encrypt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._exchange.names import same_name
from . import questions

#: What may protect mail, or take protection away, without being seen.
DLP, LABELS, ENCRYPT_BUTTON = ENCRYPTERS = ("dlp", "labels", "encrypt_button")

#: What facts can tell of, to the fact.
FACT = {DLP: "dlp_policies", LABELS: "labels"}

#: The same, to the number of the question what it does to a copy.
QUESTION = {DLP: questions.DLP_POLICIES, LABELS: questions.LABELS}


@dataclass(frozen=True, slots=True)
class Encrypter:
    """A DLP policy or a label, as somebody told it.

    :param kind: :data:`DLP` or :data:`LABELS`.
    :param options: what it may protect a copy with, as results call it (``encrypt``).
    :param removes: whether it may take protection away.
    :param brands: whether it may choose another branding.
    :param withholds: whether it may keep a copy from its recipient.
    :param acts: whether it acts at all: a policy in a test mode does not.
    """

    kind: str
    name: str
    options: tuple[str, ...] = ()
    removes: bool = False
    brands: bool = False
    withholds: bool = False
    acts: bool = True

    @property
    def changes_mail(self) -> bool:
        """Whether it may change how a copy is protected or delivered."""
        return self.acts and bool(self.options or self.removes or self.brands or self.withholds)


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What all that was told may do to a copy after the rules.

    :param every: what may change a copy.
    """

    every: tuple[Encrypter, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """What a copy may be protected with."""
        return tuple(option for each in self.every for option in each.options)

    @property
    def encrypts(self) -> bool:
        """Whether a copy may become protected."""
        return bool(self.options)

    @property
    def removes(self) -> bool:
        """Whether a copy may lose its protection."""
        return any(each.removes for each in self.every)

    @property
    def brands(self) -> bool:
        """Whether a copy may show another branding."""
        return any(each.brands for each in self.every)

    @property
    def touches_branding(self) -> bool:
        """Whether a copy may no longer show the branding that rules chose."""
        return any(each.brands or each.removes or each.options for each in self.every)

    @property
    def withholds(self) -> bool:
        """Whether a copy may not be delivered."""
        return any(each.withholds for each in self.every)

    def replaces(self, option: str) -> bool:
        """Whether a copy that is protected with an option may get another."""
        return any(not same_name(each, option) for each in self.options)

    def may_use(self, option: str) -> bool:
        """Whether a copy may become protected with an option."""
        return any(same_name(each, option) for each in self.options)


def unseen_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What was neither read nor told, of :data:`ENCRYPTERS`. Which mail people encrypted themselves, no fact says.

    :param facts: in the form of the option ``facts``, or the fields of these names.
    """
    return tuple(each for each in ENCRYPTERS if facts.get(FACT.get(each, "")) is None)
