// Big-endian fields in and out of packets.  One cursor type each way does every bounds check.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ahoy {

// Reads fields from a packet.  A short packet makes the reader "spent": every later read returns
// zero and ok() is false, so a parser asks once, at the end.
class Reader {
  public:
    explicit Reader(std::span<const uint8_t> bytes) : rest_(bytes) {}

    uint8_t u8() { return static_cast<uint8_t>(number(1)); }
    uint16_t u16() { return static_cast<uint16_t>(number(2)); }
    uint32_t u32() { return static_cast<uint32_t>(number(4)); }
    uint64_t u64() { return number(8); }
    std::span<const uint8_t> take(size_t size) {
        if (size > rest_.size()) ok_ = false;
        if (!ok_) return {};
        const auto head = rest_.first(size);
        rest_ = rest_.subspan(size);
        return head;
    }

    bool ok() const { return ok_; }
    bool empty() const { return rest_.empty() || !ok_; }
    size_t remaining() const { return ok_ ? rest_.size() : 0; }

  private:
    uint64_t number(size_t size) {
        uint64_t value = 0;
        for (const uint8_t byte : take(size)) value = value << 8 | byte;
        return value;
    }

    std::span<const uint8_t> rest_;
    bool ok_ = true;
};

// Writes fields into a buffer of fixed size.  What does not fit makes the writer "spent"; nothing
// is written past the end, and the caller asks ok() once.
class Writer {
  public:
    explicit Writer(std::span<uint8_t> buffer) : buffer_(buffer) {}

    void u8(uint8_t v) { number(v, 1); }
    void u16(uint16_t v) { number(v, 2); }
    void u32(uint32_t v) { number(v, 4); }
    void u64(uint64_t v) { number(v, 8); }
    void bytes(std::span<const uint8_t> data) {
        const auto to = grow(data.size());
        if (!to.empty()) std::memcpy(to.data(), data.data(), to.size());
    }
    void text(std::string_view data) {
        bytes({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    }
    void zeros(size_t count) {
        const auto to = grow(count);
        std::fill(to.begin(), to.end(), uint8_t{0});
    }
    // Overwrites a field written earlier, such as a length that is known only now.
    void u16_at(size_t position, uint16_t v) {
        if (!ok_ || position + 2 > size_) return;
        buffer_[position] = static_cast<uint8_t>(v >> 8);
        buffer_[position + 1] = static_cast<uint8_t>(v);
    }

    bool ok() const { return ok_; }
    size_t size() const { return size_; }
    std::span<uint8_t> written() const { return buffer_.first(size_); }

  private:
    std::span<uint8_t> grow(size_t size) {
        if (size > buffer_.size() - size_) ok_ = false;
        if (!ok_) return {};
        const auto to = buffer_.subspan(size_, size);
        size_ += size;
        return to;
    }
    void number(uint64_t v, size_t size) {
        const auto to = grow(size);
        for (size_t i = 0; i < to.size(); ++i) {
            to[i] = static_cast<uint8_t>(v >> (8 * (to.size() - 1 - i)));
        }
    }

    std::span<uint8_t> buffer_;
    size_t size_ = 0;
    bool ok_ = true;
};

}  // namespace ahoy
