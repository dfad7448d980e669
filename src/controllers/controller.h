// What every controller is: informers feed keys into a queue, workers reconcile a key at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "client/event_recorder.h"
#include "client/work_queue.h"
#include "controllers/shared_informers.h"

namespace kpp::controllers {

// What controllers share. All of it must outlive them.
struct ControllerContext {
  async::Executor& executor;
  client::Client& client;
  SharedInformers& informers;
  Logger log;
};

// The skeleton; a controller gives its watches in the constructor and its work in reconcile().
//
// Guarantees: workers start once all watched informers have synced; a key is reconciled by one
// worker at a time; a
//   failed key comes again after a growing delay.
// Runs on: the context's executor.
// Stop: stop() waits for the reconciliations under way.
class Controller {
 public:
  virtual ~Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  const std::string& name() const { return name_; }
  // Before the informers are started.
  void start();
  async::Task<void> stop();

 protected:
  // `event_source`: the component that events name.
  Controller(ControllerContext context, std::string name, std::string event_source,
             int workers = 5);

  virtual async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) = 0;
  // Work beside the queue, after the informers have synced; ends with `stop`.
  virtual async::Task<void> run_beside(async::StopToken stop);

  // The shared informer of T, whose changes go to `handler` (both views typed; either may be null,
  // see InformerBase::Handler). Constructor only.
  template <class T>
  Lister<T> watch(
      std::function<void(const std::shared_ptr<const T>&, const std::shared_ptr<const T>&)>
          handler) {
    auto& informer = context_.informers.get(T::desc());
    informer.add_handler([handler = std::move(handler)](const auto& o, const auto& n) {
      handler(Lister<T>::typed(o), Lister<T>::typed(n));
    });
    wait_for(informer);
    return Lister<T>(informer);
  }
  // As watch(), of a part of the resource only.
  template <class T>
  Lister<T> watch_some(
      const std::string& namespace_, const client::ListQuery& selectors,
      std::function<void(const std::shared_ptr<const T>&, const std::shared_ptr<const T>&)>
          handler) {
    auto& informer = context_.informers.get_part(T::desc(), namespace_, selectors);
    informer.add_handler([handler = std::move(handler)](const auto& o, const auto& n) {
      handler(Lister<T>::typed(o), Lister<T>::typed(n));
    });
    wait_for(informer);
    return Lister<T>(informer);
  }
  // Only reads.
  template <class T>
  Lister<T> read() {
    auto& informer = context_.informers.get(T::desc());
    wait_for(informer);
    return Lister<T>(informer);
  }
  // Every change of a T puts its key into the queue.
  template <class T>
  Lister<T> watch_keys() {
    return watch<T>([this](const auto& o, const auto& n) { queue_.add(api::key_of(n ? *n : *o)); });
  }
  void wait_for(client::InformerBase& informer) { needed_.push_back(&informer); }

  async::Executor& executor() { return context_.executor; }
  client::Client& client() { return context_.client; }
  client::WorkQueue& queue() { return queue_; }
  client::EventRecorder& events() { return events_; }
  const Logger& log() const { return log_; }
  async::Scope& scope() { return scope_; }
  SharedInformers& informers() { return context_.informers; }
  WallTime now() const { return context_.executor.wall(); }

 private:
  async::Task<void> run(async::StopToken stop);
  async::Task<void> work(async::StopToken stop);

  ControllerContext context_;
  const std::string name_;
  const int workers_;
  Logger log_;
  client::WorkQueue queue_;
  client::EventRecorder events_;
  std::vector<client::InformerBase*> needed_;
  async::Scope scope_;
};

}  // namespace kpp::controllers
