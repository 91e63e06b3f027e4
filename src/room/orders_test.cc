// Every order of a small set of operations, and long random ones, against what must always hold:
// never more than two seats, everything heard in order and once, nothing to oneself or to somebody
// without a socket, every seat free after its grace, nothing left when all are gone.
#include "room/testing.h"

namespace ahoy::room {
namespace {

using testing::IsEmpty;

const std::string bye = R"({"type":"bye"})";

struct Person {
    std::string id;       // empty: not joined
    uint64_t socket = 0;  // 0: none
    bool left = false;
    bool showed_up = false;
    int said = 0;                              // accepted
    std::map<size_t, std::vector<int>> heard;  // by speaker, the numbers of what was said
    std::vector<std::string> handed;           // in its /join answer

    bool joined() const { return !id.empty(); }
};

// People in one room, and everything that was accepted from and delivered to each.
class World : public RoomsTest {
  protected:
    enum class Way { message, socket, post };

    void reset(const Limits& limits = {}) {
        start(limits);
        people.clear();
        last_socket = 0;
        out.clear();
    }
    void join_as(size_t who) {
        if (people[who].joined()) return;
        const size_t before = rooms->seats_taken("room");
        const auto joined = rooms->join(now, "room", Rooms::Mode::call, out);
        ASSERT_LE(rooms->seats_taken("room"), 2u);
        if (!joined) {
            ASSERT_EQ(joined.error(), JoinRefusal::full);
            ASSERT_EQ(rooms->seats_taken("room"), 2u);
            return;
        }
        // What was due may have freed a seat first, but never taken one.
        ASSERT_LE(rooms->seats_taken("room"), before + 1);
        ASSERT_EQ(joined->is_initiator, rooms->seats_taken("room") == 1);
        people[who].id = joined->client_id;
        people[who].handed = joined->messages;
        for (const std::string& text : joined->messages) hear(who, text);
        carry_out();
    }
    void register_as(size_t who) {
        Person& person = people[who];
        if (!person.joined() || person.socket) return;
        const uint64_t number = ++last_socket;
        person.socket = number;  // what was kept is delivered during the call
        const bool done = connect(number, person.id);
        if (done) person.showed_up = true;
        carry_out();
        if (!done) person.socket = 0;
    }
    void say_as(size_t who, Way way) {
        Person& person = people[who];
        if (!person.joined() || (way == Way::socket && !person.socket)) return;
        const std::string text = std::to_string(who) + ":" + std::to_string(person.said + 1);
        const bool accepted = way == Way::message  ? message(person.id, text)
                              : way == Way::socket ? send(person.socket, text)
                                                   : post(person.id, text);
        if (accepted) ++person.said;
        if (accepted) person.showed_up = true;
        carry_out();
    }
    void leave_as(size_t who) {
        if (!people[who].joined()) return;
        leave(people[who].id);
        people[who].left = true;
        carry_out();
    }
    void remove_as(size_t who) {
        if (!people[who].joined()) return;
        const bool seated = !std::exchange(people[who].left, true);
        remove(people[who].id);
        carry_out();
        ASSERT_TRUE(!seated || people[who].socket == 0);
    }
    void lose_as(size_t who) {
        lose(std::exchange(people[who].socket, 0));
        carry_out();
    }
    void wait(Duration time) {
        pass(time);
        carry_out();
        ASSERT_GT(rooms->next_deadline(), now.steady);
    }
    void carry_out() {
        for (const Delivery& delivery : delivered()) {
            const auto to = std::ranges::find_if(people, [&](const auto& entry) {
                return entry.second.socket == delivery.to.number;
            });
            ASSERT_TRUE(to != people.end()) << delivery.message << " to a socket that is closed";
            if (delivery.close) {
                to->second.socket = 0;
            } else if (delivery.message != bye) {
                hear(to->first, delivery.message);
            }
        }
    }
    void hear(size_t who, const std::string& text) {
        const size_t speaker = std::stoul(text);
        const int number = std::stoi(text.substr(text.find(':') + 1));
        ASSERT_NE(speaker, who) << "one's own words";
        auto& heard = people[who].heard[speaker];
        ASSERT_EQ(number, heard.empty() ? number : heard.back() + 1) << "a gap, or again";
        heard.push_back(number);
    }
    void everybody_goes() {
        for (auto& [who, person] : people) lose_as(who);
        wait(24h + 1s);
        ASSERT_EQ(rooms->stats().rooms, 0u);
        ASSERT_EQ(rooms->stats().clients, 0u);
        ASSERT_EQ(rooms->stats().connections, 0u);
        ASSERT_EQ(rooms->next_deadline(), Instant::max());
    }

    std::map<size_t, Person> people;
    uint64_t last_socket = 0;
};

enum : size_t { a, b, c };

// Runs every order of `operations` and then `check`; says which order failed.
template <class Operation, class Run, class Check>
void in_every_order(std::vector<Operation> operations, Run run, Check check) {
    std::ranges::sort(operations);
    do {
        std::string order;
        for (const Operation operation : operations) order += std::to_string(int(operation)) + ' ';
        SCOPED_TRACE(order);
        run(operations);
        check();
        if (testing::Test::HasFailure()) return;
    } while (std::ranges::next_permutation(operations).found);
}

// Two people, of whom one leaves; what each says must reach the other, or whoever comes next.
class EveryOrder : public World {
  protected:
    enum Operation { join_a, join_b, register_a, register_b, offer, candidate, answer, leave_a };

    void run(const std::vector<Operation>& operations) {
        reset();
        b_came_in_time = true;
        b_said_before = 0;
        for (const Operation operation : operations) run(operation);
    }
    void run(Operation operation) {
        switch (operation) {
            case join_a:
                return join_as(a);
            case join_b:
                b_came_in_time = !people[a].left;
                return join_as(b);
            case register_a:
                return register_as(a);
            case register_b:
                return register_as(b);
            case offer:
                return say_as(a, Way::message);
            case candidate:
                return say_as(a, Way::post);
            case answer:
                return say_as(b, people[b].socket ? Way::socket : Way::post);
            case leave_a:
                b_said_before = people[b].said;
                return leave_as(a);
        }
    }
    static std::vector<int> up_to(int last, int first = 1) {
        std::vector<int> numbers;
        for (int i = first; i <= last; ++i) numbers.push_back(i);
        return numbers;
    }
    void check() {
        register_as(b);
        Person &one = people[a], &other = people[b];
        // All that one said before it left, and its bye afterwards.
        ASSERT_EQ(other.heard[a], up_to(b_came_in_time ? one.said : 0));
        if (!one.left) {
            register_as(a);
            ASSERT_EQ(one.heard[b], up_to(other.said));
            return;
        }
        // What one was handed and never took is the next joiner's.
        join_as(c);
        ASSERT_EQ(people[c].heard[b], up_to(other.said, one.showed_up ? b_said_before + 1 : 1));
        ASSERT_THAT(people[c].heard[a], IsEmpty());
    }

    bool b_came_in_time = true;  // while a was there
    int b_said_before = 0;       // before a left
};

TEST_F(EveryOrder, OfJoiningRegisteringTalkingAndLeaving) {
    in_every_order<Operation>(
        {join_a, join_b, register_a, register_b, offer, candidate, answer, leave_a},
        [this](const auto& operations) { run(operations); }, [this] { check(); });
}

// One of two vanishes at some point; its seat must be free afterwards, and only its own.
class EveryLoss : public World {
  protected:
    enum Operation { join_a, join_b, register_a, register_b, offer, lose_a, come_back, time };

    void run(const std::vector<Operation>& operations) {
        reset();
        for (const Operation operation : operations) run(operation);
    }
    void run(Operation operation) {
        switch (operation) {
            case join_a:
                return join_as(a);
            case join_b:
                return join_as(b);
            case register_a:
            case come_back:
                return register_as(a);
            case register_b:
                return register_as(b);
            case offer:
                return say_as(a, people[a].socket ? Way::socket : Way::message);
            case lose_a:
                return lose_as(a);
            case time:
                return wait(9s);
        }
    }
    void check() {
        register_as(b);
        wait(1h);
        const size_t sockets = (people[a].socket != 0) + (people[b].socket != 0);
        ASSERT_EQ(sockets, rooms->stats().connections);
        ASSERT_EQ(rooms->seats_taken("room"), sockets);
        join_as(c);
        ASSERT_EQ(people[c].joined(), sockets < 2);
        everybody_goes();
    }
};

TEST_F(EveryLoss, FreesTheSeatAfterTheGrace) {
    in_every_order<Operation>(
        {join_a, join_b, register_a, register_b, offer, lose_a, come_back, time},
        [this](const auto& operations) { run(operations); }, [this] { check(); });
}

// Storms of everything, by many people, with small queues.
class Storm : public World {
  protected:
    void step(Random& random) {
        const size_t who = random.below(last_person + 1);
        switch (random.below(11)) {
            case 0:
            case 1:
                return join_as(++last_person);
            case 2:
            case 3:
                return register_as(who);
            case 4:
                return lose_as(who);
            case 5:
                return say_as(who, Way::message);
            case 6:
                return say_as(who, Way::socket);
            case 7:
                return say_as(who, Way::post);
            case 8:
                return leave_as(who);
            case 9:
                return random.below(4) ? say_as(who, Way::socket) : remove_as(who);
            default:
                break;
        }
        const Duration time = std::chrono::seconds(random.below(12));
        if (random.below(2)) return wait(time);
        now.steady += time;  // a late timer
    }
    // With everybody awake again, the two who are here understand each other.
    void check() {
        for (auto& [who, person] : people) register_as(who);
        for (auto& [who, person] : people) {
            if (person.socket && !person.left) say_as(who, Way::socket);
        }
        for (auto& [speaker, one] : people) {
            for (auto& [listener, other] : people) {
                const bool both = one.socket && other.socket && !one.left && !other.left;
                if (speaker == listener || !both) continue;
                ASSERT_EQ(other.heard[speaker].back(), one.said);
            }
        }
        wait(1h);
        ASSERT_LE(rooms->seats_taken("room"), 2u);
        everybody_goes();
    }

    size_t last_person = 0;
};

TEST_F(Storm, LosesNothingAndLeavesNothing) {
    for (uint64_t seed = 1; seed <= 2000 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random = Random::from_number(seed);
        Limits limits;
        limits.max_queued_messages = 3;
        reset(limits);
        last_person = 0;
        for (int i = 0; i < 200 && !HasFailure(); ++i) step(random);
        if (!HasFailure()) check();
    }
}

TEST_F(Storm, TheSameSeedGivesTheSameWords) {
    const auto run = [&](uint64_t seed) {
        Random random = Random::from_number(seed);
        reset();
        last_person = 0;
        for (int i = 0; i < 200; ++i) step(random);
        std::vector<std::string> all = diary.lines;
        for (const auto& [who, person] : people) all.push_back(person.id);
        diary.lines.clear();
        return all;
    };
    EXPECT_EQ(run(7), run(7));
}

}  // namespace
}  // namespace ahoy::room
