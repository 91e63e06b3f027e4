// Structured log lines on stderr: one per life event, logfmt or JSON, never per packet.
//
//   log::info("allocation.created", {{"client", address}, {"lifetime", "600s"}});
//
// Values are escaped here and only here, so nothing a client sends can forge a line.  Lines are
// written by a thread of their own through a bounded queue: a stalled stderr costs log lines, which
// are counted, and never a packet.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ahoy::log {

struct Field {
    Field(std::string_view name_, std::string value_) : name(name_), value(std::move(value_)) {}
    Field(std::string_view name_, std::string_view value_) : name(name_), value(value_) {}
    Field(std::string_view name_, const char* value_) : name(name_), value(value_) {}
    Field(std::string_view name_, uint64_t value_) : name(name_), value(std::to_string(value_)) {}

    std::string_view name;
    std::string value;
};

enum class Level { info, warning, error };

void start(bool json);
void stop();  // writes what is queued
size_t lines_lost();
void write(Level, std::string_view event, std::initializer_list<Field> fields);

inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
}

// The line without its end, as write() makes it; apart for tests.  `time` is RFC 3339.
std::string format(bool json, std::string_view time, Level, std::string_view event,
                   std::initializer_list<Field> fields);

}  // namespace ahoy::log
