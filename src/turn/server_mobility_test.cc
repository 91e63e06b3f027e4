// Mobility (RFC 8016): two shards of one server.
#include <deque>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

// What one shard says to the others; nothing is heard before hear_all().
class FakeMoves : public Moves {
  public:
    struct Shared {
        MobileAllocations allocations;
        std::vector<Server*> servers;
        std::deque<std::function<void(Outbox&)>> posted;
        std::deque<Waiting> handed_up;  // their bytes are in the outbox
        Now* now = nullptr;
    };
    FakeMoves(unsigned shard, Shared& shared) : shard_(shard), shared_(shared) {}

    MobileId begin() override { return shared_.allocations.begin(shard_); }
    void end(MobileId id) override { voids(shared_.allocations.end(id)); }
    std::optional<ClaimId> claim(const Ticket& ticket, const FiveTuple& five_tuple) override {
        const auto claimed = shared_.allocations.claim(ticket, shard_, five_tuple);
        if (!claimed) return {};
        voids(claimed->voided);
        return claimed->id;
    }
    void prolong(MobileId id, Duration lifetime) override {
        shared_.posted.push_back([this, id, lifetime](Outbox&) {
            if (Server* owner = owner_of(id)) owner->prolong(*shared_.now, id, lifetime);
        });
    }
    void fetch(MobileId id, ClaimId claim) override { hands_over(id, claim); }
    void offer(MobileId id) override { hands_over(id, {}); }

  private:
    Server* owner_of(MobileId id) {
        const auto owner = shared_.allocations.owner(id);
        return owner ? shared_.servers[*owner] : nullptr;
    }
    void voids(const std::optional<Claim>& claim) {
        if (!claim) return;
        shared_.posted.push_back([this, claim = *claim](Outbox& out) {
            hand_up(claim.shard, shared_.servers[claim.shard]->claim_voided(claim), out);
        });
    }
    void hands_over(MobileId id, std::optional<ClaimId> only) {
        shared_.posted.push_back([this, id, only](Outbox& out) {
            Server* const owner = owner_of(id);
            const auto claim = shared_.allocations.hand_over(id, only);
            if (!claim) return;
            hand_up(
                claim->shard,
                shared_.servers[claim->shard]->take_over(*shared_.now, owner->give_up(id), *claim),
                out);
        });
    }
    void hand_up(unsigned shard, Waiting waiting, Outbox& out) {
        const Waiting& kept = shared_.handed_up.emplace_back(std::move(waiting));
        for (const auto& message : kept.messages) {
            shared_.servers[shard]->from_client(*shared_.now, kept.datagram(message), out);
        }
    }

    const unsigned shard_;
    Shared& shared_;
};

// Even sockets are of the first shard, odd ones of the second.
constexpr SocketId first_shard{2}, second_shard{3};

class MobilityTest : public testing::Test {
  protected:
    explicit MobilityTest(ServerConfig config = {})
        : world(config),
          other(config, Realms::only(World::credentials(), PeerPolicy({}, {listener})), Nonces({7}),
                world.ports, world.observer, Random::from_number(2)) {
        world.shards.push_back(&other);
        shared.servers = world.shards;
        shared.now = &world.now;
        world.afterwards = [this](Outbox& out) {
            if (!deaf) hear_all(out);
        };
        world.server.offer_mobility(tickets, moves);
        other.offer_mobility(tickets, other_moves);
    }

    void hear_all(Outbox& out) {
        while (!shared.posted.empty()) {
            const auto call = std::move(shared.posted.front());
            shared.posted.pop_front();
            call(out);
        }
    }
    size_t live() const {
        return world.server.stats().allocations_live + other.stats().allocations_live;
    }
    uint64_t moves_made() const { return world.server.stats().moves + other.stats().moves; }

    TestClient client(std::string_view from, SocketId socket = second_shard,
                      Transport transport = Transport::udp, std::string user = "alice",
                      std::string password = "wonder") {
        TestClient made(world, from, std::move(user), std::move(password));
        made.socket = socket;
        made.transport = transport;
        return made;
    }
    // On the first shard, with a ticket, a permission and a channel.
    TestClient mobile(Transport transport = Transport::udp) {
        TestClient made = client("5.6.7.8:1234", first_shard, transport);
        ticket = ticket_in(made.allocates(wants_ticket));
        EXPECT_EQ(made.binds(0x4000, peer).code(), Response::success);
        return made;
    }
    static void wants_ticket(MessageWriter& w) { w.attribute(AttributeType::mobility_ticket, {}); }
    static Payload ticket_in(const Response& response) {
        EXPECT_EQ(response.code(), Response::success);
        if (response.code() != Response::success) return {};
        const auto value = response.message().find(AttributeType::mobility_ticket);
        EXPECT_TRUE(value && !value->empty());
        return {value->begin(), value->end()};
    }
    static Response brings(TestClient& who, const Payload& value, const AddAttributes& more = {}) {
        return who.asks(Method::refresh, [&](MessageWriter& w) {
            w.attribute(AttributeType::mobility_ticket, value);
            if (more) more(w);
        });
    }
    // Whom the peer's datagram reaches.
    std::optional<TransportAddress> hearer(const TestClient& owner) {
        const auto sent = world.from_peer(owner.relay, peer, bytes_of("hi"));
        if (sent.empty()) return {};
        EXPECT_EQ(sent.size(), 1u);
        return sent[0].to;
    }
    static void comes(TestClient& moved, const TestClient& from) { moved.relay = from.relay; }

    World world;
    Server other;
    const Tickets tickets{{5}};
    FakeMoves::Shared shared;
    FakeMoves moves{0, shared}, other_moves{1, shared};
    bool deaf = false;  // what is posted waits
    Payload ticket;
};

TEST_F(MobilityTest, M01_WhoAsksForATicketGetsOneAndWhoDoesNotDoesNot) {
    TestClient asks = client("5.6.7.8:1");
    EXPECT_FALSE(ticket_in(asks.allocates(wants_ticket)).empty());
    TestClient does_not = client("5.6.7.8:2");
    EXPECT_FALSE(does_not.allocates().has(AttributeType::mobility_ticket));
    EXPECT_FALSE(does_not.refreshes(600).has(AttributeType::mobility_ticket));
}

TEST_F(MobilityTest, M01_A22_ARepeatedAllocateHasATicketToo) {
    TestClient alice = client("5.6.7.8:1");
    alice.fetches_nonce();
    alice.renews_id();
    const auto request = alice.writes_signed(Method::allocate, [](MessageWriter& w) {
        TestClient::udp(w);
        wants_ticket(w);
    });
    const auto first = tickets.open(ticket_in(alice.sends_raw(request)));
    EXPECT_TRUE(first.has_value());
    EXPECT_EQ(tickets.open(ticket_in(alice.sends_raw(request))), first);
    EXPECT_EQ(live(), 1u);
}

TEST_F(MobilityTest, M02_ATicketInAllocateIsEmpty) {
    TestClient alice = client("5.6.7.8:1");
    const auto has_one = [](MessageWriter& w) { w.text(AttributeType::mobility_ticket, "x"); };
    EXPECT_EQ(alice.allocates(has_one).code(), 400);
    EXPECT_EQ(live(), 0u);
}

TEST_F(MobilityTest, M03_SwitchedOffTicketsAreForbidden) {
    World without;
    TestClient alice(without);
    EXPECT_EQ(alice.allocates(wants_ticket).code(), 405);
    EXPECT_EQ(alice.allocates().code(), Response::success);
    EXPECT_EQ(brings(alice, {1}).code(), 405);
}

TEST_F(MobilityTest, M04_WhatTheShellRelaysFollowsTheClient) {
    FakeFastPath path, other_path;
    world.server.relay_by(path);
    other.relay_by(other_path);
    TestClient before = mobile();
    path.only().carried.to_peer = {7, 700};
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    EXPECT_EQ(path.only().shortcut.client.client, before.address) << "not used yet";
    comes(after, before);
    after.sends_on(0x4000, "hi");
    EXPECT_TRUE(path.shortcuts.empty());
    EXPECT_EQ(other_path.only().shortcut.client.client, after.address);
    EXPECT_EQ(world.server.stats().to_peers.packets, 7u);
}

TEST_F(MobilityTest, M04_AClientComesBackToItsAllocationOnAnotherShard) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    const Payload next = ticket_in(brings(after, ticket));
    EXPECT_NE(next, ticket);
    comes(after, before);

    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 1u);
    EXPECT_EQ(hearer(after), after.address);
    EXPECT_EQ(world.server.stats().allocations_live, 0u);
    EXPECT_EQ(other.stats().allocations_live, 1u);
    EXPECT_EQ(moves_made(), 1u);
    EXPECT_EQ(world.observer.moved, std::vector{after.address});
    EXPECT_TRUE(world.observer.ended.empty());
    EXPECT_EQ(before.refreshes(600).code(), 437);
    EXPECT_EQ(after.refreshes(0).code(), Response::success);
    EXPECT_EQ(live(), 0u);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(MobilityTest, M04_OrOnTheSame) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7", first_shard);
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 1u);
    EXPECT_EQ(world.server.stats().allocations_live, 1u);
    EXPECT_EQ(before.sends_on(0x4000, "hi").size(), 0u);
}

TEST_F(MobilityTest, M04_AMoveIsARefresh) {
    TestClient before = mobile();
    world.passes(9min);
    TestClient after = client("7.7.7.7:7");
    const auto lifetime = [](MessageWriter& w) { w.number(AttributeType::lifetime, 1200); };
    EXPECT_EQ(brings(after, ticket, lifetime).lifetime(), 1200);
    world.passes(19min);
    EXPECT_EQ(live(), 1u);
    world.passes(1min);
    EXPECT_EQ(live(), 0u);
}

TEST_F(MobilityTest, M04_OrTheEndOfTheAllocation) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    const auto none = [](MessageWriter& w) { w.number(AttributeType::lifetime, 0); };
    const auto answer = brings(after, ticket, none);
    EXPECT_EQ(answer.lifetime(), 0);
    EXPECT_FALSE(answer.has(AttributeType::mobility_ticket));
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::deleted});
    EXPECT_FALSE(other.has_allocation({second_shard, after.address, listener}, world.now));
}

TEST_F(MobilityTest, M04_OfWhatFamilyIsNotSaid) {
    mobile();
    TestClient after = client("7.7.7.7:7");
    const auto v6 = [](MessageWriter& w) {
        w.number(AttributeType::requested_address_family, 2u << 24);
    };
    EXPECT_EQ(brings(after, ticket, v6).code(), 400);
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
}

TEST_F(MobilityTest, M04_BothFamiliesMove) {
    TestClient before = client("5.6.7.8:1234", first_shard);
    const auto both = [](MessageWriter& w) {
        wants_ticket(w);
        w.number(AttributeType::additional_address_family, 2u << 24);
    };
    ticket = ticket_in(before.allocates(both));
    EXPECT_EQ(before.permits({peer, ipv6_peer}).code(), Response::success);
    TestClient after = client("7.7.7.7:7");
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
    EXPECT_EQ(after.sends(ipv6_peer, "hi").size(), 1u);
    EXPECT_EQ(after.sends(peer, "hi").size(), 1u);
    EXPECT_EQ(world.ports.live.size(), 2u);
}

TEST_F(MobilityTest, M04_WhoHasNotMovedBringsNoTicket) {
    TestClient alice = mobile();
    EXPECT_EQ(brings(alice, ticket).code(), 400);
    EXPECT_EQ(alice.sends_on(0x4000, "hi").size(), 1u);
}

// A ticket works as long as its allocation does, as the five-tuple would have.
TEST_F(MobilityTest, M04_EvenWhenTheCredentialIsOver) {
    const auto rest = mint("north", "carol", 5min, world.now);
    TestClient before =
        client("5.6.7.8:1234", first_shard, Transport::udp, rest.username, rest.password);
    ticket = ticket_in(before.allocates(wants_ticket));
    world.passes(9min);
    TestClient after =
        client("7.7.7.7:7", second_shard, Transport::udp, rest.username, rest.password);
    EXPECT_EQ(after.allocates().code(), 401);
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
    EXPECT_EQ(after.permits({peer}).code(), Response::success);
}

TEST_F(MobilityTest, M05_AForgedTicketIsOfNoUse) {
    mobile();
    TestClient after = client("7.7.7.7:7");
    Payload spoilt = ticket;
    spoilt.back() ^= 1;
    Random random = Random::from_number(3);
    const Ticket unknown{MobileId{77}, 1, Ticket::hash(User("alice")), after.keys()};
    for (const Payload& bad :
         {spoilt, Payload{}, Payload{1}, Payload(ticket.size()),
          Payload(ticket.begin(), ticket.end() - 1),
          Tickets({6}).seal(*tickets.open(ticket), random), tickets.seal(unknown, random)}) {
        EXPECT_EQ(brings(after, bad).code(), 437);
    }
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
}

TEST_F(MobilityTest, M05_AllocationsThatHaveEndedHaveNoTickets) {
    TestClient before = mobile();
    before.refreshes(0);
    TestClient after = client("7.7.7.7:7");
    EXPECT_EQ(brings(after, ticket).code(), 437);
}

TEST_F(MobilityTest, M06_ATicketIsOfItsUser) {
    TestClient before = mobile();
    TestClient bob = client("7.7.7.7:7", second_shard, Transport::udp, "bob", "builder");
    EXPECT_EQ(brings(bob, ticket).code(), 441);
    TestClient nobody = client("7.7.7.7:8", second_shard, Transport::udp, "alice", "wrong");
    EXPECT_EQ(brings(nobody, ticket).code(), 401);
    EXPECT_EQ(bob.sends_on(0x4000, "hi").size(), 0u);
    EXPECT_EQ(before.sends_on(0x4000, "hi").size(), 1u);
    TestClient after = client("7.7.7.7:9");
    EXPECT_EQ(brings(after, ticket).code(), Response::success);  // it was not used up
}

TEST_F(MobilityTest, M07_TheOldFiveTupleIsServedUntilTheNewOneIsUsed) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    EXPECT_EQ(hearer(before), before.address);
    EXPECT_EQ(before.sends_on(0x4000, "old").size(), 1u);
    EXPECT_EQ(before.refreshes(600).code(), Response::success);
    // A question about addresses uses nothing.
    EXPECT_EQ(after.asks_unsigned(Method::binding).code(), Response::success);
    EXPECT_EQ(hearer(before), before.address);

    EXPECT_EQ(after.sends(peer, "new").size(), 1u);
    EXPECT_EQ(hearer(before), after.address);
    EXPECT_EQ(before.sends_on(0x4000, "old").size(), 0u);
}

TEST_F(MobilityTest, M07_ARequestUsesItToo) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    EXPECT_EQ(after.permits({at("8.8.8.8:1")}).code(), Response::success);
    EXPECT_EQ(hearer(before), after.address);
    EXPECT_EQ(after.allocates().code(), 437);
}

TEST_F(MobilityTest, M07_WhatComesMeanwhileWaitsInItsOrder) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    deaf = true;
    for (const auto* text : {"one", "two"}) EXPECT_EQ(after.sends_on(0x4000, text).size(), 0u);
    EXPECT_EQ(hearer(before), before.address);
    deaf = false;
    const auto sent = after.sends_on(0x4000, "three");
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_EQ(sent[0].bytes, bytes_of("one"));
    EXPECT_EQ(sent[2].bytes, bytes_of("three"));
}

TEST_F(MobilityTest, M07_AndNotMoreThanABitOfIt) {
    mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    deaf = true;
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 100; ++i) after.sends_on(0x4000, kilobyte);
    const uint64_t dropped = other.stats().drops[static_cast<size_t>(Drop::still_waiting)];
    EXPECT_EQ(dropped, 69u);
    for (int i = 0; i < 100; ++i) after.sends_on(0x4000, "x");
    EXPECT_EQ(other.stats().drops[static_cast<size_t>(Drop::still_waiting)], dropped + 67);
}

TEST_F(MobilityTest, M08_ATicketThatAnotherFollowedIsOfNoUse) {
    mobile();
    TestClient second = client("7.7.7.7:2"), third = client("7.7.7.7:3", first_shard),
               fourth = client("7.7.7.7:4");
    const Payload next = ticket_in(brings(second, ticket));
    EXPECT_EQ(brings(third, next).code(), Response::success);
    EXPECT_EQ(brings(fourth, ticket).code(), 437);
    EXPECT_EQ(third.sends_on(0x4000, "hi").size(), 1u);
    EXPECT_EQ(brings(fourth, next).code(), 437);
}

TEST_F(MobilityTest, M08_A22_ARepeatedMoveIsAnsweredAgain) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    const auto next = tickets.open(ticket_in(brings(after, ticket)));
    EXPECT_EQ(next->epoch, 2u);
    EXPECT_EQ(tickets.open(ticket_in(brings(after, ticket))), next);  // before it is there,
    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 1u);
    EXPECT_EQ(tickets.open(ticket_in(brings(after, ticket))), next);  // and after
    EXPECT_EQ(moves_made(), 1u);
    EXPECT_EQ(live(), 1u);
}

TEST_F(MobilityTest, M08_WhoseAnswerWasLostMayComeFromElsewhere) {
    mobile();
    TestClient lost = client("7.7.7.7:7"), after = client("7.7.7.7:8", first_shard);
    brings(lost, ticket);
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
    EXPECT_EQ(lost.sends_on(0x4000, "hi").size(), 0u);
    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 1u);
}

TEST_F(MobilityTest, M09_AMoveIsNoFurtherAllocation) {
    mobile();
    for (uint16_t port = 1; port <= 50; ++port) {
        TestClient next =
            client("7.7.7.7:" + std::to_string(port), port % 2 == 0 ? first_shard : second_shard);
        ticket = ticket_in(brings(next, ticket));
        if (port % 3 != 0) {
            EXPECT_EQ(next.sends_on(0x4000, "hi").size(), 1u);
        }
        EXPECT_EQ(live(), 1u);
    }
    EXPECT_EQ(world.ports.live.size(), 1u);
    EXPECT_EQ(world.server.stats().allocations_total, 1u);
    world.passes(10min);
    EXPECT_EQ(live(), 0u);
    EXPECT_TRUE(world.ports.live.empty());
}

// Not one claim outlives the next, nor the allocation.
TEST_F(MobilityTest, M09_P4_ClaimsOfAnAllocationAreOne) {
    TestClient before = mobile();
    const auto claims = [&] {
        size_t count = 0;
        for (uint16_t port = 1; port <= 500; ++port) {
            for (const auto socket : {first_shard, second_shard}) {
                const FiveTuple five_tuple{socket, {ip("7.7.7.7"), port}, listener};
                count += world.shard_of(socket).has_allocation(five_tuple, world.now) ? 1u : 0u;
            }
        }
        return count;
    };
    for (uint16_t port = 1; port <= 500; ++port) {
        TestClient next =
            client("7.7.7.7:" + std::to_string(port), port % 3 == 0 ? first_shard : second_shard);
        const auto answer = brings(next, ticket);
        ASSERT_EQ(answer.code(), Response::success);
        if (port % 2 == 0) ticket = ticket_in(answer);
    }
    EXPECT_EQ(claims(), 1u);
    before.refreshes(0);
    EXPECT_EQ(claims(), 0u);
}

TEST_F(MobilityTest, M10_FromUdpToTcpAndBack) {
    TestClient over_udp = mobile();
    TestClient over_tcp = client("7.7.7.7:7", second_shard, Transport::tcp);
    ticket = ticket_in(brings(over_tcp, ticket));
    EXPECT_EQ(over_tcp.binds(0x4001, at("8.8.8.8:1")).code(), Response::success);
    TestClient back = client("7.7.7.7:8", first_shard);
    EXPECT_EQ(brings(back, ticket).code(), Response::success);
    EXPECT_EQ(back.sends_on(0x4001, "hi").size(), 1u);
    EXPECT_EQ(hearer(over_udp), back.address);
    // The stream that was left behind takes nothing with it.
    other.client_gone(world.now, {second_shard, over_tcp.address, listener});
    EXPECT_EQ(back.refreshes(600).code(), Response::success);
}

TEST_F(MobilityTest, M10_AnAllocationOutlivesTheStreamOfItsClient) {
    TestClient before = mobile(Transport::tcp);
    world.server.client_gone(world.now, {first_shard, before.address, listener});
    EXPECT_EQ(live(), 1u);
    EXPECT_EQ(hearer(before), std::nullopt);  // its socket is somebody else's by now
    EXPECT_EQ(world.drops(Drop::client_left), 1u);
    world.from_icmp({.socket = before.relay.socket, .to = peer, .type = 3, .code = 3});
    EXPECT_EQ(world.drops(Drop::client_left), 2u);

    // Somebody else has the same address and socket.
    TestClient stranger = client("5.6.7.8:1234", first_shard, Transport::tcp, "bob", "builder");
    EXPECT_EQ(stranger.refreshes(600).code(), 437);
    EXPECT_EQ(stranger.allocates().code(), Response::success);

    TestClient after = client("7.7.7.7:7", second_shard, Transport::tcp);
    EXPECT_EQ(brings(after, ticket).code(), Response::success);
    EXPECT_EQ(hearer(before), after.address);  // at once, as nobody else was served
    EXPECT_EQ(live(), 2u);
}

TEST_F(MobilityTest, M10_ButNotItsLifetime) {
    TestClient before = mobile(Transport::tcp);
    world.server.client_gone(world.now, {first_shard, before.address, listener});
    world.passes(10min);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::expired});
    EXPECT_TRUE(world.ports.live.empty());
    TestClient after = client("7.7.7.7:7");
    EXPECT_EQ(brings(after, ticket).code(), 437);
}

TEST_F(MobilityTest, M10_WhoWasServedUntilTheStreamClosedIsServedByTheClaimThen) {
    TestClient before = mobile(Transport::tcp);
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    world.server.client_gone(world.now, {first_shard, before.address, listener});
    EXPECT_EQ(hearer(before), std::nullopt);  // posted then
    EXPECT_EQ(hearer(before), after.address);
}

TEST_F(MobilityTest, M10_AStreamThatClosesBeforeTheAllocationComesLeavesItWaiting) {
    TestClient before = mobile();
    TestClient gone = client("7.7.7.7:7", second_shard, Transport::tcp);
    const Payload next = ticket_in(brings(gone, ticket));
    deaf = true;
    gone.sends_on(0x4000, "hi");
    other.client_gone(world.now, {second_shard, gone.address, listener});
    deaf = false;
    EXPECT_EQ(hearer(before), before.address);  // the last that it heard
    EXPECT_EQ(hearer(before), std::nullopt);
    EXPECT_EQ(other.stats().allocations_live, 1u);
    TestClient after = client("7.7.7.7:8", first_shard);
    EXPECT_EQ(brings(after, next).code(), Response::success);
    EXPECT_EQ(hearer(before), after.address);
}

TEST_F(MobilityTest, M07_WhatWaitsForAnAllocationThatEndsIsAnsweredWithoutOne) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    deaf = true;
    before.refreshes(0);
    EXPECT_EQ(after.refreshes(600).code(), Response::silence);
    deaf = false;
    const auto sent = world.passes(0s);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(Response{sent[0].bytes}.code(), 437);
    EXPECT_FALSE(other.has_allocation({second_shard, after.address, listener}, world.now));
}

TEST_F(MobilityTest, M09_WhatANewPolicyDeniesDoesNotMove) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    other.reload(Realms::only(World::credentials(),
                              PeerPolicy({.deny = {*Prefix::parse("9.9.9.9/32")}}, {})));
    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 0u);
    EXPECT_EQ(other.stats().allocations_live, 1u);
}

TEST_F(MobilityTest, M09_WhoIsRevokedMeanwhileKeepsNothing) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    other.reload(
        Realms::only(Credentials("ahoy", std::map<std::string, std::string>{{"alice", "wander"}},
                                 std::vector<std::string>{}),
                     PeerPolicy({}, {listener})));
    EXPECT_EQ(other.end_revoked(world.now), std::nullopt);
    EXPECT_EQ(live(), 1u);
    EXPECT_EQ(after.sends_on(0x4000, "hi").size(), 0u);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::revoked});
    EXPECT_EQ(live(), 0u);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(MobilityTest, M09_AtStopEverythingEndsWhereverItIs) {
    TestClient before = mobile();
    TestClient after = client("7.7.7.7:7");
    brings(after, ticket);
    after.sends_on(0x4000, "hi");
    world.server.close_all(world.now);
    EXPECT_EQ(live(), 1u);
    other.close_all(world.now);
    EXPECT_EQ(live(), 0u);
    EXPECT_TRUE(world.ports.live.empty());
}

class FrugalMobilityTest : public MobilityTest {
  protected:
    FrugalMobilityTest()
        : MobilityTest(
              {.quotas = {.per_user = {.allocations = 1}, .per_address = {.allocations = 1}}}) {}
};

TEST_F(FrugalMobilityTest, M09_P4_TheQuotaIsChargedOnceAndUntilTheEnd) {
    TestClient before = mobile(Transport::tcp);
    for (int i = 0; i < 1000; ++i) {
        world.server.client_gone(world.now, {first_shard, before.address, listener});
        EXPECT_EQ(before.allocates(wants_ticket).code(), 486);
        ASSERT_EQ(live(), 1u);
    }
    TestClient after = client("7.7.7.7:7");
    ticket = ticket_in(brings(after, ticket));
    EXPECT_EQ(after.permits({peer}).code(), Response::success);
    TestClient more = client("7.7.7.7:8");
    EXPECT_EQ(more.allocates().code(), 486);
    // It counts against the address where it began.
    TestClient bob = client("5.6.7.8:4321", first_shard, Transport::udp, "bob", "builder");
    EXPECT_EQ(bob.allocates().code(), 486);
    EXPECT_EQ(after.refreshes(0).code(), Response::success);
    EXPECT_EQ(bob.allocates().code(), Response::success);
    EXPECT_EQ(more.allocates().code(), Response::success);
}

// S9: who may do what with which five-tuple and ticket, against a model.
TEST_F(MobilityTest, S9_OnlyItsUserAndTheLatestTicketMoveAnAllocation) {
    struct Owned {
        std::string user;
        Payload ticket;
        std::optional<TransportAddress> served;
    };
    constexpr int steps = 10'000;
    Random dice = Random::from_number(9);
    const std::array<std::pair<std::string, std::string>, 2> users{
        {{"alice", "wonder"}, {"bob", "builder"}}};
    std::vector<Owned> owned;
    std::vector<Payload> old;
    uint16_t port = 1000;
    const auto fresh = [&](size_t user) {
        return client("7.7.7.7:" + std::to_string(++port),
                      dice.below(2) == 0 ? first_shard : second_shard, Transport::udp,
                      users[user].first, users[user].second);
    };
    for (size_t user = 0; user < users.size(); ++user) {
        TestClient made = fresh(user);
        owned.push_back({users[user].first, ticket_in(made.allocates(wants_ticket)), made.address});
        EXPECT_EQ(made.permits({peer}).code(), Response::success);
    }
    for (int step = 0; step < steps; ++step) {
        const size_t user = dice.below(2), which = dice.below(2);
        TestClient who = fresh(user);
        const bool uses_old = !old.empty() && dice.below(3) == 0;
        const auto answer =
            brings(who, uses_old ? old[dice.below(old.size())] : owned[which].ticket);
        Owned& target = owned[which];
        if (uses_old) {
            EXPECT_TRUE(answer.code() == 437 || answer.code() == 441);
        } else if (target.user != who.username) {
            EXPECT_EQ(answer.code(), 441);
        } else {
            old.push_back(target.ticket);
            target.ticket = ticket_in(answer);
            EXPECT_EQ(who.sends(peer, "hi").size(), 1u);
        }
        if (old.size() > 20) old.erase(old.begin());
        ASSERT_EQ(live(), 2u);
        ASSERT_FALSE(testing::Test::HasFailure()) << step;
        if (port > 60'000) port = 1000;
        shared.handed_up.clear();
    }
}

class FullMobilityTest : public MobilityTest {
  protected:
    FullMobilityTest()
        : MobilityTest({.quotas = {.per_user = {.permissions = 2}, .total = {.allocations = 1}}}) {}
};

TEST_F(FullMobilityTest, M09_F25_AllShardsTogetherAreFullWhereverTheAllocationIs) {
    TestClient before = mobile(Transport::tcp);
    TestClient here = client("7.7.7.7:8"), there = client("7.7.7.7:9", second_shard);
    const auto none_fits = [&] {
        EXPECT_EQ(here.allocates().code(), 508);
        EXPECT_EQ(there.allocates().code(), 508);
    };
    none_fits();
    TestClient after = client("7.7.7.7:7", second_shard);
    ticket = ticket_in(brings(after, ticket));
    none_fits();
    EXPECT_EQ(after.permits({peer}).code(), Response::success);
    none_fits();
    // Its tables are charged as before.
    EXPECT_EQ(after.permits({at("9.9.9.2:1"), at("9.9.9.3:1")}).code(), 508);
    EXPECT_EQ(after.permits({at("9.9.9.2:1")}).code(), Response::success);
    EXPECT_EQ(after.refreshes(0).code(), Response::success);
    EXPECT_EQ(there.allocates().code(), Response::success);
    EXPECT_EQ(there.permits({at("9.9.9.2:1"), at("9.9.9.3:1")}).code(), Response::success);
}

// Whatever comes in whatever order, also while what shards say to each other is on its way.
class RandomMobilityTest : public MobilityTest {
  protected:
    static constexpr unsigned quota = 2;
    RandomMobilityTest() : MobilityTest({.quotas = {.per_user = {.allocations = quota}}}) {
        for (uint16_t i = 0; i < 12; ++i) {
            places.push_back({client("7.7.7.7:" + std::to_string(i + 1),
                                     i % 2 == 0 ? first_shard : second_shard, Transport::tcp),
                              {}});
            places.back().client.fetches_nonce();
        }
        world.observer.on_created = [this](const Allocation& made) {
            owners[made.stored_relay(AddressFamily::ipv4)->port.address] =
                std::string(made.user().name());
            for (Place& place : places) {
                if (place.client.address == made.five_tuple().client) {
                    place.proved.insert(std::string(made.user().name()));
                }
            }
        };
    }

    struct Place {
        TestClient client;
        std::set<std::string> proved;  // who has got or claimed an allocation here
    };
    Place& somewhere() { return places[dice.below(places.size())]; }
    TestClient& somebody(Place& place) {
        const bool is_alice = dice.below(2) == 0;
        place.client.username = is_alice ? "alice" : "bob";
        place.client.password = is_alice ? "wonder" : "builder";
        return place.client;
    }
    Response asks(TestClient& who, Method method, const AddAttributes& add) {
        who.renews_id();
        const auto sent = world.from_client(who.address, who.writes_signed(method, add), listener,
                                            who.socket, who.transport);
        for (const Sent& each : sent) {
            const auto message = Message::parse(each.bytes);
            if (each.socket != who.socket || each.to != who.address || !message) continue;
            if (message->method() != method || message->message_class() == Class::indication)
                continue;
            if (const auto nonce = message->text(AttributeType::nonce)) who.nonce = *nonce;
            return {each.bytes};
        }
        return {};
    }
    void keeps_ticket(Place& place, const Response& response) {
        if (response.code() != Response::success) return;
        place.proved.insert(place.client.username);
        const auto value = response.message().find(AttributeType::mobility_ticket);
        if (value) tickets_seen.emplace_back(value->begin(), value->end());
        if (tickets_seen.size() > 10) tickets_seen.erase(tickets_seen.begin());
    }
    void peer_speaks() {
        if (world.ports.live.empty()) return;
        const auto relay = std::next(world.ports.live.begin(),
                                     static_cast<ptrdiff_t>(dice.below(world.ports.live.size())));
        const std::string& owner = owners.at(relay->first);
        size_t heard = 0;
        for (const Sent& sent :
             world.from_peer({relay->second, relay->first}, peer, bytes_of("hi"))) {
            const auto message = Message::parse(sent.bytes);
            if (!message || message->method() != Method::data) continue;
            ++heard;
            for (const Place& place : places) {
                EXPECT_TRUE(place.client.address != sent.to || place.proved.contains(owner));
            }
        }
        EXPECT_LE(heard, 1u);
    }
    void step() {
        Place& place = somewhere();
        TestClient& who = somebody(place);
        switch (dice.below(10)) {
            case 0: {
                const auto answer = asks(who, Method::allocate, [](MessageWriter& w) {
                    TestClient::udp(w);
                    wants_ticket(w);
                });
                keeps_ticket(place, answer);
                break;
            }
            case 1:
            case 2:
            case 3: {
                if (tickets_seen.empty()) break;
                const Payload& value = tickets_seen[dice.below(tickets_seen.size())];
                const uint32_t lifetime = dice.below(10) == 0 ? 0 : 600;
                keeps_ticket(place, asks(who, Method::refresh, [&](MessageWriter& w) {
                                 w.number(AttributeType::lifetime, lifetime);
                                 w.attribute(AttributeType::mobility_ticket, value);
                             }));
                break;
            }
            case 4:
                who.sends(peer, "hi");
                break;
            case 5:
                asks(who, Method::create_permission, [](MessageWriter& w) {
                    w.xor_address(AttributeType::xor_peer_address, peer);
                });
                break;
            case 6:
                world.shard_of(who.socket)
                    .client_gone(world.now, {who.socket, who.address, listener});
                place.proved.clear();
                break;
            case 7:
                deaf = !deaf;
                break;
            case 8:
                world.passes(std::chrono::seconds(dice.below(200)));
                break;
            default:
                peer_speaks();
        }
    }
    void check() {
        size_t claims = 0;
        for (const Place& place : places) {
            const FiveTuple five_tuple{place.client.socket, place.client.address, listener};
            Server& shard = world.shard_of(place.client.socket);
            claims += shard.has_allocation(five_tuple, world.now) ? 1u : 0u;
        }
        EXPECT_LE(live(), world.ports.live.size());
        EXPECT_LE(world.ports.live.size(), 2 * quota);
        if (!shared.posted.empty()) return;
        EXPECT_EQ(live(), world.ports.live.size());
        EXPECT_EQ(live(), world.observer.created.size() - world.observer.ended.size());
        EXPECT_LE(claims, 2 * live());  // a five-tuple that is served, and one that has claimed
        shared.handed_up.clear();
    }

    std::vector<Place> places;
    std::vector<Payload> tickets_seen;
    std::map<TransportAddress, std::string> owners;
    Random dice = Random::from_number(4);
};

TEST_F(RandomMobilityTest, M09_P4_S9_WhateverComesInWhateverOrder) {
    constexpr int steps = 20'000;
    for (int i = 0; i < steps; ++i) {
        step();
        check();
        ASSERT_FALSE(HasFailure()) << "step " << i;
    }
    EXPECT_GT(moves_made(), 100u);
    deaf = false;
    world.passes(1h);
    world.passes(0s);
    check();
    EXPECT_EQ(live(), 0u);
    EXPECT_TRUE(world.ports.live.empty());
    for (Server* shard : world.shards) EXPECT_EQ(shard->next_deadline(), Instant::max());
}

}  // namespace
}  // namespace ahoy::turn
