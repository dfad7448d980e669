// DNS over UDP and TCP (RFC 1035 section 4.2, RFC 7766).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"

namespace kpp::dns {

// Makes answers of questions.
class Responder {
 public:
  virtual ~Responder() = default;
  // The answer, if it is known without waiting; "" for what deserves none. nullopt: use
  // answer_later().
  virtual std::optional<std::string> answer_now(std::string_view message, bool tcp) = 0;
  virtual async::Task<std::string> answer_later(std::string message, bool tcp,
                                                async::StopToken stop) = 0;
};

struct ListenerOptions {
  int max_connections = 1000;  // TCP; more are closed at once
  int max_waiting = 10'000;    // questions at answer_later(); more get no answer
  Duration idle_timeout =
      std::chrono::seconds(10);  // TCP: from one question to the end of the next
};

// Serves a Responder on any number of addresses, on UDP and TCP.
//
// Guarantees: questions that need no waiting are answered in the order they came, some dozens with
// one system call. An answer
//   leaves from the address that was asked.
// Ownership: executor and responder outlive it.
// Runs on: the executor.
// Stop: stop() ends everything, answers at hand too.
class Listeners {
 public:
  Listeners(async::IoExecutor& executor, Responder& responder, ListenerOptions options);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Port 0 for a free one, the same for UDP and TCP. Gives the port.
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
  async::Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kpp::dns
