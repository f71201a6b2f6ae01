"""What the lab consists of: plain data that fits into one JSON file. Times are seconds since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from remediation.connectors import identities

DAY = 86_400


class Thing(BaseModel):
    """Base of everything in the lab; every change is checked against the types."""

    model_config = ConfigDict(validate_assignment=True, extra="forbid")

    @property
    def identity(self) -> str:
        """The target identity, empty for things that are no target."""
        return ""


class Used(Thing):
    """Base of every target: who changes one may have to wait until nobody uses it."""

    sessions: int = 0


class Esx(Thing):
    """A host that carries virtual machines."""

    name: str
    free_mb: int
    free_cpus: int


class Vm(Used):
    """A virtual machine."""

    vcenter: str
    name: str
    esx: str
    power_state: Literal["on", "off"]
    booted_at: float
    memory_mb: int
    cpus: int
    takes_memory_running: bool = True
    takes_cpus_running: bool = True
    snapshots: list[str] = []
    datastore_free_percent: int = 40

    @property
    def identity(self) -> str:
        return identities.vm(self.vcenter, self.name)


class Pod(Thing):
    """A pod. It is ready from `ready_at` on; without one it never is."""

    name: str
    image: str
    ready_at: float | None
    restarts: int = 0
    is_overloaded: bool = False


class Revision(Thing):
    """A former rollout of a deployment."""

    number: int
    image: str


class Deployment(Used):
    """A deployment. Its overloaded pods recover when the deployment that relieves it has enough pods ready."""

    cluster: str
    namespace: str
    name: str
    replicas: int
    image: str
    revision: int
    former: list[Revision]
    pods: list[Pod]
    pods_ever: int
    relieved_by: str = ""
    relieved_at_ready: int = 0

    @property
    def identity(self) -> str:
        return identities.deployment(self.cluster, self.namespace, self.name)


class Cluster(Thing):
    """A cluster and how many pods fit in it; pods of a broken image start and never get ready."""

    name: str
    room_for_pods: int
    broken_images: list[str] = []


class Interface(Used):
    """An interface of a switch."""

    switch: str
    name: str
    admin_up: bool = True
    has_cable: bool = True
    disabled_by: str = ""
    carries_management: bool = False
    changed_at: float
    errors: int = 0
    errors_last_minute: int = 0

    @property
    def identity(self) -> str:
        return identities.interface(self.switch, self.name)


class Pool(Thing):
    """Where the volumes of an array take their space from."""

    array: str
    name: str
    free_gb: int


class Snapshot(Thing):
    """A snapshot of a volume, in quarantine since `quarantined_at`."""

    name: str
    taken_at: float
    quarantined_at: float | None = None


class Volume(Used):
    """A volume of a storage array."""

    array: str
    name: str
    pool: str
    size_gb: int
    used_gb: int
    online: bool = True
    snapshots: list[Snapshot] = []

    @property
    def identity(self) -> str:
        return identities.volume(self.array, self.name)


class Flavor(Thing):
    """A size of instances."""

    cloud: str
    name: str
    vcpus: int
    disk_gb: int


class Server(Used):
    """An instance."""

    cloud: str
    name: str
    status: str = "ACTIVE"
    task: str = "none"
    flavor: str
    disk_gb: int
    booted_at: float

    @property
    def identity(self) -> str:
        return identities.server(self.cloud, self.name)


class Cloud(Thing):
    """A cloud and what its quota still allows."""

    name: str
    free_vcpus: int


class LogFile(Thing):
    """A large file on a host."""

    path: str
    size_mb: int


class Rotation(Thing):
    """One logrotate entry."""

    name: str
    maxage_days: int | None
    rotate: int
    compress: bool


class Host(Used):
    """A Linux host with one file system that matters."""

    name: str
    mount: str
    size_gb: int
    used_percent: int
    journal_cap_mb: int | None
    journal_used_mb: int
    rotations: list[Rotation]
    files: list[LogFile]

    @property
    def identity(self) -> str:
        return identities.host(self.name)


class Alert(Thing):
    """An alert of a target; it clears by itself when the deployment it names has all its pods ready."""

    target: str
    name: str
    severity: Literal["critical", "warning"]
    clears_when_ready: str = ""


class Backup(Thing):
    """A backup of a target: one every night since `taken_at`, or only that one."""

    target: str
    taken_at: float
    is_nightly: bool


class Estate(Thing):
    """Everything."""

    esxs: list[Esx]
    vms: list[Vm]
    clusters: list[Cluster]
    deployments: list[Deployment]
    interfaces: list[Interface]
    pools: list[Pool]
    volumes: list[Volume]
    clouds: list[Cloud]
    flavors: list[Flavor]
    servers: list[Server]
    hosts: list[Host]
    alerts: list[Alert]
    backups: list[Backup]

    def targets(self) -> dict[str, Used]:
        """Every target by its identity."""
        kinds = (self.vms, self.deployments, self.interfaces, self.volumes, self.servers, self.hosts)
        return {thing.identity: thing for things in kinds for thing in things}
