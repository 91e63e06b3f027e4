// Instead of kernel_relay.cc where the program for the kernel could not be built.
#include "fastpath/kernel_relay.h"
#include "net/start_error.h"

namespace ahoy::fastpath {

struct KernelRelay::Loaded {};

KernelRelay::KernelRelay(std::vector<Interface>, uint32_t capacity) : capacity_(capacity) {}
KernelRelay::~KernelRelay() = default;

std::unique_ptr<KernelRelay> KernelRelay::attach(std::vector<Interface>, uint32_t, Hook) {
    throw net::StartError("built without clang or libbpf, which it takes");
}

// There is none, so nobody can call these.
bool KernelRelay::is_attached_to(unsigned) const {
    return false;
}
int KernelRelay::program() const {
    return -1;
}
void KernelRelay::keep_alive(Instant) {}
bool KernelRelay::put(const ahoy_flow&, const ahoy_path&) {
    return false;
}
void KernelRelay::remove(const ahoy_flow&) {}
turn::Traffic KernelRelay::traffic(uint32_t) const {
    return {};
}

}  // namespace ahoy::fastpath
