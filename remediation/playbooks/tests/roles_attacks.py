"""Roles written to get past the gate: code on the controller, files outside the scope, gates that never end."""

from __future__ import annotations

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_base import BASE, SCOPE, Case, case

MAIN, DEFAULTS = "+tasks/main.yml", "+defaults/main.yml"
SHOW = "\n- name: Show\n  ansible.builtin.debug:\n    msg: "
HEADER = "#jinja2:variable_start_string:'[=',variable_end_string:'=]'"
PIPE = "[= query(['pipe'][0], 'id') =]"

KEEP = """
- name: Keep
  ansible.builtin.file:
    src: /var/log/x
    dest: /var/lib/clean-tmp/x
    state: hard
"""
COPIED = KEEP.replace("state: hard", "remote_src: true").replace("builtin.file", "builtin.copy")
GONE = """
# REVIEW: kept
- name: Delete <--
  ansible.builtin.file:
    path: /var/log/x
    state: absent
"""


def copied(dest: str, rest: str = "", mode: str = '"0644"') -> str:
    """What a task that writes a file has below its name."""
    return f"  ansible.builtin.copy:\n    dest: {dest}\n    content: x\n    mode: {mode}\n{rest}"


def written(dest: str, rest: str = "", mode: str = '"0644"') -> str:
    """A task that writes a file."""
    return f"\n- name: Write\n{copied(dest, rest, mode)}"


def imports(name: str) -> str:
    """A task that brings in a file."""
    return f"\n- name: More\n  ansible.builtin.include_tasks: {name}.yml\n"


def moved(name: str, keep: str, more: dict[str, str | None] | None = None) -> Case:
    """A file goes that was not really moved aside."""
    return case(name, {MAIN: keep + GONE, **(more or {})}, "was not moved aside")


def command_told(name: str, told: str, says: str) -> Case:
    """A command that says of itself what it did."""
    task = "\n# REASON: no module\n# REVIEW: it runs\n- name: Run\n  ansible.builtin.command:\n    argv:\n"
    return case(name, {MAIN: f"{task}      - /usr/bin/true\n  register: clean_tmp_ran\n  {told}\n"}, says)


def twice(name: str, expression: str) -> str:
    """Defaults of which each is two of the next."""
    return "".join(f'clean_tmp_{name}{n}: "{{{{ {expression.format(n + 1)} }}}}"\n' for n in range(24))


def scope(*paths: str, services: tuple[str, ...] = ()) -> gate.Scope:
    """The scope of the table and more."""
    return gate.Scope((*SCOPE.paths, *paths), (*SCOPE.services, *services), SCOPE.packages)


def cron(name: str, key: str, value: str, says: str) -> Case:
    """A job for the clock in which one argument is another."""
    given = {"name": "clean", "job": "/usr/bin/true", "user": "root", "cron_file": "clean", key: f"{value} <--"}
    lines = (f"    {argument}: {text}\n" for argument, text in given.items())
    task = "\n# REVIEW: at night\n- name: Clean\n  ansible.builtin.cron:\n" + "".join(lines)
    return case(name, {MAIN: task}, says, scope=scope("/etc/cron.d"))


def command(name: str, *words: str, says: str) -> Case:
    """A command whose last word is the wrong one."""
    task = (
        "\n# REASON: no module\n# REVIEW: it runs\n- name: Run\n  ansible.builtin.command:\n    creates: /var/log/x\n"
    )
    items = "".join(f"      - {word}\n" for word in words)
    return case(name, {MAIN: f"{task}    argv:\n{items[:-1]} <--\n"}, says)


def checked(program: str) -> Case:
    """A file that a program looks at before it is put in place."""
    return case(
        f"a look by {program}",
        {MAIN: written("/etc/clean-tmp.conf", f"    validate: {program} <--\n")},
        "only look at a file",
    )


def unmarked(name: str, task: str, says: str, *paths: str, services: tuple[str, ...] = ()) -> Case:
    """A task that destroys something and has no mark; its name is its first line."""
    return case(name, {MAIN: f"\n- name: Do it <--\n{task}"}, says, scope=scope(*paths, services=services))


def at(place: str) -> Case:
    """A file where any change counts."""
    return unmarked(f"a file at {place}", copied(place), "it is not marked", place)


CASES = (
    # code on the controller
    case("other marks for templates in a block", {MAIN: f"{SHOW}|\n      {HEADER} <--\n      {PIPE}\n"},
         "changes what marks a template"),
    case("other marks for templates in escapes", {
        MAIN: SHOW + f'"\\x23jinja2{HEADER.removeprefix("#jinja2")}\\n{PIPE}" <--\n'}, "changes what marks a template"),
    case("other marks for templates in a default", {DEFAULTS: f"clean_tmp_x: |\n  {HEADER} <--\n  {PIPE}\n"},
         "changes what marks a template"),
    case("other marks for templates in a name", {MAIN: f"\n- name: |\n    {HEADER} <--\n    {PIPE}\n"
         "  ansible.builtin.debug:\n    msg: x\n"}, "changes what marks a template"),

    case("a template that gives itself a name of Ansible's", {"templates/clean-tmp.conf.j2":
         "{% if false %}{% set ansible_play_name = 1 %}{% endif %}{{ ansible_play_name }} <--\n"}, "another meaning"),
    case("what Ansible names is registered", {MAIN: SHOW + "x\n  register: play_hosts\n"}, "already means something",
         at=("tasks/main.yml", 11)),

    # what nobody sees
    case("a hidden character in an escape", {MAIN: '\n- name: "a\\u202eb" <--\n  ansible.builtin.debug:\n    msg: x\n'},
         "U+202E"),
    case("a hidden character in a text of a template", {MAIN: SHOW + "\"{{ 'a\\\\x00b' }}\" <--\n"}, "U+0000"),
    case("a letter that leaves nothing on paper", {MAIN: SHOW + "a\u3164b <--\n"}, "U+3164"),

    # a gate that breaks or never ends
    case("a number of 5,000 digits", {MAIN: SHOW + '"{{ ' + "9" * 5_000 + ' }}" <--\n'}, "A template has '99999999'"),
    case("a number that no text can hold", {
        DEFAULTS: "clean_tmp_n: 0x" + "f" * 20_000 + "\n", MAIN: written('"/etc/{{ clean_tmp_n }}" <--')},
         "cannot be read from the role"),
    case("a value with millions of alternatives", {
        DEFAULTS: twice("a", "clean_tmp_a{0} if clean_tmp_days else clean_tmp_a{0}") + "clean_tmp_a24: x\n",
        MAIN: "".join(written(f'"/var/log/{{{{ clean_tmp_a{n} }}}}"') for n in range(24, 0, -1))
        + written('"/var/log/{{ clean_tmp_a0 }}" <--')}, "cannot be read from the role"),
    case("a list of millions", {
        DEFAULTS: twice("a", "clean_tmp_a{0} + clean_tmp_a{0}") + "clean_tmp_a24: [x]\n",
        MAIN: "".join(written('"/srv/{{ item }}"', f'  loop: "{{{{ clean_tmp_a{n} }}}}"\n') for n in range(24, 0, -1))
        + written('"/srv/{{ item }}" <--', '  loop: "{{ clean_tmp_a0 }}"\n')}, "cannot be read from the role"),
    case("more findings than anybody reads", {MAIN: SHOW + "x\n" + "".join(f"  key_{n}: x\n" for n in range(300))},
         "more findings behind these", at=("role", 1)),

    # files outside the scope
    cron("a file of cron that is none", "cron_file", "../passwd", "is no plain name of a file"),
    cron("a file of cron anywhere", "cron_file", "/etc/passwd", "is no plain name of a file"),
    cron("a crontab with a second line", "name", '"x\\n* * * * * root /usr/bin/id"', "is not written out"),
    cron("a crontab in the minute", "minute", '"* * * * * root /usr/bin/id"', "is not one field"),
    cron("a crontab in the user", "user", "root /usr/bin/id", "is no name of an account"),
    command("a home that Ansible looks up", "/usr/bin/chattr", "~bin", says="mean something to a shell, or to Ansible"),
    command("the folder above", "/usr/bin/chattr", "..", says="a folder that nobody can read here"),
    case("a variable of a task that it registers itself", {MAIN: """
- name: A fact
  ansible.builtin.set_fact:
    clean_tmp_file: /etc/passwd

- name: Write <--
  ansible.builtin.copy:
    dest: "{{ clean_tmp_file }}"
    content: x
    mode: "0644"
  vars:
    clean_tmp_file: /var/log/x
  register: clean_tmp_file
"""}, "already means something else"),
    case("a folder of a path with two slashes", {MAIN: written("\"{{ '/var/log//x' | dirname }}s/x\" <--")},
         "outside the patch scope"),
    case("a number out of a text", {MAIN: written("\"/etc/clean-tmp{{ '.conf' | int }}\" <--")},
         "cannot be read from the role"),
    case("keys and values the other way round", {
        DEFAULTS: "clean_tmp_d:\n  x: ../../etc/passwd\n",
        MAIN: written('"/var/log/{{ item.key }}" <--',
                      "  loop: \"{{ clean_tmp_d | dict2items(key_name='value', value_name='key') }}\"\n")},
         "cannot be read from the role"),
    *(case(f"a folder that is another one: {name}", {
        DEFAULTS: f"clean_tmp_n: {value}\n", MAIN: written(f'"/srv/data{{{{ {expression} }}}}/x" <--')}, says,
        scope=scope("/srv/data10", "/srv/data12", "/srv/data1:30", "/srv/datayes"))
      for name, value, expression, says in (
        ("octal", "010", "clean_tmp_n", "/srv/data8/x lies outside"),
        ("to the base of 60", "1:30", "clean_tmp_n", "cannot be read"),
        ("true", "yes", "clean_tmp_n", "/srv/dataTrue/x lies outside"),
        ("a sum", "1", "clean_tmp_n + 2", "cannot be read"),
        ("a truth as a number", "true", "clean_tmp_n | int", "cannot be read"),
    )),
    case("a key that is no text", {DEFAULTS: "clean_tmp_d:\n  yes: /var/log/x <--\n",
         MAIN: written("\"{{ clean_tmp_d.yes | default('/etc/passwd') }}\"")}, "is no text to YAML"),
    case("a look into a file elsewhere", {MAIN: """
- name: Look
  ansible.builtin.wait_for:
    path: /etc/shadow <--
    search_regex: "root:(.*)"
"""}, "nothing that a role may touch"),
    case("passwords of before", {MAIN: "\n- name: Read\n  ansible.builtin.slurp:\n    src: /etc/shadow- <--\n"},
         "nothing that a role may touch", scope=scope("/etc/shadow-")),
    case("the home of an account", {MAIN: """
# REVIEW: it goes
- name: Take the account away
  ansible.builtin.user:
    name: bob
    state: absent
    remove: true <--
"""}, "wherever they are", scope=scope("/etc/passwd")),
    case("a home that nobody names", {MAIN: """
# REVIEW: it comes
- name: Make the account <--
  ansible.builtin.user:
    name: bob
"""}, "a home for the account", scope=scope("/etc/passwd")),
    case("a folder of every host goes", {MAIN: """
# REVIEW: it goes
# PURGE: it is big
- name: Delete
  ansible.builtin.file:
    path: /var/log <--
    state: absent
"""}, "Every host needs"),
    case("a file in place of a folder", {MAIN: written("/var/log <--")}, "is a folder"),
    case("a unit that takes the host away", {MAIN: """
- name: Start
  ansible.builtin.systemd_service:
    name: reboot.target
    state: started
"""}, "takes the host away", at=("scope", 1), scope=scope(services=("reboot.target",))),

    # programs that do more than they seem to
    *(checked(program) for program in (
        "/usr/sbin/logrotate -f %s", "/usr/sbin/logrotate -d -l /etc/passwd %s", "/usr/sbin/nft -f %s",
        "/usr/sbin/nginx -c %s", "/usr/sbin/haproxy -f %s", "/usr/sbin/sshd -f %s", "/usr/sbin/rsyslogd -f %s",
        "/usr/sbin/postfix -c %s start", "/usr/bin/grep -f /etc/shadow %s",
    )),
    *(command(f"a command by {name}", f"/usr/bin/{name}", says=says) for name, says in (
        ("prlimit", "runs what"), ("run-parts", "runs what"), ("busctl", "runs what"), ("logrotate", "runs what"),
        ("ip", "nothing for a command"), ("gpasswd", "nothing for a command"),
    )),

    # destruction without a mark
    unmarked("a mode out of a loop", copied("/var/log/x", '  loop:\n    - mode: "4777"\n', '"{{ item.mode }}"'),
             "sets a special bit (mode 4777)"),
    case("a mode that nobody knows", {
        MAIN: "\n- name: Fact\n  ansible.builtin.set_fact:\n    clean_tmp_x: {mode: '4777'}\n"
        + written("/var/log/x", mode='"{{ clean_tmp_x.mode }}" <--')}, "is not four octal digits"),
    unmarked("another version of a package", "  ansible.builtin.apt:\n    name: clean-tmp=1.0\n",
             "changes the version"),
    unmarked("a swap file is switched on", "  ansible.builtin.systemd_service:\n    name: a.swap\n    state: started\n",
             "starts or stops what is no service", services=("a.swap",)),
    case("a file is emptied by a template of comments", {
        "templates/clean-tmp.conf.j2": "{# nothing #}\n", "tasks/main.yml": """\
---
- name: Write <--
  ansible.builtin.template:
    src: clean-tmp.conf.j2
    dest: /etc/clean-tmp.conf
    mode: "0644"
"""}, "truncates a file"),
    unmarked("text is replaced by an empty template", "  ansible.builtin.replace:\n    path: /etc/clean-tmp.conf\n"
             "    regexp: days\n    replace: \"{{ '' }}\"\n", "takes text away"),
    case("an argument that is left out", {MAIN: """
- name: Replace
  ansible.builtin.replace:
    path: /etc/clean-tmp.conf
    regexp: days
    replace: "{{ omit }}" <--
"""}, "leaves an argument out"),
    case("files found above a place that counts", {MAIN: """
- name: Find
  ansible.builtin.find:
    paths: /var/spool
    recurse: true
  register: clean_tmp_found

- name: Write <--
  ansible.builtin.copy:
    dest: "{{ item.path }}"
    content: x
    mode: "0644"
  loop: "{{ clean_tmp_found.files }}"
"""}, "may change /var/spool/cron", scope=scope("/var/spool")),
    unmarked("a pattern that nobody reads", "  ansible.builtin.replace:\n    path: /etc/clean-tmp.conf\n"
             "    regexp: '[^~]*[^~]*[^~]*'\n    replace: x\n", "does not show what it matches"),
    unmarked("a block that is left out", "  ansible.builtin.blockinfile:\n    path: /etc/clean-tmp.conf\n",
             "takes lines away"),
    *(at(place) for place in (
        "/etc/default/grub", "/etc/environment", "/etc/hosts", "/etc/modprobe.d/x.conf", "/etc/ssl/private/x.key",
        "/etc/sysctl.d/x.conf", "/root/.bashrc", "/usr/lib/systemd/system/x.service", "/usr/bin/x",
    )),

    # what only looks moved aside
    moved("what is kept under a condition of its block", "\n- name: Some\n  when: clean_tmp_days > 100\n  block:"
          + KEEP.replace("\n", "\n    ").rstrip(" ")),
    moved("what is kept in a file under a condition", imports("keep") + "  when: false\n", {
          "tasks/keep.yml": f"---{KEEP}"}),
    moved("what is kept below what goes", COPIED.replace("/var/lib/clean-tmp/x", '"{{ clean_tmp_kept }}"'),
          {DEFAULTS: "clean_tmp_kept: /var/log/x/kept\n"}),
    moved("what is kept unless something is there", COPIED.replace("true", "true\n    force: false")),
    case("the way back deletes what was there before", {
        MAIN: written("/var/log/x", "    force: false\n"), "+tasks/backout.yml": GONE}, "was not moved aside"),

    case("files of several folders in one", {MAIN: """
# REVIEW: these go
- name: Find
  ansible.builtin.find:
    paths: /var/log
    recurse: true
  register: clean_tmp_found

- name: Keep <--
  ansible.builtin.copy:
    src: "{{ item.path }}"
    dest: /var/lib/clean-tmp/{{ item.path | basename }}
    remote_src: true
    mode: preserve
  loop: "{{ clean_tmp_found.files }}"
"""}, "only the last of them is kept"),

    # lies
    case("a look that asserts the truth", {"tasks/verify.yml": """\
---
- name: All is well <--
  ansible.builtin.assert:
    that: true
"""}, "asserts nothing"),
    case("a look that asserts a default", {"tasks/verify.yml": """\
---
- name: All is well <--
  ansible.builtin.assert:
    that: clean_tmp_days | int > 0
"""}, "asserts nothing"),
    case("a look that never fails", {"tasks/verify.yml": BASE["tasks/verify.yml"] + "  when: false\n"},
         "asserts nothing", at=("tasks/verify.yml", 2)),
    case("a look that goes on", {"tasks/verify.yml": "---\n- name: Try\n  block:\n" + "".join(
        f"    {line}\n" if line else "\n" for line in BASE["tasks/verify.yml"].split("\n")[1:-1])
        + "  rescue:\n    - name: Go on\n      ansible.builtin.debug:\n        msg: Go on\n"},
        "asserts nothing", at=("tasks/verify.yml", 2)),
    command_told("a command that changes by a default", "changed_when: clean_tmp_days | int < 0 <--", "always says"),
    command_told("a command that fails by a default",
                 "changed_when: clean_tmp_ran.rc == 3\n  failed_when: clean_tmp_days | int < 0 <--", "always says"),
    case("a task that knows what an earlier play did", {MAIN: written("/var/log/x").rstrip("\n") + """
  when: clean_tmp_seen is not defined <--

- name: Remember
  ansible.builtin.set_fact:
    clean_tmp_seen: true
"""}, "set nowhere before this"),
    *(case(f"another task on another host: {condition[:24]}", {
        MAIN: SHOW + f"x\n  when: {condition} <--\n"}, "the canary proves nothing") for condition in (
        "inventory_hostname != 'web-1'", "inventory_hostname in ['web-1']", "inventory_hostname is match('web')",
        "ansible_facts['hostname'] == 'web-1'", "ansible_facts.fqdn != 'web-1.example.com'",
    )),
    case("a fact that grows with every play", {MAIN: """
- name: Count
  ansible.builtin.set_fact:
    clean_tmp_count: "{{ clean_tmp_count | default(0) | int + 1 }}" <--
"""}, "set nowhere before this"),
    case("imports in a circle of three", {
        MAIN: imports("b"), "tasks/b.yml": f"---{imports('c')}", "tasks/c.yml": f"---{imports('d')}",
        "tasks/d.yml": "---\n- name: More\n  ansible.builtin.include_tasks: b.yml <--\n"}, "imports back"),
    case("a handler that brings in tasks", {
        "handlers/main.yml": "---\n- name: More\n  ansible.builtin.include_tasks: main.yml <--\n"}, "beside the"),
    case("two handlers of one name", {"handlers/main.yml": """\
---
- name: Say it
  ansible.builtin.debug:
    msg: One

- name: Say it <--
  ansible.builtin.debug:
    msg: Another
"""}, "only one of them runs"),
    case("a restart under a condition that always holds", {MAIN: """
- name: Restart
  ansible.builtin.systemd_service:
    name: clean-tmp
    state: restarted <--
  when: clean_tmp_days | int > 0
"""}, "on every run"),
    case("a list of packages on every run", {MAIN: """
- name: Fetch it
  ansible.builtin.apt:
    update_cache: true <--
"""}, "fetches the list of packages on every run"),
)  # fmt: skip
