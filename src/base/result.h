// Result<T, E>: a value or the refusal that stands in its place.
#pragma once

#include <tl/expected.hpp>

namespace ahoy {

template <class T, class E>
using Result = tl::expected<T, E>;
using tl::unexpected;

}  // namespace ahoy
