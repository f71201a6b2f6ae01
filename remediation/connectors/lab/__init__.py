"""The lab: a small simulated datacenter behind our own MCP servers, for demonstration and for tests."""
