# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that face each other: what one part finds, another one has words for, and no words are left over. Without that, a finding without words is an error
while a task runs.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import IMPACTS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import first_look
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import (
    ChangeState,
    ControlStatus,
    OrganizationStatus,
    RollbackClass,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import (
    finding,
    judgment,
    lint_encrypters,
    overview_kinds,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import overview as cells
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.aspects import DifferenceKind
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.lint_kinds import LINT_KINDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.single_rule_lint import (
    CHECKS,
    OF_IDLE_RULES,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.wishes import WISHES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair import aims
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import (
    encrypters,
    fewer_rules,
    lint,
    overview,
    policy,
    sentences,
    suggestions,
    summary,
)
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_test
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report import labels

HOUSE = Path(__file__).resolve().parents[3] / "plugins/module_utils/_mail_flow"
RETURNED = yaml.safe_load(mail_flow_test.RETURN)


def trees(folder: str) -> Iterator[ast.AST]:
    """The code in a folder."""
    for path in sorted((HOUSE / folder).glob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def texts(tree: ast.AST) -> set[str]:
    """The texts in code."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def arguments(folder: str, function: str, place: int, keyword: str = "") -> set[str]:
    """The texts that calls of a function have as an argument."""
    found: set[str] = set()
    for tree in trees(folder):
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).rpartition(".")[2] != function:
                continue
            given = [*call.args[place : place + 1], *(each.value for each in call.keywords if each.arg == keyword)]
            found |= {text for each in given for text in texts(each)}
    return found


def cases() -> set[str]:
    """The cases of findings, as the analyses write them."""
    found: set[str] = set()
    for tree in trees("analyses"):
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "case":
                    found |= texts(value)
    return found


def documented(text: str) -> set[str]:
    """The values that documentation names."""
    return set(re.findall(r"V\((\w+)\)", text))


def contained(returned: str, key: str) -> set[str]:
    """The values that the documentation of a result names for a key of its rows."""
    return documented(RETURNED[returned]["contains"][key]["description"])


FOUND_BY_LINT = (
    CHECKS.keys() | arguments("analyses", "LintFinding", 0) | {kind for kind, _is_so in lint_encrypters._DLP_CONFLICTS}
)
LINT_TABLES = (lint._SENTENCES, lint._OF_ONE, lint._BESIDE_LAST)
LINT_WORDS = [key for table in LINT_TABLES for key in table]
#: Cases that are computed: whom a rule shows mail, how values are meant that can be typed, whether there are several exceptions, and whether that rests on
#: subjects of one line.
CASES_IN_TABLES = {
    *("approval", "report", "copy", "redirection", "word", "pattern"),
    *("one of several", "several", "perhaps", "unclear"),
    *("exceptions", "exceptions, one line"),
}

#: Side effects that a policy tells: not other texts, and approvals only as what becomes of mail.
SIDE_EFFECTS_TOLD = sentences._SIDE_EFFECTS.keys() - {
    "rejection_text",
    "notification_text",
    "disclaimer_text",
    "disclaimer_fallback",
    "approval",
}

#: What faces each other: what is found, and what is told of it.
FACING: Mapping[str, tuple[Iterable[str], Iterable[str]]] = {
    "findings of lint": (FOUND_BY_LINT, LINT_KINDS),
    "findings of lint in words": (LINT_KINDS, {kind for kind, _case in LINT_WORDS}),
    "cases of findings of lint": (
        (cases() | CASES_IN_TABLES) - {""},
        {case for _kind, case in LINT_WORDS if case},
    ),
    "kinds of difference": (DifferenceKind, sentences.BECOMES),
    "kinds of difference, of several copies": (DifferenceKind, sentences.BECOME),
    "kinds of difference in reports": (DifferenceKind, labels.MAIL),
    "kinds of difference in the documentation": (
        DifferenceKind,
        contained("difference", "kind"),
    ),
    "kinds of difference that may be": (DifferenceKind, sentences.WOULD_BECOME),
    "side effects that may change": (sentences._SIDE_EFFECTS, sentences._POSSIBLE_SIDE_EFFECTS),
    "side effects, by name": (sentences._SIDE_EFFECTS, summary._NOUNS),
    "effects of a policy": (
        arguments("analyses", "RuleEffect", 0, "kind") | sentences.FATES.keys() | SIDE_EFFECTS_TOLD,
        policy._EFFECTS,
    ),
    "what keeps mail from an effect of a policy": (
        contained("policy", "unless"),
        policy._KEEPS_MAIL,
    ),
    "what encrypts": (get_args(encrypters.EncrypterKind), encrypters.KINDS_OF_ENCRYPTER),
    "kinds of sentences of a policy": (
        policy.KINDS,
        {kind for kind, _certain, _open in policy._EFFECTS.values()} | {policy.DLP, "unknown"},
    ),
    "kinds of sentences of a policy in the documentation": (policy.KINDS, contained("policy", "kind")),
    "kinds of edits": (aims.KINDS, {*suggestions._WORDS, suggestions.ENABLE}),
    "kinds of edits in the documentation": (
        {*aims.KINDS, "connector", "ome_configuration"},
        contained("suggestions", "edits"),
    ),
    "reasons to propose nothing": (
        arguments("repair", "Simplified", 9, "why_not") | {"difference", "nothing"},
        fewer_rules._WHY_NOT,
    ),
    "reasons to keep a rule": (arguments("repair", "_keep", 1), fewer_rules._WHY_RULES_STAY),
    "kinds of mail": (overview_kinds.MailKind, {kind.name for kind in overview_kinds.KINDS}),
    "kinds of mail in words": (overview_kinds.MailKind, overview.KINDS_OF_MAIL),
    "kinds of mail in the documentation": (overview_kinds.MailKind, contained("overview", "kind_of_mail")),
    "cells": (cells.CellVerdict, overview.CELL_WORDS),
    "cells in the documentation": (cells.CellVerdict, contained("overview", "protected")),
    "cells of several destinations": (cells.CellVerdict, overview._VERDICT_WORDS),
    "cells in reports": (cells.CellVerdict, labels.REACH),
    "verdicts in reports": (judgment.GuaranteeVerdict, labels.VERDICT),
    "claims of guarantees": (WISHES, mail_flow_test.SPEC["argument_spec"]["guarantees"]["options"]["then"]["choices"]),
    "impacts": ({str(impact) for impact in Impact if impact}, labels.IMPACT),
    "classes of rollback": (set(map(str, RollbackClass)), labels.ROLLBACK),
    "states of changes": (set(map(str, ChangeState)), labels.STATE),
    "statuses of controls": (set(map(str, ControlStatus)), labels.CONTROL),
    "statuses of organizations": (set(map(str, OrganizationStatus)), labels.ORGANIZATION),
}

#: What names some of what is found.
NAMING: Mapping[str, tuple[Iterable[str], Iterable[str]]] = {
    "findings of rules that never act": (OF_IDLE_RULES, LINT_KINDS),
    "findings by which mail leaves as it is": (first_look._LEAVES_IN_CLEAR, LINT_KINDS),
    "what keeps mail from an effect": (
        policy._KEEPS_MAIL,
        {**sentences._WHAT_RULES_MAKE_OF_IT, **sentences._WHAT_RULES_DO, **sentences._WHAT_DLP_DOES},
    ),
    "how rules end mail": (sentences.ENDING_MAIL, policy._KEEPS_MAIL),
    "findings of exceptions": (first_look._BY_EXCEPTIONS, first_look._LEAVES_IN_CLEAR),
    "findings in the documentation": (documented(RETURNED["lint"]["description"]), LINT_KINDS),
    "kinds of difference that are worse than others": (IMPACTS, DifferenceKind),
    "kinds of difference that say how mail is treated": (finding.STAGE_KEYS, DifferenceKind),
    "kinds of difference that may be": (sentences._MAY_BECOME, DifferenceKind),
    "kinds of difference that edits cost": (suggestions._LOSE, DifferenceKind),
}


@pytest.mark.parametrize("name", FACING)
def test_what_is_found_has_its_words_and_no_words_are_left_over(name: str) -> None:
    known, told = map(set, FACING[name])
    assert {"without words": sorted(known - told), "left over": sorted(told - known)} == {
        "without words": [],
        "left over": [],
    }


@pytest.mark.parametrize("name", NAMING)
def test_what_is_named_exists(name: str) -> None:
    named, known = map(set, NAMING[name])
    assert sorted(named - known) == []


def test_reports_list_differences_by_their_importance() -> None:
    assert list(labels.MAIL) == list(DifferenceKind)


def test_no_finding_has_two_sentences() -> None:
    assert sorted(key for key, times in Counter(LINT_WORDS).items() if times > 1) == []


def test_each_place_of_a_sentence_is_filled() -> None:
    """What a sentence about a rule names is data of the finding, or made of it."""
    made = {"rule", "other", "others", "do", "stop", "every", "encrypt", "more", "last", "all", "each", "quarantine"}
    named: set[str] = set()
    for tree in trees("analyses"):
        named |= texts(tree)
    for (kind, case), sentence in (item for table in LINT_TABLES for item in table.items()):
        places = set(re.findall(r"{(\w+)}", sentence))
        assert places - made - named == set(), (kind, case)
