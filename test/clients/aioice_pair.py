"""Two of aioice's ICE agents that may use nothing but relays: one sends, the other sends back."""

import asyncio
import json
import os

import aioice

transport = os.environ["TURN_TRANSPORT"]
count = int(os.environ["TURN_MESSAGES"])


def agent(controlling):
    return aioice.Connection(
        ice_controlling=controlling,
        turn_server=(os.environ["TURN_HOST"], int(os.environ["TURN_PORT"])),
        turn_username=os.environ["TURN_USER"],
        turn_password=os.environ["TURN_PASSWORD"],
        turn_transport="tcp" if transport == "tls" else transport,
        turn_ssl=transport == "tls",
        transport_policy=aioice.TransportPolicy.RELAY)


async def describe(one, other):
    await one.gather_candidates()
    for candidate in one.local_candidates:
        await other.add_remote_candidate(candidate)
    await other.add_remote_candidate(None)
    other.remote_username, other.remote_password = one.local_username, one.local_password


async def send_back(agent):
    for _ in range(count):
        await agent.send(await agent.recv())


async def main():
    near, far = agent(True), agent(False)
    await describe(near, far)
    await describe(far, near)
    await asyncio.gather(near.connect(), far.connect())
    echo = asyncio.ensure_future(send_back(far))
    returned = 0
    for _ in range(count):
        await near.send(bytes(1000))
        returned += len(await near.recv()) == 1000
    await echo
    kinds = {candidate.type for one in (near, far) for candidate in one.local_candidates}
    await asyncio.gather(near.close(), far.close())
    print(json.dumps({"returned": returned, "candidates": sorted(kinds)}))


asyncio.run(asyncio.wait_for(main(), 50))
