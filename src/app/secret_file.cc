#include "app/secret_file.h"

#include <string_view>

namespace ahoy::app {

std::vector<std::string> read_secrets(std::istream& stream) {
    constexpr std::string_view blank = " \t\r";
    std::vector<std::string> secrets;
    for (std::string line; std::getline(stream, line);) {
        const size_t begin = line.find_first_not_of(blank);
        if (begin == line.npos) continue;
        secrets.push_back(line.substr(begin, line.find_last_not_of(blank) - begin + 1));
    }
    return secrets;
}

}  // namespace ahoy::app
