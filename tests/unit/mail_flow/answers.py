# SPDX-License-Identifier: GPL-3.0-or-later
"""What analyses find, as results have it: tests read what people read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import difference as differ
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import (
    expectations,
    regression,
    verifier,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import lint as linter
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.copy_result import (
    MessageResult,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording import summary
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    SHOWN,
    compared_rows,
    difference_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.guarantees import (
    counterexample_row,
    guarantee_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.lint import lint_rows
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.result_rows import (
    DifferenceRow,
    GuaranteeRow,
)


@dataclass(frozen=True)
class Difference:
    rows: list[dict[str, Any]]
    more: int = 0
    complete: bool = True


def difference(*given: Any, shown: int = SHOWN, **more: Any) -> Difference:
    found = differ.difference(*given, **more)
    rows, more = difference_rows(found, shown)
    return Difference([row.as_row() for row in rows], more, found.complete)


def difference_lines(found: Difference) -> list[str]:
    return summary.difference_lines(list(map(DifferenceRow.from_row, found.rows)), found.more)


def differences(*given: Iterable[MessageResult]) -> list[dict[str, Any]]:
    return compared_rows(expectations.differences(*given))


def lint(*given: Any, **more: Any) -> list[dict[str, Any]]:
    return [row.as_row() for row in lint_rows(linter.lint(*given, **more))]


def prove(*given: Any, **more: Any) -> list[dict[str, Any]]:
    return [row.as_row() for row in guarantee_rows(verifier.prove(*given, **more))]


def verdict_sentence(row: dict[str, Any]) -> str:
    return summary.verdict_sentence(GuaranteeRow.from_row(row))


def refutation(row: dict[str, Any]) -> str:
    return summary.refutation(GuaranteeRow.from_row(row))


def verdict_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(summary.verdict_lines(list(map(GuaranteeRow.from_row, rows))))


def worsened(*given: Any) -> dict[str, Any] | None:
    found = regression.worsened(*given)
    return counterexample_row(found).as_row() if found else None
