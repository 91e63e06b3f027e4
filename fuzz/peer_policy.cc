// The peer policy against a second one on 128-bit numbers, with lists, listeners and own addresses
// that the input chooses, on addresses at the edges of what the rules name.
#include "turn/peer_policy.h"

#include <set>

#include "fuzz/input.h"
#include "fuzz/policy_reference.h"
#include "turn/one_shard_ports.h"

namespace ahoy::fuzz {
namespace {

IpAddress address_of(Wide number) {
    std::array<uint8_t, 16> bytes;
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, number >>= 8) {
        *byte = static_cast<uint8_t>(number);
    }
    return IpAddress::v6(bytes);
}

struct World : turn::OneShardPorts {
    bool supports(AddressFamily) const override { return true; }
    std::optional<turn::OpenedPorts> open(AddressFamily, turn::Parity, const IpAddress&) override {
        return {};
    }
    void close(const turn::RelayPort&) override {}
    bool is_own(const IpAddress& ip) const override { return own.contains(ip); }
    bool is_live(const TransportAddress& address) const override { return live.contains(address); }

    std::set<IpAddress> own;
    std::set<TransportAddress> live;
    PolicyReference reference;
};

// An address of any kind, or one bit off the edge of a block.
Wide any_address(Input& input, const World& world) {
    const auto near = [&](const Blocks& blocks) -> Wide {
        if (blocks.empty()) return four(9, 9, 9, 9);
        const Block& block = input.one_of(blocks);
        const Wide inside = block.bits == 128 ? 0 : input.number(8) & (~Wide{0} >> block.bits);
        const size_t bit = input.choose(256);
        return (block.base | inside) ^ (bit < 128 ? Wide{1} << bit : 0);
    };
    switch (input.choose(8)) {
        case 0:
            return wide(input.number(8), input.number(8));
        case 1:
            return four(0) | input.number(4);
        case 2:
            return near(never);
        case 3:
            return near(special);
        case 4:
            return near(transition);
        case 5:
            return near(world.reference.allow);
        case 6:
            return near(world.reference.deny);
        default:  // 6to4 of a special address
            return six(0x2002) | (near(special) & 0xffffffff) << 80;
    }
}

uint16_t any_port(Input& input) {
    static constexpr uint16_t ports[] = {0, 80, 3478, 50000, 65535};
    return input.one_of(ports);
}

void choose_world(Input& input, World& world, turn::PeerLists& lists) {
    for (size_t i = input.choose(6); i > 0; --i) {
        const bool allows = input.flag();
        Wide base = any_address(input, world);
        const int front = is_v4(base) ? 96 : 0;
        const int length = static_cast<int>(input.choose(static_cast<size_t>(129 - front)));
        base &= length == 0 && front == 0 ? 0 : ~Wide{0} << (128 - front - length);
        const auto text = address_of(base).to_string() + '/' + std::to_string(length);
        const auto prefix = Prefix::parse(text);
        CHECK(prefix);
        (allows ? lists.allow : lists.deny).push_back(*prefix);
        (allows ? world.reference.allow : world.reference.deny).push_back({base, front + length});
    }
    for (size_t i = input.choose(4); i > 0; --i) {
        const IpAddress own = address_of(any_address(input, world));
        world.own.insert(own);
        if (input.flag()) world.live.insert({own, any_port(input)});
        const IpAddress anywhere = input.flag() ? IpAddress{} : IpAddress::v4(0);
        world.reference.listening.push_back({input.flag() ? own : anywhere, any_port(input)});
    }
}

}  // namespace

void run(Input input) {
    World world;
    turn::PeerLists lists;
    choose_world(input, world, lists);
    const turn::PeerPolicy policy(lists, world.reference.listening);
    while (!input.empty()) {
        IpAddress ip = address_of(any_address(input, world));
        if (!world.own.empty() && input.flag()) {
            ip = *std::next(world.own.begin(),
                            static_cast<ptrdiff_t>(input.choose(world.own.size())));
        }
        const TransportAddress peer{ip, any_port(input)};
        const bool allowed =
            world.reference.allows(peer, world.is_own(peer.ip), world.is_live(peer));
        const auto verdict = policy.check(peer, world);
        CHECK(verdict.allowed() == allowed);
        CHECK(!label(verdict.reason).empty());
        // As a permission: never narrower than its datagrams, and never wider without asking.
        const auto permission = policy.check(peer.ip, world);
        if (allowed) CHECK(permission.allowed());
        if (permission.allowed() && !permission.per_datagram && peer.port != 0) CHECK(allowed);
    }
}

}  // namespace ahoy::fuzz
