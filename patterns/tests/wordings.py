"""Tickets of 18 kinds, two for each category, in four wordings each: what the vocabulary was made on."""

from __future__ import annotations

from typing import NamedTuple


class Wording(NamedTuple):
    """One ticket, and the kind it belongs to."""

    category: str
    kind: str
    title: str
    description: str


def kind(category: str, name: str, *tickets: tuple[str, str]) -> list[Wording]:
    """Several tickets of one kind, each as (title, description)."""
    return [Wording(category, name, title, description) for title, description in tickets]


TUNED: list[Wording] = [
    *kind(
        "cache",
        "eviction",
        (
            "Redis evicting keys on cache-01",
            "used_memory is at maxmemory, evicted_keys grows by 900 per second, hit rate fell to 41%.",
        ),
        (
            "Session cache memory exhausted",
            "The redis instance reached its memory limit and started to evict sessions. Users are logged out.",
        ),
        (
            "cache-07: maxmemory reached, evictions rising",
            "INFO memory shows 15.9G of 16G used; eviction count climbs since 09:12.",
        ),
        (
            "High eviction rate in checkout redis",
            "Keys are being evicted before their TTL because memory is full on 10.2.3.4.",
        ),
    ),
    *kind(
        "cache",
        "replica-lag",
        (
            "Redis replica out of sync",
            "replica cache-02 shows master_link_status:down, replication offset is behind by 2 GB.",
        ),
        (
            "Replication broken between redis primary and replica",
            "The replica lost its link to the master at 03:14 and does a full resync over and over.",
        ),
        (
            "cache-12 replica link down",
            "master_link_down_since_seconds 840; sentinel reports the replica as disconnected.",
        ),
        (
            "Stale reads from redis replicas",
            "Replicas lag behind the master by minutes, replication backlog was too small.",
        ),
    ),
    *kind(
        "network",
        "crc-errors",
        (
            "CRC errors on interface Gi0/1 of sw-12",
            "Input errors and CRC counters rise by 300 per minute, users see packet loss.",
        ),
        (
            "Packet loss on core switch port, input errors climbing",
            "show interface GigabitEthernet1/0/24 counts 48210 CRC errors since last clear.",
        ),
        (
            "Interface error counters rising on access-sw-3",
            "Te1/1/4: CRC and frame errors increment, probably cable or transceiver.",
        ),
        ("High rate of CRC on uplink of rack 14", "The uplink port reports CRC errors, 2% of packets lost."),
    ),
    *kind(
        "network",
        "port-down",
        ("Port Gi0/7 err-disabled on sw-04", "The port was shut down by bpduguard, the host behind it is unreachable."),
        (
            "Switch port is in err-disable state",
            "access-sw-9 disabled the interface after a port-security violation; the printer lost its link.",
        ),
        (
            "Interface administratively down after change",
            "GigabitEthernet1/0/3 is down, nobody re-enabled the port after the maintenance of 2026-10-02.",
        ),
        ("Server lost link: port disabled", "Switch shows the port as err-disabled, needs to be enabled again."),
    ),
    *kind(
        "storage",
        "disk-full",
        (
            "Disk full on log shipper logship-03",
            "/var is at 98%, journald has no size cap and logrotate keeps files for ever.",
        ),
        (
            "No space left on device: /var/log",
            "Filesystem usage 100% on 10.1.8.14, rsyslog cannot write logs any more.",
        ),
        (
            "Log volume exhausted on shipping hosts",
            "Logs fill the partition, df shows 97% used and growing 2 GB per hour.",
        ),
        ("Filesystem /var almost full", "Alert: disk usage above 95% on logship-11, old logs are not removed."),
    ),
    *kind(
        "storage",
        "snapshot-growth",
        ("Old snapshots eat the datastore", "412 snapshots older than 30 days on array-2 hold 8 TB, thin pool at 91%."),
        (
            "Snapshot space running out on array netapp-1",
            "Snapshot reserve is at 120%, snapshots from 2025 were never deleted.",
        ),
        ("Too many snapshots on volume vol_home", "There are 255 snapshots, the limit; the nightly snapshot fails."),
        (
            "Backup job leaves snapshots behind",
            "Stale snapshots pile up on the array after every backup, pool usage grows daily.",
        ),
    ),
    *kind(
        "security",
        "certificate",
        ("TLS certificate expires in 3 days", "The certificate of api.example.com ends on 2026-11-24, renewal failed."),
        (
            "SSL cert of payments gateway expired",
            "Clients refuse the connection since midnight: certificate has expired.",
        ),
        (
            "Certificate renewal failing on edge-02",
            "certbot renew fails with an ACME challenge error, expiry is in 48 hours.",
        ),
        (
            "Expiring cert on internal load balancer",
            "Monitoring warns that the x509 certificate is valid for 5 days only.",
        ),
    ),
    *kind(
        "security",
        "brute-force",
        ("Brute force against ssh on bastion-1", "14,000 failed logins for root from 203.0.113.7 in one hour."),
        ("Many failed login attempts", "sshd logs 'Failed password' 300 times per minute from one address."),
        (
            "Password guessing attack on jump host",
            "Repeated authentication failures over ssh from 198.51.100.23, no success so far.",
        ),
        (
            "Suspicious login failures on bastion",
            "fail2ban is off, one source address tries user names, thousands of failed attempts.",
        ),
    ),
    *kind(
        "server",
        "high-load",
        ("CPU at 100% on app-17", "Load average is 64 on 8 cores, java uses all CPU since the deploy."),
        ("High load on application server", "Host app-22 is slow, CPU utilisation 99%, run queue of 50."),
        (
            "Server overloaded, cpu saturated",
            "top shows one process eating all cores, response times went from 0.2s to 9s.",
        ),
        ("Excessive CPU usage on worker hosts", "Load average above 40 for 30 minutes on app-03 and app-04."),
    ),
    *kind(
        "server",
        "service-crash",
        ("nginx keeps crashing on web-05", "systemd restarts nginx.service every 10 seconds, it exits with code 1."),
        (
            "Service fails to start after update",
            "The unit web.service is in failed state, restart limit hit, exit code 203.",
        ),
        (
            "Daemon dies and restarts in a loop",
            "rsyslog.service: main process exited, status=1, start request repeated too quickly.",
        ),
        ("billing.service crashed", "systemd reports the service as failed since 04:10, core dumped with signal 11."),
    ),
    *kind(
        "virtualization",
        "vm-hung",
        (
            "VM db-vm-12 unresponsive",
            "The virtual machine does not answer ping or console, guest tools report no heartbeat.",
        ),
        ("Guest hangs, console black", "vmware tools heartbeat lost for vm billing-2, machine frozen since 02:00."),
        (
            "Virtual machine frozen on esx-07",
            "No heartbeat from the guest, cannot log in over ssh or the console, needs a reset.",
        ),
        ("Unresponsive VM in cluster A", "VM web-31 is hung: CPU flat, no response to ping, tools not running."),
    ),
    *kind(
        "virtualization",
        "vm-memory",
        ("VM app-vm-3 short of memory", "Guest swaps heavily, 8 GB RAM are 99% used, ballooning active."),
        ("Out of memory inside virtual machine", "The OOM killer ended java twice, the vm has only 4 GB of memory."),
        (
            "Memory pressure on guest report-vm",
            "vSphere shows memory usage of 97% and swapping; the VM needs more RAM.",
        ),
        ("VM needs more RAM", "reporting-vm-2 swaps since the new release, memory is exhausted."),
    ),
    *kind(
        "kubernetes",
        "underscaled",
        (
            "Payments pods unhealthy, secondary pool under-scaled",
            "Readiness probes fail under load, only 2 replicas of payments-secondary serve 900 rps.",
        ),
        (
            "payments deployment has too few replicas",
            "2 pods cannot carry the traffic, requests queue, latency p99 is 8 s, scale it up.",
        ),
        (
            "Not enough pods for checkout",
            "The deployment runs 2 replicas, all are saturated and fail their probes; needs scaling.",
        ),
        (
            "Secondary pool overloaded, replica count too low",
            "Pods of payments turn unready when traffic rises, hpa is off, replicas=2.",
        ),
    ),
    *kind(
        "kubernetes",
        "crashloop",
        (
            "Pod in CrashLoopBackOff: orders-7d9c6b5f4-x2x9k",
            "Container exits with code 1 right after start, 27 restarts.",
        ),
        (
            "orders container restarts again and again",
            "kubectl get pods shows CrashLoopBackOff and a growing restart count.",
        ),
        (
            "CrashLoopBackOff in namespace shop",
            "The inventory pod crashes on start, last state terminated, exit code 137.",
        ),
        ("Pods crash looping", "Restart count of the cart pod is at 50, back-off restarting failed container."),
    ),
    *kind(
        "openstack",
        "instance-error",
        (
            "Instance web-3 in ERROR state",
            "nova show lists status ERROR after a hypervisor fault, the instance does not boot.",
        ),
        ("Nova instance went to error", "Server 7f3c9a52-11cd-4b8e-9d0b-5a2c1f3e4d5b is in ERROR after host failure."),
        (
            "OpenStack VM stuck in error status",
            "The instance cannot be started, its state is ERROR, fault: no such device.",
        ),
        ("Instance not booting, status ERROR", "After the compute node crashed the server shows error and stays off."),
    ),
    *kind(
        "openstack",
        "flavor-too-small",
        ("Instance api-2 too small", "m1.small has 2 vcpus, they are at 100% all day, resize to a larger flavor."),
        ("Flavor undersized for build server", "The instance needs a bigger flavor: memory and cpu are saturated."),
        (
            "Need a resize of the search instance",
            "Current flavor m1.medium is too small for the index, please resize to m1.large.",
        ),
        ("Server runs out of vcpus", "The flavor is too small since the traffic doubled, resize instance analytics-1."),
    ),
    *kind(
        "database",
        "connections",
        (
            "PostgreSQL: too many connections",
            "FATAL: sorry, too many clients already; max_connections is 200, all are in use.",
        ),
        ("Connection limit reached on db-01", "The application gets errors because all database connections are used."),
        ("Connection pool exhausted", "No free connection to postgres, 200 sessions idle in transaction."),
        (
            "Clients cannot connect to orders db",
            "pg_stat_activity shows the maximum number of connections, new clients are refused.",
        ),
    ),
    *kind(
        "database",
        "replication-lag",
        ("Replication lag on standby db-02", "The standby is 900 seconds behind the primary, replay is slow."),
        ("Standby falls behind", "pg_stat_replication shows 14 GB of lag on the replica, reports read stale data."),
        ("Replica lagging 20 minutes", "Read replica of orders is behind its primary since the bulk import."),
        ("PostgreSQL replication delayed", "WAL replay on the standby lags by 1200 s, alert threshold is 300 s."),
    ),
]
