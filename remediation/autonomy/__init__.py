"""Certificates: what a kind of fix has proven, who asked and granted, what the machine signs under them."""
