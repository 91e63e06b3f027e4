// The TURN client against a hostile server: right, wrong and forged answers to its own
// transactions, and anything else.  It stays within bounds, believes only what is signed, and its
// end always comes.
#include "fuzz/input.h"
#include "stun/integrity.h"
#include "turn/client.h"

namespace ahoy::fuzz {
namespace {

using namespace turn;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::MessageWriter;
using stun::Method;

const TransportAddress server{IpAddress::v4(0xc000020f), 3478};

class World {
  public:
    explicit World(Input& input)
        : client_(config(input.choose(4)), Random::from_number(1)),
          key_(stun::long_term_key("alice", "ahoy", "wonder")) {}

    void step(Input& input) {
        const size_t requests = sent_.size();
        const size_t what = input.choose(12);
        if (what < 5) {
            user(what, input);
        } else if (what == 5) {
            now_.steady += std::chrono::milliseconds(input.number(3) >> input.choose(24));
            client_.expire(now_, out_);
        } else {
            arrives(what == 6 ? copy(input.bytes(300)) : answer(input));
            CHECK(out_.pending().size() <= 1);  // an answer to a challenge, never more
        }
        collect();
        CHECK(sent_.size() <= requests + 100);
        CHECK(client_.state() != Client::State::allocated || client_.relayed());
        CHECK(client_.state() != Client::State::closed || !client_.relayed());
    }
    // It gives up at last, whatever it was told.
    void ends() {
        client_.close(now_, out_);
        collect();
        for (int waits = 0; client_.next_deadline() != Instant::max(); ++waits) {
            CHECK(waits < 1000 && client_.next_deadline() > now_.steady);
            now_.steady = client_.next_deadline();
            client_.expire(now_, out_);
            collect();
        }
        CHECK(client_.state() == Client::State::closed);
    }

  private:
    struct Request {
        Method method;
        stun::TransactionId id;
    };
    static ClientConfig config(size_t which) {
        ClientConfig config{.server = server, .username = "alice", .password = "wonder"};
        config.reliable = which % 2 == 1;
        if (which > 1) config.family = AddressFamily::ipv6;
        return config;
    }
    static std::vector<uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

    void user(size_t what, Input& input) {
        const TransportAddress peer{IpAddress::v4(0x09090900 | input.byte() % 4), 5000};
        const bool idle = client_.state() == Client::State::idle;
        const bool closed = client_.state() == Client::State::closed;
        switch (what) {
            case 0:
                return idle || closed ? client_.allocate(now_, out_) : client_.close(now_, out_);
            case 1:
                return client_.permit(now_, peer.ip, out_);
            case 2:
                return client_.bind_channel(now_, peer, out_);
            case 3:
                return client_.send(peer, input.bytes(40), out_);
            default:
                return client_.request_binding(now_, out_);
        }
    }
    void arrives(const std::vector<uint8_t>& bytes) {
        const auto state = client_.state();
        const auto got = client_.from_server(now_, {.from = server, .bytes = bytes}, out_);
        if (got) {
            const auto* begin = got->payload.data();
            CHECK(got->payload.empty() ||
                  (begin >= bytes.data() &&
                   begin + got->payload.size() <= bytes.data() + bytes.size()));
            CHECK(out_.pending().empty());
        }
        const auto message = Message::parse(bytes);
        if (client_.state() == Client::State::allocated && state != client_.state()) {
            CHECK(message && message->integrity_at());
        }
    }
    // To one of the latest requests, of one of the usual kinds, with what the input adds to it.
    std::vector<uint8_t> answer(Input& input) {
        const size_t how = input.choose(128);
        if (how == 0) return channel_data(input);
        Request to{static_cast<Method>(input.choose(16)), {}};
        if (!sent_.empty())
            to = sent_[sent_.size() - 1 - input.choose(std::min<size_t>(sent_.size(), 8))];
        std::array<uint8_t, 4096> buffer;
        const bool fails = how % 4 == 0;
        const bool tells = how % 16 == 1;
        const auto kind = tells ? Class::indication : fails ? Class::error : Class::success;
        MessageWriter writer(buffer, {tells ? Method::data : to.method, kind}, to.id);
        if (fails) {
            static constexpr stun::ErrorCode codes[] = {
                stun::ErrorCode::unauthenticated, stun::ErrorCode::stale_nonce,
                stun::ErrorCode::try_alternate, stun::ErrorCode::allocation_mismatch,
                stun::ErrorCode::bad_request};
            writer.error(input.one_of(codes), "");
            writer.text(AttributeType::realm, how % 8 == 0 ? "ahoy" : long_text(input));
            writer.text(AttributeType::nonce, how % 16 < 8 ? "nonce" : long_text(input));
        } else {
            const TransportAddress address{IpAddress::v4(0x09090900 | input.byte() % 4), 5000};
            writer.xor_address(AttributeType::xor_relayed_address, address);
            writer.xor_address(AttributeType::xor_mapped_address, address);
            writer.xor_address(AttributeType::xor_peer_address, address);
            writer.number(AttributeType::lifetime,
                          static_cast<uint32_t>(input.number(4)) >> how % 32);
        }
        for (size_t i = input.choose(4); i > 0; --i) attribute(writer, input);
        if (how > 16) writer.integrity(key_);
        return copy(writer.finish());
    }
    static std::string long_text(Input& input) { return std::string(input.number(2) % 1500, 'x'); }
    static void attribute(MessageWriter& writer, Input& input) {
        static constexpr AttributeType types[] = {AttributeType::realm, AttributeType::nonce,
                                                  AttributeType::error_code, AttributeType::data,
                                                  AttributeType::lifetime};
        const size_t which = input.choose(7);
        if (which < std::size(types)) return writer.attribute(types[which], input.bytes(20));
        writer.attribute(static_cast<AttributeType>(input.number(2)), input.bytes(40));
    }
    static std::vector<uint8_t> channel_data(Input& input) {
        const auto number =
            ChannelNumber::from_wire(static_cast<uint16_t>(0x4000 + input.choose(4)));
        const Bytes payload = input.bytes(40);
        const auto header = ChannelData::header(*number, payload.size());
        std::vector<uint8_t> bytes(header.begin(), header.end());
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        return bytes;
    }

    // What it sends is well-formed, and to its server alone.
    void collect() {
        for (const Transmit& sent : out_.pending()) {
            CHECK(sent.to == server);
            if (sent.prefix_size > 0) continue;
            const auto message = Message::parse(sent.bytes);
            CHECK(message);
            if (message->message_class() != Class::request) continue;
            sent_.push_back({message->method(), message->transaction_id()});
        }
        out_.clear();
        for (const ClientEvent& event : client_.take_events()) {
            CHECK(event.kind != ClientEvent::Kind::allocated ||
                  client_.state() == Client::State::allocated);
        }
    }

    Now now_{Instant{} + 1h, WallTime(1'700'000'000s)};
    turn::Client client_;
    Md5 key_;
    static inline Outbox out_;  // large, and empty between inputs
    std::vector<Request> sent_;
};

}  // namespace

void run(Input input) {
    World world(input);
    for (size_t steps = 0; !input.empty() && steps < 100; ++steps) world.step(input);
    world.ends();
}

}  // namespace ahoy::fuzz
