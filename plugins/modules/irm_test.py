#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: irm_test
short_description: Test whether rights management works for mail
version_added: 1.0.0
description:
  - Makes Exchange fetch the RMS templates, encrypt and decrypt, with C(Test-IRMConfiguration), and parses its output.
  - The cmdlet only tests, so it runs in check mode, too.
  - If the test fails, the module says why, from the IRM configuration and the list of RMS templates, and what to do.
  - >-
    A change of M(m365.message_encryption.irm_configuration) can take minutes to hours to become effective.
    Give the task C(until) with C(retries) to wait for it, as the example does.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
options:
  sender:
    description:
      - The SMTP address of a user of the organization. The test encrypts mail on behalf of this user.
    type: str
    required: true
  recipients:
    description:
      - The SMTP addresses of users, at least one. The test decrypts mail for each of them.
    type: list
    elements: str
    required: true
  fail_on_error:
    description:
      - Whether the task fails when the test does.
      - A test cannot run over the transport V(file) of P(m365.message_encryption.exchange#connection). With V(false),
        the task says so in RV(msg) and returns no RV(passed).
    type: bool
    default: true
seealso:
  - module: m365.message_encryption.irm_configuration
  - name: Test-IRMConfiguration
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/test-irmconfiguration
"""

EXAMPLES = r"""
- name: Does encryption work?
  m365.message_encryption.irm_test:
    sender: alexw@contoso.onmicrosoft.com
    recipients:
      - meganb@contoso.onmicrosoft.com

- name: Wait until it does, for half an hour
  m365.message_encryption.irm_test:
    sender: alexw@contoso.onmicrosoft.com
    recipients:
      - meganb@contoso.onmicrosoft.com
  register: encryption
  until: encryption is success
  retries: 30
  delay: 60
"""

RETURN = r"""
msg:
  description: The outcome in a sentence.
  returned: success
  type: str
  sample: "Rights management works for alexw@contoso.onmicrosoft.com: 4 steps passed, 7 templates are available."
passed:
  description: Whether the test as a whole passed.
  returned: when the test ran; never over the transport V(file)
  type: bool
  sample: true
steps:
  description: What Exchange tried, in its order. It stops at the first failure.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What was tried, in Exchange's words.
      type: str
      returned: always
    passed:
      description: Whether it worked.
      type: bool
      returned: always
    detail:
      description: Exchange's text about it.
      type: str
      returned: always
  sample:
    - name: Verifying encryption
      passed: true
      detail: Encryption verified successfully.
templates:
  description: The names of the RMS templates that Exchange found. A name that contains a comma is split.
  returned: success
  type: list
  elements: str
  sample: ["Encrypt", "Do Not Forward"]
cause:
  description:
    - Why the test failed, as far as the IRM configuration and the list of RMS templates show it, which are read after a failure.
    - It names the licensing setting that is off, or the list that is empty.
  returned: when the test failed
  type: str
  sample: licensing_location is empty and Exchange lists no RMS template
cure:
  description: What to do, as Microsoft describes it.
  returned: when the test failed
  type: str
results:
  description: The unparsed output of Exchange.
  returned: success
  type: str
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import NotCapturedError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_test import (
    diagnosed,
    run_irm_test,
)

SPEC: dict[str, Any] = {
    "argument_spec": {
        "sender": {"type": "str", "required": True},
        "recipients": {"type": "list", "elements": "str", "required": True},
        "fail_on_error": {"type": "bool", "default": True},
    }
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Runs the test and takes its answer apart."""
    try:
        tested = run_irm_test(task.session, task.params["sender"], task.params["recipients"])
    except NotCapturedError as error:
        if task.params["fail_on_error"]:
            raise
        return {
            "changed": False,
            "msg": f"Rights management was not tested: {error}",
            "steps": [],
            "templates": [],
            "results": "",
        }
    tested = diagnosed(task.session, tested)
    return {**tested.as_row(), "failed": task.params["fail_on_error"] and not tested.results.passed}


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
