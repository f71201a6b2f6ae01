"""What people and their systems are told: an outbox, and its channels: inbox, e-mail and signed webhooks."""
