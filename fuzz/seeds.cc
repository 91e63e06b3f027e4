// The seeds that are not text: fuzz_seeds FOLDER writes them to FOLDER/NAME/.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "stun/integrity.h"
#include "stun/test_support.h"
#include "turn/channel_data.h"

namespace ahoy::fuzz {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::from_hex;
using stun::MessageWriter;
using stun::Method;
using Seed = std::vector<uint8_t>;

std::filesystem::path folder;

void write(const std::string& target, const std::string& name, const Seed& seed) {
    std::filesystem::create_directories(folder / target);
    std::ofstream file(folder / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
    CHECK(file.good());
}

template <class Add>
Seed message(Method method, Class message_class, Add&& add) {
    std::array<uint8_t, 600> buffer;
    MessageWriter writer(buffer, {method, message_class}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    add(writer);
    return {writer.finish().begin(), writer.finish().end()};
}

// RFC 5769, sections 2.1 to 2.4.
void write_vectors() {
    write("stun", "rfc5769_request", from_hex(R"(
        0001 0058 2112a442 b7e7a701bc34d686fa87dfae
        8022 0010 5354554e207465737420636c69656e74
        0024 0004 6e0001ff
        8029 0008 932ff9b151263b36
        0006 0009 6576746a3a68367659 202020
        0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
        8028 0004 e57a3bcf)"));
    write("stun", "rfc5769_response", from_hex(R"(
        0101 003c 2112a442 b7e7a701bc34d686fa87dfae
        8022 000b 7465737420766563746f7220
        0020 0008 0001a147e112a643
        0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
        8028 0004 c07d4c96)"));
    write("stun", "rfc5769_response_ipv6", from_hex(R"(
        0101 0048 2112a442 b7e7a701bc34d686fa87dfae
        8022 000b 7465737420766563746f7220
        0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
        0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41
        8028 0004 c8fb0b4c)"));
    write("stun", "rfc5769_long_term", from_hex(R"(
        0001 0060 2112a442 78ad3433c6ad72c029da412e
        0006 0012 e3839ee38388e383aae38383e382afe382b9 0000
        0015 001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41
        0014 000b 6578616d706c652e6f726700
        0008 0014 f67024656dd64a3e02b8e0712e85c9a28ca89666)"));
}

void write_messages() {
    const Md5 key = stun::long_term_key("alice", "ahoy", "wonder");
    write("stun", "first_allocate", message(Method::allocate, Class::request, [](auto& w) {
              w.number(AttributeType::requested_transport, 17u << 24);
          }));
    write("stun", "allocate", message(Method::allocate, Class::request, [&](auto& w) {
              w.number(AttributeType::requested_transport, 17u << 24);
              w.text(AttributeType::username, "alice");
              w.text(AttributeType::realm, "ahoy");
              w.text(AttributeType::nonce, "obMatJos2AAAA0123456789abcdefghi");
              w.integrity(key);
              w.integrity_sha256(key);
              w.fingerprint();
          }));
    write("stun", "challenge", message(Method::allocate, Class::error, [](auto& w) {
              w.error(stun::ErrorCode::unauthenticated, "Unauthenticated");
              w.text(AttributeType::realm, "ahoy");
              w.text(AttributeType::nonce, "obMatJos2AAAA0123456789abcdefghi");
          }));
    write("stun", "behind_integrity", message(Method::refresh, Class::request, [&](auto& w) {
              w.integrity_sha256(key);
              w.lifetime(0s);
              w.integrity(key);
              w.text(AttributeType::username, "bob");
          }));
    write("stun", "many_attributes", message(Method::binding, Class::request, [](auto& w) {
              for (int i = 0; i < 64; ++i) w.text(AttributeType::software, "");
          }));
    write("channel_data", "padded", {0x40, 0x00, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0});
    write("channel_data", "empty", {0x4f, 0xff, 0, 0});
    write("channel_data", "too_short", {0x40, 0x00, 0, 5, 'h'});
    write("channel_data", "no_channel", {0x50, 0x00, 0, 0});
}

// Steps of turn_server.cc: client, what, and then what asks() and the others read.
constexpr uint8_t first = 0, permission = 1, bind = 2, refresh = 3, proven = 40;

void write_server_programs() {
    const Seed login{0, 1, first, 0, 0, 1, proven, 0};
    const auto after_login = [&](const std::string& name, const Seed& steps) {
        Seed seed{0};
        seed.insert(seed.end(), login.begin(), login.end());
        seed.insert(seed.end(), steps.begin(), steps.end());
        write("turn_server", name, seed);
    };
    after_login("permission", {0, 1, proven + permission, 1, 0, 0,  //
                               0, 5, 0, 2, 'h', 'i', 0, 7, 0, 0, 2, 'h', 'i'});
    after_login("channel", {0,   1,   proven + bind,
                            2,   2,   0,
                            0,   0,   0,
                            6,   0,   2,
                            'h', 'i',  //
                            0,   7,   0,
                            0,   2,   'h',
                            'i', 0,   8,
                            1,   45,  0,
                            6,   0,   2,
                            'h', 'i'});
    after_login("delete", {0, 1, proven + refresh, 1, 1, 0, 0, 0, 0, 0, 0, 5, 0, 1, 'x'});
    after_login("forbidden",
                {0, 1, proven + permission, 1, 0, 3, 0, 1, proven + bind, 2, 2, 1, 0, 5});
    after_login("to_ourselves", {1, 1,  first, 0, 1, 1,  proven, 0, 0, 1,   proven + permission,
                                 1, 0,  12,    1, 0, 5,  12,     1, 1, 'x', 0,
                                 7, 12, 1,     0, 1, 'x'});
    after_login("reload",
                {0, 1, proven + permission, 1, 0, 0, 0, 9, 1, 1, 0, 5, 0, 1, 'x', 0, 9, 0});
    after_login("expiry", {0, 1, proven + permission, 1, 0, 0, 0, 8, 2, 87, 0, 0, 5, 0, 1, 'x'});
    write("turn_server", "reservation",
          {1, 0, 1, first, 0, 0, 1, proven, 1, 4, 1, 1, 1, first, 0, 1, 1, proven, 1, 3});
    write("turn_server", "both_families", {0,     0,      1,
                                           first, 0,      0,
                                           1,     proven, 1,
                                           1,     3,      2,
                                           0,     0,      0,  //
                                           0,     1,      proven + permission,
                                           2,     0,      10,
                                           0,     0});
    write("turn_server", "wrong_password", {0, 0, 1, first, 0, 0, 1, 30, 0, 0, 1, 20, 0});
    write("turn_server", "again", {0, 0, 1, first, 0, 0, 1, proven, 0, 0, 1, 50, 0});
}

// Steps of turn_client.cc: what, and then what answer() reads.
void write_client_programs() {
    const Seed success{7, 101, 0, 0, 0, 0, 2, 88, 0};
    Seed allocated{0, 0, 7, 100, 0, 0, 0};
    allocated.insert(allocated.end(), success.begin(), success.end());
    write("turn_client", "allocates", allocated);
    for (const uint8_t wish : {uint8_t{1}, uint8_t{2}}) {
        Seed seed = allocated;
        seed.insert(seed.end(), {wish, 1});
        seed.insert(seed.end(), success.begin(), success.end());
        seed.insert(seed.end(), {3, 2, 'h', 'i', 5, 0xff, 0xff, 0xff, 0, 7, 0, 0, 1, 'x', 0});
        write("turn_client", wish == 1 ? "permits" : "binds", seed);
    }
    write("turn_client", "binding", {1, 4, 7, 101, 0, 0, 0, 0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0});
}

}  // namespace
}  // namespace ahoy::fuzz

int main(int argc, char** argv) {
    if (argc != 2) return std::fputs("fuzz_seeds FOLDER\n", stderr), 2;
    ahoy::fuzz::folder = argv[1];
    ahoy::fuzz::write_vectors();
    ahoy::fuzz::write_messages();
    ahoy::fuzz::write_server_programs();
    ahoy::fuzz::write_client_programs();
}
