#include "async/scope.h"

namespace kpp::async {

struct Scope::Detached {
  struct promise_type {
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Scope::~Scope() {
  KPP_CHECK(running_ == 0, "a scope was destroyed with ", running_, " tasks running");
}

Scope::Detached Scope::run(Scope* scope, Task<void> task) {
  {
    Task<void> own = std::move(task);
    co_await std::move(own);
  }  // the frame and what it holds are gone before the scope hears of it
  scope->finished();
}

void Scope::spawn(Task<void> task) {
  if (stop_.stop_requested()) return;
  ++running_;
  const auto handle = run(this, std::move(task)).handle;
  executor_.post([handle] { handle.resume(); });
}

void Scope::finished() {
  if (--running_ > 0) return;
  std::vector<std::coroutine_handle<>> joiners;
  joiners.swap(joiners_);
  for (const auto joiner : joiners) executor_.post([joiner] { joiner.resume(); });
}

Task<void> Scope::join() {
  struct Awaiter {
    Scope& scope;
    bool await_ready() const { return scope.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) { scope.joiners_.push_back(waiting); }
    void await_resume() const {}
  };
  while (running_ > 0) co_await Awaiter{*this};
}

}  // namespace kpp::async
