# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks: ratios that are measured side by side in one run. Nothing here asserts a time."""
