// A shard: one thread, one io_context, and everything that ever runs on it.
//
// What a shard owns is touched by its thread alone.  Others reach it by posting values:
// `co_await on_shard(shard, [&] { … })` runs the function there and comes back with its result; on
// the own shard it is a call.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/timeouts.h"

namespace ahoy::net {

class Shard {
  public:
    explicit Shard(unsigned index) : index_(index) {}
    ~Shard() { join(); }
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    unsigned index() const { return index_; }
    boost::asio::io_context& io() { return io_; }
    Timeouts& timeouts() { return timeouts_; }
    bool runs_here() { return io_.get_executor().running_in_this_thread(); }

    // Runs until release(), and then until there is nothing left to do.  `failed` is told, on this
    // thread, of an exception that nothing caught, which is a bug; the shard has then stopped.
    void start(std::optional<int> cpu, std::function<void(std::exception_ptr)> failed);
    // From now on nobody posts anything here.
    void release() { work_.reset(); }
    // Lets go of everything at once, for a stop that takes too long.
    void abandon() { io_.stop(); }
    void join() {
        if (thread_.joinable()) thread_.join();
    }
    // After join(), on the caller's thread; was there anything?
    bool run_what_is_left() {
        io_.restart();
        return io_.poll() > 0;
    }

  private:
    const unsigned index_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    Timeouts timeouts_{io_};
    std::thread thread_;
};

// The cores this process may use.
std::vector<int> usable_cpus();

template <class Function>
auto on_shard(Shard& shard, Function function)
    -> boost::asio::awaitable<std::invoke_result_t<Function>> {
    using Value = std::invoke_result_t<Function>;
    if (shard.runs_here()) co_return function();
    co_return co_await boost::asio::co_spawn(
        shard.io(), [&function]() -> boost::asio::awaitable<Value> { co_return function(); },
        boost::asio::use_awaitable);
}

}  // namespace ahoy::net
