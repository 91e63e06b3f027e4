#include "turn/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using Kind = ClientEvent::Kind;
using State = Client::State;
using testing::ElementsAre;

ClientConfig config(std::string password = "wonder") {
    return {.socket = SocketId{77}, .server = listener, .username = "alice", .password = password};
}

// A client and a server, and between them nothing but a filter.
class ClientTest : public testing::Test {
  protected:
    // Carries what is in the client's outbox to the server, and the answers back, until all is
    // quiet.
    void settles() {
        while (!out.pending().empty()) {
            std::vector<Payload> requests;
            for (const Transmit& t : out.pending()) {
                Payload bytes(t.prefix.begin(), t.prefix.begin() + t.prefix_size);
                bytes.insert(bytes.end(), t.bytes.begin(), t.bytes.end());
                requests.push_back(std::move(bytes));
                EXPECT_EQ(t.socket, SocketId{77});
                EXPECT_EQ(t.to, listener);
            }
            out.clear();
            sent += requests.size();
            if (lost) continue;
            for (const Payload& request : requests) {
                for (const Sent& s : world.from_client(address, request)) {
                    if (s.to == address) {
                        if (!deaf) gives(s.bytes);
                    } else {
                        relayed.push_back(s);
                    }
                }
            }
        }
    }
    std::optional<Client::Received> gives(const Payload& bytes) {
        return client.from_server(
            world.now, {.socket = SocketId{77}, .from = listener, .local = address, .bytes = bytes},
            out);
    }
    void passes(Duration time) {
        const Instant end = world.now.steady + time;
        while (world.now.steady < end) {
            const Instant next = std::min(end, client.next_deadline());
            world.passes(std::max<Duration>(next - world.now.steady, 0ns));
            client.expire(world.now, out);
            settles();
        }
    }
    void allocates() {
        client.allocate(world.now, out);
        settles();
        ASSERT_EQ(client.state(), State::allocated);
        relay = {world.ports.live.at(*client.relayed()), *client.relayed()};
    }
    std::vector<Kind> kinds() {
        std::vector<Kind> kinds;
        for (const ClientEvent& event : client.take_events()) kinds.push_back(event.kind);
        return kinds;
    }

    World world;
    Outbox out;
    Client client{config(), Random::from_number(3)};
    const TransportAddress address = at("5.6.7.8:1234");
    RelayPort relay;
    std::vector<Sent> relayed;
    size_t sent = 0;
    bool lost = false;
    bool deaf = false;  // what is lost is the answers
};

TEST_F(ClientTest, LearnsItsMappedAddress) {
    client.request_binding(world.now, out);
    settles();
    EXPECT_EQ(client.mapped(), address);
    EXPECT_THAT(kinds(), ElementsAre(Kind::mapped));
}

TEST_F(ClientTest, AllocatesThroughAChallenge) {
    allocates();
    EXPECT_EQ(sent, 2u);
    EXPECT_EQ(client.relayed(), at("192.0.2.15:50001"));
    EXPECT_EQ(client.mapped(), address);
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated));
    EXPECT_EQ(client.next_deadline(), world.now.steady + 9min);
}

TEST_F(ClientTest, GivesUpOnAWrongPassword) {
    client = Client(config("wander"), Random::from_number(3));
    client.allocate(world.now, out);
    settles();
    EXPECT_EQ(sent, 2u);
    const auto events = client.take_events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].kind, Kind::refused);
    EXPECT_EQ(events[0].error, stun::ErrorCode::unauthenticated);
    EXPECT_EQ(events[1].kind, Kind::ended);
    EXPECT_EQ(client.state(), State::closed);
    EXPECT_EQ(client.next_deadline(), Instant::max());
}

TEST_F(ClientTest, SaysWhyItWasRefused) {
    world.ports.capacity = 0;
    client.allocate(world.now, out);
    settles();
    EXPECT_EQ(client.take_events().at(0).error, stun::ErrorCode::insufficient_capacity);
}

TEST_F(ClientTest, RetransmitsAsTheRfcSays) {
    lost = true;
    client.allocate(world.now, out);
    settles();
    const Instant start = world.now.steady;
    std::vector<long> at_ms;
    while (client.next_deadline() != Instant::max()) {
        const Instant next = client.next_deadline();
        at_ms.push_back(
            std::chrono::duration_cast<std::chrono::milliseconds>(next - start).count());
        passes(next - world.now.steady);
    }
    EXPECT_THAT(at_ms, ElementsAre(500, 1500, 3500, 7500, 15500, 31500, 39500));
    EXPECT_EQ(sent, 7u);
    EXPECT_THAT(kinds(), ElementsAre(Kind::timed_out, Kind::ended));
}

TEST_F(ClientTest, DoesWithoutATicketWhereThereIsNone) {
    auto mobile = config();
    mobile.mobile = true;
    client = Client(mobile, Random::from_number(3));
    allocates();
    EXPECT_EQ(sent, 3u);
    client.move(world.now, out);
    EXPECT_TRUE(out.pending().empty());
}

TEST_F(ClientTest, ProvesItselfForABindingResponseWhereThatIsWanted) {
    World strict({.authenticate_binding = true});
    client.request_binding(strict.now, out);
    for (int i = 0; i < 2; ++i) {
        const auto& request = out.pending().front().bytes;
        const auto answers = strict.from_client(address, Payload(request.begin(), request.end()));
        out.clear();
        gives(answers.at(0).bytes);
    }
    EXPECT_EQ(client.mapped(), address);
}

TEST_F(ClientTest, DoesNotRetransmitOverAStream) {
    auto reliable = config();
    reliable.reliable = true;
    client = Client(reliable, Random::from_number(3));
    lost = true;
    client.allocate(world.now, out);
    settles();
    passes(39500ms);
    EXPECT_EQ(sent, 1u);
    EXPECT_EQ(client.state(), State::closed);
}

TEST_F(ClientTest, SurvivesLoss) {
    lost = true;
    client.allocate(world.now, out);
    settles();
    passes(2s);
    lost = false;
    passes(2s);
    EXPECT_EQ(client.state(), State::allocated);
}

TEST_F(ClientTest, SendsAndHearsWithAPermission) {
    allocates();
    client.permit(world.now, peer.ip, out);
    settles();
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated, Kind::permitted));
    const auto hello = bytes_of("hello");
    client.send(peer, hello, out);
    settles();
    ASSERT_EQ(relayed.size(), 1u);
    EXPECT_EQ(relayed[0].to, peer);
    EXPECT_EQ(relayed[0].bytes, hello);
    const auto heard = world.from_peer(relay, peer, hello);
    ASSERT_EQ(heard.size(), 1u);
    const auto received = gives(heard[0].bytes);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->peer, peer);
    EXPECT_EQ(as_text(received->payload), "hello");
    EXPECT_FALSE(received->by_channel);
}

TEST_F(ClientTest, SendsAndHearsOverAChannel) {
    allocates();
    client.bind_channel(world.now, peer, out);
    settles();
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated, Kind::bound));
    EXPECT_EQ(client.channel_to(peer), number(0x4000));
    const auto hello = bytes_of("hello");
    client.send(peer, hello, out);
    ASSERT_EQ(out.pending().size(), 1u);
    EXPECT_EQ(out.pending()[0].bytes.data(), hello.data());  // not copied
    settles();
    EXPECT_EQ(relayed.at(0).bytes, hello);
    const auto heard = world.from_peer(relay, peer, hello);
    const auto received = gives(heard.at(0).bytes);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->peer, peer);
    EXPECT_TRUE(received->by_channel);
}

TEST_F(ClientTest, ABindingWhoseAnswersAreLostKeepsItsNumber) {
    allocates();
    deaf = true;
    client.bind_channel(world.now, peer, out);
    settles();
    passes(1min);
    deaf = false;
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated, Kind::timed_out));
    EXPECT_FALSE(client.channel_to(peer));
    // The server did bind it, so data comes over it, and no other number will do for this peer.
    const auto heard = world.from_peer(relay, peer, bytes_of("hello"));
    ASSERT_EQ(heard.size(), 1u);
    const auto received = gives(heard[0].bytes);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->peer, peer);
    client.bind_channel(world.now, peer, out);
    settles();
    EXPECT_THAT(kinds(), ElementsAre(Kind::bound));
}

TEST_F(ClientTest, ADeniedPeerIsRefused) {
    allocates();
    client.bind_channel(world.now, at("10.0.0.1:1"), out);
    settles();
    const auto events = client.take_events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1], (ClientEvent{Kind::refused, Method::channel_bind, at("10.0.0.1:1"),
                                      stun::ErrorCode::forbidden}));
    EXPECT_EQ(client.state(), State::allocated);
}

TEST_F(ClientTest, KeepsEverythingAliveForHours) {
    allocates();
    client.permit(world.now, ip("9.9.9.8"), out);
    client.bind_channel(world.now, peer, out);
    settles();
    for (int i = 0; i < 30; ++i) {
        passes(7min);
        relayed.clear();
        const auto data = bytes_of("x");
        client.send(peer, data, out);
        client.send(at("9.9.9.8:1"), data, out);
        settles();
        ASSERT_EQ(relayed.size(), 2u) << i;
    }
    EXPECT_EQ(world.observer.ended.size(), 0u);
    EXPECT_GT(world.failures(AuthFailure::stale_nonce), 0u);  // and got over them
}

TEST_F(ClientTest, NoticesThatTheServerHasForgotten) {
    allocates();
    world.server.close_all(world.now);
    passes(10min);
    EXPECT_EQ(client.state(), State::closed);
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated, Kind::refused, Kind::ended));
}

TEST_F(ClientTest, GivesTheAllocationBack) {
    allocates();
    client.close(world.now, out);
    settles();
    EXPECT_EQ(client.state(), State::closed);
    EXPECT_TRUE(world.ports.live.empty());
    client.allocate(world.now, out);  // and may have another
    settles();
    EXPECT_EQ(client.state(), State::allocated);
}

TEST_F(ClientTest, BelievesNoSuccessThatIsNotSigned) {
    allocates();
    client.permit(world.now, peer.ip, out);
    const Payload request(out.pending()[0].bytes.begin(), out.pending()[0].bytes.end());
    out.clear();
    std::array<uint8_t, 64> buffer;
    MessageWriter writer(buffer, {Method::create_permission, Class::success},
                         Message::parse(request)->transaction_id());
    const auto forged = writer.finish();
    gives({forged.begin(), forged.end()});
    EXPECT_THAT(kinds(), ElementsAre(Kind::allocated));
}

// The longest that RFC 8489, sections 14.9 and 14.10, allows fits into the next request.
TEST_F(ClientTest, TakesARealmAndANonceThatTheRfcAllowsAndNoLonger) {
    for (const size_t size : {stun::max_text, stun::max_text + 1}) {
        client = Client(config(), Random::from_number(3));
        client.allocate(world.now, out);
        stun::TransactionId id = Message::parse(out.pending()[0].bytes)->transaction_id();
        out.clear();
        std::array<uint8_t, 2000> buffer;
        MessageWriter writer(buffer, {Method::allocate, Class::error}, id);
        writer.error(stun::ErrorCode::unauthenticated, "");
        writer.text(AttributeType::realm, std::string(size, 'r'));
        writer.text(AttributeType::nonce, std::string(size, 'n'));
        const auto answer = writer.finish();
        gives({answer.begin(), answer.end()});
        EXPECT_EQ(out.pending().size(), size == stun::max_text ? 1u : 0u);
        EXPECT_EQ(client.state(), size == stun::max_text ? State::allocating : State::closed);
        out.clear();
    }
}

TEST_F(ClientTest, IgnoresWhatIsNotForIt) {
    allocates();
    for (const char* hex :
         {"", "40", "4fff0001 78", "ff", "0101000c2112a442",
          "000100002112a442000000000000000000000000", "001700002112a442000000000000000000000000",
          "010100002112a442000000000000000000000000"}) {
        EXPECT_FALSE(gives(stun::from_hex(hex))) << hex;
    }
    EXPECT_EQ(client.state(), State::allocated);
}

TEST_F(ClientTest, AsksForAFamily) {
    auto six = config();
    six.family = AddressFamily::ipv6;
    client = Client(six, Random::from_number(3));
    allocates();
    EXPECT_FALSE(client.relayed()->ip.is_v4());
}

TEST_F(ClientTest, SameSeedSameBytes) {
    Client a(config(), Random::from_number(5)), b(config(), Random::from_number(5));
    Outbox other;
    a.allocate(world.now, out);
    b.allocate(world.now, other);
    EXPECT_EQ(stun::to_hex(out.pending()[0].bytes), stun::to_hex(other.pending()[0].bytes));
}

}  // namespace
}  // namespace ahoy::turn
