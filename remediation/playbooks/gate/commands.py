"""Commands: the last resort, with a reason, as a list of words, and only where something says whether they changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediation.playbooks.gate import reading
from remediation.playbooks.gate.lexing import NotReadable
from remediation.playbooks.gate.reading import text_of
from remediation.playbooks.gate.scoping import is_inside, is_plain_path
from remediation.playbooks.gate.shapes import Finding, Scope
from remediation.playbooks.gate.tasks import REASON, Task
from remediation.playbooks.gate.templates import names_of, parse_bare

RULE = "command"
PROGRAM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
PROGRAM = re.compile(r"(?:/usr)?/s?bin/[A-Za-z0-9][A-Za-z0-9._+-]*")
OWN_PROGRAM = re.compile(r"/usr/local/s?bin/[A-Za-z0-9][A-Za-z0-9._+-]*")
"""What people installed themselves: the clock may run it, and somebody confirms that."""
INTERPRETERS = re.compile(
    r"(?:ba|da|k|z|c|tc|fi)?sh|busybox|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|lua[0-9.]*|node|tclsh|expect|[gmn]?awk|sed|ed|ex|"
    r"vim?|env|xargs|find|parallel|nohup|setsid|timeout|nice|ionice|chroot|nsenter|unshare|sudo|su|doas|runuser|pkexec|ssh|scp|sftp|"
    r"rsync|curl|wget|nc|ncat|socat|telnet|ftp|git|make|gcc|cc|gdb|strace|systemd-run|at|batch|crontab|dd|tar|zip|unzip|ansible.*|"
    r"docker|podman|kubectl|nmap|openssl|watch|script|screen|tmux|eval|exec|source|flock|start-stop-daemon|machinectl|"
    r"rbash|mksh|pypy[0-9.]*|java|m4|gpg[0-9]?|prlimit|setpriv|taskset|chrt|stdbuf|time|run-parts|capsh|sg|newgrp|runcon|choom|"
    r"bwrap|firejail|perf|bpftool|bpftrace|debugfs|busctl|gdbus|dbus-.*|cpulimit|rlwrap|ld(?:-linux.*)?\.so.*|"
    r"pip[0-9.]*|npm|gem|cpan|easy_install|snap|flatpak|mysql|mariadb|psql|sqlite3|redis-cli|logrotate|crond?|anacron"
)
"""Programs that run what they are given, or that move data anywhere: no list of words says what they do."""
TAKES_AWAY = re.compile(
    r"rm|rmdir|unlink|shred|truncate|wipefs|mkfs.*|mke2fs|mkswap|fdisk|sfdisk|parted|blkdiscard|userdel|groupdel|deluser|"
    r"shutdown|reboot|halt|poweroff|init|telinit|kill|killall|pkill|mount|umount|iptables.*|ip6tables.*|nft|ufw|firewall-cmd|"
    r"chmod|chown|chgrp|setfacl|apt|apt-get|dpkg|yum|dnf|rpm|useradd|usermod|groupadd|passwd|chpasswd|visudo|swapoff|lvremove|"
    r"vgremove|pvremove|mdadm|cryptsetup|sysctl|modprobe|rmmod|insmod|hostnamectl|systemctl|service|cp|mv|ln|install|tee|touch|mkdir|"
    r"chsh|gpasswd|newusers|vipw|vigr|groupmod|chage|setcap|setenforce|setsebool|kexec|apt-mark|apt-key|dpkg-reconfigure|"
    r"debconf-set-selections|ip|tc|nmcli|netplan|ifup|ifdown|ifconfig|route|brctl|update-rc\.d|chkconfig|grub-.*|update-grub"
)
"""Programs for which there is a module that states what should be, or that no role may run."""
CHECKER = re.compile(r"(?:/usr)?/s?bin/([a-z0-9-]+) (.+)")
CHECKERS = {
    "apache2ctl": ("-t -f %s",),
    "apachectl": ("-t -f %s",),
    "grep": ("-c WORD %s",),
    "haproxy": ("-c -f %s",),
    "httpd": ("-t -f %s",),
    "logrotate": ("-d %s", "--debug %s"),
    "named-checkconf": ("%s", "-z %s"),
    "nft": ("-c -f %s", "-cf %s", "--check --file %s"),
    "nginx": ("-t -c %s", "-t -q -c %s"),
    "rsyslogd": ("-N1 -f %s", "-N 1 -f %s"),
    "sshd": ("-t -f %s", "-tf %s"),
    "systemd-analyze": ("verify %s",),
    "test": ("-s %s", "-e %s", "-f %s", "-r %s"),
    "visudo": ("-cf %s", "-c -f %s"),
}
"""Programs that look at a file and leave it as it is, with the words that keep them at that."""
GREP = re.compile(r"(?:-[cEFiqwx]+ )*[A-Za-z0-9][A-Za-z0-9._=-]* %s")
JOB = re.compile(r"/[A-Za-z0-9._/+-]+(?: [A-Za-z0-9._/+=:@,-]+)*")


def findings(task: Task, scope: Scope) -> Iterator[Finding]:
    """What is wrong with one command."""
    if task.module != "command":
        return
    if not any(line.removeprefix(REASON).strip() for line in task.comments if line.startswith(REASON)):
        mend = f"Use a module; or say in a comment directly above the task why none fits: {REASON} <why>."
        yield Finding(task.file, task.line, RULE, "A command stands here without a reason.", mend)
    if not task.argument("creates", "removes") and not _is_told_whether(task):
        mend = "Give creates or removes, or a changed_when that reads what the command registered."
        yield Finding(task.file, task.line, RULE, "Nothing says whether the command changed anything.", mend)
    yield from _program(task)
    yield from _words(task, scope)


def _is_told_whether(task: Task) -> bool:
    """Whether `changed_when` depends on something."""
    node = task.node.items.get("changed_when")
    for each in node.items if isinstance(node, reading.Sequence) else (node,):
        try:
            if names_of(parse_bare(text_of(each))) and isinstance(each, reading.Scalar) and each.value is each.text:
                return True
        except NotReadable:
            continue
    return False


def argv(task: Task) -> list[reading.Scalar]:
    """The words of a command."""
    node = task.arguments.items.get("argv")
    return (
        [item for item in node.items if isinstance(item, reading.Scalar)] if isinstance(node, reading.Sequence) else []
    )


def _program(task: Task) -> Iterator[Finding]:
    for first in argv(task)[:1]:
        why = refused(first.text)
        if why:
            mend = "Use a module that states what should be, or a program that does one thing."
            yield Finding(task.file, first.line, RULE, f"{first.text} {why}.", mend)


def refused(program: str) -> str | None:
    """Why this program may not be run; None if it may, with a reason and a person's confirmation."""
    name = program.rpartition("/")[2]
    if INTERPRETERS.fullmatch(name):
        return "runs what it is given, or carries data anywhere"
    if TAKES_AWAY.fullmatch(name):
        return "is nothing for a command: a module states it, or no role may do it"
    if not PROGRAM.fullmatch(program):
        return f"is not a program by its full path in {', '.join(PROGRAM_FOLDERS)}"
    return None


def _words(task: Task, scope: Scope) -> Iterator[Finding]:
    """Paths among the words lie in the scope; nothing in them is meant for a shell."""
    for word in argv(task)[1:]:
        for path in (part for part in re.split(r"[=,:]", word.text) if "/" in part):
            if not (is_plain_path(path) and is_inside(path, scope)):
                text = f"The command names {path}, which lies outside the patch scope."
                yield Finding(task.file, word.line, "scope", text, "Name absolute paths inside the scope only.")
        if re.search(r"[;&|<>`$*?~\\\n]", word.text):
            text = "A word of the command has signs that mean something to a shell, or to Ansible."
            yield Finding(task.file, word.line, RULE, text, "There is no shell; write the words out.")
        if word.text in {".", ".."}:
            text = f"The command names {word.text}, a folder that nobody can read here."
            yield Finding(task.file, word.line, "scope", text, "Name absolute paths inside the scope only.")


def no_validator(text: str) -> tuple[str, str] | None:
    """What is wrong with the program that checks a file before it is put in place."""
    found = CHECKER.fullmatch(text)
    name, words = found.groups() if found else ("", "")
    if words in CHECKERS.get(name, ()) or (name == "grep" and GREP.fullmatch(words)):
        return None
    mend = f"Write one program by its full path, with %s for the file; one of: {', '.join(sorted(CHECKERS))}."
    if name in CHECKERS:
        mend = f"Write it as {text.partition(' ')[0]} {CHECKERS[name][0]}."
    return "is not one of the programs that only look at a file", mend


def no_job(text: str) -> tuple[str, str] | None:
    """What is wrong with what cron is to run; cron hands it to a shell."""
    mend = (
        "Write one program of /usr/bin, /usr/sbin, /usr/local/bin or /usr/local/sbin by its full path, in plain words."
    )
    if not JOB.fullmatch(text):
        return "is not one plain command", mend
    program = text.split(" ", 1)[0]
    why = refused(program)
    is_ours = OWN_PROGRAM.fullmatch(program) and not INTERPRETERS.fullmatch(program.rpartition("/")[2])
    return (f"names a program that {why}", mend) if why and not is_ours else None
