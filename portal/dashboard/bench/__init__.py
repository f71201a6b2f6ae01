"""What `make bench` measures on a running installation; nothing here is part of what the product serves."""
