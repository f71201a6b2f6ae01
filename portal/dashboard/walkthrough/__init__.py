"""Walks the whole loop on two incidents, through the same API that everybody uses."""
