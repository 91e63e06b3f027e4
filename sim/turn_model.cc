#include "sim/turn_model.h"

#include <algorithm>
#include <charconv>

#include "base/crypto.h"

namespace ahoy::sim {
namespace {

using wire::number;

std::optional<AddressFamily> family_of(uint32_t wire) {
    if (wire == 1) return AddressFamily::ipv4;
    if (wire == 2) return AddressFamily::ipv6;
    return {};
}

bool has_of_wrong_size(const wire::Stun& stun, uint16_t type, size_t size) {
    const auto value = stun.find(type);
    return value && value->size() != size;
}

// Which invariant it is not to have refused so.
std::string_view invariant_of(int code) {
    switch (code) {
        case 401:
        case 437:
        case 441:
            return "TI6";
        case 438:
            return "TI14";
        case 300:
            return "TI33";
        case 403:
            return "TI1";
        case 486:
        case 508:
            return "TI7";
        case 400:
            return "TI4";
        default:
            return "TI12";
    }
}

std::string list(const std::set<int>& codes) {
    std::string text;
    for (const int code : codes) text += " " + std::to_string(code);
    return text;
}

// Whom an address belongs to: of IPv6 one may have the whole /64.
std::vector<uint8_t> network_of(const IpAddress& ip) {
    const auto& bytes = ip.bytes();
    return {bytes.begin(), bytes.begin() + (ip.is_v4() ? 16 : 8)};
}

constexpr size_t padded(size_t size) {
    return (size + 3) / 4 * 4;
}

}  // namespace

void NonceBook::note(std::string_view nonce, const TransportAddress& client, Instant now) {
    const auto [at, fresh] = issued_.emplace(std::string(nonce), Issued{client, now});
    if (!fresh && at->second.client != client) {
        throw Violation("TI14", "a nonce is of one client", client.to_string());
    }
}

// A nonce lives ten minutes, counted in whole seconds.
NonceBook::State NonceBook::look_up(std::string_view nonce, const TransportAddress& client,
                                    Instant now) const {
    const auto found = issued_.find(nonce);
    if (found == issued_.end()) return State::unknown;
    if (found->second.client != client) return State::of_another;
    const Duration age = now - found->second.at;
    if (age <= 10min - 1s) return State::fresh;
    return age >= 10min + 1s ? State::stale : State::perhaps;
}

void TurnModel::from_client(const Step& step) {
    const Bytes bytes = step.in.bytes;
    if (!bytes.empty() && bytes[0] >> 6 == 1) return on_channel_data(step);
    const auto stun = wire::decode(bytes);
    if (!stun) return expect_silence(step, "TI9", "nobody is answered who does not speak STUN");
    switch (stun->type) {
        case wire::send_indication:
            return on_send(step, *stun);
        case wire::binding_request:
        case wire::allocate_request:
        case wire::refresh_request:
        case wire::create_permission_request:
        case wire::channel_bind_request:
            return on_request(step, *stun);
        case wire::connect_request:
        case wire::connection_bind_request:
            if (rules_.relays_tcp) return on_request(step, *stun);
            [[fallthrough]];
        default:
            return expect_silence(step, "TI9", "what is neither a request nor Send gets no answer");
    }
}

void TurnModel::expect_silence(const Step& step, std::string_view id,
                               std::string_view sentence) const {
    if (step.out.empty()) return;
    throw Violation(id, sentence, "sent to " + step.out.front().to.to_string());
}

void TurnModel::on_request(const Step& step, const wire::Stun& stun) {
    for (const Sent& sent : step.out) {
        if (sent.to == step.in.from && sent.socket == step.in.socket &&
            sent.from != step.in.local.ip) {
            throw Violation("TI2", "an answer leaves from where it was asked",
                            sent.from.to_string());
        }
    }
    const bool claims = stun.type == wire::refresh_request && stun.has(wire::mobility_ticket);
    if (stun.type != wire::binding_request && !claims && waits(step)) return;
    if (claims) forget_if_expired(ticket_in(stun), step.now.steady);
    Request request{.step = step, .stun = stun, .place = {step.in.from, step.in.local}};
    Reasons why;
    if (authenticates(stun)) {
        request.grant = find(request.place, step.now.steady);
        why = authentication(request);
        if (!why.must.empty()) request.password.reset();
    }
    const bool proved = request.password.has_value() || !authenticates(stun);
    if (proved && why.must.empty()) {
        Reasons more = reasons(request);
        why.must.merge(more.must);
        why.may.merge(more.may);
    }
    if (step.streams.connect) return connecting(request, why);
    if (step.out.empty()) {
        if (may_be_silent(request)) return trace_.mark(Mark::too_small_to_answer);
        throw Violation("TI30", "a well-formed request is answered", std::to_string(stun.type));
    }
    const wire::Stun answer = check_answer(request);
    if ((answer.type & wire::class_bits) == wire::error_class) {
        return check_error(request, answer, why);
    }
    if (!why.must.empty()) {
        throw Violation(invariant_of(*why.must.begin()),
                        "a request succeeds only if nothing speaks against it",
                        "expected" + list(why.must));
    }
    granted(request, answer);
}

bool TurnModel::authenticates(const wire::Stun& stun) const {
    return stun.type != wire::binding_request || rules_.config.authenticate_binding;
}

// RFC 8489, section 9.2.4.
TurnModel::Reasons TurnModel::authentication(Request& r) {
    Reasons why;
    const wire::Stun& stun = r.stun;
    if (!stun.sha1_at && !stun.sha256_at) {
        why.must.insert(401);
        return why;
    }
    const auto user = stun.text(wire::username), realm = stun.text(wire::realm),
               nonce = stun.text(wire::nonce);
    if (!user || !realm || !nonce || user->size() > 513 || realm->size() > 763 ||
        nonce->size() > 763) {
        why.must.insert(400);
        return why;
    }
    // Nobody here makes the choice that it is offered rightly.
    if (stun.has(wire::password_algorithm) || stun.has(wire::password_algorithms)) {
        why.must.insert(400);
    }
    r.user = *user;
    switch (nonces_.look_up(*nonce, r.place.first, r.step.now.steady)) {
        case NonceBook::State::fresh:
            break;
        case NonceBook::State::perhaps:
            why.may.insert(438);
            break;
        case NonceBook::State::stale:
            trace_.mark(Mark::stale_nonce);
            why.must.insert(438);
            break;
        case NonceBook::State::of_another:
            trace_.mark(Mark::nonce_of_another);
            why.must.insert(438);
            break;
        case NonceBook::State::unknown:
            why.must.insert(438);
            break;
    }
    if (*realm != accounts_.realm) why.must.insert(401);
    r.password = prove(r);
    if (!r.password) why.must.insert(401);
    return why;
}

Md5 TurnModel::key_of(const std::string& user, const std::string& password) const {
    const auto [at, fresh] = keys_.try_emplace({user, password});
    if (fresh) at->second = md5(as_bytes(user + ":" + accounts_.realm + ":" + password));
    return at->second;
}

std::optional<Md5> TurnModel::prove(const Request& r) const {
    const auto proves = [&](const Md5& key) {
        return wire::signed_with(r.stun, r.step.in.bytes, key);
    };
    if (r.grant != nullptr && r.grant->user == r.user && proves(r.grant->key)) return r.grant->key;
    const Ticket* const ticket = r.stun.type == wire::refresh_request ? ticket_in(r.stun) : nullptr;
    if (ticket != nullptr && ticket->user == r.user && proves(ticket->key)) return ticket->key;
    if (const auto user = accounts_.users.find(r.user); user != accounts_.users.end()) {
        const auto key = key_of(r.user, user->second);
        return proves(key) ? std::optional(key) : std::nullopt;
    }
    // The REST scheme: the name begins with the second in which it ends, and names somebody.
    long long ends = -1;
    const size_t colon = r.user.find(':');
    if (colon == r.user.npos || colon + 1 == r.user.size()) return {};
    const std::string digits = r.user.substr(0, colon);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ends);
    if (error != std::errc{} || end != digits.data() + digits.size()) return {};
    if (ends <= r.step.now.wall.time_since_epoch().count()) return {};
    for (const std::string& secret : accounts_.secrets) {
        const auto key = key_of(r.user, base64(hmac_sha1(as_bytes(secret), {as_bytes(r.user)})));
        if (proves(key)) return key;
    }
    return {};
}

TurnModel::Reasons TurnModel::reasons(Request& r) {
    Reasons why;
    if (!r.stun.unknown().empty()) why.must.insert(420);
    if (r.grant != nullptr && r.grant->user != r.user) why.must.insert(441);
    switch (r.stun.type) {
        case wire::allocate_request:
            if (r.grant == nullptr) {
                allocate_reasons(r, why);
            } else if (r.grant->allocated_by != r.stun.id) {
                why.must.insert(437);
            }
            break;
        case wire::refresh_request:
            refresh_reasons(r, why);
            break;
        case wire::create_permission_request:
            peer_reasons(r, why);
            break;
        case wire::channel_bind_request:
            channel_reasons(r, why);
            break;
        case wire::connect_request:
            connect_reasons(r, why);
            break;
        case wire::connection_bind_request:
            connection_bind_reasons(r, why);
            break;
        default:
            break;
    }
    return why;
}

// RFC 8656, section 7.2.
void TurnModel::allocate_reasons(const Request& r, Reasons& why) const {
    const wire::Stun& stun = r.stun;
    const auto transport = stun.find(wire::requested_transport);
    if (!transport || transport->size() != 4) {
        why.must.insert(400);
    } else if ((*transport)[0] == 6) {
        tcp_allocate_reasons(r, why);
    } else if ((*transport)[0] != 17) {
        why.must.insert(442);
    }
    const auto token = stun.find(wire::reservation_token), even = stun.find(wire::even_port),
               family = stun.find(wire::requested_address_family),
               more = stun.find(wire::additional_address_family);
    const bool misfit = has_of_wrong_size(stun, wire::reservation_token, 8) ||
                        has_of_wrong_size(stun, wire::even_port, 1) ||
                        has_of_wrong_size(stun, wire::requested_address_family, 4) ||
                        has_of_wrong_size(stun, wire::additional_address_family, 4) ||
                        has_of_wrong_size(stun, wire::lifetime, 4);
    if (stun.has(wire::mobility_ticket)) {
        if (!rules_.mobility) why.must.insert(405);
        if (!stun.find(wire::mobility_ticket)->empty()) why.must.insert(400);
    }
    const bool reserves = even && even->size() == 1 && (*even)[0] & 0x80;
    if (misfit || (token && (even || family || more)) || (family && more) || (reserves && more)) {
        why.must.insert(400);
    }
    if (misfit) return;
    if (family && !family_of((*family)[0])) why.must.insert(440);
    if (more && family_of((*more)[0]) != AddressFamily::ipv6) why.must.insert(400);
    const auto has = [&](AddressFamily f) { return std::ranges::count(rules_.families, f) > 0; };
    const auto wanted = family ? family_of((*family)[0]) : AddressFamily::ipv4;
    if (!token && wanted && !has(*wanted) && (!more || !has(AddressFamily::ipv6))) {
        why.must.insert(440);
    }
    if (token) {
        const auto found = reservations_.find(stun.token().value());
        const Instant now = r.step.now.steady;
        if (found == reservations_.end() || now >= found->second.expires_at ||
            found->second.user != r.user) {
            why.must.insert(508);
        }
    }
    if (reserves && reservations_.size() >= rules_.config.max_reservations) why.must.insert(508);
    // No port: it is known only from what the server tried during this call.
    const bool none_opened = r.step.calls.opened.empty() && r.step.calls.refused;
    if (none_opened) why.must.insert(508);
    capacity_reasons(r, why);
    redirect_reasons(r, why);
}

// RFC 8489, section 10.  Another server does not hold the port that a token stands for, and must
// have an address of the client's family.
void TurnModel::redirect_reasons(const Request& r, Reasons& why) const {
    const auto family = r.place.first.ip.family();
    const bool can = std::ranges::any_of(
        rules_.alternates, [&](const auto& server) { return server.ip.family() == family; });
    if (!rules_.redirects || !can || r.stun.has(wire::reservation_token)) return;
    if (rules_.redirects == turn::Redirect::always) why.must.insert(300);
    for (auto* const codes : {&why.must, &why.may}) {
        if (codes->erase(508) > 0) codes->insert(300);
    }
}

void TurnModel::capacity_reasons(const Request& r, Reasons& why) const {
    if (refuses_new_) {
        trace_.mark(Mark::refused_new);
        why.must.insert(508);
    }
    const auto exceeded = limits_exceeded(r.user, r.place.first.ip, {.allocations = 1},
                                          r.step.now.steady, r.step.charged_before);
    if (exceeded.share) why.must.insert(486);
    if (exceeded.all) why.must.insert(508);
    if (exceeded.perhaps) why.may.insert({486, 508});
}

// RFC 8656, sections 10.2 and 12.2: 486 is for allocations alone.
void TurnModel::limit_reasons(const Request& r, const turn::Counts& more, Reasons& why) const {
    const auto exceeded = limits_exceeded(r.grant->user, r.grant->charged_to, more,
                                          r.step.now.steady, r.step.charged_before);
    if (exceeded.share || exceeded.all) {
        trace_.mark(Mark::refused_by_limit);
        why.must.insert(508);
    }
    if (exceeded.perhaps) why.may.insert(508);
}

TurnModel::Exceeded TurnModel::limits_exceeded(const std::string& user, const IpAddress& charged_to,
                                               const turn::Counts& more, Instant now,
                                               const turn::Counts& charged) const {
    turn::Counts of_user, of_network, all;
    const auto network = network_of(charged_to);
    const auto count = [&](const Grant& grant) {
        const turn::Counts theirs = held(grant, now);
        all += theirs;
        if (grant.user == user) of_user += theirs;
        if (network_of(grant.charged_to) == network) of_network += theirs;
    };
    for (const auto& [place, grant] : grants_) count(grant);
    for (const auto& [id, grant] : on_the_way_) count(grant);

    const turn::Quotas::Limits& limits = rules_.config.quotas;
    Exceeded exceeded;
    for (const auto kind : {&turn::Counts::allocations, &turn::Counts::permissions,
                            &turn::Counts::channels, &turn::Counts::connections}) {
        if (more.*kind == 0) continue;
        const auto above = [&](const turn::Counts& held, const turn::Counts& limit) {
            return limit.*kind != 0 && held.*kind + more.*kind > limit.*kind;
        };
        exceeded.share = exceeded.share || above(of_user, limits.per_user) ||
                         above(of_network, limits.per_address);
        exceeded.all = exceeded.all || above(all, limits.total);
        exceeded.perhaps = exceeded.perhaps || charged.*kind > all.*kind;
    }
    return exceeded;
}

turn::Counts TurnModel::held(const Grant& grant, Instant now) const {
    if (!is_live(grant, now)) return {};
    const auto lives = [&](AddressFamily family, Instant until) {
        const auto relay = grant.relays.find(family);
        return now < until && relay != grant.relays.end() && now < relay->second.expires_at;
    };
    turn::Counts held{.allocations = 1,
                      .connections = static_cast<unsigned>(grant.connections.size())};
    for (const auto& [peer, until] : grant.permissions) {
        if (lives(peer.family(), until)) ++held.permissions;
    }
    for (const auto& [number, channel] : grant.channels) {
        if (lives(channel.peer.ip.family(), channel.expires_at)) ++held.channels;
    }
    return held;
}

// RFC 8656, section 8.2.
void TurnModel::refresh_reasons(const Request& r, Reasons& why) const {
    if (has_of_wrong_size(r.stun, wire::lifetime, 4) ||
        has_of_wrong_size(r.stun, wire::requested_address_family, 4)) {
        why.must.insert(400);
        if (r.grant == nullptr) why.may.insert(437);
        return;
    }
    if (r.stun.has(wire::mobility_ticket)) {
        if (!rules_.mobility) {
            why.must.insert(405);
            return;
        }
        if (r.grant == nullptr) return move_reasons(r, ticket_in(r.stun), why);
        // RFC 8016, section 3.2: nobody brings a ticket who has not moved, but the one that it came
        // with may come again.
        const auto& mobility = r.grant->mobility;
        const Ticket* const ticket = ticket_in(r.stun);
        if (!ticket || !mobility || ticket->allocation != mobility->id ||
            ticket->number + 1 != mobility->here) {
            why.must.insert(400);
        }
    }
    if (r.grant == nullptr) {
        why.must.insert(437);
        return;
    }
    const auto family = r.stun.find(wire::requested_address_family);
    if (!family) return;
    const auto wanted = family_of((*family)[0]);
    if (!wanted || !r.grant->relays.contains(*wanted)) why.must.insert(443);
}

// RFC 8656, sections 10.2 and 12.2: what speaks against the peers a request names.
void TurnModel::peer_reasons(Request& r, Reasons& why) const {
    for (const auto& [type, value] : r.stun.attributes) {
        if (type != wire::xor_peer_address) continue;
        const auto peer = wire::unmask(value, r.stun.id);
        if (!peer) {
            why.must.insert(400);
        } else {
            r.peers.push_back(*peer);
        }
        if (r.stun.type == wire::channel_bind_request) break;  // the first alone counts
    }
    if (r.peers.empty()) why.must.insert(400);
    if (r.grant == nullptr) {
        why.must.insert(437);
        return;
    }
    std::set<IpAddress> fresh;
    for (const TransportAddress& peer : r.peers) {
        if (!r.grant->relays.contains(peer.ip.family())) why.must.insert(443);
        const bool with_port = r.stun.type == wire::channel_bind_request && peer.port != 0;
        const bool allowed =
            rules_.peers.allows(peer.ip) && (!with_port || rules_.peers.allows(peer));
        if (!allowed) why.must.insert(403);
        const auto known = r.grant->permissions.find(peer.ip);
        if (known == r.grant->permissions.end()) fresh.insert(peer.ip);
    }
    if (r.grant->permissions.size() + fresh.size() > rules_.config.max_permissions) {
        why.must.insert(508);
    }
    limit_reasons(r, {.permissions = static_cast<unsigned>(fresh.size())}, why);
}

void TurnModel::channel_reasons(Request& r, Reasons& why) const {
    peer_reasons(r, why);
    const auto value = r.stun.find(wire::channel_number);
    r.channel = value && value->size() == 4 ? static_cast<uint16_t>(number(value->first(2))) : 0;
    const bool legacy = rules_.config.legacy_channels;
    if (r.channel < 0x4000 || r.channel > (legacy ? 0x7ffe : 0x4fff)) why.must.insert(400);
    if (r.peers.empty() || r.peers[0].port == 0) why.must.insert(400);
    if (r.grant != nullptr && r.grant->over_tcp) why.must.insert(403);
    if (r.grant == nullptr || r.peers.empty()) return;
    bool bound = false;
    for (const auto& [channel, binding] : r.grant->channels) {
        const bool same_number = channel == r.channel, same_peer = binding.peer == r.peers[0];
        if (same_number != same_peer) why.must.insert(400);
        bound = bound || (same_number && same_peer);
    }
    if (!bound && r.grant->channels.size() >= rules_.config.max_channels) why.must.insert(508);
    if (!bound) limit_reasons(r, {.channels = 1}, why);
}

// TI9 has a price: what cannot be answered within three times its size is not answered.
bool TurnModel::may_be_silent(const Request& r) const {
    if (r.password || is_stream(r.step.in.transport)) return false;
    size_t smallest = 20 + 8 + (4 + padded(accounts_.realm.size())) + (4 + turn::Nonces::size);
    if (!authenticates(r.stun)) {
        smallest = 20 + 8 + 4 + padded(2 * r.stun.unknown().size());
    }
    if (r.stun.fingerprinted) smallest += 8;
    if (r.stun.has(wire::transmit_counter)) smallest += 8;
    return smallest > most_for(r);
}

// Where Binding is authenticated, clients' requests without anything have to be challenged.
size_t TurnModel::most_for(const Request& r) const {
    const bool is_challenged = r.stun.type == wire::binding_request && authenticates(r.stun);
    return 3 * std::max<size_t>(r.step.in.bytes.size(), is_challenged ? 28 : 0);
}

wire::Stun TurnModel::check_answer(const Request& r) const {
    const auto fail = [](std::string_view id, std::string_view sentence, const std::string& seen) {
        throw Violation(id, sentence, seen);
    };
    const Step& step = r.step;
    const Sent& sent = step.out.front();
    if (step.out.size() != 1) fail("TI3", "a request has one answer", "more");
    if (sent.to != step.in.from || sent.socket != step.in.socket) {
        fail("TI2", "an answer goes to whom asked", sent.to.to_string());
    }
    auto answer = wire::decode(sent.bytes);
    if (!answer || !answer->padded_with_zeros || sent.bytes.size() > 1280) {
        fail("TI16", "every answer is well-formed", std::to_string(sent.bytes.size()) + " bytes");
    }
    const uint16_t answer_class = answer->type & wire::class_bits;
    if (answer->id != r.stun.id || (answer->type & ~wire::class_bits) != r.stun.type ||
        (answer_class != wire::success_class && answer_class != wire::error_class)) {
        fail("TI16", "an answer is of its request", std::to_string(answer->type));
    }
    if (answer->fingerprinted != r.stun.fingerprinted) {
        fail("TI16", "who sends FINGERPRINT gets one", std::to_string(answer->type));
    }
    const size_t most = most_for(r);
    const bool is_stranger = !r.password && !is_stream(step.in.transport);
    if (is_stranger && sent.bytes.size() > most) {
        fail("TI9", "a stranger is answered at most three times what it sent",
             std::to_string(sent.bytes.size()) + " > " + std::to_string(most));
    }
    const bool signs = answer->sha1_at || answer->sha256_at;
    const bool challenges = answer->error() == 401 || answer->error() == 438;
    if (signs != (r.password.has_value() && !challenges) ||
        (signs && !wire::signed_with(*answer, sent.bytes, *r.password))) {
        fail("TI16", "who has proved its name gets signed answers, nobody else does",
             std::to_string(answer->type));
    }
    return *answer;
}

// A TCP allocation has no channels, nor a connection with itself.
bool TurnModel::is_by_policy(const Request& r) const {
    if (r.stun.type == wire::channel_bind_request) return !r.grant->over_tcp;
    return r.stun.type != wire::connect_request || !is_to_itself(r);
}

void TurnModel::check_error(const Request& r, const wire::Stun& answer, const Reasons& why) {
    const int code = answer.error().value_or(0);
    if (!why.must.contains(code) && !why.may.contains(code)) {
        throw Violation("TI30", "a request is refused only for what it has earned",
                        std::to_string(code) + " instead of" + list(why.must));
    }
    ++counted_[r.step.shard].errors[code];
    static const std::map<int, Mark> marks{
        {300, Mark::refused_300}, {405, Mark::refused_405}, {400, Mark::refused_400},
        {401, Mark::refused_401}, {403, Mark::refused_403}, {420, Mark::refused_420},
        {437, Mark::refused_437}, {438, Mark::refused_438}, {440, Mark::refused_440},
        {446, Mark::refused_446}, {441, Mark::refused_441}, {442, Mark::refused_442},
        {443, Mark::refused_443}, {486, Mark::refused_486}, {508, Mark::refused_508}};
    trace_.mark(marks.at(code));
    if (code == 403 && is_by_policy(r)) ++counted_[r.step.shard].denied;
    if (r.step.calls.failed) trace_.mark(Mark::bind_failed);
    if (!r.step.calls.opened.empty()) {
        throw Violation("TI5", "a refused request opens no port",
                        r.step.calls.opened[0].address.to_string());
    }
    if (code == 401 || code == 438) {  // TI15: alike, whatever was wrong
        const auto nonce = answer.text(wire::nonce);
        if (!nonce || answer.text(wire::realm) != accounts_.realm) {
            throw Violation("TI15", "401 and 438 carry the realm and a nonce",
                            std::to_string(code));
        }
        nonces_.note(*nonce, r.place.first, r.step.now.steady);
    }
    std::erase_if(reservations_, [&](const auto& entry) {  // which could not be opened
        return std::ranges::count(r.step.calls.closed, entry.second.port) > 0;
    });
    if (code == 300) check_alternates(r, answer);
    if (code == 420) {
        std::vector<uint8_t> wanted;
        for (const uint16_t type : r.stun.unknown()) {
            wanted.push_back(static_cast<uint8_t>(type >> 8));
            wanted.push_back(static_cast<uint8_t>(type));
        }
        if (!std::ranges::equal(answer.find(wire::unknown_attributes).value_or(Bytes{}), wanted)) {
            throw Violation("TI12", "420 lists what is not understood",
                            std::to_string(wanted.size()));
        }
    }
}

// RFC 8489, section 14.15: the first server is of the client's family.
void TurnModel::check_alternates(const Request& r, const wire::Stun& answer) const {
    std::vector<TransportAddress> told;
    for (const auto& [type, value] : answer.attributes) {
        if (type != wire::alternate_server) continue;
        const auto server = wire::plain(value);
        if (server && std::ranges::count(rules_.alternates, *server) > 0) told.push_back(*server);
    }
    if (!told.empty() && told[0].ip.family() == r.place.first.ip.family()) return;
    throw Violation("TI16", "300 names a server that the client can reach",
                    std::to_string(told.size()) + " servers");
}

}  // namespace ahoy::sim
