// The API: rooms that are made, seen and ended over HTTP, and its contract.
#include "room/api.h"

#include <boost/json.hpp>
#include <set>

#include "room/testing.h"

namespace ahoy::room::api {
namespace {

namespace json = boost::json;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const std::string bye = R"({"type":"bye"})";

class ApiTest : public RoomsTest {
  protected:
    explicit ApiTest(const Limits& limits = {}) : RoomsTest(limits) {}

    HttpResponse call(std::string method, std::string target, std::string body = "") {
        const HttpRequest request{
            .method = std::move(method), .target = std::move(target), .body = std::move(body)};
        auto route = route_of(request);
        if (!route) return route.error();
        if (route->to == To::describe) return describe();
        if (route->to == To::create_room) route->room = room_names.make(random);
        if (route->to == To::make_token)
            return make_token(now, request, *route, tokens, room_names);
        if (route->to != To::list_rooms) return handle(now, request, *route, *rooms, out);
        const auto page = page_of(request);
        return page ? listed(list(*rooms, *page), *page) : page.error();
    }
    json::object get(std::string target) {
        const auto response = call("GET", std::move(target));
        EXPECT_EQ(response.status, 200u) << response.body;
        return json::parse(response.body).as_object();
    }
    unsigned put(std::string room, std::string body = "") {
        return call("PUT", "/v1/rooms/" + std::move(room), std::move(body)).status;
    }
    unsigned drop(std::string path) { return call("DELETE", "/v1/rooms/" + path).status; }
    std::vector<std::string> names(std::string query = "") {
        std::vector<std::string> all;
        const auto page = get("/v1/rooms" + query);
        for (const auto& room : page.at("rooms").as_array()) {
            all.emplace_back(room.at("room").as_string());
        }
        return all;
    }
    const JoinTokens* tokens = nullptr;
    Random random = Random::from_number(2);

    static std::string code(const HttpResponse& response) {
        EXPECT_EQ(response.content_type, "application/problem+json");
        const auto problem = json::parse(response.body).as_object();
        EXPECT_EQ(problem.at("status"), response.status);
        EXPECT_FALSE(problem.at("detail").as_string().empty());
        return std::string(problem.at("code").as_string());
    }
    // Somebody of our own protocol; what they are told is in `out`.
    void enter(uint64_t number, std::string name = "Alice", std::string room = "room") {
        rooms->enter(
            now, socket(number),
            {.room = std::move(room), .profile = {.name = std::move(name)}, .ice_servers = "[]"},
            out);
    }
    // The types, codes and reasons of what a socket was told since the last time.
    std::vector<std::string> told(uint64_t number) {
        std::vector<std::string> all;
        for (const Delivery& delivery : out) {
            if (delivery.to != socket(number)) continue;
            if (delivery.close) {
                all.emplace_back("close");
            } else {
                const auto frame = json::parse(delivery.message).as_object();
                std::string line(frame.at("type").as_string());
                for (const char* field : {"code", "reason"}) {
                    if (!frame.contains(field)) continue;
                    line += ' ' + std::string(frame.at(field).as_string());
                }
                all.push_back(line);
            }
        }
        std::erase_if(out, [&](const Delivery& d) { return d.to == socket(number); });
        return all;
    }
    Number number_of(size_t index) {
        const auto room = get("/v1/rooms/room");
        return static_cast<Number>(room.at("participants").at(index).at("id").as_int64());
    }
};

TEST(ApiContract, DescribesEveryOperationAndNoOther) {
    std::set<std::pair<std::string, std::string>> described, there;
    const auto contract = json::parse(json::string_view(openapi().data(), openapi().size()));
    for (const auto& [path, item] : contract.at("paths").as_object()) {
        for (const auto& [method, operation] : item.as_object()) {
            if (method == "parameters") continue;
            std::string upper(method);
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            described.emplace(upper, path);
            EXPECT_TRUE(operation.as_object().contains("operationId"));
        }
    }
    for (const Operation& operation : operations) there.emplace(operation.method, operation.path);
    EXPECT_EQ(described, there);
}

TEST_F(ApiTest, ServesItsContract) {
    const auto response = call("GET", "/openapi.json");
    EXPECT_EQ(response.static_body, openapi());
    EXPECT_EQ(response.content_type, "application/json");
}

TEST_F(ApiTest, OtherPathsAndMethodsAreProblems) {
    for (const char* path : {"/", "/v1", "/v1/rooms/", "/v1/rooms/a/", "/v1/rooms/a/participants",
                             "/v1/rooms/a/participants/x", "/v1/rooms/a/participants/4294967296",
                             "/v1/rooms/a/participants/-1", "/v1/rooms/%ff", "/v1/roomsx"}) {
        EXPECT_EQ(code(call("GET", path)), "unknown-path") << path;
    }
    const auto response = call("POST", "/v1/rooms/a");
    EXPECT_EQ(response.status, 405u);
    EXPECT_EQ(code(response), "wrong-method");
    EXPECT_THAT(response.headers, Contains(Pair("Allow", "GET, HEAD, PUT, DELETE")));
    EXPECT_EQ(call("HEAD", "/v1/rooms").status, 200u);
}

TEST(ApiKeys, AreFoundByTheirBearer) {
    const std::string key(32, 'k');
    const Keys keys({{"shop", key}, {"school", std::string(32, 's')}});
    ASSERT_NE(keys.find("Bearer " + key), nullptr);
    EXPECT_EQ(*keys.find("Bearer " + key), "shop");
    EXPECT_EQ(*keys.find("bearer " + std::string(32, 's')), "school");
    const std::vector<std::string> strangers{"",
                                             "Bearer",
                                             "Bearer ",
                                             key,
                                             "Basic " + key,
                                             "Bearer " + key + "k",
                                             "Bearer shop",
                                             "Bearer " + key.substr(1),
                                             "Bearer  " + key};
    for (const std::string& wrong : strangers) {
        EXPECT_EQ(keys.find(wrong), nullptr) << wrong;
    }
    EXPECT_EQ(Keys().find("Bearer "), nullptr);
    const auto response = unauthorized();
    EXPECT_EQ(response.status, 401u);
    EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
}

TEST_F(ApiTest, SaysWhoIsInARoomAndWhatTheyShow) {
    EXPECT_EQ(code(call("GET", "/v1/rooms/room")), "unknown-room");
    enter(1, "Alice");
    join();
    const auto room = get("/v1/rooms/room");
    EXPECT_EQ(room.at("occupancy"), 2);
    EXPECT_EQ(room.at("capacity"), 8);
    EXPECT_EQ(room.at("empty_timeout"), json::value(nullptr));
    const auto& alice = room.at("participants").at(0);
    EXPECT_EQ(alice.at("name"), "Alice");
    EXPECT_EQ(alice.at("role"), "host");
    EXPECT_EQ(alice.at("connected"), true);
    EXPECT_EQ(alice.at("legacy"), false);
    EXPECT_EQ(alice.at("mic"), false);
    const auto& other = room.at("participants").at(1);
    EXPECT_EQ(other.at("name"), "");
    EXPECT_EQ(other.at("role"), "guest");
    EXPECT_EQ(other.at("connected"), false);
    EXPECT_EQ(other.at("legacy"), true);
    EXPECT_EQ(other.at("mic"), true);
}

TEST_F(ApiTest, NoCredentialOfAnybodyIsShown) {
    const auto joined = join();
    connect(1, joined.client_id);
    EXPECT_EQ(call("GET", "/v1/rooms/room").body.find(joined.client_id), std::string::npos);
}

TEST_F(ApiTest, ARoomThatWasMadeStaysForAWhileWithNobodyInIt) {
    EXPECT_EQ(put("room", R"({"empty_timeout":60})"), 201u);
    EXPECT_EQ(put("room"), 200u);
    EXPECT_EQ(get("/v1/rooms/room").at("empty_timeout"), 60);
    EXPECT_THAT(diary.lines, IsEmpty());  // nobody has opened it
    pass(59s);
    EXPECT_THAT(names(), ElementsAre("room"));
    EXPECT_EQ(rooms->next_deadline(), now.steady + 1s);
    pass(1s);
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(ApiTest, TheTimeOfAnEmptyRoomBeginsWhenTheLastHasLeft) {
    put("room", R"({"empty_timeout":60})");
    enter(1);
    pass(10h);
    EXPECT_THAT(names(), ElementsAre("room"));
    lose(1);
    pass(30s);  // their seat
    EXPECT_THAT(diary.lines, Contains("room closed"));
    pass(59s);
    EXPECT_THAT(names(), ElementsAre("room"));
    pass(1s);
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ApiTest, ARoomMayBeGivenItsName) {
    const auto created = call("POST", "/v1/rooms", R"({"lobby":true})");
    EXPECT_EQ(created.status, 201u);
    const auto room = json::parse(created.body).as_object();
    const std::string name(room.at("room").as_string());
    EXPECT_EQ(name.size(), 32u);
    EXPECT_EQ(room.at("lobby"), true);
    EXPECT_THAT(created.headers, Contains(Pair("Location", "/v1/rooms/" + name)));
    EXPECT_EQ(call("POST", "/v1/rooms", R"({"locked":1})").status, 400u);
    EXPECT_THAT(names(), ElementsAre(name));
}

TEST_F(ApiTest, WhereNamesAreSecretsChosenOnesAreUnknown) {
    room_names = RoomNames(std::string(32, 's'));
    start({});
    EXPECT_EQ(code(call("PUT", "/v1/rooms/tea")), "unknown-room");
    const JoinTokens keys(TokenKeys{{"main", HmacKey{std::string(32, 'k')}}});
    tokens = &keys;
    EXPECT_EQ(code(call("POST", "/v1/rooms/tea/tokens")), "unknown-room");

    const auto created = json::parse(call("POST", "/v1/rooms").body).as_object();
    const std::string name(created.at("room").as_string());
    EXPECT_EQ(put(name, R"({"locked":true})"), 200u);
    EXPECT_EQ(call("POST", "/v1/rooms/" + name + "/tokens").status, 201u);
}

TEST_F(ApiTest, AnotherPutBeginsTheTimeAnew) {
    put("room", R"({"empty_timeout":60})");
    pass(59s);
    EXPECT_EQ(put("room"), 200u);
    pass(59s);
    EXPECT_THAT(names(), ElementsAre("room"));
}

TEST_F(ApiTest, WhatIsLeftOutStaysAsItIs) {
    put("room", R"({"locked":true,"capacity":2})");
    EXPECT_EQ(put("room", R"({"lobby":true})"), 200u);
    const auto room = get("/v1/rooms/room");
    EXPECT_EQ(room.at("locked"), true);
    EXPECT_EQ(room.at("lobby"), true);
    EXPECT_EQ(room.at("capacity"), 2);
    EXPECT_EQ(room.at("empty_timeout"), 300);
}

TEST_F(ApiTest, ALockedRoomIsLockedForAll) {
    put("room", R"({"locked":true})");
    enter(1);
    EXPECT_THAT(told(1), ElementsAre("error room-locked", "close"));
    EXPECT_TRUE(full());  // for a client of AppRTC
    put("room", R"({"locked":false})");
    enter(2);
    EXPECT_THAT(told(2), ElementsAre("welcome"));
}

TEST_F(ApiTest, ALobbyIsThereForTheSecond) {
    put("room", R"({"lobby":true})");
    enter(1);
    enter(2, "Bob");
    EXPECT_THAT(told(1), ElementsAre("welcome", "knock"));
    EXPECT_THAT(told(2), ElementsAre("waiting"));
    EXPECT_EQ(get("/v1/rooms/room").at("waiting"), 1);
}

TEST_F(ApiTest, ACapacityHoldsAndNobodyHasToLeave) {
    put("room", R"({"capacity":3})");
    for (uint64_t i = 1; i <= 4; ++i) enter(i);
    EXPECT_THAT(told(4), ElementsAre("error room-full", "close"));
    EXPECT_EQ(put("room", R"({"capacity":2})"), 200u);
    EXPECT_EQ(get("/v1/rooms/room").at("occupancy"), 3);
}

TEST_F(ApiTest, WhoIsThereIsToldOfChanges) {
    enter(1);
    told(1);
    EXPECT_EQ(put("room", R"({"locked":true})"), 200u);
    EXPECT_THAT(told(1), ElementsAre("room"));
    put("room", R"({"locked":true})");
    EXPECT_THAT(told(1), IsEmpty());
}

TEST_F(ApiTest, WhenAllHaveLeftARoomIsAgainAsItWasMade) {
    put("room", R"({"locked":false,"lobby":true})");
    enter(1);
    rooms->carry_out(now, socket(1), {1, native::SetRoom{.locked = true, .lobby = false}}, out);
    EXPECT_EQ(get("/v1/rooms/room").at("locked"), true);
    rooms->carry_out(now, socket(1), {2, native::Leave{}}, out);
    EXPECT_EQ(get("/v1/rooms/room").at("locked"), false);
    EXPECT_EQ(get("/v1/rooms/room").at("lobby"), true);
}

TEST_F(ApiTest, AWishThatIsNotUnderstoodChangesNothing) {
    for (const char* body :
         {"[]", "{", "null", R"({"lock":true})", R"({"locked":1})", R"({"locked":null})",
          R"({"capacity":"4"})", R"({"capacity":1})", R"({"capacity":9})", R"({"capacity":2.5})",
          R"({"capacity":18446744073709551615})", R"({"empty_timeout":0})",
          R"({"empty_timeout":86401})", R"({"locked":true,"capacity":9})", "{} {}", "\xff"}) {
        const auto response = call("PUT", "/v1/rooms/room", body);
        EXPECT_EQ(response.status, 400u) << body;
        EXPECT_EQ(code(response), "bad-request") << body;
    }
    EXPECT_EQ(put("a%20b"), 400u);
    EXPECT_EQ(put(std::string(257, 'a')), 400u);
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ApiTest, ADeletedRoomIsClosedForAll) {
    put("room");
    enter(1);
    enter(2, "Bob");
    out.clear();
    EXPECT_EQ(drop("room"), 204u);
    EXPECT_THAT(told(1), ElementsAre("bye closed", "close"));
    EXPECT_THAT(told(2), ElementsAre("bye closed", "close"));
    EXPECT_THAT(diary.lines, Contains("room closed, closed"));
    EXPECT_EQ(drop("room"), 404u);
    EXPECT_EQ(rooms->stats().rooms, 0u);
    EXPECT_EQ(rooms->next_deadline(), Instant::max());
}

TEST_F(ApiTest, ADeletedRoomSaysByeToClientsOfAppRtc) {
    connect(1, join().client_id);
    connect(2, join().client_id);
    out.clear();
    EXPECT_EQ(drop("room"), 204u);
    EXPECT_THAT(delivered(), ElementsAre(to(2, bye), close(2), to(1, bye), close(1)));
}

TEST_F(ApiTest, ADeletedLobbyIsClosed) {
    put("room", R"({"lobby":true})");
    enter(1);
    enter(2, "Bob");
    out.clear();
    drop("room");
    EXPECT_THAT(told(2), ElementsAre("error lobby-closed", "close"));
}

TEST_F(ApiTest, ARemovedParticipantHearsItAndSoDoTheOthers) {
    enter(1);
    enter(2, "Bob");
    const auto bob = std::to_string(number_of(1));
    out.clear();
    EXPECT_EQ(drop("room/participants/" + bob), 204u);
    EXPECT_THAT(told(2), ElementsAre("bye removed", "close"));
    EXPECT_THAT(told(1), ElementsAre("left removed"));
    EXPECT_EQ(code(call("DELETE", "/v1/rooms/room/participants/" + bob)), "unknown-participant");
    EXPECT_EQ(code(call("DELETE", "/v1/rooms/nowhere/participants/1")), "unknown-room");
}

TEST_F(ApiTest, ARemovedClientOfAppRtcIsMissedByTheOther) {
    connect(1, join().client_id);
    connect(2, join().client_id);
    out.clear();
    EXPECT_EQ(drop("room/participants/" + std::to_string(number_of(1))), 204u);
    EXPECT_THAT(delivered(), ElementsAre(to(1, bye), close(2)));
}

TEST_F(ApiTest, TheListComesInPages) {
    for (const char* room : {"c", "a", "e", "b", "d"}) put(room);
    EXPECT_THAT(names(), ElementsAre("a", "b", "c", "d", "e"));
    const auto first = get("/v1/rooms?limit=2");
    EXPECT_EQ(first.at("rooms").as_array().size(), 2u);
    EXPECT_EQ(first.at("next"), "b");
    EXPECT_THAT(names("?limit=2&after=b"), ElementsAre("c", "d"));
    const auto last = get("/v1/rooms?after=d");
    EXPECT_FALSE(last.contains("next"));
    for (const char* limit : {"0", "1001", "-1", "x", ""}) {
        EXPECT_EQ(call("GET", std::string("/v1/rooms?limit=") + limit).status, 400u) << limit;
    }
}

TEST_F(ApiTest, APageIsTheFirstOfWhatAllShardsHave) {
    const Page page{.limit = 2};
    const auto response = listed({{"c", "{}"}, {"d", "{}"}, {"a", R"({"room":"a"})"}}, page);
    EXPECT_EQ(response.body, R"({"rooms":[{"room":"a"},{}],"next":"c"})");
    EXPECT_EQ(listed({}, page).body, R"({"rooms":[]})");
}

TEST_F(ApiTest, ARoomOfWhomOnlyMemoriesAreLeftIsNotShown) {
    leave(join().client_id);
    EXPECT_EQ(rooms->stats().rooms, 1u);
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(put("room"), 201u);
}

class ApiInASmallWorld : public ApiTest {
  protected:
    ApiInASmallWorld() : ApiTest({.max_rooms = 2}) {}
};

TEST_F(ApiInASmallWorld, ThereAreNoMoreRoomsThanThereMayBe) {
    EXPECT_EQ(put("a"), 201u);
    EXPECT_EQ(put("b"), 201u);
    const auto response = call("PUT", "/v1/rooms/c");
    EXPECT_EQ(response.status, 503u);
    EXPECT_EQ(code(response), "too-many-rooms");
}

TEST_F(ApiInASmallWorld, ARoomThatWasMadeGivesWayToNobody) {
    put("a", R"({"empty_timeout":3600})");
    put("b", R"({"empty_timeout":3600})");
    pass(60s);
    EXPECT_FALSE(rooms->join(now, "c", Rooms::Mode::call, out));
    EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(ApiTest, ADrainingServerMakesNoRoom) {
    rooms->drain();
    EXPECT_EQ(code(call("PUT", "/v1/rooms/room")), "draining");
}

class ApiTokenTest : public ApiTest {
  protected:
    ApiTokenTest() {
        now.wall = WallTime{1'800'000'000s};
        tokens = &keys;
    }
    HttpResponse ask(std::string body = "", std::string room = "daily") {
        return call("POST", "/v1/rooms/" + std::move(room) + "/tokens", std::move(body));
    }
    Claims claims(const HttpResponse& response) {
        EXPECT_EQ(response.status, 201u) << response.body;
        const auto made = json::parse(response.body).as_object();
        const auto read = keys.verify(std::string(made.at("token").as_string()), now.wall);
        EXPECT_TRUE(read);
        return read.value_or(Claims{});
    }

    const JoinTokens keys{TokenKeys{{"main", HmacKey{std::string(32, 's')}}}};
};

TEST_F(ApiTokenTest, ATokenIsForItsRoomAlone) {
    const Claims made = claims(ask(R"({"name":"Alice","role":"host","sub":"7","expires_in":60})"));
    EXPECT_TRUE(made.allows("daily"));
    EXPECT_FALSE(made.allows("weekly"));
    EXPECT_EQ(made.name, "Alice");
    EXPECT_EQ(made.role, Role::host);
    EXPECT_EQ(made.subject, "7");
    EXPECT_EQ(made.expires_at, now.wall + 60s);
}

TEST_F(ApiTokenTest, AnHourAndNoMoreIsSaidOfItself) {
    const Claims made = claims(ask());
    EXPECT_EQ(made.expires_at, now.wall + 1h);
    EXPECT_EQ(made.name, "");
    EXPECT_EQ(made.role, std::nullopt);
}

TEST_F(ApiTokenTest, WhatIsNotUnderstoodIsRefused) {
    for (const char* body : {"[]", "{", R"({"names":"x"})", R"({"name":7})", R"({"role":"king"})",
                             R"({"expires_in":0})", R"({"expires_in":2592001})",
                             R"({"expires_in":"1h"})", R"({"kid":"other"})"}) {
        const auto response = ask(body);
        EXPECT_EQ(response.status, 400u) << body;
        EXPECT_EQ(code(response), "bad-request");
    }
    EXPECT_EQ(ask("{\"name\":\"" + std::string(65, 'n') + "\"}").status, 400u);
    EXPECT_EQ(ask("", "*").status, 400u);
}

TEST_F(ApiTokenTest, WhereRoomsAreOpenThereAreNone) {
    tokens = nullptr;
    const auto response = ask();
    EXPECT_EQ(response.status, 409u);
    EXPECT_EQ(code(response), "rooms-are-open");
}

}  // namespace
}  // namespace ahoy::room::api
