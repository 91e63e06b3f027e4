#include "base/aead.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/release.h"

namespace ahoy {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, Release<EVP_CIPHER_CTX_free>>;

enum Way { open = 0, seal = 1 };

// Keyed, and with the associated data taken in.
Context begin(Way way, Bytes key, Bytes nonce, Bytes associated) {
    CHECK(is_aes_gcm_key_size(key.size()));
    CHECK(nonce.size() == aes_gcm_nonce_size);  // which is what OpenSSL takes unless told otherwise
    Context context(EVP_CIPHER_CTX_new());
    CHECK(context != nullptr);
    const EVP_CIPHER* cipher = key.size() == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    CHECK(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nonce.data(), way) == 1);
    int size = 0;
    CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, associated.data(),
                           static_cast<int>(associated.size())) == 1);
    return context;
}

// GCM is a stream: as many bytes as went in.
void update(EVP_CIPHER_CTX* context, uint8_t* out, Bytes in) {
    int size = 0;
    CHECK(EVP_CipherUpdate(context, out, &size, in.data(), static_cast<int>(in.size())) == 1);
    CHECK(static_cast<size_t>(size) == in.size());
}

}  // namespace

std::vector<uint8_t> aes_gcm_seal(Bytes key, Bytes nonce, Bytes associated, Bytes plaintext) {
    const Context context = begin(seal, key, nonce, associated);
    std::vector<uint8_t> sealed(plaintext.size() + aes_gcm_tag_size);
    update(context.get(), sealed.data(), plaintext);
    int none = 0;
    uint8_t* const tag = sealed.data() + plaintext.size();
    CHECK(EVP_CipherFinal_ex(context.get(), tag, &none) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, aes_gcm_tag_size, tag) == 1);
    return sealed;
}

std::optional<std::vector<uint8_t>> aes_gcm_open(Bytes key, Bytes nonce, Bytes associated,
                                                 Bytes sealed) {
    if (sealed.size() < aes_gcm_tag_size) return {};
    const Context context = begin(open, key, nonce, associated);
    const Bytes ciphertext = sealed.first(sealed.size() - aes_gcm_tag_size);
    std::array<uint8_t, aes_gcm_tag_size> tag;
    std::copy_n(sealed.begin() + static_cast<ptrdiff_t>(ciphertext.size()), tag.size(),
                tag.begin());
    CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag.size(), tag.data()) == 1);
    std::vector<uint8_t> plaintext(ciphertext.size() + 1);  // never without an address
    update(context.get(), plaintext.data(), ciphertext);
    int none = 0;
    if (EVP_CipherFinal_ex(context.get(), plaintext.data() + ciphertext.size(), &none) != 1) {
        return {};
    }
    plaintext.resize(ciphertext.size());
    return plaintext;
}

}  // namespace ahoy
