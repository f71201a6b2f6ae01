"""On top of everything: figures, walkthrough, demonstration data."""
