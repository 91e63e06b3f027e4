// Files of secrets, a line each.
//
// Blanks around one, and the other system's ends of lines, are nobody's intention; and a line of
// blanks would be a secret that anybody could guess.
#pragma once

#include <istream>
#include <string>
#include <vector>

namespace ahoy::app {

std::vector<std::string> read_secrets(std::istream&);

}  // namespace ahoy::app
