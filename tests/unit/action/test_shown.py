# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible prints of a result has no invisible characters."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import shown

#: A control sequence of one byte, a line break of one, one that turns the writing around, and one of no width.
INVISIBLE = "\x9b2J\x85\u202e\u200b"


@pytest.mark.parametrize("outcome", ["failed", "unreachable"])
def test_of_a_failed_result_all_is_printed(outcome: str) -> None:
    result = shown({outcome: True, "msg": INVISIBLE, "identity": INVISIBLE, "results": [{"name": INVISIBLE}]})
    for text in (result["msg"], result["identity"], result["results"][0]["name"]):
        assert not set(INVISIBLE) - set("2J") & set(text)


def test_the_data_of_any_other_stays_as_it_is() -> None:
    result = shown({"changed": True, "msg": INVISIBLE, "diff": {"after": {"name": INVISIBLE}}, "identity": INVISIBLE})
    assert result["identity"] == INVISIBLE
    assert INVISIBLE not in (result["msg"], result["diff"]["after"]["name"])
