"""The words that say nothing about a kind of incident, and those that say the same thing."""

from __future__ import annotations

STOP_WORDS = frozenset(
    """
    a about above after again against all almost already also am an and any anymore are around as at away back be because
    been before behind being below between both but by can cannot could daily did do does doing done down during each ever
    every few for from further get gets got had has have having he her here him his hour how i if in inside into is it its
    itself just keep kept last least less like looks many may me minute more most much must my near nearly needs need
    neither never new no nobody nor not now of off often old on once one only or other our out over own per please probably
    quite right same seen several she should show shown since so some still such than that the their them then there these
    they this those though three through time times to too two under until up upon us very via was we week were what when
    where whether which while who whole why will with within without would yes yet you your
    according alert alerts become becoming begin begins call called case change changed come comes could day everyone fact
    find found give go goes going happen happens help issue issues know left let long look make makes monitoring month
    morning night notice please problem problems reason report reports reported reporting right said say says second see
    seem seems someone something start started state status stay stays stop stopped take takes tell thing today towards
    turn turned urgent use used user users using want warn warning way work working yesterday
    """.split()
)

# Words that stand in tickets of every kind: they tell kinds apart only together with others.
COMMON = frozenset(
    """
    access activ address affect application attempt availabl averag broken caus cluster cod configuration correct count
    cpu current data devic enabl end enough error exceed excessiv exit fail few go grow high hit host increas list lost
    loss low machin main maximum minut miss name new node number occur one order pool possibl probabl process product
    quick reach read releas reques run second select send server servic set short siz small start stop success system test
    threshold try updat usag valu version went high load heavily repeat quickly
    """.split()
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
