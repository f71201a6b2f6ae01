"""Files for the CI of a role repository: GitHub Actions, GitLab, Gitea. They run what ran here, in the same order.

The static gate comes first, because the others execute parts of what they read. It is one file that needs Python and
PyYAML; the versions are those of this installation.
"""

from __future__ import annotations

from importlib.metadata import version

from remediation.playbooks.gate import packing

CHECKS, GATE = "ci/check-roles.sh", "ci/role-gate.pyz"
PINNED = ("ansible-core", "ansible-lint", "pyyaml")
PYTHON = "3.11"

_CHECKS = """#!/bin/sh
# The gates of the roles that Countersign brought, as it ran them: a change made here has to pass them too.
# The static gate comes first: Ansible's own programs execute parts of what they read.
set -eu
for role in roles/generated/*/*/; do
    [ -d "$role" ] || continue
    python3 ci/role-gate.pyz --scope "$(dirname "$role")/scope.yml" "$role"
done
for play in roles/generated/*/play.yml; do
    [ -f "$play" ] || continue
    ansible-playbook --syntax-check --inventory localhost, "$play"
    ansible-lint --offline --profile production "$play"
done
"""

_ACTIONS = """---
name: Roles
"on":
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  gates:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      - run: python3 -m pip install {pins}
      - run: sh ci/check-roles.sh
"""

_GITLAB = """---
roles:
  image: python:{python}-slim
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - python3 -m pip install {pins}
    - sh ci/check-roles.sh
"""

SYSTEMS = {
    "github": (".github/workflows/roles.yml", _ACTIONS),
    "gitlab": (".gitlab-ci.yml", _GITLAB),
    "gitea": (".gitea/workflows/roles.yml", _ACTIONS),
}


def files_for(*systems: str) -> dict[str, str | bytes]:
    """What belongs into a role repository for these systems: path to content."""
    files: dict[str, str | bytes] = {CHECKS: _CHECKS, GATE: packing.packed()}
    for system in systems:
        path, text = SYSTEMS[system]
        files[path] = text.format(python=PYTHON, pins=" ".join(pins()))
    return files


def pins() -> list[str]:
    """The programs with the versions that are installed here."""
    return [f"{name}=={version(name)}" for name in PINNED]
