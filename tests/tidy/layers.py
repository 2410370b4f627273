"""Which folder is which part, and which parts each may include (ARCHITECTURE.md, the table)."""

import pathlib

# The vocabulary lives beside the client in groupcomm/: these are its files.
VOCABULARY = {
    "boxed",
    "check",
    "probe",
    "identity",
    "message",
    "number",
    "payload",
    "result",
    "time_point",
    "view",
}

# Longest prefix first.
FOLDERS = [
    ("groupcomm/protocol/", "types"),
    ("groupcomm/wire/", "wire"),
    ("groupcomm/", "client"),
    ("ordering/", "ordering"),
    ("membership/", "membership"),
    ("daemon/core/", "daemon_core"),
    ("daemon/host/", "host"),
    ("daemon/verify/", "verify"),
    ("daemon/ctl/", "ctl"),
    ("daemon/main.cc", "host"),
    ("bindings/", "bindings"),
    ("examples/", "examples"),
    ("tests/", "tests"),
]

MAY_INCLUDE = {
    "types": {"types"},
    "wire": {"types", "wire"},
    "client": {"types", "wire", "client"},
    "ordering": {"types", "ordering"},
    "membership": {"types", "ordering", "membership"},
    "daemon_core": {"types", "ordering", "membership", "daemon_core"},
    "host": {"types", "wire", "ordering", "membership", "daemon_core", "verify", "host"},
    "verify": {"types", "verify"},
    "ctl": {"types", "client", "verify", "ctl"},
    "bindings": {"types", "client", "bindings"},
    "examples": {"types", "client"},
}

PURE = {"ordering", "membership", "daemon_core"}


def layer_of(path):
    """The part that a file of the tree belongs to, or None (scripts, documents)."""
    path = str(path)
    for prefix, layer in FOLDERS:
        if path.startswith(prefix):
            if layer == "client" and pathlib.PurePosixPath(path).stem in VOCABULARY:
                return "types"
            return layer
    return None
