# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to a copy, and the way of a message through all rules in one world."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..values import parse_instant
from .content import OWN_FIELDS
from .directory import Directory
from .mail import Copy, Mail, Recipient, first_copy
from .rules import CONTENT_ACTIONS, Matching, Rule
from .worlds import FACTS, Question, World

#: Messages of the system, which no rule sees.
_SYSTEM = frozenset({"NDR"})
_REPORTS = ("GenerateIncidentReport", "GenerateNotification")
_REJECTIONS = ("RejectMessageReasonText", "RejectMessageEnhancedStatusCode")
#: The fields in which actions put recipients.
_FIELDS = {"AddToRecipients": "to", "CopyTo": "cc", "To": "to", "Cc": "cc"}
_TAG = re.compile(r"<[^>]*>")
#: What stands for a property of the sender.
_TOKEN = re.compile(r"%%\w+%%")
_IN_WORD = re.compile(
    r"\w(?:<(?!/?(?:br|p|div|hr|li|ul|ol|h[1-6]|table|tr|td|th|blockquote|pre)\b)[^>]*>)+\w", re.IGNORECASE
)
_UNSEEN = re.compile(r"<(?:style|script|title|head|!--)", re.IGNORECASE)


@dataclass
class Effects:
    """What rules cause beside the message itself."""

    incident_reports: list[str] = field(default_factory=list)
    notifications: list[str] = field(default_factory=list)
    moderators: list[str] = field(default_factory=list)


class Passage:
    """One message on its way through the rules in one world. :attr:`copies` are what became of it."""

    def __init__(self, world: World, message: Mail, directory: Directory, rules: Sequence[Rule]) -> None:
        self.world = world
        self.message = message
        self.directory = directory
        self.copies = [first_copy(message, directory)]
        self.effects = Effects()
        if self._is_rejected():
            for copy in self.copies:
                copy.fates.append("rejected")
                copy.ended = True
        elif not _SYSTEM & message.types:
            date = parse_instant(message.date) if message.date else datetime.datetime.now(datetime.UTC)
            for place, rule in enumerate(rules):
                acts = rule.acts_on(date)
                if acts is not False:
                    for copy in [one for one in self.copies if not one.ended]:
                        self._apply(rule, acts, copy, rules[place + 1 :])

    def _is_rejected(self) -> bool:
        """Whether transport decryption, which comes before the rules and must succeed, fails."""
        must = self.directory.irm.get("TransportDecryptionSetting", "Optional") == "Mandatory"
        question = Question("U30", "whether the service can decrypt the message, as it must", ("decrypts",))
        return (
            must
            and self.message.rights_protected
            and self.message.own_keys is not True
            and not self.world.ask(question, "decryption")
        )

    def _apply(self, rule: Rule, acts: bool | object, copy: Copy, later: Sequence[Rule]) -> None:
        matching = Matching(self.world, self.message, self.directory, rule, copy)
        if self.message.smime and not copy.wrapped and rule.looks_at_content:
            return  # What cannot be read cannot be evaluated: the rule does not act.
        if self.message.smime and not copy.wrapped and rule.works_on_content:
            self._cannot(rule, copy, matching.recipients(), later)
            return
        chosen = matching.recipients()
        if not chosen or (acts is not True and not self.world.settle(acts, rule.name)):  # type: ignore[arg-type]
            return
        if not rule.enforced:
            self._log(rule, chosen)
            self._report(rule, chosen)
            if len(chosen) < len(copy.recipients) and any(one.looks_at_recipients for one in later):
                forks = Question(
                    "U06", f"whether {rule.name}, which is in mode {rule.mode}, splits the message", ("fork", rule.name)
                )
                if self.world.ask(forks, rule.name):
                    fork = copy.split(chosen)
                    self.copies.append(fork)
                    copy = fork
            if rule.actions.get("StopRuleProcessing") and later:
                self._audited_stop(rule, copy, chosen)
            return
        if not self._moderators(rule) and self._ignored(rule, copy):
            self._log(rule, chosen)
            return
        if len(chosen) < len(copy.recipients):
            copy = copy.split(chosen)
            self.copies.append(copy)
        self._log(rule, chosen)
        if copy.reports_only:
            self._report(rule, chosen)
        else:
            self._act(rule, copy, later)

    def _cannot(self, rule: Rule, copy: Copy, chosen: list[Recipient], later: Sequence[Rule]) -> None:
        """A rule that cannot be processed, since it needs what S/MIME hides: whether it counts as matched, and what
        else it does, is not documented.
        """
        for recipient in chosen:
            recipient.log[-1].append((rule.name, False))
        others = {name: value for name, value in rule.actions.items() if name not in CONTENT_ACTIONS}
        question = Question(FACTS, f"what else {rule.name} does to a message that S/MIME hides", ("S/MIME", rule.name))
        if rule.enforced and chosen and others and self.world.ask(question, rule.name):
            if len(chosen) < len(copy.recipients):
                copy = copy.split(chosen)
                self.copies.append(copy)
            if self._moderators(rule) or not self._ignored(rule, copy):
                self._act(dataclasses.replace(rule, actions=others), copy, later)

    def _log(self, rule: Rule, chosen: Sequence[Recipient]) -> None:
        for recipient in chosen:
            recipient.log[-1].append((rule.name, True))

    def _audited_stop(self, rule: Rule, copy: Copy, chosen: list[Recipient]) -> None:
        question = Question(
            "U08", f"whether {rule.name} stops the rules in mode {rule.mode}", ("stop", rule.name), guess=False
        )
        if self.world.ask(question, rule.name):
            if len(chosen) < len(copy.recipients):
                copy = copy.split(chosen)
                self.copies.append(copy)
            copy.ended = True

    def _report(self, rule: Rule, chosen: Sequence[Recipient]) -> None:
        if "GenerateIncidentReport" in rule.actions:
            self.effects.incident_reports.append(rule.actions["GenerateIncidentReport"])
        if "GenerateNotification" in rule.actions and rule.mode != "Audit":
            self.effects.notifications += [recipient.address for recipient in chosen]

    def _ignored(self, rule: Rule, copy: Copy) -> bool:
        """A rule is ignored when it can't insert its disclaimer and is told not to mind."""
        return (
            "ApplyHtmlDisclaimerText" in rule.actions
            and rule.actions.get("ApplyHtmlDisclaimerFallbackAction", "Wrap") == "Ignore"
            and not self._insertable(copy)
        )

    def _insertable(self, copy: Copy) -> bool:
        message = self.message
        if copy.wrapped or message.disclaimer_insertable is not None:
            return copy.wrapped or bool(message.disclaimer_insertable)
        if message.signed or message.smime or (message.rights_protected and message.own_keys is False):
            return False
        question = Question(FACTS, "whether a disclaimer can be put into protected mail", ("disclaimer",))
        return not message.rights_protected or bool(self.world.ask(question, "disclaimer"))

    # Actions

    def _act(self, rule: Rule, copy: Copy, later: Sequence[Rule]) -> None:
        actions = rule.actions
        moderators = self._moderators(rule)
        if moderators:
            # Who is asked decides first: nothing else of the rule is done.
            self.effects.moderators += moderators
            for recipient in copy.recipients:
                recipient.log.append([])
            if actions.get("StopRuleProcessing") and later:
                copy.ended = bool(
                    self.world.ask(
                        Question(FACTS, f"whether {rule.name} stops once it is approved", ("approved", rule.name)),
                        rule.name,
                    )
                )
            return
        for name, change in _CHANGES.items():
            if name in actions:
                change(self, rule, copy)
        self._report(rule, copy.recipients)
        if copy.ended:
            return  # Its disclaimer did not fit, and it is told to reject then.
        fate = self._fate(rule)
        if fate == "rejected":
            self._reject(rule, copy, later)
        elif fate == "redirected":
            self._redirect(rule, copy)
            return
        elif fate:
            copy.fates.append(fate)
            copy.ended = True
        self._add(rule, copy)
        if "StopRuleProcessing" in actions:
            copy.ended = True

    def _fate(self, rule: Rule) -> str:
        """What a rule makes of the message; empty: nothing. Which of two that contradict each other wins is not
        documented, and the service may refuse them.
        """
        actions = rule.actions
        wanted = {
            "deleted": "DeleteMessage" in actions,
            "rejected": any(name in actions for name in _REJECTIONS),
            "quarantined": "Quarantine" in actions,
            "redirected": bool(self._targets(rule)),
        }
        fates = tuple(fate for fate, is_wanted in wanted.items() if is_wanted)
        if len(fates) < 2:
            return "".join(fates)
        return str(
            self.world.ask(
                Question(
                    FACTS,
                    f"what becomes of a message that {rule.name} wants {' and '.join(fates)}",
                    ("fates", rule.name),
                    fates,
                )
            )
        )

    def _moderators(self, rule: Rule) -> list[str]:
        if "ModerateMessageByUser" in rule.actions:
            return list(rule.actions["ModerateMessageByUser"])
        return (
            [self._managers_address()]
            if "ModerateMessageByManager" in rule.actions and self._managers_address()
            else []
        )

    def _managers_address(self) -> str:
        """The address of the sender's manager; empty: there is none."""
        found = self.directory.manager(self.directory.primary(self.message.sender))
        if isinstance(found, str):
            return found
        return f"the manager of {self.directory.primary(self.message.sender)}" if self.world.settle(found) else ""

    def _reject(self, rule: Rule, copy: Copy, later: Sequence[Rule]) -> None:
        copy.fates.append("rejected")
        copy.status = rule.actions.get("RejectMessageEnhancedStatusCode", "5.7.1")
        copy.ended = True
        if any(name in other.actions for other in later for name in _REPORTS):
            question = Question(
                "U10",
                f"whether rules behind the rejection by {rule.name} still report",
                ("after reject", rule.name),
                guess=False,
            )
            copy.reports_only = self.world.ask(question, rule.name)
            copy.ended = not copy.reports_only

    def _targets(self, rule: Rule) -> list[str]:
        """To whom a rule redirects."""
        targets = list(rule.actions.get("RedirectMessageTo", ()))
        if rule.actions.get("AddManagerAsRecipientType") == "Redirect":
            targets += [self._managers_address()] if self._managers_address() else []
        return targets

    def _redirect(self, rule: Rule, copy: Copy) -> None:
        left = copy.split(copy.recipients)
        # Those who are left out keep what has happened so far; the copy goes on to the new recipients.
        left.fates.append("redirected")
        left.ended = True
        self.copies.append(left)
        copy.recipients = self._newcomers(dict.fromkeys(self._targets(rule), "RedirectMessageTo"), left.recipients)
        # The order of the actions in a rule is not guaranteed: recipients that it adds may be taken off again, or not.
        adds = Question(
            FACTS, f"whether {rule.name} adds recipients to a message that it redirects", ("adds", rule.name)
        )
        if self._additions(rule) and self.world.ask(adds, rule.name):
            self._add(rule, copy)
        copy.ended = "StopRuleProcessing" in rule.actions

    def _add(self, rule: Rule, copy: Copy) -> None:
        targets = self._additions(rule)
        copy.brought += [(_FIELDS[action], address) for address, action in targets.items() if action in _FIELDS]
        here = {recipient.address for recipient in copy.recipients}
        copy.recipients += [one for one in self._newcomers(targets, copy.recipients) if one.address not in here]

    def _additions(self, rule: Rule) -> dict[str, str]:
        """Whom a rule adds, and the action that does."""
        targets = {
            one: name for name in ("AddToRecipients", "CopyTo", "BlindCopyTo") for one in rule.actions.get(name, ())
        }
        way = rule.actions.get("AddManagerAsRecipientType")
        if way in ("To", "Cc", "Bcc") and self._managers_address():
            targets[self._managers_address()] = way
        return targets

    def _newcomers(self, targets: Mapping[str, str], others: Sequence[Recipient]) -> list[Recipient]:
        """New recipients, from addresses and the actions that brought them. Their history is what all the others of the
        copy have in common.
        """
        log = [
            [entry for entry in part if all(entry in other.log[place] for other in others)]
            for place, part in enumerate(others[0].log)
        ]
        found = {address: target for target in targets for address in self.directory.expand(target)}
        beside = frozenset(
            address for other in others for address in (other.beside if other.added else {other.address})
        )
        return [
            Recipient(address, (target.lower(),), targets[target], [list(part) for part in log], beside)
            for address, target in found.items()
        ]

    def _encrypt(self, rule: Rule, copy: Copy) -> None:
        name = str(rule.actions["ApplyRightsProtectionTemplate"])
        name = self.directory.templates.get(name.lower(), name)
        copy.encrypting.append(
            (
                rule.name,
                {"encrypt": "encrypt", "do not forward": "do_not_forward"}.get(name.lower(), f"template:{name}"),
            )
        )

    def _encrypt_legacy(self, rule: Rule, copy: Copy) -> None:
        copy.encrypting.append((rule.name, "encrypt"))

    def _decrypt(self, rule: Rule, copy: Copy) -> None:
        copy.decrypting.append(rule.name)

    def _brand(self, rule: Rule, copy: Copy) -> None:
        copy.brandings.append((rule.name, rule.actions["ApplyRightsProtectionCustomizationTemplate"]))

    def _prepend(self, rule: Rule, copy: Copy) -> None:
        copy.subject = rule.actions["PrependSubject"] + copy.subject

    def _set_header(self, rule: Rule, copy: Copy) -> None:
        name = rule.actions["SetHeaderName"].lower()
        self._edit(copy, name, f"set {rule.actions.get('SetHeaderValue', '')}")
        question = Question(FACTS, f"whether {rule.name} sets or removes {name} last", ("header", rule.name))
        if rule.actions.get("RemoveHeader", "").lower() == name and not self.world.ask(question, rule.name):
            copy.headers.pop(name, None)
        else:
            copy.headers[name] = (rule.actions.get("SetHeaderValue", ""),)

    def _remove_header(self, rule: Rule, copy: Copy) -> None:
        name = rule.actions["RemoveHeader"].lower()
        self._edit(copy, name, "removed")
        if name in OWN_FIELDS:
            copy.headers[name] = ()
        else:
            copy.headers.pop(name, None)

    def _edit(self, copy: Copy, name: str, how: str) -> None:
        copy.edits[name] = (*copy.edits.get(name, ()), how)

    def _classify(self, rule: Rule, copy: Copy) -> None:
        copy.classifications.add(rule.actions["ApplyClassification"])

    def _set_scl(self, rule: Rule, copy: Copy) -> None:
        self._edit(copy, "set_scl", str(rule.actions["SetSCL"]))

    def _route(self, rule: Rule, copy: Copy) -> None:
        copy.routes.append(rule.actions["RouteMessageOutboundConnector"])

    def _require_tls(self, rule: Rule, copy: Copy) -> None:
        copy.requires_tls = True

    def _disclaim(self, rule: Rule, copy: Copy) -> None:
        html = rule.actions["ApplyHtmlDisclaimerText"]
        text = _TAG.sub(" ", html).strip()
        # Where tags stand in words, or around what nobody sees, it is not documented what a rule reads.
        unsure = any(each.search(html) for each in (_TOKEN, _IN_WORD, _UNSEEN))
        if self._insertable(copy):
            first = rule.actions.get("ApplyHtmlDisclaimerLocation", "Append") == "Prepend"
            copy.texts = [text, *copy.texts] if first else [*copy.texts, text]
            copy.tokens |= unsure
        elif rule.actions.get("ApplyHtmlDisclaimerFallbackAction", "Wrap") == "Reject":
            copy.fates.append("rejected")
            copy.status = "5.7.1"
            copy.ended = True
            return
        else:
            copy.texts, copy.wrapped, copy.tokens = [text], True, unsure
        copy.disclaimer = True


_CHANGES: dict[str, Callable[[Passage, Rule, Copy], None]] = {
    "ApplyHtmlDisclaimerText": Passage._disclaim,
    "ApplyRightsProtectionTemplate": Passage._encrypt,
    "ApplyOME": Passage._encrypt_legacy,
    "RemoveOMEv2": Passage._decrypt,
    "RemoveOME": Passage._decrypt,
    "ApplyRightsProtectionCustomizationTemplate": Passage._brand,
    "PrependSubject": Passage._prepend,
    "RemoveHeader": Passage._remove_header,
    "SetHeaderName": Passage._set_header,
    "ApplyClassification": Passage._classify,
    "SetSCL": Passage._set_scl,
    "RouteMessageOutboundConnector": Passage._route,
    "RouteMessageOutboundRequireTls": Passage._require_tls,
}
