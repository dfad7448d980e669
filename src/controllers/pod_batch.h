// Makes and deletes many pods of one owner, with what is expected to come back by the watch.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "controllers/expectations.h"
#include "controllers/pod_control.h"

namespace kpp::controllers {

using PodRef = std::shared_ptr<const corev1::Pod>;

// Guarantees: creations go in batches of 1, 2, 4, ... and end with the first batch that fails: what
//   fails for one pod would mostly fail for all. What was not done is not expected.
// Ownership: all of Deps must outlive it.
// Runs on: the executor.
class PodBatch {
 public:
  struct Deps {
    async::Executor& executor;
    PodControl& pods;
    Expectations& expectations;
  };
  PodBatch(Deps deps, PodOwner owner)
      : deps_(deps), owner_(std::move(owner)), key_(api::key_of(owner_.meta)) {}

  // Deletes and creates; the first error that is worth telling (a pod that is gone is none, nor is
  // a namespace that ends).
  async::Task<Status> run(std::vector<corev1::Pod> to_create, std::vector<PodRef> to_delete,
                          async::StopToken stop);
  // What run() has done. A pod that was gone already counts as deleted.
  int created() const { return created_; }
  const std::vector<PodRef>& deleted() const { return deleted_; }

 private:
  async::Task<void> create_in_batches(std::vector<corev1::Pod> pods, async::StopToken stop);
  async::Task<void> create_one(corev1::Pod pod, async::StopToken stop);
  async::Task<void> delete_one(PodRef pod, async::StopToken stop);
  void note(Status status);

  Deps deps_;
  const PodOwner owner_;
  const api::ObjectKey key_;
  Status first_error_;
  int created_ = 0;
  std::vector<PodRef> deleted_;
  bool creation_failed_ = false;
};

}  // namespace kpp::controllers
