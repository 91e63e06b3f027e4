#include "stun/opaque_string.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace ahoy::stun {
namespace {

bool is_refused(utf8proc_category_t category) {
    switch (category) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_CS:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::optional<std::string> opaque_string(std::string_view text) {
    if (text.empty()) return {};
    const auto* rest = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    std::string spaced;
    while (left > 0) {
        utf8proc_int32_t point = 0;
        const auto size = utf8proc_iterate(rest, left, &point);
        if (size <= 0) return {};
        const auto category = utf8proc_category(point);
        if (is_refused(category)) return {};
        if (category == UTF8PROC_CATEGORY_ZS) {
            spaced += ' ';
        } else {
            spaced.append(reinterpret_cast<const char*>(rest), static_cast<size_t>(size));
        }
        rest += size;
        left -= size;
    }
    utf8proc_uint8_t* composed = nullptr;
    const auto size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(spaced.data()),
                     static_cast<utf8proc_ssize_t>(spaced.size()), &composed, UTF8PROC_COMPOSE);
    if (size < 0) return {};
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, std::free);
    return std::string(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
}

}  // namespace ahoy::stun
