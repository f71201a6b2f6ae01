"""The static gate: reads the files of an Ansible role as data and says what may not go on.

It comes before any Ansible program, because those run what they check. This package needs Python and PyYAML only,
imports nothing else of the product, and also runs alone in the CI of the role repository.
"""

from remediation.playbooks.gate.checking import check, marked
from remediation.playbooks.gate.folder import Unreadable, read_folder
from remediation.playbooks.gate.shapes import RULESET, Finding, Marked, Scope

__all__ = ["RULESET", "Finding", "Marked", "Scope", "Unreadable", "check", "marked", "read_folder"]
