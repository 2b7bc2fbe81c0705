# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as documents: their written form to the letter, what is refused as one, and what goes beyond one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import NO_EFFECT
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.plan_document import (
    PlanDocument,
    moved,
    read_plan,
    sealed,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import RollbackClass
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import VERSION
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import OrganizationIdentity

from .plain import CONTOSO, ORGANIZATION, document, planned, warned

LOST = {
    "kind": "protection_lost",
    "when": {"recipient_domain_is": ["partner.example"]},
    "text": "Mail to partners is not encrypted.",
    "rules": [],
}
PROVED = {"name": "partners", "verdict": "proved", "assumptions": [], "unseen": []}
MAIL = {"difference": [LOST], "difference_more": 0, "guarantees": [PROVED]}
WHOLE = document(
    planned("search_enabled", impact=Impact.TAKES_AWAY),
    planned(
        "priority",
        resource="transport_rule",
        identity="ours",
        before=1,
        after=0,
        command="Set-TransportRule -Identity 'ab-1' -Priority 0",
    ),
    organization=replace(ORGANIZATION, display_name="Contoso", guid="22"),
    desired={"IRM-1": True, "OME-1": {"words": ["b", "a"]}},
    plan=replace(
        warned("It warns.", "Twice.", "It warns."),
        before={"irm_configuration": {"search_enabled": True}, "text": "a\r\nb"},
    ),
    mail=MAIL,
    collection_version="1.0.0",
)
#: Best first.
VERDICTS = ("proved", "unknown", "refuted")
#: Of that document. Whoever changes one of these makes all plans that were approved before void.
DIGEST = "sha256:a29f372cb5883e35eeb4fd27afc252d657cedfb6e13061ebbe9e48ea2a8faef2"
SEAL = "sha256:295797549d670288c74543b1b449ed17b83c6e94f8f0d7d30b4d623de2c8c1b9"


class TestWritten:
    def test_it_is_written_to_the_letter(self) -> None:
        written = WHOLE.as_dict()
        rows = written.pop("changes")
        assert written == {
            "format": 1,
            "kind": "baseline",
            "run": "",
            "organization": CONTOSO,
            "collection_version": "1.0.0",
            "desired": {"IRM-1": True, "OME-1": {"words": ["b", "a"]}},
            "managed": {"irm_configuration": {"search_enabled": True}, "text": "a\nb"},
            "mail": MAIL,
            "warnings": [
                {"kind": "thing", "text": text, "values": {"thing": text}} for text in ("It warns.", "Twice.")
            ],
            "digest": DIGEST,
            "seal": SEAL,
        }
        assert rows == [change.as_row() for change in WHOLE.changes]
        assert (list(written), len(rows)) == ([key for key in written if key != "seal"] + ["seal"], 2)

    def test_what_was_written_is_read(self) -> None:
        written = replace(WHOLE, collection_version=VERSION).as_dict()
        assert read_plan(written, "plan.json") == replace(WHOLE, collection_version=VERSION)
        assert sealed(written) == sealed({**written, "seal": "another"}) == written
        for version in ("1.0.0", "0.1.0"):
            assert PlanDocument.parse(replace(WHOLE, collection_version=version).as_dict()) == replace(
                WHOLE, collection_version=version
            )

    def test_an_organization_without_a_tenant_has_none(self) -> None:
        assert document(organization=OrganizationIdentity("contoso.local")).as_dict()["organization"] == {
            "name": "contoso.local",
            "tenant_id": "",
        }

    @pytest.mark.parametrize(
        ("part", "value"),
        [
            ("kind", "disable"),
            ("organization", replace(ORGANIZATION, name="fabrikam.com")),
            ("collection_version", "0.9.0"),
            ("desired", {"IRM-1": False}),
            ("managed", {}),
            ("changes", WHOLE.changes[:1]),
            ("mail", NO_EFFECT),
            ("warnings", ()),
        ],
    )
    def test_the_digest_covers_what_an_approver_reads(self, part: str, value: Any) -> None:
        assert replace(WHOLE, **{part: value}).digest != WHOLE.digest

    def test_the_digest_does_not_cover_what_differs_between_sessions_and_runs(self) -> None:
        others = (WHOLE.changes[1], WHOLE.changes[0])
        assert replace(WHOLE, organization=replace(ORGANIZATION, tenant_id="")).digest == WHOLE.digest
        assert replace(WHOLE, changes=others).digest == WHOLE.digest

    def test_a_better_sentence_is_no_other_warning(self) -> None:
        said = [replace(each, text="In better words.") for each in WHOLE.warnings]
        assert (
            replace(WHOLE, warnings=tuple(said)).digest
            == replace(WHOLE, warnings=tuple(said[::-1])).digest
            == WHOLE.digest
        )
        assert replace(WHOLE, warnings=tuple(said)).as_dict()["seal"] != SEAL
        for other in (replace(said[0], kind="another"), replace(said[0], values={"thing": "another"})):
            assert replace(WHOLE, warnings=(other, said[1])).digest != WHOLE.digest


class TestRefused:
    WRITTEN = replace(WHOLE, collection_version=VERSION).as_dict()
    START = "hardened_baseline_approved_plan: plan.json "

    def refused(self, found: Any) -> OptionError:
        with pytest.raises(OptionError) as refusal:
            read_plan(found, "plan.json")
        assert refusal.value.message.startswith(self.START)
        return refusal.value

    @pytest.mark.parametrize(
        "found",
        [
            None,
            [],
            "text",
            {},
            {"format": 1},
            {**WRITTEN, "more": 1},
            {key: value for key, value in WRITTEN.items() if key != "mail"},
        ],
    )
    def test_another_document(self, found: Any) -> None:
        assert self.refused(found).message == f"{self.START}is not a plan of this collection."

    @pytest.mark.parametrize("format_", [0, 2, 1.0, True, "1", None])
    def test_another_format(self, format_: Any) -> None:
        said = f"{self.START}has format {format_!r}, but this version of the collection supports 1."
        assert self.refused({**self.WRITTEN, "format": format_}).message == said

    @pytest.mark.parametrize("part", sorted({*WRITTEN} - {"format"}))
    def test_a_part_of_another_type(self, part: str) -> None:
        assert (
            self.refused({**self.WRITTEN, part: 7}).message
            == f"{self.START}is not a plan of this collection: a part of it has the wrong type."
        )

    def test_another_version(self) -> None:
        error = self.refused({**self.WRITTEN, "collection_version": "0.9.0"})
        assert (
            error.message == f"{self.START}was made by version 0.9.0 of the collection, but this is version {VERSION}."
        )
        assert error.remedy == "Create a new plan in a check-mode run with this version, and have it approved."

    @pytest.mark.parametrize(
        "part",
        [
            {"desired": {"IRM-1": False}},
            {"organization": {**CONTOSO, "tenant_id": "33"}},
            {"seal": ""},
            {"digest": ""},
            {"organization": {"name": "contoso.com"}},
            {"organization": {**CONTOSO, "guid": "1"}},
            {"warnings": [7]},
            {"warnings": [{**WRITTEN["warnings"][0], "values": {}}]},
            {"warnings": [{**WRITTEN["warnings"][0], "kind": "another"}]},
            {"changes": [{}]},
            {"mail": {"difference": [{}]}},
            {"mail": {"difference": 7}},
            {"mail": {"difference": [{"text": None}]}},
            {"mail": {"guarantees": ["x"]}},
        ],
    )
    def test_one_that_was_changed(self, part: dict[str, Any]) -> None:
        said = f"{self.START}does not match its own digest: it was changed after it was written."
        assert self.refused({**self.WRITTEN, **part}).message == said
        if not {"seal", "organization"} & set(part):
            # A new seal alone does not help.
            assert self.refused(sealed({**self.WRITTEN, **part})).message == said

    @pytest.mark.parametrize("organization", [{"name": "contoso.com"}, {**CONTOSO, "guid": "1"}])
    def test_a_part_that_is_none(self, organization: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"^has a part of the wrong type\.$"):
            PlanDocument.parse({**self.WRITTEN, "organization": organization})


class TestMoved:
    CHANGES = (planned("search_enabled"), planned("decrypt", after=True, impact=Impact.WIDENS))
    APPROVED = document(*CHANGES, mail=MAIL, plan=warned("It warns."))

    def test_the_same_and_what_is_left_of_it(self) -> None:
        assert moved(self.APPROVED, self.APPROVED) == []
        assert moved(self.APPROVED, document(self.CHANGES[1])) == []
        # The digest decides, also where the parts could not be compared.
        assert moved(self.APPROVED, replace(self.APPROVED, organization=replace(ORGANIZATION, tenant_id=""))) == []

    def test_another_organization_comes_first(self) -> None:
        other = document(planned("x"), organization=replace(ORGANIZATION, tenant_id="33"), kind="disable")
        assert moved(self.APPROVED, other) == [
            f"it was read from {CONTOSO['name']} ({CONTOSO['tenant_id']}), but this is {CONTOSO['name']} (33)",
        ]

    def test_another_procedure(self) -> None:
        assert moved(self.APPROVED, document(planned("x"), kind="disable")) == [
            "it is a plan for baseline, but this is disable"
        ]

    def test_other_wishes_are_named_and_only_they(self) -> None:
        approved = document(desired={"OME-1": {"words": ["a", "b"]}, "IRM-1": True, "IRM-2": 1})
        assert moved(
            approved, document(planned("x"), desired={"OME-1": {"words": ["b", "a"]}, "IRM-1": False, "POL-1": 1})
        ) == [f"the variables of {name} have changed" for name in ("IRM-1", "IRM-2", "POL-1")]
        # The order of words is none of their meaning.
        assert (
            moved(
                approved,
                document(
                    desired={"OME-1": {"words": ["b", "a"]}, "IRM-1": True, "IRM-2": 1}, plan=Plan(before={"x": 1})
                ),
            )
            == []
        )

    def test_a_change_that_was_not_planned_or_does_more(self) -> None:
        worse = replace(self.CHANGES[1], impact=Impact.IN_CLEAR, rollback=RollbackClass.NOT_POSSIBLE)
        current = document(planned("another"), worse)
        assert moved(self.APPROVED, current) == [
            "another of irm_configuration would go from true to false, which is not in the approved plan",
            "decrypt of irm_configuration: its impact is 'may leave in clear', but 'widens' in the plan and "
            "its rollback is 'not possible', but 'exact' in the plan",
        ]

    def test_effects_on_mail_and_warnings_that_nobody_approved(self) -> None:
        rows = [
            {**LOST, "text": "The same in other words."},
            {**LOST, "when": {}, "text": "Mail to all is not encrypted."},
        ]
        current = document(
            self.CHANGES[0],
            mail={**MAIL, "difference": rows},
            plan=warned("It warns.", "It warns of more.", "And of this"),
        )
        assert moved(self.APPROVED, current) == [
            "it does not include this effect on mail: Mail to all is not encrypted",
            "it does not warn that: It warns of more",
            "it does not warn that: And of this",
        ]

    @pytest.mark.parametrize(
        ("approved", "now", "is_worse"),
        [
            (["U1", "U2"], ["U1"], False),
            (["U1", "U2"], ["U2", "U1"], False),
            (["U1"], ["U1", "U2"], True),
            (["U1", "U2"], [], True),
            ([], ["U1"], True),
        ],
    )
    def test_fewer_reasons_why_an_effect_is_unknown_are_no_more_than_was_approved(
        self, approved: list[str], now: list[str], is_worse: bool
    ) -> None:
        """Without any, it is another effect: one that happens."""
        rows = ({**LOST, "unknown": [{"id": each, "reason": ""} for each in numbers]} for numbers in (approved, now))
        found = moved(*(document(planned("x"), mail={"difference": [row]}) for row in rows))
        assert found == [f"it does not include this effect on mail: {LOST['text'].removesuffix('.')}"] * is_worse

    @pytest.mark.parametrize("approved", VERDICTS)
    @pytest.mark.parametrize("now", VERDICTS)
    def test_a_verdict_may_only_get_better(self, approved: str, now: str) -> None:
        mails = ({"guarantees": [{"name": "partners", "verdict": verdict}]} for verdict in (approved, now))
        found = moved(*(document(planned("x"), mail=mail) for mail in mails))
        is_worse = VERDICTS.index(now) > VERDICTS.index(approved)
        assert found == [f"in it, 'partners' is {approved}, but now it is {now}"] * is_worse

    def test_line_ends_are_no_other_warning(self) -> None:
        approved = document(planned("x"), plan=warned("a\r\nb."))
        assert moved(approved, document(plan=warned("a\nb."))) == []
        assert moved(document(planned("x"), plan=warned("a\nb.")), document(plan=warned("a\r\nb."))) == []
