# SPDX-License-Identifier: GPL-3.0-or-later
"""Returned objects as CLIXML, in the two flavours that exist.

``MODULE``: the ExchangeOnlineManagement module on a management host, which hands out what it got over REST: texts,
lists of texts, GUIDs and dates. ``SERVER``: an Exchange server's own objects: enumerations with their number,
TimeSpans, Uris, multi-valued properties of a type that no client knows, and an empty byte array where nothing is
stored.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from typing import Any
from xml.etree import ElementTree

from .context import Outcome
from .properties import Kind, Record
from .values import parse_instant

_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]|_(?=[xX])")
_MULTI_VALUED = "Microsoft.Exchange.Data.MultiValuedProperty`1[[System.{}, System, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]"
#: Not UTC, because no management host's clock is.
_LOCAL = timezone(timedelta(hours=-8))


class Flavour(enum.Enum):
    """Whose objects these are."""

    MODULE = "module"
    SERVER = "server"


def escaped(text: str) -> str:
    """Text as CLIXML writes it: what XML cannot hold, as UTF-16 units in hexadecimal."""

    def units(match: re.Match[str]) -> str:
        data = match[0].encode("utf-16-be", "surrogatepass")
        return "".join(f"_x{data[index : index + 2].hex().upper()}_" for index in range(0, len(data), 2))

    return _ESCAPED.sub(units, text)


#: The root of a document, as .NET reads it.
_DOCUMENT = {"Version": "1.1.0.1", "xmlns": "http://schemas.microsoft.com/powershell/2004/04"}


def document(record: Record, flavour: Flavour) -> ElementTree.Element:
    """The CLIXML of one object."""
    references = itertools.count()
    root = ElementTree.Element("Obj", RefId=str(next(references)))
    names = ("System.Management.Automation.PSCustomObject",)
    if flavour is Flavour.SERVER:
        names = (f"Deserialized.Microsoft.Exchange.Data.Directory.Management.{record.type}",)
    _types(root, *names, "System.Object", reference=str(next(references)))
    if flavour is Flavour.SERVER:
        _text(root, "ToString", str(record.values.get("Identity") or record.type))
    properties = ElementTree.SubElement(root, "MS" if flavour is Flavour.MODULE else "Props")
    for name, value in record.values.items():
        element = _value(record.kind(name), value, flavour, references)
        element.set("N", escaped(name))
        properties.append(element)
    return root


def documents(outcome: Outcome, flavour: Flavour) -> list[str]:
    """The objects of an outcome, each as a document of CLIXML."""
    made = []
    for record in outcome.records:
        root = ElementTree.Element("Objs", _DOCUMENT)
        root.append(document(record, flavour))
        made.append(ElementTree.tostring(root, encoding="unicode"))
    return made


def _value(kind: Kind, value: Any, flavour: Flavour, references: Iterator[int]) -> ElementTree.Element:
    server = flavour is Flavour.SERVER
    if kind in (Kind.LIST, Kind.URI_LIST, Kind.RULE_LIST):
        if value is None and kind is Kind.RULE_LIST:
            return ElementTree.Element("Nil")
        return _list(kind, value or [], server, references)
    if kind is Kind.BYTES and server:
        return _leaf("BA", value)
    if value is None or kind is Kind.TABLE:
        return _nested(value, references)
    if kind is Kind.BOOL:
        return _leaf("B", "true" if value else "false")
    if kind is Kind.INT:
        return _leaf("I32", str(value))
    if kind in (Kind.INSTANT, Kind.INSTANT_UTC):
        moment = parse_instant(value)
        # What is unset is the first day of .NET's calendar, before which no zone can put it.
        if kind is Kind.INSTANT and moment.year > 1:
            return _leaf("DT", f"{moment.astimezone(_LOCAL):%Y-%m-%dT%H:%M:%S.%f}0-08:00")
        return _leaf("DT", f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}0Z")
    if kind is Kind.ENUM and server:
        return _enumeration(value, references)
    tag = {Kind.GUID: "G", Kind.BYTES: "BA"}.get(kind)
    if server and tag is None:
        tag = {Kind.TIMESPAN: "TS", Kind.URI: "URI", Kind.VERSION: "Version"}.get(kind)
    if tag == "TS":
        return _leaf("TS", _duration(value))
    return _leaf(tag or "S", value if tag else escaped(str(value)))


def _list(kind: Kind, items: list[str], server: bool, references: Iterator[int]) -> ElementTree.Element:
    element = ElementTree.Element("Obj", RefId=str(next(references)))
    uri = kind is Kind.URI_LIST
    names = (
        (_MULTI_VALUED.format("Uri" if uri else "String"), "Microsoft.Exchange.Data.MultiValuedPropertyBase")
        if server
        else ("System.Collections.ArrayList",)
    )
    _types(element, *names, "System.Object", reference=str(next(references)))
    content = ElementTree.SubElement(element, "LST")
    for item in items:
        content.append(_leaf("URI", item) if server and uri else _nested(item, references))
    return element


def _nested(value: Any, references: Iterator[int]) -> ElementTree.Element:
    """A value in a list or a hash table."""
    if value is None:
        return ElementTree.Element("Nil")
    if not isinstance(value, (Mapping, list)):
        return _leaf("S", escaped(str(value)))
    element = ElementTree.Element("Obj", RefId=str(next(references)))
    is_table = isinstance(value, Mapping)
    _types(
        element,
        f"System.Collections.{'Hashtable' if is_table else 'ArrayList'}",
        "System.Object",
        reference=str(next(references)),
    )
    if not isinstance(value, Mapping):
        content = ElementTree.SubElement(element, "LST")
        content.extend(_nested(item, references) for item in value)
        return element
    table = ElementTree.SubElement(element, "DCT")
    for name, item in value.items():
        entry = ElementTree.SubElement(table, "En")
        for part, held in (("Key", _leaf("S", escaped(str(name)))), ("Value", _nested(item, references))):
            held.set("N", part)
            entry.append(held)
    return element


def _enumeration(value: str, references: Iterator[int]) -> ElementTree.Element:
    element = ElementTree.Element("Obj", RefId=str(next(references)))
    _types(
        element,
        "Microsoft.Exchange.Data.Enumeration",
        "System.Enum",
        "System.ValueType",
        "System.Object",
        reference=str(next(references)),
    )
    _text(element, "ToString", value)
    # The number means nothing to anybody: it only has to be there, and not to be the name.
    element.append(_leaf("I32", str(len(value) % 7)))
    return element


def _types(parent: ElementTree.Element, *names: str, reference: str) -> None:
    types = ElementTree.SubElement(parent, "TN", RefId=reference)
    for name in names:
        _text(types, "T", name)


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = escaped(text)


def _leaf(tag: str, text: str | None) -> ElementTree.Element:
    element = ElementTree.Element(tag)
    element.text = text or None
    return element


def _duration(text: str) -> str:
    """``7.00:00:00.5`` as XML's duration."""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)(\.\d+)?", text)
    if match is None:
        raise ValueError(f"not a TimeSpan: {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    date = f"{days}D" if days else ""
    parts = [f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number]
    if seconds or match[5]:
        parts.append(f"{seconds}{match[5] or ''}S")
    time = "".join(parts)
    return "P" + date + ("T" + time if time else "" if date else "T0S")
