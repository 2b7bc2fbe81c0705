# SPDX-License-Identifier: GPL-3.0-or-later
"""Branding: colors, pictures, and OME configurations as a whole."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.image import dimensions, format_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Color, Image
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.logo import logo_warnings
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
    check_configuration,
    plan_configuration,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import declared
from ansible_collections.m365.message_encryption.plugins.modules import message_encryption_state, ome_configuration
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.emulated_session import WIRES, EmulatedSession
from tests.unit.fake_session import FakeSession, task


def expression(content: bytes) -> str:
    """A picture as a printed command has it."""
    return f"([System.IO.File]::ReadAllBytes('<{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}>'))"


def png(width: int, height: int, size: int = 0) -> bytes:
    return (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)).ljust(size, b"\0")


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIii", 0, 0, 0, 54, 40, width, height)


def jpeg(width: int, height: int) -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    tables = b"\xff\xc4" + struct.pack(">H", 4) + b"\1\1"
    return b"\xff\xd8" + app0 + tables + b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width)


def tiff(width: int, height: int, order: str) -> bytes:
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    entries = struct.pack(f"{order}HHIHH", 256, 3, 1, width, 0) + struct.pack(f"{order}HHII", 257, 4, 1, height)
    return head + struct.pack(f"{order}H", 2) + entries


PICTURES = {"png": png(170, 70), "jpg": jpeg(170, 70), "bmp": bmp(170, 70), "bmp, top down": bmp(170, -70)}
PICTURES |= {"tiff, Intel": tiff(170, 70, "<"), "tiff, Motorola": tiff(170, 70, ">")}


@pytest.mark.parametrize("name", PICTURES)
def test_formats_and_dimensions(name: str) -> None:
    assert format_of(PICTURES[name]) == name.partition(",")[0]
    assert dimensions(PICTURES[name]) == (170, 70)


@given(st.sampled_from(sorted(PICTURES)), st.integers(0, 60), st.binary(max_size=40))
def test_a_damaged_picture_is_no_error(name: str, length: int, rubbish: bytes) -> None:
    dimensions(PICTURES[name][:length] + rubbish)


def test_what_is_advised_against_is_a_warning_with_its_numbers() -> None:
    def warnings(content: bytes) -> list[str]:
        return [str(each) for each in logo_warnings(base64.b64encode(content).decode())]

    assert warnings(png(170, 70)) == []
    assert warnings(jpeg(171, 70)) == ["The logo has 171 x 70 pixels; Microsoft recommends 170 x 70."]
    assert warnings(png(170, 70, size=50_000)) == ["The logo has 50,000 bytes; Microsoft recommends less than 40,960."]
    assert warnings(b"<svg/>") == ["The logo is not a PNG, JPEG, BMP or TIFF image, so the portal may not show it."]
    assert logo_warnings("") == logo_warnings(None) == []


def test_a_picture_is_base64_however_it_is_broken_into_lines_or_returned() -> None:
    kind, content = Image(), png(170, 70)
    text = base64.b64encode(content).decode()
    assert kind.parse(base64.encodebytes(content).decode()) == text
    assert kind.read(list(content)) == kind.read(text) == text
    assert kind.send(text) == content
    assert kind.read(None) == kind.read("") == ""
    assert kind.show(text).startswith("png, 24 bytes, sha256 ")
    with pytest.raises(ValueError, match="is not base64 text"):
        kind.parse("logo.png")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("#0078D4", "#0078d4", True),
        ("White", "#ffffff", True),
        ("grey", "Gray", True),
        ("#0078d4", "#0078d5", False),
        ("", "", True),
        ("", "white", False),
    ],
)
def test_colors_are_compared_as_colors(one: str, other: str, same: bool) -> None:
    kind = Color()
    assert (kind.key(kind.parse(one)) == kind.key(kind.parse(other))) is same


@pytest.mark.parametrize("color", ["#0078d", "0078d4", "#0078dg", "blurple", "rgb(1,2,3)"])
def test_what_is_no_color(color: str) -> None:
    with pytest.raises(OptionError, match="background_color must be #RRGGBB or an HTML color name"):
        declared(OME_CONFIGURATION, {"background_color": color})


@pytest.mark.parametrize(
    ("option", "limit"),
    [
        ("portal_text", 128),
        ("email_text", 1024),
        ("disclaimer_text", 1024),
        ("introduction_text", 1024),
        ("read_button_text", 1024),
    ],
)
def test_texts_have_exchanges_limits(option: str, limit: int) -> None:
    assert declared(OME_CONFIGURATION, {option: "x" * limit})
    with pytest.raises(OptionError, match=f"{option} has {limit + 1} characters; Exchange accepts at most {limit}"):
        declared(OME_CONFIGURATION, {option: "x" * (limit + 1)})


def test_what_the_default_configuration_cannot_do() -> None:
    with pytest.raises(OptionError, match="cannot be removed"):
        check_configuration("ome configuration", "absent", {})
    with pytest.raises(OptionError, match="external_mail_expiry_in_days cannot be set on"):
        check_configuration("OME Configuration", "present", {"external_mail_expiry_in_days": 7})
    check_configuration("OME Configuration", "present", {"external_mail_expiry_in_days": 0})
    with pytest.raises(OptionError, match="65 characters"):
        check_configuration("x" * 65, "present", {})


STORED: dict[str, Any] = {
    "Identity": "OME Configuration",
    "OTPEnabled": True,
    "SocialIdSignIn": True,
    "ExternalMailExpiryInterval": "00:00:00",
}


def run(
    session: FakeSession, *, check_mode: bool = False, files: dict[str, bytes] | None = None, **given: Any
) -> tuple[dict[str, Any], list[str]]:
    options = {name: row.get("default") for name, row in ome_configuration.SPEC["argument_spec"].items()}
    done = task(session, check_mode=check_mode, files=files, **{**options, **given})
    return ome_configuration.run(done), done.warnings


def session(**stored: Any) -> FakeSession:
    return FakeSession({"OMEConfiguration": [{**STORED, **stored}]})


def test_expiry_is_compared_in_days() -> None:
    stored = {"Identity": "Week", "ExternalMailExpiryInterval": "7.00:00:00", "OTPEnabled": True}
    assert plan_configuration("Week", "present", {"external_mail_expiry_in_days": 7}, [stored]).steps == []
    (step,) = plan_configuration("Week", "present", {"external_mail_expiry_in_days": 0}, [stored]).steps
    assert step.call.parameters == {"Identity": "Week", "ExternalMailExpiryInDays": 0, "Confirm": False}


def test_nobody_is_left_who_can_read_is_warned_of() -> None:
    (warning,) = plan_configuration(
        "OME Configuration", "present", {"otp_enabled": False}, [{**STORED, "SocialIdSignIn": False}]
    ).warnings
    assert "neither one-time passcodes nor social IDs" in str(warning)
    assert plan_configuration("New", "present", {"otp_enabled": False}, []).warnings == []


def test_a_logo_from_a_file() -> None:
    content = png(170, 70)
    organization = session()
    result, warnings = run(organization, image_path="logo.png", files={"logo.png": content})
    assert organization.writes[0].parameters["Image"] == content
    assert result["commands"] == [
        f"Set-OMEConfiguration -Identity 'OME Configuration' -Image {expression(content)} -Confirm:$false"
    ]
    assert warnings == []


def test_a_file_that_is_no_picture_is_refused_and_another_picture_is_a_warning() -> None:
    with pytest.raises(OptionError, match=r"image_path 'logo.png' is not a picture\."):
        run(session(), image_path="logo.png", files={"logo.png": b"Dear all"})
    for content in (b"GIF89a", b"RIFF....WEBPVP8 ", b'<?xml version="1.0"?><svg/>'):
        assert "is not a PNG" in run(session(), image_path="logo", files={"logo": content})[1][0]
    # What an organization has can always be put back.
    assert run(session(), image_content="RGVhciBhbGw=")[0]["changed"]


def test_an_empty_file_does_not_clear_the_logo() -> None:
    with pytest.raises(OptionError, match=r"image_path 'logo.png' is an empty file\."):
        run(session(Image="AAAA"), image_path="logo.png", files={"logo.png": b""})


LOGO = base64.b64encode(png(170, 70)).decode()


class UrlOnly(FakeSession):
    """An Exchange that shows a logo's address and not the logo."""

    def _read(self, *args: Any) -> Any:
        result = super()._read(*args)
        for row in result.objects:
            row["ImageUrl"] = "https://example.com/logo" if row.pop("Image", None) else None
        return result


def url_only(**stored: Any) -> FakeSession:
    return UrlOnly({"OMEConfiguration": [{**STORED, **stored}]})


def test_a_logo_that_cannot_be_seen_is_not_compared() -> None:
    organization = url_only(Image=b"old")
    result, warnings = run(organization, image_content=LOGO, portal_text="Hello")
    assert result["commands"] == [
        "Set-OMEConfiguration -Identity 'OME Configuration' -PortalText 'Hello' -Confirm:$false"
    ]
    assert warnings == [
        "image_content: Exchange shows that it is set but not its value, so it was not compared. image_force sends it."
    ]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_logo_that_cannot_be_seen_is_sent_on_request(check_mode: bool) -> None:
    organization = url_only(Image=b"old")
    result, warnings = run(
        organization, image_content=LOGO, image_force=True, portal_text="Hello", check_mode=check_mode
    )
    assert result["commands"] == [
        "Set-OMEConfiguration -Identity 'OME Configuration' -PortalText 'Hello' -Confirm:$false",
        f"Set-OMEConfiguration -Identity 'OME Configuration' -Image {expression(base64.b64decode(LOGO))} -Confirm:$false",
    ]
    assert [change["option"] for change in result["changes"]] == ["portal_text", "image_content"]
    assert result["after"]["image_content"].startswith("png, 24 bytes")
    assert len(organization.writes) == (0 if check_mode else 2)
    assert warnings == []


def test_a_first_logo_is_sent_once_and_seen_by_its_address() -> None:
    for force in (False, True):
        organization = url_only()
        result, _warnings = run(organization, image_content=LOGO, image_force=force)
        assert len(result["commands"]) == len(organization.writes) == 1


def test_a_logo_that_cannot_be_seen_can_be_cleared() -> None:
    organization = url_only(Image=b"old")
    result, _warnings = run(organization, image_content="")
    assert organization.writes[0].parameters["Image"] is None
    assert result["changed"]
    assert not run(organization, image_content="")[0]["changed"]


def test_force_does_nothing_where_the_logo_can_be_compared() -> None:
    assert not run(session(Image=LOGO), image_content=LOGO, image_force=True)[0]["changed"]


def test_force_and_a_new_template() -> None:
    for check_mode in (True, False):
        organization = url_only()
        result, _warnings = run(
            organization, identity="New", image_content=LOGO, image_force=True, check_mode=check_mode
        )
        assert [command.partition(" ")[0] for command in result["commands"]] == ["New-OMEConfiguration"]


@pytest.mark.parametrize(
    "row", [row for row in OME_CONFIGURATION.fields if row.kind.cleared is not None], ids=lambda row: row.option
)
def test_everything_that_has_a_cleared_form_can_be_cleared(row: Any) -> None:
    value = {"image_content": LOGO, "background_color": "white"}.get(row.option, "text")
    organization = session(**{row.parameter: value})
    result, _warnings = run(organization, **{row.option: ""})
    assert result["changed"]
    assert not organization.objects["OMEConfiguration"][0][row.parameter]
    assert not run(organization, **{row.option: ""})[0]["changed"]


@pytest.mark.parametrize("wire", WIRES)
class TestLicense:
    FAILS = "Without check mode, this task would fail"
    LACKS = "is not granted to this session. It requires the license Advanced Message Encryption."

    @pytest.mark.parametrize(("licensed", "said"), [(False, [f"{FAILS}: New-OMEConfiguration {LACKS}"]), (True, [])])
    def test_a_check_says_that_a_configuration_could_not_be_created(
        self, wire: str, licensed: bool, said: list[str]
    ) -> None:
        session = EmulatedSession({"advanced_message_encryption": licensed}, wire)
        assert session.run(ome_configuration, check_mode=True, identity="week", otp_enabled=True)["changed"]
        assert session.warnings == said
        configurations = [{"identity": "week", "otp_enabled": True}]
        session.run(message_encryption_state, check_mode=True, ome_configurations=configurations)
        assert session.warnings == said

    def test_what_needs_no_license_is_not_warned_of(self, wire: str) -> None:
        session = EmulatedSession({"advanced_message_encryption": False}, wire)
        session.run(ome_configuration, check_mode=True, portal_text="Hello")
        assert session.warnings == []
        assert not session.run(ome_configuration, check_mode=True, identity="week", state="absent")["changed"]
        assert session.warnings == []
