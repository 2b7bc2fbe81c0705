# SPDX-License-Identifier: GPL-3.0-or-later
"""How rules change texts that later rules see, as formulas.

A prefix, a header's new value and a disclaimer are known texts, with known content. If a known text and the sender's
text could together form a word or match a pattern, it is open whether they do (U17, U18).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from ..actions.act import FormulaAct
from ..actions.edit import text_edits
from ..actions.text_edits import Joins, TextEdit
from ..conditions.keys import SUBJECT, Key, is_open
from ..conditions.seen_message import EditedText, SeenMessage
from ..formula import FALSE, TRUE, Literal, Value
from ..model import questions
from ..model.expressions import Dialect
from ..model.patterns import begins_anywhere, crosses_lines, has_pattern, in_prefix
from ..model.words import first_token, has_word, tokens, touches
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .atoms import Vocabulary
from .logic import Logic
from .string_solver import BehindPrefix, behind
from .symbolic_message import SymbolicMessage


class Changer:
    """Known texts among the atoms that conditions look for in one slot. What no later rule looks for is not followed.

    :param last_places: the atoms, each with the place of the last rule that looks for it.
    :param logic: the logic that expresses what is open.
    :param one_line: whether the text that arrives has no line break.
    """

    def __init__(self, last_places: Mapping[Key, int], logic: Logic, slot: str, one_line: Literal = FALSE) -> None:
        self.logic = logic
        self.slot = slot
        self._one_line = one_line
        self._last_looks = last_places
        self._patterns: list[Key] = []
        self._words: dict[str, list[Key]] = {}
        self._odd: list[Key] = []
        self._phrases: list[Key] = []
        for key in last_places:
            if key[0] == "pattern":
                self._patterns.append(key)
                continue
            if any(character.isspace() for character in key[1]):
                self._phrases.append(key)
            if key[1][:1].isalnum() and first_token(key[1]):
                self._words.setdefault(first_token(key[1]), []).append(key)
            else:
                self._odd.append(key)

    def near(self, text: str | None, place: int, *, every: bool = False, phrases: bool = False) -> list[Key]:
        """The words that a known text could affect, and the patterns, as far as a rule after a place looks for them.

        :param phrases: whether also all words with a space, which could cross a border.
        """
        named = self._words if every or text is None else sorted(tokens(text))
        words = (key for token in named for key in self._words.get(token, ()))
        every_key = (*words, *self._odd, *(self._phrases if phrases else ()), *self._patterns)
        return [key for key in every_key if self._last_looks[key] > place]

    def in_known(self, text: str | None, key: Key, *name: Hashable) -> Value:
        """Whether a text contains a word or a pattern, if it is known."""
        if text is None:
            return self.logic.unknown(questions.A_FACT, *name, self.slot, key)
        truth = has_word(text, key[1]) if key[0] == "word" else has_pattern(text, *key[1])
        return self.logic.known(truth, questions.WORD_BORDERS, text, key)

    def held(self, text: str | None, place: int, *name: Hashable) -> dict[Key, Value]:
        """The atoms that a known text has in place of the current one, as far as a rule after a place looks for them.
        It lacks all others.
        """
        held = {key: self.in_known(text, key, *name) for key in self.near(text, place)}
        return {key: value for key, value in held.items() if value != FALSE}

    def prefixed(
        self, prefix: str, before: Mapping[Key, Value], name: Hashable, begins: Callable[[Key], Literal] | None = None
    ) -> dict[Key, Value]:
        """The atoms of a subject that a prefix changes.

        :param begins: returns whether a word occurs only at the beginning of the original subject.
        """
        changed: dict[Key, Value] = {}
        for key, old in before.items():
            changed[key] = (
                self._word(prefix, key, old, name, begins)
                if key[0] == "word"
                else self._pattern(prefix, key, old, name)
            )
        return {key: value for key, value in changed.items() if value != before[key]}

    def _open(self, name: Hashable, key: Key) -> Value:
        return self.logic.unknown(questions.WORD_BORDERS, name, self.slot, key)

    def _word(
        self, prefix: str, key: Key, before: Value, name: Hashable, begins: Callable[[Key], Literal] | None
    ) -> Value:
        word: str = key[1]
        touched = touches(prefix[-1:], word[0])
        # The same whatever follows: a space, a letter, or punctuation.
        alone = {
            truth if isinstance(truth, bool) else None
            for truth in (has_word(prefix + after, word) for after in ("", " ", "q", ":"))
        }
        if alone == {True}:
            return TRUE
        blanks = _one_blank(prefix.lower()), _one_blank(word)
        joined = any(_at_border(blanks[0], blanks[1][:length]) for length in range(1, len(blanks[1])))
        if alone != {False} or joined:
            return self._open(name, key) | before if touched is False else self._open(name, key)
        if touched is False:
            return before
        # It may hide a word at the beginning of the subject.
        if begins is None:
            return before & self._open(name, key)
        return before & self.logic.choose(begins(key), FALSE if touched else self._open(name, key), TRUE)

    def _pattern(self, prefix: str, key: Key, before: Value, name: Hashable) -> Value:
        pattern: tuple[str, Dialect] = key[1]
        inside = in_prefix(prefix, *pattern)
        if inside:
            return TRUE
        if begins_anywhere(*pattern) and inside is False:
            return before
        value = self._behind(behind(prefix, *pattern), key, before, name)
        if self._one_line == FALSE or "\n" in prefix:
            return value
        of_one_line = self._behind(behind(prefix, *pattern, one_line=True), key, before, name)
        return self.logic.choose(self._one_line, of_one_line, value)

    def _behind(self, prefixed: BehindPrefix, key: Key, before: Value, name: Hashable) -> Value:
        """The value of a pattern behind a prefix that may do this to it."""
        if not prefixed.possible:
            return FALSE
        value = self._open(name, key) if prefixed.gains or prefixed.loses else before
        if not prefixed.gains:
            value = before & value
        return value if prefixed.loses else before | value

    def with_disclaimer(
        self, plain: str | None, prepends: bool, before: Mapping[Key, Value], name: Hashable
    ) -> dict[Key, Value]:
        """The atoms of a text that change when a disclaimer is added on separate lines before or after it."""
        if plain is None:
            return {key: self.in_known(None, key, name) for key in before}
        changed: dict[Key, Value] = {}
        for key, old in before.items():
            if key[0] == "pattern" and not begins_anywhere(*key[1], both=True):
                changed[key] = self.logic.unknown(questions.PATTERN_SYNTAX, name, self.slot, key)
            elif key[0] == "pattern" and prepends:
                changed[key] = self._pattern(f"{plain}\n", key, old, name)
            else:
                alone = self.in_known(plain if key[0] == "word" else f"\n{plain}", key, name)
                changed[key] = self.logic.any_of(
                    (
                        alone,
                        old,
                        *(
                            [self.logic.unknown(questions.WORD_BORDERS, name, "joined", key)]
                            if _may_join(plain, prepends, key)
                            else []
                        ),
                    )
                )
        return {key: value for key, value in changed.items() if value != before[key]}


def _at_border(prefix: str, start: str) -> bool:
    return prefix.endswith(start) and not (start[0].isalnum() and prefix[: -len(start)][-1:].isalnum())


def _may_join(plain: str, prepends: bool, key: Key) -> bool:
    """Whether a disclaimer and the text, on separate lines, could together form a phrase, or a pattern of which the
    text has the beginning.
    """
    sort, value = key
    if sort == "pattern":
        return crosses_lines(*value)
    text = _one_blank(plain.lower()).strip()
    word = _one_blank(value)
    blanks = [place for place, character in enumerate(word) if character == " "]
    return any(text.endswith(word[:place]) if prepends else text.startswith(word[place + 1 :]) for place in blanks)


def _one_blank(text: str) -> str:
    return re.sub(r"\s+", " ", text)


class TextEdits:
    """What the rules of a set make of the texts, and of the rest of a message, that later rules see.

    :param text: an atom of a text as a rule sees it.
    :param shared: the number of first rules that all rule sets share.
    """

    def __init__(
        self,
        rules: RuleSet,
        mail: SymbolicMessage,
        logic: Logic,
        text: Callable[[str, Key, SeenMessage], Value],
        shared: int,
    ) -> None:
        self.rules = rules
        self.mail = mail
        self.logic = logic
        self._text = text
        self._changers: dict[str, Changer] = {}
        #: The last rule whose edit of a text depends on its content, by slot.
        self._last_change = {
            edit.slot: rule.place
            for rule in rules.rules
            for edit in (text_edits(rule.actions.options) if rule.is_on_and_enforced else ())
            if edit.joins is not Joins.INSTEAD and self._near(edit, rule.place)
        }
        #: The patterns without an agreed meaning that rules look for in the subject, each with the place of the last such
        #: rule.
        self._unagreed = {key: place for key, place in last_looks(rules).get(SUBJECT, {}).items() if is_open(key)}
        self._first_own_rule = next((rule.place for rule in rules.rules[shared:] if not rule.idle), -1)
        self._last_change[SUBJECT] = max((self._last_change.get(SUBJECT, -1), *self._unagreed.values()))

    def with_last_values(self, rule: FlowRule, seen: SeenMessage) -> SeenMessage:
        """What a rule sees, with the values of patterns without an agreed meaning that it, or a later rule if rule sets
        differ from here on, looks for.
        """
        if not self._unagreed:
            return seen
        looked = (key for atom in rule.criteria.atoms for key in atom.keys)
        return self._with_values_of(self._unagreed if rule.place == self._first_own_rule else looked, rule.place, seen)

    def edited(self, edit: TextEdit, act: FormulaAct, now: SeenMessage) -> SeenMessage:
        """What later rules see after a rule's edit of a text.

        :param now: what they see after what else the rule did.
        """
        if edit.joins is Joins.INSTEAD:
            return self.replaced(edit, act, act.acts, now)
        place = act.rule.place
        before = self._texts(edit.slot, self._near(edit, place), act.seen)
        history = self._history(edit.slot, act.seen)
        known: Hashable
        if edit.joins is Joins.DIRECTLY_BEFORE:
            known = edit.given
            begins = None if history else self.mail.subject.begins
            after = self._changer(edit.slot).prefixed(edit.given or "", before, (known, history), begins)
        else:
            prepends = edit.joins is Joins.ON_LINES_BEFORE
            known = (edit.given, prepends)
            after = self._changer(edit.slot).with_disclaimer(edit.visible, prepends, before, (*known, history))
        return self._noted(place, edit.slot, known, act.acts, self._written(now, edit.slot, act.acts, before, after))

    def replaced(self, edit: TextEdit, act: FormulaAct, when: Value, now: SeenMessage) -> SeenMessage:
        """What later rules see where a rule puts a known text in place of another one, if a condition holds. A text for which no condition
        looks is left.
        """
        slot = edit.slot
        if slot not in self.mail.vocabulary.keys:
            return now
        held: Mapping[Key, Value] = {}
        if edit.given is not None:
            held = self._changer(slot).held(edit.visible, act.rule.place, edit.given)
        if edit.is_open:
            unknown = self.logic.unknown(questions.A_FACT, "header", act.name)
            held = {key: value & unknown for key, value in held.items()}
        before = self._texts(slot, held, now if edit.joins is not Joins.INSTEAD else act.seen)
        return self._written(now, slot, when, before, held, erased=when)

    def _changer(self, slot: str) -> Changer:
        changer = self._changers.get(slot)
        if changer is None:
            last_places = last_looks(self.rules).get(slot, {})
            changer = self._changers[slot] = Changer(
                {key: last_places[key] for key in self.mail.vocabulary.keys.get(slot, ()) if key in last_places},
                self.logic,
                slot,
                self.mail.subject.one_line if slot == SUBJECT else FALSE,
            )
        return changer

    def _near(self, edit: TextEdit, place: int) -> list[Key]:
        """The atoms of a text that may differ after an edit by the rule at a place, and that a later rule looks for."""
        changer = self._changer(edit.slot)
        if edit.joins is not Joins.DIRECTLY_BEFORE:
            return changer.near(edit.visible, place, phrases=True)
        given = edit.given or ""
        near = changer.near(given, place, every=touches(given[-1:], "q") is not False)
        return [key for key in near if not is_open(key)]

    def _with_values_of(self, keys: Iterable[Key], place: int, seen: SeenMessage) -> SeenMessage:
        """What a rule sees, with the current values of patterns without an agreed meaning that a rule after a place looks for."""
        text = seen.texts.get(SUBJECT)
        if text is None or not text.history:
            return seen
        outdated = [
            key
            for key in keys
            if self._unagreed.get(key, -1) > place and text.last_values.get(key, (FALSE, 0))[1] < len(text.history)
        ]
        last_values = {key: (self._text(SUBJECT, key, seen), len(text.history)) for key in outdated}
        return seen.with_changes(
            texts={**seen.texts, SUBJECT: replace(text, last_values={**text.last_values, **last_values})}
        )

    def _history(self, slot: str, seen: SeenMessage) -> int:
        """The number of the text that a rule sees; 0 as it arrives. Equal texts share the open parts of their changes."""
        return self.mail.histories.number(seen.texts.get(slot, EditedText()).history)

    def _noted(self, place: int, slot: str, known: Hashable, acts: Value, now: SeenMessage) -> SeenMessage:
        """Notes that a known text may have changed a text, if a later change depends on its content."""
        if self._last_change.get(slot, -1) <= place:
            return now
        return now.with_changes(texts={**now.texts, slot: now.texts.get(slot, EditedText()).after(known, acts)})

    def _texts(self, slot: str, keys: Iterable[Key], seen: SeenMessage) -> dict[Key, Value]:
        return {key: self._text(slot, key, seen) for key in keys}

    def _written(
        self,
        now: SeenMessage,
        slot: str,
        acts: Value,
        before: Mapping[Key, Value],
        after: Mapping[Key, Value],
        erased: Value = FALSE,
    ) -> SeenMessage:
        """A text becomes what a rule makes of it if the rule acts."""
        if not after and erased == FALSE:
            return now
        values = {key: self.logic.choose(acts, value, before[key]) for key, value in after.items()}
        text = now.texts.get(slot, EditedText())
        return now.with_changes(texts={**now.texts, slot: text.with_changes(values, erased, self.logic)})

    def differ(self, before: SeenMessage, after: SeenMessage) -> Value:
        """Whether two rules see a message differently."""
        if before.with_changes(texts=after.texts, wrapped=after.wrapped) != after:
            return TRUE
        differences = [~self.logic.equal(before.wrapped, after.wrapped)]
        for slot, new in after.texts.items():
            old = before.texts.get(slot, EditedText())
            differences += [
                *new.erasures[len(old.erasures) :],
                *(acts for _known, acts in new.history[len(old.history) :]),
            ]
            changed = (key for key, value in new.values.items() if old.values.get(key) != value)
            differences += [
                ~self.logic.equal(*(self._text(slot, key, seen) for seen in (before, after))) for key in changed
            ]
        return self.logic.any_of(differences)


@lru_cache(maxsize=4)
def last_looks(rules: RuleSet) -> dict[str, dict[Key, int]]:
    """Slot to its atoms, each with the place of the last rule that looks for it."""
    places = {id(atom): rule.place for rule in rules.rules if not rule.idle for atom in rule.criteria.atoms}
    last_places: dict[str, dict[Key, int]] = {}
    for atom in sorted((atom for atom in rules.atoms if id(atom) in places), key=lambda atom: places[id(atom)]):
        vocabulary = Vocabulary()
        vocabulary.look(atom)
        for slot, keys in vocabulary.keys.items():
            last_places.setdefault(slot, {}).update(dict.fromkeys(keys, places[id(atom)]))
    return last_places
