#include "sim/turn_strangers.h"

namespace ahoy::sim {

void Stranger::act() {
    act_at_ = town_.soon();
    at_.port = static_cast<uint16_t>(1024 + dice_.below(9));
    const size_t deed = dice_.below(100);
    if (deed < 20) return babble();
    if (deed < 60) return replay();
    intrude();
}

// Bytes that begin like each thing the server knows.
void Stranger::babble() {
    auto bytes = dice_.bytes(dice_.below(60));
    if (bytes.size() >= 20 && dice_.one_in(2)) {
        const auto length = static_cast<uint8_t>((bytes.size() - 20) / 4 * 4);
        bytes.resize(20u + length);
        const std::array<uint8_t, 8> head{
            0,   dice_.any_of<uint8_t>({1, 3, 4, 8, 9, 0x16, 0x17}), 0, length, 0x21, 0x12, 0xa4,
            0x42};
        std::copy(head.begin(), head.end(), bytes.begin());
    } else if (!bytes.empty() && dice_.one_in(2)) {
        bytes[0] = 0x40;
    }
    if (dice_.one_in(3)) return babble_on_a_stream(bytes);
    town_.send(at_, dice_.pick(town_.listeners), bytes);
}

// The next message follows the last, or half of it.
void Stranger::babble_on_a_stream(Bytes bytes) {
    if (stream_ && dice_.one_in(4)) town_.hang_up(*std::exchange(stream_, {}));
    if (!stream_) stream_ = town_.dial(*this, {at_.ip, ++next_port_}, town_.listeners[0]);
    town_.streams.say(town_.now.steady, *stream_, bytes);
}

void Stranger::replay() {
    if (town_.captured.empty() || !forges_) return;
    Packet packet = dice_.pick(town_.captured);
    if (dice_.one_in(2)) change(packet.bytes);
    const size_t source = dice_.below(3);
    if (source == 0) packet.from = at_;
    if (source == 1) packet.from = dice_.pick(town_.captured).from;
    if (source != 0) town_.trace.mark(Mark::spoofed_source);
    town_.send(packet.from, packet.to, packet.bytes);
}

void Stranger::change(std::vector<uint8_t>& bytes) {
    if (bytes.empty()) return;
    switch (dice_.below(4)) {
        case 0:
            dice_.pick(bytes) ^= static_cast<uint8_t>(1u << dice_.below(8));
            break;
        case 1:
            bytes.resize(dice_.below(bytes.size()));
            break;
        case 2: {  // an attribute more, with a length that says so
            if (bytes.size() < 20) break;
            const std::array<uint8_t, 8> more{
                0, dice_.any_of<uint8_t>({0x0d, 0x12, 0x19, 0x71}), 0, 4, 0, 0, 0, 0};
            bytes.insert(bytes.end(), more.begin(), more.end());
            const size_t length = bytes.size() - 20;
            bytes[2] = static_cast<uint8_t>(length >> 8);
            bytes[3] = static_cast<uint8_t>(length);
            break;
        }
        default:
            bytes[dice_.below(std::min<size_t>(bytes.size(), 4))] =
                static_cast<uint8_t>(dice_.next());
    }
}

// To relayed addresses, from itself and from addresses that only a forger has.
void Stranger::intrude() {
    if (town_.relayed.empty()) return;
    const TransportAddress to = dice_.pick(town_.relayed);
    TransportAddress from = at_;
    if (forges_ && dice_.one_in(2)) from = dice_.pick(town_.denied);
    if (from.port == 0) return;
    town_.send(from, to, dice_.bytes(dice_.below(40)));
}

}  // namespace ahoy::sim
