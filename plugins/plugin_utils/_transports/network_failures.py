# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request that failed below HTTP means: why, whether it was carried out, and whether another try may end better.

Judged by the names of the exceptions of requests and urllib3; their texts are not shown,
because they may quote addresses with credentials.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...module_utils._exchange.errors import ExchangeError, ProtocolError, ServiceError, UnreachableError
from .retry import Executed, Failure


@dataclass(frozen=True)
class Names:
    """What an error tells to check, which differs between the wires.

    :param trust: the variable with certificate authorities.
    :param address: the variable with the address.
    :param proxy: the variable with the proxy.
    :param late: a sentence for an answer that did not come in time.
    """

    trust: str
    address: str
    proxy: str
    late: str


@dataclass(frozen=True)
class _NetworkFailure:
    marks: frozenset[str]
    error: type[ExchangeError]
    text: str
    remedy: str
    executed: Executed
    retryable: bool


#: What proves of a ``ProxyError`` that nothing went through the proxy: it was not reached, it refused the tunnel, or it
#: does not speak TLS. urllib3 also raises one where the connection is lost after the request was sent.
_PROXY_NOT_REACHED = frozenset({"NewConnectionError", "NewConnectionDisabled", "ConnectTimeoutError", "gaierror"})
_PROXY_REFUSED = re.compile("Tunnel connection failed|proxy appears to only use HTTP")

#: The most telling first.
_FAILURES = (
    _NetworkFailure(
        frozenset({"SSLCertVerificationError"}),
        UnreachableError,
        "the TLS certificate of {where} is not trusted{reason}.",
        "Set {trust} to the certificate authority.",
        Executed.NO,
        False,
    ),
    _NetworkFailure(
        frozenset({"InvalidURL", "InvalidSchema", "MissingSchema", "InvalidProxyURL", "LocationParseError"}),
        UnreachableError,
        "the address of {where} is not valid.",
        "Check {address} and {proxy}.",
        Executed.NO,
        False,
    ),
    _NetworkFailure(
        frozenset({"ProxyError"}),
        UnreachableError,
        "the proxy did not connect to {where}.",
        "Check {proxy}, or HTTPS_PROXY in the environment if it is not set.",
        Executed.NO,
        True,
    ),
    _NetworkFailure(
        frozenset({"NameResolutionError", "gaierror"}),
        UnreachableError,
        "the host name of {where} cannot be resolved.",
        "Check DNS, {proxy} if there is a proxy, and {address} if you set it.",
        Executed.NO,
        True,
    ),
    _NetworkFailure(
        frozenset({"NewConnectionError", "NewConnectionDisabled", "ConnectTimeout", "ConnectTimeoutError"}),
        UnreachableError,
        "{where} cannot be reached.",
        "Check the network, the firewall, and {address} if you set it.",
        Executed.NO,
        True,
    ),
    _NetworkFailure(
        frozenset({"TooSlowError"}),
        ServiceError,
        "{where} did not respond in time.",
        "{late}",
        Executed.NO,  # it is raised before anything is sent, once the time is over
        False,
    ),
    _NetworkFailure(
        frozenset({"TooLargeError"}),
        ProtocolError,
        "the response from {where} is too large ({text}).",
        "If the organization is really that large, please report it.",
        Executed.UNKNOWN,
        False,
    ),
    _NetworkFailure(
        frozenset({"CutError"}), ProtocolError, "the response from {where} is truncated.", "", Executed.UNKNOWN, True
    ),
    _NetworkFailure(
        frozenset({"ReadTimeout", "ReadTimeoutError"}),
        ServiceError,
        "{where} did not respond in time.",
        "{late}",
        Executed.UNKNOWN,
        True,
    ),
    # Also where a proxy answers with a page instead of opening the tunnel.
    _NetworkFailure(
        frozenset({"SSLError", "SSLEOFError"}),
        ServiceError,
        "the TLS connection to {where} failed.",
        "If there is a proxy, check {proxy}, or HTTPS_PROXY in the environment. Check {address} if you set it.",
        Executed.UNKNOWN,
        True,
    ),
)


def network_failure(error: BaseException, where: str, names: Names, *, late: bool = False) -> Failure:
    """The failure that an exception of requests, urllib3, the system or the limits means.

    :param late: whether the time of the call was over, which shuts its connections.
    """
    failure = _failure_of(error, where, names)
    if not late:
        return failure
    slow = ServiceError(f"{where} did not respond in time.", remedy=names.late)
    return Failure(slow, failure.executed, retryable=False)


def _failure_of(error: BaseException, where: str, names: Names) -> Failure:
    kinds: set[str] = set()
    text = ""
    current: BaseException | None = error
    for _depth in range(10):
        if current is None:
            break
        kinds.add(type(current).__name__)
        text += f" {current}"
        nested = getattr(current, "reason", None) or next(
            (item for item in current.args if isinstance(item, BaseException)), None
        )
        current = nested if isinstance(nested, BaseException) else current.__cause__ or current.__context__
    if path := re.search(r"suitable TLS CA certificate bundle, invalid path: (.+)", text):
        unreadable = UnreachableError(
            f"the file with certificate authorities {path[1].strip()} cannot be read.",
            remedy=f"Check {names.trust}, and the environment variables REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
        )
        return Failure(unreadable, Executed.NO, retryable=False)
    match = re.search(r"certificate verify failed: ([^(]+)", text)
    reason = f" ({match[1].strip()})" if match else ""
    if not (kinds & _PROXY_NOT_REACHED or _PROXY_REFUSED.search(text)):
        kinds.discard("ProxyError")
    for failure in _FAILURES:
        if kinds & failure.marks:
            message = failure.text.format(where=where, reason=reason, text=str(error))
            return Failure(
                failure.error(message, remedy=failure.remedy.format(**vars(names))), failure.executed, failure.retryable
            )
    return Failure(ServiceError(f"the connection to {where} was lost."), Executed.UNKNOWN)
