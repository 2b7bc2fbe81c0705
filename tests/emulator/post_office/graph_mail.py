# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph's mail: ``POST /users/{id}/sendMail``, a mailbox's messages, and a message in MIME.

Source: Microsoft's pages of user-sendmail, outlook-get-mime-message and the limits; the codes of errors as issues on
GitHub quote them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..authority import NotEntitled, Unauthorized
from ..faults import strike
from ..people import json_answer
from ..web import Answer, Request
from . import letters, office
from .letters import Letter

if TYPE_CHECKING:
    from ..authority import Authority
    from ..organization import Organization
    from ..service import Service

#: The most bytes of a request. More than the second one in MIME got another answer than 202 once, and was not sent.
LARGEST, DOUBTFUL = 4 * 10**6, 2_200_000
_PATH = re.compile(r"/v1\.0/users/([^/]+)/(sendMail|messages|messages/([^/]+)(?:/(\$value))?)", re.IGNORECASE)
_FILTER = re.compile(r"internetMessageId eq '((?:[^']|'')*)'")
_ABOUT = re.compile(
    r"receivedDateTime ge (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z and contains\(subject,'((?:[^']|'')*)'\)"
)
_SECONDS = 60


class Refused(Exception):
    """An error of Graph's.

    :param code: what programs look at.
    """

    def __init__(self, status: int, code: str, text: str = "") -> None:
        super().__init__(text or code)
        self.status = status
        self.code = code


class GraphMail:
    """Answers requests for mail."""

    def __init__(self, service: Service, authority: Authority) -> None:
        self.service = service
        self.authority = authority

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is not of mail."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        sends = found[2].lower() == "sendmail"
        step = "send" if sends else "copy" if found[4] else "copies"
        self.service.ledger.count(f"graph_{step}")
        fault = self.service.faults.transport("rest", step, organization=self._asking(request))
        return strike(fault, lambda: self._answer(request, found))

    def _asking(self, request: Request) -> str:
        with contextlib.suppress(Unauthorized, NotEntitled):
            return self.authority.check_graph(request.headers.get("Authorization", ""), "").name
        return ""

    def _answer(self, request: Request, found: re.Match[str]) -> Answer:
        try:
            return self._done(request, found)
        except Unauthorized as refusal:
            return _error(401, "InvalidAuthenticationToken", str(refusal))
        except Refused as refusal:
            return _error(refusal.status, refusal.code, str(refusal))

    def _done(self, request: Request, found: re.Match[str]) -> Answer:
        authorization = request.headers.get("Authorization", "")
        organization = self.authority.check_graph(authorization, "")
        sends = found[2].lower() == "sendmail"
        if sends is not (request.method == "POST"):
            raise Refused(405, "Request_BadRequest", "The method is not allowed here")
        box = office.mailbox(organization.state, found[1])
        if not box:
            raise Refused(404, "ErrorInvalidUser", f"The requested user '{found[1]}' is invalid.")
        consented = self.authority.roles_of(authorization)
        self._check_right(organization, box, consented, sends=sends)
        if sends:
            return self._send(organization, box, request)
        if found[3]:
            return self._one(organization, box, found[3], whole=bool(found[4]))
        return self._found(organization, box, request)

    @staticmethod
    def _check_right(organization: Organization, box: str, consented: list[str], *, sends: bool) -> None:
        everywhere = {"Mail.Send"} if sends else {"Mail.Read", "Mail.ReadWrite"}
        granted = organization.state["mail_grants"]["send" if sends else "read"]
        if not everywhere & set(consented) and box.lower() not in {each.lower() for each in granted}:
            raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    # Sending

    def _send(self, organization: Organization, box: str, request: Request) -> Answer:
        if len(request.body) > LARGEST:
            raise Refused(413, "RequestEntityTooLarge", "The request is too large.")
        as_mime = request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/plain"
        if as_mime and len(request.body) > DOUBTFUL and organization.state["mail_service"]["large_mime"] == "200":
            return json_answer(200, {})
        if wait := _seconds_to_wait(organization, box):
            answer = _error(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
            return replace(answer, headers={**answer.headers, "Retry-After": str(wait)})
        content, keep = _mime(request.body) if as_mime else _of_json(request.body, box)
        message = letters.parsed(content)
        if organization.state["mail_service"]["blind_recipients"] == "lost" and as_mime:
            del message["Bcc"]
        envelope = letters.addresses_of(message)
        if not envelope:
            raise Refused(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        if "From" not in message:
            message["From"] = box
        letter = Letter(message.as_bytes(), box, envelope, authenticated=organization.state["answers"].get("U22", True))
        if office.mailbox(organization.state, letter.sender) != box:
            raise Refused(403, "ErrorSendAsDenied", "The user account doesn't have the right to send as this user.")
        office.take(organization, letter if as_mime else _without_id(letter))
        if keep:
            office.keep_sent(organization, box, letter.content)
        return Answer(202, b"")

    # Reading

    def _found(self, organization: Organization, box: str, request: Request) -> Answer:
        meets = _filter(request.query.get("$filter"))
        rows = [_shown(organization, row) for row in office.messages_of(organization.state, box)]
        value = [row for row in rows if meets(row)]
        return json_answer(200, {"value": value[: int(request.query.get("$top", "10"))]})

    def _one(self, organization: Organization, box: str, identifier: str, *, whole: bool) -> Answer:
        for row in office.messages_of(organization.state, box):
            if row["id"] == identifier:
                if whole:
                    return Answer(200, row["content"].encode("latin-1"), {"Content-Type": "text/plain"})
                return json_answer(200, _shown(organization, row))
        raise Refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def _filter(condition: str | None) -> Callable[[dict[str, Any]], bool]:
    """Whether a message meets the filter of a request."""
    if condition is None:
        return lambda row: True
    if by_id := _FILTER.fullmatch(condition):
        wanted = by_id[1].replace("''", "'")
        return lambda row: bool(row["internetMessageId"] == wanted)
    if about := _ABOUT.fullmatch(condition):
        since, text = about[1], about[2].replace("''", "'").casefold()
        return lambda row: bool(row["receivedDateTime"][:19] >= since and text in row["subject"].casefold())
    raise Refused(400, "ErrorInvalidUrlQueryFilter", "The query filter is not supported here.")


def _seconds_to_wait(organization: Organization, box: str) -> int:
    """Counts a message of a mailbox; for one that is too many in a minute, seconds until the next one may be sent."""
    sent: list[float] = organization.state["mail_sent_at"].setdefault(box.lower(), [])
    instant = time.time()
    sent[:] = [each for each in sent if instant - each < _SECONDS]
    if len(sent) >= organization.state["mail_service"]["sends_a_minute"]:
        return int(sent[0] + _SECONDS - instant) + 1
    sent.append(instant)
    return 0


def _mime(body: bytes) -> tuple[bytes, bool]:
    try:
        return base64.b64decode(body, validate=True), True
    except binascii.Error as error:
        raise Refused(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.") from error


def _of_json(body: bytes, box: str) -> tuple[bytes, bool]:
    try:
        given = json.loads(body)
        return letters.of_json(given["message"], box), bool(given.get("saveToSentItems", True))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Refused(400, "RequestBodyRead", "The body can't be read.") from error
    except ValueError as error:
        raise Refused(400, str(error)) from error


def _without_id(letter: Letter) -> Letter:
    """What came as JSON has no Message-ID of the sender's."""
    message = letters.parsed(letter.content)
    del message["Message-ID"]
    return replace(letter, content=message.as_bytes())


def _shown(organization: Organization, row: dict[str, Any]) -> dict[str, Any]:
    """A message in JSON. Of protected mail it shows the wrapper, and no attachment."""
    message = letters.parsed(row["content"].encode("latin-1"))
    wrapped = letters.is_wrapped(message)
    text = message.get_body(("plain", "html"))
    content = "" if text is None else text.get_content()
    if wrapped and organization.state["mail_service"]["inner_text"] == "clear":
        content = "What the sender wrote."
    return {
        "id": row["id"],
        "internetMessageId": str(message["Message-ID"]).strip(),
        "receivedDateTime": f"{row['received'][:19]}Z",
        "subject": str(message["Subject"] or ""),
        "hasAttachments": not wrapped and any(True for _part in message.iter_attachments()),
        "isDraft": False,
        "parentFolderId": row["folder"],
        "from": {"emailAddress": {"address": Letter(row["content"].encode("latin-1"), "", (), False).sender}},
        "body": {"contentType": "text", "content": content},
    }


def _error(status: int, code: str, text: str) -> Answer:
    return json_answer(status, {"error": {"code": code, "message": text}})
