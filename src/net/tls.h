// TLS contexts: certificates from files, or a self-signed one made once and kept.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>

namespace ahoy::net {

struct TlsContexts {
    std::shared_ptr<boost::asio::ssl::context> tls;
    std::shared_ptr<boost::asio::ssl::context> dtls;
};

// TLS 1.2 and 1.3 and DTLS 1.2, forward secrecy only; `http/1.1`, `stun.turn` or
// `stun.nat-discovery` when the client asks by ALPN (RFC 7443).
// Throws StartError, which names the file.
TlsContexts load_tls(const std::string& certificate, const std::string& key);

struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};
// A self-signed certificate in `directory`, made when there is none or when it has less than a
// month left.  Throws StartError.
CertificateFiles keep_self_signed(const std::filesystem::path& directory, const std::string& name);

}  // namespace ahoy::net
