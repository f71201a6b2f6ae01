"""Starts the lab: `python -m remediation.connectors.lab --port 8900 --data var/lab`, tokens from the environment."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn

from remediation.connectors.lab.app import Tokens, application
from remediation.connectors.lab.site import Lab


def main() -> None:
    """Serve on the loopback interface until told to stop."""
    parser = argparse.ArgumentParser(prog="lab", description="The lab: a simulated datacenter behind MCP servers.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    names = ("LAB_READ_TOKEN", "LAB_WRITE_TOKEN", "LAB_ADMIN_TOKEN")
    tokens = [os.environ.get(name, "") for name in names]
    if not all(tokens) or len(set(tokens)) < len(tokens):
        parser.error(f"{', '.join(names)} must be set, each to a token of its own")
    options.data.mkdir(parents=True, exist_ok=True)
    lab = Lab(options.data, crowd=int(os.environ.get("LAB_CROWD", "0")))
    lab.open()
    uvicorn.run(application(lab, Tokens(*tokens)), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
