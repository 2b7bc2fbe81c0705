# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an organization for a run, in one round trip. Private to the collection."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import (
    changes_mail,
    read_with_people,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.overview import (
    MOST_ORGANIZATIONS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.context import (
    BaselineContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import (
    Procedure,
    Takes,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    MAIL_FACTS,
    SUBSETS,
    UNREAD,
    Organization,
    read,
)

#: What every procedure reads: neither what the session may run nor what only answers about mail need.
READ = [subset for subset in SUBSETS if subset not in ("exported_cmdlets", *MAIL_FACTS)]


def read_organization(task: BaselineContext, procedure: Procedure, *, keeps: bool) -> Organization:
    """The organization, read in one round trip. The cmdlets of the session and facts about mail are read only if there
    is a plan that needs them, and those whom rules name only with these facts.

    :param keeps: whether a snapshot may be stored. Everything that can be read belongs to the capture beside it.
    """
    if keeps and procedure.takes_snapshot is Takes.ALWAYS:
        return read_with_people(task.session, UNREAD, SUBSETS, procedure.promised)
    facts = (
        MAIL_FACTS if overlooks(task, procedure) else [subset for subset in MAIL_FACTS if subset in procedure.subsets]
    )
    organization = read(task.session, [subset for subset in SUBSETS if subset in READ or subset in facts], fresh=True)
    try:
        plan = procedure.plan(organization, check_mode=True)
        pending, mail = bool(plan.steps), changes_mail(plan.changes)
    except ExchangeError:
        plan, pending, mail = Plan(), True, True
    mail = mail or (keeps and pending and procedure.takes_snapshot is Takes.BEFORE_WRITING)
    more = [*(["exported_cmdlets"] if pending else []), *(MAIL_FACTS if mail else ())]
    return read_with_people(task.session, organization, [*organization.subsets, *more], procedure.promised, plan)


def overlooks(task: BaselineContext, procedure: Procedure) -> bool:
    """Whether the run says what the organization does today."""
    return procedure.overviews and len(task.hosts) <= MOST_ORGANIZATIONS
