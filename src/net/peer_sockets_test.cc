#include "net/peer_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/check.h"
#include "net/turn_shared.h"

namespace ahoy::net {
namespace {

using Joined = turn::PeerStreams::Joined;

constexpr turn::ConnectionId id{42};

class PeerSocketsTest : public testing::Test {
  protected:
    PeerSocketsTest() {
        CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    }
    ~PeerSocketsTest() override { ::close(ends_[1]); }

    bool put() {
        return sockets.put(id, ends_[0], {turn::User("alice"), {}}, [this] { ++ended; });
    }
    int fd() const { return ends_[0]; }
    // The other end reads the end of the stream.
    bool over() const {
        char byte = 0;
        return ::recv(ends_[1], &byte, 1, MSG_DONTWAIT) == 0;
    }

    PeerSockets sockets;
    int ended = 0;

  private:
    std::array<int, 2> ends_{};
};

TEST_F(PeerSocketsTest, ItsUserJoinsItOnce) {
    ASSERT_TRUE(put());
    EXPECT_EQ(sockets.join(id, turn::User("bob")).error(), Joined::other_user);
    EXPECT_EQ(sockets.join(turn::ConnectionId{43}, turn::User("alice")).error(), Joined::unknown);
    EXPECT_EQ(sockets.join(id, turn::User("alice", turn::RealmId{1})).error(), Joined::other_user);
    EXPECT_EQ(sockets.join(id, turn::User("alice")).value().fd, fd());
    EXPECT_TRUE(sockets.is_joined(id));
    EXPECT_EQ(sockets.join(id, turn::User(turn::User("alice"))).error(), Joined::unknown);
    sockets.release(id);
    EXPECT_EQ(ended, 1);
    EXPECT_FALSE(sockets.is_joined(id));
    ::close(fd());
}

TEST_F(PeerSocketsTest, WhoJoinsItTakesOutOfItsHoldersBuckets) {
    TurnShared shared;
    const IpAddress client = IpAddress::v4(0xc6336401);
    shared.charge(turn::User("alice"), client, {.allocations = 1}, {});
    const turn::Buckets buckets = shared.buckets_of(turn::User("alice"), client, Instant{});
    ASSERT_TRUE(sockets.put(id, fd(), {turn::User("alice"), buckets}, [] {}));
    const auto taken = sockets.join(id, turn::User("alice"));
    EXPECT_EQ(taken.value().buckets.of_user, buckets.of_user);
    EXPECT_EQ(taken.value().buckets.of_network, buckets.of_network);
    sockets.release(id);
    ::close(fd());
}

TEST_F(PeerSocketsTest, AbandoningClosesOnlyWhatNobodyHasJoined) {
    ASSERT_TRUE(put());
    EXPECT_TRUE(sockets.abandon(id));
    EXPECT_TRUE(over());
    EXPECT_EQ(sockets.join(id, turn::User(turn::User("alice"))).error(), Joined::unknown);
    EXPECT_EQ(ended, 0);
}

TEST_F(PeerSocketsTest, WhatIsJoinedCannotBeAbandonedButShutDown) {
    ASSERT_TRUE(put());
    ASSERT_TRUE(sockets.join(id, turn::User(turn::User("alice"))));
    EXPECT_FALSE(sockets.abandon(id));
    EXPECT_FALSE(over());
    sockets.disconnect(id);
    EXPECT_TRUE(over());
    EXPECT_FALSE(sockets.is_joined(id));
    sockets.release(id);  // who joined it still does, and nobody needs to hear of it
    EXPECT_EQ(ended, 0);
    ::close(fd());
}

TEST_F(PeerSocketsTest, AnIdIsUsedOnce) {
    ASSERT_TRUE(put());
    const int another = ::dup(fd());
    EXPECT_FALSE(sockets.put(id, another, {turn::User("alice"), {}}, [] {}));
    EXPECT_FALSE(over());
}

}  // namespace
}  // namespace ahoy::net
