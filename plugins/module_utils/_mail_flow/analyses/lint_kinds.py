# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of problems that rules can have."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

LintKind: TypeAlias = Literal[
    "expired",
    "expiring",
    "inactive_encryption",
    "unscoped_encryption",
    "retired_action",
    "encrypts_and_decrypts",
    "for_all_mail",
    "whole_copy",
    "one_frees_all",
    "names_a_group",
    "fails_open",
    "fails_closed",
    "branding_alone",
    "branding_missing",
    "unknown_pattern",
    "literal_asterisk",
    "value_never_matches",
    "subdomains",
    "typed_exception",
    "idle_exception",
    "answers_missed",
    "prefix_repeats",
    "outsiders_locked_out",
    "two_templates",
    "template_outside",
    "on_premises_scope",
    "envelope_sender",
    "auto_forward",
    "adds_recipients",
    "shows_outside",
    "internal_domains",
    "actions_left_undone",
    "dlp_rule",
    "unsupported",
    "never_acts",
    "equal_rules",
    "covered_rule",
    "encrypt_meets_decrypt",
    "templates_meet",
    "ends_before_encryption",
    "typed_stop",
    "gateway_gets_ciphertext",
    "journal_keeps_ciphertext",
    "connector_misses_subdomains",
    "connector_of_no_rule",
    "routed_to_disabled_connector",
    "dlp_removes_what_rules_encrypt",
    "dlp_and_rule_differ",
    "template_used_by_dlp",
    "dlp_in_test_mode",
    "label_and_rule_differ",
    "too_complex",
]

#: All of them.
LINT_KINDS: tuple[LintKind, ...] = get_args(LintKind)
