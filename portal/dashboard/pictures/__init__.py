"""What `make screenshots` does: a scene of real incidents on a running installation, and a camera that goes round."""
