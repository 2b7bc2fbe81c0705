# SPDX-License-Identifier: GPL-3.0-or-later
"""How a message arrives: how protected, and with which sensitive information and label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._exchange.names import name_key
from ..._resources.compliance.dlp_fields import ATTACHMENTS, SENSITIVE
from ..formula import FALSE, Literal
from ..model.facts import Facts
from ..rules.dlp_rules import DlpRules
from ..sat.circuit import Circuit

#: How a message can arrive protected; otherwise it arrives in clear.
ARRIVALS = ("own", "other", "smime", "smime_signed")


class Arrival(Mapping[str, Literal]):
    """How a message is protected as it arrives: by ``own`` or ``other`` keys, ``smime`` or ``smime_signed``, each with its
    variable; in clear if none is true.

    :param rights: whether rights protect it.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._literals = {kind: circuit.variable(("arrival", kind)) for kind in ARRIVALS}
        circuit.at_most_one(self._literals.values())
        self.rights = self["own"] | self["other"]

    def __getitem__(self, kind: str) -> Literal:
        return self._literals[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._literals)

    def __len__(self) -> int:
        return len(self._literals)


class ArrivalOptions:
    """The option with which rights protect an arriving message: encryption only, or one that a rule or guarantee names.

    :param literals: what makes its name the same as others to its variable.
    :param spelled: the same to how it is written.
    """

    def __init__(self, circuit: Circuit, names: Iterable[str]) -> None:
        every = sorted(names)
        self.spelled = {name_key(name): name for name in (*every, "do_not_forward", "encrypt")}
        encrypt = name_key("encrypt")
        others = sorted({name_key(name) for name in ("do_not_forward", *every)} - {encrypt})
        self.literals = {name: circuit.variable(("arrival option", name)) for name in others}
        circuit.at_most_one(self.literals.values())
        self.literals[encrypt] = ~circuit.disjunction(self.literals.values())

    def is_option(self, name: str) -> Literal:
        """Whether it is this one."""
        return self.literals.get(name_key(name), FALSE)


class Sensitivity:
    """What DLP and labels look at.

    :param labels: name of a label that changes mail to whether the message carries it.
    :param information: whether DLP may find something in its content, by a type of sensitive information or a label;
        false if no DLP rule looks for that.
    :param attachment: whether it has an attachment; false if no DLP rule looks for that.
    """

    def __init__(self, circuit: Circuit, facts: Facts) -> None:
        self.labels = {
            label.name: circuit.variable(("label", label.name))
            for label in facts.encrypters.labels or ()
            if label.changes_mail
        }
        circuit.at_most_one(self.labels.values())
        policies = facts.encrypters.dlp_policies
        needs = policies.needs if isinstance(policies, DlpRules) else frozenset[str]()
        self.information: Literal = circuit.variable("sensitive information") if SENSITIVE in needs else FALSE
        self.attachment: Literal = circuit.variable("attachment") if ATTACHMENTS in needs else FALSE
