"""Roles as people write them after real incidents: fifteen kinds of work, and nothing in them may stop the gate.

They are for the static gate alone: their services and packages are on no host of the lab.
"""

from __future__ import annotations

from remediation.playbooks.gate import Scope
from remediation.playbooks.tests.roles_base import Case

OWNED = '    owner: root\n    group: root\n    mode: "0644"\n'


def everyday(name: str, scope: Scope, main: str, back: str, verify: str, **files: str) -> Case:
    """A role; `files` are handlers, defaults, and templates by the name of what they write."""
    texts = {"tasks/main.yml": main, "tasks/backout.yml": back, "tasks/verify.yml": verify}
    for key, text in files.items():
        path = f"{key}/main.yml" if key in {"handlers", "defaults"} else f"templates/{key}.conf.j2"
        texts[path] = text
    yaml = {path: f"---\n{text.strip()}\n" for path, text in texts.items() if path.endswith(".yml")}
    return Case(name, {**texts, **yaml}, scope, role=name)


def written(path: str, lines: str, why: str = "", notify: str = "") -> str:
    """A task that writes a file of its own."""
    mark = f"# REVIEW: {why}\n" if why else ""
    content = "".join(f"      {line}\n" for line in lines.strip().split("\n"))
    told = f"  notify: {notify}\n" if notify else ""
    return f"""
{mark}- name: Settings in {path}
  ansible.builtin.copy:
    dest: {path}
    content: |
{content}{OWNED}{told}"""


def gone(path: str, notify: str = "") -> str:
    """A task of the way back that takes it away again."""
    told = f"  notify: {notify}\n" if notify else ""
    return f"""
# REVIEW: it is as before
- name: Take {path} away
  ansible.builtin.file:
    path: {path}
    state: absent
{told}"""


def there(name: str, path: str, words: str) -> str:
    """A look at what a file holds."""
    return f"""
- name: Read the file
  ansible.builtin.slurp:
    src: {path}
  register: {name}_file

- name: The setting is there
  ansible.builtin.assert:
    that: "'{words}' in {name}_file.content | b64decode"
    fail_msg: The setting is missing
"""


def runs(service: str) -> str:
    """A look at a service."""
    return f"""
- name: Ask which services there are
  ansible.builtin.service_facts:

- name: The service runs
  ansible.builtin.assert:
    that: ansible_facts['services']['{service}.service']['state'] == 'running'
"""


def handler(name: str, service: str, state: str = "restarted", more: str = "") -> str:
    return f"- name: {name}\n  ansible.builtin.systemd_service:\n    name: {service}\n    state: {state}\n{more}"


CASES = (
    everyday(
        "log_rotation", Scope(("/etc/logrotate.d/app", "/var/log/app"), (), ("logrotate",)),
        "- name: Have logrotate\n  ansible.builtin.package:\n    name: logrotate\n    state: present\n"
        + written("/etc/logrotate.d/app", """\
/var/log/app/*.log {
  daily
  rotate {{ log_rotation_keep }}
  compress
  missingok
  copytruncate
}""", "logs older than this are deleted") + "    validate: /usr/sbin/logrotate -d %s\n",
        gone("/etc/logrotate.d/app") + """
# REVIEW: nothing else rotates on these hosts
- name: Take logrotate away
  ansible.builtin.package:
    name: logrotate
    state: absent
""",
        there("log_rotation", "/etc/logrotate.d/app", "daily"), defaults="log_rotation_keep: 14",
    ),
    everyday(
        "conntrack_limit", Scope(("/etc/sysctl.d/90-conntrack.conf",), ("systemd-sysctl",)),
        written("/etc/sysctl.d/90-conntrack.conf", """\
# {{ ansible_managed }}
net.netfilter.nf_conntrack_max = {{ conntrack_limit_max }}""", "the memory of these hosts suffices", "Apply settings"),
        gone("/etc/sysctl.d/90-conntrack.conf", "Apply settings"),
        there("conntrack_limit", "/etc/sysctl.d/90-conntrack.conf", "nf_conntrack_max"),
        handlers=handler("Apply settings", "systemd-sysctl"), defaults="conntrack_limit_max: 262144",
    ),
    everyday(
        "nginx_limit", Scope(("/etc/nginx/conf.d",), ("nginx",)),
        f"""
- name: Limit requests by address
  ansible.builtin.template:
    src: limits.conf.j2
    dest: /etc/nginx/conf.d/limits.conf
{OWNED}  notify: Reload nginx
""",
        gone("/etc/nginx/conf.d/limits.conf", "Reload nginx"),
        runs("nginx") + """
- name: It answers
  ansible.builtin.wait_for:
    host: 127.0.0.1
    port: 80
    timeout: 10
""",
        handlers=handler("Reload nginx", "nginx", "reloaded"), defaults="nginx_limit_rate: 20\nnginx_limit_burst: 40",
        limits="""\
limit_req_zone $binary_remote_addr zone=per_ip:10m rate={{ nginx_limit_rate }}r/s;
limit_req zone=per_ip burst={{ nginx_limit_burst }} nodelay;
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
""",
    ),
    everyday(
        "app_restarts", Scope(("/etc/systemd/system/app.service.d",), ("app",)),
        """
# REVIEW: the application has no other drop-ins
- name: Have a folder for drop-ins
  ansible.builtin.file:
    path: /etc/systemd/system/app.service.d
    state: directory
    owner: root
    group: root
    mode: "0755"
""" + written("/etc/systemd/system/app.service.d/restart.conf", """\
[Service]
Restart=on-failure
RestartSec={{ app_restarts_seconds }}""", "it is restarted when it fails", "Restart app"),
        gone("/etc/systemd/system/app.service.d/restart.conf", "Restart app"),
        there("app_restarts", "/etc/systemd/system/app.service.d/restart.conf", "on-failure"),
        handlers=handler("Restart app", "app", more="    daemon_reload: true\n"), defaults="app_restarts_seconds: 5",
    ),
    everyday(
        "nightly_clean", Scope(("/etc/cron.d/nightly-clean",)),
        """
# REVIEW: what it runs, and when
- name: Clean sessions at night
  ansible.builtin.cron:
    name: clean sessions
    user: www-data
    cron_file: nightly-clean
    minute: "*/15"
    hour: "1-3"
    job: /usr/local/bin/clean-sessions --older-than 7
""",
        """
# REVIEW: nothing cleans any more
- name: Take the job away
  ansible.builtin.cron:
    name: clean sessions
    user: www-data
    cron_file: nightly-clean
    state: absent
""",
        there("nightly_clean", "/etc/cron.d/nightly-clean", "clean-sessions"),
    ),
    everyday(
        "time_servers", Scope(("/etc/chrony",), ("chrony",), ("chrony",)),
        """
- name: Have chrony
  ansible.builtin.apt:
    name: chrony
    update_cache: true
    cache_valid_time: 3600
""" + written("/etc/chrony/sources.d/ours.sources", """\
{% for server in time_servers_names %}
server {{ server }} iburst
{% endfor %}""", notify="Restart chrony") + """
- name: Chrony runs and starts with the host
  ansible.builtin.systemd_service:
    name: chrony
    state: started
    enabled: true
""",
        gone("/etc/chrony/sources.d/ours.sources", "Restart chrony") + """
# REVIEW: chrony was not there before
- name: Take chrony away
  ansible.builtin.apt:
    name: chrony
    state: absent
""",
        runs("chrony"), handlers=handler("Restart chrony", "chrony"),
        defaults="time_servers_names:\n  - ntp1.example.com\n  - ntp2.example.com",
    ),
    everyday(
        "tls_key", Scope(("/etc/ssl/private/app.key",), ("nginx",)),
        """
- name: Look at the key
  ansible.builtin.stat:
    path: /etc/ssl/private/app.key
  register: tls_key_found

# REVIEW: only the web server needs to read the key
- name: Root and the web server read the key
  ansible.builtin.file:
    path: /etc/ssl/private/app.key
    owner: root
    group: ssl-cert
    mode: "0640"
  when: tls_key_found.stat.exists
  notify: Reload nginx
""",
        """
# REVIEW: the group of before
- name: Only root reads the key
  ansible.builtin.file:
    path: /etc/ssl/private/app.key
    owner: root
    group: root
    mode: "0600"
""",
        """
- name: Look at the key
  ansible.builtin.stat:
    path: /etc/ssl/private/app.key
  register: tls_key_now

- name: Others cannot read it
  ansible.builtin.assert:
    that:
      - tls_key_now.stat.exists
      - tls_key_now.stat.mode == '0640'
""",
        handlers=handler("Reload nginx", "nginx", "reloaded"),
    ),
    everyday(
        "build_cache", Scope(("/etc/tmpfiles.d/build-cache.conf",)),
        written("/etc/tmpfiles.d/build-cache.conf", "d /var/cache/build 0755 root root {{ build_cache_days }}d",
                "builds can do without files older than this"),
        gone("/etc/tmpfiles.d/build-cache.conf"),
        there("build_cache", "/etc/tmpfiles.d/build-cache.conf", "/var/cache/build"), defaults="build_cache_days: 7",
    ),
    everyday(
        "journal_size", Scope(("/etc/systemd/journald.conf.d",), ("systemd-journald",)),
        """
- name: Have a folder for settings of the journal
  ansible.builtin.file:
    path: /etc/systemd/journald.conf.d
    state: directory
    owner: root
    group: root
    mode: "0755"
""" + written("/etc/systemd/journald.conf.d/size.conf", "[Journal]\nSystemMaxUse={{ journal_size_most }}",
              "entries beyond this size go", "Restart journald"),
        gone("/etc/systemd/journald.conf.d/size.conf", "Restart journald") + """
- name: Look into the folder
  ansible.builtin.find:
    paths: /etc/systemd/journald.conf.d
  register: journal_size_rest

# REVIEW: an empty folder goes
# PURGE: nothing is in it
- name: Take the folder away where it is empty
  ansible.builtin.file:
    path: /etc/systemd/journald.conf.d
    state: absent
  when: journal_size_rest.matched == 0
""",
        there("journal_size", "/etc/systemd/journald.conf.d/size.conf", "SystemMaxUse"),
        handlers=handler("Restart journald", "systemd-journald"), defaults="journal_size_most: 500M",
    ),
    everyday(
        "database_pin", Scope(("/etc/apt/preferences.d/postgresql",)),
        written("/etc/apt/preferences.d/postgresql", """\
Package: postgresql-15
Pin: version {{ database_pin_version }}
Pin-Priority: 1001""", "it stays at this version"),
        gone("/etc/apt/preferences.d/postgresql"),
        there("database_pin", "/etc/apt/preferences.d/postgresql", "Pin-Priority"),
        defaults='database_pin_version: "15.5-0+deb12u1"',
    ),
    everyday(
        "swap_file", Scope(("/etc/fstab",)),
        """
# REVIEW: the file exists and has its signature
- name: Use the swap file from the next start on
  ansible.builtin.lineinfile:
    path: /etc/fstab
    regexp: '^/swapfile\\s'
    line: /swapfile none swap sw,pri={{ swap_file_priority }} 0 0
""",
        """
# REVIEW: it is no longer used
- name: Leave the swap file out
  ansible.builtin.lineinfile:
    path: /etc/fstab
    regexp: '^/swapfile\\s'
    state: absent
""",
        there("swap_file", "/etc/fstab", "/swapfile none swap"), defaults="swap_file_priority: 10",
    ),
    everyday(
        "module_off", Scope(("/etc/modprobe.d/no-usb-storage.conf",)),
        written("/etc/modprobe.d/no-usb-storage.conf", "blacklist usb_storage\ninstall usb_storage /bin/false",
                "nobody needs storage on USB here"),
        gone("/etc/modprobe.d/no-usb-storage.conf"),
        there("module_off", "/etc/modprobe.d/no-usb-storage.conf", "blacklist usb_storage"),
    ),
    everyday(
        "open_files", Scope(("/etc/security/limits.d/90-app.conf",)),
        f"""
# REVIEW: the application may open this many files
- name: Let the application open more files
  ansible.builtin.template:
    src: limits.conf.j2
    dest: /etc/security/limits.d/90-app.conf
{OWNED}""",
        gone("/etc/security/limits.d/90-app.conf"),
        there("open_files", "/etc/security/limits.d/90-app.conf", "nofile"),
        defaults="open_files_limits:\n  - type: soft\n    value: 65536\n  - type: hard\n    value: 131072",
        limits="{% for limit in open_files_limits %}\napp {{ limit.type }} nofile {{ limit.value }}\n{% endfor %}\n",
    ),
    everyday(
        "name_servers", Scope(("/etc/resolv.conf", "/var/backups/resolv.conf.before")),
        """
- name: Keep the file as it is
  ansible.builtin.copy:
    src: /etc/resolv.conf
    dest: /var/backups/resolv.conf.before
    remote_src: true
    force: false
    mode: "0644"
""" + written("/etc/resolv.conf", """\
search {{ name_servers_search }}
{% for address in name_servers_addresses %}
nameserver {{ address }}
{% endfor %}
options timeout:2 attempts:2 rotate""", "these servers answer for all our names"),
        """
# REVIEW: the servers of before
- name: Put the file back
  ansible.builtin.copy:
    src: /var/backups/resolv.conf.before
    dest: /etc/resolv.conf
    remote_src: true
    mode: "0644"

# REVIEW: it was put back
# PURGE: the file itself has all of it
- name: Take the copy away
  ansible.builtin.file:
    path: /var/backups/resolv.conf.before
    state: absent
""",
        there("name_servers", "/etc/resolv.conf", "nameserver"),
        defaults="name_servers_search: example.com\nname_servers_addresses:\n  - 10.0.0.2\n  - 10.0.0.3",
    ),
    everyday(
        "mail_queue", Scope(("/etc/postfix/main.cf",), ("postfix",)),
        """
- name: Give up on mail sooner
  ansible.builtin.lineinfile:
    path: /etc/postfix/main.cf
    regexp: '^{{ item.key }}\\s*='
    line: "{{ item.key }} = {{ item.value }}"
  loop: "{{ mail_queue_settings | dict2items }}"
  notify: Reload postfix
""",
        """
# REVIEW: the defaults count again
- name: Take the settings out
  ansible.builtin.lineinfile:
    path: /etc/postfix/main.cf
    regexp: '^{{ item }}\\s*='
    state: absent
  loop: "{{ mail_queue_settings.keys() | list }}"
  notify: Reload postfix
""",
        there("mail_queue", "/etc/postfix/main.cf", "maximal_queue_lifetime = 1d"),
        handlers=handler("Reload postfix", "postfix", "reloaded"),
        defaults="mail_queue_settings:\n  maximal_queue_lifetime: 1d\n  bounce_queue_lifetime: 6h",
    ),
)  # fmt: skip
