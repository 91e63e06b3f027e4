#include "probe/dialogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "stun/message.h"
#include "turn/peer_policy.h"

namespace ahoy::probe {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Message;
using stun::Method;
using turn::Client;
using turn::ClientEvent;
using Kind = ClientEvent::Kind;

constexpr size_t payload_size = 172;  // of 20 ms of sound
constexpr Duration interval = 20ms;
constexpr Duration stragglers = 2s;

turn::ClientConfig client_config(const DialogueConfig& config, SocketId leg) {
    const Login login = config.login.value_or(Login{});
    return {.socket = leg,
            .server = config.server,
            .username = login.username,
            .password = login.password,
            .reliable = is_stream(config.transport)};
}

std::string in_ms(Duration time) {
    return fmt::format("{:.1f} ms", static_cast<double>(time.count()) / 1e6);
}

}  // namespace

Dialogue::Dialogue(DialogueConfig config, Random random)
    : config_(std::move(config)),
      random_(std::move(random)),
      clients_{Client(client_config(config_, first), Random(random_.seed())),
               Client(client_config(config_, second), Random(random_.seed()))} {}

void Dialogue::begin(Now now, Outbox& out) {
    enter(now, Step::binding, out);
}

// ---- from step to step

void Dialogue::enter(Now now, Step step, Outbox& out) {
    step_ = step;
    began_ = now.steady;
    due_ = now.steady + config_.patience;
    awaited_ = 1;
    burst_.reset();
    heard_.reason.clear();
    if (step >= Step::second && step <= Step::direct && !relayed()) {
        return lost(now, first, Cause::allocation_ended, out);
    }
    if (uses_second() && !clients_[1].relayed()) {
        return lost(now, second, Cause::allocation_ended, out);
    }
    act(now, out);
}

// The second client's allocation, which is there by then.
bool Dialogue::uses_second() const {
    return step_ >= Step::permission && step_ <= Step::channel_data;
}

void Dialogue::act(Now now, Outbox& out) {
    auto& [a, b] = clients_;
    switch (step_) {
        case Step::binding:
            return a.request_binding(now, out);
        case Step::challenge:
            return a.allocate(now, out);
        case Step::allocate:
            return;  // the client answers the challenge by itself
        case Step::second:
            if (gone_[1]) return fail(now, *gone_[1], "", out);
            return b.allocate(now, out);
        case Step::permission:
            awaited_ = 2;
            a.permit(now, b.relayed()->ip, out);
            return b.permit(now, a.relayed()->ip, out);
        case Step::channel:
            awaited_ = 2;
            a.bind_channel(now, *b.relayed(), out);
            return b.bind_channel(now, *a.relayed(), out);
        case Step::indications:
        case Step::channel_data:
            return begin_burst(now, out);
        case Step::direct:
            if (const Cause cause = why_not_direct(); cause != Cause::none) {
                return finish(now, {.verdict = Verdict::skipped, .cause = cause}, out);
            }
            return a.permit(now, a.mapped()->ip, out);
        case Step::refresh:
            awaited_ = 0;
            for (size_t i = 0; i < clients_.size(); ++i) {
                if (clients_[i].state() != Client::State::allocated || gone_[i]) continue;
                ++awaited_;
                clients_[i].close(now, out);
            }
            return;
        default:
            CHECK(false);
    }
}

Cause Dialogue::why_not_direct() const {
    const auto mapped = clients_[0].mapped();
    if (!mapped || mapped->ip.family() != relayed()->ip.family()) {
        return Cause::peer_family_mismatch;
    }
    const bool here = mapped->ip == relayed()->ip || config_.local == config_.server.ip;
    return here ? Cause::same_machine : Cause::none;
}

void Dialogue::finish(Now now, Finding finding, Outbox& out) {
    finding.step = step_;
    finding.took = now.steady - began_;
    const Step next = after(step_, finding.verdict != Verdict::failed);
    findings_.push_back(std::move(finding));
    done_ = next == Step::count;
    if (!done_) enter(now, next, out);
}

void Dialogue::fail(Now now, Cause cause, std::string detail, Outbox& out) {
    finish(now, {.verdict = Verdict::failed, .cause = cause, .detail = std::move(detail)}, out);
}

// What comes next; count when nothing does.
Step Dialogue::after(Step step, bool good) const {
    if (gone_[0]) return Step::count;
    switch (step) {
        case Step::binding:
            return config_.relays ? Step::challenge : Step::count;
        case Step::challenge:
            return good && config_.login ? Step::allocate : Step::count;
        case Step::allocate:
            return relayed() ? Step::second : Step::count;
        case Step::second:
            return good ? Step::permission : Step::direct;
        case Step::permission:
            return good ? Step::indications : Step::direct;
        case Step::indications:
            return Step::channel;
        case Step::channel:
            return good ? Step::channel_data : Step::direct;
        case Step::channel_data:
            return Step::direct;
        case Step::direct:
            return Step::refresh;
        default:
            return Step::count;
    }
}

// ---- what comes in

void Dialogue::from_network(Now now, const Datagram& in, Outbox& out) {
    if (done_ || in.socket == direct || in.bytes.empty()) return;
    const auto message = Message::parse(in.bytes);
    if (message) {
        hear(now, *message, in.socket, out);
        if (done_) return;
    } else if (in.bytes[0] >> 6 != 1) {
        // ChannelData begins so; all else is strange, and while nothing was heard it says whom we
        // are talking to.
        if (step_ == Step::binding) fail(now, Cause::not_stun, "", out);
        return;
    }
    auto& client = clients_[in.socket == first ? 0 : 1];
    const auto received = client.from_server(now, in, out);
    if (received) take(now, *received, out);
    look_at_events(now, out);
}

// Before the client does, because it keeps some of it to itself.
void Dialogue::hear(Now now, const Message& message, SocketId leg, Outbox& out) {
    if (const auto software = message.text(AttributeType::software)) {
        heard_.software = printable(*software);
    }
    if (message.message_class() == Class::error) {
        const auto error =
            stun::read_error(message.find(AttributeType::error_code).value_or(Bytes{}));
        if (error) {
            heard_.reason =
                fmt::format("{} {}", static_cast<unsigned>(error->code), printable(error->reason));
        }
        if (const auto other = message.find(AttributeType::alternate_server)) {
            const auto address = stun::read_address(*other);
            if (address) heard_.alternate = address->to_string();
        }
        const bool challenges = error && error->code == ErrorCode::unauthenticated;
        if (const auto realm = message.text(AttributeType::realm)) {
            heard_.realm = printable(*realm);
            if (challenges && step_ == Step::challenge && leg == first &&
                message.method() == Method::allocate && message.has(AttributeType::nonce)) {
                on_challenge(now, out);
            }
        }
        return;
    }
    if (message.message_class() != Class::success || message.method() != Method::allocate) return;
    heard_.lifetime = stun::read_lifetime(message.find(AttributeType::lifetime).value_or(Bytes{}));
    const bool is_signed = message.integrity_at() || message.integrity_sha256_at();
    if (step_ == Step::challenge && !is_signed) fail(now, Cause::open_relay, "", out);
}

void Dialogue::on_challenge(Now now, Outbox& out) {
    const std::string detail =
        fmt::format("{}, realm \"{}\"{}", heard_.reason, heard_.realm,
                    heard_.software.empty() ? "" : fmt::format(", \"{}\"", heard_.software));
    finish(now, {.detail = detail}, out);
    if (!done_ || config_.login) return;
    findings_.push_back(
        {.step = Step::allocate, .verdict = Verdict::skipped, .cause = Cause::no_credentials});
}

void Dialogue::look_at_events(Now now, Outbox& out) {
    for (size_t i = 0; i < clients_.size(); ++i) {
        for (const ClientEvent& event : clients_[i].take_events()) {
            if (!done_) on_event(now, event, i, out);
        }
    }
}

// Not so what an earlier step, which has failed already, still gets as answers.
bool Dialogue::concerns_step(const ClientEvent& event, size_t client) const {
    if (event.kind == Kind::ended) return true;
    switch (step_) {
        case Step::binding:
            return event.method == Method::binding;
        case Step::challenge:
        case Step::allocate:
            return event.method == Method::allocate && client == 0;
        case Step::second:
            return event.method == Method::allocate && client == 1;
        case Step::permission:
            return event.method == Method::create_permission;
        case Step::channel:
            return event.method == Method::channel_bind;
        case Step::direct:
            return event.method == Method::create_permission && client == 0 &&
                   event.address.ip == clients_[0].mapped()->ip;
        case Step::refresh:
            return event.method == Method::refresh;
        default:
            return false;
    }
}

void Dialogue::on_event(Now now, const ClientEvent& event, size_t client, Outbox& out) {
    if (!concerns_step(event, client)) return;
    if (event.kind == Kind::timed_out) return fail(now, Cause::no_answer, "", out);
    if (event.kind == Kind::ended) {
        if (step_ == Step::refresh) return succeed(now, event, out);
        // A server may take an allocation away at any time.
        const bool in_use = client == 0 ? step_ >= Step::second : uses_second();
        if (in_use) {
            lost(now, client == 0 ? first : second, Cause::allocation_ended, out);
        }
        return;
    }
    if (event.kind != Kind::refused) {
        // A server that asked for credentials at the Binding already needs not ask again.
        if (event.kind == Kind::allocated && step_ == Step::challenge) {
            finish(now, {.detail = "asked before"}, out);
        }
        return succeed(now, event, out);
    }
    Cause cause = cause_of(event.error);
    std::string detail = heard_.reason;
    if (cause == Cause::wrong_password && step_ == Step::challenge) cause = Cause::no_realm;
    if (cause == Cause::wrong_password && step_ != Step::binding && config_.login->rest) {
        cause = Cause::wrong_rest_password;
        detail += fmt::format(", as \"{}\"", config_.login->username);
    }
    if (cause == Cause::redirected) detail += fmt::format(", to {}", heard_.alternate);
    if (step_ == Step::direct) {
        const auto ip = clients_[client].mapped()->ip;
        return finish(now,
                      {.verdict = cause == Cause::forbidden ? Verdict::skipped : Verdict::failed,
                       .cause = cause,
                       .detail = fmt::format("{}, for {}", detail, ip.to_string())},
                      out);
    }
    fail(now, cause, detail, out);
}

void Dialogue::succeed(Now now, const ClientEvent& event, Outbox& out) {
    if (awaited_ == 0 || --awaited_ > 0) return;
    switch (step_) {
        case Step::binding: {
            const auto seen = event.address.to_string();
            const std::string detail =
                event.address.ip == config_.local
                    ? fmt::format("seen as {}: no NAT between", seen)
                    : fmt::format("seen as {}, being {} here: a NAT is between", seen,
                                  config_.local.to_string());
            return finish(now, {.detail = detail, .address = event.address}, out);
        }
        case Step::allocate:
            return judge_relayed_address(now, event.address, out);
        case Step::second:
            return finish(now,
                          {.detail = fmt::format("relayed {}", event.address.to_string()),
                           .address = event.address},
                          out);
        case Step::permission:
            return finish(now, {.detail = "each for the other"}, out);
        case Step::channel:
            return finish(now, {.detail = "each to the other"}, out);
        case Step::direct:
            return begin_burst(now, out);
        case Step::refresh:
            return finish(now, {.detail = "given back"}, out);
        default:
            return;
    }
}

void Dialogue::judge_relayed_address(Now now, const TransportAddress& relayed, Outbox& out) {
    const bool hidden =
        turn::is_special_purpose(relayed.ip) && !turn::is_special_purpose(config_.server.ip);
    const bool other_family = config_.server.ip.is_v4() && !relayed.ip.is_v4();
    const auto lifetime = heard_.lifetime.value_or(0s);
    Finding finding{
        .detail = fmt::format("relayed {} for {} s", relayed.to_string(), lifetime.count()),
        .address = relayed};
    if (hidden) {
        finding.verdict = Verdict::failed;
        finding.cause = Cause::relayed_address_private;
    } else if (other_family) {
        finding.verdict = Verdict::warning;
        finding.cause = Cause::relayed_family_differs;
    }
    finish(now, std::move(finding), out);
}

void Dialogue::lost(Now now, SocketId leg, Cause cause, Outbox& out) {
    // What the network says about the plain socket's datagrams shows as their loss.
    if (done_ || leg == direct) return;
    gone_[leg == first ? 0 : 1] = cause;
    const bool with_both = step_ >= Step::second && step_ != Step::direct;
    if (leg == first || with_both) fail(now, cause, "", out);
}

// ---- datagrams

void Dialogue::begin_burst(Now now, Outbox& out) {
    burst_ = Burst{.tag = random_.next(), .next = now.steady};
    burst_->seen.resize(config_.datagrams);
    due_ = now.steady + config_.datagrams * interval + std::min(stragglers, config_.patience);
    continue_burst(now, out);
}

void Dialogue::continue_burst(Now now, Outbox& out) {
    Burst& burst = *burst_;
    if (now.steady < burst.next || burst.sent_at.size() == config_.datagrams) return;
    const Bytes bytes = payload(static_cast<uint32_t>(burst.sent_at.size()), out);
    burst.sent_at.push_back(now.steady);
    burst.next = burst.sent_at.size() < config_.datagrams ? now.steady + interval : Instant::max();
    if (step_ == Step::direct) {
        out.send({.socket = direct, .to = *relayed(), .bytes = bytes});
    } else {
        clients_[0].send(*clients_[1].relayed(), bytes, out);
    }
}

Bytes Dialogue::payload(uint32_t number, Outbox& out) const {
    const auto buffer = out.scratch(payload_size);
    Writer writer(buffer);
    writer.u64(burst_->tag);
    writer.u32(number);
    writer.zeros(payload_size - writer.size());
    return buffer;
}

void Dialogue::take(Now now, const Client::Received& received, Outbox& out) {
    Reader reader(received.payload);
    const uint64_t tag = reader.u64();
    const uint32_t number = reader.u32();
    if (!burst_ || !reader.ok() || tag != burst_->tag) return;
    Burst& burst = *burst_;
    if (number >= burst.sent_at.size() || burst.seen[number]) return;
    burst.seen[number] = true;
    burst.times.push_back(now.steady - burst.sent_at[number]);
    if (burst.times.size() == config_.datagrams) end_burst(now, out);
}

void Dialogue::end_burst(Now now, Outbox& out) {
    Burst burst = *std::exchange(burst_, {});
    std::sort(burst.times.begin(), burst.times.end());
    Traffic traffic{.sent = config_.datagrams,
                    .received = static_cast<unsigned>(burst.times.size())};
    std::string detail = fmt::format("{} of {} came back", traffic.received, traffic.sent);
    if (!burst.times.empty()) {
        traffic.median = burst.times[burst.times.size() / 2];
        traffic.longest = burst.times.back();
        detail += fmt::format(", after {} (median), {} at most", in_ms(traffic.median),
                              in_ms(traffic.longest));
    }
    const unsigned missing = traffic.sent - traffic.received;
    const Cause cause = missing == 0            ? Cause::none
                        : traffic.received == 0 ? Cause::lost_all
                                                : Cause::lost_some;
    // In a network that lets no UDP out, which TCP and TLS are for, the plain socket has to fail.
    const bool excused = step_ == Step::direct && is_stream(config_.transport);
    const Verdict verdict = missing == 0                              ? Verdict::ok
                            : excused || missing * 10 <= traffic.sent ? Verdict::warning
                                                                      : Verdict::failed;
    finish(now, {.verdict = verdict, .cause = cause, .detail = detail, .traffic = traffic}, out);
}

// ---- time

void Dialogue::expire(Now now, Outbox& out) {
    if (done_) return;
    for (Client& client : clients_) client.expire(now, out);
    look_at_events(now, out);
    if (done_) return;
    if (burst_) continue_burst(now, out);
    if (now.steady < due_) return;
    if (burst_) return end_burst(now, out);
    fail(now, Cause::no_answer, "", out);
}

Instant Dialogue::next_deadline() const {
    if (done_) return Instant::max();
    Instant next = due_;
    for (const Client& client : clients_) next = std::min(next, client.next_deadline());
    return burst_ ? std::min(next, burst_->next) : next;
}

void Dialogue::abandon(Now now, Outbox& out) {
    if (done_) return;
    gone_[0] = Cause::out_of_time;
    fail(now, Cause::out_of_time, "", out);
    for (Client& client : clients_) {
        if (client.state() == Client::State::allocated) client.close(now, out);
    }
}

}  // namespace ahoy::probe
