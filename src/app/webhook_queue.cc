#include "app/webhook_queue.h"

#include <algorithm>

#include "base/check.h"

namespace ahoy::app {

bool WebhookQueue::put(std::string_view room, Event event) {
    if (size_ >= limits_.events) return false;
    auto line = lines_.find(room);
    if (line == lines_.end()) {
        line = lines_.emplace(std::string(room), Line{}).first;
        due_.emplace(event.since, line->first);
    }
    line->second.events.push_back(std::move(event));
    ++size_;
    return true;
}

std::optional<WebhookQueue::Attempt> WebhookQueue::take(Instant now) {
    if (next_due() > now) return {};
    auto& [room, line] = *lines_.find(due_.begin()->second);
    due_.erase(due_.begin());
    line.under_way = true;
    ++attempts_;
    return Attempt{room, line.events.front()};
}

void WebhookQueue::done(Instant now, std::string_view room) {
    fails_ = false;
    rests_until_ = now;
    const auto line = lines_.find(room);
    line->second.failures = 0;
    drop_first(line->second);
    go_on(line, now);
}

size_t WebhookQueue::failed(Instant now, std::string_view room) {
    fails_ = true;
    rests_until_ = now + limits_.first_pause / 2;
    const auto at = lines_.find(room);
    Line& line = at->second;
    const size_t before = size_;
    while (!line.events.empty() && now - line.events.front().since >= limits_.patience) {
        drop_first(line);
    }
    const size_t given_up = before - size_;
    go_on(at, now + pause(++line.failures));
    return given_up;
}

Instant WebhookQueue::next_due() const {
    if (due_.empty() || !may_try()) return Instant::max();
    return std::max(due_.begin()->first, rests_until_);
}

// Doubles, and is shortened at random by up to a half, lest all rooms come back at once.
Duration WebhookQueue::pause(unsigned failures) {
    Duration whole = limits_.first_pause;
    for (unsigned i = 1; i < failures && whole < limits_.longest_pause; ++i) whole *= 2;
    whole = std::min(whole, limits_.longest_pause);
    return whole - Duration(random_.below(static_cast<uint64_t>(whole.count() / 2)));
}

void WebhookQueue::drop_first(Line& line) {
    line.events.pop_front();
    --size_;
}

void WebhookQueue::go_on(Lines::iterator at, Instant due) {
    auto& [room, line] = *at;
    CHECK(line.under_way);
    line.under_way = false;
    --attempts_;
    if (line.events.empty()) {
        lines_.erase(at);
        return;
    }
    due_.emplace(due, room);
}

}  // namespace ahoy::app
