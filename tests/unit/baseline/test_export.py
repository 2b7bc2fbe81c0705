# SPDX-License-Identifier: GPL-3.0-or-later
"""The export: an organization as variables that template nothing, and with which nothing is to be changed."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import is_trusted_as_template, trust_as_template
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.first_look import policy_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline import Baseline
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.export import (
    ENCRYPTION_RULES,
    STATE_VARIABLE,
    not_enforced,
    state_of,
    variables_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS, read
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import (
    PARTS,
    brief_state,
    whole_state,
)
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    message_encryption_state,
    ome_transport_rules,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import plain
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.export_files import (
    playbook_file,
    variables_file,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import write_file
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.emulated_session import EmulatedSession
from tests.unit.resources.rules.law import LAW
from tests.unit.resources.rules.organizations import organizations

EVIL = "#jinja2:variable_start_string:'[%',variable_end_string:'%]'\n[% lookup('pipe', 'touch /nowhere/pwned') %]"


def exported(session: EmulatedSession) -> tuple[dict[str, Any], Any]:
    """The variables, and what Ansible's own loader makes of their file."""
    variables = variables_of(read(session, [*SUBSETS]))
    return variables, DataLoader().load(trust_as_template(variables_file(variables)))


def templates(value: Any) -> list[str]:
    """Every text that Ansible would template."""
    if isinstance(value, dict):
        # Ansible templates no key, and all of them are the collection's own names.
        assert all(re.fullmatch("[a-z][a-z0-9_]*", key) for key in value)
        return [text for item in value.values() for text in templates(item)]
    if isinstance(value, list):
        return [text for item in value for text in templates(item)]
    # A number or a word such as yes is only quoted: it can be no template, whose delimiters would need another
    # character.
    return (
        [value]
        if isinstance(value, str)
        and is_trusted_as_template(value)
        and not re.fullmatch(r"[0-9A-Za-z_+.:~<= -]*|[!&*]", value)
        else []
    )


@given(organizations(maximum=8))
@LAW
def test_ansible_reads_the_file_as_what_was_exported(session: EmulatedSession) -> None:
    variables, loaded = exported(session)
    rules, guids = loaded.pop(ENCRYPTION_RULES), variables.pop(ENCRYPTION_RULES)
    assert plain(loaded) == variables
    assert templates(loaded) == []
    chosen = f"{{{{ message_encryption_state.transport_rules | selectattr('guid', 'in', {guids}) | list }}}}"
    assert rules == (chosen if guids else [])


@given(organizations(maximum=8))
@LAW
def test_nothing_is_to_be_changed_with_what_was_exported(session: EmulatedSession) -> None:
    variables, loaded = exported(session)
    values = plain(loaded)
    values[ENCRYPTION_RULES] = [
        rule for rule in values[STATE_VARIABLE]["transport_rules"] if rule["guid"] in variables[ENCRYPTION_RULES]
    ]
    assert not session.run(message_encryption_state, state=values[STATE_VARIABLE], omitted="default")["changed"]
    assert not session.run(message_encryption_state, state=values[STATE_VARIABLE])["changed"]
    assert not session.run(ome_transport_rules, rules=values[ENCRYPTION_RULES])["changed"]
    baseline = Baseline(
        {
            name.removeprefix("hardened_baseline_"): value
            for name, value in values.items()
            if name.startswith("hardened_baseline_")
        }
    )
    assert baseline.plan(read(session, baseline.subsets)).changes == []


@given(organizations(maximum=8))
@LAW
def test_what_goes_without_saying_can_be_said_again(session: EmulatedSession) -> None:
    state = state_of(read(session, [*SUBSETS]))
    brief = brief_state(state)
    said = {part: value for part, value in whole_state(brief).items() if part in PARTS}
    for part, value in said.items():
        pairs = zip(value, state[part], strict=True) if isinstance(value, list) else [(value, state[part])]
        for item, before in pairs:
            assert {option: item[option] for option in before} == before
            # What the organization does not show at all is empty.
            assert all(item[option] in ("", [], {}) for option in item.keys() - before.keys())
    texts = [value for item in brief["transport_rules"] for value in item.values()]
    assert "" not in texts
    assert all("exceptions" not in item or item["exceptions"] for item in brief["transport_rules"])


@given(organizations(maximum=8), st.randoms(use_true_random=False))
@LAW
def test_what_was_exported_brings_back_what_somebody_changes(session: EmulatedSession, random: Random) -> None:
    state = plain(exported(session)[1])[STATE_VARIABLE]
    before = state_of(read(session, [*SUBSETS]))
    for rule in before["transport_rules"]:
        if random.random() < 0.5:
            session.edit(
                "Set-TransportRule",
                Identity=rule["guid"],
                Comments="somebody was here",
                ExceptIfSubjectContainsWords=["somebody"],
            )
    session.edit("Set-OMEConfiguration", Identity="OME Configuration", PortalText="somebody was here", Confirm=False)
    session.run(message_encryption_state, state=state, omitted="default")
    assert state_of(read(session, [*SUBSETS])) == before


def test_what_looks_like_a_template_stays_what_it_is(session: EmulatedSession) -> None:
    session.edit(
        "New-TransportRule",
        Name="{{ 1 }}",
        Comments=EVIL,
        SubjectContainsWords=["{{ 7 * 7 }}", "{% set x = 1 %}{# no #}"],
        DeleteMessage=True,
    )
    variables, loaded = exported(session)
    (rule,) = loaded[STATE_VARIABLE]["transport_rules"]
    assert (rule["name"], rule["comments"]) == ("{{ 1 }}", EVIL)
    assert loaded.pop(ENCRYPTION_RULES) == []
    assert templates(loaded) == []
    # The check itself finds what is not marked.
    assert templates(DataLoader().load(trust_as_template(variables_file(variables).replace("!unsafe ", ""))))


TEXTS = (
    *(
        "",
        "yes",
        "5",
        "0x10",
        "1_0",
        "null",
        "~",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "1.5",
        ".inf",
        "<<",
        "=",
        "!",
        "&",
        "*",
    ),
    *(" lead", "a\r\nb\n", "\u2028\x85\x00\ufeff\ufffe", "😀", "word " * 60),
    *("#x", "- x", "a: b", "!unsafe x", "{{ x }}", "%", "@", "`", "|", "'", '"', "\\"),
)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back_as_they_are(text: str) -> None:
    file = variables_file({"value": text, "several": [text]})
    loaded = DataLoader().load(trust_as_template(file))
    assert plain(loaded) == {"value": text, "several": [text]}
    assert templates(loaded) == []


def test_half_a_character_is_refused_by_the_name_of_its_place() -> None:
    with pytest.raises(
        OptionError, match=r"^message_encryption_state\.transport_rules\[0\]\.comments is 'a\[U\+D800\]'"
    ):
        variables_file({STATE_VARIABLE: {"transport_rules": [{"comments": "a\ud800"}]}})


def test_rules_that_nobody_may_write_are_left_out(session: EmulatedSession) -> None:
    session.organization.patch({"retired_actions_refused": False})
    session.edit("New-TransportRule", Name="retired", ApplyOME=True)
    variables, _loaded = exported(session)
    assert variables[STATE_VARIABLE]["transport_rules"] == []
    assert "transport_rules_unsupported" not in variables[STATE_VARIABLE]


def test_controls_that_have_no_one_value_are_unmanaged(session: EmulatedSession) -> None:
    assert exported(session)[0]["hardened_baseline_social_id_sign_in"] is True
    session.edit("New-OMEConfiguration", Identity="One week", SocialIdSignIn=False)
    variables, _loaded = exported(session)
    assert "hardened_baseline_social_id_sign_in" not in variables
    assert variables["hardened_baseline_one_time_passcode"] is True


def test_the_state_is_what_the_info_module_returns(session: EmulatedSession) -> None:
    info = session.run(message_encryption_info)
    state = exported(session)[0][STATE_VARIABLE]
    assert brief_state({part: info[part] for part in state}) == state


def test_what_is_not_kept_is_said(session: EmulatedSession) -> None:
    session.organization.patch({"retired_actions_refused": False})
    session.edit("New-TransportRule", Name="retired", ApplyOME=True)
    told = not_enforced(read(session, [*SUBSETS]))
    assert told == [
        "The rule 'retired' is not in the file: it uses the retired action apply_ome.",
        "Rules and OME configurations that somebody adds later stay as they are.",
    ]


def test_the_file_says_in_a_comment_what_the_rules_do(session: EmulatedSession) -> None:
    evil = {"Name": "x\n- evil: true\u2028{{ 1 }}", "SubjectContainsWords": ["\x85b: {{ 2 }}", "\ufeff"]}
    session.edit("New-TransportRule", **evil, DeleteMessage=True)
    variables, loaded = exported(session)
    texts = [row.text for row in policy_of(read(session, [*SUBSETS]))]
    assert any("is deleted" in text for text in texts)
    file = variables_file(variables, texts)
    assert [line for line in file.splitlines() if line.startswith("#   ")] == [f"#   {text}" for text in texts]
    assert plain(DataLoader().load(trust_as_template(file))) == plain(loaded)


def test_the_file_is_private(tmp_path: Path, session: EmulatedSession) -> None:
    path = Path(write_file(tmp_path / "out/contoso/export.yml", variables_file(exported(session)[0]).encode()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["export.yml"]


@pytest.mark.parametrize(
    "host", ["contoso", "contoso.onmicrosoft.com", "contoso-2", "Contoso_EU", "ünï", "kunde 7", "admin@contoso.com"]
)
def test_the_playbook_is_for_this_host(host: str) -> None:
    (play,) = yaml.safe_load(playbook_file(host, ["all", "customers"], Path("/x/enforce.yml")))
    assert play["hosts"] == f"{{{{ exchange_organizations | default('{host}') }}}}"


@pytest.mark.parametrize(
    "host",
    [
        "all",
        "customers",
        "contoso*",
        "~.*",
        "!fabrikam",
        "&x",
        "a,b",
        "a:b",
        "x[0]",
        "x?",
        "{{ 1 }}",
        "{% x %}",
        "x\ny",
        "x\n",
        "-x",
        "con\u202etoso",
        " x",
        "",
    ],
)
def test_a_host_whose_name_could_be_others_gets_no_playbook(host: str) -> None:
    with pytest.raises(OptionError, match=r"could apply the state of its organization to others.*Give the host a name"):
        playbook_file(host, ["all", "customers"], Path("/x/enforce.yml"))


def test_a_folder_cannot_end_the_comment_of_the_playbook() -> None:
    (play,) = yaml.safe_load(playbook_file("contoso", [], Path("/x\n- hosts: all\n/enforce.yml")))
    assert play["hosts"] == "{{ exchange_organizations | default('contoso') }}"
