// A ceiling for bench/run: what relaying costs when nothing but sockets is left of it.
//
// It answers every request with success and then relays the one channel of each client over IPv4,
// as cheaply as one thread can: no permissions, no expiry, no limits, no policy.  It is for network
// namespaces that nobody else can reach.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "bench/bare_mmsg.h"
#include "bench/bare_uring.h"

int main(int argc, char** argv) {
    using namespace ahoy;
    CLI::App app("What relaying costs without everything that makes a TURN server safe");
    std::string listen;
    std::string relay;
    std::string secret;
    std::string engine = "mmsg";
    app.add_option("--listen", listen, "IPv4 address and port")->required();
    app.add_option("--relay", relay, "IPv4 address of the relay sockets")->required();
    app.add_option("--secret", secret, "signs the clients' names")->required();
    app.add_option("--engine", engine)->check(CLI::IsMember({"mmsg", "uring"}));
    CLI11_PARSE(app, argc, argv);
    try {
        const bool coalesce = engine == "mmsg";
        const int listener =
            bench::open_bare_socket(TransportAddress::parse(listen).value(), coalesce);
        bench::BareFlows flows(listener, IpAddress::parse(relay).value(), secret, coalesce);
        if (engine == "mmsg") std::make_unique<bench::BareMmsg>(listener, flows)->run();
        bench::BareUring(listener, flows).run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "bare_forwarder: {}\n", error.what());
        return 1;
    }
}
