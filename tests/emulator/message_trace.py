# SPDX-License-Identifier: GPL-3.0-or-later
"""The message trace. Source: Microsoft's page of Get-MessageTraceV2; the text of the warning as scripts that page by it
quote it.
"""

from __future__ import annotations

import datetime
import math
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import properties
from .context import Context
from .errors import refused
from .values import parse_instant, stored_instant

#: So many queries in so many seconds, days of a query, and days that rows are kept.
QUERIES, SECONDS, LONGEST, KEPT = 100, 300, 10, 90
#: The recipients of a message that a query without MessageTraceId shows. The page says only that more of them require
#: it.
CROWD = 1000

_MORE = "There are more results, use the following command to get more."


def row(number: int, received: datetime.datetime, sender: str, recipient: str, **others: Any) -> dict[str, Any]:
    """A row, with whatever else it shall have: ``Subject``, ``Status``, ``Size``, ``FromIP``, ``ToIP``. Of ``Late: n``
    the first ``n`` queries see nothing.
    """
    trace = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"trace-{number}"))
    said = {
        "MessageId": f"<{trace}@mail.invalid>",
        "Subject": "",
        "Status": "Delivered",
        "Size": 20_000,
        "FromIP": "255.255.255.255",
        "ToIP": None,
    }
    return {
        "MessageTraceId": trace,
        "Received": stored_instant(received),
        "SenderAddress": sender,
        "RecipientAddress": recipient,
        **said,
        **others,
    }


def a_week(people: Sequence[str], copies: int = 600) -> list[dict[str, Any]]:
    """Made mail of a week, the same each time but for its dates: people write to each other, to two partners and to
    customers, and get mail from outside.
    """
    chance = random.Random(3)
    now = datetime.datetime.now(datetime.UTC)
    outside = [
        f"{name}@{domain}"
        for domain in ("fabrikam.com", "northwind.com", "customer.example")
        for name in ("ann", "joe", "sales")
    ]
    subjects = ["Offer", "Invoice", "Lunch", "[secure] Contract", "Confidential: salaries", "Minutes"]
    rows = []
    for number in range(copies):
        leaves, received = (
            chance.random() < 0.7,
            now - datetime.timedelta(hours=5, minutes=chance.randrange(7 * 24 * 60)),
        )
        sender = chance.choice(people if leaves else outside)
        recipient = chance.choice(outside if leaves and chance.random() < 0.7 else people)
        hop = {} if leaves else {"FromIP": "203.0.113.25"}
        rows.append(
            row(
                number,
                received,
                sender,
                recipient,
                Subject=chance.choice(subjects),
                Size=chance.randrange(5_000, 3_000_000),
                **hop,
            )
        )
    return rows


def get_message_trace(context: Context) -> None:
    """Newest first; of one instant by recipient. What one page cannot hold comes with a warning that has the next
    command in it.
    """
    asked = context.parameters
    now = datetime.datetime.now(datetime.UTC)
    start, end = _window(asked, now)
    _keep_quota(context.state["message_trace_queries"], context.state["message_trace_quota"])
    limit = asked.get("ResultSize") or 1000
    if not 1 <= limit <= 5000:
        raise refused("The ResultSize must be from 1 to 5000.")
    first = str(asked.get("StartingRecipientAddress") or "").lower()
    rows = [
        each for each in context.state["message_trace"] if _is_meant(each, asked) and _is_there(each, context.state)
    ]
    rows = rows if asked.get("MessageTraceId") else list(_without_crowds(rows))
    rows = [
        each
        for each in rows
        if start <= each["Received"] < end
        or (each["Received"][:19] == end[:19] and each["RecipientAddress"].lower() >= first)
    ]
    rows.sort(key=lambda each: (each["RecipientAddress"].lower(), each["MessageTraceId"]))
    rows.sort(key=lambda each: each["Received"], reverse=True)
    for each in rows[:limit]:
        context.emit(properties.MESSAGE_TRACE, {**each, "StartDate": start, "EndDate": end, "Index": None})
    if len(rows) > limit:
        last = rows[limit - 1]
        command = f'Get-MessageTraceV2 -StartDate "{start}" -EndDate "{last["Received"]}" -StartingRecipientAddress "{last["RecipientAddress"]}"'
        context.outcome.warnings.append(f"{_MORE} {command} -ResultSize {limit}")


def _window(asked: Mapping[str, Any], now: datetime.datetime) -> tuple[str, str]:
    if bool(asked.get("StartDate")) is not bool(asked.get("EndDate")):
        raise refused("StartDate and EndDate must be given together.")
    end = parse_instant(asked["EndDate"]) if asked.get("EndDate") else now
    start = parse_instant(asked["StartDate"]) if asked.get("StartDate") else now - datetime.timedelta(hours=48)
    if start >= end:
        raise refused("The StartDate must be before the EndDate.")
    if end - start > datetime.timedelta(days=LONGEST):
        raise refused(f"The time between StartDate and EndDate must be {LONGEST} days or less.")
    if start < now - datetime.timedelta(days=KEPT, minutes=5):
        raise refused(f"The StartDate can't be earlier than {KEPT} days ago.")
    return stored_instant(start), stored_instant(end)


def _keep_quota(queries: list[float], most: int) -> None:
    """Refuses the query that is one too many; nobody has said with which words."""
    if seconds_to_wait(queries, most):
        raise refused(
            "You have exceeded the number of queries that are allowed in 5 minutes. Please wait and try again."
        )


def seconds_to_wait(queries: list[float], most: int) -> int:
    """Counts a query; for one that is one too many, it says after how many seconds another is allowed instead."""
    now = time.time()
    queries[:] = [each for each in queries if now - each < SECONDS]
    if len(queries) >= most:
        return math.ceil(queries[0] + SECONDS - now)
    queries.append(now)
    return 0


def _without_crowds(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows without those of a message's many recipients that only its MessageTraceId shows."""
    shown: Counter[str] = Counter()
    for each in sorted(rows, key=lambda each: str(each["RecipientAddress"]).lower()):
        shown[each["MessageTraceId"]] += 1
        if shown[each["MessageTraceId"]] <= CROWD:
            yield each


def _is_there(each: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a row has come by now: some come late, by a number of queries or by a time."""
    late: int = each.get("Late", 0)
    return len(state["message_trace_queries"]) > late and is_seen(each)


def is_seen(each: Mapping[str, Any]) -> bool:
    """Whether the time has come from which a row is seen."""
    return str(each.get("SeenFrom", "")) <= stored_instant(datetime.datetime.now(datetime.UTC))


def _is_meant(each: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    for name in ("SenderAddress", "RecipientAddress", "MessageId", "Status"):
        if asked.get(name) and str(each[name]).lower() not in {str(value).lower() for value in asked[name]}:
            return False
    return all(
        not asked.get(name) or str(each[name]).lower() == str(asked[name]).lower()
        for name in ("MessageTraceId", "FromIP", "ToIP")
    )
