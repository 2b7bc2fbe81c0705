# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner of a test tenant asks a real Exchange what nobody has written down.

    make live ORGANIZATION=contoso.onmicrosoft.com CONFIRM=contoso.onmicrosoft.com

See docs/docsite/rst/fidelity.rst for what it touches and which variables it takes.
"""
