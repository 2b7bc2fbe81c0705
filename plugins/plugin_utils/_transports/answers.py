# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer must hold to count as one, cmdlet by cmdlet. All wires end here.

An empty answer of a read whose object always exists says that something was lost on the way,
not that the organization has none. A write that answers otherwise than its cmdlet does was perhaps not carried out, or
not to its end: it is read back. Source: the cmdlets' documented outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import ProtocolError
from .retry import Executed, Failure, Outcome

#: Reads that bring at least one object from every organization, where they are not asked for one by name.
_NEVER_EMPTY = frozenset(
    {
        "get-organizationconfig",
        "get-omeconfiguration",
        "get-irmconfiguration",
        "get-activesyncorganizationsettings",
        "get-transportconfig",
        "test-irmconfiguration",
    }
)

#: How many objects each write may answer with. What creates shows what it has made; a revocation says so in a text.
_OBJECTS_OF_WRITES: Mapping[str, int] = {
    "new-omeconfiguration": 1,
    "set-omeconfiguration": 0,
    "remove-omeconfiguration": 0,
    "set-irmconfiguration": 0,
    "set-activesyncorganizationsettings": 0,
    "new-transportrule": 1,
    "set-transportrule": 0,
    "remove-transportrule": 0,
    "enable-transportrule": 0,
    "disable-transportrule": 0,
    "set-owamailboxpolicy": 0,
    "set-mobiledevicemailboxpolicy": 0,
    "set-omemessagerevocation": 1,
}


#: What Exchange says of a list that it has cut. Source: captured answers of the admin API; PowerShell passes it on.
_CUT = "There are more results available than are currently displayed"


def is_of_a_part(warning: str) -> bool:
    """Whether a warning says that a list is only a part of one."""
    return _CUT in warning


def incomplete(call: Call, reason: str) -> Result:
    """The result of a list that is not whole."""
    error = ProtocolError(
        f"Exchange returned only a part of the list: {reason}.",
        remedy="The collection does not use partial lists. Run the task again, or use the transport psrp.",
    )
    error.cmdlet = call.cmdlet
    return Result(error=error)


def judged(call: Call, outcome: Outcome) -> Outcome:
    """The outcome of a try, unless its answer cannot be the cmdlet's, or is an error that does not say clearly that a
    write was not carried out: then the failure that it is.
    """
    if isinstance(outcome, Failure):
        return outcome
    if outcome.error is not None:
        unclear = not call.is_read and not outcome.error.refuses
        return Failure(outcome.error, Executed.UNKNOWN, retryable=False) if unclear else outcome
    if call.is_read and any(map(is_of_a_part, outcome.warnings)):
        return incomplete(call, "Exchange says that there is more")
    cmdlet = call.cmdlet.lower()
    if cmdlet in _NEVER_EMPTY and "Identity" not in call.parameters and not outcome.objects:
        return Failure(
            ProtocolError(
                "Exchange returned an empty response to a cmdlet that always returns something.", cmdlet=call.cmdlet
            ),
            Executed.UNKNOWN,
        )
    if not call.is_read and len(outcome.objects) > _OBJECTS_OF_WRITES.get(cmdlet, 1):
        return Failure(
            ProtocolError("the response contains objects that this cmdlet does not return.", cmdlet=call.cmdlet),
            Executed.UNKNOWN,
        )
    return outcome
