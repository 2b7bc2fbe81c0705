# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation site. The pages come from the plugins themselves and from docsite/rst.

The repository shows the pages in docsite/rst as they are, so they have plain links to each other's files, and name modules as code. Here the
links lead to the site's pages, and the names to the modules' pages.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from docutils import nodes
from sphinx.util import logging

_FILE = re.compile(r"([\w/]+)\.rst(#.+)?")

project = "m365.message_encryption"
title = "Ansible collection m365.message_encryption"
html_short_title = title
copyright = "the m365.message_encryption contributors"

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/projects/ansible/latest/", None)}
intersphinx_timeout = 10

default_role = "any"
pygments_style = "ansible"
highlight_language = "YAML+Jinja"

html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_smartypants = True
html_use_modindex = False
html_use_index = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]


def _link(app: Any, document: nodes.document, page: str) -> None:
    """Turns links to files into links to pages, and links names of modules. A link to no page is a warning, which ends
    the build.
    """
    if not page.startswith("docsite/"):
        return
    pages = app.env.found_docs
    for link in document.findall(nodes.reference):
        file = _FILE.fullmatch(link.get("refuri", ""))
        if not file:
            continue
        target = posixpath.join(posixpath.dirname(page), file[1])
        if target not in pages:
            logging.getLogger(__name__).warning("%s is no page", link["refuri"], location=link)
            continue
        link["refuri"] = app.builder.get_relative_uri(page, target) + (file[2] or "")
        link["internal"] = True
    for name in list(document.findall(nodes.literal)):
        module = f"{name.astext().removeprefix('m365.message_encryption.')}_module"
        if module in pages and not isinstance(name.parent, nodes.reference | nodes.title):
            address = app.builder.get_relative_uri(page, module)
            name.replace_self(nodes.reference("", "", name.deepcopy(), refuri=address, internal=True))


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("doctree-resolved", _link)
