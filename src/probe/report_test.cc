#include "probe/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

namespace ahoy::probe {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const TransportAddress server = TransportAddress::parse("192.0.2.1:3478").value();

Row row(std::vector<Finding> findings) {
    return {.name = "example.org",
            .way = Way{.host = "example.org", .port = 3478, .transport = Transport::udp},
            .address = server,
            .findings = std::move(findings)};
}

const Finding fine{.step = Step::binding, .took = 1500us, .detail = "seen"};
const Finding bad{.step = Step::allocate, .verdict = Verdict::failed, .cause = Cause::no_capacity};
const Finding doubtful{
    .step = Step::direct, .verdict = Verdict::warning, .cause = Cause::lost_some};
const Finding untried{
    .step = Step::allocate, .verdict = Verdict::skipped, .cause = Cause::no_credentials};

TEST(Report, TellsWhatAFindingMeansAndWhatToDo) {
    EXPECT_EQ(to_text(fine), "  ok      binding           1.5 ms  seen\n");
    EXPECT_EQ(advice_text(fine), "");
    EXPECT_EQ(to_text(bad), "  FAILED  allocate          0.0 ms\n");
    const std::string text = advice_text(bad);
    EXPECT_THAT(text, StartsWith("          The server has no"));
    EXPECT_THAT(text, HasSubstr("\n          Give it more ports"));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(Report, JudgesARowByItsWorst) {
    EXPECT_EQ(row({fine}).verdict(), Verdict::ok);
    EXPECT_EQ(row({untried, fine}).verdict(), Verdict::skipped);
    EXPECT_EQ(row({fine, doubtful, untried}).verdict(), Verdict::warning);
    EXPECT_EQ(row({bad, doubtful, fine}).verdict(), Verdict::failed);
}

TEST(Report, TabulatesWaysAndNamesThatDoNotResolve) {
    const Row resolved{.name = "example.org", .findings = {{.step = Step::resolve}}};
    const Row unknown{
        .name = "nobody.invalid",
        .findings = {
            {.step = Step::resolve, .verdict = Verdict::failed, .cause = Cause::name_unknown}}};
    EXPECT_EQ(table({resolved, row({fine}), row({fine, bad}), row({fine, untried}),
                     row({fine, doubtful}), unknown}),
              "transport  address         result\n"
              "UDP        192.0.2.1:3478  answers, 1.5 ms\n"
              "UDP        192.0.2.1:3478  FAILED: allocate (no_capacity)\n"
              "UDP        192.0.2.1:3478  not tried: allocate (no_credentials)\n"
              "UDP        192.0.2.1:3478  works, but: direct (lost_some)\n"
              "-          nobody.invalid  FAILED: resolve (name_unknown)\n");
}

TEST(Report, IsOneJsonObject) {
    Finding data{.step = Step::channel_data, .address = server};
    data.traffic = Traffic{.sent = 10, .received = 9, .median = 2ms, .longest = 3ms};
    const auto json = boost::json::parse(to_json({row({data, bad}), row({untried})}));
    EXPECT_FALSE(json.at("ok").as_bool());
    const auto& probes = json.at("probes").as_array();
    ASSERT_EQ(probes.size(), 2u);
    EXPECT_EQ(probes[0].at("uri"), "turn:example.org:3478?transport=udp");
    EXPECT_EQ(probes[0].at("transport"), "udp");
    EXPECT_EQ(probes[0].at("address"), "192.0.2.1:3478");
    EXPECT_TRUE(probes[1].at("ok").as_bool());
    const auto& steps = probes[0].at("steps").as_array();
    EXPECT_EQ(steps[0].at("received"), 9);
    EXPECT_EQ(steps[0].at("median_ms"), 2.0);
    EXPECT_EQ(steps[0].at("address"), "192.0.2.1:3478");
    EXPECT_EQ(steps[1].at("verdict"), "failed");
    EXPECT_EQ(steps[1].at("cause"), "no_capacity");
    EXPECT_FALSE(steps[1].at("remedy").as_string().empty());
}

TEST(Report, GivesTheSameAdviceOnce) {
    std::FILE* const file = std::tmpfile();
    Report report(file);
    for (int i = 0; i < 2; ++i) {
        report.begin(row({}));
        report.add(bad);
    }
    std::array<char, 4096> buffer{};
    std::rewind(file);
    const std::string text(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file));
    std::fclose(file);
    EXPECT_EQ(text.find("Give it more ports"), text.rfind("Give it more ports"));
    EXPECT_THAT(text, testing::EndsWith("0.0 ms\n          (as above)\n"));
}

TEST(Report, IsAsBadAsItsWorstFinding) {
    Report report(nullptr);
    report.begin(row({}));
    report.add(untried);
    EXPECT_EQ(report.verdict(), Verdict::skipped);
    report.add(bad);
    EXPECT_EQ(report.verdict(), Verdict::failed);
}

}  // namespace
}  // namespace ahoy::probe
