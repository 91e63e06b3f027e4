#include "app/log.h"

#include <gtest/gtest.h>

namespace ahoy::log {
namespace {

constexpr auto time = "2026-01-02T03:04:05.678Z";

TEST(Log, LogfmtQuotesOnlyWhatNeedsIt) {
    EXPECT_EQ(format(false, time, Level::info, "room.opened", {{"room", "tea"}, {"size", 2u}}),
              "time=2026-01-02T03:04:05.678Z level=info event=room.opened room=tea size=2");
    EXPECT_EQ(format(false, time, Level::warning, "e", {{"a", "two words"}, {"b", ""}}),
              "time=2026-01-02T03:04:05.678Z level=warning event=e a=\"two words\" b=\"\"");
}

TEST(Log, JsonHasTheSameFields) {
    EXPECT_EQ(
        format(true, time, Level::error, "e", {{"room", "a \"b\""}}),
        R"({"time":"2026-01-02T03:04:05.678Z","level":"error","event":"e","room":"a \"b\""})");
}

TEST(Log, NothingAClientSendsCanForgeALineOrSteerATerminal) {
    EXPECT_EQ(format(false, time, Level::info, "e", {{"room", "x\nlevel=error\x1b[2J"}}),
              "time=2026-01-02T03:04:05.678Z level=info event=e "
              "room=\"x\\u000alevel=error\\u001b[2J\"");
    EXPECT_EQ(format(true, time, Level::info, "e", {{"room", "\xff\n"}}),
              R"({"time":"2026-01-02T03:04:05.678Z","level":"info","event":"e",)"
              R"("room":"\u00ff\u000a"})");
}

}  // namespace
}  // namespace ahoy::log
