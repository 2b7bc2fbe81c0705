# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a connection: everything that determines which session a task uses, checked before any traffic.

Pure: it receives the values of the connection plugin's options and the source of each value.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._exchange.errors import OptionError
from ...module_utils._exchange.spelling import nearest
from .hosts import CLOUDS, is_host, loopback, parts_of_proxy, parts_of_url

#: The prefix of the environment variables from which options can take their values.
ENVIRONMENT = "EXCHANGE_"
#: The options that each choose a credential, with the options that each requires and the transports that can use it.
CREDENTIALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "exchange_certificate_path": (("exchange_client_id",), ("rest", "psrp", "powershell")),
    "exchange_certificate_thumbprint": (("exchange_client_id",), ("psrp",)),
    "exchange_client_secret": (("exchange_client_id",), ("rest", "powershell")),
    "exchange_managed_identity": ((), ("rest", "psrp", "powershell")),
    "exchange_federated_token_file": (("exchange_client_id",), ("rest", "powershell")),
    "exchange_access_token": ((), ("rest", "psrp", "powershell")),
    "exchange_device_code": ((), ("rest", "powershell")),
    "exchange_interactive": ((), ("rest", "powershell")),
}
#: The kinds of credentials with which a person signs in for a first look: writes with them are refused.
SIGN_INS = ("device_code", "interactive")
#: The kinds of credentials that get tokens for Microsoft Graph, too, of the very organization that the inventory names.
GRAPH_CREDENTIALS = ("certificate_path", "client_secret", "federated_token_file")
#: The kinds of credentials that get tokens for the compliance endpoint, too, by transport. A token that somebody else
#: fetched is good for one endpoint, a person would have to sign in once more, and Connect-IPPSSession on a management
#: host takes no managed identity.
COMPLIANCE_CREDENTIALS = {
    "rest": (*GRAPH_CREDENTIALS, "managed_identity"),
    "powershell": (*GRAPH_CREDENTIALS, "managed_identity"),
    "psrp": ("certificate_path", "certificate_thumbprint"),
}
#: The default application for such a sign-in: Microsoft's public client for Exchange Online PowerShell, which exists in
#: every organization. Source: the application IDs in Microsoft's ExchangeOnlineManagement module and in public lists of
#: Microsoft's applications.
EXCHANGE_POWERSHELL = "fb78d390-0c51-40cd-8e17-fdbfab77341b"


#: The valid ranges of number options. Libraries would report larger numbers with their own errors.
_MOST = 1_000_000
_RANGES = {
    **dict.fromkeys(
        ("exchange_command_timeout", "exchange_connect_timeout", "exchange_powershell_processes", "exchange_retries"),
        (1, _MOST),
    ),
    **dict.fromkeys(("connection_timeout", "operation_timeout", "read_timeout"), (1, _MOST)),
    **dict.fromkeys(("exchange_read_reuse", "reconnection_retries", "reconnection_backoff"), (0, _MOST)),
    "exchange_capture_max_age": (1, _MOST),
    "max_envelope_size": (32_768, 2**31 - 1),
    "port": (1, 65_535),
}


#: The words that Ansible takes for true and false.
_SWITCHES = frozenset(("y", "yes", "on", "1", "true", "t", "n", "no", "off", "0", "false", "f"))

#: The default number of days after which a capture is old.
_MAX_AGE = 30


@dataclass(frozen=True)
class Option:
    """One option's value and its source, such as ``var: ansible_user`` or ``default``."""

    value: Any
    origin: str = "default"

    @property
    def is_set(self) -> bool:
        """Whether it is set. An empty string and false do not count."""
        return self.value not in (None, "", False)

    @property
    def from_environment(self) -> bool:
        """Whether the value comes from an environment variable."""
        return self.origin.startswith("env")


def variable(option: str) -> str:
    """The inventory variable of an option in the public contract."""
    return f"ansible_{option}"


def refuse_values(
    definitions: Mapping[str, Mapping[str, Any]], variables: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    """Refuses a value that its option cannot have. Of another word than these, Ansible makes false, and its error about
    a choice does not reach the task's result.

    :param definitions: the options, as the documentation has them.
    :param variables: the host's connection variables.
    """
    for definition in definitions.values():
        valid = ("true", "false") if definition.get("type") == "bool" else definition.get("choices") or ()
        # Ansible takes the last variable that is set, and any variable before the environment.
        values = [
            (option["name"], source[option["name"]])
            for source, names in ((environment, "env"), (variables, "vars"))
            for option in definition.get(names) or ()
            if isinstance(source.get(option["name"]), str) and source[option["name"]]
        ]
        if not valid or not values:
            continue
        name, value = values[-1]
        if value not in valid and not (valid == ("true", "false") and value.strip().casefold() in _SWITCHES):
            raise OptionError(f"{name} is {str(value)!r}.", remedy=f"Use one of {', '.join(valid)}.")


def build(options: Mapping[str, Option], unknown: Iterable[str]) -> dict[str, Any]:
    """The identity for the options of one host: plain JSON values with all defaults applied.

    :param options: every option of the connection plugin.
    :param unknown: names of ``ansible_exchange_*`` variables that correspond to no option.
    :raises OptionError: an option is missing, contradictory or unsafe. Nothing was sent.
    """
    _refuse_unknown(sorted(unknown), options)
    settings = dict(options)
    transport = settings["exchange_transport"].value
    connects = transport != "psrp" or settings["exchange_psrp_connect"].value == "exchange_online"
    if transport == "file":
        credential = {"kind": "none", "client_id": ""}  # an inventory may have one for its other transport
    else:
        credential = _credential(settings, transport) if connects else _no_credential(settings)
    organization = _organization(settings, required=connects)
    _refuse_numbers(settings)
    identity = {
        "transport": transport,
        "organization": organization,
        "environment": settings["exchange_environment"].value,
        "verify_organization": settings["exchange_verify_organization"].value,
        "command_timeout": settings["exchange_command_timeout"].value,
        "connect_timeout": settings["exchange_connect_timeout"].value,
        "retries": settings["exchange_retries"].value,
        "credential": credential,
        "compliance": _compliance(settings),
    }
    if transport == "file":
        identity["file"] = _file(settings)
    elif transport == "psrp":
        identity["psrp"] = _psrp(settings)
    else:
        identity["rest"] = _rest(settings)
    if transport == "powershell":
        identity["powershell"] = _powershell(settings, identity["rest"])
    # Plain JSON values: Ansible's values are subclasses with tags.
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def _refuse_unknown(unknown: Sequence[str], options: Iterable[str]) -> None:
    """Refuses variables that correspond to no option."""
    if not unknown:
        return
    known = [variable(option) for option in options if option.startswith("exchange_")]
    near = [option for name in unknown if (option := nearest(name, known))]
    hint = f"Did you mean {' and '.join(near)}? " if near else ""
    raise OptionError(
        f"unknown connection variable{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}.",
        remedy=f"{hint}To list the valid ones, run ansible-doc -t connection m365.message_encryption.exchange.",
    )


def _organization(settings: Mapping[str, Option], *, required: bool) -> str:
    """The domain or the tenant ID of the organization; empty if it is not set."""
    if required and not settings["exchange_organization"].is_set:
        raise OptionError(
            "ansible_exchange_organization is not set.",
            remedy="Set it to the organization's initial domain (contoso.onmicrosoft.com) or its tenant ID.",
        )
    organization = _text(settings, "exchange_organization")
    if organization and (not re.fullmatch(r"\w[\w.-]*", organization) or ".." in organization):
        raise OptionError(
            f"ansible_exchange_organization is {organization!r}, which is neither a domain nor a tenant ID."
        )
    return organization


def _refuse_numbers(settings: Mapping[str, Option]) -> None:
    """Refuses a number outside of its option's range."""
    for name, (least, most) in _RANGES.items():
        value = settings[name].value
        if value is not None and not least <= value <= most:
            raise OptionError(f"{_source(settings, name)} must be between {least} and {most}, not {value}.")


def of_graph(identity: Mapping[str, Any], *, mailboxes: bool = False) -> dict[str, Any]:
    """The identity of a session with Microsoft Graph, with the organization and the credential of another one.

    :param mailboxes: whether it is for mailboxes, and not for the message trace.
    :raises OptionError: the cloud's Graph is not known or has no message trace, or the credential is only good for Exchange or
        for a person.
    """
    cloud, kind = CLOUDS[identity["environment"]], identity["credential"]["kind"]
    if mailboxes and not cloud.graph:
        raise OptionError(
            f"The address of Microsoft Graph in {identity['environment']} is not known.",
            remedy="Use send_with: smtp, and read no copies.",
        )
    if not mailboxes and not cloud.traces:
        raise OptionError(
            f"Microsoft Graph has no message trace in {identity['environment']}.", remedy="Read it from Exchange."
        )
    if kind not in GRAPH_CREDENTIALS or "rest" not in identity:
        raise OptionError(
            "Microsoft Graph needs an application's credential on the controller, which the authority checks for this organization.",
            remedy=f"Use ansible_exchange_transport rest or powershell, with {' or '.join(variable(f'exchange_{name}') for name in GRAPH_CREDENTIALS)}.",
        )
    rest = {**identity["rest"], "api_url": identity["rest"]["graph_url"], "scope": f"{cloud.graph}/.default"}
    common = {name: value for name, value in identity.items() if name != "powershell"}
    # Graph shows no organization. Such a credential gets tokens of the inventory's organization only.
    return {**common, "transport": "graph", "rest": rest, "verify_organization": False}


def has_compliance(identity: Mapping[str, Any]) -> bool:
    """Whether the organization's own session is also the one with the compliance endpoint: a capture answers for both,
    and an endpoint that is connected already may have its cmdlets, if the inventory says so.
    """
    if identity["transport"] == "psrp":
        return bool(identity["psrp"]["connect"] != "exchange_online" and identity["compliance"]["asked"])
    return bool(identity["transport"] == "file")


def of_compliance(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of a session with the compliance endpoint, with the organization and the credential of another one.
    It shows its organization otherwise, so the broker verifies it beside the other session.

    :raises OptionError: there can be none.
    """
    if identity["compliance"]["asked"] is False:
        raise OptionError(
            "ansible_exchange_compliance is false, so the compliance endpoint is not asked.",
            remedy="Remove it to ask for DLP policies and labels.",
        )
    transport, kind, wanted = identity["transport"], identity["credential"]["kind"], identity["compliance"]
    if transport == "psrp" and identity["psrp"]["connect"] != "exchange_online":
        raise OptionError(
            "this endpoint is connected already, and nothing says that it has the cmdlets of the compliance endpoint.",
            remedy="If it has them, set ansible_exchange_compliance: true.",
        )
    able = COMPLIANCE_CREDENTIALS.get(transport, ())
    if kind not in able:
        raise OptionError(
            f"the compliance endpoint needs a token of its own, and over {transport} this credential gets none.",
            remedy=f"Use {' or '.join(variable(f'exchange_{credential}') for credential in able)}.",
        )
    common = {name: value for name, value in identity.items() if name != "compliance"} | {"verify_organization": False}
    if transport == "psrp":
        return {**common, "compliance_session": wanted["session"]}
    if not wanted["url"]:
        raise OptionError(
            f"the address of the compliance endpoint of {identity['environment']} is not known.",
            remedy="If you know it, set ansible_exchange_compliance_url.",
        )
    rest = {**identity["rest"], "scope": wanted["scope"]}
    if transport == "powershell":
        return {**common, "rest": rest, "compliance_session": wanted["session"]}
    return {**common, "transport": "compliance", "rest": {**rest, "api_url": wanted["url"]}}


def key(identity: Mapping[str, Any]) -> str:
    """The key of a session: a digest of the whole identity, so that two organizations or credentials never share one."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode("utf-8")).hexdigest()


def _credential(settings: Mapping[str, Option], transport: str) -> dict[str, Any]:
    """The chosen credential."""
    name = _chosen_credential(settings, transport)
    _check_companions(settings, name)
    kind = name.removeprefix("exchange_")
    value = settings[name].value
    client_id = _client_id(settings, name)
    credential = {"kind": kind, "client_id": str(client_id.value) if client_id.is_set else "", kind: value}
    if kind == "access_token" and not re.fullmatch(r"[\x21-\x7e]+", str(value)):
        raise OptionError(
            f"{_source(settings, name)} is not an access token: it contains a space, an end of line or a character that no token has.",
            remedy="Set it to the token alone.",
        )
    if kind == "certificate_path" and transport != "psrp":  # over psrp, the path is on the management host
        credential[kind] = os.path.abspath(os.path.expanduser(str(value)))
    password = settings["exchange_certificate_password"]
    if kind == "certificate_path" and password.is_set:
        credential["certificate_password"] = password.value
    return credential


def _chosen_credential(settings: Mapping[str, Option], transport: str) -> str:
    """The option that chooses the credential. If any variable chooses one, the environment does not count."""
    present = [name for name in CREDENTIALS if settings[name].is_set]
    chosen = [name for name in present if not settings[name].from_environment] or present
    possible = [name for name, (_needs, transports) in CREDENTIALS.items() if transport in transports]
    if len(chosen) > 1:
        raise OptionError(
            f"{_and(_source(settings, name) for name in chosen)} are set, but each chooses a credential.",
            remedy="Keep only one of them.",
        )
    if not chosen:
        raise OptionError(
            "no credential is set for this organization.",
            remedy=_without_credential(possible),
        )
    (name,) = chosen
    if name not in possible:
        raise OptionError(
            f"{_source(settings, name)} cannot be used with ansible_exchange_transport: {transport}.",
            remedy=f"Use one of {', '.join(variable(other) for other in possible)}.",
        )
    return name


def _check_companions(settings: Mapping[str, Option], name: str) -> None:
    """Refuses a credential without the options that it requires, and the password of a certificate that is not used."""
    needs, _transports = CREDENTIALS[name]
    for companion in needs:
        if not settings[companion].is_set:
            raise OptionError(
                f"{_source(settings, name)} is set, but {variable(companion)} is not.",
                remedy=f"Set {variable(companion)}, too.",
            )
    password = settings["exchange_certificate_password"]
    if password.is_set and name != "exchange_certificate_path" and not password.from_environment:
        raise OptionError(
            f"{_source(settings, 'exchange_certificate_password')} is set, but no certificate file is used."
        )


def _client_id(settings: Mapping[str, Option], name: str) -> Option:
    """The application ID that belongs to a credential."""
    client_id = settings["exchange_client_id"]
    kind = name.removeprefix("exchange_")
    by_variable = not settings[name].from_environment
    if (kind == "managed_identity" or kind in SIGN_INS) and by_variable and client_id.from_environment:
        # An application ID that belongs to another credential would silently select a user-assigned identity, or no
        # public client.
        client_id = Option(None)
    if kind in SIGN_INS and not client_id.is_set:
        return Option(EXCHANGE_POWERSHELL)
    return client_id


def _without_credential(possible: Sequence[str]) -> str:
    """The remedy if no credential is set.

    :param possible: the options of the transport that choose a credential.
    """
    to_manage = [variable(name) for name in possible if name.removeprefix("exchange_") not in SIGN_INS]
    look = (
        "For a first look, set ansible_exchange_device_code: true and sign in with a browser. Otherwise set"
        if "exchange_device_code" in possible
        else "Set"
    )
    return f"{look} one of {', '.join(to_manage)}, or the environment variable of the same name without ansible_."


def _no_credential(settings: Mapping[str, Option]) -> dict[str, Any]:
    for name in CREDENTIALS:
        if settings[name].is_set and not settings[name].from_environment:
            raise OptionError(
                f"{variable(name)} is set, but with ansible_exchange_psrp_connect: none the session never connects to Exchange Online with it.",
                remedy="Remove one of the two.",
            )
    return {"kind": "none", "client_id": ""}


def _rest(settings: Mapping[str, Option]) -> dict[str, Any]:
    cloud = CLOUDS[settings["exchange_environment"].value]
    return {
        "api_url": _url(settings, "exchange_api_url") or cloud.api,
        # msal accepts an authority over https only.
        "authority_url": _url(settings, "exchange_authority_url", plain=False) or cloud.authority,
        "graph_url": _url(settings, "exchange_graph_url", plain=False) or cloud.graph,
        "scope": cloud.scope,
        "ca_cert": _text(settings, "exchange_ca_cert"),
        "validate_certs": settings["exchange_validate_certs"].value,
        "proxy": _proxy(settings),
    }


def _compliance(settings: Mapping[str, Option]) -> dict[str, Any]:
    """Where the compliance endpoint is, the scope of its tokens, what Connect-IPPSSession needs to find it, and whether to
    ask it: ``None`` where it is granted.
    """
    cloud = CLOUDS[settings["exchange_environment"].value]
    url_given = _url(settings, "exchange_compliance_url")
    url = url_given or cloud.compliance
    shell = f"{url_given}/powershell-liveid/" if url_given else cloud.compliance_shell
    session = {"ConnectionUri": shell} if shell else {}
    if cloud.compliance_shell:
        session["AzureADAuthorizationEndpointUri"] = f"{cloud.authority}/organizations"
    scope = f"{cloud.compliance or url}/.default"
    return {"url": url, "scope": scope, "session": session, "asked": settings["exchange_compliance"].value}


def _powershell(settings: Mapping[str, Option], rest: Mapping[str, Any]) -> dict[str, Any]:
    """How the process is started. What Microsoft's module cannot do is refused."""
    proxy = parts_of_proxy(rest["proxy"])
    path = _text(settings, "exchange_powershell_path")
    refused = (
        (
            "exchange_validate_certs",
            not rest["validate_certs"],
            "the module always validates certificates",
            "Set ansible_exchange_ca_cert",
        ),
        (
            "exchange_api_url",
            settings["exchange_api_url"].is_set,
            "the module chooses that address itself",
            "Set ansible_exchange_environment",
        ),
        (
            "exchange_psrp_connect",
            settings["exchange_psrp_connect"].value != "exchange_online",
            "a new process has no Exchange cmdlets",
            "Remove it",
        ),
        (
            "exchange_proxy",
            bool(proxy and "@" in proxy.netloc),
            "its user and password would be in the environment of a process",
            "Use another proxy",
        ),
        ("exchange_powershell_path", not path, "it is empty", "Set it to the path of pwsh"),
    )
    for name, applies, why, remedy in refused:
        if applies:
            raise OptionError(
                f"{_source(settings, name)} does not work with ansible_exchange_transport: powershell: {why}.",
                remedy=f"{remedy}, or use rest.",
            )
    return {"path": path, "processes": settings["exchange_powershell_processes"].value}


def _file(settings: Mapping[str, Option]) -> dict[str, Any]:
    path, age = settings["exchange_capture_path"], settings["exchange_capture_max_age"]
    if not path.is_set:
        raise OptionError(
            "ansible_exchange_transport is file, but ansible_exchange_capture_path is not set.",
            remedy="Set it to the capture of this organization. The playbook m365.message_encryption.snapshot writes one with each snapshot.",
        )
    return {
        "path": os.path.abspath(os.path.expanduser(str(path.value))),
        "max_age": age.value or _MAX_AGE,
        "limit": age.is_set,
    }


def _url(settings: Mapping[str, Option], name: str, *, plain: bool = True) -> str:
    """The URL in a variable; empty if it is not set.

    :param plain: whether plain http is allowed for loopback addresses.
    """
    text = _text(settings, name).rstrip("/")
    if not text:
        return ""
    url = parts_of_url(text)
    if url is None or url.scheme not in ("http", "https") or url.query or url.username:
        raise OptionError(
            f"{_source(settings, name)} is {text!r}, which is not an https URL.",
            remedy="Include scheme and host: https://host.",
        )
    if url.scheme == "http" and not (plain and loopback(url.hostname or "")):
        raise OptionError(
            f"{_source(settings, name)} is {text!r}: plain http would send the credential unencrypted.",
            remedy="Use https. Plain http is accepted only for a loopback address." if plain else "Use https.",
        )
    return text


def _proxy(settings: Mapping[str, Option]) -> str:
    text = _text(settings, "exchange_proxy")
    if text and parts_of_proxy(text) is None:
        # The value may contain a password.
        raise OptionError(
            f"{_source(settings, 'exchange_proxy')} is not the URL of a proxy.",
            remedy="Include scheme, host and port: http://host:8080.",
        )
    return text


#: Options of ansible.builtin.psrp that pypsrp knows under another name.
_PSRP_NAMES = {
    "remote_addr": "server",
    "remote_user": "username",
    "remote_password": "password",
    "message_encryption": "encryption",
    "ignore_proxy": "no_proxy",
}
_PSRP_SAME = (
    "path",
    "auth",
    "connection_timeout",
    "read_timeout",
    "reconnection_retries",
    "reconnection_backoff",
    "proxy",
    "certificate_key_pem",
    "certificate_pem",
    "credssp_auth_mechanism",
    "credssp_disable_tlsv1_2",
    "credssp_minimum_version",
    "negotiate_delegate",
    "negotiate_hostname_override",
    "negotiate_send_cbt",
    "negotiate_service",
    "operation_timeout",
    "max_envelope_size",
)


def _psrp(settings: Mapping[str, Option]) -> dict[str, Any]:
    """The arguments for pypsrp, prepared as ansible.builtin.psrp does, with the sources of the values."""
    protocol, port = settings["protocol"].value, settings["port"].value
    if protocol is None:
        protocol = "http" if port == 5985 else "https"
    if port is None:
        port = 5986 if protocol == "https" else 5985
    values = {
        **{name: settings[name].value for name in _PSRP_SAME},
        **{ours: settings[name].value for name, ours in _PSRP_NAMES.items()},
        "ssl": protocol == "https",
        "port": port,
        "cert_validation": settings["cert_validation"].value != "ignore" and (settings["ca_cert"].value or True),
        "configuration_name": settings["configuration_name"].value,
        "connect": settings["exchange_psrp_connect"].value,
    }
    if not is_host(str(values["server"])):
        raise OptionError(
            f"{_source(settings, 'remote_addr')} is {str(values['server'])!r}, which is neither a host name nor an IP address."
        )
    _check_what_auth_needs(settings, values)
    if protocol == "http":
        _check_plain_http(values)
    if values["encryption"] == "always" and values["auth"] in _WITHOUT_ENCRYPTION:
        raise OptionError(
            f"ansible_psrp_auth: {values['auth']} cannot encrypt messages.",
            remedy="Omit ansible_psrp_message_encryption.",
        )
    if values["read_timeout"] <= values["operation_timeout"]:
        raise OptionError(
            f"ansible_psrp_read_timeout ({values['read_timeout']}) must be greater than ansible_psrp_operation_timeout ({values['operation_timeout']})."
        )
    values["origins"] = {
        ours: _place(settings[name])
        for ours, name in (
            ("server", "remote_addr"),
            ("username", "remote_user"),
            ("password", "remote_password"),
            ("port", "port"),
        )
    }
    return values


#: The ways of authentication that cannot encrypt messages themselves.
_WITHOUT_ENCRYPTION = ("basic", "certificate")


def _check_what_auth_needs(settings: Mapping[str, Option], values: Mapping[str, Any]) -> None:
    auth = values["auth"]
    if auth == "certificate" and not (values["certificate_pem"] and values["certificate_key_pem"]):
        raise OptionError(
            "ansible_psrp_auth: certificate requires ansible_psrp_certificate_pem and ansible_psrp_certificate_key_pem."
        )
    has_password = settings["remote_user"].is_set and settings["remote_password"].is_set
    if auth in ("basic", "credssp", "ntlm") and not has_password:
        raise OptionError(f"ansible_psrp_auth: {auth} requires ansible_psrp_user and ansible_password.")


def _check_plain_http(values: Mapping[str, Any]) -> None:
    auth = values["auth"]
    server = str(values["server"])
    if auth not in _WITHOUT_ENCRYPTION:
        return
    if not loopback(server):
        raise OptionError(
            f"ansible_psrp_auth: {auth} over plain http would send the credential to {server} unencrypted.",
            remedy="Set ansible_psrp_protocol: https. Plain http is accepted only for a loopback address.",
        )
    if values["encryption"] != "never":
        raise OptionError(
            f"ansible_psrp_auth: {auth} cannot encrypt messages over plain http.",
            remedy="Set ansible_psrp_message_encryption: never.",
        )


def _place(option: Option) -> str:
    """The name of an option's source for people, such as ``ansible_user`` for ``var: ansible_user``."""
    return option.origin.rpartition(": ")[2] if option.is_set else ""


def _text(settings: Mapping[str, Option], name: str) -> str:
    return str(settings[name].value or "").strip()


def _source(settings: Mapping[str, Option], name: str) -> str:
    """The name of an option for people: the environment variable if its value comes from there, otherwise the inventory
    variable.
    """
    option = settings[name]
    origin = option.origin.partition(": ")[2]
    return f"the environment variable {origin}" if option.from_environment else origin or variable(name)


def _and(names: Iterable[str]) -> str:
    return " and ".join(names)
