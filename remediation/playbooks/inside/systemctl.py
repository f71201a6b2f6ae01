"""The lab's stand-in for systemctl: no service runs in a lab folder, so it keeps in a file what would have happened.

/run/lab/units.json holds each unit's state; /run/lab/journal one line for every verb that would have changed something.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

UNITS = Path("/run/lab/units.json")
JOURNAL = Path("/run/lab/journal")
CHANGES = {
    "start": {"ActiveState": "active"},
    "restart": {"ActiveState": "active"},
    "reload": {},
    "stop": {"ActiveState": "inactive"},
    "enable": {"UnitFileState": "enabled"},
    "disable": {"UnitFileState": "disabled"},
    "mask": {"UnitFileState": "masked", "LoadState": "masked"},
    "unmask": {"UnitFileState": "disabled", "LoadState": "loaded"},
}
ASKED = {"is-active": "ActiveState", "is-enabled": "UnitFileState"}
GOOD = ("active", "enabled", "static")
NOT_FOUND = {"LoadState": "not-found", "ActiveState": "inactive"}


def known() -> dict[str, dict[str, str]]:
    """Every unit of this host by its name."""
    units: dict[str, dict[str, str]] = json.loads(UNITS.read_text())
    return units


def full(name: str) -> str:
    """A unit's name with its type."""
    return name if "." in name else f"{name}.service"


def show(name: str, wanted: list[str]) -> int:
    """Print a unit's properties, all or some."""
    values = {"Id": full(name), **known().get(full(name), NOT_FOUND)}
    for key, value in values.items():
        if not wanted or key in wanted:
            sys.stdout.write(f"{key}={value}\n")
    return 0


def ask(verb: str, name: str) -> int:
    """Print one property, and say by the status whether it is good."""
    value = known().get(full(name), NOT_FOUND).get(ASKED[verb], "")
    sys.stdout.write(f"{value}\n")
    return 0 if value in GOOD else 1


def change(verb: str, names: list[str]) -> int:
    """Keep what would have happened to the units."""
    units = known()
    for name in map(full, names):
        if name not in units:
            sys.stderr.write(f"Unit {name} could not be found.\n")
            return 5
        units[name] |= CHANGES[verb]
        with JOURNAL.open("a") as journal:
            journal.write(f"{verb} {name}\n")
    UNITS.write_text(json.dumps(units, indent=1, sort_keys=True))
    return 0


def main() -> int:
    """Do what the first word says; whatever is not listed here does nothing."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    verb, *names = [word for word in sys.argv[1:] if not word.startswith("-")] or [""]
    wanted = [name for word in options if word.startswith("--property=") for name in word[11:].split(",")]
    if verb == "show" and names:
        return show(names[0], wanted)
    if verb in ASKED and names:
        return ask(verb, names[0])
    return change(verb, names) if verb in CHANGES else 0


if __name__ == "__main__":
    sys.exit(main())
