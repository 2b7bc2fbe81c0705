# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules make of texts that later rules look at, as formulas. Private to the collection.

A prefix, a header's new value and a disclaimer are known texts: what they hold is computed. Where a known text and what the sender wrote could make
a word or a pattern together, it is open whether they do (U17, U18).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.logic import Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.patterns import begins_anywhere, has_pattern, is_agreed, is_pending
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import Value
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.conditions import Seen
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import BODY, SUBJECT, Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.words import has_word

if TYPE_CHECKING:
    from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.chain import Chain


def _found(text: str, key: Key) -> Truth:
    """Whether a known text holds a word or a pattern."""
    sort, value = key
    return has_word(text, value) if sort == "word" else has_pattern(text, *value)


def _known(chain: Chain, truth: Truth, *name: Hashable) -> Value:
    return (TRUE if truth else FALSE) if isinstance(truth, bool) else chain.rail.unknown(*name)


def after_header(chain: Chain, slot: str, value: str | None, name: Hashable, both: bool) -> Mapping[Any, Value]:
    """A header that a rule sets, or removes where ``value`` is ``None``.

    :param both: whether the same rule removes it, too: which comes last is open.
    """
    found: dict[Any, Value] = {}
    for key in chain.mail.vocabulary.keys.get(slot, ()):
        truth: Truth = False if value is None else _found(value, key)
        set_ = _known(chain, truth, "U17", name, slot, key)
        found[key] = chain.rail.all_of((set_, chain.rail.unknown("U00", "header", name))) if both else set_
    return found


def after_prefix(chain: Chain, prefix: str, name: Hashable, seen: Seen) -> Mapping[Any, Value]:
    """The subject after a prefix was put before it."""
    found: dict[Any, Value] = {}
    for key in chain.mail.vocabulary.keys.get(SUBJECT, ()):
        before = chain.conditions.text(SUBJECT, key, seen)
        open_ = chain.rail.unknown("U17", name, SUBJECT, key)
        found[key] = _prefixed_word(chain, prefix, key[1], before, open_) if key[0] == "word" else _prefixed_pattern(chain, prefix, key[1], before, open_)
    return found


def _prefixed_word(chain: Chain, prefix: str, word: str, before: Value, open_: Value) -> Value:
    # The same whatever follows: a blank, a letter, or punctuation.
    alone = {has_word(prefix + after, word) if isinstance(has_word(prefix + after, word), bool) else None for after in ("", " ", "q", ":")}
    if alone == {True}:
        return TRUE
    joined = any(_at_border(prefix.lower(), word[:length]) for length in range(1, len(word)))
    if alone != {False} or joined:
        return chain.rail.any_of((open_, before)) if not prefix[-1:].isalnum() else open_
    if prefix[-1:].isalnum():  # It may hide a word at the beginning of the subject.
        return chain.rail.all_of((before, open_))
    return before


def _at_border(prefix: str, start: str) -> bool:
    return prefix.endswith(start) and not (start[0].isalnum() and prefix[: -len(start)][-1:].isalnum())


def _prefixed_pattern(chain: Chain, prefix: str, pattern: tuple[str, bool], before: Value, open_: Value) -> Value:
    if not is_agreed(*pattern):
        return open_
    anywhere = begins_anywhere(*pattern)
    if begins_anywhere(*pattern, both=True) and has_pattern(prefix, *pattern) is True:
        return TRUE
    if is_pending(prefix, *pattern):
        return chain.rail.any_of((before, open_)) if anywhere else open_
    if anywhere:
        return before
    return chain.rail.all_of((before, open_))


def after_body(chain: Chain, plain: str, prepends: bool, wraps: Value, name: Hashable, seen: Seen) -> Mapping[Any, Value]:
    """The text after a disclaimer was put into it, or wrapped around it."""
    found: dict[Any, Value] = {}
    for key in chain.mail.vocabulary.keys.get(BODY, ()):
        before = chain.conditions.text(BODY, key, seen)
        alone = _known(chain, _found(plain, key), "U17", name, BODY, key)
        inserted = chain.rail.any_of((alone, before, *([chain.rail.unknown("U17", name, "joined", key)] if _may_join(plain, prepends, key) else [])))
        if key[0] == "pattern" and not begins_anywhere(*key[1], both=True):
            inserted = chain.rail.unknown("U18", name, BODY, key)
        found[key] = chain.rail.choose(wraps, alone, inserted)
    return found


def _may_join(plain: str, prepends: bool, key: Key) -> bool:
    """Whether a disclaimer and the text, each on lines of its own, could make a phrase or a pattern together."""
    sort, value = key
    if sort == "pattern":
        return not is_agreed(*value) or is_pending(f"{plain}\n" if prepends else "q\n", *value)
    text = plain.lower()
    blanks = [place for place, character in enumerate(value) if character.isspace()]
    return any(text.endswith(value[:place]) if prepends else text.startswith(value[place + 1 :]) for place in blanks)
