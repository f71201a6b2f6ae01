"""Category policies and the pure decision that explains itself."""
