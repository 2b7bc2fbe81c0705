# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that is really sent to an emulated organization: how it comes in, what the organization makes of it, and what can
be seen of it afterwards.

The mail flow (:mod:`..mail_flow`) decides, in the one world that the organization's answers make of all that are
possible.
"""
