"""What happened before: signatures, occurrences, reliability, standing."""
