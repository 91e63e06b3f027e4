#include "base/base64.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace ahoy {
namespace {

TEST(Base64, ReadsWhatIsWritten) {
    for (const std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        const auto bytes = from_base64(base64(as_bytes(text)));
        ASSERT_TRUE(bytes);
        EXPECT_EQ(as_text(*bytes), text);
    }
}

TEST(Base64, ReadsNothingElse) {
    for (const std::string_view text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==\n",
                                        " Zg==", "Zm9vZg=v", "=Zg=", "Zm-_", "Zm9v Zm9v"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
}

}  // namespace
}  // namespace ahoy
