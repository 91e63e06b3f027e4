#include "room/resume_ticket.h"

#include <gmock/gmock.h>

namespace ahoy::room {
namespace {

constexpr WallTime now{std::chrono::seconds(1'800'000'000)};

ResumeTicket ticket() {
    return {.room = "daily-1_x",
            .instance = 0xffff'ffff'ffff'ffff,
            .epoch = 7,
            .number = 28'847'100,
            .role = Role::host,
            .role_given = true,
            .issued_at = now,
            .name = "Ali.ce ✓"};
}

class ResumeTicketTest : public testing::Test {
  protected:
    ResumeTickets tickets{ResumeTickets::Key{1, 2, 3}, 1};
};

TEST_F(ResumeTicketTest, ComesBackAsItWas) {
    EXPECT_EQ(tickets.open(tickets.seal(ticket()), now), ticket());
    ResumeTicket other = ticket();
    other.role = Role::guest;
    other.role_given = false;
    other.name_given = true;
    other.name = "";
    EXPECT_EQ(tickets.open(tickets.seal(other), now), other);
}

TEST_F(ResumeTicketTest, AnyChangeVoidsIt) {
    const std::string text = tickets.seal(ticket());
    for (size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = changed[i] == 'a' ? 'b' : 'a';
        EXPECT_EQ(tickets.open(changed, now), std::nullopt) << i;
        EXPECT_EQ(tickets.open(text.substr(0, i), now), std::nullopt) << i;
    }
    EXPECT_EQ(tickets.open(text + "a", now), std::nullopt);
}

TEST_F(ResumeTicketTest, AnotherKeyKnowsItNot) {
    const ResumeTickets others{ResumeTickets::Key{9}, 1};
    EXPECT_EQ(others.open(tickets.seal(ticket()), now), std::nullopt);
}

TEST_F(ResumeTicketTest, LivesADay) {
    const std::string text = tickets.seal(ticket());
    EXPECT_TRUE(tickets.open(text, now + 24h));
    EXPECT_FALSE(tickets.open(text, now + 24h + 1s));
}

}  // namespace
}  // namespace ahoy::room
