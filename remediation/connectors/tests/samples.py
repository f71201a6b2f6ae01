"""One valid use of every operation, on targets the lab has on its first day."""

from remediation.connectors.lab.pods import pod_name

Values = dict[str, str | int | bool]

VM: Values = {"vcenter": "lab-vc1", "vm": "app-07"}
SECONDARY: Values = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-secondary"}
CHECKOUT: Values = {"cluster": "lab-k8s", "namespace": "shop", "deployment": "checkout"}
STOREFRONT: Values = {"cluster": "lab-k8s", "namespace": "shop", "deployment": "storefront"}
VOLUME: Values = {"array": "lab-san1", "volume": "pg-archive"}
SERVER: Values = {"cloud": "lab-os1", "server": "web-3"}

SAMPLES: dict[str, Values] = {
    "restart_vm": VM,
    "snapshot_vm": {**VM, "snapshot": "before-change"},
    "increase_memory": {**VM, "from_mb": 4_096, "to_mb": 8_192},
    "increase_cpu": {**VM, "from_cpus": 2, "to_cpus": 4},
    "restart_pod": {**CHECKOUT, "pod": pod_name("checkout", "registry.lab/checkout:1.9.3", 2)},
    "scale_deployment": {**SECONDARY, "from_replicas": 2, "to_replicas": 6},
    "rollback_deployment": {
        **STOREFRONT,
        "from_image": "registry.lab/storefront:4.8.0",
        "to_image": "registry.lab/storefront:4.7.3",
    },
    "clear_interface_errors": {"switch": "lab-sw1", "interface": "Ethernet1/12"},
    "enable_port": {"switch": "lab-sw1", "interface": "Ethernet1/20"},
    "restart_interface": {"switch": "lab-sw1", "interface": "Ethernet1/12"},
    "expand_volume": {**VOLUME, "from_gb": 500, "to_gb": 750},
    "clear_snapshots": {**VOLUME, "older_than_days": 60, "expected_snapshots": 4},
    "reboot_instance": SERVER,
    "resize_instance": {**SERVER, "from_flavor": "m1.medium", "to_flavor": "m1.large"},
}

TARGETS = {
    "restart_vm": "vmware:lab-vc1/vm/app-07",
    "snapshot_vm": "vmware:lab-vc1/vm/app-07",
    "increase_memory": "vmware:lab-vc1/vm/app-07",
    "increase_cpu": "vmware:lab-vc1/vm/app-07",
    "restart_pod": "kubernetes:lab-k8s/shop/deployment/checkout",
    "scale_deployment": "kubernetes:lab-k8s/payments/deployment/payments-secondary",
    "rollback_deployment": "kubernetes:lab-k8s/shop/deployment/storefront",
    "clear_interface_errors": "network:lab-sw1/Ethernet1/12",
    "enable_port": "network:lab-sw1/Ethernet1/20",
    "restart_interface": "network:lab-sw1/Ethernet1/12",
    "expand_volume": "storage:lab-san1/volume/pg-archive",
    "clear_snapshots": "storage:lab-san1/volume/pg-archive",
    "reboot_instance": "openstack:lab-os1/server/web-3",
    "resize_instance": "openstack:lab-os1/server/web-3",
}
