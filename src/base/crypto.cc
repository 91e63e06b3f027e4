#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace ahoy {
namespace {

thread_local uint64_t made = 0;

template <class Digest>
Digest digest(const EVP_MD* algorithm, Bytes data) {
    ++made;
    Digest out;
    CHECK(EVP_Digest(data.data(), data.size(), out.data(), nullptr, algorithm, nullptr) == 1);
    return out;
}

// One keyed context per algorithm and thread: fetching an algorithm and allocating a context cost
// more than the HMAC of a STUN message.
class Hmac {
  public:
    explicit Hmac(const char* digest_name) {
        EVP_MAC* mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
        CHECK(mac != nullptr);
        context_ = EVP_MAC_CTX_new(mac);
        EVP_MAC_free(mac);
        CHECK(context_ != nullptr);
        const std::array<OSSL_PARAM, 2> parameters{
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest_name),
                                             0),
            OSSL_PARAM_construct_end()};
        CHECK(EVP_MAC_CTX_set_params(context_, parameters.data()) == 1);
    }
    ~Hmac() { EVP_MAC_CTX_free(context_); }
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;

    void compute(Bytes key, std::initializer_list<Bytes> parts, std::span<uint8_t> out) {
        ++made;
        // A null key would mean "the previous one" to OpenSSL.
        static constexpr uint8_t nothing = 0;
        const uint8_t* data = key.empty() ? &nothing : key.data();
        CHECK(EVP_MAC_init(context_, data, key.size(), nullptr) == 1);
        for (const Bytes part : parts) {
            if (!part.empty()) CHECK(EVP_MAC_update(context_, part.data(), part.size()) == 1);
        }
        size_t written = 0;
        CHECK(EVP_MAC_final(context_, out.data(), &written, out.size()) == 1);
        CHECK(written == out.size());
    }

  private:
    EVP_MAC_CTX* context_ = nullptr;
};

}  // namespace

Md5 md5(Bytes data) {
    return digest<Md5>(EVP_md5(), data);
}
Sha1 sha1(Bytes data) {
    return digest<Sha1>(EVP_sha1(), data);
}

Sha256 sha256(Bytes data) {
    return digest<Sha256>(EVP_sha256(), data);
}

Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> parts) {
    thread_local Hmac hmac("SHA1");
    Sha1 out;
    hmac.compute(key, parts, out);
    return out;
}

Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) {
    thread_local Hmac hmac("SHA256");
    Sha256 out;
    hmac.compute(key, parts, out);
    return out;
}

bool ed25519_verifies(const Ed25519PublicKey& key, Bytes message, Bytes signature) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> public_key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()),
        &EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    CHECK(context != nullptr);
    const bool verifies =
        public_key != nullptr &&
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                         message.size()) == 1;
    // What it says of a stranger's signature must not pile up.
    if (!verifies) ERR_clear_error();
    return verifies;
}

uint64_t digests_made() {
    return made;
}

std::optional<Md5> md5_from_hex(std::string_view text) {
    Md5 digest;
    if (text.size() != 2 * digest.size()) return {};
    for (size_t i = 0; i < digest.size(); ++i) {
        const char* const at = text.data() + 2 * i;
        const auto [end, error] = std::from_chars(at, at + 2, digest[i], 16);
        if (error != std::errc{} || end != at + 2) return {};
    }
    return digest;
}

bool equal_in_constant_time(Bytes a, Bytes b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64(Bytes data) {
    std::string text(4 * ((data.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data.data(),
                                     static_cast<int>(data.size()));
    text.resize(static_cast<size_t>(size));
    return text;
}

std::string base64url(Bytes data) {
    std::string text = base64(data);
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    text.erase(std::find(text.begin(), text.end(), '='), text.end());
    return text;
}

std::optional<std::vector<uint8_t>> base64url_decode(std::string_view text) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::vector<uint8_t> bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t waiting = 0;  // bits that do not fill a byte yet
    unsigned count = 0;
    for (const char c : text) {
        const size_t six = alphabet.find(c);
        if (six == alphabet.npos) return {};
        waiting = waiting << 6 | static_cast<uint32_t>(six);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<uint8_t>(waiting >> count));
        waiting &= (1u << count) - 1;
    }
    // Six bits are a character too many; two or four fill up the last one and are zero.
    if (count == 6 || waiting != 0) return {};
    return bytes;
}

}  // namespace ahoy
