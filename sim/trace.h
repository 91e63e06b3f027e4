// What a run leaves behind: a hash that two runs of one seed share, the events in words when
// somebody replays it, which rare paths it took, and the broken invariant if there is one.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/crypto.h"
#include "base/time.h"

namespace ahoy::sim {

// An invariant that does not hold: its id and sentence, and what was seen.
struct Violation : std::runtime_error {
    Violation(std::string_view id, std::string_view sentence, const std::string& seen)
        : std::runtime_error(std::string(id) + ": " + std::string(sentence) + " (" + seen + ")") {}
};

// Rare paths.  Each must be taken by some seed of a long run, or the simulation has stopped to look
// where it thinks it does.
enum class Mark : uint8_t {
    allocated,
    allocated_two_families,
    allocated_with_address_error,
    allocate_retransmitted,
    reserved_port,
    used_reservation,
    refreshed,
    deleted,
    allocation_expired,
    permission_expired,
    channel_expired,
    refused_300,
    refused_400,
    refused_401,
    refused_403,
    refused_405,
    refused_420,
    refused_437,
    refused_438,
    refused_440,
    refused_441,
    refused_442,
    refused_443,
    refused_446,
    refused_447,
    refused_486,
    refused_508,
    refused_by_limit,
    stale_nonce,
    nonce_of_another,
    bind_failed,
    nat_rebound,
    server_restarted,
    server_reloaded,
    revoked,
    refused_new,
    revoked_on_its_way,
    moved,
    moved_to_other_shard,
    claimed_again,
    claimed_from_elsewhere,
    used_old_ticket,
    waited_for_allocation,
    lost_on_its_way,
    client_has_left,
    arrived_too_late,
    message_in_pieces,
    messages_at_once,
    stream_broken,
    allocated_over_tcp,
    connected_to_peer,
    denied_while_connecting,
    disconnected_by_policy,
    peer_connected,
    peer_turned_away,
    joined_peer,
    joined_again,
    spoke_before_joined,
    joined_by_another,
    never_joined,
    joined_connection_ended,
    half_closed,
    heard_to_the_end,
    connect_failed,
    accept_failed,
    hold_failed,
    client_reads_slowly,
    send_failed,
    relayed_to_relayed,
    relayed_to_channel,
    relayed_to_send,
    relayed_in_kernel,
    passed_kernel,
    peer_without_permission,
    peer_denied,
    too_small_to_answer,
    spoofed_source,
    converged,
    count_turn,
    joined = count_turn,
    join_full,
    join_answer_lost,
    join_handed_messages,
    handed_messages_returned,
    registered,
    registered_again,
    register_refused,
    duplicate_register,
    queued_then_delivered,
    queue_full,
    message_too_large,
    socket_lost,
    seat_expired,
    never_registered,
    peer_told_bye,
    room_idle,
    room_reused,
    bye_after_leave,
    loopback,
    invented_id,
    post_opened_room,
    too_many_rooms,
    room_gave_way,
    slow_socket,
    completed_call,
    rooms_restarted,
    request_doubled,
    wall_clock_jumped,
    entered,
    entered_beside_legacy,
    turned_away,
    token_refused,
    knocked,
    admitted,
    denied,
    resumed,
    socket_replaced,
    late_hello,
    restored,
    events_replayed,
    events_missed,
    request_again,
    request_refused,
    host_inherited,
    removed_by_host,
    closed_by_host,
    legacy_told_bye,
    completed_native_call,
    completed_mixed_call,
    count,
};
std::string_view label(Mark);

class Trace {
  public:
    explicit Trace(bool spoken) : spoken_(spoken) {}

    bool spoken() const { return spoken_; }
    uint64_t hash() const { return hash_; }
    void add(uint64_t value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15 + (hash_ >> 29); }
    void add(Bytes);
    void add(const TransportAddress& address) {
        add(address.ip.bytes());
        add(address.port);
    }
    void add(std::string_view text) { add(as_bytes(text)); }
    void add(Instant now) { add(static_cast<uint64_t>(now.time_since_epoch().count())); }
    // `words` makes the line; only when somebody reads it.
    template <class Words>
    void say(Instant now, Words&& words) const {
        if (spoken_) print(now, words());
    }

    void mark(Mark mark) { ++marks[static_cast<size_t>(mark)]; }

    std::array<uint64_t, static_cast<size_t>(Mark::count)> marks{};
    uint64_t events = 0;
    uint64_t packets = 0;

  private:
    static void print(Instant, const std::string&);

    bool spoken_;
    uint64_t hash_ = 0x0123456789abcdef;
};

}  // namespace ahoy::sim
