"""Which tasks of a role are confirmed, and which edits take a confirmation away."""

from __future__ import annotations

import pytest

from remediation.review import marks
from remediation.review.tests.rolework import BACK_OUT, DEFAULTS, MAIN, files

AGE = "Find archived logs past their age"
PURGE = "Purge what has been in the quarantine for long enough"


def items(**changed: str) -> dict[tuple[str, str], str]:
    return {(each.file, each.task): each.item for each in marks.confirmable(files() | changed)}


def edited(path: str, old: str, new: str) -> dict[str, str]:
    text = files()[path]
    assert old in text
    return {path: text.replace(old, new)}


def test_every_task_that_destroys_or_is_marked_is_an_item_of_its_own() -> None:
    found = items()
    assert (MAIN, AGE) in found
    assert (MAIN, PURGE) in found
    assert len(set(found.values())) == len(found)
    assert {file for file, _ in found} == {MAIN, BACK_OUT}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (edited(MAIN, "Have a folder for the settings of journald", "Have the folder"), set()),
        (edited(DEFAULTS, "log_hygiene_journal_max: 500M", "log_hygiene_journal_max: 1G"), set()),
        (edited("meta/main.yml", "license: MIT", "license: Apache-2.0"), set()),
        ({MAIN: "# A word at the top.\n" + files()[MAIN]}, set()),
        (edited(DEFAULTS, "log_hygiene_maxage_days: 14", "log_hygiene_maxage_days: 1"), {AGE}),
        (
            edited(
                MAIN,
                'patterns: "*.gz"\n    age: "{{ log_hygiene_maxage',
                'patterns: "*"\n    age: "{{ log_hygiene_maxage',
            ),
            {AGE},
        ),
    ],
)
def test_only_what_a_task_does_takes_its_confirmation_away(change: dict[str, str], lost: set[str]) -> None:
    before, after = items(), items(**change)
    gone = {task for (file, task), item in before.items() if after.get((file, task)) != item}
    assert gone >= lost
    assert bool(gone) == bool(lost)


def test_a_default_that_another_default_uses_counts_too() -> None:
    role = {
        MAIN: "- name: Gone\n  ansible.builtin.file:\n    path: '{{ whole }}'\n    state: absent\n",
        DEFAULTS: "base: /var/a\nwhole: '{{ base }}/b'\nother: 1\n",
    }
    (before,) = marks.confirmable(role)
    (same,) = marks.confirmable(role | {DEFAULTS: role[DEFAULTS].replace("other: 1", "other: 2")})
    (moved,) = marks.confirmable(role | {DEFAULTS: role[DEFAULTS].replace("/var/a", "/var")})
    assert before.item == same.item
    assert before.item != moved.item


FIND = "- name: Find\n  ansible.builtin.find:\n    paths: /var/a\n  register: old\n"
GONE = """- name: Where there is room for it
  block:
    - name: Gone
      ansible.builtin.file:
        path: "{{ item.path }}"
        state: absent
      loop: "{{ old.files }}"
  when: is_wanted
"""
ROLE = {MAIN: f"{FIND}- ansible.builtin.import_tasks: gone.yml\n  when: old.files\n", "tasks/gone.yml": GONE}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (MAIN, "paths: /var/a", "paths: /var"),
        (MAIN, "when: old.files", "when: true"),
        ("tasks/gone.yml", "when: is_wanted", "when: true"),
    ],
)
def test_what_a_task_is_given_from_elsewhere_counts_too(path: str, old: str, new: str) -> None:
    """What a search finds, the condition of a block, that of the task which brings the file in."""
    assert gone(ROLE) != gone(ROLE | {path: ROLE[path].replace(old, new)})


def gone(role: dict[str, str]) -> str:
    """How the task that deletes is recognised."""
    return next(each.item for each in marks.confirmable(role) if each.task == "Gone")


def test_another_task_of_the_same_block_is_none_of_its_business() -> None:
    more = GONE.replace(
        "  when: is_wanted", "    - name: Look\n      ansible.builtin.stat:\n        path: /x\n  when: is_wanted"
    )
    assert gone(ROLE) == gone(ROLE | {"tasks/gone.yml": more})


def test_aliases_of_aliases_do_not_grow() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'}, x]" for n in range(60))
    role = {MAIN: "- name: Gone\n  ansible.builtin.file:\n    path: '{{ b59 }}'\n    state: absent\n", DEFAULTS: bomb}
    assert len(marks.confirmable(role)) == 1


def test_the_text_of_a_task_ends_where_the_next_one_begins() -> None:
    text = "---\n# One\n- name: A\n  x:\n    y: 1\n\n# Two\n- name: B\n  z: 2\n"
    assert marks.task_at(text, 3) == "# One\n- name: A\n  x:\n    y: 1"
    assert marks.task_at(text, 5) == "# One\n- name: A\n  x:\n    y: 1"
    assert marks.task_at(text, 8) == "# Two\n- name: B\n  z: 2"
    assert marks.task_at("", 1) == ""
