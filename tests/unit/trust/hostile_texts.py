# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
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
