# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of DLP policies, ready to be applied.

A condition that a mail flow rule has is that row of ``conditions``, with its evaluation and its formula. Everything else
that a DLP rule looks at, sensitive information first of all, is open, unless the message has nothing that it could find.
A DLP rule is certain only where its conditions look at the sender, the recipient, and whether that one is outside; where
they look at more, it may match at most (U33).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any

from ..._exchange.text import value_text
from ..._resources.compliance.advanced_rule import ADVANCED, UNREADABLE
from ..._resources.compliance.dlp_fields import CERTAIN, KINDS, NEEDS, SAME_CONDITION, SENSITIVE, TOGETHER
from ..._resources.compliance.dlp_policies import SENDERS, SENDERS_EXCEPT, DlpPolicyFact, DlpRuleFact, PolicyScope
from ..actions.brought_people import ADDING, MANAGER
from ..actions.protect import option_name
from ..conditions.predicate import Atom, Reach
from ..model import questions
from ..model.addresses import person as person_of
from ..model.encrypters import (
    BLOCKED,
    LOOKS,
    NO_CONDITION,
    UNREAD_ACTIONS,
    UNREAD_CONDITIONS,
    UNREAD_EXCEPTIONS,
    UNREAD_PRIORITY,
    UNREAD_SCOPE,
    DlpEncrypter,
)
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.kleene import Open, Reason, Truth, all_of, any_of, negate, opened
from ..model.outcomes import Fate, ProtectionKind
from .flow_rule import FlowRule
from .rule_actions import RuleActions
from .rule_set import RuleSet

#: What becomes of a copy after an action that keeps it from its recipient, the strictest first; of one of which
#: Microsoft's pages do not say what it does to mail, nobody knows.
UNKNOWN_END = Fate.UNKNOWN
ENDS = {
    "block_access": BLOCKED,
    "quarantine": Fate.QUARANTINED,
    "redirect_message_to": Fate.REDIRECTED,
    "moderate_message_by_user": Fate.MODERATED,
    **dict.fromkeys(
        (
            # Not of senders without a manager, perhaps.
            "moderate_message_by_manager",
            "restrict_access",
            "mip_restrict_access",
            "restrict_browser_access",
            "access_time_control",
            "block_domains_or_users",
            "block_domains",
            "block_domains_except",
            "block_users",
            "block_users_except",
            "map_recipients",
        ),
        UNKNOWN_END,
    ),
}

#: The scope of a block that is about people outside alone, and that of links for anybody, of which Microsoft's pages do
#: not say what it does to mail.
BLOCKS_OUTSIDE = "PerUser"
BLOCKS_LINKS = "PerAnonymousUser"

#: The options of a block.
_BLOCK = ("block_access", "block_access_scope", "notify_allow_override")

#: What a rule with an action that was not understood may protect mail with.
ANY_OPTION = ProtectionKind.OPTION_UNKNOWN

#: The actions that change what is in a message.
_EDITS = (
    "prepend_subject",
    "modify_subject",
    "set_header",
    "remove_header",
    "apply_html_disclaimer_text",
    "apply_html_disclaimer_location",
    "apply_html_disclaimer_fallback_action",
    "redact_sensitive_info",
)

#: What an action may change of mail: how it is protected, the branding, what becomes of it, who gets it, what is in it, or
#: which later DLP rules are asked.
PROTECTION = "protection"
REMOVAL = "removal"
BRANDING = "branding"
END = "end"
COPIES = "copies"
CONTENT = "content"
LATER_RULES = "later rules"
NOTHING = ""

#: Action to what it changes. Some say only how another one is done, or tell people.
CHANGES: Mapping[str, str] = {
    "encrypt_rms_template": PROTECTION,
    "remove_rms_template": REMOVAL,
    "apply_branding_template": BRANDING,
    **dict.fromkeys((*ADDING, MANAGER), COPIES),
    **dict.fromkeys(ENDS, END),
    **dict.fromkeys(_EDITS, CONTENT),
    "stop_policy_processing": LATER_RULES,
    **dict.fromkeys(
        (
            "enforce_portal_access",
            "block_access_scope",
            "notify_allow_override",
            "incident_report_content",
            "generate_incident_report",
            "generate_alert",
            "notify_user",
            "trigger_power_automate_flow",
        ),
        NOTHING,
    ),
}


def check(options: Iterable[str], changes: Mapping[str, str]) -> None:
    """Refuses a table of actions in which one does not say what it changes.

    :raises TypeError: which.
    """
    for option in options:
        if option not in changes:
            raise TypeError(f"nothing says what {option} changes of mail")


check(KINDS["actions"], CHANGES)

#: The GUIDs of the two built-in templates.
_BUILT_IN = {
    "c026002d-cda6-401e-bfad-28de214d0fba": "encrypt",
    "cf5cf348-a8d7-40d5-91ef-a600b88a395d": "do not forward",
}

#: The key of a message's label, at which DLP looks beside its content.
LABEL = "sensitivity_label"

#: The first number of an atom of a DLP rule: those of mail flow rules are below.
_NUMBERS = 1 << 20


@dataclass(frozen=True, slots=True)
class Node:
    """A part of what a DLP rule looks at.

    :param operator: ``and``, ``or``, ``not`` (none of the parts), ``atom`` or ``open``.
    :param about: the name of a condition that is open.
    :param needs: keys of a message. The condition is false of one that has nothing in any of them; empty if that is not
        known.
    """

    operator: str
    parts: tuple[Node, ...] = ()
    atom: Atom | None = None
    about: str = ""
    needs: tuple[str, ...] = ()

    @property
    def leaves(self) -> Iterator[Node]:
        """The conditions in it."""
        if self.operator in ("atom", "open"):
            yield self
        for part in self.parts:
            yield from part.leaves

    @property
    def is_open(self) -> bool:
        """Whether it is open if it is true, whatever is known of a message and does not make it false."""
        return self.operator == "open" or (self.operator == "and" and any(part.is_open for part in self.parts))


@dataclass(frozen=True)
class SendingRule:
    """A DLP rule as one that sends mail to people, which it does as a mail flow rule does.

    :param place: its place behind all mail flow rules.
    :param policy: the name of its policy.
    """

    name: str
    policy: str
    place: int
    actions: RuleActions
    looks_at_recipients: bool = False


@dataclass(frozen=True)
class DlpRule:
    """A rule of a DLP policy.

    :param place: its place among the rules of all policies.
    :param does: what it does to mail.
    :param stops: whether Exchange evaluates no later DLP rule for mail that it matches.
    :param stops_perhaps: whether that is open, because its place or its actions are not known.
    :param looks_for: what it looks for.
    :param is_placeless: whether nobody knows before or after which other rules it comes.
    :param does_inside: of one that blocks people outside alone, what else it does, to copies for people inside.
    """

    place: int
    does: DlpEncrypter
    stops: bool
    stops_perhaps: bool
    looks_for: Node
    is_placeless: bool = False
    does_inside: DlpEncrypter | None = None

    @property
    def name(self) -> str:
        """Its name, of which there is one in the organization."""
        return self.does.name

    @property
    def parts(self) -> tuple[Node, ...]:
        """The parts of what it looks for, all of which must hold."""
        return self.looks_for.parts if self.looks_for.operator == "and" else (self.looks_for,)

    @property
    def is_certain(self) -> bool:
        """Whether it surely matches mail that has all that it looks for."""
        return not self.reasons

    @cached_property
    def looks_at_recipients(self) -> bool:
        """Whether it looks at recipients, or blocks mail of some of them. Whether it then includes recipients whom another DLP
        rule added is open (U09), as it is of mail flow rules.
        """
        atoms = (leaf.atom for leaf in self.looks_for.leaves if leaf.atom is not None)
        return self.does.outside_only or any(atom.reach is Reach.RECIPIENT for atom in atoms)

    @property
    def may_take_along(self) -> bool:
        """Whether what it does to a copy may reach somebody to whom another DLP rule sends that, and whom it does not match. Of
        mail that it blocks, no other rule sends copies.
        """
        return self.looks_at_recipients and (self.does.ends != BLOCKED or self.does.outside_only)

    @property
    def by_access_scope(self) -> tuple[DlpRule, ...]:
        """This rule as rules that do one thing to all copies on which they act: of one that blocks people outside alone and does
        more, one for people outside and one for people inside.
        """
        if self.does_inside is None:
            return (self,)
        return replace(self, does_inside=None), replace(self, does=self.does_inside, does_inside=None)

    def may_come_after(self, other: DlpRule) -> bool:
        """Whether Exchange may ask it after another rule."""
        return self.place > other.place or self.is_placeless or other.is_placeless

    @cached_property
    def sends(self) -> RuleActions:
        """What it sends to whom, as a mail flow rule does."""
        people: dict[str, Any] = {}
        for option, person in self.does.brings:
            people.setdefault(option, []).append(person)
        manager = {MANAGER: people.pop(MANAGER)[0]} if MANAGER in people else {}
        return RuleActions.from_options({**people, **manager}, "Enforce")

    def as_sending(self, rules: RuleSet) -> SendingRule:
        """This rule as one that only sends mail to people.

        :param rules: the mail flow rules, which come first.
        """
        return SendingRule(
            self.does.name, self.does.policy, len(rules.rules) + self.place, self.sends, self.looks_at_recipients
        )

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is open whether it matches mail that has all that it looks for; none if that is certain."""
        more = sorted({_option(leaf) for leaf in self.looks_for.leaves} - CERTAIN)
        return (Reason(questions.DLP_RULES, LOOKS, tuple(more)),) if more else ()

    def matches(self, truth: Callable[[Atom], Truth], lacks: Callable[[str], bool]) -> Truth:
        """Whether it matches.

        :param truth: whether a condition is true of a copy.
        :param lacks: whether a message surely has nothing in a key.
        """
        value = _value(self.looks_for, truth, lacks, (self.place,))
        if value is False:
            return False
        return all_of((value, *(Open(("dlp", self.place), (reason,)) for reason in self.reasons)))


def _option(leaf: Node) -> str:
    return leaf.about if leaf.atom is None else leaf.atom.predicate.options[0]


def _value(node: Node, truth: Callable[[Atom], Truth], lacks: Callable[[str], bool], path: tuple[int, ...]) -> Truth:
    if node.atom is not None:
        return truth(node.atom)
    if node.operator == "open":
        if node.needs and all(map(lacks, node.needs)):
            return False
        return opened(("dlp condition", *path), questions.DLP_RULES, LOOKS, node.about)
    values = (_value(part, truth, lacks, (*path, place)) for place, part in enumerate(node.parts))
    if node.operator == "and":
        return all_of(values)
    return any_of(values) if node.operator == "or" else negate(any_of(values))


class DlpRules:
    """The rules of all DLP policies, first to last.

    :param encrypters: what each of them does, those that do not act included.
    :param rules: those that act, or may, and change mail or stop others.
    :param leaves: their conditions, as a rule set that nothing goes through: what any message may be asked.
    """

    def __init__(self, policies: Sequence[DlpPolicyFact], dialect: Dialect) -> None:
        self.policies = tuple(policies)
        placed = [(policy, rule, _does(policy, rule)) for policy in self.in_order for rule in policy.rules]
        self.encrypters = tuple(does for _policy, _rule, does in placed)
        acting = [entry for entry in placed if entry[2].acts and (entry[2].restricts or _stops(entry[1]))]
        # Where no rule stops others, their order does not matter.
        order_matters = any(_stops(rule) for _policy, rule, _does in acting)
        placeless = [order_matters and _is_placeless(policy, rule) for policy, rule, _does in acting]
        reader = _Reader(dialect)
        trees = [
            reader.tree_of(policy, rule, placeless=is_placeless)
            for (policy, rule, _does), is_placeless in zip(acting, placeless, strict=True)
        ]
        self.leaves = reader.rule_set
        # A rule of an unknown place may come before all others. Whether it applies is open, so it may also come after one
        # that stops it.
        order = sorted(range(len(acting)), key=lambda number: not placeless[number])
        self.rules = tuple(
            DlpRule(
                place,
                acting[number][2],
                _stops(acting[number][1]),
                placeless[number] or _unread(acting[number][1], "actions"),
                reader.read(trees[number]),
                _is_placeless(*acting[number][:2]),
                _does_inside(*acting[number]),
            )
            for place, number in enumerate(order)
        )

    @property
    def in_order(self) -> list[DlpPolicyFact]:
        """The policies, first to last."""
        return sorted(self.policies, key=lambda policy: policy.priority)

    @property
    def undecided(self) -> tuple[DlpRule, ...]:
        """The rules of which it is open on which mail they act. To other mail they do nothing, and stop none of the others."""
        return tuple(rule for rule in self.rules if not rule.is_certain)

    def without(self, some: Collection[DlpRule]) -> DlpRules:
        """These rules as mail meets them on which some do not act."""
        ids = {id(rule.does) for rule in some}
        others = copy(self)
        others.encrypters = tuple(does for does in self.encrypters if id(does) not in ids)
        others.rules = tuple(rule for rule in self.rules if id(rule.does) not in ids)
        return others

    @property
    def sending(self) -> tuple[DlpRule, ...]:
        """The rules that send copies to people."""
        return tuple(rule for rule in self.rules if rule.does.brings)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The keys of a message in which they look for what only its content and its label show."""
        return frozenset(key for rule in self.rules for leaf in rule.looks_for.leaves for key in leaf.needs)


def sending_rules(rules: RuleSet, facts: Facts) -> Iterator[FlowRule | SendingRule]:
    """The rules that may send mail to people: mail flow rules that can act, then DLP rules."""
    yield from (rule for rule in rules.rules if not rule.idle)
    policies = facts.encrypters.dlp_policies
    if isinstance(policies, DlpRules):
        yield from (rule.as_sending(rules) for rule in policies.sending)


def _stops(rule: DlpRuleFact) -> bool:
    return bool(rule.actions.get("stop_policy_processing")) or _unread(rule, "actions")


def _is_placeless(policy: DlpPolicyFact, rule: DlpRuleFact) -> bool:
    """Whether nobody knows before or after which other rules a rule comes."""
    return any(_unread(fact, "priority") for fact in (policy, rule))


def _unread(fact: DlpRuleFact | DlpPolicyFact, part: str) -> bool:
    """Whether something of a part was not understood when it was read."""
    return bool(fact.unreadable) and any(part in unreadable.parts for unreadable in fact.unreadable)


def _does(policy: DlpPolicyFact, rule: DlpRuleFact) -> DlpEncrypter:
    """What a rule does to mail. One with an action that was not understood may do anything."""
    actions = rule.actions
    anything = _unread(rule, "actions")
    option = _option_of(str(actions.get("encrypt_rms_template") or "")) or (ANY_OPTION if anything else "")
    return DlpEncrypter(
        name=rule.name,
        policy=policy.name,
        options=(option,) if option else (),
        removes=bool(actions.get("remove_rms_template")) or anything,
        branding=str(actions.get("apply_branding_template") or (ANY_OPTION if anything else "")),
        ends=_end_of(actions, UNKNOWN_END if anything else ""),
        outside_only=bool(actions.get("block_access")) and actions.get("block_access_scope") == BLOCKS_OUTSIDE,
        brings=_brought_by(actions),
        asks=tuple(str(person) for person in actions.get("moderate_message_by_user") or ()),
        edits=any(actions.get(name) for name in _EDITS),
        acts=policy.acts is not False and rule.enabled,
        mode=policy.mode if rule.enabled and policy.scope.exchange is not False else "",
        guid=rule.guid,
        not_understood="actions" if anything else "",
    )


def _brought_by(actions: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The people to whom actions send mail, each with the action."""
    people = [(name, person_of(str(person))) for name in ADDING for person in actions.get(name) or ()]
    return (*people, *([(MANAGER, str(actions[MANAGER]))] if actions.get(MANAGER) else []))


def _does_inside(policy: DlpPolicyFact, rule: DlpRuleFact, does: DlpEncrypter) -> DlpEncrypter | None:
    """What a rule that blocks people outside alone does to copies for people inside; ``None`` if nothing, or of another rule."""
    if not does.outside_only:
        return None
    others = {name: value for name, value in rule.actions.items() if name not in _BLOCK}
    inside = _does(policy, replace(rule, actions=others))
    return inside if inside.restricts else None


def _end_of(actions: Mapping[str, Any], otherwise: str) -> str:
    """What becomes of a copy instead of its delivery. A block that its sender may override, or that is about links, may
    let it through. Of a rule with several ends, a block counts; which of the others does is not documented. Where people
    are asked by name, the manager is asked beside them.
    """
    named = {name for name in ENDS if actions.get(name)}
    if "moderate_message_by_user" in named:
        named.discard("moderate_message_by_manager")
    ends: list[str] = list(dict.fromkeys(end for name, end in ENDS.items() if name in named)) or [otherwise]
    end = UNKNOWN_END if len(ends) > 1 and BLOCKED not in ends else ends[0]
    lets_through = actions.get("notify_allow_override") or actions.get("block_access_scope") == BLOCKS_LINKS
    return UNKNOWN_END if end == BLOCKED and lets_through else end


def _option_of(template: str) -> str:
    """What a template of a DLP rule protects mail with, as results call it. DLP also takes the GUIDs of the two built-in
    ones, which are the same everywhere.
    """
    return option_name(_BUILT_IN.get(template.casefold(), template)) if template else ""


#: A tree before its conditions are read: an operator and parts, a section of conditions, or the name of one that is open.
_Tree = tuple[str, Any]


class _Reader:
    """Reads the conditions of DLP rules, each once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        #: Text of a section to its place among them, and the section.
        self._sections: dict[str, tuple[int, Mapping[str, Any]]] = {}
        #: Place of a section to what it looks for, once that is read.
        self._read: dict[int, Node] = {}

    def tree_of(self, policy: DlpPolicyFact, rule: DlpRuleFact, *, placeless: bool) -> _Tree:
        """What must be true for a rule to match.

        :param placeless: whether it is open if an earlier rule stops it.
        """
        location = str(rule.settings.get("sender_address_location") or "Header")
        conditions = {option: value for option, value in rule.conditions.items() if option != ADVANCED}
        parts = [self._part(part, location) for part in _joined(conditions)]
        if ADVANCED in rule.conditions:
            parts.append(self._tree(rule.conditions[ADVANCED], location))
        excepted = [self._part(part, location) for part in _joined(rule.exceptions)]
        unknown = [] if rule.conditions else [NO_CONDITION]
        unknown += [UNREAD_CONDITIONS] if _unread(rule, "conditions") else []
        unknown += [UNREAD_EXCEPTIONS] if _unread(rule, "exceptions") else []
        unknown += [UNREAD_ACTIONS] if _unread(rule, "actions") else []
        unknown += [UNREAD_PRIORITY] if placeless else []
        unknown += [name for name in ("activation_date", "expiry_date") if name in rule.settings]
        return "and", [
            *parts,
            *_none_of(excepted),
            *(("open", name) for name in unknown),
            *self._scope(policy, location),
        ]

    def _scope(self, policy: DlpPolicyFact, location: str) -> list[_Tree]:
        """Whose mail a policy is about."""
        scope = policy.scope
        some = self._senders(SENDERS, scope, location)
        but = self._senders(SENDERS_EXCEPT, scope, location)
        some += [("open", "adaptive")] if scope.adaptive else []
        but += [("open", "adaptive_except")] if scope.adaptive_except else []
        unread = _unread(policy, "scope")
        unknown = [UNREAD_SCOPE] if policy.acts is None or unread else []
        # A list that was not understood may name others, too.
        some += [("open", UNREAD_SCOPE)] if some and unread else []
        return [*([("or", some)] if some else []), *_none_of(but), *(("open", name) for name in unknown)]

    def _senders(self, lists: Mapping[str, str], scope: PolicyScope, location: str) -> list[_Tree]:
        lists_of_names = [(option, getattr(scope, key)) for key, option in lists.items()]
        return [self._part({option: list(names)}, location) for option, names in lists_of_names if names]

    def _part(self, condition: Mapping[str, Any], location: str) -> _Tree:
        """One condition."""
        conditions = {SAME_CONDITION.get(option, option): value for option, value in condition.items()}
        section = {"conditions": conditions, "sender_address_location": location}
        place, _section = self._sections.setdefault(value_text(section), (len(self._sections), section))
        return "section", place

    def _tree(self, tree: Mapping[str, Any], location: str) -> _Tree:
        """A tree of conditions. It has a limited number of levels."""
        if "operator" in tree:
            return str(tree["operator"]), [self._tree(condition, location) for condition in tree["conditions"]]
        if UNREADABLE in tree:
            return "open", str(tree[UNREADABLE])
        return self._part(tree, location)

    @cached_property
    def _conditions(self) -> list[Mapping[str, Any]]:
        """The conditions of each section."""
        return [section["conditions"] for _place, section in self._sections.values()]

    @cached_property
    def rule_set(self) -> RuleSet:
        """All conditions, a rule for each section."""
        return RuleSet([{"name": str(place), **section} for place, section in self._sections.values()], self._dialect)

    def read(self, tree: _Tree) -> Node:
        """A tree with its conditions."""
        what, value = tree
        if what == "open":
            return Node("open", about=value)
        if what != "section":
            # What is known is asked first: often it decides.
            return Node(what, tuple(sorted(map(self.read, value), key=lambda part: part.is_open)))
        if value not in self._read:
            self._read[value] = self._section(self.rule_set.rules[value], self._conditions[value])
        return self._read[value]

    def _section(self, rule: FlowRule, told: Mapping[str, Any]) -> Node:
        parts = [
            *map(_leaf, rule.criteria.conditions),
            *(
                Node("open", about=option, needs=_needs(option, told.get(option)))
                for _part, option, _text in rule.unread
            ),
        ]
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts))


def _needs(option: str, value: Any) -> tuple[str, ...]:
    """The keys of a message that a condition may find something in. One that names labels may find the message's own."""
    need = NEEDS.get(option)
    if need is None:
        return ()
    return (need, LABEL) if need == SENSITIVE and _names_labels(value) else (need,)


def _names_labels(value: Any) -> bool:
    """Whether what a condition looks for has labels. It has a limited number of levels."""
    if isinstance(value, Mapping):
        return any((str(key).lower() == "labels" and each) or _names_labels(each) for key, each in value.items())
    return isinstance(value, (list, tuple)) and any(map(_names_labels, value))


def _none_of(parts: Sequence[_Tree]) -> list[_Tree]:
    return [("not", list(parts))] if parts else []


def _joined(section: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The conditions of a section, those of several options together."""
    pairs = [options for options in TOGETHER if set(options) <= set(section)]
    taken = {option for options in pairs for option in options}
    yield from ({option: section[option] for option in options} for options in pairs)
    yield from ({option: section[option]} for option in sorted(section) if option not in taken)


def _leaf(atom: Atom) -> Node:
    """A condition. How DLP looks at several recipients, or at how mail is protected, is open."""
    if atom.reach in (Reach.COPY, Reach.RELATION) or atom.predicate.looks_at == "protection":
        return Node("open", about=atom.predicate.options[0])
    return Node("atom", atom=replace(atom, number=atom.number + _NUMBERS))


@lru_cache(maxsize=4)
def changing_before_dlp(rules: RuleSet) -> Callable[[Atom], tuple[FlowRule, ...]]:
    """The mail flow rules that may change what a condition looks at before DLP does."""
    acting = [rule for rule in rules.rules if rule.is_on_and_enforced]

    @cache
    def changing_what(looks_at: str, headers: frozenset[str], may_differ_in_wrapper: bool) -> tuple[FlowRule, ...]:
        return tuple(
            rule for rule in acting if _may_change(rule, looks_at, headers, may_differ_in_wrapper=may_differ_in_wrapper)
        )

    def changing(atom: Atom) -> tuple[FlowRule, ...]:
        return changing_what(atom.predicate.looks_at, atom.headers, atom.predicate.may_differ_in_wrapper)

    return changing


def _may_change(rule: FlowRule, looks_at: str, headers: frozenset[str], *, may_differ_in_wrapper: bool) -> bool:
    """Whether a rule that acts may change what a condition looks at.

    :param looks_at: what that is, and :param:`headers`: the header fields that the condition reads.
    :param may_differ_in_wrapper: whether the condition looks at the wrapper of a message that has one.
    """
    if any(row.seen and row.seen == looks_at for row in rule.actions.rows):
        return True
    wraps = "apply_html_disclaimer_text" in rule.actions.options
    return bool(rule.edits & headers) or (wraps and may_differ_in_wrapper)
