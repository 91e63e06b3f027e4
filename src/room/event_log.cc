#include "room/event_log.h"

namespace ahoy::room {

std::string EventLog::number(std::string_view body) {
    std::string frame = R"({"seq":)" + std::to_string(++last_) + ',';
    frame += body;
    frame += '}';
    return frame;
}

void EventLog::keep(const std::string& frame) {
    while (!events_.empty() && !has_room_for(frame.size())) forget_first();
    if (!has_room_for(frame.size())) return;
    bytes_ += frame.size();
    events_.push_back(frame);
}

void EventLog::forget_first() {
    bytes_ -= events_.front().size();
    events_.pop_front();
}

void EventLog::forget_all() {
    events_.clear();
    bytes_ = 0;
}

void EventLog::acknowledge(uint64_t seq) {
    while (!events_.empty() && last_ - events_.size() < seq) forget_first();
}

std::optional<std::vector<std::string>> EventLog::after(uint64_t seq) const {
    const uint64_t forgotten = last_ - events_.size();
    if (seq < forgotten || seq > last_) return {};
    const auto first = events_.begin() + static_cast<std::ptrdiff_t>(seq - forgotten);
    return std::vector<std::string>(first, events_.end());
}

}  // namespace ahoy::room
