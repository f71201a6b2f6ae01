"""Tickets of 36 kinds in nine categories, each kind in four wordings as four different people would write them.

The kinds of `TUNED` chose the calibration; the kinds of `HELD_OUT` only measure it.
"""

from __future__ import annotations

from typing import NamedTuple


class Wording(NamedTuple):
    """One ticket, and the kind it belongs to."""

    category: str
    kind: str
    title: str
    description: str


def _kind(category: str, kind: str, *tickets: tuple[str, str]) -> list[Wording]:
    return [Wording(category, kind, title, description) for title, description in tickets]


TUNED: list[Wording] = [
    *_kind(
        "cache",
        "eviction",
        ("Redis evicting keys on cache-01", "used_memory is at maxmemory, evicted_keys grows by 900 per second, hit rate fell to 41%."),
        ("Session cache memory exhausted", "The redis instance reached its memory limit and started to evict sessions. Users are logged out."),
        ("cache-07: maxmemory reached, evictions rising", "INFO memory shows 15.9G of 16G used; eviction count climbs since 09:12."),
        ("High eviction rate in checkout redis", "Keys are being evicted before their TTL because memory is full on 10.2.3.4."),
    ),
    *_kind(
        "cache",
        "replica-lag",
        ("Redis replica out of sync", "replica cache-02 shows master_link_status:down, replication offset is behind by 2 GB."),
        ("Replication broken between redis primary and replica", "The replica lost its link to the master at 03:14 and does a full resync over and over."),
        ("cache-12 replica link down", "master_link_down_since_seconds 840; sentinel reports the replica as disconnected."),
        ("Stale reads from redis replicas", "Replicas lag behind the master by minutes, replication backlog was too small."),
    ),
    *_kind(
        "network",
        "crc-errors",
        ("CRC errors on interface Gi0/1 of sw-12", "Input errors and CRC counters rise by 300 per minute, users see packet loss."),
        ("Packet loss on core switch port, input errors climbing", "show interface GigabitEthernet1/0/24 counts 48210 CRC errors since last clear."),
        ("Interface error counters rising on access-sw-3", "Te1/1/4: CRC and frame errors increment, probably cable or transceiver."),
        ("High rate of CRC on uplink of rack 14", "The uplink port reports CRC errors, 2% of packets lost."),
    ),
    *_kind(
        "network",
        "port-down",
        ("Port Gi0/7 err-disabled on sw-04", "The port was shut down by bpduguard, the host behind it is unreachable."),
        ("Switch port is in err-disable state", "access-sw-9 disabled the interface after a port-security violation; the printer lost its link."),
        ("Interface administratively down after change", "GigabitEthernet1/0/3 is down, nobody re-enabled the port after the maintenance of 2026-10-02."),
        ("Server lost link: port disabled", "Switch shows the port as err-disabled, needs to be enabled again."),
    ),
    *_kind(
        "storage",
        "disk-full",
        ("Disk full on log shipper logship-03", "/var is at 98%, journald has no size cap and logrotate keeps files for ever."),
        ("No space left on device: /var/log", "Filesystem usage 100% on 10.1.8.14, rsyslog cannot write logs any more."),
        ("Log volume exhausted on shipping hosts", "Logs fill the partition, df shows 97% used and growing 2 GB per hour."),
        ("Filesystem /var almost full", "Alert: disk usage above 95% on logship-11, old logs are not removed."),
    ),
    *_kind(
        "storage",
        "snapshot-growth",
        ("Old snapshots eat the datastore", "412 snapshots older than 30 days on array-2 hold 8 TB, thin pool at 91%."),
        ("Snapshot space running out on array netapp-1", "Snapshot reserve is at 120%, snapshots from 2025 were never deleted."),
        ("Too many snapshots on volume vol_home", "There are 255 snapshots, the limit; the nightly snapshot fails."),
        ("Backup job leaves snapshots behind", "Stale snapshots pile up on the array after every backup, pool usage grows daily."),
    ),
    *_kind(
        "security",
        "certificate",
        ("TLS certificate expires in 3 days", "The certificate of api.example.com ends on 2026-11-24, renewal failed."),
        ("SSL cert of payments gateway expired", "Clients refuse the connection since midnight: certificate has expired."),
        ("Certificate renewal failing on edge-02", "certbot renew fails with an ACME challenge error, expiry is in 48 hours."),
        ("Expiring cert on internal load balancer", "Monitoring warns that the x509 certificate is valid for 5 days only."),
    ),
    *_kind(
        "security",
        "brute-force",
        ("Brute force against ssh on bastion-1", "14,000 failed logins for root from 203.0.113.7 in one hour."),
        ("Many failed login attempts", "sshd logs 'Failed password' 300 times per minute from one address."),
        ("Password guessing attack on jump host", "Repeated authentication failures over ssh from 198.51.100.23, no success so far."),
        ("Suspicious login failures on bastion", "fail2ban is off, one source address tries user names, thousands of failed attempts."),
    ),
    *_kind(
        "server",
        "high-load",
        ("CPU at 100% on app-17", "Load average is 64 on 8 cores, java uses all CPU since the deploy."),
        ("High load on application server", "Host app-22 is slow, CPU utilisation 99%, run queue of 50."),
        ("Server overloaded, cpu saturated", "top shows one process eating all cores, response times went from 0.2s to 9s."),
        ("Excessive CPU usage on worker hosts", "Load average above 40 for 30 minutes on app-03 and app-04."),
    ),
    *_kind(
        "server",
        "service-crash",
        ("nginx keeps crashing on web-05", "systemd restarts nginx.service every 10 seconds, it exits with code 1."),
        ("Service fails to start after update", "The unit web.service is in failed state, restart limit hit, exit code 203."),
        ("Daemon dies and restarts in a loop", "rsyslog.service: main process exited, status=1, start request repeated too quickly."),
        ("billing.service crashed", "systemd reports the service as failed since 04:10, core dumped with signal 11."),
    ),
    *_kind(
        "virtualization",
        "vm-hung",
        ("VM db-vm-12 unresponsive", "The virtual machine does not answer ping or console, guest tools report no heartbeat."),
        ("Guest hangs, console black", "vmware tools heartbeat lost for vm billing-2, machine frozen since 02:00."),
        ("Virtual machine frozen on esx-07", "No heartbeat from the guest, cannot log in over ssh or the console, needs a reset."),
        ("Unresponsive VM in cluster A", "VM web-31 is hung: CPU flat, no response to ping, tools not running."),
    ),
    *_kind(
        "virtualization",
        "vm-memory",
        ("VM app-vm-3 short of memory", "Guest swaps heavily, 8 GB RAM are 99% used, ballooning active."),
        ("Out of memory inside virtual machine", "The OOM killer ended java twice, the vm has only 4 GB of memory."),
        ("Memory pressure on guest report-vm", "vSphere shows memory usage of 97% and swapping; the VM needs more RAM."),
        ("VM needs more RAM", "reporting-vm-2 swaps since the new release, memory is exhausted."),
    ),
    *_kind(
        "kubernetes",
        "underscaled",
        ("Payments pods unhealthy, secondary pool under-scaled", "Readiness probes fail under load, only 2 replicas of payments-secondary serve 900 rps."),
        ("payments deployment has too few replicas", "2 pods cannot carry the traffic, requests queue, latency p99 is 8 s, scale it up."),
        ("Not enough pods for checkout", "The deployment runs 2 replicas, all are saturated and fail their probes; needs scaling."),
        ("Secondary pool overloaded, replica count too low", "Pods of payments turn unready when traffic rises, hpa is off, replicas=2."),
    ),
    *_kind(
        "kubernetes",
        "crashloop",
        ("Pod in CrashLoopBackOff: orders-7d9c6b5f4-x2x9k", "Container exits with code 1 right after start, 27 restarts."),
        ("orders container restarts again and again", "kubectl get pods shows CrashLoopBackOff and a growing restart count."),
        ("CrashLoopBackOff in namespace shop", "The inventory pod crashes on start, last state terminated, exit code 137."),
        ("Pods crash looping", "Restart count of the cart pod is at 50, back-off restarting failed container."),
    ),
    *_kind(
        "openstack",
        "instance-error",
        ("Instance web-3 in ERROR state", "nova show lists status ERROR after a hypervisor fault, the instance does not boot."),
        ("Nova instance went to error", "Server 7f3c9a52-11cd-4b8e-9d0b-5a2c1f3e4d5b is in ERROR after host failure."),
        ("OpenStack VM stuck in error status", "The instance cannot be started, its state is ERROR, fault: no such device."),
        ("Instance not booting, status ERROR", "After the compute node crashed the server shows error and stays off."),
    ),
    *_kind(
        "openstack",
        "flavor-too-small",
        ("Instance api-2 too small", "m1.small has 2 vcpus, they are at 100% all day, resize to a larger flavor."),
        ("Flavor undersized for build server", "The instance needs a bigger flavor: memory and cpu are saturated."),
        ("Need a resize of the search instance", "Current flavor m1.medium is too small for the index, please resize to m1.large."),
        ("Server runs out of vcpus", "The flavor is too small since the traffic doubled, resize instance analytics-1."),
    ),
    *_kind(
        "database",
        "connections",
        ("PostgreSQL: too many connections", "FATAL: sorry, too many clients already; max_connections is 200, all are in use."),
        ("Connection limit reached on db-01", "The application gets errors because all database connections are used."),
        ("Connection pool exhausted", "No free connection to postgres, 200 sessions idle in transaction."),
        ("Clients cannot connect to orders db", "pg_stat_activity shows the maximum number of connections, new clients are refused."),
    ),
    *_kind(
        "database",
        "replication-lag",
        ("Replication lag on standby db-02", "The standby is 900 seconds behind the primary, replay is slow."),
        ("Standby falls behind", "pg_stat_replication shows 14 GB of lag on the replica, reports read stale data."),
        ("Replica lagging 20 minutes", "Read replica of orders is behind its primary since the bulk import."),
        ("PostgreSQL replication delayed", "WAL replay on the standby lags by 1200 s, alert threshold is 300 s."),
    ),
]

HELD_OUT: list[Wording] = [
    *_kind(
        "cache",
        "unreachable",
        ("Memcached not reachable", "Connections to memcached on port 11211 are refused, the application falls back to the database."),
        ("memcached refuses connections on mc-03", "Connection refused on 10.4.0.9:11211, process is gone."),
        ("Cache node down", "memcached on mc-08 does not answer, connect fails with connection refused."),
        ("Clients cannot connect to memcached", "Since 11:40 every connect to mc-01 fails, the daemon is not running."),
    ),
    *_kind(
        "cache",
        "low-hit-rate",
        ("Varnish hit ratio collapsed", "Hit rate went from 92% to 30% after the header change, backends are hot."),
        ("Low cache hit rate on the CDN edge", "Most requests miss the cache, hit ratio 25%, since release 2026.10."),
        ("Too many cache misses in varnish", "Misses tripled, hit ratio is down to 40%, because a cookie varies every request."),
        ("Hit ratio of edge cache dropped", "varnishstat: cache_hit falls, cache_miss rises, the backend takes all requests."),
    ),
    *_kind(
        "network",
        "bgp-down",
        ("BGP session to AS64512 down", "Neighbor 192.0.2.1 is idle, hold timer expired at 06:02."),
        ("BGP neighbor lost on edge-rtr-1", "Peering with the provider went down, state Idle, routes withdrawn."),
        ("Peer 198.51.100.1 flapping", "The BGP session goes up and down every 3 minutes, hold timer expires."),
        ("Lost BGP peering with transit", "edge-rtr-2 reports the neighbor as Active since 22:10, all prefixes withdrawn."),
    ),
    *_kind(
        "network",
        "dns-failure",
        ("DNS resolution fails for internal names", "Resolver 10.0.0.53 answers SERVFAIL for corp.example."),
        ("Name resolution broken", "dig returns SERVFAIL on all hosts that use resolver dns-2."),
        ("Internal DNS does not resolve", "Queries for corp.example time out or give SERVFAIL, named on dns-1 is stuck."),
        ("Hosts cannot resolve names", "The resolver returns SERVFAIL since the zone transfer failed."),
    ),
    *_kind(
        "storage",
        "volume-too-small",
        ("Volume vol_db needs to grow", "The data volume has 5 GB free of 500 GB, expand it by 200 GB."),
        ("Expand database LUN", "LUN 14 on array-3 is nearly used up, please extend the volume to 2 TB."),
        ("Volume capacity reached on array-1", "vol_mail is at 96% of its capacity, growing the volume is needed."),
        ("Data volume too small", "Capacity of vol_erp is exhausted, it has to be extended."),
    ),
    *_kind(
        "storage",
        "disk-failure",
        ("Failed drive in RAID group", "Drive 1.4.7 on array-2 failed, RAID group degraded, rebuild on spare."),
        ("RAID degraded on nas-04", "mdadm reports a failed disk, the array runs degraded."),
        ("Disk failure, array degraded", "SMART errors on /dev/sdc, mdadm kicked the drive out of the RAID."),
        ("Broken drive on storage node 5", "One drive failed, RAID is rebuilding onto the hot spare."),
    ),
    *_kind(
        "security",
        "malware",
        ("Malware detected on workstation ws-221", "The scanner quarantined Trojan.Gen in the download folder."),
        ("Virus found by endpoint protection", "Endpoint agent reports a trojan on laptop lt-88, file quarantined."),
        ("Trojan alert on file server", "The antivirus scanner found malware in /srv/share and quarantined it."),
        ("Infected host: ws-014", "Endpoint protection detected malware, host should be isolated."),
    ),
    *_kind(
        "security",
        "open-port",
        ("Unexpected open port 23 on dmz-4", "The scan found telnet open to the internet, the firewall rule is missing."),
        ("Firewall exposes telnet", "Port 23 of dmz-9 can be reached from the internet according to the scan."),
        ("Exposed service found by port scan", "The external scan shows port 2375 open on build-3, should be closed in the firewall."),
        ("Port open to the world", "Firewall lets the internet reach port 9200 on log-1, found by the weekly scan."),
    ),
    *_kind(
        "server",
        "time-drift",
        ("Clock drift on host app-9", "chrony reports an offset of 4.2 seconds, kerberos tickets are rejected."),
        ("NTP out of sync", "The system clock of web-3 is 90 seconds off, ntp has no reachable peers."),
        ("Time offset too large on node-7", "chronyc tracking shows that the clock drifts, NTP server is not reachable."),
        ("Server clock wrong by minutes", "The host lost its NTP source, time is off by 3 minutes."),
    ),
    *_kind(
        "server",
        "host-down",
        ("Host app-31 does not answer", "No ping, no ssh, ILO shows power on; probably kernel panic."),
        ("Server down: no ping", "web-12 unreachable since 05:55, ssh times out, console shows a kernel panic."),
        ("Kernel panic on app-08", "The host is down and does not answer ping, panic on the console."),
        ("Machine unreachable after night", "Neither ping nor ssh answer on app-44; the console shows a panic."),
    ),
    *_kind(
        "virtualization",
        "host-disconnected",
        ("ESXi host esx-04 disconnected from vCenter", "The hypervisor shows as not responding, its VMs still run."),
        ("vCenter lost the hypervisor", "esx-11 is disconnected, management agent does not respond."),
        ("Hypervisor not responding in vCenter", "Host esx-02 is greyed out, hostd hangs, VMs keep running."),
        ("ESX host in disconnected state", "vCenter cannot reach the management agent of esx-09."),
    ),
    *_kind(
        "virtualization",
        "vm-cpu-ready",
        ("High CPU ready on vm batch-3", "CPU ready time is 18%, the cluster is overcommitted."),
        ("VM slow, cpu ready above 15%", "esxtop shows %RDY of 20 for web-vm-8, too many vcpus on the host."),
        ("CPU contention in cluster B", "Ready time of several machines above 10%, cpu overcommit 6:1."),
        ("Ready time too high", "Guests wait for physical CPU, %RDY at 25, hosts are overcommitted."),
    ),
    *_kind(
        "kubernetes",
        "image-pull",
        ("ImagePullBackOff in namespace billing", "The image registry.example.com/billing:1.8 cannot be pulled, unauthorized."),
        ("Pods cannot pull their image", "ErrImagePull: pull access denied for shop/cart, the pull secret is missing."),
        ("Deployment stuck, image not found", "kubelet cannot pull the image, tag does not exist in the registry, ImagePullBackOff."),
        ("Failed to pull image", "Back-off pulling image from the registry, manifest unknown."),
    ),
    *_kind(
        "kubernetes",
        "node-not-ready",
        ("Node worker-4 NotReady", "Kubelet stopped posting status, pods are being evicted from the node."),
        ("Kubernetes node not ready", "kubelet on worker-9 is down, node condition Ready=Unknown."),
        ("Worker node lost", "The node is NotReady since 07:20, kubelet does not post its status."),
        ("Nodes flip to NotReady", "worker-1 and worker-2 lose kubelet heartbeat and become not ready."),
    ),
    *_kind(
        "openstack",
        "volume-stuck",
        ("Cinder volume stuck in detaching", "The volume stays in state detaching after the instance was deleted."),
        ("Volume cannot be detached", "cinder shows the volume as detaching for 3 hours, needs a state reset."),
        ("Stuck cinder volume", "Detach hangs, volume status is detaching, reset-state required."),
        ("Volume hangs while detaching from instance", "State detaching never ends in cinder, attachment is stale."),
    ),
    *_kind(
        "openstack",
        "no-valid-host",
        ("No valid host was found", "Scheduler cannot place new instances, NoValidHost, compute capacity used up."),
        ("Nova scheduler fails: NoValidHost", "Launching instances fails, there are not enough resources on compute hosts."),
        ("Cannot launch instances", "nova returns 'No valid host was found', placement has no candidates."),
        ("New servers fail to schedule", "The scheduler finds no valid compute host, placement returned no allocation candidates."),
    ),
    *_kind(
        "database",
        "slow-query",
        ("Slow queries on orders db", "A sequential scan on line_items takes 40 s, the index is missing."),
        ("Query takes minutes since release", "The planner uses a sequential scan, an index on customer_id was dropped."),
        ("Missing index makes report slow", "The report query scans the whole table sequentially, 95 s per execution."),
        ("Database slow: sequential scans", "pg_stat_statements shows one query with 60 s mean, it lacks an index."),
    ),
    *_kind(
        "database",
        "deadlock",
        ("Deadlocks in the billing database", "ERROR: deadlock detected, two transactions wait for each other."),
        ("Deadlock detected every few minutes", "Process 4711 waits for ShareLock on transaction 991, blocked by process 4712."),
        ("Transactions killed by deadlock", "Invoices fail because postgres detects deadlocks between two batch jobs."),
        ("Many deadlock errors", "The log is full of 'deadlock detected', transactions get rolled back."),
    ),
]
