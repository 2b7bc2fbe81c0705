# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a page is looked at."""

from __future__ import annotations

import pytest

#: Widths, and whether the page is dark. No width has colors of its own, and no theme a layout, so each is seen once;
#: "make test-all" sees both themes over both widths.
SCREENS = [
    pytest.param(1280, False, id="1280-light"),
    pytest.param(390, True, id="390-dark"),
    pytest.param(1280, True, id="1280-dark", marks=pytest.mark.matrix),
    pytest.param(390, False, id="390-light", marks=pytest.mark.matrix),
]
