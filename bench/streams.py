"""Relaying for clients on TCP and TLS: what a message costs the server, with coturn's own client,
turnutils_uclient, as the load and turnutils_peer as the peer that echoes."""

import contextlib
import os
import pathlib
import re
import subprocess

import lab
import servers

PEER_PORT = 3480
CLIENTS = 20
SIZE = 160
CASES = {"TCP": ["-t", "-p", "3478"], "TLS": ["-t", "-S", "-p", "5349"]}


def run(net, server, transport, messages):
    """`messages` of each client to the peer and back."""
    address = lab.LINKS["peer"][1]
    with echo(net, address):
        before = cpu_seconds(server.pid)
        done = net.run("client", lab.LOAD_CORE,
                       ["turnutils_uclient", "-c", *CASES[transport], "-W", servers.SECRET,
                        "-u", "load", "-e", address, "-r", str(PEER_PORT), "-m", str(CLIENTS),
                        "-n", str(messages), "-l", str(SIZE), "-z", "1", lab.SERVER],
                       capture_output=True, text=True, timeout=120)
        used = cpu_seconds(server.pid) - before
    sent, received = totals(done.stdout)
    return {"mode": "stream", "sent": sent, "received": received, "loss": 1 - received / sent,
            "process_us_per_message": used * 1e6 / (sent + received)}


@contextlib.contextmanager
def echo(net, address):
    peer = subprocess.Popen(net.command("peer", lab.LOAD_CORE, ["turnutils_peer", "-L", address,
                                                               "-p", str(PEER_PORT)]),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        lab.wait_until(lambda: str(PEER_PORT) in net.run(
            "peer", lab.LOAD_CORE, ["ss", "-Hlun"], capture_output=True, text=True).stdout,
            10, "the start of turnutils_peer")
        yield
    finally:
        peer.terminate()
        peer.wait()


def totals(output):
    """Of turnutils_uclient's last line that has them."""
    found = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)
    if not found:
        raise RuntimeError(f"turnutils_uclient did not get through: {output[-300:]}")
    return tuple(map(int, found[-1]))


def cpu_seconds(process):
    import os
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
