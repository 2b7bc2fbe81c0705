# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the chart of many organizations from the figures in ``docs/performance.md``, which ``make bench`` writes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "performance", "font.size": 10})
from matplotlib import pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/docsite/rst/images/many_organizations.svg"


def rows(page: str, name: str) -> list[dict[str, str]]:
    """The rows of a measure's table."""
    text = page.partition(f"<!-- {name} -->\n")[2].partition("\n<!-- end -->")[0]
    head, _rule, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def draw(table: list[dict[str, str]]) -> None:
    """Time and memory over the number of organizations."""
    count = [int(row["organizations"]) for row in table]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")
    left.plot(count, [float(row["wall, s"]) for row in table], "o-", label="wall")
    left.plot(
        count,
        [float(row["CPU an organization, s"]) * number for row, number in zip(table, count, strict=True)],
        "s--",
        label="processor",
    )
    left.set(title="An audit, seconds", xlabel="organizations")
    for column, style, label in (
        ("memory of all processes, MiB", "o-", "all processes"),
        ("core's own task, MiB", "s--", "of which Ansible's own"),
        ("of which the broker, MiB", "^:", "of which the session broker"),
    ):
        right.plot(count, [float(row[column]) for row in table], style, label=label)
    right.set(title="Memory with 10 forks, MiB", xlabel="organizations")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    table = rows((ROOT / "docs/performance.md").read_text(encoding="utf-8"), "organizations")
    draw([row for row in table if row["forks"] == "10"])
