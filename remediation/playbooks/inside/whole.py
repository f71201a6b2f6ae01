"""A shell for Ansible's connections: Python on the host takes a module in at once.

Left to itself it reads a program from its standard input byte by byte, which takes a third of a second for each MB.
"""

from __future__ import annotations

from ansible.plugins.shell.sh import ShellModule as Posix

DOCUMENTATION = """
name: whole
short_description: sh, with a Python that reads a module as a whole
version_added: historical
description:
  - Like sh.
extends_documentation_fragment:
  - shell_common
"""
READ = 'import sys; exec(compile(sys.stdin.buffer.read(), "module", "exec"))'


class ShellModule(Posix):  # type: ignore[misc]
    """The plugin, by the name that Ansible looks for."""

    COMPATIBLE_SHELLS: frozenset[str] = frozenset()
    SHELL_FAMILY = "whole"

    def build_module_command(self, env_string: str, shebang: str, cmd: str, arg_path: str | None = None) -> str:
        """The command that runs a module; one without a file of its own comes through the standard input."""
        command = super().build_module_command(env_string, shebang, cmd, arg_path)
        return command if cmd else f"{command} -c {self.quote(READ)}"
