# SPDX-License-Identifier: GPL-3.0-or-later
"""An overview of an organization's current state, for a first look: the rules that encrypt, the mail that no rule
encrypts, the people who cannot read encrypted mail, and the results of Microsoft's assessment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization
from ..._mail_flow.analyses.overview import overview
from ..._mail_flow.analyses.policy import policy
from ..._mail_flow.conditions.predicates import BY_OPTION
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._mail_flow.input.rule_sources import rules_from
from ..._mail_flow.model import questions
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.wording.lint import lint_rows
from ..._mail_flow.wording.overview import CellRow, overview_rows, reach_lines
from ..._mail_flow.wording.policy import PolicyRow, policy_lines, policy_rows
from ..._mail_flow.wording.summary import MOST_REASONS, reasons_words, refutation
from ..._mail_flow.wording.unseen import unseen_lines
from ..._resources.rights_management import obstacle_of
from ..._resources.rules.action_effects import ENCRYPTING
from ..._resources.rules.impact import OUTGOING
from ..._resources.rules.moderation import doing
from ..._resources.rules.organization_rules import rules_of
from ..._resources.rules.rule import Rule, encrypts, idle_words
from ..controls.controls import CONTROLS
from ..controls.mail import Mail, mail_findings, not_read_of, unseen_in
from .organization_overview import AssessedRow, OrganizationOverview
from .report import ControlReport

_OUTGOING = Guarantee("Outgoing mail", OUTGOING, {}, "not_in_clear")
#: The maximum number of organizations for which a run creates overviews. They take reads that no control needs.
MOST_ORGANIZATIONS = 3

#: The longest text that stands on the line of its name, with the name, in characters.
_BESIDE_NAME = 100
#: The maximum number of sentences about what rules do on a terminal.
_SENTENCES = 12
#: Properties of an OME configuration that count as branding in Microsoft's test.
_BRANDING = ("ImageUrl", "BackgroundColor", "IntroductionText", "PortalText", "DisclaimerText", "EmailText")
_UNREAD = "not known"
#: How the test of rules is passed without one that protects: it looks neither at modes nor at dates, and takes a
#: classification for protection.
_BY_NONE = ", but only by rules that protect no mail now"
#: The findings about a rule that encrypts which mean that it leaves some mail as it is. All findings are in the report.
_LEAVES_IN_CLEAR = frozenset(
    (
        *(
            "encrypts_and_decrypts",
            "one_frees_all",
            "names_a_group",
            "fails_open",
            "unknown_pattern",
            "literal_asterisk",
            "subdomains",
            "typed_exception",
            "answers_missed",
        ),
        *("envelope_sender", "auto_forward", "adds_recipients", "actions_left_undone"),
    )
)

#: Those whose mail meets the conditions of the rule, and an exception.
_BY_EXCEPTIONS = frozenset(("one_frees_all", "subdomains", "typed_exception", "fails_open"))
#: What conditions about people look at.
_PEOPLE = frozenset(("sender", "recipient", "recipients", "relation", "fields"))


@dataclass(frozen=True)
class AssessedTest:
    """A test of Microsoft's Zero Trust Assessment.

    :param passes: whether an organization passes it; raises the error if something cannot be read.
    :param by: by what it passes, if that has no effect.
    """

    id: str
    title: str
    passes: Callable[[Organization], bool]
    by: Callable[[Organization], str] = lambda organization: ""


def _acting(organization: Organization) -> list[Rule]:
    """The rules that protect mail today."""
    return [rule for rule in rules_of(organization) if rule.encrypts_today]


def _by_acting_rules(organization: Organization) -> str:
    """What the test of rules does not look at, if no rule that acts is behind it."""
    return "" if any(_protects(rule.properties) for rule in _acting(organization)) else _BY_NONE


def _by_settings(organization: Organization) -> str:
    """What is wrong where only the settings that a test looks at are right."""
    obstacle = obstacle_of(organization)
    return f", but {obstacle.cause}" if obstacle and not obstacle.switched_off else ""


#: Source: the tests themselves, microsoft/zerotrustassessment, src/powershell/tests/Test-Assessment.<id>.ps1.
ASSESSED_TESTS = (
    AssessedTest(
        "35024",
        "Azure Rights Management is on",
        lambda organization: _irm(organization, "AzureRMSLicensingEnabled"),
        _by_settings,
    ),
    AssessedTest(
        "35025",
        "Internal licensing is on",
        lambda organization: _irm(organization, "InternalLicensingEnabled"),
        _by_settings,
    ),
    AssessedTest(
        "35026",
        "The Encrypt button is shown",
        lambda organization: _irm(organization, "AzureRMSLicensingEnabled", "SimplifiedClientAccessEnabled"),
        _by_settings,
    ),
    AssessedTest(
        "35027",
        "The portal has a brand",
        lambda organization: any(map(_is_branded, organization.objects("ome_configurations"))),
    ),
    AssessedTest(
        "35029",
        "A mail flow rule protects mail",
        lambda organization: any(map(_protects, organization.objects("transport_rules"))),
        _by_acting_rules,
    ),
)


def overview_of(organization: Organization, controls: Sequence[ControlReport]) -> OrganizationOverview:
    """What the organization does today.

    :param controls: the controls in the report.
    """
    return OrganizationOverview(
        encrypts=tuple(_lines_or_error(_encrypting, organization)),
        idle=tuple(_lines_or_error(_idle, organization)),
        holes=tuple(_lines_or_error(_holes, organization)),
        locked_out=tuple(_lines_or_error(_locked_out, organization)),
        policy=tuple(policy_of(organization)),
        reach=tuple(reach_of(organization)),
        assessed=tuple(_assessed(organization, {control.id: _status_shown(control) for control in controls})),
        unseen=tuple(unseen_in(organization)),
        not_read=tuple(not_read_of(organization)),
    )


def _status_shown(control: ControlReport) -> str:
    # What the tags leave out may be managed all the same.
    return str(control.status) if control.selected else "not selected by the tags"


def overview_lines(overview: OrganizationOverview | None, encrypters: Sequence[str] = ()) -> list[str]:
    """The overview as lines for the terminal; empty if there is no overview.

    :param encrypters: what encrypts which mail, as lines.
    """
    if overview is None:
        return []
    named = (
        ("Encrypts", overview.encrypts),
        ("Does not act", overview.idle),
        ("Not encrypted", overview.holes),
        ("Locked out", overview.locked_out),
    )
    lines = [f"  {line}" for name, texts in named for line in _named_lines(name, texts)]
    width = max((len(row.title) for row in overview.assessed), default=0)
    tests = [
        f"    {row.test}  {row.title:<{width}}  {row.verdict:<6}  {row.control} {row.status}"
        for row in overview.assessed
    ]
    lines += [f"  {line}" for line in (policy_lines(overview.policy, _SENTENCES) if overview.policy else ())]
    lines += [f"  {line}" for line in reach_lines(overview.reach)]
    lines += [
        f"  {line}" for line in (*encrypters, *unseen_lines(overview.unseen, overview.not_read, overview.untested))
    ]
    return [*lines, "  Tests of Microsoft's Zero Trust Assessment, and our control:", *tests]


def _named_lines(name: str, texts: Sequence[str]) -> list[str]:
    """Texts behind their name: on its line if it is one that surely is not folded there, otherwise below it."""
    if len(texts) == 1 and len(name) + len(texts[0]) <= _BESIDE_NAME:
        return [f"{name}: {texts[0]}"]
    return [f"{name}:", *(f"  {text}" for text in texts)] if texts else []


def reach_of(organization: Organization, plan: Plan | None = None) -> list[CellRow]:
    """Which mail to people outside is protected, now or after a plan; empty if the rules cannot be read, which is reported
    elsewhere.
    """
    try:
        mail = Mail.of_organization(organization)
    except ExchangeError:
        return []
    mail = mail.after(plan) if plan else mail
    return overview_rows(overview(RuleSet(mail.rules), mail.facts))


def policy_of(organization: Organization) -> list[PolicyRow]:
    """What the rules do to mail, as sentences, the most important first; nothing where the rules cannot be read, which
    is said elsewhere.
    """
    try:
        mail = Mail.of_organization(organization)
    except ExchangeError:
        return []
    return policy_rows(policy(mail.rules, mail.facts))


def _lines_or_error(look: Callable[[Organization], list[str]], organization: Organization) -> list[str]:
    try:
        return look(organization)
    except ExchangeError as error:
        return [f"{_UNREAD}: {error}"]


def _encrypting(organization: Organization) -> list[str]:
    obstacle = obstacle_of(organization)
    acting = _acting(organization)
    if obstacle:
        doubts = dict.fromkeys((rule.name for rule in acting), f"while {obstacle.cause} (U28)")
    else:
        doubts = {
            rule.name: "(U13)"
            for rule in RuleSet(rules_from(organization)).rules
            if rule.criteria.doubts or rule.actions.surprises
        }
    return [
        f"{_UNREAD} {doubts[rule.name]}: {_rule_words(rule)}" if rule.name in doubts else _rule_words(rule)
        for rule in acting
    ] or ["no mail flow rule"]


def _idle(organization: Organization) -> list[str]:
    idle_rules = [
        (rule, reasons) for rule in rules_of(organization) if encrypts(doing(rule.sections)) and (reasons := rule.idle)
    ]
    return [f"{_rule_words(rule)} {' and '.join(starmap(idle_words, reasons.items()))}" for rule, reasons in idle_rules]


def _rule_words(rule: Rule) -> str:
    how = next((value for option in ENCRYPTING if (value := rule.sections["actions"].get(option))), "")
    return f"the rule {rule.name!r}{f' with {how!r}' if isinstance(how, str) and how else ''}"


def _holes(organization: Organization) -> list[str]:
    mail = Mail.of_organization(organization)
    (verdict,) = mail.verdicts([_OUTGOING], "")
    holes = []
    if verdict.is_refuted:
        holes.append(f"for example, {refutation(verdict)}")
    elif verdict.is_unknown:
        holes.append(f"{_UNREAD} for all outgoing mail: {reasons_words(verdict.unknown, MOST_REASONS)}")
    acting = {rule.name: rule for rule in _acting(organization)}
    leaving = [
        finding
        for finding in mail_findings(organization)
        if finding.kind in _LEAVES_IN_CLEAR
        and finding.rules[0] in acting
        and not _is_protected_otherwise(acting[finding.rules[0]], finding.kind, mail)
    ]
    holes += [row.reason for row in lint_rows(leaving)]
    if verdict.is_proved and verdict.assumes(questions.PDF):
        holes.append("possibly mail with a PDF attachment: enable_pdf_encryption is off (IRM-5)")
    return holes or [f"no outgoing mail (proved, under {len(verdict.assumptions)} assumptions)"]


def _is_protected_otherwise(rule: Rule, kind: str, mail: Mail) -> bool:
    """Whether the mail that a rule leaves as it is is protected by other rules, or does not leave, all of it."""
    when = dict(rule.sections["conditions"])
    if kind not in _BY_EXCEPTIONS:
        # What the rule was meant for is among the mail of the same people.
        when = {option: value for option, value in when.items() if BY_OPTION[option].looks_at in _PEOPLE}
    try:
        (verdict,) = mail.verdicts([Guarantee(rule.name, when, {}, "not_in_clear")], "")
    except OptionError:
        return False  # No mail meets the conditions as they are written.
    if kind == "fails_open" and verdict.assumes(questions.RULE_FAILS):
        return False
    return verdict.is_proved


def _locked_out(organization: Organization) -> list[str]:
    sentences = []
    for shown in organization.objects("ome_configurations"):
        name, passcodes, social = shown.get("Identity"), shown.get("OTPEnabled"), shown.get("SocialIdSignIn")
        if passcodes is False:
            others = "" if social is False else " or a social ID that Microsoft accepts"
            sentences.append(
                f"people outside without a work or school account{others}, from mail with {name!r}: it does not send passcodes"
            )
    for subset, setting, where in (
        ("owa_mailbox_policies", "IRMEnabled", "Outlook on the web"),
        ("mobile_device_mailbox_policies", "IrmEnabled", "phones"),
    ):
        if subset in organization.subsets and organization.error(subset) is None:
            off = [str(policy.get("Name")) for policy in organization.objects(subset) if policy.get(setting) is False]
            sentences += [f"people inside on {where} with the policy {', '.join(map(repr, off))}"] if off else []
    return sentences or ["nobody by these settings"]


def _assessed(organization: Organization, statuses: Mapping[str, str]) -> list[AssessedRow]:
    controls = {control.assessed_by: control.id for control in CONTROLS if control.assessed_by}
    rows = []
    for test in ASSESSED_TESTS:
        try:
            verdict = f"passes{test.by(organization)}" if test.passes(organization) else "fails"
        except ExchangeError:
            verdict = "cannot be told"
        control = controls[test.id]
        rows.append(AssessedRow(test.id, test.title, verdict, control, statuses.get(control, "")))
    return rows


def _irm(organization: Organization, *names: str) -> bool:
    properties = organization.only("irm_configuration")
    return all(properties.get(name) is True for name in names)


def _is_branded(configuration: Mapping[str, Any]) -> bool:
    return any(str(configuration.get(name) or "").strip() for name in _BRANDING)


def _protects(rule: Mapping[str, Any]) -> bool:
    """Whether Microsoft's test takes a rule for one that protects."""
    acts = rule.get("ApplyOME") is True or any(
        rule.get(name) is not None for name in ("ApplyRightsProtectionTemplate", "ApplyClassification")
    )
    return acts and str(rule.get("State")).lower() == "enabled"
