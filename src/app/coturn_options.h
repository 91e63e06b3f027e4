// What becomes of each option of coturn's turnserver.conf: the one table of `ahoy import`.
#pragma once

#include <span>
#include <string_view>

namespace ahoy::app {

enum class Fate {
    carried,  // into a key of ours
    same,     // nothing to do: it is so here
    moot,     // nothing that clients notice; `why` says what to do instead
    lost,     // something behaves differently, and `why` says what
};

struct CoturnOption {
    std::string_view name;
    Fate fate;
    std::string_view why{};
    // With this value it changes nothing; "off": it is a switch.
    std::string_view idle{};
};

// Sorted by name.
std::span<const CoturnOption> coturn_options();
const CoturnOption* find_coturn_option(std::string_view name);

}  // namespace ahoy::app
