# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants of the pure core: whether a test fails where a line says something else."""
