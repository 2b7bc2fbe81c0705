# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the screenshot of a report for the README and the documentation: the plan's report from ``make demo``.

Shortens the path of the demo's inventory, which differs between machines, and changes nothing else.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.unit.report import chromium  # noqa: E402 (the checkout must be on the path first)

DEMO = ROOT / "build/demo"
PICTURE = ROOT / "docs/docsite/rst/images/report.png"
WIDTH, HEIGHT = 1120, 895


def main() -> None:
    if not chromium.PROGRAM:
        sys.exit("Install Chromium or Chrome. It is needed to draw the report.")
    reports = sorted((DEMO / "message_encryption/runs").glob("*-baseline-*/contoso/report.html"))
    if not reports:
        sys.exit("Run 'make demo' first. The picture shows the report of its check.")
    page = reports[0].read_text(encoding="utf-8").replace(f"{DEMO}/rest.yml", "inventory.yml")
    with tempfile.TemporaryDirectory() as directory:
        drawn = Path(directory) / "report.png"
        chromium.picture(Path(directory), page, WIDTH, HEIGHT, drawn)
        data = io.BytesIO()
        # The report needs only 64 colors, which take a third of the bytes.
        Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    PICTURE.write_bytes(data.getvalue())
    print(f"{PICTURE.relative_to(ROOT)}: {len(data.getvalue()) // 1024} KB")


if __name__ == "__main__":
    main()
