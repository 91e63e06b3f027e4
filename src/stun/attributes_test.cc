#include "stun/attributes.h"

#include <gtest/gtest.h>

#include "stun/test_support.h"

namespace ahoy::stun {
namespace {

template <class Enum>
unsigned code(Enum value) {
    return static_cast<unsigned>(value);
}

// The registry "Session Traversal Utilities for NAT (STUN) Parameters".
TEST(Iana, R_Methods) {
    EXPECT_EQ(code(Method::binding), 0x001u);
    EXPECT_EQ(code(Method::allocate), 0x003u);
    EXPECT_EQ(code(Method::refresh), 0x004u);
    EXPECT_EQ(code(Method::send), 0x006u);
    EXPECT_EQ(code(Method::data), 0x007u);
    EXPECT_EQ(code(Method::create_permission), 0x008u);
    EXPECT_EQ(code(Method::channel_bind), 0x009u);
    EXPECT_EQ(code(Method::connect), 0x00au);
    EXPECT_EQ(code(Method::connection_bind), 0x00bu);
    EXPECT_EQ(code(Method::connection_attempt), 0x00cu);
}

TEST(Iana, R_Attributes) {
    using A = AttributeType;
    const std::pair<A, unsigned> registry[] = {
        {A::mapped_address, 0x0001},
        {A::change_request, 0x0003},
        {A::username, 0x0006},
        {A::message_integrity, 0x0008},
        {A::error_code, 0x0009},
        {A::unknown_attributes, 0x000a},
        {A::channel_number, 0x000c},
        {A::lifetime, 0x000d},
        {A::xor_peer_address, 0x0012},
        {A::data, 0x0013},
        {A::realm, 0x0014},
        {A::nonce, 0x0015},
        {A::xor_relayed_address, 0x0016},
        {A::requested_address_family, 0x0017},
        {A::even_port, 0x0018},
        {A::requested_transport, 0x0019},
        {A::dont_fragment, 0x001a},
        {A::access_token, 0x001b},
        {A::message_integrity_sha256, 0x001c},
        {A::password_algorithm, 0x001d},
        {A::userhash, 0x001e},
        {A::xor_mapped_address, 0x0020},
        {A::reservation_token, 0x0022},
        {A::priority, 0x0024},
        {A::use_candidate, 0x0025},
        {A::padding, 0x0026},
        {A::response_port, 0x0027},
        {A::connection_id, 0x002a},
        {A::additional_address_family, 0x8000},
        {A::address_error_code, 0x8001},
        {A::password_algorithms, 0x8002},
        {A::alternate_domain, 0x8003},
        {A::icmp, 0x8004},
        {A::software, 0x8022},
        {A::alternate_server, 0x8023},
        {A::transaction_transmit_counter, 0x8025},
        {A::fingerprint, 0x8028},
        {A::ice_controlled, 0x8029},
        {A::ice_controlling, 0x802a},
        {A::response_origin, 0x802b},
        {A::other_address, 0x802c},
        {A::third_party_authorization, 0x802e},
        {A::origin, 0x802f},
        {A::mobility_ticket, 0x8030},
    };
    for (const auto& [type, number] : registry) {
        EXPECT_EQ(code(type), number);
        EXPECT_EQ(comprehension_required(type), number < 0x8000);
    }
}

TEST(Iana, R_ErrorsAndTheirPhrases) {
    const std::pair<unsigned, std::string_view> registry[] = {
        {300, "Try Alternate"},
        {400, "Bad Request"},
        {401, "Unauthenticated"},
        {403, "Forbidden"},
        {405, "Mobility Forbidden"},
        {420, "Unknown Attribute"},
        {437, "Allocation Mismatch"},
        {438, "Stale Nonce"},
        {440, "Address Family not Supported"},
        {441, "Wrong Credentials"},
        {442, "Unsupported Transport Protocol"},
        {443, "Peer Address Family Mismatch"},
        {446, "Connection Already Exists"},
        {447, "Connection Timeout or Failure"},
        {486, "Allocation Quota Reached"},
        {487, "Role Conflict"},
        {500, "Server Error"},
        {508, "Insufficient Capacity"},
    };
    for (const auto& [number, phrase] : registry) {
        EXPECT_EQ(reason_phrase(static_cast<ErrorCode>(number)), phrase);
    }
    EXPECT_EQ(reason_phrase(static_cast<ErrorCode>(499)), "");
}

TEST(Attributes, A26_PlainAddresses) {
    EXPECT_EQ(read_address(from_hex("0001 0d96 c0000201")),
              TransportAddress::parse("192.0.2.1:3478"));
    EXPECT_EQ(read_address(from_hex("0002 0d96 20010db8000000000000000000000001")),
              TransportAddress::parse("[2001:db8::1]:3478"));
}

TEST(Attributes, A05_AddressesOfTheWrongSizeOrFamilyAreRefused) {
    for (const char* hex : {"", "0001", "0001 0d96", "0001 0d96 c00002", "0001 0d96 c000020101",
                            "0002 0d96 c0000201", "0003 0d96 c0000201", "0000 0d96 c0000201",
                            "0001 0d96 20010db8000000000000000000000001"}) {
        EXPECT_FALSE(read_address(from_hex(hex))) << hex;
        EXPECT_FALSE(read_xor_address(from_hex(hex), {})) << hex;
    }
}

TEST(Attributes, H12_MappedIpv4InAnIpv6AttributeIsThatIpv4Address) {
    EXPECT_EQ(read_address(from_hex("0002 0050 00000000000000000000ffff7f000001"))->ip,
              IpAddress::parse("127.0.0.1"));
}

TEST(Attributes, A23_ErrorCodes) {
    const auto bytes = from_hex("0000 0426 5374616c65");
    const auto error = read_error(bytes);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::stale_nonce);
    EXPECT_EQ(error->reason, "Stale");
    EXPECT_EQ(read_error(from_hex("ffff fc26"))->code, ErrorCode::stale_nonce);  // reserved bits
    for (const char* hex : {"", "000004", "00000226", "00000726", "00000464"}) {
        EXPECT_FALSE(read_error(from_hex(hex))) << hex;
    }
}

TEST(Attributes, F04_NumbersOfTheWrongSizeAreRefused) {
    EXPECT_EQ(read_lifetime(from_hex("00000258")), 600s);
    EXPECT_EQ(read_lifetime(from_hex("ffffffff")), std::chrono::seconds(0xffffffff));
    EXPECT_EQ(read_channel_number(from_hex("4001ffff")), 0x4001);
    EXPECT_EQ(read_requested_transport(from_hex("11ffffff")), 17);
    EXPECT_EQ(read_address_family(from_hex("02ffffff")), 2);
    EXPECT_EQ(read_even_port(from_hex("80")), true);
    EXPECT_EQ(read_even_port(from_hex("7f")), false);
    EXPECT_EQ(read_reservation_token(from_hex("0102030405060708")),
              (ReservationToken{1, 2, 3, 4, 5, 6, 7, 8}));
    for (const char* hex : {"", "112233", "1122334455"}) {
        EXPECT_FALSE(read_lifetime(from_hex(hex)));
        EXPECT_FALSE(read_channel_number(from_hex(hex)));
        EXPECT_FALSE(read_requested_transport(from_hex(hex)));
        EXPECT_FALSE(read_address_family(from_hex(hex)));
        EXPECT_FALSE(read_even_port(from_hex(hex)));
        EXPECT_FALSE(read_reservation_token(from_hex(hex)));
    }
}

}  // namespace
}  // namespace ahoy::stun
