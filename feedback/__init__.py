"""What engineers say about a remediation after the fact."""
