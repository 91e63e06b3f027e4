#include "app/terminal.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>

namespace ahoy::app {
namespace {

class WithoutEcho {
  public:
    WithoutEcho() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    ~WithoutEcho() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    WithoutEcho(const WithoutEcho&) = delete;
    WithoutEcho& operator=(const WithoutEcho&) = delete;

  private:
    termios before_{};
    bool changed_ = false;
};

std::string read_line() {
    std::string line;
    std::getline(std::cin, line);
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

}  // namespace

bool is_terminal() {
    return ::isatty(STDIN_FILENO) != 0;
}

std::string read_hidden(std::string_view what) {
    if (!is_terminal()) return read_line();
    const WithoutEcho without_echo;  // before the prompt, which may be answered at once
    fmt::print(stderr, "{}: ", what);
    std::string line = read_line();
    fmt::print(stderr, "\n");
    return line;
}

}  // namespace ahoy::app
