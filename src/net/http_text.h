// The small texts around HTTP that Beast leaves to its users.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace ahoy::net {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7)
std::string http_date(WallTime);

// A request whose target is a whole URL, as proxies write it, becomes one to that URL's host (RFC
// 9112, section 3.2.2).
void take_absolute_form(room::HttpRequest&);

// The client's side of things behind proxies: X-Forwarded-For, -Proto and -Host count only as far
// as trusted proxies have written them.  The last address that no trusted proxy has is the client.
void apply_forwarded(Request&, const std::vector<Prefix>& trusted, std::string_view forwarded_for,
                     std::string_view proto, std::string_view host);

}  // namespace ahoy::net
