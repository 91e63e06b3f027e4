#include "app/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace ahoy::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> secrets(const std::string& text) {
    std::istringstream stream(text);
    return read_secrets(stream);
}

TEST(SecretFile, HasASecretALine) {
    EXPECT_THAT(secrets("north\nsouth\n"), ElementsAre("north", "south"));
    EXPECT_THAT(secrets("north"), ElementsAre("north"));
    EXPECT_THAT(secrets("#1 north\n"), ElementsAre("#1 north"));
}

TEST(SecretFile, HasNoBlanksAroundThem) {
    EXPECT_THAT(secrets("  north\t\r\n\r\n   \nsouth "), ElementsAre("north", "south"));
    EXPECT_THAT(secrets(""), IsEmpty());
    EXPECT_THAT(secrets(" \r\n\n"), IsEmpty());
}

}  // namespace
}  // namespace ahoy::app
