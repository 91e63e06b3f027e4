#include "net/turn_shared.h"

#include <unistd.h>

namespace ahoy::net {

TurnShared::~TurnShared() {
    reservations_.each([](const HeldPort& held) { ::close(held.fd); });
}

void TurnShared::reserve(turn::Reservation reservation, HeldPort port) {
    const std::lock_guard lock(mutex_);
    reservations_.put(std::move(reservation), port);
}

std::optional<TurnShared::HeldPort> TurnShared::redeem(const stun::ReservationToken& token,
                                                       std::string_view user, Instant now) {
    const std::lock_guard lock(mutex_);
    return reservations_.redeem(token, user, now);
}

size_t TurnShared::reserved() {
    const std::lock_guard lock(mutex_);
    return reservations_.count();
}

turn::Reservations<TurnShared::HeldPort>::Expired TurnShared::take_expired(Instant now) {
    const std::lock_guard lock(mutex_);
    return reservations_.take_expired(now);
}

std::optional<turn::Quotas::Refused> TurnShared::charge(std::string_view user,
                                                        const IpAddress& client,
                                                        const turn::Counts& more,
                                                        const turn::Quotas::Limits& limits) {
    const std::lock_guard lock(mutex_);
    return quotas_.charge(user, client, more, limits);
}

void TurnShared::discharge(std::string_view user, const IpAddress& client,
                           const turn::Counts& fewer) {
    const std::lock_guard lock(mutex_);
    quotas_.discharge(user, client, fewer);
}

}  // namespace ahoy::net
