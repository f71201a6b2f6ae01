"""Walks the whole loop on three incidents, through the same API that everybody uses."""
