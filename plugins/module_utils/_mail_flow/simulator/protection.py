# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the rules protect a copy. Private to the collection.

Exchange encrypts a message after the last rule, as the rules asked and depending on how it arrived. Source: Microsoft's
pages about mail flow rules that encrypt, about usage rights, and about IRM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import directions, questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.content import (
    ENCODED,
    size_range,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open, Reason, Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import (
    Message,
    Protection,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import World

#: The largest message that is protected, in bytes, and the largest that is protected however it is encoded.
LARGEST = 25 << 20
SURELY_PROTECTED = int(LARGEST / ENCODED)

#: Types of messages for which it is not documented whether rules protect them, and types that are sent again under
#: another name.
SYSTEM_TYPES = ("OOF", "ReadReceipt", "Calendaring", "ApprovalRequest")
FORWARDED_TYPES = ("AutoForward", "SmtpForwarding")

_OPTIONS = {"encrypt": "encrypt", "do not forward": "do_not_forward"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A copy's protection, if it is delivered.

    :param protection: ``none``, ``encrypt``, ``do_not_forward``, ``template:<name>``, ``smime``,
        ``protected_option_unknown`` or ``unknown``.
    :param by: the rules that protect it.
    :param on_arrival: whether the message arrived with its protection; ``None`` if that is open.
    :param branding: the OME configuration that it shows; empty if none does.
    :param reasons: why something is open.
    :param delivered: whether protecting it certainly does not prevent its delivery.
    :param assumes: the numbers of the guesses that it relies on.
    """

    protection: str
    by: tuple[str, ...] = ()
    on_arrival: bool | None = False
    branding: str = ""
    reasons: tuple[Reason, ...] = ()
    delivered: bool = True
    assumes: frozenset[str] = frozenset()


def option_name(template: str) -> str:
    """The name of a rights management template in a result."""
    return _OPTIONS.get(template.casefold(), f"template:{template}")


def verdict(world: World, message: Message, facts: Facts) -> Verdict:
    """The protection in a world after the last rule."""
    found = _protection(world, message, facts)
    if world.surprises:
        return replace(
            found,
            protection="unknown",
            by=(),
            reasons=(*found.reasons, *world.surprises),
            on_arrival=None,
            delivered=False,
        )
    return _branded(found, world, message)


def _branded(found: Verdict, world: World, message: Message) -> Verdict:
    """With the branding that rules chose; mail protected by another organization's keys gets none."""
    names = {name_key(name): name for _rule, name in world.brands}
    foreign = found.on_arrival and message.protection is not None and message.protection.owner == "other"
    if not names or foreign or found.protection in ("none", "smime", "unknown"):
        return found
    if len(names) > 1:
        why = Reason(questions.WHICH_TEMPLATE, "which_branding", (tuple(sorted(names.values())),))
        return replace(found, reasons=(*found.reasons, why))
    return replace(found, branding=next(iter(names.values())))


def _unknown(reason: Reason) -> Verdict:
    return Verdict("unknown", reasons=(reason,), on_arrival=None)


def _protection(world: World, message: Message, facts: Facts) -> Verdict:
    arrival = message.protection
    if arrival is None:
        return _unknown(Reason(questions.A_FACT, "arrival", field="protection"))
    if world.content.wrapped and arrival.kind in ("smime", "smime_signed"):
        # The wrapped message is now an attachment, unchanged.
        kept = Verdict("smime" if arrival.kind == "smime" else "none", on_arrival=arrival.kind == "smime")
        return _asked(world, message, facts) if world.asked else kept
    if arrival.kind == "smime":
        return Verdict("smime", on_arrival=True)
    if arrival.by_rights:
        return _of_protected(world, arrival, facts)
    return _asked(world, message, facts) if world.asked else Verdict("none")


def _of_protected(world: World, arrival: Protection, facts: Facts) -> Verdict:
    """A message that arrives protected stays so: further requests are ignored, and only protection by the
    organization's own keys can be removed.
    """
    kept = Verdict(arrival.kind, on_arrival=True)
    if arrival.kind == "protected_option_unknown":
        kept = replace(kept, reasons=(Reason(questions.A_FACT, "arrival_option", field="protection"),))
    if arrival.owner == "other" or not world.removed:
        return kept
    if arrival.owner != "own":
        return _unknown(Reason(questions.A_FACT, "arrival_keys", field="protection"))
    if world.asked:
        return _unknown(_both(world))
    closed = _closed(facts.irm_configuration or {})
    return _unknown(closed) if closed else Verdict("none")


def _closed(settings: Mapping[str, Any]) -> Reason | None:
    """Why it is open whether Exchange can remove protection."""
    off = licensing_off(settings)
    if off:
        return Reason(questions.LICENSING_OFF, "decrypts_unlicensed", (off,), "facts.irm_configuration")
    disabled = settings.get("transport_decryption_setting") == "Disabled"
    return Reason(questions.UNREADABLE, "decrypts_disabled", field="facts.irm_configuration") if disabled else None


def licensing_off(settings: Mapping[str, Any]) -> str:
    """The required licensing settings that are off; empty if none is."""
    return " and ".join(
        name for name in ("azure_rms_licensing_enabled", "internal_licensing_enabled") if settings.get(name) is False
    )


def _both(world: World) -> Reason:
    names = [tuple(dict.fromkeys(rules)) for rules in ((rule for rule, _template in world.asked), world.removed)]
    return Reason(questions.ENCRYPTED_AND_DECRYPTED, "encrypted_and_decrypted", tuple(names))


def _asked(world: World, message: Message, facts: Facts) -> Verdict:
    """A message that arrives in clear and that rules ask to protect."""
    sender = facts.primary(message.sender)
    scope = [
        value.settled(world.answered()) if isinstance(value, Open) else value
        for value in _scopes(facts, sender, message.authenticated)
    ]
    assumes = frozenset(
        reason.id for value in scope if isinstance(value, Open) and value.likely is not None for reason in value.reasons
    )
    inside, outside = (value if isinstance(value, bool) else value.likely for value in scope)
    forwarded = (message.types or frozenset()) & frozenset(FORWARDED_TYPES)
    if outside is True and inside is not True and not forwarded and not message.also_from:
        return Verdict("none", assumes=assumes)
    reasons = [_both(world)] if world.removed else []
    if world.fate in ("quarantined", "released"):
        reasons.append(Reason(questions.A_FACT, "after_quarantine"))
    if any(
        _scopes(facts, facts.primary(other), message.authenticated) != _scopes(facts, sender, message.authenticated)
        for other in message.also_from
    ):
        reasons.append(Reason(questions.A_FACT, "from_field"))
    if inside is not True and not forwarded:
        reasons += [reason for value in scope if isinstance(value, Open) for reason in value.reasons]
        reasons.append(Reason(questions.FORWARDED, "sender_not_inside", (message.sender,), "from"))
    if message.signed and not world.content.wrapped:
        reasons.append(Reason(questions.SMIME_SIGNED, "smime_signed", field="protection"))
    reasons += [*_type_reasons(message), *_configured(facts.irm_configuration, message)]
    large = _too_large(message)
    if reasons or large:
        delivered = not large and not any(reason.id in (questions.PDF, questions.LICENSING_OFF) for reason in reasons)
        return Verdict("unknown", reasons=(*reasons, *([large] if large else [])), delivered=delivered)
    by = tuple(dict.fromkeys(rule for rule, _template in world.asked))
    options = {name_key(option_name(template)): option_name(template) for _rule, template in world.asked}
    if len(options) > 1:
        why = Reason(questions.WHICH_TEMPLATE, "which_template", (tuple(sorted(options.values())),))
        return Verdict("protected_option_unknown", by, reasons=(why,), assumes=assumes)
    return Verdict(next(iter(options.values())), by, assumes=assumes)


def _scopes(facts: Facts, sender: str, authenticated: bool | None) -> tuple[Truth, Truth]:
    return directions.sender_inside(facts, sender, authenticated), directions.sender_outside(facts, sender)


def _type_reasons(message: Message) -> list[Reason]:
    """Why it is open whether a message of its type is encrypted."""
    types = message.types or frozenset()
    system = sorted(types & frozenset(SYSTEM_TYPES))
    reasons = [Reason(questions.FORWARDED, "forwarded", field="type")] if types & frozenset(FORWARDED_TYPES) else []
    return [*reasons, *([Reason(questions.SYSTEM_MAIL, "system_mail", (tuple(system),), "type")] if system else [])]


def _configured(irm: Mapping[str, Any] | None, message: Message) -> list[Reason]:
    """Why it is open whether the organization's settings let a message be protected."""
    settings = irm or {}
    off = licensing_off(settings)
    reasons = [Reason(questions.LICENSING_OFF, "encrypts_unlicensed", (off,), "facts.irm_configuration")] if off else []
    documents = [
        attachment.name for attachment in message.attachments or () if attachment.name.lower().endswith(".pdf")
    ]
    if documents and settings.get("enable_pdf_encryption") is False:
        reasons.append(Reason(questions.PDF, "pdf", (documents[0],), "attachments"))
    return reasons


def _too_large(message: Message) -> Reason | None:
    """Whether a message may be too large to be encrypted. Whether its size counts before or after encoding is not
    documented.
    """
    least, most = (message.size, int(message.size * ENCODED)) if message.size is not None else size_range(message)
    if (least if most is None else most) <= LARGEST:
        return None
    return Reason(questions.TOO_LARGE, "too_large" if least > LARGEST else "perhaps_too_large", field="size")
