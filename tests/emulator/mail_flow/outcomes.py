# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a message for each recipient: in one world, and in all worlds together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import transit
from .afterwards import Afterwards, Protected
from .directory import Directory
from .mail import Copy, Mail, Recipient
from .transit import Way, way
from .worlds import FACTS, Question, Truth, World

#: A message that is larger may not be encrypted; which size counts is not documented, and attachments grow by a third
#: when they are encoded.
LARGEST = 25 * 2**20
_FORWARDED = frozenset({"AutoForward", "SmtpForwarding"})
_UNCERTAIN_TYPES = frozenset({"OOF", "ReadReceipt", "Calendaring", "ApprovalRequest"})
_NOT_AS_ASKED = ("as asked", "in clear", "refused")


@dataclass(frozen=True)
class Outcome:
    """What a recipient gets in one world, at the end of the rules. ``rules`` are those that matched, each with whether
    that is certain.

    :param matched_dlp: the DLP rules that matched the copy after the rules. What becomes of it does not depend on them
        alone, so two outcomes may differ in them and be the same.
    """

    fate: str
    rules: tuple[tuple[str, bool], ...]
    protection: str | None = None
    protected_by: tuple[str, ...] = ()
    on_arrival: bool = False
    branding: str | None = None
    subject: str | None = None
    status: str | None = None
    way: Way | None = None
    disclaimer: bool = False
    by_dlp: tuple[str, ...] = ()
    matched_dlp: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    after_approval: Outcome | None = None
    after_release: Outcome | None = None


class Judge:
    """Outcomes in one world."""

    def __init__(self, world: World, message: Mail, directory: Directory) -> None:
        self._world = world
        self._message = message
        self._directory = directory
        #: Those to whom DLP rules send copies, each with the copy that theirs is made of.
        self._newcomers: list[tuple[Copy, Recipient]] = []

    def every(self, copies: Sequence[Copy]) -> Iterator[tuple[Copy, Recipient, Outcome]]:
        """What becomes of each copy for each recipient, those to whom DLP rules send it included."""
        for copy in copies:
            for recipient in copy.recipients:
                yield copy, recipient, self.outcome(copy, recipient)
        known: list[tuple[Copy, Recipient]] = []
        while self._newcomers:
            copy, recipient = self._newcomers.pop(0)
            if not any(copy is other and recipient == one for other, one in known):
                known.append((copy, recipient))
                yield copy, recipient, self.outcome(copy, recipient)

    def outcome(self, copy: Copy, recipient: Recipient) -> Outcome:
        parts = [tuple(part) for part in recipient.log]
        last = self._last(copy, recipient, parts[-1])
        for part in reversed(parts[:-1]):
            last = Outcome("moderated", part, after_approval=last)
        return last

    def _last(self, copy: Copy, recipient: Recipient, log: tuple[tuple[str, bool], ...]) -> Outcome:
        if not copy.fates:
            return self._delivered(copy, recipient, log)
        fate = copy.fates[0]
        outcome = Outcome(fate, log, status=copy.status if fate == "rejected" else None)
        if fate == "quarantined":
            return dataclasses.replace(outcome, after_release=self._by_rules(copy, recipient, ()))
        return outcome

    def _delivered(self, copy: Copy, recipient: Recipient, log: tuple[tuple[str, bool], ...]) -> Outcome:
        """What DLP and labels make of a copy that the rules let through."""
        before = self._by_rules(copy, recipient, log)
        if before.fate != "delivered" or not (self._directory.dlp_policies or self._directory.labels):
            return before
        follows = Afterwards(
            self._world,
            self._message,
            self._directory,
            copy,
            recipient,
            lambda: self._can_protect(copy),
            self._decrypts,
        )
        after = follows.outcome(_protected(before))
        self._newcomers += [(copy, newcomer) for newcomer in follows.newcomers]
        if after == "quarantined":
            released = self._after(self._by_rules(_quarantined(copy), recipient, ()), follows, follows.released)
            return Outcome(after, log, matched_dlp=follows.matched, after_release=released)
        if after == "moderated":
            approved = self._after(self._by_rules(copy, recipient, ()), follows, follows.approved)
            return Outcome(after, log, matched_dlp=follows.matched, after_approval=approved)
        if isinstance(after, str):
            return Outcome(after, log, matched_dlp=follows.matched)
        return self._after(before, follows, lambda _before: after)

    def _after(self, before: Outcome, follows: Afterwards, protect: Callable[[Protected], Protected | str]) -> Outcome:
        """An outcome with the protection that follows the rules."""
        if before.fate != "delivered":
            return before
        after = protect(_protected(before))
        if isinstance(after, str):
            return Outcome(after, before.rules)
        return dataclasses.replace(
            before,
            matched_dlp=follows.matched,
            protection=after.protection,
            protected_by=after.by,
            by_dlp=after.by_dlp,
            on_arrival=after.on_arrival,
            branding=follows.branding(before.branding, after.protection),
        )

    def _can_protect(self, copy: Copy) -> bool | None:
        """Whether the service protects a copy in clear after the rules; ``None`` if it refuses it."""
        known = not (self._message.rights_protected or self._message.smime or copy.decrypting)
        inside = self._sender("InOrganization") and not self._sender("NotInOrganization")
        if not (known and inside) or self._message.types & _FORWARDED:
            return bool(self._ask("U36", "whether mail from elsewhere is encrypted after the rules", (True, False)))
        for unknown, reason, options in self._obstacles(copy):
            answer = self._ask(unknown, reason, options)
            if answer != "as asked":
                return None if answer == "refused" else False
        return True

    def _by_rules(self, copy: Copy, recipient: Recipient, log: tuple[tuple[str, bool], ...]) -> Outcome:
        protection, by = self._protection(copy)
        if protection == "refused":
            return Outcome("rejected", log)
        arrived = self._message.kind not in ("none", "smime_signed") and protection == self._message.kind and not by
        protected = protection not in ("none", "smime")
        names = dict.fromkeys(name for _rule, name in copy.brandings)
        foreign = arrived and self._message.own_keys is False
        if (
            protected
            and foreign
            and names
            and self._ask(FACTS, "whether mail of another organization's keys is branded", (False, True)) is False
        ):
            names = {}
        branding = self._one("which branding wins", tuple(names)) if protected and names else None
        return Outcome(
            "delivered",
            log,
            protection=protection,
            protected_by=by,
            on_arrival=arrived,
            branding=branding,
            subject=copy.subject,
            way=way(self._world, self._directory, copy, recipient.address),
            disclaimer=copy.disclaimer,
        )

    # Protection

    def _protection(self, copy: Copy) -> tuple[str, tuple[str, ...]]:
        """The protection, or "refused", and the rules that asked for it."""
        message, asked = self._message, copy.encrypting
        rules = tuple(dict.fromkeys(name for name, _option in asked))
        if message.smime and not (copy.wrapped and asked):
            return "smime", ()
        if message.rights_protected:
            return self._of_protected(copy, rules)
        if not asked:
            return "none", ()
        if not self._is_encrypted_for_its_sender():
            return "none", ()
        if (
            copy.decrypting
            and self._ask("U02", "an encrypting and a decrypting rule on one message", ("encrypted", "clear"))
            == "clear"
        ):
            return "none", ()
        if "quarantined" in copy.fates and not self._ask(
            FACTS, "whether what rules ask for survives the quarantine", (True, False)
        ):
            return "none", ()
        for unknown, reason, options in self._obstacles(copy):
            answer = self._ask(unknown, reason, options)
            if answer == "refused":
                return "refused", ()
            if answer == "in clear":
                return "none", ()
        return self._option(copy), rules

    def _of_protected(self, copy: Copy, rules: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        kept = (self._message.kind, ())
        if not copy.decrypting:
            return kept
        own = self._message.own_keys
        if own is None:
            own = self._ask(FACTS, "whose keys protect the message", (True, False))
        if not own:
            return kept
        if not rules:
            return ("none", ()) if self._decrypts() else kept
        answer = self._ask("U02", "an encrypting and a decrypting rule on one message", ("kept", "removed", "replaced"))
        return kept if answer == "kept" else ("none", ()) if answer == "removed" else (self._option(copy), rules)

    def _decrypts(self) -> bool:
        """Whether the service can take protection away."""
        irm = self._directory.irm
        if not self._directory.protects:
            return bool(self._ask("U28", "whether protection is removed without licensing", (True, False)))
        return irm.get("TransportDecryptionSetting") != "Disabled" or bool(
            self._ask("U30", "whether protection is removed without decryption", (True, False))
        )

    def _is_encrypted_for_its_sender(self) -> bool:
        if self._message.types & _FORWARDED:
            return bool(self._ask("U26", "whether a message that is forwarded is encrypted", (True, False)))
        if self._sender("NotInOrganization"):
            return False
        return self._sender("InOrganization") or bool(
            self._ask("U26", "whether mail of a sender neither inside nor outside is encrypted", (True, False))
        )

    def _sender(self, scope: str) -> bool:
        sender = self._directory.primary(self._message.sender)
        truth: Truth = self._directory.sender_in(sender, scope, self._message.authenticated)
        return self._world.settle(truth, "sender", scope)

    def _obstacles(self, copy: Copy) -> list[tuple[str, str, tuple[str, ...]]]:
        """What may keep the service from encrypting although it is asked to."""
        message, irm = self._message, self._directory.irm
        least, most = message.sizes
        size = least if most is None else most if message.size is None else message.size * 4 / 3
        found: list[tuple[str, str, tuple[str, ...]]] = []
        if size > LARGEST:
            found.append(("U31", "the message is larger than 25 MB, or is when it is encoded", _NOT_AS_ASKED))
        # Outlook refuses hundreds of single addresses, and one reader took the limit for 200; of transport no page speaks.
        if len({one.lower() for people in message.written.values() for one in people}) >= 200:
            found.append(("U35", "the message has 200 recipients or more", _NOT_AS_ASKED))
        if not self._directory.protects:
            found.append(("U28", "the service is not set up for encryption", _NOT_AS_ASKED))
        if irm.get("EnablePdfEncryption") is False and any(
            str(one["name"]).lower().endswith(".pdf") for one in message.attachments
        ):
            found.append(("U25", "PDF attachments are not encrypted", _NOT_AS_ASKED))
        if message.types & _UNCERTAIN_TYPES:
            found.append(
                (
                    "U29",
                    f"whether messages of the type {', '.join(sorted(message.types))} are encrypted",
                    _NOT_AS_ASKED[:2],
                )
            )
        if message.signed and not copy.wrapped:
            found.append(("U27", "the message is signed", _NOT_AS_ASKED[:2]))
        return found

    def _option(self, copy: Copy) -> str:
        return self._one(
            "which of two templates wins", tuple(dict.fromkeys(option for _rule, option in copy.encrypting))
        )

    def _one(self, reason: str, options: tuple[str, ...]) -> str:
        return options[0] if len(options) == 1 else str(self._ask("U01", reason, options))

    def _ask(self, unknown: str, reason: str, options: tuple[Any, ...]) -> Any:
        return self._world.ask(Question(unknown, reason, (reason, options), options))


def _protected(outcome: Outcome) -> Protected:
    return Protected(str(outcome.protection), outcome.protected_by, (), outcome.on_arrival)


def _quarantined(copy: Copy) -> Copy:
    """A copy as one that a mail flow rule put in quarantine."""
    return dataclasses.replace(copy, fates=["quarantined"])


def joined(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What all worlds agree on, as a recipient's result. What does not apply, and what they disagree on, is absent."""
    fates = {one.fate for one in outcomes}
    answer: dict[str, Any] = {"fate": fates.pop() if len(fates) == 1 else "unknown"}
    protections = {one.protection for one in outcomes}
    if len(protections) == 1:
        protection = outcomes[0].protection
    elif protections & {None, "none", "smime"}:
        protection = "unknown"
    else:
        protection = "protected_option_unknown"
    if protection is not None:
        answer["protection"] = protection
        answer["protected_on_arrival"] = all(one.on_arrival for one in outcomes)
    if protection not in (None, "none", "unknown"):
        by = [name for name in outcomes[0].protected_by if all(name in one.protected_by for one in outcomes)]
        answer |= {"protected_by": by} if by else {}
    if protection not in (None, "none", "unknown"):
        dlp = [name for name in outcomes[0].by_dlp if all(name in one.by_dlp for one in outcomes)]
        answer |= {"protected_by_dlp": dlp} if dlp else {}
    answer["rules"] = _joined_rules([one.rules for one in outcomes])
    for name in ("branding", "subject", "status", "disclaimer"):
        values = {getattr(one, name) for one in outcomes}
        if len(values) == 1 and (value := values.pop()) not in (None, False):
            answer[name] = value
    if answer["fate"] == "delivered" and (found := transit.joined([one.way for one in outcomes])):
        answer["transit"] = found
    for name in ("after_approval", "after_release"):
        nested = [getattr(one, name) for one in outcomes]
        if all(one is not None for one in nested):
            answer[name] = joined(nested)
    return answer


def _joined_rules(logs: Sequence[Sequence[tuple[str, bool]]]) -> list[dict[str, Any]]:
    places: dict[str, int] = {}
    for log in logs:
        for place, (name, _certain) in enumerate(log):
            places[name] = max(places.get(name, 0), place)
    certain = [{name for name, sure in log if sure} for log in logs]
    return [{"name": name, "matched": True if all(name in one for one in certain) else "unknown"} for name in places]
