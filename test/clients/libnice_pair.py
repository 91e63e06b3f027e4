"""Two of libnice's ICE agents that may use nothing but relays, on GStreamer's elements: one sends, the
other sends back."""

import json
import os
import sys

import gi
gi.require_version("Gst", "1.0")
gi.require_version("Nice", "0.1")
from gi.repository import GLib, Gst, Nice  # noqa: E402

TRANSPORTS = {"udp": Nice.RelayType.UDP, "tcp": Nice.RelayType.TCP}
COMPONENT = 1

count = int(os.environ["TURN_MESSAGES"])
loop = GLib.MainLoop()


class End:
    """An agent with one stream; what arrives goes to `heard`."""

    def __init__(self, controlling, heard):
        self.agent = Nice.Agent.new(loop.get_context(), Nice.Compatibility.RFC5245)
        self.agent.props.controlling_mode = controlling
        self.agent.props.force_relay = True
        self.agent.props.upnp = False
        here = Nice.Address.new()
        here.set_from_string(os.environ["TURN_HOST"])
        self.agent.add_local_address(here)
        self.stream = self.agent.add_stream(1)
        self.agent.set_relay_info(
            self.stream, COMPONENT, os.environ["TURN_HOST"], int(os.environ["TURN_PORT"]),
            os.environ["TURN_USER"], os.environ["TURN_PASSWORD"],
            TRANSPORTS[os.environ["TURN_TRANSPORT"]])
        self.pipeline = Gst.Pipeline.new(None)
        source, sink = Gst.ElementFactory.make("nicesrc"), Gst.ElementFactory.make("fakesink")
        for name, value in (("agent", self.agent), ("stream", self.stream), ("component", COMPONENT)):
            source.set_property(name, value)
        sink.set_property("signal-handoffs", True)
        sink.set_property("sync", False)
        sink.connect("handoff", lambda _sink, buffer, _pad: heard(
            buffer.extract_dup(0, buffer.get_size()).decode()))
        for element in (source, sink):
            self.pipeline.add(element)
        source.link(sink)
        self.pipeline.set_state(Gst.State.PLAYING)

    def meet(self, other):
        good, name, password = other.agent.get_local_credentials(other.stream)
        self.agent.set_remote_credentials(self.stream, name, password)
        self.agent.set_remote_candidates(
            self.stream, COMPONENT, other.agent.get_local_candidates(other.stream, COMPONENT))

    def send(self, message):
        self.agent.send(self.stream, COMPONENT, len(message), message)


class Pair:
    def __init__(self):
        self.returned = 0
        self.waiting_for = {"gathered": 2, "ready": 2}
        self.near = End(True, lambda message: GLib.idle_add(self.came_back, message))
        self.far = End(False, lambda message: GLib.idle_add(self.far.send, message))
        for end in (self.near, self.far):
            end.agent.connect("candidate-gathering-done", lambda *_: self.one_more("gathered"))
            end.agent.connect("component-state-changed", self.state_changed)
            end.agent.gather_candidates(end.stream)

    def state_changed(self, _agent, _stream, _component, state):
        if state == Nice.ComponentState.READY:
            self.one_more("ready")
        if state == Nice.ComponentState.FAILED:
            sys.exit("ICE failed")

    def one_more(self, what):
        self.waiting_for[what] -= 1
        if self.waiting_for[what] != 0:
            return
        if what == "gathered":
            self.near.meet(self.far)
            self.far.meet(self.near)
        else:
            self.near.send("a" * 1000)

    def came_back(self, message):
        self.returned += len(message) == 1000
        if self.returned == count:
            loop.quit()
        else:
            self.near.send("a" * 1000)


Gst.init(None)
pair = Pair()
GLib.timeout_add_seconds(50, loop.quit)
loop.run()
kinds = {candidate.type.value_nick for end in (pair.near, pair.far)
         for candidate in end.agent.get_local_candidates(end.stream, COMPONENT)}
print(json.dumps({"returned": pair.returned, "candidates": sorted(kinds)}))
