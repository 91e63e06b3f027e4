// The one table from what was found to what to say about it.
#include <algorithm>

#include "base/check.h"
#include "probe/finding.h"

namespace ahoy::probe {
namespace {

struct Entry {
    Step step;  // count: every step that has no entry of its own
    Cause cause;
    Advice advice;
};

constexpr Step any = Step::count;

constexpr Entry words[] = {
    // ---- the way there
    {any,
     Cause::name_unknown,
     {"The name does not exist in the DNS, or has no address.",
      "Look for a typing error; `getent ahosts NAME` shows what this machine makes of it. The "
      "server needs an A record, and an AAAA record only if it listens on IPv6."}},
    {any,
     Cause::name_server_silent,
     {"The DNS server of this machine gave no answer, so nothing can be said about the TURN "
      "server.",
      "Check this machine's network and /etc/resolv.conf, or give the server's address instead of "
      "its name."}},
    {any,
     Cause::no_such_family,
     {"The name has no address of the IP version that was asked for.",
      "Probe without --ipv4 or --ipv6, or give the server a record of that kind (A for IPv4, AAAA "
      "for IPv6)."}},
    {any,
     Cause::unreachable,
     {"This machine has no route to that address.",
      "Check this machine's network. If it has no IPv6 at all, use --ipv4; clients with IPv6 do "
      "need the AAAA record to work, so try it from one of them."}},
    {any,
     Cause::refused,
     {"Nothing listens on that port, or a firewall refuses it.",
      "Start the server, and compare the port with its configuration (Ahoy: turn.listen and "
      "turn.tls_listen; coturn: listening-port and tls-listening-port). A server that listens on "
      "127.0.0.1 only is refused like this from elsewhere."}},
    {Step::connect,
     Cause::no_answer,
     {"Nothing answers on that TCP port: most likely a firewall drops it, or the address is not "
      "the server's.",
      "Open the port for TCP in the server's firewall and in its cloud's security group, and check "
      "that the DNS has the right address."}},
    {Step::handshake,
     Cause::no_answer,
     {"The TLS or DTLS handshake got no answer: a firewall drops the port, or something else "
      "than TLS listens there.",
      "Over DTLS: open the port for UDP, and check that the server has DTLS at all (Ahoy: "
      "turn.tls_listen; coturn: not no-dtls). Over TLS: check that the port is the TLS one."}},
    {Step::binding,
     Cause::no_answer,
     {"A STUN Binding request got no answer. Over UDP that is most likely a firewall or a wrong "
      "port; over TCP or TLS something else than STUN listens there.",
      "Open the port for UDP in the server's firewall and in its cloud's security group (TCP alone "
      "is a frequent mistake), and check that the server runs and listens on this address. If only "
      "Binding is silent, STUN is switched off there (coturn: no-stun)."}},
    {Step::challenge,
     Cause::no_answer,
     {"An Allocate request got no answer. If Binding got one, this is a STUN server without TURN, "
      "or its TURN is switched off; if not, the port is closed as said there.",
      "Check that it is a TURN server (coturn: not stun-only) and that nothing between filters "
      "TURN."}},
    {Step::allocate,
     Cause::no_answer,
     {"The server asked for credentials and then ignored them: the larger request was lost on the "
      "way, or the server is stuck on its user database.",
      "Look into the server's log at this moment; try another transport."}},
    {Step::refresh,
     Cause::no_answer,
     {"The server did not confirm that the allocation was given back; it lives on until its "
      "lifetime is over.",
      "Harmless once; if it stays so, look for packet loss."}},
    {any,
     Cause::no_answer,
     {"The server stopped answering in the middle: packets get lost, or it limits its rate.",
      "Try again; if it stays so, look into the server's log and for packet loss on the way."}},
    {Step::handshake,
     Cause::closed,
     {"The connection was closed during the TLS handshake: the port takes no TLS, or the server "
      "has no certificate.",
      "Check that the port is the TLS one and that certificate and key are set (Ahoy: "
      "tls.certificate and tls.key; coturn: cert and pkey)."}},
    {any,
     Cause::closed,
     {"The server closed the connection.",
      "If that was at the first message: the port speaks another protocol (a web server, or TLS on "
      "a plain port), or a proxy in front takes no TURN. If later: see the server's log."}},
    {any,
     Cause::out_of_time,
     {"The probe as a whole took longer than its limit, and stopped here.",
      "Probe fewer transports at once, or give more time with --time-limit."}},

    // ---- TLS
    {any,
     Cause::not_tls,
     {"What answers there does not speak TLS.",
      "Use the TLS port (by default 5349, often 443), or turn: instead of turns: for the plain "
      "one."}},
    {any,
     Cause::tls_version,
     {"The server and this program have no TLS version in common; the server is probably older "
      "than TLS 1.2.",
      "Update it, or allow TLS 1.2 and 1.3 in its configuration: browsers take nothing older."}},
    {any,
     Cause::tls_failed,
     {"The TLS handshake failed.",
      "The words in brackets are OpenSSL's. Check the server's certificate and key, its cipher "
      "list, and that it serves a certificate for this name."}},
    {any,
     Cause::expired,
     {"The server's certificate has expired: browsers refuse it without saying so.",
      "Renew it and make the server load it (Ahoy: SIGHUP; coturn: SIGUSR2 or a restart). Where "
      "a tool renews it, check that it also tells the TURN server."}},
    {any,
     Cause::expires_soon,
     {"The server's certificate expires in less than two weeks.",
      "Renew it, and check that the server loads the new one (Ahoy: SIGHUP)."}},
    {any,
     Cause::not_yet_valid,
     {"The server's certificate is not valid yet: it is too new, or one of the clocks is wrong.",
      "Compare `date -u` here and on the server."}},
    {any,
     Cause::wrong_name,
     {"The certificate is for another name than the one asked for: browsers refuse it without "
      "saying so.",
      "Use the name that the certificate has, in every iceServers URL too, or get a certificate "
      "for this one. An address alone, without a name, is in hardly any certificate."}},
    {any,
     Cause::self_signed,
     {"The certificate is self-signed: browsers refuse it for turns: URLs, and there is no page "
      "where one could click that away.",
      "Get one from a recognised authority, and set it (Ahoy: tls.certificate and tls.key; coturn: "
      "cert and pkey). For a test of all the rest use --insecure."}},
    {any,
     Cause::unknown_issuer,
     {"The certificate's issuer is not known here: the server leaves out the intermediate "
      "certificates, or the authority is a private one.",
      "Give the server the full chain (often called fullchain.pem). For a private authority set "
      "SSL_CERT_FILE to its certificate, and install that on the clients."}},
    {any,
     Cause::bad_certificate,
     {"The certificate does not hold.",
      "The words in brackets are OpenSSL's. Replace it, or use --insecure to test the rest."}},

    // ---- STUN and TURN
    {any,
     Cause::not_stun,
     {"Something answers there, but not in STUN.",
      "The port belongs to another program: check the port, and what listens there."}},
    {any,
     Cause::open_relay,
     {"The server gives an allocation to anybody, without a password: strangers relay their "
      "traffic through it, into its own network too.",
      "Switch authentication on (coturn: lt-cred-mech or use-auth-secret, and not no-auth)."}},
    {any,
     Cause::no_realm,
     {"The server asks for credentials, but its 401 lacks REALM or NONCE, so that no client can "
      "send any.",
      "Set the realm (coturn: realm), or look for a proxy that rewrites STUN."}},
    {any,
     Cause::no_credentials,
     {"No credentials were given, so relaying was not tried.",
      "Give --user NAME (the password is asked for), --secret-file FILE or --config FILE."}},
    {Step::binding,
     Cause::wrong_password,
     {"The server wants credentials even for Binding, which no browser sends.",
      "Switch that off (coturn: secure-stun), unless STUN is meant to be useless there."}},
    {any,
     Cause::wrong_password,
     {"The server refuses the name and password.",
      "Check both; they are case-sensitive. Stored keys hold the realm, so after a change of the "
      "realm they have to be made anew (coturn: turnadmin -k). A name such as 1735689600:alice is "
      "one of the REST scheme and expires at that time: use --secret-file instead of --user."}},
    {any,
     Cause::wrong_rest_password,
     {"The server refuses a credential made from the secret: its secret is another one, it does "
      "not use the REST scheme, or its clock is more than a minute ahead of ours.",
      "Compare the secret (Ahoy: turn.secret or turn.secret_file; coturn: use-auth-secret with "
      "static-auth-secret) for spaces and line ends too, and `date -u` here and on the server."}},
    {any,
     Cause::redirected,
     {"The server sends its clients elsewhere (300, Try Alternate).",
      "Probe the address it names; clients have to reach that one as well."}},
    {any,
     Cause::bad_request,
     {"The server calls the request malformed (400).",
      "Look into the server's log for the reason, and report it to the server's authors: the "
      "request is as RFC 8656 has it."}},
    {Step::permission,
     Cause::forbidden,
     {"The server does not relay to its own relayed address (403): two clients that both need the "
      "relay cannot talk to each other.",
      "Allow that address as a peer (Ahoy: turn.peers.allow; coturn: allowed-peer-ip, and if it is "
      "on a loopback address allow-loopback-peers)."}},
    {Step::channel,
     Cause::forbidden,
     {"The server permits its own relayed address but binds no channel to it (403).",
      "Allow that address as a peer (Ahoy: turn.peers.allow; coturn: allowed-peer-ip)."}},
    {Step::direct,
     Cause::forbidden,
     {"The server does not relay to this machine's address (403), which is private or denied, so "
      "whether its relay ports are open was not tried.",
      "Right for a server of the internet that is probed from its own network: probe it from "
      "outside. If clients do live here, allow the block (Ahoy: turn.peers.allow; coturn: "
      "allowed-peer-ip)."}},
    {any,
     Cause::forbidden,
     {"The server refuses this by policy (403).",
      "See its log for the rule: which users, addresses or peers it allows, and whether it is "
      "about to shut down."}},
    {any,
     Cause::unknown_attribute,
     {"The server does not know an attribute of the request (420).",
      "It is older than RFC 8656: update it."}},
    {any,
     Cause::allocation_mismatch,
     {"The server has another allocation from this very address and port (437), or none where one "
      "should be.",
      "Try again: it may be left from an earlier client, or the NAT between has changed the port "
      "in the middle."}},
    {any,
     Cause::stale_nonce,
     {"The server called every nonce stale (438), also those it had just given.",
      "Several servers behind one address do not share their nonce key, or the NAT between changes "
      "our port with each packet: send a client always to the same server."}},
    {any,
     Cause::family_not_supported,
     {"The server has no relay address of the family that was asked for (440).",
      "RFC 8656 gives IPv4 unless another is asked for: give the server an IPv4 relay address "
      "(Ahoy: turn.relay_addresses; coturn: relay-ip)."}},
    {any,
     Cause::wrong_credentials,
     {"The server holds this allocation for another user (441).",
      "Try again: it may be left from an earlier client that had our port."}},
    {any,
     Cause::unsupported_transport,
     {"The server does not relay UDP (442).",
      "Switch UDP relaying on (coturn: not no-udp-relay)."}},
    {Step::direct,
     Cause::peer_family_mismatch,
     {"The relayed address is of another IP version than the way by which we came, so a datagram "
      "of ours does not reach it directly.",
      "Nothing is wrong; probe with --ipv4 or --ipv6 for the other version to try the relay ports "
      "from here."}},
    {any,
     Cause::peer_family_mismatch,
     {"The peer's address is of another IP version than the relayed one (443).",
      "The two allocations got different versions: give the server relay addresses in order."}},
    {any,
     Cause::quota_reached,
     {"This user, or this address, has as many allocations as it may have (486).",
      "Wait ten minutes for old ones to expire, or raise the quota (Ahoy: turn.user_quota and "
      "turn.address_quota; coturn: user-quota and total-quota)."}},
    {any,
     Cause::server_error,
     {"The server failed by itself (500).", "Look into its log; a restart may help for now."}},
    {any,
     Cause::no_capacity,
     {"The server has no relayed port left (508), has no usable relay address, or is about to shut "
      "down.",
      "Give it more ports (Ahoy: turn.ports; coturn: min-port and max-port), and check its limit "
      "of open files and its relay addresses."}},
    {any,
     Cause::allocation_ended,
     {"The server took the allocation away in the middle.",
      "Look into its log: it restarted, gives very short lifetimes, or somebody ended the session "
      "there."}},
    {any,
     Cause::other_error,
     {"The server refused the request with an error that is none of TURN's.",
      "Look into the server's log."}},
    {any,
     Cause::relayed_address_private,
     {"The relayed address is a private one, although the server is reached by a public one: it "
      "stands behind a NAT and does not know its public address, so no peer can reach it there.",
      "Tell it (Ahoy: turn.external_addresses = [\"PUBLIC/PRIVATE\"]; coturn: "
      "external-ip=PUBLIC/PRIVATE), and forward its relay ports to it."}},
    {any,
     Cause::same_machine,
     {"The probe runs on the server's own machine or behind the same public address, so no "
      "firewall "
      "is between that could be tried.",
      "Probe it from outside to see whether its relay ports are open."}},
    {any,
     Cause::relayed_family_differs,
     {"We came by IPv4 and asked for nothing else, but the relayed address is an IPv6 one.",
      "Give the server an IPv4 relay address (Ahoy: turn.relay_addresses and "
      "turn.external_addresses; coturn: relay-ip and external-ip)."}},
    {Step::direct,
     Cause::lost_all,
     {"No datagram from here came in on the relayed address: the relay ports are closed in a "
      "firewall, or this network lets no UDP out.",
      "Open the server's relay ports for UDP in its firewall and in its cloud's security group "
      "(Ahoy: turn.ports, coturn: min-port to max-port; both 49152-65535 by default), and forward "
      "them if it stands behind a NAT."}},
    {any,
     Cause::lost_all,
     {"Not one datagram came back through the relay, although both ends agreed to it.",
      "The server cannot reach its own relayed address: behind a NAT it takes "
      "external addresses (Ahoy: turn.external_addresses; coturn: external-ip) and a router that "
      "lets it talk to itself; otherwise open its relay ports (Ahoy: turn.ports; coturn: min-port "
      "to max-port; 49152-65535 by default) for UDP in its firewall."}},
    {any,
     Cause::lost_some,
     {"Some datagrams were lost on the way through the relay.",
      "Once may be chance: try again with --count 100. If it stays so, the way there is "
      "overloaded, or the server limits the bandwidth (coturn: max-bps)."}},
};

}  // namespace

Advice advice(Step step, Cause cause) {
    if (cause == Cause::none) return {};
    const auto find = [&](Step wanted) {
        return std::find_if(std::begin(words), std::end(words), [&](const Entry& entry) {
            return entry.step == wanted && entry.cause == cause;
        });
    };
    auto found = find(step);
    if (found == std::end(words)) found = find(any);
    CHECK(found != std::end(words));
    return found->advice;
}

}  // namespace ahoy::probe
