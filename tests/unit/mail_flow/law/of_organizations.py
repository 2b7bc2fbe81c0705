# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an organization, and of a plan: the first look, the controls of mail, the warnings and impacts of the
modules, the approved effects, and whether evidence was compared.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.control import (
    Assessment,
    BaselineRequest,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.controls import CONTROLS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import Mail
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_control import (
    EVIDENCE_CONTROL,
    MAIL_CONTROL,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.rules_control import (
    remarks,
    shortcomings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import first_look
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approved_mail import (
    moved_mail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import ControlReport
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.rule_evidence import with_evidence
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact, Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference import difference
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.judgment import (
    GuaranteeVerdict,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import (
    RULE,
    LatestChange,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    Comparison,
    EvidenceResult,
    compare,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    EncryptionReport,
    RuleReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.difference import (
    difference_rows,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.evidence import (
    evidence_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.action_effects import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.in_clear import warned
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook

from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.tracing import traced

from .asked import AFTER, BEFORE, Asked, described, known_organization
from .claims import (
    ALL_COMPARED,
    ALL_HOLD,
    ANY_ENCRYPTS,
    AS_APPROVED,
    ENCRYPTS,
    LETS_OUT,
    MATTERS,
    REACHES,
    Claim,
)
from .of_mail import acting, claim

_DAY = datetime.timedelta(days=1)


class _Known(Organization):
    """An organization of whose mail this is known."""

    def __init__(self, mail: Mail) -> None:
        super().__init__({}, {})
        self._mail = mail

    def parsed(self, parse: Callable[[Organization], Any]) -> Any:
        return self._mail


# An organization as it is


def of_first_look(asked: Asked) -> Iterator[Claim]:
    """The lines ``Encrypts:``, each of a rule, and the test 35029 of Microsoft's, where it counts nothing but what
    encrypts.
    """
    organization = asked.organization(AFTER)
    lines = first_look._encrypting(organization.with_more(_without_settings()))
    named = [rule.name for rule in asked.rules[AFTER].rules if any(repr(rule.name) in line for line in lines)]
    for rule in asked.rules[AFTER].rules:
        yield claim("Encrypts:", ENCRYPTS, (rule.name,), rule.name in named, said=lines)
    yield claim("Encrypts:", ANY_ENCRYPTS, (), bool(named), said=lines)
    (test,) = [each for each in first_look.ASSESSED_TESTS if each.id == "35029"]
    classifies = any("apply_classification" in each["actions"] for each in asked.world.rules)
    if test.passes(organization) and not test.by(organization) and not classifies:
        yield claim("35029", ANY_ENCRYPTS, (), True, said="passes")


def _without_settings() -> Organization:
    """The settings of IRM are those by default."""
    return known_organization(irm_configuration=[{"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}])


def of_rules_control(asked: Asked) -> Iterator[Claim]:
    """MFR-1: at least one declared rule encrypts, and each acts."""
    try:
        declared = [declare(options) for options in described(asked.world.rules)]
    except OptionError:
        return  # Nobody can declare one of them.
    organization = asked.organization(AFTER)
    found = shortcomings(declared, organization)
    none = any(text.startswith("No rule of the list") for text in found)
    # One that is declared in a test mode is remarked: it does not act.
    if none or not (found or remarks(declared, organization)):
        yield claim("MFR-1", ANY_ENCRYPTS, (), not none, said=found or "met")


def of_any_rule(asked: Asked) -> Iterator[Claim]:
    """What the statements about an organization say of the question whether some rule encrypts."""
    found = asked.policy
    said = [(each.rule.name, each.effect.kind) for each in found.statements]
    encrypting = [each for each in found.statements if each.effect.kind == "encrypted"]
    if any(each.certain for each in encrypting):
        yield claim("policy", ANY_ENCRYPTS, (), True, said=said)
    elif found.complete and not encrypting:
        asks = any(rule.actions.does(Does.ENCRYPT) for rule in asked.rules[AFTER].rules if not rule.idle)
        if not asks:
            yield claim("policy", ANY_ENCRYPTS, (), False, said=said)


def of_mail_control(asked: Asked) -> Iterator[Claim]:
    """MFR-2: all guarantees hold."""
    verdicts = [each.verdict for each in asked.judged]
    if not verdicts:
        return
    (control,) = [each for each in CONTROLS if each.id == MAIL_CONTROL]
    request = BaselineRequest({"guarantees": [each.guarantee for each in asked.judged], "messages": []})
    mail = Mail(list(asked.world.rules), asked.world.tenant, {})
    found = control.verdict(Assessment(request, _Known(mail)))
    if found and found[0] is not None:
        yield claim("MFR-2", ALL_HOLD, (), found[0], said=found)
    if set(verdicts) == {GuaranteeVerdict.PROVED} or GuaranteeVerdict.REFUTED in verdicts:
        yield claim("guarantees", ALL_HOLD, (), GuaranteeVerdict.REFUTED not in verdicts, said=verdicts)


# A plan


def of_module(asked: Asked) -> Iterator[Claim]:
    """The warnings and the impacts of a check of the module that manages a list of rules."""
    book = RuleBook(asked.organization(BEFORE), check_mode=True)
    gone = {each["name"] for each in asked.world.before} - {each["name"] for each in asked.world.rules}
    wanted = [*described(asked.world.rules), *({"name": name, "state": "absent"} for name in sorted(gone))]
    try:
        plan = warned(plan_rules(book, [declare(options) for options in wanted]), book)
    except ExchangeError:
        return
    yield from _of_plan("module", asked, plan)


def _of_plan(verb: str, asked: Asked, plan: Plan) -> Iterator[Claim]:
    if len(asked.world.edited) != 1:
        return
    (name,) = asked.world.edited
    warns = [each for each in plan.warnings if getattr(each, "kind", "") == "may_leave_in_clear"]
    changes = [each for each in plan.changes if each.identity == name]
    yield claim(verb, LETS_OUT, (name,), bool(warns), said=(warns, changes))
    yield claim(verb, REACHES, (name,), any(each.impact is not Impact.NONE for each in changes), said=changes)


#: Options whose values people see, or by which mail may count as spam.
_SEEN = ("set_scl", "reject_message_reason_text", "generate_notification", "apply_html_disclaimer_text")


def of_texts(asked: Asked) -> Iterator[Claim]:
    """That the edit of a rule which acts says something else to people, or marks mail otherwise; and whether the
    difference has a word of it.
    """
    old, new = ({each["name"]: each["actions"] for each in rules} for rules in (asked.world.before, asked.world.rules))
    if len(asked.world.edited) != 1 or asked.world.edited[0] not in old.keys() & new.keys():
        return
    (name,) = asked.world.edited
    found = asked.difference
    if found.complete and not found.more:
        yield claim("difference", MATTERS, (name,), bool(found.findings), said=[each.kind for each in found.findings])
    both = [option for option in _SEEN if option in old[name] and option in new[name]]
    if all(old[name][option] == new[name][option] for option in both):
        return
    for letter in asked.ordinary:
        for person in asked.named(letter):
            sides = [acting(asked.results(side, letter).get(person, {})).get(name) for side in (BEFORE, AFTER)]
            if sides == [True, True] and all(
                rule.actions.enforced for rule in asked.rules[AFTER].rules if rule.name == name
            ):
                yield claim("module", MATTERS, (name,), True, said=(letter.options, old[name], new[name]))


def of_approval(asked: Asked) -> Iterator[Claim]:
    """What somebody approved, and what it is once facts are others."""
    sides = []
    for facts in (asked.world.tenant, {**asked.world.tenant, **asked.world.later}):
        rows, more = difference_rows(difference(asked.rules[BEFORE], asked.rules[AFTER], facts, NOW))
        sides.append(EffectOnMail(tuple(rows), more))
    approved, current = sides
    moved = moved_mail(approved, current)
    yield claim("approval", AS_APPROVED, (), not moved, said=moved)
    if _effects(approved) != _effects(current):
        texts = [[row.text for row in each.difference or ()] for each in sides]
        yield claim("difference", AS_APPROVED, (), False, said=texts)


def _effects(mail: EffectOnMail) -> list[str]:
    """What rows say, but for what shows it, and why it is open: there may be fewer reasons later."""
    shown = ("text", "witness", "before", "after", "unknown")
    rows = [row.as_row() for row in mail.difference or ()]
    return sorted(repr({key: row[key] for key in row if key not in shown}) for row in rows)


# Evidence

#: The control that evidence decides, before it does.
_CONTROL = ControlReport(EVIDENCE_CONTROL, "", True, ControlStatus.NOT_ASSESSABLE, None, None, "", "", "", "", "", None)


def of_evidence(asked: Asked) -> Iterator[Claim]:
    """VRF-2, and what it is decided by: a report of what the simulator says, of which one rule cannot be compared."""
    rules = asked.rules[AFTER].rules
    letters = {f"m{place}": letter for place, letter in enumerate(asked.ordinary)}
    trace = traced([replace(letter.message, name=name) for name, letter in letters.items()], asked.facts)
    reported: dict[str, set[tuple[str, str]]] = {rule.name: set() for rule in rules}
    protected: dict[str, int] = {}
    for name, letter in letters.items():
        for person, result in asked.results(AFTER, letter).items():
            for rule, acts in acting(result).items():
                if acts is True:
                    reported[rule].add((name, person))
            for rule in result.get("protected_by") or ():
                protected[rule] = protected.get(rule, 0) + 1
    if len(protected) < 2:
        return
    # What stands before the one that cannot be compared can be.
    most = [rule.name for rule in rules if rule.name in protected][-1]
    since, lately = NOW - 9 * _DAY, NOW + _DAY / 2
    changes = [LatestChange(RULE, rule.name, lately if rule.name == most else since, rule.guid) for rule in rules]
    window = Window(NOW - 7 * _DAY, NOW + _DAY)
    report = RuleReport({name: frozenset(copies) for name, copies in reported.items()})
    found = compare(
        Comparison(
            trace=trace,
            window=window,
            rules=asked.rules[AFTER],
            facts=asked.facts,
            changes=changes,
            now=NOW + 4 * _DAY,
        ),
        report,
    )
    row = evidence_row(EvidenceResult(found, window, report, EncryptionReport()), unseen=(), examples=0)
    (control,) = with_evidence([_CONTROL], row)
    if control.status is ControlStatus.MET:
        yield claim("VRF-2", ALL_COMPARED, (), True, said=control.findings)
    lost = [each.name for each in found.rules if each.name == most and not each.compared]
    if lost and protected[most] * 2 >= sum(protected.values()):
        yield claim("evidence", ALL_COMPARED, (), False, said=(lost, protected))
