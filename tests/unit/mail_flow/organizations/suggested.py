# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suggested first in the organizations, for each guarantee that is refuted: what somebody who knows the rules would
sign.
"""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.repair.suggestion import (
    GoalSuggestions,
    Suggestion,
)

#: Of each edit, its kind and the rule, or the connector.
Edits = list[tuple[str, str]]

#: By the organization and the guarantee, which has the place at which it is asked before its name: the edits; where there
#: are none, the kind of the advice, or that one that holds contradicts it.
FIRST: dict[str, dict[str, Edits | str]] = {
    "hospital": {
        "6 Insurers": [("exception", "Insurers")],
        "7 Laboratory": "then",
        "8 Patients, wherever it says so": [("condition", "Patients")],
        "10 Marked anywhere, as in answers": [("condition", "Secure"), ("move", "Secure")],
        "11 Billing": [("exception", "Billing")],
        "12 Numbers of everybody": [("enable", "Trial of numbers"), ("move", "Trial of numbers")],
        "14 Practices": [("enable", "Before the merger"), ("move", "Before the merger")],
        "15 Faxes": "unless",
    },
    "bank": {
        "9 Card numbers": [("move", "210 Card numbers")],
        "10 Deals": "template",
        "12 Clearing by TLS with its name": [("connector", "Clearing")],
        "13 All that leaves": [("exception", "300 All that leaves")],
        "14 Private bankers": [("exception", "270 Private bankers")],
        "16 The look of private banking": [("move", "290 Look of private banking")],
        "17 Leasing": [("add", "Encrypt mail to leasing.example")],
        "20 Loans": [("exception", "250 Loans")],
        "21 Card numbers in documents": [("enable", "220 Card numbers in documents")],
        "22 Publishing in clear": "contradiction",
        "23 Replies can be read": "unless",
    },
    "small": {
        "4 Clients, whatever is typed": [("exception", "Clients"), ("move", "Clients")],
        "5 The tax office": [("condition", "Tax office"), ("move", "Tax office")],
        "6 Payslips that leave": [("condition", "Payslips"), ("move", "Payslips")],
        "7 The portal": [("action", "Portal"), ("move", "Portal")],
        "8 Marked mail": [("move", "Secure")],
        "10 Answers": [("condition", "Secure")],
        "12 Accounts in the text": [("condition", "Accounts")],
        "13 All that leaves": [("enable", "Everything"), ("move", "Everything")],
        "14 Newsletters to clients stay readable": "unless",
        "15 Mail inside": [("condition", "No forwarding")],
    },
}


def edits_of(suggestion: Suggestion) -> Edits:
    if suggestion.connector:
        return [("connector", suggestion.connector.connector)]
    return [(edit.kind, edit.rule) for edit in suggestion.edits]


def first(found: GoalSuggestions) -> Edits | str:
    """What is suggested first, as the table has it."""
    if found.suggestions:
        return edits_of(found.suggestions[0])
    if found.advice:
        return found.advice.kind
    return "contradiction" if found.contradiction else ""
