# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The common options of the role's modules."""

    DOCUMENTATION = r"""
options:
  procedure:
    description:
      - The procedure of the role that the task belongs to.
    type: str
    required: true
    choices: [baseline, audit, snapshot, rollback, disable]
  variables:
    description:
      - The variables of the role, by their full names. An error names all invalid ones at once. V(null) leaves a control unmanaged.
      - The default is the host's variables that begin with C(hardened_baseline_).
    type: dict
  awx:
    description:
      - What AWX reports about the job, such as C(job_id) and C(user); empty elsewhere. Without this option, it is taken from the variables that AWX sets.
    type: dict
    default: {}
"""

    TAGS = r"""
options:
  run_tags:
    description:
      - The tags of the run (C(ansible_run_tags)). If they include IDs of controls, only these controls are managed.
    type: list
    elements: str
    default: []
  skip_tags:
    description:
      - The tags that the run skips (C(ansible_skip_tags)). If they include IDs of controls, these controls are not managed.
    type: list
    elements: str
    default: []
"""
