// Takes every step with every way of reaching a server, one after the other.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "probe/dialogue.h"
#include "probe/report.h"
#include "probe/target.h"

namespace ahoy::probe {

struct Options {
    std::vector<Way> ways;
    // Asked for each way anew, because those of the REST scheme do not last; empty: none.
    std::function<std::optional<Login>()> login;
    std::optional<AddressFamily> family;  // of the server; absent: both
    bool checked = true;                  // the certificate
    Duration patience = 5s;               // for each step
    Duration limit = 2min;                // for all
    unsigned datagrams = 10;
};

void probe(const Options&, Random, Report&);

}  // namespace ahoy::probe
