#include "turn/stats.h"

namespace ahoy::turn {

std::string_view label(Drop why) {
    switch (why) {
        case Drop::malformed:
            return "malformed";
        case Drop::unexpected_class:
            return "unexpected_class";
        case Drop::unknown_method:
            return "unknown_method";
        case Drop::unknown_attribute:
            return "unknown_attribute";
        case Drop::incomplete:
            return "incomplete";
        case Drop::amplification:
            return "amplification";
        case Drop::budget:
            return "budget";
        case Drop::no_allocation:
            return "no_allocation";
        case Drop::no_channel:
            return "no_channel";
        case Drop::no_permission:
            return "no_permission";
        case Drop::peer_denied:
            return "peer_denied";
        case Drop::family_mismatch:
            return "family_mismatch";
        case Drop::too_large:
            return "too_large";
        case Drop::bandwidth:
            return "bandwidth";
        case Drop::capacity:
            return "capacity";
        case Drop::over_tcp:
            return "over_tcp";
        case Drop::icmp:
            return "icmp";
        case Drop::client_left:
            return "client_left";
        case Drop::still_waiting:
            return "still_waiting";
        case Drop::count:
            break;
    }
    return {};
}

std::string_view label(Families families) {
    switch (families) {
        case Families::ipv4:
            return "ipv4";
        case Families::ipv6:
            return "ipv6";
        case Families::both:
            return "both";
        case Families::count:
            break;
    }
    return "unknown";
}

}  // namespace ahoy::turn
