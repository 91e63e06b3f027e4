#include <algorithm>

#include "base/check.h"
#include "turn/server.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageWriter;
using stun::Method;

// Fits into every path's MTU (RFC 8489, section 6.1).
constexpr size_t max_response = 1200;

// An answer to an unverified source is at most so many times the request: who forges a source
// address gains nothing that is worth it.  Whoever has a connection has not forged it.
constexpr size_t amplification = 3;
// The smallest Allocate request of a real client has 28 bytes and its 401 with this much of a realm
// 84.  What the operator's realm has beyond is allowed on top, or nobody could ever log in, and so
// is THIRD-PARTY-AUTHORIZATION.
constexpr size_t smallest_allocate = 28;
constexpr size_t free_realm = 16;

size_t padded(size_t size) {
    return (size + 3) / 4 * 4;
}

size_t most_for(size_t request, const Credentials& credentials) {
    const size_t realm = std::max(padded(credentials.realm().size()), free_realm) - free_realm;
    const TokenKeys& tokens = credentials.token_keys();
    const size_t third_party = tokens.in_use() ? 4 + padded(tokens.server_name().size()) : 0;
    return amplification * request + realm + third_party;
}

}  // namespace

void Server::respond(const Exchange& x, const Reply& reply, Outbox& out) {
    const bool is_stranger = !x.proof && x.in.transport == Transport::udp;
    if (is_stranger && !budget_.take(x.in.from.ip, x.now.steady)) return drop(Drop::budget);
    const auto buffer = out.scratch(reply && reply->is_padded ? max_padded : max_response);
    if (buffer.empty()) return;  // the outbox counts it
    const size_t limit = is_stranger ? most_for(weight(x), realm_of(x).credentials) : buffer.size();
    size_t size = 0;
    for (const Detail detail : {Detail::all, Detail::no_text, Detail::least}) {
        size = write(buffer, x, reply, detail);
        if (size <= limit) break;
    }
    if (size > limit) {
        out.trim(buffer, 0);
        return drop(Drop::amplification);
    }
    CHECK(size > 0);
    out.trim(buffer, size);
    Transmit answer = way_back(x, reply);
    answer.bytes = buffer.first(size);
    out.send(answer);
    if (!reply) {
        ++stats_.errors[reply.error().code];
    } else if (x.request.method() == Method::binding) {
        ++stats_.bindings;
    }
}

// What of a stranger's request the size of the answer is measured by.  Where Binding is
// authenticated its bare header has to be challenged too: real clients send nothing else.
size_t Server::weight(const Exchange& x) const {
    const bool is_challenged =
        config_.authenticate_binding && x.request.method() == Method::binding;
    return std::max(x.in.bytes.size(), is_challenged ? smallest_allocate : 0);
}

size_t Server::write(std::span<uint8_t> buffer, const Exchange& x, const Reply& reply,
                     Detail detail) const {
    MessageWriter writer(buffer, {x.request.method(), reply ? Class::success : Class::error},
                         x.request.transaction_id(), x.request.cookie());
    if (reply) {
        write_success(writer, x, *reply, detail);
    } else {
        write_error(writer, x, reply.error(), detail);
    }
    if (const auto counter = x.request.find(AttributeType::transaction_transmit_counter);
        counter && counter->size() == 4) {
        // RFC 7982: the number of the request comes back; how many answers went before this one we
        // do not keep, so it is always the first.
        writer.number(AttributeType::transaction_transmit_counter,
                      static_cast<uint32_t>((*counter)[2]) << 8 | 1);
    }
    if (detail == Detail::all && x.proof && !config_.software.empty()) {
        writer.text(AttributeType::software, config_.software);
    }
    if (reply && reply->is_padded) {
        const size_t mac = !x.proof ? 0 : x.proof->algorithm ? 36 : 24;
        write_padding(writer, x.in.bytes.size(), mac + (x.request.has_fingerprint() ? 8 : 0));
    }
    if (x.proof && x.proof->algorithm) {
        writer.integrity_sha256(x.proof->keys.of(*x.proof->algorithm));
    } else if (x.proof) {
        writer.integrity(x.proof->keys.of(stun::PasswordAlgorithm::md5));
    }
    if (x.request.has_fingerprint()) writer.fingerprint();
    return writer.finish().size();
}

void Server::write_success(MessageWriter& writer, const Exchange& x, const Answer& answer,
                           Detail detail) const {
    if (x.request.method() == Method::binding) return write_binding(writer, x, answer, detail);
    for (const auto& relayed : answer.relayed) {
        if (relayed) writer.xor_address(AttributeType::xor_relayed_address, *relayed);
    }
    if (answer.lifetime) writer.lifetime(*answer.lifetime);
    if (answer.mapped) writer.xor_address(AttributeType::xor_mapped_address, *answer.mapped);
    if (answer.reservation) {
        writer.attribute(AttributeType::reservation_token, *answer.reservation);
    }
    if (answer.connection) {
        writer.number(AttributeType::connection_id, static_cast<uint32_t>(*answer.connection));
    }
    if (!answer.ticket.empty()) writer.attribute(AttributeType::mobility_ticket, answer.ticket);
    if (answer.address_error) {  // RFC 8656, section 18.12
        const auto code = static_cast<uint32_t>(answer.address_error->code);
        writer.number(AttributeType::address_error_code,
                      static_cast<uint32_t>(answer.address_error->family) << 24 |
                          (code / 100) << 8 | code % 100);
    }
}

void Server::write_error(MessageWriter& writer, const Exchange& x, const Refusal& refusal,
                         Detail detail) const {
    const bool explains = detail == Detail::all && !x.request.is_classic();
    writer.error(refusal.code, explains ? stun::reason_phrase(refusal.code) : "");
    if (refusal.code == ErrorCode::unknown_attribute) {
        writer.unknown_attributes(std::span(refusal.unknown.types).first(refusal.unknown.count));
    }
    for (const Alternate* const server :
         {refusal.alternates.same_family, refusal.alternates.other_family}) {
        if (server != nullptr) writer.address(AttributeType::alternate_server, server->address);
    }
    if (const Alternate* const server = refusal.alternates.same_family;
        server != nullptr && !server->domain.empty()) {
        writer.text(AttributeType::alternate_domain, server->domain);
    }
    if (refusal.code != ErrorCode::unauthenticated && refusal.code != ErrorCode::stale_nonce) {
        return;
    }
    const Credentials& credentials = realm_of(x).credentials;
    const bool offers = detail != Detail::least && credentials.has_all_keys();
    const Features features{.password_algorithms = offers,
                            .username_anonymity = credentials.has_userhashes()};
    writer.text(AttributeType::realm, credentials.realm());
    writer.text(AttributeType::nonce,
                nonces_.issue(x.now, {x.in.from, credentials.realm()}, features));
    if (features.password_algorithms) {
        writer.attribute(AttributeType::password_algorithms, stun::offered_algorithms);
    }
    const TokenKeys& tokens = credentials.token_keys();
    if (tokens.in_use() && refusal.code == ErrorCode::unauthenticated) {
        writer.text(AttributeType::third_party_authorization, tokens.server_name());
    }
}

}  // namespace ahoy::turn
