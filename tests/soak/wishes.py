# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault search draws: organizations, wishes and faults."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.emulator.faults import CMDLET, KINDS, POOL, STATUSES, TRANSPORT

NAME = "contoso.onmicrosoft.com"
RULE_NAMES = ("alpha", "beta", "gamma", "delta")
TEMPLATES = ("Encrypt", "Do Not Forward", "Confidential \\ All Employees")
BRANDINGS = ("One week", "Täglich_x0041_")
_TEXTS = st.sampled_from(
    [
        "",
        "plain",
        'it\'s $(Get-Date) `n "x"',
        "Zürich €\r\nzwei",
        "{{ lookup('pipe', 'id') }}",
        "<b>&amp;</b>",
        "_x000D_",
    ]
)
_WORDS = st.lists(
    st.sampled_from(["secret", "confidential", "yes", "5", "O'Brien", "täglich"]), min_size=1, max_size=3, unique=True
)
_ADDRESSES = st.lists(
    st.sampled_from([f"AlexW@{NAME}", f"legal@{NAME}", "somebody@example.com"]), min_size=1, max_size=2, unique=True
)
_BOOLEANS = st.booleans()


def some(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these options."""
    return st.fixed_dictionaries({}, optional=strategies)


IRM = some(
    azure_rms_licensing_enabled=_BOOLEANS,
    decrypt_attachment_for_encrypt_only=_BOOLEANS,
    enable_pdf_encryption=_BOOLEANS,
    internal_licensing_enabled=_BOOLEANS,
    search_enabled=_BOOLEANS,
    simplified_client_access_enabled=_BOOLEANS,
    transport_decryption_setting=st.sampled_from(["Disabled", "Mandatory", "Optional"]),
    licensing_location=st.lists(
        st.sampled_from(["https://a.example.com/_wmcs/licensing", "https://b.example.com/_wmcs/licensing"]),
        max_size=2,
        unique=True,
    ),
)
ACTIVESYNC = some(
    admin_mail_recipients=st.just([]) | _ADDRESSES,
    allow_rms_support_for_unenlightened_apps=_BOOLEANS,
    default_access_level=st.sampled_from(["Allow", "Block", "Quarantine"]),
    user_mail_insert=_TEXTS,
)
BRANDING = some(
    background_color=st.sampled_from(["", "#0078d4", "white"]),
    email_text=_TEXTS,
    portal_text=_TEXTS,
    otp_enabled=_BOOLEANS,
    social_id_sign_in=_BOOLEANS,
    image_content=st.sampled_from(["", "iVBORw0KGgo=", "Qk0AAQID"]),
)
_PREDICATES = {
    "from_scope": st.sampled_from(["InOrganization", "NotInOrganization"]),
    "sent_to_scope": st.sampled_from(["InOrganization", "NotInOrganization"]),
    "subject_contains_words": _WORDS,
    "subject_matches_patterns": st.lists(
        st.sampled_from(["^\\[secret\\]", "a|b"]), min_size=1, max_size=2, unique=True
    ),
    "sent_to": _ADDRESSES,
    "attachment_size_over": st.sampled_from(["10MB", "1KB", "123456"]),
    "has_no_classification": st.just(True),
    "scl_over": st.integers(-1, 9),
}
_ACTIONS = {
    "apply_rights_protection_template": st.sampled_from(TEMPLATES),
    "prepend_subject": st.sampled_from(["[E] ", "$x "]),
    "set_scl": st.integers(-1, 9),
    "delete_message": st.just(True),
    "reject_message_reason_text": st.sampled_from(["No.", "Nein €"]),
    "stop_rule_processing": st.just(True),
    "blind_copy_to": _ADDRESSES,
}
_SETTINGS = {
    "comments": _TEXTS,
    "mode": st.sampled_from(["Audit", "Enforce", "AuditAndNotify"]),
    "rule_error_action": st.sampled_from(["Ignore", "Defer"]),
    "enabled": _BOOLEANS,
}
_ACTION_SECTION = some(**_ACTIONS).filter(bool)


def rule(name: st.SearchStrategy[str], *, whole: bool) -> st.SearchStrategy[dict[str, Any]]:
    """The options of a rule. One that is ``whole`` can be created."""
    needed = {"name": name, **({"actions": _ACTION_SECTION} if whole else {})}
    more = {
        "conditions": some(**_PREDICATES),
        "exceptions": some(**_PREDICATES),
        **({} if whole else {"actions": _ACTION_SECTION}),
        **_SETTINGS,
    }
    return st.fixed_dictionaries(needed, optional=more)


_NAMES = st.sampled_from(RULE_NAMES)


@st.composite
def rule_lists(draw: st.DrawFn, *, whole: bool = True) -> list[dict[str, Any]]:
    names = draw(st.lists(_NAMES, max_size=4, unique=True))
    return [draw(rule(st.just(name), whole=whole)) for name in names]


#: Edits by which an organization comes to what it is when the task begins: the modules themselves, run without faults.
PASTS = st.lists(
    st.one_of(
        st.tuples(st.just("irm_configuration"), IRM),
        st.tuples(st.just("activesync_org_settings"), ACTIVESYNC),
        st.tuples(st.just("ome_configuration"), BRANDING),
        st.tuples(
            st.just("ome_configuration"),
            BRANDING.map(lambda branding: {"identity": BRANDINGS[0], "external_mail_expiry_in_days": 7, **branding}),
        ),
        st.tuples(st.just("ome_transport_rules"), rule_lists().map(lambda rules: {"rules": rules})),
        st.tuples(st.just("ome_transport_rules"), rule_lists().map(lambda rules: {"rules": rules})),
    ),
    max_size=3,
)
#: How the service behaves all the time.
HABITS = st.fixed_dictionaries(
    {},
    optional={
        "locale": st.sampled_from(["de-DE", "fr-FR"]),
        "page_size": st.sampled_from([1, 2]),
        "reorder_lists": st.just(True),
        "batch_order": st.sampled_from(["reversed", "reads_first", "reads_last"]),
        "error_details": st.sampled_from(["json", "inner"]),
        "ignored_parameters": st.sampled_from(
            [["Set-IRMConfiguration -EnablePdfEncryption"], ["Set-OMEConfiguration -PortalText"]]
        ),
        "hidden_cmdlets": st.sampled_from(
            [["Set-TransportRule"], ["Get-RMSTemplate"], ["Set-OMEConfiguration"], ["Get-OMEConfiguration"]]
        ),
    },
)


WISHES = st.one_of(
    st.tuples(st.just("irm_configuration"), IRM),
    st.tuples(st.just("activesync_org_settings"), ACTIVESYNC),
    st.tuples(st.just("ome_configuration"), BRANDING),
    st.tuples(
        st.just("ome_configuration"),
        BRANDING.map(lambda branding: {"identity": BRANDINGS[1], "external_mail_expiry_in_days": 3, **branding}),
    ),
    st.tuples(st.just("ome_configuration"), st.just({"identity": BRANDINGS[0], "state": "absent"})),
    st.tuples(st.just("ome_transport_rule"), rule(_NAMES, whole=True)),
    st.tuples(
        st.just("ome_transport_rule"),
        st.tuples(rule(_NAMES, whole=False), st.integers(0, 3)).map(lambda pair: {**pair[0], "priority": pair[1]}),
    ),
    st.tuples(st.just("ome_transport_rule"), _NAMES.map(lambda name: {"name": name, "state": "absent"})),
    st.tuples(
        st.just("ome_transport_rules"),
        st.tuples(rule_lists(), st.sampled_from(["keep", "warn", "disable", "remove"])).map(
            lambda pair: {"rules": pair[0], "unmanaged": pair[1]}
        ),
    ),
    st.tuples(
        st.just("ome_transport_rule_order"),
        st.tuples(
            st.lists(_NAMES, min_size=1, max_size=4, unique=True), st.sampled_from(["first", "last", "relative"])
        ).map(lambda pair: {"rules": pair[0], "position": pair[1]}),
    ),
    st.tuples(st.just("owa_mailbox_policy"), _BOOLEANS.map(lambda on: {"identity": "*", "irm_enabled": on})),
    st.tuples(
        st.just("ome_message_revocation"),
        _BOOLEANS.map(lambda revoked: {"message_id": f"<portal-1@{NAME}>", "revoked": revoked}),
    ),
    st.tuples(
        st.just("message_encryption_state"),
        st.fixed_dictionaries(
            {"irm_configuration": IRM},
            optional={
                "activesync_org_settings": ACTIVESYNC,
                "owa_mailbox_policies": _BOOLEANS.map(
                    lambda on: [{"identity": "OwaMailboxPolicy-Default", "irm_enabled": on}]
                ),
                "transport_rules": rule_lists(),
                "ome_configurations": st.tuples(BRANDING, BRANDING).map(
                    lambda pair: [{"identity": "OME Configuration", **pair[0]}, {"identity": BRANDINGS[1], **pair[1]}]
                ),
                "unmanaged": st.sampled_from(["keep", "disable", "remove"]),
            },
        ),
    ),
)

#: Seconds of an answer that comes too late for a session with little patience, and bytes of one that is more than any
#: takes in.
LATE, OVERSIZED = 4.0, 3_000_000

_STEPS = {
    "rest": ["discovery", "token", "invoke", "batch", "batched"],
    "psrp": ["create", "command", "send", "receive", "signal", "delete"],
    "powershell": ["connect", "invoke", "disconnect"],
}
_ELSEWHERE = {
    "rest": {"dead_shell", "operation_timeout"},
    "psrp": {"401_expired", "401_revoked", "concurrency_text"},
    # What happens to a process: it dies, or it is late.
    "powershell": TRANSPORT - {"dead_shell", "lost_before", "lost_after", "slow"},
}
#: Those whose shells are the emulator's own.
_EMULATED = ("host", "server", "constrained")
EDITS = st.sampled_from(
    [
        {"cmdlet": "Set-IRMConfiguration", "parameters": {"SearchEnabled": False}},
        {"cmdlet": "Set-TransportRule", "parameters": {"Identity": "alpha", "Comments": "the portal was here"}},
        {"cmdlet": "Remove-TransportRule", "parameters": {"Identity": "beta"}},
        {"cmdlet": "New-TransportRule", "parameters": {"Name": "gamma", "DeleteMessage": True}},
        {"cmdlet": "Set-TransportRule", "parameters": {"Identity": "gamma", "Priority": 0}},
        {"cmdlet": "Disable-TransportRule", "parameters": {"Identity": "alpha"}},
    ]
)


@st.composite
def faults(draw: st.DrawFn, wire: str) -> dict[str, Any]:
    """One fault of a schedule for a wire of that family."""
    family = wire if wire in _STEPS else "psrp"
    elsewhere = _ELSEWHERE[family] | (frozenset() if wire in _EMULATED else POOL)
    kind = draw(st.sampled_from(sorted(KINDS - elsewhere - {"redirect"})))
    fault: dict[str, Any] = {
        "kind": kind,
        "wire": family,
        "nth": draw(st.integers(1, 8)),
        "times": draw(st.sampled_from([1, 1, 1, 2, 3, 6])),
    }
    aim = draw(st.sampled_from(["", "", "writes", "step"]))
    if aim == "writes" or kind in ("silent_noop", "stale_reads", "stored_error", "half_stored", "dead_after"):
        fault |= {"cmdlet": "[!gG]*", "nth": draw(st.integers(1, 3))}
    elif aim == "step" and kind not in CMDLET:
        fault["step"] = draw(st.sampled_from(_STEPS[family]))
    if kind in STATUSES:
        fault["after"] = kind[0] == "5" and draw(st.booleans())
        fault["retry_after"] = draw(st.sampled_from([None, 0, 1, 1000])) if kind in ("429", "503") else None
    if kind == "stale_reads":
        fault |= {"reads": draw(st.integers(1, 4)), "alternate": draw(st.booleans())}
    if kind == "portal_edit":
        fault |= {"edit": draw(EDITS), "after": draw(st.booleans()), "times": 1}
    if kind == "slow":
        fault["seconds"] = draw(st.sampled_from([0.01, 0.01, 0.01, LATE]))
    if kind == "huge":
        fault["size"] = draw(st.sampled_from([100_000, 100_000, OVERSIZED]))
    return fault


#: Bodies of the service's, in the place of a page's: only what has one does Microsoft's module repeat.
_BODIES = [
    "",
    '{"error": {"code": "ServiceUnavailable", "message": "Please try again."}}',
    '{"error": {"details": [{"message": "|System.TimeoutException|It took too long."}]}}',
    '{"error": {"details": [{"message": "|Microsoft.Exchange.Data.DataValidationException|The value is wrong."}]}}',
    '{"error": {"details": [{"message": "|X.LimitExceededException|The limit is reached."}]}}',
    '{"error": {"details": [{"message": "|X.ADObjectAlreadyExistsException|It exists."}]}}',
    '{"error": {"details": [{"message": "|X.ManagementObjectNotFoundException|It is not there."}]}}',
]
_BEHIND = ["500", "502", "503", "504"]
_ANY_STATUS = ["400", "401", "403", "404", "409", "429", *_BEHIND]


@st.composite
def two_answers(draw: st.DrawFn, wire: str) -> list[dict[str, Any]]:
    """Two answers to one write: it is carried out behind an error, and whoever sends it once more, the collection or
    Microsoft's module, is answered with any error. Reads may be behind.
    """
    nth = draw(st.sampled_from([1, 1, 1, 2]))
    writes = {"cmdlet": "[!gG]*"}
    behind, after = {**writes, "nth": nth}, {**writes, "nth": nth + 1, "times": draw(st.sampled_from([1, 2, None]))}
    lag = draw(st.sampled_from([0, 5, 8, 12]))
    if wire in _EMULATED:
        errors = ["stored_error", "transient", "error_in_200", "garbled"]
        stored = {"kind": "stored_error", **behind, **({"reads": lag} if lag else {})}
        return [stored, {"kind": draw(st.sampled_from(errors)), **after}]
    stale = {"kind": "stale_reads", **behind, "reads": lag, "alternate": draw(st.booleans())}
    lags = [stale] if lag else []
    where = {"wire": "rest"} if wire == "rest" else {"wire": "powershell", "step": "invoke"}
    first = {"kind": draw(st.sampled_from(_BEHIND)), "after": True, "body": draw(st.sampled_from(_BODIES[:3]))}
    second = {"kind": draw(st.sampled_from(_ANY_STATUS)), "body": draw(st.sampled_from(_BODIES)), "retry_after": 0}
    return [{**first, **where, **behind}, {**second, **where, **after}, *lags]
