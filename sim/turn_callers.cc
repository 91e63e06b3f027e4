#include "sim/turn_callers.h"

#include <algorithm>

namespace ahoy::sim {
namespace {

constexpr Duration impatience = 1s;

// Whose allocation ended without a word, because a server restarted or its user was revoked, may
// have another one that a late copy of the Allocate request made, and believes to speak from the
// first.
bool has_ended(const Town& town, const TransportAddress& relayed) {
    const bool is_ours = std::ranges::count(town.listeners, relayed.ip, &TransportAddress::ip) > 0;
    return is_ours && !town.relays.open.contains(relayed);
}

void check_arrival(const Town& town, const Payload& payload, const TransportAddress& from,
                   bool for_us) {
    if (!town.payloads_tell || has_ended(town, payload.from)) return;
    if (!for_us) {
        throw Violation("TI3", "payload arrives at whom it is meant for", payload.to.to_string());
    }
    if (payload.from != from) {
        throw Violation("TI2", "payload comes from whom the receiver is told",
                        payload.from.to_string() + " seems to be " + from.to_string());
    }
}

}  // namespace

Caller::Caller(Config config, Town& town)
    : config_(std::move(config)),
      town_(town),
      dice_(town.dice.next()),
      at_{config_.inside, config_.first_port},
      client_(make_client()),
      act_at_(town_.soon()) {}

turn::Client Caller::make_client() {
    return turn::Client({.server = config_.server,
                         .username = config_.username,
                         .password = config_.password,
                         .family = config_.family,
                         .lifetime = config_.lifetime,
                         .mobile = config_.mobile,
                         .reliable = config_.over_tcp},
                        Random::from_number(dice_.next()));
}

// To another port, and with TCP to another connection.
void Caller::move() {
    ++at_.port;
    if (!config_.over_tcp) return;
    if (stream_) town_.hang_up(*stream_);
    stream_ = town_.dial(*this, at_, config_.server);
    unread_.clear();
}

Instant Caller::next() const {
    return gone_ ? Instant::max() : std::min(act_at_, client_.next_deadline());
}

void Caller::act() {
    client_.expire(town_.now, out_);
    flush();
    if (town_.now.steady < act_at_) return;
    if (calm_) {
        act_at_ = town_.now.steady + impatience;
        seek();
    } else {
        act_at_ = town_.soon();
        do_something();
    }
}

void Caller::do_something() {
    using State = turn::Client::State;
    if (client_.state() == State::idle || client_.state() == State::closed) {
        move();
        client_.allocate(town_.now, out_);
        return flush();
    }
    if (client_.state() != State::allocated) return;
    const size_t deed = dice_.below(100);
    const TransportAddress peer = somebody();
    if (deed < 50) {
        for (size_t i = 0; i <= dice_.below(3); ++i) say(peer, dice_.one_in(2));
    } else if (deed < 68) {
        client_.permit(town_.now, peer.ip, out_);
    } else if (deed < 90) {
        client_.bind_channel(town_.now, peer, out_);
    } else if (deed < 93) {
        client_.close(town_.now, out_);
    } else if (deed < (config_.mobile ? 98 : 95)) {
        move_with_allocation();
    } else if (config_.mobile) {
        client_.request_binding(town_.now, out_);
    } else if (deed < 96) {
        gone_ = true;
    } else {
        client_.request_binding(town_.now, out_);
    }
    flush();
}

// What is still on its way from the old address arrives in the midst of it.
void Caller::move_with_allocation() {
    move();
    client_.move(town_.now, out_);
}

TransportAddress Caller::somebody() {
    if (!friends_.empty() && dice_.percent(60)) return dice_.pick(friends_);
    if (!town_.relayed.empty() && dice_.percent(40)) return dice_.pick(town_.relayed);
    if (dice_.percent(10)) {
        TransportAddress peer = dice_.pick(town_.denied);
        peer.port = std::max<uint16_t>(peer.port, 1);  // a client knows that much
        return peer;
    }
    TransportAddress peer = dice_.pick(town_.peers);
    if (dice_.one_in(4)) ++peer.port;
    return peer;
}

void Caller::calm() {
    calm_ = true;
    act_at_ = town_.now.steady + dice_.between(0s, impatience);
}

void Caller::seek() {
    using State = turn::Client::State;
    if (content_) return;
    if (client_.state() == State::idle || client_.state() == State::closed) {
        move();
        asked_ = false;
        client_.allocate(town_.now, out_);
    } else if (client_.state() == State::allocated && !asked_) {
        const auto relayed = client_.relayed();
        for (const TransportAddress& peer : town_.peers) {
            if (relayed->ip.family() != peer.ip.family()) continue;
            // A channel, too, may have gone with a reload.
            if (client_.channel_to(peer)) {
                client_.bind_channel(town_.now, peer, out_);
            } else {
                client_.permit(town_.now, peer.ip, out_);
            }
            asked_ = true;
            break;
        }
    } else if (client_.state() == State::allocated) {
        for (const TransportAddress& peer : town_.peers) say(peer, true);
    }
    flush();
}

void Caller::retire() {
    client_.close(town_.now, out_);
    act_at_ = Instant::max();
    flush();
}

void Caller::say(const TransportAddress& peer, bool wants_reply) {
    const auto relayed = client_.relayed();
    if (!relayed) return;
    const Payload payload{*relayed, peer, ++sequence_, wants_reply};
    const auto bytes = payload.write(dice_.below(200));
    client_.send(peer, bytes, out_);
    flush();
}

void Caller::flush() {
    for (const Transmit& transmit : out_.pending()) {
        std::vector<uint8_t> bytes(transmit.prefix.begin(),
                                   transmit.prefix.begin() + transmit.prefix_size);
        bytes.insert(bytes.end(), transmit.bytes.begin(), transmit.bytes.end());
        if (!config_.over_tcp) {
            town_.send(at_, config_.server, bytes);
        } else if (stream_) {
            while (bytes.size() % 4 != 0) bytes.push_back(static_cast<uint8_t>(dice_.next()));
            town_.streams.say(town_.now.steady, *stream_, bytes);
        }
    }
    out_.clear();
    for (const auto& event : client_.take_events()) after(event);
}

void Caller::after(const turn::ClientEvent& event) {
    using Kind = turn::ClientEvent::Kind;
    switch (event.kind) {
        case Kind::allocated:
            addresses_.insert(event.address);
            if (town_.relayed.size() < 64) {
                town_.relayed.push_back(event.address);
            } else {
                dice_.pick(town_.relayed) = event.address;
            }
            break;
        case Kind::permitted:
        case Kind::bound:
            if (event.address.port != 0) friends_.push_back(event.address);
            for (const TransportAddress& peer : town_.peers) {
                if (peer.ip == event.address.ip) friends_.push_back(peer);
            }
            if (friends_.size() > 8) friends_.erase(friends_.begin());
            break;
        case Kind::refused:
            if (!calm_) break;
            if (event.error == stun::ErrorCode::insufficient_capacity ||
                event.error == stun::ErrorCode::try_alternate ||
                event.error == stun::ErrorCode::allocation_quota_reached ||
                event.error == stun::ErrorCode::address_family_not_supported) {
                content_ = true;  // the oracle has seen that this is so
            } else if (event.method == stun::Method::create_permission ||
                       event.method == stun::Method::channel_bind) {
                client_.close(town_.now, out_);  // of another address, or of a server before
                asked_ = false;
            }
            break;
        case Kind::timed_out:
            asked_ = false;
            if (config_.over_tcp) {
                lose_stream();  // which is of no use
            } else if (event.method == stun::Method::refresh) {
                move_with_allocation();
            }
            break;
        case Kind::ended:
            asked_ = false;
            friends_.clear();
            break;
        case Kind::mapped:
            break;
    }
}

void Caller::receive(const Packet& packet) {
    if (gone_) return;
    const auto received = client_.from_server(
        town_.now, {.from = packet.from, .local = packet.to, .bytes = packet.bytes}, out_);
    if (received) heard(received->peer, received->payload);
    flush();
}

// With the allocation, unless that can move.
void Caller::lose_stream() {
    if (stream_) town_.hang_up(*std::exchange(stream_, {}));
    if (gone_) return;
    if (config_.mobile && client_.state() == turn::Client::State::allocated) {
        move_with_allocation();
    } else {
        client_ = make_client();
        asked_ = false;
        friends_.clear();
    }
}

void Caller::hear(const Streams::Heard& heard_now) {
    using Kind = Streams::Heard::Kind;
    if (stream_ != heard_now.end) return;
    if (heard_now.kind == Kind::finished || heard_now.kind == Kind::closed) {
        lose_stream();
        return flush();
    }
    unread_.insert(unread_.end(), heard_now.bytes.begin(), heard_now.bytes.end());
    while (const auto message = wire::take_message(unread_)) {
        if (message->empty()) {
            throw Violation("TI18", "what the server says on a stream is messages",
                            at_.to_string());
        }
        receive({.from = config_.server, .to = at_, .bytes = *message});
    }
}

void Caller::heard(const TransportAddress& peer, Bytes bytes) {
    const auto payload = Payload::read(bytes);
    if (!payload) return;
    const auto relayed = client_.relayed();
    if (!relayed || !has_ended(town_, *relayed)) {
        check_arrival(town_, *payload, peer, addresses_.contains(payload->to));
    }
    if (payload->wants_reply) return say(peer, false);
    if (calm_ && !content_) {
        content_ = true;
        town_.trace.mark(Mark::converged);
    }
}

std::string Caller::describe() const {
    return at_.to_string() + ", state " + std::to_string(static_cast<int>(client_.state()));
}

void PlainPeer::receive(const Packet& packet) {
    const auto payload = Payload::read(packet.bytes);
    if (!payload) return;
    check_arrival(town_, *payload, packet.from, payload->to == packet.to);
    if (!payload->wants_reply) return;
    const Payload reply{packet.to, packet.from, payload->sequence, false};
    town_.send(packet.to, packet.from, reply.write(dice_.below(100)));
}

void PlainPeer::act() {
    act_at_ = town_.soon();
    if (town_.relayed.empty()) return;
    const TransportAddress to = dice_.pick(town_.relayed);
    TransportAddress from = at_;
    if (dice_.one_in(3)) ++from.port;
    town_.send(from, to, Payload{from, to, ++sequence_, false}.write(dice_.below(1000)));
}

}  // namespace ahoy::sim
