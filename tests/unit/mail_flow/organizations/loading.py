# SPDX-License-Identifier: GPL-3.0-or-later
"""Every organization, by its name."""

from __future__ import annotations

from tests.unit.mail_flow.organizations.bank import BANK
from tests.unit.mail_flow.organizations.hospital import HOSPITAL
from tests.unit.mail_flow.organizations.municipality import MUNICIPALITY
from tests.unit.mail_flow.organizations.organization import Organization
from tests.unit.mail_flow.organizations.small import SMALL
from tests.unit.mail_flow.organizations.university import UNIVERSITY

#: Those with one domain, of whose mail a trace tells how it is protected.
ORGANIZATIONS: dict[str, Organization] = {each.name: each for each in (HOSPITAL, BANK, SMALL)}

#: Those of which the verdicts are known.
ASKED: dict[str, Organization] = {
    **ORGANIZATIONS,
    UNIVERSITY.name: UNIVERSITY,
    MUNICIPALITY.name: MUNICIPALITY,
}
