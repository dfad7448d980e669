#include "controllers/controller.h"

namespace kpp::controllers {

Controller::Controller(ControllerContext context, std::string name, std::string event_source,
                       int workers)
    : context_(std::move(context)),
      name_(std::move(name)),
      workers_(workers),
      log_(context_.log.named(name_)),
      queue_(context_.executor),
      events_(context_.executor, context_.client, log_, std::move(event_source)),
      scope_(context_.executor) {}

void Controller::start() {
  events_.start();
  scope_.spawn(run(scope_.stop_token()));
}

async::Task<void> Controller::stop() {
  scope_.request_stop();
  queue_.close();
  co_await scope_.join();
  co_await events_.stop();
}

async::Task<void> Controller::run(async::StopToken stop) {
  for (auto* informer : needed_) {
    const bool synced = co_await informer->wait_synced(stop);
    if (!synced) co_return;
  }
  for (int i = 0; i < workers_; ++i) scope_.spawn(work(stop));
  co_await run_beside(stop);
}

async::Task<void> Controller::run_beside(async::StopToken) { co_return; }

async::Task<void> Controller::work(async::StopToken stop) {
  while (!stop.stop_requested()) {
    auto key = co_await queue_.next(stop);
    if (!key) co_return;
    const Status status = co_await reconcile(*key, stop);
    if (status.ok()) {
      queue_.forget(*key);
    } else {
      // An informer that lags shows as a conflict, or as an object that exists already: the next
      // time sees it.
      if (status.is(Reason::kConflict) || status.is(Reason::kAlreadyExists) ||
          status.is(Reason::kCanceled)) {
        log_.debug(2, "Reconciliation comes again",
                   {kv("key", *key), kv("err", status.to_string())});
      } else {
        log_.warning("Reconciliation failed", {kv("key", *key), kv("err", status.to_string())});
      }
      queue_.add_rate_limited(*key);
    }
    queue_.done(*key);
  }
}

}  // namespace kpp::controllers
