"""Plays a role on exactly one host: ansible-runner in the jail, which reaches that host and nothing else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from remediation.playbooks import events, forwarding, hosts, inside, jail, jailed, labhosts, playtext, signing
from remediation.playbooks.jail import File
from remediation.playbooks.shapes import BAD, Kind, Outcome, Played, Scope, State, TaskResult

SOCKET = "/job/host.sock"
AGENT = "/job/agent.sock"
LAB = "/lab"
SHELL = "whole"
SAID = "/job/said"
KEPT = f"{SAID}/kept"
SSH = (
    "-F /dev/null -o ControlMaster=auto -o ControlPersist=60s -o BatchMode=yes -o ConnectTimeout=10"
    f" -o ProxyCommand='{jail.PYTHON} -IS /job/relay.py {SOCKET}'"
    " -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/job/known_hosts -o GlobalKnownHostsFile=/dev/null"
    f" -o IdentityAgent={AGENT} -o IdentityFile=none -o PreferredAuthentications=publickey"
    " -o ForwardAgent=no -o ForwardX11=no -o PermitLocalCommand=no"
)
SECONDS = 300
NOTHING = Scope()
WRITES = frozenset({Kind.APPLY, Kind.BACK_OUT})
UNREACHED = "The host could not be reached."
NOT_TOLD = "Not all that was played was told: what it changed is not known."

OnEvent = Callable[[TaskResult], None]
OnLook = Callable[[State], None]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a jail needs to reach one host: more files, folders and variables of the inventory, and what is secret."""

    cell: jail.Cell
    variables: Mapping[str, object]
    secrets: tuple[str, ...] = field(default=(), repr=False)


def silent(_event: TaskResult) -> None:
    """Nobody listens to this one."""


def play(
    kinds: Sequence[Kind],
    *,
    name: str,
    files: Mapping[str, str],
    host: hosts.Host,
    scope: Scope = NOTHING,
    before: State | None = None,
    on_event: OnEvent = silent,
    on_look: OnLook | None = None,
    is_to_stop: jailed.IsToStop = jailed.never,
    seconds: int = SECONDS,
) -> Played:
    """Play these kinds one after the other in one Ansible process; what fails ends it.

    `before` is an earlier look that a look is compared with. Nothing of the role is played before `on_look` has been
    told of the first look, and has returned. Raises nothing for a bad host, role or jail: `error` says it.
    """
    begun = time.monotonic()
    try:
        playbook = playtext.plays_of(name, kinds, scope=scope, before=before, waits_for=KEPT if on_look else None)
        job = _job(name, files, playbook)
        with reach(host) as way, tempfile.TemporaryDirectory(prefix="countersign-") as said:
            story = events.Story(host.name, way.secrets)
            kept = Path(said, Path(KEPT).name)

            def hear(event: TaskResult) -> None:
                on_event(event)
                if on_look and story.states and not kept.exists():
                    on_look(story.states[0])
                    kept.touch()

            cell = _cell(job, host, way, Path(said))
            ran = _run(kinds, cell, story, seconds=seconds, on_event=hear, is_to_stop=is_to_stop)
            return _played(kinds, story, ran)
    except (hosts.BadHosts, playtext.BadRole, jail.NoJail) as reason:
        milliseconds = round((time.monotonic() - begun) * 1000)
        return Played(tuple(kinds), (), None, (), milliseconds, str(reason))


def _job(name: str, files: Mapping[str, str], playbook: str) -> dict[str, File]:
    """The files of a play that are the same for every host."""
    job = {path: File(text) for path, text in playtext.files_of(name, files).items()}
    return job | {
        "/job/play.yml": File(playbook),
        "/job/ansible.cfg": File(playtext.SETTINGS),
        "/job/player.py": File(inside.text_of("player")),
        "/job/ansible-playbook": File(f"#!{jail.PYTHON} -I\n{inside.text_of('playbook')}", is_program=True),
        f"/job/shell_plugins/{SHELL}.py": File(inside.text_of(SHELL)),
        "/job/library/countersign_state.py": File(inside.text_of("countersign_state")),
    }


def _cell(job: Mapping[str, File], host: hosts.Host, way: Reach, said: Path) -> jail.Cell:
    """The jail of this play: its files, a folder for what it is told meanwhile, and the way to its host."""
    told = {**way.variables, "ansible_shell_type": SHELL}
    inventory = {"/job/inventory.yml": File(playtext.inventory_of(host.name, told))}
    variables = {"ANSIBLE_CONFIG": "/job/ansible.cfg", **way.cell.variables}
    reads = {SAID: said, **way.cell.reads}
    return replace(way.cell, files={**job, **inventory, **way.cell.files}, reads=reads, variables=variables)


def _run(
    kinds: Sequence[Kind],
    cell: jail.Cell,
    story: events.Story,
    *,
    seconds: int,
    on_event: OnEvent,
    is_to_stop: jailed.IsToStop,
) -> jailed.Ran:
    def hear(line: str) -> None:
        if (event := story.hear(line)) is not None:
            on_event(event)

    options = ["--diff", "-v", *([] if WRITES & set(kinds) else ["--check"])]
    command = [jail.PYTHON, "-I", "/job/player.py", story.host, *options]
    return jailed.run(cell, command, seconds=seconds, on_line=hear, is_to_stop=is_to_stop)


def _played(kinds: Sequence[Kind], story: events.Story, ran: jailed.Ran) -> Played:
    return Played(
        kinds=tuple(kinds),
        tasks=tuple(story.tasks),
        facts=story.facts,
        states=tuple(story.states),
        milliseconds=ran.milliseconds,
        error=error_of(ran, story, kinds),
        is_stopped=ran.is_stopped,
    )


def error_of(ran: jailed.Ran, story: events.Story, kinds: Sequence[Kind]) -> str:
    """Why a play did not end well: it was ended, a task failed, or Ansible itself did."""
    if ran.error:
        return ran.error
    bad = [task for task in story.tasks if task.outcome in BAD]
    if ran.status and bad:
        return _words_of(bad[-1])
    if ran.status:
        return f"Ansible ended with status {ran.status}: {_first_line(story.clean(ran.log))}"
    told = {task.kind for task in story.tasks}
    if silent_ones := [kind.value for kind in kinds if kind not in told]:
        return f"Nothing was played for {', '.join(silent_ones)}."
    is_seen = len(story.states) == list(kinds).count(Kind.LOOK)
    return "" if is_seen and story.is_whole else NOT_TOLD


def _words_of(task: TaskResult) -> str:
    if task.outcome is Outcome.UNREACHABLE:
        return f"{UNREACHED} {_first_line(task.message)}"
    return f"“{task.task}” failed ({task.place}): {_first_line(task.message)}"


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "it says nothing"


@contextmanager
def reach(host: hosts.Host) -> Iterator[Reach]:
    """What a jail needs to reach this host while the block lasts; raises BadHosts."""
    if isinstance(host.reach, hosts.Folder):
        yield _lab(host.reach.path)
        return
    key = hosts.key_of(host.reach)
    try:
        private = signing.read(key)
    except signing.BadKey as bad:
        raise hosts.BadHosts(str(bad)) from None
    signer = signing.Signer(private, host.reach.user, hosts.host_keys_of(host.reach))
    with forwarding.socket_to(host.reach.address, host.reach.port) as way_out, signing.agent(signer) as agent:
        yield _by_ssh(host.reach, {SOCKET: way_out, AGENT: agent}, key)


def _lab(folder: Path) -> Reach:
    if not (folder / "etc").is_dir():
        raise hosts.BadHosts(f"The lab's folder of this host is not there: {folder.name}.")
    interpreter = f"#!{jail.BARE_PYTHON} -IS\n"
    files = {
        f"{LAB}/systemctl": File(interpreter + inside.text_of("systemctl"), is_program=True),
        f"{LAB}/python": File(f'#!/bin/sh\nexec {jail.BARE_PYTHON} -IS "$@"\n', is_program=True),
        f"{LAB}/systemd": File('#!/bin/sh\n"$@"\n', is_program=True),
    }
    writes = {f"/{top}": folder / top for top in labhosts.TOPS if (folder / top).is_dir()}
    path = {"PATH": f"{LAB}:{jail.ENVIRONMENT['PATH']}"}
    cell = jail.Cell(files=files, writes=writes, variables=path, init=f"{LAB}/systemd")
    variables = {"ansible_connection": "local", "ansible_remote_tmp": "/tmp/remote"}  # noqa: S108 - in the jail
    return Reach(cell, {**variables, "ansible_python_interpreter": f"{LAB}/python"})


def _by_ssh(way: hosts.Ssh, sockets: Mapping[str, Path], key: str) -> Reach:
    """The key is not among what the jail gets; it is here so that no text that leaves the jail can hold it."""
    files = {
        "/job/known_hosts": File(way.known_hosts),
        "/job/relay.py": File(inside.text_of("relay")),
    }
    variables: dict[str, object] = {
        "ansible_connection": "ssh",
        "ansible_host": way.address,
        "ansible_port": way.port,
        "ansible_user": way.user,
        "ansible_become": way.becomes,
        "ansible_ssh_args": SSH,
        "ansible_python_interpreter": way.python,
    }
    return Reach(jail.Cell(files=files, reads=sockets), variables, (key.strip(), *_lines_of(key)))


def _lines_of(key: str) -> tuple[str, ...]:
    return tuple(line for line in key.splitlines() if line and not line.startswith("-----"))
