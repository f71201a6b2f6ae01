"""The operation catalogue and the MCP servers that carry it out."""
