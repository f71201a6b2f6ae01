"""The runbooks that ship with the product and the roles they bring, read from their files. Pure but for the reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portal.kit import canonical
from remediation.knowledge.procedures import Procedure, parse

FOLDER = Path(__file__).parent / "runbooks"
ROLES = Path(__file__).parent / "roles"
VERSION = "countersign.runbook-role/1"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A runbook as it stands in the files: Markdown, and the canonical text of its role, empty without one."""

    text: str
    role: str = ""

    @property
    def procedure(self) -> Procedure:
        """What they say."""
        return parsed(self.text, self.role)

    @property
    def digest(self) -> str:
        """Stands for both: another role is another runbook."""
        return canonical.digest_of(self.text + self.role)


def shipped() -> dict[str, Shipped]:
    """Every runbook by its file's name without the ending."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
    return {name: Shipped(text, _role_of(text)) for name, text in texts.items()}


def role_text(name: str, files: Mapping[str, str]) -> str:
    """The canonical text of a role that a runbook brings."""
    return canonical.text_of({"name": name, "files": dict(files)}, version=VERSION)


@lru_cache(maxsize=512)
def parsed(text: str, role: str = "") -> Procedure:
    """The runbook behind its texts; parsed once per process, since the drafter needs all of them for every ticket."""
    files = canonical.parse(role, version=VERSION)["files"] if role else {}
    return parse(text).model_copy(update={"role_files": files})


def _role_of(text: str) -> str:
    use = parsed(text).front.role
    return role_text(use.name, _files_of(ROLES / use.name)) if use else ""


def _files_of(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
