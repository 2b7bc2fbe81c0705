# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIXML, PowerShell's serialization: typed parameter values out, returned objects into canonical form.

Pure. Sources: [MS-PSRP] 2.2.5 for the elements; docs/docsite/rst/fidelity.rst, "The wires",
for what real servers send.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from ...module_utils._exchange.cmdlet import Value
from . import decode as _decode
from .encode import sortable

#: Where our reference numbers begin, out of the way of those that pypsrp counts from nought in the same message.
_FIRST_REFERENCE = 1_000_000
#: What XML can't hold or would change, and an underscore that could be taken for an escape.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=[xX])")
_ESCAPE = re.compile("_[xX]([0-9a-fA-F]{4})_")
#: What remoting itself adds to each object; it says nothing about Exchange.
_NOISE = ("PSComputerName", "PSShowComputerName", "PSSourceJobInstanceId", "RunspaceId")
_DEEPEST = 50


class ValueTooLargeError(ValueError):
    """A value that no type of the wire holds."""


def encode(value: Value, references: Iterator[int] | None = None) -> ElementTree.Element:
    """A value as a typed element. Nothing in it can be taken for script.

    :raises ValueTooLargeError: an integer of more than 64 bits.
    """
    references = references or itertools.count(_FIRST_REFERENCE)
    if value is None:
        return ElementTree.Element("Nil")
    if isinstance(value, bool):
        return _leaf("B", "true" if value else "false")
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueTooLargeError("an integer of more than 64 bits cannot be sent")
        return _leaf("I32" if -(2**31) <= value < 2**31 else "I64", str(int(value)))
    if isinstance(value, float):
        return _leaf("Db", repr(value))
    if isinstance(value, str):
        return _leaf("S", escape(value))
    if isinstance(value, bytes):
        return _leaf("BA", base64.b64encode(value).decode("ascii"))
    if isinstance(value, datetime.datetime):
        return _leaf("DT", sortable(value))
    if isinstance(value, Mapping):
        element = _object(references, "System.Collections.Hashtable")
        table = ElementTree.SubElement(element, "DCT")
        for key, item in value.items():
            entry = ElementTree.SubElement(table, "En")
            for name, part in (("Key", encode(str(key), references)), ("Value", encode(item, references))):
                part.set("N", name)
                entry.append(part)
        return element
    element = _object(references, "System.Collections.ArrayList")
    content = ElementTree.SubElement(element, "LST")
    for item in value:
        content.append(encode(item, references))
    return element


def escape(text: str) -> str:
    """Text as CLIXML holds it: UTF-16 units in hexadecimal for what XML can't."""
    return _UNSAFE.sub(lambda match: f"_x{ord(match[0]):04X}_", str(text))


def unescape(text: str) -> str:
    """The text that was escaped; pairs of surrogates become their character."""
    if "_x" not in text and "_X" not in text:
        return text
    units = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if _paired(units) else units


def decode(text: str) -> dict[str, Any]:
    """One returned object in canonical form: see ``Result``.

    :raises ValueError: it is no CLIXML of an object.
    """
    if "<!" in text:
        raise ValueError("a document type or an entity, which CLIXML never has")
    try:
        value = _Decoder().value(ElementTree.fromstring(text), 0)  # noqa: S314 (document types are refused above)
    except (ElementTree.ParseError, binascii.Error, OverflowError) as error:
        raise ValueError(f"not CLIXML ({type(error).__name__})") from None
    if not isinstance(value, dict):
        return {"value": value}
    return {name: item for name, item in value.items() if name not in _NOISE}


class _Decoder:
    """Decodes one document; it holds the objects and type names that are referred to later."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}
        self._types: dict[str, list[str]] = {}

    def value(self, element: ElementTree.Element, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("an object that is nested too deeply")
        reference = element.get("RefId", "")
        if element.tag == "Obj":
            self._objects[reference] = None  # what an object that contains itself shows of itself
            value = self._object(element, depth)
            self._objects[reference] = value
            return value
        if element.tag == "Ref":
            if reference not in self._objects:
                raise ValueError("a reference to an object that is not there")
            return self._objects[reference]
        decode_leaf = _LEAVES.get(element.tag)
        if decode_leaf is None:
            raise ValueError(f"an unknown element {element.tag[:40]!r}")
        return decode_leaf(element.text or "")

    def _object(self, element: ElementTree.Element, depth: int) -> Any:
        types = self._names(element)
        shown = element.find("ToString")
        text = None if shown is None else unescape(shown.text or "")
        properties: dict[str, Any] = {}
        inner: list[Any] = []
        collection: list[Any] | dict[str, Any] | None = None
        for child in element:
            if child.tag in ("TN", "TNRef", "ToString"):
                continue
            if child.tag in ("LST", "QUE", "STK", "IE"):
                collection = [self.value(item, depth + 1) for item in child]
            elif child.tag == "DCT":
                collection = self._table(child, depth)
            elif child.tag in ("Props", "MS"):
                for item in child:
                    properties[unescape(item.get("N", ""))] = self.value(item, depth + 1)
            else:
                inner.append(self.value(child, depth + 1))
        if collection is not None:
            return collection  # its properties, such as its length, are only what others may refer to
        if inner:
            # An enumeration is its number with its name beside it; anything else is a value that somebody hung
            # properties on.
            named = isinstance(inner[0], int) and not isinstance(inner[0], bool) and text is not None
            return text if named else inner[0]
        if depth and text is not None and not any(name.endswith("PSCustomObject") for name in types):
            return text  # sizes, identities and the like: what they are called, not what they are made of
        return properties

    def _table(self, element: ElementTree.Element, depth: int) -> dict[str, Any]:
        table = {}
        for entry in element:
            parts = {part.get("N"): part for part in entry}
            if set(parts) != {"Key", "Value"}:
                raise ValueError("a dictionary entry without key or value")
            table[str(self.value(parts["Key"], depth + 1))] = self.value(parts["Value"], depth + 1)
        return table

    def _names(self, element: ElementTree.Element) -> list[str]:
        names = element.find("TN")
        if names is not None:
            type_names = [name.text or "" for name in names]
            self._types[names.get("RefId", "")] = type_names
            return type_names
        reference = element.find("TNRef")
        return [] if reference is None else self._types.get(reference.get("RefId", ""), [])


def _decimal(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _bytes(text: str) -> str:
    return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode("ascii")


_LEAVES: dict[str, Callable[[str], Any]] = {
    "Nil": lambda text: None,
    "B": lambda text: text.strip().lower() == "true",
    "DT": _decode.instant,
    "TS": _decode.timespan,
    "BA": _bytes,
    "G": lambda text: text.strip().lower(),
    "C": lambda text: chr(int(text)),
    "SS": lambda text: None,
    **dict.fromkeys(("S", "URI", "Version", "XD", "SBK"), unescape),
    **dict.fromkeys(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int),
    **dict.fromkeys(("Sg", "Db", "D"), _decimal),
}


def _leaf(tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag)
    element.text = text
    return element


def _object(references: Iterator[int], name: str) -> ElementTree.Element:
    element = ElementTree.Element("Obj", RefId=str(next(references)))
    types = ElementTree.SubElement(element, "TN", RefId=str(next(references)))
    for type_name in (name, "System.Object"):
        ElementTree.SubElement(types, "T").text = type_name
    return element


def _paired(text: str) -> bool:
    return any("\ud800" <= character <= "\udbff" for character in text)
