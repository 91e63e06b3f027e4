// Internet addresses in one canonical form: sixteen bytes, IPv4 as ::ffff:a.b.c.d.
//
// There is no other representation anywhere in the program, so an IPv4 address that arrives wrapped
// in IPv6 *is* that IPv4 address, and no policy can be dodged by writing it differently.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ahoy {

// The values are STUN's (RFC 8489, section 14.1).
enum class AddressFamily : uint8_t { ipv4 = 0x01, ipv6 = 0x02 };

class IpAddress {
  public:
    constexpr IpAddress() = default;  // the unspecified address, ::

    static constexpr IpAddress v4(uint32_t host_order) {
        IpAddress ip;
        ip.bytes_[10] = ip.bytes_[11] = 0xff;
        for (unsigned i = 0; i < 4; ++i) {
            ip.bytes_[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
        }
        return ip;
    }
    static constexpr IpAddress v6(const std::array<uint8_t, 16>& bytes) {
        IpAddress ip;
        ip.bytes_ = bytes;
        return ip;
    }
    // "192.0.2.1", "2001:db8::1"; no zone, no brackets.
    static std::optional<IpAddress> parse(std::string_view text);

    constexpr bool is_v4() const {
        for (unsigned i = 0; i < 10; ++i) {
            if (bytes_[i] != 0) return false;
        }
        return bytes_[10] == 0xff && bytes_[11] == 0xff;
    }
    constexpr AddressFamily family() const {
        return is_v4() ? AddressFamily::ipv4 : AddressFamily::ipv6;
    }
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_loopback() const;     // 127.0.0.0/8 or ::1
    bool is_link_local() const;   // 169.254.0.0/16 or fe80::/10

    constexpr const std::array<uint8_t, 16>& bytes() const { return bytes_; }
    // The four bytes of an IPv4 address, the sixteen of an IPv6 one.
    std::span<const uint8_t> wire() const {
        return std::span<const uint8_t>(bytes_).subspan(is_v4() ? 12 : 0);
    }
    std::string to_string() const;

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
    // Once a packet or more, so two comparisons and no call.
    friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
        return a.words() == b.words();
    }

  private:
    struct Words {
        uint64_t first, second;
        friend constexpr bool operator==(const Words&, const Words&) = default;
    };
    constexpr Words words() const { return std::bit_cast<Words>(bytes_); }

    std::array<uint8_t, 16> bytes_{};
};

struct TransportAddress {
    IpAddress ip;
    uint16_t port = 0;

    // "192.0.2.1:3478", "[2001:db8::1]:3478"
    static std::optional<TransportAddress> parse(std::string_view text);
    std::string to_string() const;

    friend constexpr auto operator<=>(const TransportAddress&, const TransportAddress&) = default;
};

struct PortRange {
    uint16_t low = 49152;   // RFC 8656, section 7.2: the dynamic ports
    uint16_t high = 65535;  // included

    friend constexpr bool operator==(PortRange, PortRange) = default;
};

// A CIDR block.  An IPv4 block holds IPv4 addresses only, an IPv6 block IPv6 addresses only.
class Prefix {
  public:
    constexpr Prefix() = default;  // ::/128, the unspecified address alone

    // "10.0.0.0/8", "2001:db8::/32", or a single address.  Host bits must be zero.
    static std::optional<Prefix> parse(std::string_view text);

    bool contains(const IpAddress&) const;
    int length() const { return length_; }  // in bits, of the family's own 32 or 128
    std::string to_string() const;

    friend constexpr bool operator==(const Prefix&, const Prefix&) = default;

  private:
    constexpr Prefix(const IpAddress& base, int length) : base_(base), length_(length) {}

    IpAddress base_;
    int length_ = 128;
};

bool any_contains(std::span<const Prefix>, const IpAddress&);

// Hash for tables whose keys strangers choose: keyed, so that colliding addresses cannot be made.
class AddressHash {
  public:
    using is_avalanching = void;  // for boost::unordered_flat_map

    explicit AddressHash(uint64_t key0 = 0, uint64_t key1 = 0) : key0_(key0), key1_(key1) {}
    size_t operator()(const IpAddress&) const;
    size_t operator()(const TransportAddress&) const;
    size_t mix(const TransportAddress&, uint64_t more) const;

  private:
    uint64_t key0_;
    uint64_t key1_;
};

}  // namespace ahoy
