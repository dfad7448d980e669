// When an answer is over: at once, or when its stream or its upgraded connection ends.
#pragma once

#include <functional>

#include "net/http.h"

namespace kpp::apiserver {

// Guarantees: `call` is called once: now if the answer is whole, else when what goes on has ended
// or
//   is given up.
// Runs on: the server's executor.
void when_over(net::Response& response, std::move_only_function<void()> call);

}  // namespace kpp::apiserver
