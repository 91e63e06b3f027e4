#include "room/room_names.h"

#include "base/crypto.h"

namespace ahoy::room {
namespace {

constexpr size_t part_bytes = 12;
constexpr size_t part_size = part_bytes / 3 * 4;  // in base64url

}  // namespace

std::string RoomNames::sign(std::string_view id) const {
    const Sha256 mac = hmac_sha256(as_bytes(secret_), {as_bytes(id)});
    return base64url(Bytes(mac).first(part_bytes));
}

std::string RoomNames::make(Random& random) const {
    const std::string id = random.token(part_bytes);
    return id + (are_secret() ? sign(id) : random.token(part_bytes));
}

bool RoomNames::accepts(std::string_view name) const {
    if (!are_secret()) return true;
    if (name.size() != 2 * part_size) return false;
    const std::string right = sign(name.substr(0, part_size));
    return equal_in_constant_time(as_bytes(right), as_bytes(name.substr(part_size)));
}

std::string_view RoomNames::for_log(std::string_view name) const {
    return are_secret() ? name.substr(0, part_size) : name;
}

}  // namespace ahoy::room
