// Who may use TURN, and for what: the configuration and the file of users together.
//
// Belongs to the main thread.  What it makes is immutable and handed to the shards whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/user_database.h"
#include "turn/bandwidth.h"
#include "turn/credentials.h"
#include "turn/peer_policy.h"
#include "turn/quotas.h"

namespace ahoy::app {

struct Access {
    std::shared_ptr<const turn::Credentials> credentials;
    std::string secret;  // for new REST credentials
    turn::PeerLists peers;
    turn::Quotas::Limits quotas;
    turn::Bandwidth::Limits bandwidth;
};

class AccessReader {
  public:
    // `realm` stays: what clients hold is made for it.  `made`: the secret of a server that was
    // given none.
    AccessReader(std::string realm, std::string made)
        : realm_(std::move(realm)), made_(std::move(made)) {}

    // Throws net::StartError; then everything is as before.
    Access read(const Config&);
    // Whether read() would find other users now.  Asked every second or so.
    bool has_changed();

  private:
    Realm read_database(const Config&);

    std::string realm_;
    std::string made_;
    std::unique_ptr<UserDatabase> database_;
    // All that a shard may still hold: a table of a million users takes its time to be freed, which
    // is not a shard's.
    std::vector<std::shared_ptr<const turn::Credentials>> given_;
};

}  // namespace ahoy::app
