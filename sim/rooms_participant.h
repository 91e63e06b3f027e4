// One client of our own protocol, as docs/protocol.md wants it: it enters, talks, acknowledges,
// loses its socket, comes back with its latest token, and sends again what the server has not
// received.  It keeps the roster that the events tell, and notices when they do not fit together.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <map>

#include "sim/rooms_world.h"

namespace ahoy::sim {

class RoomsParticipant final : public SocketOwner {
  public:
    RoomsParticipant(RoomsWorld& world, uint32_t number) : world_(world), number_(number) {}

    void live();  // from now on, until the world is calm
    void hear(ConnectionId, const std::string& frame) override;
    void socket_closed(ConnectionId) override;

    // One whole call without faults; see has_talked().
    void call(const std::string& room) override;
    bool has_talked() const override { return heard_answer_; }
    void hang_up() override;

  private:
    using Frame = boost::json::object;
    struct Asked {
        uint64_t id = 0;
        std::string text;
    };

    void act();
    void enter();
    void come_back();
    void talk();
    void host();
    Frame next_host_request();
    void ask(Frame);
    void say(const Frame&);
    uint32_t somebody();
    std::string next_text();
    void welcome(const Frame&);
    void event(const Frame&);
    void understand(uint32_t from, const std::string& text);
    void answered(uint64_t id, bool all_before);
    void forget();

    RoomsWorld& world_;
    uint32_t number_;
    uint32_t stay_ = 0;
    uint32_t said_ = 0;
    uint64_t attempts_ = 0;  // to come back
    std::string room_, token_, invite_;
    std::optional<ConnectionId> socket_;
    bool welcomed_ = false;  // over this socket
    bool is_host_ = false;
    bool heard_answer_ = false;
    uint32_t me_ = 0;
    uint64_t seq_ = 0;
    uint64_t last_id_ = 0;
    std::deque<Asked> unanswered_;
    std::map<uint32_t, bool> roster_;  // whom we offer to
    std::set<uint32_t> knocks_;
    std::map<uint32_t, std::pair<std::string, uint32_t>> latest_;  // of whom: stay, text
};

}  // namespace ahoy::sim
