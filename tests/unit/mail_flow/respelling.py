# SPDX-License-Identifier: GPL-3.0-or-later
"""Random organizations, rules and mail with addresses and texts that can be written in two ways: international names,
accents, and plus addresses.
"""

from __future__ import annotations

import random
import unicodedata
from typing import Any

#: What :mod:`.generators` writes, to how it may be written here.
_SPELLINGS = {
    "northwind.com": ("m\u00fcnchen.example", "xn--mnchen-3ya.example"),
    "relay.contoso.net": ("b\u00fccher.contoso.net", "xn--bcher-kva.contoso.net"),
    "offer": tuple(unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")),
}
_TAGGED = ("adele@contoso.com", "bob@contoso.com", "sales@contoso.com", "ann@fabrikam.com")


def respelled(source: random.Random, value: Any, *, tags: bool = False) -> Any:
    """The same, each text in one of its spellings.

    :param tags: whether addresses may be plus addresses, too.
    """
    if isinstance(value, dict):
        return {key: respelled(source, each, tags=tags) for key, each in value.items()}
    if isinstance(value, list):
        return [respelled(source, each, tags=tags) for each in value]
    if not isinstance(value, str):
        return value
    for text, spellings in _SPELLINGS.items():
        value = value.replace(text, source.choice(spellings))
    return value.replace("@", "+news@") if tags and value in _TAGGED and source.random() < 0.5 else value


def organization(source: random.Random, tenant: dict[str, Any]) -> dict[str, Any]:
    """An organization that now and then has plus addressing off, or an address that looks like a plus address."""
    made: dict[str, Any] = respelled(source, tenant)
    if source.random() < 0.2:
        made["organization_config"] = {"disable_plus_address_in_recipients": True}
    if source.random() < 0.2:
        made["mailboxes"] = [*made["mailboxes"], "bob+news@contoso.com"]
    return made
