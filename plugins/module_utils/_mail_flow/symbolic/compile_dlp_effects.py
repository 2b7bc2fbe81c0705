# SPDX-License-Identifier: GPL-3.0-or-later
"""What DLP rules together do to a copy after the mail flow rules, as formulas."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property

from ..actions.copy_state import held_again
from ..formula import FALSE, TRUE, Value
from ..model.encrypters import BLOCKED, FOLLOWED
from ..model.outcomes import Fate
from .compile_dlp_conditions import unknown_afterwards
from .compile_dlp_rules import AppliedDlpRules
from .compile_rules import RuleChain


class DlpEffects:
    """The formulas of what the DLP rules that apply do to a copy: of several, which have their way.

    :param chain: the mail flow rules before.
    :param dlp: the DLP rules that apply.
    """

    def __init__(self, chain: RuleChain, dlp: AppliedDlpRules) -> None:
        self._chain = chain
        self._logic = chain.logic
        self._dlp = dlp

    def _enforced(self, earlier: Iterable[Value], later: Value, *what: Hashable) -> Value:
        """Whether the copy gets an effect for which a DLP rule applies, beside another one that restricts the copy otherwise. That
        is open, but one of those that apply acts (U36): what is left to it happens if none of the earlier effects does.

        :param earlier: whether the copy gets each of the effects that are decided before this one.
        :param later: whether a rule applies for one that is decided after it.
        """
        return unknown_afterwards(self._chain, *what) | (self._one_shows & ~self._logic.any_of([*earlier, later]))

    @cached_property
    def _one_shows(self) -> Value:
        """Whether each DLP rule that applies does something that is decided here, if it acts. The one that sends the copy may have
        done it by then.
        """
        return FALSE if self._dlp.maker is not None else ~self._dlp.any(lambda does: not does.surely_affects_mail)

    @cached_property
    def encrypts(self) -> Value:
        """Whether DLP encrypts the copy, as far as it can be encrypted: certain where no rule applies that restricts it
        otherwise.
        """
        having = self._dlp.any(lambda does: does.options)
        if having == FALSE:
            return FALSE
        others = self._dlp.any(lambda does: does.may_restrict_otherwise("options"))
        if others == FALSE:
            return having
        later = self._dlp.any(lambda does: does.removes)
        enforced = self._enforced(self.ends.values(), later, "dlp several", "options")
        return having & self._logic.choose(others, enforced, TRUE)

    @cached_property
    def removes(self) -> Value:
        """Whether DLP takes the copy's protection away, as far as it can be. Of rules that encrypt and rules that take
        away, one kind has its way: a copy that DLP encrypts in clear, it does not leave unprotected where a mail flow
        rule had encrypted it.
        """
        having = self._dlp.any(lambda does: does.removes)
        if having == FALSE:
            return FALSE
        others = self._dlp.any(lambda does: does.may_restrict_otherwise("removes"))
        if others == FALSE:
            return having
        enforced = self._enforced([*self.ends.values(), self.encrypts], FALSE, "dlp several", "removes")
        return having & self._logic.choose(others, ~self.encrypts & enforced, TRUE)

    @cached_property
    def blocked(self) -> Value:
        """Whether DLP blocks the copy: nothing restricts more."""
        return self._dlp.any(lambda does: does.ends == BLOCKED)

    @cached_property
    def ends(self) -> Mapping[Fate, Value]:
        """The fates that DLP gives the copy if it does not block it, each with whether it does: certain where no rule
        applies that restricts it otherwise.
        """
        ends: dict[Fate, Value] = {}
        for fate in FOLLOWED:
            ends[fate] = self._ends_in(fate, ends)
        return ends

    def _ends_in(self, fate: Fate, earlier: Mapping[Fate, Value]) -> Value:
        """Whether DLP gives the copy a fate.

        :param earlier: the fates that are decided before this one, each with whether DLP gives it.
        """
        having = self._dlp.any(lambda does: does.ends == fate)
        if having == FALSE:
            return FALSE
        having &= ~self.blocked
        others = self._dlp.any(
            lambda does: does.may_restrict_otherwise("ends") or (does.ends and does.ends not in (fate, BLOCKED))
        )
        if others == FALSE:
            return having
        later_fates = [other for other in FOLLOWED if other != fate and other not in earlier]
        later = self._dlp.any(lambda does: does.options or does.removes or does.ends in later_fates)
        enforced = self._enforced(earlier.values(), later, "dlp ends", fate)
        return having & self._logic.choose(others, enforced, TRUE)

    @cached_property
    def approvals(self) -> list[Value]:
        """Number of approvals, from 1, to whether the copy waits for at least that many: those of mail flow rules, and one of
        DLP for a copy that these let through.
        """
        held = self.ends[Fate.MODERATED]
        if held == FALSE:
            return self._chain.state.held
        return held_again(self._chain.state.held, held & ~self._logic.any_of(self._chain.state.fates.values()))

    @cached_property
    def withheld(self) -> Value:
        """Whether DLP keeps the copy from its recipient for good."""
        others = self._dlp.any(lambda does: does.ends and does.ends not in (*FOLLOWED, BLOCKED))
        kept = self.blocked | self.ends[Fate.REDIRECTED]
        return kept if others == FALSE else kept | (others & unknown_afterwards(self._chain, "dlp ends"))
