// Whose something is: a name, which means somebody in its realm alone.
//
// Kept in allocations and in every table that knows users, as one string that no other user has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ahoy::turn {

// Which of the server's realms (realms.h); the first is that of whoever names none.
enum class RealmId : uint16_t {};

class User {
  public:
    explicit User(std::string_view name, RealmId realm = {}) {
        key_.reserve(prefix + name.size());
        const auto id = static_cast<uint16_t>(realm);
        key_.push_back(static_cast<char>(id >> 8));
        key_.push_back(static_cast<char>(id & 0xff));
        key_.append(name);
    }

    RealmId realm() const { return RealmId(static_cast<uint16_t>(byte(0) << 8 | byte(1))); }
    std::string_view name() const { return std::string_view(key_).substr(prefix); }
    bool is(std::string_view name, RealmId realm) const {
        return this->name() == name && this->realm() == realm;
    }
    // Of a size of its own in front of the name, so that no name can pass for another's realm.
    const std::string& key() const { return key_; }

    friend bool operator==(const User&, const User&) = default;

  private:
    static constexpr size_t prefix = 2;
    uint8_t byte(size_t i) const { return static_cast<uint8_t>(key_[i]); }

    std::string key_;
};

}  // namespace ahoy::turn
