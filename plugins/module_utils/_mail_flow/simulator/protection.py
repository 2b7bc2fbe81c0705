# SPDX-License-Identifier: GPL-3.0-or-later
"""How the rules protect a copy, and by which way it leaves the organization.

Exchange encrypts a message after the last rule, as the rules asked and depending on how it arrived. Source: Microsoft's
pages about mail flow rules that encrypt, about usage rights, and about IRM.

Which connector wins where several could, one that a rule routes to among them, is not documented. So a copy has every
way that may win, and what is said of it is what all of them have in common. Source: Microsoft's pages of outbound
connectors, and of the rules' actions RouteMessageOutbound....
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from ..._exchange.names import name_key, same_name
from ..._resources.rights_management import Obstacle
from ..actions.protect import option_name
from ..model import questions
from ..model.addresses import domain
from ..model.connectors import ROUTED_TO, VALIDATIONS, Connector, at_least
from ..model.encrypters import BLOCKED, DLP, LABELS, AppliedEncrypters, Encrypter, PossibleEncrypter
from ..model.facts import Facts
from ..model.inside import leaves, sender_inside, sender_outside
from ..model.kleene import Open, Reason, Truth, evaluate
from ..model.message import Message, Protection
from ..model.outcomes import Fate, ProtectionKind, Tls
from ..model.reason_kinds import ReasonKind
from ..model.routing import connectors_for, connectors_to_own_servers, may_relay
from ..model.sizes import ENCODED, size_range
from .copy_result import Transit
from .state import World

#: The largest message that is protected, in bytes, and the largest that is protected however it is encoded.
LARGEST = 25 << 20
#: The number of recipients from which on nobody says whether mail is encrypted: Outlook refuses so many single addresses.
MANY = 200
SURELY_PROTECTED = int(LARGEST / ENCODED)

#: Types of messages for which it is not documented whether rules protect them, and types that are sent again under
#: another name.
SYSTEM_TYPES = ("OOF", "ReadReceipt", "Calendaring", "ApprovalRequest")
FORWARDED_TYPES = ("AutoForward", "SmtpForwarding")


@dataclass(frozen=True, slots=True)
class CopyProtection:
    """A copy's protection, if it is delivered.

    :param kind: a :class:`ProtectionKind` or ``template:<name>``.
    :param by: the rules that protect it.
    :param on_arrival: whether the message arrived with its protection; ``None`` if that is open.
    :param brandings: the OME configurations of which it shows one, an empty name for none; empty if any may be.
    :param reasons: why something is open.
    :param delivered: whether protecting it certainly does not prevent its delivery.
    :param assumes: the numbers of the guesses that it relies on.
    :param rebranded: whether a DLP rule may have chosen another branding.
    :param by_dlp: the DLP rules that protect it; :param:`by_label` the label.
    :param ended: what a DLP rule surely makes of the copy instead of its delivery; empty if nothing; :param:`ended_by` its name.
    :param replaced: whether rules protect it, and something that follows them may do so in their place.
    :param taken_by: the DLP rules that surely took its protection away.
    """

    kind: str
    by: tuple[str, ...] = ()
    on_arrival: bool | None = False
    brandings: tuple[str, ...] = ("",)
    reasons: tuple[Reason, ...] = ()
    delivered: bool = True
    assumes: frozenset[str] = frozenset()
    rebranded: bool = False
    by_dlp: tuple[str, ...] = ()
    by_label: str = ""
    ended: Fate | None = None
    ended_by: tuple[str, ...] = ()
    taken_by: tuple[str, ...] = ()
    replaced: bool = False

    @property
    def branding(self) -> str:
        """The OME configuration that it shows; empty if none does, or that is open."""
        return self.brandings[0] if len(self.brandings) == 1 else ""


def protection_of(world: World, message: Message, facts: Facts) -> CopyProtection:
    """The protection in a world after the last rule."""
    protection = _protection(world, message, facts)
    if world.surprises:
        return replace(
            protection,
            kind=ProtectionKind.UNKNOWN,
            by=(),
            reasons=(*protection.reasons, *world.surprises),
            on_arrival=None,
            delivered=False,
        )
    return _afterwards(_branded(protection, world, message), world, message, facts)


def _afterwards(protection: CopyProtection, world: World, message: Message, facts: Facts) -> CopyProtection:
    """A copy after DLP rules and its label. Neither S/MIME nor protection by another organization's keys is theirs to
    change.
    """
    after = world.after
    if not after.every:
        return protection
    dlp, labels = after.of_kind(DLP), after.of_kind(LABELS)
    if dlp.blocks:
        return replace(protection, ended=BLOCKED, ended_by=dlp.blocks, delivered=False)
    if dlp.may("ends"):
        protection = replace(protection, delivered=False, reasons=(*protection.reasons, *dlp.reasons("ends")))
    arrival = message.protection
    foreign = protection.on_arrival and arrival is not None and arrival.owner == "other"
    if protection.kind == ProtectionKind.SMIME or foreign:
        return protection
    if dlp.may("brands") or (world.brands and any(after.may(effect) for effect in ("options", "removes"))):
        reasons = after.reasons("brands", "options", "removes") if world.brands else dlp.reasons("brands")
        protection = replace(protection, brandings=(), rebranded=True, reasons=(*protection.reasons, *reasons))
    return _labelled(_after_dlp(protection, world, message, facts, dlp), world, message, facts, labels)


def _after_dlp(
    protection: CopyProtection, world: World, message: Message, facts: Facts, dlp: AppliedEncrypters
) -> CopyProtection:
    """A copy after the DLP rules."""
    if protection.kind == ProtectionKind.NONE:
        if not dlp.may("options"):
            return protection
        if dlp.surely("options"):
            return _protected_after(protection, dlp, world, message, facts)
        return _opened(protection, dlp, "options")
    arrival = message.protection
    ours = arrival is not None and (not arrival.by_rights or arrival.owner == "own")
    closed = _closed(facts) if arrival is not None and arrival.by_rights else None
    if dlp.surely("removes") and ours and not closed:
        return CopyProtection(
            ProtectionKind.NONE,
            reasons=protection.reasons,
            delivered=protection.delivered,
            taken_by=dlp.names("removes"),
        )
    if protection.kind == ProtectionKind.UNKNOWN:
        return _opened(protection, dlp, "options") if dlp.may("options") else protection
    if dlp.may("removes"):
        return _opened(protection, dlp, "removes", *([closed] if closed else []))
    return _replaced(protection, dlp)


def _labelled(
    protection: CopyProtection, world: World, message: Message, facts: Facts, labels: AppliedEncrypters
) -> CopyProtection:
    """A copy with its label: one that encrypts replaces all other protection."""
    if not labels.every:
        return protection
    if labels.may("removes"):
        return (
            protection
            if protection.kind == ProtectionKind.NONE and not labels.may("options")
            else _opened(protection, labels, "removes")
        )
    if any(applied.sure for applied in labels.with_effect("options")):
        return _protected_after(protection, labels, world, message, facts)
    if protection.kind in (ProtectionKind.NONE, ProtectionKind.UNKNOWN):
        return _opened(protection, labels, "options")
    return _replaced(protection, labels, anew=True)


def _protected_after(
    protection: CopyProtection, after: AppliedEncrypters, world: World, message: Message, facts: Facts
) -> CopyProtection:
    """A copy that DLP rules or a label surely protect after the rules, if Exchange can protect it."""
    sure = [applied for applied in after.with_effect("options") if applied.sure]
    arrival = message.protection
    asked = tuple((applied.what.name, option) for applied in sure for option in applied.what.options)
    as_asked = _asked(world.with_changes(asked=asked, removed=()), message, facts)
    in_clear = arrival is not None and not arrival.by_rights and not world.removed
    if as_asked.kind in (ProtectionKind.NONE, ProtectionKind.UNKNOWN) or not in_clear or as_asked.assumes:
        reasons = (*protection.reasons, *as_asked.reasons, *(_perhaps_not(applied.what) for applied in sure))
        return replace(
            protection,
            kind=ProtectionKind.UNKNOWN,
            by=(),
            on_arrival=None,
            brandings=("",),
            reasons=reasons,
            delivered=protection.delivered and as_asked.delivered,
        )
    options = after.options
    option = options[0] if len(options) == 1 else ProtectionKind.OPTION_UNKNOWN
    label = sure[0].what.name if sure[0].what.kind == LABELS else ""
    return replace(
        protection,
        kind=option,
        by=(),
        by_dlp=()
        if label or not _alike(after.with_effect("options"))
        else tuple(dict.fromkeys(applied.what.name for applied in sure)),
        by_label=label,
        brandings=("",),
        reasons=protection.reasons if len(options) == 1 else (*protection.reasons, *after.reasons("options")),
    )


def _alike(several: Sequence[PossibleEncrypter]) -> bool:
    """Whether several do the same to mail. Of others Exchange may enforce one alone."""
    return len({applied.what.effects for applied in several}) == 1


def _perhaps_not(asking: Encrypter) -> Reason:
    """Why it is open whether what a DLP rule or a label asks for is done."""
    if asking.kind == LABELS:
        return Reason(questions.LABEL_IN_TRANSPORT, "labels_options", (asking.name,))
    return Reason(questions.SEVERAL_DLP_RULES, "dlp_inbound", (asking.name, asking.policy))


def _replaced(protection: CopyProtection, after: AppliedEncrypters, *, anew: bool = False) -> CopyProtection:
    """A protected copy of which it may be open with which option it is protected in the end, and by whom.

    :param anew: whether it may be protected anew with the option that it has.
    """
    other = after.replaces(protection.kind)
    if not (other or (anew and after.may("options"))):
        return protection
    return replace(
        protection,
        kind=ProtectionKind.OPTION_UNKNOWN if other else protection.kind,
        by=(),
        by_dlp=(),
        replaced=bool(protection.by or protection.by_dlp or protection.replaced),
        on_arrival=None if protection.on_arrival else protection.on_arrival,
        reasons=(*protection.reasons, *(after.reasons("options") if other else ())),
    )


def _opened(protection: CopyProtection, after: AppliedEncrypters, effect: str, *more: Reason) -> CopyProtection:
    """A copy of which it is open whether it is protected in the end."""
    reasons = (*protection.reasons, *after.reasons(effect), *more)
    return replace(
        protection,
        kind=ProtectionKind.UNKNOWN,
        by=(),
        by_dlp=(),
        by_label="",
        on_arrival=None,
        brandings=("",),
        reasons=reasons,
    )


def _branded(protection: CopyProtection, world: World, message: Message) -> CopyProtection:
    """A copy with the branding that rules chose; mail protected by another organization's keys gets none."""
    names = {name_key(name): name for _rule, name in world.brands}
    foreign = protection.on_arrival and message.protection is not None and message.protection.owner == "other"
    if not names or foreign or protection.kind in (ProtectionKind.NONE, ProtectionKind.SMIME, ProtectionKind.UNKNOWN):
        return protection
    if len(names) > 1:
        why = Reason(questions.WHICH_TEMPLATE, "which_branding", (tuple(sorted(names.values())),))
        return replace(protection, brandings=tuple(sorted(names.values())), reasons=(*protection.reasons, why))
    return replace(protection, brandings=tuple(names.values()))


def _unknown(reason: Reason) -> CopyProtection:
    return CopyProtection(ProtectionKind.UNKNOWN, reasons=(reason,), on_arrival=None)


def _protection(world: World, message: Message, facts: Facts) -> CopyProtection:
    arrival = message.protection
    if arrival is None:
        return _unknown(Reason(questions.A_FACT, "arrival", field="protection"))
    encrypted = arrival.kind == ProtectionKind.SMIME
    if world.content.wrapped and (encrypted or arrival.kind == ProtectionKind.SMIME_SIGNED):
        if world.asked:
            return _asked(world, message, facts)
        # The wrapped message is now an attachment, unchanged.
        return CopyProtection(ProtectionKind.SMIME if encrypted else ProtectionKind.NONE, on_arrival=encrypted)
    if encrypted:
        return CopyProtection(ProtectionKind.SMIME, on_arrival=True)
    if arrival.by_rights:
        return _of_protected(world, arrival, facts)
    return _asked(world, message, facts) if world.asked else CopyProtection(ProtectionKind.NONE)


def _of_protected(world: World, arrival: Protection, facts: Facts) -> CopyProtection:
    """A message that arrives protected stays so: further requests are ignored, and only protection by the
    organization's own keys can be removed.
    """
    kept = CopyProtection(arrival.kind, on_arrival=True)
    if arrival.kind == ProtectionKind.OPTION_UNKNOWN:
        kept = replace(kept, reasons=(Reason(questions.A_FACT, "arrival_option", field="protection"),))
    if arrival.owner == "other" or not world.removed:
        return kept
    if arrival.owner != "own":
        return _unknown(Reason(questions.A_FACT, "arrival_keys", field="protection"))
    if world.asked:
        return _unknown(_both(world))
    closed = _closed(facts)
    return _unknown(closed) if closed else CopyProtection(ProtectionKind.NONE)


def _closed(facts: Facts) -> Reason | None:
    """Why it is open whether Exchange can remove protection."""
    if facts.encryption.obstacle:
        return _unlicensed("decrypts_unlicensed", facts.encryption.obstacle)
    disabled = (facts.encryption.irm_configuration or {}).get("transport_decryption_setting") == "Disabled"
    return Reason(questions.UNREADABLE, "decrypts_disabled", field="facts.irm_configuration") if disabled else None


def _both(world: World) -> Reason:
    names = [tuple(dict.fromkeys(rules)) for rules in ((rule for rule, _template in world.asked), world.removed)]
    return Reason(questions.ENCRYPTED_AND_DECRYPTED, "encrypted_and_decrypted", tuple(names))


def _asked(world: World, message: Message, facts: Facts) -> CopyProtection:
    """A message that arrives in clear and that rules ask to protect."""
    scope = _scope_of_sender(world, message, facts)
    forwarded = not (message.types or frozenset()).isdisjoint(FORWARDED_TYPES)
    if scope.outside is True and scope.inside is not True and not forwarded and not message.also_from:
        return CopyProtection(ProtectionKind.NONE, assumes=scope.assumes)
    reasons = _reasons_of_world(world, message, facts)
    if scope.inside is not True and not forwarded:
        reasons += scope.reasons
        reasons.append(Reason(questions.FORWARDED, "sender_not_inside", (message.sender,), "from"))
    if message.signed and not world.content.wrapped:
        reasons.append(Reason(questions.SMIME_SIGNED, "smime_signed", field="protection"))
    reasons += [*_type_reasons(message), *_configured(facts, message)]
    large = _too_large(message) or _too_many(message)
    if large:
        return CopyProtection(ProtectionKind.UNKNOWN, reasons=(*reasons, large), delivered=False)
    if reasons:
        fails = any(reason.id in (questions.PDF, questions.LICENSING_OFF) for reason in reasons)
        return CopyProtection(ProtectionKind.UNKNOWN, reasons=tuple(reasons), delivered=not fails)
    return _by_rules(world, scope.assumes)


def _by_rules(world: World, assumes: frozenset[str]) -> CopyProtection:
    """The protection that rules ask for, where nothing keeps it from being applied."""
    by = tuple(dict.fromkeys(rule for rule, _template in world.asked))
    options = {name_key(option_name(template)): option_name(template) for _rule, template in world.asked}
    if len(options) > 1:
        why = Reason(questions.WHICH_TEMPLATE, "which_template", (tuple(sorted(options.values())),))
        return CopyProtection(ProtectionKind.OPTION_UNKNOWN, by, reasons=(why,), assumes=assumes)
    return CopyProtection(next(iter(options.values())), by, assumes=assumes)


@dataclass(frozen=True)
class _SenderScope:
    """The scopes of the sender of a message, as likely as that is; ``None`` if it is open.

    :param assumes: the numbers of the assumptions that this rests on.
    :param reasons: why any of it is open.
    """

    inside: bool | None
    outside: bool | None
    assumes: frozenset[str]
    reasons: tuple[Reason, ...]


def _scope_of_sender(world: World, message: Message, facts: Facts) -> _SenderScope:
    scopes = [
        evaluate(value, world.answered())
        for value in _scopes(facts, facts.people.primary(message.sender), message.authenticated)
    ]
    open_scopes = [value for value in scopes if isinstance(value, Open)]
    inside, outside = (value.likely if isinstance(value, Open) else value for value in scopes)
    return _SenderScope(
        inside,
        outside,
        frozenset(reason.id for value in open_scopes if value.likely is not None for reason in value.reasons),
        tuple(reason for value in open_scopes for reason in value.reasons),
    )


def _reasons_of_world(world: World, message: Message, facts: Facts) -> list[Reason]:
    """Why it is open what comes of protection, but for what depends on the sender's scope and the message's type."""
    reasons = [_both(world)] if world.removed else []
    if world.fate in (Fate.QUARANTINED, Fate.RELEASED):
        reasons.append(Reason(questions.A_FACT, "after_quarantine"))
    first = _scopes(facts, facts.people.primary(message.sender), message.authenticated)
    others = [_scopes(facts, facts.people.primary(other), message.authenticated) for other in message.also_from]
    if any(other != first for other in others):
        reasons.append(Reason(questions.A_FACT, "from_field"))
    return reasons


def _scopes(facts: Facts, sender: str, authenticated: bool | None) -> tuple[Truth, Truth]:
    return sender_inside(facts, sender, authenticated), sender_outside(facts, sender)


def _type_reasons(message: Message) -> list[Reason]:
    """Why it is open whether a message of its type is encrypted."""
    types = message.types or frozenset()
    system = sorted(types & frozenset(SYSTEM_TYPES))
    reasons = [Reason(questions.FORWARDED, "forwarded", field="type")] if types & frozenset(FORWARDED_TYPES) else []
    return [*reasons, *([Reason(questions.SYSTEM_MAIL, "system_mail", (tuple(system),), "type")] if system else [])]


def _unlicensed(kind: ReasonKind, obstacle: Obstacle) -> Reason:
    """Why it is open what comes of protection where rights management may not work."""
    return Reason(questions.LICENSING_OFF, kind, (obstacle.cause,), f"facts.{obstacle.fact}")


def _configured(facts: Facts, message: Message) -> list[Reason]:
    """Why it is open whether the organization's settings let a message be protected."""
    settings = facts.encryption.irm_configuration or {}
    reasons = [_unlicensed("encrypts_unlicensed", facts.encryption.obstacle)] if facts.encryption.obstacle else []
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
    least, most = (message.size, ceil(message.size * ENCODED)) if message.size is not None else size_range(message)
    if (least if most is None else most) <= LARGEST:
        return None
    return Reason(questions.TOO_LARGE, "too_large" if least > LARGEST else "perhaps_too_large", field="size")


def _too_many(message: Message) -> Reason | None:
    """Whether a message may have too many recipients to be encrypted. Members of groups do not count."""
    people = {address.lower() for address in (*message.to, *message.cc, *message.bcc)}
    return Reason(questions.MANY_RECIPIENTS, "many_recipients", (len(people),)) if len(people) >= MANY else None


_NOT_READ = Reason(questions.A_FACT, "outbound_connectors", field="facts.outbound_connectors")


@dataclass(frozen=True, slots=True)
class Way:
    """A way by which a copy may leave.

    :param connector: its name; empty if none takes the copy.
    :param validation: what its forced TLS checks, one of ``VALIDATIONS``; empty where TLS is used only if the other
        side offers it.
    :param ends_at: the smart hosts at which what Exchange knows ends.
    :param doubt: why it may check, or force, more than that.
    :param known: whether it is known that a copy goes this way if no other one wins.
    """

    connector: str = ""
    validation: str = ""
    ends_at: str = ""
    doubt: Reason | None = None
    known: bool = True

    def protects(self, least: str) -> bool | None:
        """Whether a copy goes this way only by TLS that checks this at least; ``None`` if that is open."""
        if at_least(self.validation, least):
            return True
        return None if self.doubt else False


def ways_of(world: World, facts: Facts, address: str) -> list[Way]:
    """The ways by which somebody's copy may leave, each once."""
    ways = _connected(world, facts, domain(address))
    if world.requires_tls:
        ways = [replace(way, validation=way.validation or VALIDATIONS[0]) for way in ways]
    return list(dict.fromkeys(ways))


def _connected(world: World, facts: Facts, name: str) -> list[Way]:
    if facts.connectors.outbound is None:
        return [Way(doubt=_NOT_READ, known=False)]
    routed = [_routed(rule, connector, facts) for rule, connector in world.routes]
    taking = [connector for connector in connectors_for(facts, name) if connector.takes_any]
    surely = [*routed, *(_way(connector) for connector in taking if not connector.test_mode)]
    # A connector that is tried may take the copy, or not.
    return [*surely, *([] if surely else [Way()]), *(_way(connector) for connector in taking if connector.test_mode)]


def _way(connector: Connector) -> Way:
    doubt = None
    if connector.doubt:
        kind, *values = connector.doubt
        doubt = Reason(questions.WHICH_CONNECTOR, kind, (connector.name, *values))
    return Way(connector.name, connector.validation, ", ".join(connector.smart_hosts), doubt)


def _routed(rule: str, wanted: str, facts: Facts) -> Way:
    """The way of a copy that a rule routes to a connector."""
    named = (known for known in facts.connectors.outbound or () if same_name(known.name, wanted))
    connector = next(named, None)
    if connector is None or connector.idle:
        kind = ROUTED_TO[connector.idle] if connector else "routed_to_unknown"
        return Way(wanted, doubt=Reason(questions.WHICH_CONNECTOR, kind, (rule, wanted)), known=False)
    return _way(connector)


def _goes(world: World, facts: Facts, address: str) -> Truth:
    """Whether somebody's copy leaves. Where a rule routes a copy for somebody inside to a connector, or Exchange may
    relay it to other servers, that is open.
    """
    goes = leaves(facts, address)
    if goes is not False:
        return goes
    name = domain(address)
    reasons = tuple(
        Reason(questions.WHICH_CONNECTOR, "routed_inside", (address, rule, connector))
        for rule, connector in world.routes
    )
    if may_relay(facts, address):
        reasons += (Reason(questions.WHICH_CONNECTOR, "relayed", (name,)),)
    return Open(("goes", address, world.routes), reasons) if reasons else False


def protects(world: World, facts: Facts, address: str, least: str) -> bool | None:
    """Whether somebody's copy does not leave, or only by forced TLS that checks this at least; ``None`` if that is
    open.
    """
    goes = _goes(world, facts, address)
    if goes is False:
        return True
    every = {way.protects(least) for way in ways_of(world, facts, address)}
    if every == {True}:
        return True
    return False if every == {False} and goes is True else None


def leaves_through(world: World, facts: Facts, address: str, connector: str) -> bool | None:
    """Whether somebody's copy leaves through a connector; ``None`` if that is open."""
    goes = _goes(world, facts, address)
    if goes is False:
        return False
    ways = ways_of(world, facts, address)
    every = {same_name(way.connector, connector) for way in ways}
    if goes is not True or len(every) > 1 or not all(way.known for way in ways):
        return None
    return every == {True}


def reasons_of_transit(world: World, facts: Facts, address: str) -> list[Reason]:
    """Why it is open how somebody's copy leaves. If all ways protect it alike, it is which of them it takes."""
    goes = _goes(world, facts, address)
    ways = ways_of(world, facts, address)
    reasons = [*(goes.reasons if isinstance(goes, Open) else ()), *_reasons(ways, address)]
    return reasons or ([_which_way(ways, address)] if len(ways) > 1 else [])


def _reasons(ways: Sequence[Way], address: str) -> list[Reason]:
    doubts = [way.doubt for way in ways if way.doubt]
    if len({way.validation for way in ways}) > 1:
        doubts.append(_which_way(ways, address))
    return doubts


def _which_way(ways: Sequence[Way], address: str) -> Reason:
    """Why it is open which of several ways a copy takes."""
    names = tuple(way.connector for way in ways)
    return Reason(questions.WHICH_CONNECTOR, "which_way", (domain(address), names))


def transit(worlds: Iterable[World], facts: Facts, address: str) -> Transit | None:
    """What all ways of a delivered copy have in common; ``None`` if it does not leave, and no connector may hand it to the
    organization's own servers.
    """
    every = list(worlds)
    leaving = [_goes(world, facts, address) for world in every]
    if all(goes is False for goes in leaving):
        own = [connector.name for connector in connectors_to_own_servers(facts, domain(address))]
        return Transit(on_premises=", ".join(own)) if own else None
    # A copy that stays has no way.
    by_world = [
        [] if goes is False else ways_of(world, facts, address) for world, goes in zip(every, leaving, strict=True)
    ]
    ways = list(dict.fromkeys(way for ways in by_world for way in ways))
    shared = _in_common(ways, leaves_surely=all(goes is True for goes in leaving))
    if shared.tls is Tls.OPPORTUNISTIC or shared.validation:
        return shared
    reasons = {reason for goes in leaving if isinstance(goes, Open) for reason in goes.reasons}
    reasons.update(_reasons(ways, address))
    if any(ways_of_one != by_world[0] for ways_of_one in by_world):
        reasons.update(_reasons_of_answers(every))
    return replace(shared, unknown=tuple(sorted(reasons)))


def _reasons_of_answers(worlds: Iterable[World]) -> list[Reason]:
    """The reasons of the questions that worlds answer."""
    return [reason for world in worlds for question, _answer in world.answers for reason in question.reasons]


def _in_common(ways: Sequence[Way], *, leaves_surely: bool) -> Transit:
    """What ways have in common, without why anything is open."""
    tls = _tls(ways) if leaves_surely else Tls.UNKNOWN
    is_known = tls is Tls.FORCED and not any(way.doubt for way in ways)
    return Transit(
        tls,
        _shared(way.validation for way in ways) if is_known else "",
        connector=_shared(way.connector for way in ways),
        ends_at=_shared(way.ends_at for way in ways),
    )


def _tls(ways: Iterable[Way]) -> Tls:
    """Whether TLS is forced on all of these ways."""
    kinds: set[Tls] = set()
    for way in ways:
        if way.validation:
            kinds.add(Tls.FORCED)
        else:
            kinds.add(Tls.UNKNOWN if way.doubt else Tls.OPPORTUNISTIC)
    return kinds.pop() if len(kinds) == 1 else Tls.UNKNOWN


def _shared(values: Iterable[str]) -> str:
    """The value that all of these are; empty if they differ."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else ""
