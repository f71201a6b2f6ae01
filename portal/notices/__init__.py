"""What people are told: an inbox on the portal."""
