"""Ways back: what is known of each, and whether it was rehearsed."""
