// Asking for a password: never on the command line, which every user of the machine can read.
#pragma once

#include <string>
#include <string_view>

namespace ahoy::app {

bool is_terminal();  // whether standard input is one, and somebody could answer

// A line of standard input, without its end; on a terminal after the prompt "what: " and without
// echo.
std::string read_hidden(std::string_view what);

}  // namespace ahoy::app
