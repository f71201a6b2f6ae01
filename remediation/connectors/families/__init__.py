"""The operations of the catalogue, one module per family."""
