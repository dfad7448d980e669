// The scheduler's events, in the form of events.k8s.io/v1: equal ones become a series.
#pragma once

#include <map>
#include <string>

#include "api/eventsv1.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"
#include "scheduler/types.h"

namespace kpp::scheduler {

// Guarantees: record() never waits; events are written in order of record(), in the background; one
// that cannot be
//   written is dropped with a log line. An event that equals an earlier one makes that one a series
//   of two; further repetitions within the series are counted here and written with the next change
//   of the series.
// Runs on: its executor only.
class Events {
 public:
  Events(async::Executor& executor, client::Client& client, Logger log, std::string controller,
         std::string instance);

  void record(const corev1::Pod& pod, std::string_view type, std::string_view reason,
              std::string_view action, std::string note, const corev1::Pod* related = nullptr);
  void start();
  async::Task<void> stop();

 private:
  struct Known {
    std::string namespace_;
    std::string name;
    std::int32_t count = 1;
    TimePoint last;
  };
  struct Item {
    eventsv1::Event event;
    bool series = false;  // the event exists: its series is patched
  };
  async::Task<void> run(async::StopToken stop);
  void forget_old();

  async::Executor& executor_;
  client::Client& client_;
  Logger log_;
  const std::string controller_;
  const std::string instance_;
  std::map<std::string, Known> known_;
  std::int64_t last_nanos_ = 0;
  async::Channel<Item> queue_;
  async::Scope scope_;
};

}  // namespace kpp::scheduler
