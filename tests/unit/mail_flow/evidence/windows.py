# SPDX-License-Identifier: GPL-3.0-or-later
"""A window of traced mail."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    microseconds_of,
)

NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
UNTIL = NOW - datetime.timedelta(hours=24)
WINDOW = Window(UNTIL - datetime.timedelta(days=7), UNTIL)


def row(number: int, recipient: str = "ann@fabrikam.com", **others: Any) -> Row:
    said = {
        "message": f"m{number}",
        "received": microseconds_of(UNTIL - datetime.timedelta(hours=1, minutes=number)),
        "sender": "megan@contoso.com",
    }
    return Row(
        **{
            **said,
            "recipient": recipient,
            "status": "Delivered",
            "subject": f"Subject {number}",
            "size": 1000,
            "from_ip": NO_HOP,
            **others,
        }
    )


def traced(rows: Iterable[Row]) -> Trace:
    trace = Trace()
    for each in rows:
        trace.add(each)
    return trace
