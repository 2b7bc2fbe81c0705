# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes secrets from texts for people."""

from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

#: The replacement for a secret.
MASK = "********"
#: The minimum length of a secret. Shorter texts cannot be hidden.
_SHORTEST = 4


class Scrubber:
    """Removes secrets from texts in every form in which the other side may quote them: as is, URL-encoded,
    JSON-escaped, in markup.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        # The longest first, because one secret may contain another.
        self._forms = sorted(forms, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """A broker's answer without secrets in its log, warnings and errors. Objects are data and stay unchanged."""
        for lines in ("log", "warnings"):
            answer[lines] = [self.clean(line) for line in answer.get(lines, ())]
        results = answer.get("results", [])
        for result in results:
            result["warnings"] = [self.clean(line) for line in result["warnings"]]
        for error in [answer.get("error"), *(result["error"] for result in results)]:
            if error is not None:
                error.update({name: self.clean(error[name]) for name in ("message", "remedy", "error_id")})
        return answer


def secrets_of(identity: Mapping[str, Any]) -> list[str]:
    """All secret values of an identity."""
    secrets = [identity["credential"].get(name) for name in ("client_secret", "access_token", "certificate_password")]
    secrets.append(identity.get("psrp", {}).get("password"))
    return [secret for secret in secrets if secret]


def _forms(secret: str) -> set[str]:
    quoted = {urllib.parse.quote(secret, safe=safe, errors="surrogatepass") for safe in ("", "/", "/:=+$,;@&?")}
    quoted.add(urllib.parse.quote_plus(secret, errors="surrogatepass"))
    lower = {_lower_hex(form) for form in quoted}
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    escaped |= {form.replace("/", "\\/") for form in escaped}
    return {secret, *quoted, *lower, *escaped, html.escape(secret), html.escape(secret, quote=False)}


def _lower_hex(text: str) -> str:
    """``%2f`` for ``%2F``: both are used."""
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])
