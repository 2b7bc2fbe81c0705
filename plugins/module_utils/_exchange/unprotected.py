# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for mail that no rule protects, in each text that people read. The glossary explains them.

Such mail did not arrive encrypted, and no mail flow rule encrypts it. More is not known: DLP policies, sensitivity labels
and people encrypt, too. Nothing that people read calls such mail in clear.
"""

from __future__ import annotations

#: How mail is protected that a verdict calls protected, where its way counts, too.
BY_RULES = "by rules or forced TLS"

#: What mail is that neither arrives encrypted nor is encrypted by a rule.
UNPROTECTED = "unprotected by rules"

#: The same, of mail that does not leave by forced TLS only.
UNPROTECTED_ON_ITS_WAY = f"unprotected {BY_RULES}"
