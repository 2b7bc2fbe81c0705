# SPDX-License-Identifier: GPL-3.0-or-later
"""A self-contained page of a template.

Everything that came from an organization is hostile: it is shown as text, shortened, and with its invisible characters
made visible.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ...module_utils._mail_flow.wording.plans import foreign_line
from ...module_utils._mail_flow.wording.policy import kept_rows
from .differences import differing
from .labels import (
    ACCEPTED,
    CONTROL,
    EXPIRED,
    IMPACT,
    MAIL,
    ORGANIZATION,
    ROLLBACK,
    STATE,
    VERDICT,
    Word,
    as_line,
    as_text,
    command_parts,
    visible,
    word_for,
)


def _shown(value: Any) -> Any:
    """A value for the page. Every value passes through here and is then escaped."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else visible(str(value))


def _is_web_address(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value) is not None


_WORDS = {
    "organization": ORGANIZATION,
    "impact": IMPACT,
    "rollback": ROLLBACK,
    "state": STATE,
    "control": CONTROL,
    "mail": MAIL,
    "verdict": VERDICT,
}


def sign_of(word: Word, tag: str | None) -> Markup:
    """The sign of a word, as a cell of a matrix shows it."""
    sign = escape(word.shape)
    return Markup(f"<{tag}>{sign}</{tag}>") if tag else sign  # noqa: S704  the tag is ours


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.tests["web_address"] = _is_web_address
    environment.filters["as_text"] = as_text
    environment.filters["as_line"] = as_line
    environment.filters["command_parts"] = command_parts
    environment.filters["differing"] = differing
    environment.filters["foreign_line"] = foreign_line
    environment.filters["kept_rows"] = kept_rows
    for name, words in _WORDS.items():
        environment.filters[f"{name}_word"] = functools.partial(word_for, words)
    environment.globals.update(expired=EXPIRED, accepted=ACCEPTED, sign=sign_of)
    return environment


_ENVIRONMENT = _environment()
# The page of an organization is compiled when this is imported, which core does before it forks. One worker makes the
# others once a run.
_ENVIRONMENT.get_template("page.html.j2")
_STYLE = _ENVIRONMENT.get_template("page.css").render()


def page_of(template: str, view: Mapping[str, Any], script: str = "") -> str:
    """A page by its template.

    :param view: what it shows, by the names that the template uses.
    :param script: the file of its script; empty if it has none.
    """
    # Only this style sheet and script may take effect: tenant data is untrusted.
    allowed = f"style-src '{_digest(_STYLE)}'"
    code = _ENVIRONMENT.get_template(script).render() if script else ""
    allowed += f"; script-src '{_digest(code)}'" if code else ""
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return _ENVIRONMENT.get_template(template).render(
        view,
        style=Markup(_STYLE),  # noqa: S704  these three are ours
        script=Markup(code),  # noqa: S704
        policy=Markup(policy),  # noqa: S704
    )


def _digest(text: str) -> str:
    """A text of the page as its policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
