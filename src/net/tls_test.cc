#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "net/start_error.h"

namespace ahoy::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class SelfSigned : public testing::Test {
  protected:
    SelfSigned() : folder_(std::filesystem::temp_directory_path() / unique_name()) {}
    ~SelfSigned() override { std::filesystem::remove_all(folder_); }
    CertificateFiles keep() { return keep_self_signed(folder_, "call.example.org"); }

  private:
    static std::string unique_name() {
        const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
        return std::string("ahoy-tls-") + test->name() + '-' + std::to_string(::getpid());
    }
    const std::filesystem::path folder_;
};

TEST_F(SelfSigned, IsMadeOnceAndKept) {
    const CertificateFiles files = keep();
    const std::string certificate = text_of(files.certificate);
    const std::string key = text_of(files.key);
    keep();
    EXPECT_EQ(text_of(files.certificate), certificate);
    EXPECT_EQ(text_of(files.key), key);
    EXPECT_NO_THROW(load_tls(files.certificate, files.key));
    const auto forbidden = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
    EXPECT_EQ(std::filesystem::status(files.key).permissions() & forbidden,
              std::filesystem::perms::none);
}

TEST_F(SelfSigned, IsMadeAgainWhenTheTwoFilesDoNotBelongTogether) {
    const CertificateFiles files = keep();
    const std::string old_key = text_of(files.key);
    std::filesystem::remove(files.key);
    keep();
    std::ofstream(files.key) << old_key;
    keep();
    EXPECT_NO_THROW(load_tls(files.certificate, files.key));
}

TEST_F(SelfSigned, WhatIsNoKeyOfTheCertificateIsNamed) {
    const CertificateFiles files = keep();
    try {
        load_tls(files.certificate, files.certificate);
        FAIL() << "a certificate is no key";
    } catch (const StartError& error) {
        EXPECT_THAT(error.what(), AllOf(HasSubstr("tls.key"), HasSubstr("certificate.pem")));
    }
}

}  // namespace
}  // namespace ahoy::net
