# SPDX-License-Identifier: GPL-3.0-or-later
"""The protection and branding of a copy in the end, as formulas.

See the simulator's ``protection``: Exchange encrypts a message after the last rule, as the rules asked and depending on
how it arrived. DLP and labels may change that afterwards.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..._exchange.names import name_key, same_name
from ..._resources.rights_management import obstacle
from ..._resources.rules.action_effects import Does
from ..formula import FALSE, TRUE, Literal, Value
from ..model import questions
from ..model.encrypters import Encrypter
from ..model.outcomes import Fate
from ..simulator.protection import SURELY_PROTECTED, SYSTEM_TYPES
from .compile_encrypters import EncrypterFormulas
from .compile_rules import RuleChain


def by_unread_actions(chain: RuleChain, *what: Hashable) -> Value:
    """The effect of rules' unknown actions: the same whenever the same rules act."""
    logic = chain.logic
    effect = logic.unknown(questions.UNSUPPORTED, *what)
    acting = [
        (unread, chain.acts(rule))
        for rule in chain.rules.rules
        if rule.actions.surprises and rule.actions.enforced
        for unread in rule.unread
    ]
    for place, (unread, acts) in enumerate(acting):
        if unread[0] == "actions":
            before = sum(unread == other for other, _acts in acting[:place])
            own = logic.unknown(questions.UNSUPPORTED, *what, unread, before)
            effect = logic.choose(acts, ~logic.equal(effect, own), effect)
    return effect


class ProtectionByRules:
    """The protection of a copy as mail flow rules leave it, before DLP and labels.

    :param asked: whether rules ask to protect it.
    :param by_rules: whether rules protect it.
    :param by_rights: whether rights protect it: of rules, or as it arrived.
    :param keeps_rights: whether it keeps the rights with which it arrived.
    :param smime: whether it keeps S/MIME encryption.
    :param open_for_dlp: whether it is open whether DLP can encrypt it.
    """

    def __init__(self, chain: RuleChain, after: EncrypterFormulas, answer: tuple[Literal, Literal] | None) -> None:
        self._chain = chain
        self._after = after
        logic = chain.logic
        state = chain.state
        arrival = chain.mail.arrival
        wrapped = state.seen.wrapped
        clear = ~(arrival.rights | arrival["smime"])
        self.asked = logic.any_of(state.asked.values())
        self._can_protect = clear | (arrival["smime"] & wrapped)
        unsure = self._unsure()
        perhaps, self._refused = answer or (
            self._protected_perhaps(),
            logic.unknown("outcome", "refused", self.may_be_refused),
        )
        as_asked = logic.choose(self._from_outside(), FALSE, logic.choose(unsure, perhaps, TRUE))
        newly = self._can_protect & self.asked & as_asked
        again = self._decrypted_and_encrypted("replaced")
        self.keeps_rights = arrival.rights & ~(arrival["own"] & state.removed & self.decrypts())
        both = self._decrypted_and_encrypted("kept")
        self.smime = arrival["smime"] & ~(wrapped & self.asked)
        self._unknown_option = both | again
        by_unread = by_unread_actions(chain, "protected")
        self.by_rules = logic.choose(state.surprised, by_unread, newly | again)
        self.by_rights = logic.choose(state.surprised, by_unread, newly | again | self.keeps_rights | both)
        self.open_for_dlp = unsure | self._from_outside() | arrival.rights | arrival["smime"]

    @property
    def keeps_foreign_rights(self) -> Value:
        """Whether it keeps protection that neither DLP nor a label can change."""
        return self.keeps_rights & self._chain.mail.arrival["other"]

    @property
    def in_clear(self) -> Value:
        """Whether it is in clear before DLP and labels."""
        return ~(self.by_rights | self.smime)

    @property
    def refused(self) -> Value:
        """Whether it is not delivered because the protection that rules ask for fails."""
        return self._can_protect & self.asked & ~self._from_outside() & self.may_be_refused & self._refused

    def has_option(self, name: str) -> Value:
        """Whether it is protected with this option and no other."""
        chain = self._chain
        logic = chain.logic
        state = chain.state
        arrived = self.keeps_rights & chain.mail.arrival_options.is_option(name)
        others = logic.any_of([value for option, value in state.asked.items() if not same_name(option, name)])
        mine = next((value for option, value in state.asked.items() if same_name(option, name)), FALSE)
        order = state.order(logic, Does.ENCRYPT, named=True)
        sole = mine & logic.choose(
            others, logic.unknown_in_order(order, questions.WHICH_TEMPLATE, name_key(name)), TRUE
        )
        order = state.order(logic, Does.ENCRYPT, Does.DECRYPT)
        unsure = self._unknown_option & logic.unknown_in_order(
            order, questions.ENCRYPTED_AND_DECRYPTED, "option", name_key(name)
        )
        newly = self.by_rules & sole
        by_unread = by_unread_actions(chain, "option", name_key(name))
        return logic.choose(state.surprised, by_unread, logic.choose(self._unknown_option, unsure, newly) | arrived)

    def _decrypted_and_encrypted(self, answer: str) -> Value:
        """Whether rules ask to remove the organization's own protection and to protect again, with one answer of what
        comes of it (U02).
        """
        state = self._chain.state
        order = state.order(self._chain.logic, Does.ENCRYPT, Does.DECRYPT)
        both = self._chain.mail.arrival["own"] & state.removed & self.asked
        return both & self._chain.logic.unknown_in_order(order, questions.ENCRYPTED_AND_DECRYPTED, answer)

    def _protected_perhaps(self) -> Value:
        """Whether a copy is protected if that is open. If one rule encrypts and another decrypts, their order may
        decide (U02).
        """
        logic = self._chain.logic
        state = self._chain.state
        order = state.order(logic, Does.ENCRYPT, Does.DECRYPT)
        plain = logic.unknown("outcome", "protected", self.may_be_refused)
        ordered = logic.unknown_in_order(order, "outcome", "protected", self.may_be_refused) if order else plain
        return logic.choose(state.removed, ordered, plain)

    def _scope(self, value: str) -> Value:
        return self._chain.conditions.scopes.sender(value, self._chain.mail.sender)

    def _forwarded(self) -> Literal:
        kinds = self._chain.mail.kinds
        return kinds["AutoForward"] | kinds["SmtpForwarding"]

    def _from_outside(self) -> Value:
        """Mail from outside is delivered as it is, whatever rules ask for."""
        return self._scope("NotInOrganization") & ~self._scope("InOrganization") & ~self._forwarded()

    def _unsure(self) -> Value:
        """Whether the outcome of a message that rules ask to protect is open."""
        mail = self._chain.mail
        state = self._chain.state
        signed = mail.arrival["smime_signed"] | mail.kinds["Signed"]
        by_system = mail.circuit.disjunction([mail.kinds[kind] for kind in SYSTEM_TYPES])
        return (
            state.removed
            | ~self._scope("InOrganization")
            | self._scope("NotInOrganization")
            | self._forwarded()
            # Whether requested protection survives the quarantine is not documented.
            | state.fates.get(Fate.QUARANTINED, FALSE)
            | self._after.effects.ends[Fate.QUARANTINED]
            | (signed & ~state.seen.wrapped)
            | by_system
            | self.may_be_refused
        )

    @property
    def may_be_refused(self) -> Literal:
        """Whether protection may fail in a way that keeps the message from being delivered (U25, U28, U31)."""
        mail = self._chain.mail
        obstacles: list[Literal] = [mail.properties["message", SURELY_PROTECTED]]
        if self._licensing_off:
            obstacles.append(TRUE)
        if self._chain.conditions.settings.get("enable_pdf_encryption") is False:
            obstacles.append(mail.pdf.attached)
        return mail.circuit.disjunction(obstacles)

    @property
    def _licensing_off(self) -> bool:
        templates = self._chain.mail.facts.encryption.rms_templates
        return obstacle(self._chain.conditions.settings, templates) is not None

    def decrypts(self) -> Value:
        """Whether Exchange removes the protection that rules ask to remove (U28, U30)."""
        settings = self._chain.conditions.settings
        if not self._licensing_off and settings.get("transport_decryption_setting") != "Disabled":
            return TRUE
        question = questions.LICENSING_OFF if self._licensing_off else questions.UNREADABLE
        return self._chain.logic.unknown(question, "decrypts")


class FinalProtection:
    """The protection of a copy in the end, if it is delivered or released.

    :param by_rules: whether mail flow rules protect it; :param:`after_rules`: whether DLP or a label does.
    :param by_rights: whether rights protect it; :param:`protected`: whether these or S/MIME do.
    """

    def __init__(self, chain: RuleChain, left_by_rules: ProtectionByRules, after: EncrypterFormulas) -> None:
        self._logic = chain.logic
        self._rules = left_by_rules
        self._after = after
        self.by_rules = self._still_protected(left_by_rules.by_rules) & ~self._by_label()
        self.after_rules = self._by_dlp() | self._by_label()
        self.by_rights = self._still_protected(left_by_rules.by_rights) | self.after_rules
        self.protected = self.by_rights | self._logic.choose(chain.state.surprised, FALSE, left_by_rules.smime)

    def has_option(self, name: str) -> Value:
        """Whether it is protected with this option and no other."""
        chosen = self._rules.has_option(name)
        return chosen if self._after.is_empty else self._replaced(name, chosen)

    def _still_protected(self, protected: Value) -> Value:
        """Protection after what may remove it."""
        taken = self._after.effects.removes
        if taken != FALSE:
            taken &= self._logic.choose(self._rules.keeps_rights, self._rules.decrypts(), TRUE)
        unlabelled = self._after.labels.any(lambda label: label.removes)
        if taken == FALSE and unlabelled == FALSE:
            return protected
        return protected & (self._rules.keeps_foreign_rights | ~(taken | unlabelled))

    def _by_dlp(self) -> Value:
        """Whether DLP encrypts a copy in clear."""
        asks = self._after.effects.encrypts
        if asks == FALSE:
            return FALSE
        in_clear = self._rules.in_clear
        done = self._logic.choose(self._rules.open_for_dlp, self._after.unknown("dlp protects"), TRUE)
        return in_clear & asks & done

    def _by_label(self) -> Value:
        """Whether a label protects the copy, whatever did before."""
        asks = self._after.labels.any(lambda label: label.options)
        return FALSE if asks == FALSE else asks & ~(self._rules.smime | self._rules.keeps_foreign_rights)

    def _replaced(self, name: str, chosen: Value) -> Value:
        """Whether a copy has this option after DLP and labels, if the rules chose it or another."""
        theirs = self._rules.keeps_foreign_rights

        def is_this(does: Encrypter) -> bool:
            return any(same_name(option, name) for option in does.options)

        def is_other(does: Encrypter) -> bool:
            return bool(does.options) and not is_this(does)

        remaining = self._replaced_by_dlp(name, chosen, self._after.dlp.any(is_this), self._after.dlp.any(is_other))
        mine, others = self._after.labels.any(is_this), self._after.labels.any(is_other)
        return (remaining & (theirs | ~others)) | (mine & ~(theirs | self._rules.smime) & self.by_rights)

    def _replaced_by_dlp(self, name: str, chosen: Value, mine: Value, others: Value) -> Value:
        """Whether a copy has this option after DLP.

        :param mine: whether a DLP rule applies that asks for it; :param:`others`: whether one that asks for another.
        """
        theirs = self._rules.keeps_foreign_rights
        remaining = self._still_protected(chosen)
        if others != FALSE:
            remaining &= theirs | ~(others & self._after.unknown("dlp replaces", name_key(name)))
        if mine != FALSE:
            sole = self._logic.choose(others, self._after.unknown("dlp uses", name_key(name)), TRUE)
            remaining |= self._by_dlp() & mine & sole
            again = self._rules.by_rights & ~(chosen | theirs)
            remaining |= again & mine & self._after.unknown("dlp changes", name_key(name)) & self.by_rights
        return remaining


class Branding:
    """The branding that the recipient of a protected copy sees.

    :param shown: whether there is one.
    """

    def __init__(
        self, chain: RuleChain, left_by_rules: ProtectionByRules, protection: FinalProtection, after: EncrypterFormulas
    ) -> None:
        self._chain = chain
        self._rules = left_by_rules
        self._protection = protection
        self._after = after
        logic = chain.logic
        brands = list(chain.state.brands.values())
        self._possible = logic.choose(chain.mail.arrival["other"], logic.unknown("branding", "foreign"), TRUE)
        chosen = protection.by_rights & logic.any_of(brands) & self._possible if brands else FALSE
        self.shown = self._changed(chosen, "branded")

    def is_named(self, name: str) -> Value:
        """Whether it is this branding and no other."""
        logic = self._chain.logic
        state = self._chain.state
        mine = [value for brand, value in state.brands.items() if same_name(brand, name)]
        others = [value for brand, value in state.brands.items() if not same_name(brand, name)]
        another = logic.any_of(others)
        order = state.order(logic, Does.BRAND, named=True)
        which = logic.unknown_in_order(order, questions.WHICH_TEMPLATE, "brand", name_key(name))
        sole = logic.choose(another, which, TRUE)
        chosen = self._protection.by_rights & logic.any_of(mine) & sole & self._possible
        return self._changed(chosen, "brand", name_key(name))

    def _changed(self, chosen: Value, *what: Hashable) -> Value:
        """Whether a copy shows a branding after DLP and labels, if the rules chose it or not."""
        touched = self._after.dlp.any(lambda does: does.brands)
        if self._chain.state.brands:
            touched |= self._after.dlp.any(lambda does: does.options or does.removes)
            touched |= self._after.labels.any(lambda label: label.options or label.removes)
        if touched == FALSE:
            return chosen
        shown = self._protection.by_rights & self._after.unknown("brands", *what)
        return self._chain.logic.choose(touched & ~self._rules.keeps_foreign_rights, shown, chosen)
