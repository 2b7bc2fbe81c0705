# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that protect a message, choose how protected mail looks, or remove protection.

Exchange applies it after the last rule. A branding alone encrypts nothing.
"""

from __future__ import annotations

from typing import Any

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..model import questions
from ..model.outcomes import TEMPLATE, ProtectionKind
from .act import Act, Action, FormulaAct, World
from .copy_state import CopyState, note

# The effect on a message


def protect(act: Act, world: World) -> list[World]:
    """What the rule asks for. Conditions about how a message is protected look at it."""
    rule = act.rule
    does = act.does
    changes = dict[str, Any]()
    if Does.ENCRYPT in does:
        changes["asked"] = (*world.asked, *((rule.name, template) for template in rule.actions.templates))
    if Does.DECRYPT in does:
        changes["removed"] = (*world.removed, rule.name)
    if Does.BRAND in does:
        brand = str(rule.actions.options["apply_rights_protection_customization_template"])
        changes["brands"] = (*world.brands, (rule.name, brand))
    if act.scene.protection_shows and not does.isdisjoint((Does.ENCRYPT, Does.DECRYPT)):
        content = world.content
        changes["content"] = content.with_changes(
            asked=content.asked or Does.ENCRYPT in does, removed=content.removed or Does.DECRYPT in does, known={}
        )
    return [world.with_changes(**changes) if changes else world]


# The effect on all messages


def show_protection(copy: CopyState, act: FormulaAct) -> None:
    """What conditions about how a message is protected may see of what the rule asks for."""
    if act.rule.place >= act.scene.last_watching_protection:
        return
    if act.rule.actions.does(Does.ENCRYPT):
        copy.seen = copy.seen.with_changes(asked=copy.seen.asked | act.acts_on_content)
    if act.rule.actions.does(Does.DECRYPT):
        copy.seen = copy.seen.with_changes(removed=copy.seen.removed | act.acts_on_content)


def request_protection(copy: CopyState, act: FormulaAct) -> None:
    """What the rule asks for. A branding needs no content."""
    rule, acts, acts_on_content = act.rule, act.acts, act.acts_on_content
    decrypts = rule.actions.does(Does.DECRYPT)
    brands = [str(brand) for brand in rule.actions.does(Does.BRAND).values()]
    asks = [(Does.ENCRYPT, name_key(option_name(template)), acts_on_content) for template in rule.actions.templates]
    asks += [(Does.BRAND, name_key(brand), acts) for brand in brands]
    copy.requests = (*copy.requests, *asks, *([(Does.DECRYPT, "", acts_on_content)] if decrypts else []))
    for template in rule.actions.templates:
        wanted = option_name(template)
        note(copy.asked, next((known for known in copy.asked if same_name(known, wanted)), wanted), acts_on_content)
    if decrypts:
        copy.removed |= acts_on_content
    for brand in brands:
        note(copy.brands, next((known for known in copy.brands if same_name(known, brand)), brand), acts)


# The rows

_ENCRYPTING = (
    questions.WHICH_TEMPLATE,
    questions.ENCRYPTED_AND_DECRYPTED,
    questions.PROTECTED_BY_NOW,
    questions.PDF,
    questions.FORWARDED,
    questions.SMIME_SIGNED,
    questions.LICENSING_OFF,
    questions.SYSTEM_MAIL,
    questions.TOO_LARGE,
    questions.MANY_RECIPIENTS,
)

#: The actions.
PROTECT: tuple[Action, ...] = (
    Action("apply_rights_protection_template", "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_ome", "protection", content=True, unknowns=_ENCRYPTING),
    Action("apply_rights_protection_customization_template", unknowns=(questions.WHICH_TEMPLATE,)),
    Action(
        "remove_ome_v2",
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action(
        "remove_ome",
        "protection",
        content=True,
        unknowns=(questions.ENCRYPTED_AND_DECRYPTED, questions.PROTECTED_BY_NOW),
    ),
    Action("remove_rms_attachment_encryption", content=True),
)

#: The two built-in templates to their names in a result.
_OPTIONS = {"encrypt": ProtectionKind.ENCRYPT.value, "do not forward": ProtectionKind.DO_NOT_FORWARD.value}


def option_name(template: str) -> str:
    """The name of a rights management template in a result."""
    return _OPTIONS.get(template.casefold(), f"{TEMPLATE}{template}")


def template_name(option: str) -> str:
    """The rights management template of a name in a result, as :func:`option_name` gives it."""
    built_in = next((template for template, name in _OPTIONS.items() if name == option), "")
    return built_in.title() or option.removeprefix(TEMPLATE)
