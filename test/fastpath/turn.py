"""A TURN client over UDP that does what it is told and nothing more (RFC 8656)."""

import hashlib
import hmac
import os
import socket
import struct

from lab import ADDRESSES, PASSWORD, USER

COOKIE = 0x2112A442
ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND = 0x003, 0x004, 0x008, 0x009
USERNAME, INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0C, 0x0D
XOR_PEER_ADDRESS, REALM, NONCE, XOR_RELAYED_ADDRESS = 0x12, 0x14, 0x15, 0x16
REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT = 0x17, 0x19
KEY = hashlib.md5(f"{USER}:ahoy:{PASSWORD}".encode()).digest()


def attribute(number, value):
    return struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)


def xor(address, transaction):
    """The bytes of an IP address, changed as in XOR-… attributes."""
    return bytes(a ^ b for a, b in zip(address, struct.pack("!I", COOKIE) + transaction))


def pack(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address)


def unpack(packed):
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def channel_data(number, payload):
    return struct.pack("!HH", number, len(payload)) + payload


def about(peer, transaction, channel=None):
    packed = pack(peer[0])
    value = struct.pack("!BBH", 0, 1 if len(packed) == 4 else 2, peer[1] ^ COOKIE >> 16)
    found = attribute(XOR_PEER_ADDRESS, value + xor(packed, transaction))
    if channel is not None:
        found += attribute(CHANNEL_NUMBER, struct.pack("!HH", channel, 0))
    return found


def lifetime(seconds):
    return attribute(LIFETIME, struct.pack("!I", seconds))


class Refused(Exception):
    pass


class Client:
    def __init__(self, lab, version=4):
        self.version = version
        self.socket = lab.socket("client", version)
        self.server = (ADDRESSES[version][1], 3478)
        self.nonce = None

    def close(self):
        self.socket.close()

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def ask(self, method, attributes=b"", transaction=None):
        """The answer's attributes, by number."""
        transaction = self.send_request(method, attributes, transaction)
        while True:
            answer = self.socket.recv(65536)
            if answer[8:20] == transaction and answer[0] < 0x40:
                break
        found, rest = {}, answer[20:]
        while rest:
            number, length = struct.unpack("!HH", rest[:4])
            found.setdefault(number, rest[4:4 + length])
            rest = rest[4 + length + -length % 4:]
        if struct.unpack("!H", answer[:2])[0] & 0x0110 == 0x0110:
            code = found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3]
            if code == 401 and self.nonce is None:
                self.nonce = found[NONCE]
            else:
                raise Refused(code)
        found["transaction"] = transaction
        return found

    def send_request(self, method, attributes=b"", transaction=None):
        transaction = transaction or os.urandom(12)
        signs = self.nonce is not None
        if signs:
            attributes += (attribute(USERNAME, USER.encode()) + attribute(REALM, b"ahoy") +
                           attribute(NONCE, self.nonce))
        size = len(attributes) + (24 if signs else 0)
        message = struct.pack("!HHI", method, size, COOKIE) + transaction + attributes
        if signs:
            message += attribute(INTEGRITY, hmac.digest(KEY, message, "sha1"))
        self.socket.sendto(message, self.server)
        return transaction

    def expect_success(self):
        """Of the one request that is under way, with an answer that nobody reads."""
        answer = self.socket.recv(65536)
        if answer[1] & 0x10:
            raise Refused(answer.hex())

    def allocate(self):
        wants = self.wants()
        if self.nonce is None:
            self.ask(ALLOCATE, wants)
        answer = self.ask(ALLOCATE, wants)
        value = answer[XOR_RELAYED_ADDRESS]
        port = struct.unpack("!H", value[2:4])[0] ^ COOKIE >> 16
        self.relayed = (unpack(xor(value[4:], answer["transaction"])), port)
        return self

    def wants(self):
        family = 1 if self.version == 4 else 2
        return (attribute(REQUESTED_TRANSPORT, bytes([17, 0, 0, 0])) +
                attribute(REQUESTED_ADDRESS_FAMILY, bytes([family, 0, 0, 0])))

    def bind(self, number, peer):
        transaction = os.urandom(12)
        self.ask(CHANNEL_BIND, about(peer, transaction, number), transaction)

    def permit(self, peer):
        transaction = os.urandom(12)
        self.ask(CREATE_PERMISSION, about(peer, transaction), transaction)

    def refresh(self, seconds):
        self.ask(REFRESH, lifetime(seconds))

    def send(self, number, payload):
        self.socket.sendto(channel_data(number, payload), self.server)

    def receive(self):
        return self.socket.recv(65536)
