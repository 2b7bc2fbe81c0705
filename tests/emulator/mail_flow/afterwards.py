# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows the mail flow rules in one world: the rules of DLP policies, and sensitivity labels.

Policies and their rules have the properties that Get-DlpCompliancePolicy and Get-DlpComplianceRule show, a policy its
rules in ``Rules``. Labels have ``Name``, ``Guid``, and ``Encrypts`` (what a result calls it) or ``Removes``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .directory import Directory
from .mail import Copy, Mail, Recipient, Sent
from .predicates import PREDICATES
from .view import Settings, View
from .worlds import FACTS, Question, World

#: The conditions of sender and recipient, of which alone a DLP rule can be certain.
_OF_PEOPLE = frozenset(
    {
        *("From", "FromScope", "FromMemberOf", "SenderDomainIs", "FromAddressContainsWords"),
        *("FromAddressMatchesPatterns", "SentTo", "SentToMemberOf", "RecipientDomainIs", "AccessScope"),
        *("SenderADAttributeContainsWords", "SenderADAttributeMatchesPatterns"),
        *("RecipientADAttributeContainsWords", "RecipientADAttributeMatchesPatterns"),
    }
)
_ACTIONS = frozenset(
    {
        *("EncryptRMSTemplate", "RemoveRMSTemplate", "ApplyBrandingTemplate", "BlockAccess", "BlockAccessScope"),
        *("StopPolicyProcessing", "NotifyUser", "NotifyAllowOverride", "Quarantine", "RedirectMessageTo", "Moderate"),
        "AddRecipients",
    }
)
_OTHERS = frozenset({"Name", "Priority", "Disabled", "AdvancedRule", "IsAdvancedRule"})
_EXCEPT = "ExceptIf"
_CONTENT = "ContentContainsSensitiveInformation"
#: The conditions about files that are attached.
_FILES = frozenset(
    {
        *("DocumentIsPasswordProtected", "DocumentIsUnsupported", "DocumentNameMatchesWords", "DocumentSizeOver"),
        *("DocumentNameMatchesPatterns", "DocumentContainsWords", "DocumentMatchesPatterns"),
        *("ContentExtensionMatchesWords", "UnscannableDocumentExtensionIs"),
    }
)
_TEMPLATES = {"encrypt": "encrypt", "do not forward": "do_not_forward"}


@dataclass(frozen=True)
class Protected:
    """How a copy is protected, and by whom."""

    protection: str
    by: tuple[str, ...] = ()
    by_dlp: tuple[str, ...] = ()
    on_arrival: bool = False


class Afterwards:
    """What follows, for one copy.

    :param can_protect: what becomes of a copy in clear that the service is asked to protect: whether it does, or
        ``None`` where it refuses the copy.
    :param decrypts: whether the service takes the organization's own protection away.
    """

    def __init__(
        self,
        world: World,
        message: Mail,
        directory: Directory,
        copy: Copy,
        recipient: Recipient,
        can_protect: Callable[[], bool | None],
        decrypts: Callable[[], bool],
    ) -> None:
        self._world = world
        self._message = message
        self._directory = directory
        self._copy = copy
        self._recipient = recipient
        self._can_protect = can_protect
        self._decrypts = decrypts
        self._brands = self._touches = False
        self._enforced: Sequence[Mapping[str, Any]] = ()
        self._sent = recipient.sent
        #: Those to whom DLP rules send copies of this one.
        self.newcomers: list[Recipient] = []
        #: The names of the DLP rules that matched.
        self.matched: tuple[str, ...] = ()

    def _ask(self, unknown: str, reason: str, options: tuple[Any, ...], **more: Any) -> Any:
        sent = self._sent
        about = (reason, self._recipient.address, *((*sent.names, *sorted(sent.met)) if sent else ()))
        return self._world.ask(Question(unknown, reason, about, options, **more), *about)

    # DLP

    def matching(self) -> list[Mapping[str, Any]]:
        """The rules that match, in their order: of a copy that one of them sends, those behind that."""
        found: list[Mapping[str, Any]] = []
        if self._sent and self._sent.rule.get("StopPolicyProcessing"):
            return found
        is_behind = self._sent is None
        for policy in sorted(self._directory.dlp_policies, key=lambda each: each.get("Priority", 0)):
            if policy.get("Mode", "Enable") != "Enable" or not policy.get("ExchangeLocation"):
                continue
            for rule in sorted(policy["Rules"], key=lambda each: each.get("Priority", 0)):
                if not is_behind:
                    is_behind = self._sent is not None and rule is self._sent.rule
                    continue
                if not rule.get("Disabled") and self._is_of_sender(policy) and self._matches(rule):
                    found.append(rule)
                    if rule.get("StopPolicyProcessing"):
                        return found
        return found

    def _is_of_sender(self, policy: Mapping[str, Any]) -> bool:
        some, but = policy.get("ExchangeSender"), policy.get("ExchangeSenderException")
        return (not some or self._holds("From", some, policy["Name"])) and not (
            but and self._holds("From", but, policy["Name"])
        )

    def _matches(self, rule: Mapping[str, Any]) -> bool:
        name = rule["Name"]
        conditions = {key: value for key, value in rule.items() if key not in _ACTIONS | _OTHERS}
        met = all(
            not self._holds(key.removeprefix(_EXCEPT), value, name, key)
            if key.startswith(_EXCEPT)
            else self._holds(key, value, name, key)
            for key, value in conditions.items()
        )
        used = {key.removeprefix(_EXCEPT) for key in conditions}
        if rule.get("IsAdvancedRule"):
            tree = json.loads(rule["AdvancedRule"])["Condition"]
            met = met and self._is_true(tree, name)
            used |= set(_names(tree))
        of_recipients = used & _OF_RECIPIENTS or rule.get("BlockAccessScope") == "PerUser"
        if self._sent and of_recipients:
            along = self._may_take_along(rule, self._sent)
            if not (met or along):
                return False
            if not self._looks_at_newcomers(name):
                return along and self._takes_along(name)
        return met and (used <= _OF_PEOPLE or bool(self._ask("U33", f"whether {name} matches", (True, False))))

    def _looks_at_newcomers(self, name: str) -> bool:
        who = self._recipient.address
        question = Question("U09", f"whether rules look at {who}, whom a rule brought", ("added", who))
        return bool(self._world.ask(question, name, who))

    def _may_take_along(self, rule: Mapping[str, Any], sent: Sent) -> bool:
        """Whether what a rule does to the copy of which a newcomer's is may be done to theirs. Nobody else has mail that was
        redirected, and nobody is sent mail that another rule blocks.
        """
        narrow = rule.get("NotifyAllowOverride") or rule.get("BlockAccessScope") in ("PerUser", "PerAnonymousUser")
        blocks = rule.get("BlockAccess") and not narrow
        return rule["Name"] in sent.met and not sent.rule.get("RedirectMessageTo") and not blocks

    def _takes_along(self, name: str) -> bool:
        who = self._recipient.address
        question = Question("U09", f"whether {name} acts for {who}, too, whom a rule brought", ("along", name, who))
        return bool(self._world.ask(question, name, who))

    def _is_true(self, node: Mapping[str, Any], *place: Any) -> bool:
        if "ConditionName" in node:
            return self._holds(node["ConditionName"], node["Value"], *place)
        values = [self._is_true(each, *place, number) for number, each in enumerate(node["SubConditions"])]
        operator = node["Operator"].lower()
        return not any(values) if operator == "not" else all(values) if operator == "and" else any(values)

    def _holds(self, name: str, value: Any, *place: Any) -> bool:
        kind = PREDICATES.get({"AccessScope": "SentToScope"}.get(name, name))
        if name == _CONTENT and self._has_nothing(value):
            return False
        if name in _FILES and self._has_no_file:
            return False
        if kind is None or kind.about == "all":
            return bool(self._ask("U33", f"whether {place} finds {name}", (True, False)))
        view = View(self._message, self._directory, self._copy, Settings(), self._recipient)
        return self._world.settle(kind.test(view, value), *place, self._recipient.address)

    @property
    def _has_no_file(self) -> bool:
        """Whether nothing is attached. What protects or wraps a message comes as a file."""
        message = self._message
        return not message.attachments and message.kind == "none" and not message.signed and not self._copy.wrapped

    def _has_nothing(self, sought: Any) -> bool:
        """Whether the message is told to have nothing sensitive. A label that is sought may be its own."""
        if self._message.sensitive_information is not False:
            return False
        labels_set = self._directory.auto_labels
        labelled = bool(self._message.sensitivity_label or labels_set or labels_set is None)
        return not (labelled and '"labels": [{' in json.dumps(sought).lower())

    # Their effects

    def outcome(self, before: Protected) -> Protected | str:
        """How the copy is protected in the end; what becomes of it if it is not delivered: ``rejected`` if it is blocked or
        refused, ``redirected``, ``quarantined``, or ``moderated`` until somebody approves it.
        """
        matching = self.matching()
        self.matched = tuple(rule["Name"] for rule in matching)
        if self._sent:
            matching = [*self._sent.before, self._sent.rule, *matching]
        blocking = [rule for rule in matching if not self._spares_newcomers(rule) and self._blocks(rule)]
        if blocking:
            self._send([rule for rule in blocking if _brings(rule) and self._does_both(rule)], blocking)
            return "rejected"
        self._brands = any(rule.get("ApplyBrandingTemplate") for rule in matching)
        self._touches = any(map(_restricts, matching))
        self._enforced = self._acting([rule for rule in matching if _counts(rule)])
        ends = dict.fromkeys(
            end
            for rule in self._enforced
            for key, end in _ENDS.items()
            if rule.get(key) and not self._is_done(rule, key) and not self._spares_newcomers(rule)
        )
        end = ""
        if ends:
            end = str(self._ask("U36", "what becomes of the copy", tuple(ends)) if len(ends) > 1 else next(iter(ends)))
        self._send(
            [
                rule
                for rule in self._enforced
                if _brings(rule)
                and not (rule.get("RedirectMessageTo") and end not in ("redirected", ""))
                and (not any(rule.get(key) for key in _KEEPING) or self._does_both(rule))
            ],
            self._enforced,
        )
        return end or self._protected(before)

    def _is_done(self, rule: Mapping[str, Any], key: str) -> bool:
        """Whether a redirection is done: it is of the mail that this copy was sent of."""
        if key != "RedirectMessageTo" or self._sent is None:
            return False
        return any(rule is other for other in (self._sent.rule, *self._sent.before))

    def _spares_newcomers(self, rule: Mapping[str, Any]) -> bool:
        """Whether a rule that keeps mail from its recipient lets those have it to whom it sends this copy."""
        own = self._sent is not None and rule is self._sent.rule and any(rule.get(key) for key in _KEEPING)
        return own and bool(self._ask("U36", f"whether {rule['Name']} keeps it from newcomers, too", (True, False)))

    def _does_both(self, rule: Mapping[str, Any]) -> bool:
        """Whether a rule that keeps mail from its recipient sends others copies of it, too."""
        return bool(self._ask("U36", f"whether {rule['Name']}, which keeps the copy, sends others", (True, False)))

    # The copies that they send

    def _send(self, sending: Sequence[Mapping[str, Any]], acting: Sequence[Mapping[str, Any]]) -> None:
        """Notes those to whom rules send copies, each with the rules that acted on the copy before."""
        for rule in sending:
            if self._sent and any(rule is other for other in (*self._sent.before, self._sent.rule)):
                continue
            place = next(number for number, other in enumerate(acting) if other is rule)
            how = Sent(rule, tuple(acting[:place]), frozenset(self.matched))
            for target, instead in self._targets(rule).items():
                for address in self._directory.expand(target):
                    if instead or address != self._recipient.address:
                        log = [list(part) for part in self._recipient.log]
                        self.newcomers.append(Recipient(address, (target.lower(),), "DLP", log, sent=how))

    def _targets(self, rule: Mapping[str, Any]) -> dict[str, bool]:
        """Those to whom a rule sends copies, each with whether they get it instead of its recipient."""
        instead = dict.fromkeys(rule.get("RedirectMessageTo") or (), True)
        added = rule.get("AddRecipients") or {}
        also = dict.fromkeys(
            (one for key in ("AddToRecipients", "CopyTo", "BlindCopyTo") for one in added.get(key) or ()), False
        )
        if added.get("AddManagerAsRecipientType"):
            sender = self._directory.primary(self._message.sender)
            manager = self._directory.manager(sender)
            if isinstance(manager, str):
                also[manager] = False
            elif self._world.settle(manager):
                also[f"the manager of {sender}"] = False
        if (
            instead
            and also
            and not self._world.ask(
                Question(
                    FACTS,
                    f"whether {rule['Name']} adds recipients to a message that it redirects",
                    ("adds", rule["Name"]),
                ),
                rule["Name"],
            )
        ):
            return instead
        return {**also, **instead}

    def approved(self, before: Protected) -> Protected | str:
        """How the copy is protected once somebody approves it."""
        asking = [rule for rule in self._enforced if rule.get("Moderate")]
        if any(rule.get(key) for rule in asking for key in _COUNTED if key != "Moderate") and not self._ask(
            "U36", "whether a rule that asks for an approval does more", (True, False)
        ):
            self._enforced = [rule for rule in self._enforced if rule not in asking]
        return self._protected(before)

    def released(self, before: Protected) -> Protected | str:
        """How the copy is protected once it is released from quarantine."""
        survives = self._ask(FACTS, "whether what follows the rules survives the quarantine", (True, False))
        return self._protected(before) if survives else before

    def _protected(self, before: Protected) -> Protected | str:
        if before.protection == "smime" or (before.on_arrival and self._message.own_keys is False):
            self._brands = self._touches = False
            return before
        after = self._after_dlp(before, self._enforced)
        return after if isinstance(after, str) else self._after_label(after)

    def branding(self, before: str | None, protection: str) -> str | None:
        """The branding that the copy shows in the end."""
        if protection in ("none", "smime"):
            return None
        if not (self._brands or (before and self._touches)):
            return before
        return self._ask("U36", "which branding is left", (before, "of DLP" if self._brands else None))

    def _blocks(self, rule: Mapping[str, Any]) -> bool:
        if not rule.get("BlockAccess"):
            return False
        if rule.get("NotifyAllowOverride") or rule.get("BlockAccessScope") == "PerAnonymousUser":
            return bool(self._ask("U33", f"whether {rule['Name']} blocks", (True, False)))
        if rule.get("BlockAccessScope") != "PerUser":
            return True
        outside = self._directory.recipient_in(
            self._recipient.address, "NotInOrganization", self._message.authenticated
        )
        return self._world.settle(outside, "PerUser", self._recipient.address)

    def _acting(self, rules: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The rules that act, of those that match: the most restrictive one, or all where they add up."""
        kinds = {tuple(_kind(rule, key) for key in _COUNTED if rule.get(key)) for rule in rules}
        if len(kinds) < 2:
            return rules
        which = self._ask("U36", "which of several DLP rules acts", (*range(len(rules)), len(rules)))
        return rules if which == len(rules) else [rules[which]]

    def _after_dlp(self, before: Protected, acting: Sequence[Mapping[str, Any]]) -> Protected | str:
        encrypting = [rule for rule in acting if rule.get("EncryptRMSTemplate")]
        decrypting = [rule for rule in acting if rule.get("RemoveRMSTemplate")]
        if decrypting and (
            not encrypting or self._ask("U36", "whether the decrypting DLP rule comes last", (True, False))
        ):
            if before.protection == "none":
                return before
            return Protected("none") if not before.on_arrival or self._decrypts() else before
        if not encrypting:
            return before
        options = tuple(dict.fromkeys(_option(rule["EncryptRMSTemplate"]) for rule in encrypting))
        option = options[0] if len(options) == 1 else self._ask("U36", "which template of DLP wins", options)
        names = tuple(rule["Name"] for rule in encrypting)
        if before.protection != "none":
            replaces = option != before.protection and self._ask("U36", "whether DLP replaces", (True, False))
            return Protected(str(option), by_dlp=names) if replaces else before
        return self._newly(before, str(option), names)

    def _newly(self, before: Protected, option: str, by_dlp: tuple[str, ...]) -> Protected | str:
        """A copy in clear that DLP or a label asks to protect."""
        done = self._can_protect()
        if done is None:
            return "rejected"
        return Protected(option, by_dlp=by_dlp) if done else before

    # Labels

    def _after_label(self, before: Protected) -> Protected | str:
        label = self._label()
        if label is None:
            return before
        self._touches = True
        if label.get("Removes"):
            keeps = before.protection == "none" or self._ask("U34", "whether the label keeps protection", (True, False))
            return before if keeps else Protected("none")
        option = label["Encrypts"]
        if before.protection == "none" and not self._message.rights_protected:
            return self._newly(before, option, ())
        if self._message.rights_protected or before.on_arrival:
            return Protected(option) if self._ask("U34", "whether the label replaces", (True, False)) else before
        done = self._can_protect()
        return "rejected" if done is None else Protected(option) if done else before

    def _label(self) -> Mapping[str, Any] | None:
        """The label that decides how the copy is protected."""
        labels = [each for each in self._directory.labels or () if each.get("Encrypts") or each.get("Removes")]
        named = self._message.sensitivity_label
        carried = next(
            (each for each in labels if named and named.lower() in (each["Name"].lower(), each["Guid"])), None
        )
        set_ = self._directory.auto_labels
        every = [each["Name"] for each in self._directory.labels or ()]
        if set_ is not None and not set(set_) <= set(every):
            set_ = None  # One that nobody told of may be any of them.
        possible = labels if set_ is None else [each for each in labels if each["Name"] in set_]
        known = {*every, *(each["Guid"] for each in self._directory.labels or ())}
        if named and not any(named.lower() == each.lower() for each in known) and labels:
            place = self._ask(FACTS, "what the label does", (*range(len(labels)), len(labels)))
            if place < len(labels):
                return labels[place]
        others = [each for each in possible if each is not carried]
        if others:
            place = self._ask("U34", "which label is set on the way", (*range(len(others)), len(others)))
            if place < len(others):
                return others[place]
        if carried is None or not self._ask("U37", "whether the label is applied", (True, False), guess=True):
            return None
        return carried


#: What looks at who gets a copy.
_OF_RECIPIENTS = frozenset(
    {
        *("SentTo", "SentToMemberOf", "RecipientDomainIs", "AccessScope"),
        *("RecipientADAttributeContainsWords", "RecipientADAttributeMatchesPatterns"),
    }
)
_BRINGING = ("RedirectMessageTo", "AddRecipients")
#: What keeps a copy from its recipient, for good or for a time.
_KEEPING = ("BlockAccess", "Quarantine", "Moderate")
_ENDS = {"Quarantine": "quarantined", "RedirectMessageTo": "redirected", "Moderate": "moderated"}
_RESTRICTING = ("EncryptRMSTemplate", "RemoveRMSTemplate")

#: What counts where the most restrictive of several rules is enforced: all that is done to mail.
_COUNTED = (
    *_RESTRICTING,
    *("ApplyBrandingTemplate", "RedirectMessageTo", "AddRecipients", "ApplyHtmlDisclaimer", "Quarantine", "Moderate"),
    *("PrependSubject", "ModifySubject", "SetHeader", "RemoveHeader"),
)


def _counts(rule: Mapping[str, Any]) -> bool:
    return any(rule.get(key) for key in _COUNTED)


def _brings(rule: Mapping[str, Any]) -> bool:
    return any(rule.get(key) for key in _BRINGING)


def _kind(rule: Mapping[str, Any], key: str) -> str:
    """What a rule does, of two that may do the same: copies for other people are something else."""
    return key + json.dumps(rule[key]) if key in _BRINGING else key


def _restricts(rule: Mapping[str, Any]) -> bool:
    return any(rule.get(key) for key in _RESTRICTING)


def _option(template: str) -> str:
    return _TEMPLATES.get(template.lower(), f"template:{template}")


def _names(node: Mapping[str, Any]) -> list[str]:
    if "ConditionName" in node:
        return [node["ConditionName"]]
    return [name for each in node["SubConditions"] for name in _names(each)]
