"""Tickets of 27 more kinds in four wordings each, which the vocabulary was not made on.

COMPARED chose between a few ways to weigh the terms; HELD_OUT was written after that and only measures.
"""

from __future__ import annotations

from patterns.tests.wordings import Wording, kind

COMPARED: list[Wording] = [
    *kind(
        "cache",
        "unreachable",
        (
            "Memcached not reachable",
            "Connections to memcached on port 11211 are refused, the application falls back to the database.",
        ),
        ("memcached refuses connections on mc-03", "Connection refused on 10.4.0.9:11211, process is gone."),
        ("Cache node down", "memcached on mc-08 does not answer, connect fails with connection refused."),
        ("Clients cannot connect to memcached", "Since 11:40 every connect to mc-01 fails, the daemon is not running."),
    ),
    *kind(
        "cache",
        "low-hit-rate",
        ("Varnish hit ratio collapsed", "Hit rate went from 92% to 30% after the header change, backends are hot."),
        ("Low cache hit rate on the CDN edge", "Most requests miss the cache, hit ratio 25%, since release 2026.10."),
        (
            "Too many cache misses in varnish",
            "Misses tripled, hit ratio is down to 40%, because a cookie varies every request.",
        ),
        (
            "Hit ratio of edge cache dropped",
            "varnishstat: cache_hit falls, cache_miss rises, the backend takes all requests.",
        ),
    ),
    *kind(
        "network",
        "bgp-down",
        ("BGP session to AS64512 down", "Neighbor 192.0.2.1 is idle, hold timer expired at 06:02."),
        ("BGP neighbor lost on edge-rtr-1", "Peering with the provider went down, state Idle, routes withdrawn."),
        ("Peer 198.51.100.1 flapping", "The BGP session goes up and down every 3 minutes, hold timer expires."),
        (
            "Lost BGP peering with transit",
            "edge-rtr-2 reports the neighbor as Active since 22:10, all prefixes withdrawn.",
        ),
    ),
    *kind(
        "network",
        "dns-failure",
        ("DNS resolution fails for internal names", "Resolver 10.0.0.53 answers SERVFAIL for corp.example."),
        ("Name resolution broken", "dig returns SERVFAIL on all hosts that use resolver dns-2."),
        (
            "Internal DNS does not resolve",
            "Queries for corp.example time out or give SERVFAIL, named on dns-1 is stuck.",
        ),
        ("Hosts cannot resolve names", "The resolver returns SERVFAIL since the zone transfer failed."),
    ),
    *kind(
        "storage",
        "volume-too-small",
        ("Volume vol_db needs to grow", "The data volume has 5 GB free of 500 GB, expand it by 200 GB."),
        ("Expand database LUN", "LUN 14 on array-3 is nearly used up, please extend the volume to 2 TB."),
        ("Volume capacity reached on array-1", "vol_mail is at 96% of its capacity, growing the volume is needed."),
        ("Data volume too small", "Capacity of vol_erp is exhausted, it has to be extended."),
    ),
    *kind(
        "storage",
        "disk-failure",
        ("Failed drive in RAID group", "Drive 1.4.7 on array-2 failed, RAID group degraded, rebuild on spare."),
        ("RAID degraded on nas-04", "mdadm reports a failed disk, the array runs degraded."),
        ("Disk failure, array degraded", "SMART errors on /dev/sdc, mdadm kicked the drive out of the RAID."),
        ("Broken drive on storage node 5", "One drive failed, RAID is rebuilding onto the hot spare."),
    ),
    *kind(
        "security",
        "malware",
        ("Malware detected on workstation ws-221", "The scanner quarantined Trojan.Gen in the download folder."),
        ("Virus found by endpoint protection", "Endpoint agent reports a trojan on laptop lt-88, file quarantined."),
        ("Trojan alert on file server", "The antivirus scanner found malware in /srv/share and quarantined it."),
        ("Infected host: ws-014", "Endpoint protection detected malware, host should be isolated."),
    ),
    *kind(
        "security",
        "open-port",
        (
            "Unexpected open port 23 on dmz-4",
            "The scan found telnet open to the internet, the firewall rule is missing.",
        ),
        ("Firewall exposes telnet", "Port 23 of dmz-9 can be reached from the internet according to the scan."),
        (
            "Exposed service found by port scan",
            "The external scan shows port 2375 open on build-3, should be closed in the firewall.",
        ),
        ("Port open to the world", "Firewall lets the internet reach port 9200 on log-1, found by the weekly scan."),
    ),
    *kind(
        "server",
        "time-drift",
        ("Clock drift on host app-9", "chrony reports an offset of 4.2 seconds, kerberos tickets are rejected."),
        ("NTP out of sync", "The system clock of web-3 is 90 seconds off, ntp has no reachable peers."),
        (
            "Time offset too large on node-7",
            "chronyc tracking shows that the clock drifts, NTP server is not reachable.",
        ),
        ("Server clock wrong by minutes", "The host lost its NTP source, time is off by 3 minutes."),
    ),
    *kind(
        "server",
        "host-down",
        ("Host app-31 does not answer", "No ping, no ssh, ILO shows power on; probably kernel panic."),
        ("Server down: no ping", "web-12 unreachable since 05:55, ssh times out, console shows a kernel panic."),
        ("Kernel panic on app-08", "The host is down and does not answer ping, panic on the console."),
        ("Machine unreachable after night", "Neither ping nor ssh answer on app-44; the console shows a panic."),
    ),
    *kind(
        "virtualization",
        "host-disconnected",
        ("ESXi host esx-04 disconnected from vCenter", "The hypervisor shows as not responding, its VMs still run."),
        ("vCenter lost the hypervisor", "esx-11 is disconnected, management agent does not respond."),
        ("Hypervisor not responding in vCenter", "Host esx-02 is greyed out, hostd hangs, VMs keep running."),
        ("ESX host in disconnected state", "vCenter cannot reach the management agent of esx-09."),
    ),
    *kind(
        "virtualization",
        "vm-cpu-ready",
        ("High CPU ready on vm batch-3", "CPU ready time is 18%, the cluster is overcommitted."),
        ("VM slow, cpu ready above 15%", "esxtop shows %RDY of 20 for web-vm-8, too many vcpus on the host."),
        ("CPU contention in cluster B", "Ready time of several machines above 10%, cpu overcommit 6:1."),
        ("Ready time too high", "Guests wait for physical CPU, %RDY at 25, hosts are overcommitted."),
    ),
    *kind(
        "kubernetes",
        "image-pull",
        (
            "ImagePullBackOff in namespace billing",
            "The image registry.example.com/billing:1.8 cannot be pulled, unauthorized.",
        ),
        ("Pods cannot pull their image", "ErrImagePull: pull access denied for shop/cart, the pull secret is missing."),
        (
            "Deployment stuck, image not found",
            "kubelet cannot pull the image, tag does not exist in the registry, ImagePullBackOff.",
        ),
        ("Failed to pull image", "Back-off pulling image from the registry, manifest unknown."),
    ),
    *kind(
        "kubernetes",
        "node-not-ready",
        ("Node worker-4 NotReady", "Kubelet stopped posting status, pods are being evicted from the node."),
        ("Kubernetes node not ready", "kubelet on worker-9 is down, node condition Ready=Unknown."),
        ("Worker node lost", "The node is NotReady since 07:20, kubelet does not post its status."),
        ("Nodes flip to NotReady", "worker-1 and worker-2 lose kubelet heartbeat and become not ready."),
    ),
    *kind(
        "openstack",
        "volume-stuck",
        ("Cinder volume stuck in detaching", "The volume stays in state detaching after the instance was deleted."),
        ("Volume cannot be detached", "cinder shows the volume as detaching for 3 hours, needs a state reset."),
        ("Stuck cinder volume", "Detach hangs, volume status is detaching, reset-state required."),
        ("Volume hangs while detaching from instance", "State detaching never ends in cinder, attachment is stale."),
    ),
    *kind(
        "openstack",
        "no-valid-host",
        ("No valid host was found", "Scheduler cannot place new instances, NoValidHost, compute capacity used up."),
        (
            "Nova scheduler fails: NoValidHost",
            "Launching instances fails, there are not enough resources on compute hosts.",
        ),
        ("Cannot launch instances", "nova returns 'No valid host was found', placement has no candidates."),
        (
            "New servers fail to schedule",
            "The scheduler finds no valid compute host, placement returned no allocation candidates.",
        ),
    ),
    *kind(
        "database",
        "slow-query",
        ("Slow queries on orders db", "A sequential scan on line_items takes 40 s, the index is missing."),
        (
            "Query takes minutes since release",
            "The planner uses a sequential scan, an index on customer_id was dropped.",
        ),
        ("Missing index makes report slow", "The report query scans the whole table sequentially, 95 s per execution."),
        ("Database slow: sequential scans", "pg_stat_statements shows one query with 60 s mean, it lacks an index."),
    ),
    *kind(
        "database",
        "deadlock",
        ("Deadlocks in the billing database", "ERROR: deadlock detected, two transactions wait for each other."),
        (
            "Deadlock detected every few minutes",
            "Process 4711 waits for ShareLock on transaction 991, blocked by process 4712.",
        ),
        ("Transactions killed by deadlock", "Invoices fail because postgres detects deadlocks between two batch jobs."),
        ("Many deadlock errors", "The log is full of 'deadlock detected', transactions get rolled back."),
    ),
]

HELD_OUT: list[Wording] = [
    *kind(
        "cache",
        "cluster-slots",
        ("Redis cluster slots not covered", "cluster_state:fail, 5461 slots are unassigned after node loss."),
        ("Redis cluster down, hash slots missing", "CLUSTERDOWN error, not all 16384 slots are served."),
        ("CLUSTERDOWN errors in shop", "The redis cluster lost a shard, its slots have no owner."),
        ("Unassigned hash slots", "After the failover of shard 3 the slots are not covered, cluster state fail."),
    ),
    *kind(
        "network",
        "vpn-down",
        ("Site-to-site VPN down", "IPsec tunnel to branch Hamburg is down, IKE negotiation fails."),
        ("IPsec tunnel does not come up", "Phase 1 fails with no proposal chosen, branch office offline."),
        ("VPN tunnel to partner lost", "IKE SA expired and is not rebuilt, traffic to the partner stops."),
        ("Branch office cut off: tunnel down", "ipsec status shows no established tunnel."),
    ),
    *kind(
        "storage",
        "nfs-stale",
        ("Stale NFS file handle on app hosts", "ls /mnt/share gives stale file handle since the filer failover."),
        ("NFS mount hangs", "Processes block in D state on the mount of filer-2."),
        ("NFS share not accessible", "mount.nfs times out, export of filer-1 does not answer."),
        ("Clients hang on nfs mount", "Stale handles after the export moved to another filer."),
    ),
    *kind(
        "security",
        "privilege",
        ("Unexpected sudo by service account", "Account svc-build ran sudo su on ci-3, which is not allowed."),
        ("Privilege escalation by build account", "svc-deploy became root through sudo at 03:12."),
        ("Service account used sudo", "Audit log shows sudo root shell of svc-report."),
        ("Root shell opened by a service account", "sudo rule is too wide, svc-batch escalated to root."),
    ),
    *kind(
        "server",
        "zombie-memory",
        ("Memory leak in worker process", "RSS of the worker grows 200 MB per hour until the OOM killer ends it."),
        ("Out of memory on app-12", "oom-killer killed python, memory usage climbed all night."),
        ("Host swaps, memory used up", "Process leaks memory, swap is full on app-19."),
        ("OOM kills on batch host", "Kernel log shows out of memory: killed process java."),
    ),
    *kind(
        "virtualization",
        "datastore-full",
        ("Datastore ds-3 out of space", "VMs are paused because the datastore has no free space."),
        ("VMFS datastore full", "ds-7 is at 100%, virtual machines stop with a disk space question."),
        ("VMs suspended, datastore without space", "vCenter alarm: datastore usage on disk 99%."),
        ("No free space on datastore", "Thin disks grew until ds-1 was full, guests paused."),
    ),
    *kind(
        "kubernetes",
        "pvc-pending",
        ("PVC pending in namespace data", "PersistentVolumeClaim waits, no storage class matches."),
        ("Pod waits for its volume claim", "pvc is Pending: no persistent volumes available for this claim."),
        ("StatefulSet stuck, volume claim unbound", "PersistentVolumeClaim not bound, provisioner reports an error."),
        ("Claim not bound", "PVC db-data-0 stays Pending, the provisioner is down."),
    ),
    *kind(
        "openstack",
        "floating-ip",
        (
            "Floating IP not reachable",
            "Instance has floating ip 203.0.113.9 but no traffic arrives, neutron router lost its gateway.",
        ),
        ("Neutron floating ip dead", "l3 agent down, floating addresses do not answer."),
        ("Floating address unreachable", "After restart of the l3-agent the floating IP is not plugged."),
        ("No access over floating ips", "Neutron l3 agent on net-2 is down, all floating ips are unreachable."),
    ),
    *kind(
        "database",
        "backup-failed",
        ("Nightly backup of orders db failed", "pg_basebackup ended with error: no space left in the backup target."),
        ("Database backup did not run", "No backup since 3 days, the cron job of pgbackrest fails."),
        ("pgbackrest backup error", "Backup of stanza main failed with exit code 56."),
        ("Backup missing for billing database", "Last full backup is 4 days old, the backup job aborts."),
    ),
]
