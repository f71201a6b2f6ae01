"""`python -m remediation.playbooks.gate FOLDER...`: see `command`."""

from __future__ import annotations

import sys

from remediation.playbooks.gate.command import main

sys.exit(main())
