#include "base/datagram.h"

#include "base/check.h"

namespace ahoy {

std::string_view label(Transport transport) {
    switch (transport) {
        case Transport::udp:
            return "udp";
        case Transport::tcp:
            return "tcp";
        case Transport::tls:
            return "tls";
        case Transport::dtls:
            return "dtls";
        case Transport::count:
            break;
    }
    return {};
}

Outbox::Outbox() : scratch_(std::make_unique_for_overwrite<uint8_t[]>(scratch_size)) {
    pending_.reserve(capacity);
}

std::span<uint8_t> Outbox::scratch(size_t size) {
    if (size > scratch_size - scratch_used_) {
        ++overflowed_;
        return {};
    }
    const std::span<uint8_t> bytes(scratch_.get() + scratch_used_, size);
    scratch_used_ += size;
    return bytes;
}

void Outbox::trim(std::span<uint8_t> latest, size_t used) {
    CHECK(latest.data() + latest.size() == scratch_.get() + scratch_used_);
    CHECK(used <= latest.size());
    scratch_used_ -= latest.size() - used;
}

void Outbox::send(const Transmit& transmit) {
    if (pending_.size() == capacity) {
        ++overflowed_;
        return;
    }
    pending_.push_back(transmit);
}

void Outbox::clear() {
    pending_.clear();
    scratch_used_ = 0;
}

}  // namespace ahoy
