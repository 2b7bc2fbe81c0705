# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure core, and the tests that hold it: those that are quick, and say what is wrong where it is."""

from __future__ import annotations

from collections.abc import Mapping

#: The tests of convergence.
_CONVERGENCE = (
    "tests/unit/engine/test_engine.py",
    "tests/unit/engine/test_seen.py",
    "tests/unit/engine/test_planned_again.py",
    "tests/unit/engine/test_refused.py",
    "tests/unit/engine/test_lost.py",
)

#: Module, below ``plugins``, to tests.
CORE: Mapping[str, tuple[str, ...]] = {
    # Kinds and comparing.
    "module_utils/_exchange/kinds.py": ("tests/unit/exchange/test_kinds.py", "tests/unit/exchange/test_kind_forms.py"),
    "module_utils/_exchange/list_kinds.py": ("tests/unit/exchange/test_list_kinds.py",),
    "module_utils/_exchange/names.py": ("tests/unit/exchange/test_names.py",),
    "module_utils/_resources/table.py": ("tests/unit/resources/test_fields.py",),
    # Fewer rules.
    "module_utils/_mail_flow/analyses/coverage.py": ("tests/unit/mail_flow/repair/test_simplify.py",),
    "module_utils/_mail_flow/repair/order.py": ("tests/unit/mail_flow/repair/test_simplify.py",),
    "module_utils/_mail_flow/repair/simplify.py": ("tests/unit/mail_flow/repair/test_simplify.py",),
    # Planning.
    "module_utils/_resources/settings.py": (
        "tests/unit/resources/test_settings.py",
        "tests/unit/resources/test_plans_of_settings.py",
    ),
    "module_utils/_resources/rules/moderation.py": ("tests/unit/resources/rules/test_functions.py",),
    "module_utils/_resources/rules/rule_index.py": ("tests/unit/resources/rules/test_checks.py",),
    "module_utils/_resources/rules/checks.py": ("tests/unit/resources/rules/test_checks.py",),
    "module_utils/_resources/rules/shadowing.py": ("tests/unit/resources/rules/test_functions.py",),
    "module_utils/_resources/rules/impact.py": ("tests/unit/resources/rules/test_functions.py",),
    "module_utils/_resources/rules/planner.py": ("tests/unit/resources/rules/test_planner.py",),
    "module_utils/_resources/rules/rule_plan.py": ("tests/unit/resources/rules/test_rule_plan.py",),
    "module_utils/_resources/rules/values.py": ("tests/unit/resources/rules/test_functions.py",),
    # The order of rules.
    "module_utils/_resources/rules/reordering.py": (
        "tests/unit/resources/rules/test_order.py::test_any_order_is_reached_with_the_fewest_moves",
        "tests/unit/resources/rules/test_order.py::test_the_rule_that_is_meant_moves",
        "tests/unit/resources/rules/test_order.py::test_without_a_word_the_others_stay_and_any_rule_may_move",
        "tests/unit/resources/rules/test_order.py::test_rules_come_last_and_each_move_may_be_planned_again",
    ),
    # Convergence.
    "module_utils/_engine/converge.py": _CONVERGENCE,
    "module_utils/_engine/remaining_work.py": _CONVERGENCE,
    "module_utils/_engine/unclear_outcomes.py": _CONVERGENCE,
    "module_utils/_engine/waiting.py": _CONVERGENCE,
    "module_utils/_engine/plan.py": ("tests/unit/engine/test_plan.py", "tests/unit/engine/test_engine.py"),
    "module_utils/_engine/progress.py": ("tests/unit/engine/test_progress.py", "tests/unit/engine/test_unstored.py"),
    "module_utils/_engine/round_trips.py": ("tests/unit/engine/test_round_trips.py",),
    "module_utils/_exchange/invalidation.py": ("tests/unit/exchange/test_invalidation.py",),
    # Chain and digest.
    "module_utils/_baseline/documents/approval.py": ("tests/unit/baseline/test_approved.py",),
    "module_utils/_baseline/documents/snapshot_chain.py": ("tests/unit/baseline/test_chain.py",),
    "module_utils/_baseline/documents/plan_document.py": ("tests/unit/baseline/test_plan_document.py",),
    "module_utils/_baseline/documents/snapshot.py": ("tests/unit/baseline/test_snapshot_document.py",),
    # The preflight's refusals.
    "module_utils/_baseline/controls/acceptance.py": ("tests/unit/baseline/test_acceptance.py::TestWords",),
    "module_utils/_baseline/procedures/refusals.py": ("tests/unit/baseline/test_refusals.py",),
    # The classification of errors.
    "plugin_utils/_transports/service_errors.py": ("tests/unit/transports/test_refusal_table.py",),
}
