"""What counts as a difference between two looks at a host."""

from __future__ import annotations

import pytest

from remediation.playbooks import hoststate
from remediation.playbooks.shapes import State, Thing

A, B = "a" * 64, "b" * 64
FILE = "file 0644 root:root"


def of(*things: Thing) -> State:
    return State(things)


def path(name: str, state: str, length: int = 0, prefix: str = "", kind: str = "entry") -> Thing:
    return Thing(kind, name, state, length, prefix)


LOG = path("/var/log/syslog", f"{FILE} sha256:{A}", 10)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (of(LOG), of(LOG), []),
        (of(LOG), of(), ["/var/log/syslog is gone."]),
        (of(), of(LOG), ["/var/log/syslog is there now, and was not."]),
        (of(LOG), of(path("/var/log/syslog", f"{FILE} sha256:{B}", 20, prefix=A)), []),
        (of(LOG), of(path("/var/log/syslog", f"{FILE} sha256:{B}", 20, prefix=B)), ["was file"]),
        (of(LOG), of(path("/var/log/syslog", f"file 0600 root:root sha256:{B}", 20, prefix=A)), ["was file"]),
        (
            of(path("/var/log/app", f"{FILE} sha256:{A}", 10, kind="path")),
            of(path("/var/log/app", f"{FILE} sha256:{B}", 20, prefix=A, kind="path")),
            ["was file"],
        ),
        (of(path("/etc/x", f"{FILE} sha256:{A}", 1)), of(path("/etc/x", f"{FILE} sha256:{B}", 2, prefix=A)), ["was"]),
        (of(path("/etc/d", "absent", kind="path")), of(path("/etc/d", "folder 0755 root:root", kind="path")), []),
        (
            of(path("/etc/d", "absent", kind="path")),
            of(path("/etc/d", "folder 0755 root:root", kind="path"), path("/etc/d/x", f"{FILE} sha256:{A}", 1)),
            ["/etc/d/x is there now", "/etc/d was absent"],
        ),
        (
            of(path("/etc/d", "absent", kind="path")),
            of(path("/etc/d", "folder 0755 root:root", kind="path"), path("/etc/d/e", "folder 0755 root:root")),
            ["/etc/d was absent"],
        ),
        (
            of(Thing("service", "cron", "loaded active enabled")),
            of(Thing("service", "cron", "loaded inactive enabled")),
            ["cron was loaded active enabled, and is loaded inactive enabled."],
        ),
    ],
)
def test_differences_are_sentences(before: State, after: State, says: list[str]) -> None:
    found = hoststate.differences(before, after)
    assert len(found) == len(says)
    assert all(words in sentence for words, sentence in zip(says, found, strict=True))


def test_a_state_is_read_back_from_its_text_and_its_digest_tells_states_apart() -> None:
    state = of(LOG, Thing("package", "logrotate", "installed 3.21"))
    assert hoststate.read(hoststate.text_of(state)) == state
    assert state.digest != of(LOG).digest


def test_many_differences_are_counted() -> None:
    before = of(*(path(f"/srv/{number:04}", f"{FILE} sha256:{A}", 1) for number in range(hoststate.MOST + 5)))
    found = hoststate.differences(before, of())
    assert len(found) == hoststate.MOST + 1
    assert found[-1] == "5 more are not as they were."
