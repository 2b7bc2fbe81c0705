# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of an advanced DLP rule: a tree.

A node is ``{operator: and | or | not, conditions: [node or leaf, ...]}``; ``not`` has exactly one. A leaf is ``{option:
value}``, the same option and value as in a rule's ``conditions``; one about a header has two options. A leaf ``{unreadable:
Name}`` is a condition that was not understood: whether it holds is unknown. A tree has at most :data:`MOST_CONDITIONS`
nodes and leaves and :data:`~.unreadable.MOST_NESTED` levels, so code that follows it may call itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .dlp_fields import CONDITION
from .dlp_values import listed
from .unreadable import MOST_NESTED, Unreadable, bounded_json

Tree = dict[str, Any]

#: A tree with more nodes and leaves is not read. Microsoft allows a hundredth of it.
MOST_CONDITIONS = 2000

#: The condition that is a tree.
ADVANCED = "advanced"

#: The option of a leaf that was not understood.
UNREADABLE = "unreadable"

OPERATORS = ("and", "or", "not")

_PARTS = ("conditions", "exceptions")


def read_tree(text: Any) -> tuple[Tree, tuple[Unreadable, ...]]:
    """The tree in the property AdvancedRule, and what of it was not understood."""
    try:
        if not text:
            raise ValueError("Exchange shows no condition, and every rule has one")
        content = {str(key).lower(): value for key, value in bounded_json(text).items()}
        return _built(content["condition"])
    except ValueError as error:
        reason = str(error)
    except (TypeError, LookupError, AttributeError):
        reason = "it has another form than Microsoft documents"
    return {UNREADABLE: "AdvancedRule"}, (Unreadable("AdvancedRule", _PARTS, reason),)


def _built(root: Any) -> tuple[Tree, tuple[Unreadable, ...]]:
    unreadable: list[Unreadable] = []
    top: list[Tree] = []
    waiting: list[tuple[Any, list[Tree], int]] = [(root, top, 0)]
    count = 0
    while waiting:
        raw, siblings, level = waiting.pop()
        count += 1
        if count > MOST_CONDITIONS:
            raise ValueError(f"it has more than {MOST_CONDITIONS} conditions")
        if level > MOST_NESTED:
            raise ValueError(f"it is nested more than {MOST_NESTED} levels deep")
        node = {str(key).lower(): value for key, value in raw.items()}
        below = listed(node.get("subconditions"))
        operator = str(node.get("operator", "")).lower()
        if not below:
            siblings.append(_leaf(node, unreadable))
        elif operator not in OPERATORS or (operator == "not" and len(below) != 1):
            siblings.append(
                _unread(
                    str(node.get("operator") or "Operator"),
                    "it joins conditions in a way that Microsoft does not document",
                    unreadable,
                )
            )
        else:
            made: Tree = {"operator": operator, "conditions": []}
            siblings.append(made)
            # Taken from the end, so that they are appended in their order.
            waiting.extend((condition, made["conditions"], level + 1) for condition in reversed(below))
    return top[0], tuple(unreadable)


def _leaf(node: Mapping[str, Any], unreadable: list[Unreadable]) -> Tree:
    name = str(node.get("conditionname") or node.get("operator") or "Condition")
    condition = CONDITION.get(name.lower())
    if condition is None:
        return _unread(name, "it is no condition that Microsoft documents", unreadable)
    try:
        return condition.read(node.get("value")) or _unread(name, "it has no value", unreadable)
    except ValueError as error:
        return _unread(name, str(error), unreadable)


def _unread(name: str, reason: str, unreadable: list[Unreadable]) -> Tree:
    unreadable.append(Unreadable(name, _PARTS, reason))
    return {UNREADABLE: name}


def leaves(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The leaves of a tree, in their order."""
    waiting: list[Mapping[str, Any]] = [tree]
    while waiting:
        node = waiting.pop()
        if "operator" in node:
            waiting.extend(reversed(node["conditions"]))
        else:
            yield node


def declared_tree(tree: Any, leaf: Callable[[Any, str], Mapping[str, Any]], where: str) -> Tree:
    """The canonical form of a tree that somebody wrote.

    :param leaf: the canonical form of a leaf; it refuses one that is invalid.
    :param where: where the tree stands, for an error.
    :raises ValueError: its nodes are not as the module says; the text is a sentence that names the node.
    """
    top: list[Tree] = []
    waiting: list[tuple[Any, list[Tree], str, int]] = [(tree, top, where, 0)]
    count = 0
    while waiting:
        node, siblings, at, level = waiting.pop()
        count += 1
        if count > MOST_CONDITIONS or level > MOST_NESTED:
            raise ValueError(f"{where} has more than {MOST_CONDITIONS} conditions, or more than {MOST_NESTED} levels.")
        if not isinstance(node, Mapping) or not node:
            raise ValueError(f"{at} must be a mapping: operator and conditions, or a condition and its value.")
        if "operator" not in node:
            siblings.append(dict(leaf(node, at)))
            continue
        operator = node["operator"]
        below = node.get("conditions")
        if operator not in OPERATORS or set(node) - {"operator", "conditions"}:
            raise ValueError(f"{at} must have operator, one of {', '.join(OPERATORS)}, and conditions.")
        if not isinstance(below, (list, tuple)) or not below or (operator == "not" and len(below) != 1):
            raise ValueError(f"{at}.conditions must be a list of conditions, and of one where operator is not.")
        made: Tree = {"operator": operator, "conditions": []}
        siblings.append(made)
        steps = list(enumerate(below))
        waiting.extend(
            (condition, made["conditions"], f"{at}.conditions[{place}]", level + 1)
            for place, condition in reversed(steps)
        )
    return top[0]
