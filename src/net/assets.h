// The call page and its sisters, compiled into the program by web/build.mjs.
#pragma once

#include <span>
#include <string_view>

namespace ahoy::net {

struct Asset {
    std::string_view path;  // "/" is the call page itself
    std::string_view content_type;
    std::string_view body;
    std::string_view gzip;  // the same, compressed; empty when that is not smaller
    bool immutable;         // its name changes with its content
};

std::span<const Asset> web_assets();

}  // namespace ahoy::net
