"""Three network namespaces: client - server - peer, joined by veth pairs.

What the server's side receives is worked on by NAPI threads on the server's core, everything else
on the core of the load, so that the server's core shows what relaying costs, in the kernel too.
"""

import json
import os
import pathlib
import resource
import subprocess
import time

SERVER_CORE, LOAD_CORE = 0, 1
SERVER = "192.0.2.1"       # towards clients
RELAY = "198.51.100.1"     # towards peers
PEERS = "198.51.100.0/24"
LINKS = {"client": (SERVER, "192.0.2.2"), "peer": (RELAY, "198.51.100.2")}


class Lab:
    def __init__(self, realtime=False, finished_checksums=False):
        self.realtime = realtime
        # As what comes by a wire has; between namespaces they are left unmade otherwise.
        self.finished_checksums = finished_checksums
        self.prefix = f"ahoy-bench-{os.getpid()}-"
        self.made = []
        self.server_threads = []

    def __enter__(self):
        most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
        try:
            for name in ("client", "server", "peer"):
                self._command("ip", "netns", "add", self.prefix + name)
                self.made.append(name)
                self._command("ip", "-n", self.prefix + name, "link", "set", "lo", "up")
            for name, addresses in LINKS.items():
                self._link(name, *addresses)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # With a namespace its interfaces and their NAPI threads go.
        while self.made:
            subprocess.run(["ip", "netns", "del", self.prefix + self.made.pop()], check=False)

    def path(self, name):
        return f"/run/netns/{self.prefix}{name}"

    def command(self, name, core, command):
        first = ["chrt", "--rr", "1"] if self.realtime else []
        return ["ip", "netns", "exec", self.prefix + name, "taskset", "-c", str(core), *first,
                *command]

    def run(self, name, core, command, **options):
        return subprocess.run(self.command(name, core, command), stdin=subprocess.DEVNULL,
                              **options)

    def drops(self):
        """What was lost so far, by place."""
        found = {}
        for name in ("client", "server", "peer"):
            namespace = self.prefix + name
            links = json.loads(self._command("ip", "-n", namespace, "-j", "-s", "link"))
            # A full ring between two interfaces counts where it is sent from.
            found[f"sent by {name}"] = sum(link["stats64"]["tx"]["dropped"] for link in links)
            text = self._command("ip", "netns", "exec", namespace, "cat", "/proc/net/snmp")
            names, values = (line.split() for line in text.splitlines() if line[:4] == "Udp:")
            found[f"full sockets of {name}"] = int(values[names.index("RcvbufErrors")])
        return found

    def _link(self, name, server_address, address):
        ours, theirs = self.prefix + name, self.prefix + "server"
        # Named after where they lead.
        self._command("ip", "link", "add", "server", "netns", ours, "type", "veth",
                      "peer", "name", name, "netns", theirs)
        self._configure(ours, "server", address, LOAD_CORE)
        if self.finished_checksums:
            self._command("ip", "netns", "exec", ours, "ethtool", "-K", "server", "tx", "off")
        self._command("ip", "-n", ours, "route", "add", "default", "via", server_address)
        self.server_threads += self._configure(theirs, name, server_address, SERVER_CORE)

    def _configure(self, namespace, interface, address, core):
        self._command("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", interface)
        inside = ["ip", "netns", "exec", namespace]
        self._command(*inside, "ethtool", "-K", interface, "gro", "on", "tso", "off")
        self._command("ip", "-n", namespace, "link", "set", interface, "up")
        before = napi_threads()
        self._command(*inside, "sh", "-c", f"echo 1 >/sys/class/net/{interface}/threaded")
        threads = sorted(napi_threads() - before)
        if not threads:
            raise RuntimeError("this kernel makes no NAPI threads for veth interfaces")
        for thread in threads:
            os.sched_setaffinity(thread, {core})
            if self.realtime:
                os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))
        return threads

    @staticmethod
    def _command(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout


def difference(now, before):
    return {place: count - before[place] for place, count in now.items()}


def napi_threads():
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().startswith("napi/"):
                found.add(int(process.name))
        except OSError:
            pass  # it has ended meanwhile
    return found


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)


def wait_until_idle(seconds):
    """Until both cores were idle for half a second, or so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = idle_ticks()
        time.sleep(0.5)
        if all(now - then >= 45 for now, then in zip(idle_ticks(), before)):
            return


def idle_ticks():
    lines = pathlib.Path("/proc/stat").read_text().splitlines()
    cores = {f"cpu{SERVER_CORE}", f"cpu{LOAD_CORE}"}
    return [int(line.split()[4]) for line in lines if line.split()[0] in cores]
