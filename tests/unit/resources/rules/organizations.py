# SPDX-License-Identifier: GPL-3.0-or-later
"""Random organizations, and random edits of other administrators, all made by the emulator's own cmdlets."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.emulator.errors import CmdletError
from tests.emulator.schema import Parameter, cmdlets, rule_refusals, rule_sections
from tests.unit.emulated_session import EmulatedSession

DOMAIN = "contoso.onmicrosoft.com"

_AWKWARD = [
    "O'Brien",
    '"quoted"',
    "{{ 1 + 1 }}",
    "{% raw %}",
    "ÄÖÜ ß",
    "日本語",
    "🔒",
    "a\\b",
    "$(x)",
    "`x`",
    "@{a=1}",
    "yes",
    "null",
    "5",
    "# x",
    "_x0041_",
    "<&>",
    "- a: b",
]
_TEXT = st.sampled_from(
    [*_AWKWARD, "line\r\nline", "line\nline", " spaces ", "tab\tend\t", "{{ lookup('pipe', 'true') }}"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
_WORD = _TEXT.map(lambda text: " ".join(text.split())).filter(bool)
_HEADER = st.sampled_from(["Sensitivity", "X-Encrypt", "x-ms-classification"])
_ADDRESS = st.sampled_from(["Megan Bowen", "AlexW", f"legal@{DOMAIN}", "partner@fabrikam.com", "O'Neil+x@Fabrikam.COM"])
_PATTERN = st.sampled_from([r"\d{3}-\d{2}-\d{4}", "^[A-Z]+$", "a|B", " x "]) | _WORD.map(re.escape)
_ATTRIBUTE_WORDS = st.tuples(
    st.sampled_from(["Department", "City", "CustomAttribute7"]), _WORD.filter(lambda word: ":" not in word)
).map(":".join)
_DATE = st.sampled_from(["2098-01-31T08:00:00+01:00", "2099-12-31T23:59:59Z", "2097-06-01T00:00:00.1234567Z"])


def _several(one: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(one, min_size=1, max_size=3, unique_by=str.casefold)


_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "Boolean": st.just(True),
    "Pattern[]": _several(_PATTERN),
    "RecipientIdParameter[]": _several(_ADDRESS),
    "RecipientIdParameter": _ADDRESS,
    "ByteQuantifiedSize": st.sampled_from(["10MB", "1.5GB", "1", "123457", "0KB"]),
    "SclValue": st.integers(-1, 9),
    "DateTime": _DATE,
    "MultiValuedProperty": _several(
        st.sampled_from(["10.0.0.0/8", "192.0.2.1", "192.0.2.1-192.0.2.9", "2001:db8::/32"])
    ),
    "HeaderName": _HEADER,
    "RejectEnhancedStatus": st.sampled_from(["5.7.1", "5.7.900", "5.7.999"]),
    "RmsTemplateIdParameter": st.sampled_from(["Encrypt", "Do Not Forward", "Confidential \\ All Employees"]),
    "OMEConfigurationIdParameter": st.sampled_from(["OME Configuration", "One week"]),
}


def _values(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.values and parameter.type != "Boolean":
        literals = [value for value in parameter.values if not value.startswith("External")]
        return _several(st.sampled_from(literals)) if parameter.type.endswith("[]") else st.sampled_from(literals)
    if parameter.type in _BY_TYPE:
        return _BY_TYPE[parameter.type]
    if parameter.type == "Word[]":
        word = _ATTRIBUTE_WORDS if "ADAttribute" in parameter.name or "Property" in parameter.name else _WORD
        return _several(word)
    return _TEXT


_PARAMETERS = {parameter.name: parameter for parameter in cmdlets()["new-transportrule"].parameters.values()}

#: What can only be given together; of the last three the first alone will do.
_TOGETHER = (
    *(
        "HeaderContainsMessageHeader HeaderContainsWords",
        "HeaderMatchesMessageHeader HeaderMatchesPatterns",
        "BetweenMemberOf1 BetweenMemberOf2",
    ),
    *(
        "ManagerAddresses ManagerForEvaluatedUser",
        "SetHeaderName SetHeaderValue",
        "ADComparisonAttribute ADComparisonOperator",
    ),
    *(
        "ApplyHtmlDisclaimerText ApplyHtmlDisclaimerLocation ApplyHtmlDisclaimerFallbackAction",
        "GenerateIncidentReport IncidentReportContent",
    ),
    *("RemoveOMEv2 RemoveRMSAttachmentEncryption", "RejectMessageReasonText RejectMessageEnhancedStatusCode"),
)
_MASTERS = (
    "ADComparisonAttribute",
    "ApplyHtmlDisclaimerText",
    "GenerateIncidentReport",
    "RemoveOMEv2",
    "RejectMessageReasonText",
)
_RETIRED = ("ApplyOME", "RemoveOME")


def _units() -> dict[str, list[tuple[str, ...]]]:
    """Section to what can be set in it: single parameters, and those that go together."""
    units: dict[str, list[tuple[str, ...]]] = {"conditions": [], "exceptions": [], "actions": []}
    for name, section in rule_sections().items():
        if section not in units or name in _RETIRED or name in rule_refusals():
            continue
        prefix = "ExceptIf" if section == "exceptions" else ""
        group = next(
            (
                tuple(prefix + part for part in text.split())
                for text in _TOGETHER
                if name.removeprefix(prefix) in text.split()
            ),
            (name,),
        )
        if group not in units[section]:
            units[section].append(group)
            if group[0].removeprefix(prefix) in _MASTERS:
                units[section].append(group[:1])
    return units


UNITS = _units()
_SETTINGS = (
    "Comments",
    "Mode",
    "ActivationDate",
    "ExpiryDate",
    "RuleErrorAction",
    "SenderAddressLocation",
    "RecipientAddressType",
)


@st.composite
def _chosen(draw: st.DrawFn, section: str, minimum: int, maximum: int) -> dict[str, Any]:
    units = draw(st.lists(st.sampled_from(UNITS[section]), min_size=minimum, max_size=maximum, unique=True))
    return {name: draw(_values(_PARAMETERS[name])) for unit in units for name in unit}


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """The parameters of a rule but for its name."""
    settings = draw(st.lists(st.sampled_from(_SETTINGS), max_size=2, unique=True))
    return {
        **draw(_chosen("conditions", 0, 3)),
        **draw(_chosen("exceptions", 0, 2)),
        **draw(_chosen("actions", 1, 2)),
        **{name: draw(_values(_PARAMETERS[name])) for name in settings},
    }


_NAME = _WORD.map(lambda text: text[:20].strip()).filter(bool)

#: Rules that nobody may write any more, as they are left over in old organizations.
_LEFT_OVER = st.sampled_from(
    [
        {"ApplyOME": True, "FromScope": "InOrganization"},
        {"RemoveOME": True},
        {"Quarantine": True, "MessageContainsDataClassifications": ["Credit Card Number"]},
        {"Quarantine": True, "HasSenderOverride": True},
    ]
)


@dataclass
class Edit:
    """One edit of another administrator. ``apply`` does it as far as the organization lets him."""

    what: str
    apply: Callable[[EmulatedSession], Any]

    def __repr__(self) -> str:
        return self.what


def _edit(cmdlet: str, **parameters: Any) -> Edit:
    return Edit(f"{cmdlet} {parameters}", lambda session: _tolerant(session, cmdlet, parameters))


def _rule_edit(cmdlet: str, index: int, parameters: dict[str, Any]) -> Edit:
    def apply(session: EmulatedSession) -> None:
        rules = session.organization.state["transport_rules"]
        # Nobody writes the left-over ones, not even the portal.
        rules = [
            rule
            for rule in rules
            if not any(
                name in rule
                for name in ("ApplyOME", "RemoveOME", "MessageContainsDataClassifications", "HasSenderOverride")
            )
        ]
        # A PowerShell session cannot take this one away again, and says so.
        sent = {
            name: value
            for name, value in parameters.items()
            if session.wire == "rest" or not name.endswith("HasNoClassification")
        }
        if rules and (sent or not parameters):
            _tolerant(session, cmdlet, {"Identity": rules[index % len(rules)]["Guid"], **sent})

    return Edit(f"{cmdlet} [{index}] {parameters}", apply)


def _tolerant(session: EmulatedSession, cmdlet: str, parameters: dict[str, Any]) -> None:
    # Names that are taken, places that do not exist, rules that would be left without an action.
    with contextlib.suppress(CmdletError):
        session.edit(cmdlet, **parameters)


_INDEX = st.integers(0, 59)
_BOOLEAN = st.booleans()
_COLOR = st.sampled_from(["#FF0000", "red", "#00ff00", ""])


def _cleared(unit: tuple[str, ...]) -> dict[str, Any]:
    return {name: False if _PARAMETERS[name].type == "Boolean" else None for name in unit}


_ALL_UNITS = [unit for units in UNITS.values() for unit in units]
_RULE_EDITS = st.one_of(
    st.builds(_rule_edit, st.just("Set-TransportRule"), _INDEX, contents()),
    st.builds(_rule_edit, st.just("Set-TransportRule"), _INDEX, st.sampled_from(_ALL_UNITS).map(_cleared)),
    st.builds(_rule_edit, st.just("Set-TransportRule"), _INDEX, _INDEX.map(lambda priority: {"Priority": priority})),
    st.builds(_rule_edit, st.just("Set-TransportRule"), _INDEX, _NAME.map(lambda name: {"Name": name})),
    st.builds(
        _rule_edit,
        st.just("Set-TransportRule"),
        _INDEX,
        st.sampled_from(["rule 0", "rule 1", "RULE 2"]).map(lambda name: {"Name": name}),
    ),
    st.builds(
        _rule_edit,
        st.sampled_from(["Enable-TransportRule", "Disable-TransportRule", "Remove-TransportRule"]),
        _INDEX,
        st.just({}),
    ),
    st.builds(
        lambda name, parameters: _edit("New-TransportRule", **{**parameters, "Name": name}),
        _NAME | st.just("rule 1"),
        contents(),
    ),
)
_OME_TEXT = st.sampled_from(["", "Welcome", "Zwei\r\nZeilen", "{{ 7 * 7 }}"])
_OTHER_EDITS = st.one_of(
    st.builds(
        lambda identity, text, color, otp, social: _edit(
            "Set-OMEConfiguration",
            Identity=identity,
            PortalText=text,
            BackgroundColor=color,
            OTPEnabled=otp,
            SocialIdSignIn=social,
        ),
        st.sampled_from(["OME Configuration", "One week", "Other"]),
        _OME_TEXT,
        _COLOR,
        _BOOLEAN,
        _BOOLEAN,
    ),
    st.builds(
        lambda days, image: _edit(
            "Set-OMEConfiguration", Identity="One week", ExternalMailExpiryInDays=days, Image=image
        ),
        st.integers(0, 730),
        st.none() | st.binary(min_size=1, max_size=9),
    ),
    st.just(_edit("Remove-OMEConfiguration", Identity="One week")),
    st.builds(
        lambda days: _edit("New-OMEConfiguration", Identity="Other", ExternalMailExpiryInDays=days), st.integers(0, 730)
    ),
    st.builds(
        lambda names, value: _edit("Set-IRMConfiguration", **dict.fromkeys(names, value)),
        st.sets(
            st.sampled_from(
                [
                    "AzureRMSLicensingEnabled",
                    "SimplifiedClientAccessEnabled",
                    "SearchEnabled",
                    "DecryptAttachmentForEncryptOnly",
                ]
            ),
            min_size=1,
        ),
        _BOOLEAN,
    ),
    st.builds(
        lambda locations, setting: _edit(
            "Set-IRMConfiguration", LicensingLocation=locations, TransportDecryptionSetting=setting
        ),
        st.lists(
            st.sampled_from(["https://a.example/_wmcs/licensing", "https://b.example/_wmcs/licensing"]),
            unique=True,
            min_size=1,
        ),
        st.sampled_from(["Optional", "Mandatory", "Disabled"]),
    ),
    st.builds(
        lambda level, mails, text: _edit(
            "Set-ActiveSyncOrganizationSettings",
            DefaultAccessLevel=level,
            AdminMailRecipients=mails,
            UserMailInsert=text,
        ),
        st.sampled_from(["Allow", "Block", "Quarantine"]),
        st.lists(st.sampled_from([f"a@{DOMAIN}", f"B@{DOMAIN}"]), unique=True, min_size=1),
        st.none() | _TEXT,
    ),
    st.builds(lambda on: _edit("Set-OwaMailboxPolicy", Identity="OwaMailboxPolicy-Default", IRMEnabled=on), _BOOLEAN),
    st.builds(lambda on: _edit("Set-MobileDeviceMailboxPolicy", Identity="Default", IrmEnabled=on), _BOOLEAN),
)

#: What other administrators do, in order.
edits = st.lists(_RULE_EDITS | _OTHER_EDITS, min_size=1, max_size=12)


@st.composite
def organizations(draw: st.DrawFn, maximum: int = 60) -> EmulatedSession:
    """An organization with up to ``maximum`` rules, over any wire, in any language, that reorders lists or does not."""
    state = {
        "advanced_message_encryption": True,
        "locale": draw(st.sampled_from(["en-US", "fr-FR"])),
        "reorder_lists": draw(_BOOLEAN),
        "image_output": draw(st.sampled_from(["bytes", "integers"])),
        "transport_rules": [
            {"Name": f"left over {number}", **rule}
            for number, rule in enumerate(draw(st.lists(_LEFT_OVER, max_size=2)))
        ],
    }
    session = EmulatedSession(state, draw(st.sampled_from(["rest", "module", "server"])))
    session.edit("New-OMEConfiguration", Identity="One week", ExternalMailExpiryInDays=7)
    for edit in draw(st.lists(_OTHER_EDITS, max_size=4)):
        edit.apply(session)
    french = {"Encrypt": "Chiffrer", "Do Not Forward": "Ne pas transférer"} if state["locale"] == "fr-FR" else {}
    for number, content in enumerate(draw(st.lists(contents(), max_size=maximum))):
        template = content.get("ApplyRightsProtectionTemplate")
        named = {**content, **({"ApplyRightsProtectionTemplate": french.get(template, template)} if template else {})}
        place = (
            {"Priority": draw(st.integers(0, len(session.organization.state["transport_rules"])))}
            if draw(_BOOLEAN)
            else {}
        )
        switches = {"Enabled": draw(_BOOLEAN), "UseLegacyRegex": draw(_BOOLEAN)}
        _tolerant(session, "New-TransportRule", {"Name": f"rule {number}", **named, **switches, **place})
    session.reads = 0
    return session
