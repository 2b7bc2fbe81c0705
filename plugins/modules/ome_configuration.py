#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_configuration
short_description: Portal, sign-in and branding of message encryption
version_added: 1.0.0
description:
  - Manages OME configurations, with C(Get-), C(New-), C(Set-) and C(Remove-OMEConfiguration).
  - >-
    Every organization has the default configuration C(OME Configuration). Custom ones are applied by mail flow rules
    and require Advanced Message Encryption. A check warns if the session has no cmdlet to create one. To lead people
    outside to the portal, a rule may name the default one, which requires no such license.
  - Options that are omitted are left alone. Only the difference is sent.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
attributes:
  platform:
    platforms: Exchange Online
options:
  identity:
    description:
      - The name of the configuration, at most 64 characters.
    type: str
    default: OME Configuration
  state:
    description:
      - Whether it exists. The default configuration cannot be removed.
      - Removing one that mail flow rules name is warned of. DLP rules, which may name one too, are not read.
    type: str
    choices: [present, absent]
    default: present
  background_color:
    description:
      - The background color, as C(#RRGGBB), an HTML color name, or in Microsoft's old form C(0x00RRGGBB). An empty text
        clears it.
      - Put it in quotes, because YAML treats C(#) as the start of a comment.
    type: str
  disclaimer_text:
    description:
      - The disclaimer in mail that leads to the portal, at most 1024 characters. An empty text clears it.
    type: str
  email_text:
    description:
      - The text in mail that leads to the portal, at most 1024 characters. An empty text clears it.
    type: str
  external_mail_expiry_in_days:
    description:
      - The number of days after which mail in the portal expires, V(0) to V(730). V(0) means never.
      - Refused on the default configuration. Requires Advanced Message Encryption.
    type: int
  image_content:
    description:
      - The logo, as base64 text. An empty text clears it.
      - Microsoft documents PNG, JPEG, BMP and TIFF, and recommends less than 40 KB and 170 x 70 pixels. The module
        warns about other pictures, and refuses a file that is no picture.
    type: str
  image_force:
    description:
      - Sends the logo even if Exchange shows that there is a logo but not which one, so that it cannot be compared.
        Such a task is always changed.
      - If Exchange shows the logo itself, it is compared byte by byte, and this option has no effect.
    type: bool
    default: false
  image_path:
    description:
      - The logo, as a file on the controller. Relative paths are searched for as M(ansible.builtin.copy) does.
    type: path
  introduction_text:
    description:
      - The text beside the sender, at most 1024 characters. An empty text clears it.
    type: str
  otp_enabled:
    description:
      - Whether recipients can read mail in the portal with a one-time passcode.
      - The role's variable is C(hardened_baseline_one_time_passcode).
    type: bool
  portal_text:
    description:
      - The heading of the portal, at most 128 characters. An empty text clears it.
    type: str
  privacy_statement_url:
    description:
      - The link to the privacy statement. An empty text selects Microsoft's own.
    type: str
  read_button_text:
    description:
      - The caption of the button that opens the message, at most 1024 characters. An empty text clears it.
    type: str
  social_id_sign_in:
    description:
      - Whether recipients can sign in to the portal with a Google, Yahoo or Microsoft account.
      - The role's variable is C(hardened_baseline_social_id_sign_in).
    type: bool
seealso:
  - module: m365.message_encryption.ome_transport_rule
  - name: Set-OMEConfiguration
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/set-omeconfiguration
"""

EXAMPLES = r"""
- name: Let recipients use one-time passcodes, and no social IDs
  m365.message_encryption.ome_configuration:
    otp_enabled: true
    social_id_sign_in: false

- name: A template whose mail expires after a week
  m365.message_encryption.ome_configuration:
    identity: One week expiration
    external_mail_expiry_in_days: 7
    social_id_sign_in: false

- name: The company's looks
  m365.message_encryption.ome_configuration:
    portal_text: Contoso encrypted mail
    background_color: "#0078d4"
    image_path: contoso-logo.png
"""

RETURN = r"""
msg:
  description: One line about what changed or, in check mode, would change. After a failure, its cause and remedy.
  returned: always
  type: str
  sample: "Would change 1 setting: social_id_sign_in."
before:
  description: The managed options before the task, by this module's option names.
  returned: success
  type: dict
  sample: {"state": "present", "social_id_sign_in": true}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"state": "present", "social_id_sign_in": false}
changes:
  description: One entry for each difference.
  returned: success, or failure while writing
  type: list
  elements: dict
  contains:
    resource:
      description: The module that manages the object.
      type: str
      returned: always
    identity:
      description: The object's name. Empty if an organization has only one.
      type: str
      returned: always
    option:
      description: The option, with its section if it has one, or V(state).
      type: str
      returned: always
    before:
      description: The value before.
      type: raw
      returned: always
    after:
      description: The value after.
      type: raw
      returned: always
    impact:
      description: >-
        How the change affects people, worst first: V(may leave in clear), V(rejects), V(affects all outgoing mail),
        V(deletes), V(takes away), V(widens), V(affects some mail). Otherwise empty.
      type: str
      returned: always
  sample:
    - resource: "ome_configuration"
      identity: "OME Configuration"
      option: "social_id_sign_in"
      before: true
      after: false
      impact: "takes away"
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-OMEConfiguration -Identity 'OME Configuration' -SocialIdSignIn $false -Confirm:$false"]
not_applied:
  description: The cmdlets that Exchange refused, and those that the task did not reach.
  returned: failure while writing
  type: list
  elements: str
outcome_unknown:
  description: The cmdlets whose response was lost or unclear, and those that Exchange accepted but does not show. They may or may not
    have changed something. To find out, run the task again.
  returned: failure while writing
  type: list
  elements: str
"""

import base64
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import (
    COMMON_ARGUMENT_SPEC,
    ModuleContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.logo import refuse_other_files
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    DEFAULT_OME_CONFIGURATION,
    OME_CONFIGURATION,
    check_configuration,
    converge_configuration,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import declared

SPEC: dict[str, Any] = {
    "argument_spec": {
        "identity": {"type": "str", "default": DEFAULT_OME_CONFIGURATION},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **OME_CONFIGURATION.argument_spec(),
        "image_path": {"type": "path"},
        "image_force": {"type": "bool", "default": False},
        **COMMON_ARGUMENT_SPEC,
    },
    "mutually_exclusive": [["image_content", "image_path"]],
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings one OME configuration to what the options declare."""
    params = dict(task.params)
    if params["image_path"]:
        params["image_content"] = _file_content(task, params["image_path"])
    identity, state, wanted = params["identity"], params["state"], declared(OME_CONFIGURATION, params)
    check_configuration(identity, state, wanted)
    return converge_configuration(task, identity, state, wanted, force_image=params["image_force"])


def _file_content(task: ModuleContext, path: str) -> str:
    content = task.find_file(path)
    if not content:
        raise OptionError(f"image_path {path!r} is an empty file.", remedy='To clear the logo, give image_content: "".')
    refuse_other_files(content, f"image_path {path!r}")
    return base64.b64encode(content).decode("ascii")


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
