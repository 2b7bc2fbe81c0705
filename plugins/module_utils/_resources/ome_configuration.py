# SPDX-License-Identifier: GPL-3.0-or-later
"""OME configurations (Get-, New-, Set- and Remove-OMEConfiguration): their settings and how to plan them.

The default configuration always exists; additional ones need Advanced Message Encryption. The limits are from
Microsoft's cmdlet reference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._engine.context import ModuleContext
from .._engine.converge import converge
from .._engine.plan import Change, Impact, Phase, Plan, PlanWarning, Step, warning
from .._exchange.cmdlet import Call
from .._exchange.errors import OptionError
from .._exchange.kinds import Boolean, Color, Days, Image, Text
from .._exchange.names import name_key, same_name
from .._exchange.organization import Organization
from .._exchange.text import listed, quoted
from .logo import logo_warnings
from .resource import Planning
from .settings import NamedResource, lookalike_warnings, only_in_cloud, plan_settings
from .table import Field, Table, name_of

#: The configuration that every organization has. It cannot be removed and cannot have an expiry.
DEFAULT_OME_CONFIGURATION = "OME Configuration"

#: The subset with the mail flow rules.
_RULES = "transport_rules"

OME_CONFIGURATION = Table(
    name="ome_configuration",
    subset="ome_configurations",
    noun="OMEConfiguration",
    phase=Phase.CONFIGURATIONS,
    identity="identity",
    cloud_only=True,
    fields=(
        Field("background_color", Color(), "BackgroundColor"),
        Field("disclaimer_text", Text(1024), "DisclaimerText"),
        Field("email_text", Text(1024), "EmailText"),
        Field("external_mail_expiry_in_days", Days(0, 730), "ExternalMailExpiryInDays", "ExternalMailExpiryInterval"),
        Field("image_content", Image(), "Image", shown_by="ImageUrl", sent_by="image_force"),
        Field("introduction_text", Text(1024), "IntroductionText"),
        Field("otp_enabled", Boolean(), "OTPEnabled", impacts={False: Impact.TAKES_AWAY, True: Impact.WIDENS}),
        Field("portal_text", Text(128), "PortalText"),
        Field("privacy_statement_url", Text(), "PrivacyStatementUrl"),
        Field("read_button_text", Text(1024), "ReadButtonText"),
        Field(
            "social_id_sign_in", Boolean(), "SocialIdSignIn", impacts={False: Impact.TAKES_AWAY, True: Impact.WIDENS}
        ),
    ),
)

#: Exchange creates a configuration with both sign-in methods enabled, and mail that does not expire.
SETTINGS_OF_A_NEW_CONFIGURATION = {"external_mail_expiry_in_days": 0, "otp_enabled": True, "social_id_sign_in": True}

_IMAGE = "image_content"


def is_default(identity: str) -> bool:
    """Whether this is the default configuration, which every organization has."""
    return same_name(identity, DEFAULT_OME_CONFIGURATION)


def find(configurations: Sequence[Mapping[str, Any]], identity: str) -> Mapping[str, Any] | None:
    """The configuration with that name. Exchange's ``-Identity`` is not used: it returns all configurations if none has
    that name.
    """
    return next((item for item in configurations if same_name(name_of(item), identity)), None)


def needs_work_account(settings: Mapping[str, Any]) -> bool | None:
    """Whether the portal lets in nobody without a Microsoft 365 account: neither by a passcode nor by a social ID.

    :param settings: an OME configuration by its options.
    :returns: ``None`` if they do not say so.
    """
    ways = [settings.get("otp_enabled"), settings.get("social_id_sign_in")]
    if any(ways):
        return False
    return None if None in ways else True


def check_configuration(identity: str, state: str, wanted: Mapping[str, Any]) -> None:
    """Refuses what Exchange does not allow, by option name, before anything is read."""
    if not identity.strip() or len(identity) > 64:
        raise OptionError(f"identity has {len(identity)} characters; Exchange accepts 1 to 64.")
    if is_default(identity) and state == "absent":
        raise OptionError(
            f"identity {identity!r} cannot be removed: every organization has it.",
            remedy="To restore Microsoft's default branding, clear its texts, color and image.",
        )
    if is_default(identity) and wanted.get("external_mail_expiry_in_days"):
        raise OptionError(
            f"external_mail_expiry_in_days cannot be set on {identity!r}: only custom OME configurations can have an expiry.",
            remedy="Set identity to another name to create a custom OME configuration (requires Advanced Message Encryption).",
        )


def converge_configuration(
    task: ModuleContext, identity: str, state: str, wanted: Mapping[str, Any], *, force_image: bool
) -> dict[str, Any]:
    """Brings one OME configuration to ``state`` and ``wanted`` (canonical settings).

    :param force_image: send the image even if Exchange shows that there is an image but not which one, so that it
        cannot be compared.
    """

    def planner(organization: Organization) -> Plan:
        configurations = organization.objects(OME_CONFIGURATION.subset)
        if not (force_image and wanted.get(_IMAGE) and _image_is_hidden(configurations, identity)):
            plan = plan_configuration(identity, state, wanted, configurations)
            if state == "absent" and plan.steps:
                plan.warnings += _warnings_of_rules(organization, identity)
            return plan
        others = {option: value for option, value in wanted.items() if option != _IMAGE}
        plan = plan_configuration(identity, state, others, configurations)
        image = plan_configuration(identity, state, {_IMAGE: wanted[_IMAGE]}, configurations, force=[_IMAGE])
        # No read shows such a logo, so it has a call of its own, after everything else.
        return replace(
            plan,
            before=plan.before | image.before,
            after=plan.after | image.after,
            steps=[*plan.steps, *image.steps],
            warnings=[*plan.warnings, *(warning for warning in image.warnings if warning not in plan.warnings)],
        )

    # A check says whether the session has the cmdlets for a custom configuration. A run that writes finds out by
    # itself.
    more = ["exported_cmdlets"] if task.check_mode and not is_default(identity) else []
    if state == "absent":
        more.append(_RULES)
    return converge(
        task, [OME_CONFIGURATION.subset, *more], planner, cloud_only=only_in_cloud(OME_CONFIGURATION, wanted)
    )


def _warnings_of_rules(organization: Organization, identity: str) -> list[PlanWarning]:
    """Warns of the rules that name an OME configuration which is going to be removed."""
    error = organization.error(_RULES)
    if error is not None:
        text = f"Whether rules name {identity!r} is not known: {error.message}"
        return [warning("configuration_use_unknown", text, configuration=identity)]
    rules = [
        str(rule["Name"])
        for rule in organization.objects(_RULES)
        if same_name(str(rule.get("ApplyRightsProtectionCustomizationTemplate") or ""), identity)
    ]
    if not rules:
        return []
    named = listed(list(map(quoted, rules)), joint="and")
    text = (
        f"Rules name {identity!r}: {named}. What becomes of their mail without it is not "
        "documented: first give them another OME configuration."
    )
    return [warning("configuration_used", text, configuration=identity, rules=rules)]


def _image_is_hidden(configurations: Sequence[Mapping[str, Any]], identity: str) -> bool:
    return OME_CONFIGURATION.field(_IMAGE).hidden(find(configurations, identity) or {})


def plan_configuration(
    identity: str,
    state: str,
    wanted: Mapping[str, Any],
    configurations: Sequence[Mapping[str, Any]],
    *,
    force: Collection[str] = (),
) -> Plan:
    """What brings one OME configuration to ``state`` and ``wanted`` (canonical settings)."""
    properties = find(configurations, identity)
    if state == "absent":
        return _plan_removal(properties)
    if is_default(identity):  # It has no expiry, and check_configuration refuses any but none.
        wanted = {option: value for option, value in wanted.items() if option != "external_mail_expiry_in_days"}
    plan = plan_settings(OME_CONFIGURATION, wanted, properties, identity=identity, force=force)
    plan.warnings += logo_warnings(wanted.get(_IMAGE))
    plan.before = {"state": "absent"} if properties is None else {"state": "present", **plan.before}
    plan.after = {"state": "present", **plan.after}
    if properties is None:
        (step,) = plan.steps
        plan.steps = [
            replace(
                step, changes=(Change(OME_CONFIGURATION.name, identity, "state", "absent", "present"), *step.changes)
            )
        ]
        plan.warnings += lookalike_warnings(identity, map(name_of, configurations))
    stored = {} if properties is None else OME_CONFIGURATION.describe(properties)
    if needs_work_account({**SETTINGS_OF_A_NEW_CONFIGURATION, **stored, **wanted}):
        text = f"{identity!r} allows neither one-time passcodes nor social IDs: only recipients with a Microsoft 365 account can read such mail."
        plan.warnings.append(warning("work_accounts_only", text, configuration=identity))
    return plan


def _plan_removal(properties: Mapping[str, Any] | None) -> Plan:
    if properties is None:
        return Plan(before={"state": "absent"}, after={"state": "absent"})
    identity = name_of(properties)
    call = Call("Remove-OMEConfiguration", {"Identity": identity, "Confirm": False})
    change = Change(OME_CONFIGURATION.name, identity, "state", "present", "absent", Impact.DELETES)
    text = f"Mail that was sent with {identity!r} depends on it: it loses its branding and can no longer expire or be revoked."
    return Plan(
        before={"state": "present"},
        after={"state": "absent"},
        steps=[Step(call, (change,), Phase.CONFIGURATION_REMOVAL)],
        warnings=[warning("configuration_removed", text, configuration=identity)],
    )


class ConfigurationResource(NamedResource):
    """All OME configurations of an organization."""

    def declare(self, part: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        configurations = super().declare(part)
        for identity, wanted in configurations.items():
            check_configuration(identity, "present", wanted)
        return configurations

    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        wanted = parts[self.subset]
        existing = organization.objects(self.subset)
        plans = {
            identity: options.quieted(plan_configuration(identity, "present", settings, existing))
            for identity, settings in wanted.items()
        }
        named = {name_key(identity) for identity in wanted}
        others = [
            name_of(item) for item in existing if name_key(name_of(item)) not in named and not is_default(name_of(item))
        ]
        if options.unmanaged == "remove":
            plans.update({identity: plan_configuration(identity, "absent", {}, existing) for identity in others})
        whole = Plan.join(plans)
        if options.unmanaged in ("warn", "disable"):
            whole.warnings += [
                warning(
                    "configuration_not_managed",
                    f"The OME configuration {identity!r} is not managed here.",
                    configuration=identity,
                )
                for identity in others
            ]
        return whole
