// Asking work to stop. A StopToken is the last parameter of everything that waits.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace kpp::async {

namespace stop_detail {
struct State {
  bool requested = false;
  std::list<std::move_only_function<void()>> callbacks;
};
}  // namespace stop_detail

class StopCallback;

// Sees whether its source has been asked to stop. A default token never stops. Runs on: the
// source's executor.
class StopToken {
 public:
  StopToken() = default;
  bool stop_requested() const { return state_ && state_->requested; }

 private:
  friend class StopSource;
  friend class StopCallback;
  explicit StopToken(std::shared_ptr<stop_detail::State> state) : state_(std::move(state)) {}
  std::shared_ptr<stop_detail::State> state_;  // shared by source, tokens and callbacks
};

class StopSource {
 public:
  StopSource() : state_(std::make_shared<stop_detail::State>()) {}
  StopToken token() const { return StopToken(state_); }
  bool stop_requested() const { return state_->requested; }
  // Runs the callbacks, once; later calls do nothing.
  void request_stop() {
    if (state_->requested) return;
    state_->requested = true;
    const auto keep = state_;
    while (!keep->callbacks.empty()) {
      auto callback = std::move(keep->callbacks.front());
      keep->callbacks.pop_front();
      callback();
    }
  }

 private:
  std::shared_ptr<stop_detail::State> state_;
};

// Calls back when stop is requested, at once if it was already; taken back by its destructor.
class StopCallback {
 public:
  StopCallback(const StopToken& token, std::move_only_function<void()> callback)
      : state_(token.state_) {
    if (!state_) return;
    if (state_->requested) {
      callback();
      state_ = nullptr;
      return;
    }
    armed_ = std::make_shared<bool>(true);
    state_->callbacks.push_back([armed = armed_, callback = std::move(callback)]() mutable {
      if (*armed) {
        *armed = false;
        callback();
      }
    });
    position_ = std::prev(state_->callbacks.end());
  }
  StopCallback(const StopCallback&) = delete;
  StopCallback& operator=(const StopCallback&) = delete;
  ~StopCallback() {
    if (armed_ && *armed_) {
      *armed_ = false;
      if (!state_->requested) state_->callbacks.erase(position_);
    }
  }

 private:
  std::shared_ptr<stop_detail::State> state_;  // shared with the source
  std::shared_ptr<bool> armed_;                // shared with the callback
  std::list<std::move_only_function<void()>>::iterator position_;
};

}  // namespace kpp::async
