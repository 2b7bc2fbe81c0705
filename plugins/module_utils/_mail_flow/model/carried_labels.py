# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sensitivity labels a message has, or may get.

The sender's program sets a label; a message that was described has the one that it names, or none. A policy may set one on
the way, which mail that is about is not computed. Source: Microsoft's pages of how sensitivity labels encrypt, of
Set-LabelPolicy and of New-AutoSensitivityLabelPolicy.
"""

from __future__ import annotations

from ..._exchange.names import same_name
from ..._resources.compliance.dlp_policies import ACTS
from ..._resources.compliance.sensitivity_labels import AutoLabelPolicyFact, LabelFact
from . import questions
from .encrypters import AutoLabel, LabelEncrypter, PossibleEncrypter
from .facts import Facts
from .kleene import Open, Reason, opened
from .message import Message

#: How a label encrypts, and what mail is then protected with, as results call it; empty where the label's own rights
#: are what it is protected with. One of which Word, Excel and PowerPoint ask the user does not encrypt mail.
_ENCRYPTION = {"encrypt_only": "encrypt", "do_not_forward": "do_not_forward", "rights": ""}


def label_encrypter(label: LabelFact) -> LabelEncrypter:
    """A label, as far as it changes mail. One of which it was not understood how it encrypts may do anything."""
    option = _ENCRYPTION.get(label.encryption, None if label.encryption else "")
    return LabelEncrypter(
        name=label.name,
        options=() if option is None else (option or f"template:{label.name}",),
        removes=label.encryption in ("remove", ""),
        acts=label.enabled and label.for_mail,
        guid=label.guid,
        not_understood="" if label.encryption else "encryption",
    )


def auto_label(policy: AutoLabelPolicyFact) -> AutoLabel:
    """A policy that sets a label on the way. Which mail it is about is not computed."""
    off = policy.scope.exchange is False or policy.mode not in (ACTS, "")
    return AutoLabel(policy.name, policy.label, acts=not off)


def label_of(message: Message, facts: Facts) -> LabelEncrypter | None:
    """The known label that a message names, by its name or GUID; ``None`` if it names none, or one that was not told."""
    return _named(message.sensitivity_label or "", facts)


def label_name(message: Message, facts: Facts) -> str:
    """What a message's label is called; empty if it has none, or that is not known."""
    known = label_of(message, facts)
    return known.name if known else message.sensitivity_label or ""


def _named(name: str, facts: Facts) -> LabelEncrypter | None:
    return next(
        (
            label
            for label in facts.encrypters.labels or ()
            if name and (same_name(label.name, name) or same_name(label.guid, name))
        ),
        None,
    )


def automatic(facts: Facts) -> list[LabelEncrypter]:
    """The labels that a policy may set on the way and that change mail; any label, where nobody told of such policies."""
    changing = [label for label in facts.encrypters.labels or () if label.changes_mail]
    if facts.encrypters.auto_label_policies is None:
        return changing
    set_ = [_named(policy.label, facts) for policy in facts.encrypters.auto_label_policies if policy.acts]
    if None in set_:
        # A label that was not told, or not understood.
        return changing
    return [label for label in changing if any(label is other for other in set_)]


def may_be_set(facts: Facts) -> bool:
    """Whether a policy may set a label on the way, whether that changes mail or not."""
    policies = facts.encrypters.auto_label_policies
    return policies is None or any(policy.acts for policy in policies)


def is_default(label: LabelEncrypter, facts: Facts) -> bool:
    """Whether a policy that is not off makes a label the default of new mail."""
    return any(
        policy.is_published and policy.default_label and _named(policy.default_label, facts) is label
        for policy in facts.encrypters.label_policies or ()
    )


def in_transport(label: LabelEncrypter) -> Open:
    """Whether Exchange gives mail what the label that it carries asks for."""
    return opened(("label_applied",), questions.LABEL_IN_TRANSPORT, "label_in_transport", label.name, guess=True)


def possible_labels(message: Message, facts: Facts) -> tuple[PossibleEncrypter, ...]:
    """The labels that change how mail is protected and that a message may have or get, beside the known one that it
    carries.
    """
    if not facts.encrypters.labels:
        return ()
    carried = label_of(message, facts)
    perhaps = {
        label.name: PossibleEncrypter(label, (_automatic(label),)) for label in automatic(facts) if label is not carried
    }
    if carried is not None and carried.not_understood:
        perhaps[carried.name] = PossibleEncrypter(
            carried, (Reason(questions.A_FACT, "label_unclear", (carried.name,)),)
        )
    named = message.sensitivity_label
    if named is None or (named and carried is None):
        why = Reason(
            questions.A_FACT, "label_not_given" if named is None else "label_not_told", field="sensitivity_label"
        )
        perhaps.update(
            (label.name, PossibleEncrypter(label, (why,))) for label in facts.encrypters.labels if label.changes_mail
        )
    return tuple(perhaps.values())


def _automatic(label: LabelEncrypter) -> Reason:
    return Reason(questions.LABELS, "label_automatic", (label.name,))
