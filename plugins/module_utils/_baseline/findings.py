# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before the first write. Private to the collection."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "hardened_baseline_"


@dataclass(frozen=True)
class Finding:
    """Something that is refused before the first write.

    :param id: the control, or what the finding is about.
    :param text: a sentence.
    :param allow: the variable, with its value, that allows it; empty where nothing does.
    """

    id: str
    text: str
    allow: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as the report has it."""
        return {"id": self.id, "text": self.text, "allow": self.allow}

    def __str__(self) -> str:
        return f"{self.id}: {self.text}" + (f" To allow it: {self.allow}" if self.allow else "")


def allow(variable: str, value: str = "true") -> str:
    """The line of YAML that allows a finding."""
    return f"{PREFIX}{variable}: {value}"
