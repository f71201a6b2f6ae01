"""What we know of hosts: folders that every one has, or that packages bring, and where any change counts."""

from __future__ import annotations

THERE = frozenset({
    "/", "/bin", "/etc", "/etc/apt", "/etc/apt/apt.conf.d", "/etc/apt/preferences.d", "/etc/apt/sources.list.d",
    "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.monthly", "/etc/cron.weekly", "/etc/default",
    "/etc/logrotate.d", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/network", "/etc/profile.d",
    "/etc/security", "/etc/security/limits.d", "/etc/ssh", "/etc/ssh/sshd_config.d", "/etc/sysctl.d",
    "/etc/systemd", "/etc/systemd/system", "/etc/tmpfiles.d", "/etc/update-motd.d", "/home", "/lib", "/opt",
    "/root", "/run", "/sbin", "/srv", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin",
    "/usr/local/etc", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/usr/sbin", "/usr/share", "/var",
    "/var/backups", "/var/cache", "/var/lib", "/var/log", "/var/spool",
})  # fmt: skip
"""Folders that every host of ours has."""
USUAL = frozenset({
    "", "conf.d", "conf", "jail.d", "mods-available", "mods-enabled", "sites-available", "sites-enabled", "snippets",
    "sources.d",
})  # fmt: skip
"""Folders that a package brings below /etc/<package>."""
_MOUNTS, _FIREWALL, _NETWORK = "decides what is mounted", "is the firewall", "is the network"
_CLOCK, _PROGRAM, _SOURCE = "runs commands by the clock", "is run as a program", "decides where packages come from"
_LOGIN, _RIGHTS, _TRUST = "is read at every login", "decides who may what", "decides whom this host trusts"
_START, _KERNEL = "decides how the host starts", "decides how the kernel works, and may run commands"
_SYSTEM = "holds programs and libraries of the system"
_PLACES: dict[str, tuple[str, ...]] = {
    _MOUNTS: ("/etc/crypttab", "/etc/exports", "/etc/fstab"),
    _FIREWALL: ("/etc/firewalld", "/etc/iptables", "/etc/nftables.conf", "/etc/nftables.d", "/etc/ufw"),
    _NETWORK: (
        "/etc/NetworkManager", "/etc/hosts", "/etc/netplan", "/etc/network", "/etc/nsswitch.conf", "/etc/resolv.conf",
        "/etc/systemd/network",
    ),
    _CLOCK: (
        "/etc/anacrontab", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.monthly",
        "/etc/cron.weekly", "/etc/crontab", "/var/spool/cron",
    ),
    _PROGRAM: ("/etc/init.d", "/etc/rc.local", "/usr/local/bin", "/usr/local/sbin"),
    _SOURCE: ("/etc/apt", "/etc/dnf", "/etc/dpkg", "/etc/yum.conf", "/etc/yum.repos.d"),
    _LOGIN: (
        "/etc/bash.bashrc", "/etc/environment", "/etc/profile", "/root/.bash_profile", "/root/.bashrc",
        "/root/.profile",
    ),
    _RIGHTS: (
        "/etc/apparmor.d", "/etc/doas.conf", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/polkit-1", "/etc/security",
        "/etc/selinux", "/etc/ssl/private",
    ),
    _TRUST: (
        "/etc/ca-certificates.conf", "/etc/pki", "/etc/ssl/certs", "/usr/local/share/ca-certificates",
    ),
    _START: ("/etc/default/grub", "/etc/default/grub.d", "/etc/grub.d", "/etc/initramfs-tools", "/etc/kernel"),
    _KERNEL: (
        "/etc/modprobe.d", "/etc/modules", "/etc/modules-load.d", "/etc/sysctl.conf", "/etc/sysctl.d", "/etc/udev",
    ),
    _SYSTEM: (
        "/bin", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/lib", "/lib64", "/sbin", "/usr/bin", "/usr/lib",
        "/usr/lib64", "/usr/libexec", "/usr/local/lib", "/usr/sbin",
    ),
    "deletes files by the clock, and may run commands": ("/etc/logrotate.conf", "/etc/logrotate.d"),
    "runs at every login": ("/etc/profile.d", "/etc/update-motd.d"),
    "decides who gets in": ("/etc/ssh",),
    "decides which programs run": ("/etc/systemd/system", "/etc/systemd/user"),
    "deletes files by the clock": ("/etc/tmpfiles.d",),
}  # fmt: skip
GUARDED = {place: why for why, places in _PLACES.items() for place in places}
"""Files and folders where any change counts, and why."""
