#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "async/executor.h"

namespace kpp::async {

struct IoExecutor::State {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{
      context.get_executor()};
  boost::asio::steady_timer timer{context};
  TimePoint armed_for = TimePoint::max();
  TimerQueue timers;
};

IoExecutor::IoExecutor() : state_(std::make_unique<State>()) {}
IoExecutor::~IoExecutor() = default;

TimePoint IoExecutor::steady() const { return std::chrono::steady_clock::now(); }
WallTime IoExecutor::wall() const { return std::chrono::system_clock::now(); }

void IoExecutor::post(Work work) { boost::asio::post(state_->context, std::move(work)); }

TimerId IoExecutor::call_at(TimePoint when, Work work) {
  const TimerId id = state_->timers.add(when, std::move(work));
  if (when < state_->armed_for) arm();
  return id;
}

void IoExecutor::cancel(TimerId id) { state_->timers.cancel(id); }

void IoExecutor::arm() {
  if (state_->timers.empty()) {
    state_->armed_for = TimePoint::max();
    return;
  }
  state_->armed_for = state_->timers.earliest();
  state_->timer.expires_at(state_->armed_for);
  state_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // armed anew for an earlier time
    Work due;
    state_->armed_for = TimePoint::max();
    const TimePoint now = steady();
    while (state_->timers.take_due(now, due)) due();
    if (state_->armed_for == TimePoint::max()) arm();
  });
}

void IoExecutor::run() { state_->context.run(); }
void IoExecutor::stop() { state_->context.stop(); }
boost::asio::io_context& IoExecutor::context() { return state_->context; }

}  // namespace kpp::async
