#include "fastpath/kernel_relay.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "fastpath/relay_program.h"
#include "net/start_error.h"

namespace ahoy::fastpath {
namespace {

using net::StartError;

// Not yet in the headers of all systems that this is built on.
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);

// One filter of ours on an interface, which a later run finds again.
constexpr uint32_t tc_handle = 1, tc_priority = 0xa407;

StartError error_of(std::string_view what, int error) {
    std::string_view hint;
    if (error == EPERM || error == EACCES) {
        hint = ": it takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
    }
    if (error == EINVAL) hint = ": it takes Linux 5.10 or later";
    return StartError(fmt::format("{}: {}{}", what, std::strerror(error), hint));
}

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&&) = delete;
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

// A whole array of the kernel's, in our memory.
template <class Element>
class Mapped {
  public:
    Mapped() = default;
    Mapped(int fd, size_t count, int protection) : size_(rounded(count * sizeof(Element))) {
        void* const at = ::mmap(nullptr, size_, protection, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) throw error_of("mapping the counters", errno);
        elements_ = static_cast<Element*>(at);
    }
    Mapped(Mapped&& other) noexcept
        : elements_(std::exchange(other.elements_, nullptr)), size_(other.size_) {}
    Mapped& operator=(Mapped&& other) noexcept {
        std::swap(elements_, other.elements_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Mapped() {
        if (elements_ != nullptr) ::munmap(elements_, size_);
    }
    Element& operator[](size_t i) const { return elements_[i]; }

  private:
    static size_t rounded(size_t size) {
        const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
        return (size + page - 1) / page * page;
    }

    Element* elements_ = nullptr;
    size_t size_ = 0;
};

bpf_tc_hook tc_hook(unsigned interface) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(interface);
    hook.attach_point = BPF_TC_INGRESS;
    return hook;
}

bpf_tc_opts tc_options() {
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = tc_handle;
    options.priority = tc_priority;
    return options;
}

}  // namespace

struct KernelRelay::Loaded {
    ~Loaded() {
        links.clear();
        for (const unsigned interface : filtered) {
            const bpf_tc_hook hook = tc_hook(interface);
            const bpf_tc_opts options = tc_options();
            bpf_tc_detach(&hook, &options);
        }
        if (object != nullptr) bpf_object__close(object);
    }

    bpf_map* map(const char* name) const {
        bpf_map* const found = bpf_object__find_map_by_name(object, name);
        CHECK(found != nullptr);
        return found;
    }

    void load(uint32_t capacity);
    bool attach_tcx(const std::vector<Interface>&);
    void attach_clsact(const std::vector<Interface>&);

    bpf_object* object = nullptr;
    int program = -1;
    int paths = -1;
    Mapped<ahoy_traffic> traffic;
    Mapped<ahoy_owner> owner;
    std::vector<Fd> links;           // of TCX; with them it is detached
    std::vector<unsigned> filtered;  // interfaces with a filter of ours
};

void KernelRelay::Loaded::load(uint32_t capacity) {
    // What it would print, an errno tells as well.
    libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
    const auto bytes = relay_program();
    object = bpf_object__open_mem(bytes.data(), bytes.size(), nullptr);
    if (object == nullptr) throw error_of("reading the program for the kernel", errno);
    // Each channel is a path and counters for either direction.
    CHECK(bpf_map__set_max_entries(map("paths"), 2 * capacity) == 0);
    CHECK(bpf_map__set_max_entries(map("traffic"), 2 * capacity) == 0);
    if (const int error = bpf_object__load(object); error != 0) {
        throw error_of("loading the program into the kernel", -error);
    }
    bpf_program* const relay = bpf_object__find_program_by_name(object, "ahoy_relay");
    CHECK(relay != nullptr);
    program = bpf_program__fd(relay);
    paths = bpf_map__fd(map("paths"));
    traffic = {bpf_map__fd(map("traffic")), 2 * size_t{capacity}, PROT_READ};
    owner = {bpf_map__fd(map("owner")), 1, PROT_READ | PROT_WRITE};
}

// Not at all, if this kernel does not know it.
bool KernelRelay::Loaded::attach_tcx(const std::vector<Interface>& interfaces) {
    for (const Interface& interface : interfaces) {
        const int link =
            bpf_link_create(program, static_cast<int>(interface.index), tcx_ingress, nullptr);
        if (link == -EINVAL && links.empty()) return false;
        if (link < 0) throw error_of(fmt::format("attaching to {}", interface.name), -link);
        links.emplace_back(link);
    }
    return true;
}

void KernelRelay::Loaded::attach_clsact(const std::vector<Interface>& interfaces) {
    for (const Interface& interface : interfaces) {
        bpf_tc_hook hook = tc_hook(interface.index);
        const int made = bpf_tc_hook_create(&hook);
        bpf_tc_opts options = tc_options();
        options.prog_fd = program;
        options.flags = BPF_TC_F_REPLACE;  // what a former run has left behind
        const int error = made != 0 && made != -EEXIST ? made : bpf_tc_attach(&hook, &options);
        if (error != 0) throw error_of(fmt::format("attaching to {}", interface.name), -error);
        filtered.push_back(interface.index);
    }
}

KernelRelay::KernelRelay(std::vector<Interface> interfaces, uint32_t capacity)
    : interfaces_(std::move(interfaces)),
      capacity_(capacity),
      loaded_(std::make_unique<Loaded>()) {}

KernelRelay::~KernelRelay() = default;

std::unique_ptr<KernelRelay> KernelRelay::attach(std::vector<Interface> interfaces,
                                                 uint32_t capacity, Hook hook) {
    std::unique_ptr<KernelRelay> relay(new KernelRelay(std::move(interfaces), capacity));
    Loaded& loaded = *relay->loaded_;
    loaded.load(capacity);
    if (hook != Hook::clsact && loaded.attach_tcx(relay->interfaces_)) {
        relay->hook_ = Hook::tcx;
    } else if (hook == Hook::tcx) {
        throw StartError("this kernel has no TCX");
    } else {
        loaded.attach_clsact(relay->interfaces_);
        relay->hook_ = Hook::clsact;
    }
    return relay;
}

int KernelRelay::program() const {
    return loaded_->program;
}

bool KernelRelay::is_attached_to(unsigned interface) const {
    return std::ranges::find(interfaces_, interface, &Interface::index) != interfaces_.end();
}

void KernelRelay::keep_alive(Instant until) {
    __atomic_store_n(&loaded_->owner[0].alive_until,
                     static_cast<uint64_t>(until.time_since_epoch().count()), __ATOMIC_RELAXED);
}

bool KernelRelay::put(const ahoy_flow& flow, const ahoy_path& path) {
    return bpf_map_update_elem(loaded_->paths, &flow, &path, BPF_ANY) == 0;
}

void KernelRelay::remove(const ahoy_flow& flow) {
    bpf_map_delete_elem(loaded_->paths, &flow);
}

turn::Traffic KernelRelay::traffic(uint32_t index) const {
    const ahoy_traffic& counters = loaded_->traffic[index];
    return {__atomic_load_n(&counters.packets, __ATOMIC_RELAXED),
            __atomic_load_n(&counters.bytes, __ATOMIC_RELAXED)};
}

}  // namespace ahoy::fastpath
