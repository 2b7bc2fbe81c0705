# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in another language than English, as an organization or its administrator may have chosen.

Only the sentence about DLP is the service's own; the others are translations, here so that nobody relies on English
words.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .context import Outcome
from .errors import CmdletError

_FRENCH = [
    (
        r"The operation couldn't be performed because object '(.*)' couldn't be found on '(.*)'\.",
        r"Impossible d'effectuer l'opération, car l'objet « \1 » est introuvable sur « \2 ».",
    ),
    (r"The object '(.*)' already exists\.", r"L'objet « \1 » existe déjà."),
    (
        r"The command completed successfully but no settings of '(.*)' have been modified\.",
        r"La commande a été exécutée, mais aucun paramètre de « \1 » n'a été modifié.",
    ),
    (r"The specified rule priority is invalid\.", "La priorité de règle spécifiée n'est pas valide."),
    (
        r"You can't create or update DLP related mail flow rules.*",
        "Vous ne pouvez pas créer ou mettre à jour des règles de flux de courrier liées à DLP",
    ),
    (
        r"Cannot process argument transformation on parameter '([^']*)'\.",
        r"Impossible de traiter la transformation d'argument sur le paramètre « \1 ».",
    ),
]
_LANGUAGES = {"fr": [(re.compile(english, re.DOTALL), translated) for english, translated in _FRENCH]}


def translated(text: str, locale: str) -> str:
    for english, other in _LANGUAGES.get(locale.partition("-")[0].lower(), ()):
        text = english.sub(other, text)
    return text


def translated_error(error: CmdletError, locale: str) -> CmdletError:
    return replace(error, message=translated(error.message, locale))


def translated_outcome(outcome: Outcome, locale: str) -> Outcome:
    outcome.warnings = [translated(text, locale) for text in outcome.warnings]
    outcome.errors = [translated_error(error, locale) for error in outcome.errors]
    return outcome
