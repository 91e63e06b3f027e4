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

// Programs of turn_server.cc: how the world is, and steps, each of a client, what it does, and what
// that reads.
constexpr uint8_t first = 0, permission = 1, bind = 2, refresh = 3, proven = 40, again = 50;
constexpr uint8_t peer = 0, channel = 2, token = 3, even_port = 4;  // attributes

Seed challenge(uint8_t client) {
    return {client, 1, first, 0};
}
Seed ask(uint8_t client, uint8_t what, const Seed& attributes = {0}) {
    Seed step{client, 1, static_cast<uint8_t>(proven + what)};
    step.insert(step.end(), attributes.begin(), attributes.end());
    return step;
}
Seed send(uint8_t to) {
    return {0, 5, to, 1, 'x'};
}

void write_program(const std::string& name, uint8_t how, std::initializer_list<Seed> steps) {
    Seed seed{how};
    for (const Seed& step : steps) seed.insert(seed.end(), step.begin(), step.end());
    write("turn_server", name, seed);
}

void write_server_programs() {
    const Seed permit = ask(0, permission, {1, peer, 0});
    const Seed reserve{1, even_port, 1};
    const Seed on_channel{0, 6, 0, 1, 'x'}, heard{0, 7, 0, 0, 1, 'x'}, reload{0, 9, 1, 1};
    const Seed revoke_bob{0, 9, 3, 0}, lower_quota{0, 9, 4, 1}, drain{0, 9, 5, 1};
    const Seed login0 = challenge(0), login1 = challenge(1), allocate = ask(0, first);

    write_program("permission", 0, {login0, allocate, permit, send(0), heard});
    write_program("channel", 0,
                  {login0, allocate, ask(0, bind, {2, channel, 0, peer, 0}), on_channel, heard});
    write_program("delete", 0,
                  {login0, allocate, permit, ask(0, refresh, {1, 1, 0, 0, 0, 0, 0}), send(0)});
    write_program("forbidden", 0,
                  {login0, allocate, ask(0, permission, {1, peer, 3}),
                   ask(0, bind, {2, channel, 1, peer, 5})});
    write_program("to_ourselves", 0,
                  {login1,
                   ask(1, first),
                   login0,
                   allocate,
                   ask(0, permission, {1, peer, 12, 1}),
                   {0, 5, 12, 1, 1, 'x'},
                   {0, 7, 12, 0, 1, 1, 'x'}});
    write_program("reload", 0, {login0, allocate, permit, reload, send(0)});
    write_program("revoke", 0, {login1, ask(1, first), revoke_bob, ask(1, first)});
    write_program("lower_quota", 0, {login0, allocate, lower_quota, login1, ask(1, first)});
    write_program("drain", 0, {login0, allocate, drain, login1, ask(1, first)});
    write_program("expiry", 0, {login0, allocate, permit, {0, 8, 2, 87, 0}, send(0)});
    write_program("reservation", 1,
                  {login0, ask(0, first, reserve), login1, ask(1, first, {1, token})});
    write_program(
        "both_families", 0,
        {login0, ask(0, first, {1, 1, 3, 2, 0, 0, 0}), ask(0, permission, {2, peer, 0, peer, 10})});
    write_program("again", 0, {login0, allocate, {0, 1, again, 0}});
    write_program("wrong_password", 0, {login0, {0, 1, 30, 0}, {0, 1, 20, 0}});
    write_program("quota", 2,
                  {login0, allocate, challenge(2), ask(2, first), login1, ask(1, first),
                   challenge(3), ask(3, first)});
    write_program(
        "narrow", 2,
        {login0, ask(0, first, {1, 1, 3, 2, 0, 0, 0}), permit, ask(0, permission, {1, peer, 2}),
         ask(0, bind, {2, channel, 0, peer, 0}), ask(0, bind, {2, channel, 1, peer, 1})});
    write_program("no_more_reservations", 2,
                  {login0, ask(0, first, reserve), login1, ask(1, first, reserve)});
}

// Programs of turn_client.cc: how the client is, and steps: what, and what user() or answer()
// reads.
void write_client_programs() {
    const Seed success{7, 101, 0, 0, 0, 0, 0, 75, 0, 0};  // 600 seconds
    const auto after = [&](Seed seed, const Seed& steps, bool succeeds) {
        seed.insert(seed.end(), steps.begin(), steps.end());
        if (succeeds) seed.insert(seed.end(), success.begin(), success.end());
        return seed;
    };
    const Seed allocated = after({0, 0, 0, 7, 112, 0, 0, 0, 0}, {}, true);
    write("turn_client", "allocates", allocated);
    for (const uint8_t wish : {uint8_t{1}, uint8_t{2}}) {
        Seed seed = after(allocated, {wish, 1}, true);
        seed = after(seed, {3, 1, 2, 'h', 'i', 7, 0, 0, 1, 'x'}, false);
        seed = after(seed, {5, 0x03, 0xbc, 0xc8, 0}, true);  // 245 seconds: renewals
        seed = after(seed, {5, 0x04, 0x93, 0xe0, 0}, true);  // 300 seconds: a refresh
        write("turn_client", wish == 1 ? "permits" : "binds", seed);
    }
    write("turn_client", "closes", after(allocated, {0, 0}, true));
    write("turn_client", "binding", {1, 4, 0, 7, 101, 0, 0, 0, 0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0});
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
