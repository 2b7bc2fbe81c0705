# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates on the message itself and on its attachments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .view import Find, Test, View, patterns, words
from .worlds import FACTS, Truth, both, doubt, either

_UNITS = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_ARCHIVES = frozenset(["zip", "7z", "rar", "tar", "gz", "cab"])
_ALWAYS_THERE = frozenset(["date", "message-id", "received", "content-type", "mime-version", "return-path"])
#: Headers that say what the message says anyway. Nothing tells whether a rule can change them.
OWN_FIELDS = frozenset(["subject", "from", "to", "cc", "importance"])
#: The header that says how a message is classified.
CLASSIFIED = "x-ms-exchange-organization-classification"
WORDS_LIMIT, PATTERNS_LIMIT = 2**20, 150 * 2**10


def edited(view: View, headers: Sequence[str], *about: Any) -> Truth:
    """What headers say that a rule set or removed. Later rules see that, but some headers cannot be, and no page says
    which.
    """
    copy = view.copy
    state = (
        copy.subject if "subject" in headers else "",
        tuple(sorted(copy.classifications)) if CLASSIFIED in headers else (),
        copy.wrapped,
        tuple((name, copy.edits.get(name)) for name in headers),
    )
    changed = [name for name in headers if name in copy.edits]
    return doubt(FACTS, f"whether a rule can change the header {' and '.join(changed)}", "edited", state, *about)


# The message


def subject(find: Find) -> Test:
    return lambda view, value: _in_subject(view, find, value)


def _in_subject(view: View, find: Find, value: Sequence[str]) -> Truth:
    """What is found in the subject. The subject of a message that a disclaimer was wrapped around is not documented."""
    found = find(view, view.copy.subject, value)
    if "subject" in view.copy.edits:
        return edited(view, ("subject",), find.__name__, tuple(value))
    return (
        found
        if found is False or not view.copy.wrapped
        else doubt(FACTS, "the wrapper's subject", find.__name__, tuple(value))
    )


def subject_or_body(find: Find) -> Test:
    def test(view: View, value: Sequence[str]) -> Truth:
        body = find(view, "\n".join(view.copy.texts), value)
        if view.copy.tokens:
            body = doubt(FACTS, "what the tokens of a disclaimer stand for", find.__name__, tuple(value))
        return either(
            [_in_subject(view, find, value), body if view.copy.wrapped else _readable(view, body, find.__name__, value)]
        )

    return test


def _readable(view: View, found: Truth, *about: Any) -> Truth:
    """What was found in the content, if rules can read it."""
    message = view.message
    if not message.rights_protected or (
        message.own_keys and view.directory.irm.get("TransportDecryptionSetting", "Optional") != "Disabled"
    ):
        return found
    return doubt("U30", "the content is protected, and the rules may not be able to read it", str(about))


def header(find: Find) -> Test:
    def test(view: View, value: tuple[str, Sequence[str]]) -> Truth:
        name, wanted = value[0].lower(), value[1]
        if name in OWN_FIELDS and name in view.copy.edits:
            return edited(view, (name,), "header", find.__name__, tuple(wanted))
        brought = tuple(address for field, address in view.copy.brought if field == name)
        if brought:
            counts = doubt(
                "U09", "whether rules see added recipients in a field", name, brought, find.__name__, tuple(wanted)
            )
            return either([_held(view, name, wanted, find), counts]) if find is words else counts
        return _held(view, name, wanted, find)

    return test


def _held(view: View, name: str, wanted: Sequence[str], find: Find) -> Truth:
    """What is found in a header that no rule changed whose values the message says otherwise."""
    fields = {"subject": (view.copy.subject,), "from": (view.message.sender,)}
    fields |= {
        field: (", ".join(view.message.written[field]),) for field in ("to", "cc") if view.message.written[field]
    }
    if view.message.importance != "Normal":
        fields["importance"] = (view.message.importance,)
    held = view.copy.headers.get(name, fields.get(name))
    if held is None:
        about = ("header", name, find.__name__, tuple(wanted))
        return doubt(FACTS, f"the header {name}", *about) if name in _ALWAYS_THERE else False
    found = either(find(view, text, wanted) for text in held)
    if found is False and name in ("from", "to", "cc") and name not in view.copy.headers:
        return doubt(FACTS, f"the names in the field {name}", "names", name, find.__name__, tuple(wanted))
    return found


def importance(view: View, wanted: str) -> Truth:
    return view.message.importance.lower() == wanted.lower()


def type_(view: View, wanted: str) -> Truth:
    message = view.message
    if wanted == "Encrypted":
        return message.smime
    if wanted == "Signed":
        return message.signed
    if wanted != "PermissionControlled":
        return wanted in message.types
    if message.rights_protected:
        if view.copy.decrypting and message.own_keys is not False:
            return doubt(
                "U03",
                "whether a message that a rule wants decrypted is still PermissionControlled",
                "after decryption",
                guess=True,
            )
        return True
    if view.copy.encrypting:
        return doubt(
            "U03",
            "whether a message that a rule wants encrypted is PermissionControlled already",
            "after encryption",
            guess=False,
        )
    return False


def classification(view: View, wanted: str) -> Truth:
    return wanted.lower() in {one.lower() for one in view.copy.classifications | view.message.classifications}


def no_classification(view: View, wanted: bool) -> Truth:
    if not wanted:
        return doubt("U15", "what HasNoClassification: false means", "HasNoClassification")
    return not view.copy.classifications | view.message.classifications


def scl(view: View, level: int) -> Truth:
    if view.message.scl is None or "set_scl" in view.copy.edits:
        about = ("scl", level, view.copy.edits.get("set_scl"))
        return doubt("U11", "the spam confidence level when the rules run", *about)
    return view.message.scl >= level


def character_sets(view: View, names: Sequence[str]) -> Truth:
    held = view.message.character_sets
    if held is None:
        return doubt(FACTS, "the character sets", "character sets", tuple(names))
    return any(one.lower() == name.lower() for one in held for name in names)


def size_of(text: str | int) -> int:
    """Bytes of a size as the service writes it, ``10 MB (10,485,760 bytes)``, or as people do, ``10MB``."""
    if exact := re.search(r"\(([\d,]+) bytes\)", str(text)):
        return int(exact[1].replace(",", ""))
    number, unit = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]*)\s*", str(text)).groups()  # type: ignore[union-attr]
    return int(float(number) * _UNITS[unit.upper()])


def _over(size: int, limit: str | int) -> Truth:
    if size == size_of(limit):
        return doubt("U23", "whether a size that is exactly the limit is over it", "size", size)
    return size > size_of(limit)


def message_size(view: View, limit: str) -> Truth:
    if view.message.size is not None:
        return _over(view.message.size, limit)
    least, most = view.message.sizes
    if least > size_of(limit):
        return True
    if most is not None and most < size_of(limit):
        return False
    return doubt("U23", "the message's size", "message size", size_of(limit))


# Attachments


def attachments(test: Callable[[View, Mapping[str, Any], Any], Truth]) -> Test:
    def every(view: View, value: Any) -> Truth:
        about = (test.__qualname__, str(value))
        if view.copy.wrapped:
            return doubt(FACTS, "the original message is an attachment now", *about)
        return _readable(view, either(test(view, one, value) for one in view.message.attachments), *about)

    return every


def told(key: str) -> Test:
    def test(view: View, attachment: Mapping[str, Any], value: bool) -> Truth:
        return (
            bool(attachment[key])
            if key in attachment
            else doubt(FACTS, f"{key} of {attachment['name']}", attachment["name"], key)
        )

    return attachments(test)


def attachment_text(find: Find, limit: int) -> Test:
    def test(view: View, attachment: Mapping[str, Any], value: Sequence[str]) -> Truth:
        text = attachment.get("text")
        about = (attachment["name"], find.__name__, tuple(value))
        if text is None:
            return doubt(FACTS, f"the text of {attachment['name']}", *about)
        found = find(view, text[:limit], value)
        return (
            found
            if len(text) <= limit
            else either([found, doubt("U12", f"{attachment['name']} is longer than what is scanned", *about)])
        )

    return attachments(test)


def attachment_name(view: View, attachment: Mapping[str, Any], wanted: Sequence[str]) -> Truth:
    nested = either(patterns(view, name, wanted) for name in attachment.get("nested", ()))
    count = doubt(FACTS, f"whether names of files in {attachment['name']} count", attachment["name"])
    return either([patterns(view, attachment["name"], wanted), both([nested, count])])


def attachment_extension(view: View, attachment: Mapping[str, Any], extensions: Sequence[str]) -> Truth:
    wanted = [one.lower().lstrip(".") for one in extensions]
    names = [attachment["name"], *attachment.get("nested", ())]
    if any(name.lower().rpartition(".")[2] in wanted for name in names if "." in name):
        return True
    if "nested" not in attachment and attachment["name"].lower().rpartition(".")[2] in _ARCHIVES:
        return doubt(FACTS, f"what is in {attachment['name']}", attachment["name"], "nested", tuple(wanted))
    return False


def attachment_size(view: View, attachment: Mapping[str, Any], limit: str) -> Truth:
    return (
        _over(attachment["size"], limit)
        if "size" in attachment
        else doubt(FACTS, f"the size of {attachment['name']}", attachment["name"], limit)
    )


def attachment_property(view: View, attachment: Mapping[str, Any], pairs: Sequence[str]) -> Truth:
    if "properties" not in attachment:
        return doubt(FACTS, f"the properties of {attachment['name']}", attachment["name"], "properties", tuple(pairs))
    held = {name.lower(): str(value) for name, value in attachment["properties"].items()}
    parts = [pair.partition(":") for pair in pairs]
    return either(
        words(view, held.get(name.strip().lower(), ""), [one.strip() for one in wanted.split(",")])
        for name, _colon, wanted in parts
    )
