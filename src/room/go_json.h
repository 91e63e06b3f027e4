// What Go's encoding/json says of a text that is no JSON, because Collider passes it on to clients.
#pragma once

#include <string>
#include <string_view>

namespace ahoy::room {

// "invalid character 'x' looking for beginning of value"; empty when Go would find nothing wrong.
std::string go_syntax_error(std::string_view text);

}  // namespace ahoy::room
