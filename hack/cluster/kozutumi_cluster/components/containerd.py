"""containerd with runc and Debian's CNI plugins."""

from __future__ import annotations

from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.layout import NODE_POD_RANGE

SOCKET = "/run/containerd/containerd.sock"
GATE = f"unix:{SOCKET}"
CONFIG = "containerd.toml"
CNI_CONFIG = "cni/10-kozutumi.conflist"
CNI_BINARIES = "/usr/lib/cni"
PAUSE_IMAGE = "localhost/pause:1"

# The `opt` plugin would make /opt/containerd on the host; the others are for storage and tracing not used here.
_DISABLED = (
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.tracing",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)


def config(node: Node) -> str:
    """Configuration version 3. OOM scores stay as they are: not every host lets a process lower its own."""
    disabled = ", ".join(f'"{name}"' for name in _DISABLED)
    return f"""version = 3
root = "{node.layout.state / "containerd"}"
state = "/run/containerd"
oom_score = 0
disabled_plugins = [{disabled}]

[grpc]
  address = "{SOCKET}"

[plugins."io.containerd.nri.v1.nri"]
  disable = true

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"

  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE_IMAGE}"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  enable_cdi = false

  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{CNI_BINARIES}"]
    conf_dir = "{node.layout.config / "cni"}"

  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def cni_config() -> dict[str, object]:
    """A bridge. Addresses are kept under /run, which ends with the node: no pod survives it either."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni-addresses",
            "ranges": [[{"subnet": NODE_POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return {
        "cniVersion": "1.0.0",
        "name": "kozutumi",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def component(node: Node) -> Component:
    return Component("containerd", (node.binary("containerd"), "--config", node.config(CONFIG)))
