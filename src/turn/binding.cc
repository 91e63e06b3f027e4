// Binding: what a client is told of its address (RFC 8489, section 6.3.1) and of its NAT (RFC 5780,
// section 6.1), in the words of RFC 3489 if it speaks that.
#include <algorithm>

#include "turn/server.h"

namespace ahoy::turn {

using stun::AttributeType;
using stun::ChangeRequest;
using stun::ErrorCode;
using stun::MessageWriter;

namespace {

constexpr ChangeRequest both{.ip = true, .port = true};

}  // namespace

// Whether a request has an attribute of RFC 5780 where it can be granted: another address than the
// one that was asked can answer a datagram only.
bool Server::explores(const Exchange& x, AttributeType type) const {
    if (x.request.method() != stun::Method::binding) return false;
    if (discovery_.origin(x.in.local, {}) == nullptr) return false;
    switch (type) {
        case AttributeType::change_request:
            return x.in.transport == Transport::udp;
        case AttributeType::response_port:
            return x.in.transport == Transport::udp && !x.request.is_classic();
        case AttributeType::padding:
            return !x.request.is_classic();
        default:
            return false;
    }
}

Server::Reply Server::bind(const Exchange& x) const {
    const auto refuse = [](ErrorCode code) { return unexpected(Refusal(code)); };
    // RFC 3489, section 8.2, hands out shared secrets; here there are none that one could know.
    if (x.request.is_classic() && x.request.integrity_at()) {
        return refuse(ErrorCode::stale_credentials);
    }
    Answer answer{.mapped = x.in.from};
    answer.other = discovery_.origin(x.in.local, both);
    if (answer.other == nullptr) return answer;

    const auto change_request = x.request.find(AttributeType::change_request);
    const auto change =
        change_request ? stun::read_change_request(*change_request) : ChangeRequest{};
    if (!change) return refuse(ErrorCode::bad_request);
    answer.origin = discovery_.origin(x.in.local, *change);

    answer.is_padded = x.request.has(AttributeType::padding);
    if (const auto response_port = x.request.find(AttributeType::response_port)) {
        answer.response_port = stun::read_response_port(*response_port);
        if (!answer.response_port || answer.is_padded) return refuse(ErrorCode::bad_request);
    }
    return answer;
}

// To where it came from, from where it was sent to, unless something else was asked for and
// granted.
Transmit Server::way_back(const Exchange& x, const Reply& reply) {
    Transmit answer{.socket = x.in.socket, .from = x.in.local.ip, .to = x.in.from};
    if (!reply) return answer;
    if (reply->origin != nullptr && reply->origin->local != x.in.local) {
        answer.socket = reply->origin->socket;
        answer.from = reply->origin->local.ip;
    }
    if (reply->response_port) answer.to.port = *reply->response_port;
    return answer;
}

void Server::write_binding(MessageWriter& writer, const Exchange& x, const Answer& answer,
                           Detail detail) {
    if (x.request.is_classic()) {
        writer.address(AttributeType::mapped_address, *answer.mapped);
        writer.address(AttributeType::source_address,
                       answer.origin != nullptr ? answer.origin->told : x.in.local);
        if (answer.other != nullptr) {
            writer.address(AttributeType::changed_address, answer.other->told);
        }
        return;
    }
    writer.xor_address(AttributeType::xor_mapped_address, *answer.mapped);
    if (answer.other == nullptr || detail == Detail::least) return;
    if (detail == Detail::all) writer.address(AttributeType::mapped_address, *answer.mapped);
    writer.address(AttributeType::response_origin, answer.origin->told);
    writer.address(AttributeType::other_address, answer.other->told);
}

// RFC 5780, section 6.1, wants the MTU's size, so that both ways are tried with fragments; but a
// stranger gets back no more than it has sent.
void Server::write_padding(MessageWriter& writer, size_t whole, size_t behind) {
    static constexpr std::array<uint8_t, max_padded> zeros{};
    constexpr size_t attribute_header = 4;
    const size_t size = writer.size() + attribute_header + behind;
    const size_t wanted = std::min(whole, max_padded);
    writer.attribute(AttributeType::padding, Bytes(zeros).first(wanted - std::min(wanted, size)));
}

}  // namespace ahoy::turn
