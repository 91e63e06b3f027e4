"""Two of aiortc's WebRTC clients in one room, each over AppRTC's signaling or over Ahoy's own.

One sends messages over a data channel, the other sends each back. Prints how many came back.
"""

import asyncio
import json
import os
import sys
import urllib.request

import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription

URL = os.environ["AHOY_URL"]
MESSAGES = int(os.environ["AHOY_MESSAGES"])
ROOM = os.environ["AHOY_ROOM"]


def post(path, body=b""):
    request = urllib.request.Request(URL + path, data=body, method="POST")
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


class Client:
    """What both kinds of signaling have in common: offer, answer, and what is said over the channel."""

    def __init__(self):
        self.pc = RTCPeerConnection()
        self.returned = asyncio.get_running_loop().create_future()
        self.pc.on("datachannel", self.echo)

    def echo(self, channel):
        channel.on("message", channel.send)

    async def offer(self):
        channel = self.pc.createDataChannel("chat")
        seen = []

        @channel.on("open")
        def begin():
            for n in range(MESSAGES):
                channel.send(str(n))

        @channel.on("message")
        def back(text):
            seen.append(text)
            if len(seen) == MESSAGES:
                self.returned.set_result(seen == [str(n) for n in range(MESSAGES)])

        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.description()

    def description(self):
        return json.dumps({"sdp": self.pc.localDescription.sdp, "type": self.pc.localDescription.type})

    async def understand(self, text):
        """The answer, if there is one to give."""
        message = json.loads(text)
        if message["type"] not in ("offer", "answer"):
            return None
        await self.pc.setRemoteDescription(RTCSessionDescription(**message))
        if message["type"] == "answer":
            return None
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.description()


class AppRtc(Client):
    async def run(self, ready):
        loop = asyncio.get_running_loop()
        params = (await loop.run_in_executor(None, post, f"/join/{ROOM}"))["params"]
        client = params["client_id"]
        async with websockets.connect(params["wss_url"], origin=URL) as socket:
            await socket.send(json.dumps({"cmd": "register", "roomid": ROOM, "clientid": client}))
            ready.set()
            if params["is_initiator"] == "true":
                body = (await self.offer()).encode()
                await loop.run_in_executor(None, post, f"/message/{ROOM}/{client}", body)
            for text in params["messages"]:
                await self.reply(socket, text)
            async for frame in socket:
                await self.reply(socket, json.loads(frame)["msg"])

    async def reply(self, socket, text):
        answer = await self.understand(text)
        if answer:
            await socket.send(json.dumps({"cmd": "send", "msg": answer}))


class Native(Client):
    async def run(self, ready):
        async with websockets.connect(URL.replace("http", "ws") + "/v1/ws") as socket:
            self.socket, self.asked = socket, 0
            await socket.send(json.dumps({"type": "hello", "version": 1, "room": ROOM}))
            async for frame in socket:
                event = json.loads(frame)
                ready.set()
                if event["type"] == "welcome":
                    for other in event["participants"]:
                        await self.meet(other)
                elif event["type"] == "joined":
                    await self.meet(event["participant"])
                elif event["type"] == "signal":
                    answer = await self.understand(event["data"])
                    if answer:
                        await self.signal(event["from"], answer)

    async def meet(self, other):
        if other["offer"]:
            await self.signal(other["id"], await self.offer())

    async def signal(self, to, data):
        self.asked += 1
        await self.socket.send(json.dumps({"type": "signal", "id": self.asked, "to": to, "data": data}))


async def main():
    clients, running = [], []
    for kind in sys.argv[1:]:
        clients.append({"apprtc": AppRtc, "native": Native}[kind]())
        ready = asyncio.Event()
        running.append(asyncio.ensure_future(clients[-1].run(ready)))
        await asyncio.wait([asyncio.ensure_future(ready.wait()), running[-1]],
                           return_when=asyncio.FIRST_COMPLETED)
    first = await asyncio.wait([c.returned for c in clients] + running, return_when=asyncio.FIRST_COMPLETED)
    whole = [future.result() for future in first[0]]
    for task in running:
        task.cancel()
    for client in clients:
        await client.pc.close()
    print(json.dumps({"returned": MESSAGES if whole == [True] else 0}))


asyncio.run(main())
