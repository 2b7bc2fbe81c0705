# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that accept what is refused otherwise."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls import (
    acceptance as _acceptance,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.acceptance import (
    Acceptance,
    AcceptedFinding,
    moment,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import (
    acceptable_words,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

from tests.unit.clock import stopped

from .conftest import Role

PDF = {"pdf_encryption": True}
NO_PASSCODE = {"one_time_passcode": False}


def word(name: str, until: str, **options: str) -> dict[str, str]:
    return {"word": name, "reason": "Printers cannot do it.", "owner": "mail@contoso.com", "until": until, **options}


def accepted(role: Role) -> dict[str, dict[str, Any]]:
    return {row["word"]: row for row in role.report["accepted"]}


def test_a_refusal_prints_one_line_that_allows_all_of_it(role: Role) -> None:
    with pytest.raises(OptionError) as refusal:
        role.plan(**PDF, **NO_PASSCODE, accept=["irreversible"])
    lines = str(refusal.value).splitlines()
    assert lines[-1] == "To allow all of them: hardened_baseline_accept: [irreversible, IRM-5, work_accounts_only]"
    assert role.plan(**PDF, **NO_PASSCODE, accept=["irreversible", "IRM-5", "work_accounts_only"])["pending"]


def test_one_finding_says_its_own_line(role: Role) -> None:
    with pytest.raises(OptionError) as refusal:
        role.plan(**PDF)
    assert str(refusal.value).endswith("To allow it: hardened_baseline_accept: [IRM-5]")


def test_a_word_counts_until_its_last_day_is_over(role: Role) -> None:
    assert role.plan(**PDF, accept=[word("IRM-5", "2999-01-31")])["pending"]
    assert accepted(role)["IRM-5"]["owner"] == "mail@contoso.com"
    with pytest.raises(OptionError, match="Its acceptance ended on 2020-01-31"):
        role.plan(**PDF, accept=[word("IRM-5", "2020-01-31")])


def test_a_last_day_at_the_end_of_the_calendar(role: Role) -> None:
    assert role.plan(**PDF, accept=[word("IRM-5", "9999-12-31")])["pending"]


def test_the_report_says_which_words_the_run_needed(role: Role) -> None:
    role.plan(**PDF, accept=["IRM-5", "any_sender"])
    assert {name: row["needed"] for name, row in accepted(role).items()} == {"IRM-5": True, "any_sender": False}


def test_the_digest_covers_what_was_accepted(role: Role) -> None:
    one, other = (role.plan(accept=[word("any_sender", until)])["digest"] for until in ("2998-01-31", "2999-01-31"))
    assert one != other != role.plan()["digest"]


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (
            "any_sendr",
            "hardened_baseline_accept[0]: 'any_sendr' is not a word that can be accepted. Did you mean any_sender?",
        ),
        ("IRM-1", "hardened_baseline_accept[0]: 'IRM-1' is not a word that can be accepted."),
        ("broken", f"Valid words: {', '.join(sorted(acceptable_words()))}."),
        (
            {"word": "any_sender"},
            "hardened_baseline_accept[0] lacks reason, owner, until: it must be a word or a dictionary with word, reason, owner, until.",
        ),
        (word("any_sender", "2999-01-31", untill="x"), "hardened_baseline_accept[0] has untill"),
        (word("any_sender", "soon"), "hardened_baseline_accept[0].until must be a date such as 2030-01-31"),
        (True, "hardened_baseline_accept[0] must be a word or a dictionary with word, reason, owner, until, not True."),
    ],
)
def test_what_is_no_word_is_refused(role: Role, element: Any, text: str) -> None:
    with pytest.raises(OptionError) as refusal:
        role.plan(accept=[element])
    assert text in str(refusal.value)


@pytest.mark.parametrize("accept", [[], ["unidentified_organization"], sorted(acceptable_words())])
def test_nothing_accepts_another_organization(tmp_path: Path, accept: list[str]) -> None:
    role = Role({}, str(tmp_path))
    with pytest.raises(
        OptionError,
        match=r"organization: the session is in the organization .* ansible_exchange_organization is fabrikam",
    ):
        role.plan(accept=accept, expected_organization="fabrikam.onmicrosoft.com")


KNOWN = ("any_sender", "IRM-5", "irreversible")
ENDLESS = {"reason": "", "owner": "", "until": ""}


def finding(name: str) -> Finding:
    return Finding.acceptable("X-1", f"{name} is refused.", name)


class TestWords:
    """The words alone, without a run."""

    def test_what_is_accepted_is_left_out_and_counts_as_needed(self) -> None:
        acceptance = Acceptance(["IRM-5", word("any_sender", "2999-01-31")], KNOWN)
        before, after = Finding("session", "nothing allows it."), finding("irreversible")
        assert acceptance.unaccepted([before, finding("IRM-5"), after]) == [before, after]
        assert acceptance.shown() == [{"word": "IRM-5", **ENDLESS}, word("any_sender", "2999-01-31")]
        assert [row.as_row() for row in acceptance.reported()] == [
            {"word": "IRM-5", **ENDLESS, "needed": True},
            {**word("any_sender", "2999-01-31"), "needed": False},
        ]

    def test_what_has_ended_accepts_nothing_but_is_needed(self) -> None:
        acceptance = Acceptance([word("IRM-5", "2020-01-31")], KNOWN)
        (left,) = acceptance.unaccepted([finding("IRM-5")])
        assert left == replace(finding("IRM-5"), text="IRM-5 is refused. Its acceptance ended on 2020-01-31.")
        assert [row.needed for row in acceptance.reported()] == [True]

    @pytest.mark.parametrize(
        ("findings", "line"),
        [
            ([], ""),
            (["IRM-5"], ""),
            (["IRM-5", "IRM-5"], ""),
            (["", "IRM-5"], ""),
            (["irreversible", "IRM-5"], "all of them: hardened_baseline_accept: [any_sender, irreversible, IRM-5]"),
            (
                ["", "irreversible", "IRM-5"],
                "the others: hardened_baseline_accept: [any_sender, irreversible, IRM-5]; nothing allows session",
            ),
            (["IRM-7"], ""),
            (
                ["irreversible", "IRM-7"],
                "all of them: hardened_baseline_accept: [any_sender, irreversible]; for IRM-7 hardened_baseline_on_missing_license: skip",
            ),
            (
                ["irreversible", "IRM-5", "IRM-7", "", "OME-4", "OME-4"],
                "the others: hardened_baseline_accept: [any_sender, irreversible, IRM-5]; for IRM-7 and OME-4 hardened_baseline_on_missing_license: skip; "
                "nothing allows session",
            ),
        ],
    )
    def test_the_last_line_is_true_of_all_findings_and_keeps_what_counts_already(
        self, findings: list[str], line: str
    ) -> None:
        acceptance = Acceptance(["any_sender", word("IRM-5", "2020-01-31")], KNOWN)
        of_a_variable = Finding("IRM-7", "the license is missing.", "hardened_baseline_on_missing_license: skip")
        made = {
            "": Finding("session", "nothing allows it."),
            "IRM-7": of_a_variable,
            "OME-4": replace(of_a_variable, id="OME-4"),
        }
        found = acceptance.last_line([made.get(name) or finding(name) for name in findings])
        assert found == (f"To allow {line}" if line else "")

    @pytest.mark.parametrize(
        ("element", "text"),
        [
            (7, "hardened_baseline_accept[1] must be a word or a dictionary with word, reason, owner, until, not 7."),
            (
                {**word("IRM-5", "2999-01-31"), "owner": ""},
                "[1] lacks owner: it must be a word or a dictionary with word, reason, owner, until.",
            ),
            (
                {**word("IRM-5", "2999-01-31"), "a": 1, "b": 2},
                "[1] has a, b: it must be a word or a dictionary with word, reason, owner, until.",
            ),
            ({**word("IRM-5", "2999-01-31"), "owner": ["a@b.c"]}, "[1].owner is a list, not a text."),
            ({**word("IRM-5", "2999-01-31"), "reason": {"a": "b"}}, "[1].reason is a dictionary, not a text."),
            ({"word": "IRM-5", "a": 1}, "[1] lacks reason, owner, until: it must be"),
            (
                "IRM-6",
                "[1]: 'IRM-6' is not a word that can be accepted. Did you mean IRM-5? Valid words: IRM-5, any_sender, irreversible.",
            ),
            (
                word("nothing", "2999-01-31"),
                "[1]: 'nothing' is not a word that can be accepted. Valid words: IRM-5, any_sender, irreversible.",
            ),
            (
                word("IRM-5", "soon"),
                "[1].until must be a date such as 2030-01-31, or a date and time with an offset, not 'soon'.",
            ),
        ],
    )
    def test_what_is_no_word_says_where_it_stands(self, element: Any, text: str) -> None:
        with pytest.raises(OptionError) as refusal:
            Acceptance(["any_sender", element], KNOWN)
        assert text in str(refusal.value)

    @pytest.mark.parametrize(
        "until", ["2030-01-31", "2030-01-31T23:59:59.999999+00:00", "2030-01-31T18:59:59.999999-05:00"]
    )
    def test_a_day_ends_with_its_last_moment_in_utc(self, monkeypatch: pytest.MonkeyPatch, until: str) -> None:
        end = datetime.datetime(2030, 1, 31, 23, 59, 59, 999999, datetime.UTC)
        assert moment(until, "x") == end
        for now, expired in ((end, True), (end - datetime.timedelta(microseconds=1), False)):
            monkeypatch.setattr(_acceptance, "datetime", stopped(now))
            assert AcceptedFinding(until=until).expired is expired
        assert not AcceptedFinding().expired

    @pytest.mark.parametrize("text", ["", "2030-02-31", "2030-01-31T08:00:00", "tomorrow", "2030-01-31 "])
    def test_what_is_no_date_names_its_variable(self, text: str) -> None:
        said = f"must be a date such as 2030-01-31, or a date and time with an offset, not {text!r}."
        with pytest.raises(OptionError) as refusal:
            moment(text, "some_variable")
        assert str(refusal.value) == f"some_variable {said}"
        if text:
            with pytest.raises(OptionError) as refusal:
                _unused = AcceptedFinding(until=text).expired
            assert str(refusal.value) == f"until {said}"
