#include "probe/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <memory>

namespace ahoy::probe {
namespace {

using testing::HasSubstr;

const Now now{Instant{} + 1h, WallTime(1'700'000'000s)};

struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Certificate certificate(int days_left, const char* names) {
    Certificate made(X509_new());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("subject"), -1, -1, 0);
    time_t at = now.wall.time_since_epoch().count();
    X509_time_adj_ex(X509_getm_notAfter(made.get()), days_left, 10, &at);
    if (names != nullptr) {
        X509_EXTENSION* const extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
        X509_add_ext(made.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }
    return made;
}

TEST(Certificate, ThatHoldsIsToldWithItsNamesAndDays) {
    const auto made = certificate(60, "DNS:a.example,DNS:b.example,DNS:c.example,DNS:d.example");
    const auto findings = judge_certificate(*made, {}, true, now);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].verdict, Verdict::ok);
    EXPECT_EQ(findings[0].detail, "for a.example, b.example, c.example and 1 more, 60 days left");
    EXPECT_THAT(judge_certificate(*certificate(60, nullptr), {}, true, now)[0].detail,
                HasSubstr("CN=subject"));
}

TEST(Certificate, IsWarnedOfBeforeItExpires) {
    const auto verdict = [](int days) {
        return judge_certificate(*certificate(days, nullptr), {}, true, now)[0].verdict;
    };
    EXPECT_EQ(verdict(14), Verdict::ok);
    EXPECT_EQ(verdict(13), Verdict::warning);
}

TEST(Certificate, HasEachOfItsFaultsInItsOwnWords) {
    CertificateFaults faults;
    faults.add(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    faults.add(X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);  // says the same
    faults.add(X509_V_ERR_CERT_HAS_EXPIRED);
    faults.add(X509_V_ERR_HOSTNAME_MISMATCH);
    const auto findings = judge_certificate(*certificate(-3, nullptr), faults, true, now);
    ASSERT_EQ(findings.size(), 3u);
    EXPECT_EQ(findings[0].cause, Cause::unknown_issuer);
    EXPECT_EQ(findings[1].cause, Cause::expired);
    EXPECT_THAT(findings[1].detail, HasSubstr("expired 2 days ago"));
    EXPECT_EQ(findings[2].cause, Cause::wrong_name);
    for (const Finding& finding : findings) EXPECT_EQ(finding.verdict, Verdict::failed);
}

TEST(Certificate, ThatIsNotCheckedHasNoFaults) {
    const auto findings = judge_certificate(*certificate(-3, nullptr), {}, false, now);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].verdict, Verdict::ok);
    EXPECT_THAT(findings[0].detail, HasSubstr("not checked"));
}

TEST(Certificate, FaultsAreToldApart) {
    for (const auto& [error, cause] :
         {std::pair{X509_V_ERR_CERT_NOT_YET_VALID, Cause::not_yet_valid},
          {X509_V_ERR_IP_ADDRESS_MISMATCH, Cause::wrong_name},
          {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, Cause::self_signed},
          {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, Cause::unknown_issuer},
          {X509_V_ERR_CERT_REVOKED, Cause::bad_certificate}}) {
        CertificateFaults faults;
        faults.add(error);
        EXPECT_EQ(faults.all().at(0).cause, cause);
    }
}

}  // namespace
}  // namespace ahoy::probe
