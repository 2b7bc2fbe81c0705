# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of mail flow rules with what follows them: DLP rules and sensitivity labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..actions.protect import option_name
from ..formula import Literal, high
from ..model.carried_labels import automatic, is_default
from ..model.encrypters import DlpEncrypter, Encrypter
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.dlp_rules import ANY_OPTION, DlpRules
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..sat.batch import Batch
from ..symbolic.side import Side
from .lint_kinds import LintKind
from .single_rule_lint import LintFinding

#: Whether a DLP rule treats mail differently than a mail flow rule that encrypts it.
_Differs = Callable[[FlowRule, Encrypter], bool]


def _removes(_rule: FlowRule, does: Encrypter) -> bool:
    """Whether a DLP rule takes the protection of mail away."""
    return does.removes


def _uses_another_template(rule: FlowRule, does: Encrypter) -> bool:
    """Whether a DLP rule certainly asks for other templates than a mail flow rule."""
    own = {name_key(option_name(template)) for template in rule.actions.templates}
    if ANY_OPTION in does.options:
        return False
    return bool(does.options) and {name_key(template) for template in does.options} != own


#: Kind of a finding to whether a pair of a mail flow rule and a DLP rule is one.
_DLP_CONFLICTS: tuple[tuple[LintKind, _Differs], ...] = (
    ("dlp_removes_what_rules_encrypt", _removes),
    ("dlp_and_rule_differ", _uses_another_template),
)


def dlp_conflicts(
    rules: Iterable[FlowRule], side: Side, usual: Sequence[Literal], asked: Batch
) -> Iterator[LintFinding]:
    """The mail flow rules whose mail a DLP rule decrypts, or protects with another template.

    :param rules: the mail flow rules that may encrypt usual mail.
    :param usual: literals that are true together of usual mail.
    """
    encrypting = [rule for rule in rules if rule.enforces(Does.ENCRYPT)]
    outcome = side.outcomes[0]
    chain = side.chains[0]
    pairs = [
        (kind, rule, does, when)
        for kind, differs in _DLP_CONFLICTS
        for does, when in (outcome.after.dlp.applied if encrypting else ())
        for rule in encrypting
        if differs(rule, does)
    ]
    ended = chain.logic.any_of(chain.state.fates.values())
    delivered = high(~(ended | outcome.after.effects.blocked | outcome.after.effects.ends[Fate.REDIRECTED]))
    acts = [high(chain.acts(rule)) for _kind, rule, _does, _when in pairs]
    questions = [(place, [acts[place], high(when), delivered, *usual]) for place, (*_names, when) in enumerate(pairs)]
    possible = asked.possible(questions)
    # Another DLP rule may match the same mail and act instead.
    others = high(outcome.after.dlp.any(lambda does: does.may_restrict_otherwise("removes")))
    contested = asked.possible([(place, [*literals, others]) for place, literals in questions if place in possible])
    policies = chain.mail.facts.encrypters.dlp_policies
    certain = _names_of_certain_rules(policies) if isinstance(policies, DlpRules) else set()
    for place in sorted(possible):
        kind, rule, does, _when = pairs[place]
        is_certain = (does.name, does.policy) in certain
        case = _case(kind, does, is_certain=is_certain, is_contested=place in contested)
        about = {"dlp": does.name, "policy": does.policy, "templates": list(does.options), "case": case}
        yield LintFinding(kind, (rule.name,), about)


def _case(kind: LintKind, does: Encrypter, *, is_certain: bool, is_contested: bool) -> str:
    """What keeps a finding about a DLP rule from being certain; empty if it is.

    :param is_certain: whether the DLP rule surely acts on the mail that it is about, if no other one acts instead.
    :param is_contested: whether another DLP rule may act instead.
    """
    removes = kind == "dlp_removes_what_rules_encrypt"
    if removes and does.not_understood:
        return "unclear"
    if not is_certain:
        return "perhaps"
    return "several" if removes and is_contested else ""


def _names_of_certain_rules(policies: DlpRules) -> set[tuple[str, str]]:
    """The names of the DLP rules that surely act on the mail that they are about, each with its policy: no rule of an open reach
    may stop them.
    """
    certain: set[tuple[str, str]] = set()
    for rule in policies.rules:
        if rule.is_certain:
            certain.add((rule.does.name, rule.does.policy))
        elif rule.stops:
            break
    return certain


def encrypter_problems(rules: RuleSet, facts: Facts) -> Iterator[LintFinding]:
    """The findings about DLP rules and labels that need no look at mail."""
    acting = [rule for rule in rules.rules if rule.is_on_and_enforced]
    policies = facts.encrypters.dlp_policies
    for does in policies.encrypters if isinstance(policies, DlpRules) else ():
        yield from _branding_by_dlp(does, acting, facts)
        if does.mode.startswith("Test") and does.would_change_mail:
            yield LintFinding("dlp_in_test_mode", (), {"dlp": does.name, "policy": does.policy, "mode": does.mode})
    yield from _other_labels(acting, facts)


def _other_labels(acting: Sequence[FlowRule], facts: Facts) -> Iterator[LintFinding]:
    """The labels that mail gets automatically or by default, each with the rules that encrypt with other templates."""
    auto_labels = automatic(facts) if facts.encrypters.auto_label_policies is not None else []
    encrypting = [rule for rule in acting if rule.actions.does(Does.ENCRYPT)]
    for label in facts.encrypters.labels or ():
        if not label.options or not label.changes_mail:
            continue
        if not (is_default(label, facts) or any(encrypter is label for encrypter in auto_labels)):
            continue
        others = [rule.name for rule in encrypting if not _uses_one_of(rule, label.options)]
        if others:
            yield LintFinding("label_and_rule_differ", tuple(dict.fromkeys(others)), {"label": label.name})


def _uses_one_of(rule: FlowRule, options: Iterable[str]) -> bool:
    """Whether a rule encrypts with one of some options."""
    names = [option_name(template) for template in rule.actions.templates]
    return any(same_name(name, option) for name in names for option in options)


def _branding_by_dlp(does: DlpEncrypter, acting: Sequence[FlowRule], facts: Facts) -> Iterator[LintFinding]:
    """An OME configuration that only DLP rules use, or that a DLP rule uses and that does not exist."""
    if not does.brands or not does.mode or does.branding == ANY_OPTION:
        return
    used = [str(branding) for rule in acting for branding in rule.actions.does(Does.BRAND).values()]
    known = facts.encryption.ome_configurations
    missing = known is not None and not any(
        same_name(str(stored_template.get("identity", "")), does.branding) for stored_template in known
    )
    about = {"dlp": does.name, "policy": does.policy, "template": does.branding}
    if missing:
        yield LintFinding("template_used_by_dlp", (), {**about, "case": "missing"})
    elif not any(same_name(template, does.branding) for template in used):
        yield LintFinding("template_used_by_dlp", (), {**about, "case": ""})
