#include "kubelet/pleg.h"

#include <functional>

#include "kubelet/runtime_view.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(1);

const std::string* uid_of(const std::map<std::string, std::string>& labels) {
  const auto it = labels.find(label::kPodUid);
  return it == labels.end() ? nullptr : &it->second;
}

// Order does not matter: each item adds its own hash.
void add(std::uint64_t& hash, const std::string& id, std::int32_t state) {
  hash += std::hash<std::string>()(id) * 31 +
          static_cast<std::uint64_t>(state + 1) * 0x9e3779b97f4a7c15ULL;
}

}  // namespace

Pleg::Pleg(async::Executor& executor, Runtime& runtime, Logger log, Changed changed, Listed listed)
    : executor_(executor),
      runtime_(runtime),
      log_(std::move(log)),
      changed_(std::move(changed)),
      listed_(std::move(listed)),
      scope_(executor) {}

void Pleg::start() { scope_.spawn(run()); }

async::Task<void> Pleg::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

async::Task<bool> Pleg::relist(async::StopToken stop) {
  auto sandboxes = co_await runtime_.list_sandboxes({}, stop);
  if (!sandboxes) co_return false;
  auto containers = co_await runtime_.list_containers({}, stop);
  if (!containers) co_return false;
  std::map<std::string, std::uint64_t> now;
  std::map<std::string, std::vector<std::string>> by_uid;
  for (const auto& sandbox : *sandboxes) {
    const std::string* uid = uid_of(sandbox.labels);
    if (uid == nullptr) continue;
    add(now[*uid], sandbox.id, sandbox.state);
    by_uid[*uid].push_back(sandbox.id);
  }
  for (const auto& container : *containers) {
    if (const std::string* uid = uid_of(container.labels))
      add(now[*uid], container.id, container.state);
  }
  std::vector<std::string> changed;
  for (const auto& [uid, hash] : now) {
    const auto it = seen_.find(uid);
    if (it == seen_.end() || it->second != hash) changed.push_back(uid);
  }
  for (const auto& [uid, hash] : seen_) {
    if (!now.contains(uid)) changed.push_back(uid);
  }
  seen_ = std::move(now);
  for (const auto& uid : changed) changed_(uid);
  listed_(by_uid);
  co_return true;
}

async::Task<void> Pleg::run() {
  const async::StopToken stop = scope_.stop_token();
  while (!stop.stop_requested()) {
    const bool good = co_await relist(stop);
    if (good != healthy_ && !stop.stop_requested()) {
      healthy_ = good;
      if (good) {
        log_.info("The container runtime answers again");
      } else {
        log_.error("The container runtime does not answer");
      }
    }
    co_await async::sleep_for(executor_, kPeriod, stop);
  }
}

}  // namespace kpp::kubelet
