#include "net/tls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "base/release.h"
#include "net/start_error.h"

namespace ahoy::net {
namespace {

namespace ssl = boost::asio::ssl;

constexpr int days_valid = 397;  // the longest that browsers take from anybody
constexpr int days_spare = 30;

using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using File = std::unique_ptr<FILE, Release<fclose>>;

[[noreturn]] void refuse(std::string_view key, const std::string& file, std::string_view why) {
    throw StartError(fmt::format("{}: {}: {}", key, file, why));
}

void check_readable(std::string_view key, const std::string& file) {
    if (!File(std::fopen(file.c_str(), "re"))) refuse(key, file, std::strerror(errno));
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
    // Told by their first bytes anyway; who asks for one by name (RFC 7443) is told that we agree.
    static constexpr std::string_view known = "\x08http/1.1\x09stun.turn\x12stun.nat-discovery";
    const int match = SSL_select_next_proto(const_cast<unsigned char**>(out), out_size,
                                            reinterpret_cast<const unsigned char*>(known.data()),
                                            static_cast<unsigned>(known.size()), in, in_size);
    return match == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void add_extension(X509& certificate, int id, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    CHECK(extension != nullptr);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

Certificate sign_self(EVP_PKEY& key, const std::string& name) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    std::array<unsigned char, 16> serial{};
    CHECK(RAND_bytes(serial.data(), serial.size()) == 1);
    serial[0] &= 0x7f;
    BIGNUM* const number = BN_bin2bn(serial.data(), serial.size(), nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
    BN_free(number);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days_valid, 0, nullptr);
    X509_set_pubkey(certificate.get(), &key);
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    add_extension(*certificate, NID_subject_alt_name,
                  fmt::format("DNS:{},DNS:localhost,IP:127.0.0.1,IP:::1", name).c_str());
    add_extension(*certificate, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*certificate, NID_ext_key_usage, "serverAuth");
    CHECK(X509_sign(certificate.get(), &key, EVP_sha256()) > 0);
    return certificate;
}

// Null if the file is not there or holds something else.
template <class Pointer, class Read>
Pointer read_pem(const std::filesystem::path& file, Read read) {
    const File stream(std::fopen(file.c_str(), "re"));
    return Pointer(stream ? read(stream.get(), nullptr, nullptr, nullptr) : nullptr);
}

// They are there, belong together (the power may fail between writing the one and the other), and
// the certificate lasts for a while.
bool usable(const CertificateFiles& files) {
    const auto certificate = read_pem<Certificate>(files.certificate, PEM_read_X509);
    const auto key = read_pem<PrivateKey>(files.key, PEM_read_PrivateKey);
    if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1) {
        return false;
    }
    int days = 0;
    int seconds = 0;
    const ASN1_TIME* const end = X509_get0_notAfter(certificate.get());
    return ASN1_TIME_diff(&days, &seconds, nullptr, end) == 1 && days >= days_spare;
}

// Whole or not at all, and readable by nobody else.
template <class Write>
void write_private(const std::filesystem::path& file, Write write) {
    const std::string part = file.string() + ".part";
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    File stream(fd < 0 ? nullptr : ::fdopen(fd, "w"));
    if (!stream || !write(stream.get()) || std::fflush(stream.get()) != 0 ||
        ::rename(part.c_str(), file.c_str()) != 0) {
        refuse("tls.certificate", file.string(), std::strerror(errno));
    }
}

std::shared_ptr<ssl::context> load_context(const SSL_METHOD* method, int oldest,
                                           const std::string& certificate, const std::string& key) {
    auto context = std::make_shared<ssl::context>(SSL_CTX_new(method));
    SSL_CTX* const native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, oldest);
    SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(native, select_alpn, nullptr);

    boost::system::error_code error;
    context->use_certificate_chain_file(certificate, error);
    if (error) {
        refuse("tls.certificate", certificate,
               fmt::format("is not a PEM certificate chain ({})", error.message()));
    }
    context->use_private_key_file(key, ssl::context::pem, error);
    if (error) {
        refuse("tls.key", key,
               fmt::format("is not the PEM private key of {} ({})", certificate, error.message()));
    }
    return context;
}

}  // namespace

TlsContexts load_tls(const std::string& certificate, const std::string& key) {
    check_readable("tls.certificate", certificate);
    check_readable("tls.key", key);
    return {load_context(TLS_server_method(), TLS1_2_VERSION, certificate, key),
            load_context(DTLS_server_method(), DTLS1_2_VERSION, certificate, key)};
}

CertificateFiles keep_self_signed(const std::filesystem::path& directory, const std::string& name) {
    const CertificateFiles files{directory / "certificate.pem", directory / "key.pem"};
    if (usable(files)) return files;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) refuse("tls.certificate", directory.string(), error.message());
    const PrivateKey key(EVP_EC_gen("P-256"));
    CHECK(key != nullptr);
    const Certificate certificate = sign_self(*key, name);
    write_private(files.key, [&](FILE* out) {
        return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
    });
    write_private(files.certificate,
                  [&](FILE* out) { return PEM_write_X509(out, certificate.get()) == 1; });
    return files;
}

}  // namespace ahoy::net
