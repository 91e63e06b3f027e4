#include "room/params.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace ahoy::room::apprtc {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

HttpRequest get(std::string target) {
    return {.method = "GET", .target = std::move(target), .scheme = "https", .host = "ahoy.test"};
}

json::object asked(const std::string& query, const std::string& user_agent = "",
                   const Config& config = {}) {
    HttpRequest request = get("/params?" + query);
    request.user_agent = user_agent;
    return params(config, request, Parameters::of(request));
}

std::string field(const json::object& all, std::string_view name) {
    return std::string(all.at(name).as_string());
}

std::string media(const std::string& query, const std::string& user_agent = "") {
    return field(asked(query, user_agent), "media_constraints");
}

TEST(Params, HaveExactlyTheTypesThatClientsRead) {
    EXPECT_EQ(json::serialize(asked("")),
              R"({"header_message":null,"error_messages":[],"warning_messages":[],)"
              R"("is_loopback":"false","bypass_join_confirmation":"false",)"
              R"("pc_config":"{\"rtcpMuxPolicy\":\"require\",\"bundlePolicy\":\"max-bundle\",)"
              R"(\"iceServers\":[]}","pc_constraints":"{\"optional\":[]}","offer_options":"{}",)"
              R"("media_constraints":"{\"audio\":true,\"video\":true}","version_info":"null",)"
              R"("ice_server_url":"https://ahoy.test/v1alpha/iceconfig",)"
              R"("ice_server_transports":"","turn_url":"https://ahoy.test/turn",)"
              R"("include_loopback_js":"","wss_url":"wss://ahoy.test/ws",)"
              R"("wss_post_url":"https://ahoy.test/collider"})");
}

TEST(Params, OfARoomAddFiveFields) {
    const Joined joined{.client_id = "id", .is_initiator = true, .messages = {"{\"x\":1}"}};
    const HttpRequest request = get("/join/r?a=b");
    const auto all = params({}, request, Parameters::of(request), "r", joined);
    EXPECT_EQ(field(all, "room_id"), "r");
    EXPECT_EQ(field(all, "room_link"), "https://ahoy.test/r/r?a=b");
    EXPECT_EQ(field(all, "client_id"), "id");
    EXPECT_EQ(field(all, "is_initiator"), "true");
    EXPECT_EQ(json::serialize(all.at("messages")), R"(["{\"x\":1}"])");
}

TEST(Params, TheConfigurationShows) {
    const Config config{.public_url = "https://call.example.org/",
                        .header_message = "Maintenance at noon",
                        .bypass_join_confirmation = true,
                        .version_info = R"({"gitHash":"1"})"};
    const auto all = asked("", "", config);
    EXPECT_EQ(field(all, "header_message"), "Maintenance at noon");
    EXPECT_EQ(field(all, "bypass_join_confirmation"), "true");
    EXPECT_EQ(field(all, "version_info"), R"({"gitHash":"1"})");
    EXPECT_EQ(field(all, "wss_url"), "wss://call.example.org/ws");
    EXPECT_EQ(field(all, "wss_post_url"), "https://call.example.org/collider");
}

TEST(Params, AHostHeaderCannotSmuggleAnything) {
    HttpRequest request = get("/params");
    request.host = "evil/'><script>";
    EXPECT_EQ(base_url({}, request), "https://evil%2F%27%3E%3Cscript%3E");
    request.host = "";
    EXPECT_EQ(base_url({}, request), "https://localhost");
    request.host = "[::1]:8080";
    request.scheme = "http";
    EXPECT_EQ(base_url({}, request), "http://[::1]:8080");
}

TEST(Params, D5_WshppAndWstlsShapeWhatTheClientIsTold) {
    struct Case {
        std::string query, wss, post;
    };
    const Case cases[] = {
        {"wshpp=h:9", "wss://h:9/ws", "https://h:9"},
        {"wshpp=h:9&wstls=false", "ws://h:9/ws", "http://h:9"},
        {"wshpp=h:9&wstls=False", "wss://h:9/ws", "https://h:9"},
        {"wstls=false", "ws://ahoy.test/ws", "http://ahoy.test/collider"},
        {"wshpp='/%3E%3Cb", "wss://%27%2F%3E%3Cb/ws", "https://%27%2F%3E%3Cb"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(field(asked(c.query), "wss_url"), c.wss);
        EXPECT_EQ(field(asked(c.query), "wss_post_url"), c.post);
    }
}

TEST(Params, D5_TsAndApikeyShapeTheIceServerUrl) {
    const auto url = [](const std::string& query) { return field(asked(query), "ice_server_url"); };
    EXPECT_EQ(url("ts=https://x.test"), "https://x.test/v1alpha/iceconfig");
    EXPECT_EQ(url("ts="), "");
    EXPECT_EQ(url("apikey=a'b%26"), "https://ahoy.test/v1alpha/iceconfig?key=a%27b%26");
    EXPECT_EQ(url("ts=%3C%22'"), "%3C%22%27/v1alpha/iceconfig");
}

TEST(Params, D5_RoomLinksAreEscaped) {
    HttpRequest request = get("/join/r?q='%22%3Cscript%3E&wstls=true&x=a%26b");
    request.scheme = "http";
    const auto link =
        field(params({}, request, Parameters::of(request), "r", Joined{}), "room_link");
    EXPECT_EQ(link, "https://ahoy.test/r/r?q=%27%22%3Cscript%3E&wstls=true&x=a%26b");
}

TEST(Params, LoopbackTurnsDtlsOffAndNamesNoScriptThatIsNotServed) {
    const auto all = asked("debug=loopback&dtls=true");
    EXPECT_EQ(field(all, "is_loopback"), "true");
    EXPECT_EQ(field(all, "include_loopback_js"), "");  // nothing that we do not serve
    EXPECT_EQ(field(all, "pc_constraints"), R"({"optional":[{"DtlsSrtpKeyAgreement":false}]})");
}

TEST(Params, PeerConnectionParameters) {
    EXPECT_EQ(field(asked("dtls=TRUE&dscp=false&ipv6=perhaps"), "pc_constraints"),
              R"({"optional":[{"DtlsSrtpKeyAgreement":true},{"googDscp":false}]})");
    EXPECT_THAT(field(asked("it=relay"), "pc_config"), HasSubstr(R"("iceTransports":"relay")"));
    EXPECT_EQ(field(asked("tt=udp"), "ice_server_transports"), "udp");
}

TEST(Params, MediaConstraints) {
    EXPECT_EQ(media("audio=FALSE&video=true"), R"({"audio":false,"video":true})");
    EXPECT_EQ(media("audio=a=b=c"), R"({"audio":{"optional":[],"mandatory":{}},"video":true})");
    EXPECT_EQ(media("video=x:y:z=1"),
              R"({"audio":true,"video":{"optional":[],"mandatory":{"z":"1"}}})");
    EXPECT_EQ(media("video=optional:minWidth=1280,mandatory:googX=1"),
              R"({"audio":true,"video":{"optional":[{"minWidth":"1280"}],)"
              R"("mandatory":{"googX":"1"}}})");
    EXPECT_EQ(media("audio=googEcho=true,k=v"),
              R"({"audio":{"optional":[{"googEcho":"true"}],"mandatory":{"k":"v"}},"video":true})");
    EXPECT_EQ(media("firefox_fake_device=1"), R"({"audio":true,"video":true,"fake":true})");
}

TEST(Params, HighDefinition) {
    const std::string mandatory = R"("mandatory":{"minWidth":"1280","minHeight":"720"})";
    const std::string optional = R"("optional":[{"minWidth":"1280"},{"minHeight":"720"}])";
    EXPECT_THAT(media("hd=True"), HasSubstr(mandatory));
    EXPECT_THAT(media("", "Mozilla Chrome/100"), HasSubstr(optional));
    EXPECT_THAT(media("", "Android Chrome/100"), Not(HasSubstr(optional)));
    EXPECT_THAT(media("hd=false", "Chrome"), HasSubstr(R"("video":true)"));
    const auto both = asked("hd=true&video=false");
    EXPECT_EQ(json::serialize(both.at("warning_messages")),
              R"(["The \"hd\" parameter has overridden video=false"])");
    EXPECT_THAT(json::serialize(asked("minre=1").at("warning_messages")),
                HasSubstr("no longer supported. Use \\\"video\\\" instead."));
}

}  // namespace
}  // namespace ahoy::room::apprtc
