"""The words that say nothing about a kind of incident, and those that say the same thing."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """
    a about above according after again against alert alerts all almost already also am an and any anymore are
    around as at away back be because become becoming been before begin begins behind being below between both
    but by call called can cannot case change changed come comes could daily day did do does doing done down
    during each ever every everyone fact few find for found from further get gets give go goes going got had
    happen happens has have having he help her here him his hour how i if in inside into is issue issues it its
    itself just keep kept know last least left less let like long look looks make makes many may me minute
    monitoring month more morning most much must my near nearly need needs neither never new night no nobody nor
    not notice now of off often old on once one only or other our out over own per please probably problem
    problems quite reason report reported reporting reports right said same say says second see seem seems seen
    several she should show shown since so some someone something start started state status stay stays still
    stop stopped such take takes tell than that the their them then there these they thing this those though
    three through time times to today too towards turn turned two under until up upon urgent us use used user
    users using very via want warn warning was way we week were what when where whether which while who whole
    why will with within without work working would yes yesterday yet you your
    """
)

# Words that stand in tickets of every kind: they tell kinds apart only together with others.
COMMON = _words(
    """
    access activ address affect application attempt availabl averag broken caus cluster cod configuration
    correct count cpu current data devic enabl end enough error exceed excessiv exit fail few go grow heavily
    high hit host increas list load loss lost low machin main maximum minut miss name new node number occur one
    order pool possibl probabl process product quick quickly reach read releas repeat reques run second select
    send server servic set short siz small start stop success system test threshold try updat usag valu version
    went
    """
)

# Words that name the category itself: within it they tell nothing apart.
OWN_WORDS: dict[str, frozenset[str]] = {
    "cache": frozenset({"cach", "key", "application"}),
    "network": frozenset({"network", "interfac", "switch", "router", "link", "sw", "packet"}),
    "storage": frozenset({"storag", "disk", "array", "volum"}),
    "security": frozenset({"security", "machin"}),
    "server": frozenset({"server", "machin", "servic", "app", "web"}),
    "virtualization": frozenset({"virtualization", "guest", "hypervisor", "machin"}),
    "kubernetes": frozenset({"kubernet", "pod", "deployment", "kubectl", "kubelet", "namespac", "machin", "cluster"}),
    "openstack": frozenset({"openstack", "instanc", "machin", "comput"}),
    "database": frozenset({"databas", "order"}),
}

# Each line is one concept under its first word; all words are stems, as `signature.stem_of` makes them.
_SAME = """
pod container workload
replica secondary standby slave
primary master leader
replication sync resync replay wal backlog
lag behind delay stal
disk filesystem partition drive df inod
space
volum lun
array san
nas nfs
snapshot snap
full exhaust capacity fill
saturat overload overloaded overcommit contention
grow increas climb ris
small undersiz larger bigger
resiz extend enlarg expand
scal underscal upscal autoscal hpa
cpu cor vcpu processor
memory ram mem maxmemory oom swap balloon
evict eviction
interfac port nic uplink
link connectivity carrier
loss lost drop
crc fcs
packet fram
disabl shut shutdown administratively bpduguard err
router rtr
bgp ospf peer neighbor neighbour peering
hung hang frozen froz freez unresponsiv stuck heartbeat
unreachabl unavailabl ping
guest vm virtual
hypervisor esx esxi vcenter
console ilo ipmi idrac
machin server host nod
instanc nova
flavor
crash terminat die crashloop crashloopbackoff panic dump
restart reboot reset
servic daemon unit process
systemd systemctl
start boot launch
cert certificat tl ssl tls acm certbot renewal renew
expir expiry valid
login authentication logon sshd ssh bastion password guess brut attack attempt intrusion
fail failur fault
malwar virus trojan infect antiviru
scan scanner
slow latency sluggish
query sql statement
databas db postgr postgresql mysql mariadb
connection connect client session
deadlock
index
log logging journald rsyslog logrotat
cach redi redis memcach memcached varnish
deployment deploy
imag img registry
clock ntp chrony drift
dns resolv resolver resolution
backup
firewall
quota limit
raid mdadm
rebuild degrad
queue queu
"""
SYNONYMS: dict[str, str] = {word: line.split()[0] for line in _SAME.strip().splitlines() for word in line.split()}
