# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes attachments, from models of the variables. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.attachments import extension
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import (
    ATTACHED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_constraints import (
    Holds,
    NoMessageError,
    TextConstraint,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import holds
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SymbolicMessage,
)

#: A document in another file.
_INNER = "inner.pdf"

#: Condition to the flag of an attachment that it looks at.
_FLAGS = {
    "attachment_has_executable_content": "executable",
    "attachment_is_password_protected": "password_protected",
    "attachment_is_unsupported": "unsupported",
    "attachment_processing_limit_exceeded": "limit_exceeded",
}


@dataclass(frozen=True)
class Attachments:
    """The attachments of a message.

    :param is_true: whether a literal is true in the model.
    :param lax: whether the content of texts may be open.
    """

    mail: SymbolicMessage
    is_true: Holds
    lax: bool

    def written(self) -> list[dict[str, Any]]:
        """An attachment for each required property.

        :raises NoMessageError: an attachment's name would have an excluded property.
        """
        held = self.mail.texts.get(ATTACHED, {})
        lacked = {key: literal for key, literal in held.items() if not self.is_true(literal)}
        found: list[dict[str, Any]] = []

        def attach(name: str = "", *has: Key, **with_: Any) -> None:
            text = self._attached({**{key: held[key] for key in has}, **lacked})
            plain = {"size": 1, "text": text, "nested": [], "properties": {}, **dict.fromkeys(_FLAGS.values(), False)}
            found.append({"name": name or f"file{len(found)}", **plain, **with_})

        for kind, because in self._kinds():
            if isinstance(kind, str):
                name = f"file{len(found)}.{kind}"
                self._check_name(name, because)
                attach(name)
            else:
                attach(**kind)
        for key in held:
            if key not in lacked:
                attach("", key)
        names = self.mail.texts.get("attachment name", {})
        for key, name in zip(
            [key for key, literal in names.items() if self.is_true(literal)],
            TextConstraint(names, self.is_true, lax=self.lax).texts("file"),
            strict=True,
        ):
            self._check_name(name or f"file{len(found)}", names[key])
            attach(name)
        if self.is_true(self.mail.pdf) and not any(each["name"].endswith(".pdf") for each in found):
            name = f"file{len(found)}.pdf"
            self._check_name(name, self.mail.pdf)
            attach(name)
        for with_ in self._sizes_and_flags():
            attach(**with_)
        return found

    def _kinds(self) -> Iterator[tuple[str | dict[str, Any], int]]:
        """The extensions of attachments, or what else they have, with the literal that requires it."""
        mail = self.mail
        for (sort, value), literal in mail.texts.get("attachment", {}).items():
            if not self.is_true(literal):
                continue
            if (sort, value) == ("extension", "pdf") and mail.leaves_pdf_out and not self.is_true(mail.pdf):
                # A file inside another file is not a document of the message.
                if any(
                    holds(_INNER, name) is not False for name in mail.texts.get("attachment name", {})
                ):  # Whether that counts is open.
                    raise NoMessageError(limits=[(literal ^ 1, mail.pdf)])
                yield {"nested": [_INNER]}, literal
            else:
                yield value if sort == "extension" else {"properties": {value[0]: value[1]}}, literal

    def _sizes_and_flags(self) -> Iterator[dict[str, Any]]:
        properties = self.mail.properties
        sizes = [value for sort, value in properties if sort == "attachment" and self.is_true(properties[sort, value])]
        if sizes:
            yield {"size": max(sizes) + 1}
        yield from ({name: True} for option, name in _FLAGS.items() if self.is_true(properties[option, True]))

    def _check_name(self, name: str, because: int) -> None:
        """Raises NoMessageError if the name of an attachment has an excluded property.

        :param because: the literal that requires the attachment.
        """
        unwanted = [literal for literal in self._of_name(name) if not self.is_true(literal)]
        if name.lower().endswith(".pdf") and self.mail.leaves_pdf_out and not self.is_true(self.mail.pdf):
            unwanted.append(self.mail.pdf)
        if unwanted:
            raise NoMessageError(limits=[(because ^ 1, literal) for literal in unwanted])

    def _attached(self, atoms: Mapping[Key, int]) -> str:
        """A text of an attachment.

        :raises NoMessageError: none was found. That is not a law: a message may have no attachment, and patterns see
            less of a long one than words do.
        """
        try:
            return TextConstraint(atoms, self.is_true, lax=self.lax).text()
        except NoMessageError as error:
            raise NoMessageError(limits=[*error.laws, *error.limits]) from error

    def _of_name(self, name: str) -> Iterator[int]:
        """The atoms that an attachment's name has, or may have unless that may be open."""
        texts = self.mail.texts
        for key, literal in texts.get("attachment name", {}).items():
            has = holds(name, key)
            if has is True or (has is None and not self.lax):
                yield literal
        yield from (
            literal for key, literal in texts.get("attachment", {}).items() if key == ("extension", extension(name))
        )
