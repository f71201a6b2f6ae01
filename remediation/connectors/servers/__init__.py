"""Our own MCP servers: one pair per family, a reading and a writing one, over whatever stands behind them."""
