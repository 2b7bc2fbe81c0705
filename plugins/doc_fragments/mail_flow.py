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
  trace_complete:
    description: >-
      Whether the files have the rows of all recipients of each message in them, as those of a query without a recipient that was read to its end.
      A file does not say that. Without it, what depends on who else got a message, or on To and Cc, is undecided. RV(assumes) names it. Only with O(trace).
    type: bool
    default: false
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

    #: What is asked about a guarantee, the module says in its description.
    GUARANTEES = r"""
options:
  guarantees:
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the guarantee in the result. Names must be unique.
        type: str
        required: true
      when:
        description:
          - The mail that it covers, like the conditions of a rule in M(m365.message_encryption.ome_transport_rule). The
            default is all mail.
          - Conditions that no message can meet are refused, because they would prove nothing.
        type: dict
      unless:
        description: The mail that it does not cover, like the exceptions of a rule.
        type: dict
      then:
        description:
          - What must be true of every copy.
          - V(encrypted) means that it is delivered and protected, on arrival or by a rule. A copy that waits for
            approval or is in quarantine is not delivered.
          - V(not_in_clear) means that it is protected or not delivered. A copy that an approval or a release would
            deliver unprotected by rules breaks the guarantee.
          - V(not_in_clear_if_delivered) means that it is protected if it is delivered now. What an approval or a
            release would deliver later does not count.
          - >-
            V(portal) means the same as V(not_in_clear), and external copies show a branding, so that they lead to the
            portal. Mail that arrives encrypted with S/MIME, which no rule can brand, or with another organization's
            keys keeps that. It counts as protected, and a proof says that it is not covered.
          - V(delivered) means that it is delivered now, so neither rejected, deleted, redirected, held for an approval
            nor in quarantine.
          - V(unencrypted) means that it is delivered, and no rule protects it.
          - >-
            V(decrypted_on_arrival) means that it is delivered without protection if it arrives encrypted with the
            organization's own keys, as replies from the portal do. It says nothing of S/MIME mail, and of what other
            organizations encrypt: rules cannot decrypt that.
          - >-
            V(protected_in_transit) means that it is protected, or leaves the organization only by forced TLS, or does
            not leave. A domain in an outbound connector is that domain alone, and C(*.domain) its subdomains alone; a
            condition on a domain is about both.
        type: str
        required: true
        choices:
          - encrypted
          - not_in_clear
          - not_in_clear_if_delivered
          - portal
          - delivered
          - unencrypted
          - decrypted_on_arrival
          - protected_in_transit
      template:
        description: The one template that counts as protection. Only with V(encrypted), V(not_in_clear) and
          V(not_in_clear_if_delivered).
        type: str
      tls_validation:
        description:
          - >-
            What forced TLS has to check at least. V(encryption_only) takes any certificate, V(certificate) one of a
            trusted authority, and V(domain) one with the right name, too. The default is V(encryption_only). Only with
            V(protected_in_transit).
        type: str
        choices: [encryption_only, certificate, domain]
      expires_within_days:
        description:
          - >-
            After how many days mail has to expire in the portal at the latest: each branding that external copies may
            show is an OME configuration with such an C(external_mail_expiry_in_days). Only with V(portal).
        type: int
      copies:
        description:
          - >-
            Which copies count that rules make of the mail for people whom O(guarantees[].when) and
            O(guarantees[].unless) do not select, such as by a redirection, a blind copy, a report with the original mail
            or a request for approval. V(all), the default, counts them whoever gets them, V(outside) if they leave the
            organization, and V(recipients_only) does not count them. People inside who are asked for an approval get
            no copy. A proof names those that it does not count and that may break it (C(added_copies),
            C(shown_copies)).
          - >-
            A copy that counts must be protected like the recipients' own, but need not be delivered. Only with
            V(encrypted), V(not_in_clear), V(not_in_clear_if_delivered), V(portal) and V(protected_in_transit).
        type: str
        choices: [all, outside, recipients_only]
"""
