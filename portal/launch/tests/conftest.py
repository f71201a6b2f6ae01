"""A place for tests that start a real server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

AWAY = Path("/var/lib")
"""Where servers keep their data whose folder their user cannot enter."""


@contextmanager
def a_place() -> Iterator[Path]:
    """A folder that everybody can enter: pytest's own are closed to the server's user when the tests run as root.

    What servers kept elsewhere, because somebody made a folder in it that their user cannot enter, goes with it.
    """
    made = Path(tempfile.mkdtemp(dir="/tmp"))
    made.chmod(0o755)
    yield made
    links = [path for path in made.rglob("*") if path.is_symlink()]
    for kept in {link.resolve() for link in links if link.resolve().parent == AWAY}:
        shutil.rmtree(kept)
    shutil.rmtree(made)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place that is gone after the test."""
    with a_place() as made:
        yield made
