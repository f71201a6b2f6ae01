"""Where the lab can stand in for a target that is not in it: the same operation with parameters of the lab. Pure.

Several for one operation: a restart proves something only once in five minutes, and a restarted pod has another name.
What has no way back has no stand-in, since there is nothing to rehearse.
"""

from __future__ import annotations

from collections.abc import Mapping

from remediation.connectors.families import roles
from remediation.connectors.lab.first_day import ARRAY, BAD_STOREFRONT, CLOUD, CLUSTER, SWITCH, VCENTER
from remediation.connectors.lab.pods import pod_name
from remediation.connectors.operations import Scalar

PAYMENTS = "registry.lab/payments:2.14.1"
SECONDARY: Mapping[str, Scalar] = {"cluster": CLUSTER, "namespace": "payments", "deployment": "payments-secondary"}
STOREFRONT: Mapping[str, Scalar] = {"cluster": CLUSTER, "namespace": "shop", "deployment": "storefront"}

STAND_INS: Mapping[str, tuple[Mapping[str, Scalar], ...]] = {
    "restart_vm": tuple({"vcenter": VCENTER, "vm": name} for name in ("app-08", "app-07", "db-03")),
    "snapshot_vm": ({"vcenter": VCENTER, "vm": "app-08", "snapshot": "rehearsal"},),
    "increase_memory": ({"vcenter": VCENTER, "vm": "app-08", "from_mb": 4_096, "to_mb": 6_144},),
    "increase_cpu": ({"vcenter": VCENTER, "vm": "app-08", "from_cpus": 2, "to_cpus": 3},),
    "restart_pod": tuple({**SECONDARY, "pod": pod_name("payments-secondary", PAYMENTS, number)} for number in (1, 2)),
    "scale_deployment": ({**SECONDARY, "from_replicas": 2, "to_replicas": 3},),
    "rollback_deployment": ({**STOREFRONT, "from_image": BAD_STOREFRONT, "to_image": "registry.lab/storefront:4.7.3"},),
    "enable_port": ({"switch": SWITCH, "interface": "Ethernet1/20"},),
    "restart_interface": tuple({"switch": SWITCH, "interface": name} for name in ("Ethernet1/12", "Ethernet1/13")),
    "clear_snapshots": ({"array": ARRAY, "volume": "pg-archive", "older_than_days": 60, "expected_snapshots": 4},),
    "reboot_instance": tuple({"cloud": CLOUD, "server": name} for name in ("web-3", "web-2", "web-1")),
    "resize_instance": ({"cloud": CLOUD, "server": "web-3", "from_flavor": "m1.medium", "to_flavor": "m1.large"},),
}

REVERSIBLE = frozenset(STAND_INS) | {roles.APPLY_ROLE.name}
"""The operations whose way back is tried before it is needed: on a stand-in, and of a role on its canary."""
