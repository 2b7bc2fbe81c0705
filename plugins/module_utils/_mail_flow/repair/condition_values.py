# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conditions of rules say about a copy, and what they may say instead.

Nothing is invented: conditions and exceptions take values of the guarantee and of other rules, of which the copy's message
has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..analyses.meant_rules import is_for_word, may_take_values, shares_values
from ..analyses.miswritten import MISSPELLED_SORTS, misspellings
from ..analyses.standings import Standing
from ..conditions.meant_values import (
    as_meant,
    is_miswritten_pattern,
    pattern_option,
    says_patterns,
    without_anchors,
)
from ..conditions.predicate import Predicate
from ..conditions.predicates import BY_OPTION, PREDICATES
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from .aims import Aim, EditedRules, name_of

#: So many conditions are tried as exceptions of a rule.
_EXCEPTIONS = 12

#: The options of a rule that change what its conditions look at.
_SETTINGS = ("sender_address_location", "recipient_address_type", "use_legacy_regex")

#: A condition on patterns of an address to the one on its domain.
_NAMING = {
    "from_address_matches_patterns": "sender_domain_is",
    "recipient_address_matches_patterns": "recipient_domain_is",
}

#: A pattern that all addresses at one domain match.
_ADDRESSES_AT = re.compile(r"(?:\^?\.[*+])?@(?P<domain>(?:[\w-]+\\\.)+[\w-]+)\$")

#: Some conditions in the form of a rule's section.
Section = Mapping[str, Any]


class ConditionValues:
    """The conditions and exceptions of the rules of a draft as a copy meets them, and those that may be in their place: which
    values the copy has, which others have one in common with the guarantee, and what is at hand as an exception.

    :param aim: what the copy should come out as.
    :param facts: those of the copy.
    :param nearest_first: how each rule stands to the copy, the nearest rules that help first.
    """

    def __init__(
        self, draft: EditedRules, dialect: Dialect, aim: Aim, facts: Facts, nearest_first: Sequence[Standing]
    ) -> None:
        self._draft = draft
        self._dialect = dialect
        self._aim = aim
        self._facts = facts
        self._standings = nearest_first

    def options_of(self, standing: Standing, section: str, predicate: Predicate) -> dict[str, Any]:
        """The options of a condition, as the rule's section has them."""
        own = self._draft.rules[standing.rule.place].get(section) or {}
        return {option: own[option] for option in predicate.options if option in own}

    def met(self, standing: Standing, options: Section) -> list[Any]:
        """The values of a list that the message has; none of another condition."""
        if len(options) != 1:
            return []
        ((option, values),) = options.items()
        return [single for single in listed(values) or () if self.is_met(standing, {option: [single]})]

    def is_met(self, standing: Standing, options: Section) -> bool:
        """Whether the copy would certainly meet this as a condition of the rule."""
        rule = self._draft.rules[standing.rule.place]
        settings = {option: rule[option] for option in _SETTINGS if option in rule}
        (claim,) = RuleSet([{**settings, "conditions": options}], self._dialect).rules
        return bool(claim.criteria.conditions) and all(
            atom.evaluate(standing.rule_view) is True for atom in claim.criteria.conditions
        )

    def wider_lists(self, standing: Standing, options: Section) -> Iterator[Section]:
        """A condition's one list of values with those of the guarantee or of another rule that the message meets, if it has
        one in common with the guarantee, or another condition of the rule does and the guarantee has this one, too.
        """
        if len(options) != 1:
            return
        ((option, given),) = options.items()
        if listed(given) is None:
            return
        meant = self._misspelled(option, given)
        if meant and self.met(standing, {option: meant}):
            yield {option: [*given, *meant]}
        if not self._is_for_values(standing, option, given):
            return
        put_right = [as_meant(option, value) for value in given]
        values = list(dict.fromkeys(self._unanchored(option, value) for value in put_right if value is not None))
        if values != given and self.met(standing, {option: values}):
            yield {option: values}
        sections = (self._aim.about, *(rule.get("conditions") or {} for rule in self._draft.rules))
        for more in dict.fromkeys(tuple(listed(section[option]) or ()) for section in sections if option in section):
            if self.met(standing, {option: more}):
                yield {option: [*values, *(single for single in more if single not in values)]}

    def _misspelled(self, option: str, values: Sequence[Any]) -> list[Any]:
        """The domains of the guarantee, and its groups, that a condition may misspell: groups if no member of its own is known."""
        predicate = BY_OPTION.get(option)
        wanted = _texts(listed(self._aim.about.get(option)) or ())
        if predicate is None or predicate.sort not in MISSPELLED_SORTS:
            return []
        meant = misspellings(predicate.sort, _texts(values), wanted, self._facts.groups).values()
        return [value for value in wanted if value in meant]

    def _is_for_values(self, standing: Standing, option: str, given: Any) -> bool:
        """Whether a condition may take the guarantee's values, beside or in place of its own: it shares one, or all else that the
        rule says is for the guarantee's mail, and the rule says more or is called like it.
        """
        if shares_values(option, given, self._aim.about):
            return True
        rule = self._draft.rules[standing.rule.place]
        return may_take_values(name_of(rule), rule.get("conditions") or {}, option, self._aim.name, self._aim.about)

    def as_wanted(self, standing: Standing, options: Section) -> Iterator[Section]:
        """A condition that looks for the values of the guarantee in another place looks where the guarantee does, and one that
        says its domains by a pattern names them: their subdomains are then meant, too.
        """
        if len(options) != 1:
            return
        ((option, values),) = options.items()
        yield from self._named_domains(option, values)
        for wanted, wanted_values in self._aim.about.items():
            if wanted == option or not (listed(values) and listed(wanted_values)):
                continue
            same = _same_values(option, values, wanted, wanted_values)
            if same and self.is_met(standing, {wanted: same}):
                yield {option: None, wanted: same}
            elif _looks_further(wanted, option) and shares_values(option, values, {wanted: wanted_values}):
                yield {option: None, wanted: [*values, *(value for value in wanted_values if value not in values)]}
            yield from _as_patterns(option, values, wanted, wanted_values)

    def _named_domains(self, option: str, values: Any) -> Iterator[Section]:
        """The condition that names the domains for which one on patterns looks, if the guarantee names them."""
        naming = _NAMING.get(option, "")
        domains = [_domain_of(pattern) for pattern in listed(values) or ()] if naming in self._aim.about else []
        if domains and set(_texts(domains)) <= set(_texts(self._aim.about[naming])):
            yield {option: None, naming: domains}

    def _unanchored(self, option: str, value: Any) -> Any:
        """A pattern without anchors at its ends, if it is a pattern or a word of the guarantee but for them."""
        if not says_patterns(option):
            return value
        bare = without_anchors(str(value))
        is_pattern = bare in (listed(self._aim.about.get(option)) or ())
        texts = [
            text for wanted, texts in self._aim.about.items() if _pattern_option(wanted) for text in listed(texts) or ()
        ]
        return bare if is_pattern or _is_one_of(value, texts) else value

    def at_hand(self, standing: Standing) -> list[tuple[Section, Predicate]]:
        """Conditions of the guarantee and of other rules, first of those that help, that the message meets and that the
        rule does not have itself.
        """
        own = self._draft.rules[standing.rule.place].get("conditions") or {}
        at_hand: dict[str, tuple[Section, Predicate]] = {}
        seen: set[str] = set()
        # A list of values names less mail than a scope.
        about = sorted(
            _parts(self._aim.about), key=lambda part: all(listed(value) is None for value in part[0].values())
        )
        for options, predicate in (*about, *self._met_in_rules):
            key = json.dumps(options, sort_keys=True, default=str)
            if key in seen or all(own.get(option) == value for option, value in options.items()):
                continue
            seen.add(key)
            if self.is_met(standing, options):
                at_hand[key] = (options, predicate)
            if len(at_hand) == _EXCEPTIONS:
                break
        return list(at_hand.values())

    @cached_property
    def _met_in_rules(self) -> list[tuple[Section, Predicate]]:
        """The conditions of rules that the message meets, or may meet."""
        met: list[tuple[Section, Predicate]] = []
        for standing in self._standings:
            failed = {failure.atom for failure in standing.failed}
            atoms = [atom for atom in standing.rule.criteria.conditions if atom not in failed]
            met += [(self.options_of(standing, "conditions", atom.predicate), atom.predicate) for atom in atoms]
        return met


def listed(values: Any) -> list[Any] | None:
    """The values of a list; ``None`` of another value."""
    return list(values) if isinstance(values, (list, tuple)) else None


def _domain_of(pattern: Any) -> str:
    """The domain whose addresses are all that a pattern matches, without those of its subdomains; empty if there is none."""
    found = _ADDRESSES_AT.fullmatch(str(pattern))
    return found["domain"].replace("\\.", ".") if found else ""


def _meant_pattern(option: str, written: Any, patterns: Any) -> Any:
    """The one of some patterns that a condition's value is, but for a backslash or an anchor; ``None`` if it is none of them."""
    named = (listed(patterns) or []) if says_patterns(option) else []
    return next((one for one in named if one == written or is_miswritten_pattern(str(written), str(one))), None)


def _same_values(option: str, values: Sequence[Any], wanted: str, wanted_values: Sequence[Any]) -> Sequence[Any]:
    """The values of a condition as another one of a guarantee has them; none if it lacks one of them, but if it looks wherever
    the condition does, only if it has none of them.
    """
    lacking = set(_texts(values)) - set(_texts(wanted_values))
    if not lacking or (len(lacking) < len(values) and _looks_further(wanted, option)):
        return values
    meant = [_meant_pattern(option, value, wanted_values) for value in values] if says_patterns(wanted) else []
    return [] if None in meant else meant


def _looks_further(wanted: str, option: str) -> bool:
    """Whether a condition looks for the same sort of texts as another one, there and elsewhere."""
    further, own = BY_OPTION.get(wanted), BY_OPTION.get(option)
    if further is None or own is None or further.sort != own.sort:
        return False
    return bool(own.slots) and set(own.slots) < set(further.slots)


def _as_patterns(option: str, values: Sequence[Any], wanted: str, wanted_values: Sequence[Any]) -> Iterator[Section]:
    """The condition on patterns in the place of a guarantee's words, for patterns that are such words: they stay patterns."""
    as_pattern = _pattern_option(wanted) if says_patterns(option) else ""
    if as_pattern and as_pattern != option and all(_is_one_of(value, wanted_values) for value in values):
        yield {option: None, as_pattern: [without_anchors(str(value)) for value in values]}


def _is_one_of(pattern: Any, words: Sequence[Any]) -> bool:
    """Whether a pattern is one of some words, but for anchors at its ends, or finds one as a whole."""
    return any(is_for_word(str(pattern), str(word)) for word in words)


def _pattern_option(wanted: str) -> str:
    """The condition on patterns that looks where one on words does; empty for others."""
    return pattern_option(wanted) if wanted in BY_OPTION and BY_OPTION[wanted].sort == "word" else ""


def _texts(values: Sequence[Any]) -> list[str]:
    return list(map(_text, values))


def _text(value: Any) -> str:
    return str(value).casefold()


def without(options: Section, met: Sequence[Any]) -> Iterator[Section]:
    """A list without the values that are met, if others are left."""
    for option, values in options.items():
        remaining = [single for single in listed(values) or () if single not in met]
        if met and remaining:
            yield {option: remaining}


def _parts(section: Section) -> Iterator[tuple[Section, Predicate]]:
    """Each condition of a section, with all of its options."""
    for predicate in PREDICATES:
        options = {
            option: section[option] for option in predicate.options if section.get(option) not in (None, "", [], False)
        }
        if options:
            yield options, predicate
