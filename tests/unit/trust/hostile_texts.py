# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that mean something to a program they pass through."""

from __future__ import annotations

HOSTILE = [
    'it\'s "quoted" \u2018typographic\u2019 \u201ctoo\u201d',
    "$(Remove-TransportRule *) ${env:PATH} `$x `n",
    "'; Remove-TransportRule x; '",
    "{{ lookup('pipe', 'id') }} {% raw %} {# #}",
    "_x0000_ _x000D__x000A_ _X005F_",
    ']]> <!-- --> &amp; &#0; <S N="V">',
    "\r\n\t line\rbreaks \u2028 \u202e right to left",
    "😀 \U0010ffff \ufffd é",
    "@odata.type #Int32 [System.String]",
]
