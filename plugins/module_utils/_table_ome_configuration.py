# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an OME configuration consists of (Get-, New-, Set- and Remove-OMEConfiguration). Private to the collection.

The limits are those of Microsoft's cmdlet reference and of its branding article.
"""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._kinds import Boolean, Colour, Days, Image, Text
from ansible_collections.m365.message_encryption.plugins.module_utils._table import Field, Table

#: The configuration that every organization has, and that can be neither removed nor given an expiry.
DEFAULT_OME_CONFIGURATION = "OME Configuration"

OME_CONFIGURATION = Table(
    name="ome_configuration",
    subset="ome_configurations",
    noun="OMEConfiguration",
    identity="identity",
    cloud_only=True,
    fields=(
        Field("background_color", Colour(), "BackgroundColor"),
        Field("disclaimer_text", Text(1024), "DisclaimerText"),
        Field("email_text", Text(1024), "EmailText"),
        Field("external_mail_expiry_in_days", Days(0, 730), "ExternalMailExpiryInDays", "ExternalMailExpiryInterval"),
        Field("image_content", Image(), "Image", shown_by="ImageUrl"),
        Field("introduction_text", Text(1024), "IntroductionText"),
        Field("otp_enabled", Boolean(), "OTPEnabled", impacts={False: "takes away", True: "widens"}),
        Field("portal_text", Text(128), "PortalText"),
        Field("privacy_statement_url", Text(), "PrivacyStatementUrl"),
        Field("read_button_text", Text(1024), "ReadButtonText"),
        Field("social_id_sign_in", Boolean(), "SocialIdSignIn", impacts={False: "takes away", True: "widens"}),
    ),
)
