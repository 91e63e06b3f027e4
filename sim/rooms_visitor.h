// One legacy client: joins, registers, talks, loses its socket, leaves, and comes again.  It knows
// what it may hear, and notices when it hears anything else.
#pragma once

#include <map>

#include "sim/rooms_world.h"

namespace ahoy::sim {

class Visitor final : public SocketOwner {
  public:
    Visitor(RoomsWorld& world, uint32_t number) : world_(world), number_(number) {}

    void live();  // from now on, until the world is calm
    void hear(ConnectionId, const std::string& frame) override;
    void socket_closed(ConnectionId) override;

    // One whole call without faults, as apprtc.md tells it; see has_talked().
    void call(const std::string& room) override;
    bool has_talked() const override { return heard_answer_; }
    void hang_up() override;

  private:
    void act();
    void come();
    void came(const RoomsReply&);
    void invent();
    void connect();
    void talk();
    void leave();
    void message(std::string text);
    enum class Way : char { socket = 's', request = 'r' };
    std::string next_text(Way, size_t size);
    void understand(const std::string& text);
    void forget();

    RoomsWorld& world_;
    uint32_t number_;
    uint32_t generation_ = 0;  // of this stay in a room; answers to earlier ones do not count
    uint32_t said_ = 0;
    std::string room_;
    std::string id_;
    std::optional<ConnectionId> socket_;
    bool waiting_ = false;
    bool callee_ = false;
    bool heard_answer_ = false;
    // Of each stay of each speaker: all that was said, and the latest over its socket.
    std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> heard_;
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> heard_in_order_;
};

}  // namespace ahoy::sim
