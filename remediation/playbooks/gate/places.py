"""What we know of hosts: folders that every one has, or that packages bring, and where any change counts."""

from __future__ import annotations

THERE = frozenset({
    "/", "/etc", "/etc/apt/apt.conf.d", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.monthly",
    "/etc/cron.weekly", "/etc/default", "/etc/logrotate.d", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/network",
    "/etc/profile.d", "/etc/security", "/etc/security/limits.d", "/etc/ssh", "/etc/sysctl.d", "/etc/systemd",
    "/etc/systemd/system", "/etc/tmpfiles.d", "/etc/update-motd.d", "/home", "/opt", "/root", "/run", "/srv",
    "/usr/local/bin", "/usr/local/etc", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/var",
    "/var/backups", "/var/cache", "/var/lib", "/var/log", "/var/spool",
})  # fmt: skip
"""Folders that every host of ours has."""
USUAL = frozenset({
    "", "conf.d", "conf", "mods-available", "mods-enabled", "sites-available", "sites-enabled", "snippets",
})  # fmt: skip
"""Folders that a package brings below /etc/<package>."""
_MOUNTS, _FIREWALL, _NETWORK = "decides what is mounted", "is the firewall", "is the network"
_CLOCK, _PROGRAM, _SOURCE = "runs commands by the clock", "is run as a program", "decides where packages come from"
GUARDED = {
    "/etc/apt": _SOURCE,
    "/etc/cron.d": _CLOCK,
    "/etc/cron.daily": _CLOCK,
    "/etc/cron.hourly": _CLOCK,
    "/etc/cron.monthly": _CLOCK,
    "/etc/cron.weekly": _CLOCK,
    "/etc/crontab": _CLOCK,
    "/etc/crypttab": _MOUNTS,
    "/etc/firewalld": _FIREWALL,
    "/etc/fstab": _MOUNTS,
    "/etc/init.d": _PROGRAM,
    "/etc/iptables": _FIREWALL,
    "/etc/logrotate.conf": "deletes files by the clock, and may run commands",
    "/etc/logrotate.d": "deletes files by the clock, and may run commands",
    "/etc/netplan": _NETWORK,
    "/etc/network": _NETWORK,
    "/etc/nftables.conf": _FIREWALL,
    "/etc/nftables.d": _FIREWALL,
    "/etc/profile.d": "runs at every login",
    "/etc/rc.local": _PROGRAM,
    "/etc/resolv.conf": _NETWORK,
    "/etc/security": "decides who may what",
    "/etc/ssh": "decides who gets in",
    "/etc/systemd/network": _NETWORK,
    "/etc/systemd/system": "decides which programs run",
    "/etc/tmpfiles.d": "deletes files by the clock",
    "/etc/ufw": _FIREWALL,
    "/etc/yum.repos.d": _SOURCE,
    "/usr/local/bin": _PROGRAM,
    "/usr/local/sbin": _PROGRAM,
    "/var/spool/cron": _CLOCK,
}
"""Files and folders where any change counts, and why."""
