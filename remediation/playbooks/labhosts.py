"""Hosts of the lab: folders that look enough like a Debian host for a role to be played on them, without root.

They have files, and units as the lab's own `systemctl` keeps them. No service runs in them, no package manager works.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

TOPS = ("etc", "opt", "run", "srv", "var")
"""The folders that stand in for the jail's own while a role is played."""

FOLDERS = (
    *TOPS,
    "etc/chrony/conf.d",
    "etc/logrotate.d",
    "etc/systemd",
    "etc/tmpfiles.d",
    "run/lab",
    "run/systemd/system",
    "var/log/nginx",
)

RELEASE = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""
LOGROTATE = """# see "man logrotate" for details
weekly
rotate 4
create
include /etc/logrotate.d
"""
SYSLOG = """/var/log/syslog
/var/log/auth.log
{
\trotate 4
\tweekly
\tmissingok
\tnotifempty
\tcompress
}
"""
JOURNALD = "[Journal]\n#SystemMaxUse=\n"
USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
GROUPS = "root:x:0:\nadm:x:4:\nsystemd-journal:x:101:\nnogroup:x:65534:\n"
UNITS = {
    "chrony.service": "enabled",
    "cron.service": "enabled",
    "logrotate.service": "static",
    "logrotate.timer": "enabled",
    "nginx.service": "enabled",
    "ssh.service": "enabled",
    "systemd-journald.service": "static",
}
ARCHIVES = {"syslog.1.gz": 8, "syslog.2.gz": 15, "syslog.9.gz": 64, "auth.log.12.gz": 85, "nginx/access.log.30.gz": 31}
"""Old logs, and how many days old."""

DAILY = {"syslog": 400, "auth.log": 120, "nginx/access.log": 900}
"""Logs that are written to, and how many lines they have."""


def create_lab_folder(path: Path, hostname: str, *, at: datetime) -> None:
    """Make a host, all of it or nothing; one that is there already is left as it is."""
    if (path / "etc").exists():
        return
    made = path.with_name(f".{path.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    _fill(made, hostname, at)
    made.rename(path)


def _fill(path: Path, hostname: str, at: datetime) -> None:
    for folder in FOLDERS:
        (path / folder).mkdir(parents=True, exist_ok=True)
    for name, text in _files(hostname).items():
        (path / name).write_text(text)
    for name, lines in DAILY.items():
        _log(path / "var/log" / name, hostname, lines, at)
    for name, days in ARCHIVES.items():
        archive = path / "var/log" / name
        archive.write_bytes(b"\x1f\x8b\x08" + name.encode() * 200)
        moment = (at - timedelta(days=days)).timestamp()
        os.utime(archive, (moment, moment))


def _files(hostname: str) -> dict[str, str]:
    units = {name: _unit(starts) for name, starts in UNITS.items()}
    return {
        "etc/os-release": RELEASE,
        "etc/debian_version": "12.8\n",
        "etc/hostname": f"{hostname}\n",
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n",
        "etc/passwd": USERS,
        "etc/group": GROUPS,
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "etc/logrotate.conf": LOGROTATE,
        "etc/logrotate.d/rsyslog": SYSLOG,
        "etc/systemd/journald.conf": JOURNALD,
        "run/lab/units.json": json.dumps(units, indent=1, sort_keys=True),
    }


def _unit(starts: str) -> dict[str, str]:
    return {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": starts}


def _log(path: Path, hostname: str, lines: int, at: datetime) -> None:
    first = at - timedelta(minutes=lines)
    path.write_text(
        "".join(
            f"{first + timedelta(minutes=number):%b %d %H:%M:%S} {hostname} systemd[1]: Started session {number}.\n"
            for number in range(lines)
        )
    )
