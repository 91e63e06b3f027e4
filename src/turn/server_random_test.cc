// Random operations of a few clients against a model of what has been granted: nothing passes that
// the model does not allow, everything passes that it does, and in the end nothing is left.
#include <gtest/gtest.h>

#include <map>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;

// What one client has been granted, by the answers it got.
struct Granted {
    Instant until{};
    std::map<IpAddress, Instant> permissions;
    std::map<uint16_t, std::pair<TransportAddress, Instant>> channels;

    bool permits(const IpAddress& ip, Instant now) const {
        const auto found = permissions.find(ip);
        return now < until && found != permissions.end() && now < found->second;
    }
    std::optional<TransportAddress> peer_of(uint16_t channel, Instant now) const {
        const auto found = channels.find(channel);
        if (now >= until || found == channels.end() || now >= found->second.second) return {};
        return found->second.first;
    }
    std::optional<uint16_t> channel_of(const TransportAddress& p, Instant now) const {
        for (const auto& [channel, bound] : channels) {
            if (bound.first == p && now < bound.second) return channel;
        }
        return {};
    }
};

class RandomRun {
  public:
    explicit RandomRun(uint64_t seed) : random_(Random::from_number(seed)) {
        for (const char* from : {"5.6.7.8:1", "5.6.7.8:2", "5.6.7.9:1"}) {
            clients_.push_back({TestClient(world_, from), {}});
        }
    }

    void steps(unsigned count) {
        for (unsigned i = 0; i < count && !testing::Test::HasFailure(); ++i) step();
        world_.passes(2h);
        EXPECT_TRUE(world_.ports.live.empty());
        EXPECT_EQ(world_.server.stats().allocations_live, 0u);
        EXPECT_EQ(world_.server.next_deadline(), Instant::max());
    }

  private:
    struct Party {
        TestClient client;
        Granted granted;
    };

    void step() {
        Party& party = clients_[random_.below(clients_.size())];
        const TransportAddress peer{
            IpAddress::v4(0x09090900u + static_cast<uint32_t>(random_.below(4))),
            static_cast<uint16_t>(1 + random_.below(2))};
        const auto channel = static_cast<uint16_t>(0x4000 + random_.below(4));
        switch (random_.below(9)) {
            case 0:
                return waits();
            case 1:
                return allocates(party);
            case 2:
                return refreshes(party);
            case 3:
                return permits(party, peer.ip);
            case 4:
                return binds(party, channel, peer);
            case 5:
                return sends(party, peer);
            case 6:
                return sends_on(party, channel);
            default:
                return hears(party, peer);
        }
    }
    Instant now() const { return world_.now.steady; }

    void waits() {
        world_.passes(std::chrono::seconds(random_.below(200)));
        for (Party& party : clients_) party.client.nonce.clear();
    }
    void allocates(Party& party) {
        const bool had = now() < party.granted.until;
        const auto response = party.client.allocates();
        ASSERT_EQ(response.code(), had ? 437 : success);
        if (!had) party.granted = {now() + std::chrono::seconds(response.lifetime()), {}, {}};
    }
    void refreshes(Party& party) {
        const bool had = now() < party.granted.until;
        const auto lifetime = static_cast<uint32_t>(random_.below(3) * 700);
        const auto response = party.client.refreshes(lifetime);
        ASSERT_EQ(response.code(), had ? success : 437);
        if (had) party.granted.until = now() + std::chrono::seconds(response.lifetime());
    }
    void permits(Party& party, const IpAddress& ip) {
        const bool had = now() < party.granted.until;
        ASSERT_EQ(party.client.permits({{ip, 0}}).code(), had ? success : 437);
        if (had) party.granted.permissions[ip] = now() + 300s;
    }
    void binds(Party& party, uint16_t channel, const TransportAddress& peer) {
        const int code = party.client.binds(channel, peer).code();
        if (now() >= party.granted.until) {
            EXPECT_EQ(code, 437);
            return;
        }
        const bool free = party.granted.peer_of(channel, now()).value_or(peer) == peer &&
                          party.granted.channel_of(peer, now()).value_or(channel) == channel;
        ASSERT_EQ(code, free ? success : 400);
        if (!free) return;
        std::erase_if(party.granted.channels,
                      [&](const auto& c) { return c.second.first == peer; });
        party.granted.channels[channel] = {peer, now() + 600s};
        party.granted.permissions[peer.ip] = now() + 300s;
    }
    void sends(Party& party, const TransportAddress& peer) {
        const auto sent = party.client.sends(peer, "out");
        ASSERT_EQ(sent.size(), party.granted.permits(peer.ip, now()) ? 1u : 0u);
        if (!sent.empty()) expect_at_peer(party, sent[0], peer);
    }
    void sends_on(Party& party, uint16_t channel) {
        const auto sent = party.client.sends_on(channel, "out");
        const auto peer = party.granted.peer_of(channel, now());
        ASSERT_EQ(sent.size(), peer && party.granted.permits(peer->ip, now()) ? 1u : 0u);
        if (!sent.empty()) expect_at_peer(party, sent[0], *peer);
    }
    void expect_at_peer(const Party& party, const Sent& sent, const TransportAddress& peer) {
        EXPECT_EQ(sent.socket, party.client.relay.socket);
        EXPECT_EQ(sent.to, peer);
        EXPECT_EQ(sent.bytes, bytes_of("out"));
    }
    void hears(Party& party, const TransportAddress& peer) {
        const auto heard = party.client.hears(peer, "in");
        ASSERT_EQ(heard.size(), party.granted.permits(peer.ip, now()) ? 1u : 0u);
        if (heard.empty()) return;
        EXPECT_EQ(heard[0].to, party.client.address);
        const auto channel = party.granted.channel_of(peer, now());
        const auto data = ChannelData::parse(heard[0].bytes);
        ASSERT_EQ(data.has_value(), channel.has_value());
        if (data) {
            EXPECT_EQ(data->channel.to_wire(), *channel);
        }
        const auto message = Message::parse(heard[0].bytes);
        if (message) {
            EXPECT_EQ(message->xor_address(AttributeType::xor_peer_address), peer);
        }
    }

    Random random_;
    World world_;
    std::vector<Party> clients_;
};

TEST(RandomOperations, TI1_TI2_TI4_TI5_TI13_AgreeWithTheModel) {
    for (uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomRun(seed).steps(400);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace ahoy::turn
