// A whole control connection behind its upgrade: what a client sends, through framing and dialect
// to the rooms, wherever the reads are cut.  The first line says which dialect, the second where;
// then every line is a frame, or, after a "!", bytes as they are.
#include "fuzz/input.h"
#include "net/ws_frames.h"
#include "room/collider.h"
#include "room/rooms.h"

namespace ahoy::fuzz {
namespace {

namespace collider = room::collider;
namespace native = room::native;
using net::Opcode;

constexpr size_t most = 256 << 10;
constexpr room::ConnectionId here{.shard = 0, .number = 1}, other{.shard = 0, .number = 2};

// As a client masks it, with a mask that changes nothing.
std::string masked(std::string_view text) {
    std::string frame;
    net::write_frame(frame, Opcode::text, text);
    const size_t head = frame.size() - text.size();
    frame[1] = static_cast<char>(frame[1] | 0x80);
    return frame.insert(head, 4, '\0');
}

// One server and one connection to it; everything that is told to anybody is written down.
class World {
  public:
    explicit World(bool is_native) : is_native_(is_native) {
        native::Enter enter{.room = "tea"};
        enter.ice_servers = "[]";
        rooms_.enter(now_, other, std::move(enter), out_);
        write_down();
    }

    void arrive(std::span<const uint8_t> bytes) {
        unread_.insert(unread_.end(), bytes.begin(), bytes.end());
        std::span<uint8_t> rest(unread_);
        while (!over_) {
            const auto frame = reader_.next(rest);
            if (!frame) break;
            if (frame->what == Opcode::text || frame->what == Opcode::binary) {
                is_native_ ? hear_native(frame->payload) : hear_collider(frame->payload);
                write_down();
            } else if (frame->what == Opcode::close) {
                end();
            }
        }
        unread_.erase(unread_.begin(), unread_.end() - static_cast<std::ptrdiff_t>(rest.size()));
        if (reader_.failure() && !over_) end();
    }
    void end() {
        over_ = true;
        rooms_.socket_lost(now_, here, out_);
        write_down();
    }
    bool over() const { return over_; }
    const std::vector<std::string>& told() const { return told_; }

    void everybody_goes() {
        if (!over_) end();
        rooms_.socket_lost(now_, other, out_);
        now_.steady += rooms_.limits().lifetime + 1s;
        rooms_.expire(now_, out_);
        CHECK(rooms_.stats().rooms == 0 && rooms_.stats().connections == 0);
    }

  private:
    void hear_native(std::string_view text) {
        auto action = native_.receive(now_, text);
        if (auto* enter = std::get_if<native::Enter>(&action)) {
            enter->ice_servers = "[]";
            rooms_.enter(now_, here, std::move(*enter), out_);
        } else if (auto* resume = std::get_if<native::Resume>(&action)) {
            resume->ice_servers = "[]";
            rooms_.resume(now_, here, *resume, out_);
        } else if (auto* request = std::get_if<native::Request>(&action)) {
            if (auto* ice = std::get_if<native::Ice>(&request->command)) ice->ice_servers = "[]";
            rooms_.carry_out(now_, here, *request, out_);
        } else if (const auto* handled = std::get_if<native::Acknowledge>(&action)) {
            rooms_.acknowledge(here, handled->seq);
        } else if (const auto* tell = std::get_if<native::Tell>(&action)) {
            told_.push_back(tell->frame);
            if (tell->close) end();
        }
    }
    void hear_collider(std::string_view text) {
        auto action = collider_.receive(now_.steady, text);
        std::optional<collider::Failure> failure;
        if (const auto* wanted = std::get_if<collider::Register>(&action)) {
            failure = collider_.answered(
                rooms_.register_client(now_, here, wanted->room, wanted->client, out_));
        } else if (const auto* said = std::get_if<collider::Send>(&action)) {
            failure = collider_.answered(rooms_.send(now_, here, said->text, out_));
        } else if (const auto* wrong = std::get_if<collider::Failure>(&action)) {
            failure = *wrong;
        }
        if (!failure) return;
        told_.push_back(failure->frame);
        if (failure->close) end();
    }
    void write_down() {
        for (const room::Delivery& delivery : std::exchange(out_, {})) {
            told_.push_back(std::to_string(delivery.to.number) + delivery.message);
            if (delivery.close && delivery.to == here) over_ = true;
        }
    }

    static room::Limits limits() {
        room::Limits limits;
        limits.require_join = false;
        return limits;
    }

    const bool is_native_;
    const room::ResumeTickets tickets_{room::ResumeTickets::Key{}, 1};
    room::Observer observer_;
    room::Rooms rooms_{limits(), Random::from_number(1), observer_, tickets_};
    Now now_{Instant{} + 1000h, WallTime{}};
    collider::Session collider_{now_.steady};
    native::Session native_{now_.steady, {}, tickets_};
    net::WsReader reader_{most};
    std::vector<uint8_t> unread_;
    room::Deliveries out_;
    std::vector<std::string> told_;
    bool over_ = false;
};

std::vector<std::string> told(bool is_native, std::string_view all, Input cuts) {
    World world(is_native);
    Bytes rest = as_bytes(all);
    while (!rest.empty() && !world.over()) {
        const size_t size = cuts.empty() ? rest.size() : cuts.choose(64) + 1;
        const Bytes piece = rest.first(std::min(size, rest.size()));
        world.arrive(piece);
        rest = rest.subspan(piece.size());
    }
    world.everybody_goes();
    return world.told();
}

}  // namespace

void run(Input in) {
    const bool is_native = in.line().empty();
    const std::string_view cuts = in.line();
    std::string all;
    while (!in.empty()) {
        const std::string_view line = in.line();
        all += line.starts_with('!') ? std::string(line.substr(1)) : masked(line);
    }
    CHECK(told(is_native, all, Input(as_bytes(cuts))) == told(is_native, all, Input(Bytes{})));
}

}  // namespace ahoy::fuzz
