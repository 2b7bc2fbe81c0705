# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a real Exchange, and how. Each question says what the collection takes for granted."""

from __future__ import annotations

import base64
import datetime
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from struct import pack
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    COMPLIANCE_SUBSETS,
    SUBSETS,
    read,
    reads_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe
from ansible_collections.m365.message_encryption.plugins.modules import exchange_connection_info, ome_configuration

from .session import LiveSession
from .wire import assumptions

DEFAULT = "OME Configuration"


@dataclass(frozen=True)
class Answer:
    """One row of the report."""

    question: str
    assumed: str
    answer: str


class Questions:
    """Everything that is asked over one wire. Only the default OME configuration and one disabled rule of ours are ever
    written.
    """

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.answers: list[Answer] = []
        self.rule = f"Live test {uuid.uuid4()}"

    def ask(self) -> list[Answer]:
        """Asks everything; a question that fails unexpectedly is answered with its error and hinders no other."""
        may_read_ome = False
        questions = (
            self._connection,
            self._wire,
            self._shapes,
            self._organization,
            self._ome,
            self._module,
            self._clearing,
        )
        for question in (
            *questions,
            self._colors,
            self._image,
            self._refusals,
            self._rules,
            self._predicates,
            self._names,
            self._compliance,
        ):
            if question.__name__ in ("_module", "_clearing", "_colors", "_image", "_refusals") and not may_read_ome:
                continue
            try:
                outcome = question()
                may_read_ome = outcome if question == self._ome and isinstance(outcome, bool) else may_read_ome
            except Exception as failure:
                self._note(f"({question.__name__.strip('_')})", "it can be asked", f"it ended: {failure}")
        return self.answers

    def _note(self, question: str, assumed: str, answer: str) -> None:
        self.answers.append(Answer(question, assumed, " ".join(answer.split())))

    def _connection(self) -> None:
        found = exchange_connection_info.run(self.session.task(exchange_connection_info.SPEC))
        self._note(
            "Who are we, and what may we do?",
            "every cmdlet is granted",
            f"{found['msg']} Not granted: {', '.join(found['missing_cmdlets']) or 'nothing'}.",
        )

    def _wire(self) -> None:
        for row in assumptions(self.session):
            self._note(*row)

    def _organization(self) -> None:
        (found,) = self.session.ask("Get-OrganizationConfig").unwrap()
        shown = {
            name: "missing" if name not in found else "empty" if not found[name] else "there"
            for name in ("OrganizationId", "ExternalDirectoryOrganizationId")
        }
        self._note(
            "What tells the cloud and the tenant?",
            "OrganizationId is there in the cloud; there is no tenant id",
            str(shown),
        )
        self._note("Is it dehydrated?", "every new organization is", str(bool(found.get("IsDehydrated"))))
        limits = self.session.ask("Get-EtrLimits")
        self._note(
            "Does Get-EtrLimits tell the limits of rules?",
            "Get-TransportConfig does; Microsoft documents this one",
            _told(limits) if limits.error else _shape(limits),
        )

    def _shapes(self) -> None:
        for subset, call in reads_of(SUBSETS.keys()).items():
            result = self.session.ask(call.cmdlet, **call.parameters)
            self._note(
                f"What does {call.cmdlet} return?",
                f"objects ({subset})",
                _told(result) if result.error else _shape(result),
            )

    def _compliance(self) -> None:
        """What the compliance endpoint answers, and what of it is not understood. Names of properties, and no values."""
        for call in reads_of(COMPLIANCE_SUBSETS.keys()).values():
            result = self.session.ask(call.cmdlet, **call.parameters)
            self._note(
                f"What does {call.cmdlet} return?",
                "objects, with a role of Entra that the compliance endpoint knows",
                _told(result) if result.error else _shape(result),
            )
        for cmdlet in ("Get-DlpCompliancePolicy", "Get-DlpComplianceRule"):
            self._note(
                f"Does Exchange's own endpoint answer {cmdlet}?",
                "nobody knows; it is not asked there",
                _told(self.session.ask_exchange(cmdlet)),
            )
        organization = read(self.session, [*COMPLIANCE_SUBSETS], fresh=True)
        for subset in COMPLIANCE_SUBSETS:
            if organization.error(subset) is None:
                rows = describe(organization, [subset])[subset]
                found = [
                    each for row in rows for part in (row, *row.get("rules", ())) for each in part.get("unreadable", ())
                ]
                names = sorted({f"{each['property']} ({each['reason']})" for each in found})
                self._note(f"What of {subset} is not understood?", "nothing", ", ".join(names) or "nothing")

    def _ome(self) -> bool:
        result = self.session.ask("Get-OMEConfiguration")
        self._note("May an application read OME configurations?", "it depends on its role", _told(result))
        return result.error is None

    def _module(self) -> None:
        text = f"Live test {uuid.uuid4()}"
        outcomes = [
            ome_configuration.run(self.session.task(ome_configuration.SPEC, check_mode=check_mode, portal_text=text))[
                "changed"
            ]
            for check_mode in (True, False, False)
        ]
        self._note(
            "Does a module foretell, change, and leave alone?",
            "changed, changed, not changed",
            ", ".join("changed" if item else "not changed" for item in outcomes),
        )

    def _clearing(self) -> None:
        for name, nothing in (("null", None), ("an empty text", "")):
            self._set(PortalText="x")
            result = self._set(PortalText=nothing)
            stored = _told(result) if result.error else repr(self._stored()["PortalText"])
            self._note(
                f"What is stored after clearing a text with {name}?",
                "null or an empty text, which mean the same",
                stored,
            )

    def _colors(self) -> None:
        for color in ("white", "#0078D4", "0x00FFFF00"):
            result = self._set(BackgroundColor=color)
            stored = _told(result) if result.error else repr(self._stored()["BackgroundColor"])
            self._note(
                f"What is shown of the color {color}?", "a name or #RRGGBB, which are compared as colors", stored
            )

    def _image(self) -> None:
        question, assumed = "How does a logo come back?", "as its bytes, or as an address only"
        before = self._stored()
        if before.get("ImageUrl") and not before.get("Image"):
            self._note(
                question,
                assumed,
                "not asked: there is a logo of which only the address is shown, so it could not be put back",
            )
            return
        logo = png()
        result = self._set(Image=logo)
        if result.error:
            self._note(question, assumed, _told(result))
            return
        stored = self._stored()
        image = stored.get("Image")
        same = (
            "the same bytes" if image and base64.b64decode(image) == logo else "nothing" if not image else "other bytes"
        )
        self._note(
            question,
            assumed,
            f"Image holds {same}; ImageUrl holds {'an address' if stored.get('ImageUrl') else 'nothing'}",
        )
        cleared = self._set(Image=None)
        self._note(
            "Does null clear the logo?",
            "yes",
            _told(cleared) if cleared.error else "no" if self._stored().get("Image") else "yes",
        )

    def _refusals(self) -> None:
        tries: dict[str, dict[str, Any]] = {
            "an expiry of the default configuration": {"ExternalMailExpiryInDays": 7},
            "731 days": {"ExternalMailExpiryInDays": 731},
            "a portal text of 129 characters": {"PortalText": "x" * 129},
            "a color that is none": {"BackgroundColor": "blurple"},
            "a logo of 100 KB": {"Image": png(100 * 1024)},
        }
        if not self._stored().get("Image") and self._stored().get("ImageUrl"):
            del tries["a logo of 100 KB"]
        for what, parameters in tries.items():
            self._note(
                f"What does Exchange say to {what}?",
                "a refusal, or nothing where only advice is documented",
                _told(self._set(**parameters)),
            )

    def _rules(self) -> None:
        with self._our_rule() as created:
            self._note("Does an application create a rule?", "yes", _told(created))
            if created.error:
                return
            again = self.session.ask("New-TransportRule", **self._rule_parameters())
            self._note("What does Exchange say to a second rule of the same name?", "AlreadyExistsError", _told(again))
            for what, parameter in (
                ("a template", "ApplyRightsProtectionTemplate"),
                ("an OME configuration", "ApplyRightsProtectionCustomizationTemplate"),
            ):
                result = self.session.ask(
                    "Set-TransportRule",
                    Identity=self.rule,
                    Confirm=False,
                    **{parameter: f"no such thing {uuid.uuid4()}"},
                )
                self._note(f"What does Exchange say to {what} that does not exist?", "a refusal", _told(result))

    def _predicates(self) -> None:
        with self._our_rule() as created:
            if created.error:
                return
            self._note(
                "What does Exchange say to a scope of partners?",
                "a refusal",
                _told(self._change(SentToScope="ExternalPartner")),
            )
            self._note(
                "What does Exchange say to the retired ApplyOME?", "a refusal", _told(self._change(ApplyOME=True))
            )
            for value in (False, None):
                result = self._change(HasNoClassification=value)
                shown = [str(item).rpartition(".")[2] for item in self._read().get("Conditions") or ()]
                assumed = "it is among the conditions" if value is False else "it is among them no longer"
                self._note(
                    f"What does HasNoClassification {value} do?", assumed, f"{_told(result)}; conditions {shown}"
                )
            self._change(RejectMessageReasonText="No.", RejectMessageEnhancedStatusCode="5.7.900")
            cleared = self._change(RejectMessageReasonText=None, RejectMessageEnhancedStatusCode=None)
            left = {
                name: self._read().get(name) for name in ("RejectMessageReasonText", "RejectMessageEnhancedStatusCode")
            }
            self._note("Do two nulls clear a rejection?", "yes", f"{_told(cleared)}; {left}")
            sent = datetime.datetime(2099, 1, 31, 8, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
            self._note(
                "How does a date come back that was sent with an offset?",
                "2099-01-31T07:00:00Z",
                f"{_told(self._change(ExpiryDate=sent))}; {self._read().get('ExpiryDate')}",
            )
            words = ["zebra", "Apple", str(uuid.uuid4())]
            self._change(SubjectContainsWords=words)
            kept = self._read().get("SubjectContainsWords") == words
            self._note("Does a list keep its order?", "no matter: lists are compared as sets", "yes" if kept else "no")
            self.session.ask("Enable-TransportRule", Identity=self.rule, Confirm=False)
            self._note(
                "What mode has a rule in test mode after it was enabled?", "the same", str(self._read().get("Mode"))
            )
            self.session.ask("Disable-TransportRule", Identity=self.rule, Confirm=False)

    def _names(self) -> None:
        """Whether the directory takes names for one that .NET tells apart. Each rule that is made is removed at once."""
        base = f"{self.rule} stra\u00dfe \u00e9"
        others = {
            "in capitals": base.upper().replace("STRASSE", "STRA\u00dfE"),
            "without accents": base.replace("\u00e9", "e"),
            "with ss": base.replace("\u00df", "ss"),
            "in full width": base.replace("L", "\uff2c", 1),
        }
        try:
            made = self.session.ask("New-TransportRule", **{**self._rule_parameters(), "Name": base})
            for what, name in others.items() if made.error is None else ():
                result = self.session.ask("New-TransportRule", **{**self._rule_parameters(), "Name": name})
                assumed = "the same name" if what == "in capitals" else "another name"
                self._note(f"Is a name another one {what}?", assumed, _told(result))
                if result.error is None:
                    self._remove(name)
        finally:
            self._remove(base)

    def _change(self, **parameters: Any) -> Result:
        return self.session.ask("Set-TransportRule", Identity=self.rule, Confirm=False, **parameters)

    def _read(self) -> dict[str, Any]:
        rules = self.session.ask("Get-TransportRule", ResultSize="Unlimited").unwrap()
        return next(rule for rule in rules if rule.get("Name") == self.rule)

    def _remove(self, name: str) -> None:
        for rule in self.session.ask("Get-TransportRule", ResultSize="Unlimited").unwrap():
            if rule.get("Name") == name:
                self.session.ask("Remove-TransportRule", Identity=rule["Guid"], Confirm=False).unwrap()

    def _rule_parameters(self) -> dict[str, Any]:
        """A rule that is disabled, only audits, and matches nothing."""
        return {
            "Name": self.rule,
            "Enabled": False,
            "Mode": "Audit",
            "SubjectContainsWords": [str(uuid.uuid4())],
            "ApplyRightsProtectionTemplate": "Encrypt",
            "Confirm": False,
        }

    @contextmanager
    def _our_rule(self) -> Iterator[Result]:
        created = self.session.ask("New-TransportRule", **self._rule_parameters())
        try:
            yield created
        finally:
            # Of the name there may be two: a second one is an answer, too. It may also be there although the answer was
            # lost.
            self._remove(self.rule)

    def _set(self, **parameters: Any) -> Result:
        return self.session.ask("Set-OMEConfiguration", Identity=DEFAULT, Confirm=False, **parameters)

    def _stored(self) -> dict[str, Any]:
        objects = self.session.ask("Get-OMEConfiguration").unwrap()
        return next(item for item in objects if item.get("Identity") == DEFAULT)


def _told(result: Result) -> str:
    if result.error is None:
        return "; ".join(["accepted", *result.warnings])
    error = result.error
    return f"{type(error).__name__} [{error.error_id}]: {error.message}"


def _shape(result: Result) -> str:
    """Names and types, and no values: a report may be shown to others."""
    names: dict[str, set[str]] = {}
    for item in result.objects:
        for name, value in item.items():
            names.setdefault(name, set()).add(type(value).__name__)
    return f"{len(result.objects)} objects: " + ", ".join(
        f"{name} {'/'.join(sorted(kinds))}" for name, kinds in names.items()
    )


def png(size: int = 0) -> bytes:
    """A black picture of 170 x 70 pixels, padded to at least ``size`` bytes with a comment."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    lines = (b"\0" + bytes(170)) * 70
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", pack(">IIBBBBB", 170, 70, 8, 0, 0, 0, 0))
    return (
        head + chunk(b"tEXt", b"Comment\0" + b"x" * size) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )
