// The program in the kernel that relays (relay.bpf.c), its maps, and where it is attached.
//
// One for the whole process.  It goes with it: it is detached at the end, after a crash the kernel
// does that (TCX), and where only the older way is known (clsact, before Linux 6.6), what a crash
// left behind does nothing, because nobody says that its owner lives, and is replaced by the next
// one.  put() and remove() may be called from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "fastpath/kernel_paths.h"

namespace ahoy::fastpath {

struct Interface {
    std::string name;
    unsigned index = 0;
};

class KernelRelay final : public PathMaps {
  public:
    // How to attach; automatic takes the best that this kernel knows.
    enum class Hook : uint8_t { automatic, tcx, clsact };

    // Room for so many channels.  Throws net::StartError, saying why it cannot be had.
    static std::unique_ptr<KernelRelay> attach(std::vector<Interface>, uint32_t capacity,
                                               Hook = Hook::automatic);
    ~KernelRelay() override;
    KernelRelay(const KernelRelay&) = delete;
    KernelRelay& operator=(const KernelRelay&) = delete;

    uint32_t capacity() const { return capacity_; }
    Hook hook() const { return hook_; }
    const std::vector<Interface>& interfaces() const { return interfaces_; }
    bool is_attached_to(unsigned interface) const;

    // Relays until then, unless it is told again.
    void keep_alive(Instant until);

    bool put(const ahoy_flow&, const ahoy_path&) override;
    void remove(const ahoy_flow&) override;
    turn::Traffic traffic(uint32_t index) const override;
    int program() const;  // for tests

  private:
    struct Loaded;
    KernelRelay(std::vector<Interface>, uint32_t capacity);

    std::vector<Interface> interfaces_;
    uint32_t capacity_;
    Hook hook_ = Hook::automatic;
    std::unique_ptr<Loaded> loaded_;
};

}  // namespace ahoy::fastpath
