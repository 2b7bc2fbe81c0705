# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault search: random organizations, wishes and faults, and one law that holds in all of them."""
