#include "net/ws_frames.h"

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/crypto.h"
#include "room/http.h"

namespace ahoy::net {
namespace {

constexpr uint8_t final_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0f;
constexpr uint8_t mask_bit = 0x80, length_bits = 0x7f;
constexpr uint8_t length_of_16_bits = 126, length_of_64_bits = 127;
constexpr size_t max_control = 125;
constexpr size_t mask_size = 4;

bool is_control(uint8_t opcode) {
    return opcode >= static_cast<uint8_t>(Opcode::close);
}

bool is_known(uint8_t opcode) {
    return opcode <= static_cast<uint8_t>(Opcode::binary) ||
           (is_control(opcode) && opcode <= static_cast<uint8_t>(Opcode::pong));
}

void unmask(std::span<uint8_t> payload, std::span<const uint8_t> mask) {
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof key; ++i) {
        reinterpret_cast<uint8_t*>(&key)[i] = mask[i % mask_size];
    }
    size_t at = 0;
    for (; at + sizeof key <= payload.size(); at += sizeof key) {
        uint64_t word = 0;
        std::memcpy(&word, &payload[at], sizeof word);
        word ^= key;
        std::memcpy(&payload[at], &word, sizeof word);
    }
    for (; at < payload.size(); ++at) payload[at] ^= mask[at % mask_size];
}

// Section 7.4.2, and those of 7.4.1 that may be sent.
bool may_be_sent(uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

// Section 5.5.1
std::optional<CloseCode> fault_in_close(std::string_view payload) {
    if (payload.empty()) return {};
    if (payload.size() == 1) return CloseCode::protocol_error;
    if (!may_be_sent(Reader(as_bytes(payload)).u16())) return CloseCode::protocol_error;
    if (!room::is_utf8(payload.substr(2))) return CloseCode::not_utf8;
    return {};
}

}  // namespace

std::optional<WsReader::Frame> WsReader::fail(CloseCode code) {
    failure_ = Failure{code};
    return {};
}

std::optional<WsReader::Frame> WsReader::next(std::span<uint8_t>& bytes) {
    if (std::exchange(delivered_, false)) fragments_ = {};
    while (!failure_) {
        Reader reader(bytes);
        const uint8_t first = reader.u8(), second = reader.u8();
        if (!reader.ok()) return {};
        const uint8_t opcode = first & opcode_bits;
        const bool is_last = first & final_bit;
        uint64_t length = second & length_bits;
        const bool fits = length <= max_control;
        if (first & reserved_bits || !is_known(opcode) || !(second & mask_bit) ||
            (is_control(opcode) && (!is_last || !fits))) {
            return fail(CloseCode::protocol_error);
        }
        if (length == length_of_64_bits) {
            length = reader.u64();
        } else if (length == length_of_16_bits) {
            length = reader.u16();
        }
        if (!reader.ok()) return {};
        if (!is_control(opcode) && length > max_message_ - fragments_.size()) {
            return fail(CloseCode::too_large);
        }
        const auto mask = reader.take(mask_size);
        const auto payload = reader.take(static_cast<size_t>(length));
        if (!reader.ok()) return {};
        const auto writable =
            bytes.subspan(static_cast<size_t>(payload.data() - bytes.data()), payload.size());
        unmask(writable, mask);
        bytes = bytes.subspan(bytes.size() - reader.remaining());

        const auto what = static_cast<Opcode>(opcode);
        const std::string_view text = as_text(writable);
        if (!is_control(opcode)) {
            if (auto message = data(what, is_last, text)) return message;
            continue;
        }
        if (what == Opcode::close) {
            if (const auto fault = fault_in_close(text)) return fail(*fault);
        }
        return Frame{what, text};
    }
    return {};
}

// Section 5.4
std::optional<WsReader::Frame> WsReader::data(Opcode what, bool is_last, std::string_view payload) {
    const bool begins = what != Opcode::continuation;
    if (begins == fragmented_.has_value()) return fail(CloseCode::protocol_error);
    const Opcode kind = begins ? what : *fragmented_;
    std::string_view whole = payload;
    if (!begins || !is_last) {
        fragmented_ = kind;
        fragments_ += payload;
        if (!is_last) return {};
        fragmented_.reset();
        delivered_ = true;
        whole = fragments_;
    }
    if (kind == Opcode::text && !room::is_utf8(whole)) return fail(CloseCode::not_utf8);
    return Frame{kind, whole};
}

void write_frame(std::string& to, Opcode what, std::string_view payload) {
    if (is_control(static_cast<uint8_t>(what))) payload = payload.substr(0, max_control);
    std::array<uint8_t, 10> head;
    Writer writer(head);
    writer.u8(final_bit | static_cast<uint8_t>(what));
    if (payload.size() <= max_control) {
        writer.u8(static_cast<uint8_t>(payload.size()));
    } else if (payload.size() <= 0xffff) {
        writer.u8(length_of_16_bits);
        writer.u16(static_cast<uint16_t>(payload.size()));
    } else {
        writer.u8(length_of_64_bits);
        writer.u64(payload.size());
    }
    to += as_text(writer.written());
    to += payload;
}

void write_close(std::string& to, uint16_t code) {
    std::array<uint8_t, 2> payload;
    Writer(payload).u16(code);
    write_frame(to, Opcode::close, as_text(payload));
}

std::optional<std::string> accept_key(std::string_view key) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const bool good =
        key.size() == 24 && key.ends_with("==") && key.find_first_not_of(letters) == key.size() - 2;
    if (!good) return {};
    return base64(sha1(as_bytes(std::string(key) + std::string(guid))));
}

}  // namespace ahoy::net
