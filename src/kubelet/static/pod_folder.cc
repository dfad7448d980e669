#include "kubelet/static/pod_folder.h"

#include <sys/stat.h>

#include "base/fs.h"
#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(1);
constexpr std::size_t kLargestManifest = 10u << 20;

}  // namespace

PodFolder::PodFolder(async::Executor& executor, async::ThreadPool& pool, Logger log,
                     std::string path, std::string node_name, Changed changed)
    : executor_(executor),
      pool_(pool),
      log_(std::move(log)),
      path_(std::move(path)),
      node_name_(std::move(node_name)),
      changed_(std::move(changed)),
      scope_(executor) {}

void PodFolder::start() { scope_.spawn(run()); }

async::Task<void> PodFolder::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

PodFolder::Texts PodFolder::read(const std::string& path) {
  Texts out;
  const auto add = [&out](const std::string& name, const std::string& file) {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    if (auto text = fs::read_file(file, kLargestManifest)) out[name] = std::move(*text);
  };
  struct stat info{};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return out;
  if (!S_ISDIR(info.st_mode)) {
    add(path, path);
    return out;
  }
  const auto names = fs::list(path);
  if (!names) return out;
  for (const auto& name : *names) {
    if (!name.starts_with(".")) add(name, cat(path, "/", name));
  }
  return out;
}

void PodFolder::take(Texts texts) {
  std::erase_if(by_file_, [&](const auto& item) { return !texts.contains(item.first); });
  for (const auto& [name, text] : texts) {
    if (const auto before = seen_.find(name); before != seen_.end() && before->second == text)
      continue;
    auto pod = static_pod(text, name, node_name_, executor_.wall());
    if (pod) {
      by_file_[name] = std::make_shared<const corev1::Pod>(std::move(*pod));
    } else {
      log_.error("Could not process a manifest file",
                 {kv("path", cat(path_, "/", name)), kv("err", pod.error().message())});
    }
  }
  seen_ = std::move(texts);
  read_once_ = true;
  Pods pods;
  for (const auto& [name, pod] : by_file_) pods[pod->metadata.uid] = pod;
  changed_(pods);
}

async::Task<void> PodFolder::run() {
  const async::StopToken stop = scope_.stop_token();
  while (!stop.stop_requested()) {
    Texts texts = co_await async::offload(executor_, pool_, [path = path_] { return read(path); });
    if (stop.stop_requested()) co_return;
    if (!read_once_ || texts != seen_) take(std::move(texts));
    co_await async::sleep_for(executor_, kPeriod, stop);
  }
}

}  // namespace kpp::kubelet
