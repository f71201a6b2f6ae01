"""Finds the commands that a policy forbids. This is a label for people; the boundary is what the credentials can do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

_QUOTING = re.compile(r"[\\'\"`]")
_BETWEEN_WORDS = re.compile(r"[\s;|&()<>={}$]+")
_LONGEST_CLUSTER = 4


def forbidden_in(commands: Iterable[str], entries: Iterable[str]) -> list[tuple[str, str]]:
    """Each (command, entry) where the command does what the entry names.

    The entry's first word must be a word of the command, with or without a path; its other words must follow in any
    order, and its short flags in any grouping: `rm -rf` finds `sudo /bin/rm -v -fr x`. `*` stands for any characters.
    """
    wanted = [(entry, _words(entry)) for entry in entries if _words(entry)]
    return [(command, entry) for command in commands for entry, words in wanted if _does(_words(command), words)]


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    plain = _QUOTING.sub("", text.lower())
    return tuple(word for word in _BETWEEN_WORDS.split(plain) if word)


def _does(command: tuple[str, ...], entry: tuple[str, ...]) -> bool:
    program, *rest = entry
    return any(
        (_is(word, program) or _is(word.rsplit("/", 1)[-1], program))
        and all(_follows(wanted, command[i + 1 :]) for wanted in rest)
        for i, word in enumerate(command)
    )


def _is(word: str, wanted: str) -> bool:
    return word == wanted or ("*" in wanted and fnmatchcase(word, wanted))


def _follows(wanted: str, words: tuple[str, ...]) -> bool:
    if any(_is(word, wanted) for word in words):
        return True
    if not _is_cluster(wanted):
        return False
    flags = {flag for word in words if _is_cluster(word) for flag in word[1:]}
    return flags.issuperset(wanted[1:])


def _is_cluster(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and 1 < len(word) <= _LONGEST_CLUSTER
