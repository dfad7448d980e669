#include "store/compactor.h"

#include "async/wait.h"

namespace kpp::store {

async::Task<void> Compactor::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

async::Task<Status> Compactor::compact(Revision revision, async::StopToken stop) {
  const auto ours = co_await store_.claim_compaction(revision, stop);
  if (!ours) co_return ours.error();
  if (!*ours) co_return Status();
  co_return co_await store_.compact(revision, stop);
}

async::Task<void> Compactor::run() {
  const async::StopToken stop = scope_.stop_token();
  Revision seen = 0;  // at the last tick
  while (true) {
    const bool slept = co_await async::sleep_for(executor_, interval_, stop);
    if (!slept) co_return;
    const Revision now = store_.revision();
    if (seen > store_.compacted_revision()) {
      const Status status = co_await compact(seen, stop);
      if (!status.ok() && !status.is(Reason::kCanceled)) {
        log_.warning("Compacting the store failed, will try again",
                     {kv("revision", seen), kv("err", status.message())});
      }
    }
    seen = now;
  }
}

}  // namespace kpp::store
