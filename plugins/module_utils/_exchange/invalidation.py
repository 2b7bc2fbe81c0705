# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reads a write may change."""

from __future__ import annotations

from .cmdlet import Call

#: The noun of the reads that any write may change, and of writes that may change every read.
EVERYTHING = ""

#: Noun of a write to the nouns of the reads that it may change. Any other write may change everything.
_TOUCHED = {
    # Licensing decides which templates there are, and brings the default OME configuration.
    "irmconfiguration": frozenset({"irmconfiguration", "rmstemplate", "omeconfiguration"}),
    # A rule may apply a configuration.
    "omeconfiguration": frozenset({"omeconfiguration", "transportrule"}),
    "transportrule": frozenset({"transportrule"}),
    "activesyncorganizationsettings": frozenset({"activesyncorganizationsettings"}),
    "owamailboxpolicy": frozenset({"owamailboxpolicy"}),
    "mobiledevicemailboxpolicy": frozenset({"mobiledevicemailboxpolicy"}),
}


def noun(call: Call) -> str:
    """What a call is about: the cmdlet's name without its verb, in lower case."""
    return call.cmdlet.partition("-")[2].lower()


def touched(write: Call) -> frozenset[str]:
    """The nouns of the reads whose results a write may change; :data:`EVERYTHING` is among them if any read's may."""
    return _TOUCHED.get(noun(write), frozenset({EVERYTHING}))


def may_change(write: Call, read: Call) -> bool:
    """Whether a write may change the result of a read."""
    return not touched(write).isdisjoint({EVERYTHING, noun(read)})
