"""The servers that are compared, with equal settings: one thread that relays, the same REST secret,
the same addresses and certificate, nothing written to a log that anyone keeps."""

import contextlib
import dataclasses
import json
import pathlib
import re
import subprocess
import tempfile

import lab

SECRET = "0123456789abcdef0123456789abcdef"


@dataclasses.dataclass
class Server:
    name: str
    pid: int | None


def ahoy(binaries, folder, fastpath="off"):
    settings = {
        "turn.fastpath": fastpath,
        "tls.certificate": f"{folder}/certificate.pem",
        "tls.key": f"{folder}/key.pem",
        "server.threads": "1",
        "http.listen": '["127.0.0.1:8080"]',
        "turn.listen": f'["{lab.SERVER}:3478"]',
        "turn.tls_listen": f'["{lab.SERVER}:5349"]',
        "turn.relay_addresses": f'["{lab.RELAY}"]',
        "turn.secret": SECRET,
        # All clients of a load have one address.
        "turn.address_quota": "0",
        "turn.stun_rate": "0",
        "turn.peers.allow": f'["{lab.PEERS}"]',
    }
    command = [str(binaries.resolve() / "ahoy"), "serve"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    return command


def ahoy_kernel(binaries, folder):
    """With bound channels in the kernel."""
    return ahoy(binaries, folder, fastpath="on")


def coturn(_binaries, folder):
    return ["turnserver", "-c", "/dev/null", "--relay-threads=1", "--no-cli", "--no-dtls",
            "--no-tcp-relay", "--no-multicast-peers", "--no-software-attribute",
            f"--cert={folder}/certificate.pem", f"--pkey={folder}/key.pem",
            f"--listening-ip={lab.SERVER}", f"--relay-ip={lab.RELAY}", "--listening-port=3478",
            "--realm=ahoy", "--use-auth-secret", f"--static-auth-secret={SECRET}",
            f"--userdb={folder}/turndb", f"--pidfile={folder}/pid", "--log-file=/dev/null",
            "--simple-log", "--no-stdout-log"]


def bare(engine):
    """Not a server but the least that relaying with sockets can cost: bench/bare_forwarder.cc."""
    def command(binaries, _folder):
        return [str(binaries.resolve() / "bare_forwarder"), "--engine", engine,
                "--listen", f"{lab.SERVER}:3478", "--relay", lab.RELAY, "--secret", SECRET]
    return command


KINDS = {"ahoy": ahoy, "kernel": ahoy_kernel, "xdp": ahoy_kernel, "coturn": coturn,
         "bare": bare("mmsg"), "io_uring": bare("uring")}


@contextlib.contextmanager
def xdp(net, binaries, server):
    """bench/relay_xdp.bpf.c in front of the running server's program, with its maps."""
    def run(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def inside(name, *command):
        return run("ip", "netns", "exec", net.prefix + name, *command)

    def link(name, interface):
        return json.loads(inside(name, "ip", "-j", "link", "show", "dev", interface))[0]

    maps = []
    for each in pathlib.Path(f"/proc/{server.pid}/fdinfo").iterdir():
        if found := re.search(r"^map_id:\s+(\d+)", each.read_text(), re.MULTILINE):
            name = json.loads(run("bpftool", "-j", "map", "show", "id", found.group(1)))["name"]
            if name in ("paths", "traffic", "owner"):
                maps += ["map", "name", name, "id", found.group(1)]
    pins = pathlib.Path("/sys/fs/bpf") / f"{net.prefix}xdp"
    run("bpftool", "prog", "loadall", str(binaries / "bench/relay_xdp.o"), str(pins), *maps)
    pin = str(pins / "ahoy_relay_xdp")
    program = json.loads(run("bpftool", "-j", "prog", "show", "pinned", pin))
    for each in program["map_ids"]:
        if json.loads(run("bpftool", "-j", "map", "show", "id", str(each)))["name"] == "neighbours":
            neighbours = str(each)
    try:
        for interface in lab.LINKS:
            here, there = link("server", interface), link(interface, "server")
            frame = bytes.fromhex((there["address"] + here["address"]).replace(":", "")) + b"\x08\0"
            run("bpftool", "map", "update", "id", neighbours,
                "key", *map(str, here["ifindex"].to_bytes(4, "little")), "value", *map(str, frame))
            inside("server", "bpftool", "net", "attach", "xdpdrv", "id", str(program["id"]),
                   "dev", interface)
        yield
    finally:
        for interface in lab.LINKS:
            inside("server", "ip", "link", "set", "dev", interface, "xdpdrv", "off")
        for pin in pins.iterdir():
            pin.unlink()
        pins.rmdir()


@contextlib.contextmanager
def start(kind, net, binaries):
    with tempfile.TemporaryDirectory(prefix="ahoy-bench-") as folder:
        make_certificate(folder)
        command = net.command("server", lab.SERVER_CORE, KINDS[kind](binaries, folder))
        # What io_uring holds is let go of a moment after its process has ended.
        lab.wait_until(lambda: not listening(net), 20, "the end of the last server")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=folder)
        try:
            lab.wait_until(lambda: listening(net) or process.poll() is not None, 20,
                           f"the start of {kind}")
            if process.poll() is not None:
                raise RuntimeError(f"{kind} does not start: {' '.join(command)}")
            with xdp(net, binaries, process) if kind == "xdp" else contextlib.nullcontext():
                yield Server(kind, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=bench",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
                   check=True, capture_output=True)


@contextlib.contextmanager
def forwarding(net):
    """No server: the machine between client and peer is their router."""
    def switch(value):
        net.run("server", lab.SERVER_CORE, ["sysctl", "-qw", f"net.ipv4.ip_forward={value}"],
                check=True)

    switch(1)
    try:
        yield Server("forwarding", None)
    finally:
        switch(0)


def listening(net):
    shown = net.run("server", lab.SERVER_CORE, ["ss", "-Hlun", "sport = 3478"],
                    capture_output=True, text=True)
    return lab.SERVER in shown.stdout
