// `ahoy import turnserver.conf`: a configuration of ours that does what coturn's did.
//
// Nothing is left out in silence: what has no counterpart is named, with the line and the reason,
// in the remarks and as comments of the result.  The result is valid; no remark quotes a value,
// which may be a password.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ahoy::app {

struct CoturnImport {
    std::string toml;
    std::vector<std::string> remarks;
    bool changes_behaviour = false;  // some remark is of an option that clients would miss
};

// `name` is what remarks call the text.
CoturnImport import_coturn_text(std::string_view text, const std::string& name);
CoturnImport import_coturn(const std::string& file);  // throws ConfigError if it cannot be read

}  // namespace ahoy::app
