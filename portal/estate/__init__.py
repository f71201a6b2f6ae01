"""What the organisation runs: categories, services, targets, and who holds a target now."""
