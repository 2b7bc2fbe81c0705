# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what tasks in check mode would have created, for the later tasks of the run. Private to the collection.

A play that creates an OME configuration and then a rule that applies it is valid, so it must also pass in check mode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import read_json, write_json


class Foreseen:
    """The OME configurations that an organization would have by now.

    :param directory: the run's own temporary directory.
    :param organization: its name.
    """

    def __init__(self, directory: str, organization: str) -> None:
        digest = hashlib.sha256(organization.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._file = Path(directory) / f"message_encryption-foreseen-{digest}.json"

    def names(self) -> list[str]:
        """The names of the OME configurations."""
        try:
            return [str(name) for name in read_json(self._file)["names"]]
        except (OptionError, KeyError, TypeError):
            return []

    def add(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Records what a task in check mode would change."""
        rows = [
            change for change in changes if (change["resource"], change["option"]) == (OME_CONFIGURATION.name, "state")
        ]
        if rows:
            names = dict.fromkeys(self.names())
            for row in rows:
                names.pop(row["identity"], None)
                names.update({row["identity"]: None} if row["after"] == "present" else {})
            write_json(self._file, {"names": list(names)}, lasting=False)
