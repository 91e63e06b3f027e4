"""The servers that are compared, with equal settings: one thread that relays, the same REST secret,
the same addresses, nothing written to a log that anyone keeps."""

import contextlib
import dataclasses
import subprocess
import tempfile

import lab

SECRET = "0123456789abcdef0123456789abcdef"


@dataclasses.dataclass
class Server:
    name: str
    pid: int


def ahoy(binaries, _folder, fastpath="off"):
    settings = {
        "turn.fastpath": fastpath,
        "server.threads": "1",
        "http.listen": '["127.0.0.1:8080"]',
        "turn.listen": f'["{lab.SERVER}:3478"]',
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
    return ["turnserver", "-c", "/dev/null", "--relay-threads=1", "--no-cli", "--no-tls",
            "--no-dtls", "--no-tcp", "--no-tcp-relay", "--no-multicast-peers",
            "--no-software-attribute",
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


KINDS = {"ahoy": ahoy, "kernel": ahoy_kernel, "coturn": coturn, "bare": bare("mmsg"),
         "io_uring": bare("uring")}


@contextlib.contextmanager
def start(kind, net, binaries):
    with tempfile.TemporaryDirectory(prefix="ahoy-bench-") as folder:
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
            yield Server(kind, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def listening(net):
    shown = net.run("server", lab.SERVER_CORE, ["ss", "-Hlun", "sport = 3478"],
                    capture_output=True, text=True)
    return lab.SERVER in shown.stdout
