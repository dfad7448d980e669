#include "controllers/pod_batch.h"

#include <algorithm>

#include "async/wait.h"

namespace kpp::controllers {
namespace {

bool about_terminating_namespace(const Status& status) {
  const auto& causes = status.details().causes;
  return std::any_of(causes.begin(), causes.end(),
                     [](const auto& c) { return c.type == "NamespaceTerminating"; });
}

}  // namespace

async::Task<Status> PodBatch::run(std::vector<corev1::Pod> to_create, std::vector<PodRef> to_delete,
                                  async::StopToken stop) {
  if (to_create.empty() && to_delete.empty()) co_return Status();
  std::set<std::string> uids;
  for (const auto& pod : to_delete) uids.insert(pod->metadata.uid);
  deps_.expectations.expect(key_, static_cast<int>(to_create.size()), std::move(uids));
  co_await create_in_batches(std::move(to_create), stop);
  std::vector<async::Task<void>> tasks;
  for (const auto& pod : to_delete) tasks.push_back(delete_one(pod, stop));
  co_await async::all(deps_.executor, std::move(tasks));
  co_return first_error_;
}

async::Task<void> PodBatch::create_in_batches(std::vector<corev1::Pod> pods,
                                              async::StopToken stop) {
  std::size_t done = 0;
  for (std::size_t batch = 1; done < pods.size() && !creation_failed_; batch *= 2) {
    const std::size_t end = std::min(done + batch, pods.size());
    std::vector<async::Task<void>> tasks;
    for (; done < end; ++done) tasks.push_back(create_one(std::move(pods[done]), stop));
    co_await async::all(deps_.executor, std::move(tasks));
  }
  for (; done < pods.size(); ++done) deps_.expectations.creation_seen(key_);
}

async::Task<void> PodBatch::create_one(corev1::Pod pod, async::StopToken stop) {
  Status status = co_await deps_.pods.create(std::move(pod), owner_, stop);
  if (status.ok()) {
    ++created_;
    co_return;
  }
  creation_failed_ = true;
  deps_.expectations.creation_seen(key_);
  if (!about_terminating_namespace(status)) note(std::move(status));
}

async::Task<void> PodBatch::delete_one(PodRef pod, async::StopToken stop) {
  Status status = co_await deps_.pods.remove(api::key_of(*pod), owner_, stop);
  if (status.ok() || status.is(Reason::kNotFound)) deleted_.push_back(pod);
  if (status.ok()) co_return;
  deps_.expectations.deletion_seen(key_, pod->metadata.uid);
  if (!status.is(Reason::kNotFound)) note(std::move(status));
}

void PodBatch::note(Status status) {
  if (first_error_.ok()) first_error_ = std::move(status);
}

}  // namespace kpp::controllers
