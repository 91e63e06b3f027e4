#include "probe/certificate.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "base/address.h"
#include "base/release.h"

namespace ahoy::probe {
namespace {

constexpr int few_days = 14;

Cause cause_of_error(int error) {
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return Cause::expired;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return Cause::not_yet_valid;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return Cause::wrong_name;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return Cause::self_signed;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return Cause::unknown_issuer;
        default:
            return Cause::bad_certificate;
    }
}

int index_of_faults() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

int collect(int good, X509_STORE_CTX* store) {
    if (good != 1) {
        const auto* const ssl = static_cast<const SSL*>(
            X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        static_cast<CertificateFaults*>(SSL_get_ex_data(ssl, index_of_faults()))
            ->add(X509_STORE_CTX_get_error(store));
    }
    return 1;
}

// The names it is for, or its subject where it has none.
std::string names_of(const X509& certificate) {
    constexpr int most = 3;
    std::string names;
    const std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>> all(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
        int type = 0;
        const auto* const value = static_cast<const ASN1_STRING*>(
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type));
        if (type != GEN_DNS || ++found > most) continue;
        names += fmt::format(
            "{}{}", names.empty() ? "" : ", ",
            std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                             static_cast<size_t>(ASN1_STRING_length(value))));
    }
    if (found > most) names += fmt::format(" and {} more", found - most);
    if (!names.empty()) return printable(names);
    std::array<char, 256> subject{};
    X509_NAME_oneline(X509_get_subject_name(&certificate), subject.data(), subject.size());
    return printable(subject.data());
}

int days_left(const X509& certificate, WallTime now) {
    const auto at = static_cast<time_t>(now.time_since_epoch().count());
    const std::unique_ptr<ASN1_TIME, Release<ASN1_TIME_free>> from(ASN1_TIME_set(nullptr, at));
    int days = 0;
    int seconds = 0;
    if (!from ||
        ASN1_TIME_diff(&days, &seconds, from.get(), X509_get0_notAfter(&certificate)) != 1) {
        return 0;
    }
    return days;
}

}  // namespace

void CertificateFaults::watch(SSL* ssl, const std::string& host) {
    SSL_set_ex_data(ssl, index_of_faults(), this);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, collect);
    if (host.empty()) return;
    if (IpAddress::parse(host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host.c_str());
    }
}

void CertificateFaults::add(int error) {
    const Cause cause = cause_of_error(error);
    const bool known = std::any_of(faults_.begin(), faults_.end(),
                                   [&](const Fault& fault) { return fault.cause == cause; });
    if (!known) faults_.push_back({cause, X509_verify_cert_error_string(error)});
}

std::vector<Finding> judge_certificate(const X509& certificate, const CertificateFaults& faults,
                                       bool checked, Now now) {
    const int days = days_left(certificate, now.wall);
    const std::string what = fmt::format(
        "for {}, {}", names_of(certificate),
        days < 0 ? fmt::format("expired {} days ago", -days) : fmt::format("{} days left", days));
    Finding finding{.step = Step::certificate};
    if (!checked) {
        finding.detail = what + "; not checked (--insecure)";
        return {finding};
    }
    std::vector<Finding> findings;
    for (const auto& fault : faults.all()) {
        finding.verdict = Verdict::failed;
        finding.cause = fault.cause;
        finding.detail = fmt::format("{} ({})", what, fault.words);
        findings.push_back(finding);
    }
    if (!findings.empty()) return findings;
    finding.detail = what;
    if (days < few_days) {
        finding.verdict = Verdict::warning;
        finding.cause = Cause::expires_soon;
    }
    return {finding};
}

}  // namespace ahoy::probe
