# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of a wrong shape are named, wherever they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import (
    checked_variables,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError

SPEC: dict[str, Any] = {
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {"conditions": {"type": "dict", "options": {"words": {"type": "list", "elements": "str"}}}},
    },
    "branding": {
        "type": "dict",
        "options": {"color": {"type": "str"}, "logo": {"type": "path"}, "size": {"type": "int"}},
    },
    "name": {},
}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"branding": True}, "branding is True, which is not a dictionary"),
        ({"branding": [5]}, "branding is [5], which is not a dictionary"),
        ({"rules": 5}, "rules is 5, which is not a list of dictionaries"),
        ({"rules": [{}, 5]}, "rules[1] is 5, which is not a dictionary"),
        ({"rules": [{"conditions": True}]}, "rules[0].conditions is True, which is not a dictionary"),
    ],
)
def test_what_is_no_dictionary_is_named(arguments: dict[str, Any], named: str) -> None:
    assert named in validate(arguments, SPEC)[1]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"branding": {"color": "red", "logo": "/a", "size": 4}, "rules": [{"conditions": {"words": ["a"]}}]}],
)
def test_what_fits_is_kept(arguments: dict[str, Any]) -> None:
    validation, errors = validate(arguments, SPEC)
    assert errors == []
    assert {key: validation.validated_parameters[key] for key in arguments} == arguments


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            "branding: {color: }",
            "branding.color is null: put it in quotes (YAML takes # for the beginning of a comment), or omit color",
        ),
        ("name: #0078d4", "name is null: put it in quotes (YAML takes # for the beginning of a comment), or omit name"),
        ("branding: {size: }", "branding.size is null: give it a value, or omit size"),
        ("branding:", "branding is null: give it a value, or omit branding"),
        ("rules: [{conditions: {words: }}]", "rules[0].conditions.words is null: give it a value, or omit words"),
        (
            "rules: [{conditions: {words: [a, null]}}]",
            "rules[0].conditions.words contains null, which is not text: put it in quotes",
        ),
        ("name: [a@b.c]", 'name is ["a@b.c"], which is a list: give one text'),
        ("branding: {logo: [a]}", 'branding.logo is ["a"], which is a list: give one text'),
        ("branding: {color: {a: é}}", 'branding.color is {"a": "é"}, which is a dictionary: give one text'),
        ("name: yes", "name is true, which is not text: put it in quotes"),
        ("rules: [null]", "rules[0] is null: give it a value, or leave it out"),
        ("rules: [5]", "rules[0] is 5, which is not a dictionary"),
        (
            "rules: [{conditions: {words: [{a: b}]}}]",
            'rules[0].conditions.words contains {"a": "b"}, which is a dictionary: give one text',
        ),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_write(arguments: str, named: str) -> None:
    assert validate(yaml.safe_load(arguments), SPEC)[1] == [named]


def test_a_list_of_dictionaries_that_is_given_as_text_is_refused_once_with_what_each_needs() -> None:
    with pytest.raises(OptionError) as refused:
        checked_variables({"hardened_baseline_skip": "OME-1"}, "baseline", bytes)
    assert (
        str(refused.value)
        == "hardened_baseline_skip[0] is 'OME-1', which is not a dictionary: it needs control, reason, owner, until"
    )


@pytest.mark.parametrize(
    "name",
    [
        "message_contains_data_classifications",
        "MessageContainsDataClassifications",
        "ExceptIfHasSenderOverride",
        "notify_sender",
        "dlp_policy",
        "content_contains_sensitive_information",
    ],
)
def test_what_exchange_online_no_longer_takes_is_refused_by_name_with_what_there_is(name: str) -> None:
    (error,) = validate({"rules": [{"conditions": {name: ["U.S. Social Security Number (SSN)"]}}]}, SPEC)[1]
    assert error.startswith(
        f"rules[0].conditions.{name}: Exchange Online takes no data loss prevention in mail flow rules"
    )
    assert "DLP policy" in error
    assert "subject_or_body_matches_patterns" in error
    assert validate({name: "x"}, SPEC)[1] == [error.removeprefix("rules[0].conditions.")]


@pytest.mark.parametrize("word", [True, "true", "yes", {}])
def test_a_rule_for_outgoing_mail_can_be_asked_for_with_a_word(word: Any) -> None:
    assert (
        checked_variables({"hardened_baseline_encrypt_outgoing": word}, "baseline", bytes)["encrypt_outgoing"][
            "template"
        ]
        == "Encrypt"
    )


@pytest.mark.parametrize("word", [False, "false", None])
def test_and_refused_with_another(word: Any) -> None:
    assert "encrypt_outgoing" not in checked_variables({"hardened_baseline_encrypt_outgoing": word}, "baseline", bytes)


@pytest.mark.parametrize(
    "text", ['["contoso","fabrikam"]', "[contoso, fabrikam]", "contoso,fabrikam", " [ 'contoso' , fabrikam ] "]
)
def test_a_list_can_be_given_as_a_refusal_prints_it(text: str) -> None:
    found = checked_variables({"hardened_baseline_confirm_rollback": text}, "rollback", bytes)["confirm_rollback"]
    assert found == ["contoso", "fabrikam"]


_WHOLE: dict[str, Any] = {
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "secret": {"type": "str", "no_log": True},
            "kept": {
                "type": "dict",
                "apply_defaults": True,
                "options": {"days": {"type": "int", "default": 3}, "note": {"type": "str"}},
            },
            "number": {"type": "int"},
            "conditions": {
                "type": "dict",
                "options": {name: {"type": "list", "elements": "str"} for name in ("from", "words", "sent_to")},
            },
        },
    },
    "branding": {"type": "dict", "options": {"color": {"type": "str"}, "size": {"type": "int"}}},
    "trace": {"type": "str", "default": "failed"},
}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"rules": []},
        {
            "rules": [
                {"name": "A", "conditions": {"words": ["a", "b"]}},
                {"name": "B", "secret": "hidden", "number": "5", "conditions": {}},
            ]
        },
        {"rules": [{"name": "A", "kept": {"note": "n"}}], "branding": {"size": "4"}},
        {
            "rules": [{"name": "A", "conditions": '{"sent_to": ["a"]}'}, {"name": "B", "conditions": {"from": "a,b"}}],
            "branding": "color=red size=3",
        },
        {"rules": '[{"name": "A", "number": "7"}]'},
        {"rules": [{"conditions": {"words": ["a"]}}]},
        {"rules": [{"name": "A", "stat": "absent"}], "trac": "all"},
        {"rules": [{"name": "A", "conditions": {"word": ["a"]}}, {"name": "B", "state": "gone", "number": "five"}]},
    ],
)
def test_only_what_concerns_the_arguments_is_looked_at_and_all_is_as_core_has_it(arguments: dict[str, Any]) -> None:
    whole = ArgumentSpecValidator(_WHOLE, required_one_of=[["rules", "branding"]]).validate(arguments)
    found, errors = validate(arguments, _WHOLE, required_one_of=[["rules", "branding"]])
    assert found.validated_parameters == whole.validated_parameters
    assert found.error_messages == whole.error_messages
    assert (found._no_log_values, found._warnings, found._deprecations) == (
        whole._no_log_values,
        whole._warnings,
        whole._deprecations,
    )
    assert bool(errors) == bool(whole.error_messages)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"branding": "none"}, ["branding is 'none', which is not a dictionary"]),
        ({"branding": {"size": "big"}}, ["branding.size is 'big', which is not a whole number"]),
        ({"rules": [{"state": "absent"}]}, ["rules[0].name is required"]),
        ({"rules": [{"name": "A", "state": "Absent"}]}, ["rules[0].state 'Absent': did you mean absent?"]),
        ({"rules": [{"name": "A", "state": 5}]}, ["rules[0].state is 5: use present or absent"]),
        ({"rules": [{"name": "A", "state": "gone"}]}, ["rules[0].state is 'gone': use present or absent"]),
        ({"rules": [{"name": "A", "conditions": {"x": 1}}]}, ["rules[0].conditions.x is not an option: use from"]),
        (
            {"rules": [{"name": "A", "conditions": {"sender": "a"}}]},
            ["rules[0].conditions.sender: did you mean rules[0].conditions.from?"],
        ),
        ({"rules": [{"nam": "A"}]}, ["rules[0].nam: did you mean rules[0].name?", "rules[0].name is required"]),
        ({"zebra": 1, "trace": "a"}, ["zebra is not an option: use branding, rules or trace"]),
        ({}, ["give at least one of rules or branding"]),
        ({"rules": [], "branding": {}}, ["rules and branding exclude each other: give one of them"]),
        ({"rules": [], "trace": "all"}, ["branding is required, because trace is all"]),
        ({"rules": 5, "trace": "all"}, ["rules is 5, which is not a list of dictionaries"]),
    ],
)
def test_each_error_is_said_once_with_its_path_and_what_to_write(arguments: dict[str, Any], said: list[str]) -> None:
    rules: dict[str, Any] = {
        "required_one_of": [["rules", "branding"]],
        "mutually_exclusive": [["rules", "branding"]],
        "required_if": [["trace", "all", ["branding"]]],
    }
    errors = validate(arguments, _WHOLE, **rules)[1]
    for text in said:
        assert any(error.startswith(text) for error in errors), errors
    cores = ("Unsupported parameters", "found in", "must be one of", "could not parse", "of the following")
    assert not [error for error in errors if any(words in error for words in cores)]


def test_what_a_text_holds_that_stands_for_a_dictionary_is_refused_in_cores_words() -> None:
    (error,) = validate({"branding": "colour=red"}, _WHOLE)[1]
    assert error.startswith("Unsupported parameters: branding.colour")
