#include "sim/trace.h"

#include <cstring>

namespace ahoy::sim {

void Trace::add(Bytes bytes) {
    add(bytes.size());
    uint64_t word = 0;
    while (!bytes.empty()) {
        const size_t size = std::min(bytes.size(), sizeof word);
        word = 0;
        std::memcpy(&word, bytes.data(), size);
        add(word);
        bytes = bytes.subspan(size);
    }
}

void Trace::print(Instant now, const std::string& words) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    std::printf("%10.3f  %s\n", static_cast<double>(ms.count()) / 1000, words.c_str());
}

std::string_view label(Mark mark) {
    static constexpr std::string_view labels[] = {
        "an allocation is made",
        "an allocation has two families",
        "one of two families cannot be had",
        "an Allocate request is retransmitted",
        "a port is reserved",
        "a reservation is used",
        "an allocation is refreshed",
        "an allocation is deleted",
        "an allocation expires",
        "an expired permission is used",
        "an expired channel is used",
        "300",
        "400",
        "401",
        "403",
        "405",
        "420",
        "437",
        "438",
        "440",
        "441",
        "442",
        "443",
        "446",
        "447",
        "486",
        "508",
        "more permissions, channels or connections than a quota has room for",
        "a nonce is stale",
        "a nonce is another client's",
        "a relay port cannot be bound",
        "a NAT rebinds",
        "a server restarts",
        "a server reloads",
        "an allocation is revoked",
        "a new allocation is refused while draining",
        "an allocation is revoked on its way",
        "an allocation moves",
        "an allocation moves to another shard",
        "a move is repeated",
        "a move overtakes another",
        "an old ticket is shown",
        "something waits for an allocation",
        "an allocation is lost on its way",
        "a mobile client's stream is closed",
        "an allocation arrives where the client has left",
        "a message comes in pieces",
        "several messages come at once",
        "a stream breaks",
        "a TCP allocation is made",
        "a client connects to a peer",
        "a peer is denied while it is connected to",
        "a connection is ended by a new policy",
        "a peer connects",
        "a peer is not let in",
        "a connection is joined",
        "a joined connection is bound again",
        "a client speaks before it knows that it has joined",
        "a connection is bound by another user",
        "a connection is never joined",
        "a joined connection ends with its allocation",
        "half of a connection is closed",
        "both ends of a connection have heard all",
        "connect() fails",
        "accept() fails",
        "a connection cannot be kept",
        "a client reads slowly",
        "a datagram cannot be sent",
        "a relay reaches a relay",
        "ChannelData is relayed",
        "a Send indication is relayed",
        "the kernel relays",
        "the kernel passes data of a channel up",
        "a peer without permission",
        "a denied peer",
        "a request too small to be answered",
        "a spoofed source",
        "a client exchanges data at last",
        "somebody joins",
        "a room is full",
        "a join's answer is lost",
        "a join hands messages out",
        "handed messages return",
        "a client registers",
        "a client registers again",
        "a register is refused",
        "a duplicate register",
        "a queued message is delivered",
        "a queue is full",
        "a message is too large",
        "a socket is lost",
        "a lost socket's seat expires",
        "a seat expires that never registered",
        "a peer is told bye",
        "a room expires idle",
        "a room's name is used again",
        "bye after leave",
        "a loopback call",
        "an invented id",
        "a POST opens a room",
        "too many rooms",
        "a room gave way",
        "a slow socket",
        "a call is set up",
        "a rooms server restarts",
        "a request comes twice",
        "the wall clock jumps",
        "a participant enters",
        "a participant enters beside a client of AppRTC",
        "a participant is turned away",
        "a resume token is refused",
        "a participant knocks",
        "a participant is admitted",
        "a participant is denied",
        "a participant resumes",
        "a resumed seat still had a socket",
        "a hello comes after a later one's",
        "a participant is restored",
        "an event is replayed",
        "an event is missed",
        "a request comes again",
        "a participant's request is refused",
        "somebody becomes host because the host left",
        "a host removes somebody",
        "a host closes the room",
        "a client of AppRTC is told that a participant left",
        "a call of participants is set up",
        "a call of a participant with a client of AppRTC is set up",
    };
    static_assert(std::size(labels) == static_cast<size_t>(Mark::count));
    return labels[static_cast<size_t>(mark)];
}

}  // namespace ahoy::sim
