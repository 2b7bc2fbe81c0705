# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner of a test tenant asks a real Exchange what nobody has written down.

    make live ORGANIZATION=contoso.onmicrosoft.com CONFIRM=contoso.onmicrosoft.com

See docs/docsite/rst/fidelity.rst for what it touches and which variables it takes.
"""
