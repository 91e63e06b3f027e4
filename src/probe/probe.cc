#include "probe/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <memory>

#include "net/clock.h"
#include "probe/link.h"
#include "probe/resolve.h"

namespace ahoy::probe {
namespace {

using net::read_clocks;

// One way to one address.
class Run {
  public:
    Run(const Options& options, const Way& way, const TransportAddress& server, Instant end,
        Random random, Report& report)
        : options_(options),
          way_(way),
          server_(server),
          end_(end),
          random_(std::move(random)),
          report_(report) {}

    // `dispensable`: there are addresses of another family, too.
    void run(bool dispensable) {
        if (!open(dispensable)) return;
        DialogueConfig config{.server = server_,
                              .transport = way_.transport,
                              .local = links_[0]->local(),
                              .relays = way_.relays,
                              .login = way_.relays ? options_.login() : std::nullopt,
                              .patience = options_.patience,
                              .datagrams = options_.datagrams};
        const bool two = config.login.has_value();
        Dialogue dialogue(std::move(config), std::move(random_));
        if (two) open_second(dialogue);
        dialogue.begin(read_clocks(), out_);
        while (!dialogue.done()) turn(dialogue);
        settle(dialogue);
    }

  private:
    Instant until() const { return std::min(read_clocks().steady + options_.patience, end_); }

    // Nothing but the first leg's failure is told.
    bool open(bool dispensable) {
        auto& link = *(links_[0] = std::make_unique<Link>(way_.transport, server_));
        const Instant start = read_clocks().steady;
        const auto tell = [&](Step step, Instant since, Cause cause, std::string detail) {
            const bool skipped = cause == Cause::unreachable && dispensable;
            report_.add({.step = step,
                         .verdict = cause == Cause::none ? Verdict::ok
                                    : skipped            ? Verdict::skipped
                                                         : Verdict::failed,
                         .cause = at_end(cause),
                         .took = read_clocks().steady - since,
                         .detail = std::move(detail)});
            return cause == Cause::none;
        };
        const Cause connected = link.connect(until());
        const bool stream = way_.transport == Transport::tcp || way_.transport == Transport::tls;
        if ((stream || connected != Cause::none) && !tell(Step::connect, start, connected, "")) {
            return false;
        }
        if (!link.is_secure()) return true;
        const Instant hello = read_clocks().steady;
        const Cause secured = link.shake_hands(trust(), until());
        const std::string words = link.words().empty() ? "" : '(' + link.words() + ')';
        if (!tell(Step::handshake, hello, secured,
                  secured == Cause::none ? link.description() : words)) {
            return false;
        }
        bool bad = false;
        for (const Finding& finding : link.certificate(read_clocks())) {
            report_.add(finding);
            bad |= finding.verdict == Verdict::failed;
        }
        if (bad) report_.note("Clients would stop here, but to see the rest this goes on:");
        return true;
    }

    Cause at_end(Cause cause) const {
        const bool waited = cause == Cause::no_answer && read_clocks().steady >= end_;
        return waited ? Cause::out_of_time : cause;
    }

    Trust trust() const {
        return {.name = way_.host, .checked = options_.checked, .name_checked = way_.named};
    }

    void open_second(Dialogue& dialogue) {
        auto& link = *(links_[1] = std::make_unique<Link>(way_.transport, server_));
        Cause cause = link.connect(until());
        if (cause == Cause::none && link.is_secure()) cause = link.shake_hands(trust(), until());
        if (cause != Cause::none) drop(dialogue, 1, cause);
    }

    void drop(Dialogue& dialogue, size_t leg, Cause cause) {
        links_[leg].reset();
        dialogue.lost(read_clocks(), SocketId(static_cast<uint32_t>(leg)), cause, out_);
    }

    void turn(Dialogue& dialogue) {
        settle(dialogue);
        if (dialogue.done()) return;
        std::vector<const Link*> open;
        for (const auto& link : links_) {
            if (link) open.push_back(link.get());
        }
        wait_for_any(open, std::min(dialogue.next_deadline(), end_));
        for (size_t leg = 0; leg < links_.size() && !dialogue.done(); ++leg) {
            if (links_[leg]) receive(dialogue, leg);
        }
        const Now now = read_clocks();
        if (now.steady >= end_) return dialogue.abandon(now, out_);
        dialogue.expire(now, out_);
    }

    void receive(Dialogue& dialogue, size_t leg) {
        const SocketId socket{static_cast<uint32_t>(leg)};
        const Cause cause = links_[leg]->receive([&](Bytes message) {
            dialogue.from_network(read_clocks(), {.socket = socket, .bytes = message}, out_);
            flush();
        });
        if (cause != Cause::none) drop(dialogue, leg, cause);
    }

    // Sends what is to be sent and tells what was found.
    void settle(Dialogue& dialogue) {
        for (const size_t leg : flush()) drop(dialogue, leg, Cause::closed);
        flush();
        for (const Finding& finding : dialogue.take_findings()) report_.add(finding);
    }

    // The legs that took nothing any more.
    std::vector<size_t> flush() {
        std::vector<size_t> gone;
        for (const Transmit& transmit : out_.pending()) {
            const auto leg = static_cast<size_t>(transmit.socket);
            auto& link = links_[leg];
            if (transmit.socket == Dialogue::direct && !link) {
                link = std::make_unique<Link>(Transport::udp, transmit.to);
                if (link->connect(until()) != Cause::none) link.reset();
            }
            if (link && link->send(transmit, until()) != Cause::none) gone.push_back(leg);
        }
        out_.clear();
        return gone;
    }

    const Options& options_;
    const Way& way_;
    TransportAddress server_;
    Instant end_;
    Random random_;
    Report& report_;
    std::array<std::unique_ptr<Link>, 3> links_;
    Outbox out_;
};

// One address of each family, the one that the system prefers.
std::vector<IpAddress> choose(const std::vector<IpAddress>& all,
                              std::optional<AddressFamily> only) {
    std::vector<IpAddress> chosen;
    for (const IpAddress& ip : all) {
        if (only && ip.family() != *only) continue;
        const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const IpAddress& other) {
            return other.family() == ip.family();
        });
        if (!known) chosen.push_back(ip);
    }
    return chosen;
}

std::vector<IpAddress> look_up(const std::string& host, const Options& options, Instant end,
                               Report& report) {
    const Instant start = read_clocks().steady;
    const auto found =
        resolve(host, std::min<Duration>(options.patience, std::max(end - start, Duration{})));
    if (IpAddress::parse(host)) return *found;
    report.begin({.name = host, .way = {}, .address = {}, .findings = {}});
    Finding finding{.step = Step::resolve, .took = read_clocks().steady - start};
    std::vector<IpAddress> chosen;
    if (found) {
        for (const IpAddress& ip : *found) {
            finding.detail += (finding.detail.empty() ? "" : ", ") + ip.to_string();
        }
        chosen = choose(*found, options.family);
    }
    if (chosen.empty()) {
        finding.verdict = Verdict::failed;
        finding.cause = found ? Cause::no_such_family : found.error();
    }
    report.add(finding);
    return chosen;
}

}  // namespace

void probe(const Options& options, Random random, Report& report) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that may be gone
    const Instant end = read_clocks().steady + options.limit;
    std::map<std::string, std::vector<IpAddress>> known;
    for (const Way& way : options.ways) {
        if (!known.contains(way.host)) known[way.host] = look_up(way.host, options, end, report);
        const auto& addresses = known[way.host];
        for (const IpAddress& ip : addresses) {
            const TransportAddress server{ip, way.port};
            report.begin({.name = way.host, .way = way, .address = server, .findings = {}});
            if (read_clocks().steady >= end) {
                report.add({.step = Step::connect,
                            .verdict = Verdict::failed,
                            .cause = Cause::out_of_time});
                continue;
            }
            Run(options, way, server, end, Random(random.seed()), report)
                .run(!ip.is_v4() && addresses.size() > 1);
        }
    }
}

}  // namespace ahoy::probe
