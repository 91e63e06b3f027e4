#include "turn/realms.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;

struct Scheme {
    std::string_view name;
    std::string_view port;
};
// Those that turnadmin gives a port in turn_origin_to_realm, and of which STUN is used.
constexpr std::array<Scheme, 4> schemes{
    {{"http", "80"}, {"https", "443"}, {"sip", "5060"}, {"sips", "5061"}}};

std::string lower(std::string_view text) {
    std::string small(text);
    for (char& c : small) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return small;
}

}  // namespace

std::string canonical_origin(std::string_view origin) {
    const size_t colon = origin.find("://");
    if (colon == 0 || colon == origin.npos) return std::string(origin);
    std::string scheme = lower(origin.substr(0, colon));
    std::string_view place = origin.substr(colon + 3);
    place = place.substr(0, place.find_first_of("/?#"));
    for (const auto& [name, port] : schemes) {
        if (scheme == name && place.ends_with(port) &&
            place.substr(0, place.size() - port.size()).ends_with(':')) {
            place.remove_suffix(port.size() + 1);
        }
    }
    if (place.empty()) return std::string(origin);
    return scheme + "://" + lower(place);
}

Realms::Realms(std::vector<Realm> realms, const std::map<std::string, RealmId>& by_origin)
    : realms_(std::move(realms)) {
    CHECK(!realms_.empty() && realms_.size() <= max_realms);
    CHECK(by_origin.size() <= max_origins);
    for (size_t i = 0; i < realms_.size(); ++i) {
        CHECK(by_name_.emplace(realms_[i].name(), RealmId(static_cast<uint16_t>(i))).second);
    }
    for (const auto& [origin, realm] : by_origin) {
        CHECK(static_cast<size_t>(realm) < realms_.size());
        by_origin_.emplace(canonical_origin(origin), realm);
    }
}

std::shared_ptr<const Realms> Realms::only(Credentials credentials, PeerPolicy peers) {
    std::vector<Realm> one;
    one.push_back({std::move(credentials), std::move(peers)});
    return std::make_shared<Realms>(std::move(one));
}

std::vector<std::optional<BytesPerSecond>> Realms::bandwidths() const {
    std::vector<std::optional<BytesPerSecond>> all;
    for (const Realm& realm : realms_) all.push_back(realm.limits.bandwidth);
    return all;
}

RealmId Realms::of(const stun::Message& request) const {
    if (realms_.size() == 1) return {};
    if (const auto name = request.text(AttributeType::realm)) {
        if (const auto found = by_name_.find(*name); found != by_name_.end()) return found->second;
    }
    if (by_origin_.empty()) return {};
    std::optional<RealmId> realm;
    request.each([&](AttributeType type, Bytes value) {
        if (realm || type != AttributeType::origin) return;
        const auto found = by_origin_.find(canonical_origin(as_text(value)));
        if (found != by_origin_.end()) realm = found->second;
    });
    return realm.value_or(RealmId{});
}

}  // namespace ahoy::turn
