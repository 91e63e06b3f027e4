// WebSocket frames of a client: wherever the reads are cut, the same messages come out, within
// their limit and as UTF-8 where they are text.
#include "net/ws_frames.h"

#include "fuzz/input.h"
#include "room/http.h"

namespace ahoy::fuzz {
namespace {

using net::Opcode;
using net::WsReader;

constexpr size_t most = 1000;

std::vector<std::string> read(Bytes all, Input cuts) {
    WsReader reader(most);
    std::vector<std::string> messages;
    std::vector<uint8_t> unread;
    while (!all.empty() && !reader.failure()) {
        const size_t size = cuts.empty() ? all.size() : std::min(all.size(), cuts.choose(256) + 1);
        unread.insert(unread.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
        all = all.subspan(size);
        std::span<uint8_t> rest(unread);
        while (const auto frame = reader.next(rest)) {
            const bool is_message = frame->what == Opcode::text || frame->what == Opcode::binary;
            CHECK(frame->payload.size() <= (is_message ? most : 125));
            CHECK(frame->what != Opcode::text || room::is_utf8(frame->payload));
            CHECK(frame->what != Opcode::continuation);
            messages.push_back(std::to_string(static_cast<int>(frame->what)) +
                               std::string(frame->payload));
        }
        CHECK(rest.size() <= unread.size());
        unread.erase(unread.begin(), unread.end() - static_cast<std::ptrdiff_t>(rest.size()));
    }
    if (reader.failure()) {
        messages.push_back("failed " + std::to_string(static_cast<int>(reader.failure()->code)));
    }
    return messages;
}

}  // namespace

void run(Input in) {
    const Bytes cuts = in.bytes(20);
    const Bytes all = in.rest();
    CHECK(read(all, Input(cuts)) == read(all, Input(Bytes{})));
}

}  // namespace ahoy::fuzz
