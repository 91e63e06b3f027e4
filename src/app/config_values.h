// What stands for a value in a configuration file: read(node, T&) for every type that a key has.
//
// Each answers what would be right when the node is not, in words that follow "found …, ".
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"

namespace ahoy::app {

using Wrong = std::optional<std::string>;  // "expected …"; nothing when the value was read

// The node, in a message.
std::string found(const toml::node&);

Wrong read(const toml::node&, bool&);
Wrong read(const toml::node&, unsigned&);
Wrong read(const toml::node&, std::string&);
Wrong read(const toml::node&, Duration&);
Wrong read(const toml::node&, TransportAddress&);
Wrong read(const toml::node&, IpAddress&);
Wrong read(const toml::node&, Prefix&);
Wrong read(const toml::node&, ExternalAddress&);
Wrong read(const toml::node&, PortRange&);
Wrong read(const toml::node&, std::map<std::string, std::string>&);
Wrong read(const toml::node&, std::map<std::string, Md5>&);
Wrong read(const toml::node&, IceServer&);
Wrong read(const toml::node&, turn::Alternate&);
Wrong read(const toml::node&, turn::Redirect&);
Wrong read(const toml::node&, OauthKey&);
Wrong read(const toml::node&, Secrets&);
Wrong read(const toml::node&, RoomAccess&);
Wrong read(const toml::node&, FastPath&);
Wrong read(const toml::node&, LogFormat&);

template <class T>
Wrong read(const toml::node& node, std::vector<T>& out) {
    const auto* array = node.as_array();
    if (array == nullptr) return "expected an array such as [\"…\", \"…\"]";
    out.clear();
    for (const toml::node& element : *array) {
        if (auto wrong = read(element, out.emplace_back())) {
            return fmt::format("element {}: found {}, {}", out.size(), found(element), *wrong);
        }
    }
    return {};
}

}  // namespace ahoy::app
