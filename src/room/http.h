// HTTP as the rooms' dialects see it: a request and a response as values, and the few text
// functions that both dialects need to read a target and to echo what a client said without harm.
//
// The shell fills in the request after it has parsed it, applied the forwarded headers of trusted
// proxies and read the body within its limit.  Nothing here does I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ahoy::room {

struct HttpRequest {
    std::string method;
    std::string target;        // origin form: "/join/r?debug=loopback"
    std::string scheme;        // "http" or "https", as the client sees it
    std::string host;          // the Host header, as the client sees it; may be empty
    std::string user_agent;    // may be empty
    std::string content_type;  // may be empty
    std::string body;
    std::string authorization = {};  // may be empty
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type;  // empty: no such header
    std::string body;          // complete also for HEAD, where the shell does not send it
    std::vector<std::pair<std::string, std::string>> headers;  // besides type and length
    std::string_view static_body = {};  // instead of `body`, of bytes that are always there
};

HttpResponse not_found();  // as webapp2 says it
HttpResponse method_not_allowed(std::string_view method, std::string_view allow);
HttpResponse bad_handshake();  // where only WebSockets are served (RFC 6455, section 4.4)

// The path of a target, percent-decoded; "/a%2Fb" is "/a/b", as it was for Go and webapp2.
std::string path_of(std::string_view target);
// The pieces between the slashes: "/a/b" is {"", "a", "b"}.  Views of `path`.
std::vector<std::string_view> split_path(std::string_view path);

// Names and values in the order of the query, decoded; the first of several equal names counts.
class Parameters {
  public:
    static constexpr size_t most = 64;  // the rest is ignored

    static Parameters of(const HttpRequest&);  // the query and, in a form, the body
    static Parameters of_query(std::string_view target);

    void parse(std::string_view form);
    std::string get(std::string_view name) const;  // "" when absent
    std::optional<std::string> find(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

// The host in a Host header, without its port and an IPv6 address's brackets: "example.org",
// "2001:db8::1".  A view of it; "" when it is none that may stand in a URL or a header as it is.
std::string_view host_of(std::string_view authority);

// Percent-encodes all but letters, digits and `keep`, so that the result can hurt nowhere: not in a
// URL, not in HTML, not in a script.
std::string escape_url(std::string_view text, std::string_view keep);
// An id that AppRTC's routes accept: [a-zA-Z0-9-_]+
bool is_route_id(std::string_view);
bool is_utf8(std::string_view);
// How many characters (code points) UTF-8 has.
size_t characters(std::string_view utf8);

}  // namespace ahoy::room
