#include <condition_variable>
#include <deque>
#include <thread>

#include "async/executor.h"

namespace kpp::async {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Work> queue;            // guarded by mutex
  std::vector<std::thread> threads;  // guarded by mutex
  int limit = 1;
  int idle = 0;           // guarded by mutex
  bool stopping = false;  // guarded by mutex

  void loop() {
    std::unique_lock lock(mutex);
    while (true) {
      ++idle;
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      --idle;
      if (queue.empty()) return;
      Work work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) { state_->limit = threads; }

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

void ThreadPool::post(Work work) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  if (static_cast<int>(state_->queue.size()) > state_->idle &&
      static_cast<int>(state_->threads.size()) < state_->limit) {
    state_->threads.emplace_back([state = state_.get()] { state->loop(); });
  }
  state_->changed.notify_one();
}

}  // namespace kpp::async
