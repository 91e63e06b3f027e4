#include "sim/streams.h"

#include <algorithm>

namespace ahoy::sim {

Streams::Pipe* Streams::towards(End end) {
    const auto found = pipes_.find(end);
    return found == pipes_.end() ? nullptr : &found->second;
}

void Streams::wake(Instant now, Pipe& pipe) {
    if (!pipe.held && pipe.at == Instant::max()) pipe.at = now + dice_.between(0s, slowest_);
}

End Streams::open(Instant now) {
    const End opener{next_};
    next_ += 2;
    pipes_[opener] = pipes_[other(opener)] = {};
    accept(now, opener);
    return opener;
}

void Streams::accept(Instant now, End end) {
    Pipe* const pipe = towards(other(end));
    if (pipe == nullptr) return;
    pipe->opens = true;
    wake(now, *pipe);
}

void Streams::say(Instant now, End end, Bytes bytes) {
    Pipe* const pipe = towards(other(end));
    if (pipe == nullptr || pipe->finishes || pipe->closes || bytes.empty()) return;
    pipe->bytes.insert(pipe->bytes.end(), bytes.begin(), bytes.end());
    wake(now, *pipe);
}

void Streams::finish(Instant now, End end) {
    Pipe* const pipe = towards(other(end));
    if (pipe == nullptr) return;
    pipe->finishes = true;
    wake(now, *pipe);
}

void Streams::close(Instant now, End end) {
    pipes_.erase(end);
    Pipe* const pipe = towards(other(end));
    if (pipe == nullptr || pipe->closes) return;
    if (!pipe->finishes) pipe->bytes.resize(dice_.below(pipe->bytes.size() + 1));
    pipe->closes = true;
    wake(now, *pipe);
}

Instant Streams::next() const {
    Instant next = Instant::max();
    for (const auto& [end, pipe] : pipes_) next = std::min(next, pipe.at);
    return next;
}

void Streams::hold(End end) {
    if (Pipe* const pipe = towards(end)) pipe->held = true, pipe->at = Instant::max();
}

void Streams::read(Instant now, End end) {
    Pipe* const pipe = towards(end);
    if (pipe == nullptr || !std::exchange(pipe->held, false)) return;
    if (pipe->has_news()) wake(now, *pipe);
}

// A read gives what has come so far: half a message, or three.
Streams::Heard Streams::take(Instant now) {
    const auto found =
        std::ranges::find_if(pipes_, [&](const auto& entry) { return entry.second.at <= now; });
    const End end = found->first;
    Pipe& pipe = found->second;
    pipe.at = Instant::max();
    Heard heard{.end = end};
    if (std::exchange(pipe.opens, false)) {
        heard.kind = Heard::Kind::opened;
    } else if (!pipe.bytes.empty()) {
        heard.kind = Heard::Kind::data;
        const size_t size = dice_.one_in(3)
                                ? pipe.bytes.size()
                                : 1 + dice_.below(std::min<size_t>(pipe.bytes.size(), 200));
        const auto cut = pipe.bytes.begin() + static_cast<ptrdiff_t>(size);
        heard.bytes.assign(pipe.bytes.begin(), cut);
        pipe.bytes.erase(pipe.bytes.begin(), cut);
    } else if (pipe.finishes && !pipe.finished) {
        heard.kind = Heard::Kind::finished;
        pipe.finished = true;
    } else {
        heard.kind = Heard::Kind::closed;
        pipes_.erase(found);
        return heard;
    }
    if (pipe.has_news()) wake(now, pipe);
    return heard;
}

}  // namespace ahoy::sim
