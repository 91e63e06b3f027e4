#include "app/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <chrono>
#include <memory>

namespace ahoy::log {
namespace {

constexpr size_t queued_lines = 8192;

struct Sink {
    bool json = false;
    std::shared_ptr<spdlog::logger> logger;
    // Goes first: it writes what is queued and ends its thread, which holds the logger until then.
    std::shared_ptr<spdlog::details::thread_pool> writer;
};
std::unique_ptr<Sink> sink;  // set before the shards start, taken down after they ended

std::string_view name_of(Level level) {
    switch (level) {
        case Level::info:
            return "info";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
    }
    return "info";
}

// A JSON string body; also what logfmt wants inside its quotes.  Whatever is not printable ASCII is
// written as \u00XX, byte by byte: a terminal or a log parser must not be steered by a client.
std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

std::string quote_if_needed(std::string_view text) {
    const auto is_plain = [](char c) {
        return c > 0x20 && c < 0x7f && c != '=' && c != '"' && c != '\\';
    };
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), is_plain);
    return plain ? std::string(text) : '"' + escape(text) + '"';
}

}  // namespace

std::string format(bool json, std::string_view time, Level level, std::string_view event,
                   std::initializer_list<Field> fields) {
    std::string line = json ? fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", time,
                                          name_of(level), event)
                            : fmt::format("time={} level={} event={}", time, name_of(level), event);
    for (const Field& field : fields) {
        line += json ? fmt::format(R"(,"{}":"{}")", field.name, escape(field.value))
                     : fmt::format(" {}={}", field.name, quote_if_needed(field.value));
    }
    if (json) line += '}';
    return line;
}

void start(bool json) {
    sink = std::make_unique<Sink>();
    sink->json = json;
    sink->writer = std::make_shared<spdlog::details::thread_pool>(queued_lines, 1);
    sink->logger = std::make_shared<spdlog::async_logger>(
        "ahoy", std::make_shared<spdlog::sinks::stderr_sink_mt>(), sink->writer,
        spdlog::async_overflow_policy::overrun_oldest);
    sink->logger->set_pattern("%v");
}

size_t lines_lost() {
    return sink ? sink->writer->overrun_counter() : 0;
}

void stop() {
    if (!sink) return;
    const size_t lost = lines_lost();
    if (lost > 0) warning("log.lost", {{"lines", uint64_t{lost}}});
    sink->logger->flush();
    sink.reset();
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!sink) return;
    const auto now = std::chrono::system_clock::now();
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() %
        1000;
    const std::string time =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                    fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds);
    sink->logger->info("{}", format(sink->json, time, level, event, fields));
}

}  // namespace ahoy::log
