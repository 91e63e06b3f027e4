"""Three network namespaces, client - server - peer, joined by veth pairs, and Ahoy in the middle.

All of it is gone with the Lab.  Sockets are opened inside the namespaces by this one process.
"""

import ctypes
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
AHOY = os.environ.get("AHOY_BIN", str(ROOT / "build/release/ahoy"))
USER, PASSWORD = "alice", "wonder"

# By IP version: the client's address, the server's two, the peer's.
ADDRESSES = {4: ("192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2"),
             6: ("2001:db8:1::2", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::2")}
OTHER_PEER = {4: "198.51.100.3", 6: "2001:db8:2::3"}  # of the same namespace
PEERS = ["198.51.100.0/24", "2001:db8:2::/64"]
PATIENCE = 30  # seconds, for a machine that is busy with something else

libc = ctypes.CDLL(None, use_errno=True)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def until(holds, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.02)
    return found


class Lab:
    def __init__(self):
        self.prefix = f"ahoy-fastpath-{os.getpid()}-"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.folder = tempfile.TemporaryDirectory(prefix="ahoy-fastpath-")
        self.made = []
        self.server = None
        try:
            for name in ("client", "server", "peer"):
                run("ip", "netns", "add", self.prefix + name)
                self.made.append(name)
                self.ip(name, "link", "set", "lo", "up")
            self._link("client", 0)
            self._link("peer", 3)
            for address in OTHER_PEER.values():
                self._address("peer", address, "server")
            # Nothing is believed that comes by another way than its answer would go.
            run(*self.inside("server", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1"))
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stop()
        while self.made:
            subprocess.run(["ip", "netns", "del", self.prefix + self.made.pop()], check=False)
        self.folder.cleanup()
        os.close(self.home)

    def ip(self, name, *arguments):
        run("ip", "-n", self.prefix + name, *arguments)

    def inside(self, name, *command):
        return ["ip", "netns", "exec", self.prefix + name, *command]

    def finish_checksums(self, name, finish):
        """Whether a sender there makes its checksums itself, as what comes by a wire has them."""
        run(*self.inside(name, "ethtool", "-K", "server", "tx", "off" if finish else "on"))

    def coalesce(self):
        """The server's interfaces coalesce what arrives together, where a socket wants that."""
        for name in ("client", "peer"):
            run(*self.inside("server", "ethtool", "-K", name, "gro", "on"))

    def _address(self, name, address, device):
        bits, *nodad = ["/64", "nodad"] if ":" in address else ["/24"]
        self.ip(name, "addr", "add", address + bits, "dev", device, *nodad)

    def _link(self, name, outer):
        run("ip", "link", "add", "server", "netns", self.prefix + name, "type", "veth",
            "peer", "name", name, "netns", self.prefix + "server")
        inner = 1 if outer == 0 else 2
        for addresses in ADDRESSES.values():
            self._address(name, addresses[outer], "server")
            self._address("server", addresses[inner], name)
        self.ip(name, "link", "set", "server", "up")
        self.ip("server", "link", "set", name, "up")
        for version, addresses in ADDRESSES.items():
            self.ip(name, f"-{version}", "route", "add", "default", "via", addresses[inner])
        self.finish_checksums(name, True)

    @contextlib.contextmanager
    def namespace(self, name):
        with open(f"/run/netns/{self.prefix}{name}") as there:
            assert libc.setns(there.fileno(), 0) == 0
        try:
            yield
        finally:
            assert libc.setns(self.home, 0) == 0

    def socket(self, name, version=4, kind=socket.SOCK_DGRAM, address=None):
        """Of a client or peer, bound to its address there; or for a stream, to none."""
        with self.namespace(name):
            made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)
        made.settimeout(PATIENCE)
        if kind == socket.SOCK_DGRAM:
            made.bind((address or ADDRESSES[version][0 if name == "client" else 3], 0))
        return made

    def raw_socket(self, name):
        with self.namespace(name):
            made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        return made

    def frames(self, name):
        """A socket that hears every frame which arrives there."""
        with self.namespace(name):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            made.bind(("server", 0))
        made.settimeout(PATIENCE)
        return made

    # ---- the server

    def relay_sockets(self):
        """How many are open, of either IP version."""
        shown = run(*self.inside("server", "ss", "-Hlun"))
        relays = [f" {ADDRESSES[4][2]}:", f" [{ADDRESSES[6][2]}]:"]
        return sum(any(relay in line for relay in relays) for line in shown.splitlines())

    def status(self, name):
        """A number of the server's /proc/PID/status."""
        text = self.of_process("status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE).group(1))

    def program(self):
        """The id of its program in the kernel, of which others may have loaded the same; or None."""
        for each in self.of_process("fdinfo").iterdir():
            with contextlib.suppress(OSError):  # what is closed meanwhile
                if found := re.search(r"^prog_id:\s+(\d+)", each.read_text(), re.MULTILINE):
                    return int(found.group(1))

    def files(self):
        return len(list(self.of_process("fd").iterdir()))

    def of_process(self, name):
        return pathlib.Path("/proc") / str(self.server.pid) / name

    def start(self, *settings, deny=(), fastpath="on"):
        config = pathlib.Path(self.folder.name) / "ahoy.toml"
        self.write_peers = lambda denied: config.write_text(
            f"[turn.peers]\nallow = {json.dumps(PEERS)}\ndeny = {json.dumps(list(denied))}\n")
        self.write_peers(deny)
        listen = json.dumps([f"{ADDRESSES[4][1]}:3478", f"[{ADDRESSES[6][1]}]:3478"])
        relay = json.dumps([ADDRESSES[4][2], ADDRESSES[6][2]])
        command = [AHOY, "serve", "--config", str(config)]
        for setting in ("server.threads=2", 'http.listen=["127.0.0.1:8080"]',
                        f"turn.listen={listen}", f"turn.relay_addresses={relay}",
                        f'turn.users={{ {USER} = "{PASSWORD}" }}', "turn.realm=ahoy",
                        "turn.address_quota=0", "turn.user_quota=0", f"turn.fastpath={fastpath}",
                        *settings):
            command += ["--set", setting]
        self.log = pathlib.Path(self.folder.name) / "log"
        with open(self.log, "w") as log:
            self.server = subprocess.Popen(self.inside("server", *command), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=log)
        until(lambda: self.says("server.ready") or self.server.poll() is not None, "the start")
        assert self.server.poll() is None, self.log.read_text()

    def says(self, words):
        return words in self.log.read_text()

    def stop(self, how=signal.SIGTERM):
        if self.server is None:
            return
        self.server.send_signal(how)
        self.server.wait(PATIENCE)
        self.server = None

    def metric(self, name):
        """The sum over its labels; with labels, of just these."""
        connection = self.socket("server", kind=socket.SOCK_STREAM)
        with connection:
            connection.connect(("127.0.0.1", 8080))
            connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        values = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        assert values, f"a metric {name}"
        return sum(map(float, values))

    def in_kernel(self, direction):
        return self.metric(f'ahoy_turn_fastpath_packets_total{{direction="{direction}"}}')


def why_not():
    """Why it cannot be tried on this machine, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces and programs in the kernel take root"
    try:
        lab = Lab()
    except RuntimeError as error:
        return str(error)
    try:
        lab.start(fastpath="auto")
        off = re.search(r'event=turn.fastpath state=off reason="([^"]*)"', lab.log.read_text())
    finally:
        lab.close()
    # Any other reason is for the tests to find.
    return off.group(1) if off and re.search("built without|it takes CAP_", off.group(1)) else ""


def is_loaded(program):
    return subprocess.run(["bpftool", "prog", "show", "id", str(program)],
                          capture_output=True).returncode == 0


class Paths:
    """The map of the program's paths, as the kernel has it."""

    def __init__(self, program):
        for each in json.loads(run("bpftool", "-j", "prog", "show", "id", str(program)))["map_ids"]:
            if json.loads(run("bpftool", "-j", "map", "show", "id", str(each)))["name"] == "paths":
                self.id = str(each)

    def entries(self):
        """Keys and values, in bytes.  What goes while it is read has an error for a value."""
        dump = json.loads(run("bpftool", "-j", "map", "dump", "id", self.id))
        return [tuple(bytes(int(byte, 16) for byte in entry[part]) for part in ("key", "value"))
                for entry in dump if "error" not in entry["value"]]

    def ends(self):
        """When they end, in nanoseconds of the monotonic clock."""
        return [struct.unpack("=Q", value[8:16])[0] for _, value in self.entries()]

    def end_at(self, instant):
        """All of them, as if somebody had asked for them so long ago."""
        for key, value in self.entries():
            value = value[:8] + struct.pack("=Q", instant) + value[16:]
            run("bpftool", "map", "update", "id", self.id, "key", *map(str, key),
                "value", *map(str, value))

    def memory(self):
        """Of the kernel, in bytes."""
        return int(json.loads(run("bpftool", "-j", "map", "show", "id", self.id))["bytes_memlock"])

    def __len__(self):
        return len(self.entries())
