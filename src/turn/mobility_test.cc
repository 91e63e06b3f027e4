#include "turn/mobility.h"

#include <gtest/gtest.h>

namespace ahoy::turn {
namespace {

const FiveTuple here{SocketId{1}, *TransportAddress::parse("5.6.7.8:1"), {}};
const FiveTuple there{SocketId{1}, *TransportAddress::parse("5.6.7.8:2"), {}};

Ticket ticket_of(MobileId id, uint32_t epoch) {
    return {id, epoch, Ticket::hash(User("alice")), make_keys("alice", "ahoy", "wonder")};
}

TEST(Tickets, M08_SayAgainWhatWasSealed) {
    Random random = Random::from_number(1);
    const Tickets tickets({7});
    Ticket ticket = ticket_of(MobileId{3}, 4);
    EXPECT_EQ(tickets.open(tickets.seal(ticket, random)), ticket);
    ticket.keys.sha256.reset();
    EXPECT_EQ(tickets.open(tickets.seal(ticket, random)), ticket);
    EXPECT_TRUE(ticket.is_of(User("alice")));
    EXPECT_FALSE(ticket.is_of(User("bob")));
    EXPECT_FALSE(ticket.is_of(User("alice", RealmId{1})));
}

TEST(Tickets, M08_TellAStrangerNothingAndAreNeverTheSame) {
    Random random = Random::from_number(1);
    const Tickets tickets({7});
    const auto one = tickets.seal(ticket_of(MobileId{3}, 4), random);
    const auto two = tickets.seal(ticket_of(MobileId{3}, 4), random);
    EXPECT_NE(one, two);
    EXPECT_EQ(one.size(), two.size());
    EXPECT_LE(one.size(), 128u);
    const auto user = Ticket::hash(User("alice"));
    EXPECT_EQ(std::search(one.begin(), one.end(), user.begin(), user.end()), one.end());
}

TEST(Tickets, M05_M08_AreOpenedByTheirSecretAloneAndWhole) {
    Random random = Random::from_number(1);
    const Tickets tickets({7});
    const auto sealed = tickets.seal(ticket_of(MobileId{3}, 4), random);
    EXPECT_FALSE(Tickets({8}).open(sealed));
    for (size_t i = 0; i < sealed.size(); ++i) {
        auto spoilt = sealed;
        spoilt[i] ^= 0x80;
        EXPECT_FALSE(tickets.open(spoilt)) << i;
        EXPECT_FALSE(tickets.open(Bytes(sealed).first(i))) << i;
    }
    auto longer = sealed;
    longer.push_back(0);
    EXPECT_FALSE(tickets.open(longer));
}

TEST(MobileAllocations, M08_OnlyTheLatestTicketClaims) {
    MobileAllocations all;
    const MobileId id = all.begin(0);
    EXPECT_FALSE(all.claim(ticket_of(MobileId{99}, 1), 1, here));
    EXPECT_FALSE(all.claim(ticket_of(id, 0), 1, here));
    EXPECT_FALSE(all.claim(ticket_of(id, 2), 1, here));
    EXPECT_TRUE(all.claim(ticket_of(id, 1), 1, here));
    EXPECT_TRUE(all.hand_over(id, {}));
    EXPECT_EQ(all.owner(id), 1u);
    EXPECT_FALSE(all.claim(ticket_of(id, 1), 0, there));
    EXPECT_TRUE(all.claim(ticket_of(id, 2), 0, there));
}

TEST(MobileAllocations, M08_ATicketWhoseAnswerWasLostClaimsAgainUntilTheMoveIsMade) {
    MobileAllocations all;
    const MobileId id = all.begin(0);
    const auto first = all.claim(ticket_of(id, 1), 1, here);
    EXPECT_FALSE(first->voided);
    const auto second = all.claim(ticket_of(id, 1), 2, there);
    EXPECT_EQ(second->voided->id, first->id);
    EXPECT_EQ(second->voided->shard, 1u);
    EXPECT_EQ(second->voided->five_tuple, here);
    EXPECT_TRUE(all.claim(ticket_of(id, 2), 1, here));
    EXPECT_FALSE(all.claim(ticket_of(id, 1), 1, here));
}

TEST(MobileAllocations, M09_AClaimThatAnotherFollowedGetsNothing) {
    MobileAllocations all;
    const MobileId id = all.begin(0);
    EXPECT_FALSE(all.hand_over(id, {}));
    const auto first = all.claim(ticket_of(id, 1), 1, here);
    const auto second = all.claim(ticket_of(id, 1), 2, there);
    EXPECT_FALSE(all.hand_over(id, first->id));
    EXPECT_EQ(all.owner(id), 0u);
    EXPECT_EQ(all.hand_over(id, second->id)->shard, 2u);
    EXPECT_FALSE(all.hand_over(id, second->id));
}

TEST(MobileAllocations, M09_TheEndVoidsTheClaim) {
    MobileAllocations all;
    const MobileId id = all.begin(0);
    const auto claim = all.claim(ticket_of(id, 1), 1, here);
    EXPECT_EQ(all.end(id)->id, claim->id);
    EXPECT_FALSE(all.owner(id));
    EXPECT_FALSE(all.hand_over(id, {}));
    EXPECT_FALSE(all.claim(ticket_of(id, 2), 1, here));
    EXPECT_FALSE(all.end(all.begin(0)));
}

}  // namespace
}  // namespace ahoy::turn
