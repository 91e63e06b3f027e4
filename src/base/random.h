// The one generator of this program: the ChaCha20 key stream (RFC 8439) of a 32-byte seed.
//
// Unguessable when seeded from the system, repeatable when seeded by a test.  Each owner has one of
// its own; it does no I/O and is not shared between threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace ahoy {

class Random {
  public:
    using Seed = std::array<uint8_t, 32>;

    explicit Random(const Seed& seed);
    static Random from_number(uint64_t seed);  // for tests and simulations
    Random(Random&&) noexcept;
    Random& operator=(Random&&) noexcept;
    ~Random();

    uint64_t next();
    uint64_t below(uint64_t bound);  // uniform in [0, bound); bound > 0
    void fill(std::span<uint8_t> out);
    Seed seed();  // for a generator of a part's own

    // `bytes` random bytes as base64url text without padding (RFC 4648, section 5).
    std::string token(size_t bytes);

  private:
    struct Stream;
    void refill();

    std::unique_ptr<Stream> stream_;
    std::array<uint8_t, 1024> pool_{};
    size_t used_ = pool_.size();
};

}  // namespace ahoy
