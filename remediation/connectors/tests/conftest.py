"""The lab, for the tests of this room."""

from remediation.connectors.testing import lab, lab_connectors, lab_process

__all__ = ["lab", "lab_connectors", "lab_process"]
