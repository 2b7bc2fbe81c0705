# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that modules about mail share."""

    SOURCE = r"""
options:
  source:
    description:
      - >-
        A file to take the rules from instead of the organization, which is an export, a snapshot or a capture of this collection, or saved output of
        M(m365.message_encryption.message_encryption_info).
      - >-
        If the host is an organization and O(facts) is not given, the facts are those that the organization shows. Otherwise, such as on V(localhost), they
        are those of the file, with O(facts) instead of what is given there.
      - A relative path is searched for as M(ansible.builtin.copy) does.
    type: path
"""

    TRACE = r"""
options:
  trace:
    description:
      - >-
        Files with the trace, instead of asking the organization. CSV as the admin center and C(Export-Csv) write it, or JSON of C(ConvertTo-Json) and
        Microsoft Graph. They may overlap. An empty list is refused. The columns are those of C(Get-MessageTraceV2), or of the admin center's enhanced summary
        report, which does not say
        whether a sender was authenticated. Its extended report is refused, since its rows are events.
      - A relative path is searched for as M(ansible.builtin.copy) does. A file has at most 256 MiB.
    type: list
    elements: path
  trace_source:
    description:
      - Where to read the trace, from Exchange (C(Get-MessageTraceV2)), or from Microsoft Graph. The default is V(exchange).
      - >-
        V(graph) needs the application permission C(ExchangeMessageTrace.Read.All), and in the organization the service principal of the application
        C(8bd644d1-64a1-4d4b-ae52-2e0cbf64e373). Graph has the trace only in the global cloud. The connection must be C(rest) or C(powershell), with a
        certificate, a client secret or a federated token.
    type: str
    choices: [exchange, graph]
  facts:
    description: >-
      Facts that the organization cannot show, or is not asked for, as in M(m365.message_encryption.mail_flow_test). They override what the organization shows.
    type: dict
  dialect:
    description:
      - How Exchange reads the patterns of rules and of guarantees, as in M(m365.message_encryption.mail_flow_test).
      - The default is V(agreed).
    type: str
    choices: [agreed, dotnet]
  max_copies:
    description: The maximum number of copies to read, newest first, 1 to 5,000,000. C(from) of RV(window) says from when on the reading is complete.
    type: int
    default: 500000
  examples:
    description:
      - How many copies each row of the result names, 0 to 20, with sender, recipient, subject and time.
      - These are personal data. With examples, Ansible hides the result, as if the task had C(no_log). Only the variable of C(register) has them.
    type: int
    default: 0
"""

    COMPLIANCE = r"""
options:
  compliance:
    description:
      - >-
        Whether to ask Microsoft Purview's compliance endpoint for DLP policies and sensitivity labels that are not given as facts, over a second session; see
        O(m365.message_encryption.exchange#connection:exchange_compliance). Audits, plans, M(m365.message_encryption.mail_flow_replay) and
        M(m365.message_encryption.mail_flow_evidence) always ask for them, so without it, this module may say something else about the same mail.
      - What is not granted, or cannot be reached, is unknown, and not missing. RV(not_read) names it.
    type: bool
    default: false
"""

    OBSERVATIONS = r"""
options:
  observations:
    description:
      - >-
        A file with the observations of the organization, which M(m365.message_encryption.mail_flow_experiment) writes. An open question that is answered
        there is no longer open, and what rests on the answer is certain for this organization.
      - >-
        An observation counts for O(observations_max_age) days, while the rules that it rests on are as they were. Observations that contradict each other
        do not count. Observations of another organization are refused.
      - >-
        The file also has the copies that contradicted what was computed. While one counts, no guarantee is proved: it is V(unknown). That ends when the same
        message agrees, when one of the rules that acted on it changes, and after O(observations_max_age) days.
      - A relative path is searched for as M(ansible.builtin.copy) does.
    type: path
  observations_max_age:
    description: The days for which an observation counts.
    type: int
    default: 90
"""
