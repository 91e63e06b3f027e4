// debug=loopback (apprtc.md, section 1.3).
#include <gtest/gtest.h>

#include "room/rooms.h"
#include "room/testing.h"

namespace ahoy::room {
namespace {

using testing::ElementsAre;

TEST_F(RoomsTest, LoopbackTakesTheSecondSeat) {
    const auto a = join("room", Rooms::Mode::loopback);
    EXPECT_TRUE(full());
    message(a.client_id, "offer");
    EXPECT_TRUE(connect(2, "loopback_client_id"));
    EXPECT_THAT(delivered(), ElementsAre(to(2, "offer")));
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID"));  // the same seat
    connect(1, a.client_id);
    send(2, "answer");
    EXPECT_THAT(delivered(), ElementsAre(to(1, "answer")));
}

TEST_F(RoomsTest, LoopbackGoesWithWhoeverAskedForIt) {
    const auto a = join("room", Rooms::Mode::loopback);
    connect(1, a.client_id);
    connect(2, "LOOPBACK_CLIENT_ID");
    leave(a.client_id);
    EXPECT_THAT(delivered(), ElementsAre(close(2)));
    EXPECT_EQ(rooms->seats_taken("room"), 0u);
}

TEST_F(RoomsTest, LoopbackNamesOpenNoOtherRoomAndNothingElse) {
    const auto a = join("room", Rooms::Mode::loopback);
    join("other");
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID", "other"));
    EXPECT_FALSE(message("LOOPBACK_CLIENT_ID", "x"));
    EXPECT_FALSE(post("loopback_client_id", "x"));
    remove("LOOPBACK_CLIENT_ID");
    leave("LOOPBACK_CLIENT_ID");
    EXPECT_TRUE(full());
}

TEST_F(RoomsTest, ASecondJoinerWhoAsksForLoopbackIsAnOrdinaryOne) {
    join();
    join("room", Rooms::Mode::loopback);
    EXPECT_EQ(rooms->seats_taken("room"), 2u);
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID"));
}

}  // namespace
}  // namespace ahoy::room
