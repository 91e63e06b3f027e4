// A participant of our own protocol (docs/protocol.md): what the others are told of it, and what it
// has been told.  Its seat is a Room::Member like any other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "room/event_log.h"

namespace ahoy::room {

enum class Role : uint8_t { guest, host };

constexpr std::string_view label(Role role) {
    return role == Role::host ? "host" : "guest";
}

// What a participant shows: these four are all that mute and set can name.
enum class Showing : uint8_t { mic, camera, screen, hand };

inline constexpr std::array showings{
    std::pair{Showing::mic, std::string_view("mic")},
    std::pair{Showing::camera, std::string_view("camera")},
    std::pair{Showing::screen, std::string_view("screen")},
    std::pair{Showing::hand, std::string_view("hand")},
};

// A value for each of the four.
template <class Value>
struct EachShowing {
    std::array<Value, showings.size()> values{};

    Value& operator[](Showing what) { return values[static_cast<size_t>(what)]; }
    const Value& operator[](Showing what) const { return values[static_cast<size_t>(what)]; }
    friend bool operator==(const EachShowing&, const EachShowing&) = default;
};

inline constexpr size_t max_name = 64;  // characters

struct Profile {
    std::string name;
    Role role = Role::guest;
    EachShowing<bool> shows;
    // By a token: the client cannot change the name, and no host's leaving the role.
    bool name_given = false;
    bool role_given = false;
};

// What is to change of one.
struct ProfileChange {
    std::optional<std::string> name;
    std::optional<Role> role;
    EachShowing<std::optional<bool>> shows;
    std::optional<bool> connected;
};

struct Participant {
    Profile profile;
    EventLog events;
    uint64_t last_request = 0;  // the id of the latest that arrived
    uint64_t attempt = 0;       // the latest to come back that was heard of
    bool restored = false;      // with a ticket of an earlier run of the server
};

}  // namespace ahoy::room
