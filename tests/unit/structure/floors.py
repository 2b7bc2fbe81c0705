# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors of the house, and the folders of a floor."""

from __future__ import annotations

#: From the bottom. A file may import from its own floor and from those below it.
FLOORS = (
    "module_utils._exchange",
    "module_utils._engine",
    "module_utils._resources",
    "module_utils._mail_flow",
    "module_utils._baseline",
    "modules",
    "plugin_utils._transports",
    "plugin_utils._broker",
    "plugin_utils._action",
    "plugin_utils._report",
    "connection",
    "action",
    "doc_fragments",
)
#: The folders of a package, from the bottom, and files above them; any other file beside folders is below all of them.
FOLDERS = {
    "module_utils._resources": ("rules", "compliance", "registry", "organization_state"),
    "module_utils._mail_flow": (
        "model",
        "conditions",
        "actions",
        "rules",
        "input",
        "simulator",
        "sat",
        "symbolic",
        "analyses",
        "trace",
        "evidence",
        "repair",
        "experiment",
        "wording",
        "tasks",
    ),
    "module_utils._baseline": ("controls", "documents", "procedures", "run"),
}
