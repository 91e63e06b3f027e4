#include "base/random.h"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"

namespace ahoy {

struct Random::Stream {
    explicit Stream(const Seed& seed) : context(EVP_CIPHER_CTX_new()) {
        const std::array<uint8_t, 16> counter_and_nonce{};
        CHECK(context != nullptr);
        CHECK(EVP_EncryptInit_ex(context, EVP_chacha20(), nullptr, seed.data(),
                                 counter_and_nonce.data()) == 1);
    }
    ~Stream() { EVP_CIPHER_CTX_free(context); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    EVP_CIPHER_CTX* context;
};

Random::Random(const Seed& seed) : stream_(std::make_unique<Stream>(seed)) {}
Random::Random(Random&&) noexcept = default;
Random& Random::operator=(Random&&) noexcept = default;
Random::~Random() = default;

Random Random::from_number(uint64_t seed) {
    Seed bytes{};
    std::memcpy(bytes.data(), &seed, sizeof seed);
    return Random(bytes);
}

void Random::refill() {
    static constexpr std::array<uint8_t, 1024> zeros{};
    int written = 0;
    CHECK(EVP_EncryptUpdate(stream_->context, pool_.data(), &written, zeros.data(),
                            static_cast<int>(zeros.size())) == 1);
    used_ = 0;
}

void Random::fill(std::span<uint8_t> out) {
    while (!out.empty()) {
        if (used_ == pool_.size()) refill();
        const size_t size = std::min(out.size(), pool_.size() - used_);
        std::memcpy(out.data(), pool_.data() + used_, size);
        used_ += size;
        out = out.subspan(size);
    }
}

uint64_t Random::next() {
    std::array<uint8_t, 8> bytes;
    fill(bytes);
    return std::bit_cast<uint64_t>(bytes);
}

uint64_t Random::below(uint64_t bound) {
    CHECK(bound > 0);
    const uint64_t unbiased = UINT64_MAX - UINT64_MAX % bound;  // a multiple of the bound
    for (;;) {
        if (const uint64_t value = next(); value < unbiased) return value % bound;
    }
}

Random::Seed Random::seed() {
    Seed seed;
    fill(seed);
    return seed;
}

std::string Random::token(size_t bytes) {
    std::vector<uint8_t> raw(bytes);
    fill(raw);
    return base64url(raw);
}

}  // namespace ahoy
