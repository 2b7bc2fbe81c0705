# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference rests on beside rules and settings of IRM."""

from __future__ import annotations

from dataclasses import dataclass

from ..._mail_flow.wording.row import ResultRow, Row


@dataclass(frozen=True)
class Foundation(ResultRow):
    """What a difference rests on beside rules and settings of IRM.

    :param kind: ``connector``, ``template``, ``group`` or ``observation``.
    :param name: its name, or the number of the open question that was answered.
    :param values: what of it counts.
    """

    kind: str
    name: str
    values: Row
