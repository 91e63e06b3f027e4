// Binding beyond RFC 8489: with credentials (B03), NAT behaviour discovery (RFC 5780, group N) and
// classic STUN (RFC 3489).
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success, silence = Response::silence;
using T = AttributeType;

constexpr uint32_t change_ip = 4, change_port = 2;

AddAttributes change(uint32_t flags) {
    return [=](MessageWriter& w) { w.number(T::change_request, flags); };
}
AddAttributes response_port(uint16_t port) {
    return [=](MessageWriter& w) { w.number(T::response_port, static_cast<uint32_t>(port) << 16); };
}
AddAttributes padding(size_t size) {
    return [=](MessageWriter& w) { w.attribute(T::padding, Payload(size, 'x')); };
}
AddAttributes both(const AddAttributes& a, const AddAttributes& b) {
    return [=](MessageWriter& w) {
        a(w);
        b(w);
    };
}

// Behind a 1:1 NAT, so that clients know other addresses than the sockets do.
Discovery square(std::string_view first, std::string_view second, std::string_view told_first,
                 std::string_view told_second) {
    const auto origin = [](uint32_t socket, std::string_view local, std::string_view told,
                           uint16_t port) {
        return Origin{SocketId{socket}, {ip(local), port}, {ip(told), port}};
    };
    const Discovery::Square origins{
        {{origin(1, first, told_first, 3478), origin(2, first, told_first, 3479)},
         {origin(3, second, told_second, 3478), origin(4, second, told_second, 3479)}}};
    return Discovery(std::vector{origins});
}

class DiscoveryTest : public testing::Test {
  protected:
    explicit DiscoveryTest(ServerConfig config = {}) : world(std::move(config)) {
        world.server.explore_from(
            square("192.0.2.15", "192.0.2.16", "203.0.113.15", "203.0.113.16"));
    }
    // Of a client's one Binding request.
    Sent asks(const AddAttributes& add = {}, std::string_view to = "192.0.2.15:3478",
              uint32_t socket = 1) {
        const auto bytes = client.writes({Method::binding, Class::request}, add);
        const auto sent = world.from_client(client.address, bytes, at(to), SocketId{socket});
        EXPECT_EQ(sent.size(), 1u);
        return sent.at(0);
    }
    static std::optional<TransportAddress> plain(const Sent& sent, T type) {
        const auto message = Message::parse(sent.bytes).value();
        const auto value = message.find(type);
        return value ? stun::read_address(*value) : std::nullopt;
    }
    static int code(const Sent& sent) { return Response{sent.bytes}.code(); }

    World world;
    TestClient client{world};
};

TEST_F(DiscoveryTest, N01_N02_EveryAnswerTellsItsOriginAndTheOtherAddress) {
    const Sent sent = asks();
    EXPECT_EQ(plain(sent, T::response_origin), at("203.0.113.15:3478"));
    EXPECT_EQ(plain(sent, T::other_address), at("203.0.113.16:3479"));
    const Sent other = asks({}, "192.0.2.16:3478", 3);
    EXPECT_EQ(plain(other, T::response_origin), at("203.0.113.16:3478"));
    EXPECT_EQ(plain(other, T::other_address), at("203.0.113.15:3479"));
}

// RFC 5780, table 1.
TEST_F(DiscoveryTest, N02_N03_AnswersLeaveFromWhereTheyAreAskedTo) {
    struct Row {
        uint32_t flags;
        std::string_view to;
        uint32_t socket;
        uint32_t from_socket;
        std::string_view from;
        std::string_view origin;
    };
    for (const Row& row : {
             Row{0, "192.0.2.15:3478", 1, 1, "192.0.2.15", "203.0.113.15:3478"},
             Row{change_ip, "192.0.2.15:3478", 1, 3, "192.0.2.16", "203.0.113.16:3478"},
             Row{change_port, "192.0.2.15:3478", 1, 2, "192.0.2.15", "203.0.113.15:3479"},
             Row{change_ip | change_port, "192.0.2.15:3478", 1, 4, "192.0.2.16",
                 "203.0.113.16:3479"},
             Row{change_ip | change_port, "192.0.2.16:3479", 4, 1, "192.0.2.15",
                 "203.0.113.15:3478"},
         }) {
        const Sent sent = asks(change(row.flags), row.to, row.socket);
        EXPECT_EQ(sent.socket, SocketId{row.from_socket});
        EXPECT_EQ(sent.from, ip(row.from));
        EXPECT_EQ(sent.to, client.address);
        EXPECT_EQ(plain(sent, T::response_origin), at(row.origin));
    }
}

TEST_F(DiscoveryTest, N03_AMalformedChangeRequestIs400FromWhereItWasAsked) {
    const Sent sent = asks([](MessageWriter& w) { w.text(T::change_request, "12345678"); });
    EXPECT_EQ(code(sent), 400);
    EXPECT_EQ(sent.socket, SocketId{1});
}

TEST_F(DiscoveryTest, N03_N04_AnotherWayBackIsForDatagramsOnly) {
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::dtls}) {
        client.transport = transport;
        for (const auto& wish : {change(change_ip), response_port(4000)}) {
            EXPECT_EQ(client.asks_unsigned(Method::binding, wish).code(), 420);
        }
        EXPECT_TRUE(client.asks_unsigned(Method::binding).has(T::other_address));
    }
}

TEST_F(DiscoveryTest, N04_ResponsePortIsAnotherPortOfTheSameClient) {
    const Sent sent = asks(response_port(4000));
    EXPECT_EQ(code(sent), success);
    EXPECT_EQ(sent.to, at("5.6.7.8:4000"));
    EXPECT_EQ(sent.socket, SocketId{1});
    const auto mapped = Response{sent.bytes}.address(T::xor_mapped_address);
    EXPECT_EQ(mapped, client.address);
    const auto two_bytes = [](MessageWriter& w) {
        w.attribute(T::response_port, std::array<uint8_t, 2>{0x0f, 0xa0});
    };
    EXPECT_EQ(asks(two_bytes).to, at("5.6.7.8:4000"));
    EXPECT_EQ(code(asks(response_port(0))), 400);
}

TEST_F(DiscoveryTest, N04_N05_ResponsePortAndPaddingTogetherAre400) {
    const Sent sent = asks(both(response_port(4000), padding(100)));
    EXPECT_EQ(code(sent), 400);
    EXPECT_EQ(sent.to, client.address);
}

TEST_F(DiscoveryTest, N05_APaddedRequestIsAnsweredAtTheSameSize) {
    for (const size_t size : {size_t{100}, size_t{500}, size_t{1500}}) {
        const Sent sent = asks(padding(size));
        EXPECT_EQ(sent.bytes.size(), 24 + size);
        EXPECT_TRUE(Response{sent.bytes}.has(T::padding));
    }
    EXPECT_EQ(asks(padding(3000)).bytes.size(), 1600u);
    EXPECT_TRUE(Response{asks(padding(0)).bytes}.has(T::padding));
}

TEST_F(DiscoveryTest, A34_NoAnswerIsMoreThanThreeTimesItsRequest) {
    for (size_t size = 0; size < 200; size += 4) {
        for (const auto& wish : {padding(size), both(change(change_ip), padding(size)),
                                 both(response_port(4000), padding(size))}) {
            const auto request = client.writes({Method::binding, Class::request}, wish);
            for (const auto& sent : world.from_client(client.address, request)) {
                EXPECT_LE(sent.bytes.size(), 3 * request.size());
            }
        }
    }
    EXPECT_LE(asks().bytes.size(), 60u);
}

// Both as RFC 5780, section 6.1, has it, where there is room.
TEST_F(DiscoveryTest, N01_MappedAddressIsThereTooWhereThereIsRoom) {
    EXPECT_EQ(plain(asks(padding(100)), T::mapped_address), client.address);
    EXPECT_FALSE(plain(asks(), T::mapped_address));
}

TEST_F(DiscoveryTest, A34_OverIpv6ARequestMustBeLongerToLearnAll) {
    world.server.explore_from(
        square("2001:db8::15", "2001:db8::16", "2001:db8::15", "2001:db8::16"));
    client.address = at("[2606:4700::9]:1234");
    EXPECT_FALSE(plain(asks({}, "[2001:db8::15]:3478"), T::other_address));
    EXPECT_EQ(plain(asks(padding(40), "[2001:db8::15]:3478"), T::other_address),
              at("[2001:db8::16]:3479"));
}

TEST_F(DiscoveryTest, N06_OnAnyOtherAddressItIsOff) {
    for (const auto& wish : {change(change_ip), response_port(4000), padding(100)}) {
        EXPECT_EQ(code(asks(wish, "127.0.0.1:3478")), 420);
    }
    EXPECT_FALSE(plain(asks({}, "127.0.0.1:3478"), T::other_address));
}

TEST_F(DiscoveryTest, N06_ForAnyOtherMethodItIsUnknown) {
    EXPECT_EQ(client.allocates(change(change_ip)).code(), 420);
}

TEST_F(DiscoveryTest, O05_TheBudgetOfStrangersHoldsHereToo) {
    for (int i = 0; i < 20'000; ++i) {
        world.from_client(client.address,
                          client.writes({Method::binding, Class::request}, response_port(4000)));
    }
    EXPECT_GT(world.drops(Drop::budget), 0u);
}

class AuthenticatedBindingTest : public DiscoveryTest {
  protected:
    AuthenticatedBindingTest() : DiscoveryTest(ServerConfig{.authenticate_binding = true}) {}
};

TEST_F(AuthenticatedBindingTest, B03_ABindingIsChallengedAlsoTheBareHeader) {
    const auto response = client.asks_unsigned(Method::binding);
    EXPECT_EQ(response.code(), 401);
    EXPECT_LE(response.bytes.size(), 84u);
    client.nonce = response.text(T::nonce);
    const auto signed_one = client.asks(Method::binding);
    EXPECT_EQ(signed_one.code(), success);
    EXPECT_TRUE(signed_one.is_signed());
    EXPECT_EQ(signed_one.address(T::xor_mapped_address), client.address);
}

TEST_F(AuthenticatedBindingTest, B03_A34_OtherBareRequestsAreStillDropped) {
    EXPECT_EQ(client.asks_unsigned(Method::allocate).code(), silence);
}

TEST_F(AuthenticatedBindingTest, N05_PaddingCountsWhatSigns) {
    client.fetches_nonce();
    for (const auto algorithm :
         {std::optional<stun::PasswordAlgorithm>{}, {stun::PasswordAlgorithm::sha256}}) {
        client.algorithm = algorithm;
        const auto request = client.writes_signed(Method::binding, padding(1000));
        const auto response = client.sends_raw(request);
        EXPECT_EQ(response.code(), success);
        EXPECT_EQ(response.bytes.size(), request.size());
        EXPECT_TRUE(client.trusts(response.message()));
    }
}

TEST_F(AuthenticatedBindingTest, N03_OnlyWhoHasACredentialExplores) {
    EXPECT_EQ(code(asks(change(change_ip))), 401);
}

// Requests of RFC 3489, as bytes.
class ClassicTest : public DiscoveryTest {
  protected:
    ClassicTest() : DiscoveryTest(ServerConfig{.classic_stun = true}) {}
    static constexpr std::string_view id = "000102030405060708090a0b0c0d0e0f";

    std::vector<Sent> classic(std::string_view attributes = "", std::string_view type = "0001",
                              std::string_view to = "192.0.2.15:3478") {
        const auto size = static_cast<uint8_t>(attributes.size() / 2);
        const auto length = stun::to_hex(std::array<uint8_t, 2>{0, size});
        const auto bytes =
            stun::from_hex(std::string(type) + length + std::string(id) + std::string(attributes));
        return world.from_client(client.address, bytes, at(to));
    }
    static std::string hex(const std::vector<Sent>& sent) {
        return sent.size() == 1 ? stun::to_hex(sent[0].bytes) : "silence";
    }
};

TEST_F(ClassicTest, N01_TheAnswerIsInTheWordsOfRfc3489) {
    EXPECT_EQ(hex(classic()), "01010024" + std::string(id) +
                                  "00010008000104d205060708"    // MAPPED-ADDRESS 5.6.7.8:1234
                                  "0004000800010d96cb00710f"    // SOURCE-ADDRESS
                                  "0005000800010d97cb007110");  // CHANGED-ADDRESS
}

TEST_F(ClassicTest, N03_ChangeRequestIsAnsweredFromThere) {
    const auto sent = classic("0003000400000006");
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].socket, SocketId{4});
    EXPECT_EQ(sent[0].from, ip("192.0.2.16"));
    EXPECT_EQ(stun::to_hex(sent[0].bytes).substr(64, 24), "0004000800010d97cb007110");
}

TEST_F(ClassicTest, N01_WithoutASecondAddressThereIsNoChangedAddress) {
    EXPECT_EQ(hex(classic("", "0001", "192.0.2.15:5000")), "01010018" + std::string(id) +
                                                               "00010008000104d205060708"
                                                               "0004000800011388c000020f");
    EXPECT_EQ(hex(classic("0003000400000002", "0001", "192.0.2.15:5000")),
              "01110010" + std::string(id) + "0009000400000414" + "000a000400030003");
}

// Else anybody could send answers to anybody.
TEST_F(ClassicTest, N04_ResponseAddressIsUnknown) {
    EXPECT_EQ(hex(classic("00020008000104d209090909")),
              "01110010" + std::string(id) + "0009000400000414" + "000a000400020002");
}

TEST_F(ClassicTest, B07_SharedSecretsAreNotKnown) {
    EXPECT_EQ(hex(classic("00080014" + std::string(40, '0'))),
              "01110008" + std::string(id) + "000900040000041e");
}

TEST_F(ClassicTest, A02_NothingElseIsTakenWithoutTheCookie) {
    for (const auto* type : {"0002", "0003", "0011", "0101", "0016"}) {
        EXPECT_EQ(hex(classic("", type)), "silence") << type;
    }
    client.address = at("[2606:4700::9]:1234");  // RFC 3489 knows IPv4 alone
    EXPECT_EQ(hex(classic()), "silence");
    EXPECT_EQ(world.drops(Drop::malformed), 6u);
}

TEST_F(ClassicTest, A02_OthersAreAnsweredAsEver) {
    EXPECT_TRUE(client.asks_unsigned(Method::binding).has(T::xor_mapped_address));
}

TEST_F(DiscoveryTest, A02_ClassicRequestsAreDroppedUnlessTheyAreSwitchedOn) {
    const auto bytes = stun::from_hex("00010000000102030405060708090a0b0c0d0e0f");
    EXPECT_TRUE(world.from_client(client.address, bytes).empty());
}

}  // namespace
}  // namespace ahoy::turn
