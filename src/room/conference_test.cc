// Rooms of our own protocol: people come and go, talk, and come back.
#include <boost/json.hpp>
#include <list>

#include "room/testing.h"

namespace ahoy::room {
namespace {

namespace json = boost::json;

// A client of our own protocol, as it sees itself: what it was told, in order.
class Person {
  public:
    explicit Person(uint64_t socket) : socket_(socket) {}

    uint64_t socket() const { return socket_; }
    void hears(const std::string& frame) {
        frames_.push_back(json::parse(frame).as_object());
        if (const auto* seq = frames_.back().if_contains("seq");
            seq && type(frames_.back()) != "welcome") {
            EXPECT_EQ(seq->as_int64(), seq_ + 1) << frame;
            seq_ = seq->as_int64();
        } else if (seq) {
            seq_ = seq->as_int64();
            welcome_ = frames_.back();
        }
    }
    void is_closed() { closed_ = true; }

    uint32_t number() const {
        return static_cast<uint32_t>(welcome_.at("you").at("id").as_int64());
    }
    std::string resume() const { return std::string(welcome_.at("resume").as_string()); }
    const json::object& welcome() const { return welcome_; }
    int64_t seq() const { return seq_; }
    bool closed() const { return closed_; }

    static std::string type(const json::object& frame) {
        return std::string(frame.at("type").as_string());
    }
    // What came since the last time, shortly: "joined 2", "error room-full".
    std::vector<std::string> news() {
        std::vector<std::string> lines;
        for (const auto& frame : std::exchange(frames_, {})) {
            std::string line = type(frame);
            for (const char* field :
                 {"code", "reason", "id", "knock", "from", "to", "data", "text", "name", "role",
                  "mic", "hand", "connected", "locked", "lobby", "what"}) {
                if (line.starts_with("welcome") || line.starts_with("invite")) break;
                if (line.starts_with("error") && field == std::string_view("id")) continue;
                if (const auto* value = frame.if_contains(field)) {
                    line += ' ' + (value->is_string() ? std::string(value->as_string())
                                                      : json::serialize(*value));
                }
            }
            if (const auto* other = frame.if_contains("participant")) {
                line += ' ' + std::string(other->at("name").as_string());
                line += other->at("offer").as_bool() ? " offer" : " wait";
            }
            lines.push_back(line);
        }
        return lines;
    }
    std::string last_invite() const {
        const auto invite = std::ranges::find(frames_, "invite", type);
        return invite == frames_.end() ? "" : std::string(invite->at("key").as_string());
    }

  private:
    uint64_t socket_;
    std::vector<json::object> frames_;
    json::object welcome_;
    int64_t seq_ = 0;
    bool closed_ = false;
};

using testing::ElementsAre;
using testing::IsEmpty;

class ConferenceTest : public RoomsTest {
  protected:
    explicit ConferenceTest(const Limits& limits = {}) : RoomsTest(limits) {}

    Person& open() { return people.emplace_back(++last_socket); }
    native::Enter wish(std::string name, std::string invite = "") {
        return {.room = "room",
                .profile = {.name = std::move(name)},
                .invite = std::move(invite),
                .ice_servers = "[]"};
    }
    Person& enter(std::string name, std::string invite = "") {
        Person& person = open();
        rooms->enter(now, socket(person.socket()), wish(std::move(name), std::move(invite)), out);
        carry();
        return person;
    }
    // With what a token says.
    Person& enter_as(Role role, std::string name) {
        Person& person = open();
        native::Enter with_token = wish(std::move(name));
        with_token.profile.role = role;
        with_token.profile.name_given = with_token.profile.role_given = true;
        rooms->enter(now, socket(person.socket()), std::move(with_token), out);
        carry();
        return person;
    }
    void ask(Person& person, native::Command command, uint64_t id = 0) {
        rooms->carry_out(now, socket(person.socket()),
                         {id != 0 ? id : ++last_id, std::move(command)}, out);
        carry();
    }
    Person& back(const Person& before, int64_t seq = -1, uint64_t attempt = 0) {
        Person& person = open();
        const auto ticket = tickets.open(before.resume(), now.wall);
        EXPECT_TRUE(ticket);
        rooms->resume(now, socket(person.socket()),
                      {.ticket = ticket.value_or(ResumeTicket{}),
                       .seq = static_cast<uint64_t>(seq < 0 ? before.seq() : seq),
                       .attempt = attempt,
                       .ice_servers = "[]"},
                      out);
        carry();
        return person;
    }
    void goes_away(Person& person) {
        lose(person.socket());
        carry();
    }
    void wait(Duration time) {
        pass(time);
        carry();
    }
    void carry() {
        for (const Delivery& delivery : delivered()) {
            const auto to = std::ranges::find(people, delivery.to.number, &Person::socket);
            if (to == people.end()) {
                legacy.push_back(delivery);
            } else if (delivery.close) {
                to->is_closed();
            } else {
                EXPECT_TRUE(delivery.framed);
                to->hears(delivery.message);
            }
        }
    }
    std::string invite_of(Person& host) {
        host.news();
        ask(host, native::Invite{});
        return host.last_invite();
    }
    static void forget(std::initializer_list<Person*> all) {
        for (Person* person : all) person->news();
    }

    std::list<Person> people;
    std::vector<Delivery> legacy;
    uint64_t last_socket = 100;
    uint64_t last_id = 0;
};

TEST_F(ConferenceTest, TheFirstIsHostAndTheLaterOneOffers) {
    Person& alice = enter("Alice");
    EXPECT_EQ(alice.welcome().at("you").at("role"), "host");
    Person& bob = enter("Bob");
    EXPECT_EQ(bob.welcome().at("you").at("role"), "guest");
    EXPECT_THAT(alice.news(), ElementsAre("welcome", "joined Bob wait"));
    const auto& others = bob.welcome().at("participants").as_array();
    ASSERT_EQ(others.size(), 1);
    EXPECT_EQ(others[0].at("name"), "Alice");
    EXPECT_EQ(others[0].at("offer"), true);
}

TEST_F(ConferenceTest, HoldsAsManyAsTheConfigurationSays) {
    for (int i = 0; i < 8; ++i) EXPECT_FALSE(enter("x").closed());
    Person& ninth = enter("y");
    EXPECT_THAT(ninth.news(), ElementsAre("error room-full"));
    EXPECT_TRUE(ninth.closed());
    EXPECT_EQ(rooms->stats().joins_refused, 1);
}

TEST_F(ConferenceTest, RI2_ASignalReachesWhomItIsForAndNobodyElse) {
    Person &alice = enter("Alice"), &bob = enter("Bob"), &carol = enter("Carol");
    forget({&alice, &bob, &carol});
    ask(bob, native::Signal{alice.number(), "offer"});
    EXPECT_THAT(alice.news(), ElementsAre("signal " + std::to_string(bob.number()) + " offer"));
    EXPECT_THAT(bob.news(), ElementsAre(testing::StartsWith("ack")));
    EXPECT_THAT(carol.news(), IsEmpty());
}

TEST_F(ConferenceTest, ARoomThatTalksTooMuchIsToldSoAndMayBeLeft) {
    Limits limits;
    limits.room_messages_per_second = 1;
    start(limits);
    Person &alice = enter("Alice"), &bob = enter("Bob");
    for (int i = 0; i < 10; ++i) ask(alice, native::Say{.data = "x"});
    forget({&alice, &bob});
    ask(alice, native::Say{.data = "x"});
    EXPECT_THAT(alice.news(), ElementsAre("error too-fast"));
    EXPECT_THAT(bob.news(), IsEmpty());
    EXPECT_FALSE(alice.closed());
    ask(alice, native::Leave{});
    EXPECT_TRUE(alice.closed());
    wait(1s);
    ask(bob, native::Say{.data = "y"});
    EXPECT_THAT(bob.news(), testing::Contains(testing::StartsWith("ack")));
}

TEST_F(ConferenceTest, NobodyIsThereWhoHasLeft) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    const auto gone = bob.number();
    ask(bob, native::Leave{});
    EXPECT_TRUE(bob.closed());
    EXPECT_THAT(bob.news(), testing::Contains("bye left"));
    alice.news();
    ask(alice, native::Signal{gone, "x"});
    EXPECT_THAT(alice.news(), ElementsAre("error unknown-participant"));
}

TEST_F(ConferenceTest, ChatReachesAllAndWhoComesLater) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    ask(alice, native::Chat{"hi"});
    const std::string line = "chat " + std::to_string(alice.number()) + " hi Alice";
    EXPECT_THAT(alice.news(), ElementsAre(line, testing::StartsWith("ack")));
    EXPECT_THAT(bob.news(), ElementsAre(line));
    Person& carol = enter("Carol");
    ASSERT_EQ(carol.welcome().at("chat").as_array().size(), 1);
    EXPECT_EQ(carol.welcome().at("chat").at(0).at("text"), "hi");
}

TEST_F(ConferenceTest, MessagesGoToAllOthersOrToOne) {
    Person &alice = enter("Alice"), &bob = enter("Bob"), &carol = enter("Carol");
    forget({&alice, &bob, &carol});
    const std::string from = std::to_string(alice.number());
    ask(alice, native::Say{{}, "all"});
    ask(alice, native::Say{bob.number(), "one"});
    EXPECT_THAT(bob.news(), ElementsAre("message " + from + " all", "message " + from + " one"));
    EXPECT_THAT(carol.news(), ElementsAre("message " + from + " all"));
}

TEST_F(ConferenceTest, OthersLearnWhatChanged) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    native::Set set;
    set.change.name = "Bobby";
    set.change.shows[Showing::hand] = true;
    set.change.shows[Showing::mic] = false;  // as it is
    ask(bob, set);
    EXPECT_THAT(alice.news(),
                ElementsAre("changed " + std::to_string(bob.number()) + " Bobby true"));
    ask(bob, set);
    EXPECT_THAT(alice.news(), IsEmpty());
}

TEST_F(ConferenceTest, GuestsMayNotWhatHostsMay) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    const std::vector<native::Command> commands{native::SetRoom{true, {}},
                                                native::Answer{1, true},
                                                native::Mute{alice.number(), {}},
                                                native::Remove{alice.number()},
                                                native::MakeHost{bob.number()},
                                                native::Invite{},
                                                native::Revoke{"k"},
                                                native::Close{}};
    for (const auto& command : commands) {
        ask(bob, command);
        EXPECT_THAT(bob.news(), ElementsAre("error not-host")) << command.index();
    }
    EXPECT_THAT(alice.news(), IsEmpty());
}

TEST_F(ConferenceTest, ALockedRoomIsForTheInvited) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{true, {}});
    EXPECT_THAT(enter("Bob").news(), ElementsAre("error room-locked"));
    const std::string key = invite_of(alice);
    EXPECT_FALSE(enter("Carol", key).closed());
    ask(alice, native::Revoke{key});
    EXPECT_THAT(enter("Dave", key).news(), ElementsAre("error room-locked"));
}

TEST_F(ConferenceTest, TheLobbyWaitsForTheHost) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{{}, true});
    alice.news();
    Person &bob = enter("Bob"), &carol = enter("Carol");
    EXPECT_THAT(bob.news(), ElementsAre("waiting"));
    EXPECT_THAT(carol.news(), ElementsAre("waiting"));
    EXPECT_THAT(alice.news(), ElementsAre(testing::MatchesRegex("knock [0-9]+ Bob"),
                                          testing::MatchesRegex("knock [0-9]+ Carol")));
    const Number first = alice.number() + 1;
    ask(alice, native::Answer{first, true});
    EXPECT_THAT(bob.news(), ElementsAre("welcome"));
    ask(alice, native::Answer{first + 1, false});
    EXPECT_THAT(carol.news(), ElementsAre("error denied"));
    EXPECT_TRUE(carol.closed());
    alice.news();
    ask(alice, native::Answer{first, true});
    EXPECT_THAT(alice.news(), ElementsAre("error unknown-participant"));
}

TEST_F(ConferenceTest, WhoStopsWaitingIsForgotten) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{{}, true});
    Person& bob = enter("Bob");
    alice.news();
    goes_away(bob);
    EXPECT_THAT(alice.news(), ElementsAre(testing::StartsWith("knock_over")));
}

TEST_F(ConferenceTest, WhoLeavesTheLobbyIsToldByeLikeAnybody) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{{}, true});
    Person& bob = enter("Bob");
    forget({&alice, &bob});
    ask(bob, native::Leave{});
    EXPECT_THAT(bob.news(), ElementsAre("bye left"));
    EXPECT_TRUE(bob.closed());
    EXPECT_THAT(alice.news(), ElementsAre(testing::StartsWith("knock_over")));
}

TEST_F(ConferenceTest, NobodyIsLeftInTheLobbyOfAnEmptyRoom) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{{}, true});
    Person& bob = enter("Bob");
    bob.news();
    ask(alice, native::Leave{});
    EXPECT_THAT(bob.news(), ElementsAre("error lobby-closed"));
    EXPECT_TRUE(bob.closed());
    EXPECT_EQ(rooms->stats().rooms, 0);
}

TEST_F(ConferenceTest, AHostWhoLeavesHasAnHeirWhoIsToldWhoWaits) {
    Person& alice = enter("Alice");
    Person& bob = enter("Bob");
    ask(alice, native::SetRoom{{}, true});
    enter("Carol");
    forget({&alice, &bob});
    ask(alice, native::Leave{});
    EXPECT_THAT(bob.news(), ElementsAre(testing::StartsWith("left"), testing::EndsWith("host"),
                                        testing::MatchesRegex("knock [0-9]+ Carol")));
}

TEST_F(ConferenceTest, AHostCanHandOver) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    ask(alice, native::MakeHost{bob.number()});
    forget({&alice, &bob});
    ask(alice, native::SetRoom{true, {}});
    EXPECT_THAT(alice.news(), ElementsAre("error not-host"));
    ask(bob, native::SetRoom{true, {}});
    EXPECT_THAT(alice.news(), ElementsAre("room true"));
}

// ---- what a token says

TEST_F(ConferenceTest, ATokensGuestIsNoHostAlthoughTheFirst) {
    Person& alice = enter_as(Role::guest, "Alice");
    EXPECT_EQ(alice.welcome().at("you").at("role"), "guest");
    EXPECT_EQ(enter("Bob").welcome().at("you").at("role"), "host");
}

TEST_F(ConferenceTest, ATokensGuestIsNoHeirButCanBeMadeHost) {
    Person &alice = enter("Alice"), &bob = enter_as(Role::guest, "Bob"), &carol = enter("Carol");
    forget({&alice, &bob, &carol});
    ask(alice, native::Leave{});
    EXPECT_THAT(bob.news(), ElementsAre("left left " + std::to_string(alice.number()),
                                        "changed " + std::to_string(carol.number()) + " host"));
    ask(carol, native::MakeHost{bob.number()});
    bob.news();
    ask(bob, native::SetRoom{true, {}});
    EXPECT_THAT(bob.news(), ElementsAre("room true", testing::StartsWith("ack")));
}

TEST_F(ConferenceTest, ATokensHostIsOneBesideOthersAndPassesTheLobby) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{true, true});
    Person& bob = enter_as(Role::host, "Bob");
    EXPECT_EQ(bob.welcome().at("you").at("role"), "host");
    ask(alice, native::Leave{});
    EXPECT_FALSE(bob.closed());
}

TEST_F(ConferenceTest, ATokensNameStays) {
    Person &alice = enter("Alice"), &bob = enter_as(Role::guest, "Bob");
    forget({&alice, &bob});
    ask(bob, native::Set{{.name = "Alice"}});
    EXPECT_THAT(alice.news(), IsEmpty());
    Person& again = back(bob);
    alice.news();
    ask(again, native::Set{{.name = "Alice"}});
    EXPECT_THAT(alice.news(), IsEmpty());
    ask(alice, native::Set{{.name = "Alicia"}});
    EXPECT_THAT(again.news(), testing::Contains(testing::EndsWith("Alicia")));
}

TEST_F(ConferenceTest, WhoIsRemovedIsToldWhy) {
    Person &alice = enter("Alice"), &bob = enter("Bob"), &carol = enter("Carol");
    forget({&alice, &bob, &carol});
    ask(alice, native::Remove{bob.number()});
    EXPECT_THAT(bob.news(), ElementsAre("bye removed"));
    EXPECT_TRUE(bob.closed());
    EXPECT_THAT(carol.news(), ElementsAre("left removed " + std::to_string(bob.number())));
    EXPECT_THAT(back(bob).news(), ElementsAre("error session-ended"));
}

TEST_F(ConferenceTest, AClosedCallIsOverForAll) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    ask(alice, native::Close{});
    EXPECT_THAT(alice.news(), ElementsAre("bye closed"));
    EXPECT_THAT(bob.news(), ElementsAre("bye closed"));
    EXPECT_EQ(rooms->stats().rooms, 0);
    EXPECT_EQ(rooms->stats().clients, 0);
}

TEST_F(ConferenceTest, NobodyInheritsACallThatIsClosed) {
    Person &alice = enter("Alice"), &bob = enter("Bob"), &carol = enter("Carol");
    ask(alice, native::MakeHost{carol.number()});
    forget({&alice, &bob, &carol});
    ask(carol, native::Close{});
    for (Person* person : {&alice, &bob, &carol}) {
        EXPECT_THAT(person->news(), ElementsAre("bye closed"));
    }
}

TEST_F(ConferenceTest, WhoComesBackInTimeMissesNothing) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    goes_away(bob);
    EXPECT_THAT(alice.news(), ElementsAre("changed " + std::to_string(bob.number()) + " false"));
    ask(alice, native::Signal{bob.number(), "one"});
    ask(alice, native::Chat{"two"});
    wait(29s);
    Person& again = back(bob);
    EXPECT_EQ(again.welcome().at("resumed"), true);
    EXPECT_EQ(again.number(), bob.number());
    EXPECT_FALSE(again.welcome().contains("participants"));
    EXPECT_THAT(again.news(),
                ElementsAre("welcome", testing::EndsWith("one"), testing::HasSubstr("two")));
    EXPECT_THAT(alice.news(),
                testing::Contains("changed " + std::to_string(bob.number()) + " true"));
}

TEST_F(ConferenceTest, RI21_WhoDoesNotComeBackIsGone) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    forget({&alice, &bob});
    goes_away(bob);
    wait(30s);
    EXPECT_THAT(alice.news(), testing::Contains("left lost " + std::to_string(bob.number())));
    EXPECT_THAT(back(bob).news(), ElementsAre("error session-ended"));
}

TEST_F(ConferenceTest, RI8_ANewSocketTakesTheSeatFromADeadOne) {
    Person& alice = enter("Alice");
    alice.news();
    Person& again = back(alice);
    EXPECT_THAT(alice.news(), ElementsAre("bye replaced"));
    EXPECT_TRUE(alice.closed());
    EXPECT_THAT(again.news(), ElementsAre("welcome"));
    goes_away(alice);  // is noticed late, and harms nobody
    ask(again, native::Chat{"x"});
    EXPECT_THAT(again.news(), testing::Contains(testing::HasSubstr("x")));
}

TEST_F(ConferenceTest, RequestsThatComeAgainAreCarriedOutOnce) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    ask(bob, native::Chat{"once"}, 7);
    goes_away(bob);
    Person& again = back(bob, 0);
    EXPECT_EQ(again.welcome().at("received"), 7);
    forget({&alice, &again});
    ask(again, native::Chat{"once"}, 7);
    EXPECT_THAT(again.news(), ElementsAre("ack 7"));
    EXPECT_THAT(alice.news(), IsEmpty());
}

TEST_F(ConferenceTest, ARefusalThatGotLostComesAgain) {
    enter("Alice");
    Person& bob = enter("Bob");
    const int64_t seq = bob.seq();
    ask(bob, native::Close{}, 7);
    goes_away(bob);
    EXPECT_THAT(back(bob, seq).news(), ElementsAre("welcome", "error not-host"));
}

class SmallLogTest : public ConferenceTest {
  protected:
    SmallLogTest() : ConferenceTest({.events = {.events = 2}}) {}
};

TEST_F(SmallLogTest, WhoMissedSomethingIsToldHowMuch) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    goes_away(bob);
    for (int i = 0; i < 3; ++i) ask(alice, native::Chat{"x"});
    Person& again = back(bob);
    EXPECT_EQ(again.welcome().at("resumed"), false);
    EXPECT_EQ(again.welcome().at("missed"), 3);
    EXPECT_EQ(rooms->stats().resumed_in_part, 1);
    EXPECT_EQ(again.welcome().at("participants").as_array().size(), 1);
    EXPECT_EQ(again.welcome().at("chat").as_array().size(), 3);
}

TEST_F(SmallLogTest, RI6_WhatWouldBeLostIsRefused) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    goes_away(bob);
    ask(alice, native::Signal{bob.number(), "1"});
    ask(alice, native::Signal{bob.number(), "2"});
    alice.news();
    ask(alice, native::Signal{bob.number(), "3"});
    EXPECT_THAT(alice.news(), ElementsAre("error queue-full"));
    EXPECT_THAT(back(bob).news(),
                ElementsAre("welcome", testing::EndsWith("1"), testing::EndsWith("2")));
}

TEST_F(SmallLogTest, WhoAcknowledgesNothingStaysConnected) {
    Person &alice = enter("Alice"), &bob = enter("Bob");
    for (int i = 0; i < 5; ++i) ask(alice, native::Signal{bob.number(), "x"});
    EXPECT_EQ(bob.news().size(), 1 + 5);
}

TEST_F(ConferenceTest, WhoIsBackIsToldWhatTheyShowNow) {
    Person& alice = enter("Alice");
    Person& again = open();
    native::Resume wish{
        .ticket = *tickets.open(alice.resume(), now.wall), .seq = 0, .ice_servers = "[]"};
    wish.shows[Showing::camera] = true;
    rooms->resume(now, socket(again.socket()), wish, out);
    carry();
    EXPECT_EQ(again.welcome().at("you").at("camera"), true);
}

TEST_F(ConferenceTest, AWelcomeSaysWhatTheServerCanDo) {
    const json::array features{"attempt"};
    EXPECT_EQ(enter("Alice").welcome().at("features"), features);
}

// As of a client that has given up its second socket, whose hello arrives after that of its third.
TEST_F(ConferenceTest, ALateHelloDoesNotReplaceALaterSocket) {
    Person& alice = enter("Alice");
    Person& third = back(alice, -1, 3);
    Person& second = back(alice, -1, 2);
    EXPECT_THAT(second.news(), ElementsAre("bye replaced"));
    EXPECT_TRUE(second.closed());
    EXPECT_FALSE(third.closed());
    ask(third, native::Chat{"here"});
    EXPECT_THAT(third.news(), testing::Contains(testing::HasSubstr("here")));
    // Its welcome may have been lost; and who does not count is believed.
    EXPECT_THAT(back(alice, -1, 4).news(), ElementsAre("welcome", testing::HasSubstr("here")));
    EXPECT_THAT(back(alice, -1, 0).news(), ElementsAre("welcome", testing::HasSubstr("here")));
}

TEST_F(ConferenceTest, AfterARestartPeopleTakeTheirSeatsAgain) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    start(limits);
    Person &alice = enter("Alice"), &bob = enter("Bob");
    const Number alice_number = alice.number(), bob_number = bob.number();

    tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);  // the next run
    start(limits);
    Person& bob_again = back(bob);
    EXPECT_EQ(bob_again.number(), bob_number);
    EXPECT_EQ(bob_again.welcome().at("resumed"), false);
    EXPECT_TRUE(bob_again.welcome().at("missed").is_null());
    EXPECT_EQ(bob_again.welcome().at("you").at("name"), "Bob");
    bob_again.news();
    Person& alice_again = back(alice);
    EXPECT_EQ(alice_again.number(), alice_number);
    EXPECT_EQ(alice_again.welcome().at("you").at("role"), "host");
    EXPECT_THAT(bob_again.news(), testing::Contains("joined Alice offer"));
    // A welcome may get lost; the old ticket is still good for the same seat.
    EXPECT_EQ(back(bob).number(), bob_number);
    // And whoever comes now is somebody else.
    EXPECT_GT(enter("Carol").number(), bob_number);
}

// As many as one likes may have entered within the second in which the room is opened again.
TEST_F(ConferenceTest, NumbersOfARoomThatIsOpenedAgainAreNotThoseOfBefore) {
    Number last = 0;
    for (int i = 0; i < 3; ++i) {
        Person &alice = enter("Alice"), &bob = enter("Bob");
        EXPECT_GT(alice.number(), last);
        last = bob.number();
        ask(alice, native::Leave{});
        ask(bob, native::Leave{});
        ASSERT_EQ(rooms->stats().rooms, 0u);
    }
}

TEST_F(ConferenceTest, WhoEntersAfterARestartHasNobodysNumber) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    start(limits);
    enter("Alice");
    Person &bob = enter("Bob"), &carol = enter("Carol");
    tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);
    start(limits);  // within the same second
    std::set<Number> numbers;
    for (int i = 0; i < 2; ++i) numbers.insert(enter("Dora").number());
    numbers.insert(back(bob).number());
    for (int i = 0; i < 2; ++i) numbers.insert(enter("Dora").number());
    numbers.insert(back(carol).number());
    EXPECT_EQ(numbers.size(), 6u);
    EXPECT_TRUE(numbers.contains(bob.number()) && numbers.contains(carol.number()));
}

// Its events are counted anew in each run, so what an old ticket comes with says nothing.
TEST_F(ConferenceTest, WhoseWelcomeAfterARestartGotLostIsToldEverythingAgain) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    start(limits);
    Person &alice = enter("Alice"), &bob = enter("Bob");
    tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);
    start(limits);
    goes_away(back(bob));
    back(alice);
    Person& again = back(bob, 0);
    EXPECT_EQ(again.welcome().at("resumed"), false);
    EXPECT_TRUE(again.welcome().at("missed").is_null());
    EXPECT_EQ(again.welcome().at("participants").as_array().size(), 1);
    EXPECT_THAT(again.news(), ElementsAre("welcome"));
    EXPECT_EQ(rooms->stats().resumed_in_part, 3);
}

// A conference of Alice, its host, and Bob, and then the server starts anew.
class RestartedTest : public ConferenceTest {
  protected:
    RestartedTest() {
        limits.restore_until = now.steady + 5min;
        alice = &enter("Alice");
        bob = &enter("Bob");
        tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);
        start(limits);
    }
    static std::string role(const Person& person) {
        return std::string(person.welcome().at("you").at("role").as_string());
    }

    Limits limits;
    Person* alice;
    Person* bob;
};

TEST_F(RestartedTest, WhoIsBackFirstIsNoHostForThat) {
    Person& bob_again = back(*bob);
    EXPECT_EQ(role(bob_again), "guest");
    EXPECT_EQ(role(enter("Carol")), "guest");
    EXPECT_EQ(role(back(*alice)), "host");
    bob_again.news();
    wait(limits.resume_timeout);
    EXPECT_THAT(bob_again.news(), IsEmpty());
}

TEST_F(RestartedTest, WhoWaitsForTheHostLongEnoughIsTheHost) {
    Person& bob_again = back(*bob);
    bob_again.news();
    wait(limits.resume_timeout - 1ns);
    EXPECT_THAT(bob_again.news(), IsEmpty());
    wait(1ns);
    EXPECT_THAT(bob_again.news(),
                ElementsAre("changed " + std::to_string(bob->number()) + " host"));
    // There is one host, whoever was it.
    EXPECT_EQ(role(back(*alice)), "guest");
}

TEST_F(RestartedTest, NobodyWaitsForAHostInAnEmptyRoom) {
    Person& bob_again = back(*bob);
    ask(bob_again, native::Leave{});
    EXPECT_EQ(rooms->next_deadline(), Instant::max());
    EXPECT_EQ(role(enter("Carol")), "host");
}

TEST_F(ConferenceTest, OldTicketsAreGoodForAWhileOnly) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    Person& alice = enter("Alice");
    tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);
    start(limits);
    wait(5min);
    EXPECT_THAT(back(alice).news(), ElementsAre("error session-ended"));
}

// ---- with a client of AppRTC

class MixedTest : public ConferenceTest {
  protected:
    Joined join() {
        Joined joined = RoomsTest::join();
        carry();
        return joined;
    }
    std::vector<std::string> heard_by_legacy() {
        std::vector<std::string> texts;
        for (const Delivery& delivery : std::exchange(legacy, {})) {
            EXPECT_FALSE(delivery.framed);
            texts.push_back(delivery.close ? "close" : delivery.message);
        }
        return texts;
    }
};

TEST_F(MixedTest, WhoWasThereFirstGetsTheOfferThatWaited) {
    const Joined first = join();
    EXPECT_TRUE(first.is_initiator);
    EXPECT_TRUE(connect(1, first.client_id));
    EXPECT_TRUE(message(first.client_id, "offer"));
    Person& bob = enter("Bob");
    const auto& others = bob.welcome().at("participants").as_array();
    ASSERT_EQ(others.size(), 1);
    EXPECT_EQ(others[0].at("legacy"), true);
    EXPECT_EQ(others[0].at("offer"), false);
    EXPECT_THAT(bob.news(), ElementsAre("welcome", "signal 1 offer"));
    ask(bob, native::Signal{1, "answer"});
    EXPECT_THAT(heard_by_legacy(), ElementsAre("answer"));
}

TEST_F(MixedTest, ItIsToldNothingThatItCannotUnderstand) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_TRUE(connect(1, joined.client_id));
    carry();
    alice.news();
    ask(alice, native::Signal{2, ""});
    ask(alice, native::Say{2, "hello"});
    EXPECT_THAT(alice.news(),
                ElementsAre("error unknown-participant", "error unknown-participant"));
    EXPECT_THAT(heard_by_legacy(), IsEmpty());
}

TEST_F(MixedTest, WhoComesLaterFindsTheOffer) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_FALSE(joined.is_initiator);
    EXPECT_THAT(alice.news(), ElementsAre("welcome", "joined  offer"));
    ask(alice, native::Signal{2, "offer"});
    EXPECT_TRUE(connect(1, joined.client_id));
    carry();
    EXPECT_THAT(heard_by_legacy(), ElementsAre("offer"));
    EXPECT_TRUE(send(1, "answer"));
    carry();
    EXPECT_THAT(alice.news(), testing::Contains("signal 2 answer"));
}

TEST_F(MixedTest, TheRoomHoldsTwo) {
    enter("Alice");
    join();
    EXPECT_TRUE(full());
    EXPECT_THAT(enter("Carol").news(), ElementsAre("error room-full"));
}

TEST_F(MixedTest, WithTwoOfOursThereIsNoPlace) {
    enter("Alice");
    enter("Bob");
    EXPECT_TRUE(full());
}

TEST_F(MixedTest, ALockedRoomIsFull) {
    Person& alice = enter("Alice");
    ask(alice, native::SetRoom{true, {}});
    EXPECT_TRUE(full());
}

TEST_F(MixedTest, ItHearsByeWhenWeLeave) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_TRUE(connect(1, joined.client_id));
    ask(alice, native::Leave{});
    EXPECT_THAT(heard_by_legacy(), ElementsAre(R"({"type":"bye"})"));
    // As with one of its own kind it offers anew, for whoever comes.
    EXPECT_TRUE(message(joined.client_id, "again"));
    EXPECT_THAT(enter("Bob").news(), ElementsAre("welcome", "signal 2 again"));
}

TEST_F(MixedTest, ItHearsByeWhenWeAreLost) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_TRUE(connect(1, joined.client_id));
    goes_away(alice);
    EXPECT_THAT(heard_by_legacy(), IsEmpty());
    wait(30s);
    EXPECT_THAT(heard_by_legacy(), ElementsAre(R"({"type":"bye"})"));
}

// A participant has no client id, and so the empty one is nobody's.
TEST_F(MixedTest, R3_WhoHasNoClientIdIsNotRemovedByOne) {
    Person& alice = enter("Alice");
    alice.news();
    remove("");
    leave("");
    EXPECT_FALSE(message("", "x"));
    carry();
    EXPECT_FALSE(alice.closed());
    EXPECT_THAT(alice.news(), IsEmpty());
}

TEST_F(MixedTest, RI1_WhatWasForOneWhoNeverCameIsNotForTheNext) {
    Person& alice = enter("Alice");
    join();
    ask(alice, native::Signal{2, "offer"});
    wait(30s);
    EXPECT_THAT(alice.news(), testing::Contains("left lost 2"));
    EXPECT_THAT(join().messages, IsEmpty());
}

// Also when one of the two has an old number, of before the restart.
TEST_F(MixedTest, OneOfTheTwoOffers) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    now.wall = std::chrono::sys_days(std::chrono::January / 1 / 2026);
    start(limits);
    Person& alice = enter("Alice");
    tickets = ResumeTickets(ResumeTickets::Key{1, 2, 3}, 2);
    start(limits);
    now.wall += 10s;
    const Joined joined = join();
    EXPECT_TRUE(joined.is_initiator);
    EXPECT_TRUE(connect(1, joined.client_id));
    Person& again = back(alice);
    EXPECT_EQ(again.welcome().at("participants").as_array().at(0).at("offer"), false);
}

TEST_F(MixedTest, WeHearWhetherItHasASocket) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    const auto here = [&](const Person& viewer) {
        return viewer.welcome().at("participants").as_array().at(0).at("connected").as_bool();
    };
    constexpr int64_t unknown = 1000;  // of whom the server knows nothing is told everything
    Person& again = back(alice, unknown);
    EXPECT_FALSE(here(again));
    again.news();
    EXPECT_TRUE(connect(1, joined.client_id));
    carry();
    EXPECT_THAT(again.news(), ElementsAre("changed 2 true"));
    lose(1);
    carry();
    EXPECT_THAT(again.news(), ElementsAre("changed 2 false"));
    EXPECT_TRUE(connect(2, joined.client_id));
    carry();
    EXPECT_TRUE(here(back(again, unknown)));
}

TEST_F(MixedTest, WeHearOnceThatItLeft) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_TRUE(connect(1, joined.client_id));
    carry();
    alice.news();
    leave(joined.client_id);
    EXPECT_TRUE(send(1, R"({"type":"bye"})"));
    carry();
    EXPECT_THAT(alice.news(), ElementsAre("left left 2"));
}

TEST_F(MixedTest, WeHearThatItWasLost) {
    Person& alice = enter("Alice");
    const Joined joined = join();
    EXPECT_TRUE(connect(1, joined.client_id));
    lose(1);
    carry();
    alice.news();
    wait(10s);
    EXPECT_THAT(alice.news(), ElementsAre("left lost 2"));
}

}  // namespace
}  // namespace ahoy::room
