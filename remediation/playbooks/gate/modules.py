"""The allow-list: which modules of ansible.builtin a role may use, with which arguments, of which kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Kind = str | tuple[str, ...]
"""What an argument may be. A tuple: one of these words, written out. Else:

- `text`, `regex`: any text or number, with templates.
- `word`: a text without templates. `bool`, `number`: written out. `mode`: four octal digits in quotes.
- `path`, `paths`: absolute paths inside the scope. `seen`: an absolute path that is only looked at.
- `service`, `package`: names inside the scope. `template`: the name of a file in templates/.
- `names`: a list of texts. `things`: anything. `bare`: expressions. `argv`: a list of texts without templates.
- `marker`: a comment with {mark}. `job`: a plain command. `validator`: a program that looks at %s.
- `account`: the name of a user or a group. `file`: a plain name of a file. `clock`: one field of a crontab.
"""


@dataclass(frozen=True, slots=True)
class Module:
    """What one module takes. One that only reads may stand in verify.yml."""

    arguments: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    only_reads: bool = False
    is_free: bool = False


OWNERSHIP: dict[str, Kind] = {"owner": "word", "group": "word", "mode": "mode"}
EDITING: dict[str, Kind] = {
    **OWNERSHIP, "path": "path", "dest": "path", "backup": "bool", "create": "bool", "validate": "validator",
    "insertafter": "regex", "insertbefore": "regex", "state": ("present", "absent"),
}  # fmt: skip
WRITING: dict[str, Kind] = {
    **OWNERSHIP, "dest": "path", "backup": "bool", "force": "bool", "validate": "validator",
}  # fmt: skip
PACKAGES: dict[str, Kind] = {
    "name": "package", "pkg": "package", "state": ("present", "absent", "installed", "removed", "latest"),
    "autoremove": "bool", "update_cache": "bool",
}  # fmt: skip
UNIT: dict[str, Kind] = {
    "name": "service", "state": ("started", "stopped", "restarted", "reloaded"), "enabled": "bool",
}  # fmt: skip
SYSTEMD: dict[str, Kind] = {**UNIT, "masked": "bool", "daemon_reload": "bool", "no_block": "bool"}

MODULES: dict[str, Module] = {
    # what changes files
    "file": Module(
        {
            **OWNERSHIP, "path": "path", "dest": "path", "src": "path", "recurse": "bool", "force": "bool",
            "follow": "bool", "state": ("absent", "directory", "file", "hard", "link", "touch"),
            "access_time": ("preserve",), "modification_time": ("preserve",),
        },
        required=("path",),
    ),
    "copy": Module(
        {**WRITING, "content": "text", "src": "path", "remote_src": "bool", "directory_mode": "mode"},
        required=("dest",),
    ),
    "template": Module({**WRITING, "src": "template"}, required=("src", "dest")),
    "lineinfile": Module(
        {**EDITING, "line": "text", "regexp": "regex", "search_string": "text", "firstmatch": "bool",
         "backrefs": "bool"},
        required=("path",),
    ),
    "blockinfile": Module(
        {**EDITING, "block": "text", "marker": "marker", "append_newline": "bool", "prepend_newline": "bool"},
        required=("path",),
    ),
    "replace": Module(
        {**OWNERSHIP, "path": "path", "dest": "path", "backup": "bool", "validate": "validator", "regexp": "regex",
         "replace": "text", "after": "regex", "before": "regex"},
        required=("path", "regexp"),
    ),
    # what changes the system
    "systemd_service": Module(SYSTEMD),
    "systemd": Module(SYSTEMD),
    "service": Module(UNIT, required=("name",)),
    "apt": Module(
        {**PACKAGES, "purge": "bool", "cache_valid_time": "number", "install_recommends": "bool",
         "only_upgrade": "bool"},
    ),
    "dnf": Module({**PACKAGES, "install_weak_deps": "bool"}),
    "package": Module({"name": "package", "state": PACKAGES["state"]}, required=("name",)),
    "user": Module(
        {"name": "account", "state": ("present", "absent"), "system": "bool", "shell": "word", "home": "path",
         "create_home": "bool", "group": "account", "groups": "names", "append": "bool", "uid": "number",
         "comment": "word", "remove": "bool", "force": "bool", "password_lock": "bool"},
        required=("name",),
    ),
    "group": Module(
        {"name": "account", "state": ("present", "absent"), "system": "bool", "gid": "number"}, required=("name",)
    ),
    "cron": Module(
        {"name": "word", "job": "job", "state": ("present", "absent"), "user": "account",
         "cron_file": "file", "minute": "clock", "hour": "clock", "day": "clock", "month": "clock",
         "weekday": "clock", "disabled": "bool",
         "special_time": ("annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly")},
        required=("name",),
    ),
    "iptables": Module(
        {"chain": "word", "table": ("filter", "nat", "mangle", "raw"), "protocol": "word", "source": "word",
         "destination": "word", "destination_port": "word", "destination_ports": "names", "source_port": "word",
         "in_interface": "word", "out_interface": "word", "jump": "word", "ctstate": "names", "match": "names",
         "comment": "word", "action": ("append", "insert"), "rule_num": "word", "state": ("present", "absent"),
         "flush": "bool", "policy": ("ACCEPT", "DROP", "QUEUE", "RETURN"), "limit": "word",
         "ip_version": ("ipv4", "ipv6")},
    ),
    "hostname": Module({"name": "word"}, required=("name",)),
    "command": Module({"argv": "argv", "creates": "path", "removes": "path", "chdir": "path"}, required=("argv",)),
    # what only reads
    "stat": Module(
        {"path": "seen", "follow": "bool", "get_checksum": "bool", "get_mime": "bool", "get_attributes": "bool",
         "checksum_algorithm": ("sha1", "sha256", "sha512")},
        required=("path",), only_reads=True,
    ),
    "find": Module(
        {"paths": "paths", "path": "paths", "patterns": "names", "excludes": "names", "age": "text", "size": "text",
         "age_stamp": ("atime", "ctime", "mtime"), "recurse": "bool", "depth": "number", "hidden": "bool",
         "file_type": ("any", "directory", "file", "link"), "use_regex": "bool", "contains": "regex",
         "get_checksum": "bool", "limit": "number"},
        required=("paths",), only_reads=True,
    ),
    "slurp": Module({"src": "path", "path": "path"}, required=("src",), only_reads=True),
    "service_facts": Module({}, only_reads=True),
    "package_facts": Module({"manager": "names"}, only_reads=True),
    "setup": Module({"gather_subset": "names", "filter": "names"}, only_reads=True),
    "getent": Module({"database": ("group", "hosts", "passwd", "services"), "key": "word", "fail_key": "bool"},
                     required=("database",), only_reads=True),
    "wait_for": Module(
        {"path": "seen", "port": "number", "host": ("127.0.0.1", "localhost", "::1"), "timeout": "number",
         "delay": "number", "sleep": "number", "connect_timeout": "number", "search_regex": "regex",
         "state": ("absent", "drained", "present", "started", "stopped")},
        only_reads=True,
    ),
    "assert": Module({"that": "bare", "fail_msg": "text", "success_msg": "text", "msg": "text", "quiet": "bool"},
                     required=("that",), only_reads=True),
    "fail": Module({"msg": "text"}, only_reads=True),
    "debug": Module({"msg": "things", "verbosity": "number"}, only_reads=True),
    "set_fact": Module({}, only_reads=True, is_free=True),
    # what stays inside the role
    "import_tasks": Module({"file": "word"}, only_reads=True),
    "include_tasks": Module({"file": "word"}, only_reads=True),
    "meta": Module({}, only_reads=True),
}  # fmt: skip
ALIASES = {"dest": "path", "path": "dest", "pkg": "name"}
"""Another name of the same argument; a required one may be given under either."""

REFUSED = {
    "shell": "hands a line to a shell",
    "raw": "hands a line to a shell without Ansible's modules",
    "script": "copies a script to the host and runs it",
    "expect": "runs a command and answers its questions",
    "include_role": "brings in another role, which nobody looked at here",
    "import_role": "brings in another role, which nobody looked at here",
    "import_playbook": "brings in a play; we write the play",
    "include_vars": "reads variables from the controller",
    "fetch": "carries files to the controller",
    "add_host": "changes the inventory; we write the inventory",
    "group_by": "changes the inventory; we write the inventory",
    "reboot": "takes the host away; that is an operation of its own",
    "pause": "waits for a person",
    "tempfile": "makes another file on every run, so that the role never converges",
    "get_url": "fetches what nobody looked at",
    "uri": "talks to other machines",
    "unarchive": "writes files that nobody can list beforehand",
    "assemble": "writes what a folder happens to hold",
    "git": "fetches what nobody looked at",
    "subversion": "fetches what nobody looked at",
    "pip": "fetches what nobody looked at",
    "apt_key": "trusts another source of packages",
    "apt_repository": "trusts another source of packages",
    "deb822_repository": "trusts another source of packages",
    "yum_repository": "trusts another source of packages",
    "rpm_key": "trusts another source of packages",
    "known_hosts": "trusts another host",
    "async_status": "follows a task that runs on its own",
}
INSTEAD = {
    "shell": "Use a module that states what should be, or ansible.builtin.command with argv and a # REASON: comment.",
    "raw": "Use a module that states what should be.",
    "script": "Use a module that states what should be.",
    "include_role": "Write the tasks into this role, under tasks/.",
    "import_role": "Write the tasks into this role, under tasks/.",
    "include_vars": "Write the values into defaults/main.yml.",
    "unarchive": "Write the file with ansible.builtin.template.",
    "get_url": "Write the file with ansible.builtin.template, or install a package.",
    "uri": "Look at the port with ansible.builtin.wait_for.",
    "ansible.posix.mount": "Write the line into /etc/fstab with ansible.builtin.lineinfile.",
    "ansible.posix.sysctl": "Write a file in /etc/sysctl.d, and let a handler restart systemd-sysctl.",
    "community.general.modprobe": "Write a file in /etc/modprobe.d or /etc/modules-load.d with ansible.builtin.copy.",
    "community.general.pam_limits": "Write a file in /etc/security/limits.d with ansible.builtin.template.",
}
