#include "kubelet/resize/allocations.h"

#include "api/json_codec.h"
#include "base/fs.h"
#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

json::Value to_value(const Allocations::Resources& resources) {
  json::Object out;
  for (const auto& [name, amount] : resources) out[name] = api::to_document(amount);
  return out;
}

Allocations::Resources from_value(const json::Object& pod, std::string_view which) {
  Allocations::Resources out;
  const auto* list = pod.if_contains(which);
  if (list == nullptr || !list->is_object()) return out;
  for (const auto& member : list->get_object()) {
    corev1::ResourceRequirements amount;
    if (!api::from_json(member.value(), corev1::ResourceRequirements::desc(), &amount).ok())
      continue;
    out[std::string(member.key())] = std::move(amount);
  }
  return out;
}

bool same_amount(const ResourceList& a, const ResourceList& b, const std::string& resource) {
  return resource == "cpu" ? milli_of(a, resource) == milli_of(b, resource)
                           : value_of(a, resource) == value_of(b, resource);
}

}  // namespace

Allocations::Allocations(async::Executor& executor, async::ThreadPool& pool, Logger log,
                         std::string file)
    : executor_(executor),
      pool_(pool),
      log_(std::move(log)),
      file_(std::move(file)),
      wake_(executor),
      scope_(executor) {}

void Allocations::load() {
  const auto text = fs::read_file(file_);
  if (!text) return;
  const auto document = json::parse(*text);
  if (!document || !document->is_object()) {
    log_.error("The file of allocated resources cannot be read", {kv("path", file_)});
    return;
  }
  for (const auto& member : document->get_object()) {
    if (!member.value().is_object()) continue;
    const auto& pod = member.value().get_object();
    pods_[std::string(member.key())] = {from_value(pod, "allocated"), from_value(pod, "actuated")};
  }
}

std::string Allocations::encode() const {
  json::Object out;
  for (const auto& [uid, pod] : pods_) {
    out[uid] =
        json::Object{{"allocated", to_value(pod.allocated)}, {"actuated", to_value(pod.actuated)}};
  }
  return json::write(out);
}

void Allocations::start() { scope_.spawn(run()); }

async::Task<void> Allocations::stop() {
  scope_.request_stop();
  co_await scope_.join();
  if (dirty_) co_await write();
}

async::Task<void> Allocations::write() {
  dirty_ = false;
  const Status done =
      co_await async::offload(executor_, pool_, [path = file_, text = encode()]() -> Status {
        return fs::write_file_atomic(path, text, 0600);
      });
  if (!done.ok())
    log_.error("Failed to write the file of allocated resources", {kv("err", done.to_string())});
}

async::Task<void> Allocations::run() {
  const async::StopToken stop = scope_.stop_token();
  while (!stop.stop_requested()) {
    const bool woken = co_await wake_.wait(stop);
    if (!woken) co_return;
    wake_.reset();
    if (dirty_) co_await write();
  }
}

void Allocations::change() {
  dirty_ = true;
  wake_.set();
}

const Allocations::Resources* Allocations::allocated(const std::string& uid) const {
  const auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : &it->second.allocated;
}

const corev1::ResourceRequirements* Allocations::actuated(const std::string& uid,
                                                          const std::string& container) const {
  const auto pod = pods_.find(uid);
  if (pod == pods_.end()) return nullptr;
  const auto it = pod->second.actuated.find(container);
  return it == pod->second.actuated.end() ? nullptr : &it->second;
}

void Allocations::allocate(const std::string& uid, Resources resources) {
  pods_[uid].allocated = std::move(resources);
  change();
}

void Allocations::actuate(const std::string& uid, const std::string& container,
                          corev1::ResourceRequirements resources) {
  pods_[uid].actuated[container] = std::move(resources);
  change();
}

void Allocations::forget(const std::string& uid) {
  if (pods_.erase(uid) > 0) change();
}

Allocations::Resources resources_of(const corev1::Pod& pod) {
  Allocations::Resources out;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) out[c.name] = c.resources;
  }
  return out;
}

corev1::Pod with_resources(const corev1::Pod& pod, const Allocations::Resources& resources) {
  corev1::Pod out = pod;
  for (auto* list : {&out.spec.init_containers, &out.spec.containers}) {
    for (auto& c : *list) {
      if (const auto it = resources.find(c.name); it != resources.end()) c.resources = it->second;
    }
  }
  return out;
}

bool same_compute(const corev1::ResourceRequirements& a, const corev1::ResourceRequirements& b) {
  for (const std::string resource : {"cpu", "memory"}) {
    if (!same_amount(a.requests, b.requests, resource)) return false;
    if (!same_amount(a.limits, b.limits, resource)) return false;
  }
  return true;
}

}  // namespace kpp::kubelet
