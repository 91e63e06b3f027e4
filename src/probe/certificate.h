// What is to be said about the certificate of a TLS or DTLS server.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "base/time.h"
#include "probe/finding.h"

namespace ahoy::probe {

// Every fault that OpenSSL finds in a chain, each once; its handshake goes on all the same.
class CertificateFaults {
  public:
    // Before the handshake.  `host`: whose the certificate has to be; empty: anybody's.
    void watch(SSL*, const std::string& host);

    struct Fault {
        Cause cause{};
        std::string words;  // OpenSSL's
    };
    const std::vector<Fault>& all() const { return faults_; }
    void add(int error);

  private:
    std::vector<Fault> faults_;
};

// Findings of Step::certificate: one for each fault, or one that all is well.  An unchecked one
// has no faults.
std::vector<Finding> judge_certificate(const X509&, const CertificateFaults&, bool checked, Now);

}  // namespace ahoy::probe
