# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST front, the authority and the control API, with raw requests and with msal."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import msal
import pytest
import requests

from tests.emulator import Emulator
from tests.emulator.authority import GRAPH
from tests.emulator.graph import PATH
from tests.emulator.organization import Organization

from .conftest import Client

_SCOPE = ["https://outlook.office365.com/.default"]


def test_an_answer_has_the_documented_shape(client: Client) -> None:
    client.invoke("New-TransportRule", Name="r", DeleteMessage=True)
    answer = client.invoke("Get-TransportRule")
    assert answer.headers["Content-Encoding"] == "gzip"
    body = answer.json()
    assert set(body) == {"@odata.context", "adminapi.warnings@odata.type", "@adminapi.warnings", "value"}
    (rule,) = body["value"]
    assert rule["Priority@data.type"] == "System.Int32"
    assert rule["Guid@odata.type"] == "#Guid"
    assert rule["Conditions"] is None
    assert rule["Actions@odata.type"] == "#Collection(String)"
    assert rule["WhenChanged"].endswith("0+00:00")


@pytest.mark.parametrize("form", ["pipe", "json", "inner"])
def test_an_error_comes_in_three_forms(client: Client, emulator: Emulator, form: str) -> None:
    emulator.organizations[client.organization].patch({"error_details": form})
    answer = client.invoke("Set-OMEConfiguration", Identity="nobody")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["message"] == "Error executing cmdlet"
    if form == "pipe":
        assert error["details"][0]["message"].startswith(
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation"
        )
    elif form == "json":
        assert json.loads(error["details"][0]["message"])["TypeName"].endswith("ManagementObjectNotFoundException")
    else:
        assert "details" not in error
        assert "couldn't be found" in error["innererror"]["internalexception"]["message"]


def test_a_hidden_cmdlet_is_not_even_json(client: Client) -> None:
    answer = client.invoke("New-OMEConfiguration", Identity="x")
    assert (answer.status_code, set(answer.content)) == (403, {0})


def test_batches_answer_by_id(client: Client) -> None:
    names = ["Get-OMEConfiguration", "Get-Nothing", "Get-IRMConfiguration"]
    responses = {
        row["id"]: row for row in client.post("$batch", {"requests": list(map(client.part, names))}).json()["responses"]
    }
    assert {name: row["status"] for name, row in responses.items()} == {names[0]: 200, names[1]: 403, names[2]: 200}
    assert client.emulator.round_trips == 1
    assert [entry.cmdlet for entry in client.emulator.calls] == names


@pytest.mark.parametrize(("count", "status"), [(0, 400), (10, 200), (11, 400)])
def test_a_batch_has_as_many_parts_as_the_services_own_module_sends(client: Client, count: int, status: int) -> None:
    parts = [{**client.part("Get-OMEConfiguration"), "id": str(number)} for number in range(count)]
    assert client.post("$batch", {"requests": parts}).status_code == status
    assert len(client.emulator.calls) == (count if status == 200 else 0)


@pytest.mark.parametrize(
    ("order", "ran"),
    [
        ("given", ["Set", "Get", "Enable"]),
        ("reversed", ["Enable", "Get", "Set"]),
        ("reads_first", ["Get", "Set", "Enable"]),
        ("reads_last", ["Set", "Enable", "Get"]),
    ],
)
def test_the_parts_of_a_batch_run_in_any_order(client: Client, emulator: Emulator, order: str, ran: list[str]) -> None:
    emulator.organizations[client.organization].patch({"batch_order": order})
    parts = [client.part(name) for name in ("Set-IRMConfiguration", "Get-IRMConfiguration", "Enable-TransportRule")]
    assert client.post("$batch", {"requests": parts}).status_code == 200
    assert [entry.cmdlet.partition("-")[0] for entry in client.emulator.calls] == ran


def test_a_part_of_a_batch_needs_an_authorization_of_its_own(client: Client) -> None:
    parts = [client.part("Get-OMEConfiguration"), {**client.part("Get-IRMConfiguration"), "headers": {}}]
    statuses = {row["id"]: row["status"] for row in client.post("$batch", {"requests": parts}).json()["responses"]}
    assert statuses == {"Get-OMEConfiguration": 200, "Get-IRMConfiguration": 401}


def test_pages_follow_the_link_with_the_same_body(client: Client, emulator: Emulator) -> None:
    emulator.organizations[client.organization].patch(
        {
            "page_size": 2,
            "transport_rules": [
                {"Name": name, "Guid": name, "State": "Enabled", "DeleteMessage": True} for name in "abcde"
            ],
        }
    )
    body = {"CmdletInput": {"CmdletName": "Get-TransportRule", "Parameters": {}}}
    names: list[str] = []
    url: str | None = f"{emulator.url}/adminapi/beta/{client.organization}/InvokeCommand"
    while url:
        page = client.session.post(url, json=body, timeout=60).json()
        names += [row["Name"] for row in page["value"]]
        url = page.get("@odata.nextLink")
    assert names == list("abcde")


@pytest.mark.parametrize("token", [None, "garbage", "other organization", "expired", "revoked", "no app role"])
def test_a_bad_token_is_refused(client: Client, emulator: Emulator, token: str | None) -> None:
    application = emulator.applications[client.organization]
    if token == "other organization":
        value = emulator.token("fabrikam.onmicrosoft.com")
    elif token == "expired":
        emulator.authority.lifetime = -10
        value = emulator.token(client.organization)
        emulator.authority.lifetime = 3599
    elif token == "no app role":
        application.app_role = False
        value = emulator.token(client.organization)
        application.app_role = True
    else:
        value = emulator.token(client.organization) if token == "revoked" else str(token)
        emulator.authority.refuse_all("revoked")
    client.session.headers["Authorization"] = f"Bearer {value}" if token else ""
    answer = client.invoke("Get-IRMConfiguration")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert ("claims=" in answer.headers["WWW-Authenticate"]) == (token == "revoked")


def test_a_missing_directory_role_is_403(client: Client) -> None:
    client.control("PATCH", f"application?organization={client.organization}", {"directory_role": False})
    assert client.invoke("Get-IRMConfiguration").status_code == 403
    client.control("PATCH", f"application?organization={client.organization}", {"directory_role": True})
    assert client.invoke("Get-IRMConfiguration").status_code == 200


@pytest.mark.parametrize(
    "kind", ["secret", "pem", "thumbprint", "pfx", "federated", "wrong secret", "foreign certificate"]
)
def test_msal_signs_in_with_every_credential(emulator: Emulator, kind: str) -> None:
    here, there = emulator.describe()["organizations"]
    pem = Path((there if kind == "foreign certificate" else here)["certificate_path"]).read_text()
    credential = {
        "secret": here["client_secret"],
        "pem": {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN CERTIFICATE") :]},
        "thumbprint": {"private_key": pem, "thumbprint": here["certificate_thumbprint"]},
        "pfx": {"private_key_pfx_path": here["certificate_pfx_path"], "passphrase": here["certificate_password"]},
        "federated": {"client_assertion": lambda: Path(here["federated_token_file"]).read_text()},
        "wrong secret": "wrong",
        "foreign certificate": {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN CERTIFICATE") :]},
    }[kind]
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(emulator.ca_cert)
        application = msal.ConfidentialClientApplication(
            here["client_id"],
            client_credential=credential,
            authority=f"{emulator.url}/{here['name']}",
            http_client=session,
            instance_discovery=False,
        )
        result = application.acquire_token_for_client(_SCOPE)
    if kind in ("wrong secret", "foreign certificate"):
        assert result["error"] == "invalid_client"
    else:
        assert result["token_type"] == "Bearer"


def test_the_module_file_lists_what_is_granted(client: Client) -> None:
    answer = client.session.get(
        f"{client.emulator.url}/adminapi/v1.0/{client.organization}/EXOModuleFile?Version=3.9.2", timeout=60
    )
    names = answer.json()["value"][0]["exportedCmdlets"].split(",")
    assert "Get-OMEConfiguration" in names
    assert "New-OMEConfiguration" not in names


def test_the_portal_edits_without_being_counted(client: Client) -> None:
    client.control(
        "POST",
        "cmdlet",
        {"cmdlet": "Set-OMEConfiguration", "parameters": {"Identity": "OME Configuration", "OTPEnabled": False}},
    )
    assert client.control("GET", "state")["ome_configurations"][0]["OTPEnabled"] is False
    assert client.control("GET", "round_trips") == {"round_trips": 0, "counters": {}}
    client.invoke("Get-OMEConfiguration")
    assert client.control("GET", "round_trips")["round_trips"] == 1
    assert client.control("GET", "calls")[0]["cmdlet"] == "Get-OMEConfiguration"
    client.control("PUT", "state", {})
    assert client.control("GET", "state")["ome_configurations"][0]["OTPEnabled"] is True


def test_a_picture_goes_in_and_out(client: Client, emulator: Emulator) -> None:
    picture = bytes(range(256))
    for value in ({"@odata.type": "#Exchange.ByteArrayType", "Data": list(picture)}, list(picture)):
        assert client.invoke("Set-OMEConfiguration", Identity="OME Configuration", Image=value).ok
        organization: Organization = emulator.organizations[client.organization]
        (shown,) = client.invoke("Get-OMEConfiguration").json()["value"]
        assert shown["Image"] == organization.state["ome_configurations"][0]["Image"]
        assert shown["ImageUrl"]
        client.invoke("Set-OMEConfiguration", Identity="OME Configuration", Image=None)
        (shown,) = client.invoke("Get-OMEConfiguration").json()["value"]
        assert (shown["Image"], shown["ImageUrl"]) == (None, None)


def test_a_picture_is_no_text(client: Client) -> None:
    answer = client.invoke(
        "Set-OMEConfiguration",
        Identity="OME Configuration",
        Image={"@odata.type": "#Exchange.ByteArrayType", "Data": "iVBORw=="},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("place", ["virtual machine", "app service"])
@pytest.mark.parametrize("kind", ["system", "user"])
def test_msal_signs_in_with_a_managed_identity(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, place: str, kind: str
) -> None:
    if place == "app service":
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
    else:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", emulator.url)
    (organization, _unused) = emulator.describe()["organizations"]
    identity = (
        msal.SystemAssignedManagedIdentity()
        if kind == "system"
        else msal.UserAssignedManagedIdentity(client_id=organization["client_id"])
    )
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(emulator.ca_cert)
        result = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(
            resource="https://outlook.office365.com"
        )
    assert result["token_type"] == "Bearer"


def test_msal_answers_a_claims_challenge(client: Client, emulator: Emulator) -> None:
    (organization, _unused) = emulator.describe()["organizations"]
    emulator.authority.refuse_all("revoked")
    challenge = client.invoke("Get-IRMConfiguration").headers["WWW-Authenticate"]
    claims = base64.b64decode(challenge.partition('claims="')[2].rstrip('"')).decode()
    application = msal.ConfidentialClientApplication(
        organization["client_id"],
        client_credential=organization["client_secret"],
        authority=f"{emulator.url}/{organization['name']}",
        http_client=client.session,
        instance_discovery=False,
    )
    for answer, status in ((None, 401), (claims, 200)):
        token = application.acquire_token_for_client(_SCOPE, claims_challenge=answer)["access_token"]
        client.session.headers["Authorization"] = f"Bearer {token}"
        assert client.invoke("Get-IRMConfiguration").status_code == status


def test_an_application_may_serve_several_organizations(client: Client, emulator: Emulator) -> None:
    here, there = emulator.describe()["organizations"]
    form = {
        "grant_type": "client_credentials",
        "client_id": here["client_id"],
        "client_secret": here["client_secret"],
        "scope": _SCOPE[0],
    }
    url = f"{emulator.url}/{there['name']}/oauth2/v2.0/token"
    assert "AADSTS700016" in client.session.post(url, data=form, timeout=60).json()["error_description"]
    client.control("PATCH", f"application?organization={here['name']}", {"consented_in": [there["name"]]})
    assert client.session.post(url, data=form, timeout=60).ok
    emulator.applications[here["name"]].tenants.discard(there["tenant_id"])


def test_an_organization_on_premises_has_no_tenant() -> None:
    with Emulator([{"name": "contoso.com", "cloud": False}]) as emulator:
        url = f"{emulator.url}/contoso.com/v2.0/.well-known/openid-configuration"
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(emulator.ca_cert)
            assert "AADSTS90002" in session.get(url, timeout=60).json()["error_description"]


def test_a_picture_may_come_back_in_other_ways(client: Client, emulator: Emulator) -> None:
    organization = emulator.organizations[client.organization]
    client.invoke("Set-OMEConfiguration", Identity="OME Configuration", Image=[1, 2, 3])
    shown = {}
    for output in ("bytes", "integers", "url"):
        organization.patch({"image_output": output})
        (row,) = client.invoke("Get-OMEConfiguration").json()["value"]
        assert row["ImageUrl"]
        shown[output] = row["Image"]
    assert shown == {"bytes": "AQID", "integers": [1, 2, 3], "url": None}


def test_a_parameter_may_not_have_arrived_yet(client: Client, emulator: Emulator) -> None:
    emulator.organizations[client.organization].patch(
        {"hidden_parameters": ["Set-IRMConfiguration -EnablePortalTrackingLogs"]}
    )
    answer = client.invoke("Set-IRMConfiguration", EnablePortalTrackingLogs=True)
    assert answer.status_code == 400
    assert "AmbiguousParameterSetException" in answer.text


def test_lists_may_come_back_in_another_order(client: Client, emulator: Emulator) -> None:
    emulator.organizations[client.organization].patch({"reorder_lists": True})
    (rule,) = client.invoke("New-TransportRule", Name="r", DeleteMessage=True, SubjectContainsWords=["a", "b"]).json()[
        "value"
    ]
    assert rule["SubjectContainsWords"] == ["b", "a"]


def test_cmdlets_do_not_run_under_the_older_version(client: Client, emulator: Emulator) -> None:
    address = f"{emulator.url}/adminapi/v1.0/{client.organization}/InvokeCommand"
    answer = client.session.post(
        address, json={"CmdletInput": {"CmdletName": "Get-IRMConfiguration", "Parameters": {}}}, timeout=60
    )
    assert answer.status_code == 405
    assert client.emulator.calls == []


def test_who_names_cmdlets_gets_a_module_with_these_and_objects_as_clixml(client: Client, emulator: Emulator) -> None:
    base, named = f"{emulator.url}/adminapi", {"CommandName": "Get-IRMConfiguration,Get-CASMailbox"}
    (file,) = client.session.get(f"{base}/v1.0/{client.organization}/EXOModuleFile", headers=named, timeout=60).json()[
        "value"
    ]
    assert file["exportedCmdlets"] == "Get-IRMConfiguration"
    assert "function Get-IRMConfiguration {" in file["fileContent"]
    state = client.session.get(f"{base}/beta/{client.organization}/basicinfo('AdminApiState')", timeout=60).json()
    assert state == {"PropertyName": "AdminApiState", "PropertyValue": "Running"}
    body = {"CmdletInput": {"CmdletName": "Get-IRMConfiguration", "Parameters": {}}}
    (found,) = client.session.post(
        f"{base}/beta/{client.organization}/InvokeCommand",
        json=body,
        headers={"X-ResponseFormat": "clixml"},
        timeout=60,
    ).json()["value"]
    assert found["_clixml"].startswith("<Objs ")
    assert 'N="SearchEnabled"' in found["_clixml"]


def test_a_page_beyond_the_first_is_refused_where_another_domain_names_the_organization(
    client: Client, emulator: Emulator
) -> None:
    organization = emulator.organizations[client.organization]
    rules = [{"Name": name, "Guid": name, "DeleteMessage": True} for name in "abc"]
    domains = [*organization.state["accepted_domains"], {"DomainName": "contoso.com"}]
    organization.patch({"page_size": 2, "transport_rules": rules, "accepted_domains": domains})
    body = {"CmdletInput": {"CmdletName": "Get-TransportRule", "Parameters": {}}}
    statuses = []
    for tenant in ("contoso.com", organization.tenant_id):
        first = client.session.post(
            f"{emulator.url}/adminapi/beta/{tenant}/InvokeCommand", json=body, timeout=60
        ).json()
        statuses.append(client.session.post(first["@odata.nextLink"], json=body, timeout=60).status_code)
    assert statuses == [400, 200]


def test_graph_has_the_quota_of_the_message_trace(client: Client, emulator: Emulator) -> None:
    organization = emulator.organizations["fabrikam.onmicrosoft.com"]
    organization.patch({"message_trace_quota": 2})
    token = emulator.authority.issue(emulator.applications[organization.name], organization, GRAPH)
    query = {"$filter": "receivedDateTime ge 2026-11-24T00:00:00Z and receivedDateTime le 2026-11-25T00:00:00Z"}
    headers = {"Authorization": f"Bearer {token}"}
    answers = [
        client.session.get(f"{emulator.url}{PATH}", params=query, headers=headers, timeout=60) for _query in range(3)
    ]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 300
