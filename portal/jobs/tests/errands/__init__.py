"""An app with jobs for tests of real worker processes."""
