#include "sim/talk.h"

namespace ahoy::sim {
namespace {

uint8_t byte_at(End end, uint64_t place) {
    const uint64_t mixed = (static_cast<uint64_t>(end) << 32 ^ place) * 0x9e3779b97f4a7c15;
    return static_cast<uint8_t>(mixed >> 56);
}

}  // namespace

void Talk::say(Town& town, size_t size) {
    Town::Said& said = town.said[end_];
    if (said.all) return;
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = byte_at(end_, said.bytes++);
    town.streams.say(town.now.steady, end_, bytes);
}

void Talk::finish(Town& town) {
    town.said[end_].all = true;
    town.streams.finish(town.now.steady, end_);
}

void Talk::hear(Town& town, const Streams::Heard& heard) {
    using Kind = Streams::Heard::Kind;
    if (heard.kind == Kind::opened) return;
    if (heard.kind == Kind::closed) {
        is_over_ = true;
        return;
    }
    const auto partner = town.partner(end_);
    if (!partner) {
        throw Violation("TI17", "nobody is heard before a client has joined", "bytes");
    }
    for (const uint8_t byte : heard.bytes) {
        if (byte == byte_at(*partner, heard_++)) continue;
        throw Violation("TI17", "what is relayed is the beginning of what was said",
                        "byte " + std::to_string(heard_ - 1));
    }
    if (heard.kind != Kind::finished) return;
    const Town::Said& said = town.said[*partner];
    if (!said.all || said.bytes != heard_) {
        throw Violation("TI17", "who hears the end has heard all",
                        std::to_string(heard_) + " of " + std::to_string(said.bytes));
    }
    has_heard_all_ = true;
    town.trace.mark(Mark::heard_to_the_end);
}

}  // namespace ahoy::sim
