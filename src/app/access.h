// Who may use TURN, and for what: the configuration and the file of users together.
//
// Belongs to the main thread.  What it makes is immutable and handed to the shards whole.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/user_database.h"
#include "turn/bandwidth.h"
#include "turn/quotas.h"
#include "turn/realms.h"

namespace ahoy::app {

struct Access {
    std::shared_ptr<const turn::Realms> realms;
    std::string secret;  // for new REST credentials of the first realm
    turn::Quotas::Limits quotas;
    turn::Bandwidth::Limits bandwidth;
};

class AccessReader {
  public:
    // `realm`, of the configuration's users, stays: what clients hold is made for it.  `made`: the
    // secret of a server that was given none.
    AccessReader(std::string_view realm, std::string made);

    // `listening`: what this program listens on.  Throws net::StartError; then everything is as
    // before.
    Access read(const Config&, const std::vector<TransportAddress>& listening);
    // Whether read() would find other users now.  Asked every second or so.
    bool has_changed();

  private:
    UserRows read_database(const Config&);
    void add_configured(const Config&, RealmRows& own) const;
    turn::RealmId id_of(const std::string& realm);

    // By their ids, which allocations keep; also those of which the file has nothing any more.
    std::vector<std::string> realms_;
    std::string made_;
    std::unique_ptr<UserDatabase> database_;
    // All that a shard may still hold: a table of a million users takes its time to be freed, which
    // is not a shard's.
    std::vector<std::shared_ptr<const turn::Realms>> given_;
};

}  // namespace ahoy::app
