# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST front: ``InvokeCommand``, ``$batch`` and ``EXOModuleFile`` of Exchange Online's admin API."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .authority import Authority, NotEntitled, Unauthorized, challenge
from .clixml import Flavour, documents
from .errors import CmdletError, CmdletNotGranted
from .faults import Fault, strike
from .module_script import module_file
from .organization import Organization
from .properties import Kind, Record
from .runner import granted
from .schema import is_read
from .service import Service
from .web import Answer, Request

_PATH = re.compile(
    r"/adminapi/(beta|v1\.0)/([^/]+)/(InvokeCommand|\$batch|EXOModuleFile|basicinfo\('AdminApiState'\))", re.IGNORECASE
)
_RUNNING = {"PropertyName": "AdminApiState", "PropertyValue": "Running"}
#: What the service's own module puts into a batch. Whether it takes more is not known, so more is refused.
_MAXIMUM_BATCH = 10
_NOTHING_READABLE = b"\x00" * 512
_CODES = {400: "BadRequest", 403: "Forbidden", 404: "NotFound", 500: "InternalServerError"}
_THROWN = "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException"


class AdminApi:
    """Answers the requests of REST clients.

    :param url: the front's own address, for the context and page links in answers.
    """

    #: The name under which calls and faults are recorded.
    wire = "rest"
    #: Whether it is the compliance endpoint, which has its own cmdlets.
    is_compliance = False

    def __init__(self, service: Service, authority: Authority) -> None:
        self.service = service
        self.authority = authority
        self.url = ""
        self._pages: dict[str, list[dict[str, Any]]] = {}
        self._tokens = itertools.count(1)

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is not the admin API's."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return None
        self._count()
        version, tenant, what = match.groups()
        step = {"invokecommand": "invoke", "$batch": "batch"}.get(what.lower(), what.lower())
        named = self.service.find(tenant)
        fault = self.service.faults.transport(self.wire, step, _cmdlets(request), named.name if named else tenant)
        if step == "invoke" and version == "v1.0":
            return Answer(405, b"", {"Allow": "GET"})
        answer = strike(self._unauthorized_from_now_on(fault), lambda: self._authorized(step, tenant, request))
        return _compressed(answer, request)

    def _count(self) -> None:
        self.service.ledger.count_request()

    def _check(self, authorization: str, tenant: str) -> Organization:
        return self.authority.check(authorization, tenant)

    def _unauthorized_from_now_on(self, fault: Fault | None) -> Fault | None:
        """A fault that ends the token is not answered once: every use of the token is refused afterwards."""
        if fault is None or not fault.kind.startswith("401_"):
            return fault
        self.authority.refuse_all(fault.kind.removeprefix("401_"))
        return None

    def _authorized(self, step: str, tenant: str, request: Request) -> Answer:
        try:
            organization = self._check(request.headers.get("Authorization", ""), tenant)
        except Unauthorized as refusal:
            return Answer(401, b"", challenge(str(refusal)))
        except NotEntitled:
            return Answer(403, _NOTHING_READABLE, {"Content-Type": "application/json"})
        return self._serve(step, organization, request, tenant)

    def _serve(self, step: str, organization: Organization, request: Request, tenant: str) -> Answer:
        if step == "exomodulefile":
            return self._module_file(organization, request.headers.get("CommandName") or "*")
        if step.startswith("basicinfo"):
            return _json(200, _RUNNING)
        if request.method != "POST":
            return Answer(405, b"", {"Allow": "POST"})
        try:
            body = json.loads(request.body)
            return (
                self._batch(organization, body)
                if step == "batch"
                else self._invoke(organization, body, request.headers, request.query, tenant)
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _error(
                CmdletError(f"The request is malformed: {error}.", "Microsoft.OData.ODataException", ""), organization
            )

    def _module_file(self, organization: Organization, wanted: str) -> Answer:
        """The script of the temporary module, where somebody names the cmdlets that it shall have; otherwise only their
        list.
        """
        names = granted(organization.state, compliance=self.is_compliance)
        file: dict[str, Any] = {}
        if wanted != "*":
            asked = {name.strip().lower() for name in wanted.split(",")}
            names = [name for name in names if name.lower() in asked]
            hidden = [text.lower() for text in organization.state["hidden_parameters"]]
            file = {"fileName": "ExoModule.psm1", "fileContent": module_file(names, hidden_parameters=hidden)}
        context = f"{self.url}/adminapi/v1.0/{organization.name}/$metadata#EXOModuleFile"
        return _json(200, {"@odata.context": context, "value": [{**file, "exportedCmdlets": ",".join(names)}]})

    def _batch(self, organization: Organization, body: Mapping[str, Any]) -> Answer:
        requests = body["requests"]
        if not 0 < len(requests) <= _MAXIMUM_BATCH or len({row["id"] for row in requests}) != len(requests):
            raise ValueError(f"a batch needs between 1 and {_MAXIMUM_BATCH} requests with different ids")
        # Parts run in any order, and answers come in any order: only the id tells which is which.
        ordered = _ORDERS[organization.state["batch_order"]](requests)
        responses = [{"id": row["id"], **self._batched(organization, row)} for row in ordered]
        return _json(200, {"responses": responses[::-1]})

    def _batched(self, organization: Organization, row: Mapping[str, Any]) -> dict[str, Any]:
        match = _PATH.fullmatch(re.sub(r"^https?://[^/]+", "", row["url"]).partition("?")[0])
        if match is None or row["method"].upper() != "POST" or not organization.answers_to(match[2]):
            return {
                "status": 404,
                "body": {"error": {"code": "NotFound", "message": f"No such resource: {row['url']}"}},
            }
        headers = {name.lower(): value for name, value in (row.get("headers") or {}).items()}
        try:
            # Whether a part inherits the outer authorization is not known: each that real clients send has its own.
            self._check(headers.get("authorization", ""), match[2])
        except Unauthorized as refusal:
            return {"status": 401, "headers": challenge(str(refusal)), "body": ""}
        except NotEntitled:
            return {"status": 403, "headers": {}, "body": _NOTHING_READABLE.decode("latin-1")}
        fault = self.service.faults.transport(
            self.wire, "batched", [row["body"]["CmdletInput"]["CmdletName"]], organization.name
        )
        answer = strike(fault, lambda: self._invoke(organization, row["body"], headers, {}, match[2]))
        try:
            content: Any = json.loads(answer.body)
        except ValueError:
            content = answer.body.decode("latin-1")
        return {"status": answer.status, "headers": answer.headers, "body": content}

    def _invoke(
        self, organization: Organization, body: Mapping[str, Any], headers: Any, query: Mapping[str, str], tenant: str
    ) -> Answer:
        if "$skiptoken" in query:
            rest = self._pages.pop(query["$skiptoken"], None)
            return self._page(
                organization, rest if organization.state["page_links"] == "post" else None, [], headers, tenant
            )
        call = body["CmdletInput"]
        cmdlet, parameters = str(call["CmdletName"]), call.get("Parameters") or {}
        if not isinstance(parameters, dict):
            raise TypeError("Parameters is not an object")
        try:
            outcome = self.service.invoke(organization, self.wire, cmdlet, parameters, compliance=self.is_compliance)
        except CmdletNotGranted:
            return Answer(403, _NOTHING_READABLE, {"Content-Type": "application/json"})
        except CmdletError as error:
            return _error(error, organization)
        if headers.get("X-ResponseFormat", "json") == "clixml":
            values = [{"_clixml": text} for text in documents(outcome, Flavour.MODULE)]
        else:
            values = [_object(record, organization, query.get("$select")) for record in outcome.records]
        answer = self._page(organization, values, outcome.warnings, headers, tenant, outcome.errors)
        if outcome.garbled:
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    def _page(
        self,
        organization: Organization,
        values: list[dict[str, Any]] | None,
        warnings: list[str],
        headers: Any,
        tenant: str,
        errors: list[CmdletError] | None = None,
    ) -> Answer:
        if values is None:
            return _error(
                CmdletError("Expired or Invalid pagination request. Default Expiry time is 00:30:00", "", ""),
                organization,
            )
        preferred = re.search(r"odata\.maxpagesize=(\d+)", headers.get("Prefer") or headers.get("prefer") or "")
        size = min(organization.state["page_size"] or 1000, int(preferred[1]) if preferred else 1000)
        body: dict[str, Any] = {
            "@odata.context": f"{self.url}/adminapi/beta/{organization.name}/$metadata#Collection(Exchange.GenericHashTable)"
        }
        if len(values) > size:
            token = str(next(self._tokens))
            if organization.is_addressed_well_by(tenant):
                self._pages[token] = values[size:]
            body["@odata.nextLink"] = (
                f"{self.url}/adminapi/beta/{organization.tenant_id}/InvokeCommand?$skiptoken={token}"
            )
        body |= {"adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": warnings}
        if errors:
            body["@adminapi.errors"] = [_detail(error, organization) for error in errors]
        return _json(200, {**body, "value": values[:size]})


def _is_read(row: Mapping[str, Any]) -> bool:
    """Whether a part of a batch is a read."""
    return is_read(str(row["body"]["CmdletInput"]["CmdletName"]))


#: The order in which the parts of a batch run, by the name that it has in an organization's state.
_ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "given": lambda rows: rows,
    "reversed": lambda rows: rows[::-1],
    "reads_first": lambda rows: sorted(rows, key=lambda row: not _is_read(row)),
    "reads_last": lambda rows: sorted(rows, key=_is_read),
}


def _cmdlets(request: Request) -> list[str]:
    """The cmdlets that a request names, as far as it can be read."""
    return re.findall(r'"CmdletName"\s*:\s*"([^"]*)"', request.body.decode("utf-8", "replace"))


def _object(record: Record, organization: Organization, select: str | None) -> dict[str, Any]:
    wanted = set(select.split(",")) if select else None
    shown: dict[str, Any] = {}
    for name, value in record.values.items():
        if wanted is None or name in wanted:
            shown |= _property(name, record.kind(name), value, organization)
    return shown


def _property(name: str, kind: Kind, value: Any, organization: Organization) -> dict[str, Any]:
    """A property and its annotations."""
    if kind in (Kind.LIST, Kind.URI_LIST, Kind.RULE_LIST):
        shown = value if kind is Kind.RULE_LIST else value or []
        return {f"{name}@odata.type": "#Collection(String)", name: shown} if shown is not None else {name: None}
    if value is None:
        return {name: None}
    if kind is Kind.INT:
        return {f"{name}@data.type": "System.Int32", name: value}
    if kind is Kind.GUID:
        return {f"{name}@data.type": "System.Guid", f"{name}@odata.type": "#Guid", name: value}
    if kind in (Kind.INSTANT, Kind.INSTANT_UTC):
        return {
            f"{name}@data.type": "System.DateTime",
            name: value if kind is Kind.INSTANT_UTC else value.removesuffix("Z") + "+00:00",
        }
    if kind is Kind.BYTES and organization.state["image_output"] == "integers":
        return {f"{name}@data.type": "System.Byte[]", name: list(base64.b64decode(value))}
    return {name: value}


def _detail(error: CmdletError, organization: Organization) -> str:
    if organization.state["error_details"] == "json":
        return json.dumps({"Message": error.message, "TypeName": error.type})
    return f"{error.error_id}|{error.type}|{error.message}"


def _error(error: CmdletError, organization: Organization) -> Answer:
    inner = {"message": f"Exception of type '{_THROWN}' was thrown.", "type": _THROWN}
    body: dict[str, Any] = {"code": _CODES.get(error.status, "BadRequest"), "message": "Error executing cmdlet"}
    if organization.state["error_details"] == "inner":
        inner = {"message": error.message, "type": error.type}
    else:
        body["details"] = [{"code": "Context", "target": "", "message": _detail(error, organization)}]
    trace = "   at Microsoft.Exchange.AdminApi.CommandInvocation.CommandInvocation.InvokeCommand(QueryContext queryContext, CmdletInput cmdletInput)"
    thrower = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
    body["innererror"] = {
        "message": "Error executing cmdlet",
        "type": thrower,
        "stacktrace": trace,
        "internalexception": inner,
    }
    answer = _json(error.status, {"error": body})
    answer.headers |= {"x-ExceptionType": error.reason, "request-id": str(uuid.uuid4())}
    return answer


def _json(status: int, body: Any) -> Answer:
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Answer(
        status, text, {"Content-Type": "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"}
    )


def _compressed(answer: Answer, request: Request) -> Answer:
    if "gzip" in request.headers.get("Accept-Encoding", "") and answer.status == 200:
        answer.body = gzip.compress(answer.body, 1)
        answer.headers["Content-Encoding"] = "gzip"
    return answer
