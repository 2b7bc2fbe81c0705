# SPDX-License-Identifier: GPL-3.0-or-later
"""A regular expression that no engine reads is told from one that some do."""

from __future__ import annotations

import random
import re
import warnings

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.brackets import unbalanced

from tests.rounds import seeds


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "[^]a", "a\\", "(a))(", "([)]"])
def test_a_bracket_without_its_counterpart_is_named(pattern: str) -> None:
    assert unbalanced(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\(a",
        r"\[secure\]",
        "[)(]",
        "[]a]",
        "[^]]",
        r"[\]]",
        "(a|(b))",
        "(?#a comment (with a bracket)",
        "(?x)a # (",
        "[a-z-[aeiou]]",
    ],
)
def test_what_some_engine_reads_is_not(pattern: str) -> None:
    assert unbalanced(pattern) == ""


def test_in_the_syntax_of_exchange_2010_only_groups_have_brackets() -> None:
    assert unbalanced("[a", legacy=True) == ""
    assert unbalanced("(a", legacy=True)


@pytest.mark.parametrize("seed", seeds(200))
def test_what_is_named_does_not_compile(seed: int) -> None:
    source = random.Random(seed)
    pattern = "".join(source.choice(r"ab()[]^\\") for _character in range(source.randint(1, 8)))
    if unbalanced(pattern):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(re.error):
                re.compile(pattern)
