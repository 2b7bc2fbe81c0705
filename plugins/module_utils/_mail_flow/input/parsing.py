# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages and facts from a user's options.

Invalid input is refused by name before anything is computed: an unknown key, an invalid address, an unknown type.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..._exchange.errors import OptionError
from ..._exchange.kinds import Boolean
from ..._exchange.spelling import remedy
from ..._resources.compliance.dlp_policies import declared_policy
from ..._resources.compliance.sensitivity_labels import (
    declared_auto_label_policy,
    declared_label,
    declared_label_policy,
)
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.mailbox_policies import OWA_MAILBOX_POLICY
from ..._resources.ome_configuration import OME_CONFIGURATION
from ..._resources.rules.fields import IMPORTANCES, MESSAGE_TYPES
from ..model.addresses import is_address
from ..model.carried_labels import auto_label, label_encrypter
from ..model.connectors import Connector, KnownConnectors, connector_of
from ..model.contradictions import CONTRADICTING_PARTS, ContradictedCopy
from ..model.domains import AcceptedDomain, KnownDomains
from ..model.encrypters import AutoLabel, KnownEncrypters, LabelEncrypter
from ..model.encryption_settings import EncryptionSettings
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.known_groups import KnownGroups
from ..model.known_people import KnownPeople
from ..model.message import OTHER_TYPES, OWNERS, PROTECTIONS, Attachment, Message, Protection
from ..model.questions import OBSERVABLE
from ..model.sizes import bytes_of
from ..rules.dlp_rules import DlpRules
from .message_options import MESSAGE_KEYS

Parsed = TypeVar("Parsed")

#: Keys of a message whose fields have other names.
_FIELDS = {
    "from": "sender",
    "type": "types",
    "classification": "classifications",
    "disclaimer_insertable": "insertable",
}

#: Types that say how a message is protected on arrival, each with that in words and the kind that it implies. Source:
#: Microsoft's New-TransportRule.
_PROTECTING = {
    "Encrypted": ("encrypted with S/MIME", "smime"),
    "PermissionControlled": ("protected by message encryption or rights management", "protected_option_unknown"),
}

#: Keys of a message to further fields that they determine.
_BESIDE = {"from": ("also_from",), "body": ("readings", "sources"), "type": ("types_open",)}

#: Extensions of documents that Exchange can read. Source: Microsoft's "Use mail flow rules to inspect message
#: attachments".
_DOCUMENTS = frozenset(
    {"doc", "docx", "xls", "xlsx", "ppt", "pptx", "pdf", "rtf", "txt", "html", "xml", "odt", "ods", "odp"}
)

#: Keys of an attachment. Each is also the name of a field of :class:`Attachment`.
ATTACHMENT_KEYS = (
    "name",
    "size",
    "text",
    "nested",
    "properties",
    "executable",
    "password_protected",
    "unsupported",
    "limit_exceeded",
)

#: Fact to the field that holds it: the subject of :class:`Facts`, empty for a field of its own, and the field's name.
FIELD_OF_FACT: Mapping[str, tuple[str, str]] = {
    "accepted_domains": ("domains", "accepted"),
    "remote_domains": ("domains", "remote"),
    "mailboxes": ("people", "mailboxes"),
    "mail_users": ("people", "mail_users"),
    "contacts": ("people", "contacts"),
    "groups": ("groups", "members"),
    "unread_groups": ("groups", "unread"),
    "managers": ("people", "managers"),
    "attributes": ("people", "attributes"),
    "proxy_addresses": ("people", "proxy_addresses"),
    "irm_configuration": ("encryption", "irm_configuration"),
    "rms_templates": ("encryption", "rms_templates"),
    "ome_configurations": ("encryption", "ome_configurations"),
    "owa_mailbox_policies": ("encryption", "owa_mailbox_policies"),
    "inbound_connectors": ("connectors", "inbound"),
    "outbound_connectors": ("connectors", "outbound"),
    "organization_config": ("", "organization_config"),
    "journal_rules": ("", "journal_rules"),
    "dlp_policies": ("encrypters", "dlp_policies"),
    "labels": ("encrypters", "labels"),
    "label_policies": ("encrypters", "label_policies"),
    "auto_label_policies": ("encrypters", "auto_label_policies"),
    "dialect": ("", "dialect"),
    "observed": ("", "observed"),
    "contradicted": ("", "contradicted"),
}

#: Facts that can be given.
FACT_KEYS = tuple(FIELD_OF_FACT)

#: How patterns can be said to be read.
DIALECTS = (Dialect.AGREED.value, Dialect.DOTNET.value)

#: The settings that are facts: the fact's name to the table that has its options.
_TABLES = {table.subset: table for table in (IRM_CONFIGURATION, OME_CONFIGURATION, OWA_MAILBOX_POLICY)}

#: Fact to the keys that are true or false. As a text, "False" would count as true, or not at all.
FLAGS: Mapping[str, tuple[str, ...]] = {
    "accepted_domains": ("match_subdomains",),
    "remote_domains": ("is_internal",),
    "inbound_connectors": ("enabled", "cloud_services_mail_enabled", "treat_messages_as_internal"),
    "outbound_connectors": (
        "enabled",
        "use_mx_record",
        "is_transport_rule_scoped",
        "test_mode",
        "all_accepted_domains",
        "route_all_messages_via_on_premises",
        "cloud_services_mail_enabled",
    ),
    "organization_config": ("disable_plus_address_in_recipients",),
    "journal_rules": ("enabled",),
    **{
        name: tuple(field.option for field in table.fields if isinstance(field.kind, Boolean))
        for name, table in _TABLES.items()
    },
}

_DOMAIN_TYPES = ("Authoritative", "InternalRelay", "ExternalRelay")


def message_of(options: Mapping[str, Any], where: str, name: str = "") -> Message:
    """A message.

    :param options: its keys, see :data:`MESSAGE_KEYS`.
    :param where: the beginning of errors, such as ``messages[0].``.
    :raises OptionError: it is invalid; the message names the option.
    """
    refuse_unknown(options, MESSAGE_KEYS, where)
    options_set = {key: value for key, value in options.items() if value is not None}
    sender = _address(options_set.get("from"), f"{where}from")
    mail_from = str(options_set.get("mail_from", sender))
    if mail_from and not is_address(mail_from):
        raise OptionError(
            f"{where}mail_from is {mail_from!r}, which is not a valid SMTP address.",
            remedy="Give one, or an empty text for none.",
        )
    people = {
        field: tuple(_address(item, f"{where}{field}") for item in _listed(options_set.get(field), f"{where}{field}"))
        for field in ("to", "cc", "bcc")
    }
    if not any(people.values()):
        raise OptionError(f"{where}to, cc and bcc are empty.", remedy="Name at least one recipient.")
    types = frozenset(
        _choice(item, (*MESSAGE_TYPES, *OTHER_TYPES), f"{where}type")
        for item in _listed(options_set.get("type"), f"{where}type")
    )
    message = Message(
        name=name,
        sender=sender,
        mail_from=mail_from,
        to=people["to"],
        cc=people["cc"],
        bcc=people["bcc"],
        authenticated=_flag(options_set.get("authenticated"), f"{where}authenticated"),
        subject=str(options_set.get("subject", "")),
        body=str(options_set.get("body", "")),
        headers=_headers(options_set.get("headers", {}), f"{where}headers"),
        attachments=tuple(
            _attachment(item, f"{where}attachments[{index}]")
            for index, item in enumerate(_listed(options_set.get("attachments"), f"{where}attachments"))
        ),
        types=types,
        importance=_choice(options_set.get("importance", "Normal"), IMPORTANCES, f"{where}importance"),
        classifications=frozenset(
            str(item) for item in _listed(options_set.get("classification"), f"{where}classification")
        ),
        scl=_number(options_set.get("scl"), f"{where}scl", -1, 9),
        sender_ip=_ip(options_set.get("sender_ip"), f"{where}sender_ip"),
        size=_size(options_set.get("size"), f"{where}size"),
        date=_date(options_set.get("date"), f"{where}date"),
        protection=_protection(options_set.get("protection"), types, where),
        insertable=_flag(options_set.get("disclaimer_insertable"), f"{where}disclaimer_insertable"),
        sensitivity_label=str(options_set.get("sensitivity_label", "")),
        sensitive_information=_flag(options_set.get("sensitive_information"), f"{where}sensitive_information"),
    )
    _check_insertable(message, where)
    return message


def with_options(message: Message, options: Mapping[str, Any], where: str) -> Message:
    """A message with given keys, each of which replaces the message's own.

    :raises OptionError: it is invalid; the message names the option.
    """
    options_set = {key: value for key, value in options.items() if value is not None}
    whole = {"from": message.sender, "to": [*message.to, *message.cc, *message.bcc], **options_set}
    read = message_of(whole, where, message.name)
    fields = {_FIELDS.get(key, key): getattr(read, _FIELDS.get(key, key)) for key in options_set}
    # A given value replaces all other addresses, texts and types that a file may mean.
    fields.update(
        {field: getattr(read, field) for key, others in _BESIDE.items() if key in options_set for field in others}
    )
    if fields.get("types", frozenset()) & _PROTECTING.keys():
        fields["protection"] = read.protection
    changed = replace(message, **fields)
    _check_insertable(changed, where)
    return changed


def _check_insertable(message: Message, where: str) -> None:
    """Refuses a disclaimer in a message that nobody can alter."""
    if message.insertable and message.unalterable:
        raise OptionError(
            f"{where}disclaimer_insertable is true, but the message is signed, or encrypted with keys that are not the"
            " organization's own: no disclaimer can be put into it.",
            remedy="Omit it, or correct protection and type.",
        )


def ordinary(message: Message) -> Message:
    """A message with its gaps filled as in an ordinary one: it has no special type and a spam confidence level of 0,
    and its documents can be read, are not protected by a password, and contain no program. The text of documents stays
    unknown, and so does any other file.
    """
    attachments = message.attachments
    if attachments is not None:
        attachments = tuple(
            _ordinary(attachment) if attachment.name.rpartition(".")[2].casefold() in _DOCUMENTS else attachment
            for attachment in attachments
        )
    classifications = frozenset[str]() if message.classifications is None else message.classifications
    types = frozenset[str]() if message.types is None else message.types
    return replace(
        message,
        attachments=attachments,
        classifications=classifications,
        types=types,
        types_open=frozenset(),
        importance=message.importance or "Normal",
        scl=0 if message.scl is None else message.scl,
        sensitivity_label=message.sensitivity_label or "",
    )


def _ordinary(attachment: Attachment) -> Attachment:
    flags: dict[str, Any] = {
        name: False
        for name in ("executable", "password_protected", "unsupported", "limit_exceeded")
        if getattr(attachment, name) is None
    }
    return replace(attachment, **flags)


def facts_of(options: Mapping[str, Any] | Facts, where: str = "facts.") -> Facts:
    """The known facts of an organization.

    :param options: see :data:`FACT_KEYS`; absent facts are unknown. What was read already stays as it is.
    :raises OptionError: it is invalid; the message names the option.
    """
    if isinstance(options, Facts):
        return options
    refuse_unknown(options, FACT_KEYS, where)
    for fact, names in FLAGS.items():
        _check_flags(options.get(fact), names, f"{where}{fact}")

    def read_option(key: str, read: Callable[[Any, str], Parsed]) -> Parsed | None:
        return None if options.get(key) is None else read(options[key], f"{where}{key}")

    remote = read_option("remote_domains", _list_of(_remote))
    dialect = read_option("dialect", _dialect) or Dialect.AGREED
    policies = read_option("dlp_policies", _numbered_list_of(declared_policy))
    return Facts(
        domains=KnownDomains(
            accepted=read_option("accepted_domains", _list_of(_accepted)),
            remote=None if remote is None else dict(remote),
        ),
        people=KnownPeople(
            mailboxes=read_option("mailboxes", _people),
            mail_users=read_option("mail_users", _people),
            contacts=read_option("contacts", _people),
            managers=read_option("managers", _by_name(lambda value, at: _small_address(value, at) if value else "")),
            attributes=read_option(
                "attributes",
                _by_name(lambda value, at: {str(name).lower(): str(text) for name, text in _mapped(value, at).items()}),
            ),
            proxy_addresses=read_option("proxy_addresses", _by_name(_small_address)) or {},
        ),
        groups=KnownGroups(
            members=read_option("groups", _by_name(_list_of(_small_address))),
            unread=read_option("unread_groups", _people) or frozenset(),
        ),
        connectors=KnownConnectors(
            inbound=read_option("inbound_connectors", _list_of(_mapped)),
            outbound=read_option("outbound_connectors", _list_of(_connector)),
        ),
        encryption=EncryptionSettings(
            irm_configuration=read_option("irm_configuration", _mapped),
            rms_templates=read_option("rms_templates", _list_of(_mapped)),
            ome_configurations=read_option("ome_configurations", _list_of(_ome_configuration)),
            owa_mailbox_policies=read_option("owa_mailbox_policies", _list_of(_mapped)),
        ),
        encrypters=KnownEncrypters(
            dlp_policies=None if policies is None else DlpRules(policies, dialect),
            labels=read_option("labels", _numbered_list_of(_label)),
            label_policies=read_option("label_policies", _numbered_list_of(declared_label_policy)),
            auto_label_policies=read_option("auto_label_policies", _numbered_list_of(_auto_label)),
        ),
        organization_config=read_option("organization_config", _mapped),
        journal_rules=read_option("journal_rules", _list_of(_mapped)),
        dialect=dialect,
        observed=read_option("observed", _observed) or {},
        contradicted=tuple(read_option("contradicted", _list_of(_contradicted)) or ()),
    )


def _check_flags(value: Any, names: Iterable[str], where: str) -> None:
    """Refuses a fact of which a key that is true or false is something else."""
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_flags(item, names, f"{where}[{index}]")
        return
    for name in names if isinstance(value, Mapping) else ():
        _flag(value.get(name), f"{where}.{name}")


def with_facts(known: Facts, options: Mapping[str, Any]) -> Facts:
    """Known facts, with others in place of those of the same keys.

    :param options: as :func:`facts_of` takes them.
    """
    if not options:
        return known
    others = facts_of(options)
    changed: dict[str, Any] = {}
    for fact in options:
        subject, name = FIELD_OF_FACT[fact]
        if not subject:
            changed[name] = getattr(others, name)
            continue
        value = getattr(getattr(others, subject), name)
        changed[subject] = replace(changed.get(subject, getattr(known, subject)), **{name: value})
    return replace(known, **changed)


def _list_of(read: Callable[[Any, str], Parsed]) -> Callable[[Any, str], tuple[Parsed, ...]]:
    """Reads a list of what ``read`` reads."""
    return lambda value, where: tuple(read(item, where) for item in _listed(value, where))


def _numbered_list_of(read: Callable[[Any, str], Parsed]) -> Callable[[Any, str], tuple[Parsed, ...]]:
    """What reads a list, where an error names the place in it."""
    return lambda value, where: tuple(
        read(item, f"{where}[{place}]") for place, item in enumerate(_listed(value, where))
    )


def _label(value: Any, where: str) -> LabelEncrypter:
    return label_encrypter(declared_label(value, where))


def _auto_label(value: Any, where: str) -> AutoLabel:
    return auto_label(declared_auto_label_policy(value, where))


def _by_name(read: Callable[[Any, str], Parsed]) -> Callable[[Any, str], dict[str, Parsed]]:
    """Reads a mapping of names, in lower case, to what ``read`` reads."""
    return lambda value, where: {
        str(name).lower(): read(item, f"{where}.{name}") for name, item in _mapped(value, where).items()
    }


def _people(value: Any, where: str) -> frozenset[str]:
    return frozenset(_list_of(_small_address)(value, where))


def _small_address(value: Any, where: str) -> str:
    return _address(value, where).lower()


def _dialect(value: Any, where: str) -> Dialect:
    if value not in DIALECTS:
        raise OptionError(f"{where} is {value!r}.", remedy=f"Use one of {', '.join(DIALECTS)}.")
    return Dialect(value)


def _observed(value: Any, where: str) -> Mapping[str, bool]:
    answers = _mapped(value, where)
    refuse_unknown(answers, OBSERVABLE, f"{where}.")
    return {number: bool(_flag(answer, f"{where}.{number}")) for number, answer in answers.items()}


def _contradicted(value: Any, where: str) -> ContradictedCopy:
    copy = _mapped(value, where)
    refuse_unknown(copy, ("rules", "parts"), f"{where}.")
    parts = tuple(map(str, _listed(copy.get("parts"), f"{where}.parts")))
    for part in parts:
        refuse_unknown({part: None}, CONTRADICTING_PARTS, f"{where}.parts: ")
    return ContradictedCopy(tuple(map(str, _listed(copy.get("rules"), f"{where}.rules"))), parts)


def refuse_unknown(options: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuses an unknown key, with the one that was probably meant."""
    names = list(known)
    for key in options:
        if key not in names:
            raise OptionError(
                f"{where}{key} is not known.", remedy=remedy(key, names, f"Known are {', '.join(names)}.")
            )


def _listed(value: Any, where: str) -> list[Any]:
    if value is None or value == "":
        return []
    if isinstance(value, (str, Mapping)):
        return [value]
    if isinstance(value, (list, tuple)):
        return list(value)
    raise OptionError(f"{where} must be a list, not {value!r}.")


def _mapped(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{where} must be a mapping, not {value!r}.")
    return value


def _address(value: Any, where: str) -> str:
    if value is None:
        raise OptionError(f"{where} is required.", remedy="Give an SMTP address: user@domain, without a display name.")
    if not isinstance(value, str) or not is_address(value):
        raise OptionError(
            f"{where} is {value!r}, which is not a valid SMTP address.",
            remedy="Write it as user@domain, without a display name.",
        )
    return str(value)


def _choice(value: Any, choices: tuple[str, ...], where: str) -> str:
    if value not in choices:
        raise OptionError(f"{where} is {value!r}.", remedy=remedy(value, choices))
    return str(value)


def _flag(value: Any, where: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise OptionError(
            f"{where} must be true or false, not {value!r}.",
            remedy="Write it without quotes." if str(value).lower() in ("true", "false") else "",
        )
    return value


def _number(value: Any, where: str, least: int, most: int) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
        raise OptionError(f"{where} must be a number from {least} to {most}, not {value!r}.")
    return value


def _size(value: Any, where: str) -> int | None:
    if value is None:
        return None
    size = bytes_of(value) if not isinstance(value, bool) else None
    if size is None:
        raise OptionError(
            f"{where} is {value!r}, which is not a valid size.", remedy="Give bytes, or a number with KB or MB."
        )
    return size


def _ip(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise OptionError(f"{where} is {value!r}, which is not a valid IP address.") from error


def _date(value: Any, where: str) -> datetime.datetime | None:
    if value is None:
        return None
    try:
        return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise OptionError(
            f"{where} is {value!r}, which is not a valid date.", remedy="Write it as 2026-03-01T12:00:00Z."
        ) from error


def _headers(value: Any, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Header fields. One without a value is there, too; only an empty list is none."""
    return tuple(
        sorted(
            (
                str(name).lower(),
                tuple(str(text) for text in ([""] if values in (None, "") else _listed(values, where))),
            )
            for name, values in _mapped(value, where).items()
        )
    )


def _attachment(value: Any, where: str) -> Attachment:
    options = _mapped(value, where)
    refuse_unknown(options, ATTACHMENT_KEYS, f"{where}.")
    if not options.get("name"):
        raise OptionError(f"{where}.name is required.")
    properties = options.get("properties")
    return Attachment(
        name=str(options["name"]),
        size=_size(options.get("size"), f"{where}.size"),
        text=None if options.get("text") is None else str(options["text"]),
        nested=None
        if options.get("nested") is None
        else tuple(str(file_name) for file_name in _listed(options["nested"], f"{where}.nested")),
        properties=None
        if properties is None
        else tuple(sorted((str(name), str(text)) for name, text in _mapped(properties, f"{where}.properties").items())),
        **{
            key: _flag(options.get(key), f"{where}.{key}")
            for key in ("executable", "password_protected", "unsupported", "limit_exceeded")
        },
    )


def _protection(value: Any, types: frozenset[str], where: str) -> Protection:
    """The protection that is given; otherwise what the types say of it.

    :raises OptionError: it is invalid, or contradicts a type.
    """
    said = [type_name for type_name in _PROTECTING if type_name in types]
    if len(said) > 1:
        raise OptionError(f"{where}type is both {' and '.join(said)}.", remedy="Name the one that it is on arrival.")
    options = _mapped({} if value is None else value, f"{where}protection")
    refuse_unknown(options, ("kind", "owner"), f"{where}protection.")
    kind = str(options.get("kind", _PROTECTING[said[0]][1] if said else "none"))
    if kind == "template:":
        raise OptionError(f"{where}protection.kind names no template.", remedy="Write it as template:Name.")
    if "kind" in options and not kind.startswith("template:"):
        _choice(kind, PROTECTIONS, f"{where}protection.kind")
    default = "unknown" if Protection(kind).by_rights else "own"
    protection = Protection(kind, _choice(options.get("owner", default), OWNERS, f"{where}protection.owner"))
    if said and not (protection.by_rights if said[0] == "PermissionControlled" else kind == "smime"):
        raise OptionError(
            f"{where}type is {said[0]}, which means {_PROTECTING[said[0]][0]}, but {where}protection.kind is {kind!r}.",
            remedy="Omit the one that is wrong.",
        )
    return protection


def _ome_configuration(value: Any, where: str) -> Mapping[str, Any]:
    options = _mapped(value, where)
    if not options.get("identity"):
        raise OptionError(
            f"{where}.identity is required.",
            remedy="Give each configuration as the options of ome_configuration: identity, otp_enabled and so on.",
        )
    return options


def _connector(value: Any, where: str) -> Connector:
    options = _mapped(value, where)
    if not options.get("name"):
        raise OptionError(f"{where}.name is required.")
    for key in ("recipient_domains", "smart_hosts"):
        _texts(options.get(key), f"{where}.{key}")
    return connector_of(options)


def _texts(value: Any, where: str) -> None:
    if value is not None and not (isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)):
        raise OptionError(f"{where} must be a list of texts, not {value!r}.")


def _accepted(value: Any, where: str) -> AcceptedDomain:
    options = {"name": value} if isinstance(value, str) else _mapped(value, where)
    refuse_unknown(options, ("name", "type", "match_subdomains"), f"{where}.")
    if not options.get("name"):
        raise OptionError(f"{where}.name is required.")
    kind = _choice(options.get("type", "Authoritative"), _DOMAIN_TYPES, f"{where}.type")
    return AcceptedDomain(str(options["name"]).lower(), kind, bool(options.get("match_subdomains", False)))


def _remote(value: Any, where: str) -> tuple[str, bool]:
    options = _mapped(value, where)
    refuse_unknown(options, ("name", "domain_name", "is_internal"), f"{where}.")
    name = options.get("domain_name") or options.get("name")
    if not name:
        raise OptionError(f"{where}.domain_name is required.")
    return str(name).lower(), bool(options.get("is_internal", False))
