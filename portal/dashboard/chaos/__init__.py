"""The proof that runs survive anything: many at once, blows at random, and a reckoning with the lab's ledger."""
