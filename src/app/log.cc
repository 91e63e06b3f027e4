#include "app/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace ahoy::log {
namespace {

using namespace std::chrono_literals;

constexpr size_t most_queued = 1 << 20;  // bytes
constexpr auto gathering = 10ms;

void write_to_stderr(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written > 0) text.remove_prefix(static_cast<size_t>(written));
        if (written < 0 && errno != EINTR) return;
    }
}

// A thread that writes what is queued, and after the first line waits a moment for more: so whoever
// has something to say pays for a copy, and not for waking a thread each time.
class Writer {
  public:
    explicit Writer(bool json) : json_(json), thread_([this] { run(); }) {}
    ~Writer() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    bool json() const { return json_; }

    void put(std::string_view line) {
        bool is_first = false;
        {
            const std::lock_guard lock(mutex_);
            if (queued_.size() + line.size() > most_queued) {
                ++lost_;
                return;
            }
            is_first = queued_.empty();
            queued_.append(line).push_back('\n');
        }
        if (is_first) changed_.notify_one();
    }

    size_t lost() const {
        const std::lock_guard lock(mutex_);
        return lost_;
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
            changed_.wait_for(lock, gathering, [this] { return stopping_; });
            if (queued_.empty()) return;
            const std::string text = std::exchange(queued_, {});
            lock.unlock();
            write_to_stderr(text);
            lock.lock();
        }
    }

    const bool json_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::string queued_;  // whole lines
    size_t lost_ = 0;
    bool stopping_ = false;
    std::thread thread_;  // last, because it uses the rest
};
std::unique_ptr<Writer> writer;  // set before the shards start, taken down after they ended

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
    writer = std::make_unique<Writer>(json);
}

size_t lines_lost() {
    return writer ? writer->lost() : 0;
}

void stop() {
    if (!writer) return;
    const size_t lost = lines_lost();
    if (lost > 0) warning("log.lost", {{"lines", uint64_t{lost}}});
    writer.reset();
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!writer) return;
    const auto now = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    // The same second has many lines.
    thread_local auto cached_second = second - 1s;
    thread_local std::string cached;
    if (second != std::exchange(cached_second, second)) {
        cached = fmt::format("{:%Y-%m-%dT%H:%M:%S}",
                             fmt::gmtime(std::chrono::system_clock::to_time_t(second)));
    }
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(now - second).count();
    writer->put(format(writer->json(), fmt::format("{}.{:03}Z", cached, milliseconds), level, event,
                       fields));
}

}  // namespace ahoy::log
