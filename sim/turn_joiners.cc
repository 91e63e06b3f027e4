#include "sim/turn_joiners.h"

#include <algorithm>

#include "stun/integrity.h"

namespace ahoy::sim {
namespace {

using stun::AttributeType;
using stun::Method;
using Kind = Streams::Heard::Kind;

constexpr Duration impatience = 1s;
constexpr size_t most_lines = 8;

}  // namespace

Joiner::Joiner(Config config, Town& town)
    : config_(std::move(config)), town_(town), dice_(town.dice.next()), act_at_(town.soon()) {}

void Joiner::act() {
    if (calm_) {
        act_at_ = town_.now.steady + impatience;
        return seek();
    }
    act_at_ = town_.soon();
    do_something();
}

void Joiner::do_something() {
    if (!control_) {
        control_ = dial(config_.user);
        return ask(*control_, lines_.at(*control_), {Method::allocate});
    }
    Line& control = lines_.at(*control_);
    const size_t deed = dice_.below(100);
    if (!allocated_ || deed < 3) return ask(*control_, control, {Method::allocate});
    if (deed < 28) return ask(*control_, control, {Method::connect, somebody()});
    if (deed < 40) return ask(*control_, control, {Method::create_permission, somebody()});
    if (deed < 44) {
        return ask(*control_, control,
                   {.method = Method::refresh, .lifetime = dice_.any_of<uint32_t>({0, 30, 600})});
    }
    if (deed < 47) {  // what nobody should ask of a TCP allocation
        const Method method = dice_.any_of({Method::channel_bind, Method::connection_bind});
        const uint32_t id = ids_.empty() ? 1 : dice_.pick(ids_);
        return ask(*control_, control, {method, somebody(), id});
    }
    if (deed < 49) return hang_up(*control_);
    if (deed < 68 && !town_.connection_ids.empty() && dice_.one_in(4)) {
        return join(dice_.pick(town_.connection_ids));
    }
    if (deed < 68 && !ids_.empty()) return join(dice_.one_in(3) ? dice_.pick(ids_) : ids_.back());
    auto line = lines_.begin();
    std::advance(line, dice_.below(lines_.size()));
    if (line->second.talk) chat(line->first, line->second);
}

void Joiner::chat(End end, Line& line) {
    const size_t deed = dice_.below(10);
    if (deed < 7) return line.talk->say(town_, 1 + dice_.below(dice_.one_in(10) ? 20000 : 300));
    if (deed < 9) return line.talk->finish(town_);
    hang_up(end);
}

// Another user's name will not do, nor a second time; the one who has waited does.
void Joiner::join(uint32_t id) {
    if (lines_.size() >= most_lines) return hang_up(lines_.rbegin()->first);
    const End end = dial(dice_.one_in(6) ? "mallory" : config_.user);
    ask(end, lines_.at(end), {.method = Method::connection_bind, .id = id});
}

TransportAddress Joiner::somebody() {
    if (!town_.relayed_tcp.empty() && dice_.percent(25)) return dice_.pick(town_.relayed_tcp);
    if (dice_.percent(10)) return dice_.pick(town_.denied);
    TransportAddress peer = dice_.pick(town_.stream_peers);
    if (dice_.one_in(2)) peer.port = static_cast<uint16_t>(peer.port + dice_.below(3));
    return peer;
}

End Joiner::dial(const std::string& user) {
    const TransportAddress at{config_.ip, next_port_++};
    const End end = town_.dial(*this, at, config_.server);
    lines_[end] = {.at = at, .user = user, .realm = {}, .nonce = {}, .unread = {}, .wishes = {}};
    return end;
}

void Joiner::hang_up(End end) {
    town_.hang_up(end);
    lines_.erase(end);
    if (!is_control(end)) return;
    control_.reset();
    allocated_ = false;
}

void Joiner::ask(End end, Line& line, Wish wish) {
    ++wish.tries;
    stun::TransactionId id;
    for (uint8_t& byte : id) byte = static_cast<uint8_t>(dice_.next());
    std::array<uint8_t, 2048> buffer;
    stun::MessageWriter writer(buffer, {wish.method, stun::Class::request}, id);
    if (wish.method == Method::allocate) {
        const bool over_udp = !calm_ && dice_.percent(3);
        writer.number(AttributeType::requested_transport, (over_udp ? 17u : 6u) << 24);
        const AttributeType unfit =
            dice_.any_of({AttributeType::even_port, AttributeType::dont_fragment,
                          AttributeType::mobility_ticket});
        const uint8_t zero = 0;
        const Bytes value{&zero, unfit == AttributeType::even_port ? 1u : 0u};
        if (!calm_ && dice_.percent(4)) writer.attribute(unfit, value);
    }
    if (wish.method == Method::allocate || wish.method == Method::refresh) {
        writer.lifetime(std::chrono::seconds(wish.lifetime));
    }
    if (wish.method == Method::channel_bind) {
        writer.number(AttributeType::channel_number, 0x4000u << 16);
    }
    if (wish.peer) writer.xor_address(AttributeType::xor_peer_address, *wish.peer);
    if (wish.id) writer.number(AttributeType::connection_id, *wish.id);
    if (!line.nonce.empty()) {
        writer.text(AttributeType::username, line.user);
        writer.text(AttributeType::realm, line.realm);
        writer.text(AttributeType::nonce, line.nonce);
        writer.integrity(
            stun::long_term_key(line.user, line.realm, town_.accounts.users.at(line.user)));
    }
    if (dice_.one_in(3)) writer.fingerprint();
    line.wishes[id] = wish;
    town_.streams.say(town_.now.steady, end, writer.finish());
    // Who is sure of being let in need not wait for it.
    if (wish.method != Method::connection_bind || line.nonce.empty() || !dice_.one_in(4)) return;
    Talk(end).say(town_, 1 + dice_.below(500));
    line.spoke_early = true;
    town_.trace.mark(Mark::spoke_before_joined);
}

void Joiner::hear(const Streams::Heard& heard) {
    const auto found = lines_.find(heard.end);
    if (found == lines_.end()) return;
    Line& line = found->second;
    if (heard.kind == Kind::closed) return hang_up(heard.end);
    if (line.talk) {
        line.talk->hear(town_, heard);
        if (line.talk->has_heard_all() && calm_) content_ = true;
        return;
    }
    line.unread.insert(line.unread.end(), heard.bytes.begin(), heard.bytes.end());
    while (const auto message = wire::take_message(line.unread)) {
        if (message->empty()) {
            throw Violation("TI18", "what the server says on a stream is messages",
                            line.at.to_string());
        }
        understand(heard.end, line, *message);
        if (!lines_.contains(heard.end)) return;
        if (!line.talk) continue;
        // What follows the answer is the peer's.
        const std::vector<uint8_t> rest = std::exchange(line.unread, {});
        return line.talk->hear(town_, {heard.end, Kind::data, rest});
    }
}

void Joiner::understand(End end, Line& line, Bytes message) {
    const auto stun = wire::decode(message);
    if (!stun) return;
    if (const auto relayed = stun->address(wire::xor_relayed_address)) {
        town_.relayed_tcp.push_back(*relayed);
        if (town_.relayed_tcp.size() > 16) town_.relayed_tcp.erase(town_.relayed_tcp.begin());
    }
    if (const auto id = stun->connection()) {
        ids_.push_back(*id);
        if (ids_.size() > 6) ids_.erase(ids_.begin());
        town_.connection_ids.push_back(*id);
        if (town_.connection_ids.size() > 16) {
            town_.connection_ids.erase(town_.connection_ids.begin());
        }
    }
    const auto found = line.wishes.extract(stun->id);
    if (!found) return;
    if (stun->error()) return refused(end, line, found.mapped(), *stun);
    succeeded(end, line, found.mapped(), *stun);
}

void Joiner::succeeded(End end, Line& line, const Wish& wish, const wire::Stun& answer) {
    if (wish.method == Method::allocate) allocated_ = true;
    if (wish.method == Method::refresh && wish.lifetime == 0) allocated_ = false;
    if (wish.method == Method::connection_bind) line.talk.emplace(end);
    if (!calm_) return;
    if (wish.method == Method::allocate) {
        ask(end, line, {Method::connect, town_.stream_peers[0]});
    } else if (wish.method == Method::connect) {
        const End data = dial(config_.user);
        ask(data, lines_.at(data), {.method = Method::connection_bind, .id = answer.connection()});
    } else if (line.talk) {
        line.talk->say(town_, 5000);
        line.talk->finish(town_);
    }
}

void Joiner::refused(End end, Line& line, Wish wish, const wire::Stun& answer) {
    const int code = refused_ = *answer.error();
    if (code == 401 || code == 438) {
        line.realm = answer.text(wire::realm).value_or("");
        line.nonce = answer.text(wire::nonce).value_or("");
        if (wish.tries < 3 && !line.spoke_early) return ask(end, line, wish);
    }
    if (line.spoke_early) return hang_up(end);
    if (code == 437) allocated_ = false;
    // The oracle has seen that this is so.
    const bool challenged = code == 401 || code == 438;
    const bool full = code == 508;  // the oracle has seen that this is so
    if (calm_ && !challenged && (full || wish.method == Method::allocate)) content_ = true;
}

void Joiner::calm() {
    calm_ = true;
    retire();
    act_at_ = town_.now.steady + dice_.between(0s, impatience);
}

void Joiner::seek() {
    if (content_ || control_) return;
    control_ = dial(config_.user);
    ask(*control_, lines_.at(*control_), {Method::allocate});
}

void Joiner::retire() {
    while (!lines_.empty()) hang_up(lines_.begin()->first);
    act_at_ = Instant::max();
}

std::string Joiner::describe() const {
    return config_.ip.to_string() + ", " + std::to_string(lines_.size()) + " lines" +
           (allocated_ ? ", allocated" : "") + ", refused " + std::to_string(refused_);
}

void StreamPeer::called(End end, const Town::Call&) {
    const size_t mood = calm_ ? 0 : dice_.below(10);
    if (mood >= 8) return;  // an answer never comes
    if (mood >= 6) return town_.streams.close(town_.now.steady, end);
    town_.ears[end] = this;
    town_.streams.accept(town_.now.steady, end);
    talks_.emplace(end, Talk(end));
    // Also before anybody has joined.
    if (dice_.one_in(2)) talks_.at(end).say(town_, 1 + dice_.below(500));
}

void StreamPeer::hear(const Streams::Heard& heard) {
    const auto found = talks_.find(heard.end);
    if (found == talks_.end()) return;
    Talk& talk = found->second;
    talk.hear(town_, heard);
    if (talk.is_over()) {
        town_.hang_up(heard.end);
        talks_.erase(found);
    } else if (heard.kind == Kind::finished && (calm_ || dice_.one_in(2))) {
        talk.say(town_, 1 + dice_.below(3000));
        talk.finish(town_);
    }
}

void StreamPeer::act() {
    act_at_ = town_.soon();
    const size_t deed = dice_.below(10);
    if (deed < 3 && !town_.relayed_tcp.empty() && talks_.size() < 12) {
        const TransportAddress from{at_.ip, static_cast<uint16_t>(at_.port + dice_.below(4))};
        const End end = town_.dial(*this, from, dice_.pick(town_.relayed_tcp));
        talks_.emplace(end, Talk(end)).first->second.say(town_, dice_.below(50));
        return;
    }
    if (talks_.empty()) return;
    auto found = talks_.begin();
    std::advance(found, dice_.below(talks_.size()));
    if (deed < 7) return found->second.say(town_, 1 + dice_.below(1000));
    if (deed < 9) return found->second.finish(town_);
    town_.hang_up(found->first);
    talks_.erase(found);
}

}  // namespace ahoy::sim
