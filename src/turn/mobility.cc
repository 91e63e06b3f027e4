#include "turn/mobility.h"

#include "base/aead.h"
#include "base/bytes.h"
#include "base/check.h"

namespace ahoy::turn {
namespace {

constexpr size_t plain_size = 8 + 4 + sizeof(Sha256) + sizeof(Md5) + 1 + sizeof(Sha256);

template <class Digest>
Digest read(Reader& reader) {
    Digest digest{};
    const Bytes bytes = reader.take(digest.size());
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

}  // namespace

std::vector<uint8_t> Tickets::seal(const Ticket& ticket, Random& random) const {
    std::array<uint8_t, plain_size> plain;
    Writer writer(plain);
    writer.u64(static_cast<uint64_t>(ticket.allocation));
    writer.u32(ticket.epoch);
    writer.bytes(ticket.user);
    writer.bytes(ticket.keys.md5);
    writer.u8(static_cast<uint8_t>((ticket.keys.sha256 ? 1 : 0) | (ticket.has_keys ? 2 : 0)));
    writer.bytes(ticket.keys.sha256.value_or(Sha256{}));
    CHECK(writer.ok() && writer.size() == plain.size());

    // Random: at 2^32 tickets of one run, two have the same with a probability of 2^-33.
    std::array<uint8_t, aes_gcm_nonce_size> nonce;
    random.fill(nonce);
    std::vector<uint8_t> bytes(nonce.begin(), nonce.end());
    const auto sealed = aes_gcm_seal(secret_, nonce, {}, plain);
    bytes.insert(bytes.end(), sealed.begin(), sealed.end());
    return bytes;
}

std::optional<Ticket> Tickets::open(Bytes bytes) const {
    if (bytes.size() != aes_gcm_nonce_size + plain_size + aes_gcm_tag_size) return {};
    const auto plain = aes_gcm_open(secret_, bytes.first(aes_gcm_nonce_size), {},
                                    bytes.subspan(aes_gcm_nonce_size));
    if (!plain) return {};
    Reader reader(*plain);
    Ticket ticket{
        .allocation = MobileId{reader.u64()}, .epoch = reader.u32(), .user = {}, .keys = {}};
    ticket.user = read<Sha256>(reader);
    ticket.keys.md5 = read<Md5>(reader);
    const uint8_t flags = reader.u8();
    const bool has_sha256 = flags & 1;
    ticket.has_keys = flags & 2;
    const auto sha256 = read<Sha256>(reader);
    if (has_sha256) ticket.keys.sha256 = sha256;
    CHECK(reader.ok());
    return ticket;
}

MobileId MobileAllocations::begin(unsigned shard) {
    const MobileId id{++last_id_};
    entries_[id] = {.owner = shard, .claim = {}};
    return id;
}

std::optional<Claim> MobileAllocations::end(MobileId id) {
    const auto found = entries_.find(id);
    CHECK(found != entries_.end());
    const auto voided = found->second.claim;
    entries_.erase(found);
    return voided;
}

std::optional<unsigned> MobileAllocations::owner(MobileId id) const {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return {};
    return found->second.owner;
}

std::optional<MobileAllocations::Claimed> MobileAllocations::claim(const Ticket& ticket,
                                                                   unsigned shard,
                                                                   const FiveTuple& five_tuple) {
    const auto found = entries_.find(ticket.allocation);
    if (found == entries_.end()) return {};
    Entry& entry = found->second;
    const bool again = entry.claim && ticket.epoch + 1 == entry.epoch;
    if (ticket.epoch != entry.epoch && !again) return {};
    entry.epoch = ticket.epoch + 1;
    const ClaimId id{++last_claim_};
    const auto voided = std::exchange(entry.claim, Claim{id, shard, five_tuple});
    return Claimed{id, voided};
}

std::optional<Claim> MobileAllocations::hand_over(MobileId id, std::optional<ClaimId> only) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || !found->second.claim) return {};
    Entry& entry = found->second;
    if (only && entry.claim->id != *only) return {};
    const auto claim = std::exchange(entry.claim, {});
    entry.owner = claim->shard;
    return claim;
}

}  // namespace ahoy::turn
