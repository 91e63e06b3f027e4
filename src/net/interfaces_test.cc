#include "net/interfaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_address.h"

namespace ahoy::net {
namespace {

using testing::ElementsAre;

Interface interface(std::string name, std::string_view ip, bool is_default = false) {
    return {std::move(name), *IpAddress::parse(ip), is_default};
}

TEST(Interfaces, TheDefaultRouteWinsOverContainerBridgesAndLoopback) {
    EXPECT_THAT(default_relay_addresses(
                    {interface("lo", "127.0.0.1"), interface("lo", "::1"),
                     interface("docker0", "172.17.0.1"), interface("eth0", "192.0.2.2", true),
                     interface("eth0", "fe80::1"), interface("eth0", "2001:db8::2", true)}),
                ElementsAre(ip("192.0.2.2"), ip("2001:db8::2")));
}

TEST(Interfaces, WithoutADefaultRouteTheFirstOrdinaryAddress) {
    EXPECT_THAT(
        default_relay_addresses({interface("lo", "127.0.0.1"), interface("br-1a2b", "172.18.0.1"),
                                 interface("eth1", "192.0.2.9")}),
        ElementsAre(ip("192.0.2.9")));
}

TEST(Interfaces, LoopbackOnlyIfThereIsNothingElse) {
    EXPECT_THAT(default_relay_addresses({interface("lo", "127.0.0.1"), interface("lo", "::1")}),
                ElementsAre(ip("127.0.0.1"), ip("::1")));
    EXPECT_THAT(default_relay_addresses({interface("lo", "127.0.0.1"), interface("lo", "::1"),
                                         interface("eth0", "192.0.2.2", true)}),
                ElementsAre(ip("192.0.2.2")));
}

TEST(Interfaces, ThisMachineHasSome) {
    EXPECT_FALSE(list_interfaces().empty());
}

}  // namespace
}  // namespace ahoy::net
