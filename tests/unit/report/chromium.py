# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a page in headless Chromium.

The page lies in a frame of the wanted width, because a window cannot be as narrow as a phone. The frame's parent is
ours and may run a script, so the page needs none to be measured.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

# WCAG's contrast of every text that is seen, against what is painted behind it.
MEASURE = """
const frame = document.querySelector('iframe');
const shades = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return {r, g, b, a}; };
const part = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = ({r, g, b}) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
const behind = (element, view) => {
  for (; element; element = element.parentElement) {
    const found = shades(view.getComputedStyle(element).backgroundColor);
    if (found.a === 1) return found;
  }
  return null;
};
addEventListener('load', () => {
  const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  const faint = [], wide = [], parts = [];
  let texts = 0;
  for (const element of page.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (box.width && box.right > view.innerWidth + 0.5) wide.push(element.outerHTML.slice(0, 120));
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    texts += 1;
    if (element.matches('.command span')) parts.push([element.textContent, [...element.getClientRects()].length, box.height]);
    const background = behind(element, view);
    if (!background) { faint.push('no background: ' + element.outerHTML.slice(0, 120)); continue; }
    const [low, high] = [light(background), light(shades(view.getComputedStyle(element).color))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(contrast.toFixed(2) + ' ' + element.outerHTML.slice(0, 120));
  }
  const said = {
    title: page.title, parts, texts, faint, wide, height: root.scrollHeight, scroll_width: root.scrollWidth, inner_width: view.innerWidth,
    dark: view.matchMedia('(prefers-color-scheme: dark)').matches, background: view.getComputedStyle(root).backgroundColor,
    requests: view.performance.getEntriesByType('resource').map(entry => entry.name), scripts: page.scripts.length,
  };
  document.querySelector('#said').textContent = JSON.stringify(said);
});
"""


def _run(directory: Path, *arguments: str, dark: bool = False) -> str:
    assert PROGRAM
    program = [
        PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files",
        f"--user-data-dir={directory / 'profile'}", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
    ]  # fmt: skip
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _frame(directory: Path, page: str, width: int, height: int) -> Path:
    (directory / "page.html").write_text(page, encoding="utf-8")
    wrapper = directory / f"frame{width}.html"
    wrapper.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        "<style>body { margin: 0 } iframe { border: 0; display: block }</style>"
        f'<iframe src="page.html" width="{width}" height="{height}"></iframe><pre id="said" hidden></pre><script>{MEASURE}</script>',
        encoding="utf-8",
    )
    return wrapper


def measure(directory: Path, page: str, width: int, *, dark: bool = False) -> dict[str, Any]:
    """What the page looks like at this width in pixels: its size, texts of too little contrast, requests that it made."""
    dom = _run(
        directory, "--virtual-time-budget=10000", "--dump-dom", _frame(directory, page, width, 800).as_uri(), dark=dark
    )
    found = re.search(r'<pre id="said" hidden="">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[-2000:]
    said: dict[str, Any] = json.loads(html.unescape(found[1]))
    return said


def picture(directory: Path, page: str, width: int, height: int, to: Path, *, dark: bool = False) -> None:
    """A PNG of the page's upper part."""
    wrapper = _frame(directory, page, width, height)
    _run(directory, f"--window-size={max(width, 500)},{height}", f"--screenshot={to}", wrapper.as_uri(), dark=dark)


def pdf(directory: Path, page: str, to: Path) -> None:
    """The page as it is printed."""
    (directory / "page.html").write_text(page, encoding="utf-8")
    _run(directory, "--no-pdf-header-footer", f"--print-to-pdf={to}", (directory / "page.html").as_uri())
