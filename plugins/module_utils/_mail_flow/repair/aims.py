# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy should come out as, what rules help to that, and edits of rules, as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.names import same_name
from ..._resources.ome_configuration import is_default
from ..._resources.rules.action_effects import Does
from ..._resources.rules.fields import SECTIONS, rule_argument_spec
from ..actions.actions import BY_OPTION as ACTIONS_BY_OPTION
from ..actions.actions import set_actions
from ..actions.protect import option_name
from ..analyses.aspects import DifferenceKind
from ..analyses.meant_rules import as_list, is_meant_for, is_part_of, shares_values
from ..analyses.standings import SCOPES, Copy
from ..conditions.predicates import BY_OPTION
from ..input.guarantee_options import RECIPIENTS_ONLY, Guarantee
from ..input.messages import Broken
from ..model.addresses import domain
from ..model.connectors import IN_TRANSIT, VALIDATIONS
from ..model.facts import Facts
from ..model.inside import leaves, sender_inside
from ..model.message import Message
from ..model.outcomes import Fate, ProtectionKind, Tls
from ..model.wishes import PORTAL, WISHES, Wish
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet

#: What helps to encrypted mail, to mail that rules leave as it is, to how mail leaves, and to mail that is kept back.
_PROTECTING = frozenset({Does.ENCRYPT, Does.BRAND})
_EXCEPTION_ACTIONS = frozenset({Does.STOP})
_ROUTING = frozenset({Does.ROUTE})
_FATES = {
    Fate.REJECTED: Does.REJECT,
    Fate.DELETED: Does.DELETE,
    Fate.QUARANTINED: Does.QUARANTINE,
    Fate.REDIRECTED: Does.REDIRECT,
    Fate.MODERATED: Does.MODERATE,
}

_BLOCKING = (Does.DELETE, Does.QUARANTINE, Does.REJECT, Does.REDIRECT)
_KEEPING_BACK = (*_BLOCKING, Does.MODERATE)
#: What keeps mail back that nobody can let through later, and what lets it wait for that.
_WITHHOLDING = frozenset({Does.REJECT, Does.DELETE})
_LETTING_WAIT = frozenset({Does.MODERATE, Does.QUARANTINE})

#: The protections that people outside can open, whoever they are.
_FOR_ANYBODY = (ProtectionKind.ENCRYPT, ProtectionKind.DO_NOT_FORWARD)

#: Claim of a guarantee to what helps; encrypting does to all others.
_OF_CLAIMS = {
    "unencrypted": _EXCEPTION_ACTIONS,
    "delivered": _EXCEPTION_ACTIONS,
    "decrypted_on_arrival": frozenset({Does.DECRYPT}),
    "protected_in_transit": _PROTECTING | {Does.ROUTE},
}

#: Claim of a guarantee to the kind of difference by which mail loses what the claim does not want.
_TAKES = {"unencrypted": DifferenceKind.PROTECTION_LOST, "decrypted_on_arrival": DifferenceKind.PROTECTION_LOST}

#: What helps to the actions of a rule that is added for it; encrypting and routing have their own.
_REMEDIES = {Does.DECRYPT: {"remove_ome_v2": True}, Does.STOP: {"stop_rule_processing": True}}

#: What a rule that is added does, as its name says it.
_VERBS = {
    "apply_rights_protection_template": "Encrypt",
    "remove_ome_v2": "Decrypt",
    "stop_rule_processing": "Exempt",
    "route_message_outbound_require_tls": "Force TLS for",
}

#: The option that says what incident reports show.
REPORTED = "actions.incident_report_content"

#: The longest name of a rule.
_LONGEST = 64

#: The size of a rule that Exchange stores, in bytes: Get-TransportConfig shows it as TransportRuleSizeLimit.
_LARGEST = 8_192

#: So many rules Exchange stores.
MOST_RULES = 300


@dataclass(frozen=True)
class Aim:
    """What a copy should come out as.

    :param name: the guarantee's or the message's.
    :param helps: what a rule does that helps.
    :param about: conditions of the mail that it is about, in the form of a rule's section.
    :param remedy: a rule that would do it, to be added; ``None`` if there is none.
    :param takes: the kind of difference by which mail loses what it should not have; ``None`` if it is to lose nothing.
    :param option: the protection that it should have, as a result names it; empty for any.
    :param for_outside: whether the copy is for somebody outside, who may not open what a template of the organization
        protects.
    :param asks_delivery: whether it asks that mail is let through which rules keep back.
    :param withheld_by: what rules do to keep mail from delivery, and it with that; nothing if it wants delivery.
    :param copies: which copies count that rules make of the mail for others, as a guarantee says it.
    """

    name: str
    helps: frozenset[Does]
    about: Mapping[str, Any]
    remedy: Rule | None = None
    takes: DifferenceKind | None = None
    option: str = ""
    for_outside: bool = False
    asks_delivery: bool = False
    withheld_by: frozenset[Does] = frozenset()
    copies: str = RECIPIENTS_ONLY

    @property
    def is_helped_by_encryption(self) -> bool:
        """Whether a rule that encrypts helps it."""
        return Does.ENCRYPT in self.helps

    @property
    def only_asks_delivery(self) -> bool:
        """Whether all that it asks is that mail is let through which rules keep back."""
        return self.asks_delivery and self.helps == _EXCEPTION_ACTIONS

    def is_helped_by(self, rule: FlowRule) -> bool:
        """Whether a rule does what helps, and nothing that keeps mail back or protects it otherwise beside it."""
        blocks = any(rule.actions.does(what) for what in _BLOCKING if what not in self.helps)
        spoils = self.helps == _EXCEPTION_ACTIONS and bool(rule.actions.does(Does.ENCRYPT))
        options = [option_name(template) for template in rule.actions.templates]
        others = bool(self.option) and any(not same_name(template, self.option) for template in options)
        others = others or (
            not self.option and self.for_outside and any(template not in _FOR_ANYBODY for template in options)
        )
        return not (blocks or spoils or others) and any(rule.actions.does(what) for what in self.helps)


#: A rule as the modules describe it.
Rule = Mapping[str, Any]


#: The kinds of edits.
MOVE, STOP, EXCEPTION, CONDITION, ACTION, ENABLE, ADD = KINDS = (
    "move",
    "stop",
    "exception",
    "condition",
    "action",
    "enable",
    "add",
)


#: The options that the modules only read and remove.
_RETIRED = [(section, field.option) for section, fields in SECTIONS.items() for field in fields if field.refuse]


#: The options of a rule in a list of rules, whose order says what ``priority`` would.
_SPEC = {option: spec for option, spec in rule_argument_spec().items() if option not in ("state", "priority")}


@dataclass(frozen=True)
class RuleEdit:
    """One edit of one rule.

    :param kind: one of :data:`KINDS`.
    :param rule: the rule's name.
    :param option: the option that changes, such as ``exceptions.sent_to``; ``priority`` of a rule that is moved or
        added.
    :param before: its value before, and :param:`after` now; ``None`` if it is not set. Priorities count from 0.
    :param revives: whether no mail can meet the rule before the edit, after which it is for the wanted mail alone.
    :param insists: whether it takes out what the rule seems to exempt on purpose.
    """

    kind: str
    rule: str
    option: str
    before: Any = None
    after: Any = None
    revives: bool = False
    insists: bool = False

    def as_row(self) -> dict[str, Any]:
        """The edit as a row of results, without what is not set."""
        row = {
            "kind": self.kind,
            "rule": self.rule,
            "option": self.option,
            "before": self.before,
            "after": self.after,
        }
        return {key: value for key, value in row.items() if value is not None}


@dataclass(frozen=True)
class EditedRules:
    """A list of rules, first to last, and the edits that made it of the present one.

    :param before: the list before the last edit; ``None`` of the present one.
    """

    rules: tuple[Rule, ...]
    edits: tuple[RuleEdit, ...] = ()
    before: EditedRules | None = field(default=None, compare=False, repr=False)

    def moved(self, place: int, to: int) -> EditedRules:
        """With the rule at a place moved, so that it is then at another."""
        rules = list(self.rules)
        rules.insert(to, rules.pop(place))
        return self._then(rules, RuleEdit(MOVE, name_of(self.rules[place]), "priority", place, to))

    def added(self, rule: Rule, place: int) -> EditedRules:
        """With one more rule, at a place."""
        rules = (*self.rules[:place], rule, *self.rules[place:])
        return self._then(rules, RuleEdit(ADD, name_of(rule), "priority", after=place))

    def insisting(self) -> EditedRules:
        """With the last edit as one that takes out what its rule seems to exempt on purpose."""
        return replace(self, edits=(*self.edits[:-1], replace(self.edits[-1], insists=True)))

    def set(self, place: int, option: str, before: Any, after: Any) -> EditedRules:
        """With an option outside of the sections of the rule at a place set."""
        # What Exchange shows says twice whether a rule is enabled.
        rule = {
            **{key: setting for key, setting in self.rules[place].items() if (option, key) != ("enabled", "state")},
            option: after,
        }
        return self._with(place, rule, RuleEdit(ENABLE, name_of(rule), option, before, after))

    def with_section(
        self, place: int, kind: str, section: str, values: Mapping[str, Any], *, revives: bool = False
    ) -> EditedRules:
        """With options of a section of the rule at a place set; ``None`` takes an option out.

        :param revives: see :class:`RuleEdit`.
        """
        old = self.rules[place].get(section) or {}
        new = {option: value for option, value in {**old, **values}.items() if value is not None}
        before, after = (
            {option: state_of_section[option] for option in values if option in state_of_section}
            for state_of_section in (old, new)
        )
        edit = RuleEdit(kind, name_of(self.rules[place]), section, before or None, after or None, revives)
        if len(values) == 1:
            (option,) = values
            edit = RuleEdit(kind, edit.rule, f"{section}.{option}", before.get(option), after.get(option), revives)
        return self._with(place, {**self.rules[place], section: new}, edit)

    def _with(self, place: int, rule: Rule, edit: RuleEdit) -> EditedRules:
        return self._then((*self.rules[:place], rule, *self.rules[place + 1 :]), edit)

    def _then(self, rules: Iterable[Rule], edit: RuleEdit) -> EditedRules:
        return EditedRules(tuple(rules), (*self.edits, edit), self)


#: How much an edit makes another rule. It is the same rule with less or more mail; it no longer looks for a text, and all
#: of its mail is wanted, or no longer says who is inside or outside; it does more with mail that is wanted; it is a new
#: rule; it keeps back what it seems to exempt on purpose; it no longer looks for a text, and only says who is inside or
#: outside; or it is then about mail that it was not meant for, or about none any more.
SAME_RULE, WIDER_RULE, MORE_ACTIONS, NEW_RULE, STRICTER_RULE, ANY_MAIL, LAST_RESORT = range(7)


def rebuilds(edits: Iterable[RuleEdit], rules: Sequence[Rule], aim: Aim) -> int:
    """How much edits make other rules, from :data:`SAME_RULE` to :data:`LAST_RESORT`: as much as the one that does most.
    A rule is about mail that it was not meant for without a condition that says whose mail it is about, or where it looks
    for no text in mail that nobody asked for.

    :param rules: the rules after them.
    """
    return max((_rebuilds(edit, rules, aim) for edit in edits), default=SAME_RULE)


def _rebuilds(edit: RuleEdit, rules: Sequence[Rule], aim: Aim) -> int:
    if edit.kind == ACTION:
        return SAME_RULE if _is_within(edit.after, edit.before) else MORE_ACTIONS
    if edit.kind == ADD:
        return NEW_RULE
    if edit.insists:
        return STRICTER_RULE
    if edit.kind == ENABLE and edit.after is False:
        return LAST_RESORT
    option = edit.option.rpartition(".")[2]
    if edit.kind != CONDITION:
        return SAME_RULE
    if option in SCOPES:
        return WIDER_RULE if edit.after is None else SAME_RULE
    if edit.after is None:
        edited = next((rule for rule in rules if name_of(rule) == edit.rule), {})
        return _rebuilds_without(option, edited, aim, revives=edit.revives)
    return SAME_RULE


def lets_through(edit: RuleEdit, rules: Sequence[Rule], aim: Aim) -> bool:
    """Whether an edit may let mail through that a rule keeps back, and an aim neither needs that nor asks for that mail. One
    that only takes out exceptions, or values of them, does not, nor one that moves the rule up or switches it on. Of another
    condition of a rule that is meant to keep the mail back for good, a comparison tells what it lets through.

    :param rules: the rules after the edit.
    """
    if edit.kind == EXCEPTION and set(_values(edit.after)) <= set(_values(edit.before)):
        return False
    if (edit.kind == MOVE and edit.after < edit.before) or (edit.kind == ENABLE and edit.after is not False):
        return False
    if edit.kind == ACTION and edit.option == REPORTED:
        return False
    edited = next((rule for rule in rules if name_of(rule) == edit.rule), {})
    actions = set_actions(edited.get("actions") or {})
    done = {ACTIONS_BY_OPTION[option].does for option in actions if option in ACTIONS_BY_OPTION}
    if edit.kind == CONDITION and done.intersection(aim.withheld_by) and is_meant(edited, aim):
        return False
    return not aim.asks_delivery and bool(done.intersection(_KEEPING_BACK) - aim.helps)


def _values(value: Any) -> list[str]:
    """The values of an edited option, or the values of options, as texts."""
    if isinstance(value, Mapping):
        return [f"{option} {each}" for option, values in value.items() for each in _values(values)]
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [str(each) for each in listed if each is not None]


def withholds(rule: FlowRule, given: Rule, aim: Aim) -> bool:
    """Whether a rule is meant to keep back the mail that an aim is about, which keeps it, too."""
    return may_withhold(rule, aim) and is_meant(given, aim)


def may_withhold(rule: FlowRule, aim: Aim) -> bool:
    """Whether a rule keeps mail back, and an aim with that."""
    return any(rule.actions.does(what) for what in aim.withheld_by)


def keeps_back(rule: FlowRule) -> bool:
    """Whether a rule keeps mail from delivery, or until somebody approves it."""
    return rule.enforces(*_KEEPING_BACK)


def only_stops(rule: Rule) -> bool:
    """Whether a rule only keeps mail from later rules, and at most decrypts it."""
    stop = {"stop_rule_processing"}
    return stop <= set(set_actions(rule.get("actions") or {})) <= {*stop, "remove_ome_v2", "set_audit_severity"}


def _rebuilds_without(option: str, edited: Rule, aim: Aim, *, revives: bool) -> int:
    """How much it makes another rule that a condition is removed.

    :param edited: the rule after it.
    :param revives: whether no mail can meet the rule before it: then the condition says of no mail whose it is.
    """
    if (says_whose(option) and not revives) or not is_for_it_alone(edited, aim):
        return LAST_RESORT
    return ANY_MAIL if set(edited.get("conditions") or ()) <= set(SCOPES) else WIDER_RULE


def is_wanted(rule: Rule, aim: Aim) -> bool:
    """Whether the conditions of a rule say at least what selects the mail that an aim is about. Those on who is inside or
    outside may be left out where others are not.
    """
    conditions = rule.get("conditions") or {}
    others = [option for option in aim.about if option not in SCOPES]
    return all(
        _is_within(conditions.get(option), wanted)
        for option, wanted in aim.about.items()
        if option in (others or aim.about) or option in conditions
    )


def says_whose(option: str) -> bool:
    """Whether a condition says whose mail a rule is about, or to whom."""
    predicate = BY_OPTION.get(option)
    return predicate is not None and (predicate.of_sender or predicate.of_recipient)


def is_for_it_alone(rule: Rule, aim: Aim) -> bool:
    """Whether a rule is for the mail that an aim is about, and for no other, as its conditions say: as they are, or as they are
    meant.
    """
    return is_wanted(rule, aim) or (is_meant(rule, aim) and covers(rule, aim))


def is_meant(rule: Rule, aim: Aim) -> bool:
    """Whether a rule is meant for mail that an aim is about; see :func:`is_meant_for`."""
    return is_meant_for(rule.get("conditions") or {}, aim.about)


def covers(rule: Rule, aim: Aim) -> bool:
    """Whether what an aim is about is a part of a rule's mail; see :func:`is_part_of`."""
    return is_part_of(rule.get("conditions") or {}, aim.about)


def mends(edit: RuleEdit, aim: Aim, facts: Facts) -> bool:
    """Whether an edit puts a condition right that is meant for what an aim is about, and misses it, or some of it: all of its
    values are of the aim, and not all of those, or none is, as written, or all are groups that it names as recipients, in
    whose place rules see their members.
    """
    if edit.kind != CONDITION or edit.before is None or edit.after is None:
        return False
    option = edit.option.rpartition(".")[2]
    before = edit.before if isinstance(edit.before, Mapping) else {option: edit.before}
    if _is_within(edit.before, edit.after) and _is_within(edit.after, aim.about.get(option)):
        return True
    return all(_misses(option, as_list(values), aim, facts) for option, values in before.items())


def exempts_as_meant(edit: RuleEdit, aim: Aim) -> bool:
    """Whether an edit only adds values to an exception that was meant for what an aim is about, as written, and missed it."""
    option = edit.option.rpartition(".")[2]
    is_for_more = bool(edit.before) and _is_within(edit.before, edit.after)
    return edit.kind == EXCEPTION and is_for_more and shares_values(option, edit.before, aim.about)


def _misses(option: str, values: Sequence[Any], aim: Aim, facts: Facts) -> bool:
    """Whether a condition with some values misses what an aim is about, although it is meant for that."""
    written = {str(value).casefold() for value in values}
    if option == "sent_to" and written <= set(facts.groups.expanded):
        return True
    wanted = {str(value).casefold() for value in as_list(aim.about.get(option, []))}
    return not written & wanted and shares_values(option, values, aim.about)


def _is_within(given_value: Any, wanted: Any) -> bool:
    """Whether a condition with one value is met by no more mail than with another."""
    if isinstance(given_value, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return bool(given_value) and all(value in wanted for value in given_value)
    return bool(given_value == wanted)


def fits(rule: Rule) -> bool:
    """Whether Exchange stores a rule of this size."""
    return len(json.dumps(rule, default=str).encode()) < _LARGEST


def unplaced(rule: Rule) -> Rule:
    """The rule without its priority, which the order of the rules says."""
    return {option: value for option, value in rule.items() if option != "priority"}


def name_of(rule: Rule) -> str:
    """The rule's name, or its GUID if it has none."""
    return str(rule.get("name") or rule.get("guid") or "")


def as_options(rules: Iterable[Rule], present: Iterable[Rule]) -> list[dict[str, Any]]:
    """Rules as the option ``rules`` takes them, without those that it cannot say. What is not set is left out, unless
    it is set at present.

    :param present: the rules before the edits.
    """
    was = {name_of(rule): _stated(rule) for rule in present}
    return [_as_option(_stated(rule), was.get(name_of(rule), {})) for rule in rules if not _unwritten(rule)]


def _stated(rule: Rule) -> Rule:
    """The rule with its state as a module's option: what Exchange shows names it."""
    state = str(rule.get("state") or "").casefold()
    return (
        {**rule, "enabled": state == "enabled"} if state in ("enabled", "disabled") and "enabled" not in rule else rule
    )


def _as_option(rule: Rule, was: Rule) -> dict[str, Any]:
    return {
        option: rule[option]
        for option in _SPEC
        if option in rule and (_is_set(option, rule[option]) or rule[option] != was.get(option, rule[option]))
    }


def _is_set(option: str, value: Any) -> bool:
    return value is False if option == "enabled" else value not in (None, "", {}, [])


def unwritten(rules: Iterable[Rule]) -> list[str]:
    """The names of the rules that the option ``rules`` cannot say: of data loss prevention, with a retired action, or
    with something that this collection does not know.
    """
    return [name_of(rule) for rule in rules if _unwritten(rule)]


def _unwritten(rule: Rule) -> bool:
    sections = {section: rule.get(section) or {} for section in SECTIONS}
    retired = any(sections[section].get(option) for section, option in _RETIRED)
    return (
        bool(rule.get("dlp_policy"))
        or retired
        or any(given_section.keys() - _SPEC[section]["options"].keys() for section, given_section in sections.items())
    )


@dataclass(frozen=True)
class FailingCopy:
    """A copy that does not come out as it should.

    :param shown_by: the rule that shows it somebody in clear, if that is what is wrong; empty for others.
    """

    copy: Copy
    aim: Aim
    shown_by: str = ""


def aim_of_guarantee(guarantee: Guarantee, rules: RuleSet, facts: Facts, recipient: str) -> Aim:
    """What a guarantee wants of somebody's copy."""
    helps = _OF_CLAIMS.get(guarantee.then, _PROTECTING)
    # A rule requires TLS, and nothing of its certificate.
    is_by_tls = guarantee.then == IN_TRANSIT and guarantee.tls_validation == VALIDATIONS[0]
    actions = _actions(_ROUTING if is_by_tls else helps, guarantee.template)
    if guarantee.then == PORTAL:
        branding = branding_for(guarantee, rules, facts)
        actions = {**actions, "apply_rights_protection_customization_template": branding} if branding else {}
    remedy = _remedy(guarantee.name, guarantee.when, guarantee.unless, actions) if guarantee.when and actions else None
    option = option_name(guarantee.template) if guarantee.template else ""
    return Aim(
        guarantee.name,
        helps,
        guarantee.when,
        remedy,
        _TAKES.get(guarantee.then),
        option,
        leaves(facts, recipient) is not False,
        guarantee.then == "delivered",
        _withholding(WISHES[guarantee.then]),
        guarantee.copies if guarantee.of_copies else RECIPIENTS_ONLY,
    )


def _withholding(wish: Wish) -> frozenset[Does]:
    """What rules do to keep mail from delivery, and a wish with that."""
    if wish.is_kept_by_waiting:
        return _WITHHOLDING | _LETTING_WAIT
    return _WITHHOLDING if wish.is_kept_by_withholding else frozenset()


def aim_of_expectation(message: Message, facts: Facts, broken: Sequence[Broken]) -> Aim:
    """What the unmet expectations of one recipient want of a message."""
    first = broken[0]
    wanted = {expectation.path[-1]: expectation.wanted for expectation in broken if expectation.path}
    protection = str(wanted.get("protection", ""))
    helps = _helping_to(wanted, broken)
    template = "Do Not Forward" if protection == ProtectionKind.DO_NOT_FORWARD else protection.partition(":")[2]
    inside = sender_inside(facts, facts.people.primary(message.sender), message.authenticated) is True
    outside = leaves(facts, first.recipient) is True
    to = {"recipient_domain_is": [domain(first.recipient)]} if outside else {"sent_to": [first.recipient]}
    about = {**({"from_scope": "InOrganization"} if inside else {}), **to}
    actions = _actions(helps, template)
    remedy = _remedy(message.name, about, {}, actions) if actions else None
    # It is about one message: that other mail loses protection or delivery is not asked for.
    option = protection if Does.ENCRYPT in helps else ""
    return Aim(message.name, helps, about, remedy, option=option, for_outside=outside, asks_delivery=True)


def _helping_to(wanted: Mapping[str, Any], broken: Sequence[Broken]) -> frozenset[Does]:
    """What helps to meet expectations of one copy.

    :param wanted: key of a result to the value that is expected.
    """
    fate = Fate(str(wanted.get("fate", Fate.DELIVERED)))
    if fate in _FATES:
        return frozenset({_FATES[fate]})
    if wanted.get("protection") == ProtectionKind.NONE or wanted.get("tls") == Tls.OPPORTUNISTIC:
        return _EXCEPTION_ACTIONS
    if wanted.keys() == {"fate"}:
        return _EXCEPTION_ACTIONS
    return _ROUTING if all("transit" in expectation.path for expectation in broken) else _PROTECTING


def _actions(helps: frozenset[Does], template: str) -> dict[str, Any]:
    """The actions of a rule that is added."""
    if Does.ENCRYPT in helps:
        return {"apply_rights_protection_template": template or "Encrypt"}
    if helps == _ROUTING:
        return {"route_message_outbound_require_tls": True}
    return next((dict(actions) for what, actions in _REMEDIES.items() if what in helps), {})


def branding_for(guarantee: Guarantee, rules: RuleSet, facts: Facts) -> str:
    """An OME configuration that the mail of a guarantee can show: one that a rule applies, or one that there is, and with which it
    expires in time, if it must. The default one is none. Empty if there is none.
    """
    applied = [str(name) for rule in rules.rules for name in rule.actions.does(Does.BRAND).values()]
    there = [str(each.get("identity") or "") for each in facts.encryption.ome_configurations or ()]
    custom = [name for name in (*applied, *there) if name and not is_default(name)]
    days = guarantee.expires_within_days
    return next((name for name in custom if not days or facts.encryption.expires_within(name, days)), "")


def remedy_for(aim: Aim, conditions: Mapping[str, Any], exceptions: Mapping[str, Any]) -> Rule:
    """The rule that is added for an aim which has one, but for other mail."""
    actions = aim.remedy["actions"] if aim.remedy else {}
    return _remedy(aim.name, conditions, exceptions, actions)


def _remedy(
    name: str, conditions: Mapping[str, Any], exceptions: Mapping[str, Any], actions: Mapping[str, Any]
) -> Rule:
    error_action = {"rule_error_action": "Defer"} if "apply_rights_protection_template" in actions else {}
    named = {
        "name": _name(name, conditions, exceptions, actions)[:_LONGEST],
        "enabled": True,
        "mode": "Enforce",
        **error_action,
    }
    return {**named, "conditions": dict(conditions), "exceptions": dict(exceptions), "actions": dict(actions)}


def _name(name: str, conditions: Mapping[str, Any], exceptions: Mapping[str, Any], actions: Mapping[str, Any]) -> str:
    """What a rule is called that is added: by whom its mail goes to, if that is all, or by what it is for."""
    verb = next(verb for option, verb in _VERBS.items() if option in actions)
    given_conditions = {option: value for option, value in conditions.items() if option not in SCOPES}
    to = [*(given_conditions.get("recipient_domain_is") or ()), *(given_conditions.get("sent_to") or ())]
    return f"{verb} mail to {to[0]}" if len(given_conditions) == len(to) == 1 and not exceptions else f"{verb}: {name}"
