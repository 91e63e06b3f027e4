// Does time tell a secret?  attack_timing [SAMPLES]
//
// As dudect does it (Reparaz, Balasch, Verbauwhede 2017): two classes of input in random order, the
// clock around each call, the slowest tenth left out, and Welch's t-test over the rest.  Between
// "wrong in the first byte" and "wrong in the last" |t| stays below 4.5 if a comparison is blind. A
// machine that is busy with other things may fool one round; a comparison that is not blind shows
// in every one.  Which names there are is worth less: there the cost may differ by 3 %.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "stun/integrity.h"
#include "turn/credentials.h"

namespace ahoy::turn {
namespace {

using Clock = std::chrono::steady_clock;
using Input = std::vector<uint8_t>;
using Call = std::function<bool(Bytes)>;

constexpr double most_t = 4.5, most_share = 0.03;
constexpr int rounds = 3;

const Now now{Instant{} + 1000h, WallTime(1'700'000'000s)};
const TransportAddress client = *TransportAddress::parse("192.0.2.1:1000");

struct Mean {
    void add(double x) {
        ++count;
        const double delta = x - mean;
        mean += delta / count;
        squares += delta * (x - mean);
    }
    double error() const { return squares / (count - 1) / count; }  // of the mean, squared
    double count = 0, mean = 0, squares = 0;
};

struct Comparison {
    const char* name;
    Input first, second;  // of one size
    Call call;
    bool is_secret = true;
};

struct Result {
    double t = 0, share = 0;
};

// Both classes are read from one place, so that their own addresses make no difference.
Result measure(const Comparison& comparison, size_t samples, std::mt19937_64& random) {
    Input input(comparison.first.size());
    std::vector<std::pair<bool, double>> times;
    times.reserve(samples);
    for (size_t i = 0; i < samples; ++i) {
        const bool second = random() & 1;
        std::ranges::copy(second ? comparison.second : comparison.first, input.begin());
        const auto before = Clock::now();
        const bool held = comparison.call(input);
        const auto after = Clock::now();
        if (held) std::exit(2);
        times.emplace_back(second, static_cast<double>((after - before).count()));
    }
    const auto ninth = times.begin() + static_cast<ptrdiff_t>(samples / 10 * 9);
    std::ranges::nth_element(times, ninth, {}, &std::pair<bool, double>::second);
    const double most = ninth->second;
    std::array<Mean, 2> means;
    for (const auto& [second, time] : times) {
        if (time <= most) means[second].add(time);
    }
    const double difference = std::abs(means[0].mean - means[1].mean);
    return {difference / std::sqrt(means[0].error() + means[1].error()),
            difference / means[0].mean};
}

bool is_blind(const Comparison& comparison, size_t samples, std::mt19937_64& random) {
    Result result;
    bool blind = false;
    for (int round = 0; round < rounds && !blind; ++round) {
        result = measure(comparison, samples, random);
        blind = comparison.is_secret ? result.t < most_t : result.share < most_share;
    }
    std::printf("%-34s |t| %6.2f, means differ by %.2f %%%s\n", comparison.name, result.t,
                result.share * 100, blind ? "" : ": TIME TELLS");
    return blind;
}

Input spoilt(Input input, size_t at) {
    input.at(at) ^= 1;
    return input;
}

Input request(const std::string& user, const std::string& password) {
    std::array<uint8_t, 400> buffer;
    stun::MessageWriter writer(buffer, {stun::Method::allocate, stun::Class::request}, {});
    writer.text(stun::AttributeType::username, user);
    writer.integrity(stun::long_term_key(user, "ahoy", password));
    const auto bytes = writer.finish();
    return {bytes.begin(), bytes.end()};
}

Call authenticates(const Credentials& credentials) {
    return [&credentials](Bytes bytes) {
        const auto message = stun::Message::parse(bytes);
        const auto user = message->text(stun::AttributeType::username);
        return credentials.authenticate(*message, *user, stun::PasswordAlgorithm::md5, now)
            .has_value();
    };
}

std::vector<Comparison> comparisons(const Credentials& credentials, const Nonces& nonces) {
    const Input known = request("alice", "wonder");
    const auto rest = mint("north", "carol", 1h, now);
    const Input minted = request(rest.username, rest.password);
    const std::string nonce = nonces.issue(now, {client, "ahoy"});
    const Input issued(nonce.begin(), nonce.end());
    const Input token(8, 0x5a);
    const auto both = [](const char* name, const Input& right, size_t first, Call call) {
        return Comparison{name, spoilt(right, first), spoilt(right, right.size() - 1),
                          std::move(call)};
    };
    return {
        both("comparison of 8 bytes", token, 0,
             [token](Bytes bytes) { return equal_in_constant_time(token, bytes); }),
        both("MESSAGE-INTEGRITY of a user", known, known.size() - 20, authenticates(credentials)),
        both("MESSAGE-INTEGRITY of a REST name", minted, minted.size() - 20,
             authenticates(credentials)),
        both("MAC of a nonce", issued, issued.size() - 8,
             [&nonces](Bytes bytes) {
                 return nonces.check(now, {client, "ahoy"}, as_text(bytes)) == NonceState::fresh;
             }),
        {"names, known and unknown", spoilt(known, known.size() - 1), request("clive", "wonder"),
         authenticates(credentials), false},
    };
}

bool stops_early(Bytes a, Bytes b) {
    for (size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

// Whether this machine's clock can tell at all.
bool sees(size_t samples, std::mt19937_64& random) {
    const Input right(64, 0x5a);
    const Comparison control{"control, which stops early", spoilt(right, 0), spoilt(right, 63),
                             [right](Bytes bytes) { return stops_early(right, bytes); }};
    const Result result = measure(control, samples, random);
    std::printf("%-34s |t| %6.2f\n", control.name, result.t);
    return result.t > most_t;
}

bool all_blind(size_t samples) {
    const Credentials credentials("ahoy", {{"alice", "wonder"}, {"bob", "builder"}}, {"north"});
    const Nonces nonces({7});
    std::mt19937_64 random(std::random_device{}());
    bool blind = sees(samples, random);
    for (const Comparison& each : comparisons(credentials, nonces)) {
        blind = is_blind(each, samples, random) && blind;
    }
    return blind;
}

}  // namespace
}  // namespace ahoy::turn

int main(int argc, char** argv) {
    const size_t samples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
    return ahoy::turn::all_blind(samples) ? 0 : 1;
}
