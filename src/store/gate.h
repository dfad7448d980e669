// Counting calls in flight, so that close() can wait for them.
#pragma once

#include "async/wait.h"

namespace kpp::store {

// Lets calls in until it is closed. Runs on: its executor only.
class Gate {
 public:
  // A call's stay inside; false if the gate was closed.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate.closed_ ? nullptr : &gate) {
      if (gate_ != nullptr) ++gate_->inside_;
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (gate_ != nullptr && --gate_->inside_ == 0 && gate_->closed_) gate_->empty_.set();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_;
  };

  explicit Gate(async::Executor& executor) : empty_(executor) {}
  bool closed() const { return closed_; }
  void close() {
    closed_ = true;
    if (inside_ == 0) empty_.set();
  }
  // Closed, and every call that was inside has left.
  async::Event& empty() { return empty_; }

 private:
  bool closed_ = false;
  int inside_ = 0;
  async::Event empty_;
};

}  // namespace kpp::store
