"""What bench/run does with each server, case by case."""

import json
import sys
import time

import lab
import report
import servers
import streams

# What is under way at once each way is less than the rings between the interfaces (256 datagrams)
# and the sockets of either server (208 KiB) hold, so that no case measures the size of a buffer.
WINDOW = 80
CASES = [
    {"name": "single 160 B, 10 clients", "size": 160, "clients": 10, "burst": 1},
    {"name": "single 160 B, 500 clients", "size": 160, "clients": 500, "burst": 1},
    {"name": "single 1100 B, 10 clients", "size": 1100, "clients": 10, "burst": 1},
    {"name": "single 1100 B, 500 clients", "size": 1100, "clients": 500, "burst": 1},
    {"name": "burst 4 × 1100 B, 10 clients", "size": 1100, "clients": 10, "burst": 4},
    {"name": "burst 16 × 1100 B, 10 clients", "size": 1100, "clients": 10, "burst": 16},
]
CAPACITY = CASES[1]  # the case whose throughput the runs at a rate are derived from
NEARLY_FULL = "90 % of its own capacity"


def foreign(result):
    """The share of the server's core that other programs of this machine took."""
    server = result.get("server")
    if not server:
        return 0
    busy = server["core_us_per_packet"]
    ours = server["process_us_per_packet"] + server["kernel_threads_us_per_packet"]
    return server["core_busy"] * max(0, 1 - ours / busy) if busy else 0


class Bench:
    def __init__(self, args, net):
        self.args = args
        self.net = net
        self.patience = args.patience
        self.runs = []

    def load(self, server, name, **options):
        """The least disturbed of some runs of relay_load; as a rule of one."""
        best = self.load_once(server, name, **options)
        while best["foreign"] > 0.1 and self.patience > 0:
            begin = time.monotonic()
            lab.wait_until_idle(self.patience)
            again = self.load_once(server, name, **options)
            best = min(best, again, key=lambda result: result["foreign"])
            self.patience -= time.monotonic() - begin
        self.runs.append(best)
        print(f"  {server.name:<10} {name:<32} {report.one_line(best)}", flush=True)
        return best

    def load_once(self, server, name, **options):
        command = [str(self.args.binaries.resolve() / "relay_load"), "--json",
                   "--server", f"{lab.SERVER}:3478", "--secret", servers.SECRET,
                   "--peer-netns", self.net.path("peer"),
                   "--server-core", str(lab.SERVER_CORE),
                   "--kernel-threads", *map(str, self.net.server_threads)]
        if server.pid is None:
            options["mode"] = "direct"
        else:
            options["server-pid"] = server.pid
        for key, value in options.items():
            command += [f"--{key}", str(value)]
        drops = self.net.drops()
        done = self.net.run("client", lab.LOAD_CORE, command, capture_output=True, text=True,
                            timeout=120)
        if done.returncode != 0:
            sys.exit(f"bench/run: {server.name}: {name}: {done.stderr.strip()}")
        result = json.loads(done.stdout)
        result.update(program=server.name, case=name, foreign=foreign(result),
                      remark=done.stderr.strip(),
                      dropped=lab.difference(self.net.drops(), drops))
        return result

    def cases(self, server):
        results = {}
        for case in CASES:
            options = {key: value for key, value in case.items() if key != "name"}
            results[case["name"]] = self.load(server, case["name"], window=WINDOW,
                                              seconds=self.args.seconds, **options)
        return results

    def round(self, order):
        capacity = {}
        for kind in order:
            with servers.start(kind, self.net, self.args.binaries) as server:
                results = self.cases(server)
                capacity[kind] = results[CAPACITY["name"]]["packets_per_second"]
                self.load(server, "allocate, 64 clients at once", mode="allocate", clients=64,
                          seconds=self.args.seconds)
        # Fresh ones: for the memory, and because a server may have work left from what has ended.
        for kind in order:
            with servers.start(kind, self.net, self.args.binaries) as server:
                self.load(server, "idle, 5000 allocations", mode="idle", clients=5000)
        self.rates(order, capacity)
        for kind in order:
            with servers.start(kind, self.net, self.args.binaries) as server:
                self.load(server, "junk of 160 B, 50,000 a second", mode="junk", clients=64,
                          seconds=self.args.seconds)
                for transport in streams.CASES:
                    self.stream(server, transport)

    def rates(self, order, capacity):
        """At fractions of what came through in the last case without a rate."""
        for kind in order:
            with servers.start(kind, self.net, self.args.binaries) as server:
                for name, rate in [("1,000 a second", 1000),
                                   ("10 % of coturn's capacity", capacity["coturn"] / 10),
                                   ("50 % of coturn's capacity", capacity["coturn"] / 2),
                                   (NEARLY_FULL, capacity[kind] * 0.9)]:
                    self.at_rate(server, name, rate)

    def at_rate(self, server, name, rate):
        self.load(server, name, rate=round(rate), size=CAPACITY["size"],
                  clients=CAPACITY["clients"], seconds=self.args.seconds)

    def stream(self, server, transport):
        result = streams.run(self.net, server, transport, round(1000 * self.args.seconds))
        result.update(program=server.name, case=f"{transport}, {streams.CLIENTS} clients")
        self.runs.append(result)
        print(f"  {server.name:<10} {result['case']:<32} {report.one_line(result)}", flush=True)

    def ceiling(self):
        for kind in ("bare", "io_uring"):
            with servers.start(kind, self.net, self.args.binaries) as server:
                results = self.cases(server)
                capacity = results[CAPACITY["name"]]["packets_per_second"]
                self.at_rate(server, NEARLY_FULL, capacity * 0.9)

    def kernel_path(self, order):
        capacity = {}
        for kind in order:
            with servers.start(kind, self.net, self.args.binaries) as server:
                results = self.cases(server)
                capacity[kind] = results[CAPACITY["name"]]["packets_per_second"]
        with servers.forwarding(self.net) as router:
            self.cases(router)
        self.rates(order, capacity)

    def all_rounds(self):
        for number in range(self.args.rounds):
            print(f"round {number + 1} of {self.args.rounds}", flush=True)
            forwards = number % 2 == 0
            if self.args.kernel_path:
                order = ["ahoy", "kernel"] + ["xdp"] * self.args.xdp + ["coturn"]
                self.kernel_path(order if forwards else order[::-1])
                continue
            self.round(["ahoy", "coturn"] if forwards else ["coturn", "ahoy"])
            if self.args.ceiling:
                self.ceiling()
