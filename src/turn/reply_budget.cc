#include "turn/reply_budget.h"

#include <algorithm>

namespace ahoy::turn {
namespace {

IpAddress network_of(const IpAddress& ip) {
    auto bytes = ip.bytes();
    std::fill(bytes.begin() + (ip.is_v4() ? 15 : 6), bytes.end(), uint8_t{0});
    return IpAddress::v6(bytes);
}

}  // namespace

ReplyBudget::ReplyBudget(unsigned per_second, const AddressHash& hash) : hash_(hash) {
    limit(per_second);
}

void ReplyBudget::limit(unsigned per_second) {
    interval_ = per_second == 0 ? Duration{} : Duration(1s) / per_second;
    full_at_.resize(per_second == 0 ? 0 : size);
}

bool ReplyBudget::take(const IpAddress& to, Instant now) {
    if (full_at_.empty()) return true;
    Instant& full_at = full_at_[hash_(network_of(to)) % size];
    const Instant then = std::max(full_at, now) + interval_;
    if (then - now > depth) return false;
    full_at = then;
    return true;
}

}  // namespace ahoy::turn
