#include "probe/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::probe {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Message;
using stun::MessageWriter;
using stun::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using turn::listener;
using turn::Payload;

struct Line {
    Step step{};
    Verdict verdict{};
    Cause cause{};

    friend bool operator==(const Line&, const Line&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Line& line) {
        return out << label(line.step) << ' ' << label(line.verdict) << ' ' << label(line.cause);
    }
};

Line ok(Step step) {
    return {step, Verdict::ok, Cause::none};
}
Line failed(Step step, Cause cause) {
    return {step, Verdict::failed, cause};
}
Line skipped(Step step, Cause cause) {
    return {step, Verdict::skipped, cause};
}

// A dialogue with the real server, and a network between its relayed addresses.
class DialogueTest : public testing::Test {
  protected:
    // What the network does to a message to the server; an empty one is lost.
    std::function<void(SocketId leg, Payload&)> on_the_way;
    // The answer of a server that is not ours, to the first leg; absent: ours answers.
    std::function<std::optional<Payload>(const Message&)> answers;
    std::function<bool(const TransportAddress& to)> reaches = [](const auto&) { return true; };

    void begins() {
        dialogue.emplace(config, Random::from_number(5));
        dialogue->begin(world.now, out);
        settles();
    }
    std::vector<Line> runs() {
        begins();
        const Instant end = world.now.steady + 10min;
        while (!dialogue->done() && world.now.steady < end) {
            const auto left = dialogue->next_deadline() - world.now.steady;
            world.passes(std::max<Duration>(left, 0ns));
            dialogue->expire(world.now, out);
            settles();
        }
        EXPECT_TRUE(dialogue->done());
        return lines();
    }
    std::vector<Line> lines() {
        for (Finding& finding : dialogue->take_findings()) findings.push_back(std::move(finding));
        std::vector<Line> all;
        for (const Finding& f : findings) all.push_back({f.step, f.verdict, f.cause});
        return all;
    }
    const Finding& of(Step step) const {
        for (const Finding& finding : findings) {
            if (finding.step == step) return finding;
        }
        ADD_FAILURE() << "no finding of " << label(step);
        static const Finding none;
        return none;
    }

    void settles() {
        while (!out.pending().empty()) {
            struct Leaving {
                SocketId leg;
                TransportAddress to;
                Payload bytes;
            };
            std::vector<Leaving> leaving;
            for (const Transmit& t : out.pending()) {
                Payload bytes(t.prefix.begin(), t.prefix.begin() + t.prefix_size);
                bytes.insert(bytes.end(), t.bytes.begin(), t.bytes.end());
                leaving.push_back({t.socket, t.to, std::move(bytes)});
            }
            out.clear();
            for (Leaving& l : leaving) {
                if (l.leg == Dialogue::direct) {
                    to_relay(plain, l.to, l.bytes);
                } else {
                    to_server(l.leg, std::move(l.bytes));
                }
            }
        }
    }
    void to_server(SocketId leg, Payload bytes) {
        if (on_the_way) on_the_way(leg, bytes);
        if (bytes.empty()) return;
        const auto message = Message::parse(bytes);
        if (answers && message) {
            if (const auto answer = answers(*message)) return gives(leg, *answer);
        }
        const auto& client = leg == Dialogue::first ? one : two;
        auto sent = world.from_client(client, bytes);
        // On one shard it does not leave the server; elsewhere it may be lost.
        std::erase_if(sent, [&](const turn::Sent& s) { return is_data(s) && !reaches(listener); });
        deliver(sent);
    }
    static bool is_data(const turn::Sent& sent) {
        const auto message = Message::parse(sent.bytes);
        return message ? message->method() == Method::data : sent.bytes[0] >> 6 == 1;
    }
    void deliver(const std::vector<turn::Sent>& sent) {
        for (const turn::Sent& s : sent) {
            if (s.to == one || s.to == two) {
                gives(s.to == one ? Dialogue::first : Dialogue::second, s.bytes);
                continue;
            }
            for (const auto& [address, socket] : world.ports.live) {
                if (socket == s.socket) {
                    to_relay(address, s.to, s.bytes);
                    break;
                }
            }
        }
    }
    void to_relay(const TransportAddress& from, const TransportAddress& to, const Payload& bytes) {
        const auto relay = world.ports.live.find(to);
        if (relay == world.ports.live.end() || !reaches(from)) return;
        deliver(world.from_peer({relay->second, relay->first}, from, bytes));
    }
    void gives(SocketId leg, const Payload& bytes) {
        if (dialogue->done()) return;
        dialogue->from_network(world.now, {.socket = leg, .bytes = bytes}, out);
    }

    // ---- answers of other servers
    static Payload write(const Message& to, Class kind, const turn::AddAttributes& add) {
        std::array<uint8_t, 512> buffer;
        MessageWriter writer(buffer, {to.method(), kind}, to.transaction_id());
        add(writer);
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
    // Refuses a method, once it is signed.
    void refuses(Method method, ErrorCode code, const turn::AddAttributes& more = {}) {
        answers = [=](const Message& request) -> std::optional<Payload> {
            if (request.method() != method || !request.integrity_at()) return {};
            return write(request, Class::error, [&](MessageWriter& w) {
                w.error(code, stun::reason_phrase(code));
                if (more) more(w);
            });
        };
    }

    const TransportAddress one = at("9.9.9.9:1001");
    const TransportAddress two = at("9.9.9.9:1002");
    const TransportAddress plain = at("9.9.9.9:1003");
    turn::World world;
    const Instant start = world.now.steady;
    DialogueConfig config{.server = turn::listener,
                          .transport = Transport::udp,
                          .local = one.ip,
                          .login = Login{"alice", "wonder"}};
    Outbox out;
    std::optional<Dialogue> dialogue;
    std::vector<Finding> findings;
};

TEST_F(DialogueTest, TakesEveryStepAndGivesBackWhatItTook) {
    EXPECT_THAT(runs(), ElementsAre(ok(Step::binding), ok(Step::challenge), ok(Step::allocate),
                                    ok(Step::second), ok(Step::permission), ok(Step::indications),
                                    ok(Step::channel), ok(Step::channel_data), ok(Step::direct),
                                    ok(Step::refresh)));
    EXPECT_EQ(of(Step::binding).address, one);
    EXPECT_THAT(of(Step::binding).detail, HasSubstr("no NAT"));
    EXPECT_THAT(of(Step::challenge).detail, HasSubstr("realm \"ahoy\""));
    EXPECT_THAT(of(Step::allocate).detail, HasSubstr("192.0.2.15:50001 for 600 s"));
    for (const Step step : {Step::indications, Step::channel_data, Step::direct}) {
        ASSERT_TRUE(of(step).traffic);
        EXPECT_EQ(of(step).traffic->received, 10u);
    }
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(DialogueTest, SendsIndicationsBeforeThereIsAChannelAndChannelDataAfterwards) {
    size_t indications = 0, channel_data = 0;
    on_the_way = [&](SocketId, const Payload& bytes) {
        const auto message = Message::parse(bytes);
        indications += message && message->method() == Method::send;
        channel_data += !message;
    };
    runs();
    EXPECT_EQ(indications, 10u);
    EXPECT_EQ(channel_data, 10u);
}

TEST_F(DialogueTest, SeesTheNatBetween) {
    config.local = ip("10.0.0.2");
    runs();
    EXPECT_THAT(of(Step::binding).detail, HasSubstr("10.0.0.2 here: a NAT is between"));
}

TEST_F(DialogueTest, OfAStunServerIsABinding) {
    config.relays = false;
    EXPECT_THAT(runs(), ElementsAre(ok(Step::binding)));
}

TEST_F(DialogueTest, WithoutCredentialsEndsAtTheChallenge) {
    config.login.reset();
    EXPECT_THAT(runs(), ElementsAre(ok(Step::binding), ok(Step::challenge),
                                    skipped(Step::allocate, Cause::no_credentials)));
}

TEST_F(DialogueTest, GivesUpSoonOnAServerThatIsSilent) {
    on_the_way = [](SocketId, Payload& bytes) { bytes.clear(); };
    EXPECT_THAT(runs(), ElementsAre(failed(Step::binding, Cause::no_answer),
                                    failed(Step::challenge, Cause::no_answer)));
    EXPECT_EQ(world.now.steady - start, 10s);
}

TEST_F(DialogueTest, AsksForAnAllocationWhereOnlyBindingIsSilent) {
    on_the_way = [](SocketId, Payload& bytes) {
        const auto message = Message::parse(bytes);
        if (message && message->method() == Method::binding) bytes.clear();
    };
    const auto all = runs();
    EXPECT_EQ(all[0], failed(Step::binding, Cause::no_answer));
    EXPECT_EQ(all.back(), ok(Step::refresh));
}

TEST_F(DialogueTest, TellsAWrongPasswordFromAWrongSecret) {
    config.login = Login{"alice", "wander"};
    EXPECT_EQ(runs().back(), failed(Step::allocate, Cause::wrong_password));
    findings.clear();
    config.login = Login{"1999999999:probe", "wander", true};
    EXPECT_EQ(runs().back(), failed(Step::allocate, Cause::wrong_rest_password));
    EXPECT_THAT(findings.back().detail, HasSubstr("1999999999:probe"));
}

TEST_F(DialogueTest, SaysWhyAnAllocationIsRefused) {
    for (const auto& [code, cause] :
         {std::pair{ErrorCode::allocation_mismatch, Cause::allocation_mismatch},
          {ErrorCode::wrong_credentials, Cause::wrong_credentials},
          {ErrorCode::unsupported_transport_protocol, Cause::unsupported_transport},
          {ErrorCode::allocation_quota_reached, Cause::quota_reached},
          {ErrorCode::insufficient_capacity, Cause::no_capacity}}) {
        findings.clear();
        refuses(Method::allocate, code);
        EXPECT_EQ(runs().back(), failed(Step::allocate, cause));
        EXPECT_THAT(findings.back().detail, HasSubstr(std::to_string(static_cast<unsigned>(code))));
    }
}

TEST_F(DialogueTest, CallsAnEndlessStaleNonceByItsName) {
    refuses(Method::allocate, ErrorCode::stale_nonce, [](MessageWriter& w) {
        w.text(AttributeType::realm, "ahoy");
        w.text(AttributeType::nonce, "old");
    });
    EXPECT_EQ(runs().back(), failed(Step::allocate, Cause::stale_nonce));
}

TEST_F(DialogueTest, NamesTheServerThatItIsSentTo) {
    refuses(Method::allocate, ErrorCode::try_alternate, [](MessageWriter& w) {
        w.address(AttributeType::alternate_server, at("198.51.100.7:3478"));
    });
    EXPECT_EQ(runs().back(), failed(Step::allocate, Cause::redirected));
    EXPECT_THAT(findings.back().detail, HasSubstr("to 198.51.100.7:3478"));
}

TEST_F(DialogueTest, WarnsOfAServerThatRelaysForAnybody) {
    answers = [](const Message& request) -> std::optional<Payload> {
        if (request.method() != Method::allocate) return {};
        return write(request, Class::success, [](MessageWriter& w) {
            w.xor_address(AttributeType::xor_relayed_address, at("192.0.2.15:50001"));
            w.lifetime(600s);
        });
    };
    EXPECT_EQ(runs().back(), failed(Step::challenge, Cause::open_relay));
}

TEST_F(DialogueTest, KnowsAChallengeThatNobodyCanAnswer) {
    answers = [](const Message& request) -> std::optional<Payload> {
        if (request.method() != Method::allocate) return {};
        return write(request, Class::error,
                     [](MessageWriter& w) { w.error(ErrorCode::unauthenticated, ""); });
    };
    EXPECT_EQ(runs().back(), failed(Step::challenge, Cause::no_realm));
}

TEST_F(DialogueTest, KnowsWhatIsNoStun) {
    answers = [](const Message&) { return turn::bytes_of("\x15\x03\x01 no"); };
    EXPECT_EQ(runs()[0], failed(Step::binding, Cause::not_stun));
}

TEST_F(DialogueTest, ShowsNoControlCharactersOfOthers) {
    config.login.reset();
    answers = [](const Message& request) -> std::optional<Payload> {
        if (request.method() != Method::allocate) return {};
        return write(request, Class::error, [](MessageWriter& w) {
            w.error(ErrorCode::unauthenticated, "\x1b[2J");
            w.text(AttributeType::realm, "a\nb");
            w.text(AttributeType::nonce, "c");
        });
    };
    runs();
    EXPECT_THAT(of(Step::challenge).detail, HasSubstr("401 ?[2J, realm \"a?b\""));
}

TEST_F(DialogueTest, GoesOnWithWhatCanStillTellSomething) {
    refuses(Method::create_permission, ErrorCode::forbidden);
    EXPECT_THAT(runs(), ElementsAre(ok(Step::binding), ok(Step::challenge), ok(Step::allocate),
                                    ok(Step::second), failed(Step::permission, Cause::forbidden),
                                    skipped(Step::direct, Cause::forbidden), ok(Step::refresh)));
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(DialogueTest, SeesThatTheServerDoesNotReachItself) {
    reaches = [this](const TransportAddress& from) { return from == plain; };
    const auto all = runs();
    EXPECT_THAT(all, testing::Contains(failed(Step::indications, Cause::lost_all)));
    EXPECT_THAT(all, testing::Contains(failed(Step::channel_data, Cause::lost_all)));
    EXPECT_THAT(all, testing::Contains(ok(Step::direct)));
}

TEST_F(DialogueTest, SeesClosedRelayPortsAndExcusesThemOverTcp) {
    reaches = [this](const TransportAddress& from) { return from != plain; };
    EXPECT_THAT(runs(), testing::Contains(failed(Step::direct, Cause::lost_all)));
    findings.clear();
    config.transport = Transport::tcp;
    EXPECT_THAT(runs(), testing::Contains(Line{Step::direct, Verdict::warning, Cause::lost_all}));
}

TEST_F(DialogueTest, ForgivesOneLostDatagramOfTen) {
    for (const auto& [losses, verdict] : {std::pair{1u, Verdict::warning}, {2u, Verdict::failed}}) {
        findings.clear();
        size_t seen = 0;
        reaches = [&, most = losses](const TransportAddress&) { return ++seen > most; };
        EXPECT_THAT(runs(), testing::Contains(Line{Step::indications, verdict, Cause::lost_some}));
        EXPECT_EQ(of(Step::indications).traffic->received, 10 - losses);
    }
}

TEST_F(DialogueTest, SendsNothingDirectlyWhereNothingIsBetween) {
    config.local = turn::listener.ip;
    EXPECT_THAT(runs(), testing::Contains(skipped(Step::direct, Cause::same_machine)));
}

TEST_F(DialogueTest, FindsAServerThatDoesNotKnowItsPublicAddress) {
    config.server = at("8.8.8.8:3478");  // and it relays on 192.0.2.15
    EXPECT_THAT(runs(), testing::Contains(failed(Step::allocate, Cause::relayed_address_private)));
    EXPECT_EQ(findings.back().step, Step::refresh);
}

TEST_F(DialogueTest, SurvivesAServerThatTakesAnAllocationAway) {
    // It gives a second, and refuses to make it longer.
    answers = [](const Message& request) -> std::optional<Payload> {
        if (!request.integrity_at()) return {};
        if (request.method() == Method::refresh) {
            return write(request, Class::error,
                         [](MessageWriter& w) { w.error(ErrorCode::allocation_mismatch, ""); });
        }
        return write(request, Class::success, [](MessageWriter& w) {
            w.xor_address(AttributeType::xor_mapped_address, at("9.9.9.9:1001"));
            w.xor_address(AttributeType::xor_relayed_address, at("192.0.2.15:50001"));
            w.lifetime(1s);
            w.integrity(stun::long_term_key("alice", "ahoy", "wonder"));
        });
    };
    EXPECT_EQ(runs().back(), failed(Step::indications, Cause::allocation_ended));
    EXPECT_EQ(world.now.steady - start, 750ms);
}

TEST_F(DialogueTest, EndsWithTheFirstConnectionAndDoesWithoutTheSecond) {
    config.transport = Transport::tcp;
    begins();
    dialogue->lost(world.now, Dialogue::second, Cause::refused, out);
    const Instant end = world.now.steady + 1min;
    while (!dialogue->done() && world.now.steady < end) {
        world.passes(std::max<Duration>(dialogue->next_deadline() - world.now.steady, 0ns));
        dialogue->expire(world.now, out);
        settles();
    }
    EXPECT_THAT(lines(), testing::Contains(failed(Step::indications, Cause::refused)));
    EXPECT_EQ(findings.back().step, Step::refresh);
    EXPECT_EQ(findings.back().verdict, Verdict::ok);

    findings.clear();
    begins();
    dialogue->lost(world.now, Dialogue::first, Cause::closed, out);
    EXPECT_TRUE(dialogue->done());
    EXPECT_EQ(lines().back().cause, Cause::closed);
}

TEST_F(DialogueTest, NeedsNoSecondConnectionUntilItIsItsTurn) {
    dialogue.emplace(config, Random::from_number(5));
    dialogue->lost(world.now, Dialogue::second, Cause::no_answer, out);
    dialogue->begin(world.now, out);
    settles();
    EXPECT_THAT(lines(), testing::Contains(failed(Step::second, Cause::no_answer)));
    EXPECT_THAT(lines(), testing::Contains(ok(Step::allocate)));
}

TEST_F(DialogueTest, GivesBackWhatItHasWhenItIsAbandoned) {
    begins();
    EXPECT_EQ(world.ports.live.size(), 2u);
    dialogue->abandon(world.now, out);
    EXPECT_TRUE(dialogue->done());
    EXPECT_EQ(lines().back().cause, Cause::out_of_time);
    settles();
    EXPECT_TRUE(world.ports.live.empty());
}

}  // namespace
}  // namespace ahoy::probe
