# SPDX-License-Identifier: GPL-3.0-or-later
"""The clouds of Microsoft 365, as far as a domain tells one: every organization has an initial domain in its cloud.

Mail into and out of GCC High is always read in the portal, even where both sides have Outlook (Microsoft's page that
compares the versions of message encryption). Of DoD and 21Vianet no page says it.
"""

from __future__ import annotations

from collections.abc import Iterable

WORLDWIDE, US_GOVERNMENT, CHINA = "worldwide", "us_government", "china"

#: What the initial domains of a cloud end in. That of the US government is of GCC High and DoD alike.
_INITIAL = {".onmicrosoft.com": WORLDWIDE, ".onmicrosoft.us": US_GOVERNMENT, ".partner.onmschina.cn": CHINA}


def cloud_of(domains: Iterable[str]) -> str:
    """The cloud of the organization with these domains; empty if none of them tells it, or they contradict."""
    clouds = {cloud for domain in domains for ending, cloud in _INITIAL.items() if domain.lower().endswith(ending)}
    return clouds.pop() if len(clouds) == 1 else ""
